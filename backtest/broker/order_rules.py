"""What prices do to an order: plain functions of numbers, which compiled code takes in as they are.

Types of orders are numbered as backtrader numbers them. Prices of a bar are given as open, high and low.
"""

from __future__ import annotations

MARKET, CLOSE, LIMIT, STOP, STOP_LIMIT, STOP_TRAIL, STOP_TRAIL_LIMIT = range(7)
STOPS = (STOP, STOP_LIMIT, STOP_TRAIL, STOP_TRAIL_LIMIT)
STOP_LIMITS = (STOP_LIMIT, STOP_TRAIL_LIMIT)
"""Stops that turn into limit orders when they trigger; the others turn into market orders."""
TRAILING = (STOP_TRAIL, STOP_TRAIL_LIMIT)

FIRST, AFTER, LAST = range(3)
"""When an order that closes a position trades within a bar that reaches the liquidation price: before the position is
closed by force, after it, or after it unless a stop comes before."""


def is_limit(kind: int, triggered: bool) -> bool:
    """Whether an order waits for its limit, rather than for its trigger or not at all."""
    return kind == LIMIT or (triggered and kind in STOP_LIMITS)


def would_trade(
    kind: int,
    triggered: bool,
    filled: bool,
    buy: bool,
    price: float,
    limit: float,
    first: float,
    high: float,
    low: float,
) -> bool:
    """Whether an order would trade or trigger within a bar; an order at the close never says so.

    Parameters
    ----------
    kind : int
        Type of the order.
    triggered, filled : bool
        Whether its stop has triggered, and whether a part of it is filled.
    buy : bool
        Its side.
    price, limit : float
        Limit or trigger, and the limit behind a trigger, which other types do without.
    first, high, low : float
        Of the bar.

    Examples
    --------
    >>> would_trade(LIMIT, False, False, True, 99.0, 0.0, 100.0, 101.0, 99.0)
    True
    >>> would_trade(STOP, False, False, True, 102.0, 0.0, 100.0, 101.0, 99.0)
    False
    """
    if kind == LIMIT or (triggered and kind in STOP_LIMITS):
        level = price if kind == LIMIT else limit
        return (level >= low or level >= first) if buy else (level <= high or level <= first)
    if kind not in STOPS:
        return kind == MARKET
    if filled and kind not in STOP_LIMITS:
        return True
    return (price <= high or price <= first) if buy else (price >= low or price >= first)


def trailed(buy: bool, level: float, close: float, distance: float, share: float) -> float:
    """Where a trailing stop lies after a close: nearer to it, never further.

    Parameters
    ----------
    buy : bool
        Its side.
    level, close : float
        Where it lay, and the close.
    distance, share : float
        How far it keeps from the close; as a share of the close where ``distance`` is 0.

    Examples
    --------
    >>> trailed(False, 95.0, 101.0, 5.0, 0.0), trailed(False, 96.0, 90.0, 5.0, 0.0)
    (96.0, 96.0)
    """
    reach = distance if distance != 0.0 else close * share if share != 0.0 else 0.0
    if buy:
        return close + reach if close + reach < level else level
    return close - reach if close - reach > level else level


def stops_before(kind: int, held: float, size: float, stop: float, forced: float) -> bool:
    """Whether an order is a stop that closes a position of ``held`` before the price reaches ``forced``."""
    if kind not in STOPS or size * held >= 0.0:
        return False
    return stop > forced if held > 0.0 else stop < forced


def beside_force(
    kind: int, triggered: bool, held: float, size: float, price: float, limit: float, first: float, forced: float
) -> int:
    """When an order trades within a bar that opens at ``first`` and reaches the liquidation price ``forced``.

    Stops nearer than the liquidation price fill before it, targets beyond it after, unless the bar opens there.
    """
    if kind == MARKET or size * held >= 0.0:
        return FIRST
    if kind in STOPS and not triggered:
        nearer = price > forced if held > 0.0 else price < forced
        return FIRST if nearer else AFTER
    if kind == LIMIT or kind in STOP_LIMITS:
        level = price if kind == LIMIT else limit
        if level <= first if held > 0.0 else level >= first:
            return FIRST
    return LAST


def price_leaving(held: float, entry: float, collateral: float, rate: float) -> float:
    """The price at which collateral and profit of a position are ``rate`` of its notional; above 0, or there is none.

    Examples
    --------
    >>> price_leaving(2.0, 100.0, 40.0, 0.0)
    80.0
    """
    return (held * entry - collateral) / (held - rate * abs(held))

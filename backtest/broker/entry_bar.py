"""What protection meets in what is left of the bar in which an entry has filled: plain functions of numbers.

A bar tells its open, high, low and close, not their order. After a fill at the open the whole bar is to come. A limit
that was touched within the bar was reached from the other side, so that the bar's extreme beyond it came after; of the
opposite extreme that is not known, but the close came after in any case. A stop that was touched is the mirror of that.
"""

from __future__ import annotations

from .order_rules import CLOSE, LIMIT, MARKET, STOP_LIMITS

NEXT_BAR, WORSE, BETTER = range(3)
INSIDE = ("next_bar", "worse", "better")
"""What is assumed where that is not known: that protection does not work yet, or works as is worse, or better."""


def rest_of_bar(
    kind: int,
    triggered: bool,
    filled: bool,
    buy: bool,
    price: float,
    limit: float,
    first: float,
    high: float,
    low: float,
    close: float,
) -> tuple[float, float, float]:
    """Where the rest of a bar begins once an order has filled in it, and the high and the low that it surely has.

    Parameters
    ----------
    kind : int
        Type of the order, of `order_rules`.
    triggered, filled : bool
        Whether its stop had triggered, and a part of it been filled, before this bar.
    buy : bool
        Its side.
    price, limit : float
        Limit or trigger, and the limit behind a trigger.
    first, high, low, close : float
        Of the bar.

    Examples
    --------
    A limit to buy at 98 was reached from above, so that the low came after it; of the high that is not known.

    >>> rest_of_bar(LIMIT, False, False, True, 98.0, 0.0, 100.0, 103.0, 95.0, 99.0)
    (98.0, 99.0, 95.0)
    """
    if kind == CLOSE:
        return close, close, close
    rests = kind == LIMIT or (triggered and kind in STOP_LIMITS)
    level = price if kind == LIMIT else limit
    if not rests:
        if kind == MARKET or filled:
            return first, high, low
        at_open = first >= price if buy else first <= price
        if kind not in STOP_LIMITS:
            if at_open:
                return first, high, low
            return (price, high, min(price, close)) if buy else (price, max(price, close), low)
        if not at_open and (level < price if buy else level > price):
            return level, max(level, close), min(level, close)  # it came back, from an extreme before it
        if not at_open:
            return (price, high, min(price, close)) if buy else (price, max(price, close), low)
    if level >= first if buy else level <= first:
        return first, high, low
    return (level, max(level, close), low) if buy else (level, high, min(level, close))


def assumed(
    long: bool, better: bool, high: float, low: float, sure_high: float, sure_low: float
) -> tuple[float, float]:
    """The high and the low of the rest of a bar as is better, or worse, for a position.

    Examples
    --------
    >>> assumed(True, False, 103.0, 95.0, 99.0, 95.0), assumed(True, True, 103.0, 95.0, 99.0, 95.0)
    ((99.0, 95.0), (103.0, 95.0))
    """
    return (high, sure_low) if long == better else (sure_high, low)

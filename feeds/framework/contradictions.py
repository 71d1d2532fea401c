"""Klines that contradict themselves, by kind: found here, settled beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.schema import BARS

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

SAYS = {
    "price": "a price is 0, negative or missing",
    "range": "high below low, or open or close outside of them",
    "takers": "takers took more than was traded",
    "negative": "an amount is negative",
    "mean": "quote volume over volume is a price outside low and high",
    "trades": "volume without trades, or trades without volume",
}
"""Each kind of contradiction, in words."""
PRICES = ("open", "high", "low", "close")
FLOWS = tuple(c.name for c in BARS if c.unit in ("base", "quote", "count"))
_SLACK = 1e-9
"""Of sums that were rounded in binary."""
_MEAN_SLACK, _VENDOR_SLACK = 1e-6, 0.01
_DECIMALS = 8
"""To which exchanges round amounts trade by trade; coarser columns were rounded once, as a sum."""
ENOUGH = 20
"""Bars from which on a kind of contradiction can be how their source counts, and no damage."""


def contradictions(bars: Bars, *, may_miss_prices: bool = False, may_be_negative: bool = False) -> dict[str, Mask]:
    """Which bars contradict themselves, by the kinds of `SAYS`.

    Parameters
    ----------
    bars : Bars
        As an exchange or a file gives them. A column that the source does not know at all contradicts nothing.
    may_miss_prices : bool
        Whether a missing price is what the provider means.
    may_be_negative : bool
        Whether prices, and notionals with them, may be 0 and below.

    Returns
    -------
    dict of str to ndarray of bool
        Without kinds that no bar is of.

    Examples
    --------
    >>> bars = Bars.of(
    ...     open_time=[0, 1, 2], close_time=[1, 2, 3], open=[9.0, 9.0, 9.0], high=[9.0, 9.0, 9.0], low=[9.0, 0.0, 9.0],
    ...     close=[9.0, 9.0, 9.0], volume=[2.0, 2.0, 2.0], taker_buy_volume=[1.0, 1.0, 3.0],
    ... )
    >>> {kind: which.tolist() for kind, which in contradictions(bars).items()}
    {'price': [False, True, False], 'takers': [False, False, True]}
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        priceless = _priceless(bars, may_miss_prices, may_be_negative)
        made = {
            "price": priceless,
            "range": _out_of_range(bars) & ~priceless,
            "takers": _too_many_takers(bars, notional=not may_be_negative),
            "negative": _negative(bars, notional=not may_be_negative),
            "trades": _without_trades(bars),
        }
        asked = ~(priceless | made["range"] | made["negative"])
        made["mean"] = _mean_outside(bars, asked, _MEAN_SLACK)
        if is_usual(bars, made["mean"]):
            made["mean"] = _mean_outside(bars, asked, _VENDOR_SLACK)
    return {kind: made[kind] for kind in SAYS if made[kind].any()}


def _none(bars: Bars) -> Mask:
    return np.zeros(len(bars), bool)


def _priceless(bars: Bars, may_miss: bool, may_be_negative: bool) -> Mask:
    wrong = _none(bars)
    for name in PRICES:
        if bars.carries(name):
            can_be = np.isfinite(bars[name]) & ((bars[name] > 0) | may_be_negative)
            wrong |= ~can_be & ~(np.isnan(bars[name]) & may_miss)
    return wrong


def _out_of_range(bars: Bars) -> Mask:
    high, low = _wider(bars["high"], bars["low"], _SLACK)
    wrong: Mask = high < low
    for name in ("open", "close"):
        wrong = wrong | (bars[name] > high) | (bars[name] < low)
    return wrong


def _wider(high: Floats, low: Floats, part: float) -> tuple[Floats, Floats]:
    """Both ends of a range moved apart by a part of themselves."""
    return high + np.abs(high) * part, low - np.abs(low) * part


def _too_many_takers(bars: Bars, *, notional: bool) -> Mask:
    wrong, sums = _none(bars), [("volume", "taker_buy_volume", "taker_sell_volume")]
    if notional:
        sums.append(("quote_volume", "taker_buy_quote_volume", "taker_sell_quote_volume"))
    for total, buy, sell in sums:
        most = np.abs(bars[total]) * (1 + _SLACK)
        wrong |= (bars[buy] > most) | (bars[sell] > most)
        # Each of the three may be rounded by itself.
        wrong |= bars[buy] + bars[sell] > np.abs(bars[total]) * (1 + _MEAN_SLACK) + 2e-8
    return wrong


def _negative(bars: Bars, *, notional: bool) -> Mask:
    wrong = _none(bars)
    for name in (
        "volume",
        "trades",
        "taker_buy_volume",
        *(("quote_volume", "taker_buy_quote_volume") if notional else ()),
    ):
        wrong |= bars[name] < 0
    # What was sold is often all less what was bought: below 0 it is the takers that are too many.
    for sold, total in (("taker_sell_volume", "volume"), ("taker_sell_quote_volume", "quote_volume"))[: 1 + notional]:
        derived = np.abs(bars[total] - bars[sold.replace("sell", "buy")] - bars[sold]) <= _SLACK * np.abs(bars[total])
        wrong |= (bars[sold] < 0) & ~derived
    return wrong


def _without_trades(bars: Bars) -> Mask:
    volume, trades = bars["volume"], bars["trades"]
    if not bars.carries("trades") or not bars.carries("volume"):
        return _none(bars)
    alone = (trades == 0) & (volume > 0)
    silent = (trades > 0) & (volume == 0)
    if silent.any():
        # An amount so small that it is written as 0 is no contradiction.
        least = 0.5 * 10.0 ** -_places(volume)
        silent &= ~(bars["quote_volume"] <= least * bars["high"] * trades)
    made: Mask = alone | silent
    return made


def is_usual(bars: Bars, wrong: Mask) -> bool:
    """Whether most of many bars are ``wrong``, which then is how their source counts and no damage."""
    known = int(np.count_nonzero((bars["volume"] > 0) & (bars["quote_volume"] > 0)))
    return known >= ENOUGH and 2 * int(wrong.sum()) > known


def _mean_outside(bars: Bars, asked: Mask, part: float) -> Mask:
    """Where quote over volume lies outside low and high by more than both can be rounded and a ``part`` of a price."""
    high, low, volume, quote = bars["high"], bars["low"], bars["volume"], bars["quote_volume"]
    high, low = _wider(high, low, part)
    wrong: Mask = asked & (volume > 0) & ((quote > high * volume) | (quote < low * volume))
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return wrong
    trades = np.where(bars["trades"][rows] > 1, bars["trades"][rows], 1.0)
    slack = []
    for values in (volume, quote):
        places = _places(values)[rows]
        slack.append(0.5 * 10.0**-places * np.where(places >= _DECIMALS, trades, 1.0))
        if values is volume:
            slack[0][places == 0] = 0.0  # whole lots are counted, not rounded
    more, less = volume[rows] + slack[0], np.maximum(volume[rows] - slack[0], 0.0)
    off = (quote[rows] - slack[1] > high[rows] * more) | (quote[rows] + slack[1] < low[rows] * less)
    wrong[rows] = off
    return wrong


def _places(values: Floats) -> NDArray[np.int64]:
    """Decimals that a column is written to, as far as its rows up to each one tell."""
    own = np.full(len(values), _DECIMALS, np.int64)
    known = np.where(np.isfinite(values) & (np.abs(values) < 2.0**52), values, 0.0)
    for places in range(_DECIMALS - 1, -1, -1):
        scaled = known * 10.0**places
        own[np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1.0)] = places
    made: NDArray[np.int64] = np.maximum.accumulate(own)
    return made


def example_of(bars: Bars, kind: str, i: int) -> str:
    """What bar ``i`` shows of a kind, in words."""
    return f"{SAYS[kind]}: {shown_in(bars, kind, i)}"


def shown_in(bars: Bars, kind: str, i: int) -> str:
    """The cells of bar ``i`` that contradict each other by a kind."""

    def cell(name: str) -> str:
        return f"{name} {bars[name][i]:.12g}"

    shown: dict[str, tuple[str, ...]] = {
        "price": PRICES,
        "range": PRICES,
        "takers": ("taker_buy_volume", "taker_sell_volume", "volume"),
        "mean": ("low", "high", "volume", "quote_volume"),
        "trades": ("trades", "volume"),
    }
    negative = tuple(name for name in FLOWS if bars[name][i] < 0)
    names = shown.get(kind, negative)
    return ", ".join(cell(name) for name in names if bars.carries(name))

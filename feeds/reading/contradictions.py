"""Klines that contradict themselves: found, flagged, and given values that no engine can come to harm from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import iso
from ...core.errors import DataError
from ...core.schema import BARS, Quality

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
_PRICES = ("open", "high", "low", "close")
_FLOWS = tuple(c.name for c in BARS if c.unit in ("base", "quote", "count"))
_TAKERS = tuple(name for name in _FLOWS if name.startswith(("taker_", "delta_")))
_SLACK = 1e-9
"""Of sums that were rounded in binary."""
_MEAN_SLACK, _VENDOR_SLACK = 1e-6, 0.01
_DECIMALS = 8
"""To which exchanges round amounts trade by trade; coarser columns were rounded once, as a sum."""
_MISREAD, _ENOUGH = 0.95, 20
"""A share of all bars, of so many at least, from which on it is not bars that are wrong but how they are read."""
_FAR = 0.4
"""Log distance from the close before that makes the prices, not the amounts, the odd ones."""


def contradictions(bars: Bars, *, may_miss_prices: bool = False) -> dict[str, Mask]:
    """Which bars contradict themselves, by the kinds of `SAYS`.

    Parameters
    ----------
    bars : Bars
        As an exchange or a file gives them. A column that the source does not know at all contradicts nothing.
    may_miss_prices : bool
        Whether a missing price is what the provider means.

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
        priceless = _priceless(bars, may_miss_prices)
        made = {
            "price": priceless,
            "range": _out_of_range(bars) & ~priceless,
            "takers": _too_many_takers(bars),
            "negative": _negative(bars),
            "trades": _without_trades(bars),
        }
        asked = ~(priceless | made["range"] | made["negative"])
        made["mean"] = _mean_outside(bars, asked, _MEAN_SLACK)
        if _is_usual(bars, made["mean"]):
            made["mean"] = _mean_outside(bars, asked, _VENDOR_SLACK)
    return {kind: made[kind] for kind in SAYS if made[kind].any()}


def _none(bars: Bars) -> Mask:
    return np.zeros(len(bars), bool)


def _priceless(bars: Bars, may_miss: bool) -> Mask:
    wrong = _none(bars)
    for name in _PRICES:
        if bars.carries(name):
            wrong |= ~((bars[name] > 0) & (bars[name] < np.inf)) & ~(np.isnan(bars[name]) & may_miss)
    return wrong


def _out_of_range(bars: Bars) -> Mask:
    high, low = bars["high"] * (1 + _SLACK), bars["low"] * (1 - _SLACK)
    wrong: Mask = high < low
    for name in ("open", "close"):
        wrong = wrong | (bars[name] > high) | (bars[name] < low)
    return wrong


def _too_many_takers(bars: Bars) -> Mask:
    wrong = _none(bars)
    for total, buy, sell in (
        ("volume", "taker_buy_volume", "taker_sell_volume"),
        ("quote_volume", "taker_buy_quote_volume", "taker_sell_quote_volume"),
    ):
        most = np.abs(bars[total]) * (1 + _SLACK)
        wrong |= (bars[buy] > most) | (bars[sell] > most)
        # Each of the three may be rounded by itself.
        wrong |= bars[buy] + bars[sell] > np.abs(bars[total]) * (1 + _MEAN_SLACK) + 2e-8
    return wrong


def _negative(bars: Bars) -> Mask:
    wrong = _none(bars)
    for name in ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"):
        wrong |= bars[name] < 0
    # What was sold is often all less what was bought: below 0 it is the takers that are too many.
    for sold, total in (("taker_sell_volume", "volume"), ("taker_sell_quote_volume", "quote_volume")):
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


def _is_usual(bars: Bars, wrong: Mask) -> bool:
    """Whether most of many bars are ``wrong``, which then is how their source counts and no damage."""
    known = int(np.count_nonzero((bars["volume"] > 0) & (bars["quote_volume"] > 0)))
    return known >= _ENOUGH and 2 * int(wrong.sum()) > known


def _mean_outside(bars: Bars, asked: Mask, part: float) -> Mask:
    """Where quote over volume lies outside low and high by more than both can be rounded and a ``part`` of a price."""
    high, low, volume, quote = bars["high"], bars["low"], bars["volume"], bars["quote_volume"]
    high, low = high * (1 + part), low * (1 - part)
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


def settled(bars: Bars, *, may_miss_prices: bool = False) -> Bars:
    """The same bars, those that contradict themselves flagged ``CONTRADICTORY`` and without figures that cannot be.

    Prices that cannot be (0, negative, missing, out of each other's range) are all four the close of the bar before,
    so that nothing above ever sees a price that is none; bars before the first that has a price are left out. Taker
    amounts above what was traded are NaN; where another amount contradicts, all amounts are. Where quote volume over
    volume is no price of the bar, prices far from the close before while the mean is near it are taken for the wrong
    ones, else the amounts. Only bars before are looked at. Notes of the result say how many there are.

    Parameters
    ----------
    bars : Bars
        In time order.
    may_miss_prices : bool
        As for `contradictions`.

    Raises
    ------
    DataError
        If no bar is left, or so many contradict themselves in the same way that their columns must be mistaken.

    Examples
    --------
    >>> bars = Bars.of(
    ...     open_time=[0, 1, 2], close_time=[1, 2, 3], open=[0.0, 9.0, 8.0], high=[0.0, 9.0, 8.0], low=[0.0, 9.0, 0.0],
    ...     close=[0.0, 9.0, 8.0], volume=[0.0, 2.0, 2.0],
    ... )
    >>> made = settled(bars)
    >>> made["open_time"].tolist(), made["close"].tolist(), made["low"].tolist(), made["quality"].tolist()
    ([1, 2], [9.0, 9.0], [9.0, 9.0], [0, 128])
    """
    bars = _unknown_where_all_are_0(bars)
    found = contradictions(bars, may_miss_prices=may_miss_prices)
    if _is_usual(bars, found.get("mean", _none(bars))):
        del found["mean"]  # of another unit, which a remark of the feed tells
    if not found:
        return bars
    _check_misread(bars, found)
    wrong = np.logical_or.reduce(list(found.values()))
    none = _none(bars)
    unpriced = found.get("price", none) | found.get("range", none)
    unpriced = unpriced | _far_off(bars, unpriced, found.get("mean", none))
    amounts = found.get("negative", none) | found.get("trades", none) | (found.get("mean", none) & ~unpriced)
    columns = dict(bars.columns)
    source = np.maximum.accumulate(np.where(unpriced, -1, np.arange(len(bars))))
    before = columns["close"][source]
    for name in _PRICES:
        if bars.carries(name):
            columns[name] = np.where(unpriced, before, columns[name])
    for names, which in ((_FLOWS, amounts), (_TAKERS, found.get("takers", none))):
        for name in names:
            columns[name] = np.where(which, np.nan, columns[name])
    columns["quality"] = np.where(wrong, bars["quality"] | int(Quality.CONTRADICTORY), bars["quality"])
    first = int(np.argmax(source >= 0))
    if source[-1] < 0:
        raise DataError(f"{bars.source}: no bar has prices that can be: {_said(found)}")
    made = replace(bars, columns=columns, notes=(*bars.notes, _note(bars, found, wrong, first)))
    return made.slice(first, None)


def _unknown_where_all_are_0(bars: Bars) -> Bars:
    """Quote volume and trades are not known to a source that writes 0 for them whatever was traded."""
    if not (bars["volume"] > 0).any():
        return bars
    empty = [n for n in ("quote_volume", "trades") if bars.carries(n) and not (bars[n] != 0).any()]
    if not empty:
        return bars
    names = [*empty, *(("taker_buy_quote_volume", "taker_sell_quote_volume") if "quote_volume" in empty else ())]
    note = f"{' and '.join(empty)} are 0 in every bar, volume is not: taken for unknown"
    unknown = {name: np.full(len(bars), np.nan) for name in names}
    return replace(bars.assign(**unknown), notes=(*bars.notes, note))


def _far_off(bars: Bars, unpriced: Mask, mean_wrong: Mask) -> Mask:
    """Bars whose prices are far from the close before while what was paid over what was traded is near it."""
    made = np.zeros(len(bars), bool)
    rows = np.flatnonzero(mean_wrong & ~unpriced)
    if not len(rows):
        return made
    last = np.maximum.accumulate(np.where(unpriced, -1, np.arange(len(bars))))
    with np.errstate(all="ignore"):
        closes, means = np.log(bars["close"]), np.log(bars["quote_volume"] / bars["volume"])
    held: dict[int, float] = {}  # the close that stands for a bar whose prices are wrong
    for i in rows.tolist():
        at = int(last[i - 1]) if i else -1
        before = held.get(at, float(closes[at])) if at >= 0 else np.nan
        off = abs(float(closes[i]) - before)
        if off > _FAR and abs(float(means[i]) - before) < off / 2:
            made[i], held[i] = True, before
    return made


def _check_misread(bars: Bars, found: Mapping[str, Mask]) -> None:
    for kind, which in found.items():
        count = int(which.sum())
        if len(bars) >= _ENOUGH and count >= _MISREAD * len(bars):
            first = int(np.argmax(which))
            raise DataError(
                f"{bars.source}: {count:,} of {len(bars):,} bars contradict themselves ({SAYS[kind]}), the first at "
                f"{iso(int(bars['open_time'][first]))}: {_example(bars, kind, first)}; are columns mistaken for others?"
            )


def example_of(bars: Bars, kind: str, i: int) -> str:
    """What bar ``i`` shows of a kind, in words."""
    return f"{SAYS[kind]}: {_example(bars, kind, i)}"


def _example(bars: Bars, kind: str, i: int) -> str:
    def cell(name: str) -> str:
        return f"{name} {bars[name][i]:.12g}"

    shown: dict[str, tuple[str, ...]] = {
        "price": _PRICES,
        "range": _PRICES,
        "takers": ("taker_buy_volume", "taker_sell_volume", "volume"),
        "mean": ("low", "high", "volume", "quote_volume"),
        "trades": ("trades", "volume"),
    }
    negative = tuple(name for name in _FLOWS if bars[name][i] < 0)
    names = shown.get(kind, negative)
    return ", ".join(cell(name) for name in names if bars.carries(name))


def _said(found: Mapping[str, Any]) -> str:
    return "; ".join(f"{SAYS[kind]} in {int(which.sum()):,}" for kind, which in found.items())


def _note(bars: Bars, found: Mapping[str, Mask], wrong: Mask, left_out: int) -> str:
    first = iso(int(bars["open_time"][int(np.argmax(wrong))]))
    dropped = f"; {left_out:,} before the first price left out" if left_out else ""
    return (
        f"{int(wrong.sum()):,} of {len(bars):,} bars contradict themselves ({_said(found)}), the first at {first}: "
        f"prices that cannot be are the close before, amounts that cannot be unknown, nothing fills there{dropped}"
    )

"""Klines in an audit: the tape summed up by kline and held against the exchange's figures, and klines on their own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.folding import add
from ..aggregation.sessions import Grid
from ..core.bars import Bars
from ..core.clock import DAY, MONTH, interval_text, iso, steps_between, usual_interval
from ..core.kernels import compiled
from ..feeds.framework.calendars import is_calendar, missing_before, regular
from ..feeds.framework.contradictions import contradictions, example_of
from ..feeds.framework.faults import Places
from .chunk import Chunk, Floats, Integers
from .findings import NINE, Log, Spot
from .wicks import wicks

_SUMS = ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
_MONDAY = 4
"""Days since 1970, a Thursday, modulo 7."""
_WEEKEND = ", a weekend: where the market has hours, say them, as in --bars 1d@1d:XNYS"
_OPEN, _HIGH, _LOW, _CLOSE = range(4)


@dataclass(frozen=True)
class Difference:
    """A figure of one kline that is not that of the tape.

    Parameters
    ----------
    open_time : int
        Of the kline, epoch µs.
    field : str
        One of the nine.
    tape, kline : float
        Both figures.
    """

    open_time: int
    field: str
    tape: float
    kline: float

    def line(self) -> dict[str, Any]:
        """As plain types, the time as text."""
        return {**asdict(self), "open_time": iso(self.open_time)}


@compiled
def sum_up(
    bar: Integers,
    time: Integers,
    ids: Integers,
    price: Floats,
    base: Floats,
    notional: Floats,
    side: NDArray[np.int8],
    trades: Integers,
    prices: Floats,
    edges: Integers,
    sums: Floats,
    counts: Integers,
) -> None:
    """Add rows to the bars they fall into; the order of the rows does not matter.

    Parameters
    ----------
    bar : ndarray of int64
        Bar of each row, −1 for none.
    time, ids, price, base, notional, side, trades : ndarray
        Columns of a chunk.
    prices : ndarray, four columns
        Open, high, low, close of each bar. Changed in place.
    edges : ndarray of int64, four columns
        Time and id of the first and the last trade of each bar. Changed in place.
    sums : ndarray, eight columns
        Volume, quote volume and both of taker buys, each with its rounding error. Changed in place.
    counts : ndarray of int64, two columns
        Trades and rows of each bar. Changed in place.
    """
    for i in range(len(bar)):
        k = bar[i]
        if k < 0:
            continue
        p, t, n = price[i], time[i], ids[i]
        new = counts[k, 1] == 0
        if new or t < edges[k, 0] or (t == edges[k, 0] and n < edges[k, 1]):
            edges[k, 0], edges[k, 1], prices[k, 0] = t, n, p
        if new or t > edges[k, 2] or (t == edges[k, 2] and n >= edges[k, 3]):
            edges[k, 2], edges[k, 3], prices[k, 3] = t, n, p
        prices[k, 1] = p if new else max(prices[k, 1], p)
        prices[k, 2] = p if new else min(prices[k, 2], p)
        add(sums[k], 0, base[i])
        add(sums[k], 2, notional[i])
        if side[i] > 0:
            add(sums[k], 4, base[i])
            add(sums[k], 6, notional[i])
        counts[k, 0] += trades[i]
        counts[k, 1] += 1


class Reconciliation:
    """The tape against klines, in nine fields.

    Prices and counts have to be equal. Sums have to agree to 1e-9 of their size and half of the last of eight
    decimals, to which exchanges write them; for coin-margined contracts, whose base amounts the exchange rounds
    trade by trade, to that half for each trade. Memory: some two hundred bytes a kline.

    Parameters
    ----------
    log : Log
        Takes ``kline_…``, ``kline_without_tape`` and ``tape_without_kline``.
    klines : Bars
        In time order.
    rounded : bool
        Whether base amounts were rounded trade by trade.
    """

    def __init__(self, log: Log, klines: Bars, *, rounded: bool = False) -> None:
        self._log, self._klines, self._rounded = log, klines, rounded
        n = len(klines)
        self._prices, self._sums = np.zeros((n, 4)), np.zeros((n, 8))
        self._edges, self._counts = np.zeros((n, 4), np.int64), np.zeros((n, 2), np.int64)
        self.compared = 0
        """Klines that lie within the tape."""
        self.fields: tuple[str, ...] = ()
        """What both know."""
        self._agreed: set[int] = set()
        self.differences: list[Difference] = []

    def push(self, chunk: Chunk) -> None:
        """Take new rows."""
        opens, closes = self._klines["open_time"], self._klines["close_time"]
        bar = np.searchsorted(opens, chunk.time, "right") - 1
        if len(opens):
            bar = np.where(chunk.time < closes[bar], bar, -1)
        columns = (chunk.time, chunk.ids, chunk.price, chunk.base, chunk.notional, chunk.side, chunk.trades)
        sum_up(bar, *columns, self._prices, self._edges, self._sums, self._counts)
        if len(opens):
            inside = (chunk.time >= opens[0]) & (chunk.time < closes[-1])
            alone = np.flatnonzero((bar < 0) & inside)
            self._log.many("tape_without_kline", alone, lambda i: chunk.spot(i, "no kline covers it"))

    def finish(self, since: int, until: int, *, sided: bool = True) -> None:
        """Compare the klines that lie within ``[since, until]``, for which the tape is whole.

        Parameters
        ----------
        since, until : int
            Epoch µs.
        sided : bool
            Whether the tape knows the sides of its rows; taker volumes are not compared where it does not.
        """
        bars = self._klines
        self.fields = tuple(n for n in NINE if bars.carries(n) and (sided or not n.startswith("taker_")))
        whole = np.flatnonzero((bars["open_time"] >= since) & (bars["close_time"] <= until))
        self.compared = len(whole)
        rows = self._counts[whole, 1]
        for i in whole[(rows == 0) & (bars["trades"][whole] > 0)].tolist():
            self._tell("kline_without_tape", i, f"kline of {bars['trades'][i]:.0f} trades, tape of none")
        whole = whole[rows > 0]
        for name in self.fields:
            mine, theirs = self._mine(name)[whole], bars[name][whole]
            for i in np.flatnonzero(~self._equal(name, mine, theirs, self._counts[whole, 0])).tolist():
                found = Difference(int(bars["open_time"][whole[i]]), name, float(mine[i]), float(theirs[i]))
                self.differences.append(found)
                self._tell(f"kline_{name}", int(whole[i]), f"tape {found.tape:.12g}, kline {found.kline:.12g}")
        self.differences.sort(key=lambda d: d.open_time)
        odd = {d.open_time for d in self.differences}
        self._agreed = {int(t) for t in bars["open_time"][whole]} - odd

    def confirms(self, time: int) -> bool:
        """Whether the kline around ``time`` was compared and is equal to the tape in every field."""
        opens = self._klines["open_time"]
        i = int(np.searchsorted(opens, time, "right")) - 1
        return i >= 0 and int(opens[i]) in self._agreed and time < int(self._klines["close_time"][i])

    def _mine(self, name: str) -> Floats:
        """A column of the tape's bars."""
        if name == "trades":
            return self._counts[:, 0].astype(np.float64)
        if name in _SUMS:
            k = 2 * _SUMS.index(name)
            total: Floats = self._sums[:, k] + self._sums[:, k + 1]
            return total
        prices: Floats = self._prices[:, ("open", "high", "low", "close").index(name)]
        return prices

    def _equal(self, name: str, mine: Floats, theirs: Floats, trades: Integers) -> NDArray[np.bool_]:
        unknown = np.isnan(theirs)
        if name not in _SUMS:
            exact: NDArray[np.bool_] = (mine == theirs) | unknown
            return exact
        rounded = trades if self._rounded else 1
        close: NDArray[np.bool_] = np.abs(mine - theirs) <= 1e-9 * np.abs(theirs) + 5e-9 * rounded
        return close | unknown

    def _tell(self, kind: str, i: int, text: str) -> None:
        when = int(self._klines["open_time"][i])
        self._log.add(kind, Spot(self._klines.source, 0, when, text))


def usual_length(bars: Bars) -> int:
    """The most frequent length of a bar in µs; `MONTH` where all are months of the calendar."""
    if len(bars) and usual_interval(bars["open_time"], bars["close_time"]) == MONTH:
        return MONTH
    lengths, times = np.unique(bars["close_time"] - bars["open_time"], return_counts=True)
    return max(int(lengths[np.argmax(times)]), 1)


def look_at_klines(
    log: Log,
    bars: Bars,
    places: Places | None = None,
    grid: Grid | None = None,
    *,
    may_be_negative: bool = False,
) -> None:
    """What klines tell about themselves.

    Parameters
    ----------
    log : Log
        Takes ``kline_gap``, ``kline_overlap``, ``kline_odd_…``, ``kline_spike``, ``kline_wick`` and ``empty_kline``.
    bars : Bars
        In time order.
    places : Places or None
        Where they stand.
    grid : Grid or None
        Of the trading hours in which they are due.
    may_be_negative : bool
        Whether prices may be 0 and below.
    """
    if not len(bars):
        return
    opens, closes = bars["open_time"], bars["close_time"]
    interval = usual_length(bars)
    known = places is not None and len(places) == len(bars)

    def spot(i: int, text: str) -> Spot:
        path, row = places.at(i) if known and places is not None else (bars.source, 0)
        return Spot(path, row, int(opens[i]), text)

    apart = np.diff(opens, prepend=opens[0]) - np.append(0, closes[:-1] - opens[:-1])
    months = interval == MONTH
    left = np.append(0, steps_between(opens, interval) - 1) if months else np.maximum(apart, 0) // interval
    if grid is not None or (not regular(opens, closes) and is_calendar(opens, closes, sessions=True)):
        left = missing_before(bars, interval, grid)
    for i in np.flatnonzero(left > 0).tolist():
        n = int(left[i])
        hint = _WEEKEND if interval == DAY and int(opens[i]) // DAY % 7 == _MONDAY and n <= 2 else ""
        log.add("kline_gap", spot(i, f"{n} klines of {interval_text(interval)} are missing before it{hint}"), n)
    log.many("kline_overlap", np.flatnonzero(apart < 0), lambda i: spot(i, "opens before the one before it closes"))
    empty = np.flatnonzero(bars["trades"] == 0)
    log.many("empty_kline", empty, lambda i: spot(i, "no trades"))
    odd = np.zeros(len(bars), bool)
    for kind, wrong in contradictions(bars, may_be_negative=may_be_negative).items():
        odd |= wrong
        log.many(f"kline_odd_{kind}", np.flatnonzero(wrong), lambda i, kind=kind: spot(i, example_of(bars, kind, i)))  # type: ignore[misc]
    if may_be_negative:
        return  # how far prices are apart near 0 no ratio tells
    spike, wick, price = wicks(bars)
    text = "price {:g} is far from all around it, where the kline closes at {:g}"
    for kind, which in (("kline_spike", spike), ("kline_wick", wick)):
        far = np.flatnonzero(which & ~odd)
        log.many(kind, far, lambda i: spot(i, text.format(price[i], bars["close"][i])))

"""Resampling: time bars into longer ones, equal to those that their trades would have given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.clock import iso
from ..core.errors import DataError, ParamError
from ..core.schema import BAR_COLUMNS, BARS, SEQUENCE, Quality
from ..core.sizes import of_column
from .cutters import Covered
from .kinds import BarSpec
from .merging import merge_delta, merge_row_means, merge_sums, merge_time_means

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

SUMMED = ("volume", "quote_volume", "trades", *(c.name for c in BARS if c.name.startswith("taker_")))
"""Columns of which a longer bar has the sum."""
TICKS = tuple(c.name for c in SEQUENCE if c.name.startswith(("uptick_", "downtick_", "unchanged_")))
"""The same of those that only some bars carry: the tick test looks across the edges of bars."""


def resample(bars: Bars, spec: str | BarSpec, *, covered: Covered = (None, None)) -> Bars:
    """Time bars of ``bars`` as longer time bars.

    Parameters
    ----------
    bars : Bars
        Time bars in order; each must lie whole in one of the longer ones. Some may be missing.
    spec : str or BarSpec
        A kind of time bars, with a session if wished.
    covered : pair of int or None
        From when to when (epoch µs) ``bars`` are known to hold everything though the first or the last longer bar
        is not filled with them, as where no trade came before the first.

    Returns
    -------
    Bars
        Levels included. Of the columns beyond the canonical ones those of the tick test and of classes of size are
        made; what others come to over a longer bar is not known here (a run goes on across the edge of two bars), so
        they are left out, and the notes say which.

    Raises
    ------
    ParamError
        If ``spec`` is no kind of time bars.
    DataError
        If ``bars`` are none, or one of them reaches across an edge.

    Notes
    -----
    Prices and counts are those that the trades would have given, bit for bit. Amounts are the nearest double of the
    sum of the parts, which are taken for decimals where they have at most 8 digits, as the venue's own sums are. The
    extremes of the running delta start from the delta of the parts before, the returns from one part to the next
    enter the realized volatility, and both means weigh the parts: these equal what the trades would have given but
    for the rounding of the parts. ``twap_trade`` needs the number of rows of every part, which bars know only where
    every row has a known side; else it is NaN.

    Flags are those of the parts together, but ``FILLED`` only where it is every part's. A bar that its parts do not
    fill is ``PARTIAL``.

    Examples
    --------
    >>> minute = 60_000_000
    >>> fine = Bars.of(
    ...     open_time=[0, minute], close_time=[minute, 2 * minute], open=[1.0, 2.0], high=[3.0, 2.0], low=[1.0, 0.5],
    ...     close=[2.0, 0.5], volume=[4.0, 5.0], trades=[1.0, 2.0], spec="1m",
    ... )
    >>> coarse = resample(fine, "2m")
    >>> [coarse[name].tolist() for name in ("close_time", "open", "high", "low", "close", "volume")]
    [[120000000], [1.0], [3.0], [0.5], [0.5], [9.0]]
    """
    spec = BarSpec.parse(spec)
    _check(bars, spec)
    bars = within_hours(bars, spec)
    if not len(bars):
        return replace(bars, spec=spec.text)
    starts, edges = _groups(bars, spec)
    traded = (bars["trades"] if bars.carries("trades") else bars["volume"]) > 0
    made: Columns = {"open_time": edges[:, 0], "close_time": edges[:, 1]}
    made |= _prices(bars, starts, traded)
    made |= _amounts(bars, starts) | _more(bars, starts) | _class_means(bars, starts)
    made |= _means(bars, starts, edges, traded)
    made["quality"] = _flags(bars, starts, edges, covered, spec)
    levels = None if bars.levels is None else _levels(bars.levels, starts)
    return Bars(made, levels, spec.text, bars.source, bars.row_size, (*bars.notes, *_left_out(bars, spec)))


def _check(bars: Bars, spec: BarSpec) -> None:
    if spec.measure:
        raise ParamError(f"bars: {spec.text} must be cut from trades; of other bars only longer time bars can be made")
    try:
        own = BarSpec.parse(bars.spec).measure
    except ParamError:
        own = ""
    if own:
        raise DataError(f"{bars.source or 'bars'}: bars of {bars.spec} lie on no time grid; only time bars make others")


def _groups(bars: Bars, spec: BarSpec) -> tuple[Integers, Integers]:
    """Where each longer bar's parts begin, one more at the end, and its interval."""
    opens, closes = bars["open_time"], bars["close_time"]
    begins, ends = spec.grid.spans(int(opens[0]), int(closes[-1]) - 1)
    at = np.searchsorted(begins, opens, "right") - 1
    across = np.flatnonzero(closes > ends[at])
    if len(across):
        i = int(across[0])
        raise DataError(
            f"{bars.source or 'bars'}: bars of {bars.spec or 'this length'} do not fit into {spec.text}: that of "
            f"{iso(int(opens[i]))} reaches over the edge at {iso(int(ends[at[i]]))}"
        )
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    return np.append(starts, len(bars)), np.stack([begins[at[starts]], ends[at[starts]]], axis=1)


def within_hours(bars: Bars, spec: BarSpec) -> Bars:
    """The bars that open within the trading hours of ``spec``, where it has some; the notes count the others.

    Raises
    ------
    DataError
        If there are bars, but none of them.
    """
    hours = None if spec.session is None else spec.session.hours
    if hours is None or hours.extended or not len(bars):
        return bars
    inside = hours.inside(bars["open_time"])
    if inside.all():
        return bars
    count = len(bars) - int(np.count_nonzero(inside))
    some = f"{count:,} bars open" if count > 1 else "1 bar opens"
    says = f"{some} outside the hours {hours.text} and {'are' if count > 1 else 'is'} left out"
    if count == len(bars):
        raise DataError(f"{bars.source or 'bars'}: no bar within the trading hours; {says}")
    kept = bars.take(inside)
    return replace(kept, notes=(*kept.notes, f"{says}; extended: true, or {hours.text}+extended, keeps them"))


def _prices(bars: Bars, starts: Integers, traded: NDArray[np.bool_]) -> Columns:
    """Those of the parts with trades, or of all where none has."""
    lo, parts = starts[:-1], np.diff(starts)
    idle = np.repeat(~np.logical_or.reduceat(traded, lo), parts)
    counts, rows = traded | idle, np.arange(len(bars))
    first = np.minimum.reduceat(np.where(counts, rows, len(bars)), lo)
    last = np.maximum.reduceat(np.where(counts, rows, -1), lo)
    return {
        "open": bars["open"][first],
        "high": np.maximum.reduceat(np.where(counts, bars["high"], -np.inf), lo),
        "low": np.minimum.reduceat(np.where(counts, bars["low"], np.inf), lo),
        "close": bars["close"][last],
    }


def _amounts(bars: Bars, starts: Integers) -> Columns:
    sums, extremes = np.empty((len(SUMMED), len(starts) - 1)), np.empty((len(starts) - 1, 2))
    merge_sums(np.stack([bars[name] for name in SUMMED]), starts, sums)
    flow = bars["taker_buy_volume"], bars["taker_sell_volume"], bars["delta_high"], bars["delta_low"]
    merge_delta(*flow, starts, extremes)
    made = dict(zip(SUMMED, sums, strict=True))
    return {**made, "delta_high": extremes[:, 0], "delta_low": extremes[:, 1]}


def _of_class(name: str, *, mean: bool) -> bool:
    """Whether a column is of one class of size, and its mean price or one of its sums."""
    known = of_column(name)
    return known is not None and (known[0] == "twap_trade") == mean


def _more(bars: Bars, starts: Integers) -> Columns:
    """The sums of columns that only some bars carry."""
    names = [name for name in bars.columns if name in TICKS or _of_class(name, mean=False)]
    sums = np.empty((len(names), len(starts) - 1))
    if names:
        merge_sums(np.stack([bars[name] for name in names]), starts, sums)
    return dict(zip(names, sums, strict=True))


def _class_means(bars: Bars, starts: Integers) -> Columns:
    """The mean price of the rows of each class, where the side of every row is known."""
    made: Columns = {}
    doubtful = (bars["quality"] & int(Quality.INFERRED_SIDE)) != 0
    for name in bars.columns:
        if not _of_class(name, mean=True):
            continue
        counts = (bars[name.replace("twap_trade", f"taker_{side}_count", 1)] for side in ("buy", "sell"))
        rows = np.where(doubtful, np.nan, sum(counts))
        weighted = np.where(rows > 0, bars[name] * rows, np.where(np.isnan(rows), np.nan, 0.0))
        sums = np.empty((2, len(starts) - 1))
        merge_sums(np.stack([weighted, rows]), starts, sums)
        made[name] = np.where(sums[1] > 0, sums[0] / np.where(sums[1] > 0, sums[1], 1.0), np.nan)
    return made


def _left_out(bars: Bars, spec: BarSpec) -> tuple[str, ...]:
    """What to say of columns that cannot be made of those of shorter bars."""
    names = [n for n in bars.columns if n not in BAR_COLUMNS and n not in TICKS and not of_column(n)]
    return (f"without {', '.join(names)}, which bars of {spec.text} cannot have from shorter ones",) if names else ()


def _means(bars: Bars, starts: Integers, edges: Integers, traded: NDArray[np.bool_]) -> Columns:
    held, over_rows = np.empty(len(edges)), np.empty((len(edges), 2))
    first, last = bars["open"], bars["close"]
    merge_time_means(bars["open_time"], bars["close_time"], first, last, bars["twap_time"], starts, edges, held)
    rows = bars["taker_buy_count"] + bars["taker_sell_count"]
    rows = np.where(bars["quality"] & int(Quality.INFERRED_SIDE), np.nan, rows)
    rows = np.where(traded, rows, 0.0)
    merge_row_means(first, last, rows, bars["twap_trade"], bars["realized_vol"], starts, over_rows)
    return {"twap_time": held, "twap_trade": over_rows[:, 0], "realized_vol": over_rows[:, 1]}


def _flags(bars: Bars, starts: Integers, edges: Integers, covered: Covered, spec: BarSpec) -> Integers:
    lo, filled = starts[:-1], int(Quality.FILLED)
    quality = bars["quality"]
    made: Integers = np.bitwise_or.reduceat(quality & ~filled, lo) | (np.bitwise_and.reduceat(quality, lo) & filled)
    elapsed = spec.grid.elapsed
    begins, ends = elapsed(edges[:, 0]), elapsed(edges[:, 1])
    opens, closes = elapsed(bars["open_time"]), elapsed(bars["close_time"])
    length = np.add.reduceat(closes - opens, lo)
    since, until = covered
    if since is not None and since <= edges[0, 0]:
        length[0] += opens[0] - begins[0]
    if until is not None and until >= edges[-1, 1]:
        length[-1] += ends[-1] - closes[-1]
    short = length < ends - begins
    return made | np.where(short, int(Quality.PARTIAL), 0)


def _levels(levels: Levels, starts: Integers) -> Levels:
    """The rows of each group, those at one price in one."""
    group = np.repeat(np.repeat(np.arange(len(starts) - 1), np.diff(starts)), np.diff(levels.offsets))
    order = np.lexsort((levels.price_tick, group))
    tick, group = levels.price_tick[order], group[order]
    new = np.flatnonzero((np.diff(tick, prepend=0) != 0) | (np.diff(group, prepend=-1) != 0))
    sums = np.empty((2, len(new)))
    merge_sums(np.stack([levels.buy_volume[order], levels.sell_volume[order]]), np.append(new, len(tick)), sums)
    offsets = np.searchsorted(group[new], np.arange(len(starts)), "left").astype(np.int64)
    classes = None if levels.classes is None else {span: _levels(own, starts) for span, own in levels.classes.items()}
    rows = {"offsets": offsets, "price_tick": tick[new], "buy_volume": sums[0], "sell_volume": sums[1]}
    return replace(levels, **rows, classes=classes)

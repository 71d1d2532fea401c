"""Bars of no fixed length: months, days over a clock change, trading sessions; told from rows that are damaged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...aggregation.kinds import MONTHS, BarSpec
from ...aggregation.resample import within_hours
from ...aggregation.sessions import Grid, Session
from ...core.bars import Bars
from ...core.clock import DAY, HOUR, MINUTE, MONTH, SECOND, interval_text, steps_between
from ...core.errors import DataError
from ...core.hours import TradingDays

Integers = NDArray[np.int64]
Spans = tuple[Integers, Integers]

_SOME = 0.1
"""Share of bars from which on being unlike the others is a calendar and no damage."""
_LEAST_MONTH = 27 * DAY
_CHANGES_A_YEAR = 2


def usual(values: Integers) -> int:
    """The most frequent one; the least of several.

    >>> usual(np.array([3, 1, 3, 2]))
    3
    """
    found, times = np.unique(values, return_counts=True)
    return int(found[np.argmax(times)])


def month_spans(labels: Integers, *, at_end: bool = False) -> Spans | None:
    """Where bars open and close that are labelled with the first day of a month, in any zone; None if some are not.

    Examples
    --------
    >>> labels = np.array(["2018-02-01", "2018-03-01", "2018-04-01"], "M8[us]").astype(np.int64)
    >>> (np.diff(np.stack(month_spans(labels)), axis=0) // DAY).tolist()
    [[28, 31, 30]]
    """
    if len(labels) < 2 or np.diff(labels).min() < _LEAST_MONTH:
        return None
    dates = (labels + DAY // 2) // DAY  # the nearest midnight in UTC, of which zones lie within 12 hours
    shift = labels - dates * DAY
    months = dates.astype("datetime64[D]").astype("datetime64[M]")
    if (months.astype("datetime64[D]").astype(np.int64) != dates).any():
        return None
    count = usual(np.diff(months.astype(np.int64)).astype(np.int64))
    other = months + (-count if at_end else count)
    edges = other.astype("datetime64[D]").astype(np.int64) * DAY + shift
    near = np.abs(edges[1:] - labels[:-1]) if at_end else np.abs(edges[:-1] - labels[1:])
    if at_end:
        edges[1:] = np.where(near <= HOUR, labels[:-1], edges[1:])
        return edges, labels
    edges[:-1] = np.where(near <= HOUR, labels[1:], edges[:-1])
    return labels, edges


def clock_spans(labels: Integers, interval: int, *, at_end: bool = False) -> Spans | None:
    """Where bars open and close whose grid moves by an hour when clocks do; None if it moves otherwise.

    The bar in which the clock changes is an hour longer or shorter.
    """
    steps = np.diff(labels)
    if interval <= HOUR or not len(steps) or steps.min() <= 0:
        return None
    rest = steps % interval
    moved = np.flatnonzero(rest)
    later, sooner = rest[moved] == HOUR, rest[moved] == interval - HOUR
    if not (later | sooner).all() or len(moved) > _CHANGES_A_YEAR * (1 + (labels[-1] - labels[0]) // (365 * DAY)):
        return None
    if interval > 2 * HOUR and (later[1:] == later[:-1]).any():
        return None
    if at_end:
        begins = labels - interval
        begins[1:] = np.where(np.abs(steps - interval) <= HOUR, labels[:-1], begins[1:])
        return begins, labels
    ends = labels + interval
    ends[:-1] = np.where(np.abs(steps - interval) <= HOUR, labels[1:], ends[:-1])
    return labels, ends


def told_spans(opens: Integers, closes: Integers) -> Spans | None:
    """Opens and closes as a file tells them; None where they are no bars that come one after another.

    A close that is the last instant of the bar, as some venues write it, is moved on to the next one's open.
    """
    length = usual(closes - opens)
    step = next((unit for unit in (1, 1000, SECOND) if length % MINUTE and (length + unit) % MINUTE == 0), 0)
    closes = closes + step
    if (closes <= opens).any() or (closes[:-1] > opens[1:]).any():
        return None
    return opens, closes


def regular(opens: Integers, closes: Integers) -> bool:
    """Whether all bars are of one length and on one grid of it.

    >>> regular(np.array([0, 20]), np.array([10, 30])), regular(np.array([0, 15]), np.array([10, 25]))
    (True, False)
    """
    lengths = closes - opens
    return bool((lengths == lengths[0]).all() and (np.diff(opens) % lengths[0] == 0).all())


def is_calendar(opens: Integers, closes: Integers, *, sessions: bool = False) -> bool:
    """Whether bars that are not `regular` follow a calendar.

    Parameters
    ----------
    opens, closes : ndarray of int64
        In order, epoch µs.
    sessions : bool
        Whether they may be those of trading hours too: of which many are shorter than the others, again and again.
    """
    if (closes <= opens).any() or (closes[:-1] > opens[1:]).any():
        return False
    lengths = closes - opens
    for made in (month_spans(opens), clock_spans(opens, usual(lengths))):
        if made is not None and (made[1][:-1] == closes[:-1]).all():
            return True
    odd = float(np.mean(lengths != usual(lengths)))
    if not sessions:
        return False
    if odd > _SOME:
        return float(np.mean(np.diff(lengths) != 0)) > _SOME
    return odd == 0 or usual(np.diff(opens)) % DAY == 0 or float(np.mean(closes[:-1] != opens[1:])) > _SOME


def name_of(opens: Integers, closes: Integers) -> str:
    """The kind of bars that these are.

    >>> name_of(np.array([0, DAY]), np.array([6 * HOUR, DAY + 6 * HOUR]))
    '1d'
    """
    if not regular(opens, closes) and month_spans(opens) is not None:
        dates = ((opens + DAY // 2) // DAY).astype("datetime64[D]").astype("datetime64[M]")
        return f"{usual(np.diff(dates.astype(np.int64)).astype(np.int64))}{MONTHS}"
    length = usual(closes - opens)
    step = usual(np.diff(opens)) if len(opens) > 1 else length
    return interval_text(step if step > length and step % DAY == 0 else length)


def missing_before(bars: Bars, interval: int, grid: Grid | None) -> Integers:
    """How many bars are missing before each.

    Parameters
    ----------
    bars : Bars
        In time order.
    interval : int
        Length of one in µs.
    grid : Grid or None
        Of trading hours, where there are some.
    """
    opens, closes = bars["open_time"], bars["close_time"]
    if grid is not None and grid.hours is not None:
        due, _ = grid.spans(int(opens[0]), int(opens[-1]))
        due = due[grid.hours.inside(due)]
        before = np.searchsorted(due, opens, "left")  # as many as were due before
        there = np.isin(opens, due)
        seen: Integers = np.cumsum(there) - there
        late = before - seen
        made: Integers = np.diff(late, prepend=late[0])
        return np.maximum(made, 0)
    if interval == MONTH or regular(opens, closes):
        return np.append(0, steps_between(opens, interval) - 1)
    gap = opens - np.append(opens[0], closes[:-1])
    if np.mean(gap > 0) > _SOME:
        return np.zeros(len(opens), np.int64)
    return np.where(gap > 0, np.maximum((gap + interval // 2) // interval, 1), 0)


def in_hours(bars: Bars, spec: BarSpec | None, *, assumed: bool) -> tuple[Bars, Grid | None]:
    """Bars as trading hours have them, and the grid on which they are due.

    Bars of days are those of the trading day that their date names. Others that open outside the hours are left out;
    one that would last beyond the close is taken to end at it where its end is ``assumed`` and not told.

    Raises
    ------
    DataError
        If no bar is within the hours.
    """
    hours = None if spec is None or spec.session is None else spec.session.hours
    if spec is None or hours is None or not len(bars):
        return bars, None
    opens, closes = bars["open_time"], bars["close_time"]
    length = usual(closes - opens)
    if abs(length - DAY) <= HOUR:
        return _on_days(bars, hours), Grid(DAY, Session("1d", hours.text), whole=True)
    if length > DAY or hours.extended:
        return bars, None
    bars = within_hours(bars, spec)
    opens, closes = bars["open_time"], bars["close_time"]
    if assumed:
        ends = hours.closes[np.searchsorted(hours.opens, opens, "right") - 1]
        bars = bars.assign(close_time=np.minimum(closes, ends))
    if usual(np.diff(opens)) >= DAY if len(opens) > 1 else True:
        return bars, Grid(DAY, Session("1d", hours.text), whole=True)
    grid = Grid(length, Session("1d", hours.text))
    due, _ = grid.spans(int(opens[0]), int(opens[-1]))
    return bars, grid if np.isin(opens, due).all() else None


def _on_days(bars: Bars, hours: TradingDays) -> Bars:
    """Bars of dates as the trading days of these names; what has no such day is left out and counted."""
    dates = _dates(bars["open_time"], hours)
    made, traded = hours.spans_of(dates)
    if not traded.any():
        raise DataError(f"{bars.source or 'bars'}: no bar is of a day on which {hours.text} trades")
    cut: dict[str, NDArray[Any]] = {"open_time": made[0][traded], "close_time": made[1][traded]}
    kept = bars.take(traded).assign(**cut)
    if traded.all():
        return kept
    count = int(np.count_nonzero(~traded))
    return replace(
        kept, notes=(*kept.notes, f"{count:,} bars of days on which {hours.text} does not trade are left out")
    )


def _dates(opens: Integers, hours: TradingDays) -> Integers:
    """The dates that name bars of days: in UTC where they open at its midnight, else in the exchange's zone."""
    if (opens % DAY == 0).all():
        return opens // DAY
    import pandas as pd

    local = pd.DatetimeIndex(opens.astype("datetime64[us]"), tz="UTC").tz_convert(hours.zone).tz_localize(None)
    shown: Integers = local.as_unit("us").asi8
    inside = hours.inside(opens) | np.isin(opens, hours.opens)
    return np.where(inside, hours.numbers(opens), shown // DAY)

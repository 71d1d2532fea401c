"""The bars of any feed of backtrader's, from its lines once the run is over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import from_day_numbers, interval_text
from ...core.errors import InputError
from ...core.lines import STANDARD, BarData

PRICES = ("open", "high", "low", "close", "volume")


def bars_of(data: Any, name: str) -> Bars:
    """The bars of a feed: those that `tapeflow.data` was given, where the feed shows them all, else its lines.

    A stamp of backtrader's is a close. A bar begins the most frequent distance between two stamps before, or where the
    one before ended.

    Parameters
    ----------
    data : DataBase
        After the run.
    name : str
        What errors call it.

    Raises
    ------
    InputError
        If the run kept the last bars alone, as ``exactbars`` does, or there were none.
    """
    if isinstance(data, BarData) and data.whole:
        return data.bars
    if not len(data):
        raise InputError(f"{name}: the run had no bar of this feed")
    if len(data.lines.datetime.array) < len(data):
        raise InputError(f"{name}: exactbars keeps only the last bars; run without it for a result")
    count = len(data)
    columns = {one: np.array(getattr(data.lines, one).array[:count]) for one in _columns(data)}
    if "close_time" not in columns:
        closes = from_day_numbers(np.array(data.lines.datetime.array[:count]))
        columns |= {"open_time": _opens(closes), "close_time": closes}
    notes = ("price rows are left out: the feed shows bars of its own",) if _had_levels(data) else ()
    return Bars(columns, None, _kind(columns), name, notes=notes)


def _columns(data: Any) -> list[str]:
    """The lines that are known, the stamp apart."""
    longer = isinstance(data, BarData) and data.longer
    names = [one for one in data.getlinealiases() if one in PRICES or (one not in STANDARD and not longer)]
    return [one for one in names if not np.isnan(np.array(getattr(data.lines, one).array)).all()]


def _had_levels(data: Any) -> bool:
    return isinstance(data, BarData) and data.bars.levels is not None


def _opens(closes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where bars begin that end at ``closes``."""
    if len(closes) < 2:
        return closes.copy()
    usual = usual_distance(closes)
    before = np.concatenate(([closes[0] - usual], closes[:-1]))
    return np.maximum(closes - usual, np.minimum(before, closes))


def usual_distance(closes: NDArray[np.int64]) -> int:
    """The most frequent distance between two closes, µs.

    >>> usual_distance(np.array([0, 60, 120, 500]))
    60
    """
    steps, times = np.unique(np.diff(closes), return_counts=True)
    return int(steps[np.argmax(times)])


def _kind(columns: dict[str, Any]) -> str:
    """The kind of bars where all are as long; empty elsewhere."""
    lengths = np.unique(columns["close_time"] - columns["open_time"])
    return interval_text(int(lengths[0])) if len(lengths) == 1 and lengths[0] > 0 else ""

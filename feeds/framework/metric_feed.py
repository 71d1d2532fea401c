"""Metrics: series that are no bars of trades, such as open interest, each value known from an instant on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...aggregation.kinds import BarSpec
from ...core.bars import Bars
from ...core.clock import SECOND, interval_text, parse_interval
from ...core.errors import DataError, ParamError
from ...core.params import Text
from ...core.schema import Quality
from .table_bars import Columns, TableRows
from .window import Instant, instant

Integers = NDArray[np.int64]


def parse_delay(text: str) -> int:
    """Microseconds of an interval, or of ``0s``.

    Raises
    ------
    ValueError
        If ``text`` is neither.

    Examples
    --------
    >>> parse_delay("0s"), parse_delay("5m")
    (0, 300000000)
    """
    return 0 if re.fullmatch(r"0[smhdw]?", str(text).strip()) else parse_interval(text)


DELAY = Text(parse_delay, "an interval such as 5m, or 0s")


class MetricFeed(TableRows):
    """A series of values beside the feed that is traded; a subclass gives the ``table`` and the ``values`` it holds.

    What it gives are bars in form: each ends when its row becomes known, ``delay`` after its own time, and a value
    stands until the next, at most for ``max_age``: then a row of NaN follows. Rules read them as those of any second
    feed, ``oi.open_interest``, the last one that ended by the close of the traded bar.
    """

    abstract = True
    why_no_actions = "gives values that are no prices of a stock"
    canonical = ("open_time", "close_time", "quality")
    params = {"delay": "0s", "max_age": "1h"}
    bounds = {"delay": DELAY, "max_age": Text(parse_interval, "an interval such as 1h")}
    values: ClassVar[tuple[str, ...]] = ()
    """Its columns, in the order in which they are documented."""
    _holes = 0

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones."""
        return cls.values

    def klines(self) -> Bars:
        """All rows in the order of their times; fills `files`, `counts` and `interval`."""
        columns = self.settle(self._read())
        time = columns.pop("time")
        steps, times = np.unique(np.rint(np.diff(time) / SECOND).astype(np.int64), return_counts=True)
        self.interval = int(steps[np.argmax(times)]) * SECOND if len(steps) else parse_interval(self.p["max_age"])
        return self._known(time, {name: columns[name] for name in self.values if name in columns})

    def settle(self, columns: Columns) -> Columns:
        """What a subclass makes of the columns as read, in time order."""
        return columns

    def remarks(self) -> tuple[str, ...]:
        """When values count, and where there are none."""
        text = f"{type(self).__name__}: values count from {self.p['delay']} after their own time on"
        holes = f"; {self._holes} holes longer than {self.p['max_age']} hold none" if self._holes else ""
        return (text + holes,)

    def _known(self, time: Integers, values: Columns) -> Bars:
        """Rows as bars that end when they become known."""
        close, length = time + parse_delay(self.p["delay"]), int(self.interval or 0)
        made: Columns = {name: column.astype(np.float64) for name, column in values.items()}
        made["close_time"] = close
        made["open_time"] = np.maximum(close - length, np.concatenate([close[:1] - length, close[:-1]]))
        return Bars(made, None, interval_text(length), self.source)

    def _aged(self, bars: Bars) -> Bars:
        """With a row of NaN where one grows old before the next."""
        age, close = parse_interval(self.p["max_age"]), bars["close_time"]
        old = np.flatnonzero(np.diff(close) > age)
        self._holes = len(old)
        made: Columns = {name: np.insert(bars[name], old + 1, np.nan) for name in self.values if name in bars.columns}
        made["quality"] = np.insert(bars["quality"], old + 1, int(Quality.GAP))
        made["close_time"] = np.insert(close, old + 1, close[old] + age)
        made["open_time"] = np.insert(bars["open_time"], old + 1, close[old])
        return Bars(made, None, bars.spec, bars.source)

    def bars_of(
        self,
        specs: Sequence[str | BarSpec | None],
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> list[Bars]:
        """The series once for each of ``specs``, which must be None."""
        if asked := [spec for spec in specs if spec is not None]:
            name = type(self).__name__
            raise ParamError(f"bars: {asked[0]}: {name} gives values at times of their own, not bars; leave bars out")
        made = self._aged(self.klines())
        first, last = instant(start), instant(end)
        if gaps == "error" and self._holes:
            raise DataError(f"{self.source}: {self._holes} holes longer than max_age {self.p['max_age']}")
        lo = 0 if first is None else max(int(np.searchsorted(made["close_time"], first, "right")) - 1, 0)
        hi = len(made) if last is None else int(np.searchsorted(made["close_time"], last, "right"))
        made = made.slice(lo, max(lo, hi))
        if not len(made):
            raise DataError(f"{self.source}: no rows in the time asked for")
        return [Bars(made.columns, None, made.spec, made.source, notes=self.remarks()) for _ in specs]

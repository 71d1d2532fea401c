"""What a compiled run reads: the market and every line as arrays, and the rules that are true on each bar."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import day_numbers
from ...core.errors import DataError
from ...core.lines import EXTRA, STANDARD
from ...core.names import Names
from ...core.registry import INDICATORS
from ...strategies.expressions import Expression, Ref
from .layout import Floats
from .rules import LONG_ENTER, LONG_EXIT, REASONS, SHORT_ENTER, SHORT_EXIT

PRICES = ("open", "high", "low", "close")


def unusable(bars: Bars) -> str:
    """Why the compiled broker cannot trade these bars; empty when it can."""
    for name in PRICES:
        column = bars[name]
        if len(column) and not (column.min() > 0 and column.max() < np.inf):
            bad = np.flatnonzero(~(np.isfinite(column) & (column > 0)))
            return f"bar {bad[0] + 1} has no {name} above 0"
    return ""


def market(bars: Bars, stamps: Floats | None = None) -> Floats:
    """Open, high, low, close and day number (``stamps``, where they are known), (5, bars)."""
    days = day_numbers(bars["close_time"]) if stamps is None else stamps
    return np.array([*(bars[name] for name in PRICES), days])


class Lines:
    """Every column of a feed and every line of a run's indicators.

    Parameters
    ----------
    bars : Bars
        The feed.
    blocks : mapping of str to IndicatorBlock
        The indicators, by the name rules call them.

    Attributes
    ----------
    stamps : ndarray of float64
        Day numbers of the bars' closes.
    first : int
        The first bar on which a strategy with these indicators is asked.
    """

    def __init__(self, bars: Bars, blocks: Mapping[str, Any]) -> None:
        self.bars = bars
        more = tuple(c for c in bars.columns if c not in STANDARD and c not in EXTRA)
        self.stamps = day_numbers(bars["close_time"])
        self._known: dict[str, NDArray[Any]] = {**bars.columns, "datetime": self.stamps}
        self._columns = (*STANDARD, *EXTRA, *more)
        self.indicators = {name: _indicator(bars, block) for name, block in blocks.items()}
        self.first = max([1, *(made.warmup for made in self.indicators.values())]) - 1

    @property
    def names(self) -> Names:
        """What rules may refer to."""
        return Names(self._columns, {name: made.names for name, made in self.indicators.items()})

    def column(self, ref: Ref) -> Floats:
        """A column, or a line of an indicator; a column that the bars lack is 0 throughout."""
        owner, name = ref
        if owner:
            made = self.indicators[owner]
            return np.asarray(made.table[made.names.index(name)])
        return np.asarray(self._known.get(name, np.zeros(len(self.bars))), dtype=np.float64)

    def check(self, feed: str) -> None:
        """Refuse bars too few for the warm-up.

        Raises
        ------
        DataError
            With how many there are and how many are needed.
        """
        if len(self.bars) <= self.first:
            raise DataError(
                f"{feed}: {len(self.bars)} bars, but the indicators need {self.first + 1} before the first value"
            )

    def signals(self, sides: Mapping[str, Mapping[str, str | None] | None]) -> NDArray[np.uint8]:
        """The rules that are true on each bar, as bits."""
        made = np.zeros(len(self.bars), np.uint8)
        for bit in (LONG_ENTER, SHORT_ENTER, LONG_EXIT, SHORT_EXIT):
            side, key = REASONS[bit].split(".")
            text = (sides.get(side) or {}).get(key)
            if text is not None:
                made |= Expression(text, self.names).over(self.column).astype(np.uint8) << np.uint8(bit)
        return made


def _indicator(bars: Bars, block: Any) -> Any:
    """An indicator's lines, and what a result says of it."""
    cls: Any = INDICATORS.find(block.kind)
    full = cls.resolve(block.params)
    settled = cls.settle(full, bars.carries)
    names = cls.line_names(**full)
    table = cls.table(bars, **block.params)
    made = SimpleNamespace(kind=cls.kind, names=names, table=table, warmup=cls.warmup(**settled))
    made.line_measures = cls.line_measures
    made.p = made.params = SimpleNamespace(**full, _getkwargs=lambda: dict(full))
    arrays = {name: SimpleNamespace(array=values) for name, values in zip(names, table, strict=True)}
    made.lines = _Lines(arrays)
    return made


class _Lines:
    """Lines by name and by number, as results ask for them."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._arrays = arrays

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_arrays"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, number: int) -> Any:
        return list(self._arrays.values())[number]

    def getlinealiases(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._arrays)

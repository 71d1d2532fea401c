"""backtrader's commonest line operations over whole arrays, with the bits of its loops over single values."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from backtrader.functions import And, MultiLogicReduce, Or
from backtrader.indicators.basicops import Average
from backtrader.indicators.crossover import NonZeroDifference
from backtrader.linebuffer import LineBuffer, LinesOperation, PseudoArray, _LineDelay
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXACT = 53
"""Bits of a float's significand."""

OPERATIONS: dict[Any, Callable[[Any, Any], Any]] = {
    operator.add: np.add,
    operator.sub: np.subtract,
    operator.mul: np.multiply,
    operator.truediv: np.divide,
    operator.lt: np.less,
    operator.le: np.less_equal,
    operator.gt: np.greater,
    operator.ge: np.greater_equal,
    operator.eq: np.equal,
    operator.ne: np.not_equal,
}


def _view(line: Any) -> Floats:
    return np.frombuffer(line.array, dtype=np.float64)


def _reaches(line: Any, end: int) -> bool:
    """Whether a line has a value for each bar up to ``end``; one of a shorter feed has not."""
    return len(line.array) >= end


def _operand(value: Any, start: int, end: int) -> Any:
    """A line's values or a plain number; None for anything else, and for too short a line, which is backtrader's."""
    if isinstance(value, LineBuffer):
        return _view(value)[start:end] if _reaches(value, end) else None
    fits = isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**EXACT)
    return float(value) if fits else None


def operation(self: Any, start: int, end: int) -> None:
    """``a + b``, ``a < b`` and the like; a zero divisor is left for backtrader to refuse."""
    made = OPERATIONS.get(self.operation)
    a, b = (_operand(x, start, end) for x in (self.a, self.b))
    if made is None or a is None or b is None or end <= start or (made is np.divide and np.any(np.equal(b, 0.0))):
        LinesOperation.once(self, start, end)
        return
    with np.errstate(all="ignore"):
        _view(self)[start:end] = made(a, b)


def delay(self: Any, start: int, end: int) -> None:
    """A line as it was some bars ago."""
    if end <= start or start + self.ago < 0 or isinstance(self.a, PseudoArray) or not _reaches(self.a, end + self.ago):
        _LineDelay.once(self, start, end)
    else:
        _view(self)[start:end] = _view(self.a)[start + self.ago : end + self.ago]


def logic(self: Any, start: int, end: int) -> None:
    """``And`` and ``Or``; NaN counts as true, as in Python."""
    known = type(self) in (And, Or) and len(self.args) > 1
    if end <= start or not known or not all(isinstance(arg, LineBuffer) and _reaches(arg, end) for arg in self.args):
        MultiLogicReduce.once(self, start, end)
        return
    true = [_view(arg)[start:end] != 0.0 for arg in self.args]
    _view(self)[start:end] = (np.logical_and if isinstance(self, And) else np.logical_or).reduce(true)


def last_difference(self: Any, start: int, end: int) -> None:
    """The latest difference that is not zero."""
    if end <= start:
        return
    if not (_reaches(self.data0, end) and _reaches(self.data1, end)):
        NonZeroDifference.once(self, start, end)
        return
    made = _view(self.lines[0])
    steps = np.concatenate((made[start - 1 : start], _view(self.data0)[start:end] - _view(self.data1)[start:end]))
    kept = np.where(steps != 0.0, np.arange(len(steps)), 0)
    made[start:end] = steps[np.maximum.accumulate(kept)][1:]


def average(self: Any, start: int, end: int) -> None:
    """A moving average whose sums are exact and rounded once, which is what ``math.fsum`` promises too."""
    period = self.p.period
    first = start - period + 1
    parts = _split(_view(self.data)[first:end]) if end > start and first >= 0 else None
    if parts is None:
        Average.once(self, start, end)
        return
    high, low = (np.concatenate(([0.0], np.cumsum(part))) for part in parts)
    sums = (high[period:] - high[:-period]) + (low[period:] - low[:-period])
    _view(self.lines[0])[start:end] = sums / period


def _split(values: Floats) -> tuple[Floats, Floats] | None:
    """``values`` as coarse and fine parts, any sum of either of which is exact; None where there are none such.

    With g a power of two, the coarse parts are multiples of g and the fine ones, at most g / 2, multiples of
    the last place of the smallest value. A sum of n of them is exact while it has at most 53 bits.
    """
    if not np.isfinite(values).all():
        return None
    sizes = np.abs(values[values != 0.0])
    if len(sizes) == 0:
        return values, np.zeros_like(values)
    count = len(values).bit_length()
    coarse = int(np.frexp(sizes.max())[1]) + count - EXACT
    finest = int(np.frexp(sizes.min())[1]) - EXACT
    if coarse + count - finest > EXACT or not -900 < finest <= coarse + EXACT < 900:
        return None
    grid = 2.0 ** max(coarse, finest)
    high = np.rint(values / grid) * grid
    return high, values - high


INSTEAD: dict[Any, Callable[[Any, int, int], None]] = {
    LinesOperation.once: operation,
    _LineDelay.once: delay,
    MultiLogicReduce.once: logic,
    NonZeroDifference.once: last_difference,
    Average.once: average,
}
"""What is done in place of each ``once`` of backtrader."""

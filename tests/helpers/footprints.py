"""What the tests of footprints share: bars with price rows, their rows, and how lines are compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tapeflow.core.bars import Bars
from tapeflow.core.samples import empty_bars, sample_bars

LIVE = sample_bars(400, seed=21)
GAPPY = empty_bars(LIVE, np.flatnonzero(np.random.default_rng(1).random(400) < 0.2))
SIZE = 5.0
Rows = dict[int, tuple[float, float]]


def rows_of(bars: Bars, height: int = 1) -> Iterator[Rows]:
    levels = bars.levels
    assert levels is not None
    for a, b in zip(levels.offsets[:-1], levels.offsets[1:], strict=True):
        made: Rows = {}
        for k in range(a, b):
            row = int(levels.price_tick[k]) // (levels.row_ticks * height)
            bought, sold = made.get(row, (0.0, 0.0))
            made[row] = bought + float(levels.buy_volume[k]), sold + float(levels.sell_volume[k])
        yield made


def agree(expected: list[Any], lines: Any) -> None:
    np.testing.assert_allclose(lines.to_numpy(), np.array(expected, float), rtol=1e-9, atol=1e-12, equal_nan=True)


def runs_of(found: list[int], least: int) -> list[tuple[int, int]]:
    made: list[list[int]] = []
    for row in found:
        if made and made[-1][-1] == row - 1:
            made[-1].append(row)
        else:
            made.append([row])
    return [(run[0], run[-1]) for run in made if len(run) >= least]

"""Where aggregation is at its border: the second row of a batch, the end of a bar of range, prices off all ticks."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.aggregation.bars import Aggregator
from tapeflow.aggregation.cutting import cut_ranges
from tapeflow.aggregation.folding import goes_back
from tapeflow.core.errors import DataError
from tapeflow.core.tape import Tape


@pytest.mark.parametrize(
    ("time", "before", "back"),
    [([5, 3], 0, True), ([5, 5], 5, False), ([4], 5, True), ([5, 6, 4], 0, True), ([5, 6, 7], 5, False)],
)
def test_any_step_back_is_seen(time: list[int], before: int, back: bool) -> None:
    assert goes_back(np.array(time), before) is back


def test_a_bar_of_range_begins_anew_with_the_price_after_it() -> None:
    price, ends, state = np.array([10.0, 12.0, 13.0, 14.0, 15.0, 15.0]), np.zeros(6, np.int64), np.zeros(3, np.int64)
    found = cut_ranges(price, 1.0, 1.0, 2, state, ends)
    assert ends[:found].tolist() == [2, 5]


def test_prices_of_too_many_ticks_are_refused_where_one_kind_counts_them() -> None:
    tape = Tape.of(time=[0, 1], price=[1.0, 1e18], quantity=[1.0, 1.0], side=[1, 1])
    Aggregator(["1m"], tick=0.01).push(tape)
    for specs in (["2r"], ["1m", "2r"]):
        with pytest.raises(DataError, match="ticks"):
            Aggregator(specs, tick=0.01).push(tape)

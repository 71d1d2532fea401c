"""Folding by blocks: long bars against exact sums, and every way in which batches can cut a block."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.lanes import LANES
from tapeflow.core.tape import Tape

MINUTE = 60_000_000
ROWS = 400 * LANES + 3


@pytest.fixture(scope="module")
def tape() -> Tape:
    """Small and large steps, decimals of very different size, unknown sides now and then."""
    rng = np.random.default_rng(11)
    steps = np.where(rng.random(ROWS) < 0.02, rng.normal(0, 0.05, ROWS), rng.normal(0, 1e-5, ROWS))
    return Tape.of(
        time=np.cumsum(rng.integers(0, 400_000, ROWS)),
        price=np.round(100 * np.exp(np.cumsum(steps)), 4) + 1e-4,
        quantity=np.round(10 ** rng.uniform(-6, 6, ROWS), 7) + 1e-7,
        side=rng.choice([-1, 1, 1, -1, 0], ROWS),
        trades=rng.integers(1, 9, ROWS),
    )


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert all(a[name].tobytes() == b[name].tobytes() for name in a.columns)


def test_sums_and_extremes_of_long_bars_are_the_nearest_doubles(tape):
    (bars,) = aggregate([tape], ["5m"])
    bar = np.searchsorted(bars["close_time"], tape.time, "right")
    for k in range(len(bars)):
        rows = np.flatnonzero(bar == k)
        quantity = [Fraction(q) for q in tape.quantity[rows].tolist()]
        path = list(itertools.accumulate(q * s for q, s in zip(quantity, tape.side[rows].tolist(), strict=True)))
        assert bars["volume"][k] == float(sum(quantity))
        assert bars["quote_volume"][k] == float(sum(Fraction(v) for v in (tape.price * tape.quantity)[rows].tolist()))
        assert bars["delta_high"][k] == float(max(0, *path))
        assert bars["delta_low"][k] == float(min(0, *path))
        assert bars["trades"][k] == tape.trades[rows].sum()
        squares = [math.log(b / a) ** 2 for a, b in itertools.pairwise(tape.price[rows].tolist())]
        assert bars["realized_vol"][k] == pytest.approx(math.sqrt(math.fsum(squares)), rel=1e-12)


@pytest.mark.parametrize("every", [1, 3, LANES - 1, LANES, LANES + 1, 5 * LANES + 2])
def test_batches_that_cut_blocks_change_no_bit(tape, every):
    kinds = ["1s", "1m", "1h", "1t", "8t", "100t"]
    cut = [tape[i : i + every] for i in range(0, len(tape), every)]
    assert_same(aggregate([tape], kinds), aggregate(cut, kinds))


def test_rows_that_wait_keep_their_own_notional(tape):
    known = replace(tape, notional=tape.price * tape.quantity)
    cuts = [0, 5, 5 + LANES, 100, 101, 1000, len(tape)]
    mixed = [(known if k % 2 else tape)[a:b] for k, (a, b) in enumerate(itertools.pairwise(cuts))]
    assert_same(aggregate([tape], ["1m"]), aggregate(mixed, ["1m"]))


def test_columns_with_gaps_are_read_as_they_are(tape):
    half = tape[::2]
    packed = Tape.of(time=half.time, price=half.price, quantity=half.quantity, side=half.side, trades=half.trades)
    assert not half.price.flags.c_contiguous
    assert_same(aggregate([packed], ["1m"]), aggregate([half], ["1m"]))


def test_a_first_price_that_is_far_off_leaves_no_mark_on_what_follows():
    price = [1e6, *[1.0] * 50]
    tape = Tape.of(time=np.arange(51) * MINUTE // 2, price=price, quantity=np.ones(51), side=np.ones(51))
    (bars,) = aggregate([tape], ["1m"])
    assert set(bars["realized_vol"][1:]) == {0.0}
    assert set(bars["low"]) == set(bars["high"][1:]) == {1.0}
    assert bars["high"][0] == 1e6

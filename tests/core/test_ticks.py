"""Prices on a tick are the decimals a person would write, in Python and in compiled code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.core import tick_kernels
from tapeflow.core.kernels import compiled
from tapeflow.core.ticks import grid_of
from tapeflow.core.units import parse_amount

EXACT = 2**53
"""Whole numbers up to this are exact as floats."""
_SMALL = [1e-8, 5e-8, 1e-6, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.015625, 0.02, 0.025, 0.03, 0.05]
_LARGE = [0.1, 0.125, 0.2, 0.25, 0.3, 0.5, 0.7, 1.0, 2.5, 5.0, 10.0, 12.5, 25.0, 100.0]
_ANY = st.builds(lambda n, k: float(Decimal(n).scaleb(-k)), st.integers(1, 9999), st.integers(2, 8))
TICKS = st.sampled_from(_SMALL) | st.sampled_from(_LARGE) | _ANY


@compiled
def in_kernels(row: Any, price: Any, num: Any, den: Any) -> Any:
    return (
        tick_kernels.price_at(row, num, den),
        tick_kernels.row_near(price, num, den),
        tick_kernels.on_grid(price, num, den),
        tick_kernels.settled(price, num, den),
        tick_kernels.row_under(price, num, den),
    )


@st.composite
def rows(draw: Any) -> tuple[float, int]:
    tick = draw(TICKS)
    most = EXACT // int(grid_of(tick).num)
    return tick, draw(st.integers(0, min(most - 1, 10**12)))


@st.composite
def all_rows(draw: Any) -> tuple[float, int]:
    """Any row whose price is one division of whole numbers that are exact, the largest as often as the small."""
    tick = draw(TICKS)
    most = EXACT // int(grid_of(tick).num)
    return tick, draw(st.integers(0, most - 1) | st.integers(most // 4, most - 1))


def decimal(row: int, tick: float) -> float:
    return float(Decimal(row) * Decimal(repr(tick)))


@settings(max_examples=300)
@given(rows() | all_rows())
def test_a_row_has_the_price_that_is_written_and_a_price_its_row(spot: tuple[float, int]) -> None:
    tick, row = spot
    grid, price = grid_of(tick), decimal(*spot[::-1])
    assert grid.price(row) == price
    assert grid.on(price) == price
    assert grid.settled(price) == price
    assert grid.price(grid.row(price)) == price
    if decimal(row - 1, tick) < price < decimal(row + 1, tick):  # else two rows are one float
        assert grid.row(price) == row


@pytest.mark.parametrize("price", [np.inf, -np.inf, np.nan])
def test_what_is_no_price_stays_as_it_is(price: float) -> None:
    assert repr(grid_of(0.1).on(price)) == repr(grid_of(0.1).settled(price)) == repr(float(price))


@settings(deadline=None)
@given(rows() | all_rows())
def test_compiled_code_converts_bit_for_bit_as_python_does(spot: tuple[float, int]) -> None:
    tick, row = spot
    grid = grid_of(tick)
    price = decimal(row, tick) * 1.0000003
    made = in_kernels(row, price, grid.num, grid.den)
    assert made[:4] == (grid.price(row), grid.row(price), grid.on(price), grid.settled(price))


@given(rows(), st.floats(-0.49, 0.49))
def test_a_price_beside_a_row_goes_to_the_nearest(spot: tuple[float, int], beside: float) -> None:
    tick, row = spot
    price = float((Decimal(row) + Decimal(beside)) * Decimal(repr(tick)))
    found = grid_of(tick).row(price)
    away = abs(Decimal(price) - Decimal(found) * Decimal(repr(tick)))
    assert away <= Decimal(repr(tick)) / 2 * (1 + Decimal("1e-6")) or row > 10**11


@given(st.integers(1, 90_000), st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5]))
def test_a_price_of_single_precision_goes_to_the_row_it_was_written_for(row: int, tick: float) -> None:
    price = float(np.float32(decimal(row, tick)))
    assert grid_of(tick).row(price) == row


@given(rows(), st.integers(1, 50))
def test_so_many_ticks_beside_a_price_is_a_price_on_the_tick(spot: tuple[float, int], ticks: int) -> None:
    tick, row = spot
    if row > 10**9:
        return
    grid = grid_of(tick)
    away = parse_amount(f"{ticks}ticks").at(1.0, tick)
    assert away == decimal(ticks, tick)
    assert grid.settled(decimal(row, tick) + away) == decimal(row + ticks, tick)
    assert grid.settled(decimal(row + ticks, tick) - away) == decimal(row, tick)


def test_what_lies_between_two_ticks_stays_there() -> None:
    assert grid_of(0.1).settled(100.05) == 100.05
    assert grid_of(None).settled(100.30000000000001) == 100.30000000000001
    assert grid_of(None).on(1.23) == 1.23


@settings(deadline=None)
@given(rows())
def test_a_row_holds_prices_from_its_own_up_to_the_next(spot: tuple[float, int]) -> None:
    tick, row = spot
    if row > 10**9:
        return
    grid = grid_of(tick)
    for price, held in ((decimal(row, tick), row), (decimal(row, tick) + 0.9 * tick, row)):
        assert in_kernels(row, price, grid.num, grid.den)[4] == held


def test_a_tick_that_was_computed_is_the_decimal_it_stands_for() -> None:
    assert grid_of(3 * 0.1) == grid_of(0.3)
    assert grid_of(1 / 64) == (1.0, 64.0)


@pytest.mark.parametrize("tick", [0.1, 0.05, 0.0001, 0.01])
def test_the_product_of_floats_is_another_number_for_some_rows(tick: float) -> None:
    wrong = sum(row * tick != grid_of(tick).price(row) for row in range(20_000))
    assert wrong > 500

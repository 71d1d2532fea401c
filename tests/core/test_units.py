"""Quantities with units, as people write them in YAML."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeflow.configs.units import Slippage
from tapeflow.core.units import parse_amount, parse_fraction


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2bp", 0.0002),
        ("2bps", 0.0002),
        ("2.5 bp", 0.00025),
        ("0.05%", 0.0005),
        ("1e-1%", 0.001),
        ("-1bp", -0.0001),
        (0.0005, 0.0005),
        (0, 0.0),
    ],
)
def test_a_fraction_is_the_nearest_float_to_what_was_written(text: object, expected: float) -> None:
    assert parse_fraction(text) == expected


@pytest.mark.parametrize("text", ["", "bp", "two bp", "2 bp per side", "2b", "1,5bp", "0x10bp", True, None, [1]])
def test_what_is_no_amount_is_refused_by_name(text: object) -> None:
    with pytest.raises(ValueError, match="2bp"):
        parse_amount(text)


def test_ticks_are_no_fraction() -> None:
    with pytest.raises(ValueError, match="ticks"):
        parse_fraction("2ticks")


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("1tick", 1.0, "ticks"),
        ("2 ticks", 2.0, "ticks"),
        ("1bp", 0.0001, "fraction"),
        (0.5, 0.5, "price"),
        (0, 0, "price"),
    ],
)
def test_slippage_knows_its_unit(text: object, amount: float, unit: str) -> None:
    assert (Slippage.parse(text).amount, Slippage.parse(text).unit) == (amount, unit)


@pytest.mark.parametrize("text", ["-1bp", "10%", "1000bp", "-1tick", -0.5, math.inf, math.nan, "1tock", True])
def test_slippage_out_of_bounds_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"must be|no amount"):
        Slippage.parse(text)


@given(st.sampled_from(["", "bp", "%", "tick"]), st.floats(min_value=0, max_value=9.99, allow_subnormal=False))
def test_slippage_as_text_reads_back_bit_for_bit(unit: str, number: float) -> None:
    made = Slippage.parse(f"{number!r}{unit}")
    assert Slippage.parse(str(made)) == made

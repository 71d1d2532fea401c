"""Dialects against the programs they name, on those programs' own published test data."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.core.bars import Bars
from tapeflow.core.errors import InputError
from tapeflow.core.tape import Tape
from tapeflow.indicators.naked_poc import NakedPOC
from tapeflow.indicators.volume_profile import VolumeProfile

GOOGLE = """
    927.74 14929, 933.0 136776, 932.365 73146, 932.39 56624, 934.8675 74960, 934.325 62358, 935.48 45043,
    935.5 32434, 935.96 58203, 936.08 38559, 939.81 112876, 944.2 117561, 948.77 165746, 944.49 377316,
    941.36 13627, 947.84 106773, 948.17 54292, 947.82 68908, 947.09 26444, 945.57 33068, 946.4 17965, 946.5 16163,
    948.2104 27849, 949.22 23687, 948.0 20906, 948.78 20743, 947.8736 27602, 949.5 129852, 952.0 18209,
    955.14 196489, 956.425 74709, 956.9466 46872, 958.2 60170, 958.5 52942, 959.11 24400, 958.9816 28287,
    957.71 25560, 958.87 45401, 959.09 36429, 958.7 23219, 957.8274 58518, 959.11 335640, 959.26 24547,
    958.92 112079, 958.65 57521, 957.8425 34951, 956.06 30366, 949.8964 60363, 954.0 57387, 953.8 29613,
    953.67 23593, 952.5 34598, 952.97 35087, 952.47 33724, 952.992 69007, 953.27 238489, 954.0 8934, 954.11 50483,
    951.45 59407, 953.48 34319, 952.55 22134, 951.86 30461, 953.7124 41177, 952.37 31910, 953.1533 13744
"""
"""py-market-profile, tests/fixtures/google.csv: close and volume of each half hour."""

IBM = """
    135.419998 3148600 135.45 135.45 135.45
    134.339996 2373700 135.45 135.45 134.35
    134.100006 2425500 135.45 135.45 134.15
    134.190002 3090800 135.45 135.45 134.2
    135.309998 4346000 135.35 135.45 134.2
    136.740005 3730600 135.35 136.75 134.35
    136.690002 3255400 135.35 136.75 134.35
    136.600006 3531000 135.35 136.75 134.35
    135.820007 3681000 135.35 136.75 135.35
    136.619995 4045900 136.65 136.75 135.35
    137.979996 4320900 136.65 138.0 135.35
    138.309998 5623300 136.65 138.35 135.45
    139.169998 7244100 136.65 139.2 135.45
    143.889999 16470400 143.9 143.9 136.65
    142.869995 5657800 143.9 143.9 136.65
    140.559998 5580200 143.9 143.9 136.65
    138.619995 4166600 143.9 143.9 136.65
    139.550003 3451600 143.9 143.9 136.65
    137.690002 3053800 143.9 143.9 136.7
    136.770004 5057900 143.9 143.9 136.7
    143.729996 18994600 143.75 143.9 136.8
"""
"""LEAN, Tests/TestData/vp_datatest.csv: close and volume of each day; point of control, high and low of the area."""


def closes(pairs: list[tuple[float, float]]) -> Bars:
    close, volume = (np.array(column) for column in zip(*pairs, strict=True))
    time = 86_400_000_000 * np.arange(len(close))
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return Bars.of(open_time=time, close_time=time + 86_400_000_000, volume=volume, **prices)


def trades(pairs: list[tuple[float, float]], row_size: float, tick: float | None) -> Bars:
    price, quantity = (np.array(column) for column in zip(*pairs, strict=True))
    tape = Tape.of(
        time=86_400_000_000 * np.arange(len(price)), price=price, quantity=quantity, side=np.ones(len(price))
    )
    (bars,) = aggregate([tape], ["1d"], row_size=row_size, tick=tick)
    return bars


def google() -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in (pair.split() for pair in GOOGLE.replace("\n", " ").split(","))]


def ibm() -> list[list[float]]:
    return [[float(x) for x in row.split()] for row in IBM.strip().splitlines()]


def test_market_profile_is_the_package_on_its_own_test() -> None:
    lines = VolumeProfile.over(
        closes(google()), window=None, dialect="market_profile", from_klines="close", row_size=0.05
    )
    assert lines.iloc[-1].to_dict() == {"poc": 944.5, "vah": 958.95, "val": 944.2}


def test_lean_is_the_program_on_its_own_test_data() -> None:
    rows = ibm()
    lines = VolumeProfile.over(
        closes([(close, volume) for close, volume, *_ in rows]),
        window=None,
        dialect="lean",
        from_klines="close",
        row_size=0.05,
    )
    assert lines[["poc", "vah", "val"]].to_numpy().tolist() == [
        expected for *_, poc, vah, val in rows for expected in [[poc, vah, val]]
    ]


@pytest.mark.parametrize("row_size", [0.05, 0.1, 0.25])
def test_closes_are_rounded_up_as_decimals(row_size: float) -> None:
    prices = [round(100 + k / 100, 2) for k in range(300)]
    lines = VolumeProfile.over(
        closes([(price, 1.0) for price in prices]), window=1, dialect="lean", from_klines="close", row_size=row_size
    )
    step = Decimal(repr(row_size))
    rows = [(Decimal(repr(price)) / step).to_integral_value(ROUND_CEILING) for price in prices]
    assert lines["poc"].tolist() == [float(row * step) for row in rows]


def test_a_spread_candle_lies_in_the_rows_that_reach_down_from_their_names() -> None:
    bars = closes([(100.0, 4.0)]).assign(high=np.array([100.1]), low=np.array([100.0]))
    lines = VolumeProfile.over(
        bars, window=1, from_klines="uniform", row_size=0.05, anchor="ceil", value_area=1.0, expansion="one_row"
    )
    assert lines.iloc[0].to_dict() == {"poc": 100.05, "vah": 100.1, "val": 100.05}


@pytest.mark.parametrize(("dialect", "expected"), [("market_profile", (944.5, 958.95, 944.2))])
def test_trades_in_rows_of_one_tick_give_what_the_closes_give(dialect: str, expected: tuple[float, ...]) -> None:
    bars = trades(google(), row_size=0.0001, tick=0.0001)
    lines = VolumeProfile.over(bars, window=None, dialect=dialect, row_size=0.05)
    assert tuple(lines.iloc[-1]) == expected


def test_rows_that_hold_prices_between_their_edges_are_not_rounded_up() -> None:
    bars = trades(google(), row_size=0.05, tick=None)
    for kind in (VolumeProfile, NakedPOC):
        with pytest.raises(InputError, match=r"anchor ceil rounds prices up, but rows of 0\.05"):
            kind.over(bars, session="1d", dialect="lean")
        assert math.isfinite(float(kind.over(bars, session="1d").iloc[-1, -1]))

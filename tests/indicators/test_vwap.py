"""VWAP and its bands against the definition in plain Python, and against published numbers."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapeflow.core.clock import HOUR
from tapeflow.core.errors import ParamError
from tapeflow.indicators.vwap import VWAP
from tapeflow.tests.helpers.plain import BARS, GAPPY, agree, hourly


def _plain_vwap(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    weight = math.fsum(v for _, v in pairs)
    if not weight:
        return math.nan, math.nan
    mean = math.fsum(q for q, _ in pairs) / weight
    square = math.fsum(v * (q / v - mean) ** 2 for q, v in pairs if v) / weight
    return mean, math.sqrt(square)


def _day(us: int, zone: str) -> Any:
    return datetime.fromtimestamp(us // 1_000_000, ZoneInfo(zone)).date()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_vwap_restarts_with_the_day_of_its_zone(zone: str) -> None:
    n = 400
    opens = int(datetime(2024, 3, 8, tzinfo=UTC).timestamp()) * 1_000_000 + HOUR // 2 * np.arange(n)
    bars = GAPPY.assign(open_time=opens, close_time=opens + HOUR // 2)
    lines = VWAP.over(bars, timezone=zone, bands=[2.0])
    held: list[tuple[float, float]] = []
    for i in range(n):
        if i and _day(int(opens[i]), zone) != _day(int(opens[i - 1]), zone):
            held = []
        held.append((float(bars["quote_volume"][i]), float(bars["volume"][i])))
        mean, sd = _plain_vwap(held)
        agree([mean, sd, mean + 2 * sd, mean - 2 * sd], lines.iloc[i])


def test_vwap_of_the_last_bars_is_plain_over_a_window() -> None:
    lines = VWAP.over(GAPPY, anchor="25b", bands=[])
    pairs = list(zip(GAPPY["quote_volume"].tolist(), GAPPY["volume"].tolist(), strict=True))
    expected = [(math.nan, math.nan)] * 24 + [_plain_vwap(pairs[i - 24 : i + 1]) for i in range(24, len(pairs))]
    agree(expected, lines)


def test_vwap_bands_follow_the_published_case() -> None:
    lines = VWAP.over(hourly(quote_volume=[10.0, 22, 12], volume=[1.0, 2, 1]), anchor="none", bands=[1.0])
    assert lines["vwap"].iloc[-1] == pytest.approx(11, abs=1e-12)
    assert lines["std"].iloc[-1] == pytest.approx(0.70710678, abs=1e-8)


def test_std_keeps_its_digits_where_the_textbook_loses_them() -> None:
    rng = np.random.default_rng(0)
    price = 100_000 + rng.normal(0, 0.05, 5000).round(2)
    volume = rng.random(5000) + 0.1
    bars = hourly(quote_volume=(price * volume).tolist(), volume=volume.tolist())
    mean = math.fsum(price * volume) / math.fsum(volume)
    sd = math.sqrt(math.fsum(volume * (price - mean) ** 2) / math.fsum(volume))
    assert VWAP.over(bars, anchor="none")["std"].iloc[-1] == pytest.approx(sd, rel=1e-7)


def test_one_price_has_no_deviation_however_it_rounds() -> None:
    volume = np.random.default_rng(0).random(200)
    quotients = 100.1 * volume / volume
    assert len(set(quotients.tolist())) > 1
    bars = hourly(quote_volume=(100.1 * volume).tolist(), volume=volume.tolist())
    assert not VWAP.over(bars, anchor="none")["std"].any()


def test_vwap_before_the_first_trade_is_nan_and_afterwards_runs_on() -> None:
    bars = hourly(quote_volume=[0.0, 20.0, 0.0], volume=[0.0, 2.0, 0.0])
    assert VWAP.over(bars, anchor="none")["vwap"].fillna(-1).tolist() == [-1, 10, 10]


def test_bands_are_lines_by_number() -> None:
    assert VWAP.line_names(**VWAP.resolve({"bands": [1, 2.5]})) == (
        *("vwap", "std"),
        *("upper1", "lower1", "upper2", "lower2"),
    )


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"anchor": "1x"}, "anchor must be none, bar, month"),
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"bands": [1.0, -2.0]}, "bands item 2 must be a number above 0"),
        ({"anchor": "1h", "timezone": "Asia/Kolkata"}, "timezone must be UTC unless anchor is whole days"),
        ({"ancor": "1d"}, "did you mean 'anchor'"),
    ],
)
def test_vwap_tells_wrong_parameters(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ParamError, match=f"^VWAP: .*{says}"):
        VWAP.over(BARS, **params)

"""What each worked strategy signals, bar by bar, against its idea written out in plain Python."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tapeflow.core.clock import DAY, MINUTE
from tapeflow.core.plugins.registry import STRATEGIES
from tapeflow.strategies.framework.lines import Lines

BARS = 600
Said = tuple[bool, bool, bool, bool]
"""Long entry, long exit, short entry, short exit."""


class Past:
    """Lines up to a bar: ``past["close", 2]`` is the close two bars ago, NaN before the first."""

    def __init__(self, data: dict[str, list[float]], bar: int, p: Any) -> None:
        self.data, self.bar, self.p = data, bar, p

    def __getitem__(self, key: Any) -> float:
        name, ago = key if isinstance(key, tuple) else (key, 0)
        return self.data[name][self.bar - ago] if self.bar >= ago else math.nan

    def last(self, name: str, n: int, ago: int = 0) -> list[float]:
        """``n`` values in order, the last of them ``ago`` bars back; NaN before the first bar."""
        return [self[name, ago + k] for k in range(n - 1, -1, -1)]


def toxicity_filter(x: Past) -> Said:
    z, toxicity = x["stretch"], abs(x["toxicity"])
    calm, toxic = toxicity < x.p.calm, toxicity >= x.p.toxic
    return calm and z < -x.p.stretch, toxic or z >= 0, calm and z > x.p.stretch, toxic or z <= 0


def cvd_divergence(x: Past) -> Said:
    strong = x["divergence.strength"] >= x.p.strength
    bull, bear = strong and x["divergence.flag"] > 0, strong and x["divergence.flag"] < 0
    return bull, bear, bear, bull


def absorption_reversal(x: Past) -> Said:
    flag, lows, highs = x["absorption.flag"], x.last("low", x.p.bars), x.last("high", x.p.bars)
    at_low, at_high = x["low"] <= least(lows), x["high"] >= most(highs)
    return at_low and flag > 0, flag < 0, at_high and flag < 0, flag > 0


def stacked_imbalance_continuation(x: Past) -> Said:
    def up(ago: int) -> bool:
        rose = x["close", ago] > x["open", ago]
        return x["stacked.buy_stacks", ago] > 0 and x["stacked.sell_stacks", ago] == 0 and rose

    def down(ago: int) -> bool:
        fell = x["close", ago] < x["open", ago]
        return x["stacked.sell_stacks", ago] > 0 and x["stacked.buy_stacks", ago] == 0 and fell

    floor = next((x["stacked.buy_low1", k] for k in range(x.bar + 1) if up(k)), math.nan)
    roof = next((x["stacked.sell_high1", k] for k in range(x.bar + 1) if down(k)), math.nan)
    return up(0), x["close"] < floor, down(0), x["close"] > roof


def value_area_rotation(x: Past) -> Said:
    close, high, low = x["close"], x["profile.vah"], x["profile.val"]
    held = [x["profile.val", k] <= x["close", k] <= x["profile.vah", k] for k in range(x.p.bars)]
    inside, before = all(held), x["close", x.p.bars]
    return (
        inside and before < low and close < high,
        close >= high or close < low,
        inside and before > high and close > low,
        close <= low or close > high,
    )


def naked_poc_magnet(x: Past) -> Said:
    up, down = x["naked.above"] / x["close"] - 1, 1 - x["naked.below"] / x["close"]
    near_up = x.p.least <= up <= x.p.reach and not down <= up
    near_down = x.p.least <= down <= x.p.reach and not up <= down
    return (
        near_up and x["flow"] > 0,
        x["high"] >= x["naked.above", 1],
        near_down and x["flow"] < 0,
        x["low"] <= x["naked.below", 1],
    )


def anchored_vwap_pullback(x: Past) -> Said:
    close, vwap = x["close"], x["vwap.vwap"]
    above = [x["close", k] > x["vwap.vwap", k] for k in range(x.p.bars)]
    below = [x["close", k] < x["vwap.vwap", k] for k in range(x.p.bars)]
    whole, enough = x.bar >= x.p.bars - 1, x.p.share * x.p.bars
    return (
        whole and sum(above) >= enough and x["low"] <= vwap < close and x["delta"] > 0,
        close >= x["vwap.upper1"] or close < x["vwap.lower1"],
        whole and sum(below) >= enough and x["high"] >= vwap > close and x["delta"] < 0,
        close <= x["vwap.lower1"] or close > x["vwap.upper1"],
    )


def large_trade_follow(x: Past) -> Said:
    many = x["large.share"] >= x.p.share
    bought, sold = many and x["unusual"] > x.p.unusual, many and x["unusual"] < -x.p.unusual
    return bought, sold, sold, bought


def vpin_stand_aside(x: Past) -> Said:
    close, rank, n = x["close"], x["vpin.cdf"], x.p.bars
    calm, toxic = rank < x.p.most, rank >= x.p.most
    return (
        calm and close > most(x.last("high", n, 1)),
        toxic or close < least(x.last("low", n // 2, 1)),
        calm and close < least(x.last("low", n, 1)),
        toxic or close > most(x.last("high", n // 2, 1)),
    )


def cross_venue_lead(x: Past) -> Said:
    def gap(ago: int) -> float:
        theirs = math.log(x["leader.close", ago]) - math.log(x["leader.close", ago + x.p.bars])
        return theirs - (math.log(x["close", ago]) - math.log(x["close", ago + x.p.bars]))

    held = [gap(k) for k in range(x.p.window)]
    mean = sum(held) / len(held)
    spread = math.sqrt(sum((v - mean) ** 2 for v in held) / (len(held) - 1))
    z = (held[0] - mean) / spread if spread > 0 else math.nan
    return z > x.p.unusual and x["flow"] > 0, z <= 0, z < -x.p.unusual and x["flow"] < 0, z >= 0


def opening_range_delta(x: Past) -> Said:
    def bounds(ago: int) -> tuple[float, float]:
        day = x["open_time", ago] // DAY
        if x["close_time", ago] - day * DAY <= x.p.minutes * MINUTE:
            return math.nan, math.nan
        first = [k for k in range(ago, x.bar + 1) if x["open_time", k] // DAY == day]
        early = [k for k in first if x["close_time", k] - day * DAY <= x.p.minutes * MINUTE]
        return most([x["high", k] for k in early]), least([x["low", k] for k in early])

    close, before = x["close"], x["close", 1]
    (high, low), (high1, low1) = bounds(0), bounds(1) if x.bar else (math.nan, math.nan)
    late = x["close_time"] - x["open_time"] // DAY * DAY >= x.p.until * MINUTE
    return (
        close > high and before <= high1 and x["cvd"] > 0 and not late,
        late or close < (high + low) / 2,
        close < low and before >= low1 and x["cvd"] < 0 and not late,
        late or close > (high + low) / 2,
    )


def trend_with_delta(x: Past) -> Said:
    fast, slow, trend = x["fast"], x["slow"], x["adx"] >= x.p.trend
    return (
        fast > slow and x["fast", 1] <= x["slow", 1] and trend and x["flow"] > 0,
        fast < slow,
        fast < slow and x["fast", 1] >= x["slow", 1] and trend and x["flow"] < 0,
        fast > slow,
    )


def most(values: list[float]) -> float:
    return max(values) if values and not any(map(math.isnan, values)) else math.nan


def least(values: list[float]) -> float:
    return -most([-v for v in values])


def market(rng: np.random.Generator) -> dict[str, np.ndarray]:
    close = 1_000 + np.cumsum(rng.integers(-2, 3, BARS)) * 1.0
    opened = close - rng.integers(-2, 3, BARS)
    time = np.arange(BARS) * 7 * MINUTE * 1.0
    return {
        "open": opened,
        "close": close,
        "high": np.maximum(opened, close) + rng.integers(0, 2, BARS),
        "low": np.minimum(opened, close) - rng.integers(0, 2, BARS),
        "open_time": time,
        "close_time": time + 7 * MINUTE,
    }


def lines_of(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A market, and numbers for every line that the strategies read, some of them not there."""
    made = market(rng)
    close = made["close"]

    def around(width: float) -> np.ndarray:
        return close + np.round(rng.normal(0, width, BARS))

    def holed(values: np.ndarray) -> np.ndarray:
        return np.where(rng.random(BARS) < 0.05, np.nan, values)

    normal = {
        name: holed(rng.normal(0, 2, BARS)) for name in ("stretch", "toxicity", "unusual", "delta", "flow", "cvd")
    }
    flags = {n: rng.integers(-1, 2, BARS) * 1.0 for n in ("divergence.flag", "absorption.flag")}
    counts = {f"stacked.{s}_stacks": rng.integers(0, 2, BARS) * 1.0 for s in ("buy", "sell")}
    shares = {n: holed(rng.random(BARS)) for n in ("large.share", "vpin.cdf")}
    middle = np.repeat(close[::20], 20)[:BARS]
    return {
        **made,
        **normal,
        **flags,
        **counts,
        **shares,
        "divergence.strength": rng.random(BARS) * 2,
        "stacked.buy_low1": around(3) - 3,
        "stacked.sell_high1": around(3) + 3,
        "profile.vah": holed(middle + 4),
        "profile.val": middle - 4,
        "profile.poc": middle,
        "naked.above": holed(close + rng.integers(1, 5, BARS)),
        "naked.below": holed(close - rng.integers(1, 5, BARS)),
        "vwap.vwap": np.concatenate([[np.nan] * 3, middle[3:]]),
        "vwap.upper1": middle + 5,
        "vwap.lower1": middle - 5,
        "leader.close": around(2),
        "fast": around(2),
        "slow": middle,
        "adx": holed(rng.random(BARS) * 40),
    }


IDEAS: dict[str, tuple[Callable[[Past], Said], dict[str, Any]]] = {
    "ToxicityFilter": (toxicity_filter, {"calm": 2.5}),
    "CVDDivergence": (cvd_divergence, {}),
    "AbsorptionReversal": (absorption_reversal, {"bars": 5}),
    "StackedImbalanceContinuation": (stacked_imbalance_continuation, {}),
    "ValueAreaRotation": (value_area_rotation, {"bars": 2}),
    "NakedPOCMagnet": (naked_poc_magnet, {}),
    "AnchoredVWAPPullback": (anchored_vwap_pullback, {"bars": 4, "share": 0.5}),
    "LargeTradeFollow": (large_trade_follow, {}),
    "VPINStandAside": (vpin_stand_aside, {"bars": 6}),
    "CrossVenueLead": (cross_venue_lead, {"window": 20, "unusual": 1.0}),
    "OpeningRangeDelta": (opening_range_delta, {"minutes": 15.0, "until": 1300.0}),
    "TrendWithDelta": (trend_with_delta, {}),
}


def signals(kind: str, lines: Lines, params: dict[str, Any]) -> np.ndarray:
    cls: Any = STRATEGIES.find(kind)
    asked = SimpleNamespace(p=SimpleNamespace(**{**cls.defaults(), **params}))
    return np.array(cls.signals(asked, lines).filled(len(lines)))


@pytest.mark.parametrize("kind", IDEAS)
def test_signals_are_the_idea_bar_by_bar(kind: str) -> None:
    by_hand, more = IDEAS[kind]
    data = lines_of(np.random.default_rng(11))
    made = signals(kind, Lines.of(**data), more)
    params = SimpleNamespace(**{**STRATEGIES.find(kind).defaults(), **more})
    plain = {name: values.tolist() for name, values in data.items()}
    expected = np.array([by_hand(Past(plain, i, params)) for i in range(BARS)], dtype=bool).T
    assert expected.any(axis=1).all(), "each of the four is seen"
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("kind", IDEAS)
def test_signals_keep_their_bits_when_the_future_is_cut_off(kind: str) -> None:
    more = IDEAS[kind][1]
    data = lines_of(np.random.default_rng(12))
    whole = signals(kind, Lines.of(**data), more)
    for bars in (1, 2, 50, 211, 400):
        cut = Lines.of(**{name: values[:bars] for name, values in data.items()})
        np.testing.assert_array_equal(signals(kind, cut, more), whole[:, :bars])


@pytest.mark.parametrize("kind", IDEAS)
def test_nothing_known_is_no_entry(kind: str) -> None:
    data = lines_of(np.random.default_rng(13))
    times = ("open_time", "close_time")
    nothing = {k: v if k in times else np.full(BARS, np.nan) for k, v in data.items()}
    long_entry, _, short_entry, _ = signals(kind, Lines.of(**nothing), IDEAS[kind][1])
    assert not long_entry.any()
    assert not short_entry.any()


def test_the_point_of_control_may_be_the_target() -> None:
    data = lines_of(np.random.default_rng(14))
    made = signals("ValueAreaRotation", Lines.of(**data), {"bars": 2, "at_poc": True})
    np.testing.assert_array_equal(
        made[1], (data["close"] >= data["profile.poc"]) | (data["close"] < data["profile.val"])
    )

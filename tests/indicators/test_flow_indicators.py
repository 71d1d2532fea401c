"""The flow family against definitions in plain Python, and against published numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, HOUR, MINUTE
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.cvd import CVD
from tapeflow.indicators.flow_entropy import FlowEntropy
from tapeflow.indicators.heikin_ashi import HeikinAshi
from tapeflow.indicators.kernels.distributions import normal_cdf, student_cdf
from tapeflow.indicators.large_trades import LargeTrades
from tapeflow.indicators.order_size_flow import OrderSizeFlow
from tapeflow.indicators.taker_ratio import TakerRatio
from tapeflow.indicators.taker_volume import TakerVolume
from tapeflow.indicators.twap import TWAP
from tapeflow.indicators.vpin import VPIN

BARS = sample_bars(400, seed=21)
GAPPY = empty_bars(BARS, np.flatnonzero(np.random.default_rng(1).random(400) < 0.2))
KLINES = sample_bars(100, seed=21, klines=True)
NAN = math.nan


def _frame(minutes: int = 1, **columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.date_range("2024-01-01 00:01", periods=n, freq=f"{minutes}min"))


def _close(expected: Any, actual: Any, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float), rtol=rel, atol=1e-12)


def _columns(bars: Bars, *names: str) -> list[tuple[float, ...]]:
    return list(zip(*(bars[k].tolist() for k in names), strict=True))


# Heikin-Ashi.

CANDLES = _frame(open=[10.0, 11, 10], high=[14.0, 13, 11], low=[9.0, 10, 8], close=[11.0, 10, 9])


def test_heikin_ashi_of_the_published_case() -> None:
    expected = [[10.5, 14, 9, 11], [10.75, 13, 10, 11], [10.875, 11, 8, 9.5]]
    assert HeikinAshi.over(CANDLES).to_numpy().tolist() == expected


@pytest.mark.parametrize(("seed", "opens"), [("ohlc4", [11, 11, 11]), ("open", [10, 10.5, 10.75])])
def test_heikin_ashi_opens_follow_the_seed(seed: str, opens: list[float]) -> None:
    assert HeikinAshi.over(CANDLES, seed=seed)["open"].tolist() == opens


def test_heikin_ashi_is_its_recursion() -> None:
    first = last = 0.0
    expected = []
    for i, (o, h, low, c) in enumerate(_columns(GAPPY, "open", "high", "low", "close")):
        first = (first + last) / 2 if i else (o + c) / 2
        last = (o + h + low + c) / 4
        expected.append([first, max(h, first, last), min(low, first, last), last])
    _close(expected, HeikinAshi.over(GAPPY))


# Taker volume, ratio, entropy.


def test_taker_volume_of_the_published_kline() -> None:
    bars = _frame(
        taker_buy_volume=[1797761.4],
        taker_sell_volume=[3387726.8 - 1797761.4],
        taker_buy_quote_volume=[1120004.58341],
        taker_sell_quote_volume=[2107340.0199 - 1120004.58341],
    )
    lines = TakerVolume.over(bars).iloc[0]
    assert lines["sell"] == lines["maker_buy"] == pytest.approx(1589965.4, rel=1e-12)
    assert lines["sell_quote"] == lines["maker_buy_quote"] == pytest.approx(987335.43649, rel=1e-12)
    assert lines["maker_sell"] == lines["buy"] == 1797761.4
    assert lines["buy_vwap"] == pytest.approx(0.622999572363, abs=1e-12)
    assert lines["sell_vwap"] == pytest.approx(0.620979196459, abs=1e-12)


def test_a_side_that_took_nothing_has_no_mean_price() -> None:
    lines = TakerVolume.over(GAPPY)
    empty = GAPPY["taker_sell_volume"] == 0
    assert empty.any()
    assert lines["sell_vwap"][empty].isna().all()
    assert lines["sell_vwap"][~empty].notna().all()


def test_taker_ratio_is_its_definition() -> None:
    def over(a: float, b: float) -> float:
        return a / b if b else NAN

    names = ("taker_buy_volume", "taker_sell_volume", "taker_buy_count", "taker_sell_count")
    expected = [
        [over(b, s), over(cb, cs), over(b, b + s), over(cb, cb + cs)] for b, s, cb, cs in _columns(GAPPY, *names)
    ]
    _close(expected, TakerRatio.over(GAPPY))


def test_counts_that_klines_do_not_know_are_nan_and_not_zero() -> None:
    lines = TakerRatio.over(KLINES)
    assert lines[["count_ratio", "count_share"]].isna().all().all()
    assert lines["share"].notna().all()


@pytest.mark.parametrize(("base", "top"), [(2, 0.9709506), ("e", 0.6730117)])
def test_entropy_of_the_published_split(base: Any, top: float) -> None:
    bars = _frame(taker_buy_volume=[6.0, 4.0], taker_sell_volume=[4.0, 6.0])
    assert FlowEntropy.over(bars, base=base)["entropy"].round(7).tolist() == [top, top]


@pytest.mark.parametrize("unit", ["base", "quote", "count"])
def test_entropy_is_its_definition(unit: str) -> None:
    column = {"base": "volume", "quote": "quote_volume", "count": "count"}[unit]
    expected = []
    for b, s in _columns(GAPPY, f"taker_buy_{column}", f"taker_sell_{column}"):
        shares = [v / (b + s) for v in (b, s) if v] if b + s else []
        expected.append(-math.fsum(p * math.log2(p) for p in shares) if shares else NAN)
    _close(expected, FlowEntropy.over(GAPPY, unit=unit)["entropy"])


# CVD.


@pytest.mark.parametrize("unit", ["base", "quote", "count"])
@pytest.mark.parametrize("reset", ["none", "1h", "30b"])
def test_cvd_is_the_sum_of_deltas(unit: str, reset: str) -> None:
    column = {"base": "volume", "quote": "quote_volume", "count": "count"}[unit]
    expected, held = [], []
    opens = GAPPY["open_time"].tolist()
    for i, (b, s) in enumerate(_columns(GAPPY, f"taker_buy_{column}", f"taker_sell_{column}")):
        if reset == "1h" and i and opens[i] // HOUR != opens[i - 1] // HOUR:
            held = []
        held.append(b - s)
        part = held[-30:] if reset == "30b" else held
        expected.append(math.fsum(part) if reset != "30b" or len(held) >= 30 else NAN)
    _close(expected, CVD.over(GAPPY, unit=unit, reset=reset)["cvd"])


def test_a_long_cvd_keeps_the_digits_of_small_deltas() -> None:
    bars = _frame(taker_buy_volume=[1e15, *[0.1] * 2000, 0.0], taker_sell_volume=[*[0.0] * 2001, 1e15])
    assert CVD.over(bars, reset="none")["cvd"].iloc[-1] == pytest.approx(200.0, rel=1e-9)


def test_counts_add_up_to_whole_numbers_in_a_window() -> None:
    values = CVD.over(BARS, unit="count", reset="7b")["cvd"].dropna()
    assert (values == values.round()).all()


def test_cvd_wants_whole_days_for_a_zone() -> None:
    with pytest.raises(ParamError, match="timezone must be UTC unless reset is whole days"):
        CVD.over(BARS, reset="1h", timezone="Asia/Kolkata")


# Order sizes.

SIDES, SIZES = ("buy", "sell"), ("small", "medium", "large")


def test_shares_of_a_side_are_notional_over_notional_and_add_up() -> None:
    lines = OrderSizeFlow.over(GAPPY)
    for what, suffix in (("volume", ""), ("count", "_count")):
        for side in SIDES:
            values = {size: GAPPY[f"taker_{side}_{size}_order_{what}"] for size in SIZES}
            total = np.add.reduce(list(values.values()))
            shares = [lines[f"{side}_{size}{suffix}_share"] for size in SIZES]
            with np.errstate(invalid="ignore"):
                for size, share in zip(SIZES, shares, strict=True):
                    assert lines[f"{side}_{size}{suffix}"].to_numpy().tolist() == values[size].tolist()
                    _close(np.where(total > 0, values[size] / total, NAN), share)
            assert np.add.reduce(shares)[total > 0] == pytest.approx(1.0)


@pytest.mark.parametrize("edges", ["binance", [100], [100, 50], [0, 5], [1, True], "1000"])
def test_edges_that_are_none_are_refused(edges: Any) -> None:
    with pytest.raises(ParamError, match="OrderSizeFlow: edges must be 'aperiodic', 'amberdata', two ascending"):
        OrderSizeFlow.over(BARS, edges=edges)
    assert len(OrderSizeFlow.over(BARS, edges=[0.5, 1])) == len(BARS), "an amount may be below 1"


@pytest.mark.parametrize(
    ("edges", "block", "says"),
    [
        ("amberdata", {}, r"are \[1000, 10000\], but size_edges of the data are \[100, 1000\]: set them"),
        ([100, 1000], {"size_edges": [5, 50]}, r"but size_edges of the data are \[5, 50\]"),
    ],
)
def test_edges_the_data_does_not_have_are_told(edges: Any, block: dict[str, Any], says: str) -> None:
    said = OrderSizeFlow.disagreement({"edges": edges}, block)
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(said["edges"])


@pytest.mark.parametrize(
    ("edges", "block"), [(None, {"size_edges": [5, 50]}), ("aperiodic", {}), ([5, 50], {"size_edges": (5.0, 50.0)})]
)
def test_edges_the_data_has_are_fine(edges: Any, block: dict[str, Any]) -> None:
    assert OrderSizeFlow.disagreement({"edges": edges}, block) == {}


@pytest.mark.parametrize("threshold", ["large", "medium"])
def test_large_trades_are_the_classes_from_the_threshold_on(threshold: str) -> None:
    sizes = SIZES[SIZES.index(threshold) :]
    value = {(side, size): GAPPY[f"taker_{side}_{size}_order_volume"] for side in SIDES for size in SIZES}
    counts = np.add.reduce([GAPPY[f"taker_{side}_{size}_order_count"] for side in SIDES for size in sizes])
    bought, sold = (np.add.reduce([value[side, size] for size in sizes]) for side in SIDES)
    total = np.add.reduce(list(value.values()))
    lines = LargeTrades.over(GAPPY, threshold=threshold)
    assert lines["count"].tolist() == counts.tolist()
    _close(bought - sold, lines["net"])
    with np.errstate(invalid="ignore"):
        _close((bought + sold) / total, lines["share"])


# VPIN.


def _plain_vpin(bars: list[tuple[float, float]], size: float, n: int, error: float) -> list[tuple[float, ...]]:
    """Values after each bar of (volume, share bought)."""
    filled = bought = 0.0
    buckets: list[float] = []
    made: list[tuple[float, ...]] = []
    for volume, share in bars:
        while volume > 1e-12:
            part = min(volume, size - filled)
            filled, bought, volume = filled + part, bought + part * share, volume - part
            if size - filled <= 1e-12 * size:
                buckets.append(abs(2 * bought - size))
                filled = bought = 0.0
        last = buckets[-n:]
        low = math.fsum(max(b - 2 * error * size, 0) for b in last) / (n * size)
        high = math.fsum(min(b + 2 * error * size, size) for b in last) / (n * size)
        made.append((math.fsum(last) / (n * size), low, high) if len(last) == n else (NAN,) * 3)
    return made


def _given(bars: Bars) -> list[tuple[float, float]]:
    sides = _columns(bars, "taker_buy_volume", "taker_sell_volume")
    return [(b + s, b / (b + s) if b + s else 0.5) for b, s in sides]


def test_vpin_of_the_published_buckets() -> None:
    bars = _frame(taker_buy_volume=[7.0, 2, 5], taker_sell_volume=[3.0, 8, 5])
    assert VPIN.over(bars, bucket=10, buckets=3)["vpin"].round(7).iloc[-1] == 0.3333333


@pytest.mark.parametrize("size", [0.05, 0.37, 3.0])
def test_vpin_is_its_definition_with_bars_split_at_borders(size: float) -> None:
    lines = VPIN.over(GAPPY, bucket=size, buckets=6, error=0.07)
    _close(_plain_vpin(_given(GAPPY), size, 6, 0.07), lines[["vpin", "vpin_low", "vpin_high"]])


def test_cdf_is_the_share_of_past_bucket_values_not_above() -> None:
    lines = VPIN.over(GAPPY, bucket=1.0, buckets=4, history=12)
    seen: list[float] = []
    filled = 0.0
    one = VPIN.over(GAPPY, bucket=1.0, buckets=4, history=1)["vpin"]
    for i, (volume, _) in enumerate(_given(GAPPY)):
        filled += volume
        if filled >= 1.0 - 1e-12:
            assert filled < 2.0
            filled -= 1.0
            seen += [] if math.isnan(one.iloc[i]) else [one.iloc[i]]
        last = seen[-12:]
        expected = sum(v <= last[-1] + 1e-12 for v in last) / 12 if len(last) == 12 else NAN
        assert lines["cdf"].iloc[i] == pytest.approx(expected, nan_ok=True), i


def test_the_shortest_bars_there_are_have_a_mean_day_too() -> None:
    bought, sold = [7.0, 2, 5], [3.0, 8, 5]
    bars = Bars.of(open_time=[0, 1, 2], close_time=[1, 2, 3], taker_buy_volume=bought, taker_sell_volume=sold)
    lines = VPIN.over(bars, average=1, per_day=float(DAY), buckets=1, history=1)
    assert lines["vpin"].tolist() == [abs(b - s) / (b + s) for b, s in zip(bought, sold, strict=True)]


def test_a_bar_of_very_many_buckets_costs_no_more_than_the_last_ones() -> None:
    bars = _frame(taker_buy_volume=[1.0, 3e12, 0.5], taker_sell_volume=[0.0, 1e12, 0.5])
    values = VPIN.over(bars, bucket=1.0, buckets=50, history=100)
    assert values["vpin"].iloc[1] == pytest.approx(0.5, abs=1e-6)
    assert values["cdf"].iloc[1] == 1.0


def test_a_bucket_of_the_trailing_mean_knows_no_later_volume() -> None:
    average, per_day, n = 20, 480.0, 3
    volumes = [v for v, _ in _given(GAPPY)]
    filled = bought = size = 0.0
    sizes: list[float] = []
    sided: list[float] = []
    expected = []
    for i, (volume, share) in enumerate(_given(GAPPY)):
        while volume > 1e-12:
            if not size:
                if i + 1 < average:
                    break
                size = math.fsum(volumes[i + 1 - average : i + 1]) / average * 1440 / per_day
            part = min(volume, size - filled)
            filled, bought, volume = filled + part, bought + part * share, volume - part
            if size - filled <= 1e-12 * size:
                sizes.append(size)
                sided.append(abs(2 * bought - size))
                filled = bought = size = 0.0
        expected.append(math.fsum(sided[-n:]) / math.fsum(sizes[-n:]) if len(sizes) >= n else NAN)
    _close(expected, VPIN.over(GAPPY, average=average, per_day=per_day, buckets=n)["vpin"])


@pytest.mark.parametrize("how", ["tick", "bvc_normal", "bvc_t"])
def test_sides_told_by_closes_are_their_definition(how: str) -> None:
    close = pd.Series(GAPPY["close"])
    change = close.diff()
    sd = change.rolling(10).std()
    told: list[tuple[float, float]] = []
    sign = NAN
    for volume, c, s in zip(GAPPY["volume"].tolist(), change, sd, strict=True):
        if how == "tick":
            sign = math.copysign(1.0, c) if c == c and c != 0 else sign
            share = (1 + sign) / 2
        else:
            cdf = normal_cdf(c / s) if how == "bvc_normal" else student_cdf(c / s, 0.25)
            share = 0.5 if c == 0 and s == s else cdf
        told.append((volume, share) if share == share else (0.0, 0.5))
    lines = VPIN.over(GAPPY, bucket=0.8, buckets=5, classification=how, sigma_window=10)
    _close([v[0] for v in _plain_vpin(told, 0.8, 5, 0)], lines["vpin"])


@pytest.mark.parametrize(("z", "normal", "student"), [(1.0, 0.8413447, 0.6443481), (-0.5, 0.3085375, 0.4080999)])
def test_distributions_of_the_published_cases(z: float, normal: float, student: float) -> None:
    assert normal_cdf(z) == pytest.approx(normal, abs=1e-7)
    assert student_cdf(z, 0.25) == pytest.approx(student, abs=1e-7)


@pytest.mark.parametrize("freedom", [0.25, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("t", [-30.0, -1.3, 0.0, 0.2, 4.0])
def test_students_distribution_is_the_integral_of_its_density(t: float, freedom: float) -> None:
    beta = math.exp(math.lgamma(freedom / 2) + math.lgamma(0.5) - math.lgamma(freedom / 2 + 0.5))
    x = (np.arange(200_000) + 0.5) / 200_000 * abs(t)
    part = np.mean((1 + x**2 / freedom) ** (-(freedom + 1) / 2)) * abs(t) / (math.sqrt(freedom) * beta)
    assert student_cdf(t, freedom) == pytest.approx(0.5 + math.copysign(part, t), abs=1e-8)


# TWAP.


def test_an_hour_of_minute_closes_is_their_plain_mean() -> None:
    lines = TWAP.over(GAPPY, method="minute_close", anchor="1h")["twap"]
    closes = GAPPY["close"].tolist()
    for hour in range(6):
        part = closes[60 * hour : 60 * hour + 60]
        assert lines.iloc[60 * hour + 59] == pytest.approx(math.fsum(part) / 60, rel=1e-12)


def test_minute_closes_of_longer_bars_are_none() -> None:
    assert TWAP.over(_frame(minutes=5, close=[1.0, 2.0]), method="minute_close")["twap"].isna().all()


def test_the_mean_trade_price_weighs_bars_by_their_rows() -> None:
    rows = _columns(GAPPY, "twap_trade", "taker_buy_count", "taker_sell_count")
    traded = [(p, b + s) for p, b, s in rows]
    expected = []
    for i in range(len(traded)):
        part = [(p, w) for p, w in traded[max(0, i - 24) : i + 1] if w]
        expected.append(math.fsum(p * w for p, w in part) / math.fsum(w for _, w in part) if i >= 24 else NAN)
    _close(expected, TWAP.over(GAPPY, method="trade", anchor="25b")["twap"])


def test_a_minute_without_trades_holds_the_last_price() -> None:
    held = [c if t != t else t for t, c in _columns(GAPPY, "twap_time", "close")]
    expected = [math.fsum(held[: i + 1]) / (i + 1) for i in range(len(held))]
    assert np.isnan(GAPPY["twap_time"]).any()
    _close(expected, TWAP.over(GAPPY, anchor="none")["twap"])


def test_time_weighs_bars_by_how_long_they_are() -> None:
    bars = Bars.of(
        open_time=np.array([0, MINUTE]),
        close_time=np.array([MINUTE, 4 * MINUTE]),
        close=np.array([10.0, 20.0]),
        twap_time=np.array([10.0, 18.0]),
        volume=np.ones(2),
    )
    assert TWAP.over(bars)["twap"].tolist() == [10.0, 16.0]


def test_the_three_estimators_differ() -> None:
    last = {m: TWAP.over(BARS, method=m, anchor="none")["twap"].iloc[-1] for m in ("time", "trade", "minute_close")}
    assert len({round(v, 6) for v in last.values()}) == 3


def test_klines_are_told_which_twap_they_have() -> None:
    with pytest.raises(InputError, match=r"TWAP reads 'twap_time'.*ask for method: minute_close"):
        TWAP.over(KLINES)
    assert TWAP.over(KLINES, method="minute_close")["twap"].notna().all()

"""Signed volume, volume delta and flow toxicity against their definitions in plain Python, and published numbers."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.clock import HOUR
from tapeflow.core.errors import InputError
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.flow_toxicity import FlowToxicity
from tapeflow.indicators.signed_volume import SignedVolume
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.vwap import VWAP
from tapeflow.tests.helpers.plain import BARS, GAPPY, agree, hourly

BNXUSDT = Bars.of(
    open_time=[1712037600000000],
    close_time=[1712041200000000],
    open=[0.6142],
    high=[0.6382],
    low=[0.6091],
    close=[0.6365],
    volume=[3387726.8],
    quote_volume=[2107340.0199],
    trades=[20116],
    taker_buy_volume=[1797761.4],
    taker_sell_volume=[3387726.8 - 1797761.4],
    taker_buy_quote_volume=[1120004.58341],
    taker_sell_quote_volume=[2107340.0199 - 1120004.58341],
)


# Published numbers of one Binance kline.


def test_delta_of_the_published_kline_in_base() -> None:
    assert VolumeDelta.over(BNXUSDT)["delta"].iloc[0] == pytest.approx(207796.0, rel=1e-9)


def test_delta_of_the_published_kline_in_quote() -> None:
    assert VolumeDelta.over(BNXUSDT, unit="quote")["delta"].iloc[0] == pytest.approx(132669.14692, rel=1e-9)


def test_vwap_of_the_published_kline() -> None:
    assert VWAP.over(BNXUSDT)["vwap"].iloc[0] == pytest.approx(0.622051347204, abs=1e-12)


def test_signed_volume_of_the_published_kline_is_not_its_delta() -> None:
    assert SignedVolume.over(BNXUSDT)["signed_volume"].iloc[0] == 3387726.8


# Signed volume.


def _plain_signed(bars: Bars, chart: str, doji: str, seed: str) -> list[float]:
    made, sign = [], 0.0
    ha_open = ha_close = 0.0
    for i, (o, h, low, c, v) in enumerate(
        zip(*(bars[k].tolist() for k in ("open", "high", "low", "close", "volume")), strict=True)
    ):
        if chart == "heikinashi":
            first = {"mid": (o + c) / 2, "open": o, "ohlc4": (o + h + low + c) / 4}[seed]
            ha_open = (ha_open + ha_close) / 2 if i else first
            ha_close = (o + h + low + c) / 4
            o, c = ha_open, ha_close
            if math.isclose(o, c, rel_tol=1e-12):
                o = c
        if c != o:
            sign = math.copysign(1.0, c - o)
            made.append(sign * v)
        else:
            made.append({"zero": 0.0, "positive": v, "previous": sign * v}[doji])
    return made


@pytest.mark.parametrize("doji", ["zero", "positive", "previous"])
@pytest.mark.parametrize(
    ("chart", "seed"), [("candles", "mid"), *(("heikinashi", s) for s in ("mid", "open", "ohlc4"))]
)
def test_signed_volume_is_its_definition(chart: str, doji: str, seed: str) -> None:
    actual = SignedVolume.over(GAPPY, chart=chart, doji=doji, seed=seed)["signed_volume"]
    assert _plain_signed(GAPPY, chart, doji, seed) == actual.tolist()


@pytest.mark.parametrize(
    ("seed", "signs"), [("mid", [1, 1, -1]), ("ohlc4", [0, 0, -1]), ("open", [1, 1, -1])], ids=["mid", "ohlc4", "open"]
)
def test_heikin_ashi_colours_follow_the_published_case(seed: str, signs: list[int]) -> None:
    bars = hourly(open=[10, 11, 10], high=[14, 13, 11], low=[9, 10, 8], close=[11, 10, 9], volume=[1.0, 1, 1])
    assert SignedVolume.over(bars, chart="heikinashi", seed=seed)["signed_volume"].tolist() == signs


def test_a_flat_heikin_ashi_market_has_no_colour() -> None:
    bars = hourly(**{k: [100.1] * 50 for k in ("open", "high", "low", "close", "volume")})
    assert not SignedVolume.over(bars, chart="heikinashi")["signed_volume"].any()


def test_a_heikin_ashi_body_shrinks_to_nothing_and_not_to_noise() -> None:
    prices = [100.0] + [101.0] * 60
    bars = hourly(**dict.fromkeys(("open", "high", "low", "close"), prices), volume=[1.0] * 61)
    signs = SignedVolume.over(bars, chart="heikinashi")["signed_volume"].tolist()
    assert signs[1:30] == [1.0] * 29
    assert signs[38:] == [0.0] * 23


# Volume delta.


@pytest.mark.parametrize(
    ("unit", "column"), [("base", "taker_{}_volume"), ("quote", "taker_{}_quote_volume"), ("count", "taker_{}_count")]
)
def test_volume_delta_is_buys_less_sells(unit: str, column: str) -> None:
    buys, sells = GAPPY[column.format("buy")].tolist(), GAPPY[column.format("sell")].tolist()
    lines = VolumeDelta.over(GAPPY, unit=unit)
    agree([b - s for b, s in zip(buys, sells, strict=True)], lines["delta"])
    shares = [(b - s) / (b + s) if b + s else math.nan for b, s in zip(buys, sells, strict=True)]
    agree(shares, lines["percent"])
    assert lines["percent"].dropna().between(-1, 1).all()


def test_equal_sides_summed_in_another_order_are_no_delta() -> None:
    lines = VolumeDelta.over(hourly(taker_buy_volume=[0.1 + 0.2], taker_sell_volume=[0.3]))
    assert lines.iloc[0].tolist() == [0.0, 0.0]


# Flow toxicity.


def _plain_z(values: list[float], ddof: int) -> float:
    mean = math.fsum(values) / len(values)
    sd = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - ddof))
    return (values[-1] - mean) / sd if sd > 1e-12 * abs(mean) else math.nan


def _plain_toxicity(bars: Bars, window: int, *, expanding: bool, ddof: int, parkinson: bool) -> list[list[float]]:
    made: list[list[float]] = []
    flows: list[float] = []
    vols: list[float] = []
    for i in range(len(bars)):
        bought, sold = float(bars["taker_buy_quote_volume"][i]), float(bars["taker_sell_quote_volume"][i])
        if bought + sold == 0:
            made.append([math.nan] * 3)
            continue
        flows.append(bought - sold)
        range_vol = math.log(bars["high"][i] / bars["low"][i]) / math.sqrt(4 * math.log(2))
        vols.append(range_vol if parkinson else float(bars["realized_vol"][i]))
        if len(flows) < (2 if expanding else window):
            made.append([math.nan] * 3)
            continue
        part = slice(None) if expanding else slice(-window, None)
        zf, zv = _plain_z(flows[part], ddof), _plain_z(vols[part], ddof)
        made.append([zf * zv, zf, zv])
    return made


@pytest.mark.parametrize("bars", [BARS, GAPPY], ids=["live", "gappy"])
@pytest.mark.parametrize("mode", ["rolling", "expanding"])
@pytest.mark.parametrize(("volatility", "ddof"), [("realized", 1), ("parkinson", 0)])
def test_flow_toxicity_is_two_plain_z_scores(bars: Bars, mode: str, volatility: str, ddof: int) -> None:
    expected = _plain_toxicity(bars, 37, expanding=mode == "expanding", ddof=ddof, parkinson=volatility == "parkinson")
    lines = FlowToxicity.over(bars, window=37, mode=mode, volatility=volatility, ddof=ddof)
    agree(expected, lines)


def _vol_with_z(earlier: list[float], wanted: float) -> float:
    """The next volatility whose expanding z-score is ``wanted``; the score rises with it."""
    low, high = -1e6, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _plain_z([*earlier, middle], 1) < wanted else (low, middle)
    return low


def test_the_five_published_rows_follow_from_expanding_scores_restarted_each_month() -> None:
    flows = [-22.5368, 3.2076, -0.9925, 44.5875, -50.1726]
    z_flow, z_vol = [0.7071, 0.4186, 1.3734, -1.2867], [-0.7071, -0.4095, -0.6773, -0.5001]
    vols = [10.0, 9.0]
    for wanted in z_vol[1:]:
        vols.append(_vol_with_z(vols, wanted))
    bars = hourly(
        taker_buy_quote_volume=[100.0 + f for f in flows], taker_sell_quote_volume=[100.0] * 5, realized_vol=vols
    )
    lines = FlowToxicity.over(bars, mode="expanding", reset="month")
    assert lines["z_flow"].iloc[1:].tolist() == pytest.approx(z_flow, abs=5e-5)
    assert lines["toxicity"].iloc[1] == pytest.approx(-0.5, abs=1e-12)
    assert lines["toxicity"].iloc[1:].tolist() == pytest.approx([-0.5, -0.1714, -0.9302, 0.6435], abs=1e-4)
    assert math.isnan(lines["toxicity"].iloc[0])


def test_a_reset_forgets_the_month_before() -> None:
    n = 300
    opens = int(datetime(2024, 1, 31, 12, tzinfo=UTC).timestamp()) * 1_000_000 + HOUR * np.arange(n)
    bars = sample_bars(n, seed=5).assign(open_time=opens, close_time=opens + HOUR)
    start = 12
    whole = FlowToxicity.table(bars, mode="expanding", reset="month")
    alone = FlowToxicity.table(bars.slice(start, None), mode="expanding", reset="month")
    assert np.array_equal(whole[:, start:], alone, equal_nan=True)


def test_an_outlier_that_left_the_window_leaves_no_trace() -> None:
    n, window = 600, 50
    rng = np.random.default_rng(2)
    bought = rng.random(n) + 1.0
    bought[100] = 1e15
    bars = hourly(
        taker_buy_quote_volume=bought.tolist(), taker_sell_quote_volume=[1.0] * n, realized_vol=rng.random(n).tolist()
    )
    z = FlowToxicity.over(bars, window=window)["z_flow"].to_numpy()
    expected = [_plain_z((bought - 1.0)[i - window + 1 : i + 1].tolist(), 1) for i in range(200, n)]
    agree(expected, z[200:])


def test_a_window_that_turned_flat_is_nan_and_not_noise() -> None:
    bought = [1e9, 3.3, 7.7] + [0.1 + 0.2] * 40
    bars = hourly(taker_buy_quote_volume=bought, taker_sell_quote_volume=[0.1] * 43, realized_vol=[0.01] * 43)
    assert FlowToxicity.over(bars, window=20).iloc[23:].isna().all().all()


def test_balanced_flow_with_rounding_in_it_is_flat() -> None:
    sums = [0.1 + 0.2, 0.3, 0.30000000000000004] * 20
    bars = hourly(taker_buy_quote_volume=sums, taker_sell_quote_volume=[0.3] * 60, realized_vol=[0.01, 0.02] * 30)
    assert FlowToxicity.over(bars, window=20)["z_flow"].isna().all()


def test_klines_fall_back_on_parkinson() -> None:
    klines = sample_bars(300, klines=True)
    auto, named = (FlowToxicity.table(klines, window=30, volatility=v) for v in ("auto", "parkinson"))
    assert np.array_equal(auto, named, equal_nan=True)
    with pytest.raises(InputError, match=r"FlowToxicity reads 'realized_vol'.*klines do not know it"):
        FlowToxicity.over(klines, volatility="realized")


def test_the_floor_silences_quiet_bars() -> None:
    plain, floored = FlowToxicity.over(BARS, window=30), FlowToxicity.over(BARS, window=30, floor=True)
    quiet = plain["z_vol"] < 0
    assert quiet.any()
    assert not floored["toxicity"][quiet].any()
    assert floored["toxicity"][~quiet].equals(plain["toxicity"][~quiet])

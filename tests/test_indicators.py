"""Each indicator against its definition in plain Python, and against published numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import HOUR
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.flow_toxicity import FlowToxicity
from tapeflow.indicators.kline_levels import levels_of_klines, round_row_size
from tapeflow.indicators.signed_volume import SignedVolume
from tapeflow.indicators.value_area import point_of_control, value_area
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.indicators.vwap import VWAP

BARS = sample_bars(400, seed=11)
GAPPY = empty_bars(BARS, np.flatnonzero(np.random.default_rng(1).random(400) < 0.2))
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


def _frame(**columns: Sequence[float]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.date_range("2025-09-01 01:00", periods=n, freq="1h"))


def _close(expected: Any, actual: Any, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(actual, float), np.asarray(expected, float), rtol=rel, atol=1e-12, equal_nan=True
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
    bars = _frame(open=[10, 11, 10], high=[14, 13, 11], low=[9, 10, 8], close=[11, 10, 9], volume=[1.0, 1, 1])
    assert SignedVolume.over(bars, chart="heikinashi", seed=seed)["signed_volume"].tolist() == signs


def test_a_flat_heikin_ashi_market_has_no_colour() -> None:
    bars = _frame(**{k: [100.1] * 50 for k in ("open", "high", "low", "close", "volume")})
    assert not SignedVolume.over(bars, chart="heikinashi")["signed_volume"].any()


def test_a_heikin_ashi_body_shrinks_to_nothing_and_not_to_noise() -> None:
    prices = [100.0] + [101.0] * 60
    bars = _frame(**dict.fromkeys(("open", "high", "low", "close"), prices), volume=[1.0] * 61)
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
    _close([b - s for b, s in zip(buys, sells, strict=True)], lines["delta"])
    shares = [(b - s) / (b + s) if b + s else math.nan for b, s in zip(buys, sells, strict=True)]
    _close(shares, lines["percent"])
    assert lines["percent"].dropna().between(-1, 1).all()


def test_equal_sides_summed_in_another_order_are_no_delta() -> None:
    lines = VolumeDelta.over(_frame(taker_buy_volume=[0.1 + 0.2], taker_sell_volume=[0.3]))
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
    _close(expected, lines)


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
    bars = _frame(
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
    bars = _frame(
        taker_buy_quote_volume=bought.tolist(), taker_sell_quote_volume=[1.0] * n, realized_vol=rng.random(n).tolist()
    )
    z = FlowToxicity.over(bars, window=window)["z_flow"].to_numpy()
    expected = [_plain_z((bought - 1.0)[i - window + 1 : i + 1].tolist(), 1) for i in range(200, n)]
    _close(expected, z[200:])


def test_a_window_that_turned_flat_is_nan_and_not_noise() -> None:
    bought = [1e9, 3.3, 7.7] + [0.1 + 0.2] * 40
    bars = _frame(taker_buy_quote_volume=bought, taker_sell_quote_volume=[0.1] * 43, realized_vol=[0.01] * 43)
    assert FlowToxicity.over(bars, window=20).iloc[23:].isna().all().all()


def test_balanced_flow_with_rounding_in_it_is_flat() -> None:
    sums = [0.1 + 0.2, 0.3, 0.30000000000000004] * 20
    bars = _frame(taker_buy_quote_volume=sums, taker_sell_quote_volume=[0.3] * 60, realized_vol=[0.01, 0.02] * 30)
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


# VWAP.


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
        _close([mean, sd, mean + 2 * sd, mean - 2 * sd], lines.iloc[i])


def test_vwap_of_the_last_bars_is_plain_over_a_window() -> None:
    lines = VWAP.over(GAPPY, anchor="25b", bands=[])
    pairs = list(zip(GAPPY["quote_volume"].tolist(), GAPPY["volume"].tolist(), strict=True))
    expected = [(math.nan, math.nan)] * 24 + [_plain_vwap(pairs[i - 24 : i + 1]) for i in range(24, len(pairs))]
    _close(expected, lines)


def test_vwap_bands_follow_the_published_case() -> None:
    lines = VWAP.over(_frame(quote_volume=[10.0, 22, 12], volume=[1.0, 2, 1]), anchor="none", bands=[1.0])
    assert lines["vwap"].iloc[-1] == pytest.approx(11, abs=1e-12)
    assert lines["std"].iloc[-1] == pytest.approx(0.70710678, abs=1e-8)


def test_std_keeps_its_digits_where_the_textbook_loses_them() -> None:
    rng = np.random.default_rng(0)
    price = 100_000 + rng.normal(0, 0.05, 5000).round(2)
    volume = rng.random(5000) + 0.1
    bars = _frame(quote_volume=(price * volume).tolist(), volume=volume.tolist())
    mean = math.fsum(price * volume) / math.fsum(volume)
    sd = math.sqrt(math.fsum(volume * (price - mean) ** 2) / math.fsum(volume))
    assert VWAP.over(bars, anchor="none")["std"].iloc[-1] == pytest.approx(sd, rel=1e-7)


def test_one_price_has_no_deviation_however_it_rounds() -> None:
    volume = np.random.default_rng(0).random(200)
    quotients = 100.1 * volume / volume
    assert len(set(quotients.tolist())) > 1
    bars = _frame(quote_volume=(100.1 * volume).tolist(), volume=volume.tolist())
    assert not VWAP.over(bars, anchor="none")["std"].any()


def test_vwap_before_the_first_trade_is_nan_and_afterwards_runs_on() -> None:
    bars = _frame(quote_volume=[0.0, 20.0, 0.0], volume=[0.0, 2.0, 0.0])
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


# Volume profile.


@pytest.mark.parametrize(
    ("volumes", "poc", "one_row", "two_row"),
    [
        ([5, 10, 20, 60, 40, 30, 50, 15, 10, 5], 3, (3, 6), (3, 7)),
        ([10, 30, 50, 30, 10, 25, 15], 2, (1, 4), (2, 6)),
    ],
)
def test_value_area_follows_the_published_cases(
    volumes: list[float], poc: int, one_row: tuple[int, int], two_row: tuple[int, int]
) -> None:
    rows = np.array(volumes, dtype=float)
    assert point_of_control(rows) == poc
    assert value_area(rows, poc, 0.7, 1) == one_row
    assert value_area(rows, poc, 0.7, 2) == two_row


@pytest.mark.parametrize(
    ("volumes", "poc"),
    [([9, 1, 9, 1, 1], 2), ([9, 1, 1, 9], 0), ([1, 9, 9, 1], 1), ([9.0, 5, 5, 5, 9 * (1 + 1e-12)], 0), ([4], 0)],
)
def test_equal_rows_go_to_the_middle_then_to_the_lower(volumes: list[float], poc: int) -> None:
    assert point_of_control(np.array(volumes, dtype=float)) == poc


def test_a_target_that_floats_miss_by_an_ulp_is_met() -> None:
    assert 0.55 * 100 > 55
    assert value_area(np.full(20, 5.0), 9, 0.55, 1) == (9, 19)


def _bars_of(*rows: dict[int, float], tick: float = 1.0, row_ticks: int = 1) -> Bars:
    ticks = [t for bar in rows for t in sorted(bar)]
    volume = np.array([bar[t] for bar in rows for t in sorted(bar)])
    offsets = np.cumsum([0, *(len(bar) for bar in rows)])
    levels = Levels(offsets, np.array(ticks, dtype=np.int64), volume / 4, volume * 3 / 4, tick, row_ticks)
    opens = HOUR * np.arange(len(rows))
    return replace(Bars.of(open_time=opens, close_time=opens + HOUR, volume=np.ones(len(rows))), levels=levels)


def test_the_shown_rows_of_the_published_profile_have_their_poc() -> None:
    bars = _bars_of({66108: 5.467, 66114: 31.553, 66120: 27.811}, row_ticks=6)
    assert VolumeProfile.over(bars, window=1)["poc"].iloc[0] == 66114


def _plain_profile(rows: dict[int, float], share: float, step: int) -> tuple[int, int, int]:
    low, high = min(rows), max(rows)
    line = [rows.get(r, 0.0) for r in range(low, high + 1)]
    middle, most = (len(line) - 1) / 2, max(line)
    poc = min((i for i, v in enumerate(line) if math.isclose(v, most, rel_tol=1e-9)), key=lambda i: abs(i - middle))
    down = up = poc
    target = share * math.fsum(line)
    while math.fsum(line[down : up + 1]) < target * (1 - 1e-9) and (down > 0 or up < len(line) - 1):
        above, below = line[up + 1 : up + 1 + step], line[max(down - step, 0) : down]
        ahead = math.fsum(above) >= math.fsum(below) * (1 - 1e-9)
        if above and (not below or ahead):
            up += len(above)
        else:
            down -= len(below)
    return low + poc, low + up, low + down


@pytest.mark.parametrize("expansion", ["one_row", "two_row"])
@pytest.mark.parametrize(("window", "session"), [(17, None), (None, None), (60, "1h")])
def test_volume_profile_is_its_definition(expansion: str, window: int | None, session: str | None) -> None:
    bars = GAPPY.slice(0, 200)
    levels = bars.levels
    assert levels is not None
    lines = VolumeProfile.over(bars, window=window, session=session, expansion=expansion)
    for i in range(len(bars)):
        first = i - i % 60 if session else max(0, i + 1 - (window or i + 1))
        if not session and window and i + 1 < window:
            assert lines.iloc[i].isna().all()
            continue
        rows: dict[int, float] = {}
        for k in range(levels.offsets[first], levels.offsets[i + 1]):
            row = int(levels.price_tick[k]) // levels.row_ticks
            rows[row] = rows.get(row, 0.0) + float(levels.buy_volume[k] + levels.sell_volume[k])
        expected = _plain_profile(rows, 0.7, 1 if expansion == "one_row" else 2)
        assert lines.iloc[i].tolist() == [r * levels.row_ticks * levels.tick for r in expected], i


def test_a_row_that_nobody_is_left_in_is_empty_to_the_bit() -> None:
    heavy = [{5: 1e17}, {3: 0.1, 5: 0.3, 9: 0.1}, {3: 0.1, 9: 0.2}, {3: 0.1, 9: 0.2}]
    lines = VolumeProfile.over(_bars_of(*heavy), window=2, value_area=1.0)
    assert lines.iloc[3].tolist() == [9.0, 9.0, 3.0]


def test_empty_windows_have_no_profile() -> None:
    lines = VolumeProfile.over(_bars_of({7: 1.0}, {}, {}, {9: 2.0}), window=2)
    assert lines["poc"].fillna(-1).tolist() == [-1, 7, -1, 9]


def test_rows_can_be_joined_to_higher_ones() -> None:
    joined = VolumeProfile.over(_bars_of({0: 3.0, 1: 3.0, 2: 4.0}), window=1, row_size=2)
    assert joined.iloc[0].tolist() == [0.0, 2.0, 0.0]


def test_a_row_size_that_cuts_rows_is_refused() -> None:
    with pytest.raises(InputError, match="row_size 7 is no whole multiple of the 5 of sample"):
        VolumeProfile.over(BARS, row_size=7)


def test_klines_without_leave_to_guess_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"reads 'levels'.*set row_size on a feed of trades, or ask for from_klines"):
        VolumeProfile.over(sample_bars(80, klines=True))


def test_real_levels_win_over_guessed_ones() -> None:
    guessing = VolumeProfile.table(BARS, from_klines="uniform")
    assert np.array_equal(guessing, VolumeProfile.table(BARS), equal_nan=True)


@pytest.mark.parametrize("method", ["uniform", "close", "hlc3"])
def test_guessed_levels_keep_every_bars_volume(method: str) -> None:
    klines = GAPPY.assign()
    levels = levels_of_klines(klines, method, 5.0)
    total = levels.buy_volume + levels.sell_volume
    sums = [math.fsum(total[a:b]) for a, b in zip(levels.offsets[:-1], levels.offsets[1:], strict=True)]
    _close(klines["volume"], sums)
    assert [b - a for a, b, v in zip(levels.offsets, levels.offsets[1:], klines["volume"], strict=False) if not v] == [
        0
    ] * int((klines["volume"] == 0).sum())


def test_uniform_volume_is_shared_by_height() -> None:
    bars = Bars.of(
        open_time=[0, 1], close_time=[1, 2], high=[25.0, 20.0], low=[8.0, 20.0], close=[9.0, 20.0], volume=[17.0, 2.0]
    )
    levels = levels_of_klines(bars, "uniform", 10.0)
    assert levels.price_tick.tolist() == [0, 1, 2, 2]
    _close([2.0, 10.0, 5.0, 2.0], levels.buy_volume + levels.sell_volume)


@pytest.mark.parametrize(("price", "size"), [(20_000, 10.0), (100_000, 50.0), (0.62, 0.0002), (1.0, 0.0005), (3000, 2)])
def test_automatic_rows_are_about_five_basis_points(price: float, size: float) -> None:
    assert round_row_size(price) == size

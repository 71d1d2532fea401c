"""Longer bars from shorter ones: what the trades would have given, and what the exchange gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.merging import decimal_sum
from tapeflow.aggregation.resample import TICKS, resample
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.schema import BAR_COLUMNS, SEQUENCE, Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines
from tapeflow.feeds.synthetic import SyntheticTape

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
START = 1_700_000_000_000_000 // HOUR * HOUR
PARTIAL, GAP, FILLED = int(Quality.PARTIAL), int(Quality.GAP), int(Quality.FILLED)
ROUNDED = {"twap_time": 4e-16, "twap_trade": 4e-16, "realized_vol": 2e-14}
"""Columns that weigh or square their parts: relative distance from what the trades give."""


@st.composite
def tapes(draw, sides=(1, -1)):
    """Trades whose amounts add up without rounding; with hours that hold nothing."""
    waits = st.sampled_from([0, 0, 1, 40_000_000, 200_000_000, 1_700_000_000, 9_000_000_000])
    row = st.tuples(waits, st.integers(-9, 9), st.integers(1, 900), st.sampled_from(sides))
    time, ticks, made = START + draw(st.integers(0, HOUR)), 1000, []
    for wait, step, lots, side in draw(st.lists(row, min_size=1, max_size=80)):
        time, ticks = time + wait, max(8, ticks + step)
        made.append((time, ticks / 8, lots / 1024, side))
    return Tape.of(**{n: [t[i] for t in made] for i, n in enumerate(("time", "price", "quantity", "side"))})


def assert_same(direct, made, rounded=ROUNDED):
    for name in BAR_COLUMNS:
        if name in rounded:
            np.testing.assert_allclose(made[name], direct[name], rtol=rounded[name], atol=1e-17, err_msg=name)
        else:
            np.testing.assert_array_equal(made[name], direct[name], err_msg=name)
    assert made.spec == direct.spec
    if direct.levels is not None:
        for name in ("offsets", "price_tick", "buy_volume", "sell_volume"):
            np.testing.assert_array_equal(getattr(made.levels, name), getattr(direct.levels, name), err_msg=name)


@settings(max_examples=100, deadline=None)
@given(tapes(), st.sampled_from(["2m", "1h", "4h", "1d", "4h@1d:America/New_York", "1d@1d:Asia/Tokyo", "1w", "90m@8h"]))
def test_minutes_give_the_bars_that_their_trades_give(tape, spec):
    covers = (None, None), (START, int(tape.time[-1]) + 10 * 24 * HOUR), (int(tape.time[0]), int(tape.time[-1]) + 1)
    for covered in covers:
        fine, direct = aggregate([tape], ["1m", spec], row_size=0.5, covered=covered)
        assert_same(direct, resample(fine, spec, covered=covered))


@settings(max_examples=50, deadline=None)
@given(tapes(sides=(1, -1, 0)))
def test_ticks_of_minutes_add_up_and_their_runs_are_left_out_by_name(tape):
    fine, direct = aggregate([tape], ["1m", "4h"], sequence=True)
    made = resample(fine, "4h")
    for name in TICKS:
        np.testing.assert_array_equal(made[name], direct[name], err_msg=name)
    runs = [c.name for c in SEQUENCE if c.name not in TICKS]
    assert not set(runs) & set(made.columns)
    assert made.notes == (f"without {', '.join(runs)}, which bars of 4h cannot have from shorter ones",)


@settings(max_examples=40, deadline=None)
@given(tapes())
def test_two_steps_give_the_bars_of_one(tape):
    (fine,) = aggregate([tape], ["1m"], row_size=0.5)
    assert_same(resample(fine, "4h"), resample(resample(fine, "15m"), "4h"))


@settings(max_examples=40, deadline=None)
@given(tapes(sides=(1, -1, 0)))
def test_unknown_sides_leave_only_the_mean_of_rows_unknown(tape):
    fine, direct = aggregate([tape], ["1m", "1h"])
    made = resample(fine, "1h")
    odd = (direct["quality"] & int(Quality.INFERRED_SIDE)) != 0
    assert np.isnan(made["twap_trade"][odd]).all()
    known = np.where(odd, direct["twap_trade"], made["twap_trade"])
    assert_same(direct, made.assign(twap_trade=known))


def test_delta_inside_an_hour_goes_further_than_any_of_its_minutes():
    tape = Tape.of(
        time=START + MINUTE * np.arange(4), price=[1.0] * 4, quantity=[3.0, 2.0, 1.0, 9.0], side=[1, 1, -1, -1]
    )
    (fine,) = aggregate([tape], ["1m"])
    hour = resample(fine, "1h")
    assert (hour["delta_high"].tolist(), hour["delta_low"].tolist()) == ([5.0], [-5.0])
    assert fine["delta_high"].max() == 3.0


def test_the_return_from_minute_to_minute_counts_into_the_hour():
    tape = Tape.of(time=[START, START + 5 * MINUTE], price=[1.0, 2.0], quantity=[1.0, 1.0], side=[1, 1])
    (fine,) = aggregate([tape], ["1m"])
    assert fine["realized_vol"][[0, -1]].tolist() == [0.0, 0.0]
    assert resample(fine, "1h")["realized_vol"].tolist() == pytest.approx([np.log(2.0)], rel=1e-14)


@pytest.mark.parametrize("spec", ["1h", "4h", "1d@1d:America/New_York"])
def test_decimal_trades_agree_to_the_last_digits(spec):
    fine, direct = SyntheticTape(days=1.5).bars_of(["1m", spec], row_size=5)
    made = resample(fine, spec, covered=SyntheticTape(days=1.5).covered())
    sums = {n: 4e-16 for n, c in BAR_COLUMNS.items() if c.size and not n.startswith("delta")}
    extremes = dict.fromkeys(("delta_high", "delta_low"), 1e-13)
    both = np.stack([made.levels.buy_volume, direct.levels.buy_volume])
    np.testing.assert_allclose(both[0], both[1], rtol=4e-16)
    assert_same(
        Bars(direct.columns, None, direct.spec), Bars(made.columns, None, made.spec), {**ROUNDED, **sums, **extremes}
    )


def kline_bars(minutes, volume=0.1):
    opens = START + MINUTE * np.asarray(minutes, np.int64)
    n = len(opens)
    return Bars.of(
        open_time=opens,
        close_time=opens + MINUTE,
        **{name: np.arange(n) + 1.0 for name in ("open", "high", "low", "close")},
        volume=np.full(n, volume),
        trades=np.full(n, 2.0),
        quality=np.where(np.diff(opens, prepend=opens[0] - MINUTE) > MINUTE, GAP, 0),
        spec="1m",
    )


def test_hours_with_missing_minutes_say_so():
    whole, holes, late = np.arange(60), np.r_[60:70, 75:120], np.arange(250, 300)
    hours = resample(kline_bars(np.concatenate([whole, holes, late])), "1h")
    assert ((hours["open_time"] - START) // HOUR).tolist() == [0, 1, 4]
    assert hours["quality"].tolist() == [0, GAP | PARTIAL, GAP | PARTIAL]


def test_minutes_without_trades_lend_no_price():
    bars = kline_bars(range(4))
    bars = bars.assign(trades=np.array([0.0, 3.0, 1.0, 0.0]), quality=np.array([FILLED, 0, 0, FILLED]))
    two, four = resample(bars, "2m"), resample(bars, "4m")
    assert [four[n].tolist() for n in ("open", "high", "low", "close", "quality")] == [[2.0], [3.0], [2.0], [3.0], [0]]
    assert two["quality"].tolist() == [0, 0]
    nothing = resample(bars.slice(0, 1), "1m")
    assert (nothing["open"].tolist(), nothing["quality"].tolist()) == ([1.0], [FILLED])


def test_decimals_are_summed_as_such():
    bars = resample(kline_bars(range(10)), "10m")
    assert np.cumsum([0.1] * 10)[-1] != 1.0  # `sum` is compensated from Python 3.12 on
    assert bars["volume"].tolist() == [1.0]
    assert np.isnan(decimal_sum(np.array([0.1, 1 / 3])))
    assert decimal_sum(np.array([0.1, 0.7, 0.00000001])) == 0.80000001
    assert np.isnan(decimal_sum(np.array([5e7, 5e7])))


def test_what_a_kline_cannot_know_stays_unknown():
    hour = resample(kline_bars(range(60)), "1h")
    assert {"volume", "trades", "close", "quality"} <= hour.carried
    assert not hour.carried & {"delta_high", "twap_time", "twap_trade", "realized_vol", "taker_buy_count"}


def test_no_bars_give_no_bars():
    assert len(resample(kline_bars([0]).slice(0, 0), "1h")) == 0


@pytest.mark.parametrize(
    ("spec", "error", "complaint"),
    [
        ("90s", DataError, "bars of 1m do not fit into 90s"),
        ("30s", DataError, "bars of 1m do not fit into 30s"),
        ("500t", ParamError, "bars: 500t must be cut from trades; of other bars only longer time bars can be made"),
    ],
)
def test_what_cannot_be_made_is_refused(spec, error, complaint):
    with pytest.raises(error, match=complaint):
        resample(kline_bars(range(5)), spec)


def test_bars_off_the_grid_make_no_others():
    bars = SyntheticTape(days=0.01).bars("50t")
    with pytest.raises(DataError, match="bars of 50t lie on no time grid; only time bars make others"):
        resample(bars, "1h")


def klines(path, hours):
    lines = []
    for m in hours:
        at = START // 1000 + m * 60_000
        lines.append(f"{at},10,12,9,11,3.1,{at + 59_999},33.3,4,1.2,11.5,0\n")
    path.write_text("".join(lines))
    return path


def test_a_kline_feed_gives_longer_bars_and_reads_once(tmp_path):
    feed = BinanceKlines(klines(tmp_path / "k.csv", [*range(60), *range(62, 120)]))
    own, hour, half = feed.bars_of([None, "1h", "30m"])
    assert (own.spec, hour.spec, len(own), len(hour), len(half)) == ("1m", "1h", 118, 2, 4)
    assert feed.counts["rows"] == 118
    assert hour["volume"].tolist() == [186.0, 179.8]
    assert hour["quality"].tolist() == [GAP, PARTIAL | GAP]
    for a, b in itertools.pairwise([hour, feed.bars("1h"), feed.bars_of(["1h"])[0]]):
        assert_same(a, b)
    assert feed.bars("1h", gaps="fill")["quality"].tolist() == [GAP, GAP]
    with pytest.raises(ParamError, match="bars: 500t must be cut from trades; BinanceKlines gives klines"):
        feed.bars("500t")


@pytest.mark.real_data
def test_official_hours_are_the_official_minutes(real_data):
    folder = real_data / "06_binance_official_dumps"
    hours = BinanceKlines(folder / "spot_BTCUSDT-1m-2026-05.zip").bars("1h")
    official = BinanceKlines([folder / f"spot_BTCUSDT-1h-2026-05-0{day}.zip" for day in (8, 9)]).bars()
    made = hours.between(int(official["open_time"][0]), int(official["close_time"][-1]))
    assert len(official) == len(made) == 48
    names = ("open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "trades")
    for name in (*names, "taker_buy_volume", "taker_buy_quote_volume", "quality"):
        np.testing.assert_array_equal(made[name], official[name], err_msg=name)


@pytest.mark.real_data
def test_hours_of_a_real_day_of_trades_are_its_minutes(real_data):
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    feed = BinanceAggTrades(path, market="cm", contract_size=100)
    fine, direct = feed.bars_of(["1m", "1h"], row_size=10)
    made = resample(fine, "1h", covered=feed.covered())
    # Base is contracts × 100 / price here, so that no sum is one of decimals.
    rounded = dict.fromkeys(("volume", "taker_buy_volume", "taker_sell_volume"), 4e-16)
    rounded |= dict.fromkeys(("delta_high", "delta_low"), 1e-13)
    assert_same(Bars(direct.columns, None, "1h"), Bars(made.columns, None, "1h"), {**ROUNDED, **rounded})
    np.testing.assert_array_equal(made.levels.price_tick, direct.levels.price_tick)
    np.testing.assert_allclose(made.levels.sell_volume, direct.levels.sell_volume, rtol=4e-16)

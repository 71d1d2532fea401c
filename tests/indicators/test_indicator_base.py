"""The base of indicators: parameters, inputs and lines under backtrader, and values without it."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, HOUR, WEEK
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.kernels import step
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.framework.base import Indicator, Line
from tapeflow.indicators.framework.cerebro_host import Hosted, host
from tapeflow.indicators.framework.inputs import Session
from tapeflow.indicators.framework.step_loop import CHUNK
from tapeflow.indicators.signed_volume import SignedVolume
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.indicators.vwap import VWAP

BARS = sample_bars(120, seed=2)
EVERY_MODE = [
    {"runonce": True},
    {"runonce": False},
    {"exactbars": 1},
    {"exactbars": -2},
    {"preload": False, "runonce": False},
]


@step
def _total(p: Any, x: Any, s: Any, y: Any) -> None:
    s[0] += x[0]
    y[0] = s[0]


class _Total(Indicator):
    """Running sum of one line."""

    lines = ("total",)
    inputs = ("close",)
    measures = {"total": Line("sum", price=1)}
    step = _total

    @classmethod
    def state_size(cls, **params: Any) -> int:
        return 1


class _TotalOfTwo(_Total):
    inputs = (0, 1)


class _Passing(_Total):
    nan_policy = "pass"


class _Mean(Indicator):
    lines = ("mean",)
    params = {"window": 5}
    inputs = ("close",)
    measures = {"mean": Line("mean", price=1)}

    def vec(self, close: Any) -> Any:
        out = np.full(len(close), np.nan)
        n = self.p.window
        for i in range(n - 1, len(close)):
            out[i] = close[i - n + 1 : i + 1].mean()
        return out

    @classmethod
    def warmup(cls, **params: Any) -> int:
        return int(params["window"])


class _Arithmetic(Indicator):
    lines = ("spread",)
    inputs = ("high", "low")
    measures = {"spread": Line("high less low", price=1)}

    def __init__(self) -> None:
        self.lines.spread = self.data.high - self.data.low


class _PlainNext(_Arithmetic):
    def __init__(self) -> None:
        """No line arithmetic."""

    def next(self) -> None:
        self.lines.spread[0] = self.data.high[0] - self.data.low[0]


@pytest.mark.parametrize("mode", EVERY_MODE, ids=str)
@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (SignedVolume, {"chart": "heikinashi"}),
        (VWAP, {"anchor": "20b", "bands": [1.0, 2.0]}),
        (VWAP, {"anchor": "1w", "timezone": "Asia/Kolkata"}),
        (VolumeProfile, {"window": 15}),
        (VolumeProfile, {"session": "1h"}),
        (_Mean, {}),
        (_Arithmetic, {}),
        (_PlainNext, {}),
    ],
)
def test_values_are_the_same_bits_in_every_mode(cls: Any, params: dict[str, Any], mode: dict[str, Any]) -> None:
    assert np.array_equal(cls.table(BARS, **params), host(cls, BARS, params, **mode)[0], equal_nan=True)


def test_values_do_not_depend_on_where_a_chunk_ends() -> None:
    bars = sample_bars(CHUNK + 50, seed=1, levels=False)
    assert np.array_equal(_Total.table(bars)[0], np.cumsum(bars["close"]))


def test_a_frame_gives_what_bars_give() -> None:
    pd.testing.assert_frame_equal(VWAP.over(BARS), VWAP.over(BARS.frame()))


def test_a_frame_with_right_edges_needs_no_times() -> None:
    frame = BARS.frame()[["quote_volume", "volume"]]
    assert np.array_equal(VWAP.table(frame, anchor="1h"), VWAP.table(BARS, anchor="1h"), equal_nan=True)


def test_a_series_stands_for_the_one_input() -> None:
    assert _Total.over(pd.Series([1.0, 2.0, 4.0]))["total"].tolist() == [1, 3, 7]


def test_over_is_indexed_by_close_time_in_utc() -> None:
    index = VolumeDelta.over(BARS).index
    assert index[0] == pd.Timestamp("2024-01-01 00:01", tz="UTC")
    assert len(index) == len(BARS)


def test_no_bars_give_no_rows() -> None:
    assert VWAP.over(BARS.slice(0, 0)).shape == (0, 4)


@pytest.mark.parametrize("policy", [_Total, _Passing])
def test_a_nan_input_is_skipped_or_passed(policy: Any) -> None:
    values = policy.over(pd.Series([1.0, np.nan, 4.0]))["total"].fillna(-1).tolist()
    assert values == ([1, -1, 5] if policy is _Total else [1, -1, -1])


# Lines and parameters.


def test_lines_follow_the_parameters_inside_a_strategy() -> None:
    _, held = host(VWAP, BARS, {"bands": [1.0, 2.0]})
    assert held.lines.getlinealiases() == ("vwap", "std", "upper1", "lower1", "upper2", "lower2")
    assert isinstance(held, VWAP)


def test_what_is_not_given_has_its_default_for_whoever_asks() -> None:
    assert VWAP.line_names() == ("vwap", "std", "upper1", "lower1")
    assert (VolumeProfile.warmup(), VolumeProfile.warmup(window=7)) == (60, 7)


def test_fewer_lines_than_the_class_has_are_possible() -> None:
    assert host(VWAP, BARS, {"bands": []})[1].lines.getlinealiases() == ("vwap", "std")


def test_a_class_made_for_its_lines_is_made_once_and_not_registered() -> None:
    made = type(host(VWAP, BARS, {"bands": [3.0, 4.0]})[1])
    assert made is type(host(VWAP, BARS, {"bands": [5.0, 6.0]})[1])
    assert made.kind == "VWAP"
    assert "VWAP" in INDICATORS
    assert made not in INDICATORS.values()


def test_a_class_made_for_its_lines_survives_pickling() -> None:
    made = type(host(VWAP, BARS, {"bands": [1.0, 2.0, 3.0]})[1])
    assert pickle.loads(pickle.dumps(made)) is made  # noqa: S301
    assert pickle.loads(pickle.dumps(VWAP)) is VWAP  # noqa: S301


@pytest.mark.parametrize("params", [{"unt": "base"}, {"unit": "bae"}])
def test_backtrader_does_not_swallow_a_wrong_parameter(params: dict[str, Any]) -> None:
    with pytest.raises(ParamError, match=r"^VolumeDelta: "):
        host(VolumeDelta, BARS, params)


def test_plot_settings_are_no_parameters() -> None:
    host(VolumeDelta, BARS, {"plot": False, "subplot": True})


def test_bounds_and_measures_are_inherited() -> None:
    class Child(VolumeDelta):
        lines = ("more",)
        measures = {"more": Line("more")}

    assert set(Child.bounds) == {"unit", "size"}
    assert set(Child.measures) == {"delta", "percent", "more"}


def test_the_dimension_of_delta_follows_its_unit() -> None:
    quote, count = (VolumeDelta.line_measures(unit=u)["delta"] for u in ("quote", "count"))
    assert (quote.price, quote.size, quote.unit) == (1, 1, "quote")
    assert (count.price, count.size, count.unit) == (0, 0, "count")


# Inputs.


def test_a_missing_column_is_told_before_the_run() -> None:
    klines = sample_bars(60, klines=True)
    with pytest.raises(
        InputError, match=r"VolumeDelta reads 'taker_buy_count', which .* does not carry: klines do not"
    ):
        host(VolumeDelta, klines, {"unit": "count"})


def test_an_unknown_column_is_told_with_the_nearest() -> None:
    class Reader(_Total):
        inputs = ("closse",)

    with pytest.raises(InputError, match="did you mean 'close'"):
        Reader.over(BARS)


def _pandas_feed(bars: Bars) -> Any:
    class Foreign(bt.feeds.PandasData):
        lines = ("taker_buy_volume", "taker_sell_volume")
        params = (("taker_buy_volume", -1), ("taker_sell_volume", -1))

    frame = bars.frame()
    frame.index = frame.index.tz_localize(None)
    return Foreign(dataname=frame)


def _on(feed: Any, make: Any, **mode: Any) -> Any:
    cerebro = bt.Cerebro(stdstats=False, **mode)
    cerebro.adddata(feed)
    cerebro.addstrategy(Hosted, make=make)
    return cerebro.run()[0]


@pytest.mark.parametrize("runonce", [True, False])
def test_a_foreign_feed_with_the_lines_will_do(runonce: bool) -> None:
    rows = np.array(_on(_pandas_feed(BARS), lambda s: VolumeDelta(s.data), runonce=runonce).rows)
    assert np.array_equal(rows.T, VolumeDelta.table(BARS))


def test_a_foreign_feed_without_the_lines_is_refused() -> None:
    with pytest.raises(InputError, match="reads 'taker_buy_count', which Foreign does not carry"):
        _on(_pandas_feed(BARS), lambda s: VolumeDelta(s.data, unit="count"))


def test_price_rows_need_a_feed_of_bars() -> None:
    with pytest.raises(InputError, match="VolumeProfile reads 'levels', which Foreign does not carry"):
        _on(_pandas_feed(BARS), lambda s: VolumeProfile(s.data))


def test_price_rows_are_found_by_time_when_the_feed_starts_late() -> None:
    start = datetime(2024, 1, 1, 0, 30, tzinfo=UTC).replace(tzinfo=None)
    feed = bar_data(BARS, fromdate=start)
    rows = np.array(_on(feed, lambda s: VolumeProfile(s.data, window=10)).rows).T
    expected = VolumeProfile.table(BARS.slice(29, None), window=10)
    assert np.array_equal(rows, expected, equal_nan=True)


@pytest.mark.parametrize("runonce", [True, False])
def test_an_indicator_can_read_another_ones_line(runonce: bool) -> None:
    strategy = _on(bar_data(BARS), lambda s: _Total(_Mean(s.data, window=7)), runonce=runonce)
    mean = _Mean.table(BARS, window=7)[0]
    expected = np.concatenate([np.full(6, np.nan), np.cumsum(mean[6:])])
    assert np.array_equal(np.array(strategy.rows)[:, 0], expected, equal_nan=True)


def test_a_second_line_that_is_not_given_is_told() -> None:
    with pytest.raises(InputError, match="_TotalOfTwo reads 2 lines and was given 1"):
        host(_TotalOfTwo, BARS, {})


def test_feeds_of_other_lengths_cannot_be_mixed_over_whole_arrays() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(BARS))
    cerebro.adddata(bar_data(BARS.slice(0, 50)))
    cerebro.addstrategy(Hosted, make=lambda s: _TotalOfTwo(s.data0, s.data1))
    with pytest.raises(InputError, match="differ in length"):
        cerebro.run()


# The same bar twice.


def _fives(bars: Bars) -> Bars:
    n = len(bars) // 5
    return Bars.of(
        open_time=bars["open_time"][::5][:n],
        close_time=bars["close_time"][4::5][:n],
        **{k: bars[k][4::5][:n] for k in ("open", "high", "low", "close", "volume")},
    )


def test_a_slow_feed_among_fast_ones_is_not_counted_twice() -> None:
    slow = _fives(BARS)
    cerebro = bt.Cerebro(stdstats=False, runonce=False)
    cerebro.adddata(bar_data(BARS))
    cerebro.adddata(bar_data(slow))
    cerebro.addstrategy(Hosted, make=lambda s: _Total(s.data1))
    held = cerebro.run()[0].held
    assert np.array_equal(np.array(held.lines.total.array), np.cumsum(slow["close"]))


def test_price_rows_of_a_slow_feed_are_not_counted_twice() -> None:
    slow = BARS.slice(0, 24)
    times = {"open_time": BARS["open_time"][::5], "close_time": BARS["close_time"][4::5]}
    slow = slow.assign(**times)
    cerebro = bt.Cerebro(stdstats=False, runonce=False)
    cerebro.adddata(bar_data(BARS))
    cerebro.adddata(bar_data(slow))
    cerebro.addstrategy(Hosted, make=lambda s: VolumeProfile(s.data1, window=3))
    held = cerebro.run()[0].held
    lines = np.array([line.array for line in held.lines.lines])
    assert np.array_equal(lines, VolumeProfile.table(slow, window=3), equal_nan=True)


def test_a_replayed_bar_counts_once_with_its_last_value() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(bar_data(BARS), timeframe=bt.TimeFrame.Minutes, compression=5)
    cerebro.addstrategy(Hosted, make=lambda s: _Total(s.data))
    strategy = cerebro.run()[0]
    closes = np.array(strategy.data.close.array)
    assert len(closes) < len(strategy.rows)
    assert np.array_equal(np.array(strategy.held.lines.total.array), np.cumsum(closes))


# Sessions.


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("spec", ["1d", "1w", "month", "2d"])
def test_a_session_is_the_same_for_one_bar_and_for_many(spec: str, zone: str) -> None:
    params = {"session": spec, "timezone": zone}
    times = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000 + np.arange(0, 300 * DAY, 7 * HOUR)
    alone = [Session().scalar(params, float(t)) for t in times]
    assert Session().array(params, times).tolist() == alone


def test_weeks_begin_on_monday() -> None:
    monday = int(datetime(2024, 1, 8, tzinfo=UTC).timestamp()) * 1_000_000
    before, after, later = Session().array({"session": "1w"}, np.array([monday - 1, monday, monday + WEEK - 1]))
    assert (after - before, later - after) == (1, 0)


def test_days_begin_at_local_midnight_across_a_change_of_clocks() -> None:
    hours = pd.date_range("2024-03-09", "2024-03-12", freq="1h", tz="America/New_York")
    ids = Session().array({"session": "1d", "timezone": "America/New_York"}, hours.as_unit("us").asi8)
    dates = [d.toordinal() for d in hours.date]
    assert (ids - ids[0]).tolist() == [d - dates[0] for d in dates]

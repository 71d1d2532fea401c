"""TA-Lib's functions as indicators: all of them, in every mode, bit for bit."""

from __future__ import annotations

import pickle

import backtrader as bt
import numpy as np
import pytest
import talib

from tapeflow.core.errors import InputError, ParamError, PluginError
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.framework.cerebro_host import Hosted, host
from tapeflow.indicators.talib import make

BARS = sample_bars(140, seed=4)
REFUSED = {"MAVP"}
FUNCTIONS = [name for name in sorted(talib.get_functions()) if name not in REFUSED]


@pytest.mark.parametrize("group", sorted(talib.get_function_groups()))
def test_every_function_gives_the_same_bits_in_every_mode(group: str) -> None:
    for name in (f for f in talib.get_function_groups()[group] if f not in REFUSED):
        cls = make(name)
        alone = cls.table(BARS)
        bar_by_bar, _ = host(cls, BARS, {}, runonce=False)
        whole, _ = host(cls, BARS, {}, runonce=True)
        assert np.array_equal(alone, bar_by_bar, equal_nan=True), name
        assert np.array_equal(alone, whole, equal_nan=True), name
        assert not np.isinf(alone).any(), name


def test_every_function_is_offered_or_refused_with_a_reason() -> None:
    for name in FUNCTIONS:
        assert make(name).kind == f"talib.{name}"
    for name in REFUSED:
        with pytest.raises(PluginError, match=r"not offered: it reads"):
            INDICATORS.find(f"talib.{name}")


def test_rsi_is_talibs_own() -> None:
    expected = talib.RSI(np.array(BARS["close"]), timeperiod=9)
    actual = INDICATORS.find("talib.RSI").over(BARS, timeperiod=9)["rsi"].to_numpy()
    assert np.array_equal(expected, actual, equal_nan=True)


def test_macd_keeps_its_three_lines_in_next_mode() -> None:
    expected = np.array(talib.MACD(np.array(BARS["close"])))
    actual, _ = host(make("MACD"), BARS, {}, runonce=False)
    assert np.array_equal(expected, actual, equal_nan=True)


@pytest.mark.parametrize("mode", [{"exactbars": 1}, {"preload": False, "runonce": False}])
def test_streams_work_without_a_preloaded_feed(mode: dict[str, object]) -> None:
    actual, _ = host(make("ADX"), BARS, {"timeperiod": 10}, **mode)
    assert np.array_equal(make("ADX").table(BARS, timeperiod=10), actual, equal_nan=True)


def test_any_column_can_be_the_input() -> None:
    expected = talib.EMA(np.array(BARS["taker_buy_volume"]), timeperiod=5)
    actual = make("EMA").over(BARS, timeperiod=5, input="taker_buy_volume")["ema"].to_numpy()
    assert np.array_equal(expected, actual, equal_nan=True)


@pytest.mark.parametrize("runonce", [True, False])
def test_any_line_can_be_the_input_in_a_strategy(runonce: bool) -> None:
    cerebro = bt.Cerebro(stdstats=False, runonce=runonce)
    from tapeflow.core.lines import bar_data

    cerebro.adddata(bar_data(BARS))
    cerebro.addstrategy(Hosted, make=lambda s: make("SMA")(make("RSI")(s.data, timeperiod=5), timeperiod=4))
    rows = np.array(cerebro.run()[0].rows)[:, 0]
    expected = talib.SMA(talib.RSI(np.array(BARS["close"]), timeperiod=5), timeperiod=4)
    assert np.array_equal(expected, rows, equal_nan=True)


def test_a_hole_in_the_input_ends_the_output_instead_of_poisoning_it() -> None:
    close = np.array(BARS["close"])
    close[60] = np.nan
    holed = BARS.assign(close=close)
    whole = make("RSI").table(BARS)[0]
    for values in (make("RSI").table(holed)[0], host(make("RSI"), holed, {}, runonce=False)[0][0]):
        assert np.array_equal(values[:60], whole[:60], equal_nan=True)
        assert np.isnan(values[60:]).all()


def test_patterns_are_nan_before_their_first_bar() -> None:
    values = make("CDLENGULFING").table(BARS)[0]
    first = make("CDLENGULFING").warmup()
    assert np.isnan(values[: first - 1]).all()
    assert not np.isnan(values[first - 1 :]).any()


@pytest.mark.parametrize(
    ("params", "error", "says"),
    [
        ({"timeperiod": 0}, ParamError, "timeperiod=0 must be within TA-Lib's range"),
        ({"timeperiod": 2.5}, ParamError, "timeperiod must be a whole number"),
        ({"timeperod": 5}, ParamError, "did you mean 'timeperiod'"),
        ({"input": "closse"}, InputError, "did you mean 'close'"),
    ],
)
def test_mistakes_are_told_by_name(params: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make("RSI").over(BARS, **params)


def test_of_several_parameters_the_one_to_blame_is_named() -> None:
    with pytest.raises(ParamError, match=r"^(?!.*slow).*fastperiod=0 must be within TA-Lib's range"):
        make("MACD").over(BARS, fastperiod=0, slowperiod=30)


def test_an_unknown_function_is_told_with_the_nearest() -> None:
    with pytest.raises(PluginError, match=r"did you mean 'talib\.RSI'"):
        INDICATORS.find("talib.RSSI")


def test_a_class_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(make("RSI"))) is make("RSI")  # noqa: S301


def test_streams_replay_a_bar_from_where_it_began() -> None:
    from tapeflow.core.lines import bar_data

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(bar_data(BARS), timeframe=bt.TimeFrame.Minutes, compression=5)
    cerebro.addstrategy(Hosted, make=lambda s: make("EMA")(s.data, timeperiod=3))
    strategy = cerebro.run()[0]
    closes = np.array(strategy.data.close.array)
    assert len(closes) < len(BARS)
    assert np.array_equal(np.array(strategy.held.lines.ema.array), talib.EMA(closes, timeperiod=3), equal_nan=True)


def test_an_input_that_starts_late_makes_the_first_value_later() -> None:
    close = np.array(BARS["close"])
    close[:20] = np.nan
    late = BARS.assign(close=close)
    first = 20 + make("MAXINDEX").warmup()
    bar_by_bar, _ = host(make("MAXINDEX"), late, {}, runonce=False)
    for values in (make("MAXINDEX").table(late)[0], bar_by_bar[0]):
        assert np.isnan(values[: first - 1]).all()
        assert not np.isnan(values[first - 1 :]).any()

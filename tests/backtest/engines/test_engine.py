"""The fast engine: what it restates of backtrader, where it steps aside, what it leaves out."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
import json
import math
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from backtrader import cerebro, feed, functions, indicator, linebuffer, lineiterator, lineseries, metabase, order
from backtrader.brokers.bbroker import BackBroker
from backtrader.comminfo import CommInfoBase
from backtrader.indicators.basicops import Average
from backtrader.indicators.crossover import NonZeroDifference
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.api import run
from tapeflow.backtest.broker.base import Broker, make_broker
from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.lines import BarData, bar_data
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.wake import SkipHint
from tapeflow.strategies.rules import Rules

RESTATED: dict[Any, tuple[str, ...]] = {
    cerebro.Cerebro: ("_runonce", "_brokernotify", "_check_timers", "_next_writers"),
    bt.Strategy: (
        "_oncepost",
        "_notify",
        "_getminperstatus",
        "_next_analyzers",
        "_addnotification",
        "clear",
        "getposition",
    ),
    lineiterator.LineIterator: ("_once",),
    linebuffer.LineBuffer: ("__getitem__", "__len__", "get", "forward", "datetime", "home", "oncebinding"),
    linebuffer.LineActions: ("_once",),
    linebuffer.LinesOperation: ("__init__", "once", "_once_op", "_once_val_op", "_once_val_op_r"),
    linebuffer._LineDelay: ("once",),
    lineseries.LineSeries: ("__getitem__", "__len__", "__getattr__"),
    functions.MultiLogic: ("once",),
    functions.MultiLogicReduce: ("__init__",),
    functions.And: ("flogic",),
    functions.Or: ("flogic",),
    Average: ("once",),
    NonZeroDifference: ("once",),
    indicator.Indicator: ("once_via_next", "preonce_via_prenext", "oncestart_via_nextstart", "advance"),
    feed.AbstractDataBase: ("advance", "advance_peek", "_tick_fill", "_tick_nullify"),
    metabase.MetaParams: ("donew",),
    metabase.MetaBase: ("__call__",),
    order.OrderBase: ("__init__", "__getattr__", "clone", "submit", "accept", "addcomminfo", "execute"),
    order.Order: ("execute", "expire", "trailadjust"),
    order.OrderData: ("add", "addbit", "clone", "markpending", "iterpending"),
    order.OrderExecutionBit: ("__init__",),
    BackBroker: (
        "init",
        "next",
        "_get_value",
        "get_value",
        "buy",
        "sell",
        "submit",
        "transmit",
        "submit_accept",
        "check_submitted",
        "getposition",
        "add_cash",
        "set_cash",
        "notify",
        "_execute",
        "_try_exec",
        "_try_exec_market",
        "_try_exec_limit",
        "_try_exec_stop",
        "_try_exec_stoplimit",
    ),
    CommInfoBase: ("getvaluesize", "profitandloss", "get_leverage", "cashadjust", "get_credit_interest"),
    bt.Position: ("__init__", "set", "update", "pseudoupdate", "clone"),
}
"""What the engine does in place of backtrader, or relies on the inside of."""
SOURCES = "78868a1c1ae2c7e35b863687b7981a5f51c2f03b9b2514c43463dba64895376a"


def test_the_private_sources_that_are_restated_are_the_known_ones() -> None:
    assert importlib.metadata.version("backtrader") == "1.9.78.123"
    text = "".join(inspect.getsource(getattr(kind, name)) for kind, names in RESTATED.items() for name in names)
    assert hashlib.sha256(text.encode()).hexdigest() == SOURCES, "read what changed, then restate it"


def bars(n: int = 300, seed: int = 0) -> Bars:
    rng = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(rng.normal(0, 0.5, n)), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) + 0.3, np.minimum(opened, close) - 0.3
    time = 1_700_000_040_000_000 + np.arange(n) * MINUTE
    columns = dict(open=opened, high=high, low=low, close=close, volume=rng.random(n))
    return Bars.of(open_time=time, close_time=time + MINUTE, **columns)


def go(kind: Any, market: Bars, fast: bool = True, feed_kind: Any = None, **params: Any) -> tuple[Any, Any]:
    made = FastCerebro(stdstats=False) if fast else bt.Cerebro(stdstats=False)
    made.broker = make_broker(10_000, maker=0.0002, taker=0.0005)
    made.broker.cerebro = made
    made.adddata(feed_kind(dataname=market) if feed_kind else bar_data(market))
    made.addanalyzer(Recorder, _name="record")
    made.addstrategy(kind, **params)
    return made.run()[0], made


class _Swinging(Strategy):
    """In on every tenth bar, out five later."""

    def next(self) -> None:
        if len(self) % 10 == 0:
            self.buy(size=1)
        elif len(self) % 10 == 5:
            self.close()


def test_after_a_run_everything_is_as_backtrader_leaves_it() -> None:
    strategy, made = go(_Swinging, bars())
    plain, _ = go(_Swinging, bars(), fast=False)
    assert made.reason == ""
    assert type(made.broker) is Broker
    assert type(made.broker.positions[made.datas[0]]) is type(plain.broker.positions[plain.datas[0]])
    assert (type(strategy.data), len(strategy.data)) == (BarData, 300)
    for ours, theirs in zip(strategy.data.lines.lines, plain.data.lines.lines, strict=True):
        assert (type(ours), ours.idx, len(ours), ours.lencount) == (
            type(theirs),
            theirs.idx,
            len(theirs),
            theirs.lencount,
        )
    assert strategy.position.datetime == plain.position.datetime
    again = FastCerebro(stdstats=False)
    again.adddata(made.datas[0])
    again.addstrategy(_Swinging)
    assert len(again.run()[0]) == 300


class Hooked(BarData):
    def advance(self, *args: Any, **kwargs: Any) -> None:
        super().advance(*args, **kwargs)


class _Clearing(_Swinging):
    def clear(self) -> None:
        super().clear()


@pytest.mark.parametrize(
    ("kind", "feed_kind", "reason"),
    [
        (_Swinging, Hooked, "feed Hooked has its own advance"),
        (_Clearing, None, "strategy _Clearing has its own clear"),
        (_Swinging, None, ""),
    ],
    ids=["a feed's hook", "a strategy's hook", "none"],
)
def test_a_hook_in_the_loop_brings_back_the_plain_loop_and_is_named(kind: Any, feed_kind: Any, reason: str) -> None:
    strategy, made = go(kind, bars(), feed_kind=feed_kind)
    plain, _ = go(_Swinging, bars(), fast=False)
    assert made.reason == reason
    assert [c.tolist() for c in strategy.analyzers.record.equity] == [c.tolist() for c in plain.analyzers.record.equity]


class _Nesting(Strategy):
    """Reads an indicator inside an indicator, which plain backtrader leaves at the last bar of all."""

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(self.data.close, period=3), bt.ind.EMA(self.data.close, period=7))
        self.seen: list[float] = []

    def next(self) -> None:
        inner = self.cross._lineiterators[bt.LineIterator.IndType][0]
        self.seen.append(inner._lineiterators[bt.LineIterator.IndType][0][0])


def test_nested_indicators_show_their_own_bar_in_every_engine() -> None:
    made = bt.Cerebro(stdstats=False, runonce=False)
    made.adddata(bar_data(bars()))
    made.addstrategy(_Nesting)
    expected = made.run()[0].seen
    assert len(set(expected)) > 50
    assert expected == go(_Nesting, bars(), fast=False)[0].seen
    assert expected == go(_Nesting, bars())[0].seen


class _Waking(_Swinging):
    """Says when."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def next(self) -> None:
        self.calls.append(len(self))
        if len(self) % 10 == 0:
            self.buy(size=1)
        elif len(self) % 10 == 5:
            self.close()

    def wake(self) -> SkipHint:
        at = np.arange(1, self.data.buflen() + 1)
        return SkipHint(flat=at % 10 == 0, long=at % 10 == 5, short=at < 0)


class _Restless(_Waking):
    """Has a ``next`` that its parent's ``wake`` knows nothing of."""

    def next(self) -> None:
        self.calls.append(len(self))


class _Noisy(_Waking):
    """Only listens."""

    def notify_trade(self, trade: Any) -> None:
        self.heard = trade


def test_bars_on_which_a_strategy_cannot_act_are_left_out() -> None:
    for kind in (_Waking, _Noisy):
        strategy, made = go(kind, bars())
        assert made.skipping
        assert strategy.calls == sorted({b for at in range(10, 301, 5) for b in (at, at + 1) if b <= 300})


def test_a_strategy_whose_next_is_not_what_wake_speaks_of_is_called_on_every_bar() -> None:
    strategy, made = go(_Restless, bars())
    assert not made.skipping
    assert strategy.calls == list(range(1, 301))


def test_every_call_that_rules_leave_out_would_have_done_nothing() -> None:
    """On a bar that is not marked ``next`` orders nothing: told by running it there all the same."""
    long = {"enter": "close > close[1] and close[1] > close[2]", "exit": "close < close[2]"}
    protection = dict(stop_loss="0.5%", trailing_stop="1%", take_profit="1.5%", time_stop=9)
    for short in (None, {"enter": "close < close[1] and close[1] < close[2]"}):
        market = bars(2000, seed=3)
        skipped, made = go(Rules, market, long=long, short=short, **protection)
        whole, _ = go(Rules, market, fast=False, long=long, short=short, **protection)
        assert made.skipping
        ours, plain = skipped.analyzers.record, whole.analyzers.record
        assert repr(list(ours.orders.values())) == repr(list(plain.orders.values()))
        assert [c.tolist() for c in ours.equity] == [c.tolist() for c in plain.equity]
        assert len({row["reason"] for row in ours.orders.values()}) >= 5


SHAPES = {
    "plain": lambda rng, n: rng.normal(100, 1, n),
    "ticks": lambda rng, n: rng.integers(95, 105, n) / 10,
    "wide": lambda rng, n: rng.normal(0, 1, n) * 10.0 ** rng.integers(-12, 12, n),
    "zeros": lambda rng, n: rng.integers(-1, 2, n).astype(float),
    "holes": lambda rng, n: np.where(rng.random(n) < 0.1, np.nan, rng.normal(100, 1, n)),
    "tiny": lambda rng, n: rng.normal(0, 1, n) * 5e-324,
}


class Everything(bt.Strategy):
    """One of each line operation and of the indicators that are computed over arrays."""

    def __init__(self) -> None:
        a, b = self.data.close, self.data.open
        mean, slow = bt.ind.SMA(a, period=4), bt.ind.SMA(b, period=9)
        self.made = [
            *(a + b, a - b, a * b, a < b, a <= b, a > b, a >= b, a == b, a != b, -a, abs(a)),
            *(a + 1, 2 - a, 3.5 * a, a / 2, a > 100, b > 100, a(-1), a(-3) - b, b == 100),
            *(bt.And(a > b, mean > slow), bt.Or(a, b), bt.And(a, b, mean), bt.Max(a, b), bt.Min(a, b), bt.Sum(a, b)),
            *(bt.All(a, b), bt.Any(a > b, a < b), bt.If(a > b, a, b), bt.DivByZero(a, b), bt.Cmp(a, b)),
            *(mean, slow, bt.ind.EMA(a, period=5), bt.ind.CrossOver(a, mean), bt.ind.CrossUp(mean, slow)),
            *(
                bt.ind.NonZeroDifference(a, b),
                bt.ind.MACD(a),
                bt.ind.BollingerBands(a, period=6),
                bt.ind.RSI(a, period=6),
            ),
            *(bt.ind.Highest(a, period=5), bt.ind.ATR(self.data, period=4), bt.ind.ParabolicSAR(self.data)),
        ]


def arrays(fast: bool, market: Bars) -> list[str]:
    made = FastCerebro(stdstats=False) if fast else bt.Cerebro(stdstats=False)
    made.adddata(bar_data(market))
    made.addstrategy(Everything)
    try:
        held = made.run()[0].made
    except (ZeroDivisionError, ValueError) as err:
        return [repr(err)]
    return [repr(line.array.tolist()) for each in held for line in (each.lines if hasattr(each, "lines") else [each])]


MARKETS = dict(seed=st.integers(0, 10_000), shape=st.sampled_from(sorted(SHAPES)), n=st.integers(40, 120))


@settings(max_examples=12, deadline=None)
@given(**MARKETS)
def test_line_operations_over_arrays_have_the_bits_of_the_loops(seed: int, shape: str, n: int) -> None:
    assert_same_bits(seed, shape, n)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(**MARKETS)
def test_line_operations_over_many_arrays_have_the_bits_of_the_loops(seed: int, shape: str, n: int) -> None:
    assert_same_bits(seed, shape, n)


def assert_same_bits(seed: int, shape: str, n: int) -> None:
    rng = np.random.default_rng(seed)
    time = 1_700_000_040_000_000 + np.arange(n) * MINUTE
    columns = {name: SHAPES[shape](rng, n) for name in ("open", "high", "low", "close")}
    market = Bars.of(open_time=time, close_time=time + MINUTE, volume=np.ones(n), **columns)
    assert arrays(True, market) == arrays(False, market)


SHIPPED = ("demo", "delta_momentum", "profile_fade", "vwap_reversion")


def compare(config: Any) -> Any:
    sources = {own: source for name in config.data for own, source in read(config, name, lambda text: None).items()}
    ours, plain = (simulate(config.model_copy(update={"engine": e}), sources) for e in ("backtrader", "stock"))
    assert (ours.engine, plain.engine) == ("backtrader", "stock")
    assert plain.engine_reason == "it was asked for"
    assert repr(list(ours.record.orders.values())) == repr(list(plain.record.orders.values()))
    assert ours.record.fills == plain.record.fills
    assert [column.tolist() for column in ours.record.equity] == [column.tolist() for column in plain.record.equity]
    assert len(ours.record.fills) > 10
    return ours


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_configs_give_what_plain_backtrader_gives(name: str) -> None:
    compare(load_config(Path(inspect.getfile(Rules)).parent.parent / "configs" / f"{name}.yaml"))


REAL = """
name: real
data:
  btc: {{feed: BinanceKlines, path: '{path}'}}
indicators:
  signed: {{kind: SignedVolume}}
  delta: {{kind: VolumeDelta}}
  tox: {{kind: FlowToxicity, window: 60}}
  vwap: {{kind: VWAP, anchor: 1d, bands: [1.0, 2.0]}}
strategy:
  kind: Rules
  params:
    long: {{enter: "close < vwap.lower1 and delta > 0 and tox < 1 and signed > 0", exit: "close >= vwap"}}
    short: {{enter: "close > vwap.upper1 and delta < 0 and tox < 1", exit: "close <= vwap"}}
    stop_loss: 0.5%
    trailing_stop: 0.8%
    time_stop: 300
broker: {{cash: 100000, fees: {{maker: 2bp, taker: 5bp}}, slippage: 1bp}}
sizer: {{percent: 10}}
"""


@pytest.mark.real_data
def test_a_real_month_gives_what_plain_backtrader_gives(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "spot_BTCUSDT-1m-2026-03.zip"
    config = tmp_path / "real.yaml"
    config.write_text(REAL.format(path=path))
    assert "left out" in compare(load_config(config)).engine_reason


@pytest.mark.parametrize(
    ("engine", "ran", "why"),
    [
        ("auto", "compiled", "all that the strategy does can be worked out ahead"),
        ("compiled", "compiled", "it was asked for"),
        ("backtrader", "backtrader", "the strategy says ahead on which bars it can act; the others were left out"),
        ("stock", "stock", "it was asked for"),
    ],
)
def test_the_engine_and_its_reason_are_in_the_result(tmp_path: Path, engine: str, ran: str, why: str) -> None:
    text = (
        "name: small\ndata: {tape: {feed: SyntheticTape, days: 0.2}}\nstrategy: {kind: Rules, params: {long: {enter: "
    )
    text += f"'close > open', exit: 'close < open'}}}}}}\nengine: {engine}\n"
    (tmp_path / "small.yaml").write_text(text)
    run(load_config(tmp_path / "small.yaml"), tmp_path / "out", report=False)
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["engine"], result["engine_reason"]) == (ran, why)
    assert math.isfinite(result["final_value"])

"""Nobody trades where nobody traded: orders wait in bars without trades, in every engine, and the run counts it."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.errors import TapeflowError
from tapeflow.core.schema import Quality
from tapeflow.core.trading import untraded
from tapeflow.tests.helpers.trading import buy, config, flat, moving, random_walk, sell, trade

SILENT = [10.0, 10, 0, 0, 10, 10]
PERP = {"instrument": {"margin": "linear", "contract_size": 1, "leverage": 10, "maintenance": "1%"}}
ENGINES = ("stock", "backtrader", "compiled")


def silent_walk(seed: int, n: int) -> Bars:
    """Bars of a random walk, in a tenth of which nobody traded."""
    return random_walk(seed, n).assign(volume=np.random.default_rng(seed).integers(0, 10, n).astype(float))


def waited(made: Any) -> tuple[int, int]:
    return made.strategy.analyzers.record.waits


def bars_of(made: Any) -> list[int]:
    return [fill.bar for fill in made.fills]


def test_a_market_order_waits_for_the_next_bar_in_which_somebody_traded() -> None:
    made = trade(flat(6, volume=SILENT), {1: buy(1)}, config())
    assert bars_of(made) == [4]
    assert waited(made) == (1, 2)


@pytest.mark.parametrize(
    ("order", "low"),
    [
        (dict(exectype=bt.Order.Limit, price=95.0), 90.0),
        (dict(exectype=bt.Order.Stop, price=105.0), 110.0),
        (dict(exectype=bt.Order.StopLimit, price=105.0, plimit=106.0), 110.0),
    ],
)
def test_nothing_fills_or_triggers_within_the_range_of_such_a_bar(order: Any, low: float) -> None:
    reach = [100.0, 100, low, 100, 100, 100]
    market = flat(6, low=np.minimum(reach, 100.0), high=np.maximum(reach, 100.0), volume=SILENT)
    made = trade(market, {0: buy(1, **order)}, config())
    assert made.fills == []
    assert waited(made) == (1, 1)
    assert bars_of(trade(market.assign(volume=np.full(6, 10.0)), {0: buy(1, **order)}, config())) == [2]


def test_a_trailing_stop_does_not_follow_the_close_of_such_a_bar() -> None:
    market = moving(100.0, 100, 130, 100, 100, 98, 94, volume=[10.0, 10, 0, 10, 10, 10, 10])
    made = trade(market, {0: buy(1), 1: sell(1, exectype=bt.Order.StopTrail, trailamount=5.0)}, config())
    assert [(fill.bar, fill.price) for fill in made.fills] == [(1, 100.0), (6, 95.0)]


def test_an_order_expires_while_it_waits() -> None:
    market = flat(6, volume=SILENT)
    until = lambda s: s.buy(size=1, exectype=bt.Order.Limit, price=99.0, valid=s.data.datetime[0] + 1.5 / 1440)  # noqa: E731
    assert trade(market, {1: until}, config()).column("status") == ["expired"]


def test_nothing_is_closed_by_force_in_such_a_bar() -> None:
    closes = (100.0, 100, 100, 50, 100, 100)
    asked = config(cash=1000, data=PERP)
    open_ = trade(moving(*closes, volume=[10.0, 10, 10, 0, 10, 10]), {0: buy(50)}, asked)
    assert open_.position[-1] == 0.0  # what opens beyond it is closed there, as soon as somebody trades
    assert bars_of(open_) == [1, 4]
    calm = moving(100.0, 100, 100, 50, 100, 100, volume=[10.0, 10, 10, 0, 10, 10])
    calm = calm.assign(open=np.full(6, 100.0), low=np.array([100.0, 100, 100, 50, 100, 100]))
    assert trade(calm, {0: buy(50)}, asked).position[-1] == 50.0


def test_a_contradictory_bar_is_waited_for_even_where_empty_bars_fill() -> None:
    market = flat(6, quality=[0, 0, Quality.FILLED, Quality.CONTRADICTORY, 0, 0])
    assert bars_of(trade(market, {2: buy(1)}, config())) == [4]
    fills = from_mapping({**config().resolved(), "fills": {"empty_bars": "fill"}})
    assert bars_of(trade(market, {1: buy(1), 2: buy(1)}, fills)) == [2, 4]


@pytest.mark.parametrize("volume", [[np.nan] * 6, [0.0] * 6, [10.0, 10, np.nan, 10, 10, 10]])
def test_a_volume_that_is_unknown_is_not_0(volume: list[float]) -> None:
    market = flat(6, volume=volume)
    assert not untraded(market).any()
    assert bars_of(trade(market, {1: buy(1)}, config())) == [2]


class _Restated(bt.brokers.BackBroker):
    """backtrader's own broker, which leaves out the bars in which nobody traded."""

    def _try_exec(self, order: Any) -> None:
        if order.data.volume[0] != 0:
            super()._try_exec(order)


@pytest.mark.parametrize("seed", range(4))
def test_the_rule_is_plain_backtrader_that_leaves_those_bars_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    market = silent_walk(seed, 150)
    script = {}
    for bar in range(2, 140, 3):
        size, kind = float(rng.choice([-1.0, 1.0])), int(rng.integers(3))
        more: dict[str, Any] = {}
        if kind:
            price = float(market["close"][bar] * (1 + size * (0.004 if kind == 2 else -0.004)))
            more = {"exectype": bt.Order.Stop if kind == 2 else bt.Order.Limit, "price": price}
        script[bar] = (buy if size > 0 else sell)(1.0, **more)
    ours = trade(market, script, config(cash=1e6))
    from tapeflow.core.lines import bar_data

    class Scripted(bt.Strategy):
        def __init__(self) -> None:
            self.fills: list[Any] = []

        def next(self) -> None:
            if act := script.get(len(self) - 1):
                act(self)

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed:
                self.fills.append((len(self) - 1, order.executed.size, order.executed.price))

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(market))
    cerebro.broker = _Restated(cash=1e6)
    cerebro.addstrategy(Scripted)
    theirs = cerebro.run()[0]
    assert [(f.bar, f.opened + f.closed, f.price) for f in ours.fills] == theirs.fills
    assert waited(ours)[0] > 0


RULES = {
    "long": {"enter": "close > open", "exit": "close < open"},
    "short": {"enter": "close < open", "exit": "close > open"},
}


def rules(**blocks: Any) -> RunConfig:
    data = {"feed": "SyntheticTape", "tick": 0.01, "lot": 0.001, **blocks.pop("instrument", {})}
    raw = {"name": "t", "data": {"main": data}, "strategy": {"kind": "Rules", "params": RULES}}
    return from_mapping({**raw, "broker": {"cash": 10_000}, **blocks})


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {"risk": {"stop_loss": "1%", "take_profit": "2%"}, "broker": {"cash": 1e4, "fees": {"taker": "5bp"}}},
        {"risk": {"trailing_stop": "1.5%", "time_stop": 3}, "sizer": {"fixed": 2.0}},
        {"broker": {"cash": 1e4, "participation": "20%", "borrow": "10%"}, "risk": {"stop_loss": "2 atr(5)"}},
        {"instrument": PERP, "broker": {"cash": 1000}, "sizer": {"percent": 900}},
    ],
)
@pytest.mark.parametrize("empty", ["wait", "fill"])
def test_all_engines_keep_the_rule(blocks: Any, empty: str) -> None:
    asked = rules(fills={"empty_bars": empty}, **dict(blocks))
    sources = {"main": Source(None, silent_walk(11, 400))}
    stock, *others = (simulate(asked.model_copy(update={"engine": engine}), sources) for engine in ENGINES)
    assert [difference(one, stock) for one in others] == ["", ""]
    where = untraded(sources["main"].bars)[[fill.bar for fill in stock.record.fills]]
    limited = "participation" in blocks.get("broker", {})  # a share of nothing is nothing
    assert where.any() == (empty == "fill" and not limited)
    assert (stock.record.waits[0] > 0) == (empty == "wait")


def test_the_run_says_how_many_orders_waited_and_that_a_volume_is_unknown() -> None:
    known = simulate(rules(engine="stock"), {"main": Source(_Feed(), silent_walk(11, 400))}).summary()
    assert known["waits"]["bars"] >= known["waits"]["orders"] > 0
    assert any("waited where nobody traded" in text for text in known["warnings"])
    assert any("bar without trades" in text for text in known["assumptions"])
    silent: Bars = random_walk(11, 400).assign(volume=np.zeros(400))
    unknown = simulate(rules(engine="stock"), {"main": Source(_Feed(), silent)}).summary()
    assert unknown["waits"] == {"orders": 0, "bars": 0}
    assert "main: the volume is 0 on every bar, and taken as unknown." in unknown["assumptions"]


class _Feed:
    counts: dict[str, int] = {}
    files: tuple[Any, ...] = ()


def test_the_block_is_spelled_in_every_form() -> None:
    assert rules().resolved()["fills"] == "bars"
    assert rules(fills={"empty_bars": "wait"}).resolved()["fills"] == "bars"
    assert rules(fills={"empty_bars": "fill"}).resolved()["fills"] == {"from": "bars", "empty_bars": "fill"}
    with pytest.raises(TapeflowError, match="empty_bars: fill needs fills from bars"):
        rules(fills={"from": "tape", "empty_bars": "fill"})

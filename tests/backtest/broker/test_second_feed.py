"""A strategy that trades a second feed: that feed's own steps, costs, protection, sizes and exposure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.results.folder import save
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.core.plugins.registry import STRATEGIES
from tapeflow.strategies.framework.base import Strategy
from tapeflow.tests.helpers.trading import random_walk, wilder

ENGINES = ["stock", "backtrader"]


class _OnTheSecond(Strategy):
    """Enters and leaves the second feed alone."""

    params = dict(enter=30, leave=60, short=80)

    def next(self) -> None:
        bar, data = len(self.data), self.datas[1]
        if bar == self.p.enter:
            self.enter_long(data=data)
        elif bar == self.p.leave:
            self.exit(data=data)
        elif bar == self.p.short:
            self.enter_short(data=data)


class _OnBoth(Strategy):
    """Buys both feeds by turns, with plain orders of backtrader's."""

    def next(self) -> None:
        for data in self.datas:
            if len(self.data) % 40 == 10:
                self.buy(data=data)
            elif len(self.data) % 40 == 30:
                self.close(data=data)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a config name the strategies of this file."""
    for kind in (_OnTheSecond, _OnBoth):
        monkeypatch.setitem(STRATEGIES._classes, kind.__name__, kind)


class _Feed:
    files: tuple[Any, ...] = ()
    counts: dict[str, int] = {}
    knows_prices = True


def markets() -> dict[str, Bars]:
    """One near 100, one near 1,300 of whole ticks."""
    far = random_walk(2)
    whole = {name: np.round(far[name] * 13) for name in ("open", "high", "low", "close")}
    return {"near": random_walk(1), "far": Bars.of(**{**far.columns, **whole})}


def run(kind: type[Strategy], *, near: Any = None, far: Any = None, engine: str = "stock", **more: Any) -> Outcome:
    blocks = {
        "near": {"feed": "SyntheticTape", "tick": 0.01, "lot": 0.001, **(near or {})},
        "far": {"feed": "SyntheticTape", "tick": 1, "lot": 1, **(far or {})},
    }
    raw = {"name": "t", "engine": engine, "data": blocks, "strategy": {"kind": kind.__name__}}
    given = {"broker": {"cash": 100_000.0}, **more}
    return simulate(from_mapping(raw | given), {name: Source(_Feed(), bars) for name, bars in markets().items()})


def filled(made: Outcome, name: str) -> list[dict[str, Any]]:
    return [row for row in made.record.orders.values() if row["data"] == name and row["executed_size"]]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_feed_pays_its_own_fees_and_slips_by_its_own_ticks(engine: str) -> None:
    costs = {"fees": {"taker": "20bp"}, "slippage": "2ticks"}
    broker = {"cash": 1e6, "fees": {"taker": "5bp"}, "slippage": "1tick"}
    made = run(_OnBoth, far=costs, engine=engine, broker=broker, sizer={"percent": 20})
    for name, (rate, slip, lot) in {"near": (5e-4, 0.01, 0.001), "far": (2e-3, 2.0, 1.0)}.items():
        bars, rows = markets()[name], filled(made, name)
        assert len(rows) == 6
        for row in rows:
            bar = int(np.searchsorted(bars["close_time"], row["executed_time"]))
            side = 1.0 if row["side"] == "buy" else -1.0
            # A price on ticks slips to a tick; the other feed's are on none, and slip to the nearest.
            assert row["executed_price"] == pytest.approx(bars["open"][bar] + side * slip, abs=0.006)
            assert row["commission"] == pytest.approx(row["executed_size"] * rate * row["executed_price"])
            assert math.isclose(row["size"] / lot, round(row["size"] / lot))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_second_feed_is_protected_in_its_own_ticks_and_sized_by_its_own_stop(engine: str) -> None:
    risk = {"stop_loss": "1.5%", "take_profit": "40ticks"}
    made = run(_OnTheSecond, engine=engine, risk=risk, sizer={"risk": 1})
    rows = list(made.record.orders.values())
    assert {row["data"] for row in rows} == {"far"}
    entries = [row for row in rows if row["reason"] in ("long.enter", "short.enter")]
    stops = [row for row in rows if row["reason"] == "stop_loss"]
    targets = [row for row in rows if row["reason"] == "take_profit"]
    assert len(entries) == len(stops) == len(targets) == 2
    closes = markets()["far"]["close"]
    for bar, entry, stop, target in zip((29, 79), entries, stops, targets, strict=True):
        side, price = (1.0 if entry["side"] == "buy" else -1.0), entry["executed_price"]
        assert stop["price"] == round(price - side * 0.015 * price)
        assert target["price"] == price + side * 40
        assert stop["size"] == target["size"] == entry["size"]
        worth = float(made.record.equity[1][bar])
        assert entry["size"] == math.floor(0.01 * worth / (0.015 * closes[bar]))
    held = (made.held["far"].at(made.equity["time"]) != 0).mean()
    assert made.figures()["exposure_pct"] == pytest.approx(100 * held)
    assert held > 0
    assert not made.equity["position"].any()


def test_a_stop_in_true_ranges_goes_by_those_of_the_feed_that_is_traded() -> None:
    made = run(_OnTheSecond, risk={"stop_loss": {"atr": 2, "period": 5}})
    entry, stop = list(made.record.orders.values())[:2]
    bars = markets()["far"]
    bar = int(np.searchsorted(bars["close_time"], entry["executed_time"]))
    assert stop["reason"] == "stop_loss"
    assert stop["price"] == round(entry["executed_price"] - 2 * wilder(bars, bar, 5))


@pytest.mark.parametrize("engine", ENGINES)
def test_contracts_and_leverage_are_those_of_the_feed_that_is_traded(engine: str) -> None:
    near = {"instrument": {"margin": "linear", "leverage": 10, "contract_size": 0.001}}
    far = {"instrument": {"margin": "linear", "leverage": 2, "contract_size": 10}}
    broker = {"cash": 1e6, "fees": {"per_contract": 1}}
    made = run(_OnBoth, near=near, far=far, engine=engine, broker=broker, sizer={"percent": 20})
    for name, size in {"near": 0.001, "far": 10.0}.items():
        assert all(row["commission"] == pytest.approx(row["executed_size"] / size) for row in filled(made, name))
    many = run(_OnTheSecond, near=near, far=far, engine=engine, sizer={"volatility": 100_000, "window": 5})
    entry = next(iter(many.record.orders.values()))
    assert entry["size"] == pytest.approx(2 * 1e5 / markets()["far"]["close"][29], abs=1.0), "the leverage is 2, not 10"


@pytest.mark.parametrize("engine", ENGINES)
def test_impact_range_and_participation_are_those_of_the_feed_that_is_traded(engine: str) -> None:
    far = {"slippage": "10% range", "participation": 0.5, "tick": None, "lot": 0.5}
    made = run(_OnBoth, far=far, engine=engine, sizer={"fixed": 6.0})
    bars = markets()["far"]
    (first, *_), near = filled(made, "far"), filled(made, "near")
    fills = [fill for fill in made.record.fills if fill.ref == first["ref"]]
    assert len(fills) > 1
    for fill in fills:
        assert abs(fill.opened) <= 0.5 * bars["volume"][fill.bar]
        expected = bars["open"][fill.bar] + 0.1 * (bars["high"][fill.bar] - bars["low"][fill.bar])
        assert fill.price == pytest.approx(expected)
    for row in near:
        bar = int(np.searchsorted(markets()["near"]["close_time"], row["executed_time"]))
        assert row["executed_price"] == pytest.approx(markets()["near"]["open"][bar], rel=1e-12)
        assert row["executed_size"] == 6.0


def test_feeds_of_one_schedule_share_its_volume_and_one_of_its_own_has_its_own() -> None:
    tiers = {"taker": "10bp", "tiers": [{"volume": 10_000, "taker": "1bp"}]}
    for own, rate in ((None, 1e-4), ({"fees": tiers}, 1e-3)):
        made = run(_OnBoth, far=own, broker={"cash": 1e6, "fees": tiers}, sizer={"fixed": 90.0})
        sold = next(row for row in filled(made, "near") if row["side"] == "sell")
        assert sold["commission"] == pytest.approx(90 * sold["executed_price"] * rate)


def test_what_the_account_cannot_trade_is_refused_by_name_when_an_order_is_sent() -> None:
    unsaid = {"feed": "CsvBars", "path": "far.csv", "tick": None}
    linear = {"instrument": {"margin": "linear", "leverage": 2}}
    with pytest.raises(DataError, match="far: is margined otherwise than the traded feed"):
        run(_OnTheSecond, far=linear)
    with pytest.raises(DataError, match=r"far: broker\.slippage is in ticks: set `tick` in data\.far"):
        run(_OnTheSecond, far=unsaid, broker={"cash": 1e5, "slippage": "1tick"})
    assert filled(run(_OnTheSecond, far=unsaid), "far")


def test_both_engines_agree_to_the_last_bit_and_the_folder_has_the_positions(tmp_path: Any) -> None:
    costs = {"fees": {"maker": "1bp", "taker": "7bp"}, "slippage": "3ticks", "min_notional": 5000}
    more: dict[str, Any] = {"far": costs, "risk": {"stop_loss": "1%", "take_profit": "2%", "time_stop": 9}}
    more["broker"] = {"cash": 1e5, "fees": {"taker": "5bp"}, "slippage": "2bp"}
    stock, fast = (run(_OnBoth, engine=engine, **more) for engine in ENGINES)
    assert fast.engine == "backtrader"
    assert not difference(fast, stock)
    made = save(fast, tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "positions.parquet").to_pylist()
    assert {row["data"] for row in rows} == {"near", "far"}
    assert [row["position"] for row in rows if row["data"] == "far"][-1] == made.summary["open_positions"]["far"]
    told = made.summary["assumptions"]
    assert "far: Slippage: 3ticks against every market order and stop, also beyond the bar's range." in told


def test_a_cost_that_a_data_block_cannot_have_is_a_mistake_there() -> None:
    with pytest.raises(TapeflowError, match=r"data\.far: participation 0 lets nothing fill"):
        run(_OnBoth, far={"participation": 0})


def test_the_compiled_engine_goes_by_the_costs_of_the_traded_block() -> None:
    rules = {"kind": "Rules", "params": {"long": {"enter": "close > open", "exit": "close < open"}}}
    block = {"feed": "SyntheticTape", "tick": 0.01, "lot": 0.001, "slippage": "3ticks", "participation": 0.9}
    block |= {"fees": {"maker": "1bp", "taker": "7bp", "minimum": 2}, "impact": {"window": 20}}
    bars = {"near": Source(_Feed(), random_walk(1)), "far": Source(_Feed(), random_walk(2))}
    data = {"near": block, "far": {"feed": "SyntheticTape", "fees": {"per_contract": 3}}}
    raw = {"name": "t", "data": data, "strategy": rules, "broker": {"cash": 1e4, "fees": {"taker": "1%"}}}
    made = simulate(from_mapping(raw | {"verify": True}), bars)
    assert made.engine == "compiled"
    assert made.verified is not None
    assert made.record.orders
    assert len(made.record.fills) > len([row for row in made.record.orders.values() if row["executed_size"]])

"""Funding of several traded instruments, each its own, against a ledger kept by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tapeflow.backtest.broker.choice import broker_for
from tapeflow.backtest.engines.fast import make_cerebro, what_ran
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.results.account_figures import flows_of
from tapeflow.backtest.results.folder import save
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import HOUR
from tapeflow.core.errors import TapeflowError
from tapeflow.core.lines import bar_data
from tapeflow.strategies.framework.base import Strategy
from tapeflow.tests.backtest.broker.test_costs_funding import dump
from tapeflow.tests.helpers.trading import START, moving

STEP = {"near": HOUR, "far": HOUR, "slow": 4 * HOUR}


class _Spread(Strategy):
    """Buys one of the first feed against two of the second, and half of the third; leaves after a day."""

    def next(self) -> None:
        sizes = (1.0, -2.0, 0.5)
        if len(self.datas[0]) in (6, 30):
            side = 1.0 if len(self.datas[0]) == 6 else -1.0
            for data, size in zip(self.datas, sizes, strict=False):
                (self.buy if size * side > 0 else self.sell)(data=data, size=abs(size))


def pair(**more: Any) -> dict[str, Any]:
    perp = {"margin": "linear", "leverage": 5}
    return {
        "name": "spread", "engine": "stock", "broker": {"cash": 10_000.0},
        "data": {
            "near": {"feed": "SyntheticTape", "instrument": {**perp, "funding": {"rate": "2bp", "every": "4h"}}},
            "far": {"feed": "SyntheticTape", "instrument": {**perp, "funding": "1bp"}},
            "slow": {"feed": "SyntheticTape", "instrument": {**perp}},
        },
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > open"}}}, **more,
    }  # fmt: skip


def sources() -> dict[str, Source]:
    rng = np.random.default_rng(3)
    made = {}
    for name, step in STEP.items():
        count = 48 * HOUR // step
        made[name] = Source(None, moving(*(100 + np.cumsum(rng.normal(0, 0.3, count))), step=step))
    return made


def ran(raw: dict[str, Any], given: dict[str, Source], kind: type[Strategy] = _Spread) -> Outcome:
    """A run of the spread with the broker of a config."""
    made = from_mapping(raw)
    cerebro = make_cerebro(made.engine)
    for name, source in given.items():
        cerebro.adddata(bar_data(source.bars, name), name=name)
    cerebro.broker = broker_for(made)
    cerebro.broker.cerebro = cerebro
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(kind)
    strategy = cerebro.run()[0]
    return Outcome(made, dict(given), strategy, strategy.analyzers.record, what_ran(cerebro)[0])


def due(source: Source, flow: Any, filled: list[tuple[int, float]]) -> tuple[float, float]:
    """Size held, and close, at the close of the bar in which a payment falls."""
    closes = source.bars["close_time"]
    bar = int(np.searchsorted(closes, flow.time, "left"))
    return math.fsum(size for time, size in filled if time <= closes[bar]), float(source.bars["close"][bar])


@pytest.mark.parametrize("engine", ["stock", "backtrader"])
def test_each_feed_pays_the_rates_of_its_own_instrument(engine: str) -> None:
    given = sources()
    made = ran(pair(engine=engine), given)
    assert made.engine == engine
    flows = made.strategy.broker.flows
    expected = {"near": (4, 2e-4), "far": (8, 1e-4)}
    for name, (hours, rate) in expected.items():
        closes = given[name].bars["close_time"]
        filled = [(int(closes[f.bar]), f.opened + f.closed) for f in made.record.fills if f.data == name]
        own = [flow for flow in flows if flow.data == name]
        held = [h for h in range(hours, 49, hours) if math.fsum(s for t, s in filled if t <= START + h * HOUR)]
        assert [flow.time for flow in own] == [START + h * HOUR for h in held]
        for flow in own:
            size, close = due(given[name], flow, filled)
            assert (flow.position, flow.price, flow.rate) == (size, close, rate)
            assert flow.amount == pytest.approx(-size * close * rate)
    assert {flow.data for flow in flows} == {"near", "far"}
    ends = math.fsum(f.pnl - f.closed_fee - f.opened_fee for f in made.record.fills if f.closed)
    assert made.equity["cash"][-1] == pytest.approx(10_000 + ends + math.fsum(flow.amount for flow in flows))


def test_both_engines_agree_to_the_last_bit() -> None:
    stock, fast = (ran(pair(engine=engine), sources()) for engine in ("stock", "backtrader"))
    assert np.array_equal(stock.equity["value"], fast.equity["value"])
    assert stock.strategy.broker.flows == fast.strategy.broker.flows


def test_the_folder_has_all_payments_in_time_order(tmp_path: Path) -> None:
    rows = [(START // 1000 + hour * 3_600_000, 0.0003) for hour in (10, 14, 22)]
    raw = pair(engine="backtrader")
    raw["data"]["slow"]["instrument"]["funding"] = {"path": str(dump(tmp_path, rows))}
    given = sources()
    made = ran(raw, given)
    times = [flow.time for flow in made.strategy.broker.flows]
    assert times != sorted(times), "a long bar books late what fell due within it"
    read = {name: Source(_Feed(), source.bars) for name, source in given.items()}
    made.sources = read
    result = save(made, tmp_path / "out")
    flows = pq.read_table(tmp_path / "out" / "flows.parquet").to_pylist()
    assert [flow["time"] for flow in flows] == sorted(flow["time"] for flow in flows)
    assert {flow["data"] for flow in flows} == {"near", "far", "slow"}
    assert result.summary["funding"]["net"] == pytest.approx(math.fsum(flow["amount"] for flow in flows))
    told = [line.partition(",")[0] for line in result.summary["assumptions"] if line.startswith("Funding")]
    assert told == [
        "Funding of near: 0.0200% every 4h",
        "Funding of far: 0.0100% every 8h",
        "Funding of slow: as dumped",
    ]


class _Feed:
    files, counts, p = (), {}, {}

    def __getattr__(self, name: str) -> Any:
        return ()


def test_two_fundings_of_the_traded_feed_are_refused() -> None:
    with pytest.raises(TapeflowError, match=r"broker\.funding: is of the traded feed, whose instrument has funding"):
        from_mapping(pair(broker={"funding": "1bp"}))


@pytest.mark.parametrize(
    ("traded", "margined", "paying"),
    [(("near",), True, {"near"}), (tuple(STEP), True, {"near", "far"}), (("far",), False, set())],
)
def test_the_brokers_funding_is_the_first_feeds_and_nobody_pays_for_what_is_not_held(
    traded: tuple[str, ...], margined: bool, paying: set[str]
) -> None:
    class Some(_Spread):
        def next(self) -> None:
            every = self.datas
            self.datas = [data for data in every if data._name in traded]
            super().next()
            self.datas = every

    raw = pair(broker={"cash": 10_000.0, "funding": {"rate": "3bp", "every": "4h"}})
    del raw["data"]["near"]["instrument"]["funding"]
    if not margined:
        raw["data"] = {name: {"feed": "SyntheticTape"} for name in STEP}
    made = ran(raw, sources(), Some)
    assert {fill.data for fill in made.record.fills} == set(traded)
    flows = made.strategy.broker.flows
    assert {flow.data for flow in flows} == paying
    assert {flow.rate for flow in flows if flow.data == "near"} <= {3e-4}


@pytest.mark.parametrize("brackets", [False, True])
def test_all_three_engines_agree_to_the_last_bit_on_rules(brackets: bool) -> None:
    raw = pair(strategy={"kind": "Rules", "params": {"long": {"enter": "close > open", "exit": "close < open"}}})
    raw |= {"sizer": {"percent": 400}, "broker": {"cash": 10_000.0, "fees": {"taker": "2bp"}}}
    if brackets:
        rows = [{"floor": 0, "rate": "1%"}, {"floor": 15_000, "rate": "10%", "leverage": 5}]
        raw["data"]["near"]["instrument"]["brackets"] = rows
    engines = ("compiled", "backtrader", "stock")
    compiled, fast, stock = (simulate(from_mapping({**raw, "engine": engine}), sources()) for engine in engines)
    assert len(stock.record.fills) > 5
    assert difference(compiled, stock) == difference(fast, stock) == ""
    assert flows_of(compiled.strategy) == flows_of(fast.strategy) == flows_of(stock.strategy) != []

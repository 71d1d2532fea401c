"""Named rules, limits, sizers and costs in compiled code: all three engines, to the last bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapeflow.backtest.engines.compiled import run
from tapeflow.backtest.engines.compiled.exact import PARTS, add, means_before, total
from tapeflow.backtest.engines.compiled.run import run_compiled
from tapeflow.backtest.engines.compiled.setup import _deviations
from tapeflow.backtest.engines.compiled.state import new_book
from tapeflow.backtest.engines.compiled.supported import unsupported_reason
from tapeflow.backtest.engines.verify import difference, verify
from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import DataError
from tapeflow.core.kernels import njit_no_refcount
from tapeflow.research.sweep import run_point
from tapeflow.tests.helpers.compiled_desks import random_desk

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
LONG = settings(QUICK, max_examples=2_000)
SEEDS = st.integers(0, 2**32 - 1)


@QUICK
@given(seed=SEEDS)
def test_random_rules_under_random_costs_equal_plain_backtrader(seed: int) -> None:
    assert_desk(seed, 45)


@pytest.mark.slow
@LONG
@given(seed=SEEDS)
def test_many_random_rules_under_random_costs_equal_plain_backtrader(seed: int) -> None:
    assert_desk(seed, 150, genuine=True)


def assert_desk(seed: int, n: int, *, genuine: bool = False) -> None:
    config, sources = random_desk(np.random.default_rng(seed), n)
    assert unsupported_reason(config, sources) == ""
    made = {}
    for engine in ("stock", "compiled", *(["backtrader"] if genuine or seed % 4 == 0 else [])):
        try:
            made[engine] = simulate(config.model_copy(update={"engine": engine}), sources)
        except DataError as err:
            made[engine] = str(err)
    stock = made.pop("stock")
    for one in made.values():
        if isinstance(stock, str):
            assert one == stock
            continue
        assert difference(one, stock) == ""
        assert repr(flows(one)) == repr(flows(stock))
        assert one.account == stock.account


def flows(outcome: object) -> list[object]:
    return list(getattr(getattr(outcome.strategy, "broker", None), "flows", ()))


def test_the_random_runs_reach_every_reason_every_end_and_every_cost() -> None:
    reasons, statuses, kinds = set(), set(), set()
    for seed in range(150):
        config, sources = random_desk(np.random.default_rng(seed), 80)
        try:
            made = run_compiled(config, sources)
        except DataError:
            continue
        rows = made.record.orders.values()
        reasons |= {row["reason"] for row in rows if row["executed_size"]}
        statuses |= {row["status"] for row in rows}
        kinds |= {flow.kind for flow in flows(made)}
    assert reasons >= {"time_stop", "stop_loss", "trailing_stop", "take_profit", "daily_loss"}
    assert reasons >= {"entry0", "exit0", "liquidation"}
    assert statuses >= {"completed", "canceled", "margin", "accepted", "partial"}
    assert kinds == {"funding", "borrow"}


def test_a_book_that_has_to_grow_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    config, sources = random_desk(np.random.default_rng(7), 300)
    roomy = run_compiled(config, sources)
    assert len(roomy.record.orders) > 16
    monkeypatch.setattr(run, "new_book", lambda cash, costs, room: new_book(cash, costs, room=1))
    grown = run_compiled(config, sources)
    assert difference(grown, roomy) == ""
    assert repr(grown.record.flows) == repr(roomy.record.flows)


def test_a_point_of_a_sweep_has_the_figures_of_the_run() -> None:
    for seed in (3, 7, 11, 17):
        config, sources = random_desk(np.random.default_rng(seed), 120)
        row, outcome = run_point(config, sources), simulate(config.model_copy(update={"engine": "stock"}), sources)
        figures = outcome.figures()
        figures["inside"] = {"unknown": outcome.inside["unknown"]}
        for kind in ("funding", "borrow", "waits", "inside"):
            figures |= {f"{kind}.{name}": value for name, value in figures.pop(kind, {}).items()}
        assert row.pop("engine") == "compiled"
        assert repr(sorted(row.items())) == repr(sorted(figures.items()))


REAL = """
name: real
data:
  main:
    feed: BinanceAggTrades
    market: cm
    contract_size: 100
    path: '{path}'
    lot: 0.001
    tick: 0.1
    instrument: {{margin: linear, leverage: 20, maintenance: 1%, contract_size: 0.001, liquidation_fee: 0.2%}}
indicators:
  vwap: {{kind: VWAP, anchor: 1d}}
  delta: {{kind: VolumeDelta}}
strategy:
  kind: Rules
  params:
    entries:
      under: {{long: "close < vwap and delta > 0", limit: "close - 5", valid: 3, size: 0.5}}
      over: {{short: "close > vwap and delta < 0"}}
    exits:
      half: {{long: "close > vwap", short: "close < vwap", share: 0.5}}
      turn: {{long: "sum(delta, 5) < 0", short: "sum(delta, 5) > 0"}}
    cooldown: 3
    pyramiding: 2
risk: {{stop_loss: 2 atr, take_profit: 4 atr, time_stop: 45, daily_loss: 2%, session: 4h, max_position: 900%}}
broker:
  cash: 50000
  fees:
    maker: 1bp
    taker: 3bp
    tiers: [{{volume: 500000, maker: 0.5bp, taker: 2bp}}]
    minimum: 0.01
    per_contract: 0.001
  slippage: 2% range
  impact: {{window: 50}}
  participation: 10%
  funding: {{rate: 1bp, every: 1h}}
sizer: {{volatility: 300, window: 30, most: 800}}
"""


@pytest.mark.real_data
def test_a_real_day_with_everything_equals_plain_backtrader(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    file = tmp_path / "real.yaml"
    file.write_text(REAL.format(path=path))
    config = load_config(file)
    sources = read(config, "main", lambda text: None)
    made = run_compiled(config, sources)
    assert {row["status"] for row in made.record.orders.values()} >= {"completed", "canceled"}
    assert len(made.trips) > 20
    assert verify(config, sources) == ""


@njit_no_refcount
def exact_sum(values: np.ndarray, parts: np.ndarray) -> float:
    for i in range(len(values)):
        add(parts, values[i])
    return float(total(parts))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1e300, 1e300) | st.floats(-1e-9, 1e-9), max_size=40))
def test_sums_are_those_of_the_standard_library(values: list[float]) -> None:
    try:
        expected = math.fsum(values)
    except OverflowError:
        return
    assert exact_sum(np.array(values, dtype=np.float64), np.zeros(PARTS + 2)) == expected


def test_means_and_deviations_are_those_of_the_broker_and_the_sizer() -> None:
    rng = np.random.default_rng(5)
    closes, volume = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 700))), rng.lognormal(0, 2, 700)
    for window in (3, 8, 60, 129, 300):
        starts = np.sort(rng.choice(699 - window, 100, replace=False))
        made = _deviations(closes, window, starts)
        for start, deviation in zip(starts, made, strict=True):
            assert deviation == np.std(np.diff(np.log(closes[start : start + window + 1])), ddof=1)
        means = means_before(volume, window)
        assert all(means[i] == math.fsum(volume[max(0, i - window) : i]) / min(i, window) for i in range(1, 700))

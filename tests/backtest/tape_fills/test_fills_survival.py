"""What an edge survives, against runs with higher fees and against the definition of a tick."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from tapeflow.backtest.inputs.read import read, read_all
from tapeflow.backtest.runner import simulate
from tapeflow.backtest.tape_fills.break_even import MOST_TICKS, break_even, later, survival
from tapeflow.configs.loader import from_mapping

LIMITS = dict(kind="ProfileFade", params=dict(take_profit="0.1%"))
STOPS = dict(kind="DeltaMomentum", params=dict(stop_loss="0.3%", take_profit="0.4%"))


def config(strategy: dict[str, Any], seed: int, *, fee: float = 0.0, survive: bool = False, **more: Any) -> Any:
    fees = dict(maker=fee * 1e-4, taker=fee * 1e-4)
    data = dict(feed="SyntheticTape", days=0.5, tick=0.1, lot=0.001, seed=seed)
    fills = {"from": "tape", "latency": "80ms", "survival": survive}
    made = dict(data=dict(btc=data), strategy=strategy, fills=fills, broker=dict(cash=100_000, fees=fees))
    return from_mapping({**made, "sizer": dict(percent=25), **more})


def bisected(strategy: dict[str, Any], seed: int, sources: Any, **more: Any) -> float:
    """The fee a side at which nothing is left, in basis points, by running with fees."""
    lo, hi = 0.0, 40.0
    while hi - lo > 0.002 * hi:
        middle = (lo + hi) / 2
        made = simulate(config(strategy, seed, fee=middle, **more), sources)
        lo, hi = (middle, hi) if made.figures()["net_profit"] > 0 else (lo, middle)
    return lo


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [pytest.param(LIMITS, 5, id="limits"), pytest.param(STOPS, 4, id="stops", marks=pytest.mark.slow)],
)
def test_basis_points_are_what_bisection_on_fees_finds(strategy: dict[str, Any], seed: int) -> None:
    asked = config(strategy, seed, survive=True)
    sources = read(asked, "btc", lambda text: None)
    made = simulate(asked, sources)
    found = made.band.survival
    assert made.figures()["net_profit"] > 0
    assert {row["type"] for row in made.record.orders.values()} >= {"limit"}
    assert found.bp == pytest.approx(bisected(strategy, seed, sources), rel=0.01)
    # Sizes follow equity, so that a burden that halves the profit hardly moves them.
    fills = made.strategy.broker.desk.executions
    volume = math.fsum(abs(fill.size) for fill in fills)
    assert found.ticks == pytest.approx(found.profit / (0.1 * volume), rel=0.01)
    assert found.bp == pytest.approx(1e4 * found.profit / math.fsum(abs(f.size) * f.price for f in fills), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "bp"), [(1, 2.52), (3, 4.16), (4, 1.28)])
def test_limits_and_targets_survive_what_bisection_says(seed: int, bp: float) -> None:
    asked = config(LIMITS, seed, survive=True)
    asked = from_mapping({**asked.resolved(), "data": {"btc": {**asked.resolved()["data"]["btc"], "days": 1}}})
    made = simulate(asked, read(asked, "btc", lambda text: None))
    assert made.band.survival.bp == pytest.approx(bp, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("margin", ["inverse", "linear"])
def test_a_margined_account_is_burdened_in_its_own_currency(margin: str) -> None:
    coin = margin == "inverse"
    instrument = dict(margin=margin, leverage=3, **(dict(contract_size=100) if coin else {}))
    data = dict(feed="SyntheticTape", days=0.5, tick=0.1, lot=1 if coin else 0.001, seed=5, instrument=instrument)
    asked = config(LIMITS, 5, survive=True, data=dict(btc=data), broker=dict(cash=10 if coin else 100_000))
    made = simulate(asked, read(asked, "btc", lambda text: None))
    found = made.band.survival
    assert found.profit > 0
    worth = [abs(f.size) * (100 / f.price if coin else f.price) for f in made.strategy.broker.desk.executions]
    assert found.bp == pytest.approx(1e4 * found.profit / math.fsum(worth), rel=0.02)


def dearer(raw: dict[str, Any], bp: float) -> Any:
    """The config with so many basis points more for maker and taker, wherever fees are said."""
    made = copy.deepcopy(raw)
    for block in (made["broker"], *made["data"].values()):
        if "fees" in block:
            block["fees"] |= {side: block["fees"].get(side, 0.0) + bp * 1e-4 for side in ("maker", "taker")}
    return from_mapping(made)


SIDES = {
    "long": {"enter": "close < mean(close, 30) * 0.999", "exit": "close > mean(close, 30)"},
    "short": {"enter": "close > mean(close, 30) * 1.001", "exit": "close < mean(close, 30)"},
}
TWO = {
    "strategy": {"kind": "Rules", "params": SIDES},
    "trade": ["btc", "eth"],
    "broker": {"cash": 100_000, "fees": {"per_contract": 0.001}},
}
COIN = {"cash": 10, "fees": {"maker": -5e-5, "taker": 4e-5, "per_contract": 1e-8}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["two feeds, one with fees of its own", "coin, a rebate and a fee by the contract"])
def test_basis_points_go_on_every_fee_of_every_feed(kind: str) -> None:
    feed: dict[str, Any] = {"feed": "SyntheticTape", "days": 0.5, "tick": 0.1, "lot": 0.001, "seed": 5}
    other = {**feed, "tick": 0.01, "lot": 0.01, "seed": 15, "price": 100.0, "fees": {"maker": -1e-4, "taker": -1e-4}}
    if kind.startswith("two"):
        raw = {"data": {"btc": feed, "eth": other}, **TWO}
    else:
        coin = {**feed, "lot": 1, "instrument": {"margin": "inverse", "leverage": 3, "contract_size": 100}}
        raw = {"data": {"btc": coin}, "strategy": LIMITS, "broker": COIN}
    raw |= {"sizer": {"percent": 25}, "fills": {"from": "tape", "latency": "80ms"}}
    asked = from_mapping(raw)
    sources = read_all(asked, lambda text: None)
    made = simulate(asked, sources)
    found = made.band.survival
    assert found.profit > 0
    assert {trip.direction for trip in made.trips} == {"long", "short"}
    lo, hi = 0.0, 2 * found.bp
    while hi - lo > 0.002 * hi:
        middle = (lo + hi) / 2
        dear = simulate(dearer(raw | {"fills": {**raw["fills"], "survival": False}}, middle), sources)
        lo, hi = (middle, hi) if dear.figures()["net_profit"] > 0 else (lo, middle)
    assert found.bp == pytest.approx(lo, rel=0.01)


def test_profit_of_exactly_nothing_is_no_edge() -> None:
    assert math.isnan(survival(lambda extra: 0.0, 0.0, 5.0, 500.0, 0.1).bp)
    assert break_even(lambda x: 8.0 - x, 8.0, 8.0, 100.0) < 8.0
    assert math.isnan(break_even(lambda x: 1e-9, 1e-9, MOST_TICKS, MOST_TICKS))
    assert later(lambda ms: 0.0, 1.0) == pytest.approx(0.0, abs=0.1)


def test_an_edge_of_less_than_one_is_an_edge() -> None:
    found = survival(lambda extra: 0.5 - 1e3 * extra.share, 0.5, 1.0, 1e3, 0.1)
    assert found.bp == pytest.approx(5.0, rel=0.01)
    assert survival(lambda extra: -0.5, -0.5, 1.0, 1e3, 0.1).says().startswith("there is no edge")

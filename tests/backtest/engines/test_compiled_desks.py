"""Several desks of one account in compiled code: equal to plain backtrader, and refused by name where they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.backtrader import through_backtrader
from tapeflow.backtest.engines.compiled import run_compiled, unsupported_reason
from tapeflow.backtest.engines.verify import difference
from tapeflow.configs.loader import from_mapping
from tapeflow.core.errors import TapeflowError
from tapeflow.research.sweep.point import run_point
from tapeflow.research.sweep.shared_data import Known
from tapeflow.tests.helpers.portfolios import CROSS, MEAN, markets, run
from tapeflow.tests.helpers.random_portfolios import random_desks

LIMITS = ("daily_loss", "drawdown")


def attempted(run: Callable[[], Any]) -> tuple[Any, str]:
    """What a run came to, or what was wrong with it."""
    try:
        return run(), ""
    except TapeflowError as err:
        return None, str(err)


def compared(seed: int, most: int = 90) -> tuple[int, set[str]]:
    """Run a random portfolio in both engines, hold it to the laws; how many orders there were, and what they had."""
    rng = np.random.default_rng(seed)
    config, sources = random_desks(rng, int(rng.integers(30, most)))
    made, why = attempted(lambda: run_compiled(config, sources))
    plain = config.model_copy(update={"engine": "stock"})
    stock, why_not = attempted(lambda: through_backtrader(plain, dict(sources)))
    assert why == why_not
    if why:
        return 0, {"refused"}
    assert not difference(made, stock), seed
    assert made.portfolio_cuts == stock.portfolio_cuts
    cut = getattr(made.strategy, "portfolio_cut", {})
    assert cut == getattr(stock.strategy, "portfolio_cut", {})
    rows = [*made.record.orders.values()]
    closed = {(row["data"], row["created_time"]) for row in rows if row["reason"] in LIMITS}
    guards = [row for row in rows if row["reason"] in ("stop_loss", "trailing_stop", "take_profit")]
    assert not [row for row in guards if (row["data"], row["created_time"]) in closed and row["status"] == "completed"]
    seen = {row["reason"] for row in rows} | {row["status"] for row in rows} | {*cut}
    return len(rows), seen | ({"several"} if len({row["data"] for row in rows}) > 1 else set())


def test_random_portfolios_are_equal_to_plain_backtrader() -> None:
    orders, seen = 0, set[str]()
    for seed in range(40):
        count, what = compared(seed)
        orders, seen = orders + count, seen | what
    assert orders > 1500
    assert seen >= {"daily_loss", "drawdown", "stop_loss", "margin", "gross", "net", "each", "max_positions", "several"}


@pytest.mark.parametrize("seed", [46, 98, 564, 730])
def test_what_a_limit_of_the_account_closes_is_heard_of_and_not_protected(seed: int) -> None:
    """Feeds that nobody trades wake desks between the bars of others, at which an account's limit is reached."""
    count, seen = compared(seed, 140)
    assert count > 10
    assert "daily_loss" in seen


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1520, 20))
def test_many_random_portfolios_are_equal_to_plain_backtrader(start: int) -> None:
    assert sum(compared(seed, 140)[0] for seed in range(start, start + 20)) > 200


def test_the_engine_is_chosen_where_it_is_exact_and_says_why_not_elsewhere() -> None:
    given = markets("holes")
    made = run(given, "auto", trade=[*given], portfolio={"max_positions": 2})
    assert made.engine == "compiled"
    assert run(given, "auto", risk={"drawdown": "5%"}).engine == "compiled"
    weighed = run(given, "auto", trade=[*given], strategy=None, portfolio={"weights": "equal"})
    assert weighed.engine == "backtrader"
    assert "portfolio.weights is worked out with backtrader's strategies" in weighed.engine_reason


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("portfolio.legs is worked out", {"portfolio": {"legs": {"a": 1, "b": -1}}, "strategy": None}),
    ("costs that are not shares of notional, with several desks", {"broker": {"participation": 0.1}}),
    ("costs that are not shares of notional, with several desks", {"broker": {"borrow": 0.1}}),
    ("sizer BySome is asked in Python", {"sizer": {"kind": "BySome"}}),
]


@pytest.mark.parametrize(("why", "more"), REFUSED)
def test_what_is_not_compiled_is_refused_by_name(why: str, more: dict[str, Any]) -> None:
    data = {name: {"feed": "SyntheticTape"} for name in "ab"}
    raw = {"name": "t", "data": data, "trade": ["a", "b"], "strategy": {"kind": "Rules", "params": CROSS}}
    if "sizer" in more:
        config = from_mapping({**raw, "indicators": MEAN})
        config = config.model_copy(update={"sizer": config.sizer.model_copy(update={"kind": "BySome"})})
    else:
        rules = {"kind": "Rules", "params": {"long": {"enter": "close > open", "exit": "close < open"}}}
        given = {key: value for key, value in (raw | {"strategy": rules} | more).items() if value is not None}
        if "strategy" not in given:
            given["strategy"] = rules
        config = from_mapping(given)
    assert unsupported_reason(config).startswith(why)


def test_margin_with_several_desks_is_refused_by_name() -> None:
    data = {name: {"feed": "SyntheticTape", "instrument": {"margin": "linear", "leverage": 5}} for name in "ab"}
    rules = {"kind": "Rules", "params": {"long": {"enter": "close > open"}}}
    config = from_mapping({"name": "t", "data": data, "trade": ["a", "b"], "strategy": rules})
    assert unsupported_reason(config) == "margin with several desks is kept by backtrader's broker"


def test_the_signals_of_a_desk_are_shared_by_runs_over_universes_and_keys_of_the_portfolio() -> None:
    given = markets("holes", 4)
    base = run(given, "compiled", trade=[*given])
    known, rows = Known(base.sources), []
    for trade in (["a", "b"], ["b", "c", "d"], ["d", "a"]):
        for portfolio in ({}, {"max_positions": 1}, {"gross": "50%", "rank": "close"}):
            raw = {**base.config.given, "trade": trade, "portfolio": portfolio}
            row = run_point(from_mapping(raw), base.sources, known)
            alone = run(given, "stock", trade=trade, portfolio=portfolio)
            assert row["engine"] == "compiled"
            assert row["net_profit"] == alone.figures()["net_profit"]
            rows.append(row)
    assert known.desks.signals_made == 4
    assert len({row["net_profit"] for row in rows}) > 3


def test_rules_that_look_at_other_desks_are_asked_anew_for_another_universe() -> None:
    given = markets("equal", 3)
    rules = {"kind": "Rules", "params": {"long": {"enter": "rank(close) == 1", "exit": "rank(close) > 1"}}}
    base = run(given, "compiled", trade=[*given], strategy=rules)
    known = Known(base.sources)
    for trade in (["a", "b"], ["b", "c"], ["a", "b"]):
        raw = {**base.config.given, "trade": trade}
        row = run_point(from_mapping(raw), base.sources, known)
        assert row["net_profit"] == run(given, "stock", trade=trade, strategy=rules).figures()["net_profit"]
    assert known.desks.signals_made == 5  # the last finds what a was told of the same two


@pytest.mark.parametrize(("grid", "engine"), [("equal", "compiled"), ("odd", "backtrader")])
def test_ruin_of_feeds_with_bars_at_other_times_is_left_to_backtrader(grid: str, engine: str) -> None:
    given = markets(grid, 2)
    short = {"kind": "Rules", "params": {"short": {"enter": "close > 0"}}}
    more: dict[str, Any] = {
        "trade": ["a", "b"],
        "strategy": short,
        "sizer": {"fixed": 20_000.0},
        "broker": {"cash": 1e4},
    }
    made, stock = run(given, "auto", **more), run(given, **more)
    assert made.engine == engine
    assert made.record.ruined_at is not None
    assert not difference(made, stock)
    if engine == "backtrader":
        assert "came to nothing: backtrader closes it" in made.engine_reason

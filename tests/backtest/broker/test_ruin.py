"""An account worth nothing: all is closed at the next open, nothing is sent after, and the run says so first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.core.bars import Bars
from tapeflow.tests.backtest.test_empty_bars import ENGINES, PERP, rules
from tapeflow.tests.helpers.trading import buy, config, moving, sell, trade

CLOSES = (100.0, 99, 98, 150, 190, 230, 300, 900, 700, 500, 450, 449, 440, 460)
SHORT = {"kind": "Rules", "params": {"short": {"enter": "close < open"}}}


class _Feed:
    counts: dict[str, int] = {}
    files: tuple[Any, ...] = ()


def record(made: Any) -> Any:
    return made.strategy.analyzers.record


def test_a_short_that_cash_cannot_cover_is_closed_at_the_next_open_and_nothing_is_sent_after() -> None:
    market = moving(100.0, 100, 150, 250, 180, 160, 100)
    made = trade(market, {0: sell(100), 2: buy(1, price=50.0, exectype=2), 4: buy(1), 5: sell(1)}, config(cash=10_000))
    assert made.column("status") == ["completed", "canceled", "completed"]
    assert made.column("reason")[-1] == "ruin"
    assert (made.fills[-1].bar, made.fills[-1].price) == (
        4,
        250.0,
    )
    assert record(made).ruined_at == int(market["close_time"][3])
    assert made.value[-1] == made.cash[-1] == 10_000 + 100 * 100 - 100 * 250
    assert made.position[-1] == 0.0


def test_an_account_worth_exactly_nothing_is_ruined_and_one_worth_a_little_is_not() -> None:
    def at(close: float) -> Any:
        return record(trade(moving(100.0, 100, close, close), {0: sell(100)}, config(cash=10_000))).ruined_at

    assert at(200.0) is not None
    assert at(199.99) is None


def test_the_close_waits_for_a_bar_in_which_somebody_trades() -> None:
    market = moving(100.0, 100, 250, 250, 250, 240, volume=[10.0, 10, 10, 0, 0, 10])
    assert [fill.bar for fill in trade(market, {0: sell(100)}, config(cash=10_000)).fills] == [1, 5]


def test_what_an_author_still_sends_is_rejected() -> None:
    from tapeflow.strategies.framework.base import Strategy

    class Stubborn(Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.sell(size=100)

        def notify_order(self, order: Any) -> None:
            if order.status == order.Completed and order.isbuy():
                self.sell(size=5)

    made = trade(moving(100.0, 100, 150, 250, 180, 160, 100), {}, config(cash=10_000), Stubborn)
    assert made.column("status") == ["completed", "completed", "rejected"]
    assert made.position[-1] == 0.0


@pytest.mark.parametrize(
    "blocks",
    [
        {"sizer": {"percent": 100}},
        {"sizer": {"percent": 90}, "risk": {"trailing_stop": "150%", "daily_loss": "99%"}},
        {"sizer": {"percent": 100}, "broker": {"cash": 1e4, "borrow": "50%", "participation": "50%"}},
        {"sizer": {"percent": 100}, "broker": {"cash": 1e4, "fees": {"taker": "5bp", "minimum": 1.0}}},
        {"sizer": {"percent": 1000}, "instrument": PERP, "broker": {"cash": 1e4}},
    ],
)
@pytest.mark.parametrize("volume", [1e4, 0.0])
def test_all_engines_are_ruined_alike(blocks: Any, volume: float) -> None:
    market = moving(*CLOSES, volume=[1e4] * 8 + [volume] + [1e4] * 5)
    sources = {"main": Source(None, market)}
    asked = rules(strategy=SHORT, **dict(blocks))
    stock, *others = (simulate(asked.model_copy(update={"engine": engine}), sources) for engine in ENGINES)
    assert [difference(one, stock) for one in others] == ["", ""]
    if not asked.data["main"].instrument.margined and "risk" not in blocks:
        assert stock.record.ruined_at is not None


def test_a_run_says_first_that_it_was_ruined_and_when() -> None:
    asked = rules(strategy=SHORT, sizer={"percent": 100}, engine="stock")
    told = simulate(asked, {"main": Source(_Feed(), moving(*CLOSES))}).summary()
    assert told["ruined_at"] == "2024-01-01T00:06:00Z"
    assert told["warnings"][0].startswith("ruined at 2024-01-01T00:06:00Z: the account was worth")
    assert any("beyond a leverage of 1" in text for text in told["warnings"])
    calm: Bars = moving(*np.linspace(100, 99, 14))
    assert simulate(asked, {"main": Source(_Feed(), calm)}).summary()["ruined_at"] is None

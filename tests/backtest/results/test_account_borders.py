"""What is said of an account, where it begins to be: leverage of just 1, fees besides shares, who can be liquidated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.broker.liquidation import LIQUIDATION
from tapeflow.backtest.recording.positions import held_by
from tapeflow.backtest.recording.recorder import Fill
from tapeflow.backtest.results.account_figures import assumptions, figures, strains
from tapeflow.tests.helpers.trading import config

LINEAR = {"instrument": {"margin": "linear", "leverage": 5, "maintenance": "1%", "contract_size": 1}}


def fill(time: int, opened: float, closed: float = 0.0) -> Fill:
    return Fill(1, "btc", 0, time, 10.0, opened, closed, 0.0, 0.0, 0.0, "")


def test_positions_add_up_and_one_that_turns_is_what_it_opened() -> None:
    fills = [fill(1, 2.0), fill(2, 3.0), fill(3, 0.0, -1.0), fill(4, -0.7, -4.0), fill(5, 0.0, 0.7)]
    held = held_by(fills)["btc"]
    assert held.at(np.arange(7)).tolist() == [0.0, 2.0, 5.0, 4.0, -0.7, 0.0, 0.0]


@pytest.mark.parametrize(("data", "made"), [(LINEAR, {"liquidations": 1}), ({}, {})])
def test_only_what_is_margined_counts_liquidations(data: dict[str, Any], made: dict[str, int]) -> None:
    orders = {1: {"reason": LIQUIDATION}, 2: {"reason": "stop_loss"}}
    assert figures(config(data=data), None, orders) == made


@pytest.mark.parametrize(
    ("data", "sold", "said"),
    [({}, 100.0, []), ({}, 100.4, []), ({}, 101.0, ["up to 1.01 × the equity"]), ({}, 0.0, []), (LINEAR, 300.0, [])],
)
def test_a_short_worth_more_than_the_equity_is_beyond_a_leverage_of_1(
    data: dict[str, Any], sold: float, said: list[str]
) -> None:
    equity = {"value": np.array([100.0, 100.0]), "cash": np.array([0.0, 5.0])}
    found = list(strains(config(data=data), equity, np.array([0.0, sold])))
    assert [text for text in said if text in found[0]] == said
    assert len(found) == len(said)


def test_cash_below_nothing_is_told() -> None:
    equity = {"value": np.array([100.0]), "cash": np.array([-0.01])}
    assert [text[:17] for text in strains(config(), equity, np.array([0.0]))] == ["cash fell to -0.0"]


@pytest.mark.parametrize(
    ("fees", "said"),
    [
        ({}, ""),
        ({"per_contract": 0.5}, "Besides, 0.5 a contract; a fill costs at least 0."),
        ({"minimum": 2.0}, "Besides, 0 a contract; a fill costs at least 2."),
        ({"per_contract": 0.5, "minimum": 2.0}, "Besides, 0.5 a contract; a fill costs at least 2."),
    ],
)
def test_fees_besides_shares_of_notional_are_told_where_there_are_any(fees: dict[str, float], said: str) -> None:
    told = [text for text in assumptions(config(fees={"taker": "5bp", **fees}), ["main"]) if text.startswith("Besides")]
    assert told == [said] * bool(said)

"""What each instrument brought: profits that add up to the account's, and which orders limits of a portfolio cut."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

import tapeflow as tf
from tapeflow.backtest.own_cerebro.outcome import OwnOutcome
from tapeflow.backtest.results.folder import save
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers.portfolios import GRIDS, markets, run

PERP = {"margin": "linear", "leverage": 3, "funding": {"rate": "5bp", "every": "8h"}}


def blocks(names: str, **more: Any) -> dict[str, Any]:
    base = {"feed": "CsvBars", "tick": 0.01, "fees": {"taker": "5bp"}}
    return {name: {**base, "path": f"{name}.csv", **more} for name in names}


def brought(made: Any) -> float:
    return sum(one["net_profit"] for one in made.figures()["instruments"].values())


@pytest.mark.parametrize("grid", GRIDS)
def test_profits_of_instruments_come_to_that_of_the_account_with_fees_and_what_is_open(grid: str) -> None:
    given = markets(grid, 3)
    made = run(given, "backtrader", trade=[*given], sizer={"fixed": 3.0})
    assert any(made.figures()["open_positions"].values())
    assert brought(made) == pytest.approx(made.figures()["net_profit"], abs=1e-7)


def test_so_they_do_with_funding_which_is_that_of_the_instrument_that_pays_it() -> None:
    given = markets("equal", 2)
    data = {**blocks("a", instrument={"margin": "linear"}), **blocks("b", instrument=PERP)}
    made = run(given, "backtrader", trade=["a", "b"], data=data, sizer={"fixed": 3.0})
    free = run(
        given, "backtrader", trade=["a", "b"], data=blocks("ab", instrument={"margin": "linear"}), sizer={"fixed": 3.0}
    )
    assert made.figures()["funding"]["net"] != 0
    assert brought(made) == pytest.approx(made.figures()["net_profit"], abs=1e-7)
    one, other = (x.figures()["instruments"] for x in (made, free))
    assert one["a"]["net_profit"] == other["a"]["net_profit"]
    assert one["b"]["net_profit"] - other["b"]["net_profit"] == pytest.approx(made.figures()["funding"]["net"])


def test_so_they_do_where_contracts_are_settled_in_coin() -> None:
    given = markets("equal", 2)
    inverse = {"margin": "inverse", "contract_size": 10, "leverage": 3}
    more: dict[str, Any] = {"data": blocks("ab", instrument=inverse), "broker": {"cash": 500.0}, "sizer": {"fixed": 7}}
    made = run(given, "backtrader", trade=["a", "b"], **more)
    assert len(made.record.fills) > 5
    assert brought(made) == pytest.approx(made.figures()["net_profit"], abs=1e-10)
    assert made.figures()["instruments"]["a"]["contract_size"] == 10


class _Both(bt.Strategy):
    def next(self) -> None:
        for k, data in enumerate(self.datas):
            if len(self) % (5 + k) == 0:
                (self.sell if self.getposition(data).size > 0 else self.buy)(data, size=2)


def test_so_they_do_in_a_cerebro_of_ones_own_with_a_multiplier() -> None:
    given, cerebro = markets("equal", 2), bt.Cerebro(stdstats=False)
    for name, bars in given.items():
        cerebro.adddata(bar_data(bars, name, tick=0.01), name=name)
    cerebro.broker.setcommission(commission=2.0, margin=100.0, mult=10.0, name="b")
    cerebro.addstrategy(_Both)
    tf.record(cerebro)
    made = OwnOutcome.of(cerebro.run()[0])
    assert made.figures()["instruments"]["b"]["multiplier"] == 10
    assert brought(made) == pytest.approx(made.figures()["net_profit"], abs=1e-7)


def test_curves_from_the_folder_alone_are_those_of_the_account(tmp_path: Path) -> None:
    given = markets("holes", 3)
    made = run(given, "backtrader", trade=[*given], sizer={"fixed": 3.0})
    save(made, tmp_path / "r")
    rows = pd.read_parquet(tmp_path / "r" / "positions.parquet")
    equity = pd.read_parquet(tmp_path / "r" / "equity.parquet").set_index("time")["value"]
    total = pd.Series(1e6, index=equity.index)
    for name, own in rows.groupby("data"):
        last = own.drop_duplicates("time", keep="last").set_index("time")[["position", "cash"]]
        last = last.reindex(equity.index, method="ffill").fillna(0.0)
        closes = pd.to_datetime(given[str(name)]["close_time"], unit="us", utc=True)
        price = pd.Series(given[str(name)]["close"], index=closes).reindex(equity.index, method="ffill")
        total += last["cash"] + (last["position"] * price).fillna(0.0)
    np.testing.assert_allclose(total, equity, rtol=0, atol=1e-6)


@pytest.mark.parametrize("limits", [{"max_positions": 2}, {"gross": "60%", "each": "30%"}])
def test_each_order_that_a_limit_cut_is_told_with_what_was_asked_and_what_was_sent(
    limits: dict[str, Any], tmp_path: Path
) -> None:
    given = markets("equal", 4)
    made = run(given, "backtrader", trade=[*given], portfolio=limits, sizer={"percent": 25})
    cuts, figures = made.portfolio_cuts, made.figures()
    assert len(cuts) > 10
    assert Counter(cut.limit for cut in cuts) == figures["portfolio_cut"]
    entries = [row for row in made.record.orders.values() if "enter" in row["reason"]]
    sent = {(row["created_time"], row["data"], row["side"]): row["size"] for row in entries}
    for cut in cuts:
        assert 0 <= cut.sent < cut.asked
        assert sent.get((cut.time, cut.data, cut.side), 0.0) == cut.sent
    by_feed = {name: one.get("cut", {}) for name, one in figures["instruments"].items()}
    assert sum(sum(own.values()) for own in by_feed.values()) == len(cuts)
    save(made, tmp_path / "r")
    assert len(pd.read_parquet(tmp_path / "r" / "cuts.parquet")) == len(cuts)

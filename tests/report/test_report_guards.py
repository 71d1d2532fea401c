"""Stops and targets of the trade that is chosen, drawn as they moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import tapeflow as tf
from tapeflow.report.guards import moves, with_guards

BASE: dict[str, Any] = {
    "name": "guarded",
    "data": {"btc": {"feed": "SyntheticTape", "days": 0.4, "bars": "1m", "tick": 0.1}},
    "indicators": {"vwap": {"kind": "VWAP", "anchor": "1d"}},
    "broker": {"cash": 100_000},
}
BOTH = {"long": {"enter": "close > vwap"}, "short": {"enter": "close < vwap"}}
TURNS = {"turn": {"long": "close < vwap", "short": "close > vwap"}}


def made(folder: Path, **params: Any) -> Path:
    tf.run({**BASE, "strategy": {"kind": "Rules", "params": {**BOTH, **params}}}, folder)
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("trailing", ["0.15%", 40])
def test_a_stop_that_trailed_ends_where_it_filled_and_only_came_nearer(
    tmp_path: Path, opened: Any, trailing: Any
) -> None:
    folder = made(tmp_path / "r", trailing_stop=trailing)
    tab = opened(folder)
    shown = tab.ask("app.run.trades.map(t => [t.exit_reason, t.direction, t.stop, app.run.levels(t, 'stop')])")
    stopped = [(way, stop, levels) for reason, way, stop, levels in shown if reason == "trailing_stop"]
    assert len(stopped) > 5
    assert max(len(levels) for *_, levels in stopped) > 3
    for way, stop, levels in stopped:
        prices = [price for _, price in levels]
        assert prices == sorted(prices, reverse=way == "short")
        assert prices[-1] == pytest.approx(stop, abs=0.051), "half a tick, on which the order lies"


@pytest.mark.browser
def test_stops_that_were_sent_anew_are_steps_and_the_card_tells_the_first_and_the_last(
    tmp_path: Path, opened: Any
) -> None:
    more = {"entries": {"more": {"long": "pnl > 0.0005", "short": "pnl > 0.0005"}}, "exits": TURNS, "pyramiding": 3}
    folder = made(tmp_path / "r", stop_loss="0.3%", **more)
    orders, trades = (pd.read_parquet(folder / f"{name}.parquet") for name in ("orders", "trades"))
    steps = moves(trades, orders)
    assert not steps.empty
    number = int(steps["trade"].iloc[0])
    own = steps[(steps["trade"] == number) & (steps["kind"] == "stop")]
    held = trades.iloc[number]
    sent = orders[(orders["reason"] == "stop_loss") & orders["created_time"].between(held.entry_time, held.exit_time)]
    expected = sent[sent["created_time"] < held.exit_time].sort_values("created_time", kind="stable")["price"].tolist()
    assert own["price"].tolist() == expected
    tab = opened(folder)
    levels = tab.ask(f"app.run.levels(app.run.trades[{number}], 'stop')")
    assert [price for _, price in levels] == pytest.approx(expected)
    card = dict(row[:2] for row in tab.ask(f"app.card.rows(app.run.trades[{number}])"))
    assert card["stop"] == f"{expected[0]:,.1f} \N{RIGHTWARDS ARROW} {expected[-1]:,.1f}"


def test_a_folder_without_such_orders_has_no_moves(tmp_path: Path) -> None:
    folder = made(tmp_path / "r", take_profit="0.3%", time_stop=30)
    trades, orders = (pd.read_parquet(folder / f"{name}.parquet") for name in ("trades", "orders"))
    assert len(trades) > 3
    assert moves(trades, orders).empty
    assert json.loads((folder / "result.json").read_text())["trades"] == len(trades)


def test_how_far_a_stop_of_an_entry_trailed_is_not_taken_from_the_strategy(tmp_path: Path) -> None:
    folder = made(tmp_path / "r", trailing_stop="0.15%")
    trades, orders = (pd.read_parquet(folder / f"{name}.parquet") for name in ("trades", "orders"))
    params: dict[str, Any] = {**BOTH, "trailing_stop": "0.15%"}
    assert with_guards(trades, orders, {"strategy": {"params": params}})["trail"].dropna().unique().tolist() == [0.0015]
    params["long"] = {**BOTH["long"], "trailing_stop": "0.5%"}
    assert with_guards(trades, orders, {"strategy": {"params": params}})["trail"].isna().all()

"""Prices on a tick through whole runs: what lies exactly at a level meets it, in every engine."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars, Levels
from tapeflow.core.tape import Tape
from tapeflow.indicators.naked_poc import NakedPOC
from tapeflow.indicators.unfinished_auction import UnfinishedAuction
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.config_text import write_in
from tapeflow.tests.helpers.trading import buy, config, flat, sell, trade

ENGINES = ("compiled", "backtrader", "stock")
TOUCHES = """\
name: touches
engine: {engine}
data: {{x: {{feed: CsvBars, path: bars.csv, tick: {tick}, lot: 0.001}}}}
strategy:
  kind: Rules
  params: {{{side}: {{enter: "volume > 50"}}, {guard}: 3ticks, time_stop: 2}}
broker: {{cash: 1000000}}
sizer: {{fixed: 1}}
"""


def written(row: int, tick: str) -> str:
    return str(Decimal(row) * Decimal(tick))


def touching(folder: Path, tick: str, up: int, rows: range) -> None:
    """Groups of four bars: one that says enter, one to enter at, one that touches three ticks away, one to be flat."""
    lines = ["time,open,high,low,close,volume"]
    for k, row in enumerate(rows):
        here, there = written(row, tick), written(row + 3 * up, tick)
        high, low = (there, here) if up > 0 else (here, there)
        for i, (h, w, volume) in enumerate(((here, here, 100), (here, here, 1), (high, low, 1), (here, here, 1))):
            lines.append(f"{1_704_067_200_000 + (4 * k + i) * 60_000},{here},{h},{w},{here},{volume}")
    (folder / "bars.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("tick", "side", "guard", "up"),
    [("0.1", "long", "take_profit", 1), ("0.05", "short", "stop_loss", 1), ("0.01", "long", "stop_loss", -1)],
)
def test_a_level_that_is_touched_exactly_fills_at_the_decimal(
    engine: str, tick: str, side: str, guard: str, up: int, tmp_path: Path
) -> None:
    rows = range(1003, 1103)
    touching(tmp_path, tick, up, rows)
    path = write_in(tmp_path, TOUCHES.format(engine=engine, tick=tick, side=side, guard=guard))
    run(load_config(path), tmp_path / "out", report=False)
    orders = pd.read_parquet(tmp_path / "out" / "orders.parquet")
    done = orders[(orders.status == "completed") & (orders.reason == guard)]
    assert done.executed_price.tolist() == [float(written(row + 3 * up, tick)) for row in rows]


@pytest.mark.parametrize(("slippage", "ticks"), [("3ticks", 3), ("1tick", 1), (0.7, 7)])
def test_a_fill_that_slips_by_ticks_is_on_the_tick(slippage: str | float, ticks: int) -> None:
    prices = [float(written(row, "0.1")) for row in range(1003, 1043)]
    market = flat(len(prices), **dict.fromkeys(("open", "high", "low", "close"), np.array(prices)))
    script = {bar: (buy if bar % 2 else sell)(1) for bar in range(len(prices) - 1)}
    made = trade(market, script, config(slippage=slippage, data={"tick": 0.1}))
    slipped = [float(written(1003 + bar + 1 + (ticks if bar % 2 else -ticks), "0.1")) for bar in script]
    assert made.column("executed_price") == slipped


def test_a_trailing_stop_of_an_authors_own_keeps_backtraders_rule() -> None:
    trails = {0: buy(1), 1: sell(1, exectype=bt.Order.StopTrail, trailamount=0.234)}
    made = trade(flat(4, price=100.05), trails, config(data={"tick": 0.1}))
    assert made.column("price")[1] == 100.05 - 0.234


def test_a_price_between_ticks_keeps_its_place_when_it_slips() -> None:
    market = flat(3, price=100.05)
    made = trade(market, {0: buy(1)}, config(slippage="2ticks", data={"tick": 0.1}))
    assert made.column("executed_price") == [100.05 + 0.2]


def one_row_a_bar(ticks: list[int], tick: float, row_ticks: int = 1) -> Bars:
    n = len(ticks)
    close = np.array([float(written(t, repr(tick))) for t in ticks])
    levels = Levels(np.arange(n + 1), np.array(ticks), np.ones(n), np.ones(n), tick, row_ticks)
    time = 60_000_000 * np.arange(n)
    return Bars.of(open_time=time, close_time=time + 60_000_000, close=close, levels=levels)


@pytest.mark.parametrize("tick", [0.1, 0.05, 0.0001, 0.01])
def test_lines_that_are_prices_equal_the_prices_that_traded(tick: float) -> None:
    ticks = list(range(1003, 1303))
    bars = one_row_a_bar(ticks, tick)
    profile = VolumeProfile.over(bars, window=1)
    for line in ("poc", "vah", "val"):
        assert profile[line].tolist() == bars["close"].tolist()
    naked = NakedPOC.over(bars, session="bar")
    assert naked["below"].tolist()[1:] == bars["close"].tolist()[:-1]
    unfinished = UnfinishedAuction.over(bars)
    assert unfinished["below"].tolist()[1:] == bars["close"].tolist()[:-1]


@pytest.mark.parametrize(("tick", "row_ticks"), [(0.1, 3), (0.05, 7), (0.0001, 25)])
def test_the_edges_of_rows_of_several_ticks_are_decimals_too(tick: float, row_ticks: int) -> None:
    ticks = [row_ticks * k for k in range(100, 200)]
    bars = one_row_a_bar(ticks, tick, row_ticks)
    assert bars.levels is not None
    assert bars.levels.row_size == float(written(row_ticks, repr(tick)))
    assert bars.levels.price.tolist() == bars["close"].tolist()
    assert VolumeProfile.over(bars, window=1)["poc"].tolist() == bars["close"].tolist()


def tape(prices: list[float]) -> Tape:
    n = len(prices)
    return Tape.of(time=1000 * np.arange(n), price=prices, quantity=np.ones(n), side=np.ones(n))


@pytest.mark.parametrize("tick", [0.1, 0.05, 0.01])
@pytest.mark.parametrize("row_ticks", [1, 5])
def test_prices_of_single_precision_lie_in_the_rows_they_were_written_for(tick: float, row_ticks: int) -> None:
    rows = list(range(1003, 3003))
    prices = [float(np.float32(float(written(row, repr(tick))))) for row in rows]
    size = float(written(row_ticks, repr(tick)))
    (bars,) = aggregate([tape(prices)], ["1t"], row_size=size, tick=tick)
    assert bars.levels is not None
    assert bars.levels.price_tick.tolist() == [row // row_ticks * row_ticks for row in rows]
    assert bars.levels.exact
    assert not bars.notes


def test_a_price_between_two_ticks_counts_for_the_nearest_and_is_told() -> None:
    (bars,) = aggregate([tape([100.0, 100.07, 100.02, 100.5])], ["1t"], row_size=0.1, tick=0.1)
    assert bars.levels is not None
    assert bars.levels.price_tick.tolist() == [1000, 1001, 1000, 1005]
    assert not bars.levels.exact
    assert "2 trades lie between two ticks of 0.1" in bars.notes[0]


def test_where_no_tick_is_known_a_row_holds_prices_up_to_the_next() -> None:
    prices = [100.0, 100.07, 100.1, 100.3, 100.29999999999998]
    (bars,) = aggregate([tape(prices)], ["1t"], row_size=0.1)
    assert bars.levels is not None
    assert bars.levels.price_tick.tolist() == [1000, 1000, 1001, 1003, 1003]
    assert not bars.levels.tick_known
    assert not bars.levels.exact


def test_levels_are_written_as_decimals(tmp_path: Path) -> None:
    from tapeflow.cli.provider_formats import kiyotaka

    bars = one_row_a_bar([1003, 1006], 0.1)
    flat_rows = [point["Point"]["profile"][0] for point in kiyotaka(bars, {})["series"][0]["points"]]
    assert json.dumps(flat_rows) == "[100.3, 100.6]"


TRAILS = """\
name: trails
engine: {engine}
data: {{x: {{feed: CsvBars, path: bars.csv, tick: 0.1, lot: 0.001}}}}
strategy:
  kind: Rules
  params: {{{side}: {{enter: "volume > 50"}}, trailing_stop: {distance}}}
broker: {{cash: 1000000}}
sizer: {{fixed: 1}}
"""
ROWS = tuple(int(row) for row in 10_000 + np.cumsum(np.random.default_rng(5).integers(-4, 5, 600)))


def walking(folder: Path) -> None:
    """Bars of a walk of whole ticks that opens where the last one closed; every tenth says enter."""
    lines = ["time,open,high,low,close,volume"]
    for bar, (first, last) in enumerate(pairwise(ROWS)):
        cells = (written(row, "0.1") for row in (first, max(first, last) + 1, min(first, last) - 1, last))
        lines.append(f"{1_704_067_200_000 + bar * 60_000},{','.join(cells)},{1 if bar % 10 else 100}")
    (folder / "bars.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def trailed_by_hand(side: int, distance: Decimal, shared: bool) -> list[float]:
    """What trailing stops fill at, in decimals: each follows the closes on the tick, and fills on it or at the open."""
    tick, level, made, state = Decimal("0.1"), Decimal(0), list[float](), "flat"

    def wished(close: Decimal) -> Decimal:
        level = close - side * (close * distance if shared else distance)
        return (level / tick).quantize(Decimal(1)) * tick

    for bar, (first, last) in enumerate(pairwise(ROWS)):
        opened, closed = first * tick, last * tick
        worst = (min(first, last) - 1 if side > 0 else max(first, last) + 1) * tick
        if state == "enters":
            state, level = "held", wished(opened)
        if state == "held":
            if side * (worst - level) <= 0:
                made.append(float(opened if side * (opened - level) <= 0 else level))
                state = "flat"
            else:
                level = max(level, wished(closed)) if side > 0 else min(level, wished(closed))
        if state == "flat" and bar % 10 == 0:
            state = "enters"
    return made


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("side", "distance"), [("long", "0.123%"), ("short", "0.123%"), ("long", 1.234)])
def test_protection_that_trails_lies_on_the_tick(engine: str, side: str, distance: str | float, tmp_path: Path) -> None:
    walking(tmp_path)
    path = write_in(tmp_path, TRAILS.format(engine=engine, side=side, distance=distance))
    run(load_config(path), tmp_path / "out", report=False)
    orders = pd.read_parquet(tmp_path / "out" / "orders.parquet")
    done = orders[(orders.status == "completed") & (orders.reason == "trailing_stop")]
    shared = isinstance(distance, str)
    share = Decimal(str(distance).rstrip("%")) / (100 if shared else 1)
    expected = trailed_by_hand(1 if side == "long" else -1, share, shared)
    assert len(expected) > 10
    assert done.executed_price.tolist() == expected


def test_protection_that_trails_lies_on_the_tick_where_the_tape_fills(tmp_path: Path) -> None:
    lines = ["time,price,quantity,side"]
    for k, row in enumerate(ROWS):
        size = 1 if k // 4 % 10 else 20
        lines.append(f"{1_704_067_200_000 + k * 15_000},{written(row, '0.1')},{size},{'buy' if k % 3 else 'sell'}")
    (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = TRAILS.replace("CsvBars", "CsvTape").replace("lot: 0.001", "lot: 0.001, bars: 1m") + "fills: tape\n"
    path = write_in(tmp_path, text.format(engine="auto", side="long", distance="0.123%"))
    run(load_config(path), tmp_path / "out", report=False)
    orders = pd.read_parquet(tmp_path / "out" / "orders.parquet")
    prices = orders[orders.reason == "trailing_stop"].price.tolist()
    assert len(prices) > 5
    assert prices == [float(written(round(price * 10), "0.1")) for price in prices]

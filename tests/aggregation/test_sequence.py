"""Runs and ticks inside bars: against their definition, however the tape is cut, and from the command line."""

from __future__ import annotations

import json
import math
from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.aggregation.bars import aggregate
from tapeflow.cli import main
from tapeflow.core.bars import Bars
from tapeflow.core.errors import InputError
from tapeflow.core.samples import sample_bars
from tapeflow.core.schema import SEQUENCE
from tapeflow.core.tape import Tape
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.tick_volume import TickVolume
from tapeflow.indicators.trade_runs import TradeRuns

NAMES = [c.name for c in SEQUENCE]
ROWS = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 50), st.sampled_from([1, 1, -1, -1, 0])), min_size=1)


def tape_of(rows) -> Tape:
    price, size, side = (np.array(v) for v in zip(*rows, strict=True))
    time = np.arange(len(rows)) * 7_000_000
    return Tape.of(time=time, price=100.0 + price * 0.5, quantity=size * 0.25, side=side)


def defined(tape: Tape, bars: Bars) -> list[dict[str, float]]:
    """The columns by their definition, one bar after the other."""
    made = []
    for opens, closes in zip(bars["open_time"], bars["close_time"], strict=True):
        rows = [i for i, t in enumerate(tape.time) if opens <= t < closes]
        bar = dict.fromkeys(NAMES, 0.0)
        for i in rows:
            move = np.sign(tape.price[i] - tape.price[i - 1]) if i else 0
            kind = {1: "uptick", -1: "downtick", 0: "unchanged"}[int(move)]
            bar[f"{kind}_volume"] += tape.quantity[i]
            bar[f"{kind}_count"] += 1
        sided = [i for i in rows if tape.side[i]]
        for side, run in groupby(sided, key=lambda i: int(tape.side[i])):
            name, length = "buy" if side > 0 else "sell", len(list(run))
            bar[f"{name}_runs"] += 1
            bar[f"{name}_run_max"] = max(bar[f"{name}_run_max"], length)
        for a, b in pairwise(sided):
            if tape.side[a] != tape.side[b]:
                bar["flip_move"] += (tape.price[b] - tape.price[a]) * tape.side[b]
        made.append(bar)
    return made


@settings(deadline=None)
@given(rows=ROWS, spec=st.sampled_from(["1m", "5t", "20v", "2r"]))
def test_runs_and_ticks_are_what_their_definition_says(rows, spec):
    tape = tape_of([*rows, (1, 1, 1)])
    (bars,) = aggregate([tape], [spec], tick=0.5, sequence=True)
    for i, expected in enumerate(defined(tape, bars)):
        assert {name: bars[name][i] for name in NAMES} == pytest.approx(expected, rel=1e-12)


@settings(deadline=None)
@given(rows=ROWS, cuts=st.lists(st.integers(0, 60), max_size=4))
def test_cutting_the_tape_into_batches_changes_no_bit(rows, cuts):
    tape = tape_of(rows)
    edges = [0, *sorted(min(c, len(rows)) for c in cuts), len(rows)]
    parts = [tape[a:b] for a, b in pairwise(edges) if a < b]
    (whole,) = aggregate([tape], ["1m"], sequence=True)
    (joined,) = aggregate(parts, ["1m"], sequence=True)
    assert all(whole[name].tobytes() == joined[name].tobytes() for name in NAMES)


def test_ticks_add_up_to_the_bar_and_runs_to_its_rows():
    bars = SyntheticTape(days=1, seed=3).bars("5m", sequence=True)
    rows = bars["taker_buy_count"] + bars["taker_sell_count"]
    kinds = ("uptick", "downtick", "unchanged")
    assert sum(bars[f"{k}_volume"] for k in kinds) == pytest.approx(bars["volume"], rel=1e-12)
    assert np.array_equal(sum(bars[f"{k}_count"] for k in kinds), rows)
    assert (bars["buy_runs"] * 1.0 <= bars["taker_buy_count"]).all()
    assert (np.abs(bars["buy_runs"] - bars["sell_runs"]) <= 1).all()


def test_a_bar_of_one_side_has_one_run_and_no_flip():
    tape = Tape.of(time=[0, 1, 2], price=[10.0, 11.0, 11.0], quantity=[1.0, 2.0, 4.0], side=[1, 1, 1])
    (bars,) = aggregate([tape], ["1m"], sequence=True)
    runs, ticks = TradeRuns.over(bars).iloc[0], TickVolume.over(bars).iloc[0]
    assert (runs["run_imbalance"], runs["buy_mean"], runs["flip_rate"]) == (1.0, 3.0, 0.0)
    assert math.isnan(runs["sell_mean"])
    assert math.isnan(runs["flip_move"])
    assert ticks.tolist() == [1.0, 2.0, 0.0, 5.0, 1.0, 0.0, 2.0]


def test_where_no_row_has_a_side_ticks_are_known_and_runs_are_not():
    tape = Tape.of(time=[0, 1], price=[10.0, 11.0], quantity=[1.0, 2.0], side=[0, 0])
    (bars,) = aggregate([tape], ["1m"], sequence=True)
    assert bars.carries("uptick_volume")
    assert not bars.carries("buy_runs")


def test_the_made_up_market_of_the_laws_is_true_to_the_definition():
    bars = sample_bars(50, sequence=True)
    rows = bars["taker_buy_count"] + bars["taker_sell_count"]
    assert np.array_equal(bars["uptick_count"] + bars["downtick_count"] + bars["unchanged_count"], rows)
    assert (bars["buy_run_max"] <= bars["taker_buy_count"]).all()
    assert (np.abs(bars["buy_runs"] - bars["sell_runs"]) <= 1).all()


def test_bars_hold_these_columns_only_where_they_are_asked_for():
    bars = SyntheticTape(days=1).bars("1h")
    assert not set(NAMES) & set(bars.columns)
    with pytest.raises(InputError, match=r"TradeRuns reads 'buy_runs', which .* does not carry"):
        TradeRuns.over(bars)


@pytest.mark.parametrize("asked", ["TradeRuns", "TickVolume", "up=Rolling(of=uptick_volume, function=max, window=2)"])
def test_compute_asks_the_tape_for_what_an_indicator_reads(asked, capsys):
    words = "compute --feed SyntheticTape --bars 1h --format json --results 2 --indicator"
    with pytest.raises(SystemExit) as end:
        main([*words.split(), asked])
    assert not end.value.code
    made = json.loads(capsys.readouterr().out)
    values = [v for row in made for name, v in row.items() if "." in name]
    assert any(isinstance(v, float) for v in values)

"""Edges between small, medium and large trades that follow the trades before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.edges import BLOCK, BLOCKS
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import ConfigError, InputError, ParamError
from tapeflow.core.sizes import of_column
from tapeflow.core.tape import Tape
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.large_trades import LargeTrades
from tapeflow.indicators.volume_delta import VolumeDelta

CLASSES = [
    f"taker_{s}_{c}_order_{w}"
    for w in ("volume", "count")
    for s in ("buy", "sell")
    for c in ("small", "medium", "large")
]


@pytest.fixture(scope="module")
def tape() -> Tape:
    rows = 3 * BLOCK + BLOCK // 2
    rng = np.random.default_rng(5)
    drift = np.where(np.arange(rows) < 2 * BLOCK, 1.0, 8.0)
    return Tape.of(
        time=np.cumsum(rng.integers(1, 2_000_000, rows)),
        price=100 + rng.integers(-5, 6, rows) * 0.5,
        quantity=np.round(rng.exponential(2.0, rows) * drift + 0.001, 3),
        side=rng.choice([-1, 1], rows),
    )


def defined(tape: Tape, opens: np.ndarray, closes: np.ndarray) -> np.ndarray:
    """Rows of the largest class by bar, each row against the percentile of the blocks before it."""
    notional = tape.price * tape.quantity
    large = np.zeros(len(tape), dtype=bool)
    for i in range(BLOCK, len(tape)):
        at = i - i % BLOCK
        if i == at:
            edge = np.percentile(notional[max(0, at - BLOCKS * BLOCK) : at], 99, method="higher")
        large[i] = notional[i] >= edge
    return np.array([large[(tape.time >= a) & (tape.time < b)].sum() for a, b in zip(opens, closes, strict=True)])


def test_a_trade_is_large_against_the_trades_before_it_alone(tape):
    (bars,) = aggregate([tape], ["1h"], size_edges=["p50", "p99"])
    counts = bars["taker_buy_large_order_count"] + bars["taker_sell_large_order_count"]
    known = bars["open_time"] > tape.time[BLOCK - 1]
    assert known.any()
    assert np.isnan(counts[~known]).all()
    assert np.array_equal(counts[known], defined(tape, bars["open_time"], bars["close_time"])[known])


def test_cutting_the_tape_changes_no_bit(tape):
    cuts = [0, 1, 777, BLOCK - 1, BLOCK + 1, 2 * BLOCK + 5, len(tape)]
    parts = [tape[a:b] for a, b in pairwise(cuts)]
    (whole,), (joined,) = (aggregate(given, ["15m"], size_edges=["p50", "p99"]) for given in ([tape], parts))
    assert all(whole[name].tobytes() == joined[name].tobytes() for name in whole.columns)


def test_only_the_classes_depend_on_the_edges(tape):
    (fixed,), (moving,) = (aggregate([tape], ["15m"], size_edges=edges) for edges in ([100, 1000], ["p50", "p99"]))
    others = [name for name in fixed.columns if name not in CLASSES and of_column(name) is None]
    assert all(fixed[name].tobytes() == moving[name].tobytes() for name in others)


def test_a_tape_shorter_than_a_block_does_not_know_its_classes(tape):
    (bars,) = aggregate([tape[:100]], ["1m"], size_edges=["p50", "p99"])
    assert not any(bars.carries(name) for name in CLASSES)
    with pytest.raises(InputError, match=r"no bar has a value in that column; percentiles of sizes are known after"):
        VolumeDelta.over(bars, size="p50-p99")


def test_large_trades_count_about_their_share_of_the_rows():
    bars = SyntheticTape(days=2, seed=4).bars("5m", size_edges=["p50", "p95"])
    lines = LargeTrades.over(bars)
    rows = bars["taker_buy_count"] + bars["taker_sell_count"]
    known = lines["count"].notna().to_numpy()
    assert 0.03 < lines["count"][known].sum() / rows[known].sum() < 0.07


@pytest.mark.parametrize(
    "edges",
    [["p99", "p50"], [], ["p50", 1000], ["p0", "p50"], [1000, 100], ["p50", "p100"], "p50", ["1k", "10k", "5k"]],
)
def test_edges_that_cannot_be_are_refused_in_one_line(edges):
    with pytest.raises(ParamError, match=r"size_edges must be ascending amounts .* or percentiles, as in \[p50, p99\]"):
        aggregate([], ["1m"], size_edges=edges)


def test_a_config_takes_percentiles_and_says_what_is_allowed(tmp_path):
    text = "data: {x: {feed: SyntheticTape, days: 1, bars: 5m, size_edges: %s}}\nstrategy: {kind: DeltaMomentum}\n"
    file = tmp_path / "run.yaml"
    file.write_text(text % "[p50, p99]")
    config = load_config(file)
    assert config.data["x"].size_edges == ["p50", "p99"]
    assert config.resolved()["data"]["x"]["size_edges"] == ["p50", "p99"]
    file.write_text(text % "[p99, p50]")
    with pytest.raises(ConfigError, match=r"data\.x\.size_edges.*percentiles, as in"):
        load_config(file)

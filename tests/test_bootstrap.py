"""Intervals against plain definitions, theory, and the indices that a resample is made of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tapeflow.backtest import bootstrap
from tapeflow.backtest.bootstrap import (
    equity_band,
    interval,
    mean_block,
    resampled_paths,
    resampled_sums,
    return_intervals,
    trip_intervals,
)
from tapeflow.backtest.statistics import drawdown, sharpe


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def indices(n: int, block: float, draws: int, seed: int) -> list[list[int]]:
    """The rows of each resample, spelled out block by block."""
    made = []
    for starts, lengths in bootstrap._blocks(n, block, draws, rng(seed)):
        for begins, sizes in zip(starts, lengths, strict=True):
            made.append([(b + k) % n for b, size in zip(begins, sizes, strict=True) for k in range(size)])
    return made


@pytest.mark.parametrize(("n", "block"), [(10, 1.0), (57, 4.0), (200, 30.0), (12, 12.0)])
def test_a_sum_over_a_resample_is_the_sum_of_its_rows(n: int, block: float) -> None:
    values = rng(3).normal(size=(n, 2))
    rows = indices(n, block, 40, seed=5)
    assert [len(r) for r in rows] == [n] * 40
    expected = [[math.fsum(values[i, k] for i in r) for k in (0, 1)] for r in rows]
    assert resampled_sums(values, block, 40, rng(5)) == pytest.approx(np.array(expected), abs=1e-10)


def test_blocks_are_geometric_and_begin_anywhere() -> None:
    starts, lengths = zip(*bootstrap._blocks(5_000, 8.0, 60, rng(1)), strict=True)
    inner = np.concatenate([x.ravel() for x in lengths])
    inner = inner[inner > 0]
    assert inner.mean() == pytest.approx(8.0, rel=0.02)
    assert np.mean(inner == 1) == pytest.approx(1 / 8, rel=0.1)
    assert np.concatenate([x.ravel() for x in starts]).mean() == pytest.approx(2_500, rel=0.02)


def test_of_independent_returns_the_interval_is_the_normal_one() -> None:
    made = rng(2).normal(0.001, 0.01, 400)
    total = resampled_sums(made[:, None], 1.0, 4_000, rng())[:, 0]
    assert total.std() == pytest.approx(made.std() * math.sqrt(400), rel=0.05)
    low, high = interval(total)
    half = 1.96 * made.std() * math.sqrt(400)
    assert (low, high) == pytest.approx((made.sum() - half, made.sum() + half), abs=0.06 * half)


def test_blocks_keep_what_neighbours_have_in_common() -> None:
    noise, made = rng(4).normal(size=6_000), np.zeros(6_000)
    for i in range(1, 6_000):
        made[i] = 0.6 * made[i - 1] + noise[i]
    alone = resampled_sums(made[:, None], 1.0, 1_000, rng())[:, 0].std()
    together = resampled_sums(made[:, None], 40.0, 1_000, rng())[:, 0].std()
    # An AR(1) sum varies as if its rows were (1 + φ) / (1 - φ) times as wild.
    assert together / alone == pytest.approx(math.sqrt(1.6 / 0.4), rel=0.12)


def test_intervals_hold_the_figures_they_are_of() -> None:
    made = rng(6).normal(0.0005, 0.01, 300)
    found = return_intervals(made, 365.0, seed=0, block=mean_block(300))
    ratio, whole = sharpe(made, 365.0), 100 * (np.prod(1 + made) - 1)
    assert found["sharpe"][0] < ratio < found["sharpe"][1]
    assert found["return_pct"][0] < whole < found["return_pct"][1]
    # The standard error of a Sharpe ratio a year is about the root of periods a year over their number.
    assert (found["sharpe"][1] - found["sharpe"][0]) / 3.92 == pytest.approx(math.sqrt(365 / 300), rel=0.15)


def test_round_trips_are_resampled_by_count_and_amount() -> None:
    net = np.where(np.arange(100) % 4 == 0, -2.0, 1.0)[rng(0).permutation(100)]
    found = trip_intervals(net, seed=1)
    assert found["win_rate"][0] < 0.75 < found["win_rate"][1]
    assert found["mean_trade"][0] < 0.25 < found["mean_trade"][1]
    assert found["profit_factor"][0] < 1.5 < found["profit_factor"][1]
    assert (found["win_rate"][1] - found["win_rate"][0]) / 3.92 == pytest.approx(math.sqrt(0.75 * 0.25 / 100), rel=0.3)


def test_an_end_is_open_where_resamples_lost_nothing() -> None:
    found = trip_intervals(np.r_[np.ones(12), -1.0], seed=0)
    assert math.isnan(found["profit_factor"][1])
    assert found["profit_factor"][0] > 0


def test_too_little_is_not_resampled() -> None:
    assert trip_intervals(np.ones(9), seed=0) == {}
    assert return_intervals(np.full(9, 0.1), 365, seed=0, block=1) == {}
    assert return_intervals(np.zeros(50), 365, seed=0, block=1) == {}
    assert return_intervals(np.r_[np.ones(20), -1.0], 365, seed=0, block=1) == {}
    assert [len(x) for x in equity_band(np.full(500, 7.0), 7.0, seed=0)[:3]] == [0, 0, 0]
    assert [len(x) for x in equity_band(np.r_[np.ones(50), -1.0], 1.0, seed=0)[:3]] == [0, 0, 0]


def test_the_seed_decides() -> None:
    made = rng(9).normal(0, 0.01, 200)
    one, again, other = (return_intervals(made, 365, seed=s, block=3.0) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_paths_end_where_sums_do_and_pass_where_blocks_lead() -> None:
    steps = rng(8).normal(size=30)
    paths = resampled_paths(steps, 5.0, 3_000, rng(0))
    assert paths.shape == (3_000, 30)
    sums = resampled_sums(steps[:, None], 5.0, 3_000, rng(1))[:, 0]
    assert paths[:, -1].std() == pytest.approx(sums.std(), rel=0.05)
    drawn = np.diff(paths, axis=1, prepend=0)
    assert np.allclose(np.min(np.abs(drawn[:50, :, None] - steps), axis=2), 0, atol=1e-12)


def test_the_band_widens_and_holds_the_run() -> None:
    value = 1_000 * np.exp(np.cumsum(rng(1).normal(1e-5, 1e-3, 9_000)))
    bars, low, high, depth = equity_band(value, 1_000.0, seed=0)
    assert (len(bars), bars[-1]) == (400, 8_999)
    assert np.all(low <= high)
    assert high[-1] - low[-1] > 3 * (high[10] - low[10])
    assert np.mean((low <= value[bars]) & (value[bars] <= high)) > 0.9
    assert depth[0] < 100 * drawdown(value, 1_000.0).max() < depth[1]


def test_a_block_is_no_longer_than_all_and_no_shorter_than_a_trade() -> None:
    assert mean_block(27) == 3.0
    assert mean_block(1_000, 40.0) == 40.0
    assert mean_block(20, 500.0) == 20.0
    assert mean_block(3_000_000) == 10_000.0

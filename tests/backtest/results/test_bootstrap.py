"""Resamples against the indices that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.backtest.results.bootstrap import blocks, counts, mean_block


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def indices(n: int, block: float, draws: int, seed: int) -> list[list[int]]:
    """The rows of each resample, spelled out block by block."""
    made = []
    for starts, lengths in blocks(n, block, draws, rng(seed)):
        for begins, sizes in zip(starts, lengths, strict=True):
            made.append([(b + k) % n for b, size in zip(begins, sizes, strict=True) for k in range(size)])
    return made


@pytest.mark.parametrize(("n", "block"), [(10, 1.0), (57, 4.0), (200, 30.0), (12, 12.0)])
def test_a_count_says_how_often_a_value_was_drawn(n: int, block: float) -> None:
    rows = indices(n, block, 40, seed=5)
    assert [len(r) for r in rows] == [n] * 40
    expected = [[row.count(i) for i in range(n)] for row in rows]
    assert counts(n, block, 40, rng(5)).tolist() == expected


def test_blocks_are_geometric_and_begin_anywhere() -> None:
    starts, lengths = zip(*blocks(5_000, 8.0, 60, rng(1)), strict=True)
    inner = np.concatenate([x.ravel() for x in lengths])
    inner = inner[inner > 0]
    assert inner.mean() == pytest.approx(8.0, rel=0.02)
    assert np.mean(inner == 1) == pytest.approx(1 / 8, rel=0.1)
    assert np.concatenate([x.ravel() for x in starts]).mean() == pytest.approx(2_500, rel=0.02)


def test_a_block_is_the_cube_root_of_how_many_there_are() -> None:
    assert mean_block(27) == 3.0
    assert mean_block(1) == 1.0
    assert mean_block(8_000_000) == 4_000.0, "at most 2,000 blocks"

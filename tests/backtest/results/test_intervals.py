"""Bootstrap-t intervals against a plain implementation, golden values, and how often they hold the truth."""

from __future__ import annotations

import itertools
import math
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.results.bootstrap import blocks, mean_block
from tapeflow.backtest.results.intervals import long_run_variance, mean_interval, sharpe_interval


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain_variance(values: list[float]) -> float:
    """The long-run variance, term by term."""
    n = len(values)

    def slope(x: list[float]) -> float:
        return max(-0.97, min(0.97, sum(a * b for a, b in itertools.pairwise(x)) / sum(a * a for a in x[:-1])))

    memory = slope(values)
    left = [b - memory * a for a, b in itertools.pairwise(values)]
    middle = fmean(left)
    left = [x - middle for x in left]
    m, rho = n - 1, slope(left)
    width = 1.3221 * (4 * rho**2 / (1 - rho) ** 4 * m) ** 0.2

    def covariance(lag: int) -> float:
        return sum(left[i] * left[i + lag] for i in range(m - lag)) / m

    def kernel(x: float) -> float:
        y = 6 * math.pi * x / 5
        return 25 / (12 * math.pi**2 * x**2) * (math.sin(y) / y - math.cos(y))

    lags = range(1, min(m - 1, int(10 * width) + 1) + 1)
    whole = covariance(0) + 2 * sum(kernel(k / width) * covariance(k) for k in lags)
    return whole * n / (n - 2) / (1 - memory) ** 2


def resamples(n: int, stream: int, seed: int) -> list[list[list[int]]]:
    """Every resample as its blocks of indices."""
    return [
        [[(b + k) % n for k in range(size)] for b, size in zip(begins, sizes, strict=True) if size]
        for starts, lengths in blocks(n, mean_block(n), FEW, rng(seed, stream))
        for begins, sizes in zip(starts, lengths, strict=True)
    ]


def quantile(values: list[float], share: float) -> float:
    """With straight lines between ranks."""
    ranked = sorted(values)
    at = share * (len(ranked) - 1)
    low = int(at)
    return ranked[low] + (at - low) * (ranked[min(low + 1, len(ranked) - 1)] - ranked[low])


def plain_mean(x: list[float], seed: int) -> tuple[float, float]:
    n, mean = len(x), fmean(x)
    error = math.sqrt(plain_variance([v - mean for v in x]) / n)
    t = []
    for drawn in resamples(n, 1, seed):
        again = fmean(x[i] for block in drawn for i in block)
        sums = [sum(x[i] - again for i in block) for block in drawn]
        t.append((again - mean) / math.sqrt(sum(s * s for s in sums) / n**2))
    return mean - quantile(t, 0.975) * error, mean - quantile(t, 0.025) * error


def plain_sharpe(x: list[float], seed: int) -> tuple[float, float]:
    def influence(values: list[float]) -> tuple[float, list[float]]:
        mean, ratio = fmean(values), fmean(values) / stdev(values)
        spread = math.sqrt(fmean((v - mean) ** 2 for v in values))
        z = [(v - mean) / spread for v in values]
        return ratio, [a - ratio / 2 * (a * a - 1) for a in z]

    n = len(x)
    ratio, psi = influence(x)
    error = math.sqrt(plain_variance(psi) / n)
    t = []
    for drawn in resamples(n, 0, seed):
        again, own = influence([x[i] for block in drawn for i in block])
        at, sums = 0, []
        for block in drawn:
            sums.append(sum(own[at : at + len(block)]))
            at += len(block)
        t.append(abs(again - ratio) / math.sqrt(sum(s * s for s in sums) / n**2))
    reach = quantile(t, 0.95) * error
    return ratio - reach, ratio + reach


def process(kind: str, n: int, source: np.random.Generator) -> np.ndarray:
    """A series with mean 0 and variance 1 of a named kind."""
    if kind == "normal":
        return source.standard_normal(n)
    if kind == "t3":
        return source.standard_t(3, n) / math.sqrt(3)
    if kind == "skewed":
        return np.where(source.random(n) < 0.9, 1.0, -9.0) / 3.0
    memory, noise = float(kind.removeprefix("ar")), source.standard_normal(n + 200)
    made = np.empty(n + 200)
    made[0] = noise[0]
    for i in range(1, n + 200):
        made[i] = memory * made[i - 1] + math.sqrt(1 - memory**2) * noise[i]
    return made[200:]


@pytest.mark.parametrize("kind", ["normal", "ar0.5", "skewed"])
def test_intervals_equal_a_plain_implementation(kind: str) -> None:
    x = process(kind, 70, rng(4)) * 0.01 + 0.001
    assert long_run_variance(x - x.mean()) == pytest.approx(plain_variance([*(x - x.mean())]), rel=1e-9)
    ours, mean = sharpe_interval(x, seed=3, draws=FEW), mean_interval(x, seed=3, draws=FEW)
    assert ours is not None
    assert mean is not None
    assert ours[:2] == pytest.approx(plain_sharpe([*x], 3), rel=1e-7)
    assert mean[:2] == pytest.approx(plain_mean([*x], 3), rel=1e-7)
    assert ours[2:] == mean[2:] == (70, pytest.approx(70 ** (1 / 3)))


FEW = 199
"""Resamples where each is spelled out."""
GOLDEN = (0.030557513894818783, 0.30880576822399586, 0.0002851632219452348, 0.002236708473280292)
"""Ends of the Sharpe ratio's and of the mean's interval."""


def test_golden_values() -> None:
    x = 0.01 * np.sin(np.arange(1, 251) ** 1.7) + 0.001
    ours, mean = sharpe_interval(x, seed=0), mean_interval(x, seed=0)
    assert ours is not None
    assert mean is not None
    assert (*ours[:2], *mean[:2]) == pytest.approx(GOLDEN, rel=1e-9)


def test_outside_of_its_domain_there_is_none() -> None:
    x = process("normal", 60, rng(1))
    assert sharpe_interval(x, seed=0) is not None
    assert sharpe_interval(x[:59], seed=0) is None
    assert mean_interval(x[:30], seed=0) is not None
    assert mean_interval(x[:29], seed=0) is None
    for sign in (1.0, -1.0):
        few = sign * np.abs(x)
        few[[3, 9, 30, 50]] *= -1.0
        assert sharpe_interval(few, seed=0) is mean_interval(few, seed=0) is None, "four of one kind"
        few[40] *= -1.0
        assert None not in (sharpe_interval(few, seed=0), mean_interval(few, seed=0)), "five"
    for odd in (math.nan, math.inf):
        assert sharpe_interval(np.append(x, odd), seed=0) is mean_interval(np.append(x, odd), seed=0) is None
    assert sharpe_interval(np.zeros(100), seed=0) is None


def test_the_seed_decides() -> None:
    x = process("normal", 200, rng(9))
    assert sharpe_interval(x, seed=1) == sharpe_interval(x, seed=1) != sharpe_interval(x, seed=2)
    assert mean_interval(x, seed=1) == mean_interval(x, seed=1) != mean_interval(x, seed=2)


def test_a_scale_changes_nothing_but_the_scale() -> None:
    x = process("ar0.5", 90, rng(2)) + 0.1
    assert sharpe_interval(x * 1e-6, seed=0)[:2] == pytest.approx(sharpe_interval(x, seed=0)[:2], rel=1e-9)
    assert mean_interval(x * 1e6, seed=0)[:2] == pytest.approx([1e6 * v for v in mean_interval(x, seed=0)[:2]])


def covered(count: int, share: float) -> float:
    """Two standard errors of a share of so many simulations."""
    return 2 * math.sqrt(share * (1 - share) / count)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "n", "least", "most"),
    [
        ("normal", 60, 0.936, 0.98),
        ("normal", 250, 0.936, 0.98),
        ("t3", 60, 0.936, 0.98),
        ("ar0.5", 60, 0.936, 0.98),
        ("ar0.5", 250, 0.936, 0.98),
        ("ar0.8", 60, 0.92, 0.98),
        ("ar0.8", 1000, 0.936, 0.98),
        ("skewed", 250, 0.936, 0.98),
    ],
)
def test_a_sharpe_interval_holds_the_truth_as_often_as_it_says(kind: str, n: int, least: float, most: float) -> None:
    times, held = 400, 0
    for i in range(times):
        found = sharpe_interval(process(kind, n, rng(7, n, i)) + 0.1, seed=i, draws=499)
        held += found is None or found.low <= 0.1 <= found.high
    print(f"Sharpe, {kind}, {n}: {held / times:.1%}")
    assert least - covered(times, least) <= held / times <= most + covered(times, most)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "n"), [("normal", 30), ("t3", 60), ("ar0.5", 60), ("skewed", 60), ("skewed", 250), ("normal", 250)]
)
def test_a_mean_interval_holds_the_truth_and_rarely_says_above(kind: str, n: int) -> None:
    times, spoken, held, above = 400, 0, 0, 0
    for i in range(times):
        found = mean_interval(process(kind, n, rng(8, n, i)), seed=i, draws=499)
        if found is not None:
            spoken, held, above = spoken + 1, held + (found.low <= 0 <= found.high), above + (found.low > 0)
    print(f"mean, {kind}, {n}: spoken {spoken / times:.0%}, held {held / spoken:.1%}, above {above / times:.1%}")
    assert 0.93 - covered(spoken, 0.93) <= held / spoken <= 1.0
    assert above / times <= 0.047 + covered(times, 0.047)


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 30, 60])
def test_trades_that_seldom_lose_are_not_called_good(n: int) -> None:
    times, above = 1_000, 0
    for i in range(times):
        net = np.where(rng(9, n, i).random(n) < 0.96, 1.0, -24.0)
        found = mean_interval(net, seed=i, draws=199)
        above += found is not None and found.low > 0
    assert above / times <= 0.047


def held_together(instruments: int, n: int, random: np.random.Generator) -> Any:
    """What ``n`` trades brought, of true mean 0, in the order in which they ended: so many instruments, in and out of
    the market by turns, 70 % of whose moves are one market's."""
    length = 15 * n // instruments + 60
    common, made = random.standard_normal(length), []
    for _ in range(instruments):
        moves = math.sqrt(0.7) * common + math.sqrt(0.3) * random.standard_normal(length)
        path, at = np.concatenate([[0.0], np.cumsum(moves)]), int(random.integers(0, 10))
        while (end := at + int(random.integers(1, 20))) < length:
            made.append((end, path[end] - path[at]))
            at = end + int(random.integers(0, 10))
    return np.array([brought for _, brought in sorted(made)][:n])


@pytest.mark.slow
@pytest.mark.parametrize(("instruments", "holds"), [(2, True), (3, True), (10, False)])
def test_a_mean_interval_holds_while_few_trades_are_held_at_once(instruments: int, holds: bool) -> None:
    times, held = 300, 0
    for i in range(times):
        found = mean_interval(held_together(instruments, 150, rng(10, instruments, i)), seed=i, draws=499)
        held += found is None or found.low <= 0 <= found.high
    print(f"mean, {instruments} at once: held {held / times:.1%}")
    assert (held / times >= 0.93 - covered(times, 0.93)) == holds

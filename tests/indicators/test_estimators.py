"""Impact, spread and volatility estimators against plain definitions and published cases."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.amihud import Amihud
from tapeflow.indicators.bipower_variation import BipowerVariation
from tapeflow.indicators.corwin_schultz import CorwinSchultz, spread_of_two
from tapeflow.indicators.hasbrouck_lambda import HasbrouckLambda
from tapeflow.indicators.kernels.pair_windows import pair_moments, pair_push, pair_size
from tapeflow.indicators.kyle_lambda import KyleLambda
from tapeflow.indicators.parkinson import Parkinson
from tapeflow.indicators.realized_vol import RealizedVol
from tapeflow.indicators.roll_spread import RollSpread

BARS = sample_bars(250, seed=31)
GAPPY = empty_bars(BARS, np.flatnonzero(np.random.default_rng(2).random(250) < 0.2))
N = 20
NAN = math.nan


def _frame(**columns: Any) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.date_range("2024-01-01 00:01", periods=n, freq="1min"))


def _close(expected: Any, actual: Any, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float), rtol=rel, atol=0)


def _rolled(values: list[Any], n: int, of: Callable[[list[Any]], float]) -> list[float]:
    """``of`` over the last ``n`` values; NaN before there are so many."""
    return [of(values[i + 1 - n : i + 1]) if i + 1 >= n else NAN for i in range(len(values))]


def _changes(bars: Bars, log: bool = False) -> list[float]:
    closes = bars["close"].tolist()
    return [math.log(b / a) if log else b - a for a, b in pairwise(closes)]


def _slope(pairs: list[tuple[float, float]]) -> float:
    return statistics.linear_regression(*zip(*pairs, strict=True)).slope


def test_kyles_lambda_of_the_published_case() -> None:
    bars = _frame(
        close=[100.0, 100.5, 99.5, 100.9, 101.0],
        taker_buy_volume=[0.0, 1, 0, 3, 2],
        taker_sell_volume=[0.0, 0, 2, 0, 2],
    )
    assert round(KyleLambda.over(bars, window=4)["kyle_lambda"].iloc[-1], 7) == 0.4769231


@pytest.mark.parametrize("bars", [BARS, GAPPY], ids=["live", "gappy"])
def test_kyles_lambda_is_a_regression(bars: Bars) -> None:
    deltas = (bars["taker_buy_volume"] - bars["taker_sell_volume"]).tolist()[1:]
    pairs = list(zip(deltas, _changes(bars), strict=True))
    _close([NAN, *_rolled(pairs, N, _slope)], KyleLambda.over(bars, window=N)["kyle_lambda"])


@pytest.mark.parametrize("bars", [BARS, GAPPY], ids=["live", "gappy"])
def test_hasbroucks_lambda_is_a_regression(bars: Bars) -> None:
    buys, sells = bars["taker_buy_quote_volume"], bars["taker_sell_quote_volume"]
    signed = (np.sign(buys - sells) * np.sqrt(buys + sells)).tolist()[1:]
    pairs = list(zip(signed, _changes(bars, log=True), strict=True))
    _close([NAN, *_rolled(pairs, N, _slope)], HasbrouckLambda.over(bars, window=N)["hasbrouck_lambda"], rel=1e-8)


@pytest.mark.parametrize("sold", [[1.0, 1, 1, 1], [0.1 + 0.2, 0.3, 0.30000000000000004, 0.3]])
def test_without_one_sided_flow_there_is_no_lambda(sold: list[float]) -> None:
    bars = _frame(
        close=[1.0, 2, 3, 5], taker_buy_volume=[1.0] * 4 if sold[0] == 1 else [0.3] * 4, taker_sell_volume=sold
    )
    assert KyleLambda.over(bars, window=3)["kyle_lambda"].isna().all()


@pytest.mark.parametrize("returns", ["simple", "log"])
def test_amihud_skips_bars_without_trades(returns: str) -> None:
    closes, traded = GAPPY["close"].tolist(), GAPPY["quote_volume"].tolist()
    held: list[float] = []
    expected = [NAN]
    for a, b, v in zip(closes, closes[1:], traded[1:], strict=False):
        if v:
            held.append(abs(math.log(b / a) if returns == "log" else b / a - 1) / v)
        expected.append(math.fsum(held[-N:]) / N * 1e6 if len(held) >= N else NAN)
    _close(expected, Amihud.over(GAPPY, window=N, returns=returns, scale=1e6)["amihud"])


@pytest.mark.parametrize(("estimator", "spread"), [("population", 1.9596), ("sample", 2.1909), ("zero_mean", 2.0)])
def test_rolls_spread_of_the_published_case(estimator: str, spread: float) -> None:
    close = pd.Series([100.0, 101, 100, 101, 100, 101, 100])
    assert round(RollSpread.over(close, window=5, estimator=estimator)["roll_spread"].iloc[-1], 4) == spread


@pytest.mark.parametrize("estimator", ["population", "sample", "zero_mean"])
def test_rolls_spread_is_its_definition(estimator: str) -> None:
    def spread(pairs: list[tuple[float, float]]) -> float:
        xs, ys = zip(*pairs, strict=True)
        mx, my = (0.0, 0.0) if estimator == "zero_mean" else (math.fsum(xs) / N, math.fsum(ys) / N)
        cov = math.fsum((x - mx) * (y - my) for x, y in pairs) / (N - 1 if estimator == "sample" else N)
        return 2 * math.sqrt(-cov) if cov <= 0 else NAN

    changes = _changes(BARS)
    pairs = list(pairwise(changes))
    lines = RollSpread.over(BARS, window=N, estimator=estimator)["roll_spread"]
    _close([NAN, NAN, *_rolled(pairs, N, spread)], lines, rel=1e-7)
    assert lines.iloc[N + 2 :].isna().any()


def test_prices_that_stand_still_have_no_spread_at_all() -> None:
    assert RollSpread.over(pd.Series([100.1] * 30), window=5)["roll_spread"].iloc[7:].eq(0).all()


@pytest.mark.parametrize(
    ("two", "spread"), [((102.0, 98.0, 103.0, 99.0), 0.0157768506), ((101.0, 99.0, 101.0, 99.0), 0.02)]
)
def test_corwin_schultz_of_the_published_cases(two: tuple[float, ...], spread: float) -> None:
    assert spread_of_two(*two) == pytest.approx(spread, abs=1e-10)
    assert spread_of_two(two[2], two[3], two[0], two[1]) == spread_of_two(*two)


def test_corwin_schultz_averages_pairs_of_bars_with_trades() -> None:
    rows = zip(*(GAPPY[k].tolist() for k in ("high", "low", "volume")), strict=True)
    before: tuple[float, float] | None = None
    held: list[float] = []
    expected = []
    for high, low, volume in rows:
        if volume:
            if before:
                beta = math.log(high / low) ** 2 + math.log(before[0] / before[1]) ** 2
                gamma = math.log(max(high, before[0]) / min(low, before[1])) ** 2
                k = 3 - 2 * math.sqrt(2)
                alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
                held.append(max(2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)), 0.0))
            before = high, low
        expected.append(math.fsum(held[-N:]) / N if len(held) >= N else NAN)
    assert 0 in held
    _close(expected, CorwinSchultz.over(GAPPY, window=N)["corwin_schultz"])


def test_realised_volatility_is_the_root_of_summed_squares() -> None:
    squares = [r * r for r in _changes(GAPPY, log=True)]
    expected = [NAN, *(math.sqrt(v) for v in _rolled(squares, N, math.fsum))]
    _close(expected, RealizedVol.over(GAPPY, window=N)["realized_vol"])


def test_realised_volatility_between_trades_adds_up_the_bars_own() -> None:
    squares = [v * v for v in BARS["realized_vol"].tolist()]
    expected = [math.sqrt(v) for v in _rolled(squares, N, math.fsum)]
    _close(expected, RealizedVol.over(BARS, window=N, returns="trades")["realized_vol"])


def test_bipower_variation_is_its_definition() -> None:
    moves = [abs(r) for r in _changes(GAPPY, log=True)]
    expected = _rolled(moves, N, lambda part: math.pi / 2 * math.fsum(a * b for a, b in pairwise(part)))
    _close([NAN, *expected], BipowerVariation.over(GAPPY, window=N)["bipower_variation"])


def test_a_single_jump_is_in_realised_volatility_and_not_in_bipower_variation() -> None:
    close = pd.Series(100 * np.exp([0.0] * 10 + [0.1] * 10))
    assert RealizedVol.over(close, window=15)["realized_vol"].iloc[-1] == pytest.approx(0.1, rel=1e-9)
    assert BipowerVariation.over(close, window=15)["bipower_variation"].iloc[-1] == 0


def test_parkinsons_volatility_is_its_definition() -> None:
    squares = (np.log(GAPPY["high"] / GAPPY["low"]) ** 2).tolist()
    expected = [math.sqrt(v / N / (4 * math.log(2))) for v in _rolled(squares, N, math.fsum)]
    _close(expected, Parkinson.over(GAPPY, window=N)["parkinson"])


def test_a_spike_that_left_the_window_leaves_no_trace_in_a_regression() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=300), rng.normal(size=300)
    x[50], y[60] = 1e12, -1e12
    state, n = np.zeros(pair_size(30)), 30
    for i in range(300):
        pair_push(state, 0, n, x[i], y[i])
        if i >= 90:
            part = slice(i - n + 1, i + 1)
            mx, my = math.fsum(x[part]) / n, math.fsum(y[part]) / n
            dx, dy = x[part] - mx, y[part] - my
            expected = (n, mx, my, math.fsum(dx * dx), math.fsum(dy * dy), math.fsum(dx * dy))
            np.testing.assert_allclose(pair_moments(state, 0), expected, rtol=1e-9, atol=1e-12)

"""The footprint family against definitions in plain Python; imbalances have a file of their own."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tapeflow.checks.indicator_laws import broken, laws
from tapeflow.checks.synthetic_markets import mirrored, upside_down
from tapeflow.core.bars import Bars
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.kernels import step
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.absorption import Absorption
from tapeflow.indicators.delta_divergence import DeltaDivergence
from tapeflow.indicators.diagonal_imbalance import DiagonalImbalance
from tapeflow.indicators.exhaustion import Exhaustion
from tapeflow.indicators.framework.base import Indicator, Line
from tapeflow.indicators.stacked_imbalance import StackedImbalance
from tapeflow.indicators.sweep import Sweep
from tapeflow.indicators.unfinished_auction import UnfinishedAuction
from tapeflow.tests.helpers.footprints import GAPPY, LIVE, SIZE, agree, rows_of, runs_of

# Unfinished auctions.


@pytest.mark.parametrize(("least", "lookback"), [(0.0, 240), (0.01, 5)])
def test_unfinished_auctions_wait_until_price_is_back(least: float, lookback: int) -> None:
    waiting: list[tuple[int, int]] = []
    expected = []
    for i, rows in enumerate(rows_of(GAPPY)):
        both = [row for row, sides in rows.items() if min(sides) > 0 and min(sides) >= least * (1 - 1e-9)]
        high, low = (edge in both for edge in ((max(rows), min(rows)) if rows else (None, None)))
        if rows:
            waiting = [(born, row) for born, row in waiting if not min(rows) <= row <= max(rows)]
        waiting += [(i, row) for row in {*([max(rows)] if high else []), *([min(rows)] if low else [])}]
        waiting = [(born, row) for born, row in waiting if born > i - lookback]
        here, known = int(GAPPY["close"][i] // SIZE), [row for _, row in waiting]
        above, below = (
            min((r for r in known if r > here), default=math.nan),
            max((r for r in known if r < here), default=math.nan),
        )
        expected.append([high, low, above * SIZE, below * SIZE, len(known)])
    lines = UnfinishedAuction.over(GAPPY, min_volume=least, lookback=lookback)
    agree(expected, lines)
    assert lines["high"].sum() > 10


# Thresholds that look back.


def _level(values: list[float], how: dict[str, Any], window: int, k: float, percentile: float) -> float:
    kind = how.get("threshold", "mean")
    if kind == "absolute":
        return float(how["amount"])
    if len(values) < window:
        return math.nan
    last = values[-window:]
    if kind == "mean":
        return float(how.get("k", k)) * math.fsum(last) / window
    return float(np.percentile(last, how.get("percentile", percentile), method="inverted_cdf"))


_HOW = [{}, {"k": 0.7}, {"threshold": "percentile", "percentile": 60.0}, {"threshold": "absolute", "amount": 0.06}]


@pytest.mark.parametrize("how", _HOW, ids=str)
@pytest.mark.parametrize("progress", [0.0, 1.5])
def test_absorption_is_a_heavy_delta_without_progress(how: dict[str, Any], progress: float) -> None:
    window, seen, expected = 25, [], []
    for i, rows in enumerate(rows_of(GAPPY)):
        delta = math.fsum(b for b, _ in rows.values()) - math.fsum(s for _, s in rows.values())
        level = _level(seen, how, window, 2.0, 95.0)
        moved = math.copysign(1, delta) * (GAPPY["close"][i] - GAPPY["open"][i])
        flagged = abs(delta) >= level * (1 - 1e-9) and moved <= progress * SIZE
        flag = -math.copysign(1, delta) if flagged else 0.0
        expected.append([flag, abs(delta) / level] if level == level else [math.nan] * 2)
        seen += [abs(delta)] if rows else []
    lines = Absorption.over(GAPPY, window=window, progress=progress, **how)
    first = Absorption.warmup(**Absorption.resolve({"window": window, **how})) - 1
    assert first == (0 if "amount" in how else window)
    agree(expected, lines)
    assert (lines["flag"] != 0).iloc[first:].sum() > 3


@pytest.mark.parametrize("how", [{"k": 0.8}, {"threshold": "percentile", "percentile": 45.0}, _HOW[3]], ids=str)
@pytest.mark.parametrize(("lookback", "height"), [(3, 1), (8, 4)])
def test_exhaustion_is_an_extreme_without_aggressors(how: dict[str, Any], lookback: int, height: int) -> None:
    window, tops, bottoms, edges, expected = 20, [], [], [], []
    for i, rows in enumerate(rows_of(GAPPY)):
        bought = math.fsum(b for row, (b, _) in rows.items() if row > max(rows) - height)
        sold = math.fsum(s for row, (_, s) in rows.items() if row < min(rows) + height)
        levels = _level(tops, how, window, 0, 0), _level(bottoms, how, window, 0, 0)
        high, low = float(GAPPY["high"][i]), float(GAPPY["low"][i])
        if any(v != v for v in levels) or len(edges) < lookback:
            expected.append([math.nan] * 2)
        else:
            buyers = high > max(h for h, _ in edges[-lookback:]) and 0 < levels[0] >= bought * (1 - 1e-9)
            sellers = low < min(x for _, x in edges[-lookback:]) and 0 < levels[1] >= sold * (1 - 1e-9)
            lacks = [1 - bought / levels[0] if buyers else -1, 1 - sold / levels[1] if sellers else -1]
            flag = 0 if not rows or lacks[0] == lacks[1] else (-1 if lacks[0] > lacks[1] else 1)
            expected.append([flag, max(lacks) if flag else 0])
        if rows:
            tops, bottoms, edges = [*tops, bought], [*bottoms, sold], [*edges, (high, low)]
    lines = Exhaustion.over(GAPPY, window=window, lookback=lookback, rows=height, **how)
    agree(expected[max(window, lookback) :], lines.iloc[max(window, lookback) :])
    assert set(lines["flag"].dropna()) == {-1, 0, 1}


@pytest.mark.parametrize("how", [{"k": 0.3}, {"threshold": "percentile", "percentile": 20.0}, _HOW[3]], ids=str)
@pytest.mark.parametrize(("least", "share"), [(1, 0.7), (2, 0.9), (3, 0.6)])
def test_a_sweep_is_the_heaviest_one_sided_run(how: dict[str, Any], least: int, share: float) -> None:
    window, seen, expected = 25, [], []
    for rows in rows_of(GAPPY):
        level = _level(seen, how, window, 1.0, 75.0)
        runs = []
        for side in (0, 1):
            own = [r for r, v in sorted(rows.items()) if v[side] > 0 and v[side] >= (share - 1e-9) * sum(v)]
            runs += [
                (math.fsum(rows[r][side] for r in range(a, b + 1)), 1 - 2 * side, a, b) for a, b in runs_of(own, least)
            ]
        best = max(runs, default=(0.0, 0, 0, 0))
        if level != level:
            expected.append([math.nan] * 4)
        elif best[0] >= level * (1 - 1e-9) and best[0] > 0:
            expected.append([best[1], best[0] / level, best[2] * SIZE, best[3] * SIZE])
        else:
            expected.append([0, best[0] / level, math.nan, math.nan])
        seen += [math.fsum(b + s for b, s in rows.values())] if rows else []
    lines = Sweep.over(GAPPY, window=window, rows=least, share=share, **how)
    agree(expected, lines)
    assert set(lines["flag"].dropna()) == {-1, 0, 1}


# Divergence.


def _plain_divergence(bars: Bars, pivot: int, reach: int, measure: str, how: dict[str, Any], window: int) -> list[Any]:
    delta = (bars["taker_buy_volume"] - bars["taker_sell_volume"]).tolist()
    against = np.cumsum(delta).tolist() if measure == "cvd" else delta
    traded = bars["volume"] > 0
    expected: list[Any] = []
    last: dict[int, int] = {}
    for t in range(len(bars)):
        gaps = {1: math.nan, -1: math.nan}
        for sign, line in ((1, bars["high"]), (-1, -bars["low"])):
            bar = t - pivot
            if bar < pivot:
                continue
            if line[bar] > max(line[bar - pivot : bar]) and line[bar] >= max(line[bar + 1 : t + 1]):
                before = last.get(sign)
                if before is not None and bar - before <= reach and line[bar] > line[before]:
                    gaps[sign] = sign * (against[before] - against[bar])
                last[sign] = bar
        level = _level([abs(d) for d, ok in zip(delta[:t], traded[:t], strict=True) if ok], how, window, 1.0, 75.0)
        if level != level:
            expected.append([math.nan] * 2)
            continue
        told = {sign: gap for sign, gap in gaps.items() if gap >= level * (1 - 1e-9)}
        if told:
            sign = max(told, key=lambda k: told[k])
            expected.append([-sign, told[sign] / level])
        else:
            expected.append([0.0, 0.0])
    return expected


@pytest.mark.parametrize("how", [{}, {"threshold": "percentile", "percentile": 30.0}, _HOW[3]], ids=str)
@pytest.mark.parametrize(("pivot", "reach", "measure"), [(1, 60, "cvd"), (2, 9, "delta"), (3, 60, "delta")])
def test_divergence_is_its_definition(how: dict[str, Any], pivot: int, reach: int, measure: str) -> None:
    lines = DeltaDivergence.over(GAPPY, pivot=pivot, reach=reach, measure=measure, window=30, **how)
    agree(_plain_divergence(GAPPY, pivot, reach, measure, how, 30), lines)
    assert lines["flag"].abs().sum() > 3


def _walk(highs: list[float], deltas: list[float]) -> Bars:
    n = len(highs)
    opens = 60_000_000 * np.arange(n)
    d = np.array(deltas)
    return Bars.of(
        open_time=opens,
        close_time=opens + 60_000_000,
        high=highs,
        low=np.array(highs) - 1,
        taker_buy_volume=np.maximum(d, 0),
        taker_sell_volume=np.maximum(-d, 0),
        volume=np.abs(d),
    )


def test_a_divergence_is_stamped_when_its_pivot_is_confirmed_and_not_at_the_pivot() -> None:
    highs = [1, 2, 5, 3, 2, 3, 6, 4, 3]
    bars = _walk(highs, [1, 1, 4, -2, -2, 1, 1, -1, -1])
    flags = DeltaDivergence.over(bars, pivot=2, threshold="absolute", amount=1.0)["flag"].tolist()
    assert flags == [0, 0, 0, 0, 0, 0, 0, 0, -1]


def test_a_reset_forgets_pivots_and_delta() -> None:
    bars = _walk([1, 5, 1, 1, 6, 1], [1, 9, -9, 1, 1, -1])
    flagged = DeltaDivergence.over(bars, pivot=1, threshold="absolute", amount=1.0)["flag"].tolist()
    assert flagged[-1] == -1
    reset = DeltaDivergence.over(bars, pivot=1, threshold="absolute", amount=1.0, reset="3m")["flag"].tolist()
    assert reset == [0] * 6


def test_divergence_needs_no_trades_and_the_other_kinds_refuse_klines() -> None:
    klines = sample_bars(100, klines=True)
    assert np.isfinite(DeltaDivergence.table(klines)[:, 60:]).all()
    for kind in (DiagonalImbalance, StackedImbalance, UnfinishedAuction, Absorption, Exhaustion, Sweep):
        with pytest.raises(InputError, match=rf"{kind.__name__} reads 'levels'.*set row_size on a feed of trades"):
            kind.over(klines)


@pytest.mark.parametrize("kind", [Absorption, Exhaustion, Sweep, DeltaDivergence])
def test_an_amount_belongs_to_an_absolute_threshold(kind: Any) -> None:
    with pytest.raises(ParamError, match="amount must be given with threshold absolute"):
        kind.over(LIVE, threshold="absolute")
    with pytest.raises(ParamError, match="amount has no meaning unless threshold is absolute"):
        kind.over(LIVE, amount=1.0)


def test_a_row_size_that_cuts_rows_is_refused() -> None:
    with pytest.raises(InputError, match="Sweep: row_size 7 is no whole multiple of the 5 of sample"):
        Sweep.over(LIVE, row_size=7)


# The law of mirrors for what tells up from down.


def test_upside_down_twice_is_the_same_market() -> None:
    once, top = upside_down(LIVE)
    twice, again = upside_down(once)
    shift = again - top
    assert np.array_equal(twice["high"], LIVE["high"] + shift)
    assert np.array_equal(once["high"] >= once["low"], np.ones(len(LIVE), bool))
    assert LIVE.levels is not None
    assert twice.levels is not None
    assert np.array_equal(twice.levels.price_tick * 0.5, LIVE.levels.price_tick * 0.5 + shift)


@step
def _up_bought(p: Any, x: Any, s: Any, y: Any) -> None:
    y[0] = (x[0] - x[1]) * x[2]


class _OneEyed(Indicator):
    lines = ("x",)
    inputs = ("close", "low", "taker_buy_volume")
    measures = {"x": Line("planted", price=1, size=1)}
    mirror = "book"
    step = _up_bought


def test_a_kind_that_sees_one_side_only_breaks_the_mirror_of_the_book() -> None:
    wrong = [str(v) for v in broken(_OneEyed, dict(laws())["mirrors"], {})]
    assert wrong
    assert "prices upside down" in wrong[0]


def test_bases_of_kinds_are_no_kinds() -> None:
    assert "FootprintKind" not in INDICATORS
    assert {"DiagonalImbalance", "StackedImbalance", "UnfinishedAuction"} <= set(INDICATORS)


def test_a_mirrored_market_has_mirrored_stacks() -> None:
    other, top = upside_down(mirrored(replace(LIVE)))
    here, there = (StackedImbalance.over(b, stack=1, zero="infinite") for b in (LIVE, other))
    assert here["buy_stacks"].tolist() == there["sell_stacks"].tolist()
    assert np.array_equal(top - SIZE - here["buy_low1"], there["sell_high1"], equal_nan=True)

"""What a study came to: the part that was left out first, then what it was chosen by, and how far the two differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from ...backtest.results.intervals import sharpe_interval
from ...backtest.results.statistics import YEAR_DAYS
from ..sweep.journal import Done
from ..sweep.points import Point
from .formula import Choice
from .marks import Floats, figures_of_days
from .splits import Chosen
from .windows import Plan

_YEAR = math.sqrt(YEAR_DAYS)


def outside(days: Sequence[Any], made: Floats, seed: int) -> dict[str, Any]:
    """Figures of the stitched days out of sample, with the interval of their Sharpe ratio where one holds."""
    figures: dict[str, Any] = figures_of_days(made, 0)
    del figures["trades"]
    found = sharpe_interval(made, seed=seed) if len(made) else None
    ends = [_YEAR * found.low, _YEAR * found.high] if found is not None else None
    return {**figures, "days": len(days), "sharpe_interval": ends, "block": found.block if found is not None else None}


def inside(chosen: Sequence[Chosen]) -> dict[str, float]:
    """What the choices were worth where they were made, on average over the folds."""
    own = [one.figures[one.point] for one in chosen if one.point is not None]
    return {name: _mean(one.get(name) for one in own) for name in ("sharpe", "return_pct", "max_drawdown_pct")}


def by_fold(chosen: Sequence[Chosen]) -> dict[str, float]:
    """The same out of sample."""
    own = [one.outside for one in chosen if one.point is not None and one.outside]
    return {name: _mean(one.get(name) for one in own) for name in ("sharpe", "return_pct", "max_drawdown_pct")}


def stability(
    chosen: Sequence[Chosen], points: Sequence[Point], whole: Mapping[int, Done], choice: Choice, best: int | None
) -> dict[str, Any]:
    """How often the folds chose the same, and what the neighbours of the final choice are worth."""
    numbers = [one.point for one in chosen]
    known = [one for one in numbers if one is not None]
    made: dict[str, Any] = {
        "folds": len(numbers),
        "without_choice": len(numbers) - len(known),
        "distinct": len(set(known)),
        "same_as_before": sum(a == b for a, b in pairwise(numbers) if a is not None),
    }
    if best is not None:
        near = neighbours(points, best)
        scores = [choice.score(whole[number].row) for number in near if not whole[number].error]
        good = [score for score in scores if not math.isnan(score)]
        made["best_score"] = choice.score(whole[best].row)
        made["neighbours"] = len(near)
        made["neighbours_median"] = median(good) if good else math.nan
        made["neighbours_lowest"] = min(good) if good else math.nan
    return made


def neighbours(points: Sequence[Point], number: int) -> list[int]:
    """Points of those tried that are one step of one axis away."""
    by_number = {point.number: point.values for point in points}
    places = _places(by_number)
    own = places[number]
    return [other for other, place in places.items() if sum(abs(a - b) for a, b in zip(own, place, strict=True)) == 1]


def _places(values: Mapping[int, Mapping[str, Any]]) -> dict[int, tuple[int, ...]]:
    """Where each point stands on each path, counted in the order in which its values are tried."""
    orders: dict[str, dict[str, int]] = {}
    for own in values.values():
        for path, value in own.items():
            seen = orders.setdefault(path, {})
            seen.setdefault(repr(value), len(seen))
    return {number: tuple(orders[path][repr(value)] for path, value in own.items()) for number, own in values.items()}


def overfit(chosen: Sequence[Chosen]) -> dict[str, int] | None:
    """In how many folds the choice did worse than the middle point where it was left out: a description, no test."""
    known = [one for one in chosen if one.point is not None and not math.isnan(one.middle)]
    if not known:
        return None
    worse = sum(not one.outside.get("sharpe", math.nan) >= one.middle for one in known)
    return {"worse_than_middle": worse, "folds": len(known)}


def plan_words(plan: Plan) -> dict[str, Any]:
    """The parts of the data, as text."""
    return {"whole": plan.whole.words(), "holdout": None if plan.holdout is None else plan.holdout.words()}


def _mean(values: Any) -> float:
    known = [float(v) for v in values if isinstance(v, int | float) and v == v]
    return fmean(known) if known else math.nan

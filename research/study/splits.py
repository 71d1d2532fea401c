"""What is chosen for each fold of a study, and what became of it on the part that was left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..sweep.journal import Done
from ..sweep.points import Point
from .execution import Execution
from .formula import Choice
from .marks import LONGEST, MARKS, Floats, figures_of_days, joined, plain, series_of
from .windows import Fold, Plan, Window


@dataclass
class Chosen:
    """A fold with its choice.

    Parameters
    ----------
    fold : Fold
        Its parts, what was chosen on already purged.
    scores : dict of int to float
        What each point was worth where it was chosen on, by its number; NaN for one that does not qualify.
    figures : dict of int to dict
        The figures behind them.
    point : int or None
        The best; None where none qualifies: then nothing is traded.
    tested : list of Done
        What the choice came to on each part that was left out.
    middle : float
        What the middle point was worth on the part that was left out, where every point ran there; else NaN.
    """

    fold: Fold
    scores: dict[int, float]
    figures: dict[int, dict[str, Any]]
    point: int | None
    tested: list[Done]
    middle: float = math.nan

    @property
    def days(self) -> tuple[Any, Floats]:
        """Days and returns out of sample; none where nothing was traded."""
        return joined(series_of(one.row[MARKS]) for one in self.tested if not one.error)

    @property
    def outside(self) -> dict[str, Any]:
        """Figures out of sample: of the run, or of the days of several."""
        ran = [one for one in self.tested if not one.error]
        if len(ran) == 1:
            return plain(ran[0].row)
        return figures_of_days(self.days[1], sum(int(one.row["trades"]) for one in ran)) if ran else {}


def walked(
    run: Execution,
    tried_on: Callable[[Window], tuple[list[Point], dict[int, Done]]],
    plan: Plan,
    choice: Choice,
    purge: int | str,
) -> list[Chosen]:
    """Choose on one part, run the choice on the next, and so on.

    ``tried_on`` gives the points that are tried on a part, and what they come to. ``purge: auto`` is the longest trade
    of any point in the first part that is chosen on, for every fold: nothing that comes later moves it.
    """
    gap = _gap(tried_on(plan.folds[0].train[0])[1]) if purge == "auto" else int(purge)
    made = []
    for fold in plan.folds:
        (train,), (test,) = fold.train, fold.test
        part = Window(train.start, max(train.start, test.start - gap))
        points, ended = tried_on(part) if part.end > part.start else ([], {})
        figures = {number: plain(one.row) for number, one in ended.items() if not one.error}
        best = choice.best(figures)
        chosen = [point for point in points if point.number == best]
        tested = [*run.run(chosen, test, "fold").values()]
        scores = {number: choice.score(one) for number, one in figures.items()}
        made.append(Chosen(Fold((part,), fold.test), scores, figures, best, tested))
    return made


def parted(
    run: Execution, points: Sequence[Point], plan: Plan, choice: Choice, purge: int | str
) -> tuple[list[Chosen], int]:
    """Choose on all parts but some, for every fold; also how long is left out between parts, in µs.

    Each point runs once on each part, flat at its beginning, on indicators that are warm. What it is worth on several
    is taken of the daily returns of all, those left out that lie nearer than the purge to a part that is kept back.
    """
    windows = sorted({window for fold in plan.folds for window in (*fold.train, *fold.test)})
    ended = {window: run.run(points, window, "fold") for window in windows}
    every = [one for by_point in ended.values() for one in by_point.values()]
    gap = _gap(dict(enumerate(every))) if purge == "auto" else int(purge)
    return [_chosen(fold, ended, points, choice, gap) for fold in plan.folds], gap


def _chosen(
    fold: Fold, ended: Mapping[Window, Mapping[int, Done]], points: Sequence[Point], choice: Choice, gap: int
) -> Chosen:
    figures, outside = {}, {}
    for number in (point.number for point in points):
        train = [(window, ended[window][number]) for window in fold.train]
        test = [ended[window][number] for window in fold.test]
        if any(one.error for one in (*(one for _, one in train), *test)):
            continue
        figures[number] = _figures(train, fold.test, gap)
        made = joined(series_of(one.row[MARKS]) for one in test)[1]
        outside[number] = figures_of_days(made, sum(int(one.row["trades"]) for one in test))
    best = choice.best(figures)
    scores = {number: choice.score(one) for number, one in figures.items()}
    tested = [] if best is None else [ended[window][best] for window in fold.test]
    known = sorted(one["sharpe"] for one in outside.values() if one["sharpe"] == one["sharpe"])
    middle = known[len(known) // 2] if known else math.nan
    return Chosen(fold, scores, figures, best, tested, middle)


def _figures(train: Sequence[tuple[Window, Done]], test: Sequence[Window], gap: int) -> dict[str, Any]:
    """Of the daily returns of several parts, without those that are too near to a part that is left out."""
    kept = []
    for _, one in train:
        days, made = series_of(one.row[MARKS])
        far = [~((days >= _day(part.start - gap)) & (days < _day(part.end + gap))) for part in test]
        keep = math.prod(far, start=days == days)
        kept.append((days[keep], made[keep]))
    return figures_of_days(joined(kept)[1], sum(int(one.row["trades"]) for _, one in train))


def _day(time: int) -> float:
    return time / 86_400_000_000


def _gap(ended: Mapping[int, Done]) -> int:
    return max((int(one.row[LONGEST]) for one in ended.values() if not one.error), default=0)

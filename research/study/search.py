"""The points that a study tries: all, some that are drawn, or some that each batch leads to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...configs.research_block import Search
from ...configs.sweep_block import Axis
from ...core.errors import PluginError
from ..sweep.journal import Done
from ..sweep.points import Grid, Point
from .execution import Execution
from .formula import Choice
from .windows import Window


def drawn(grid: Grid, search: Search) -> list[int]:
    """Numbers of the points that are tried whatever they come to, in the order of the grid."""
    if search.random is None or search.random >= grid.size:
        return [*range(1, grid.size + 1)]
    made = np.random.default_rng(search.seed).choice(grid.size, search.random, replace=False)
    return sorted(int(i) + 1 for i in made)


class TpeSearch:
    """Points that are asked for in batches, each led by what those before it were worth on one part of the data.

    Asked and told in order, so that the same seed and batch size give the same points for any number of processes, and
    for a search that was stopped. Each part is searched from the beginning: what is tried on one knows nothing of
    another.

    Parameters
    ----------
    grid : Grid
        Where the points lie.
    search : Search
        How many, in batches of how many.
    choice : Choice
        What they are worth.
    run : Execution
        Runs them.

    Raises
    ------
    PluginError
        If Optuna is not installed.

    References
    ----------
    Bergstra, Bardenet, Bengio, Kegl (2011), Algorithms for hyper-parameter optimization, NeurIPS 24.
    """

    def __init__(self, grid: Grid, search: Search, choice: Choice, run: Execution) -> None:
        self._optuna = _optuna()
        self._grid, self._search, self._choice, self._run = grid, search, choice, run
        self.visited: dict[int, Point] = {}

    def on(self, window: Window) -> tuple[list[Point], dict[int, Done]]:
        """The points that are tried on a part, in the order of the grid, and what they come to."""
        study = self._study()
        total, left = int(self._search.tpe or 0), self._space()
        ended: dict[int, Done] = {}
        for first in range(0, total, self._search.batch):
            asked = [study.ask(left) for _ in range(min(self._search.batch, total - first))]
            numbers = [self._grid.number([trial.params[name] for name in left]) for trial in asked]
            fresh = [self._point(number) for number in sorted({*numbers} - ended.keys())]
            ended |= self._run.run(fresh, window, "trial")
            for trial, number in zip(asked, numbers, strict=True):
                worth = self._choice.score({} if ended[number].error else ended[number].row)
                failed = self._optuna.trial.TrialState.FAIL if worth != worth else None
                study.tell(trial, None if failed else worth, state=failed)
        return [self.visited[number] for number in sorted(ended)], {n: ended[n] for n in sorted(ended)}

    def _study(self) -> Any:
        sampler = self._optuna.samplers.TPESampler(seed=self._search.seed)
        return self._optuna.create_study(direction="maximize", sampler=sampler)

    def _space(self) -> dict[str, Any]:
        """Steps of each axis: in order where its values are numbers that rise or fall, else one as good as another."""
        kinds, made = self._optuna.distributions, {}
        for i, axis in enumerate(self._grid.axes):
            last = len(axis.values) - 1
            ordered = kinds.IntDistribution(0, last) if _in_order(axis) else None
            made[f"{i}"] = ordered or kinds.CategoricalDistribution([*range(last + 1)])
        return made

    def _point(self, number: int) -> Point:
        if number not in self.visited:
            self.visited[number] = self._grid.point(number)
        return self.visited[number]


def _in_order(axis: Axis) -> bool:
    """Whether the values of an axis rise, or fall, so that its steps have neighbours.

    >>> _in_order(Axis(("a",), ((1,), (2,), (5,)))), _in_order(Axis(("a",), (("x",), ("y",))))
    (True, False)
    """
    numbers = [value for (value, *_) in axis.values]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        return False
    steps = np.diff(numbers)
    return bool((steps > 0).all() or (steps < 0).all())


def _optuna() -> Any:
    try:
        import optuna  # an extra that few studies need
    except ImportError:
        raise PluginError("research.search.tpe needs Optuna: pip install 'tapeflow[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna

"""The runs of a sweep: each a whole config, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...configs.document import Document
from ...configs.errors import Mistake, MistakesError
from ...configs.loader import checked
from ...configs.models import RunConfig
from ...configs.overrides import written
from ...configs.sweep_block import axes, key_path, points
from ...core.errors import ConfigError

MOST_TOLD = 10
"""Mistakes that are told one by one; a value that is wrong is wrong in many runs."""


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Parameters
    ----------
    number : int
        From 1, in the order of the grid.
    values : dict
        What sets it apart, by dotted path.
    config : RunConfig
        The whole run, without a sweep.
    """

    number: int
    values: dict[str, Any]
    config: RunConfig

    @property
    def name(self) -> str:
        """How errors call it.

        >>> from tapeflow.configs.models import RunConfig
        >>> Point(3, {"sizer.percent": 5}, RunConfig.model_construct()).name
        'point 3 (sizer.percent=5)'
        """
        return _called(self.number, self.values)


def points_of(config: RunConfig, origin: str = "sweep") -> list[Point]:
    """Every run of the sweep of ``config``, each checked as a config of its own.

    Parameters
    ----------
    config : RunConfig
        With a ``sweep``.
    origin : str
        What errors call it: the file's path.

    Raises
    ------
    MistakesError
        Everything wrong with any of them, each mistake once, with the first run that has it.
    ConfigError
        If the config has no sweep.
    """
    if config.sweep is None:
        raise ConfigError(f"{origin}: has no sweep, as in sweep: {{sizer.percent: [5, 10]}}")
    made: list[Point] = []
    told: dict[tuple[str, str], Mistake] = {}
    for number, values in enumerate(points(config.sweep), 1):
        try:
            made.append(Point(number, values, _config(config, values)))
        except MistakesError as err:
            for mistake in err.mistakes:
                where = f"{origin}: sweep: {_called(number, values)}"
                told.setdefault((mistake.key, mistake.text), Mistake(where, mistake.key, mistake.text))
    if told:
        raise MistakesError(list(_shortened([*told.values()])))
    return made


class Grid:
    """The runs of a sweep by their number, each made when it is asked for.

    Parameters
    ----------
    config : RunConfig
        With a ``sweep``.
    origin : str
        What errors call it.
    """

    def __init__(self, config: RunConfig, origin: str = "sweep") -> None:
        if config.sweep is None:
            raise ConfigError(f"{origin}: has no sweep, as in sweep: {{sizer.percent: [5, 10]}}")
        self._config, self._origin, self.axes = config, origin, axes(config.sweep)
        self.sizes = [len(axis.values) for axis in self.axes]
        self.size = math.prod(self.sizes)

    def number(self, places: Sequence[int]) -> int:
        """The number of the run with these steps of each axis; the last axis changes fastest."""
        made = 0
        for place, size in zip(places, self.sizes, strict=True):
            made = made * size + place
        return made + 1

    def point(self, number: int) -> Point:
        """A run, checked as a config of its own.

        Raises
        ------
        MistakesError
            Everything wrong with it.
        """
        left, places = number - 1, []
        for size in reversed(self.sizes):
            left, place = divmod(left, size)
            places.append(place)
        values: dict[str, Any] = {}
        for axis, place in zip(self.axes, reversed(places), strict=True):
            values.update(zip(axis.paths, axis.values[place], strict=True))
        try:
            return Point(number, values, _config(self._config, values))
        except MistakesError as err:
            where = f"{self._origin}: sweep: {_called(number, values)}"
            raise MistakesError([Mistake(where, one.key, one.text) for one in err.mistakes]) from None


def _config(config: RunConfig, values: dict[str, Any]) -> RunConfig:
    """The config of one run, from what the YAML held, so that defaults follow from what the run sets."""
    raw: Any = dict(config.given) or config.resolved()
    raw.pop("sweep", None)
    raw.pop("research", None)
    for path, value in values.items():
        try:
            raw = written(raw, key_path(path), value)
        except ValueError as err:
            raise MistakesError([Mistake("", path, str(err))]) from None
    return as_swept(checked(Document("sweep", "", raw), config.folder, name=config.name))


def as_swept(config: RunConfig) -> RunConfig:
    """``config`` as a sweep runs it: what an edge survives, which takes dozens of runs, is looked for if asked for."""
    fills = config.fills
    if not fills.tape or "survival" in fills.model_fields_set:
        return config
    return config.model_copy(update={"fills": fills.model_copy(update={"survival": False})})


def _called(number: int, values: dict[str, Any]) -> str:
    return f"point {number} ({', '.join(f'{path}={value}' for path, value in values.items())})"


def _shortened(mistakes: list[Mistake]) -> Iterator[Mistake]:
    yield from mistakes[:MOST_TOLD]
    if len(mistakes) > MOST_TOLD:
        yield Mistake("", "", f"… and {len(mistakes) - MOST_TOLD:,} more mistakes in the sweep")

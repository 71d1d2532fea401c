"""Runs a sweep: data read once, points run here or in several processes, finished ones kept as they come."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ...backtest.inputs.read import Progress, Source, read_all, wanted
from ...backtest.results.lock import reads_of_run
from ...backtest.results.trial import Trial, read_trial, write_trial
from ...configs.models import RunConfig
from ...core.bars import Bars
from ...core.clock import DAY
from ...core.plugins.watch import Seen, seeing
from ..ledger import Finished, Known, Ledger, PointCounter
from .folder import check_folder, entered, finish, is_finished, make_sweep_lock, read_table
from .journal import Done, Journal
from .names import check_figure
from .points import Point, as_swept, points_of
from .progress import Pace
from .workers import Workers, here, processors, write_bars

UNCOUNTED = Ledger(None, "it was not asked for")
PATIENCE = 1.0
"""Seconds after which other processes are worth starting, which takes each as long as that."""


@dataclass(frozen=True)
class Swept:
    """A finished sweep.

    Parameters
    ----------
    folder : Path
        Where points.parquet and sweep.yaml lie.
    points : list of Point
        Every run, in the order of the grid.
    done : dict of int to Done
        What each came to, by its number.
    days : int
        Fewest days of UTC that the bars of any point lie in.
    trial : Trial or None
        What the ledger said of the last point that ran; None where none did.
    counters : mapping of int to PointCounter
        What knows of all trials on the data of a point, by its number.
    """

    folder: Path
    points: list[Point]
    done: dict[int, Done]
    days: int
    trial: Trial | None = None
    counters: Mapping[int, PointCounter] = field(default_factory=dict)

    @cached_property
    def others(self) -> Known:
        """Every other trial that the ledger knows on the same data."""
        own = {counter.trial(point.config) for point, counter in self._counted()}
        own |= {trial for counter in dict.fromkeys(self.counters.values()) for trial in counter.counted}
        made = Known({}, {}, frozenset())
        for counter in dict.fromkeys(self.counters.values()):
            made = made.joined(counter.known())
        return made.but(own)

    def _counted(self) -> Iterator[tuple[Point, PointCounter]]:
        return ((point, self.counters[point.number]) for point in self.points if point.number in self.counters)

    @property
    def failed(self) -> list[Done]:
        """Those that could not be run."""
        return [one for _, one in sorted(self.done.items()) if one.error]


@dataclass
class _Group:
    """Points that read the same bars."""

    points: list[Point]
    sources: dict[str, Source]
    counter: PointCounter


def sweep(
    config: RunConfig,
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    origin: str = "sweep",
    figure: str = "",
    ledger: Ledger | None = None,
) -> Swept:
    """Run every point of the sweep of ``config``, or those that an earlier call left unfinished.

    The table is the same, byte for byte, for any number of processes and however often the sweep was stopped.

    Parameters
    ----------
    config : RunConfig
        With a ``sweep``.
    out : Path
        The folder to make, or to go on in: ``points.parquet`` with one row a point, ``sweep.yaml`` with what it
        depended on.
    jobs : int or None
        Processes; 1 is this one. None begins in this one, and goes on in as many as there are processors where that
        takes more than a second.
    progress : callable, optional
        Told in a few words what is being done.
    origin : str
        What errors call the config.
    figure : str
        One that the runs will be compared by; refused before the first of them if none has it.
    ledger : Ledger, optional
        Counts every point; none by default.

    Raises
    ------
    TapeflowError
        If a point is no legal run, no run has ``figure``, data cannot be read, or ``out`` holds something else. A
        point that fails while it runs does not end the sweep; its row says why.
    """
    say = progress or (lambda text: None)
    with seeing(Seen()):
        return _swept(config, out, jobs, say, origin, figure, ledger or UNCOUNTED)


def _swept(
    config: RunConfig, out: Path, jobs: int | None, say: Progress, origin: str, figure: str, ledger: Ledger
) -> Swept:
    check_folder(out)
    points = points_of(config, origin)
    if figure:
        check_figure(figure, (point.config for point in points))
    groups = _read(points, say, ledger)
    days = min(_days(group.sources[group.points[0].config.traded.name].bars) for group in groups)
    lock = make_sweep_lock(as_swept(config), [group.sources for group in groups], points)
    with entered(out, lock, config.folder):
        done = _finished(config, out, points, groups, jobs, say)
    counters = {point.number: group.counter for group in groups for point in group.points}
    trial = read_trial(out) if ledger.folder is not None else None
    trial = next((group.counter.last for group in reversed(groups) if group.counter.last is not None), trial)
    if trial is not None and trial.counted:
        write_trial(trial, out)
    return Swept(out, points, done, days, trial, counters)


def _finished(
    config: RunConfig, out: Path, points: list[Point], groups: list[_Group], jobs: int | None, say: Progress
) -> dict[int, Done]:
    """What every point comes to, those that an earlier call finished read from the folder."""
    journal = Journal(out)
    if is_finished(out):
        made = read_table(out)
        journal.remove()  # an interrupt between the last two steps leaves it
        return made
    done = {number: one for number, one in journal.read().items() if number <= len(points)}
    owners = {point.number: (point, group.counter) for group in groups for point in group.points}
    pace = Pace(len(points), len(done))
    with journal:
        for rows in _run(config, groups, done, jobs):
            _tell(owners, rows)
            journal.add(rows)
            done |= {row.number: row for row in rows}
            pace.add(len(rows))
            say(pace.line())
    finish(out, points, done, reads_of_run(as_swept(config)))
    journal.remove()
    return {number: one._replace(reads=None) for number, one in done.items()}


def _tell(owners: Mapping[int, tuple[Point, PointCounter]], rows: list[Done]) -> None:
    """Tell the ledger of points that ended, before anything else knows of them."""
    ended: dict[PointCounter, list[Finished]] = {}
    for row in rows:
        point, counter = owners[row.number]
        made = Finished(point.config, point.values, row.row, row.error, row.daily, row.reads)
        ended.setdefault(counter, []).append(made)
    for counter, several in ended.items():
        counter.count("point", several)


def _read(points: list[Point], say: Progress, ledger: Ledger = UNCOUNTED) -> list[_Group]:
    """The bars of every point; points that ask for the same share them."""
    groups: dict[str, _Group] = {}
    for point in points:
        asked = [_asked(point.config, name) for name in point.config.data]
        key = json.dumps(asked, default=str)
        if key not in groups:
            sources = read_all(point.config, say)
            groups[key] = _Group([], sources, PointCounter(ledger, point.config, sources))
        groups[key].points.append(point)
    return [*groups.values()]


def _days(bars: Bars) -> int:
    """How many days of UTC bars lie in."""
    return len(np.unique((bars["close_time"] - 1) // DAY))


def _asked(config: RunConfig, name: str) -> list[Any]:
    return [name, config.data[name].model_dump(mode="python"), wanted(config, name)]


def _run(config: RunConfig, groups: list[_Group], done: dict[int, Done], jobs: int | None) -> Iterator[list[Done]]:
    """What each point that is not done yet comes to, in any order."""
    groups = [replace(group, points=[p for p in group.points if p.number not in done]) for group in groups]
    if jobs is None:
        since, jobs = time.monotonic(), processors()
        for group in groups:
            for rows in here(group.points, group.sources):
                yield rows
                group.points = group.points[1:]
                if jobs > 1 and time.monotonic() - since > PATIENCE:
                    break
    groups = [group for group in groups if group.points]
    if jobs == 1:
        for group in groups:
            yield from here(group.points, group.sources)
    elif groups:
        yield from _elsewhere(config, groups, min(jobs, sum(len(group.points) for group in groups)))


def _elsewhere(config: RunConfig, groups: list[_Group], jobs: int) -> Iterator[list[Done]]:
    """The same in other processes, which map the bars from a file."""
    with (
        TemporaryDirectory(prefix="tapeflow-", ignore_cleanup_errors=True) as aside,
        Workers(jobs, config) as workers,
    ):
        for i, group in enumerate(groups):
            bars = Path(aside) / f"bars{i}"
            write_bars(group.sources, group.points, bars)
            yield from workers.run(group.points, bars)

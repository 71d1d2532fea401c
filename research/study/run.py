"""A study from its config to its folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...backtest.inputs.read import Progress, Source, read_all
from ...backtest.results.lock import reads_of_run
from ...backtest.results.trial import Trial, read_trial, write_trial
from ...configs.models import RunConfig
from ...configs.research_block import Research, Search
from ...core.clock import DAY
from ...core.errors import ConfigError, DataError
from ...core.plugins.watch import Seen, seeing
from ..ledger import Known, Ledger, PointCounter
from ..sweep.journal import Done, Journal
from ..sweep.names import figures_of
from ..sweep.points import Grid, Point, as_swept, points_of
from .execution import Execution
from .folder import check_folder, entered, make_study_lock, write
from .formula import Choice, Formula
from .marks import OF_DAYS, Floats, joined
from .search import TpeSearch, drawn
from .splits import Chosen, parted, walked
from .summary import by_fold, inside, outside, overfit, plan_words, stability
from .windows import Plan, Window, plan_of

UNCOUNTED = Ledger(None, "it was not asked for")


@dataclass
class Studied:
    """A finished study.

    Parameters
    ----------
    config : RunConfig
        What was asked.
    folder : Path
        Where its files lie.
    points : list of Point
        Those that were tried.
    plan : Plan
        How the data were parted.
    purge : int
        What was left out between parts, in µs.
    whole : dict of int to Done
        What each point came to on all but the hold-out, by its number.
    chosen : list of Chosen
        The choice of each fold.
    best : int or None
        What is chosen on all but the hold-out; None where no point qualifies.
    trial : Trial or None
        What the ledger said of the last run.
    others : Known
        Every other trial that the ledger knows on these data.
    summary : dict
        The content of summary.json.
    data : str
        The digest of the data.
    opened : str
        When their hold-out was opened, and by what; empty where it was not.
    """

    config: RunConfig
    folder: Path
    points: list[Point]
    plan: Plan
    purge: int
    whole: dict[int, Done]
    chosen: list[Chosen]
    best: int | None
    trial: Trial | None = None
    others: Known = field(default_factory=lambda: Known({}, {}, frozenset()))
    summary: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    opened: str = ""

    @property
    def block(self) -> Research:
        """What the study was asked."""
        return _block(self.config)

    @cached_property
    def stitched(self) -> tuple[Any, Floats]:
        """Days and returns out of sample, one fold after the other; days of a fold that traded nothing are 0.

        Empty for combined parts, which overlap.
        """
        if self.block.split.cpcv is not None:
            return joined([])
        return joined(one.days if one.tested else _idle(one.fold.test) for one in self.chosen)


def study(
    config: RunConfig,
    out: Path,
    *,
    jobs: int | None = None,
    resume: bool = False,
    ledger: Ledger | None = None,
    progress: Progress | None = None,
    origin: str = "research",
) -> Studied:
    """Run the study of ``config``, or what an earlier call left of it.

    The tables are the same, byte for byte, for any number of processes and however often it was stopped.

    Parameters
    ----------
    config : RunConfig
        With ``research`` and ``sweep``.
    out : Path
        The folder to make.
    jobs : int or None
        Processes; 1 is this one, None as many as there are processors.
    resume : bool
        Whether to go on in a folder that an earlier call left unfinished, or show one that is finished.
    ledger : Ledger, optional
        Counts every run; none by default.
    progress : callable, optional
        Told in a few words what is being done.
    origin : str
        What errors call the config.

    Raises
    ------
    TapeflowError
        If the config asks for something that is not there, the data are too short for the split, or ``out`` holds
        something else.
    """
    with seeing(Seen()):
        return _studied(config, out, jobs, ledger or UNCOUNTED, progress or (lambda text: None), origin, resume=resume)


def _studied(
    config: RunConfig, out: Path, jobs: int | None, ledger: Ledger, say: Progress, origin: str, *, resume: bool
) -> Studied:
    block = config.research
    if block is None:
        raise ConfigError(f"{origin}: has no research block, as in research: {{split: {{kfold: 8}}}}")
    check_folder(out, resume=resume)
    grid = Grid(config, origin)
    adaptive = block.search.tpe is not None
    points = [grid.point(1)] if adaptive else tried(grid, config, block.search, origin)
    choice = _choice(block, points)
    sources = _read(points, grid, say)
    bars = sources[config.traded.name].bars
    plan = plan_of(block, int(bars["open_time"][0]), int(bars["close_time"][-1]))
    counter = PointCounter(ledger, points[0].config, sources)
    lock = make_study_lock(as_swept(config), sources, points)
    lock["points"] = block.search.tpe or len(points)
    with entered(out, lock, config.folder):
        journal = Journal(out)
        done = journal.read()
        with journal, Execution(config, sources, counter, journal, done, jobs, say) as run:
            made = (_led if adaptive else _listed)(config, out, run, points, plan, choice, grid)
        made.summary = _summary(made, choice)
        write(out, made.points, made.whole, made.chosen, made.stitched, made.summary, reads_of_run(as_swept(config)))
    if counter.last is not None and counter.last.counted:
        write_trial(counter.last, out)
    own = {counter.trial(point.config) for point in made.points} | counter.counted
    made.trial = counter.last or (read_trial(out) if ledger.folder is not None else None)
    made.others, made.data = counter.known().but(own), counter.data
    made.opened = ledger.opened(made.data)
    return made


def _listed(
    config: RunConfig, out: Path, run: Execution, points: list[Point], plan: Plan, choice: Choice, grid: Grid
) -> Studied:
    """A study of points that are known from the beginning."""
    whole = _whole(run, points, plan)
    split = _block(config).split
    if split.walk_forward is not None:
        chosen = walked(run, lambda window: (points, run.run(points, window, "point")), plan, choice, split.purge)
        return _made(config, out, points, plan, whole, chosen, choice)
    chosen, gap = parted(run, points, plan, choice, split.purge)
    return _made(config, out, points, plan, whole, chosen, choice, gap)


def _led(
    config: RunConfig, out: Path, run: Execution, points: list[Point], plan: Plan, choice: Choice, grid: Grid
) -> Studied:
    """A study whose points each fold finds for itself; all of them run on the whole when the folds are chosen."""
    search = TpeSearch(grid, _block(config).search, choice, run)
    chosen = walked(run, search.on, plan, choice, _block(config).split.purge)
    points = [search.visited[number] for number in sorted(search.visited)]
    return _made(config, out, points, plan, _whole(run, points, plan), chosen, choice)


def _whole(run: Execution, points: list[Point], plan: Plan) -> dict[int, Done]:
    """What each point comes to on all but the hold-out."""
    whole = run.run(points, plan.whole, "trial")
    failed = [one for one in whole.values() if one.error]
    if len(failed) == len(points):
        raise DataError(f"no point could be run; the first: {failed[0].error}")
    return whole


def _made(
    config: RunConfig,
    out: Path,
    points: list[Point],
    plan: Plan,
    whole: dict[int, Done],
    chosen: list[Chosen],
    choice: Choice,
    gap: int | None = None,
) -> Studied:
    best = choice.best({number: one.row for number, one in whole.items() if not one.error})
    first = chosen[0].fold
    purge = first.test[0].start - first.train[0].end if gap is None else gap
    return Studied(config, out, points, plan, purge, whole, chosen, best)


def _block(config: RunConfig) -> Research:
    assert config.research is not None  # noqa: S101  (`study` refuses a config without)
    return config.research


def _summary(made: Studied, choice: Choice) -> dict[str, Any]:
    """The content of summary.json."""
    days, returns = made.stitched
    values = {point.number: point.values for point in made.points}
    ins, outs = inside(made.chosen), by_fold(made.chosen)
    return {
        "name": made.config.name,
        "select": made.block.select,
        **plan_words(made.plan),
        "points": len(made.points),
        "failed": sum(bool(one.error) for one in made.whole.values()),
        "purge_us": made.purge,
        "left_us": made.plan.left,
        "out_of_sample": outside(days, returns, made.config.seed) if len(days) else None,
        "by_fold": {"in_sample": ins, "out_of_sample": outs, "decay_sharpe": ins["sharpe"] - outs["sharpe"]},
        "stability": stability(made.chosen, made.points, made.whole, choice, made.best),
        "overfit": overfit(made.chosen),
        "choice": None if made.best is None else {"point": made.best, "values": values[made.best]},
    }


def tried(grid: Grid, config: RunConfig, search: Search, origin: str) -> list[Point]:
    """The points that are tried whatever they come to, each checked before anything runs."""
    if search.random is None:
        return points_of(config, origin)
    return [grid.point(number) for number in drawn(grid, search)]


def _choice(block: Research, points: list[Point]) -> Choice:
    select = Formula(block.select, "research.select")
    constraints = [
        Formula(text, f"research.constraints.{i}", compares=True) for i, text in enumerate(block.constraints)
    ]
    # Parts that do not lie together have no figures but those of their days.
    whole = block.split.walk_forward is not None
    known = dict.fromkeys(name for point in points for name in figures_of(point.config)) if whole else OF_DAYS
    for one in (select, *constraints):
        one.check(known)
    return Choice(select, constraints)


def _read(points: list[Point], grid: Grid, say: Progress) -> dict[str, Source]:
    """The data of all points, which are the same."""
    for path in (path for axis in grid.axes for path in axis.paths):
        if path.partition(".")[0] in ("data", "trade", "trade_from"):
            raise ConfigError(f"sweep: {path}: a study splits one data for all; leave data out of its sweep")
    return read_all(points[0].config, say)


def _idle(windows: tuple[Window, ...]) -> tuple[Any, Floats]:
    """Days in which nothing is traded."""
    days = np.concatenate([np.arange(one.start // DAY, -(-one.end // DAY)) for one in windows])
    return days, np.zeros(len(days))

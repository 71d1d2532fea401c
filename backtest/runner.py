"""Runs one config: feeds to bars, bars to lines, lines through an engine, results to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..configs.models import RunConfig
from ..core.errors import DataError
from ..core.plugins.registry import begin_run
from ..core.plugins.watch import Seen, seeing
from .broker.volume import check_volume
from .engines.backtrader import through_backtrader
from .engines.compiled import by_engine, run_compiled
from .engines.tape import run_tape
from .engines.verify import verified
from .inputs.begin import check_begin
from .inputs.ex_days import check_readers
from .inputs.line_cache import LineCache
from .inputs.read import Progress, Source, read_all, traded_first
from .results.entry_bars import with_other_inside
from .results.folder import Count, save
from .results.outcome import Outcome, SavedRun
from .results.own_files import check_place
from .results.together import Together


def run(
    config: RunConfig,
    out: Path,
    *,
    count: Count | None = None,
    finish: Callable[[Path], object] | None = None,
    progress: Progress | None = None,
) -> SavedRun:
    """Run ``config`` and write its result folder.

    Parameters
    ----------
    config : RunConfig
        As `load_config` gives it; ``sweep``, ``research`` and ``events`` in it are left out.
    out : Path
        The folder to make; what an earlier run wrote there is replaced, everything else in it stays.
    count : callable, optional
        Given the run and its figures, before the folder is put in its place; says which trial on its data it was.
    finish : callable, optional
        Given the folder before it is put in its place, to add a file, as a report.
    progress : callable, optional
        Told in a few words what is being done.

    Returns
    -------
    SavedRun
        The summary and the folder.

    Raises
    ------
    TapeflowError
        If data, columns or parameters are wrong; nothing is written then.
    """
    check_place(out)
    begin_run(config.plugin_files)
    config = config.model_copy(update={"sweep": None, "research": None, "events": {}})
    say = progress or (lambda text: None)
    with seeing(Seen()), TemporaryDirectory(prefix="tapeflow-") as aside:
        sources = read_all(config, say, aside=Path(aside))
        say("running")
        outcome = simulate(config, sources)
        say("writing results")
        return save(outcome, out, count=count, finish=finish, aside=Path(aside))


def simulate(config: RunConfig, sources: dict[str, Source], shelf: LineCache | None = None) -> Outcome:
    """Run the strategy of ``config`` over bars that were read; nothing is written.

    ``engine: auto`` takes compiled code where that is exact and says why not elsewhere. What runs before it computed
    over the same bars may be on a ``shelf``, which saves time and changes nothing.
    """
    if config.strategies:
        runs = {name: simulate(part, sources, shelf) for name, part in config.parts.items()}
        return Together.of(config, traded_first(config, sources), runs)
    check_trades(config)
    sources = traded_first(config, sources)
    check_begin(config, sources)
    check_readers(config, sources)
    check_volume(config, sources)
    outcome, why_not = by_engine(config, sources)
    if outcome is not None and outcome.record.inside_unknown:
        outcome.otherwise = run_compiled(with_other_inside(config), sources)
    if outcome is None:
        outcome = (run_tape if config.fills.tape else through_backtrader)(config, sources, shelf=shelf)
        outcome.engine_reason += f"; not compiled: {why_not}" if why_not else ""
    if config.verify:
        outcome.verified = verified(outcome)
    return outcome


def check_trades(config: RunConfig) -> None:
    """Refuse a run of events alone, in which nothing trades.

    Raises
    ------
    DataError
        If it has neither a strategy nor weights.
    """
    own, rules = config.strategy, ("long", "short", "entries")
    if own.kind == "Rules" and config.portfolio.weights is None and not any(own.params.get(key) for key in rules):
        raise DataError(f"{config.name}: nothing trades; give `strategy:`, or study its `events:` by `tapeflow events`")

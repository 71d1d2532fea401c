"""An event study of a config: its feeds read, its events found, the tables in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ...backtest.inputs.read import Progress, Source, read_all, traded_first
from ...backtest.inputs.trading_hours import hours_of
from ...backtest.results.lock import make_lock
from ...backtest.results.trial import Trial
from ...configs.models import RunConfig
from ...core.errors import DataError
from ...core.plugins.watch import Seen, seeing
from ..ledger import Entry, Ledger
from ..ledger.identity import code_key, data_key, digest_of, events_key, inputs_of, trial_key
from .folder import check_folder, write_folder
from .of_config import masks_of
from .study import HORIZONS, Study, study


@dataclass(frozen=True)
class Studied:
    """A study of a config.

    Parameters
    ----------
    study : Study
        What came of it.
    traded : str
        The feed whose prices moved.
    never : tuple of str
        Events that were true on no bar.
    trial : Trial or None
        What the ledger said of the last test; None without a test.
    """

    study: Study
    traded: str
    never: tuple[str, ...]
    trial: Trial | None = None


def study_config(
    config: RunConfig,
    out: Path | None = None,
    *,
    horizons: Sequence[int] = HORIZONS,
    share: float = 0.05,
    seed: int = 0,
    progress: Progress | None = None,
    ledger: Ledger | None = None,
    page: Callable[[Study, Path], object] | None = None,
) -> Studied:
    """Study the events of ``config`` on the feed that is traded, the first of several.

    Parameters
    ----------
    config : RunConfig
        With ``events``.
    out : Path, optional
        A folder to make: ``tests.parquet``, ``moves.parquet``, ``parts.parquet``, ``capacity.parquet``, and
        ``events.yaml``, which they depended on.
    horizons : sequence of int
        In bars.
    share, seed
        As of `study.study`.
    progress : callable, optional
        Told in a few words what is being done.
    ledger : Ledger, optional
        Counts each test, of an event over a horizon; none by default.
    page : callable, optional
        Given the study and the folder before it is put in its place, to add a file.

    Raises
    ------
    DataError
        If there is no event, a horizon is given twice, or the data is too short for the warm-up.
    """
    if not config.events:
        raise DataError(f'{config.name}: no event; give `events:` with names and expressions, or --when "close > open"')
    if len(set(horizons)) < len(horizons):
        raise DataError("--horizons: a number of bars stands twice")
    if out is not None:
        check_folder(out)
    say = progress or (lambda text: None)
    with seeing(Seen()), TemporaryDirectory(prefix="tapeflow-") as aside:
        sources: dict[str, Source] = traded_first(config, read_all(config, say, aside=Path(aside)))
        traded, *_ = sources
        say("looking for events")
        masks = masks_of(config, sources)
        say("testing")
        first = sources[traded]
        tick = config.terms[traded].tick
        made = study(
            first.bars,
            masks,
            horizons,
            tick=tick,
            hours=hours_of(first),
            share=share,
            seed=seed,
        )
        if out is not None:
            lock = make_lock(config, sources, "none, an event study")
            asked = {"horizons": [int(h) for h in horizons], "share": share, "seed": seed}
            write_folder(out, made, {**lock, "study": asked}, page)
        trial = _counted(config, sources, made, ledger) if ledger is not None else None
    return Studied(made, traded, tuple(name for name, mask in masks.items() if not np.any(mask)), trial)


def _counted(config: RunConfig, sources: dict[str, Source], made: Study, ledger: Ledger) -> Trial | None:
    """What the ledger says of the last test; each is a trial, of the event's expression over a horizon."""
    if ledger.folder is None:
        return ledger.count((), (Entry("event", config.name),))[0]
    inputs, behind = inputs_of(config, sources), events_key(config)
    code, data = code_key(config), data_key(inputs)
    entries = []
    for test in made.tests:
        asked = {"when": config.events[test.event], "horizon": int(test.horizon)}
        trial = trial_key(digest_of([behind, *asked.values()]), code, data)
        entries.append(Entry("event", f"{config.name}, {test.event}", trial, values=asked))
    return ledger.count(inputs, entries)[-1] if entries else None

"""The hold-out of a study: opened once, by name, and said from then on."""

from __future__ import annotations

from functools import partial

from ...backtest.inputs.read import Progress
from ...backtest.results.outcome import SavedRun
from ...backtest.runner import run
from ...core.errors import DataError
from ..ledger import Ledger, count_run
from ..ledger.identity import code_key, config_key, digest_of
from .run import Studied

FOLDER = "holdout"


def opened(made: Studied, ledger: Ledger, progress: Progress | None = None) -> SavedRun:
    """Run the choice of a study on its hold-out, into ``holdout`` of its folder, and have the ledger say so.

    Raises
    ------
    DataError
        If there is none, no point qualifies, no ledger counts it or a line of it was changed, or the hold-out of these
        data was opened before by another.
    """
    window = made.plan.holdout
    if window is None:
        raise DataError("--open-holdout: the study holds nothing out; research.holdout says how much, as in 20%")
    if made.best is None:
        raise DataError("--open-holdout: no point meets the constraints, so there is nothing to run on it")
    if ledger.folder is None:
        raise DataError(f"--open-holdout: what is opened once must be counted, and no ledger does ({ledger.reason})")
    point = next(point for point in made.points if point.number == made.best)
    choice = digest_of([config_key(point.config), code_key(point.config)])[:8]  # two studies may have one name
    name = f"{made.config.name}, point {made.best} ({choice})"
    ledger.refresh()
    if (before := ledger.opened(made.data)) and not before.startswith(f"by {name}, entry "):
        raise DataError(f"--open-holdout: the hold-out of these data was opened {before}; it is none any more")
    title = f"{made.config.name}-point-{made.best}"
    config = point.config.model_copy(update={"trade_from": window.start, "name": title})
    count = partial(count_run, ledger, kind="holdout", name=name, of=point.config)
    return run(config, made.folder / FOLDER, count=count, progress=progress)

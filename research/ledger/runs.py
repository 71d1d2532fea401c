"""One run, told to the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...backtest.results.lock import reads_of_run
from ...backtest.results.trial import Trial
from ...configs.models import RunConfig
from ..selection.daily import daily_of
from .entry import Entry
from .identity import code_key, config_key, data_key, inputs_of, trial_key
from .ledger import Ledger


def count_run(
    ledger: Ledger,
    outcome: Any,
    figures: Mapping[str, Any],
    *,
    kind: str = "run",
    name: str = "",
    of: RunConfig | None = None,
) -> Trial:
    """Add a run to the ledger; what that says of it.

    Parameters
    ----------
    ledger : Ledger
        Where.
    outcome : Outcome
        In memory.
    figures : mapping
        What it came to.
    kind : str
        Of the entry.
    name : str
        What it is called there; as the run by default.
    of : RunConfig, optional
        The trial that it is a part of; the run itself by default.
    """
    if ledger.folder is None:
        return ledger.count((), (Entry(kind, ""),))[0]
    config = of or outcome.config
    inputs = inputs_of(outcome.config, outcome.sources)
    trial = trial_key(config_key(config), code_key(config), data_key(inputs), reads_of_run(config))
    daily = daily_of(outcome)
    entry = Entry(kind, name or config.name, trial, figures, daily=daily.text() if daily is not None else "")
    return ledger.count(inputs, (entry,))[0]

"""Many runs, told to the ledger as they end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...backtest.inputs.read import Source
from ...backtest.results.trial import Trial
from ...configs.models import RunConfig
from .entry import Entry
from .identity import code_key, config_key, data_key, inputs_of, trial_key
from .ledger import Known, Ledger


@dataclass(frozen=True)
class Finished:
    """A run of many that has ended.

    Parameters
    ----------
    config : RunConfig
        What ran.
    values : mapping
        What sets it apart, by dotted path.
    row : mapping
        Its figures; empty where it failed.
    error : str
        What went wrong; empty where nothing did.
    daily : str
        Its daily returns, as `Daily` writes them; empty where there are none.
    reads : mapping of str to str, optional
        Digests of the files that plugins read for it.
    """

    config: RunConfig
    values: Mapping[str, Any]
    row: Mapping[str, Any]
    error: str = ""
    daily: str = ""
    reads: Mapping[str, str] | None = None


class PointCounter:
    """Tells the ledger of runs over the same data.

    Parameters
    ----------
    ledger : Ledger
        Which.
    config : RunConfig
        One of the runs.
    sources : mapping of str to Source
        What all of them read.
    """

    def __init__(self, ledger: Ledger, config: RunConfig, sources: Mapping[str, Source]) -> None:
        self._ledger = ledger
        self._inputs = inputs_of(config, sources) if ledger.folder is not None else []
        self.data = data_key(self._inputs)
        self._code: dict[str, str] = {}
        self.last: Trial | None = None
        self.counted: set[str] = set()

    def count(self, kind: str, ended: Iterable[Finished]) -> Sequence[Trial]:
        """Add runs that ended; what the ledger says of each."""
        entries = [self._entry(kind, one) for one in ended]
        made = self._ledger.count(self._inputs, entries)
        self.counted |= {one.trial for one in entries}
        self.last = made[-1] if made else self.last
        return made

    def _entry(self, kind: str, one: Finished) -> Entry:
        trial = self.trial(one.config, one.reads)
        return Entry(kind, one.config.name, trial, one.row, one.values, one.error, one.daily)

    def trial(self, config: RunConfig, reads: Mapping[str, str] | None = None) -> str:
        """The digest of a run over these data; empty where nothing is counted."""
        if self._ledger.folder is None:
            return ""
        named = [(block.feed for block in config.data.values()), (one.kind for one in config.kinds)]
        kinds = repr([*map(list, named), [one.kind for one in config.indicators.values()]])
        if kinds not in self._code:
            self._code[kinds] = code_key(config)
        return trial_key(config_key(config), self._code[kinds], self.data, reads)

    def known(self) -> Known:
        """Daily returns of every trial on these data."""
        return self._ledger.known(self._inputs)

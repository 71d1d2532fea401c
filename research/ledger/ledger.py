"""A project's ledger: every run on its data, in order, so that the number of trials is known and not remembered."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ...backtest.results.trial import Trial
from ...core.errors import DataError
from ..selection.daily import Daily
from ..selection.held import held_of
from .chain import START, Chain, Link
from .entry import Entry
from .home import NAME, RETURNS, project_folder
from .identity import data_key
from .returns import keep, kept

VERSION = 1
NOT_HERE = "tapeflow's own folder keeps none"
_PLAIN = (OSError, DataError)


class _First(NamedTuple):
    """Where a trial was counted: its number on its data, and the line."""

    number: int
    entry: int


class Known(NamedTuple):
    """Daily returns of trials on the same data.

    Parameters
    ----------
    daily : dict of str to Daily
        By trial.
    held : dict of str to float
        Days that a position is held on average, by trial, where the ledger says it.
    silent : frozenset of str
        Trials of which no daily returns are kept: they failed, were too short, or traded several feeds.
    """

    daily: Mapping[str, Daily]
    held: Mapping[str, float]
    silent: frozenset[str]

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return len(self.daily) + len(self.silent)

    def joined(self, other: Known) -> Known:
        """Those of both."""
        daily = {**self.daily, **other.daily}
        return Known(daily, {**self.held, **other.held}, (self.silent | other.silent) - daily.keys())

    def but(self, trials: Collection[str]) -> Known:
        """All but some."""
        daily = {trial: one for trial, one in self.daily.items() if trial not in trials}
        return Known(daily, {trial: self.held[trial] for trial in daily}, self.silent - frozenset(trials))


class Ledger:
    """The ledger in a ``.tapeflow`` folder, made with its first entry.

    Many processes may add to it at a time. One that is killed leaves it readable.

    Parameters
    ----------
    folder : Path or None
        Where it lies; None counts nothing.
    reason : str
        Why nothing is counted; empty where it is.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / ".tapeflow")
    >>> inputs = [{"data": "btc", "path": "btc.csv", "digest": "5e"}]
    >>> [ledger.count(inputs, [Entry("run", "fade", trial)])[0].words() for trial in ("a1", "b2", "a1")]
    ['trial 1 on these data', 'trial 2 on these data', 'trial 1 on these data, run again; 2 trials so far']
    """

    def __init__(self, folder: Path | None, reason: str = "") -> None:
        self.folder, self.reason = folder, reason
        self._chain = Chain(folder / NAME, self._see, self._clear) if folder is not None else None
        self._clear()

    @classmethod
    def of(cls, start: Path, *, asked: bool = True) -> Ledger:
        """That of a config whose YAML lies in ``start``; one that counts nothing where it is not ``asked`` for."""
        if not asked:
            return cls(None, "--no-ledger")
        folder = project_folder(start)
        return cls(folder, "" if folder is not None else NOT_HERE)

    def _clear(self) -> None:
        self.first, self._last = "", Link(0, START, {})
        self._inputs: dict[str, frozenset[str]] = {}
        self._trials: dict[str, dict[str, _First]] = {}
        self._returns: dict[str, dict[str, str]] = {}
        self._held: dict[str, float] = {}
        self._opened: dict[str, str] = {}

    def _see(self, link: Link) -> None:
        entry, self._last = link.entry, link
        self.first = self.first or link.digest
        data = entry.get("data", "")
        if entry["kind"] == "data":
            self._inputs[data] = _digests(entry["inputs"])
        if trial := entry.get("trial"):
            self._trials.setdefault(data, {}).setdefault(trial, _First(entry["number"], link.number))
            if "returns" in entry:
                self._returns.setdefault(data, {}).setdefault(trial, entry["returns"])
                self._held[trial] = entry.get("held") or 0.0
        if entry["kind"] == "holdout":
            self._opened.setdefault(data, f"by {entry['name']}, entry {link.number}, {entry['time']}")

    def count(self, inputs: Sequence[Mapping[str, Any]], entries: Sequence[Entry]) -> list[Trial]:
        """Add entries, all of one data; what the ledger says of each.

        Parameters
        ----------
        inputs : sequence of mapping
            The data, as `inputs_of` gives them.
        entries : sequence of Entry
            What was run on them.

        Returns
        -------
        list of Trial
            One for each. Those of a ledger that cannot be written, or was changed, say so and are not counted.
        """
        if self._chain is None or self.folder is None:
            return [Trial(False, self.reason)] * len(entries)
        data = data_key(inputs)
        folder = self.folder / RETURNS
        try:
            links = self._chain.append(lambda: self._lines(data, inputs, entries, folder))
        except _PLAIN as err:
            return [Trial(False, " ".join(str(err).split()))] * len(entries)
        return [self._said(link, data) for link in links[len(links) - len(entries) :]]

    def _lines(
        self, data: str, inputs: Sequence[Mapping[str, Any]], entries: Sequence[Entry], folder: Path
    ) -> Iterator[dict[str, Any]]:
        """What is to be written; daily returns are kept before the lines that name them."""
        if not self.first:
            yield {"kind": "ledger", "version": VERSION, "id": secrets.token_hex(8)}
        if data not in self._inputs:
            yield {"kind": "data", "data": data, "inputs": [dict(one) for one in inputs]}
        known, now = self._trials.get(data, {}), datetime.now(UTC).isoformat(timespec="seconds")
        keep(folder, data, {one.trial: one.daily for one in entries if one.daily and one.trial not in known})
        numbers = {trial: first.number for trial, first in known.items()}
        others = sum(len(self._trials.get(kin, {})) for kin in self._kin(data, _digests(inputs)) if kin != data)
        for one in entries:
            if one.trial and one.trial not in numbers:
                numbers[one.trial] = others + len(numbers) + 1
            number = {"number": numbers[one.trial]} if one.trial else {}
            held = held_of(one.figures, Daily.of(one.daily)) if one.daily else None
            yield {**one.written(held), "data": data, **number, "time": now}

    def _said(self, link: Link, data: str) -> Trial:
        first = self._trials.get(data, {}).get(link.entry.get("trial", ""), _First(0, link.number))
        trials, opened = self._number(data), self.opened(data)
        again = first.entry != link.number
        return Trial(True, "", first.number, trials, again, link.number, link.digest, self.first, data, opened)

    def refresh(self) -> None:
        """Read what others added.

        Raises
        ------
        DataError
            If it cannot be read, or a line of it was changed.
        """
        if self._chain is not None:
            self._chain.refresh()

    @property
    def entries(self) -> int:
        """How many lines it has, as far as they were read."""
        return self._last.number

    @property
    def unfinished(self) -> int:
        """Bytes at its end that a killed process did not finish."""
        return self._chain.unfinished if self._chain is not None else 0

    def opened(self, data: str) -> str:
        """When the hold-out of these data, or of some that share a file with them, was opened; empty where not."""
        return next((self._opened[one] for one in self._kin(data) if one in self._opened), "")

    def known(self, inputs: Sequence[Mapping[str, Any]]) -> Known:
        """Daily returns of every trial on these data, or on some that share a file with them.

        None where the ledger cannot be read or was changed; ``reason`` says so then.
        """
        if self._chain is None or self.folder is None:
            return Known({}, {}, frozenset())
        try:
            self.refresh()
        except DataError as err:
            self.reason = " ".join(str(err).split())
            return Known({}, {}, frozenset())
        kin = self._kin(data_key(inputs), _digests(inputs))
        daily = kept(self.folder / RETURNS, {one: self._returns.get(one, {}) for one in kin})
        held = {trial: self._held[trial] for trial in daily}
        silent = frozenset(trial for one in kin for trial in self._trials.get(one, {}) if trial not in daily)
        return Known(daily, held, silent)

    def _number(self, data: str) -> int:
        """How many trials there were on these data, and on those that share a file with them."""
        return sum(len(self._trials.get(one, {})) for one in self._kin(data))

    def _kin(self, data: str, own: frozenset[str] | None = None) -> list[str]:
        own = self._inputs.get(data, frozenset()) if own is None else own
        return [key for key, inputs in self._inputs.items() if key == data or inputs & own]


def _digests(inputs: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(one["digest"] for one in inputs)

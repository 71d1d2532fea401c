"""Whether a ledger is as it was written, and as far as the results that it counted say it went."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...backtest.results.own_files import TRIAL
from ...backtest.results.trial import Trial, read_trial
from ...core.errors import DataError
from .chain import Chain, Link
from .home import NAME, PROJECT


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Parameters
    ----------
    entries : int
        Lines that are as they were written, from the first.
    results : int
        Results that this ledger counted and that were compared with it.
    faults : tuple of str
        What is wrong, the ledger itself first; empty where nothing is.
    remarks : tuple of str
        What is no fault of it: a line that a killed process did not finish, results of other ledgers or of none.
    """

    entries: int
    results: int
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def verify(folder: Path, results: Sequence[Path] = ()) -> Verdict:
    """Compare the chain of a ledger, and the results that name a place in it.

    An entry that was edited, moved or taken out breaks the chain. One that was cut off the end leaves a whole chain:
    it is found where a result names a later entry.

    Parameters
    ----------
    folder : Path
        The ``.tapeflow`` it lies in.
    results : sequence of Path
        Result folders, or folders above some; the project's own by default.
    """
    digests: dict[int, str] = {}
    chain = Chain(folder / NAME, lambda link: _note(link, digests))
    faults = []
    try:
        chain.refresh()
    except DataError as err:
        faults.append(str(err))
    if not digests and not faults:
        faults.append(f"{folder / NAME}: no such ledger, or an empty one")
    remarks = [f"{chain.unfinished} bytes at its end were not finished; the next entry replaces them"]
    found = [*_results(results or [folder.parent])]
    own = [(path, trial) for path, trial in found if isinstance(trial, Trial) and trial.counted]
    mine = [(path, trial) for path, trial in own if not digests or trial.ledger == digests[1]]
    faults += [text for path, trial in mine for text in _compared(path, trial, digests)]
    faults += [f"{path / TRIAL}: {said}" for path, said in found if isinstance(said, str)]
    remarks = remarks if chain.unfinished else []
    if len(own) > len(mine):
        elsewhere = next(path for path, trial in own if (path, trial) not in mine)
        remarks.append(f"{len(own) - len(mine)} results were counted by another ledger, as {elsewhere}")
    return Verdict(len(digests), len(mine), tuple(faults), tuple(remarks))


def _note(link: Link, digests: dict[int, str]) -> None:
    digests[link.number] = link.digest


def _compared(path: Path, trial: Trial, digests: dict[int, str]) -> Iterator[str]:
    if trial.entry not in digests:
        yield f"{path}: was counted as entry {trial.entry}, which is not there: the end of the ledger was cut off"
    elif digests[trial.entry] != trial.head:
        yield f"{path}: was counted as entry {trial.entry}, which is another one now: the ledger was written anew"


def _results(folders: Iterable[Path]) -> Iterator[tuple[Path, Trial | str]]:
    """Every result below some folders with what a ledger said of it, or what is wrong with that."""
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
        for inner, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if not name.startswith(".") or name == PROJECT)
            if TRIAL in files:
                try:
                    trial = read_trial(Path(inner))
                except (DataError, TypeError) as err:
                    yield Path(inner), " ".join(str(err).split())
                    continue
                if trial is not None:
                    yield Path(inner), trial

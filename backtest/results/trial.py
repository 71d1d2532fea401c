"""Which trial on its data a run was: a file beside the result that no digest covers, so that equal runs stay equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from ...core.counting import counted
from ...core.files.signed import load_yaml, read_signed
from .lock import lock_text
from .own_files import TRIAL

_KEY = "counted"
"""Key of `signed` texts of this kind."""
UNKNOWN = "no ledger counted this run: nobody knows how many were tried on these data"


class Trial(NamedTuple):
    """What the ledger says of a run.

    Parameters
    ----------
    counted : bool
        Whether a ledger has it.
    reason : str
        Why none has; empty where one has.
    number : int
        Which trial on these data it is, from 1: a trial is a config with its plugins on data, however often it runs.
    trials : int
        How many trials there were on these data when it ran.
    again : bool
        Whether the same was run before.
    entry : int
        Its line in the ledger, from 1.
    head : str
        The digest of that line, which stands for all before it.
    ledger : str
        The digest of the first line, by which ledgers are told apart.
    data : str
        Digest of the data.
    opened : str
        When the hold-out of these data was opened, and by what; empty where it was not.
    """

    counted: bool
    reason: str = ""
    number: int = 0
    trials: int = 0
    again: bool = False
    entry: int = 0
    head: str = ""
    ledger: str = ""
    data: str = ""
    opened: str = ""

    def words(self) -> str:
        """All of it as a reader of the result should hear it.

        Examples
        --------
        >>> Trial(True, number=214, trials=214).words()
        'trial 214 on these data'
        >>> Trial(True, number=7, trials=214, again=True).words()
        'trial 7 on these data, run again; 214 trials so far'
        >>> Trial(False, "--no-ledger").words()
        'in no ledger (--no-ledger): nobody knows how many were tried on these data'
        """
        if not self.counted:
            return f"in no ledger ({self.reason}): nobody knows how many were tried on these data"
        said = f"trial {self.number:,} on these data"
        if self.again:
            said += f", run again; {counted(self.trials, 'trial')} so far"
        return f"{said}; their hold-out was opened {self.opened}" if self.opened else said


def write_trial(trial: Trial, folder: Path) -> None:
    """Write it into the folder of a result."""
    (folder / TRIAL).write_text(lock_text(trial._asdict()), encoding="utf-8")


def read_trial(folder: Path) -> Trial | None:
    """What the ledger said of the result in ``folder`` when it ran; None where nothing is said.

    Raises
    ------
    DataError
        If a byte of it changed since it was written.
    """
    path = folder / TRIAL
    try:
        content: dict[str, Any] = load_yaml(path, read_signed(path, "the word of the ledger", _KEY), "a ledger's word")
    except FileNotFoundError:
        return None
    return Trial(**{name: value for name, value in content.items() if name in Trial._fields})


def words_of(folder: Path) -> str:
    """What the ledger said of the result in ``folder``, or that there was none."""
    made = read_trial(folder)
    return UNKNOWN if made is None else made.words()

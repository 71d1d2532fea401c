"""A run again from its lock, and whether the same came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ...backtest.inputs.read import Progress
from ...backtest.results.own_files import LOCK
from ...backtest.runner import run
from ..ledger import Ledger, count_run
from .differences import Difference, surroundings
from .finder import FileFinder
from .locked_run import LockedRun
from .staged import staged


@dataclass(frozen=True)
class Reproduction:
    """What came of running a lock again.

    Parameters
    ----------
    name : str
        The run's.
    files : int
        Outputs that were compared.
    differing : tuple of str
        Outputs with another digest, or that only one of the two has.
    causes : tuple of Difference
        What else is not as it was: files, versions, machine; the likeliest cause first.
    """

    name: str
    files: int
    differing: tuple[str, ...]
    causes: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether every output has the digest that the lock has of it."""
        return not self.differing


def reproduce(
    path: Path, data: Sequence[Path] = (), out: Path | None = None, progress: Progress | None = None
) -> Reproduction:
    """Run the lock at ``path`` again and compare the digests of what comes of it.

    Parameters
    ----------
    path : Path
        A ``run.lock``, or the folder it lies in.
    data : sequence of Path
        Folders to look in for files that are not where they lay.
    out : Path, optional
        Where to keep the new result; it is thrown away by default.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    DataError
        Naming the first input, plugin or file of a plugin's that is not found, or of which there is another one.
    """
    lock = LockedRun.read(path)
    with staged(lock, FileFinder(lock.file, data, progress)) as config, TemporaryDirectory(prefix="tapeflow-") as aside:
        count = partial(count_run, Ledger.of(lock.file.parent), kind="reproduction")
        saved = run(config, out or Path(aside) / "result", count=count, progress=progress)
        again = LockedRun.read(saved.folder / LOCK).content
    first, second = lock.content["outputs"], again["outputs"]
    differing = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    causes = surroundings(lock.content, again, places=False)
    return Reproduction(str(lock.content.get("name")), len(first), tuple(differing), tuple(causes))

"""Which files of a result folder a run wrote, and whether they are still as it wrote them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...core.errors import DataError
from ...core.files.folders import check_place as check
from ...core.files.folders import recover
from ...core.files.keeping import file_digest
from ...core.files.signed import is_signed_page, load_yaml, read_signed

LOCK, PAGE, TRIAL = "run.lock", "report.html", "trial.yaml"
_TABLES = "bars|equity|positions|indicators|orders|trades|levels|flows|band|fills"
_KNOWN = re.compile(rf"(?:{_TABLES})\.parquet|result\.json|run\.lock|report\.html|\w+\.quarantine\.csv")
"""Files of a run whose lock has no list of them."""
_CHANGED = "changed"


def check_place(out: Path) -> None:
    """Refuse a place that holds something other than a run, or a run whose list of files cannot be trusted.

    Raises
    ------
    DataError
        Naming it.
    """
    check(out, "run", LOCK)
    if out.is_dir() and (out / LOCK).exists():
        read_lock(out)
    recover(out, written)


def existing(folder: Path) -> Path:
    """The folder, which is there.

    Raises
    ------
    DataError
        If it is not.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; `tapeflow list runs` names the runs there are")
    return folder


def lock_file(path: Path) -> Path:
    """Where the lock of the result folder ``path`` lies; ``path`` itself where that is no folder."""
    return path / LOCK if path.is_dir() else path


def read_lock(path: Path) -> dict[str, Any]:
    """The lock at ``path``, or that of the result folder there, its digest compared; empty when there is none.

    Raises
    ------
    DataError
        If a byte of it changed since it was written, or it is none.
    """
    file = lock_file(path)
    try:
        return load_yaml(file, read_signed(file, "the lock", "outputs"), "a lock file")
    except FileNotFoundError:
        return {}


def written(folder: Path) -> dict[str, str]:
    """The files that a run wrote into ``folder``: their sha256, or nothing where that is not known.

    Raises
    ------
    DataError
        If its lock cannot be read.
    """
    lock = read_lock(folder)
    if not isinstance(outputs := lock.get("outputs"), dict):
        return {path.name: "" for path in folder.iterdir() if lock and _KNOWN.fullmatch(path.name)}
    page = folder / PAGE
    own = not page.is_file() or is_signed_page(page)
    return {**{str(k): str(v) for k, v in outputs.items()}, LOCK: "", TRIAL: "", PAGE: "" if own else _CHANGED}


def check_outputs(folder: Path, outputs: Any, lock: str = LOCK, remedy: str = "run it again") -> None:
    """Compare every file of a result with what its lock says of it, before anything else opens it.

    Parameters
    ----------
    folder : Path
        The result.
    outputs : mapping of str to str
        Digests by name, as the lock has them; whatever else stands there is no list.
    lock : str
        Name of the lock.
    remedy : str
        What to do, for errors.

    Raises
    ------
    DataError
        Naming one that changed, or is missing.
    """
    for name, digest in outputs.items() if isinstance(outputs, dict) else ():
        path = folder / Path(str(name)).name
        try:
            found = file_digest(path)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file; the run wrote it, as {lock} says: {remedy}") from None
        if found != digest:
            raise DataError(f"{path}: is damaged, or somebody changed it: its sha256 is not that in {lock}; {remedy}")


def recorded(folder: Path, name: str) -> str:
    """The sha256 that ``run.lock`` has of a file; nothing where it has none.

    Raises
    ------
    DataError
        If a byte of the lock changed.
    """
    text = read_signed(folder / LOCK, "the lock", "outputs")
    hit = re.search(rf"(?m)^  {re.escape(name)}: ([0-9a-f]{{64}})$".encode(), text.partition(b"\noutputs:")[2])
    return hit[1].decode() if hit else ""

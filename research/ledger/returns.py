"""Daily returns of every trial, beside the ledger: what the best of them all is weighed with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...core.files.locked import locked
from ...core.files.writing import telling
from ..selection.daily import Daily

_DIGEST = 16


def keep(folder: Path, data: str, made: Mapping[str, str]) -> None:
    """Add the daily returns of trials on ``data``, as `Daily` writes them; a trial that is there already comes once."""
    if not made:
        return
    path = folder / data
    with telling(path):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(path) as handle:
            # What a killed process did not finish must not run together with what follows.
            begin = b"\n" if os.lseek(handle, 0, os.SEEK_END) else b""
            lines = (f"{returns_digest(text)} {trial} {text}\n".encode() for trial, text in made.items())
            rest = begin + b"".join(lines)
            while rest:
                rest = rest[os.write(handle, rest) :]


def kept(folder: Path, wanted: Mapping[str, Mapping[str, str]]) -> dict[str, Daily]:
    """Daily returns by trial.

    Parameters
    ----------
    folder : Path
        Where they lie.
    wanted : mapping of str to mapping
        By the key of the data: digests of the returns that the ledger says its trials had. What is not as it was
        written is left out.
    """
    made: dict[str, Daily] = {}
    for data, digests in wanted.items():
        for trial, digest, text in _lines(folder / data):
            if trial not in made and digests.get(trial) == digest == returns_digest(text):
                made[trial] = Daily.of(text)
    return made


def returns_digest(text: str) -> str:
    """What the ledger knows daily returns by."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]


def _lines(path: Path) -> Iterable[tuple[str, str, str]]:
    try:
        raw = path.read_bytes()
    except OSError:
        return
    for line in raw.split(b"\n"):
        digest, _, more = line.decode(errors="replace").partition(" ")
        trial, gap, text = more.partition(" ")
        if gap:
            yield trial, digest, text

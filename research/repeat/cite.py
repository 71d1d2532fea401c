"""A run as one zip: lock, config, plugins, result and report, and none of the data."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import yaml

from ...backtest.inputs.read import Progress
from ...backtest.results.own_files import LOCK, PAGE, check_outputs, existing
from ...core.files.writing import replacing
from .finder import PROJECT, FileFinder
from .locked_run import LockedRun

DATA = ("bars.parquet", "levels.parquet")
"""Files of a result that are the market's data, only laid out otherwise; a quarantine is too."""
_QUARANTINE = ".quarantine.csv"
_STAMP = (1980, 1, 1, 0, 0, 0)
"""Of every member, so that the same run has the same zip."""


def cite(
    folder: Path, out: Path, data: Sequence[Path] = (), *, report: bool = True, progress: Progress | None = None
) -> list[str]:
    """Write the run in ``folder`` as a zip; the names in it.

    Parameters
    ----------
    folder : Path
        A result.
    out : Path
        The zip.
    data : sequence of Path
        Folders to look in for plugins that are not where they lay.
    report : bool
        Whether its page goes in, which draws the bars of the run.
    progress : callable, optional
        Told what is looked for.

    Raises
    ------
    DataError
        If ``folder`` is no result, a file of it changed since, or a plugin is not the one that ran.
    """
    lock = LockedRun.read(existing(folder))
    check_outputs(folder, lock.content["outputs"])
    members = dict(_members(lock, folder, FileFinder(lock.file, data, progress)))
    if report and (folder / PAGE).is_file():
        members[PAGE] = (folder / PAGE).read_bytes()
    with replacing(out) as made, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return [*members]


def is_data(name: str) -> bool:
    """Whether a file of a result is left out of what is cited.

    >>> [is_data(name) for name in ("bars.parquet", "tape.quarantine.csv", "trades.parquet")]
    [True, True, False]
    """
    return name in DATA or name.endswith(_QUARANTINE)


def _members(lock: LockedRun, folder: Path, finder: FileFinder) -> Iterator[tuple[str, bytes]]:
    yield LOCK, lock.file.read_bytes()
    yield "config.yaml", _config(lock.content["config"]).encode()
    for name in lock.content["outputs"]:
        if not is_data(name):
            yield name, (folder / name).read_bytes()
    for wanted in lock.files:
        if wanted.what == "plugin":
            yield f"{PROJECT}/{_inside(wanted.path)}", finder.find(wanted).read_bytes()


def _config(config: Any) -> str:
    text: str = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)
    return f"# Every value of the run, defaults spelled out; paths are seen from the folder {PROJECT}.\n{text}"


def _inside(place: str) -> str:
    """A place without what leads out of a folder."""
    path = PurePath(place)
    return PurePath(*(part for part in path.parts if part not in ("..", path.anchor))).as_posix()

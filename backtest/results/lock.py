"""run.lock: everything a run depended on, so that another can be told from it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from ...configs.models import RunConfig
from ...core.files.keeping import file_digest
from ...core.files.signed import signed
from ...core.plugins.watch import anything_opened
from .code_behind import code_behind, files_read, package_versions, place

APART = ("run.lock", "report.html", "trial.yaml")
"""Files of a result that its lock does not vouch for: they differ between runs that are equal."""
PACKAGES = ("tapeflow", "backtrader", "numpy", "pandas", "numba", "pyarrow", "TA-Lib")


def versions() -> dict[str, str]:
    """Versions of Python and of every package whose numbers enter a result."""
    made = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            made[package.lower()] = version(package)
        except PackageNotFoundError:
            made[package.lower()] = "not installed"
    return made


def machine() -> dict[str, Any]:
    """What the same code may round otherwise on: the system, the processor's kind and what it can do."""
    features: dict[str, bool] = import_module("numpy._core._multiarray_umath").__cpu_features__
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "features": " ".join(sorted(name for name, has in features.items() if has)),
    }


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file of a result, by its name; the lock and the report, which is made of the others, left out."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name not in APART)
    return {name: file_digest(folder / name) for name in names}


def lock_text(lock: Mapping[str, Any]) -> str:
    """A lock as YAML that carries its own digest; what stands in it twice is written twice."""
    dumper: Any = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda self, data: True})
    return signed(yaml.dump(dict(lock), Dumper=dumper, sort_keys=False, allow_unicode=True, width=120))


def describe_source(source: Any) -> dict[str, Any]:
    """What one feed was read from and what came of it."""
    bars = source.bars
    levels = bars.levels
    return {
        "feed": type(source.feed).__name__,
        "spec": bars.spec,
        "bars": len(bars),
        "tick": levels.tick if levels is not None else None,
        "row_size": levels.row_size if levels is not None else bars.row_size,
        "counts": {k: int(v) for k, v in source.feed.counts.items()},
    }


def readers(sources: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, each reader once, by the name of the first feed it gave."""
    first: dict[int, str] = {}
    for name, source in sources.items():
        first.setdefault(id(source.feed), name)
    return {name: sources[name].feed for name in first.values()}


def make_lock(
    config: RunConfig,
    sources: Mapping[str, Any],
    engine: str,
    more: Mapping[str, Sequence[Any]] | None = None,
    *,
    ran: bool = True,
) -> dict[str, Any]:
    """The content of run.lock as plain YAML types.

    Parameters
    ----------
    config : RunConfig
        Resolved: every default is spelled out.
    sources : mapping of str to Source
        The feeds as they were read.
    engine : str
        Which one ran.
    more : mapping of str to sequence of InputFile, optional
        Files besides those of the feeds, by what they were read for.
    ran : bool, default=True
        Whether the run is over; of one that is to come nobody knows which files plugins will read.
    """
    read = {name: feed.files for name, feed in readers(sources).items()} | dict(more or {})
    code = code_behind(config)
    inputs = {Path(f.path).resolve() for files in read.values() for f in files}
    return {
        "name": config.name,
        "engine": engine,
        "seed": config.seed,
        "versions": versions() | package_versions(code.packages),
        "platform": machine(),
        "inputs": listed_inputs(read, config.folder),
        "data": {name: describe_source(source) for name, source in sources.items()},
        "plugins": _listed(code.files, config),
        "reads": _listed(files_read(config, code, inputs, ran=ran), config),
        **({"notes": list(config.notes)} if config.notes else {}),
        "config": config.resolved(),
    }


def reads_of_run(config: RunConfig) -> dict[str, str]:
    """sha256 of the files that plugins have read in the run under way, by their places; none without plugins."""
    if not anything_opened():
        return {}
    code = code_behind(config)
    return {one["path"]: one["sha256"] for one in _listed(files_read(config, code, set()), config)}


def listed_inputs(read: Mapping[str, Iterable[Any]], folder: Path) -> list[dict[str, Any]]:
    """Files that were read, by the names of their feeds, with places seen from ``folder``."""
    return [
        {"data": name, "path": place(Path(f.path), folder), "bytes": int(f.bytes), "sha256": f.sha256}
        for name, files in read.items()
        for f in files
    ]


def _listed(files: Iterable[Path], config: RunConfig) -> list[dict[str, str]]:
    """Files with their digests, by places that hold wherever the run's folder lies."""
    folder = config.folder.resolve()
    return [{"path": place(path, folder, config.plugin_files), "sha256": file_digest(path)} for path in files]

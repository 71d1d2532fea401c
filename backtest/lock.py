"""run.lock: everything a run depended on, so that another can be told from it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

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


def source_digest(path: Path) -> str:
    """sha256 of a plugin's source."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    config: Any, sources: Mapping[str, Any], engine: str, more: Mapping[str, Sequence[Any]] | None = None
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
    """
    read = {name: feed.files for name, feed in readers(sources).items()} | dict(more or {})
    return {
        "name": config.name,
        "engine": engine,
        "seed": config.seed,
        "versions": versions(),
        "inputs": [
            {"data": name, "path": str(f.path), "bytes": int(f.bytes), "sha256": f.sha256}
            for name, files in read.items()
            for f in files
        ],
        "data": {name: describe_source(source) for name, source in sources.items()},
        "plugins": [{"path": str(p), "sha256": source_digest(p)} for p in config.plugin_files],
        "config": config.resolved(),
    }

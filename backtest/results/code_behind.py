"""What a run depends on besides its inputs: the code of plugins, what it imports, and the files that it read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from ...configs.models import RunConfig
from ...core.plugins.code import Code, belongs_to, code_of, reads_of
from ...core.plugins.registry import FEEDS, INDICATORS, STRATEGIES
from ...core.plugins.watch import opened_by


def classes_of(config: RunConfig) -> list[Any]:
    """The classes that a run is made of: feeds, strategy, and the indicators of both."""
    strategies: list[Any] = [STRATEGIES.find(block.kind) for block in config.kinds]
    kinds = [block.kind for block in config.indicators.values()]
    kinds += [use.kind for one in strategies for use in getattr(one, "uses", {}).values()]
    feeds = [FEEDS.find(block.feed) for block in config.data.values()]
    return [*feeds, *strategies, *map(INDICATORS.find, dict.fromkeys(kinds))]


def code_behind(config: RunConfig) -> Code:
    """Sources of the user's that a run's classes, and its plugins, are made of."""
    named = (sys.modules.get(base.__module__) for cls in classes_of(config) for base in cls.__mro__)
    files = (getattr(module, "__file__", None) for module in named)
    own = dict.fromkeys(Path(file) for file in files if file and belongs_to(file) == "own")
    made = code_of([*config.plugin_files, *own])
    installed = {base.__module__.partition(".")[0] for cls in classes_of(config) for base in cls.__mro__}
    made.packages |= {name for name in installed if _is_installed(name)}
    return made


def _is_installed(name: str) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return name not in ("tapeflow", "backtrader") and bool(file) and "site-packages" in str(file)


def declared_reads(config: RunConfig) -> Iterator[Path]:
    """Files that classes of a run say they read by other means than Python's."""
    for cls in classes_of(config):
        for base in cls.__mro__:
            yield from (path for _, path in reads_of(base))


def files_read(config: RunConfig, code: Code, inputs: set[Path], *, ran: bool = True) -> list[Path]:
    """Files that plugins opened or declare, but for the run's ``inputs`` and the code; ``ran`` where it is over."""
    causes = {*map(str, code.files), *_folders(code.packages)}
    found = {*opened_by(causes, ran=ran), *(path.resolve() for path in declared_reads(config))}
    return sorted(path for path in found if path not in inputs and path not in code.files)


def _folders(packages: set[str]) -> Iterator[str]:
    """Folders of installed packages, as `watch` names those of plugins."""
    for name in packages:
        for folder in getattr(sys.modules.get(name), "__path__", ()):
            yield f"{os.path.realpath(folder)}{os.sep}"


def place(path: Path, folder: Path, plugins: tuple[Path, ...] = ()) -> str:
    """``path`` as the YAML in ``folder`` may write it: the same wherever the folders lie together."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    for plugin in plugins:
        if path.is_relative_to(plugin.parent):
            return Path(os.path.relpath(path, folder)).as_posix()
    roots = (Path(root).resolve() for root in sys.path if root)
    root = next((root for root in roots if path.is_relative_to(root)), None)
    return path.relative_to(root).as_posix() if root is not None else path.as_posix()


def package_versions(names: set[str]) -> dict[str, str]:
    """Versions of the distributions that bring the packages called ``names``."""
    made: dict[str, str] = {}
    for name in sorted(names):
        for distribution in _distributions(name):
            made[distribution.lower()] = version(distribution)
    return made


@cache
def _distributions(name: str) -> tuple[str, ...]:
    try:
        version(name)
    except PackageNotFoundError:
        return tuple(dict.fromkeys(packages_distributions().get(name, ())))
    return (name,)

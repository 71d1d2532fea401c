"""Python files that a run loads: those it names, and what they import, told from their text before anything runs."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_ROOMS = (
    "core aggregation store fetching feeds auditing indicators strategies configs backtest research checks report "
    "api cli"
)
_OURS = (
    *(f"{_PACKAGE / file}" for file in ("__init__.py", "fast.py")),
    *(f"{_PACKAGE / room}/" for room in _ROOMS.split()),
)
_STANDARD = f"{Path(os.__file__).resolve().parent}/"
_INSTALLED = ("/site-packages/", "/dist-packages/")


@dataclass
class Code:
    """What a run loads besides this package.

    Parameters
    ----------
    files : dict of Path to None
        Sources, those named first.
    packages : set of str
        Top-level names of installed packages that they import.
    """

    files: dict[Path, None] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)


def belongs_to(file: str) -> str:
    """Whose a Python file is: ``ours``, ``library`` (the standard one, or installed) or ``own``, the user's."""
    if file.startswith(_OURS):
        return "ours"
    if file.startswith(("<", _STANDARD)) or any(part in file for part in _INSTALLED):
        return "library"
    return "own"


def own_line(err: BaseException) -> str:
    """Where in the user's own code an exception came up, as ``file:line: what stands there``; empty where in none.

    The innermost line of theirs counts: what it calls fails by what it is called with.
    """
    found = ""
    for frame, line in traceback.walk_tb(err.__traceback__):
        file = frame.f_code.co_filename
        if belongs_to(file) == "own" and Path(file).is_file():
            path = Path(file).resolve()
            here = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            text = linecache.getline(file, line, frame.f_globals).strip()
            found = f"{here}:{line}: {text}" if text else f"{here}:{line}"
    return found


def code_of(roots: Iterable[Path]) -> Code:
    """``roots`` and all that they import, from module to module; nothing is run.

    A module that is only found while the code runs, by a name put together there, is not told from its text.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "mine.py").write_text("import numpy, helper")
    >>> _ = (folder / "helper.py").write_text("K = 1")
    >>> made = code_of([folder / "mine.py"])
    >>> [path.name for path in made.files], made.packages
    (['mine.py', 'helper.py'], {'numpy'})
    """
    made, waiting = Code(), [Path(root).resolve() for root in roots]
    while waiting:
        path = waiting.pop(0)
        if path in made.files:
            continue
        made.files[path] = None
        for name in _imports(path):
            for file in _sources(name, path.parent):
                whose = belongs_to(str(file))
                if whose == "own":
                    waiting.append(file)
                elif whose == "library" and not str(file).startswith(_STANDARD):
                    made.packages.add(name.partition(".")[0])
    return made


def module_file(name: str, beside: Path | None = None) -> Path | None:
    """The source of the module called ``name``, which is not imported for it."""
    return next(reversed([*_sources(name, beside)]), None)


def reads_of(cls: type) -> Iterator[tuple[str, Path]]:
    """What the ``reads`` of a plugin's class name, and where that lies: beside the class's source."""
    said = cls.__dict__.get("reads", ())
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file and belongs_to(file) != "ours":
        for text in (said,) if isinstance(said, str) else said:
            yield str(text), Path(file).parent / str(text)


def _imports(path: Path) -> Iterator[str]:
    """Names of modules that a source imports, and of what it takes out of them, which may be modules too."""
    import ast

    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = _package_of(path)
                base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
            yield from (name for name in (base, *(f"{base}.{alias.name}" for alias in node.names)) if name.strip("."))


def _package_of(path: Path) -> list[str]:
    """The dotted name of the package that a file lies in, as parts."""
    parts: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return parts


def _sources(name: str, beside: Path | None) -> Iterator[Path]:
    """Files of a module and of the packages around it, as importing would find them."""
    top = name.partition(".")[0]
    if not top or top in sys.stdlib_module_names or top == "tapeflow":
        return
    yield from _found(name, "" if beside is None else str(beside))


@lru_cache(maxsize=4096)
def _found(name: str, beside: str) -> tuple[Path, ...]:
    where: list[str] | None = [*sys.path, *_roots_of(Path(beside))] if beside else [*sys.path]
    made: list[Path] = []
    parts = name.split(".")
    for i in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: i + 1]), where)
        if spec is None:
            break
        if spec.origin and spec.has_location:
            made.append(Path(spec.origin).resolve())
        where = list(spec.submodule_search_locations or ())
        if not where:
            break
    return tuple(made)


def _roots_of(folder: Path) -> list[str]:
    """The folder of a source, and that around its package."""
    depth = len(_package_of(folder / "x"))
    return [str(folder), *([str(folder.parents[depth - 1])] if depth else [])]

"""The rooms of the house: what each import inside a function is there for, no circle, no room too large."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tapeflow.core.plugins.code import belongs_to
from tapeflow.core.plugins.registry import REGISTRIES

ROOT = Path(__file__).resolve().parents[2]
ROOMS = sorted(
    folder.parent.name for folder in ROOT.glob("*/__init__.py") if folder.parent.name not in ("tests", "benchmarks")
)
FILES = [
    ROOT / "__init__.py",
    ROOT / "fast.py",
    *(file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))),
]
RARE = {
    "backtrader",
    "databento_dbn",
    "exchange_calendars",
    "importlib.metadata",
    "matplotlib",
    "optuna",
    "pandas",
    "pyarrow",
    "rich",
    "talib",
    "urllib3",
    "yaml",
}
"""Libraries that few runs need and that take long to load, or that are extras."""
SYSTEM = {"ctypes", "fcntl", "msvcrt"}
"""Modules that not every system has."""
SMALL = {"ast", "json", "re", "importlib.machinery", "dataclasses", "functools", "numpy", "click.shell_completion"}
"""Modules that commands load beside those; each takes part in keeping `tapeflow --help` quick."""
LATE = "# late: "
"""Begins the comment that gives the reason where no rule does."""


def lazy_imports() -> Iterator[tuple[str, str, str]]:
    """Place, module and line of every import inside a function."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        lines, tree = text.splitlines(), ast.parse(text)
        inside = {
            node
            for made in ast.walk(tree)
            if isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(made)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        for node in sorted(inside, key=lambda node: node.lineno):
            name = node.names[0].name if isinstance(node, ast.Import) else "." * node.level + (node.module or "")
            yield f"{file.relative_to(ROOT).as_posix()}:{node.lineno}", name, lines[node.lineno - 1]


def reason(place: str, module: str, line: str) -> str:
    """Why an import stands inside a function; empty where nobody says."""
    if any(module == name or module.startswith(f"{name}.") for name in RARE):
        return "few runs need it"
    if module in SYSTEM:
        return "not every system has it"
    if place.startswith(("cli/", "api/", "__init__.py", "indicators/__init__.py")):
        return "each command, and each name of the package, loads what it uses"
    if module in SMALL:
        return "few callers need it"
    return line.partition(LATE)[2]


def test_every_import_inside_a_function_has_a_reason() -> None:
    silent = [f"{place}: {line.strip()}" for place, *what, line in lazy_imports() if not reason(place, *what, line)]
    assert silent == []


def test_a_reason_given_by_hand_is_seldom() -> None:
    assert sum(LATE in line for _, _, line in lazy_imports()) <= 16


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_holds_more_than_a_quarter_of_the_lines(room: str) -> None:
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    own = sum(count for file, count in lines.items() if file.relative_to(ROOT).parts[0] == room)
    assert own <= 0.25 * sum(lines.values())


def dotted(file: Path) -> str:
    """The module of a file, without the package's own name."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


KNOWN = {dotted(file): file for file in FILES}


def imported(file: Path) -> Iterator[str]:
    """Modules of ours that a file imports, at its top or inside a function."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = package[: len(package) - node.level + 1]
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (
                whole if (whole := f"{base}.{alias.name}".strip(".")) in KNOWN else base for alias in node.names
            )


def test_imports_go_in_no_circle() -> None:
    made = {name: set(imported(file)) - {name} for name, file in KNOWN.items()}
    assert sum(map(len, made.values())) > 1000
    TopologicalSorter(made).prepare()


def test_folders_import_each_other_in_no_circle() -> None:
    folders: dict[str, set[str]] = {}
    for file in FILES:
        own = file.parent.relative_to(ROOT).as_posix()
        others = {KNOWN[name].parent.relative_to(ROOT).as_posix() for name in imported(file) if name in KNOWN}
        folders.setdefault(own, set()).update(others - {own})
    TopologicalSorter(folders).prepare()


OWN_ROOMS_OF_TESTS = {"corpus", "house", "helpers", "leaks", "providers"}
"""Folders of tests that no folder of the code answers to."""


def test_tests_stand_in_rooms_of_the_code() -> None:
    files = list((ROOT / "tests").rglob("*.py"))
    loose = [file.name for file in files if file.parent == ROOT / "tests" and file.name != "conftest.py"]
    assert loose == []
    folders = {file.parent for file in files} - {ROOT / "tests"}
    rooms = {folder: ROOT / folder.relative_to(ROOT / "tests") for folder in folders}
    unknown = {own.name for own, room in rooms.items() if not (room.is_dir() or room.with_suffix(".py").is_file())}
    assert unknown <= OWN_ROOMS_OF_TESTS


@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda file: file.name)
def test_benchmarks_import_what_is_there(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tapeflow."):
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name) or f"{node.module}.{alias.name}".removeprefix("tapeflow.") in KNOWN


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_module_of_the_package_is_known_for_ours(file: Path) -> None:
    assert belongs_to(str(file)) == "ours"


@pytest.mark.parametrize("what", REGISTRIES)
def test_no_plugin_of_ours_lies_where_it_is_not_looked_for(what: str) -> None:
    registry = REGISTRIES[what]
    package = importlib.import_module(f"tapeflow.{what}")
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(info.name)
    ours = [cls.__module__ for cls in registry.values() if cls.__module__.startswith(f"{package.__name__}.")]
    assert len(ours) > 10
    assert {module.rpartition(".")[0] for module in ours} <= {registry.package}

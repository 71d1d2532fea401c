"""The Python reference: every public name of every module, with what it says of itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from tapeflow.core.plugins.registry import REGISTRIES

from .markdown import render

PACKAGES = (
    "core",
    "aggregation",
    "store",
    "fetching",
    "feeds",
    "auditing",
    "indicators",
    "strategies",
    "configs",
    "backtest",
    "research",
    "checks",
    "report",
    "api",
    "fast",
)


def modules(package: str) -> Iterator[ModuleType]:
    """The public modules of one floor, itself first; a floor may be one module."""
    root = importlib.import_module(f"tapeflow.{package}")
    yield root
    for info in sorted(pkgutil.walk_packages(getattr(root, "__path__", ()), f"{root.__name__}."), key=lambda m: m.name):
        if not info.name.rpartition(".")[2].startswith("_"):
            yield importlib.import_module(info.name)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Classes and functions, compiled ones too, that a module defines for others, in the order they stand in."""
    for name, value in vars(module).items():
        made_here = getattr(value, "__module__", None) == module.__name__
        is_code = inspect.isclass(value) or inspect.isfunction(getattr(value, "py_func", value))
        if not name.startswith("_") and made_here and is_code:
            yield name, value


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that stand in a class's own body."""
    for name, value in vars(cls).items():
        made = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        code = made.fget if isinstance(made, property) else made
        if not name.startswith("_") and inspect.isfunction(code) and code.__name__ == name:
            yield name, made


def undocumented() -> Iterator[str]:
    """Full names of what is public and says nothing of itself."""
    for package in PACKAGES:
        for module in modules(package):
            if not (module.__doc__ or "").strip():
                yield module.__name__
            for name, value in public(module):
                if not (inspect.getdoc(value) or "").strip():
                    yield f"{module.__name__}.{name}"
                if inspect.isclass(value):
                    yield from _silent_members(f"{module.__name__}.{name}", value)


def _silent_members(path: str, cls: type) -> Iterator[str]:
    for name, value in members(cls):
        if not (value.__doc__ or "").strip() and not any(hasattr(base, name) for base in cls.__mro__[1:]):
            yield f"{path}.{name}"


def pages() -> Iterator[tuple[str, str]]:
    """Path and text of a page for each package, with all public names of its modules."""
    for floor in PACKAGES:
        by_package: dict[str, list[ModuleType]] = {}
        for module in modules(floor):
            is_package = hasattr(module, "__path__") or module.__name__ == f"tapeflow.{floor}"
            by_package.setdefault(module.__name__ if is_package else module.__name__.rpartition(".")[0], []).append(
                module
            )
        for package, inside in by_package.items():
            yield f"python/{package.removeprefix('tapeflow.')}.md", _page(package, inside)


def index() -> str:
    """The list of pages."""
    names = [Path(path).stem for path, _ in pages()]
    about = (
        "Every public name of every module. `import tapeflow as tf` has what a notebook needs: [run, sweep and load]"
    )
    more = (
        "(python/api.md#apiruns), [bars, compute, audit and data](python/api.md#apitapes), and what authors subclass."
    )
    tree = ["```{toctree}", ":maxdepth: 1", "", *(f"python/{name}" for name in names), "```", ""]
    return "\n".join(["# Python", "", f"{about}{more}", "", *tree])


def _page(package: str, inside: list[ModuleType]) -> str:
    out = [f"# {package}", "", *render(inside[0].__doc__, level=5)]
    for module in inside:
        names = list(public(module))
        if names:
            about = render(module.__doc__, level=5) if module is not inside[0] else []
            out += [f"## {module.__name__.removeprefix('tapeflow.')}", "", *about]
        for name, value in names:
            out += _plugin(name, value) or _entry(name, value)
    return "\n".join(out)


def _plugin(name: str, value: Any) -> list[str]:
    """A link for a class that has a page of its own, nothing for another."""
    for kind, registry in REGISTRIES.items():
        if registry.get(name) is value:
            return [f"### {name}", "", f"See [{registry.what} {name}](../{kind}/{name}.md).", ""]
    return []


def _entry(name: str, value: Any) -> list[str]:
    out = [f"### {name}", "", f"```text\n{name}{_signature(value)}\n```", "", *render(inspect.getdoc(value), level=5)]
    if inspect.isclass(value):
        for member, made in members(value):
            doc = (inspect.getdoc(made) or "").strip()
            if doc:
                shown = "" if isinstance(made, property) else _signature(made)
                out += [f"#### {name}.{member}", "", f"```text\n{member}{shown}\n```", "", *render(doc, level=5)]
    return out


def _signature(value: Any) -> str:
    try:
        return str(inspect.signature(value)).replace("tapeflow.", "")
    except (TypeError, ValueError):
        return ""

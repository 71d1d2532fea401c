"""Every example in every docstring of the package runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

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
    "cli",
    "api",
)


def _modules() -> list[str]:
    found: list[str] = []
    for part in PACKAGES:
        package = importlib.import_module(f"tapeflow.{part}")
        found += [package.__name__]
        found += [m.name for m in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}.")]
    return [name for name in found if not name.endswith("__main__")]


@pytest.mark.parametrize("name", _modules())
def test_examples_of_a_module_run(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", _modules())
def test_a_module_says_what_it_is(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip()

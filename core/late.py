"""Modules that are loaded when they are first looked into, for a command line that starts at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

TALIB = "backtrader.talib"
"""Wraps every function of TA-Lib as an indicator of backtrader, which takes longer than all else of backtrader."""


class _Late:
    """A finder that gives some modules a lazy loader.

    Parameters
    ----------
    names : tuple of str
        Full names of the modules.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that is to come late; None for all others."""
        found = PathFinder.find_spec(name, path) if name in self.names else None
        if found is not None and found.loader is not None:
            found.loader = LazyLoader(found.loader)
        return found


def start(module: str, function: str, *args: Any) -> None:
    """Begin a process of our own: call a function of a module that is imported now, with `TALIB` to come late."""
    come_late(TALIB)
    getattr(import_module(module), function)(*args)


def come_late(*names: str) -> None:
    """Have modules loaded when one of their attributes is first asked for, rather than when they are imported.

    It is for a program of our own, not for a library: the import statement tells no longer whether the module can be
    loaded. What is imported already is left alone.

    Parameters
    ----------
    *names : str
        Full names of modules.

    Examples
    --------
    >>> come_late("json.tool")
    >>> import json.tool
    >>> json.tool.main.__name__
    'main'
    """
    if not any(isinstance(finder, _Late) and finder.names == names for finder in sys.meta_path):
        sys.meta_path.insert(0, _Late(names))

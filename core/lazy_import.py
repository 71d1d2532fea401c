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

RARE = (TALIB, "backtrader.indicators", "backtrader.strategies", "backtrader.studies", "backtrader.studies.contrib")
"""What most runs never look into, half of backtrader: its own indicators and what is built upon them."""


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
            found.loader = _Loader(found.loader)
        return found


class _Loader(LazyLoader):
    """A lazy loader of packages that stay unloaded while what they belong to imports parts of them."""

    def exec_module(self, module: ModuleType) -> None:
        """Have the module wait for its first use."""
        whole = sys.modules.get(module.__name__.rpartition(".")[0])
        super().exec_module(module)
        lazy: type[ModuleType] = type(module)

        class Waiting(ModuleType):
            def __getattribute__(self, name: str) -> Any:
                if name in ("__path__", "__spec__") and _in_making(whole):
                    return ModuleType.__getattribute__(self, name)
                ModuleType.__setattr__(self, "__class__", lazy)
                name_of_parts = f"{self.__name__}."
                for part in [m for m in list(sys.modules) if m.startswith(name_of_parts)]:
                    vars(sys.modules[part])  # one that waits too may add to the names of the whole
                return getattr(self, name)

        module.__class__ = Waiting


def _in_making(module: ModuleType | None) -> bool:
    """Whether a module is being imported at this moment."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def start(module: str, function: str, *args: Any) -> None:
    """Begin a process of our own: call a function of a module that is imported now, with `RARE` to come late."""
    come_late(*RARE)
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

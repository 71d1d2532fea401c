"""Compiled code on disk: found again in a moment, and never older than what it was made of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache, NullCache
from numba.core.runtime import rtsys

PLAIN = (bool, int, float, complex, str, tuple)
"""What compiled code holds as it was when it was compiled."""


class KernelCache(NullCache):
    """Machine code of one function, looked for when it is wanted and loaded without what only compiling needs.

    numba looks for a place to keep it as soon as a function is decorated, of which few are used in a run, and imports
    all that it knows to compile before it looks whether there is anything to compile: together these take longer than
    loading every kernel of a run. Compiling imports for itself. numba also goes by the file of the function alone; here
    the files of all that it calls count, and the constants that it reads.

    Parameters
    ----------
    fn : callable
        What is compiled; where it was typed at a prompt there is no file to keep machine code beside.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn

    @cached_property
    def _files(self) -> Any:
        try:
            files = FunctionCache(self._fn)
        except RuntimeError:
            return None
        files._cache_file._source_stamp = (files._cache_file._source_stamp, made_of(self._fn))
        return files

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for a signature; None where it is not on disk."""
        if self._files is None:
            return None
        rtsys.initialize(target_context)
        with self._files._guard_against_spurious_io_errors():
            return self._files._load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature."""
        if self._files is not None:
            self._files.save_overload(sig, data)


def made_of(fn: Callable[..., Any]) -> tuple[tuple[str, str], ...]:
    """What the compiled code of ``fn`` depends on: files with their times and sizes, constants with their values.

    Followed are the names that its code and the code of all that it calls look up, as far as they are functions,
    compiled functions, intrinsics and classes of a package that one of them belongs to.

    Examples
    --------
    >>> from tapeflow.core.errors import listed
    >>> [Path(name).name for name, _ in made_of(listed)]
    ['errors.py']
    """
    found: dict[str, str] = {}
    waiting, seen = [_function(fn)], set()
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        found[one.__code__.co_filename] = _stamp(one.__code__.co_filename)
        for name in _names(one.__code__):
            value = one.__globals__.get(name)
            if isinstance(value, PLAIN):
                found[f"{one.__module__.rpartition('.')[2]}.{name}"] = repr(value)
            elif isinstance(value, np.ndarray):
                found[f"{one.__module__.rpartition('.')[2]}.{name}"] = f"{value.dtype} {value.tolist()}"
            elif isinstance(value, type | ModuleType):
                found |= _file_of(value, one)
            else:
                waiting.append(_called(value, one))
    return tuple(sorted(found.items()))


def _function(value: Any) -> FunctionType | None:
    """The Python function behind a compiled one or an intrinsic."""
    made = getattr(value, "py_func", None) or getattr(value, "_defn", None) or value
    return made if isinstance(made, FunctionType) else None


def _called(value: Any, caller: FunctionType) -> FunctionType | None:
    """The function to follow: a compiled one, or a plain one of this package or its caller's; numpy's do not change."""
    made = _function(value)
    if made is not None and made is value and _package(made) not in (_package(caller), __name__.partition(".")[0]):
        return None
    return made


def _package(one: Any) -> str:
    return str(one.__module__).partition(".")[0]


def _file_of(made: type | ModuleType, user: FunctionType) -> dict[str, str]:
    """The file of a class or a module of its user's package."""
    module = made if isinstance(made, ModuleType) else sys.modules.get(made.__module__)
    file = getattr(module, "__file__", None)
    ours = module is not None and module.__name__.partition(".")[0] == _package(user)
    return {file: _stamp(file)} if file and ours else {}


def _names(code: CodeType) -> Iterator[str]:
    """Names that code looks up, that of functions within it included."""
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _stamp(file: str) -> str:
    try:
        stat = Path(file).stat()
    except OSError:
        return ""
    return f"{stat.st_mtime_ns} {stat.st_size}"

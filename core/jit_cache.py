"""Machine code of kernels: found again by what it was made of, wherever that lies, and never older than it."""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba.core import config
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from . import jit_store

PLAIN = (bool, int, float, complex, str, tuple)
"""What compiled code holds as it was when it was compiled."""

STANDARD = sysconfig.get_path("stdlib") + os.sep
"""Where Python's own modules lie."""

SWITCHES = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "USING_SVML", "ENABLE_AVX")
"""Settings of numba that change what comes of the same source."""


class KernelCache(NullCache):
    """Machine code of one function, looked for when it is wanted and loaded without what only compiling needs.

    numba keeps code beside the source file and believes it by that file's time. Here the text of all that the kernel
    calls and the constants that it reads are its name, so that another checkout of the same source finds it too.

    Parameters
    ----------
    fn : callable
        What is compiled; where it was typed at a prompt there is no text to go by, and nothing is kept.
    options : mapping
        How it is compiled.
    """

    def __init__(self, fn: Callable[..., Any], options: dict[str, Any]) -> None:
        self._fn, self._options = fn, options

    @cached_property
    def _made_of(self) -> str | None:
        code = _function(self._fn).__code__  # type: ignore[union-attr]
        if not Path(code.co_filename).is_file():
            return None
        own = (self._fn.__module__, self._fn.__qualname__, code.co_firstlineno, sorted(self._options.items()))
        return _digest((_made_by(), own, sorted(dependencies(self._fn).items()), _held(self._fn)))

    def _name(self, sig: Any, context: Any) -> str:
        own = self._fn.__name__ if self._fn.__name__.isidentifier() else "unnamed"
        return f"{own}-{_digest((self._made_of, str(sig), context.codegen().magic_tuple()))[:40]}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function for a signature; None where it is not kept."""
        if self._made_of is None:
            return None
        kept = jit_store.read(self._name(sig, target_context))
        if kept is None:
            return None
        rtsys.initialize(target_context)
        return CompileResult._rebuild(target_context, *pickle.loads(kept))  # noqa: S301 as numba keeps it

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled for a signature."""
        if self._made_of is None or data.library.has_dynamic_globals or any(not each.can_cache for each in data.lifted):
            return
        jit_store.write(self._name(sig, data.target_context), dumps(data._reduce()))


def dependencies(fn: Callable[..., Any]) -> dict[str, str]:
    """What the compiled code of ``fn`` depends on: modules with digests of their text, constants with their values.

    Followed are the names that its code and the code of all that it calls look up, as far as they are functions,
    compiled functions, intrinsics and classes of a package that one of them belongs to.

    Examples
    --------
    >>> from tapeflow.core.errors import listed
    >>> list(dependencies(listed))
    ['tapeflow.core.errors']
    """
    found: dict[str, str] = {}
    waiting, seen = [_function(fn)], set()
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        found[one.__module__] = _text(one.__code__.co_filename)
        names = list(_names(one.__code__))
        for where, name, value in _looked_up(one.__module__, one.__globals__, names, set()):
            if isinstance(value, PLAIN):
                found[f"{where}:{name}"] = repr(value)
            elif isinstance(value, np.ndarray):
                found[f"{where}:{name}"] = f"{value.dtype} {value.tolist()}"
            elif isinstance(value, type | ModuleType):
                found |= _text_of(value, one)
            else:
                waiting.append(_called(value, one))
    return found


def _looked_up(
    where: str, given: Mapping[str, Any], names: Sequence[str], seen: set[str]
) -> Iterator[tuple[str, str, Any]]:
    """Each of ``names`` that a module has, with the module and the value; those of modules that it names as well.

    Attributes are among the names of code, so that a constant read as ``module.NAME`` is found in that module.
    """
    for name in dict.fromkeys(names):
        if name not in given:
            continue
        value = given[name]
        yield where, name, value
        if isinstance(value, ModuleType) and value.__name__ not in seen and not _installed(value):
            seen.add(value.__name__)
            yield from _looked_up(value.__name__, vars(value), names, seen)


def _installed(module: ModuleType) -> bool:
    """Whether a module is Python's or an installed package's, which do not change while a version stays."""
    file = getattr(module, "__file__", None)
    return not file or bool({"site-packages", "dist-packages"} & {*Path(file).parts}) or file.startswith(STANDARD)


@cache
def _made_by() -> tuple[Any, ...]:
    """What turns source into machine code here."""
    switches = [(name, getattr(config, name, None)) for name in SWITCHES]
    made = (sys.implementation.cache_tag, sys.platform, platform.machine())
    return (*made, numba.__version__, version("llvmlite"), np.__version__, switches)


def _digest(what: Any) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _held(fn: Callable[..., Any]) -> str:
    """What a function made within another holds of it."""
    cells = [cell.cell_contents for cell in getattr(fn, "__closure__", None) or ()]
    return hashlib.sha256(dumps(cells)).hexdigest() if cells else ""


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


def _text_of(made: type | ModuleType, user: FunctionType) -> dict[str, str]:
    """The text of a class' module, or a module, of its user's package or of nobody's package."""
    module = made if isinstance(made, ModuleType) else sys.modules.get(made.__module__)
    file = getattr(module, "__file__", None)
    if module is None or not file or (_package(user) != module.__name__.partition(".")[0] and _installed(module)):
        return {}
    return {module.__name__: _text(file)}


def _names(code: CodeType) -> Iterator[str]:
    """Names that code looks up, that of functions within it included."""
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


_TEXTS: dict[tuple[str, int, int], str] = {}
"""Digests of files by path, time and size: a file that an author saves again in a notebook is read again."""


def _text(file: str) -> str:
    try:
        stat = Path(file).stat()
        key = (file, stat.st_mtime_ns, stat.st_size)
        if key not in _TEXTS:
            _TEXTS[key] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""
    return _TEXTS[key]

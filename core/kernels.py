"""Compiled code: one decorator, so that every kernel is cached on disk and divides like numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba as nb
from numba import types as nt
from numba.core import event
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from .jit_cache import KernelCache

F = TypeVar("F", bound=Callable[..., Any])

COLUMN = nt.Array(nt.float64, 1, "C")
TABLE = nt.Array(nt.float64, 2, "C")
INTEGERS = nt.Array(nt.int64, 1, "C")
_BARE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

STEP = nt.void(COLUMN, COLUMN, COLUMN, COLUMN)
"""Signature of an indicator's step: parameters, inputs of this bar, state, outputs."""

LEVELS_STEP = nt.void(COLUMN, COLUMN, COLUMN, COLUMN, INTEGERS, COLUMN, COLUMN)
"""The same with the rows of this bar: price ticks, bought, sold."""


def _jit(fn: F, **more: Any) -> F:
    made: Any = nb.njit(nogil=True, error_model="numpy", **more)(fn)
    made._cache = KernelCache(fn, made.targetoptions)
    return cast("F", made)


def compiled(fn: F) -> F:
    """Compile ``fn`` on first use, without the interpreter lock, and keep the machine code on disk."""
    return _jit(fn)


def njit_no_refcount(fn: F) -> F:
    """The same for what makes no arrays: skips reference counting, and is called twice as fast."""
    return _jit(fn, _nrt=False, no_cfunc_wrapper=True)


def inlined(fn: F) -> F:
    """The same for what is called once or more per row: it becomes part of every compiled function that calls it."""
    return _jit(fn, forceinline=True)


def njit_internal(fn: F) -> F:
    """`njit_no_refcount` for what only compiled functions call: without an entry for Python it compiles sooner."""
    return _jit(fn, _nrt=False, **_BARE)


def njit_inline(fn: F) -> F:
    """`njit_internal` for what becomes part of every function that calls it."""
    return _jit(fn, _nrt=False, forceinline=True, **_BARE)


def step(fn: F) -> F:
    """Compile an indicator's ``step(p, x, s, y)``.

    It is called once a bar and sees that bar alone, so it cannot look ahead.

    Parameters
    ----------
    fn : callable
        ``p`` holds the numeric parameters in the order of ``Indicator.numbers``, ``x`` the inputs of
        this bar in the order of ``inputs``, ``s`` the state (changed in place), ``y`` takes one value a line.
    """
    return _lean(fn, STEP)


def levels_step(fn: F) -> F:
    """Compile an indicator's ``step(p, x, s, y, tick, buy, sell)``, which sees the bar's price rows too.

    ``tick`` (int64), ``buy`` and ``sell`` (float64) hold one entry a row, lowest price first.
    """
    return _wanting(fn, LEVELS_STEP)


def driver(signature: Any) -> Callable[[F], F]:
    """Compile a loop that is handed a kernel, for this one ``signature``, when `ready` first asks for it."""
    return lambda fn: _wanting(fn, signature)


def ready(kernel: F) -> F:
    """``kernel`` compiled for the signature it was made for; what it returns is to be called.

    Kernels are compiled when they are first used rather than when their module is imported: listing all
    indicators on a new machine would otherwise compile all of them.
    """
    made: Any = kernel
    wanted, lean = getattr(made, "wanted", None), getattr(made, "lean", None)
    if wanted is None:
        return kernel
    if lean is not None:
        try:
            return cast("F", _for(lean, wanted))
        except NumbaError:  # it makes arrays of its own, which have to be counted
            made.lean = None
            _forget_failures(lean, set())
    return cast("F", _for(made, wanted))


def _for(made: Any, wanted: Any) -> Any:
    if not made.signatures:
        made.compile(wanted)
        made.disable_compile()
    return made


def _forget_failures(made: Any, seen: set[Any]) -> None:
    """Let what ``made`` calls be compiled again in another way: numba remembers what it could not compile."""
    seen.add(made)
    made._compiler._failed_cache.clear()
    for name in made.py_func.__code__.co_names:
        called = made.py_func.__globals__.get(name)
        if isinstance(called, Dispatcher) and called not in seen:
            _forget_failures(called, seen)


class _Once(event.Listener):
    """Calls back when something is compiled for the first time, and never again."""

    def __init__(self, say: Callable[[], None]) -> None:
        self._say: Callable[[], None] | None = say

    def on_start(self, event: Any) -> None:
        """Something is about to be compiled; what lies on disk is not."""
        say, self._say = self._say, None
        if say:
            say()

    def on_end(self, event: Any) -> None:
        """Nothing."""


def on_compile(say: Callable[[], None]) -> None:
    """Call ``say`` once, when something has to be compiled because this machine has not done so yet."""
    event.register("numba:compile", _Once(say))


def _wanting(fn: F, signature: Any) -> F:
    made: Any = _jit(fn)
    made.wanted = signature
    return cast("F", made)


def _lean(fn: F, signature: Any) -> F:
    """A kernel that is given its arrays and makes none, so that nothing need count who holds them: half the time."""
    made: Any = _wanting(fn, signature)
    made.lean = _jit(fn, _nrt=False)
    return cast("F", made)

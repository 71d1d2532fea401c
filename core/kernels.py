"""Compiled code: one decorator, so that every kernel is cached on disk and divides like numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba as nb
from numba import types as nt

F = TypeVar("F", bound=Callable[..., Any])

COLUMN = nt.Array(nt.float64, 1, "C")
TABLE = nt.Array(nt.float64, 2, "C")
INTEGERS = nt.Array(nt.int64, 1, "C")

STEP = nt.void(COLUMN, COLUMN, COLUMN, COLUMN)
"""Signature of an indicator's step: parameters, inputs of this bar, state, outputs."""

LEVELS_STEP = nt.void(COLUMN, COLUMN, COLUMN, COLUMN, INTEGERS, COLUMN, COLUMN)
"""The same with the rows of this bar: price ticks, bought, sold."""


def _jit(fn: F, *signature: Any, **more: Any) -> F:
    options = {"nogil": True, "error_model": "numpy", **more}
    try:
        made: F = nb.njit(*signature, cache=True, **options)(fn)
    except RuntimeError:  # typed at a prompt: there is no file to keep machine code beside
        made = nb.njit(*signature, **options)(fn)
    return made


def compiled(fn: F) -> F:
    """Compile ``fn`` on first use, without the interpreter lock, and keep the machine code on disk."""
    return _jit(fn)


def inlined(fn: F) -> F:
    """The same for what is called once or more per row: it becomes part of every compiled function that calls it."""
    return _jit(fn, forceinline=True)


def step(fn: F) -> F:
    """Compile an indicator's ``step(p, x, s, y)``.

    It is called once a bar and sees that bar alone, so it cannot look ahead.

    Parameters
    ----------
    fn : callable
        ``p`` holds the numeric parameters in the order of ``Indicator.numbers``, ``x`` the inputs of
        this bar in the order of ``inputs``, ``s`` the state (changed in place), ``y`` takes one value a line.
    """
    return _jit(fn, STEP)


def levels_step(fn: F) -> F:
    """Compile an indicator's ``step(p, x, s, y, tick, buy, sell)``, which sees the bar's price rows too.

    ``tick`` (int64), ``buy`` and ``sell`` (float64) hold one entry a row, lowest price first.
    """
    return _jit(fn, LEVELS_STEP)

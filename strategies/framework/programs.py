"""What of rules is only known while a position is held: short programs over its state, the same in every engine.

Parts of an expression that no position changes are columns, made ahead. The rest is postfix: each step takes numbers
off a stack and leaves one. Truth is 1, 0 or NaN, as in `rule_language.operators`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.kernels import njit_no_refcount
from ...core.names import STATE

Step = tuple[int, Any]
"""What to do, and with what: the number of a state word, a constant, or what makes a column."""
Key = tuple[str, str]
Floats = NDArray[np.float64]

(
    COLUMN, CONSTANT, WORD, NEGATIVE, NOT, ABS, SQRT, LOG, SIGN, KNOWN, ADD, SUB, MUL, DIV, MOD, LESS, LESS_EQUAL,
    GREATER, GREATER_EQUAL, EQUAL, UNEQUAL, AND, OR, MIN, MAX, WHERE,
) = range(26)  # fmt: skip

OPERATORS: Mapping[type[ast.AST], int] = {
    ast.Add: ADD, ast.Sub: SUB, ast.Mult: MUL, ast.Div: DIV, ast.Mod: MOD, ast.Lt: LESS, ast.LtE: LESS_EQUAL,
    ast.Gt: GREATER, ast.GtE: GREATER_EQUAL, ast.Eq: EQUAL, ast.NotEq: UNEQUAL, ast.And: AND, ast.Or: OR,
    ast.Not: NOT, ast.USub: NEGATIVE,
}  # fmt: skip
FUNCTIONS: Mapping[str, int] = {
    "abs": ABS, "sqrt": SQRT, "log": LOG, "sign": SIGN, "known": KNOWN, "min": MIN, "max": MAX, "where": WHERE,
    "clip": MAX,
}  # fmt: skip
"""Functions of one bar's numbers; ``clip`` is the larger of its first two arguments, then the smaller."""

POSITION, ENTRY_PRICE, BARS_HELD, PNL, PEAK, DRAWDOWN = range(len(STATE))


@njit_no_refcount
def note_state(state: Floats, held: float, entry: float, close: float, bars: float, best: float) -> None:
    """Write down what the words of `STATE` are worth at a close.

    Parameters
    ----------
    state : ndarray of float64, (6,)
        Takes them.
    held, entry : float
        Signed size of the position and its mean price.
    close : float
        Of this bar.
    bars : float
        Bars since the one of the entry.
    best : float
        The highest close since then, the lowest of a short position.
    """
    state[POSITION] = held
    if held == 0.0:
        state[ENTRY_PRICE] = state[BARS_HELD] = state[PNL] = state[PEAK] = state[DRAWDOWN] = np.nan
        return
    way = 1.0 if held > 0.0 else -1.0
    peak = max(best, entry) if held > 0.0 else min(best, entry)
    state[ENTRY_PRICE], state[BARS_HELD], state[PEAK] = entry, bars, peak
    state[PNL], state[DRAWDOWN] = way * (close / entry - 1.0), way * (1.0 - close / peak)


@njit_no_refcount
def evaluate(
    code: NDArray[np.int64],
    constants: Floats,
    columns: Floats,
    span: tuple[int, int],
    bar: int,
    state: Floats,
    stack: Floats,
) -> float:
    """What a program comes to on a bar.

    Parameters
    ----------
    code : ndarray of int64, (m, 2)
        Steps of all programs, each with the number of a column, a constant or a state word.
    constants : ndarray of float64, (k,)
        Numbers.
    columns : ndarray of float64, (c, bars)
        What no position changes.
    span : tuple of int
        The program's first step and the one behind its last.
    bar : int
        Which, from 0.
    state : ndarray of float64, (6,)
        Of `note_state`.
    stack : ndarray of float64
        Room for as many numbers as there are steps.
    """
    n = 0
    for i in range(span[0], span[1]):
        step, at = code[i, 0], code[i, 1]
        if step <= WORD:
            stack[n] = columns[at, bar] if step == COLUMN else constants[at] if step == CONSTANT else state[at]
            n += 1
            continue
        b = stack[n - 1]
        if step <= KNOWN:
            stack[n - 1] = _of_one(step, b)
            continue
        n -= 1
        a = stack[n - 1]
        if step == WHERE:
            n -= 1
            told = stack[n - 1]
            stack[n - 1] = np.nan if told != told else a if told != 0.0 else b
        else:
            stack[n - 1] = _of_two(step, a, b)
    return float(stack[0])


@njit_no_refcount
def _of_one(step: int, x: float) -> float:
    if step == KNOWN:
        return 1.0 if x == x else 0.0
    if step == NEGATIVE:
        return -x
    if step == NOT:
        return np.nan if x != x else 1.0 if x == 0.0 else 0.0
    if step == ABS:
        return abs(x)
    if step == SIGN:
        return float(np.sign(x))
    made = np.sqrt(x) if step == SQRT else np.log(x)
    return np.nan if np.isinf(made) else float(made)


@njit_no_refcount
def _of_two(step: int, a: float, b: float) -> float:
    if step == AND:
        return 0.0 if a == 0.0 or b == 0.0 else np.nan if a != a or b != b else 1.0
    if step == OR:
        yes = (a == a and a != 0.0) or (b == b and b != 0.0)
        return 1.0 if yes else np.nan if a != a or b != b else 0.0
    if a != a or b != b:
        return np.nan
    if step <= MOD:
        return _arithmetic(step, a, b)
    if step == MIN:
        return min(a, b)
    if step == MAX:
        return max(a, b)
    return 1.0 if _compared(step, a, b) else 0.0


@njit_no_refcount
def _compared(step: int, a: float, b: float) -> bool:
    if step == LESS:
        return a < b
    if step == LESS_EQUAL:
        return a <= b
    if step == GREATER:
        return a > b
    if step == GREATER_EQUAL:
        return a >= b
    return a == b if step == EQUAL else a != b


@njit_no_refcount
def _arithmetic(step: int, a: float, b: float) -> float:
    if step == MOD:
        return np.nan if b == 0.0 else float(a % b)
    if step == ADD:
        made = a + b
    elif step == SUB:
        made = a - b
    elif step == MUL:
        made = a * b
    else:
        made = np.nan if b == 0.0 else a / b
    return np.nan if np.isinf(made) else float(made)


@dataclass(frozen=True)
class Programs:
    """Programs over the bars of a run, in one table.

    Parameters
    ----------
    code, constants, columns : ndarray
        As `evaluate` takes them.
    spans : dict of (str, str) to (int, int)
        The steps of each program, by the rule's name and its side, ``size`` or ``limit``.
    """

    code: NDArray[np.int64]
    constants: Floats
    columns: Floats
    spans: dict[Key, tuple[int, int]]

    @classmethod
    def of(cls, asked: Mapping[Key, tuple[Step, ...]], columns: Any) -> Programs:
        """Programs, the columns of which are read from ``columns``."""
        code: list[tuple[int, int]] = []
        constants: list[float] = []
        made: list[Floats] = []
        spans = {}
        for key, steps in asked.items():
            start = len(code)
            for step, what in steps:
                if step == COLUMN:
                    made.append(np.broadcast_to(np.asarray(what(columns), dtype=np.float64), (len(columns),)))
                    code.append((step, len(made) - 1))
                elif step == CONSTANT:
                    constants.append(what)
                    code.append((step, len(constants) - 1))
                else:
                    code.append((step, what))
            spans[key] = start, len(code)
        table = np.array(made) if made else np.zeros((0, len(columns)))
        return cls(np.array(code, np.int64).reshape(-1, 2), np.array(constants, np.float64), table, spans)

    def value(self, key: Key, bar: int, state: Floats) -> float:
        """What a program comes to on a bar, for a position of this ``state``."""
        stack = np.empty(max(1, len(self.code)))
        return float(evaluate(self.code, self.constants, self.columns, self.spans[key], bar, state, stack))

    def __contains__(self, key: Key) -> bool:
        return key in self.spans


NO_PROGRAMS = Programs(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros((0, 0)), {})


def postfix(parts: list[tuple[Step, ...]], step: int, *, folds: bool = False) -> tuple[Step, ...]:
    """The program of ``parts``, then ``step``; one that ``folds`` comes behind each part but the first."""
    if not folds:
        return (*(one for part in parts for one in part), (step, 0))
    made = parts[0]
    for part in parts[1:]:
        made = (*made, *part, (step, 0))
    return made

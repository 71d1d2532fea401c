"""What expressions are made of: arithmetic, comparisons and logic on arrays, with unknown as a third truth.

A comparison with a number that is not there (NaN: a warm-up, an empty bar) is unknown; ``and``, ``or`` and
``not`` follow Kleene. Nothing gives inf: a division by zero is NaN.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NAN = float("nan")


def _known(made: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison that is unknown where either side is."""

    def compare(a: Any, b: Any) -> Any:
        said = np.array(made(a, b), dtype=np.float64)
        np.copyto(said, NAN, where=np.isnan(a) | np.isnan(b))
        return said

    return compare


def divide(a: Any, b: Any) -> Any:
    """``a / b``, NaN where ``b`` is 0."""
    with np.errstate(all="ignore"):
        return np.where(np.equal(b, 0), NAN, np.divide(a, b))


def _remainder(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(b, 0), NAN, np.mod(a, b))


def both(a: Any, b: Any) -> Any:
    """``a and b``: false where one is, unknown where that is not said."""
    return np.where((a == 0) | (b == 0), 0.0, np.where(np.isnan(a) | np.isnan(b), NAN, 1.0))


def either(a: Any, b: Any) -> Any:
    """``a or b``: true where one is, unknown where that is not said."""
    yes = is_true(a) | is_true(b)
    return np.where(yes, 1.0, np.where(np.isnan(a) | np.isnan(b), NAN, 0.0))


def negation(a: Any) -> Any:
    """``not a``; of the unknown, unknown."""
    return np.where(np.isnan(a), NAN, np.equal(a, 0))


def is_true(a: Any) -> Any:
    """Where ``a`` is known and not 0, as bool."""
    return ~np.isnan(a) & np.not_equal(a, 0)


def quiet(made: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives NaN, never inf or a warning, outside its domain."""

    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            value = made(*args)
        return np.where(np.isinf(value), NAN, value)

    return call


BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: quiet(np.add),
    ast.Sub: quiet(np.subtract),
    ast.Mult: quiet(np.multiply),
    ast.Div: quiet(divide),
    ast.Mod: _remainder,
}
ORDERED: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
}
"""Comparisons that are false of what is unknown, so that they say at once where they are true."""
COMPARE = {op: _known(made) for op, made in ORDERED.items()} | {ast.NotEq: _known(np.not_equal)}
JOIN = {ast.And: (both, np.logical_and), ast.Or: (either, np.logical_or)}
"""What joins truths: with the unknown among them, and of those that are only true or not."""

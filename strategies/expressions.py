"""Rules as expressions: parsed to a whitelist, evaluated on one bar or on whole arrays, equal either way.

Truth has three values. A comparison with a number that is not there (NaN: a warm-up, an empty bar) is
unknown, ``and``, ``or`` and ``not`` follow Kleene, and a rule fires only where it is true.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ExpressionError, nearest
from ..core.names import Names

Ref = tuple[str, str]
"""What a name refers to: (indicator, line), or ("", column) for a column of the feed."""
Array = NDArray[np.float64]
NAN = float("nan")


def _known(made: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison that is unknown where either side is."""

    def compare(a: Any, b: Any) -> Any:
        return np.where(np.isnan(a) | np.isnan(b), NAN, made(a, b))

    return compare


def _divide(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(b, 0), NAN, np.divide(a, b))


def _remainder(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.equal(b, 0), NAN, np.mod(a, b))


def _and(a: Any, b: Any) -> Any:
    return np.where((a == 0) | (b == 0), 0.0, np.where(np.isnan(a) | np.isnan(b), NAN, 1.0))


def _or(a: Any, b: Any) -> Any:
    yes = ((a != 0) & ~np.isnan(a)) | ((b != 0) & ~np.isnan(b))
    return np.where(yes, 1.0, np.where(np.isnan(a) | np.isnan(b), NAN, 0.0))


def _not(a: Any) -> Any:
    return np.where(np.isnan(a), NAN, np.equal(a, 0))


def _quiet(made: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives NaN, never inf or a warning, outside its domain."""

    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            value = made(*args)
        return np.where(np.isinf(value), NAN, value)

    return call


BINARY: dict[type[ast.AST], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", np.add),
    ast.Sub: ("-", np.subtract),
    ast.Mult: ("*", np.multiply),
    ast.Div: ("/", _divide),
    ast.Mod: ("%", _remainder),
}
COMPARE: dict[type[ast.AST], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", _known(np.less)),
    ast.LtE: ("<=", _known(np.less_equal)),
    ast.Gt: (">", _known(np.greater)),
    ast.GtE: (">=", _known(np.greater_equal)),
    ast.Eq: ("==", _known(np.equal)),
    ast.NotEq: ("!=", _known(np.not_equal)),
}
FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, _quiet(np.sqrt)),
    "log": (1, _quiet(np.log)),
    "sign": (1, np.sign),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}
_ALLOWED = "numbers, names, x[1], + - * / %, comparisons, and, or, not, " + ", ".join(f"{f}()" for f in FUNCTIONS)

Fetch = Callable[[Ref, int], Any]
Node = Callable[[Fetch, int], Any]


class Expression:
    """One parsed rule.

    Parameters
    ----------
    text : str
        The rule, as in ``close < vwap.lower1 and delta > 0``. A bare indicator name is its first line,
        ``name.line`` any line, feed columns go by their own names, ``x[1]`` is the value one bar ago.
    names : Names
        What it may refer to.

    Attributes
    ----------
    refs : tuple of Ref
        What it reads.
    lag : int
        How many bars back it looks.

    Raises
    ------
    ExpressionError
        Naming the column within ``text``, what is wrong and what is allowed.

    Examples
    --------
    >>> rule = Expression("close > vwap and delta[1] > 0", Names(("close",), {"vwap": ("vwap",), "delta": ("delta",)}))
    >>> rule.refs, rule.lag
    ((('', 'close'), ('vwap', 'vwap'), ('delta', 'delta')), 1)
    >>> columns = {"close": [1.0, 3.0], "vwap": [2.0, 2.0], "delta": [5.0, -1.0]}
    >>> rule.over(lambda ref: np.array(columns[ref[1]])).tolist()
    [False, True]
    >>> Expression("close > __import__('os')", Names(("close",)))
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.ExpressionError: column 9: unknown function '__import__' (allowed: numbers, ...)
    """

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self._names = names
        self._refs: dict[Ref, None] = {}
        self.lag = self._depth = 0
        self._node = self._parse(text)
        self.refs = tuple(self._refs)

    def over(self, column: Callable[[Ref], Array]) -> NDArray[np.bool_]:
        """Where the rule is true, over whole columns of one length."""
        arrays = {ref: np.asarray(column(ref), dtype=np.float64) for ref in self.refs}
        value = self._node(lambda ref, ago: _shift(arrays[ref], ago), 0)
        shape = next(iter(arrays.values())).shape if arrays else ()
        value = np.broadcast_to(np.asarray(value, dtype=np.float64), shape)
        return np.asarray(~np.isnan(value) & (value != 0))

    def at(self, fetch: Callable[[Ref, int], float]) -> bool:
        """Whether the rule is true now; ``fetch(ref, ago)`` gives NaN for a bar before the first."""
        value = float(self._node(fetch, 0))
        return not math.isnan(value) and value != 0

    def value(self, fetch: Callable[[Ref, int], float]) -> float:
        """What the expression is worth now, for one that is a price rather than a condition."""
        return float(self._node(fetch, 0))

    def _parse(self, text: str) -> Node:
        if not isinstance(text, str) or not text.strip():
            raise ExpressionError("column 1: the rule is empty")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError) as err:
            column = getattr(err, "offset", None) or 1
            raise ExpressionError(f"column {column}: this is no expression (allowed: {_ALLOWED})") from None
        return self._build(tree.body)

    def _build(self, node: ast.AST) -> Node:
        build = getattr(self, f"_{type(node).__name__.lower()}", None)
        if build is None:
            raise self._wrong(node, f"{type(node).__name__} is not allowed (allowed: {_ALLOWED})")
        made: Node = build(node)
        return made

    @staticmethod
    def _wrong(node: ast.AST, what: str) -> ExpressionError:
        return ExpressionError(f"column {getattr(node, 'col_offset', 0) + 1}: {what}")

    def _constant(self, node: ast.Constant) -> Node:
        if not isinstance(node.value, int | float):
            raise self._wrong(node, f"{node.value!r} is no number")
        number = float(node.value)
        return lambda fetch, ago: number

    def _name(self, node: ast.Name) -> Node:
        lines = self._names.lines.get(node.id)
        if lines:
            return self._read((node.id, lines[0]))
        if node.id in self._names.columns:
            return self._read(("", node.id))
        raise self._wrong(node, self._unknown("name", node.id, (*self._names.lines, *self._names.columns)))

    def _attribute(self, node: ast.Attribute) -> Node:
        if not isinstance(node.value, ast.Name):
            raise self._wrong(node, f"only name.line has a dot (allowed: {_ALLOWED})")
        lines = self._names.lines.get(node.value.id)
        if lines is None:
            raise self._wrong(node, self._unknown("indicator", node.value.id, tuple(self._names.lines)))
        if node.attr not in lines:
            raise self._wrong(node, self._unknown(f"line of {node.value.id}", node.attr, lines))
        return self._read((node.value.id, node.attr))

    def _read(self, ref: Ref) -> Node:
        self._refs[ref] = None
        self.lag = max(self.lag, self._depth)
        return lambda fetch, ago: fetch(ref, ago)

    @staticmethod
    def _unknown(what: str, name: str, allowed: tuple[str, ...]) -> str:
        near = nearest(name, allowed)
        hint = f", did you mean '{near}'?" if near else ""
        return f"unknown {what} '{name}'{hint} (allowed: {', '.join(allowed)})"

    def _subscript(self, node: ast.Subscript) -> Node:
        back = node.slice
        if not isinstance(back, ast.Constant) or not isinstance(back.value, int) or isinstance(back.value, bool):
            raise self._wrong(node, "x[n] takes a whole number of bars back, as in close[1]")
        bars = back.value
        self._depth += bars
        inner = self._build(node.value)
        self._depth -= bars
        return lambda fetch, ago: inner(fetch, ago + bars)

    def _boolop(self, node: ast.BoolOp) -> Node:
        parts = [self._build(v) for v in node.values]
        join = _and if isinstance(node.op, ast.And) else _or

        def run(fetch: Fetch, ago: int) -> Any:
            value = parts[0](fetch, ago)
            for part in parts[1:]:
                value = join(value, part(fetch, ago))
            return value

        return run

    def _unaryop(self, node: ast.UnaryOp) -> Node:
        inner = self._build(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda fetch, ago: _not(inner(fetch, ago))
        if isinstance(node.op, ast.USub):
            return lambda fetch, ago: np.negative(inner(fetch, ago))
        if isinstance(node.op, ast.UAdd):
            return inner
        raise self._wrong(node, f"this operator is not allowed (allowed: {_ALLOWED})")

    def _binop(self, node: ast.BinOp) -> Node:
        if type(node.op) not in BINARY:
            raise self._wrong(node, f"{type(node.op).__name__} is not allowed (allowed: {_ALLOWED})")
        left, right = self._build(node.left), self._build(node.right)
        join = BINARY[type(node.op)][1]
        return lambda fetch, ago: join(left(fetch, ago), right(fetch, ago))

    def _compare(self, node: ast.Compare) -> Node:
        sides = [self._build(v) for v in (node.left, *node.comparators)]
        for op in node.ops:
            if type(op) not in COMPARE:
                raise self._wrong(node, f"{type(op).__name__} is not allowed (allowed: {_ALLOWED})")
        tests = [COMPARE[type(op)][1] for op in node.ops]

        def run(fetch: Fetch, ago: int) -> Any:
            values = [side(fetch, ago) for side in sides]
            made = tests[0](values[0], values[1])
            for i, test in enumerate(tests[1:], 1):
                made = _and(made, test(values[i], values[i + 1]))
            return made

        return run

    def _call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS:
            near = nearest(name, FUNCTIONS)
            hint = f", did you mean '{near}'?" if near else ""
            raise self._wrong(node, f"unknown function '{name}'{hint} (allowed: {_ALLOWED})")
        count, function = FUNCTIONS[name]
        if node.keywords or len(node.args) != count:
            raise self._wrong(node, f"{name}() takes {count} argument{'s' if count > 1 else ''}")
        args = [self._build(a) for a in node.args]
        return lambda fetch, ago: function(*(a(fetch, ago) for a in args))


def _shift(column: Array, ago: int) -> Array:
    if ago == 0:
        return column
    made = np.full_like(column, NAN)
    made[ago:] = column[: max(len(column) - ago, 0)]
    return made

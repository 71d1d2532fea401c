"""What a study selects by: arithmetic over the figures of a run."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...core.errors import ExpressionError, unknown

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARED: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALLED: dict[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max, "log": math.log, "sqrt": math.sqrt}
LONGEST = 1_000


class Formula:
    """An expression over figures by name.

    Parameters
    ----------
    text : str
        Names of figures, numbers, ``+ - * / **``, and ``abs``, ``min``, ``max``, ``log``, ``sqrt``; a comparison where
        it is a constraint.
    where : str
        What errors call it.
    compares : bool
        Whether it is a constraint.

    Raises
    ------
    ExpressionError
        If it is something else.

    Examples
    --------
    >>> Formula("sharpe - 0.5 * max_drawdown_pct").of({"sharpe": 2.0, "max_drawdown_pct": 3.0})
    0.5
    >>> Formula("trades >= 30", compares=True).of({"trades": 12})
    0.0
    """

    def __init__(self, text: str, where: str = "select", *, compares: bool = False) -> None:
        self.text, self._where = text, where
        if len(text.strip()) > LONGEST:
            raise ExpressionError(f"{where}: has {len(text.strip())} characters, of which at most {LONGEST} are read")
        try:
            self._tree: Any = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError) as err:
            raise ExpressionError(f"{where}: '{text}' is no expression ({err.args[0]})") from None
        if isinstance(self._tree, ast.Compare) != compares:
            want = "a comparison, as in trades >= 30" if compares else "a number, not a comparison"
            raise ExpressionError(f"{where}: '{text}' must be {want}")
        self.names = frozenset(self._checked(self._tree, top=True))

    def _checked(self, node: Any, *, top: bool = False) -> Iterable[str]:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if top and type(op) in _COMPARED:
                inner = [left, right]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                inner = [left, right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=one):
                inner = [one]
            case ast.Call(func=ast.Name(id=name), args=inner, keywords=[]) if name in _CALLED and inner:
                pass
            case ast.Name(id=name):
                return [name]
            case ast.Attribute():
                return [ast.unparse(node)]
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                return []
            case _:
                said = ast.unparse(node)
                allowed = f"figures, numbers, + - * / ** and {', '.join(_CALLED)}"
                raise ExpressionError(f"{self._where}: '{said}' is not allowed in it; {allowed} are")
        return [name for one in inner for name in self._checked(one)]

    def check(self, known: Iterable[str]) -> None:
        """Refuse a figure that is none of those known.

        Raises
        ------
        ExpressionError
            With the nearest name.
        """
        every = [*known]
        for name in sorted(self.names):
            if name not in every:
                raise ExpressionError(f"{self._where}: {unknown('figure', name, every)}")

    def of(self, figures: Mapping[str, Any]) -> float:
        """Its value; NaN where a figure of it is unknown, or the arithmetic has no answer."""
        used = [figures.get(name) for name in self.names]
        if any(value is None or value != value for value in used):
            return math.nan  # max and min would take the other one
        try:
            made = self._value(self._tree, figures)
        except (ZeroDivisionError, OverflowError, ValueError, TypeError):
            return math.nan
        return float(made) if isinstance(made, int | float) else math.nan

    def _value(self, node: Any, figures: Mapping[str, Any]) -> Any:
        match node:
            case ast.Compare():
                left, right = self._value(node.left, figures), self._value(node.comparators[0], figures)
                return _COMPARED[type(node.ops[0])](left, right)
            case ast.BinOp():
                return _BINARY[type(node.op)](self._value(node.left, figures), self._value(node.right, figures))
            case ast.UnaryOp():
                value = self._value(node.operand, figures)
                return -value if isinstance(node.op, ast.USub) else value
            case ast.Call():
                return _CALLED[ast.unparse(node.func)](*(self._value(one, figures) for one in node.args))
            case ast.Constant():
                return node.value
        value = figures.get(ast.unparse(node), math.nan)
        return math.nan if value is None else value


class Choice:
    """Picks the best of some points.

    Parameters
    ----------
    select : Formula
        What is highest for the best.
    constraints : sequence of Formula
        What it must meet.
    """

    def __init__(self, select: Formula, constraints: Iterable[Formula]) -> None:
        self._select, self._constraints = select, [*constraints]

    def score(self, figures: Mapping[str, Any]) -> float:
        """What a point is worth; NaN where it fails a constraint, or its figures are unknown."""
        if not figures or any(one.of(figures) != 1.0 for one in self._constraints):
            return math.nan
        made = self._select.of(figures)
        return made if math.isfinite(made) else math.nan

    def best(self, points: Mapping[int, Mapping[str, Any]]) -> int | None:
        """The number of the best by figures; the earlier of two equals, None where none qualifies."""
        scores = {number: self.score(points[number]) for number in sorted(points)}
        known = {number: score for number, score in scores.items() if not math.isnan(score)}
        return max(known, key=lambda number: (known[number], -number)) if known else None

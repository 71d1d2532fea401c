"""Rules as expressions: parsed to a whitelist, evaluated on whole arrays or on the bars so far, equal either way.

Truth has three values. A comparison with a number that is not there (NaN: a warm-up, an empty bar) is
unknown, ``and``, ``or`` and ``not`` follow Kleene, and a rule fires only where it is true.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import ExpressionError, nearest
from ...core.names import STATE, Names, state_taken
from ...core.schema import ADJUSTMENT
from ...core.synonyms import meant
from ..framework import programs
from . import other_languages
from .functions import EVER, FUNCTIONS, Function, Value, Whole
from .operators import BINARY, COMPARE, JOIN, ORDERED, Array, both, is_true, negation
from .rolling import shifted

Ref = tuple[str, str]
"""What a name refers to: (indicator, line), (feed, column), or ("", column) for a column of the traded feed."""
_BACK = Whole(low=0)
_DEEPEST = 100
"""Parts within parts that an expression may have."""
_ALLOWED = "numbers, names, x[1], + - * / %, comparisons, and, or, not, " + ", ".join(f"{f}()" for f in FUNCTIONS)


class Columns(Protocol):
    """Where an expression finds what it reads; `lines.Lines` is one."""

    def __len__(self) -> int:
        """Bars of the traded feed."""
        ...

    def own(self, ref: Ref) -> Array:
        """What ``ref`` stands for, one value a bar of its own feed."""
        ...

    def lifted(self, values: Array, feed: str) -> Array:
        """Values of the bars of ``feed`` at those of the traded one: of the last that has closed by then."""
        ...

    def beside(self, feed: str, said: str, make: Callable[[Any], Any]) -> Array:
        """What ``make`` gives of the columns of another desk, at the bars of the traded feed; ``said`` names it."""
        ...


@dataclass(frozen=True)
class _Node:
    """A part of an expression.

    Parameters
    ----------
    run : callable
        Its value, from the columns that are read.
    lag : int
        How many bars back it looks.
    feed : str or None
        Whose bars its values follow: "" for the traded feed, None for a constant.
    true : callable or None
        Where it is true, where that is sooner known than its value; where it may be true, of what goes by the position.
    code : tuple of Step or None
        Its program, where it goes by the state of the position.
    """

    run: Callable[[Columns], Any]
    lag: int = 0
    feed: str | None = None
    true: Callable[[Columns], Any] | None = None
    code: tuple[programs.Step, ...] | None = None

    @classmethod
    def over(cls, apply: Callable[..., Any], parts: list[_Node], back: int = 0) -> _Node:
        """``apply`` to the values of ``parts``: on the bars of their feed, of the traded one if they have several."""
        feeds = {p.feed for p in parts if p.feed is not None}
        feed = (feeds.pop() if len(feeds) == 1 else "") if feeds else None
        values = [part.on(feed) for part in parts]
        lag = max((p.lag for p in parts), default=0) + back
        return cls(lambda columns: apply(*(value(columns) for value in values)), min(lag, EVER), feed)

    def on(self, feed: str | None) -> Callable[[Columns], Any]:
        """Its value on the bars of ``feed``."""
        own = self.feed
        if not own or own == feed:
            return self.run
        return lambda columns: columns.lifted(self.run(columns), own)

    def truth(self) -> Callable[[Columns], Any]:
        """Where it is true on the bars of the traded feed."""
        if self.true is not None and not self.feed:
            return self.true
        if self.code is not None:
            return lambda columns: np.ones(len(columns), dtype=np.bool_)
        value = self.on("")
        return lambda columns: is_true(value(columns))

    def program(self) -> tuple[programs.Step, ...]:
        """Its program; of what no position changes a single column, or a constant."""
        if self.code is not None:
            return self.code
        if self.feed is None:
            return ((programs.CONSTANT, float(self.run(_NOTHING))),)
        return ((programs.COLUMN, self.on("")),)


_NOTHING: Any = None
"""Columns of which a constant needs none."""


class Expression:
    """One parsed rule.

    Parameters
    ----------
    text : str
        The rule, as in ``close < vwap.lower1 and delta > 0``. A bare indicator name is its first line,
        ``name.line`` any line, columns of the traded feed go by their own names, those of another as
        ``feed.column``; ``x[1]`` is the value one bar ago. `functions.FUNCTIONS` has the functions.
    names : Names
        What it may refer to.

    Attributes
    ----------
    refs : tuple of Ref
        What it reads.
    values_read : set of str
        The named numbers and expressions among it.
    lag : int
        How many bars back it looks; `functions.EVER` where it may look at all of them.
    program : tuple of Step or None
        What it comes to while a position is held, where it goes by the state of one.

    Raises
    ------
    ExpressionError
        Naming the column within ``text``, what is wrong and what is allowed.

    Examples
    --------
    >>> rule = Expression("close > vwap and delta[1] > 0", Names(("close",), {"vwap": ("vwap",), "delta": ("delta",)}))
    >>> rule.refs, rule.lag
    ((('', 'close'), ('vwap', 'vwap'), ('delta', 'delta')), 1)
    >>> from tapeflow.strategies.framework.lines import Lines
    >>> rule.over(Lines.of(close=[1.0, 3.0], **{"vwap.vwap": [2.0, 2.0], "delta.delta": [5.0, -1.0]})).tolist()
    [False, True]
    >>> Expression("close > __import__('os')", Names(("close",)))
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.ExpressionError: column 9: unknown function '__import__' (allowed: numbers, ...)
    """

    def __init__(self, text: str, names: Names) -> None:
        self.text = text
        self.names = self._names = names
        self._refs: dict[Ref, None] = {}
        self.values_read: set[str] = set()
        self._depth = 0
        self._within: list[str] = []
        node = self._parse(text)
        self._run, self._true, self.lag, self.program = node.on(""), node.truth(), node.lag, node.code
        self.refs = tuple(self._refs)

    def over(self, columns: Columns) -> NDArray[np.bool_]:
        """Where the rule is true, one value a bar of the traded feed; where it may be, if it has a `program`."""
        made = np.empty(len(columns), dtype=np.bool_)
        made[:] = self._true(columns)
        return made

    def values(self, columns: Columns) -> Array:
        """What the expression is worth on each bar, for one that is a price or a size."""
        return np.broadcast_to(np.asarray(self._run(columns), dtype=np.float64), (len(columns),))

    def _parse(self, text: str) -> _Node:
        if text is not None and not isinstance(text, str):
            raise ExpressionError(f"a rule is text, as in close > open (got {text!r})")
        if text is None or not text.strip():
            raise ExpressionError("the rule is empty")
        try:
            tree = ast.parse(" ".join(text.strip().splitlines()), mode="eval")
            return self._build(tree.body)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
            raise ExpressionError(_no_expression(text, getattr(err, "offset", None) or 1)) from None

    def _build(self, node: ast.AST) -> _Node:
        build = getattr(self, f"_{type(node).__name__.lower()}", None)
        if build is None:
            raise self._forbidden(node, node)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(node, f"this is nested more than {_DEEPEST} deep; make it two rules, or an indicator")
        made: _Node = build(node)
        self._depth -= 1
        return made

    def _forbidden(self, node: ast.AST, what: ast.AST) -> ExpressionError:
        """What Python knows and rules do not."""
        kind = type(what)
        return self._wrong(
            node, f"{kind.__name__} is not allowed{other_languages.operator(kind)} (allowed: {_ALLOWED})"
        )

    @staticmethod
    def _wrong(node: ast.AST, what: str) -> ExpressionError:
        return ExpressionError(f"column {getattr(node, 'col_offset', 0) + 1}: {what}")

    @staticmethod
    def _unknown(what: str, name: str, allowed: tuple[str, ...]) -> str:
        near = nearest(name, allowed)
        hint = f", did you mean '{near}'?" if near else ""
        return f"unknown {what} '{name}'{hint} (allowed: {', '.join(allowed)})"

    def _constant(self, node: ast.Constant) -> _Node:
        if isinstance(node.value, str):
            raise self._wrong(
                node, f"{node.value!r} is no number; text goes with time, weekday and sessions, as in time >= '09:30'"
            )
        try:
            number = float(node.value)  # type: ignore[arg-type]
        except (TypeError, OverflowError):
            raise self._wrong(node, f"{node.value!r} is no number") from None
        if not math.isfinite(number):
            raise self._wrong(node, "this number is too large")
        return _Node(lambda columns: number)

    def _name(self, node: ast.Name) -> _Node:
        if node.id in STATE and self._names.state:
            return self._state(node)
        lines = self._names.lines.get(node.id)
        if lines:
            return self._read((node.id, lines[0]))
        if node.id in self._names.columns:
            return self._read(("", node.id))
        if node.id in self._names.expressions:
            return self._named(node)
        if node.id in self._names.values:
            self.values_read.add(node.id)
            number = float(self._names.values[node.id])
            return _Node(lambda columns: number)
        if (function := FUNCTIONS.get(node.id)) and function.bare:
            return self._apply(node, function, [], [])
        if node.id in STATE:
            raise self._wrong(
                node, f"'{node.id}' is the state of a position, which entries and exits of rules alone know"
            )
        if node.id in self._names.feeds:
            raise self._wrong(node, f"'{node.id}' is a feed; name a column of it, as in {node.id}.close")
        words = STATE if self._names.state else ()
        known = (*self._names.expressions, *self._names.values, *self._names.lines, *self._names.columns, *words)
        remedy = "" if meant(node.id, known) else other_languages.name(node.id)
        said = f"unknown name '{node.id}'; {remedy}" if remedy else self._unknown("name", node.id, known)
        raise self._wrong(node, said)

    def _named(self, node: ast.Name) -> _Node:
        """What stands under a name, as if it were written here in brackets."""
        name = node.id
        if name in self._within:
            raise self._wrong(node, f"'{name}' is made of itself: {' -> '.join((*self._within, name))}")
        self.values_read.add(name)
        self._within.append(name)
        try:
            made = self._parse(self._names.expressions[name])
        except ExpressionError as err:
            raise err if self._within[:-1] else self._wrong(node, f"in '{name}': {err}") from None
        self._within.pop()
        return made

    def _state(self, node: ast.Name) -> _Node:
        """A word for the state of the position."""
        taken = (*self._names.lines, *self._names.columns, *self._names.values, *self._names.feeds)
        if node.id in taken:
            raise self._wrong(node, state_taken(node.id))
        if ADJUSTMENT in self._names.columns:
            raise self._wrong(node, f"'{node.id}' goes by prices as traded, where rules read adjusted ones (actions)")
        return _Node(_unknowable, 0, "", code=((programs.WORD, STATE.index(node.id)),))

    def _joined(
        self, node: ast.AST, apply: Callable[..., Any], parts: list[_Node], step: int | None, *, folds: bool = False
    ) -> _Node:
        """``apply`` to ``parts``; where one goes by the position, their programs and then ``step``."""
        if all(part.code is None for part in parts):
            return _Node.over(apply, parts)
        if step is None:
            raise self._wrong(node, _OF_THIS_BAR)
        return _Node(
            _unknowable,
            max(p.lag for p in parts),
            "",
            code=programs.postfix([part.program() for part in parts], step, folds=folds),
        )

    def _attribute(self, node: ast.Attribute) -> _Node:
        path = ast.unparse(node).split(".") if _is_dotted(node) else []
        if not path:
            raise self._wrong(node, f"only name.line has a dot (allowed: {_ALLOWED})")
        try:
            return self._read(self._names.find(path))
        except LookupError as err:
            raise self._wrong(node, str(err.args[0])) from None

    def _read(self, ref: Ref) -> _Node:
        self._refs[ref] = None
        return _Node(lambda columns: columns.own(ref), 0, self._names.feed_of(ref[0]))

    def _subscript(self, node: ast.Subscript) -> _Node:
        try:
            bars = _BACK.read(self._written(node.slice))
        except ValueError:
            write = f"; write {ast.unparse(node.value)}[{-n}]" if (n := _below_0(node.slice)) else ""
            raise self._wrong(node, f"x[n] takes a whole number of bars back, as in close[1]{write}") from None
        return self._looking_back(node, lambda x: shifted(x, bars), [self._build(node.value)], bars)

    def _looking_back(self, node: ast.AST, apply: Callable[..., Any], parts: list[_Node], bars: int) -> _Node:
        if any(part.code is not None for part in parts):
            raise self._wrong(node, _OF_THIS_BAR)
        return _Node.over(apply, parts, bars)

    def _boolop(self, node: ast.BoolOp) -> _Node:
        join, simply = JOIN[type(node.op)]
        parts = [self._build(v) for v in node.values]
        made = self._joined(
            node, lambda *values: reduce(join, values), parts, programs.OPERATORS[type(node.op)], folds=True
        )
        truths = [part.truth() for part in parts]
        return replace(made, true=lambda columns: reduce(simply, (true(columns) for true in truths)))

    def _unaryop(self, node: ast.UnaryOp) -> _Node:
        inner = self._build(node.operand)
        if isinstance(node.op, ast.Not):
            return self._joined(node, negation, [inner], programs.NOT)
        if isinstance(node.op, ast.USub):
            return self._joined(node, np.negative, [inner], programs.NEGATIVE)
        if isinstance(node.op, ast.UAdd):
            return inner
        raise self._forbidden(node, node.op)

    def _binop(self, node: ast.BinOp) -> _Node:
        if type(node.op) not in BINARY:
            raise self._forbidden(node, node.op)
        parts = [self._build(node.left), self._build(node.right)]
        return self._joined(node, BINARY[type(node.op)], parts, programs.OPERATORS[type(node.op)])

    def _compare(self, node: ast.Compare) -> _Node:
        for op in node.ops:
            if type(op) not in COMPARE:
                raise self._forbidden(node, op)
        tests = [COMPARE[type(op)] for op in node.ops]
        sides = [node.left, *node.comparators]
        read = next((f.literal for f in map(_called, sides) if f and f.literal), None)

        def compare(*values: Any) -> Any:
            return reduce(both, (test(values[i], values[i + 1]) for i, test in enumerate(tests)))

        parts = [self._literal(side, read) or self._build(side) for side in sides]
        if any(part.code is not None for part in parts):
            pairs = zip(parts, parts[1:], node.ops, strict=False)
            said = [self._joined(node, COMPARE[type(op)], [a, b], programs.OPERATORS[type(op)]) for a, b, op in pairs]
            return said[0] if len(said) == 1 else self._joined(node, both, said, programs.AND, folds=True)
        made, ordered = _Node.over(compare, parts), ORDERED.get(type(node.ops[0]))
        if ordered is None or len(tests) > 1 or made.feed:
            return made
        left, right = (part.on(made.feed) for part in parts)
        return replace(made, true=lambda columns: ordered(left(columns), right(columns)))

    def _literal(self, node: ast.AST, read: Callable[[str], float] | None) -> _Node | None:
        """Text in a comparison with a time, as the number that it stands for."""
        if read is None or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return None
        try:
            number = read(node.value)
        except ValueError as err:
            raise self._wrong(node, str(err)) from None
        return _Node(lambda columns: number)

    def _call(self, node: ast.Call) -> _Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        function = FUNCTIONS.get(name)
        if function is None:
            remedy = other_languages.call(node)
            near = None if remedy else nearest(name, FUNCTIONS)
            hint = f"; {remedy}" if remedy else f", did you mean '{near}'?" if near else ""
            allowed = "" if remedy else f" (allowed: {_ALLOWED})"
            raise self._wrong(node, f"unknown function '{name}'{hint}{allowed}")
        if node.keywords or not function.fits(len(node.args)):
            raise self._wrong(node, f"{name}() takes {function.asks()}: {function.signature(name)}")
        if function.across:
            return self._across(node, function)
        parts, literals = self._arguments(name, function, node.args)
        if function.over_bars and all(part.feed is None for part in parts):
            raise self._wrong(node, f"{name}() of a constant: give it a column or a line")
        return self._apply(node, function, parts, literals)

    def _arguments(self, name: str, function: Function, given: list[ast.expr]) -> tuple[list[_Node], list[Any]]:
        """Those that are expressions, and those that are written out, defaults included."""
        takes = (*function.takes, *function.takes[-1:] * (len(given) - len(function.takes)))
        parts: list[_Node] = []
        literals: list[Any] = []
        for n, argument in enumerate(takes):
            if isinstance(argument, Value):
                parts.append(self._build(given[n]))
            elif n >= len(given):
                literals.append(argument.default)
            else:
                try:
                    literals.append(argument.read(self._written(given[n])))
                except ValueError as err:
                    raise self._wrong(given[n], f"{name}(): {err}") from None
        return parts, literals

    def _written(self, node: ast.AST) -> Any:
        """A number or text as it stands in the rule, or the number of a name; what is neither is None."""
        if isinstance(node, ast.Name) and node.id in self._names.values:
            self.values_read.add(node.id)
            value = self._names.values[node.id]
            return int(value) if float(value).is_integer() else value
        return node.value if isinstance(node, ast.Constant) else None

    def _apply(self, node: ast.AST, function: Function, parts: list[_Node], literals: list[Any]) -> _Node:
        if function.bare and not literals:
            literals = [getattr(a, "default", None) for a in function.takes]
        if missing := [c for c in function.reads if c not in self._names.columns]:
            raise self._wrong(node, f"this needs the column '{missing[0]}', which the feed lacks")
        if any(part.code is not None for part in parts):
            return self._of_state(node, function, parts)
        columns = [self._read(("", name)) for name in function.reads]
        filled = [*literals, self._names.hours] if function.by_hours else literals
        return _Node.over(_filled(function, filled), [*columns, *parts], function.back(*literals))

    def _across(self, node: ast.Call, function: Function) -> _Node:
        """A function of all instruments that are traded, each seen from its own bars."""
        own, desks = self._names.traded, self._names.desks or {self._names.traded: self._names}
        *literal, argument = node.args
        if state := next((n for n in ast.walk(argument) if isinstance(n, ast.Name) and n.id in STATE), None):
            raise self._wrong(state, f"'{state.id}' is of the own position, which instruments beside do not have")
        named = self._written(literal[0]) if literal else own
        if named not in desks:
            raise self._wrong(literal[0], self._unknown("traded instrument", str(named), tuple(desks)))
        seen = {feed: self._seen_from(desks[feed], argument) for feed in sorted(desks)}

        def values(columns: Columns, feed: str) -> Any:
            make = seen[feed].on("")
            return make(columns) if feed == own else columns.beside(feed, said, make)

        def apply(columns: Columns) -> Any:
            every = (values(columns, feed) for feed in seen)
            return function.apply(values(columns, own), every, lambda: values(columns, named))

        said = f"{ast.unparse(argument)} {self._names.values} {self._names.expressions}"
        return _Node(apply, max(part.lag for part in seen.values()), "")

    def _seen_from(self, names: Names, argument: ast.expr) -> _Node:
        """An argument as it is read on the bars of another desk."""
        own = self._names
        self._names = replace(names, values=own.values, expressions=own.expressions)
        try:
            return self._build(argument)
        finally:
            self._names = own

    def _of_state(self, node: ast.AST, function: Function, parts: list[_Node]) -> _Node:
        """A function of what goes by the position."""
        name = next(name for name, one in FUNCTIONS.items() if one is function)
        step = programs.FUNCTIONS.get(name)
        if name != "clip":
            return self._joined(node, function.apply, parts, step, folds=function.more)
        above = self._joined(node, np.maximum, parts[:2], programs.MAX)
        return self._joined(node, np.minimum, [above, parts[2]], programs.MIN)


_OF_THIS_BAR = (
    f"{', '.join(STATE[:-1])} and {STATE[-1]} are of this bar alone, of which no earlier bars are kept (allowed: "
    f"operators, {', '.join(f'{name}()' for name in programs.FUNCTIONS)})"
)


def _unknowable(columns: Columns) -> Any:
    raise TypeError("what goes by the position has no values ahead")


def _filled(function: Function, literals: list[Any]) -> Callable[..., Any]:
    """A function of arrays, its written-out arguments filled in."""

    def apply(*values: Any) -> Any:
        if function.over_bars:
            values = np.broadcast_arrays(*values)
        return function.apply(*values, *literals)

    return apply


def _called(node: ast.AST) -> Function | None:
    """The function whose result ``node`` is, if it is one's."""
    name = node.func if isinstance(node, ast.Call) else node
    return FUNCTIONS.get(name.id) if isinstance(name, ast.Name) else None


def _no_expression(text: str, column: int) -> str:
    """What is wrong with a rule that is none, in terms of the language that it may be of."""
    if (found := other_languages.written_here(text)) is not None:
        return f"column {found[0]}: this is no expression: {found[1]}"
    if open_ended := other_languages.left_open(text):
        return f"column {column}: this is no expression: {open_ended}"
    return f"column {column}: this is no expression (allowed: {_ALLOWED})"


def _below_0(node: ast.AST) -> int:
    """A whole number below 0, as backtrader counts bars back; else 0."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        return -node.operand.value if isinstance(node.operand.value, int) else 0
    return 0


def _is_dotted(node: ast.AST) -> bool:
    """Whether ``node`` is a name with further names behind dots."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)

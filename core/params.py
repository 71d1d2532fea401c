"""Parameters as data on the class: defaults in ``params``, legal values in ``bounds``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any, Protocol

from .errors import ParamError, unknown
from .synonyms import meant

Json = dict[str, Any]


@dataclass(frozen=True)
class Bound:
    """A number between ``low`` and ``high``, both included unless ``open_low``.

    Parameters
    ----------
    low, high : float or None
        Limits; None for none.
    integer : bool
        Whether only whole numbers are allowed.
    open_low : bool
        Whether ``low`` itself is excluded.
    optional : bool
        Whether None is allowed too.

    Examples
    --------
    >>> Bound(1, 10, integer=True).check(0)
    'must be a whole number from 1 to 10'
    >>> Bound(0, open_low=True).check(0.5)
    ''
    """

    low: float | None = None
    high: float | None = None
    integer: bool = False
    open_low: bool = False
    optional: bool = False

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return "" if self.optional else f"must be {self.describe()}"
        legal = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if legal and self.integer:
            legal = float(value).is_integer()
        if legal and self.low is not None:
            legal = value > self.low if self.open_low else value >= self.low
        if legal and self.high is not None:
            legal = value <= self.high
        return "" if legal else f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        kind = "a whole number" if self.integer else "a number"
        if self.low is not None and self.high is not None:
            kind += f" {'above' if self.open_low else 'from'} {self.low:g} to {self.high:g}"
        elif self.low is not None:
            kind += f" above {self.low:g}" if self.open_low else f" of at least {self.low:g}"
        elif self.high is not None:
            kind += f" of at most {self.high:g}"
        return kind + (" or null" if self.optional else "")

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        made: Json = {"type": "integer" if self.integer else "number"}
        if self.low is not None:
            made["exclusiveMinimum" if self.open_low else "minimum"] = self.low
        if self.high is not None:
            made["maximum"] = self.high
        return {"anyOf": [made, {"type": "null"}]} if self.optional else made


@dataclass(frozen=True)
class Choice:
    """One of a few values.

    Examples
    --------
    >>> Choice("zero", "positive").check("negative")
    "must be one of 'zero', 'positive'"
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        legal = any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in self.values)
        if legal:
            return ""
        near = meant(value, [v for v in self.values if isinstance(v, str)]) if isinstance(value, str) else None
        return f"must be {self.describe()}" + (f", did you mean '{near}'?" if near else "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "one of " + ", ".join("null" if v is None else repr(v) for v in self.values)

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return {"enum": list(self.values)}


@dataclass(frozen=True)
class With:
    """What another parameter must be for one to count at all.

    Parameters
    ----------
    param : str
        The other parameter.
    values : tuple
        What it must be one of; or, where ``but`` is true, none of.
    but : bool
        See ``values``.

    Examples
    --------
    >>> With("threshold", ("mean",)).holds({"threshold": "percentile"}), str(With("session", (None,), but=True))
    (False, 'unless session is given')
    """

    param: str
    values: tuple[Any, ...]
    but: bool = False

    def holds(self, params: Mapping[str, Any]) -> bool:
        """Whether the parameter counts beside ``params``."""
        return (params[self.param] in self.values) is not self.but

    def __str__(self) -> str:
        if self.values == (None,):
            return f"unless {self.param} is {'given' if self.but else 'null'}"
        names = " or ".join(str(v).lower() if isinstance(v, bool) else str(v) for v in self.values if v is not None)
        return f"{'while' if self.but else 'unless'} {self.param} is {names}"


@dataclass(frozen=True)
class ListOf:
    """A list of at most ``most`` values, each within ``item``.

    Examples
    --------
    >>> ListOf(Bound(0, open_low=True)).check([1.0, -2.0])
    'item 2 must be a number above 0'
    """

    item: Bound | Choice
    least: int = 0
    most: int | None = None

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, list | tuple):
            return f"must be {self.describe()}"
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            return f"must be {self.describe()}"
        for i, v in enumerate(value, 1):
            if wrong := self.item.check(v):
                return f"item {i} {wrong}"
        return ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        most = "" if self.most is None else f" of at most {self.most}"
        return f"a list{most}, each {self.item.describe()}"

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        made: Json = {"type": "array", "items": self.item.schema(), "minItems": self.least}
        if self.most is not None:
            made["maxItems"] = self.most
        return made


@dataclass(frozen=True)
class Text:
    """A string that ``parse`` accepts; ``parse`` raises ValueError with what is allowed.

    Parameters
    ----------
    parse : callable
        Called with the string.
    says : str
        What a legal value is, in words.
    optional : bool
        Whether None is allowed too.
    """

    parse: Any
    says: str
    optional: bool = False

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None and self.optional:
            return ""
        try:
            if isinstance(value, str):
                self.parse(value)
                return ""
        except ValueError as err:
            return f"must be {self.describe()}: {err}" if str(err) else f"must be {self.describe()}"
        return f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return self.says + (" or null" if self.optional else "")

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        return {"type": ["string", "null"] if self.optional else "string", "description": self.says}


class Rule(Protocol):
    """What a parameter's bound must answer; anything with these three methods is one."""

    def check(self, value: Any, /) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        ...

    def describe(self) -> str:
        """What a legal value is, in words."""
        ...

    def schema(self) -> Json:
        """JSON Schema of a legal value."""
        ...


def _of_default(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int):
        return "a whole number"
    if isinstance(default, float):
        return "a number"
    if isinstance(default, str):
        return "a string"
    return "a list" if isinstance(default, list | tuple) else ""


def _fits_default(value: Any, default: Any) -> bool:
    if default is None or isinstance(default, Mapping):
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))


def plain_values(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that YAML can hold; classes and functions among them stay what the code makes of them.

    >>> plain_values({"period": 5, "average": dict, "levels": [1, len]})
    {'period': 5}
    """
    return {name: value for name, value in params.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, bool | str | Number)


def check_param(name: str, value: Any, default: Any, rule: Rule | None) -> str:
    """Empty when ``value`` may stand for parameter ``name``, else the whole complaint.

    Without a rule the default's type is the rule.
    """
    if rule is not None:
        wrong = rule.check(value)
    else:
        wrong = "" if _fits_default(value, default) else f"must be {_of_default(default)}"
    return f"{name} {wrong} (got {value!r})" if wrong else ""


def resolve(
    owner: str, given: Mapping[str, Any], defaults: Mapping[str, Any], bounds: Mapping[str, Rule]
) -> dict[str, Any]:
    """``given`` over ``defaults``, each checked.

    Raises
    ------
    ParamError
        Naming ``owner``, the parameter, what is allowed and the nearest name.

    Examples
    --------
    >>> resolve("CVD", {"window": 5}, {"window": 60, "unit": "base"}, {"window": Bound(1)})
    {'window': 5, 'unit': 'base'}
    >>> resolve("CVD", {"windw": 5}, {"window": 60}, {})
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.ParamError: CVD: unknown parameter 'windw', did you mean 'window'? (allowed: window)
    """
    for name in given:
        if name not in defaults:
            raise ParamError(f"{owner}: {unknown('parameter', name, defaults)}")
    for name, value in given.items():
        if wrong := check_param(name, value, defaults[name], bounds.get(name)):
            raise ParamError(f"{owner}: {wrong}")
    return {**defaults, **given}


def param_schema(default: Any, rule: Rule | None) -> Json:
    """JSON Schema of one parameter, its default included."""
    if rule is not None:
        made = rule.schema()
    else:
        kind = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", tuple: "array"}
        made = {"type": kind[type(default)]} if type(default) in kind else {}
    shown = list(default) if isinstance(default, tuple) else default
    return {**made, "default": shown}

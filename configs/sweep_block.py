"""The sweep block of a run: values of dotted paths, whose product is a grid of runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Annotated, Any

from pydantic import WithJsonSchema

from ..core.errors import unknown
from .errors import Complaint, KeyPath, dotted, shown

MOST_POINTS = 1_000_000
ZIP = "zip"
_RANGE = ("from", "to", "step")
_FIXED = ("name", "plugins", "sweep", "research", "events")
"""Keys that belong to the whole, not to one of its runs."""
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|bps?|ticks?|)")

_LIST = {"type": "array", "minItems": 1}
_STEPS = {
    "type": "object",
    "description": "from, from + step, … up to and with to",
    "properties": {key: {"type": ["number", "string"]} for key in _RANGE},
    "required": list(_RANGE),
    "additionalProperties": False,
}
_VALUES = {"anyOf": [_LIST, _STEPS, {"type": "object", "description": "a part of the path, with more below it"}]}
_JOINT = {
    "type": "object",
    "description": "paths whose values go together: lists of one length",
    "additionalProperties": _VALUES,
}
Sweep = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "values by dotted path; `tapeflow sweep` runs every combination",
            "properties": {ZIP: {"anyOf": [_JOINT, {"type": "array", "items": _JOINT}]}},
            "additionalProperties": _VALUES,
        }
    ),
]


@dataclass(frozen=True)
class Axis:
    """One way in which the runs of a sweep differ: paths, and the values they take together.

    Parameters
    ----------
    paths : tuple of str
        Dotted; more than one where values go together.
    values : tuple of tuple
        One entry a step along the axis, each with a value for every path.
    """

    paths: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


class _WrongError(ValueError):
    """A complaint on its way out."""

    def __init__(self, path: KeyPath, text: str, *, on_key: bool = False) -> None:
        super().__init__(text)
        self.complaint = Complaint(path, text, on_key=on_key)


def axes(block: Mapping[str, Any]) -> list[Axis]:
    """The axes of a sweep, in the order in which they are written.

    Raises
    ------
    ValueError
        If one is no list of values and no range.

    Examples
    --------
    >>> [axis.values for axis in axes({"sizer.percent": {"from": 1, "to": 2, "step": 0.5}})]
    [((1,), (1.5,), (2,))]
    >>> axes({"zip": {"a.b": [1, 2], "a.c": ["x", "y"]}})
    [Axis(paths=('a.b', 'a.c'), values=((1, 'x'), (2, 'y')))]
    """
    made: list[Axis] = []
    for key, given in block.items():
        if key != ZIP:
            made += [Axis((dotted(path),), tuple((v,) for v in values)) for path, values, _ in _leaves(key, given)]
            continue
        groups = given if isinstance(given, list) else [given]
        for i, group in enumerate(groups):
            made.append(_joint(group, (ZIP, i) if isinstance(given, list) else (ZIP,)))
    if not made:
        raise _WrongError((), "names no path to vary, as in indicators.fast.period: [10, 20]")
    _check_once(made)
    if (count := math.prod(len(axis.values) for axis in made)) > MOST_POINTS:
        raise _WrongError((), f"makes {count:,} runs; at most {MOST_POINTS:,} are allowed")
    return made


def size(block: Mapping[str, Any]) -> int:
    """How many runs a sweep has.

    >>> size({"a.b": [1, 2], "a.c": [3, 4, 5]})
    6
    """
    return math.prod(len(axis.values) for axis in axes(block))


def points(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of every run by dotted path; the last axis changes fastest.

    Examples
    --------
    >>> list(points({"a.b": [1, 2], "a.c": [3]}))
    [{'a.b': 1, 'a.c': 3}, {'a.b': 2, 'a.c': 3}]
    """
    all_axes = axes(block)
    for steps in product(*(axis.values for axis in all_axes)):
        made: dict[str, Any] = {}
        for axis, values in zip(all_axes, steps, strict=True):
            made.update(zip(axis.paths, values, strict=True))
        yield made


def sweep_complaints(block: Any, resolved: Mapping[str, Any] | None = None) -> Iterator[Complaint]:
    """What is wrong with a sweep block, at its place in the config.

    Parameters
    ----------
    block : object
        What stands under ``sweep``; anything but a mapping is told elsewhere.
    resolved : mapping, optional
        The config without its sweep, every default spelled out; where it is given, paths must be in it.
    """
    if not isinstance(block, Mapping):
        return
    try:
        made = axes(block)
    except _WrongError as err:
        yield Complaint(("sweep", *err.complaint.path), err.complaint.text, on_key=err.complaint.on_key)
        return
    if resolved is None:
        return
    places = _places(block)
    for axis in made:
        for path in axis.paths:
            if text := _misplaced(path, resolved):
                yield Complaint(("sweep", *places[path]), text, on_key=True)


def key_path(path: str) -> KeyPath:
    """A dotted path as keys and list positions.

    >>> key_path("indicators.vwap.bands.0")
    ('indicators', 'vwap', 'bands', 0)
    """
    return tuple(int(part) if part.isdigit() else part for part in path.split("."))


def _leaves(key: str, given: Any, above: KeyPath = ()) -> Iterator[tuple[KeyPath, list[Any], KeyPath]]:
    """Every path below ``key`` with its values, and where it is written."""
    place = (*above, key)
    if isinstance(given, Mapping) and not {*given} & {*_RANGE}:
        if not given:
            raise _WrongError(place, "must be a list of values, or {from: 1, to: 10, step: 1} (got {})")
        for inner, more in given.items():
            yield from _leaves(str(inner), more, place)
        return
    path = key_path(".".join(map(str, place)))
    if "" in path:
        raise _WrongError(place, "must be a dotted path, as in indicators.fast.period", on_key=True)
    if path[0] in _FIXED:
        raise _WrongError(place, f"'{path[0]}' is the same for every run of a sweep", on_key=True)
    yield path, _values(given, place), place


def _joint(group: Any, place: KeyPath) -> Axis:
    """Paths whose values go together."""
    if not isinstance(group, Mapping) or not group:
        raise _WrongError(place, f"must be a mapping of paths to lists of one length (got {shown(group)})")
    try:
        leaves = [leaf for key, given in group.items() for leaf in _leaves(str(key), given)]
    except _WrongError as err:
        wrong = err.complaint
        raise _WrongError((*place, *wrong.path), wrong.text, on_key=wrong.on_key) from None
    sizes = {dotted(path): len(values) for path, values, _ in leaves}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{path} {size}" for path, size in sizes.items())
        raise _WrongError(place, f"values that go together must be as many on each path (got {told})")
    return Axis(tuple(sizes), tuple(zip(*(values for _, values, _ in leaves), strict=True)))


def _values(given: Any, place: KeyPath) -> list[Any]:
    if isinstance(given, Mapping):
        return _steps(given, place)
    if not isinstance(given, list) or not given:
        raise _WrongError(place, f"must be a list of values, or {{from: 1, to: 10, step: 1}} (got {shown(given)})")
    seen: set[str] = set()
    for i, value in enumerate(given):
        if repr(value) in seen:
            raise _WrongError((*place, i), f"{shown(value)} stands twice in the list")
        seen.add(repr(value))
    return given


def _steps(given: Mapping[str, Any], place: KeyPath) -> list[Any]:
    """The values of a range, decimal as they are written: 0.1, 0.2, 0.3."""
    for key in given:
        if key not in _RANGE:
            raise _WrongError((*place, str(key)), unknown("key", str(key), _RANGE), on_key=True)
    for key in _RANGE:
        if key not in given:
            raise _WrongError(place, f"missing key '{key}' (a range is {{from: 1, to: 10, step: 1}})")
    (first, unit), (last, other), (step, third) = (_amount(given[key], (*place, key)) for key in _RANGE)
    if len({unit, other, third}) > 1:
        raise _WrongError(place, f"from, to and step must be of one unit (got {unit or 1}, {other or 1}, {third or 1})")
    if step == 0 or (last - first) / step < 0:
        raise _WrongError((*place, "step"), f"must lead from {first} to {last} (got {shown(given['step'])})")
    count = int((last - first) / step) + 1
    if count > MOST_POINTS:
        raise _WrongError(place, f"makes {count:,} values; at most {MOST_POINTS:,} are allowed")
    return [_as_written(first + i * step, unit) for i in range(count)]


def _amount(value: Any, place: KeyPath) -> tuple[Decimal, str]:
    """A number and its unit, which is empty for a plain one."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    hit = _NUMBER.fullmatch(str(value).strip()) if number or isinstance(value, str) else None
    if not hit:
        raise _WrongError(place, f"must be a number, with its unit if it has one, as in 0.5% (got {shown(value)})")
    return Decimal(hit[1]), hit[2]


def _as_written(value: Decimal, unit: str) -> Any:
    if unit:
        return f"{value.normalize():f}{unit}"
    return int(value) if value == value.to_integral_value() else float(value)


def _check_once(made: list[Axis]) -> None:
    """Refuse a path that two axes set, or one that lies inside another."""
    taken: dict[KeyPath, str] = {}
    for axis in made:
        for path in axis.paths:
            own = key_path(path)
            for other, text in taken.items():
                if own[: len(other)] == other or other[: len(own)] == own:
                    raise _WrongError((), f"'{path}' and '{text}' set the same value")
            taken[own] = path


def _places(block: Mapping[str, Any]) -> dict[str, KeyPath]:
    """Where each path is written."""
    made: dict[str, KeyPath] = {}
    groups = block.get(ZIP, {})
    listed = isinstance(groups, list)
    for i, group in enumerate(groups if listed else [groups]):
        for key, given in group.items():
            for path, _, place in _leaves(str(key), given):
                made[dotted(path)] = (ZIP, i, *place) if listed else (ZIP, *place)
    for key, given in block.items():
        if key != ZIP:
            made |= {dotted(path): place for path, _, place in _leaves(key, given)}
    return made


def _misplaced(path: str, resolved: Mapping[str, Any]) -> str:
    """Empty, or which part of ``path`` the config does not know."""
    value: Any = resolved
    for depth, part in enumerate(keys := key_path(path)):
        if isinstance(value, Mapping):
            # Below a parameter of a plugin, only the plugin knows what may be there.
            if str(part) not in value and not (depth > 2 and depth == len(keys) - 1):
                where = f" in {dotted(keys[:depth])}" if depth else ""
                known = [key for key in value if depth or key not in _FIXED]
                return unknown(f"key{where}", str(part), known)
            value = value.get(str(part))
        elif isinstance(value, list):
            if not isinstance(part, int) or part >= len(value):
                return f"'{part}' is no position of {dotted(keys[:depth])}, a list of {len(value)}"
            value = value[part]
        else:
            return f"there is no '{part}' inside {dotted(keys[:depth])}, which is {shown(value)}"
    return ""

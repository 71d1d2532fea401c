"""Parameters by which a user says what a table's columns are called and how its sides are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import ParamError, unknown
from .joined import joined_name
from .tables import Column

_SIGNS = {"buy": 1, "sell": -1, "none": 0}


@dataclass(frozen=True)
class ColumnMap:
    """Bound of a parameter that says what a file calls our columns.

    Parameters
    ----------
    allowed : tuple of str
        Our names; empty allows any.

    Examples
    --------
    >>> ColumnMap(("time", "price")).check({"tme": "ts"})
    "unknown key 'tme', did you mean 'time'? (allowed: price, time)"
    """

    allowed: tuple[str, ...] = ()

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, Mapping):
            return f"must be {self.describe()}"
        for key, name in value.items():
            if self.allowed and key not in self.allowed:
                return unknown("key", str(key), self.allowed)
            parts = name if key == "time" and isinstance(name, list | tuple) and len(name) == 2 else [name]
            if not isinstance(key, str) or not (name is None or all(map(_is_cell, parts))):
                return f"must be {self.describe()}"
        return ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return (
            "a mapping of our column names to the file's, to numbers of cells counted from 1, or null for none; "
            "time may be two of them, as in [Date, Time]"
        )

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        cell = [{"type": "string"}, {"type": "integer", "minimum": 1}]
        name: dict[str, Any] = {"anyOf": [*cell, {"type": "null"}]}
        two = {"type": "array", "items": {"anyOf": cell}, "minItems": 2, "maxItems": 2}
        time = {"time": {"anyOf": [*name["anyOf"], two]}}
        if not self.allowed:
            return {"type": "object", "properties": time, "additionalProperties": name}
        properties = {**dict.fromkeys(self.allowed, name), **time}
        return {"type": "object", "properties": properties, "additionalProperties": False}


def _is_cell(name: Any) -> bool:
    """Whether ``name`` says one column: by its name, or by the number of its cell."""
    if isinstance(name, str):
        return bool(name)
    return isinstance(name, int) and not isinstance(name, bool) and name > 0


@dataclass(frozen=True)
class WordLists:
    """Bound of a parameter that holds the words for a side: ``{buy: [B], sell: [S]}``.

    Examples
    --------
    >>> WordLists().check({"buy": ["bid"], "sell": "ask"})
    ''
    >>> WordLists().check({"by": ["bid"]})
    "unknown key 'by', did you mean 'buy'? (allowed: buy, none, sell)"
    >>> WordLists().check({"buy": "up", "sell": ["down", "Up"]})
    "must hold a word once: 'up' is there twice"
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if not isinstance(value, Mapping):
            return f"must be {self.describe()}"
        for key, words in value.items():
            if key not in _SIGNS:
                return unknown("key", str(key), _SIGNS)
            if not isinstance(words, str | int | bool) and not (
                isinstance(words, Sequence) and all(isinstance(w, str | int | bool) for w in words)
            ):
                return f"must be {self.describe()}"
        spelled = [word for words in value.values() for word in _spelled(words)]
        twice = sorted({word for word in spelled if spelled.count(word) > 1})
        return f"must hold a word once: '{twice[0]}' is there twice" if twice else ""

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "words by side, as in {buy: [B], sell: [S], none: [N]}"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        return {"type": "object", "properties": {key: {} for key in _SIGNS}, "additionalProperties": False}


def side_words(given: Mapping[str, Any]) -> dict[str, int]:
    """Sides by word, in lower case, of what `WordLists` allows.

    >>> side_words({"buy": "Bid", "sell": ["Ask", True]})
    {'bid': 1, 'ask': -1, 'true': -1}
    """
    return {word: _SIGNS[key] for key, words in given.items() for word in _spelled(words)}


def _spelled(words: Any) -> list[str]:
    """The words for one side, one or several, in lower case."""
    return [str(word).lower() for word in ([words] if isinstance(words, str | int | bool) else words)]


def parts_of_time(given: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The two columns that make the time together by a user's map; empty where one does.

    >>> parts_of_time({"time": ["Date", "Time"]}), parts_of_time({"time": "ts"})
    (('Date', 'Time'), ())
    """
    time = given.get("time")
    return tuple(time) if isinstance(time, list | tuple) else ()


def mapped(columns: tuple[Column, ...], given: Mapping[str, Any]) -> tuple[Column, ...]:
    """``columns`` under the names that a user's map gives; one that the map names must be there."""
    made = []
    for column in columns:
        name = given.get(column.name)
        if name is not None:
            if column.name == "time" and (parts := parts_of_time(given)):
                name = joined_name(parts) if isinstance(parts[0], str) else "time"
            column = replace(column, names=(name if isinstance(name, str) else column.name,), optional=False)
        made.append(column)
    return tuple(made)


def by_cells(given: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Names of cells, for every width of line, of a map that counts cells; two that make the time stand behind them.

    Raises
    ------
    ParamError
        If it names some columns and counts others.
    """
    parts = parts_of_time(given)
    single = {name: at for name, at in given.items() if name != "time" or not parts}
    numbers = [at for at in (*single.values(), *parts) if isinstance(at, int)]
    if not numbers:
        return ()
    if len(numbers) < len(single) + len(parts):
        raise ParamError("columns: either all by name or all by number of the cell")
    most, cells = max(numbers), {at: name for name, at in single.items()}
    widths = range(most, most + 60)
    joined = ("time",) if parts else ()
    return tuple((*(cells.get(i, "") for i in range(1, width + 1)), *joined) for width in widths)

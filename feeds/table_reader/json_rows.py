"""The rows of a JSON answer, whatever it keeps them as: a list, columns, or an object by time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import DataError

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{8,19}")
_STEPS = 3
"""How far within an answer rows are looked for."""


def only_rows(path: Path, found: Mapping[str, Any]) -> list[Any] | None:
    """The rows that an answer holds, by itself or some steps further within; None if there are none.

    Raises
    ------
    DataError
        If it holds several tables, as of several markets, or says why it holds none.

    Examples
    --------
    >>> only_rows(Path("a.json"), {"s": "ok", "t": ["1", "2"], "o": ["5", "6"], "c": ["7", "8"]})
    [{'t': '1', 'o': '5', 'c': '7'}, {'t': '2', 'o': '6', 'c': '8'}]
    >>> only_rows(Path("a.json"), {"Meta Data": {"2. Symbol": "X"}, "Time Series": {"2024-01-02": {"1. open": "5"}}})
    [{'time': '2024-01-02', '1. open': '5'}]
    """
    told: dict[str, list[Any]] = {}
    level: dict[str, Any] = {"": found}
    for _ in range(_STEPS):
        told = {where: rows for where, value in level.items() if (rows := _rows(value))}
        if told:
            break
        level = dict(_within(level))
    if len(told) > 1:
        raise DataError(f"{path}: holds {', '.join(list(told)[:8])}; a file holds one of them")
    if not told and (says := _says(found)):
        raise DataError(f"{path}: holds no rows, but an answer that says: {says}")
    return next(iter(told.values()), None)


def _within(level: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What the objects of one level hold, and the one object of a list of one."""
    for where, value in level.items():
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, dict):
            for key, held in inner.items():
                yield f"{where}.{key}".lstrip("."), held


def _rows(value: Any) -> list[Any]:
    """The rows of one value; empty where it is no table."""
    if isinstance(value, list):
        table = bool(value) and isinstance(value[0], dict | list)
        return value if table and not _holds_tables(value) else []
    if not isinstance(value, dict):
        return []
    return _split(value) or _by_time(value) or _by_column(value)


def _holds_tables(value: list[Any]) -> bool:
    """Whether the one object of a list holds lists of numbers, as answers of charts do; a row may have a list in it."""
    only = value[0] if len(value) == 1 else None
    held = list(only.values()) if isinstance(only, dict) else []
    lists = sum(isinstance(v, list) and len(v) > 1 for v in held)
    return lists > sum(isinstance(v, str | int | float) for v in held)


def _split(value: Mapping[str, Any]) -> list[Any]:
    """Rows beside the names of their columns, and an index perhaps."""
    names, data, index = value.get("columns"), value.get("data"), value.get("index")
    if not (isinstance(names, list) and isinstance(data, list) and data and isinstance(data[0], list)):
        return []
    if any(len(row) != len(names) for row in data):
        return []
    rows = [dict(zip(map(str, names), row, strict=True)) for row in data]
    if isinstance(index, list) and len(index) == len(rows) and all(map(_is_time, index)):
        return [{"time": time, **row} for time, row in zip(index, rows, strict=True)]
    return rows


def _by_time(value: Mapping[str, Any]) -> list[Any]:
    """Objects by their time."""
    if not value or not all(map(_is_time, value)) or not all(isinstance(row, dict) for row in value.values()):
        return []
    return [{"time": time, **row} for time, row in value.items()]


def _by_column(value: Mapping[str, Any]) -> list[Any]:
    """Columns of one length: lists, or objects by the same keys, as pandas writes them."""
    lists = {name: held for name, held in value.items() if isinstance(held, list) and held}
    if len(lists) > 2 and _alike(lists.values()):
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    objects = {name: held for name, held in value.items() if isinstance(held, dict) and len(held) > 1}
    if len(objects) > 2 and len(objects) == len(value) and len({tuple(held) for held in objects.values()}) == 1:
        keys = list(next(iter(objects.values())))
        rows = [{name: held[key] for name, held in objects.items()} for key in keys]
        return [{"time": key, **row} for key, row in zip(keys, rows, strict=True)] if all(map(_is_time, keys)) else rows
    return []


def _alike(lists: Any) -> bool:
    """Whether lists are as long as each other, and hold single values."""
    held = list(lists)
    single = not any(isinstance(cell, dict | list) for cells in held for cell in cells[:2])
    return single and len({len(cells) for cells in held}) == 1


def _is_time(key: Any) -> bool:
    return _TIME.fullmatch(str(key)) is not None


def _says(found: Mapping[str, Any]) -> str:
    """What an answer without rows says: the longest of its texts."""
    texts: Sequence[str] = [value for value in found.values() if isinstance(value, str) and " " in value]
    return max(texts, key=len)[:120] if texts else ""

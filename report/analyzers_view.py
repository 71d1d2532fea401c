"""What the analyzers that a run names found, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .html import Markup, is_number, number, section, table, tag

_FEW, _MOST = 20, 500
"""Rows that are shown unfolded, and rows that are shown at all."""


def analyzers(result: Mapping[str, Any]) -> Markup:
    """A table for each analyzer; nothing where the run has none."""
    found = result.get("analyzers") or {}
    parts = [_one(str(name), value) for name, value in found.items()]
    note = "As backtrader's analyzers found it; result.json has all of it."
    return section("analyzers", "Analyzers", *parts, note=note) if parts else Markup("")


def _one(name: str, value: Any) -> Markup:
    rows = list(flat(value))
    shown = table(("", "found"), [(key or name, _said(item)) for key, item in rows[:_MOST]], class_="plain narrow")
    if len(rows) <= _FEW:
        return Markup(tag("h3", name) + shown)
    more = f", the first {_MOST:,} of them" if len(rows) > _MOST else ""
    return tag("details", tag("summary", f"{name}: {len(rows):,} values{more}"), shown)


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value with the keys that lead to it.

    >>> list(flat({"won": {"total": 3, "pnl": [1.5, 2.0]}}))
    [('won.total', 3), ('won.pnl.0', 1.5), ('won.pnl.1', 2.0)]
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from flat(item, f"{path}.{at}" if path else str(at))
    else:
        yield path, value


def _said(value: Any) -> Markup:
    if isinstance(value, bool) or not is_number(value):
        return tag("td", "" if value is None else str(value))
    return tag("td", number(value, 0 if isinstance(value, int) else 6), class_="num")

"""What two runs differ in, in words and rows: the same for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .compare import Comparison
from .differences import short

_ORDER = ("side", "type", "size", "price", "created_time", "status", "executed_price", "commission", "reason")
_ALWAYS = ("first", "second", "difference")


def rows(made: Comparison) -> list[tuple[str, str, str, str]]:
    """Cause, what, and what it is in either, a row a difference."""
    return [(one.cause, one.name, short(one.first), short(one.second)) for one in made.differences]


def sentences(made: Comparison, first: str, second: str) -> Iterator[str]:
    """Files that differ, the first order that does and what led to it, the profit split.

    Parameters
    ----------
    made : Comparison
        Of the two.
    first, second : str
        What the runs are called.
    """
    yield f"files that differ: {', '.join(made.outputs) or 'none'}"
    if parted := made.first_order:
        yield f"first order that differs: number {parted['number']}, made {parted['time']}"
        yield f"  {first}: {_order(parted['first'])}"
        yield f"  {second}: {_order(parted['second'])}"
        for led in parted["led"]:
            values = f"{led['first']} and {led['second']}"
            yield f"  before it, {led['table']} differ first at {led['time']}: {led['column']} is {values}"
        if not parted["led"]:
            yield "  before it, bars and indicators are the same"
    for name, value in made.profit.items():
        if value or name in _ALWAYS:
            said = {"first": first, "second": second}.get(name, name.replace("_", " "))
            yield f"profit, {said}: {value:,.2f}"


def _order(row: dict[str, Any] | None) -> str:
    if row is None:
        return "no such order"
    return ", ".join(f"{key} {row[key]}" for key in _ORDER if key in row)

"""How the text of a table is laid out: what parts its cells, and where it begins."""

from __future__ import annotations

import csv
from collections import Counter

from ..reading.csv_sheets import without_voids
from ..reading.sheet import Reading
from ..reading.tabular import TableSource

_DELIMITERS = ("\t", ";", "|", ",")
"""The surest first: commas stand in numbers and dates too."""
_LINES = 200
NAMED = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}


def layout(source: TableSource) -> Reading:
    """What parts the cells of a text, and how many lines come before its table.

    Parameters
    ----------
    source : TableSource
        A file of text.
    """
    lines = _first_lines(source)
    rows = [line for line in lines if line.strip() and not line.startswith("#") and not line.lower().startswith("sep=")]
    said = next((line[4:5] for line in lines[:1] if line.lower().startswith("sep=")), "")
    best, most, agree = said or ",", 0, 0
    for delimiter in (said,) if said else _DELIMITERS:
        width, times = Counter(_width(row, delimiter) for row in rows).most_common(1)[0] if rows else (0, 0)
        if width > 1 and (times > agree or not most):
            best, most, agree = delimiter, width, times
    if most < 2:
        return Reading(comment="#")
    first = next(line for line in rows if _width(line, best) == most)
    at = lines.index(first)
    junk = [line for line in lines[:at] if line in rows]
    return Reading(best, skip=at if junk else 0, comment="#")


def is_json(source: TableSource) -> bool:
    """Whether a text holds JSON, in one value or one a line."""
    return source.kind == "json" or next(iter(without_voids(source)), b"").lstrip()[:1] in (b"{", b"[")


def _first_lines(source: TableSource) -> list[str]:
    text = next(iter(without_voids(source)), b"").decode("utf-8-sig", "replace")
    lines = text.splitlines()
    return lines[: min(_LINES, len(lines) - (not text.endswith("\n") and len(lines) > _LINES))]


def _width(line: str, delimiter: str) -> int:
    return len(next(csv.reader([line], delimiter=delimiter), []))

"""How the text of a table is laid out: what parts its cells, and where it begins."""

from __future__ import annotations

import re
from collections import Counter

from ..csv_reader.row_cells import cells_of
from ..table_reader.arrow_reader import TableSource
from ..table_reader.csv_sheets import PRINTED, without_voids
from ..table_reader.sheet import Reading

_DELIMITERS = ("\t", ";", "|", ",")
"""The surest first: commas stand in numbers and dates too."""
_LINES, _TAIL = 200, 4_096
NAMED = {"\t": "tab", ";": "';'", "|": "'|'", ",": "','"}


def layout(source: TableSource) -> Reading:
    """What parts the cells of a text, and how many lines come before its table.

    Parameters
    ----------
    source : TableSource
        A file of text.
    """
    lines = first_lines(source)
    rows = [line for line in lines if line.strip() and not line.startswith("#") and not line.lower().startswith("sep=")]
    rows = [line for line in rows if not PRINTED.fullmatch(line.strip())]
    said = next((line[4:5] for line in lines[:1] if line.lower().startswith("sep=")), "")
    best, most, agree = said or ",", 0, 0
    for delimiter in (said,) if said else _DELIMITERS:
        width, times = Counter(_width(row, delimiter, source) for row in rows).most_common(1)[0] if rows else (0, 0)
        if width > 1 and (times > agree or not most):
            best, most, agree = delimiter, width, times
    if most < 2:
        return Reading(comment="#")
    first = next(line for line in rows if _width(line, best, source) == most)
    at = lines.index(first)
    junk = [line for line in lines[:at] if line in rows]
    return Reading(best, skip=at if junk else 0, comment=_footer(source, best, most) or "#")


def _footer(source: TableSource, delimiter: str, width: int) -> str:
    """The first word of a last line that is no row but says what wrote the file; empty where there is none."""
    if source.packed:
        return ""
    with source.path.open("rb") as file:
        file.seek(max(0, source.path.stat().st_size - _TAIL))
        lines = file.read().decode("utf-8", "replace").rstrip().splitlines()
    last = lines[-1] if lines else ""
    said = re.match(r'"?[A-Za-z]{4,}|![A-Z]{3,}!', last)
    cells = cells_of(last, delimiter, f"{source.path}: last line")
    return said[0] if said and len([cell for cell in cells if cell]) == 1 < width else ""


def is_json(source: TableSource) -> bool:
    """Whether a text holds JSON, in one value or one a line."""
    return source.kind == "json" or next(iter(without_voids(source)), b"").lstrip()[:1] in (b"{", b"[")


def first_lines(source: TableSource) -> list[str]:
    """The first lines of a text, whole ones alone."""
    text = next(iter(without_voids(source)), b"").decode("utf-8-sig", "replace")
    lines = text.splitlines()
    return lines[: min(_LINES, len(lines) - (not text.endswith("\n") and len(lines) > _LINES))]


def _width(line: str, delimiter: str, source: TableSource) -> int:
    return len(cells_of(line, delimiter, f"{source.path}: one of the first lines"))

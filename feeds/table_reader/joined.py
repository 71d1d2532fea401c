"""Times that stand in two columns, the date in one and the time of day in the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.errors import DataError, unknown
from .convert import texts
from .sheet import Sheet

NAME = "+"
"""Between the names of columns that are joined, in the name of what they make."""


def joined_name(parts: tuple[str | int, ...]) -> str:
    """What the column is called that some make together.

    >>> joined_name(("Date", "Time"))
    'Date+Time'
    """
    return NAME.join(map(str, parts))


def with_time(sheet: Sheet, joined: tuple[str | int, ...], form: str = "") -> Sheet:
    """``sheet`` with one more column, the last, of the date and the time in the columns ``joined``.

    A ``form`` of times, as of ``strptime``, may count on noughts before a time of day that is a whole number.

    Raises
    ------
    DataError
        If one of its parts is not there.
    """
    if not joined:
        return sheet
    import pyarrow.compute as pc

    cells = [sheet.cells[_where(sheet, part)] for part in joined]
    words = [_day(cells[0]), *(_time_of_day(c, form) for c in cells[1:])]
    names = None if sheet.names is None else (*sheet.names, joined_name(joined))
    return replace(sheet, names=names, cells=[*sheet.cells, pc.binary_join_element_wise(*words, " ")])


def _where(sheet: Sheet, part: str | int) -> int:
    if isinstance(part, int):
        if part > len(sheet.cells):
            raise DataError(f"{sheet.path}: has {len(sheet.cells)} cells, and part of the time is in number {part}")
        return part - 1
    names = [name.strip().lower() for name in sheet.names or ()]
    if sheet.names is None:
        raise DataError(f"{sheet.path}: has no header; number the cells, as in columns: {{time: [1, 2]}}")
    if names.count(part.lower()) != 1:
        raise DataError(f"{sheet.path}: {unknown('column', part, [n for n in sheet.names if n])}")
    return names.index(part.lower())


def _day(cells: Any) -> Any:
    """A date as text; of a time stamp at midnight its date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(cells.type):
        return pc.strftime(cells, format="%Y-%m-%d")
    return texts(cells)


def _time_of_day(cells: Any, form: str) -> Any:
    """A time of day as text; whole numbers get back the noughts before them that a format counts on."""
    import pyarrow.compute as pc

    found = texts(cells)
    width = 6 if form.endswith("%H%M%S") else 4 if form.endswith("%H%M") else 0
    return pc.utf8_lpad(found, width, "0") if width else found

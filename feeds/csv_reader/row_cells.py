"""The cells of one line of text, of which a table has no more than so many."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ...core.errors import DataError

MOST_CELLS = 10_000
"""Cells in a row, at most: each is a column to be kept and asked about, and no provider has a hundredth of them."""


def check_width(count: int, where: str) -> None:
    """Refuse rows of more cells than a table of trades or bars can have."""
    if count > MOST_CELLS:
        raise DataError(f"{where}: has {count:,} cells in a row, more than {MOST_CELLS:,}; is it a table?")


def cells_of(line: str, delimiter: str, where: str) -> list[str]:
    """The cells of a line.

    Raises
    ------
    DataError
        If it cannot be split, or has more than `MOST_CELLS`.

    Examples
    --------
    >>> cells_of('1,"a, b",', ",", "a.csv: row 1")
    ['1', 'a, b', '']
    """
    check_width(line.count(delimiter) + 1, where)
    refuse_returns(line, where)
    try:
        return [cell for row in csv.reader([line], delimiter=delimiter) for cell in row]
    except csv.Error as err:
        raise DataError(f"{where}: cannot be split into cells ({err}); is it a table?") from None


def rows_of(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a whole text, counted from 1, and their cells.

    Raises
    ------
    DataError
        As for `cells_of`.
    """
    rows = csv.reader(io.StringIO(text))
    number = 0
    try:
        for cells in rows:
            number += 1
            check_width(len(cells), f"{path}: row {number}")
            yield number, cells
    except csv.Error as err:
        raise DataError(f"{path}: row {number + 1}: cannot be split into cells ({err}); is it a table?") from None


def refuse_returns(line: str, where: str) -> None:
    """Refuse a line that carriage returns alone part into several, as old programs of Macs write them."""
    if "\r" in line.strip():
        raise DataError(f"{where}: its lines end with carriage returns alone; save the file with line feeds")

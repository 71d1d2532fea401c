"""Layouts: what stands where in a provider's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.errors import FormatError, listed
from .scan import SKIP


@dataclass(frozen=True)
class Cell:
    """What stands in one cell of a line.

    Parameters
    ----------
    name : str
        Our name for it: ``time``, ``price``, …; in errors too.
    kind : int
        ``SKIP``, ``DECIMAL`` (not negative), ``INTEGER``, ``FLAG`` (true or false) or ``SIDE`` (buy or sell).
    key : str
        Its key in the provider's JSON objects; JSON arrays go by position.
    headers : tuple of str
        What header lines call it, besides ``name``.
    natural : bool
        Whether it cannot be below 0, as the id of a trade.
    """

    name: str
    kind: int
    key: str = ""
    headers: tuple[str, ...] = ()
    natural: bool = False

    def called(self, header: str) -> bool:
        """Whether a header line means this cell by ``header``."""
        return header.lower() in (self.name, *self.headers)


@dataclass(frozen=True)
class Layout:
    """What stands where in a provider's lines: a new provider is a new table, not a new parser.

    Parameters
    ----------
    cells : tuple of Cell
        In the order of lines that have no header.
    optional : int
        How many of the last cells a file may leave out.
    """

    cells: tuple[Cell, ...]
    optional: int = 0

    def by_position(self, count: int, where: str) -> tuple[Cell, ...]:
        """The cells of lines of ``count`` cells without a header."""
        least = len(self.cells) - self.optional
        if not least <= count <= len(self.cells):
            wanted = str(least) if not self.optional else f"{least} to {len(self.cells)}"
            names = ", ".join(c.name for c in self.cells)
            raise FormatError(f"{where}: has {count} cells, wanted {wanted} ({names})")
        return self.cells[:count]

    def by_header(self, names: Sequence[str], where: str) -> tuple[Cell, ...]:
        """The cells of lines under a header, in its order; columns that nobody wants are skipped."""
        made = [next((c for c in self.cells if c.called(name)), Cell(name, SKIP)) for name in names]
        for cell in self.cells:
            if cell.kind != SKIP and made.count(cell) != 1:
                how = "no" if cell not in made else "more than one"
                raise FormatError(f"{where}: the header has {how} column {cell.name}; it has {listed(names)}")
        return tuple(made)

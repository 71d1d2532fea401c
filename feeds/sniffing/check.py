"""Whether the feed that was told from a file reads it."""

from __future__ import annotations

from .providers import read_by
from .sniff import Sniffed


def check(made: Sniffed) -> tuple[int, str, str, list[str]]:
    """How many rows were read to see that it does, the times of the first and the last of them, and what is noted.

    Bars are read whole, of trades the first part.

    Raises
    ------
    TapeflowError
        As the feed has it.
    """
    rows, first, last, notes = read_by(made.path, made.feed, made.params)
    return rows, first, last, [note for note in notes if not any(note in doubt for doubt in made.doubts)]

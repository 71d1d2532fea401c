"""Whether the feed that was told from a file reads it."""

from __future__ import annotations

from .providers import read_by
from .sniff import Sniffed


def check(made: Sniffed) -> tuple[int, str, str]:
    """How many rows were read to see that it does, and the times of the first and the last of them.

    Bars are read whole, of trades the first part.

    Raises
    ------
    TapeflowError
        As the feed has it.
    """
    rows, first, last, _ = read_by(made.path, made.feed, made.params)
    return rows, first, last

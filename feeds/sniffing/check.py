"""Whether the feed that was told from a file reads it."""

from __future__ import annotations

from ...core.clock import iso
from ...core.errors import DataError
from ..generic import CsvBars, CsvTape
from .sniff import Sniffed


def check(made: Sniffed) -> tuple[int, str, str]:
    """How many rows were read to see that it does, and the times of the first and the last of them.

    Bars are read whole, of trades the first part.

    Raises
    ------
    TapeflowError
        As the feed has it.
    """
    if made.bars:
        bars = CsvBars(made.path, **made.params).bars()
        return len(bars), iso(int(bars["open_time"][0])), iso(int(bars["open_time"][-1]))
    for tape in CsvTape(made.path, **made.params).tapes():
        if len(tape):
            return len(tape), iso(int(tape.time[0])), iso(int(tape.time[-1]))
    raise DataError(f"{made.path}: holds no trades")

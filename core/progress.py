"""How far a long piece of work is: counted where it is done, read by whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path


class Meter:
    """Counts of one piece of work; whoever shows them looks at it from time to time.

    Attributes
    ----------
    bytes, expected : int
        Read from files, and how large those are in all.
    rows : int
        Made of them.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin another piece of work."""
        self.bytes = self.expected = self.rows = 0
        self._at: Callable[[], int] | None = None
        self._bars = 0

    def expect(self, paths: Iterable[Path]) -> None:
        """These files are going to be read."""
        for path in paths:
            if path.is_file():
                self.expected += path.stat().st_size

    def follow(self, at: Callable[[], int], bars: int) -> None:
        """``at`` tells at which of ``bars`` bars a run is; called from another thread."""
        self._at, self._bars = at, bars

    @property
    def bars(self) -> tuple[int, int]:
        """The bar that a run is at, and how many there are; 0, 0 where none is told."""
        return (min(self._at(), self._bars), self._bars) if self._at is not None else (0, 0)


METER = Meter()
"""Of what the command line is doing now."""

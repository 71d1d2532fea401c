"""How far a download is: one line that is written over on a terminal, a line a file elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..fetching.transfer import Fetched

_EVERY = 0.1


class Display:
    """Told of every piece by the threads of a download.

    Parameters
    ----------
    quiet : bool
        Whether to say nothing at all.
    unit : str
        What is counted: ``B`` for bytes, or a word.
    terminal : bool or None
        Whether standard error is one; None looks.
    now : callable
        The clock, in seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        unit: str = "B",
        terminal: bool | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet, self._unit, self._now = quiet, unit, now
        self._live = not quiet and (sys.stderr.isatty() if terminal is None else terminal)
        self._lock = threading.Lock()
        self._totals: dict[str, int | None] = {}
        self._done: dict[str, int] = {}
        self._running: set[str] = set()
        self._received = self._ended = self._expected = 0
        self._since, self._shown = now(), 0.0

    def expect(self, count: int) -> None:
        """``count`` more files are to come."""
        with self._lock:
            self._expected += count

    def begin(self, name: str, done: int, total: int | None) -> None:
        """A file goes on from ``done``."""
        with self._lock:
            self._totals[name], self._done[name] = total, done
            self._running.add(name)

    def advance(self, name: str, count: int) -> None:
        """``count`` more are here."""
        with self._lock:
            self._done[name] = self._done.get(name, 0) + count
            self._received += count
            if self._live and self._now() - self._shown >= _EVERY:
                self._shown = self._now()
                self._write(self.line())

    def end(self, result: Fetched) -> None:
        """A file is done with; said in a line of its own where nothing is written over."""
        with self._lock:
            self._ended += 1
            self._running.discard(result.path.name)
            if not self._live and result.state == "fetched":
                self._say(f"{result.path.name}: {size(result.bytes)}" + (f", {result.why}" if result.why else ""))

    def note(self, text: str) -> None:
        """A remark, on a line of its own."""
        with self._lock:
            self._clear()
            self._say(text)

    def line(self) -> str:
        """Files done, what has come, at what rate, and the time that is left."""
        rate = self._received / max(self._now() - self._since, 1e-9)
        parts = [f"{self._ended}/{self._expected} files", f"{self._count(self._received)} at {self._count(rate)}/s"]
        if rate > 0:
            seconds = round(self._left() / rate)
            parts.append(f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d} left")
        return ", ".join(parts)

    def _left(self) -> float:
        """What is to come, files that have not begun taken to be as large as the others are on average."""
        totals = {name: total for name, total in self._totals.items() if total is not None}
        waiting = self._expected - self._ended - len(self._running)
        mean = sum(totals.values()) / len(totals) if totals else 0.0
        return sum(totals[name] - self._done[name] for name in self._running & totals.keys()) + max(0, waiting) * mean

    def _count(self, amount: float) -> str:
        return size(amount) if self._unit == "B" else f"{amount:,.0f} {self._unit}"

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo(text, err=True)

    def _write(self, text: str) -> None:
        click.echo(f"\r\033[K{text}", nl=False, err=True)

    def _clear(self) -> None:
        if self._live:
            self._write("")

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *exc: object) -> None:
        self._clear()


def size(amount: float) -> str:
    """Bytes as people read them.

    Examples
    --------
    >>> size(999), size(12_345_678)
    ('999 B', '12.3 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"

"""What is being done, how fast, and how long it still takes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..core.progress import Meter

COMPILING = "compiling for this machine, which only the first run needs"
_EVERY, _FIRST, _AGAIN = 0.2, 2.0, 15.0
"""Seconds between looks on a terminal; before the first plain line elsewhere, and between those."""


def silenced() -> bool:
    """Whether the environment wishes for no progress: ``TAPEFLOW_PROGRESS=0``; remarks are told all the same."""
    return os.environ.get("TAPEFLOW_PROGRESS") == "0"


class Progress:
    """One line that is written over on a terminal; elsewhere a plain line now and then, for what takes long.

    Used as a context; called with each piece of work in a few words.

    Parameters
    ----------
    quiet : bool
        Whether to say nothing at all; so does ``TAPEFLOW_PROGRESS=0``.
    compiles : bool
        Whether the work may have to be compiled first, of which it then tells.
    terminal : bool or None
        Whether standard error is one; None looks.
    now : callable
        The clock, in seconds.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        compiles: bool = True,
        terminal: bool | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._quiet, self._compiles, self._now = quiet or silenced(), compiles, now
        self._live = not self._quiet and (sys.stderr.isatty() if terminal is None else terminal)
        self._text, self._since, self._next = "", now(), 0.0
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, text: str) -> None:
        """Say ``text`` in place of what was said before; counting begins anew."""
        from ..core.progress import METER

        with self._lock:
            METER.reset()
            self._text, self._since = text, self._now()
            self._next = self._since + _FIRST
            if self._live:
                click.echo(f"\r\033[K{text} …", nl=False, err=True)

    def say(self, text: str) -> None:
        """A remark on a line of its own."""
        with self._lock:
            click.echo(f"\r\033[K{text}" if self._live else text, err=True)

    def look(self) -> None:
        """Show how far it is, if it is time to."""
        from ..core.progress import METER

        with self._lock:
            taken = self._now() - self._since
            if not self._text:
                return
            if self._live and taken >= 1.0:
                click.echo(f"\r\033[K{line(self._text, METER, taken)}", nl=False, err=True)
            elif not self._live and not self._quiet and self._now() >= self._next:
                self._next = self._now() + _AGAIN
                click.echo(line(self._text, METER, taken), err=True)

    def __enter__(self) -> Progress:
        if not self._quiet:
            if self._compiles:
                from ..core.kernels import on_compile

                on_compile(lambda: self.say(COMPILING))
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        if self._live:
            click.echo("\r\033[K", nl=False, err=True)

    def _watch(self) -> None:
        while not self._end.wait(_EVERY):
            self.look()


def line(text: str, meter: Meter, seconds: float) -> str:
    """What is being done, how much of it is, at what rate, and the time left.

    Examples
    --------
    >>> from tapeflow.core.progress import Meter
    >>> meter = Meter()
    >>> meter.rows, meter.bytes, meter.expected = 3_000_000, 250_000_000, 1_000_000_000
    >>> line("reading btc", meter, 2.0)
    'reading btc: 250.0 MB of 1.0 GB, 3,000,000 rows, 1,500,000 rows/s, 0:00:06 left'
    """
    from .data_progress import size

    parts, share = [], 0.0
    if meter.expected:
        done = min(meter.bytes, meter.expected)
        share = done / meter.expected
        parts.append(f"{size(done)} of {size(meter.expected)}")
    if meter.rows:
        parts += [f"{meter.rows:,} rows", f"{meter.rows / max(seconds, 1e-9):,.0f} rows/s"]
    bar, bars = meter.bars
    if bars:
        share = bar / bars
        parts += [f"{bar:,} of {bars:,} bars", f"{bar / max(seconds, 1e-9):,.0f} bars/s"]
    if share >= 1.0:
        parts.append("finishing")
    elif share > 0.0:
        parts.append(f"{clock(seconds * (1.0 - share) / share)} left")
    else:
        parts.append(clock(seconds))
    return f"{text}: {', '.join(parts)}"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock(3723.4)
    '1:02:03'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"

"""Arrow's reader of a text, which reads ahead in a thread of its own, brought to its end with whoever reads."""

from __future__ import annotations

import atexit
import io
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any

_BLOCK = 1 << 20
_PATIENCE = 0.2
"""Seconds from a stop to the end of the process: Arrow's thread tells nobody when it is gone."""
_OPEN: weakref.WeakSet[Generator[Any, None, None]] = weakref.WeakSet()
_stopped: list[float] = []
"""When a text that had more was stopped last, on the clock that only goes on."""


class _Ended(io.RawIOBase):
    """A stream that has an end from the moment on when nobody wants more of it."""

    def __init__(self, stream: io.RawIOBase) -> None:
        super().__init__()
        self._stream, self._over = stream, False
        self._lock, self._reads = threading.RLock(), 0
        self.reader: Any = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, room: Any) -> int | None:
        """Fill what is given as far as there is something; gives how many bytes."""
        with self._lock:
            self._reads = threading.get_ident()
            try:
                return 0 if self._over else self._stream.readinto(room)
            finally:
                self._reads = 0

    def stop(self) -> None:
        """Wait until nothing more is read.

        A thread of Arrow's that comes back to Python once the interpreter shuts down would end the process.
        """
        self._over = True
        if self._reads == threading.get_ident():  # freed while this very thread reads, which waits for nobody
            return
        reader, self.reader = self.reader, None
        with self._lock:  # until what is read now is read
            pass
        with suppress(Exception):
            while reader is not None:
                reader.read_next_batch()


def batches_of(stream: io.RawIOBase, reader: Callable[[io.BufferedReader], Any]) -> Iterator[Any]:
    """The record batches that a ``reader`` of Arrow's makes of a stream.

    Parameters
    ----------
    stream : RawIOBase
        Text.
    reader : callable
        Opens it, as `pyarrow.csv.open_csv` does.
    """
    made = _batches(_Ended(stream), reader)
    _OPEN.add(made)
    return made


def _batches(text: _Ended, reader: Callable[[io.BufferedReader], Any]) -> Generator[Any, None, None]:
    over = False
    try:
        text.reader = reader(io.BufferedReader(text, _BLOCK))  # a bare stream may end a block within a line
        while (batch := _next(text.reader)) is not None:
            yield batch
        over = True
    finally:
        text.stop()
        if not over:
            _stopped[:] = [time.monotonic()]


def _next(reader: Any) -> Any:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None


@atexit.register
def _stop_all() -> None:
    for made in list(_OPEN):
        with suppress(ValueError):  # a generator that runs in another thread
            made.close()
    for then in _stopped:
        time.sleep(max(0.0, then + _PATIENCE - time.monotonic()))

"""Arrow's reader of a text, which reads ahead in a thread of its own, brought to its end with whoever reads."""

from __future__ import annotations

import atexit
import io
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

_BLOCK = 1 << 20
_OPEN: weakref.WeakSet[_Ended] = weakref.WeakSet()


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
    text = _Ended(stream)
    _OPEN.add(text)
    try:
        text.reader = made = reader(io.BufferedReader(text, _BLOCK))  # a bare stream may end a block within a line
        yield from made
    finally:
        text.stop()


@atexit.register
def _stop_all() -> None:
    for text in list(_OPEN):
        text.stop()

"""A request to end is an interrupt: what is half written is cleaned away, whoever asks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")


class Terminated(KeyboardInterrupt):
    """The system, or a scheduler, asked the process to end."""


@contextmanager
def terminable() -> Iterator[None]:
    """In the block, ``SIGTERM`` and the end of the terminal do what an interrupt from the keyboard does.

    A handler of somebody else's is left alone, and so is a signal that is ignored, as under ``nohup``.
    """
    ours = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)] if ours else []
    mine = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second one ends the process at once.
    signal.signal(number, signal.SIG_DFL)
    raise Terminated

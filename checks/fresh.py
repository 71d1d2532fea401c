"""Work in a process of its own, which knows nothing of what other work has left behind."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from typing import Any

import numpy as np

from ..core.errors import TapeflowError

CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process can be begun where this one stands; elsewhere work is done here, one piece after the other."""
_MOST = 4


class _Fault:
    """What ended the work of a process."""

    def __init__(self, said: str) -> None:
        self.said = said


class Later:
    """A process that waits for what to do, begun before anything else was.

    Parameters
    ----------
    work : callable
        Called there with what `ask` gives; what it returns must pickle.
    """

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self._process = _Process(lambda theirs: work(*_asked(theirs))) if CAN_FORK else None

    def ask(self, *args: Any) -> None:
        """Begin the work."""
        self._args = args
        if self._process is not None:
            self._process.mine.send(args)

    def answer(self) -> Any:
        """What it returned.

        Raises
        ------
        TapeflowError
            If the process died.
        """
        return self._work(*self._args) if self._process is None else self._process.answer()

    def close(self) -> None:
        """End a process that nobody asked."""
        if self._process is not None:
            self._process.close()


def _asked(theirs: Any) -> Any:
    """What the process that began this one wants of it; ends where that is gone."""
    parent = os.getppid()
    while not theirs.poll(1.0):
        if os.getppid() != parent:
            raise EOFError
    return theirs.recv()


def each(works: Iterable[Callable[[], Any]], *, fresh: bool = True) -> Iterator[Any]:
    """What each piece of work returns, in order; several at a time, each in a process of its own where ``fresh``.

    Raises
    ------
    TapeflowError
        If a process died, as one does when memory runs out.

    Examples
    --------
    >>> list(each([lambda: 1 + 1, lambda: 2 + 2]))
    [2, 4]
    """
    if not (fresh and CAN_FORK):
        yield from (work() for work in works)
        return
    todo, running = [*works], list[_Process]()
    try:
        while todo or running:
            while todo and len(running) < min(_MOST, _processors()):
                running.append(_Process(_alone(todo.pop(0))))
            yield running[0].answer()
            running.pop(0).close()
    finally:
        for process in running:
            process.close()


def _alone(work: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda theirs: work()


def _processors() -> int:
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


class _Process:
    """A copy of this process that does one thing and ends."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.mine, self.theirs = connection.Pipe()
        self._ended = False
        with warnings.catch_warnings():
            # Threads of Arrow's and numpy's own begin anew in the copy; nobody else's are at work here.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            self._be(work)
        self.theirs.close()

    def _be(self, work: Callable[[Any], Any]) -> None:
        """Do the work and end, whatever comes of it."""
        code = 1
        try:
            self.mine.close()
            # Whoever asks for chance without a seed is to be told by it.
            random.seed()
            np.random.seed(int.from_bytes(os.urandom(4), "little"))
            self.theirs.send_bytes(pickle.dumps(work(self.theirs), protocol=5))
            code = 0
        except EOFError:  # nobody asked
            code = 0
        except Exception as err:
            self.theirs.send_bytes(pickle.dumps(_Fault(f"{type(err).__name__}: {err}")))
        finally:
            os._exit(code)

    def answer(self) -> Any:
        try:
            made = pickle.loads(self.mine.recv_bytes())  # noqa: S301  (our own process)
        except EOFError:
            raise TapeflowError(
                "a process of the check died, as one does when memory runs out; take fewer bars, by data.NAME.end"
            ) from None
        if isinstance(made, _Fault):
            raise TapeflowError(f"a process of the check could not go on: {made.said}")
        return made

    def close(self) -> None:
        if self._ended:
            return
        self._ended = True
        self.mine.close()
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)  # one that was not asked; of the others nothing is left to do
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def results(later: Sequence[Later]) -> Iterator[Any]:
    """The answers of processes that were asked; all of them are ended."""
    try:
        for one in later:
            yield one.answer()
    finally:
        for one in later:
            one.close()

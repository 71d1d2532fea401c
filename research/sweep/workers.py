"""Runs of a sweep in this process or in several."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from pathlib import Path
from typing import Any

from ...backtest.inputs.read import Source
from ...configs.models import RunConfig
from ...core.errors import TapeflowError
from ...core.lazy_import import start
from ...core.plugins.registry import load_plugins
from . import store
from .journal import Done
from .point import More, attempt
from .points import Point
from .shared_data import Known

AT_ONCE = 16
"""Most points that a worker is given at a time: more would be lost with it, fewer cost more to hand over."""

Task = tuple[Path, list[tuple[int, RunConfig]], More | None]
_known: dict[Path, Known] = {}
"""What this worker knows, by the file its bars lie in; only of the last one."""


def here(points: Sequence[Point], sources: Mapping[str, Source], more: More | None = None) -> Iterator[list[Done]]:
    """Run points one after the other in this process."""
    known = Known(sources)
    for point in points:
        yield [Done(point.number, *attempt(point.config, sources, known, more))]


class Workers:
    """Processes that run points.

    Each is started afresh (``spawn``), so that it is the same on every system, and maps the bars that all of them
    read. They end with the process that started them, however that ends.

    Parameters
    ----------
    jobs : int
        How many.
    config : RunConfig
        The sweep, whose plugins they load.
    """

    def __init__(self, jobs: int, config: RunConfig) -> None:
        self._jobs = jobs
        context = multiprocessing.get_context("spawn")
        # Nothing is ever written: a worker that reads the end of it knows that nobody waits for its work.
        self._life, self._alive = context.Pipe(duplex=False)
        given = (__name__, _begin.__name__, self._life, list(config.plugins), config.folder)
        self._pool = ProcessPoolExecutor(jobs, context, initializer=start, initargs=given)

    def run(self, points: Sequence[Point], bars: Path, more: More | None = None) -> Iterator[list[Done]]:
        """Run ``points`` over the bars in a file, in any order; ``more``, a function of a module, adds to each row.

        Raises
        ------
        TapeflowError
            If a process died, as one does when memory runs out.
        """
        size = max(1, min(AT_ONCE, len(points) // (4 * self._jobs)))
        tasks = _batches(points, size)
        waiting: set[Future[list[Done]]] = set()
        try:
            while True:
                for task in itertools.islice(tasks, 2 * self._jobs - len(waiting)):
                    waiting.add(self._pool.submit(_work, (bars, [(p.number, p.config) for p in task], more)))
                if not waiting:
                    return
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield future.result()
        except BrokenProcessPool:
            raise TapeflowError(
                "a worker process died, as one does when memory runs out; what is finished is kept: run it again, "
                "perhaps with fewer --jobs"
            ) from None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        if kind is not None:
            self._alive.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._alive.close()
        self._life.close()


def processors() -> int:
    """Processors that this process may use."""
    mine = getattr(os, "sched_getaffinity", None)
    return len(mine(0)) if mine else os.cpu_count() or 1


def _batches(points: Sequence[Point], size: int) -> Iterator[Sequence[Point]]:
    for at in range(0, len(points), size):
        yield points[at : at + size]


def _begin(life: Any, plugins: list[str], folder: Path) -> None:
    """What a worker does first."""
    # An interrupt from the keyboard reaches all; the first process alone decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(life,), daemon=True).start()
    if plugins:
        load_plugins(plugins, folder)


def _end_with(life: Any) -> None:
    connection.wait([life])
    os._exit(1)


def _work(task: Task) -> list[Done]:
    path, points, more = task
    if path not in _known:
        _known.clear()
        sources, given = store.get(path)
        _known[path] = Known(sources, given, path.parent)
    known = _known[path]
    return [Done(number, *attempt(config, known.sources, known, more)) for number, config in points]


def write_bars(sources: Mapping[str, Source], points: Sequence[Point], path: Path) -> None:
    """Write what workers map: the bars, and the indicators that all points have.

    The readers that bars came from stay where they are, unless a run goes back to the tape behind them.
    """
    again = any(point.config.fills.tape for point in points)
    bars = dict(sources) if again else {name: Source(None, source.bars) for name, source in sources.items()}
    store.put((bars, Known(sources).untouched(point.config for point in points)), path)

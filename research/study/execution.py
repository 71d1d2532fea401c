"""Runs points over parts of the data: each part cut off where it ends, finished runs kept as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...backtest.inputs.read import Progress, Source, read_all
from ...configs.models import RunConfig
from ..ledger import Finished, PointCounter
from ..sweep.journal import Done, Journal
from ..sweep.points import Point
from ..sweep.progress import Pace
from ..sweep.workers import Workers, here, processors, write_bars
from .marks import marked
from .windows import Window

FEW = 8
"""Points below which it is not worth while to hand them to other processes."""


def on_window(config: RunConfig, window: Window, first: int) -> RunConfig:
    """``config`` as it runs on a part: it decides from where that starts, and its data end where that ends.

    Parameters
    ----------
    config : RunConfig
        The run.
    window : Window
        The part.
    first : int
        When the data begin: a part that starts there has nothing to warm up on.
    """
    data = {name: block.model_copy(update={"end": window.end}) for name, block in config.data.items()}
    begins = window.start if window.start > first else None
    since = max((time for time in (begins, config.trade_from) if time is not None), default=None)
    return config.model_copy(update={"data": data, "trade_from": since})


class Execution:
    """The runs of a study, in order; each has a number, by which it is found when the study goes on.

    Parameters
    ----------
    config : RunConfig
        The study.
    sources : mapping of str to Source
        All its data.
    counter : PointCounter
        Tells the ledger.
    journal : Journal
        Keeps finished runs; open.
    done : dict of int to Done
        Those that an earlier call left.
    jobs : int or None
        Processes; 1 is this one.
    say : callable
        Told how far it is.
    """

    def __init__(
        self,
        config: RunConfig,
        sources: Mapping[str, Source],
        counter: PointCounter,
        journal: Journal,
        done: dict[int, Done],
        jobs: int | None,
        say: Progress,
    ) -> None:
        self._config, self._sources, self._counter = config, sources, counter
        self._journal, self._done, self._say = journal, done, say
        self._jobs = processors() if jobs is None else jobs
        self._next, self._stack = 1, ExitStack()
        self._workers: Workers | None = None
        self._aside = Path()
        self.first = min(int(source.bars["open_time"][0]) for source in sources.values())

    def __enter__(self) -> Execution:
        self._aside = Path(
            self._stack.enter_context(TemporaryDirectory(prefix="tapeflow-", ignore_cleanup_errors=True))
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def run(self, points: Sequence[Point], window: Window, kind: str) -> dict[int, Done]:
        """What each of ``points`` comes to on a part, by its number.

        Parameters
        ----------
        points : sequence of Point
            Of the sweep.
        window : Window
            The part.
        kind : str
            Of the entries in the ledger.
        """
        numbers = {self._next + i: point for i, point in enumerate(points)}
        self._next += len(points)
        todo = [
            Point(number, point.values, on_window(point.config, window, self.first))
            for number, point in numbers.items()
            if number not in self._done
        ]
        pace = Pace(len(points), len(points) - len(todo))
        for rows in self._ran(todo, window) if todo else ():
            made = [self._finished(numbers[row.number], row) for row in rows]
            self._counter.count(kind, made)
            self._journal.add(rows)
            self._done |= {row.number: row for row in rows}
            pace.add(len(rows))
            self._say(f"{window.words()}: {pace.line()}")
        return {point.number: self._done[number] for number, point in numbers.items()}

    @staticmethod
    def _finished(point: Point, row: Done) -> Finished:
        return Finished(point.config, point.values, row.row, row.error, row.daily, row.reads)

    def _ran(self, todo: list[Point], window: Window) -> Iterator[list[Done]]:
        sources = sources_until(todo[0].config, self._sources, window.end, self._say)
        if self._jobs == 1 or len(todo) < FEW:
            yield from here(todo, sources, marked)
            return
        if self._workers is None:
            self._workers = self._stack.enter_context(Workers(self._jobs, self._config))
        bars = self._aside / f"bars{todo[0].number}"
        write_bars(sources, todo, bars)
        yield from self._workers.run(todo, bars, marked)


def sources_until(config: RunConfig, sources: Mapping[str, Source], end: int, say: Progress) -> dict[str, Source]:
    """The data of a run that end at ``end``, as reading them anew gives them.

    Bars of the clock are those of the whole that have closed by then. What depends on what is read together, as bars of
    volume, prices that splits to come adjust, or orders that go back to the tape, is read again.
    """
    if _cuts(config, sources, end):
        return {name: Source(source.feed, source.bars.between(None, end)) for name, source in sources.items()}
    return read_all(config, say)


def _cuts(config: RunConfig, sources: Mapping[str, Source], end: int) -> bool:
    blocks = config.data.values()
    plain = all(block.actions is None and block.usd is None and block.row_size != "auto" for block in blocks)
    whole = all(source.bars.levels is None and _on_clock(source, end) for source in sources.values())
    return plain and whole and not config.fills.tape


def _on_clock(source: Source, end: int) -> bool:
    """Whether a bar begins where the data are cut, and all are of one length of time."""
    opened, closed = source.bars["open_time"], source.bars["close_time"]
    length = int(closed[0] - opened[0])
    return bool(((closed - opened) == length).all()) and (end - int(opened[0])) % length == 0

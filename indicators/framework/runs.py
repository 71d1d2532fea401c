"""How backtrader drives an indicator: whole arrays in `once`, one bar in `tick`, with equal bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.adjusted import signal_line
from ...core.errors import InputError
from ...core.kernels import ready
from .dependencies import lines_read
from .inputs import LEVELS, Derived, Input, missing
from .step_loop import drive, untraded, writable

Floats = NDArray[np.float64]


class Run(Protocol):
    """The two ways in which backtrader asks for values."""

    def once(self) -> None:
        """Fill the indicator's lines."""

    def tick(self, *, emit: bool) -> None:
        """Take the current bar in and, if ``emit``, write its values."""


class PlainRun:
    """Nothing to do: the author's own ``next`` or line arithmetic is at work."""

    def once(self) -> None:
        """Nothing."""

    def tick(self, *, emit: bool) -> None:
        """Nothing."""


def bind(made: Any) -> Run:
    """Check the inputs of indicator ``made`` and give what will run it."""
    cls, data = type(made), made.datas[0]
    params = {k: getattr(made.p, k) for k in cls.defaults()}
    # Lines of other indicators come as further data, in the order in which the parameters name them.
    made.lines_read = dict(zip(lines_read(cls, params), made.datas[1:], strict=False))

    def carries(name: str) -> bool:
        return _carries(data, name) or name in made.lines_read or _stands_for(cls, data, name, params)

    known, feed = tuple(data.lines.getlinealiases()), _feed_name(data)
    made.resolved = cls.resolved_over(params, carries, known, feed, getattr(data, "hours", ""))
    cls.check_inputs(made.resolved, carries, feed, known)
    made.first_input = made._minperiod
    made.addminperiod(cls.warmup(**made.resolved))
    if cls.level() in ("next", "lines"):
        return PlainRun()
    inputs = cls.input_names(**made.resolved)
    fed = [_Fed(made, key) for key in inputs if key != LEVELS]
    if cls.level() == "vec":
        made_run: Run = cls.run_with(made, fed)
        return made_run
    return LevelsRun(made, fed) if LEVELS in cls.inputs else StepRun(made, fed)


def _carries(data: Any, name: str) -> bool:
    asked = getattr(data, "carries", None)
    if asked is not None:
        return bool(asked(name)) or len(data.given) == 0
    return name in data.lines.getlinealiases()


def _stands_for(cls: Any, data: Any, name: str, params: Mapping[str, Any]) -> bool:
    """Whether ``data`` is no feed but a line, given to an indicator that reads one column."""
    is_feed = "close" in data.lines.getlinealiases()
    return not is_feed and cls.input_names(**params) == (name,) and name != LEVELS


def _feed_name(data: Any) -> str:
    bars, name = getattr(data, "bars", None), getattr(data, "_name", "")
    # chaindata and rolloverdata of backtrader take the bars themselves for a name.
    return (name if isinstance(name, str) else "") or getattr(bars, "source", "") or type(data).__name__


class _Fed:
    """One input of an indicator, as lines of its data."""

    def __init__(self, made: Any, key: Input) -> None:
        self.derived: Derived | None = None if isinstance(key, str | int) else key
        self.params = made.resolved
        names = (key,) if isinstance(key, str | int) else key.needs
        self.lines = [_line(made, name) for name in names]

    def array(self) -> NDArray[Any]:
        """Every bar's value, of a preloaded feed."""
        columns = [np.frombuffer(line.array, dtype=np.float64, count=line.buflen()) for line in self.lines]
        return columns[0] if self.derived is None else self.derived.array(self.params, *columns)

    def scalar(self) -> float:
        """The current bar's value."""
        if self.derived is None:
            return float(self.lines[0][0])
        return self.derived.scalar(self.params, *(line[0] for line in self.lines))

    def recent(self, size: int) -> NDArray[Any]:
        """The values of the last ``size`` bars."""
        columns = [np.asarray(line.get(size=size), dtype=np.float64) for line in self.lines]
        return columns[0] if self.derived is None else self.derived.array(self.params, *columns)


def _line(made: Any, key: str | int) -> Any:
    if isinstance(key, int):
        if key >= len(made.datas):
            raise InputError(f"{made.kind} reads {key + 1} lines and was given {len(made.datas)}")
        lines = made.datas[key].lines
        name = signal_line("close", lines.getlinealiases())
        return lines[0] if name == "close" else getattr(lines, name)
    if key in made.lines_read:
        return made.lines_read[key].lines[0]
    data = made.datas[0]
    known = data.lines.getlinealiases()
    return getattr(data.lines, signal_line(key, known)) if key in known else data.lines[0]


def _columns(made: Any, fed: list[_Fed]) -> tuple[list[NDArray[Any]], int]:
    columns = [f.array() for f in fed]
    n = len(made.lines.lines[0].array)
    if any(len(c) != n for c in columns):
        raise InputError(f"{made.kind}: its inputs differ in length; read feeds of other intervals from the strategy")
    return columns, n


def _write(made: Any, table: Floats) -> None:
    for line, values in zip(made.lines.lines, table, strict=True):
        np.frombuffer(line.array, dtype=np.float64)[: len(values)] = values


class StepRun:
    """A step kernel under backtrader.

    Bar by bar it keeps the state after the last finished bar, so that a bar asked for twice (replay, a
    slower feed among faster ones) is computed from there again.
    """

    def __init__(self, made: Any, fed: list[_Fed]) -> None:
        self.made, self.fed = made, fed
        cls = type(made)
        self.step = ready(cls.step)
        self.skip = cls.nan_policy == "skip"
        self.numbers = cls.constants(made.resolved)
        self.state = cls.first_state(**made.resolved)
        self.kept = self.state.copy()
        self.x, self.y = np.empty(len(fed)), np.empty(len(made.lines.lines))
        self.bar = 0

    def once(self) -> None:
        """Run the kernel over every bar."""
        made = self.made
        columns, n = _columns(made, self.fed)
        state = type(made).first_state(**made.resolved)
        start, first = made.first_input - 1, made._minperiod - 1
        span = dict(start=start, first=first, skip=self.skip)
        _write(made, drive(self.step, self.numbers, columns, state, len(self.y), n, **span))

    def tick(self, *, emit: bool) -> None:
        """Run the kernel over the current bar."""
        bar = len(self.made)
        if bar < self.made.first_input:
            return
        if bar == self.bar:
            self.state[:] = self.kept
        else:
            self.bar = bar
            self.kept[:] = self.state
        self._compute()
        if emit:
            for line, value in zip(self.made.lines.lines, self.y.tolist(), strict=True):
                line[0] = value

    def _compute(self) -> None:
        for j, fed in enumerate(self.fed):
            self.x[j] = fed.scalar()
        self.y[:] = np.nan
        if not (self.skip and np.isnan(self.x).any()):
            self._call()

    def _call(self) -> None:
        self.step(self.numbers, self.x, self.state, self.y)


class LevelsRun(StepRun):
    """A kernel that sees price rows. They cannot be replayed, so a bar asked for twice is not computed twice."""

    def __init__(self, made: Any, fed: list[_Fed]) -> None:
        super().__init__(made, fed)
        bars = getattr(made.datas[0], "given", None)
        if bars is None:
            raise missing(made.kind, LEVELS, _feed_name(made.datas[0]), (), "price rows need a feed of bars (bar_data)")
        made.datas[0].carries(LEVELS)  # refuses where backtrader makes the bars longer
        self.closes = bars["close_time"]
        self.levels = type(made).levels_of(bars.adjusted, **made.resolved)
        self.rows = writable(self.levels)
        self.state = type(made).levels_state(untraded(self.levels), **made.resolved)

    def once(self) -> None:
        """Run the kernel over every bar and its rows."""
        made = self.made
        columns, n = _columns(made, self.fed)
        line = made.datas[0].lines.close_time
        closes = np.frombuffer(line.array, dtype=np.float64, count=n)
        state = type(made).levels_state(untraded(self.levels), **made.resolved)
        table = drive(
            self.step,
            self.numbers,
            columns,
            state,
            len(self.y),
            n,
            start=made.first_input - 1,
            first=made._minperiod - 1,
            skip=self.skip,
            levels=self.levels,
            rows=np.searchsorted(self.closes, closes.astype(np.int64)).astype(np.int64),
        )
        _write(made, table)

    def tick(self, *, emit: bool) -> None:
        """Run the kernel over the current bar unless that is done."""
        bar = len(self.made)
        if bar >= self.made.first_input and bar != self.bar:
            self.bar = bar
            self._compute()
        if emit:
            for line, value in zip(self.made.lines.lines, self.y.tolist(), strict=True):
                line[0] = value

    def _call(self) -> None:
        at = int(np.searchsorted(self.closes, int(self.made.datas[0].lines.close_time[0])))
        offsets, tick, buy, sell = self.rows
        part = slice(offsets[at], offsets[at + 1])
        self.step(self.numbers, self.x, self.state, self.y, tick[part], buy[part], sell[part])


class VecRun:
    """An array function under backtrader; bar by bar it is asked about the last bars it depends on."""

    def __init__(self, made: Any, fed: list[_Fed]) -> None:
        self.made, self.fed = made, fed

    def once(self) -> None:
        """Call the function on whole columns."""
        made = self.made
        columns, n = _columns(made, self.fed)
        start, first = made.first_input - 1, made._minperiod - 1
        table = np.full((len(made.lines.lines), n), np.nan)
        if start < n:
            table[:, start:] = rows(made.vec(*(c[start:] for c in columns)))
            table[:, :first] = np.nan
        _write(made, table)

    def tick(self, *, emit: bool) -> None:
        """Call the function on recent columns."""
        if not emit:
            return
        held = len(self.made) - self.made.first_input + 1
        reach = self.made.lookback()
        size = held if reach is None else min(reach, held)
        for line, values in zip(
            self.made.lines.lines, rows(self.made.vec(*(f.recent(size) for f in self.fed))), strict=True
        ):
            line[0] = float(values[-1])


def rows(made: Any) -> Floats:
    """What ``vec`` gave as one array that may be written to, (lines, bars)."""
    if isinstance(made, np.ndarray) and made.ndim == 2 and made.flags.owndata:
        return made
    return np.array(made if isinstance(made, tuple) else (made,), dtype=np.float64)

"""TA-Lib under backtrader, bar by bar with its own streams."""

from __future__ import annotations

from typing import Any

from .runs import VecRun


class StreamRun(VecRun):
    """A function of TA-Lib: its batch call over whole arrays, its stream bar by bar.

    The stream holds the finished bars and is only asked to peek at the current one, so that a bar
    asked for twice is computed twice from the same state.
    """

    def __init__(self, made: Any, fed: list[Any]) -> None:
        super().__init__(made, fed)
        self.options = type(made).options(made.resolved)
        self.reach = type(made).warmup(**made.resolved) - 1
        self.width = len(made.lines.lines)
        self.bar = 0
        self.current: list[float] = []
        self.history: list[list[float]] = []
        self.stream: Any = None
        self.broken = False

    def tick(self, *, emit: bool) -> None:
        """Peek at the current bar, after the one before is final."""
        bar = len(self.made)
        if bar < self.made.first_input:
            return
        if bar != self.bar:
            self.bar = bar
            self._commit()
        self.current = [f.scalar() for f in self.fed]
        if emit:
            for line, value in zip(self.made.lines.lines, self._values(), strict=True):
                line[0] = value

    def _commit(self) -> None:
        if not self.current or self.broken:
            return
        if any(v != v for v in self.current):
            self.broken = bool(self.history)
            return
        if self.stream is not None:
            self.stream.update(*self.current)
            return
        self.history.append(self.current)
        if len(self.history) > self.reach:
            self.stream = self._open(self.history)

    def _open(self, history: list[list[float]]) -> Any:
        import numpy as np
        import talib.stream

        columns = np.array(history, dtype=np.float64).T
        return getattr(talib.stream, self.made.function)(*(np.array(c) for c in columns), **self.options)

    def _values(self) -> list[float]:
        made: Any = None
        if not self.broken and not any(v != v for v in self.current):
            if self.stream is not None:
                made = self.stream.peek(*self.current)
            elif len(self.history) == self.reach:
                made = self._open([*self.history, self.current]).value
        values = list(made) if isinstance(made, tuple) else [made] * self.width
        return [float(v) if v is not None and abs(v) < float("inf") else float("nan") for v in values]

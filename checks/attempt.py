"""One run of a check: what came of it, or how it failed."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backtrader as bt

from ..backtest.engines.backtrader import genuine, through_backtrader
from ..backtest.results.code_behind import code_behind, declared_reads, files_read
from ..backtest.runner import simulate
from ..configs.models import RunConfig
from ..core.errors import TapeflowError
from ..core.plugins.watch import Seen, seeing
from .run_trace import Trace

_ROOT = Path(__file__).resolve().parent.parent
_MACHINERY = (
    *(_ROOT / part for part in ("api", "backtest", "checks", "cli", "configs", "core", "aggregation", "store")),
    *(_ROOT / part / "framework" for part in ("feeds", "indicators", "strategies")),
    Path(bt.__file__).parent,
)
_INSTALLED = ("site-packages", "dist-packages", "lib/python")


@dataclass(frozen=True)
class Attempt:
    """What came of a run.

    Parameters
    ----------
    trace : Trace or None
        None where it failed.
    error : str
        What it failed by.
    refused : bool
        Whether it was we who refused it, as data that is too short.
    beyond : bool
        Whether it read where there is nothing.
    line : str
        The author's line that it failed in, as ``file:line``; empty for none.
    time : int
        Close of the bar at which it failed, epoch µs; -1 where that is not known.
    opened : tuple of str
        Files that plugins opened while it ran, but for those that their classes declare.
    """

    trace: Trace | None = None
    error: str = ""
    refused: bool = False
    beyond: bool = False
    line: str = ""
    time: int = -1
    opened: tuple[str, ...] = ()


def attempt(config: RunConfig, sources: dict[str, Any]) -> Attempt:
    """Run the strategy of ``config`` through backtrader itself, over bars that were read."""
    return _attempted(config, lambda: simulate(genuine(config), sources))


def fed_bar_by_bar(config: RunConfig, sources: dict[str, Any]) -> Attempt:
    """The same in backtrader's own loop, with feeds that hand over one bar at a time and know none to come."""
    own = genuine(config).model_copy(update={"engine": "stock"})
    return _attempted(config, lambda: through_backtrader(own, sources, unfolds=True))


def _attempted(config: RunConfig, run: Callable[[], Any]) -> Attempt:
    with seeing(Seen()):
        try:
            trace = Trace.of(run())
        except Exception as err:
            line = place(err)
            refused = isinstance(err, TapeflowError) and not line
            text = f"{type(err).__name__}: {' '.join(str(err).split())}" if not refused else " ".join(str(err).split())
            return Attempt(
                error=text, refused=refused, beyond=isinstance(err, IndexError), line=line, time=_time_of(err)
            )
        return Attempt(trace, opened=opened(config))


def opened(config: RunConfig, inputs: frozenset[Path] = frozenset()) -> tuple[str, ...]:
    """Files that plugins opened in the stretch of work under way, but for ``inputs`` and what their classes declare."""
    told = {path.resolve() for path in declared_reads(config)}
    return tuple(str(path) for path in files_read(config, code_behind(config), set(inputs)) if path not in told)


def is_authors(file: str) -> bool:
    """Whether a Python file is an author's, and neither the machinery's nor a library's."""
    path = Path(file)
    if file.startswith("<") or any(part in path.as_posix() for part in _INSTALLED):
        return False
    resolved = path.resolve()
    return not any(resolved.is_relative_to(part) for part in _MACHINERY)


def place(err: BaseException) -> str:
    """The line of the author's that an error came from, as ``file:line``; empty for none."""
    own = [f for f in traceback.extract_tb(err.__traceback__) if is_authors(f.filename)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _time_of(err: BaseException) -> int:
    """Close of the bar that a strategy or indicator was at when it failed."""
    for frame, _ in traceback.walk_tb(err.__traceback__):
        made = frame.f_locals.get("self")
        data = getattr(made, "data", None) if isinstance(made, bt.Strategy) else None
        if data is not None and frame.f_code.co_name in ("next", "prenext", "nextstart") and len(data):
            return int(data.close_time[0])
    return -1

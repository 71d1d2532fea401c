"""How far a run depends on where its data begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backtest.engines.backtrader import genuine
from ..backtest.runner import simulate
from ..configs.models import RunConfig
from ..core.errors import TapeflowError
from .run_trace import Trace

SHARES = (0.1, 0.25, 0.45)
"""How much of the data is left out at the beginning, one run each."""
CLOSE_TO = 1e-9
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dependence:
    """How long a line remembers where the data began.

    Parameters
    ----------
    line : str
        Which.
    bars : int or None
        Bars after a later start, the warm-up among them, from which on it is what it was, in the worst case;
        None where some later start is felt to the end.
    apart : float
        How far it is apart at the last bar, as a share of its typical size, in the worst case.
    """

    line: str
    bars: int | None
    apart: float


@dataclass(frozen=True)
class Starts:
    """What later starts changed.

    Parameters
    ----------
    lines : tuple of Dependence
        One for each line.
    same_orders : float
        Share of the orders after a later start and its warm-up that are sent at the same time on the same side in
        both runs; NaN without orders.
    starts : int
        How many later starts were tried.
    """

    lines: tuple[Dependence, ...]
    same_orders: float
    starts: int


def later_starts(config: RunConfig, sources: Mapping[str, Any], base: Trace) -> Starts:
    """Run again on data that begins later, and compare what both runs know.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        Its feeds, read.
    base : Trace
        Of the run on all of them.
    """
    seen: dict[int, list[tuple[int | None, float]]] = {i: [] for i in range(len(base.lines))}
    shares: list[float] = []
    tried = 0
    for start in _starts(base):
        try:
            later = {k: replace(s, bars=s.bars.between(start, None)) for k, s in sources.items()}
            other = Trace.of(simulate(genuine(config), later))
        except (TapeflowError, IndexError):
            continue
        tried += 1
        for i, (mine, its) in enumerate(zip(base.lines, other.lines, strict=False)):
            seen[i].append(_settled(mine.values[-len(its.values) :], its.values))
        shares += _same_orders(base, other)
    lines = [_worst(line.name, seen[i]) for i, line in enumerate(base.lines) if seen[i]]
    return Starts(tuple(lines), float(np.mean(shares)) if shares else float("nan"), tried)


def _starts(base: Trace) -> Iterator[int]:
    closes = next(iter(base.closes.values()))
    for share in SHARES:
        yield int(closes[int(share * (len(closes) - 1))])


def _settled(mine: Floats, its: Floats) -> tuple[int | None, float]:
    """From which bar on two columns agree, None where they never do, and how far apart they end."""
    if not len(its):
        return 0, 0.0
    finite = np.abs(mine[np.isfinite(mine)])
    size = float(np.median(finite)) if len(finite) else 0.0
    gap = np.where(np.isnan(mine) & np.isnan(its), 0.0, np.abs(mine - its))
    off = np.flatnonzero(~(gap <= CLOSE_TO * np.maximum(np.abs(np.nan_to_num(mine)), size)))
    apart = float(gap[-1]) / size if size and gap[-1] else float(gap[-1])
    if not len(off):
        return 0, apart
    last = int(off[-1]) + 1
    return (last if last < len(its) else None), apart


def _worst(name: str, seen: list[tuple[int | None, float]]) -> Dependence:
    bars = [n for n, _ in seen if n is not None]
    settled = max(bars) if len(bars) == len(seen) else None
    apart = [gap for _, gap in seen]
    return Dependence(name, settled, float("nan") if np.isnan(apart).any() else max(apart))


def _same_orders(base: Trace, other: Trace) -> list[float]:
    """The share of orders that both sent from when the later run's strategy was first called."""
    first = max(int(closes[min(other.minimum[feed], len(closes)) - 1]) for feed, closes in other.closes.items())
    mine, its = ({(*row[:3], row[-1]) for row in trace.orders if row[-1] >= first} for trace in (base, other))
    return [len(mine & its) / len(mine | its)] if mine | its else []

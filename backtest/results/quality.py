"""Quality of bars in results: what part of a profit came from bars that deserve less trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.schema import Quality

Times = Sequence[int] | NDArray[np.int64]
DAMAGED = Quality.GAP | Quality.PARTIAL | Quality.ID_HOLE | Quality.DISORDER | Quality.VOID | Quality.CONTRADICTORY
"""Bits of a bar whose numbers may be wrong; an empty bar or an inferred side is no damage."""


class Trip(Protocol):
    """What is asked of a round trip; `round_trips.RoundTrip` has it."""

    @property
    def data(self) -> str:
        """Name of the feed."""
        ...

    @property
    def entry_time(self) -> int:
        """Close of the bar of the first fill."""
        ...

    @property
    def exit_time(self) -> int:
        """Close of the bar of the last fill."""
        ...

    @property
    def pnl_net(self) -> float:
        """Profit after fees."""
        ...


def profit_from_damaged(trades: Iterable[Trip], bars: Bars | Mapping[str, Bars]) -> float:
    """Share of the net profit that came from round trips over damaged bars.

    A round trip is over damaged bars when one of those from its first fill to its last, or the one before its first
    fill, on which it was decided, has a bit of `DAMAGED`.

    Parameters
    ----------
    trades : iterable of RoundTrip
        Times are closes of bars, epoch µs.
    bars : Bars, or mapping of str to Bars
        Of the one feed, or of each by its name.

    Returns
    -------
    float
        Net profit of those round trips over that of all. Above 1 when the others lost money, below 0 when these and
        all together differ in sign; NaN without round trips or when all together made exactly 0.

    Examples
    --------
    >>> from tapeflow.backtest.recording.round_trips import RoundTrip
    >>> bars = Bars.of(open_time=[0, 1, 2, 3, 4, 5], close_time=[1, 2, 3, 4, 5, 6], quality=[0, 0, 0, 0, 16, 0])
    >>> def trip(entry, exit, pnl):
    ...     return RoundTrip("btc", "long", 1.0, entry, 10.0, exit, 11.0, 1, pnl, 0.0, "", "")
    >>> profit_from_damaged([trip(2, 3, 6.0), trip(4, 5, 2.0)], bars)
    0.25
    """
    known = list(trades)
    net = np.array([trade.pnl_net for trade in known], dtype=np.float64)
    over = np.zeros(len(known), dtype=bool)
    for name in {trade.data for trade in known}:
        own = bars if isinstance(bars, Bars) else bars[name]
        at = [i for i, trade in enumerate(known) if trade.data == name]
        over[at] = over_damaged(own, [known[i].entry_time for i in at], [known[i].exit_time for i in at])
    return share_of(net, over)


def over_damaged(bars: Bars, entry: Times, exit: Times) -> NDArray[np.bool_]:
    """Whether each round trip, by the closes of the bars of its first and its last fill, is over damaged bars."""
    damaged = (bars["quality"] & int(DAMAGED)) != 0
    if not damaged.any():
        return np.zeros(len(entry), dtype=bool)
    first = np.searchsorted(bars["close_time"], entry, "left") - 1
    behind = np.searchsorted(bars["close_time"], exit, "right")
    before = np.concatenate(([0], np.cumsum(damaged)))
    made: NDArray[np.bool_] = before[behind] > before[np.maximum(first, 0)]
    return made


def share_of(net: NDArray[np.float64], over: NDArray[np.bool_]) -> float:
    """The part of profits ``net`` that is marked in ``over``, added up one after the other."""
    total, marked = (float(np.cumsum(part)[-1]) if len(part) else 0.0 for part in (net, np.where(over, net, 0.0)))
    return marked / total + 0.0 if total else float("nan")

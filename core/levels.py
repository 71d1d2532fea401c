"""Levels: the price rows of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .sizes import SizeClass
from .ticks import grid_of, price_at


@dataclass(frozen=True, eq=False)
class Levels:
    """The price rows of every bar, ragged: bar ``i`` owns rows ``offsets[i]:offsets[i + 1]``.

    Parameters
    ----------
    offsets : ndarray of int64
        One more than there are bars.
    price_tick : ndarray of int64
        Lower edge of the row in ticks, ascending within a bar; `price` is that in quote currency.
    buy_volume, sell_volume : ndarray of float64
        Base amount that buyers and sellers took in the row.
    tick : float
        Price of one tick.
    row_ticks : int
        Height of a row in ticks.
    tick_known : bool
        Whether ``tick`` is the step of prices, so that a price counts for the tick nearest to it. Else it is the height
        of a row, and a price counts for the row that holds it.
    exact : bool
        Whether every price is known to be a whole number of ticks.
    classes : mapping of SizeClass to Levels, or None
        The rows of each class of trade size, where those were asked for.
    """

    offsets: NDArray[np.int64]
    price_tick: NDArray[np.int64]
    buy_volume: NDArray[np.float64]
    sell_volume: NDArray[np.float64]
    tick: float
    row_ticks: int = 1
    tick_known: bool = True
    exact: bool = True
    classes: Mapping[SizeClass, Levels] | None = None

    @property
    def row_size(self) -> float:
        """Height of a row in quote currency."""
        return grid_of(self.tick).price(self.row_ticks)

    @property
    def price(self) -> NDArray[np.float64]:
        """Lower edge of every row in quote currency, as the decimal."""
        grid = grid_of(self.tick)
        return np.asarray(price_at(self.price_tick, grid.num, grid.den), dtype=np.float64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, bars: slice) -> Levels:
        lo, hi, _ = bars.indices(len(self))
        a, b = int(self.offsets[lo]), int(self.offsets[max(lo, hi)])
        return replace(
            self,
            offsets=self.offsets[lo : max(lo, hi) + 1] - a,
            price_tick=self.price_tick[a:b],
            buy_volume=self.buy_volume[a:b],
            sell_volume=self.sell_volume[a:b],
            classes=None if self.classes is None else {span: own[bars] for span, own in self.classes.items()},
        )

    def of(self, classes: Sequence[SizeClass]) -> Levels:
        """The rows of some classes of trade size together."""
        held = [(self.classes or {})[span] for span in classes]
        if len(held) == 1:
            return held[0]
        bar = np.concatenate([np.repeat(np.arange(len(self)), np.diff(own.offsets)) for own in held])
        tick = np.concatenate([own.price_tick for own in held])
        order = np.lexsort((tick, bar))
        bar, tick = bar[order], tick[order]
        new = np.flatnonzero((np.diff(tick, prepend=0) != 0) | (np.diff(bar, prepend=-1) != 0))
        bought, sold = (np.concatenate([getattr(own, f"{s}_volume") for own in held])[order] for s in ("buy", "sell"))
        return replace(
            self,
            offsets=np.searchsorted(bar[new], np.arange(len(self) + 1), "left").astype(np.int64),
            price_tick=tick[new],
            buy_volume=np.add.reduceat(bought, new) if len(new) else bought,
            sell_volume=np.add.reduceat(sold, new) if len(new) else sold,
            classes=None,
        )

    def take(self, bars: NDArray[np.bool_]) -> Levels:
        """Those of the bars that a mask picks."""
        counts = np.diff(self.offsets)
        rows = np.repeat(bars, counts)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts[bars])]).astype(np.int64),
            price_tick=self.price_tick[rows],
            buy_volume=self.buy_volume[rows],
            sell_volume=self.sell_volume[rows],
        )

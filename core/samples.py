"""A small live market with every canonical column, for documentation, examples and the laws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bars import Bars, Levels
from .clock import MINUTE
from .schema import KLINE_COLUMNS, SIZE_EDGES, Quality

Floats = NDArray[np.float64]
TICK = 0.5
ROW_TICKS = 10
_FIRST_OPEN = 1_704_067_200_000_000
"""2024-01-01T00:00:00Z."""


def sample_bars(
    n: int = 300, seed: int = 0, *, klines: bool = False, levels: bool = True, sequence: bool = False
) -> Bars:
    """One-minute bars of a made-up market that trades in every minute.

    Prices walk in ticks of 0.5 from 20000, sizes are exponential, and the aggressor follows the
    price a little; every column of `core.schema.BARS` is the aggregate of the same hidden trades.

    Parameters
    ----------
    n : int
        Bars.
    seed : int
        Same seed, same market.
    klines : bool
        Whether to keep only what an exchange's klines know.
    levels : bool
        Whether to keep the price rows (5.0 high).
    sequence : bool
        Whether to add the columns of `core.schema.SEQUENCE`.

    Returns
    -------
    Bars

    Examples
    --------
    >>> bars = sample_bars(3, seed=1)
    >>> len(bars), bars.carries("levels"), bars.carries("realized_vol")
    (3, True, True)
    >>> sample_bars(3, klines=True).carries("realized_vol")
    False
    """
    trades = _Trades(n, seed)
    columns: dict[str, NDArray[Any]] = {**_times(n), **trades.prices(), **trades.flow(), **trades.classes()}
    if sequence:
        columns |= trades.sequence()
    made = Bars(columns, trades.levels() if levels else None, "1m", "sample", TICK * ROW_TICKS if levels else None)
    if not klines:
        return made
    return Bars({k: made[k] for k in KLINE_COLUMNS}, None, "1m", "sample klines")


def _times(n: int) -> dict[str, NDArray[np.int64]]:
    opens = _FIRST_OPEN + MINUTE * np.arange(n, dtype=np.int64)
    return {"open_time": opens, "close_time": opens + MINUTE}


class _Trades:
    """The hidden tape, and its aggregates by bar."""

    def __init__(self, n: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        counts = rng.integers(4, 17, n)
        total = int(counts.sum())
        self.bar = np.repeat(np.arange(n), counts)
        self.first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64) if n else np.zeros(0, np.int64)
        self.rows = counts
        moves = rng.integers(-8, 9, total)
        self.tick = (20_000.0 / TICK + np.cumsum(moves)).astype(np.int64)
        self.price = self.tick * TICK
        self.quantity = np.round(rng.exponential(0.02, total) + 1e-4, 5)
        self.buy = rng.random(total) < 0.5 + 0.03 * np.sign(moves)
        self.part = np.sort(rng.random(total) + self.bar) - self.bar
        self.raw = rng.integers(1, 4, total)

    def _sum(self, values: NDArray[Any]) -> Floats:
        return np.bincount(self.bar, weights=values, minlength=len(self.rows)).astype(np.float64)

    def prices(self) -> dict[str, Floats]:
        last = self.first + self.rows - 1
        steps = np.diff(np.log(self.price), prepend=0.0)
        steps[self.first] = 0.0
        return {
            "open": self.price[self.first],
            "high": np.maximum.reduceat(self.price, self.first) if len(last) else np.zeros(0),
            "low": np.minimum.reduceat(self.price, self.first) if len(last) else np.zeros(0),
            "close": self.price[last],
            "realized_vol": np.sqrt(self._sum(steps**2)),
            "twap_trade": self._sum(self.price) / self.rows,
            "twap_time": self._twap(last),
        }

    def _twap(self, last: NDArray[np.int64]) -> Floats:
        ends = np.append(self.part[1:], 1.0) if len(self.part) else self.part
        ends[last] = 1.0
        before = self.price[np.maximum(self.first - 1, 0)]
        held: Floats = self._sum(self.price * (ends - self.part)) + before * self.part[self.first]
        return held

    def flow(self) -> dict[str, Floats]:
        notional = self.price * self.quantity
        buys, sells = self.buy.astype(float), (~self.buy).astype(float)
        bought, sold = self._sum(self.quantity * buys), self._sum(self.quantity * sells)
        quote_bought, quote_sold = self._sum(notional * buys), self._sum(notional * sells)
        high, low = self._delta_extremes()
        return {
            "volume": bought + sold,
            "quote_volume": quote_bought + quote_sold,
            "trades": self._sum(self.raw),
            "taker_buy_volume": bought,
            "taker_sell_volume": sold,
            "taker_buy_quote_volume": quote_bought,
            "taker_sell_quote_volume": quote_sold,
            "taker_buy_count": self._sum(buys),
            "taker_sell_count": self._sum(sells),
            "delta_high": high,
            "delta_low": low,
        }

    def _delta_extremes(self) -> tuple[Floats, Floats]:
        if not len(self.rows):
            return np.zeros(0), np.zeros(0)
        run = np.cumsum(np.where(self.buy, self.quantity, -self.quantity))
        before = np.where(self.first > 0, run[self.first - 1], 0.0)
        run -= np.repeat(before, self.rows)
        return np.maximum(np.maximum.reduceat(run, self.first), 0), np.minimum(np.minimum.reduceat(run, self.first), 0)

    def classes(self) -> dict[str, Floats]:
        notional = self.price * self.quantity
        which = np.digitize(notional, SIZE_EDGES)
        made: dict[str, Floats] = {}
        for side, took in (("buy", self.buy), ("sell", ~self.buy)):
            for k, name in enumerate(("small", "medium", "large")):
                mine = (which == k) & took
                made[f"taker_{side}_{name}_order_volume"] = self._sum(notional * mine)
                made[f"taker_{side}_{name}_order_count"] = self._sum(mine)
        return made

    def sequence(self) -> dict[str, Floats]:
        side, move = np.where(self.buy, 1, -1), np.sign(np.diff(self.tick, prepend=self.tick[:1]))
        opens = np.zeros(len(side), dtype=bool)
        opens[self.first] = True
        flips = np.append(False, side[1:] != side[:-1])[: len(side)] & ~opens
        starts = np.flatnonzero(opens | flips)
        lengths = np.diff(np.append(starts, len(side)))
        steps = np.diff(self.price, prepend=self.price[:1])
        made = {"flip_move": self._sum(np.where(flips, steps * side, 0.0))}
        for name, taker in (("buy", 1), ("sell", -1)):
            mine = side[starts] == taker
            made[f"{name}_runs"] = np.bincount(self.bar[starts[mine]], minlength=len(self.rows)).astype(np.float64)
            made[f"{name}_run_max"] = np.zeros(len(self.rows))
            np.maximum.at(made[f"{name}_run_max"], self.bar[starts[mine]], lengths[mine])
        for name, sign in (("uptick", 1), ("downtick", -1), ("unchanged", 0)):
            made |= {
                f"{name}_volume": self._sum(self.quantity * (move == sign)),
                f"{name}_count": self._sum(move == sign),
            }
        return made

    def levels(self) -> Levels:
        row = self.tick // ROW_TICKS
        low = int(row.min()) if len(row) else 0
        span = int(row.max()) - low + 1 if len(row) else 1
        keys, where = np.unique(self.bar * span + (row - low), return_inverse=True)
        bought, sold = (
            np.bincount(where, weights=np.where(took, self.quantity, 0.0), minlength=len(keys)).astype(np.float64)
            for took in (self.buy, ~self.buy)
        )
        offsets = np.searchsorted(keys, np.arange(len(self.rows) + 1) * span)
        ticks = (keys % span + low) * ROW_TICKS
        return Levels(offsets.astype(np.int64), ticks.astype(np.int64), bought, sold, TICK, ROW_TICKS)


def empty_bars(bars: Bars, rows: NDArray[np.intp]) -> Bars:
    """``bars`` with no trade in the bars ``rows``, as aggregation makes them.

    Volumes and counts are 0, prices the previous close, NaN stands where a trade would be needed, and
    the flag ``filled`` is set. The first bar cannot be empty and is left alone.

    Examples
    --------
    >>> empty_bars(sample_bars(3), np.array([1]))["volume"].round(3).tolist()
    [0.249, 0.0, 0.212]
    """
    rows = rows[rows > 0]
    made = {k: np.array(v) for k, v in bars.columns.items()}
    for column in bars.schema:
        if column.name not in ("open_time", "close_time", "quality", "open", "high", "low", "close"):
            fill = np.nan if column.name.startswith(("twap", "realized")) else 0.0
            made[column.name][rows] = np.where(np.isnan(made[column.name][rows]), np.nan, fill)
    for row in rows:
        for name in ("open", "high", "low", "close"):
            made[name][row] = made["close"][row - 1]
    made["quality"][rows] |= int(Quality.FILLED)
    return replace(bars, columns=made, levels=_without(bars.levels, rows))


def _without(levels: Levels | None, rows: NDArray[np.intp]) -> Levels | None:
    if levels is None:
        return None
    counts = np.diff(levels.offsets)
    bar = np.repeat(np.arange(len(counts)), counts)
    keep = ~np.isin(bar, rows)
    counts = np.where(np.isin(np.arange(len(counts)), rows), 0, counts)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    cut = levels.price_tick[keep], levels.buy_volume[keep], levels.sell_volume[keep]
    return replace(levels, offsets=offsets, price_tick=cut[0], buy_volume=cut[1], sell_volume=cut[2])

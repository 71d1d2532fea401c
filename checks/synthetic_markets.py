"""Made-up markets, and what the laws do to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.clock import HOUR
from ..core.samples import empty_bars, sample_bars
from ..core.schema import KLINE_COLUMNS, KNOWN_COLUMNS, SEQUENCE_COLUMNS
from ..core.ticks import grid_of

_TIMES = ("open_time", "close_time")


def markets(n: int, extra: Iterable[str] = (), seed: int = 7) -> dict[str, Bars]:
    """The six markets every indicator has to bear.

    Parameters
    ----------
    n : int
        Bars.
    extra : iterable of str
        Columns beyond the canonical ones: those of `core.schema.SEQUENCE`; others follow a positive random walk.
    seed : int
        Same seed, same markets.

    Returns
    -------
    dict of str to Bars
        ``live`` trades in every bar; ``flat`` repeats one bar at one price; ``gappy`` has bars without
        trades and an outage; ``one_sided`` knows only buyers; ``klines`` is what an exchange sends;
        ``tiny`` has two bars.
    """
    extra = tuple(extra)
    sequence = not SEQUENCE_COLUMNS.keys().isdisjoint(extra)
    extra = [name for name in extra if name not in SEQUENCE_COLUMNS]
    live = _with_extra(sample_bars(n, seed, sequence=sequence), extra, seed)
    return {
        "live": live,
        "flat": _flat(live),
        "gappy": _gappy(live, seed),
        "one_sided": _one_sided(live),
        "klines": _with_extra(Bars({k: live[k] for k in KLINE_COLUMNS}, None, "1m", "klines"), extra, seed),
        "tiny": live.slice(0, 2),
    }


def irregular(bars: Bars, seed: int = 11) -> tuple[Bars, list[int]]:
    """The same market with empty bars, outages, and a few bars in which far more happens than in all others.

    Returns
    -------
    Bars
    list of int
        Bars after which something rare comes: a burst of volume, a jump of price, an outage, another day.
    """
    n, rng = len(bars), np.random.default_rng(seed)
    rare = np.unique(rng.integers(n // 2, n - 3, 3))
    burst = np.where(np.isin(np.arange(n), rare), 60.0, 1.0)
    made = {c.name: bars[c.name] * burst for c in bars.schema if c.size == 1 and c.price in (0, 1)}
    levels = bars.levels
    if levels is not None:
        each = np.repeat(burst, np.diff(levels.offsets))
        levels = replace(levels, buy_volume=levels.buy_volume * each, sell_volume=levels.sell_volume * each)
    loud = replace(bars.assign(**made), levels=levels)
    quiet = np.setdiff1d(np.flatnonzero(rng.random(n) < 0.15), rare)
    gappy = empty_bars(loud, quiet)
    holes = np.unique(rng.integers(n // 2, n - 3, 2))
    outage = 31 * HOUR * np.searchsorted(holes, np.arange(n), "right")
    gappy = gappy.assign(**{k: gappy[k] + outage for k in _TIMES})
    return gappy, sorted({int(i) - 1 for i in (*rare, *holes)})


def _with_extra(bars: Bars, extra: Iterable[str], seed: int) -> Bars:
    rng = np.random.default_rng(seed)
    return bars.assign(**{k: 100.0 + np.abs(np.cumsum(rng.normal(size=len(bars)))) for k in extra})


def _flat(bars: Bars) -> Bars:
    n = len(bars)
    price, bought, sold = 100.1, 0.1, 0.2
    made: dict[str, NDArray[Any]] = {k: bars[k] for k in _TIMES}
    for column in bars.schema:
        if column.name not in (*_TIMES, "quality"):
            made[column.name] = np.full(n, price if (column.price, column.size) == (1, 0) else 3.0)
    made |= {"volume": np.full(n, bought + sold), "quote_volume": np.full(n, price * bought + price * sold)}
    for side, amount in (("buy", bought), ("sell", sold)):
        made[f"taker_{side}_volume"] = np.full(n, amount)
        made[f"taker_{side}_quote_volume"] = np.full(n, price * amount)
    made |= {"realized_vol": np.zeros(n), "delta_high": np.full(n, bought), "delta_low": np.full(n, -sold)}
    made |= {k: v for k, v in bars.columns.items() if k not in KNOWN_COLUMNS}
    rows = np.full(n, 1001, dtype=np.int64)
    levels = Levels(np.arange(n + 1, dtype=np.int64), rows, np.full(n, bought), np.full(n, sold), 0.1)
    return Bars(made, levels, bars.spec, "flat", 0.1)


def _gappy(bars: Bars, seed: int) -> Bars:
    rng = np.random.default_rng(seed)
    made = empty_bars(bars, np.flatnonzero(rng.random(len(bars)) < 0.2))
    outage = np.where(np.arange(len(bars)) >= len(bars) // 2, 7 * HOUR, 0)
    return made.assign(**{k: made[k] + outage for k in _TIMES})


def _one_sided(bars: Bars) -> Bars:
    made: dict[str, NDArray[Any]] = {}
    for column in bars.schema:
        if column.name.startswith(("taker_sell", "sell_run")):
            made[column.name] = np.zeros(len(bars))
            made[column.mirror] = bars[column.name] + bars[column.mirror]
    made |= {"delta_high": bars["volume"], "delta_low": np.zeros(len(bars))}
    levels = bars.levels
    if levels is not None:
        both = levels.buy_volume + levels.sell_volume
        levels = replace(levels, buy_volume=both, sell_volume=np.zeros(len(both)))
    return replace(bars.assign(**made), levels=levels)


def scaled(bars: Bars, price: float, size: float) -> Bars:
    """The same market in other units: prices × ``price``, sizes × ``size``."""
    made = {c.name: bars[c.name] * price**c.price * size**c.size for c in bars.schema if c.price or c.size}
    levels = bars.levels
    if levels is not None:
        bought, sold = levels.buy_volume * size, levels.sell_volume * size
        levels = replace(levels, tick=levels.tick * price, buy_volume=bought, sell_volume=sold)
    height = bars.row_size * price if bars.row_size else None
    return replace(bars.assign(**made), levels=levels, row_size=height)


def mirrored(bars: Bars) -> Bars:
    """The same market with the sides of every trade swapped; prices stay."""
    made = {c.name: bars[c.mirror] * (-1.0 if c.odd else 1.0) for c in bars.schema if c.mirror}
    levels = bars.levels
    if levels is not None:
        levels = replace(levels, buy_volume=levels.sell_volume, sell_volume=levels.buy_volume)
    return replace(bars.assign(**made), levels=levels)


def upside_down(bars: Bars) -> tuple[Bars, float]:
    """The same market with every price ``p`` at ``top - p``, and ``top``, a multiple of many rows."""
    grid = 120.0 * (bars.row_size or (bars.levels.row_size if bars.levels is not None else 1.0))
    top = 2.0 * grid * np.ceil(np.nanmax(bars["high"]) / grid)
    made = {c.name: top - bars[c.name] for c in bars.schema if (c.price, c.size) == (1, 0)}
    made |= {"high": top - bars["low"], "low": top - bars["high"]}
    for side in ("", "taker_buy_", "taker_sell_"):
        made[f"{side}quote_volume"] = top * bars[f"{side}volume"] - bars[f"{side}quote_volume"]
    return replace(bars.assign(**made), levels=_turned(bars.levels, top)), float(top)


def _turned(levels: Levels | None, top: float) -> Levels | None:
    if levels is None:
        return None
    order = np.arange(len(levels.price_tick))
    for a, b in zip(levels.offsets[:-1], levels.offsets[1:], strict=True):
        order[a:b] = order[a:b][::-1]
    ticks = grid_of(levels.tick).row(top) - levels.row_ticks - levels.price_tick
    cut = ticks[order], levels.buy_volume[order], levels.sell_volume[order]
    return replace(levels, price_tick=cut[0], buy_volume=cut[1], sell_volume=cut[2])


def shuffled_after(bars: Bars, t: int, seed: int = 1) -> Bars:
    """The bars after ``t`` in another order; times stay in order."""
    order = np.arange(len(bars))
    order[t + 1 :] = np.random.default_rng(seed).permutation(order[t + 1 :])
    return _taken(bars, order)


def replaced_after(bars: Bars, t: int, seed: int = 99) -> Bars:
    """The bars after ``t`` from quite another market."""
    sequence = not SEQUENCE_COLUMNS.keys().isdisjoint(bars.columns)
    other = scaled(sample_bars(len(bars), seed, levels=bars.levels is not None, sequence=sequence), 1.7, 40.0)
    both = {}
    for name, values in bars.columns.items():
        foreign = other.columns[name] if name in KNOWN_COLUMNS else values[::-1] * 3.0
        keep = name in _TIMES or not bars.carries(name)
        both[name] = values if keep else np.concatenate([values[: t + 1], foreign[t + 1 :]])
    return replace(bars, columns=both, levels=_joined(bars.levels, other.levels, t + 1))


def _taken(bars: Bars, order: NDArray[np.intp]) -> Bars:
    made = {k: v if k in _TIMES else v[order] for k, v in bars.columns.items()}
    levels = bars.levels
    if levels is not None:
        rows = [np.arange(levels.offsets[i], levels.offsets[i + 1]) for i in order]
        levels = _rows(levels, np.concatenate(rows).astype(np.intp), np.array([len(r) for r in rows]))
    return replace(bars, columns=made, levels=levels)


def _rows(levels: Levels, rows: NDArray[np.intp], counts: NDArray[Any]) -> Levels:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    cut = levels.price_tick[rows], levels.buy_volume[rows], levels.sell_volume[rows]
    return replace(levels, offsets=offsets, price_tick=cut[0], buy_volume=cut[1], sell_volume=cut[2])


def _joined(first: Levels | None, second: Levels | None, at: int) -> Levels | None:
    if first is None or second is None:
        return first
    head, tail = first[slice(0, at)], second[slice(at, len(second))]
    return replace(
        first,
        offsets=np.concatenate([head.offsets, tail.offsets[1:] + head.offsets[-1]]),
        price_tick=np.concatenate([head.price_tick, tail.price_tick]),
        buy_volume=np.concatenate([head.buy_volume, tail.buy_volume]),
        sell_volume=np.concatenate([head.sell_volume, tail.sell_volume]),
    )


def with_holes(bars: Bars, column: str, seed: int = 3) -> Bars:
    """``column`` with NaN in some bars."""
    holes = np.random.default_rng(seed).random(len(bars)) < 0.1
    return bars.assign(**{column: np.where(holes, np.nan, bars[column])})


def without(bars: Bars, column: str) -> Bars:
    """The same bars from a source that does not know ``column`` (or ``levels``)."""
    if column == "levels":
        return replace(bars, levels=None, row_size=None)
    return bars.assign(**{column: np.full(len(bars), np.nan)})

"""The prints of a tape on disk, and what each feed made of it knows of them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...configs.models import RunConfig
from ...core.bars import Bars
from ...core.errors import DataError
from ...core.tape import Tape
from ...feeds.framework.window import Window
from .kernels import Floats, Rows, Sides, calibrate

_COLUMNS = {"time": np.int64, "price": np.float64, "quantity": np.float64, "side": np.int8}
_GRID = 1e8
"""Prices are compared in steps of 1e-8 when their tick is looked for."""


@dataclass(frozen=True, eq=False)
class Prints:
    """A whole tape as columns, which may lie on disk.

    Parameters
    ----------
    time : ndarray of int64
        Epoch µs, not decreasing.
    price, quantity : ndarray of float64
        Quote per base, and base.
    side : ndarray of int8
        The aggressor's: +1, −1, 0 unknown.
    tick : float
        Smallest step of the price: as told, else the greatest of which all prices are whole multiples.

    Examples
    --------
    >>> prints = Prints.of([Tape.of(time=[0, 1], price=[10.0, 10.5], quantity=[1.0, 2.0], side=[1, -1])])
    >>> len(prints.time), prints.tick
    (2, 0.5)
    """

    time: Rows
    price: Floats
    quantity: Floats
    side: Sides
    tick: float

    @classmethod
    def of(cls, tapes: Iterable[Tape], tick: float | None = None) -> Prints:
        """From batches in time order, in memory."""
        tape = Tape.join(list(tapes))
        return cls(tape.time, tape.price, tape.quantity, tape.side, tick or tick_of([tape.price]))

    @classmethod
    def spooled(cls, tapes: Iterable[Tape], folder: Path, tick: float | None = None) -> Prints:
        """From batches in time order, written to ``folder`` and mapped from there, so that memory stays bounded."""
        paths = {name: folder / name for name in _COLUMNS}
        files = {name: path.open("wb") for name, path in paths.items()}
        step = 0
        try:
            for tape in tapes:
                for name, kind in _COLUMNS.items():
                    files[name].write(np.ascontiguousarray(getattr(tape, name), dtype=kind).data)
                step = step if tick else _common_step(step, tape.price)
        finally:
            for file in files.values():
                file.close()
        columns: dict[str, Any] = {name: _mapped(paths[name], kind) for name, kind in _COLUMNS.items()}
        return cls(**columns, tick=tick or step / _GRID)

    def since(self, instant: int) -> int:
        """The first row at ``instant`` (epoch µs) or later."""
        return int(np.searchsorted(self.time, instant, "left"))


def _mapped(path: Path, kind: Any) -> NDArray[Any]:
    if not path.stat().st_size:
        return np.empty(0, kind)
    return np.asarray(np.memmap(path, dtype=kind, mode="c"))


def _common_step(step: int, price: Floats) -> int:
    whole = np.rint(price * _GRID).astype(np.int64)
    return math.gcd(step, int(np.gcd.reduce(whole))) if len(whole) else step


def tick_of(prices: Iterable[Floats]) -> float:
    """The greatest step of which all prices are whole multiples.

    >>> tick_of([np.array([100.5, 101.0]), np.array([99.0])])
    0.5
    """
    step = 0
    for price in prices:
        step = _common_step(step, price)
    return step / _GRID


@dataclass(frozen=True, eq=False)
class TapeMarket:
    """The prints behind one feed, by its bars.

    Parameters
    ----------
    prints : Prints
        All of them.
    ends : ndarray of int64, (bars + 1,)
        Rows before the end of each bar; the first entry is 0.
    depth : ndarray of float64, (2, bars)
        Mean volume that broke a price before each bar, by buyers and by sellers; NaN where too few had.
    spread : ndarray of float64, (bars,)
        Mean spread before each bar; 0 where nothing is known.
    """

    prints: Prints
    ends: Rows
    depth: Floats
    spread: Floats

    @classmethod
    def of(cls, prints: Prints, closes: Rows) -> TapeMarket:
        """The market of a feed whose bars close at ``closes``: a bar holds the prints before its close."""
        ends = np.concatenate(([0], np.searchsorted(prints.time, closes, "left"))).astype(np.int64)
        depth, spread = np.empty((2, len(closes))), np.empty(len(closes))
        calibrate(prints.price, prints.quantity, prints.side, ends[:-1], depth, spread)
        return cls(prints, ends, depth, np.nan_to_num(spread))

    def rows(self, bar: int) -> tuple[int, int]:
        """The rows of a bar, from 0: the first, and the one after the last."""
        return int(self.ends[bar]), int(self.ends[bar + 1])


class MarketByName(Protocol):
    """Anything that knows the market of each feed; a dict will do."""

    def __getitem__(self, name: str, /) -> TapeMarket:
        """The market of feed ``name``."""
        ...


class TapeMarkets:
    """The markets of a run's feeds, each tape spooled when it is first asked for.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        What was read for it.
    folder : Path
        Where to spool.
    """

    def __init__(self, config: RunConfig, sources: Mapping[str, Any], folder: Path) -> None:
        self._config, self._sources, self._folder = config, sources, folder
        self._prints: dict[str, Prints] = {}
        self._markets: dict[str, TapeMarket] = {}

    def __getitem__(self, name: str) -> TapeMarket:
        """The market of feed ``name``.

        Raises
        ------
        DataError
            If it is made of klines.
        """
        if name not in self._markets:
            bars: Bars = self._sources[name].bars
            self._markets[name] = TapeMarket.of(self._of_block(self._config.feeds[name], name), bars["close_time"])
        return self._markets[name]

    def _of_block(self, block: str, name: str) -> Prints:
        if block not in self._prints:
            given, feed = self._config.data[block], self._sources[name].feed
            if feed.gives != "tape":
                raise DataError(f"fills: tape needs trades, but {name} ({type(feed).__name__}) gives klines")
            folder = self._folder / block
            folder.mkdir()
            # A copy, so that the counts and digests of the first reading stay what they are.
            again = copy.copy(feed)
            again.quarantine = None
            tapes = again.tapes_of(Window(given.start, given.end), given.start, given.end)
            self._prints[block] = Prints.spooled(tapes, folder, given.tick or feed.tick)
        return self._prints[block]

"""The tape: trades in time order, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Tape:
    """A batch of trades in time order; all columns have one length.

    Parameters
    ----------
    time : ndarray of int64
        µs UTC, not decreasing.
    price, quantity : ndarray of float64
        Quote per base, and base.
    side : ndarray of int8
        +1 the buyer was the aggressor, −1 the seller, 0 unknown.
    trade_id : ndarray of int64
        The venue's id of the row; −1 where it has none.
    trades : ndarray of int64
        Raw trades the row stands for.
    notional : ndarray of float64 or None
        Quote amount of each row where it is known better than as price × quantity, as it is for coin-margined
        contracts; None stands for price × quantity.
    flags : ndarray of int64 or None
        Bits of ``Quality`` that each row lends to its bar; None when no row has any.
    first_id : ndarray of int64 or None
        Id of the first raw trade in each row, where the reader keeps it; None stands for ``trade_id``.

    Examples
    --------
    >>> tape = Tape.of(time=[0, 1], price=[10.0, 11.0], quantity=[1.0, 2.0], side=[1, -1])
    >>> len(tape), tape.trades.tolist()
    (2, [1, 1])
    """

    time: NDArray[np.int64]
    price: NDArray[np.float64]
    quantity: NDArray[np.float64]
    side: NDArray[np.int8]
    trade_id: NDArray[np.int64]
    trades: NDArray[np.int64]
    notional: NDArray[np.float64] | None = None
    flags: NDArray[np.int64] | None = None
    first_id: NDArray[np.int64] | None = None

    @classmethod
    def of(cls, **columns: object) -> Tape:
        """From anything array-like; ``trade_id`` defaults to −1, ``trades`` to 1, the optional ones to None."""
        n = len(np.asarray(columns["time"]))
        columns = {"trade_id": np.full(n, -1), "trades": np.ones(n), **columns}
        kinds = {"time": "i8", "price": "f8", "quantity": "f8", "side": "i1", "trade_id": "i8", "trades": "i8"}
        optional = {"notional": "f8", "flags": "i8", "first_id": "i8"}
        kinds |= {k: t for k, t in optional.items() if columns.get(k) is not None}
        return cls(**{k: np.ascontiguousarray(columns[k], dtype=t) for k, t in kinds.items()})

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Tape:
        return self.take(rows)

    def take(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Tape:
        """The rows that a slice, a mask or indices pick, optional columns included."""
        return Tape(
            self.time[rows],
            self.price[rows],
            self.quantity[rows],
            self.side[rows],
            self.trade_id[rows],
            self.trades[rows],
            None if self.notional is None else self.notional[rows],
            None if self.flags is None else self.flags[rows],
            None if self.first_id is None else self.first_id[rows],
        )

    @staticmethod
    def join(parts: list[Tape]) -> Tape:
        """One tape of several, in the order given."""
        names = ("time", "price", "quantity", "side", "trade_id", "trades")
        made: dict[str, NDArray[Any]] = {n: np.concatenate([getattr(p, n) for p in parts]) for n in names}
        if any(p.notional is not None for p in parts):
            known = [p.price * p.quantity if p.notional is None else p.notional for p in parts]
            made["notional"] = np.concatenate(known)
        if any(p.flags is not None for p in parts):
            made["flags"] = np.concatenate([np.zeros(len(p), np.int64) if p.flags is None else p.flags for p in parts])
        if any(p.first_id is not None for p in parts):
            made["first_id"] = np.concatenate([p.trade_id if p.first_id is None else p.first_id for p in parts])
        return Tape(**made)

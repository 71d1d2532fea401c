"""What each feed brought the account: its fills, fees and payments so far, and what its position is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .recorder import Fill

Floats = NDArray[np.float64]


class Terms(NamedTuple):
    """What a size at a price is worth in account currency.

    Parameters
    ----------
    multiplier : float
        Account currency that one unit of price is worth, of one unit of size.
    contract : float
        Quote currency in one contract that is settled in coin; 0 for all others.
    """

    multiplier: float = 1.0
    contract: float = 0.0

    def worth(self, size: Any, price: Any) -> Any:
        """Signed worth of ``size`` at ``price``; of contracts settled in coin, below 0 for a long position.

        Differences of it are profits in either case.

        >>> Terms().worth(2.0, 50.0), Terms(contract=100.0).worth(2.0, 50.0)
        (100.0, -4.0)
        """
        return -size * self.contract / price if self.contract else size * price * self.multiplier


class Ledger(NamedTuple):
    """The position in one feed and the cash that it brought so far, where one of them changed.

    Parameters
    ----------
    time : ndarray of int64
        Closes of the bars of its fills, and times of payments, epoch µs, ascending.
    position : ndarray of float64
        Signed size from then on.
    cash : ndarray of float64
        Account currency that fills, fees and payments brought from the start to then. With `Terms.worth` of the
        position it is the profit.
    """

    time: NDArray[np.int64]
    position: Floats
    cash: Floats

    def profit(self, times: NDArray[Any], closes: NDArray[Any], prices: Floats, terms: Terms) -> Floats:
        """Profit at each of ``times``, epoch µs; 0 before the first fill.

        The position is valued at the last of ``prices``, which are of ``closes``, by then.
        """
        place = np.searchsorted(self.time, times, side="right")
        held, cash = (np.concatenate(([0.0], column))[place] for column in (self.position, self.cash))
        price = last_known(prices, closes, times)
        return np.asarray(cash + np.where(held != 0.0, terms.worth(held, price), 0.0), dtype=np.float64)


def last_known(prices: Floats, closes: NDArray[Any], times: NDArray[Any]) -> Floats:
    """Of ``prices``, known at ``closes``, the last by each of ``times``; before all of them the first.

    >>> last_known(np.array([10.0, 11.0]), np.array([5, 9]), np.array([4, 5, 8, 9])).tolist()
    [10.0, 10.0, 10.0, 11.0]
    """
    return prices[np.maximum(np.searchsorted(closes, times, side="right") - 1, 0)]


def ledgers(
    fills: Iterable[Fill], held: Mapping[str, Any], flows: Iterable[Any], terms: Mapping[str, Terms]
) -> dict[str, Ledger]:
    """The ledger of each feed that was traded.

    Parameters
    ----------
    fills : iterable of Fill
        Of each feed in time order.
    held : mapping of str to Held
        The position after each of them.
    flows : iterable of Flow
        What positions paid and received; those of no feed that was traded are left out.
    terms : mapping of str to Terms
        Of each feed; those of a feed that is not there are one unit of price a unit of size.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from .positions import held_by
    >>> fills = [Fill(1, "btc", 0, 5, 10, 2, 0, 0.1, 0, 0, ""), Fill(2, "btc", 2, 9, 12, 0, -2, 0, 0.1, 4, "")]
    >>> paid = SimpleNamespace(time=7, data="btc", amount=-0.5)
    >>> made = ledgers(fills, held_by(fills), [paid], {})["btc"]
    >>> made.time.tolist(), made.position.tolist(), made.cash.round(2).tolist()
    ([5, 7, 9], [2.0, 2.0, 0.0], [-20.1, -20.6, 3.3])
    """
    moved: dict[str, list[tuple[int, float]]] = {name: [] for name in held}
    for fill in fills:
        worth = terms.get(fill.data, Terms()).worth(fill.opened + fill.closed, fill.price)
        moved[fill.data].append((fill.time, -float(worth) - fill.opened_fee - fill.closed_fee))
    for flow in flows:
        if flow.data in moved:
            moved[flow.data].append((flow.time, flow.amount))
    return {name: _ledger(rows, held[name]) for name, rows in moved.items()}


def together(every: Iterable[Ledger]) -> Ledger:
    """The ledgers of several strategies in one feed as one."""
    some = [*every]
    time = np.unique(np.concatenate([one.time for one in some]))
    place = [np.searchsorted(one.time, time, side="right") for one in some]
    sums = [
        np.sum([np.concatenate(([0.0], column))[at] for column, at in zip(columns, place, strict=True)], axis=0)
        for columns in ([one.position for one in some], [one.cash for one in some])
    ]
    return Ledger(time, *sums)


def _ledger(rows: list[tuple[int, float]], held: Any) -> Ledger:
    """Fills stand before payments of one time, as they came."""
    time = np.array([at for at, _ in rows], np.int64)
    order = np.argsort(time, kind="stable")
    cash = np.cumsum(np.array([amount for _, amount in rows], np.float64)[order])
    return Ledger(time[order], held.at(time[order]), cash)

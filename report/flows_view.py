"""What the account paid and received besides the prices of its fills: funding, borrow and fees."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .folder import Folder, microseconds
from .html import Markup, number, section, table, tag, tone
from .money import Money

Floats = NDArray[np.float64]

KINDS = ("funding", "borrow", "dividend", "roll")
"""In the order in which they are shown; others follow by name."""


def kinds_of(flows: pd.DataFrame) -> list[str]:
    """The kinds of flow that a run had.

    >>> kinds_of(pd.DataFrame({"kind": ["rebate", "borrow", "funding", "borrow"]}))
    ['funding', 'borrow', 'rebate']
    """
    here = set() if flows.empty else {str(kind) for kind in flows["kind"]}
    return [kind for kind in KINDS if kind in here] + sorted(here - set(KINDS))


def cumulated(folder: Folder) -> dict[str, Floats]:
    """The sum of each kind up to every row of the equity, below 0 when more was paid than received."""
    at, made = microseconds(folder.equity["time"]), {}
    for kind in kinds_of(folder.flows):
        part = folder.flows[folder.flows["kind"].astype(str) == kind]
        order = np.argsort(times := microseconds(part["time"]), kind="stable")
        sums = np.r_[0.0, np.cumsum(part["amount"].to_numpy(np.float64)[order])]
        made[kind] = sums[np.searchsorted(times[order], at, "right")]
    return made


def flows(folder: Folder, money: Money) -> Markup:
    """How often and how much, by kind; nothing where positions cost nothing while they were held."""
    if folder.flows.empty:
        return Markup("")
    rows = [_row(label, amounts, money) for label, amounts in _parts(folder.flows)]
    rows += [_row("fees of fills", -fees, money)] if len(fees := _fees(folder.orders)) else []
    head = ("", "bookings", "net", "paid", "received", "largest")
    note = (
        f"Amounts are in {money.name}, below zero when paid. Equity contains them; round trips have the fees alone. "
        "Every booking is a row of flows.parquet."
    )
    return section("flows", _title(folder.flows), table(head, rows, class_="numbers"), note=note)


def _title(table: pd.DataFrame) -> str:
    *others, last = [*kinds_of(table), "fees"]
    return f"{', '.join(others)} and {last}".capitalize()


def _parts(flows: pd.DataFrame) -> list[tuple[str, Floats]]:
    """Amounts by kind; what was borrowed as coins apart from what was borrowed as cash."""
    made = []
    for kind in kinds_of(flows):
        part = flows[flows["kind"].astype(str) == kind]
        if kind == "borrow":
            short = part["position"].notna().to_numpy()
            pieces = [("borrow of what was sold short", part[short]), ("borrow of cash", part[~short])]
        else:
            pieces = [(kind, part)]
        made += [(label, piece["amount"].to_numpy(np.float64)) for label, piece in pieces if len(piece)]
    return made


def _fees(orders: pd.DataFrame) -> Floats:
    if orders.empty:
        return np.zeros(0)
    fees: Floats = orders["commission"].to_numpy(np.float64)
    known: Floats = fees[np.isfinite(fees) & (fees != 0)]
    return known


def _row(label: str, amounts: Floats, money: Money) -> tuple[object, ...]:
    net = float(amounts.sum())
    return (
        label,
        number(len(amounts), 0),
        tag("td", money.plain(net, signed=True), class_=tone(net)),
        money.plain(float(amounts[amounts < 0].sum())),
        money.plain(float(amounts[amounts > 0].sum())),
        money.plain(float(amounts[np.argmax(np.abs(amounts))]), signed=True),
    )

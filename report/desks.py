"""The desks of a run as the report reads them: position, cash and profit of each strategy in each instrument."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..backtest.recording.ledger import Ledger, Terms
from .folder import Folder, microseconds

Floats = NDArray[np.float64]


class ShownDesk(NamedTuple):
    """One strategy in one instrument.

    Parameters
    ----------
    data, strategy : str
        Names; the strategy's is empty where there is one.
    ledger : Ledger
        Its position and cash where they changed.
    terms : Terms
        What a size is worth.
    """

    data: str
    strategy: str
    ledger: Ledger
    terms: Terms


def desks_of(folder: Folder) -> list[ShownDesk]:
    """Every desk that filled an order; none where one instrument is traded, or the run is of an older kind."""
    table = folder.positions
    if not {"time", "data", "position", "cash"} <= set(table.columns):
        return []
    told = folder.result.get("instruments") or {}
    whose = table["strategy"].astype(str) if "strategy" in table else table["data"].astype(str).map(lambda _: "")
    made = []
    for (strategy, data), own in table.groupby([whose, table["data"].astype(str)], sort=False):
        columns = (own[name].to_numpy(np.float64) for name in ("position", "cash"))
        one = told.get(data) or {}
        terms = Terms(float(one.get("multiplier") or 1.0), float(one.get("contract_size") or 0.0))
        made.append(ShownDesk(str(data), str(strategy), Ledger(microseconds(own["time"]), *columns), terms))
    return made


def profit_of(folder: Folder, desks: Iterable[ShownDesk], times: NDArray[np.int64]) -> Floats:
    """What some desks had brought together by each of ``times``, epoch µs."""
    made = np.zeros(len(times))
    for desk in desks:
        bars = folder.bars_of(desk.data)
        closes, prices = bars["close_time"].to_numpy(np.int64), bars["close"].to_numpy(np.float64)
        made += desk.ledger.profit(times, closes, prices, desk.terms)
    return made

"""Binance's ``liquidationSnapshot`` dumps: forced orders, summed up by the minute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import DAY, SECOND, parse_interval
from ..core.errors import ParamError
from ..core.params import Bound, Text
from .csv_reader.decode import DecodedRows
from .framework.contract_rules import terms_of
from .framework.identity import Identity
from .framework.metric_feed import MetricFeed
from .table_reader.tables import Column, Table

_DATED = re.compile(r"-(\d{4})-(\d{2})-(\d{2})\.")
_SAME = ("time", "side", "quantity", "price")
_WHAT = ("liquidations", "liquidated_volume", "liquidated_notional")
_HEAD = (
    *("time", "side", "order_type", "time_in_force", "original_quantity", "price", "average_price", "order_status"),
    *("last_fill_quantity", "accumulated_fill_quantity"),
)


class BinanceLiquidations(MetricFeed):
    """Liquidations of a Binance contract, summed up in intervals of their own.

    Reads the ``liquidationSnapshot`` dumps. A forced sale is the liquidation of a long. Gives, for longs and shorts,
    ``long_liquidations`` (number of orders, 0 and up), ``long_liquidated_volume`` (base) and
    ``long_liquidated_notional`` (quote), and the same of ``short``; 0 in intervals without any. A file of a day speaks
    for all of it, a longer one for the days it has rows of; days without hold NaN.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    interval : str, default="1m"
        What is summed up; known at its end.
    contract_size : float or None, default=None
        Quote currency in one contract. None goes by the symbol in the file's name: 100 for BTC and 10 for all others
        on COIN-M, and base currency, no contracts, on USD-M.
    delay : str, default="0s"
        How long after the end of an interval it is known.
    max_age : str, default="1h"
        How long a value stands when none follows; then NaN.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    The archive has each order twice; rows alike in time, side, size and price count once. It is of COIN-M only, and
    ends in October 2024. Binance publishes at most one order a second and symbol, so that sums are lower bounds.

    References
    ----------
    Binance, Public data, https://github.com/binance/binance-public-data; Liquidation Order Streams.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "BTCUSD_PERP-liquidationSnapshot-2024-03-05.csv"
    >>> head = "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
    >>> head += "last_fill_quantity,accumulated_fill_quantity"
    >>> row = "1709598391022,SELL,LIMIT,IOC,2,67934.2,50000,FILLED,1,2"
    >>> _ = file.write_text("\\n".join([head, row, row]))
    >>> bars = BinanceLiquidations(file).bars()
    >>> i = int(bars["long_liquidations"].argmax())
    >>> long = [float(bars[f"long_{c}"][i]) for c in ("liquidations", "liquidated_volume", "liquidated_notional")]
    >>> long, len(bars)
    ([1.0, 0.004, 200.0], 1440)
    """

    params = {"interval": "1m", "contract_size": None}
    bounds = {
        "interval": Text(parse_interval, "an interval such as 1m"),
        "contract_size": Bound(0, open_low=True, optional=True),
    }
    named_as = r"([A-Z0-9_]+)-(liquidationSnapshot)-.*"
    values = tuple(
        f"{side}_{what}"
        for side in ("long", "short")
        for what in ("liquidations", "liquidated_volume", "liquidated_notional")
    )
    table = Table(
        (
            Column("time", "time", ("time",)),
            Column("side", "side", ("side",)),
            Column("quantity", "amount", ("accumulated_fill_quantity",)),
            Column("price", "amount", ("average_price",)),
        ),
        positions=(_HEAD,),
    )

    def klines(self) -> Bars:
        """One row an interval; fills `files`, `counts` and `interval`."""
        parts, step = self._parts(), parse_interval(self.p["interval"])
        self.interval = step
        columns = {name: np.concatenate([part[name] for part in parts]) for name in _SAME}
        keep = _first_of_each(columns)
        self.counts["rows"], self.counts["duplicates"] = int(keep.sum()), int((~keep).sum())
        columns = {name: values[keep] for name, values in columns.items()}
        begins = np.unique(np.concatenate([*self._days(parts), columns["time"] // step]))
        at = np.searchsorted(begins, columns["time"] // step)
        volume, notional = self._amounts(columns["quantity"], columns["price"])
        made = {}
        for name, side in (("long", -1), ("short", 1)):
            of_side = columns["side"] == side
            for what, amount in zip(_WHAT, (np.ones(len(at)), volume, notional), strict=True):
                made[f"{name}_{what}"] = np.bincount(at, np.where(of_side, amount, 0.0), len(begins))
        return self._known((begins + 1) * step, made)

    def _days(self, parts: list[DecodedRows]) -> Iterator[NDArray[np.int64]]:
        """The intervals that files speak for: the day in a name, else the days of their rows from first to last."""
        step = int(self.interval or 1)
        for path in dict.fromkeys(self.paths):
            hit = _DATED.search(path.name)
            if hit:
                since = int(datetime(*map(int, hit.groups()), tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc,arg-type]
                yield np.arange(since // step, (since + DAY) // step)
        loose = [part["time"] for part in parts if not _DATED.search(part.path.name)]
        if loose:
            time = np.concatenate(loose)
            for day in np.unique(time // DAY).tolist():
                first, last = max(day * DAY, int(time.min())), min((day + 1) * DAY - 1, int(time.max()))
                yield np.arange(first // step, last // step + 1)

    def _amounts(
        self, quantity: NDArray[np.float64], price: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Base amount and notional."""
        symbol = Identity(type(self).__name__).names(self.paths, self.named_as).symbol
        terms = terms_of("binance-delivery", symbol)
        if terms is None and self.p["contract_size"] is None:
            raise ParamError(
                f"BinanceLiquidations: {self.source}: the name has no symbol, which tells what quantities count; keep "
                "the archive's names, as in BTCUSD_PERP-liquidationSnapshot-2024-03-05.zip, or set contract_size: 100 "
                "for BTC and 10 for others on COIN-M"
            )
        size = self.p["contract_size"] or (terms.size if terms is not None else None)
        if size is None:
            return quantity, quantity * price
        return quantity * size / price, quantity * size


def _first_of_each(columns: dict[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Which rows are the first of those that are alike."""
    table = np.stack([columns[name].astype(np.float64) for name in _SAME], axis=1)
    _, first = np.unique(table, axis=0, return_index=True)
    made = np.zeros(len(table), bool)
    made[first] = True
    return made

"""Tapes read from tables: what every provider of trades but Binance shares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ...aggregation.bars import BarSpec, Covered
from ...core.bars import Bars
from ...core.clock import DAY, SECOND
from ...core.errors import ParamError, unknown
from ...core.params import Bound, Choice, Rule, Text
from ...core.tape import Tape
from ..csv_reader.decode import DecodedRows, Quarantine
from ..csv_reader.files import FileReader
from ..table_reader.arrow_reader import TableSource
from ..table_reader.sheet import Reading
from ..table_reader.tables import Column, Table, first_time, of_symbol, read_file
from .contract_rules import Terms
from .contract_terms import ContractTerms
from .dumps import DumpTape
from .identity import Identity
from .infer_sides import TAPE_RULES, by_bulk, by_ticks
from .sort_and_dedup import Batch

Integers = NDArray[np.int64]
CONTRACTS: dict[str, Any] = {"contracts": "auto", "contract_size": None}
CONTRACT_BOUNDS: dict[str, Rule] = {
    "contracts": Choice("none", "linear", "inverse", "auto"),
    "contract_size": Bound(0, open_low=True, optional=True),
}
SYMBOL = Text(str, "a symbol as the files have it", optional=True)
TIMESTAMP = Choice("exchange", "true", True)
"""Whose clock a trade goes by, in the words of Aperiodic; YAML reads a bare ``true`` as a truth."""
TIME, PRICE, QUANTITY = ("time", "time"), ("price", "amount"), ("quantity", "amount")


def trade_columns(
    time: tuple[str, ...],
    price: tuple[str, ...],
    quantity: tuple[str, ...],
    side: tuple[str, ...] = (),
    trade_id: tuple[str, ...] = (),
    *more: Column,
) -> tuple[Column, ...]:
    """The columns of trades by what a provider calls them."""
    made = [Column(*TIME, time), Column(*PRICE, price), Column(*QUANTITY, quantity)]
    if side:
        made.append(Column("side", "side", side, optional=True))
    if trade_id:
        made.append(Column("trade_id", "integer", trade_id, optional=True))
    return (*made, *more)


_SAID = """
Parameters
----------
paths : path or sequence of paths
    Files, in any order; patterns are expanded. Answers that are newest first are turned around.
infer_side : {"none", "tick", "bulk"}, default="none"
    What to do about rows without a side.
symbol : str or None, default=None
    The market wanted of files that hold several.
bad_rows : {"error", "quarantine"}, default="error"
    What to do with lines that cannot be read.

Raises
------
DataError
    For a file that cannot be read, with its row, column and value.
ParamError
    For a parameter out of bounds.
"""
"""What the documentation of a feed says that has the parameters of all and none besides."""


def _documented(doc: str | None) -> str | None:
    """A docstring with `_SAID` before its notes, unless it says its parameters itself."""
    head, notes, tail = cleandoc(doc or "").partition("Notes\n-----")
    if not notes or "Parameters\n----------" in head:
        return doc
    return f"{head.rstrip()}\n{_SAID}\n{notes}{tail}"


def by_arrival(params: Mapping[str, Any]) -> bool:
    """Whether trades go by the time of their receipt: ``timestamp: true``, or the feed's own word for it."""
    return params["timestamp"] in ("true", True) or params.get("clock") in ("local", "recv")


class TableTape(DumpTape):
    """A tape read from tables; a subclass gives the ``table``.

    Rows whose price or quantity is 0 are dropped and counted as ``void``, rows of another kind than trades as
    ``skipped``.
    """

    abstract = True
    params = {"infer_side": "none", "symbol": None}
    bounds = {"infer_side": TAPE_RULES, "symbol": SYMBOL}
    table: ClassVar[Table]
    reading: ClassVar[Reading] = Reading()
    venue: ClassVar[str] = ""
    """Whose files they are; empty where the rows say it, or nobody does."""
    contiguous: ClassVar[bool] = False
    """Whether ids of one market follow each other without a hole."""
    dated: ClassVar[str] = ""
    """Pattern of file names that hold a whole day UTC: year, month and day as groups."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__doc__ = _documented(cls.__dict__.get("__doc__"))

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self._forget()

    def _forget(self) -> None:
        """Begin to read: what files say of themselves is not known yet."""
        self._identity = Identity(type(self).__name__, chooses=True, gives=self.gives)
        self._others: dict[str, set[str]] = {}
        self._words: dict[str, set[str]] = {}

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        return of_symbol(self.table, self.p["symbol"]), replace(self.reading, rows=self.table.rows)

    def _in_time_order(self) -> list[Path]:
        if len(self.paths) < 2:
            return self.paths
        table, how = self.how()
        return sorted(self.paths, key=lambda path: (first_time(path, table, how, "time"), path.name))

    def _promised(self, path: Path) -> Covered:
        hit = re.search(self.dated, path.name, re.IGNORECASE) if self.dated else None
        if not hit:
            return None, None
        try:
            day = datetime(*map(int, hit.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            return None, None
        since = int(day.timestamp()) * SECOND
        return since, since + DAY

    def _open(self, path: Path) -> FileReader:
        return TableSource(path)

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, Integers]]:
        table, how = self.how()
        if self.negative_prices:
            table = replace(table, columns=tuple(replace(c, signed=c.name == "price") for c in table.columns))
        seen = self.counts, self._others, self.unread, self._words
        for rows in read_file(cast("TableSource", source), table, how, quarantine, *seen):
            self._believe(rows)
            yield rows, rows["time"]

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        self._forget()
        if self.p["infer_side"] != "tick":
            yield from super()._tapes_between(start, end)
        else:  # the rule begins with the first trade there is, wherever the reader wants to begin
            yield from by_ticks(super()._tapes_between(None, end))

    def _believe(self, rows: DecodedRows) -> None:
        """Take in what rows say they are, first of all; refused where it contradicts what is known."""
        self._identity.check(rows)
        if "exchange" in rows.columns and len(rows):
            self.exchange = str(rows["exchange"][0])

    def without_rows(self) -> str:
        """What to say of a tape that gave no row: which parameter passed over what there is."""
        for name, others in self._others.items():
            if name in self.p and others:
                return f"no trades: {unknown(name, str(self.p[name]), others)}"
        return super().without_rows()

    def batch(self, rows: DecodedRows, time: Integers) -> Batch:
        """Rows of one file as a batch."""
        ids = rows.columns.get("trade_id", np.full(len(rows), -1, np.int64))
        first = ids if self.contiguous and (ids >= 0).all() else np.full(len(rows), -1, np.int64)
        after = np.where(first >= 0, first + 1, -1)
        return Batch(self.tape(rows, time, ids), rows.path, rows.line, first, after)

    def tape(self, rows: DecodedRows, time: Integers, ids: Integers) -> Tape:
        """Rows of one file as a tape: contracts become base and notional."""
        quantity, notional = self.amounts(rows)
        side = rows.columns.get("side", np.zeros(len(rows)))
        trades = np.ones(len(rows), np.int64)
        return Tape.of(
            time=time,
            price=rows["price"],
            quantity=quantity,
            side=side,
            trade_id=ids,
            trades=trades,
            notional=notional,
        )

    def amounts(self, rows: DecodedRows) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Base amount, and notional where it is more than price × base."""
        return rows["quantity"], None

    def bars_of(self, specs: Sequence[str | BarSpec], **given: Any) -> list[Bars]:
        """Bars of several kinds from one pass over the tape; see the base class."""
        made = super().bars_of(specs, **given)
        return [by_bulk(bars) for bars in made] if self.p["infer_side"] == "bulk" else made


class ContractTape(TableTape):
    """A tape whose quantities may count contracts."""

    abstract = True
    params = CONTRACTS
    bounds = CONTRACT_BOUNDS

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        check_contracts(type(self).__name__, self.p)
        self._terms = ContractTerms(type(self).__name__, self.p, self.published())
        self._terms.names(self.venue, self.paths)

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        try:
            check_contracts(cls.__name__, params)
        except ParamError as err:
            return str(err)
        return super().complaint(params, paths)

    def published(self) -> Mapping[str, Terms]:
        """What the venue itself says of the contracts of its symbols."""
        return {}

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words."""
        return (self._terms.remark,) if self._terms.remark else ()

    def _believe(self, rows: DecodedRows) -> None:
        super()._believe(rows)
        self._terms.rows(self.venue, rows)

    def amounts(self, rows: DecodedRows) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Base amount, and notional where it is more than price × base."""
        return of_contracts(self.p, rows["quantity"], rows["price"])


def check_contracts(name: str, params: Mapping[str, Any]) -> None:
    """Refuse a contract size where none belongs, and its absence where one is needed.

    Raises
    ------
    ParamError
        Naming the feed and what is wanted.
    """
    kind, size = params["contracts"], params["contract_size"]
    if kind not in ("none", "auto") and size is None:
        unit = "base" if kind == "linear" else "quote"
        raise ParamError(f"{name}: contracts: {kind} needs contract_size, {unit} currency in one contract")
    if kind in ("none", "auto") and size is not None:
        raise ParamError(f"{name}: contract_size is for contracts linear or inverse only (contracts is {kind})")


def of_contracts(
    params: dict[str, Any], quantity: NDArray[np.float64], price: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Base amount of a quantity in contracts, and its notional where that is known better than price × base.

    Examples
    --------
    >>> of_contracts({"contracts": "inverse", "contract_size": 100}, np.array([2.0]), np.array([50.0]))
    (array([4.]), array([200.]))
    """
    if params["contracts"] == "linear":
        return quantity * float(params["contract_size"]), None
    if params["contracts"] == "inverse":
        notional = quantity * float(params["contract_size"])
        return notional / price, notional
    return quantity, None

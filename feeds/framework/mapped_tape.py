"""Trades from a table whose columns the user names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import MINUTE
from ...core.errors import ParamError
from ...core.params import Choice
from ...core.tape import Tape
from ..csv_reader.decode import DecodedRows, Quarantine
from ..csv_reader.files import FileReader
from ..table_reader.convert import NO_SIDE, SIDES
from ..table_reader.sheet import Reading
from ..table_reader.table_params import ColumnMap, WordLists, side_words
from ..table_reader.tables import Table, of_symbol
from ..table_reader.told_sides import by_quotes
from .mapped_columns import (
    DIVISOR,
    TIME_BOUNDS,
    TIME_PARAMS,
    TRADE_COLUMNS,
    clash,
    counted,
    described,
    reading,
    there,
    wanted,
)
from .table_tape import ContractTape

_QUARTER = 15 * MINUTE
_WORDS = {**SIDES, "1": 1, "+1": 1, "1.0": 1, "-1": -1, "-1.0": -1}
_BOTH = ("taker_buy_volume", "taker_sell_volume")
"""Of a trade one is its quantity and the other 0, which tells its side."""
_QUOTES = ("bid", "ask")
_TELL = {"side", "is_buyer_maker"}
_PAIRS = (_BOTH, _QUOTES)
"""Columns that tell sides together."""
_ASKS = (
    "say it, as in sides: {buy: [WORD], sell: [WORD]}, and side_of: maker where the maker's is told, or "
    "columns: {side: null} where it is no side"
)


class MappedTape(ContractTape):
    """A tape from a table whose columns the user names."""

    abstract = True
    params = {"columns": {}, **TIME_PARAMS, "price_divisor": 1.0, "sides": {}, "side_of": "taker"}
    bounds = {
        "columns": ColumnMap(tuple(c.name for c in TRADE_COLUMNS)),
        **TIME_BOUNDS,
        "price_divisor": DIVISOR,
        "sides": WordLists(),
        "side_of": Choice("taker", "maker"),
    }

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self._timed = self._alike = self._told = False
        self._between = [0, 0]
        """Of trades whose sides a bid and an ask tell: how many lie between the two, and how many there are."""

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        given: dict[Any, str] = {}
        for name, cell in there(params["columns"]).items():
            cell = tuple(cell) if isinstance(cell, list) else cell
            if (other := given.setdefault(cell, name)) != name:
                return f"columns: {other} and {name} are both {cell!r}"
        if params["sides"] and not {"buy", "sell"} <= params["sides"].keys():
            return "sides: needs words for both buy and sell, as in {buy: [B], sell: [S]}"
        named = there(params["columns"])
        also: list[str] = [name for name in ("side", "is_buyer_maker") if name in named]
        for pair in _PAIRS:
            if told := [name for name in pair if name in named]:
                if len(told) == 1:
                    return f"columns: {told[0]} tells sides only beside {pair[1 - pair.index(told[0])]}"
                if also:
                    return f"columns: {also[0]} and {told[0]} both tell the side; name one"
                also = told
        return clash(params) or counted(TRADE_COLUMNS, params["columns"]) or super().complaint(params, paths)

    def how(self) -> tuple[Table, Reading]:
        """What stands where, and how to read it."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        words = side_words(self.p["sides"]) or _WORDS
        if self.p["side_of"] == "maker":
            words = {word: -sign for word, sign in words.items()}
        summed = set(_BOTH) <= there(self.p["columns"]).keys()
        known = tuple(replace(c, optional=True) if summed and c.name == "quantity" else c for c in TRADE_COLUMNS)
        columns, cells = wanted(known, self.p["columns"])
        table = Table(columns, cells, words=words, counted=bool(cells), asks=_ASKS, guesses=not self.p["sides"])
        return of_symbol(described(table, self.p, strictly=False), self.p["symbol"]), reading(self.p)

    def remarks(self) -> tuple[str, ...]:
        """What was taken from files or assumed, in words."""
        return (*super().remarks(), *filter(None, [self._undated(), self._unsided(), self._by_quotes()]))

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        """Rows of one file and their times; without a quantity, that is the volume of both sides."""
        for rows, time in super()._decoded(source, quarantine):
            if "quantity" not in rows.columns:
                both = rows["taker_buy_volume"] + rows["taker_sell_volume"]
                rows = replace(rows, columns={**rows.columns, "quantity": both})
            yield rows, time

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        self._between = [0, 0]
        return super()._tapes_between(start, end)

    def _believe(self, rows: DecodedRows) -> None:
        """Take in what rows say they are, and whether their stamps are more than dates."""
        super()._believe(rows)
        self._timed |= bool((rows["time"] % _QUARTER).any())
        self._alike |= bool((np.diff(rows["time"]) == 0).any())
        self._told |= bool(self._pair(rows))

    def _pair(self, rows: DecodedRows) -> tuple[str, ...]:
        """The two columns that tell sides together: where a user names them, or nothing else does; else empty."""
        there = [pair for pair in _PAIRS if set(pair) <= rows.columns.keys()]
        named = [pair for pair in there if set(pair) & self.p["columns"].keys()]
        return next(iter(named or ([] if _TELL & rows.columns.keys() else there)), ())

    def _by_quotes(self) -> str:
        """What to say of sides that a bid and an ask told."""
        between, there = self._between
        if not there:
            return ""
        rest = f"; {between} of {there} lie between them and have none" if between else ""
        return f"sides: told by the bid and the ask beside each trade, at the ask a buy and at the bid a sell{rest}"

    def _undated(self) -> str:
        """What to say of trades that are stamped with dates alone; zones may move these by quarters of an hour."""
        if self._timed or not self._alike:
            return ""
        unread = f" (not read: {', '.join(list(self.unread)[:8])})" if self.unread else ""
        return (
            f"times: trades bear no time of day, only dates or hours{unread}; where it is in another column, "
            "columns: {time: [DATE, TIME]} reads both"
        )

    def _unsided(self) -> str:
        """What to say of a tape that tells no sides."""
        told = {word for words in self._words.values() for word in words} - set(NO_SIDE)
        if told or self._told or self.p["infer_side"] != "none" or not self.files:
            return ""
        why = f"column {next(iter(self._words))} holds none" if self._words else "no column of a name that is known"
        unread = f" (not read: {', '.join(list(self.unread)[:8])})" if self.unread and not self._words else ""
        return (
            f"sides: nobody tells who took liquidity, {why}{unread}; say columns: {{side: NAME}}, or guess by "
            "infer_side: tick"
        )

    def tape(self, rows: DecodedRows, time: NDArray[np.int64], ids: NDArray[np.int64]) -> Tape:
        """Rows of one file as a tape; where there is no side, volumes by side or who made the market tell it."""
        made = super().tape(rows, time, ids)
        if pair := self._pair(rows):
            one, other = (rows[name] for name in pair)
            if pair == _BOTH:
                return replace(made, side=np.sign(one - other).astype(np.int8))
            side = by_quotes(rows["price"], one, other)
            self._between[0] += int((side == 0).sum())
            self._between[1] += len(side)
            return replace(made, side=side)
        if "side" in rows.columns or "is_buyer_maker" not in rows.columns:
            return made
        return replace(made, side=rows["is_buyer_maker"].astype(np.int8))

"""Columns of numbers: how they are written, and what they hold."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..table_reader.convert import decimal_column, empty, is_text, plain_numbers, written_out
from ..table_reader.dbn import DBN_BARS
from ..table_reader.sheet import Sheet
from .words import BARS, found

_ROWS = 2_000
_CLOSE = 1e-6
"""How far rounding may carry a mean price beyond the low and the high."""
QUOTES = "holds quotes, a bid and an ask, where trades or bars are wanted"
_COMMA = re.compile(r"[+-]?\d*,\d+")
_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_POINT = re.compile(r"[+-]?(\d+\.(\d{1,2}|\d{4,})|\d{4,}\.\d*|\.\d+)")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")


def marks(sheet: Sheet, delimiter: str) -> tuple[str, str]:
    """What stands before fractions, and between thousands.

    A comma with three digits behind it throughout may be either: between thousands where it is quoted in a file that
    commas part, else before a fraction.
    """
    words = [_bare(str(v)) for cells in sheet.cells for v in cells.slice(0, _ROWS).to_pylist() if v is not None]
    commas = [w for w in words if _COMMA.fullmatch(w) or _GROUPS.fullmatch(w)]
    european = [w for w in words if "," in w and "." in w and _POINT_GROUPS.fullmatch(w)]
    if european:
        return ",", "."
    if not commas:
        return ".", ""
    if any(_POINT.fullmatch(w) for w in words):  # a comma is not before fractions where a point is
        return ".", "," if any(_GROUPS.fullmatch(w) for w in commas) else ""
    grouped = all(_GROUPS.fullmatch(w) for w in commas)
    if grouped and (delimiter == "," or any("." in w or w.count(",") > 1 for w in commas)):
        return ".", ","
    return (",", "") if all(_COMMA.fullmatch(w) for w in commas) else (".", "")


def _bare(word: str) -> str:
    """A number without what programs write around it."""
    return re.sub(r"^([+-]?)[$€£¥₹]|[KMBTkmbt$€£¥₹]$", r"\1", word.strip())


def amounts(sheet: Sheet, decimal: str, thousands: str) -> set[int]:
    """The columns that hold numbers that are not negative, or nothing."""
    made = set()
    for at, cells in enumerate(sheet.cells):
        values = numbers_of(cells, decimal, thousands)
        if values is not None and not (values < 0).any():
            made.add(at)
    return made


def numbers_of(cells: Any, decimal: str, thousands: str) -> NDArray[np.float64] | None:
    """The first cells as numbers; None where they hold others than numbers and nothing."""
    import pyarrow as pa

    kind = cells.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or is_text(cells)
    if not plain:
        return None
    words = plain_numbers(cells.slice(0, _ROWS), decimal, thousands)
    values, bad = decimal_column(words)
    if bad.any() and is_text(words):
        values, bad = decimal_column(written_out(words))
    return None if bad.any() else values


def by_money(sheet: Sheet, roles: dict[str, int], decimal: str, thousands: str) -> tuple[dict[str, int], list[str]]:
    """Roles of bars where two columns could be the volume: one over the other that is a price tells which is money.

    ``vol`` and ``amount`` are shares and money with some, money and coins with others.
    """
    other = found(sheet.names or (), BARS["volume"], set(roles.values()))
    if other is None or "quote_volume" in roles or not {"low", "high", "volume"} <= roles.keys():
        return roles, []
    places = [roles["low"], roles["high"], roles["volume"], other]
    told = [numbers_of(sheet.cells[at], decimal, thousands) for at in places]
    low, high, one, two = (np.empty(0) if values is None else values for values in told)
    if not len(low) == len(high) == len(one) == len(two):
        return roles, []
    money, coins = _is_price(two, one, low, high), _is_price(one, two, low, high)
    if money == coins:
        return roles, []
    volume, turnover = (places[2], other) if money else (other, places[2])
    names = sheet.names or ()
    says = (
        f"volume: {names[volume]}, since {names[turnover]} over it is a price between low and high, and so the turnover"
    )
    return {**roles, "volume": volume, "quote_volume": turnover}, [says]


def _is_price(
    money: NDArray[np.float64], amount: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> bool:
    """Whether money over amount lies between the low and the high wherever something traded."""
    traded = (amount > 0) & (money > 0)
    inside = (money >= low * amount * (1 - _CLOSE)) & (money <= high * amount * (1 + _CLOSE))
    return bool(traded.any() and inside[traded].all())


def empty_of_trades(cells: Any) -> bool:
    """Whether a column of amounts holds nothing but noughts."""
    values = numbers_of(cells, ".", "")
    return values is not None and not (values > 0).any()


def one_trade_each(cells: Any) -> bool:
    """Whether a column of counts holds nothing but ones."""
    values = numbers_of(cells, ".", "")
    return values is not None and bool((values == 1).all())


def is_void(cells: Any) -> bool:
    """Whether a column holds nothing at all."""
    return bool(empty(cells).all())


def divisor(sheet: Sheet, prices: list[Any], time: dict[str, Any]) -> tuple[float, str]:
    """What prices are to be divided by, and why; 1 for nothing."""
    whole = bool(prices) and all(_whole(cells) for cells in prices)
    if not whole:
        return 1, ""
    names = sheet.names or ()
    if {"rtype", "publisher_id"} <= set(names) or names[:-1] == DBN_BARS:
        return 1e9, "whole numbers in a file of Databento's are billionths"
    if time.get("time_unit") == "ms_of_day":
        return 10_000, "whole numbers beside ms of a day are taken for Lean's ten thousandths"
    if names:
        return 1, ""  # Lean's files have no header
    return 1, "all prices are whole numbers of 10000 or more; 10000 makes prices of the ten thousandths in Lean's files"


def _whole(cells: Any) -> bool:
    values = numbers_of(cells, ".", "")
    return values is not None and bool((values == np.floor(values)).all()) and float(values.min()) >= 10_000

"""Columns of a file that one of backtrader's own CSV feeds reads, as its lines: each by the rule of the feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from io import StringIO, TextIOWrapper
from typing import Any

import numpy as np
from backtrader import TimeFrame
from backtrader.feed import CSVDataBase
from backtrader.feeds import BacktraderCSVData, GenericCSVData, YahooFinanceCSVData
from numpy.typing import NDArray

from ....core.clock import DAY, date_numbers

Floats = NDArray[np.float64]
Micros = NDArray[np.int64]
Rows = Sequence[Sequence[str]]
_DAY, _TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
ISO = {
    "%Y-%m-%d": _DAY,
    "%Y-%m-%d %H:%M": rf"{_DAY} {_TIME[:-10]}",
    "%Y-%m-%dT%H:%M": rf"{_DAY}T{_TIME[:-10]}",
    "%Y-%m-%d %H:%M:%S": rf"{_DAY} {_TIME}",
    "%Y-%m-%dT%H:%M:%S": rf"{_DAY}T{_TIME}",
}
"""Formats that numpy reads as Python does, where a text is written out in full."""
_FIRST_YEAR = np.datetime64("0001-01-01", "us")


def columns_of_file(data: Any) -> dict[str, Floats] | None:
    """The lines by name, cut to ``fromdate`` and ``todate``; None where only one by one is sure to give the same.

    The file is read up to its end; what was read is put back where None is returned.
    """
    rule = RULES.get(type(data)._loadline)
    if rule is None or type(data)._getnextline is not CSVDataBase._getnextline or not _is_text(data.f):
        return None
    text = data.f.read()
    try:
        made = rule(data, [line.split(data.separator) for line in text.removesuffix("\n").split("\n")])
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError):
        made = None  # backtrader says at which bar
    data.f.close()
    if made is None:
        data.f = StringIO(text)
        return None
    data.f = None
    return _between(made, data.fromdate, data.todate)


def _is_text(file: Any) -> bool:
    return isinstance(file, TextIOWrapper | StringIO)


def _between(columns: dict[str, Floats], first: float, last: float) -> dict[str, Floats]:
    """The bars from ``first`` on, up to the first one after ``last``."""
    days = columns["datetime"]
    late = np.flatnonzero(days > last)
    end = int(late[0]) if len(late) else len(days)
    kept = days[:end] >= first
    return {name: column[:end][kept] for name, column in columns.items()}


def _generic(data: Any, rows: Rows) -> dict[str, Floats] | None:
    fields = list(zip(*rows, strict=True))
    stamps = _stamps(data, fields)
    if stamps is None or (data.p.timeframe >= TimeFrame.Days and data._tz is not None):
        return None
    days = date_numbers(stamps)
    if data.p.timeframe >= TimeFrame.Days:
        days = np.maximum(days, date_numbers(stamps // DAY * DAY + _of_day(data.p.sessionend)))
    made = {"datetime": days}
    for name in data.getlinealiases():
        if name != "datetime":
            made[name] = _values(data, fields, getattr(data.p, name), len(rows))
    return made


def _values(data: Any, fields: Sequence[Sequence[str]], at: int | None, count: int) -> Floats:
    if at is None or at < 0:
        return np.full(count, float(data.p.nullvalue))
    nothing = data.p.nullvalue
    return np.array([float(text if text != "" else nothing) for text in fields[at]], np.float64)


def _stamps(data: Any, fields: Sequence[Sequence[str]]) -> Micros | None:
    texts, form = fields[data.p.datetime], data.p.dtformat
    if not data._dtstr:
        return _plain([data._dtconvert(text) for text in texts])
    if data.p.time >= 0:
        texts = [f"{day}T{time}" for day, time in zip(texts, fields[data.p.time], strict=True)]
        form = f"{form}T{data.p.tmformat}"
    if form in ISO and _all_are(ISO[form], texts):
        return _checked(np.array(texts, "datetime64[us]"))
    return _plain([datetime.strptime(text, form) for text in texts])


def _plain(times: Sequence[datetime]) -> Micros | None:
    """Times of no zone."""
    if any(not isinstance(time, datetime) or time.tzinfo is not None for time in times):
        return None
    return _checked(np.array(times, "datetime64[us]"))


def _checked(stamps: Any) -> Micros | None:
    made: Micros = stamps.astype(np.int64)
    return made if (stamps >= _FIRST_YEAR).all() else None


def _of_day(time: Any) -> int:
    """A time of the day, µs from its midnight."""
    return int(((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond)


def _days(texts: Sequence[str]) -> Micros | None:
    """Days that are written out in full."""
    return _checked(np.array(texts, "datetime64[us]")) if _all_are(_DAY, texts) else None


def _all_are(pattern: str, texts: Sequence[str]) -> bool:
    return re.fullmatch(f"(?:{pattern}\n)*", "\n".join(texts) + "\n") is not None


def _backtrader(data: Any, rows: Rows) -> dict[str, Floats] | None:
    fields = list(zip(*rows, strict=True))
    stamps = _days(fields[0])
    if stamps is None:
        return None
    first = 1
    if len(fields) == 8:
        if not _all_are(_TIME, fields[1]):
            return None
        stamps = stamps + np.array([f"1970-01-01T{time}" for time in fields[1]], "datetime64[us]").astype(np.int64)
        first = 2
    else:
        stamps = stamps + _of_day(data.p.sessionend)
    made = {"datetime": date_numbers(stamps)}
    for at, name in enumerate(("open", "high", "low", "close", "volume", "openinterest"), first):
        made[name] = np.array([float(text) for text in fields[at]], np.float64)
    return made


def _yahoo(data: Any, rows: Rows) -> dict[str, Floats] | None:
    rows = [row for row in rows if "null" not in row[1:]]
    stamps = _days([row[0] for row in rows])
    if stamps is None or not rows:
        return None
    values = zip(*(_yahoo_bar(data.p, [float(text) for text in row[1:7]]) for row in rows), strict=True)
    names = ("open", "high", "low", "close", "volume", "adjclose")
    made = {name: np.array(column, np.float64) for name, column in zip(names, values, strict=True)}
    return {"datetime": date_numbers(stamps + _of_day(data.p.sessionend)), "openinterest": np.zeros(len(rows)), **made}


def _yahoo_bar(p: Any, values: Sequence[float]) -> tuple[float, ...]:
    """Open, high, low, close, volume and adjusted close of a row, as the feed adjusts and rounds them."""
    first, high, low, close, adjusted = values[:5]
    volume = values[5] if len(values) > 5 else 0.0
    if p.swapcloses:
        close, adjusted = adjusted, close
    factor = close / adjusted
    if p.adjclose:
        first, high, low, close = first / factor, high / factor, low / factor, adjusted
        volume = volume * factor if p.adjvolume else volume
    if p.round:
        first, high, low, close = (round(price, p.decimals) for price in (first, high, low, close))
    return first, high, low, close, round(volume, p.roundvolume), adjusted


RULES: dict[Any, Callable[[Any, Rows], dict[str, Floats] | None]] = {
    GenericCSVData._loadline: _generic,
    BacktraderCSVData._loadline: _backtrader,
    YahooFinanceCSVData._loadline: _yahoo,
}
"""How each way of reading a line is done for all lines."""

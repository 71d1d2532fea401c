"""Amberdata's spot VWAP and TWAP: each parameter of its page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import pytest

from tapeflow.tests.cli.providers.rows import BEGIN, Page, Ran, Row, run, within

_ASK = "tapeflow compute trades.csv --feed CsvTape --like amberdata --id exchange=gdax --id pair=btc_usd"
_HOUR = f"{_ASK} --bars hour"
_SIZES = (
    ("0", "less than 1000", 0.0, 1e3),
    ("1k", "1000 up to, without, 10000", 1e3, 1e4),
    ("10k", "10000 up to, without, 100000", 1e4, 1e5),
    ("100k", "100000 and more", 1e5, math.inf),
)


def row(start: int, length: int) -> dict[str, float]:
    """VWAP, TWAP and volume of an interval, in plain Python."""
    inside = within(start, start + length)
    notional = sum(t.price * t.quantity for t in inside)
    closes = [within(minute, minute + 60)[-1].price for minute in range(start, start + length, 60)]
    return {
        "totalVolumeUSD": notional,
        "twap": statistics.fmean(closes),
        "vwap": notional / sum(t.quantity for t in inside),
    }


def data(ran: Ran) -> list[dict[str, object]]:
    """The rows of an answer, newest first."""
    return list(ran.json["payload"]["data"])


def _numbers(ran: Ran, wanted: list[int], length: int) -> None:
    told = [{key: one[key] for key in ("totalVolumeUSD", "twap", "vwap")} for one in data(ran)]
    for got, start in zip(told, wanted, strict=True):
        assert got == pytest.approx(row(start, length), rel=1e-12)


def _pair(ran: Ran) -> None:
    assert {one["pair"] for one in data(ran)} == {"btc_usd"}
    _numbers(ran, [BEGIN + 3600, BEGIN], 3600)


def _exchange(ran: Ran) -> None:
    assert {one["exchange"] for one in data(ran)} == {"gdax"}


def _seconds(ran: Ran) -> None:
    _numbers(ran, [BEGIN + 1800, BEGIN + 1200], 600)


def _minute(ran: Ran) -> None:
    _numbers(ran, [BEGIN + 60 * i for i in range(163, -1, -1)], 60)


def _day(ran: Ran) -> None:
    assert [one["timestamp"] for one in data(ran)] == [BEGIN * 1000, (BEGIN - 86_400) * 1000]
    assert run(f"{_ASK} --bars 1d --partial").json == ran.json


def _sized(low: float, high: float) -> Callable[[Ran], None]:
    """Volume and VWAP of the trades from ``low`` up to ``high`` dollars; closes are those of all trades."""

    def check(ran: Ran) -> None:
        for got, start in zip(data(ran), (BEGIN + 3600, BEGIN), strict=True):
            inside = [t for t in within(start, start + 3600) if low <= t.price * t.quantity < high]
            notional = sum(t.price * t.quantity for t in inside)
            assert got["totalVolumeUSD"] == pytest.approx(notional, rel=1e-12)
            assert got["twap"] == pytest.approx(row(start, 3600)["twap"], rel=1e-12)
            if inside:
                assert got["vwap"] == pytest.approx(notional / sum(t.quantity for t in inside), rel=1e-12)
            else:
                assert got["vwap"] is None

    return check


def _format(wanted: list[object]) -> object:
    def check(ran: Ran) -> None:
        assert [one["timestamp"] for one in data(ran)] == wanted

    return check


def _tether(ran: Ran) -> None:
    for one, start in zip(data(ran), (BEGIN + 3600, BEGIN), strict=True):
        assert one["totalVolumeUSD"] == pytest.approx(row(start, 3600)["totalVolumeUSD"] * 0.9991, rel=1e-12)
        assert one["vwap"] == pytest.approx(row(start, 3600)["vwap"], rel=1e-12)


def _of_size(ran: Ran) -> None:
    for one, start in zip(data(ran), (BEGIN + 3600, BEGIN), strict=True):
        inside = [t for t in within(start, start + 3600) if 1000 <= t.price * t.quantity < 10_000]
        paid = sum(t.price * t.quantity for t in inside)
        assert one["totalVolumeUSD"] == pytest.approx(paid, rel=1e-12)
        assert one["vwap"] == pytest.approx(paid / sum(t.quantity for t in inside), rel=1e-12)


_MS = _format([(BEGIN + 3600) * 1000, BEGIN * 1000])
_ISO = _format(["2023-06-01T01:00:00Z", "2023-06-01T00:00:00Z"])
_WORDS = _format(["2023-06-01 01:00:00 000", "2023-06-01 00:00:00 000"])
_WINDOW = "--bars 10m --from {} --to {}"


def _window(start: object, end: object) -> str:
    return f"{_ASK} {_WINDOW.format(start, end)}"


PAGE = Page(
    "Amberdata: spot VWAP and TWAP",
    "The TWAP is the mean of the closes of one-minute candles, the VWAP the sum of price × size over that of sizes. "
    "Rows come newest first and are stamped with their start. The end of a window does not belong to it.",
    (
        Row("pair", "`btc_usd`", _HOUR, "VWAP, TWAP and dollars of both whole hours", _pair),
        Row("exchange", "`gdax`", _HOUR, "named in every row", _exchange),
        Row("(size filter)", "`0`, `1k`, `10k`, `100k`, `All`", f"{_HOUR} --size 1k", "trades of 1k to 10k", _of_size),
        Row(
            "totalVolumeUSD",
            "dollars",
            f"{_HOUR.replace('btc_usd', 'btc_usdt')} --usd 0.9991",
            "of another quote currency at the price that is said",
            _tether,
        ),
        Row(
            "startDate, endDate", "seconds", _window(BEGIN + 1200, BEGIN + 2400), "rows of that window alone", _seconds
        ),
        Row(
            "startDate, endDate",
            "milliseconds",
            _window((BEGIN + 1200) * 1000, (BEGIN + 2400) * 1000),
            "the same",
            _seconds,
        ),
        Row(
            "startDate, endDate", "ISO 8601", _window("2023-06-01T00:20:00Z", "2023-06-01T00:40"), "the same", _seconds
        ),
        Row("timeInterval", "`minute`", f"{_ASK} --bars minute", "a row a minute", _minute),
        Row("timeInterval", "`hour`", _HOUR, "a row an hour", _pair),
        Row("timeInterval", "`day`", f"{_ASK} --bars day --partial", "a row a day", _day),
        Row("timeFormat", "`milliseconds`, `ms` (default)", _HOUR, "the default", _MS),
        Row("timeFormat", "`milliseconds`, `ms`", f"{_HOUR} --timestamps ms", "the same, said", _MS),
        Row("timeFormat", "`iso`, `iso8601`", f"{_HOUR} --timestamps iso8601", "with a zone", _ISO),
        Row(
            "timeFormat",
            "`hr`, `human_readable`",
            f"{_HOUR} --timestamps hr",
            "as in the page's answer, in UTC",
            _WORDS,
        ),
        Row("size threshold", "`All` (default)", f"{_HOUR} --size All", "all trades", _pair),
        *(
            Row("size threshold", f"`{name}`", f"{_HOUR} --size {name}", f"trades of {says} dollars", _sized(low, high))
            for name, says, low, high in _SIZES
        ),
    ),
)

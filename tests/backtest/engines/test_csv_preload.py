"""Files of backtrader's CSV feeds loaded at once: to the last bit what it loads line by line, and only where it is."""

from __future__ import annotations

import datetime
import gc
import re
import zoneinfo
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.tests.backtest.engines.documented_scripts import MINUTES, prices

N = 120


class WithRatio(bt.feeds.GenericCSVData):
    """With a line of its own."""

    lines = ("pe",)
    params = (("pe", 6), ("openinterest", -1))


class Zone(zoneinfo.ZoneInfo):
    """A zone as backtrader takes it."""

    def localize(self, when: datetime.datetime) -> datetime.datetime:
        return when.replace(tzinfo=self)


class OwnLine(bt.feeds.GenericCSVData):
    """Reads a line its own way."""

    def _loadline(self, linetokens: list[str]) -> bool:
        return bool(super()._loadline(linetokens))


def rows(form: str, freq: str = "D", **columns: Any) -> str:
    """A file of bars with a header."""
    frame = prices(3, N, freq).assign(oi=0, **columns)
    frame.index = frame.index.strftime(form)
    return str(frame.to_csv(lineterminator="\n"))


def yahoo(nulls: bool = False) -> str:
    """A file as Yahoo gives it."""
    frame = prices(4, N)
    frame.insert(4, "adj", (frame["close"] * 0.93).round(6))
    lines = frame.to_csv(date_format="%Y-%m-%d", lineterminator="\n").splitlines()
    if nulls:
        lines[5] = lines[-1] = "2022-01-08,null,null,null,null,null,null"
    return "\n".join(lines) + "\n"


def split_time(text: str) -> str:
    """The same with the time in a field of its own."""
    return text.replace(" ", ",").replace("datetime,", "date,time,", 1)


GENERIC, BACKTRADER, YAHOO = bt.feeds.GenericCSVData, bt.feeds.BacktraderCSVData, bt.feeds.YahooFinanceCSVData
SECONDS, DAYS = "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"
AT_ONCE: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "seconds": (GENERIC, rows(SECONDS, "7s"), dict(timeframe=MINUTES)),
    "minutes": (GENERIC, rows("%Y-%m-%dT%H:%M", "min"), dict(timeframe=MINUTES, dtformat="%Y-%m-%dT%H:%M")),
    "days end with their session": (GENERIC, rows(SECONDS), {}),
    "a session that ends at four": (GENERIC, rows(DAYS), dict(dtformat=DAYS, sessionend=datetime.time(16))),
    "another order of day and month": (GENERIC, rows("%d/%m/%Y"), dict(dtformat="%d/%m/%Y")),
    "a field for the time": (
        GENERIC,
        split_time(rows(SECONDS, "min")),
        dict(dtformat=DAYS, time=1, open=2, high=3, low=4, close=5, volume=6, openinterest=-1, timeframe=MINUTES),
    ),
    "a function for the time": (GENERIC, rows(SECONDS, "h"), dict(dtformat=datetime.datetime.fromisoformat)),
    "a line of its own": (WithRatio, rows(SECONDS, "h"), dict(timeframe=MINUTES)),
    "nothing in some cells": (GENERIC, rows(SECONDS, volume=[np.nan if i % 7 else 5 for i in range(N)]), {}),
    "nothing is nought": (GENERIC, rows(SECONDS, volume=[np.nan] * N), dict(nullvalue=0.0)),
    "semicolons, no header": (
        GENERIC,
        rows(SECONDS).replace(",", ";").partition("\n")[2],
        dict(separator=";", headers=False),
    ),
    "dates from and to": (
        GENERIC,
        rows(SECONDS),
        dict(fromdate=datetime.datetime(2022, 2, 1), todate=datetime.datetime(2022, 3, 1)),
    ),
    "times that go back": (
        GENERIC,
        rows(SECONDS) + rows(SECONDS).partition("\n")[2],
        dict(todate=datetime.datetime(2022, 4, 1)),
    ),
    "backtrader's own": (BACKTRADER, rows(DAYS), {}),
    "backtrader's own with times": (BACKTRADER, split_time(rows(SECONDS, "min")), dict(timeframe=MINUTES)),
    "yahoo": (YAHOO, yahoo(), {}),
    "yahoo, some days missing": (YAHOO, yahoo(nulls=True), dict(adjclose=False, round=False)),
    "yahoo, closes swapped": (YAHOO, yahoo(), dict(swapcloses=True, decimals=3, roundvolume=2, adjvolume=False)),
}
ONE_BY_ONE: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "its own way of a line": (OwnLine, rows(SECONDS), {}),
    "a zone of the input": (GENERIC, rows(SECONDS), dict(tzinput=Zone("Europe/Berlin"))),
    "a zone of the session": (GENERIC, rows(SECONDS), dict(tz=Zone("Europe/Berlin"))),
    "a filter": (GENERIC, rows(SECONDS), dict(filters=[bt.filters.HeikinAshi])),
    "days in another spelling": (BACKTRADER, rows("%Y/%m/%d"), {}),
    "a volume that is no number": (YAHOO, re.sub(r",\d+\n", ",none\n", yahoo(), count=1), {}),
    "too few cells after the last day": (
        GENERIC,
        rows(SECONDS) + "2022-09-01 00:00:00,1\n",
        dict(todate=datetime.datetime(2022, 4, 1)),
    ),
}


def loaded(kind: Any, cls: Any, file: Any, **params: Any) -> Any:
    """The feed of a finished run."""
    cerebro = kind(stdstats=False)
    cerebro.adddata(cls(dataname=file, **params))
    cerebro.addstrategy(bt.Strategy)
    return cerebro.run()[0].data


def lines(data: Any) -> dict[str, Any]:
    """Its lines by name."""
    return {name: np.array(getattr(data.lines, name).array) for name in data.getlinealiases()}


@pytest.mark.parametrize("name", [*AT_ONCE, *ONE_BY_ONE])
def test_lines_are_those_of_backtraders_own_loading(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cls, text, params = {**AT_ONCE, **ONE_BY_ONE}[name]
    file = tmp_path / "bars.csv"
    file.write_text(text)
    expected = lines(loaded(bt.Cerebro, cls, str(file), **params))
    read: list[Any] = []
    one = bt.feed.CSVDataBase._load
    monkeypatch.setattr(bt.feed.CSVDataBase, "_load", lambda data: read.append(1) or one(data))
    data = loaded(FastCerebro, cls, str(file), **params)
    assert bool(read) == (name in ONE_BY_ONE)
    assert data.f is None
    assert len(expected["close"]) >= 25
    for line, values in expected.items():
        np.testing.assert_array_equal(np.array(getattr(data.lines, line).array), values, err_msg=line)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # its file
@pytest.mark.parametrize("text", ["2022-02-30 00:00:00,1,1,1,1,1,0", "2022-03-01 25:00:00,1,1,1,1,1,0", "", "x,1"])
def test_a_line_that_cannot_be_read_is_refused_as_by_backtrader(text: str, tmp_path: Path) -> None:
    said = []
    (tmp_path / "bars.csv").write_text(f"{rows(SECONDS)}{text}\n")
    for kind in (bt.Cerebro, FastCerebro):
        with pytest.raises((ValueError, IndexError)) as caught:
            loaded(kind, GENERIC, str(tmp_path / "bars.csv"))
        said.append(repr(caught.value))
        del caught
    gc.collect()  # here, where it may be said that backtrader leaves its file open
    assert said[0] == said[1]


def test_a_file_without_bars_has_none(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("datetime,open,high,low,close,volume,oi\n")
    assert len(loaded(FastCerebro, GENERIC, str(tmp_path / "bars.csv")).close.array) == 0

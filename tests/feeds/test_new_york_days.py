"""Stocks of New York over a clock change, a holiday and a half day, against a calendar in plain Python."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapeflow.core.clock import HOUR, MINUTE, parse_time
from tapeflow.core.days import parse_days
from tapeflow.core.schema import Quality
from tapeflow.feeds.catalog import Catalog
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.frames import FrameBars, FrameTape
from tapeflow.feeds.merge import Merge
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.indicators.vwap import VWAP
from tapeflow.tests.helpers.command import tapeflow as tapeflow

exchange_calendars = pytest.importorskip("exchange_calendars")

ZONE = ZoneInfo("America/New_York")
HOLIDAYS = {date(2024, 11, 28), date(2024, 12, 25), date(2025, 1, 1)}
HALF_DAYS = {date(2024, 11, 29), date(2024, 12, 24)}
"""Of the two months below."""


def days(since: date, until: date) -> list[tuple[date, int, int]]:
    """Every trading day: its date, and when it opens and closes, epoch µs."""
    made = []
    for n in range((until - since).days):
        day = since + timedelta(n)
        if day.weekday() > 4 or day in HOLIDAYS:
            continue
        ends = time(9, 30), time(13) if day in HALF_DAYS else time(16)
        made.append((day, *(round(datetime.combine(day, t, ZONE).timestamp()) * 1_000_000 for t in ends)))
    return made


TRADED = days(date(2024, 11, 1), date(2025, 1, 3))


@pytest.fixture(scope="module")
def tape():
    """A trade every seven minutes, by night and on holidays too: time, price and amount."""
    import pandas as pd

    rng = np.random.default_rng(11)
    times = np.arange(parse_time("2024-10-31T21:00"), parse_time("2025-01-04"), 7 * MINUTE)
    index = pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC")
    price = np.round(100 + np.cumsum(rng.choice([-0.05, 0.0, 0.05], len(times))), 2)
    frame = pd.DataFrame({"price": price, "quantity": rng.integers(1, 9, len(times)) / 4.0}, index=index)
    frame["side"] = rng.choice(["buy", "sell"], len(times))
    return frame


@pytest.fixture(scope="module")
def traded(tape):
    """The trades of the trading days."""
    stamps = tape.index.as_unit("us").asi8
    return tape[np.any([(stamps >= opens) & (stamps < closes) for _, opens, closes in TRADED], axis=0)]


def rows(tape, opens, closes):
    stamps = tape.index.as_unit("us").asi8
    return tape[(stamps >= opens) & (stamps < closes)]


def expected(tape, spans):
    for opens, closes in spans:
        own = rows(tape, opens, closes)
        if len(own):
            first, last = own["price"].iloc[0], own["price"].iloc[-1]
            yield opens, closes, first, own["price"].max(), own["price"].min(), last, own["quantity"].sum()


def spans(kind):
    """Where every bar of a kind opens and closes."""
    if kind in ("1w", "1mo"):
        groups = itertools.groupby(
            TRADED, key=lambda d: d[0].isocalendar()[:2] if kind == "1w" else (d[0].year, d[0].month)
        )
        for _, group in groups:
            own = list(group)
            yield own[0][1], own[-1][2]
        return
    step = {"1m": MINUTE, "1h": HOUR, "4h": 4 * HOUR, "1d": 24 * HOUR}[kind]
    for _, opens, closes in TRADED:
        yield from ((at, min(at + step, closes)) for at in range(opens, closes, step))


@pytest.mark.parametrize("kind", ["1h", "4h", "1d", "1w", "1mo"])
def test_bars_are_those_of_the_trading_days(tape, traded, kind):
    bars = FrameTape(frame=tape).bars(f"{kind}@1d:XNYS")
    wanted = list(expected(traded, spans(kind)))
    names = ("open_time", "close_time", "open", "high", "low", "close", "volume")
    made = list(zip(*(bars[name].tolist() for name in names), strict=True))
    # The week of 1 November began before the trades, and the last week and month end behind them.
    inner = slice(kind == "1w", len(wanted) - (kind in ("1w", "1mo")))
    assert made[inner] == wanted[inner]
    assert not bars["quality"][inner].any()


def test_minutes_of_the_hours_leave_no_gap(tape):
    minutes = FrameTape(frame=tape).bars("1m@1d:XNYS")
    wanted = [span for span in spans("1m") if span[0] >= minutes["open_time"][0]]
    made = list(zip(minutes["open_time"].tolist(), minutes["close_time"].tolist(), strict=True))
    assert [span for span in made if span[1] <= TRADED[-1][2]] == wanted
    lost = np.delete(np.arange(len(minutes)), slice(1000, 1010))
    frame = minutes.frame()[["open_time", "close_time", "open", "high", "low", "close", "volume"]].ffill().iloc[lost]
    bars = FrameBars(frame=frame).bars("1m@1d:XNYS")
    assert np.flatnonzero(bars["quality"] & int(Quality.GAP)).tolist() == [999, 1000]


def test_vwap_and_profile_begin_with_each_trading_day(tape):
    bars = FrameTape(frame=tape).bars("30m@1d:XNYS", row_size=0.05)
    vwap = VWAP.over(bars)["vwap"].to_numpy()
    poc = VolumeProfile.over(bars, session="1d")["poc"].to_numpy()
    closes = bars["close_time"]
    for _, opens, shut in TRADED:
        own = rows(tape, opens, shut)
        at = int(np.searchsorted(closes, shut))
        assert closes[at] == shut
        assert vwap[at] == pytest.approx(np.average(own["price"], weights=own["quantity"]), rel=1e-12)
        volumes = own.groupby("price")["quantity"].sum()
        assert volumes[round(float(poc[at]), 2)] == volumes.max()


def test_daily_bars_of_stocks_have_no_gap_at_a_weekend_a_holiday_or_a_half_day(tmp_path):
    def bars_of(dates, kind):
        lines = [f"{day},{n + 100},{n + 102},{n + 99},{n + 101},{n + 101},1000" for n, day in enumerate(dates)]
        (tmp_path / "d.csv").write_text("\n".join(["Date,Open,High,Low,Close,Adj Close,Volume", *lines]) + "\n")
        return CsvBars(tmp_path / "d.csv").bars(kind)

    dates = [day for day, _, _ in TRADED]
    bars = bars_of(dates, "1d@1d:XNYS")
    assert list(zip(bars["open_time"].tolist(), bars["close_time"].tolist(), strict=True)) == [d[1:] for d in TRADED]
    assert not bars["quality"].any()
    assert (bars_of(dates, "1d")["quality"] & int(Quality.GAP)).any()
    missing = bars_of([day for day in dates if day != date(2024, 12, 3)], "1d@1d:XNYS")
    at = dates.index(date(2024, 12, 3))
    assert np.flatnonzero(missing["quality"] & int(Quality.GAP)).tolist() == [at - 1, at]
    for kind in ("1w", "1mo"):
        made = bars_of(dates, f"{kind}@1d:XNYS")
        wanted = list(spans(kind))
        whole = slice(1, -1)
        assert made["open_time"][whole].tolist() == [span[0] for span in wanted][whole]
        assert made["close_time"][whole].tolist() == [span[1] for span in wanted][whole]
        assert made["volume"].sum() == 1000 * len(dates)
    odd = bars_of(sorted([*dates, date(2024, 11, 28)]), "1d@1d:XNYS")
    assert len(odd) == len(dates)
    assert "1 bars of days on which XNYS does not trade are left out" in odd.notes[-1]


def test_the_plain_calendar_is_that_of_the_package():
    hours = parse_days("XNYS")
    lo, hi = TRADED[0][1], TRADED[-1][2]
    inside = (hours.opens >= lo) & (hours.closes <= hi)
    assert list(zip(hours.opens[inside].tolist(), hours.closes[inside].tolist(), strict=True)) == [
        (opens, closes) for _, opens, closes in TRADED
    ]
    assert {datetime.fromtimestamp(opens / 1e6, UTC).hour for _, opens, _ in TRADED} == {13, 14}


def test_venues_are_not_silent_by_night(tape, tmp_path):
    """One venue trades every seven minutes, the other every hour of the trading day, the third by night alone."""
    stamps = tape.index.as_unit("us").asi8
    inside = parse_days("XNYS").inside(stamps)
    picked = {
        "often": np.ones(len(stamps), bool),
        "hourly": inside & (np.arange(len(stamps)) % 9 == 0),
        "night": ~inside,
    }
    for name, rows_ in picked.items():
        part = tape[rows_].assign(time=stamps[rows_])
        part[["time", "price", "quantity", "side"]].to_csv(tmp_path / f"{name}.csv", index=False)
    feeds = [{"feed": "CsvTape", "path": str(tmp_path / f"{name}.csv"), "name": name} for name in picked]
    bars = Merge(feeds=feeds[:2], silence="2h").bars("30m@1d:XNYS")
    alone = FrameTape(frame=tape[picked["hourly"]]).bars("30m@1d:XNYS")
    at = np.searchsorted(bars["open_time"], alone["open_time"])
    assert bars["volume_hourly"][at].tolist() == alone["volume"].tolist()
    assert bars["volume_hourly"].sum() == alone["volume"].sum()
    assert not bars["silent_venues"][at[0] :].any()
    made = Merge(feeds=feeds, silence="2h").bars("30m@1d:XNYS")
    assert not made["volume_night"].any()
    assert made["silent_venues"].all()


def test_a_catalog_gives_the_bars_of_the_hours_that_its_files_give(tape, tmp_path):
    part = tape.assign(time=tape.index.as_unit("us").asi8)
    part[["time", "price", "quantity", "side"]].to_csv(tmp_path / "t.csv", index=False)
    where = "--symbol", "ABC", "--venue", "x", "--market", "spot", "--catalog", tmp_path / "c"
    added = tapeflow("data", "add", tmp_path / "t.csv", "--feed", "CsvTape", *where, "-q")
    assert added.exit_code == 0, added.output
    kinds = [f"{kind}@1d:XNYS" for kind in ("1h", "1d", "1w")]
    for ours, theirs in zip(
        Catalog(tmp_path / "c").bars_of(kinds), CsvTape(tmp_path / "t.csv").bars_of(kinds), strict=True
    ):
        for name, values in theirs.columns.items():
            if name != "quality":  # a catalog knows of whole days
                assert values.tobytes() == ours[name].tobytes(), name

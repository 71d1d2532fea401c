"""Times as people write them: every spelling, places whose clocks are set, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tapeflow.core.clock import parse_time
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.tape import Tape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.table_reader import stamps
from tapeflow.feeds.table_reader.stamps import UNITS, Spelling, Stamps
from tapeflow.tests.helpers.people_files import FILES

SECOND = 1_000_000


def read(written, path, **params):
    """Times, values, amounts and sides of a file, and the columns that it says more of."""
    feed = FEEDS.find(written.feed)(path, **params)
    if written.feed == "CsvBars":
        bars = feed.bars()
        volume = bars["volume"][~np.isnan(bars["volume"])].tolist()
        return [bars["open_time"].tolist(), bars["close"].tolist(), volume, *(bars[n].tolist() for n in written.more)]
    tape = Tape.join(list(feed.tapes()))
    return [
        tape.time.tolist(),
        tape.price.tolist(),
        tape.quantity.tolist(),
        *([tape.side.tolist()] if written.sides else []),
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_program_is_read_as_it_was_meant(tmp_path, name):
    written = FILES[name]
    times = [parse_time(text) for text in written.times]
    wanted = [
        times,
        written.values,
        written.amounts,
        *written.more.values(),
        *([written.sides] if written.sides else []),
    ]
    assert read(written, written.write(tmp_path), **written.params) == wanted


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S.%f", "%d/%m/%y %H%M%S", "%b %d, %Y %I:%M %p", "%Y%m%d%H%M%S%f", "%j %Y %H:%M"]
)
def test_a_format_reads_what_strptime_reads(form):
    rng = np.random.default_rng(4)
    whens = [
        datetime(1995, 1, 1) + timedelta(seconds=int(s), microseconds=int(s) % 10**6)
        for s in rng.integers(0, 10**9, 300)
    ]
    texts = [when.strftime(form) for when in whens]
    wanted = [
        round((datetime.strptime(text, form) - datetime(1970, 1, 1)) / timedelta(microseconds=1)) for text in texts
    ]
    values, bad = Stamps(Spelling(form=form)).read(pa.array(texts))
    assert values.tolist() == wanted
    assert not bad.any()


def test_a_day_that_no_month_has_is_not_read():
    found = pa.array(["31.06.2024", "29.02.2023", "29.02.2024", "00.01.2024", "01.13.2024", "1.1.2024 "])
    assert Stamps(Spelling(form="%d.%m.%Y")).read(found)[1].tolist() == [True, True, False, True, True, False]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("%d.%m", "no whole date"),
        ("%Q", "%Q is no time format"),
        ("%Y-%m-%d %I", "belong together"),
        ("%d %d %m %Y", "day twice"),
    ],
)
def test_a_format_that_cannot_be_is_refused(tmp_path, form, says):
    with pytest.raises(ParamError, match=says):
        CsvTape(FILES["duckdb"].write(tmp_path), time_format=form)


def test_offsets_count_even_where_a_zone_is_said():
    found = pa.array(["2024-07-01 12:00", "2024-07-01 12:00+00", "2024-07-01T12:00:00.5Z", "2024-07-01 12:00:00 +0530"])
    values, bad = Stamps(Spelling(zone="Europe/Berlin")).read(found)
    noon = parse_time("2024-07-01T12:00:00Z")
    assert not bad.any()
    assert (values - noon).tolist() == [-7200 * SECOND, 0, SECOND // 2, -19_800 * SECOND]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)
def test_local_stamps_of_a_year_are_the_instants_they_were_made_of(zone):
    start = round(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    instants = np.arange(start, start + 366 * 86_400, 900)
    local = [datetime.fromtimestamp(t, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for t in instants.tolist()]
    for order in (slice(None), slice(None, None, -1)):
        stamps = Stamps(Spelling(zone=zone, strictly=True))
        parts = [stamps.read(pa.array(local[order][i : i + 1000])) for i in range(0, len(local), 1000)]
        stamps.finish()
        assert np.concatenate([values for values, _ in parts]).tolist() == (instants[order] * SECOND).tolist()
        assert not any(bad.any() for _, bad in parts)


def trades(folder, *times, **params):
    rows = "".join(f"{time},10,1,buy\n" for time in times)
    (folder / "a.csv").write_text("time,price,quantity,side\n" + rows)
    feed = CsvTape(folder / "a.csv", timezone="America/New_York", **params)
    return [datetime.fromtimestamp(t / 1e6, UTC).strftime("%H:%M") for t in Tape.join(list(feed.tapes())).time.tolist()]


def test_an_hour_that_comes_twice_goes_by_the_order_of_rows_or_is_refused(tmp_path):
    twice = ["2024-11-03 01:10", "2024-11-03 01:10", "2024-11-03 01:50"]
    assert trades(tmp_path, *twice, "2024-11-03 01:20") == ["05:10", "05:10", "05:50", "06:20"]
    with pytest.raises(
        DataError, match=r"a\.csv: clocks of America/New_York show an hour of 2024-11-03 twice, and no row"
    ):
        trades(tmp_path, *twice)
    with pytest.raises(
        DataError, match=r"rows step back more than once there: .*; ambiguous: earlier or later settles it"
    ):
        trades(tmp_path, *twice, *twice, *twice)
    assert trades(tmp_path, *twice, ambiguous="earlier") == ["05:10", "05:10", "05:50"]
    assert trades(tmp_path, *twice, ambiguous="later") == ["06:10", "06:10", "06:50"]


def test_an_hour_that_never_comes_is_refused_or_set_aside(tmp_path):
    rows = ["2024-03-10 01:59", "2024-03-10 02:30", "2024-03-10 03:00"]
    says = r"row 3, column time: '2024-03-10 02:30' is no time on clocks of America/New_York: they go forward over it"
    with pytest.raises(DataError, match=says):
        trades(tmp_path, *rows)
    assert trades(tmp_path, *rows, bad_rows="quarantine") == ["06:59", "07:00"]


def test_what_counts_since_1970_has_no_zone(tmp_path):
    with pytest.raises(DataError, match="count ms since 1970, which is UTC: leave timezone out"):
        trades(tmp_path, 1_700_000_000_000)
    with pytest.raises(ParamError, match="counts since 1970 in UTC"):
        trades(tmp_path, 1_700_000_000_000, time_unit="ms")
    with pytest.raises(ParamError, match="did you mean 'America/New_York'"):
        CsvTape(tmp_path / "a.csv", timezone="America/NewYork")


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("am_pm", {}, r"time_format: '%m/%d/%Y %I:%M:%S %p' or '%d/%m/%Y %I:%M:%S %p' reads it"),
        ("dukascopy", {}, r"time_format: '%d\.%m\.%Y %H:%M:%S\.%f' reads it"),
        ("backtrader", {}, r"'09:30:00' is no time in ISO 8601; .* columns: \{time: \[DATE, TIME\]\} reads both"),
        ("excel", {"decimal": ","}, "time_unit: excel reads days of a spreadsheet"),
        (
            "excel",
            {"time_unit": "excel"},
            "'45293,3958333333' is no time in days of a spreadsheet; decimal: ',' reads it",
        ),
        ("us_words", {"time_format": "%b %d, %Y"}, "'1,007' is no number; decimal: ',' reads it"),
        ("lean", {"time_unit": "ms_of_day", "columns": {"time": 1, "open": 2, "close": 3}, "timezone": "UTC"}, ""),
    ],
)
def test_what_is_not_guessed_is_said(tmp_path, name, params, says):
    path = FILES[name].write(tmp_path)
    if not says:
        path = path.rename(tmp_path / "spy.csv")
        says = "its stamps are times of day, and no day is in its name"
    with pytest.raises(DataError, match=says):
        CsvBars(path, **params).bars()


@pytest.mark.parametrize(
    "wrong", [{"time": ["Date", "Tme"]}, {"time": ["Date", "Time", "Zone"]}, {"close": ["Last", "Time"]}]
)
def test_columns_that_are_not_there_cannot_be_joined(tmp_path, wrong):
    with pytest.raises((DataError, ParamError), match=r"unknown column 'Tme', did you mean 'Time'|must be a mapping"):
        CsvBars(FILES["sierra"].write(tmp_path), columns=wrong).bars()


def test_rows_set_aside_keep_the_text_they_had(tmp_path):
    (tmp_path / "a.csv").write_text("Date,Time,price,quantity\n2024-01-02,09:30,10,1\n2024-01-02,x,10,1\n")
    feed = CsvTape(tmp_path / "a.csv", columns={"time": ["Date", "Time"]}, bad_rows="quarantine")
    feed.quarantine = tmp_path / "aside.csv"
    assert len(Tape.join(list(feed.tapes()))) == 1
    assert (tmp_path / "aside.csv").read_text() == "2024-01-02,x,10,1\n"


def test_typed_dates_and_times_of_day_are_joined_and_local(tmp_path):
    when = [datetime(2024, 7, 1, 9, 30), datetime(2024, 7, 1, 9, 31)]
    table = pa.table(
        {"Date": [w.date() for w in when], "Time": [w.time() for w in when], "at": when, "close": [1.0, 2.0]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    for columns in ({"time": ["Date", "Time"]}, {"time": "at"}, {"time": ["at", "Time"]}):
        bars = CsvBars(tmp_path / "a.parquet", columns=columns, timezone="America/New_York").bars()
        assert bars["open_time"].tolist() == [parse_time("2024-07-01T13:30:00Z"), parse_time("2024-07-01T13:31:00Z")]


ODD = [*["", " ", "x", "-5", ".", "1.5.5", "nan", "1e400", "0", "+1700000000", "1700000000.", "0001700000000"], *[
    f"17{'0' * n}{tail}" for n in (7, 8, 9, 11, 14, 17, 18, 21) for tail in ("", ".25", ".123456789012", "e-4", " ")
]]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_stamps_among_odd_ones_are_what_each_is_alone(unit):
    random = np.random.default_rng(5)
    for _ in range(6):
        texts = [str(text) for text in random.choice(ODD, 60)]
        values, bad = Stamps(unit).read(pa.array(texts, pa.string()))
        alone = [Stamps(unit).read(pa.array([text], pa.string())) for text in texts]
        assert bad.tolist() == [bool(own[0]) for _, own in alone]
        assert values[~bad].tolist() == [int(own[0]) for (own, odd) in alone if not odd[0]]


@pytest.mark.parametrize(("first", "others"), [("0", "1700000000000"), ("1700000000", "x"), ("1700000000", "1.5.5")])
def test_many_odd_stamps_are_not_tried_one_by_one(first, others, monkeypatch):
    plain, tried = stamps._plain_scaled, []
    monkeypatch.setattr(stamps, "_plain_scaled", lambda cells, digits: tried.append(len(cells)) or plain(cells, digits))
    _, bad = Stamps().read(pa.array([first, *[others] * 20_000], pa.string()))
    assert bad[1:].all()
    assert len(tried) <= 4


def test_one_odd_stamp_costs_a_few_tries(monkeypatch):
    plain, tried = stamps._plain_scaled, []
    monkeypatch.setattr(stamps, "_plain_scaled", lambda cells, digits: tried.append(len(cells)) or plain(cells, digits))
    _, bad = Stamps("ms").read(pa.array(["1700000000000"] * 9_000 + ["17e"] + ["1700000000000"] * 9_000, pa.string()))
    assert np.flatnonzero(bad).tolist() == [9_000]
    assert len(tried) < 40

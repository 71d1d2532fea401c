"""Bars that lie on no fixed grid: months, days over a clock change, trading sessions, each told from damage."""

import itertools

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.core.clock import DAY, HOUR, MINUTE, SECOND, iso, parse_time
from tapeflow.core.errors import DataError
from tapeflow.core.files.tables import write_table
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceKlines
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.framework.calendars import clock_spans, told_spans

NEW_YORK = "America/New_York@09:30-16:00"


def tape_between(since, until, count):
    rng = np.random.default_rng(7)
    time = np.sort(rng.integers(parse_time(since), parse_time(until), count))
    price = 100 + np.round(np.cumsum(rng.normal(size=count)) / 100, 2)
    return Tape.of(time=time, price=price, quantity=rng.integers(1, 9, count) / 4, side=rng.choice([-1, 1], count))


def stamped(path, stamps, extra=""):
    lines = [f"{stamp},100,101,99,100.5,10{extra}" for stamp in stamps]
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    return path


def spans(bars):
    return [(iso(int(a)), (int(b) - int(a)) / HOUR) for a, b in zip(bars["open_time"], bars["close_time"], strict=True)]


def klines(path, edges):
    lines = [f"{a // 1000},1,2,1,2,10,{b // 1000 - 1},15,5,4,6,0" for a, b in itertools.pairwise(edges)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_months_of_an_exchange_are_bars(tmp_path):
    edges = [parse_time(f"2018-{m:02d}-01") for m in range(2, 8)]
    feed = BinanceKlines(klines(tmp_path / "TRXBTC-1mo-x.csv", edges), market="spot")
    bars = feed.bars()
    assert bars.spec == "1mo"
    assert bars["close_time"].tolist() == edges[1:]
    assert not bars["quality"].any()
    assert feed.bars("1mo")["close_time"].tolist() == edges[1:]
    assert feed.bars("3mo")["volume"].tolist() == [20.0, 30.0]


def test_a_missing_month_is_a_gap(tmp_path):
    stamps = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01", *[f"2024-{m:02d}-01" for m in range(6, 13)]]
    bars = CsvBars(stamped(tmp_path / "m.csv", stamps)).bars()
    assert (bars.spec, spans(bars)[1], spans(bars)[2]) == (
        "1mo",
        ("2024-02-01T00:00:00Z", 29 * 24),
        ("2024-03-01T00:00:00Z", 31 * 24),
    )
    assert np.flatnonzero(bars["quality"] & int(Quality.GAP)).tolist() == [2, 3]
    with pytest.raises(DataError, match="gaps: keep or fill"):
        CsvBars(tmp_path / "m.csv").bars(gaps="error")


def test_days_and_four_hours_go_over_a_clock_change(tmp_path):
    days = [f"2024-03-{d:02d}T00:00:00-0{5 if d < 11 else 4}:00" for d in (7, 8, 9, 10, 11, 12)]
    bars = CsvBars(stamped(tmp_path / "d.csv", days)).bars()
    assert bars.spec == "1d"
    assert [length for _, length in spans(bars)] == [24, 24, 24, 23, 24, 24]
    assert not bars["quality"].any()
    local = ["2024-11-02T21:00:00-04:00", "2024-11-03T01:00:00-04:00", "2024-11-03T05:00:00-05:00"]
    bars = CsvBars(stamped(tmp_path / "h.csv", [*local, "2024-11-03T09:00:00-05:00"])).bars()
    assert [length for _, length in spans(bars)] == [4, 5, 4, 4]
    ended = CsvBars(stamped(tmp_path / "e.csv", [*local, "2024-11-03T09:00:00-05:00"]), label="end").bars()
    assert [length for _, length in spans(ended)] == [4, 4, 5, 4]


def test_a_row_off_its_grid_is_damage_still(tmp_path):
    stamps = [f"2024-01-0{d}T00:00:00Z" for d in range(1, 9)]
    for wrong in ("2024-01-04T02:00:00Z", "2024-01-04T00:30:00Z"):
        path = stamped(tmp_path / "x.csv", [*stamps[:3], wrong, *stamps[4:]])
        with pytest.raises(DataError, match=r"row 5: the row at .* is off the grid of 1d"):
            CsvBars(path).bars()
    edges = [*range(0, 10 * MINUTE, MINUTE), *range(10 * MINUTE, 60 * MINUTE, 5 * MINUTE)]
    mixed = klines(tmp_path / "BTCUSDT-1m-x.csv", [parse_time("2024-01-01") + t for t in edges])
    with pytest.raises(DataError, match="the kline is 5m long, the first one 1m"):
        BinanceKlines(mixed, market="spot").bars()


@pytest.mark.parametrize("kind", ["4h", "1h", "1d", "30m", "1w", "1mo"])
def test_bars_of_trading_hours_are_read_back(tmp_path, kind):
    tape = tape_between("2024-02-20", "2024-04-14", 20_000)
    (bars,) = aggregate([tape], [f"{kind}@1d:{NEW_YORK}"])
    write_table(bars.columns, tmp_path / "own.csv", metadata={})
    made = CsvBars(tmp_path / "own.csv").bars()
    for name in ("open_time", "close_time", "volume", "high"):
        assert made[name].tolist() == bars[name].tolist(), name
    again = CsvBars(tmp_path / "own.csv").bars(f"{kind}@1d:{NEW_YORK}")
    assert again["close_time"].tolist() == bars["close_time"].tolist()
    assert not (again["quality"] & int(Quality.GAP)).any()


def minute_bars(path, since, until, without=()):
    times = range(parse_time(since), parse_time(until), MINUTE)
    return stamped(path, [iso(t) for t in times if iso(t) not in without])


def test_nights_are_no_gap_and_a_missing_minute_is(tmp_path):
    lost = "2024-03-08T15:00:00Z"
    path = minute_bars(tmp_path / "m.csv", "2024-03-08", "2024-03-12", without=(lost,))
    feed = CsvBars(path)
    bars = feed.bars(f"1m@1d:{NEW_YORK}")
    gap = np.flatnonzero(bars["quality"] & int(Quality.GAP))
    assert [iso(int(t)) for t in bars["open_time"][gap]] == ["2024-03-08T14:59:00Z", "2024-03-08T15:01:00Z"]
    assert len(bars) == 2 * 390 - 1
    assert feed.counts["outside_hours"] == 4 * 1440 - 2 * 390
    filled = CsvBars(path).bars(f"1m@1d:{NEW_YORK}", gaps="fill")
    assert len(filled) == 2 * 390
    assert iso(int(filled["open_time"][30])) == lost
    assert filled["quality"][30] & int(Quality.FILLED)
    assert filled["close_time"].tolist() == (filled["open_time"] + MINUTE).tolist()


@pytest.mark.parametrize("step", [DAY, 30 * MINUTE])
def test_gaps_that_come_again_are_closing_hours_and_others_damage(tmp_path, step):
    """Where nothing says the hours: nights and weekends are flagged nowhere, a day or an hour that lacks is."""
    days = np.arange(parse_time("2024-05-06"), parse_time("2024-06-15"), DAY)
    days = days[(days // DAY + 3) % 7 < 5]
    times = days if step == DAY else (days[:, None] + 13 * HOUR + np.arange(0, 6 * HOUR, step)).ravel()
    lost = parse_time("2024-05-22") + (0 if step == DAY else 15 * HOUR)
    times = times[(times < lost) | (times >= lost + max(step, HOUR))]
    bars = CsvBars(stamped(tmp_path / "d.csv", [iso(int(t)) for t in times])).bars()
    gap = bars["open_time"][np.flatnonzero(bars["quality"] & int(Quality.GAP))]
    at = int(np.searchsorted(times, lost))
    assert gap.tolist() == times[at - 1 : at + 1].tolist()
    assert [f"{5 if step == DAY else 29} gaps come again" in note for note in bars.notes] == [True]
    with pytest.raises(DataError, match=f"are missing from {iso(int(bars['close_time'][at - 1]))} on"):
        CsvBars(tmp_path / "d.csv").bars(gaps="error")


def test_an_hour_that_lacks_three_times_is_damage(tmp_path):
    """As an exchange that stops now and then, at the hour at which it mends things."""
    lost = [parse_time(day) for day in ("2024-03-04T08:00", "2024-05-06T08:00", "2024-06-24T08:00")]
    times = np.arange(parse_time("2024-03-01"), parse_time("2024-07-01"), HOUR)
    bars = CsvBars(stamped(tmp_path / "h.csv", [iso(int(t)) for t in times if t not in lost])).bars()
    assert np.count_nonzero(bars["quality"] & int(Quality.GAP)) == 6
    assert not bars.notes


def test_days_called_by_date_are_those_of_the_exchange(tmp_path):
    days = ["2024-03-07", "2024-03-08", "2024-03-11", "2024-03-13"]
    for stamps in (days, [f"{d}T00:00:00-0{5 if d < '2024-03-10' else 4}:00" for d in days]):
        bars = CsvBars(stamped(tmp_path / "d.csv", stamps)).bars(f"1d@1d:{NEW_YORK}")
        assert spans(bars) == [
            ("2024-03-07T14:30:00Z", 6.5),
            ("2024-03-08T14:30:00Z", 6.5),
            ("2024-03-11T13:30:00Z", 6.5),
            ("2024-03-13T13:30:00Z", 6.5),
        ]
        assert np.flatnonzero(bars["quality"] & int(Quality.GAP)).tolist() == [2, 3]
    week = CsvBars(tmp_path / "d.csv").bars(f"1w@1d:{NEW_YORK}")
    assert week["volume"].tolist() == [20.0, 20.0]


def test_a_bar_whose_end_is_not_told_ends_at_the_close(tmp_path):
    stamps = [f"2024-03-{d:02d}T{h}-0{5 if d < 10 else 4}:00" for d in (7, 8, 11, 12) for h in ("09:30:00", "13:30:00")]
    bars = CsvBars(stamped(tmp_path / "h.csv", stamps)).bars(f"4h@1d:{NEW_YORK}")
    assert [length for _, length in spans(bars)] == [4, 2.5] * 4
    assert not bars["quality"].any()


def test_a_bar_over_the_open_does_not_fit(tmp_path):
    path = stamped(tmp_path / "h.csv", [iso(parse_time("2024-03-07") + h * HOUR) for h in range(30)])
    with pytest.raises(DataError, match=r"no bar|do not fit into 30m|holds klines of 1h"):
        CsvBars(path).bars(f"30m@1d:{NEW_YORK}")


def four_hours(*hours: int) -> np.ndarray:
    """Times that lie so many hours after each other."""
    return parse_time("2024-01-01") + np.cumsum((0, *hours)) * HOUR


def test_a_clock_that_changes_moves_the_grid_by_an_hour() -> None:
    spring, autumn = four_hours(4, 5, 4, 4), four_hours(4, 3, 4, 4)
    for labels in (spring, autumn):
        opens, closes = clock_spans(labels, 4 * HOUR)
        assert opens.tolist() == labels.tolist()
        assert closes.tolist() == [*labels[1:], labels[-1] + 4 * HOUR]


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param((4, 5, 4, 3, 4, 5), id="three changes in a year"),
        pytest.param((4, 5, 4, 5, 4), id="twice later"),
        pytest.param((4, 6, 4), id="by two hours"),
        pytest.param((4, 5, 6, 4), id="by one hour and by two"),
    ],
)
def test_a_grid_that_moves_otherwise_is_no_clock(hours: tuple[int, ...]) -> None:
    assert clock_spans(four_hours(*hours), 4 * HOUR) is None


def test_bars_of_two_hours_do_not_tell_later_from_sooner() -> None:
    assert clock_spans(four_hours(2, 3, 2, 1, 2), 2 * HOUR) is not None


def test_a_close_that_is_the_last_instant_is_the_next_open() -> None:
    opens = parse_time("2024-01-01") + np.arange(3) * MINUTE
    for last in (0, 1, 1000):
        told = told_spans(opens, opens + MINUTE - last)
        assert (told[0].tolist(), told[1].tolist()) == (opens.tolist(), (opens + MINUTE).tolist())
    assert told_spans(opens, opens + MINUTE + SECOND) is None

"""Trading hours: days, weeks, months and bars of an exchange, against plain Python that looks at every minute."""

import importlib.util
import warnings
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapeflow.aggregation.bars import Aggregator, aggregate
from tapeflow.aggregation.kinds import BarSpec
from tapeflow.aggregation.resample import resample
from tapeflow.aggregation.sessions import Session
from tapeflow.core.clock import DAY, HOUR, MINUTE, parse_time
from tapeflow.core.days import parse_days
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.schema import Quality
from tapeflow.core.sessions import Days
from tapeflow.core.tape import Tape
from tapeflow.strategies.rule_language.times import elapsed, remaining

NEW_YORK = "America/New_York@09:30-16:00"
FUTURES = "America/Chicago@17:00-16:00"
HALF, HOLIDAY = date(2024, 11, 29), date(2024, 11, 28)

needs_calendars = pytest.mark.skipif(
    importlib.util.find_spec("exchange_calendars") is None, reason="exchange_calendars is an extra"
)


def new_york_day(minute: datetime, *, holidays: bool) -> date | None:
    """The trading day of a minute, by the clock in New York."""
    local = minute.astimezone(ZoneInfo("America/New_York"))
    day, clock = local.date(), local.hour * 60 + local.minute
    if local.weekday() > 4 or (holidays and day == HOLIDAY):
        return None
    close = 13 * 60 if holidays and day == HALF else 16 * 60
    return day if 9 * 60 + 30 <= clock < close else None


def futures_day(minute: datetime) -> date | None:
    """The trading day of a minute of a market from Sunday 17:00 on, by the clock in Chicago."""
    local = minute.astimezone(ZoneInfo("America/Chicago"))
    if local.hour == 16:
        return None
    day = local.date() + timedelta(days=local.hour >= 17)
    return day if day.weekday() < 5 else None


def minutes(since: str, until: str):
    lo, hi = parse_time(since), parse_time(until)
    return [datetime.fromtimestamp(t // 1_000_000, UTC) for t in range(lo, hi, MINUTE)]


def tape_between(since: str, until: str, count: int = 6000) -> Tape:
    rng = np.random.default_rng(7)
    time = np.sort(rng.integers(parse_time(since), parse_time(until), count))
    price = 100 + np.round(np.cumsum(rng.normal(size=count)) / 100, 2)
    return Tape.of(time=time, price=price, quantity=rng.integers(1, 9, count) / 4, side=rng.choice([-1, 1], count))


def expected(tape: Tape, day_of, since: str, until: str) -> dict[date, tuple[int, int, float]]:
    """Open, close and volume of each trading day."""
    made: dict[date, list] = {}
    by_minute = tape.time // MINUTE
    for minute in minutes(since, until):
        day = day_of(minute)
        if day is None:
            continue
        at = round(minute.timestamp()) * 1_000_000
        entry = made.setdefault(day, [at, at, 0.0])
        lo, hi = np.searchsorted(by_minute, (at // MINUTE, at // MINUTE + 1))
        entry[1], entry[2] = at + MINUTE, entry[2] + float(tape.quantity[lo:hi].sum())
    return {day: tuple(entry) for day, entry in made.items()}


CASES = [
    (NEW_YORK, lambda m: new_york_day(m, holidays=False), "2024-03-06", "2024-03-14"),
    (FUTURES, futures_day, "2024-10-30T21:00", "2024-11-09"),
    pytest.param("XNYS", lambda m: new_york_day(m, holidays=True), "2024-11-26", "2024-12-04", marks=needs_calendars),
]


@pytest.mark.parametrize(("hours", "day_of", "since", "until"), CASES)
def test_a_day_is_the_hours_of_the_exchange(hours, day_of, since, until):
    tape = tape_between(since, until)
    (bars,) = aggregate([tape[:1000], tape[1000:]], [f"1d@1d:{hours}"])
    wanted = [entry for entry in expected(tape, day_of, since, until).values() if entry[2]]
    made = list(zip(bars["open_time"].tolist(), bars["close_time"].tolist(), bars["volume"].tolist(), strict=True))
    assert made == wanted


@pytest.mark.parametrize(("hours", "day_of", "since", "until"), CASES)
def test_bars_begin_at_the_open_and_end_at_the_close(hours, day_of, since, until):
    tape = tape_between(since, until)
    half, four = aggregate([tape], [f"30m@1d:{hours}", f"4h@1d:{hours}"])
    for bars, length in ((half, 30 * MINUTE), (four, 4 * HOUR)):
        wanted = []
        for opens, closes, volume in expected(tape, day_of, since, until).values():
            if volume:
                wanted += [(t, min(t + length, closes)) for t in range(opens, closes, length)]
        made = list(zip(bars["open_time"].tolist(), bars["close_time"].tolist(), strict=True))
        assert made == [span for span in wanted if made[0][0] <= span[0] <= made[-1][0]]


@pytest.mark.parametrize(("hours", "day_of", "since", "until"), CASES)
def test_longer_bars_are_those_of_the_trades(hours, day_of, since, until):
    tape, known = tape_between(since, until), (parse_time(since), parse_time(until))
    kinds = [f"{kind}@1d:{hours}" for kind in ("1m", "30m", "4h", "1d", "1w", "1mo")]
    fine, *coarse = aggregate([tape], kinds, covered=known, row_size=1.0)
    for bars in coarse:
        made = resample(fine, bars.spec, covered=known)
        for name in ("open_time", "close_time", "open", "high", "low", "close", "trades", "quality"):
            assert made[name].tolist() == bars[name].tolist(), (bars.spec, name)
        assert made["volume"] == pytest.approx(bars["volume"], rel=1e-12)
        assert made["twap_time"] == pytest.approx(bars["twap_time"], rel=1e-9)


def test_what_is_outside_the_hours_is_left_out_and_counted():
    tape = tape_between("2024-03-06", "2024-03-14")
    inside = parse_days(NEW_YORK).inside(tape.time)
    options = {"row_size": "auto", "size_edges": ("p50", "p90")}
    made = aggregate([tape], [f"1m@1d:{NEW_YORK}", f"50t@1d:{NEW_YORK}"], **options)
    known = int(tape.time[0]) + 1, int(tape.time[-1])
    alone = aggregate([tape.take(inside)], [f"1m@1d:{NEW_YORK}", f"50t@1d:{NEW_YORK}"], covered=known, **options)
    for bars, other in zip(made, alone, strict=True):
        for name in bars.columns:
            assert bars[name].tobytes() == other[name].tobytes(), name
        assert f"{np.count_nonzero(~inside):,} trades lie outside the hours {NEW_YORK}" in bars.notes[-1]
        assert not other.notes


def test_extended_keeps_every_trade_and_cuts_at_open_and_close():
    tape = tape_between("2024-03-06", "2024-03-14")
    hour, day, rows = aggregate([tape], [f"{kind}@1d:{NEW_YORK}+extended" for kind in ("1h", "1d", "5000t")])
    for bars in (hour, day, rows):
        assert bars["volume"].sum() == tape.quantity.sum()
    days = parse_days(NEW_YORK)
    for edge in (*days.opens, *days.closes):
        inside = (hour["open_time"] < edge) & (edge < hour["close_time"])
        assert not inside.any()
    empty = hour["volume"] == 0
    assert days.inside(hour["open_time"][empty]).all()
    assert [Days.parse("America/New_York").number(int(t)) for t in day["open_time"][1:]] == [
        *range(19_788, 19_791),
        *range(19_793, 19_796),
    ][: len(day) - 1]


def test_trades_that_are_all_outside_are_an_error():
    tape = tape_between("2024-03-09", "2024-03-10")
    with pytest.raises(DataError, match="no trade within the trading hours; 6,000 trades lie outside"):
        aggregate([tape], [f"1m@1d:{NEW_YORK}"])


def test_bars_of_rows_end_at_the_close():
    tape = tape_between("2024-03-06", "2024-03-14")
    (bars,) = aggregate([tape], [f"100000t@1d:{NEW_YORK}"])
    days = parse_days(NEW_YORK)
    assert set(bars["close_time"][:-1].tolist()) <= set(days.closes.tolist())
    assert len(bars) == 6


def test_days_of_hours_are_those_of_the_clock():
    days, plain = parse_days(NEW_YORK), Days.parse("America/New_York@09:30")
    some = days.days[13_000:14_000]
    assert [days.begin(int(n)) for n in some] == [plain.begin(int(n)) for n in some]
    saturday = days.number(parse_time("2024-03-09T12:00"))
    assert saturday == days.number(parse_time("2024-03-08T15:00")) == 19_790


def test_a_session_is_written_in_several_ways():
    text = Session.of({"open": "09:30", "close": "16:00", "zone": "America/New_York"})
    assert str(text) == f"1d:{NEW_YORK}" == str(Session.parse(str(text)))
    kept = Session.of({"open": "08:00", "close": "20:00", "days": "Mon-Sun", "extended": True})
    assert str(kept) == "1d:UTC@08:00-20:00(Mon-Sun)+extended"
    assert kept.hours is not None
    assert kept.hours.extended
    assert kept.hours.days[1] - kept.hours.days[0] == 1


@pytest.mark.parametrize(
    ("session", "complaint"),
    [
        ({"open": "09:30"}, "hours are an open and a close"),
        ({"open": 1020, "close": "16:00"}, 'open must be text; write open: "17:00"'),
        ({"calendar": "XNYS", "zone": "UTC"}, "calendar says zone itself"),
        ({"zone": "America/New_York", "extended": True}, "extended goes with calendar, or with open and close"),
        ({"open": "09:30", "close": "16:00", "days": "Mon-Fry"}, "are no weekdays"),
        ({"calendar": "XNYS", "extended": "yes"}, "extended must be true or false"),
        ({"openn": "09:30"}, "unknown key 'openn'"),
        ({"open": "9.30", "close": "16:00"}, "'9.30' is no time of day"),
    ],
)
def test_what_is_no_session_is_told(session, complaint):
    with pytest.raises(ValueError, match=complaint):
        Session.of(session)


def test_months_are_bars():
    tape = tape_between("2024-01-15", "2024-05-02")
    month, quarter = aggregate([tape], ["1mo", "3mo"])
    starts = [parse_time(f"2024-{m:02d}-01") for m in range(1, 7)]
    assert month["open_time"].tolist() == starts[:5]
    assert month["close_time"].tolist() == starts[1:]
    assert quarter["open_time"].tolist() == [starts[0], starts[3]]
    assert resample(aggregate([tape], ["1d"])[0], "1mo")["volume"] == pytest.approx(month["volume"], rel=1e-12)
    with pytest.raises(ParamError, match="must be 1, 2, 3, 4, 6 or 12 months"):
        BarSpec.parse("5mo")
    with pytest.raises(ParamError, match="1m is a minute, 1mo a month"):
        BarSpec.parse("1M")


def test_a_day_of_a_zone_is_one_bar_when_clocks_change():
    tape = tape_between("2024-11-01", "2024-11-06")
    (bars,) = aggregate([tape], ["1d@1d:America/New_York"])
    assert set((bars["close_time"] - bars["open_time"]).tolist()) == {DAY, DAY + HOUR}


@needs_calendars
def test_a_calendar_is_that_of_its_package():
    import exchange_calendars
    import pandas as pd

    days = parse_days("XHKG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = exchange_calendars.get_calendar("XHKG")
        minutes = pd.date_range("2024-02-05", "2024-02-20", freq="7min", tz="UTC")
        wanted = [own.is_open_on_minute(m) for m in minutes]
    made = days.inside(minutes.as_unit("us").asi8)
    assert made.tolist() == wanted
    with pytest.raises(ValueError, match="did you mean 'XNYS'"):
        parse_days("XNSY")


def test_rules_know_how_long_a_session_lasts():
    day = tape_between("2024-03-06", "2024-03-14")
    (bars,) = aggregate([day], [f"30m@1d:{NEW_YORK}"])
    left = remaining(bars["open_time"], bars["close_time"], f"1d@{NEW_YORK}")
    gone = elapsed(bars["open_time"], bars["close_time"], f"1d@{NEW_YORK}")
    assert set((left + gone).tolist()) == {390.0}
    assert left.min() == 0


@pytest.mark.parametrize("kind", ["1m", "1h", "1d"])
def test_trades_outside_the_hours_prove_that_the_bars_at_the_edges_are_whole(kind):
    open_, close = parse_time("2024-03-04T14:30"), parse_time("2024-03-08T21:00")
    inside = tape_between("2024-03-04T14:30", "2024-03-08T21:00")

    def partial(tape, venue=None):
        under_way = Aggregator([f"{kind}@1d:{NEW_YORK}", kind])
        under_way.push(tape, venue)
        bars, plain = under_way.finish()
        flags = (bars["quality"] & int(Quality.PARTIAL) != 0).tolist()
        assert plain["quality"][0] & plain["quality"][-1] & int(Quality.PARTIAL)
        return flags[0], flags[-1]

    def at(*times):
        return Tape.of(time=times, price=[100.0] * len(times), quantity=[1.0] * len(times), side=[1] * len(times))

    before, behind = at(open_ - 1), at(close)
    assert partial(inside) == (True, True)
    assert partial(Tape.join([before, inside])) == (False, True)
    assert partial(Tape.join([inside, behind])) == (True, False)
    both = Tape.join([before, inside, behind])
    assert partial(both) == (False, False)
    assert partial(both, np.zeros(len(both), np.int64)) == (True, True)

"""Sessions that begin at any time of day in any zone: against zoneinfo in plain Python, clocks that change included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapeflow.aggregation.kinds import BarSpec
from tapeflow.aggregation.sessions import Session
from tapeflow.api import run
from tapeflow.configs.loader import load_config as load
from tapeflow.core.clock import DAY, HOUR, MINUTE, SECOND, iso, parse_time
from tapeflow.core.days import parse_days
from tapeflow.core.errors import ParamError, TapeflowError
from tapeflow.core.sessions import Days
from tapeflow.core.tape import Tape
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.cvd import CVD
from tapeflow.indicators.framework.inputs import Session as Number
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.indicators.vwap import VWAP
from tapeflow.strategies.rule_language.times import elapsed, session

CHICAGO = "America/Chicago@17:00"
CASES = {
    "futures over the spring change": ("America/Chicago", 17 * 60, "2024-03-10"),
    "futures over the autumn change": ("America/New_York", 18 * 60, "2024-11-03"),
    "a start that clocks skip": ("America/New_York", 2 * 60 + 30, "2024-03-10"),
    "a start that comes twice": ("America/New_York", 60 + 30, "2024-11-03"),
    "the minute at which they skip": ("America/New_York", 2 * 60, "2024-03-10"),
    "a midnight that clocks skip": ("America/Sao_Paulo", 0, "2018-11-04"),
    "a midnight that comes twice": ("America/St_Johns", 0, "2010-11-07"),
    "half an hour's change": ("Australia/Lord_Howe", 60 + 45, "2024-04-07"),
    "a date that never was": ("Pacific/Apia", 9 * 60, "2011-12-30"),
    "a zone ahead": ("Asia/Kolkata", 9 * 60 + 15, "2024-03-31"),
    "UTC from 22:00": ("UTC", 22 * 60, "2024-03-31"),
}


def text_of(zone: str, start: int) -> str:
    return f"{zone}@{start // 60:02d}:{start % 60:02d}"


@cache
def begins(zone: str, start: int, around: str) -> tuple[list[tuple[date, int]], range]:
    """Where days begin, by looking at a clock there minute by minute; named by the date after from noon on."""
    middle = int(datetime.fromisoformat(around).replace(tzinfo=UTC).timestamp())
    minutes = range(middle - 3 * 86_400, middle + 3 * 86_400, 60)
    tz = ZoneInfo(zone)
    walls = [datetime.fromtimestamp(t, tz).replace(tzinfo=None) for t in minutes]
    made = []
    for k in range(-2, 3):
        named = date.fromisoformat(around) + timedelta(days=k)
        due = datetime.combine(named, datetime.min.time()) + timedelta(minutes=start - (1440 if start >= 720 else 0))
        made.append((named, next(t for t, wall in zip(minutes, walls, strict=True) if wall >= due)))
    return made, minutes


@pytest.mark.parametrize("case", CASES)
def test_a_day_begins_when_the_clock_there_first_shows_its_start_or_skips_it(case):
    zone, start, around = CASES[case]
    days = parse_days(text_of(zone, start))
    for named, expected in begins(zone, start, around)[0]:
        number = (named - date(1970, 1, 1)).days
        assert iso(days.begin(number)) == iso(expected * SECOND)


@pytest.mark.parametrize("case", CASES)
def test_every_way_to_number_a_session_agrees_with_the_days_that_have_begun(case):
    zone, start, around = CASES[case]
    expected, minutes = begins(zone, start, around)
    first, last = expected[0][1], expected[-1][1]
    times = np.array([t * SECOND for t in minutes if first <= t < last], np.int64)
    text = text_of(zone, start)
    days = Days.parse(text)
    epoch = date(1970, 1, 1)
    numbers = [max((n - epoch).days for n, begin in expected if begin * SECOND <= t) for t in times.tolist()]
    assert days.numbers(times).tolist() == numbers
    params = {"session": "1d", "timezone": text}
    assert Number().array(params, times).tolist() == numbers
    assert session(times.astype(float), f"1d@{text}").tolist() == numbers
    for time, number in list(zip(times.tolist(), numbers, strict=True))[::97]:
        assert days.number(time) == Number().scalar(params, float(time)) == number
        made = Session.parse(f"1d:{text}")
        assert made.start(time) == max(b * SECOND for _, b in expected if b * SECOND <= time)
        assert made.end(time) > time


def test_a_time_in_between_two_minutes_belongs_to_the_day_before_until_its_last_microsecond():
    days = parse_days(CHICAGO)
    begin = parse_time("2024-03-10T22:00:00")
    assert (days.number(begin) - days.number(begin - 1), days.begin(days.number(begin))) == (1, begin)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("1w:America/Chicago@17:00", "2024-03-10T22:00:00Z"),
        ("month:America/Chicago@17:00", "2024-02-29T23:00:00Z"),
        ("2d:UTC@06:00", "2024-03-12T06:00:00Z"),
        ("1w:UTC@06:00", "2024-03-11T06:00:00Z"),
        ("1d:UTC@12:00", "2024-03-13T12:00:00Z"),
    ],
)
def test_weeks_and_months_begin_with_the_days_that_they_are_named_by(text, start):
    at = parse_time("2024-03-13T18:00:00")
    made = Session.parse(text)
    assert iso(made.start(at)) == start
    params = {"session": made.text, "timezone": made.timezone}
    before, now = Number().array(params, np.array([made.start(at) - 1, at]))
    assert now == before + 1


def test_midnight_is_as_it_was():
    times = np.random.default_rng(0).integers(0, 2**51, 500)
    for zone in ("America/New_York", "Europe/Berlin", "Asia/Tokyo"):
        plain, named = Session("1d", zone), Session.parse(f"1d:{zone}@00:00")
        for time in times[:100].tolist():
            assert plain.start(time) == named.start(time)
            local = datetime.fromtimestamp(time // SECOND, ZoneInfo(zone)).date()
            assert parse_days(zone).number(time) == (local - date(1970, 1, 1)).days


@cache
def tape() -> Tape:
    """Six days over the change of clocks in New York and Chicago."""
    made = SyntheticTape(start="2024-03-08", days=6, rate=0.05, price=100.0, tick=0.01)
    return Tape.join(list(made.tapes()))


def bars_of(spec: str):
    made = SyntheticTape(start="2024-03-08", days=6, rate=0.05, price=100.0, tick=0.01)
    return made.bars(spec, tick=0.01) if spec.startswith("40r") else made.bars(spec)


@pytest.mark.parametrize("kind", ["1h", "7h", "300t", "200v", "20000q", "40r", "80ti", "100vi", "80tr", "9000qr"])
def test_no_kind_of_bar_crosses_five_in_chicago(kind):
    bars = bars_of(f"{kind}@1d:{CHICAGO}")
    days = parse_days(CHICAGO)
    opens, last = days.numbers(bars["open_time"]), days.numbers(bars["close_time"] - 1)
    assert opens.tolist() == last.tolist()
    assert len(set(opens.tolist())) == 7
    assert bars["volume"].sum() == pytest.approx(tape().quantity.sum(), rel=1e-12)
    free = bars_of(kind)
    crossing = days.numbers(free["open_time"]) != days.numbers(free["close_time"] - 1)
    assert crossing.any() or kind == "1h"


def test_time_bars_are_counted_from_the_start_on_both_sides_of_the_change():
    opens = bars_of(f"8h@1d:{CHICAGO}")["open_time"]
    hours = [iso(int(t))[5:16] for t in opens]
    assert hours[:4] == ["03-07T23:00", "03-08T07:00", "03-08T15:00", "03-08T23:00"]
    assert "03-09T23:00" in hours
    assert hours[-4:-1] == ["03-13T06:00", "03-13T14:00", "03-13T22:00"] or "03-12T22:00" in hours


def test_indicators_begin_anew_with_the_session():
    bars = bars_of("15m")
    numbers = parse_days(CHICAGO).numbers(bars["open_time"])
    vwap = VWAP.over(bars, anchor="1d", timezone=CHICAGO)["vwap"]
    cvd = CVD.over(bars, reset="1d", timezone=CHICAGO).iloc[:, 0]
    delta = bars["taker_buy_volume"] - bars["taker_sell_volume"]
    for number in np.unique(numbers):
        rows = numbers == number
        expected = np.cumsum(bars["quote_volume"][rows]) / np.cumsum(bars["volume"][rows])
        np.testing.assert_allclose(vwap[rows], expected, rtol=1e-9)
        np.testing.assert_allclose(cvd[rows], np.cumsum(delta[rows]), rtol=1e-9, atol=1e-9)


def test_a_profile_by_session_is_that_of_each_sessions_bars():
    made = SyntheticTape(start="2024-03-09", days=3, rate=0.02, price=100.0, tick=0.01).bars("1h", row_size=0.1)
    numbers = parse_days(CHICAGO).numbers(made["open_time"])
    whole = VolumeProfile.over(made, session="1d", timezone=CHICAGO)["poc"].to_numpy()
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number)
        alone = VolumeProfile.over(made.slice(int(rows[0]), int(rows[-1]) + 1), session="none")["poc"].to_numpy()
        np.testing.assert_array_equal(whole[rows], alone)


def test_minutes_since_the_start_of_a_session_count_through_the_change():
    closes = np.array([parse_time("2024-03-10T06:00:00")], float)
    assert elapsed(closes - MINUTE, closes, f"1d@{CHICAGO}").tolist() == [7 * 60.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "5t@1d:America/Chigago@17:00",
            "'America/Chigago' is no time zone (did you mean 'America/Chicago'?); write an IANA name",
        ),
        ("5t@1d:America/Chicago@25:00", "'25:00' is no time of day at which a session begins; write it as 17:00"),
        ("5t@1d:America/Chicago@", "'' is no time of day at which a session begins"),
        ("5t@8h:America/Chicago@17:00", "session '8h' is not whole days, weeks or month, which a time zone needs"),
        ("5t@8h:UTC@17:00", "session '8h' is not whole days, weeks or month, which a time zone needs"),
    ],
)
def test_mistakes_are_told_with_what_is_meant(text, says):
    with pytest.raises(ParamError, match="bars: ") as caught:
        BarSpec.parse(text)
    assert says in str(caught.value)


def test_indicators_tell_mistakes_too():
    bars = bars_of("1h")
    with pytest.raises(ParamError, match="'24:30' is no time of day"):
        VWAP.over(bars, timezone="America/Chicago@24:30")
    with pytest.raises(ParamError, match="timezone must be UTC unless"):
        VWAP.over(bars, anchor="4h", timezone="UTC@17:00")


def test_text_comes_back_as_it_was_and_names_a_file():
    spec = BarSpec.parse(f"60m@24h:{CHICAGO}")
    assert (spec.text, spec.file_name) == ("1h@1d:America/Chicago@17:00", "1h@1d-America-Chicago@17-00")
    assert BarSpec.parse(spec.text) == spec


RUN = """name: s
data:
  a:
    feed: SyntheticTape
    days: 3
    bars: {{hour: 1h, flow: "300t", own: 4h@1d}}
    session: {session}
strategy: {{kind: Rules, params: {{long: {{enter: "close > 0"}}}}}}
risk: {{daily_loss: 2%, session: {session}}}
"""


def written(tmp_path, session: str):
    path = tmp_path / "run.yaml"
    path.write_text(RUN.format(session=session))
    return path


@pytest.mark.parametrize(
    "session", ['{zone: America/Chicago, start: "17:00"}', "{zone: America/Chicago, start: 17:00}", f"1d:{CHICAGO}"]
)
def test_a_session_beside_bars_holds_for_all_that_name_none(tmp_path, session):
    config = load(written(tmp_path, session))
    block = config.data["a"]
    assert block.kinds("a") == {"hour": f"1h@1d:{CHICAGO}", "flow": f"300t@1d:{CHICAGO}", "own": "4h@1d"}
    assert config.risk.session == f"1d:{CHICAGO}"


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (
            "{zone: America/Chigago}",
            "'America/Chigago' is no time zone (did you mean 'America/Chicago'?); write an IANA name",
        ),
        ("{zone: UTC, start: 5 pm}", "'5 pm' is no time of day at which a session begins"),
        ("{zone: UTC, begin: 17:00}", "unknown key 'begin'"),
        ("{length: 8h, zone: Asia/Tokyo}", "session '8h' is not whole days"),
        ("{zone: UTC, start: 17}", "must be as in 1d, 1d:America/New_York"),
        ("17", "must be as in 1d, 1d:America/New_York"),
    ],
)
def test_a_wrong_session_in_yaml_is_told_with_its_place(tmp_path, session, says):
    with pytest.raises(TapeflowError) as caught:
        load(written(tmp_path, session))
    assert says in str(caught.value)
    assert "run.yaml:7:" in str(caught.value)


def test_a_session_beside_no_bars_cuts_the_minutes_of_a_tape_and_is_refused_for_klines(tmp_path):
    path = written(tmp_path, "1d")
    path.write_text(path.read_text().replace('    bars: {hour: 1h, flow: "300t", own: 4h@1d}\n', ""))
    assert load(path).data["a"].kinds("a") == {"a": "1m@1d"}
    path.write_text(path.read_text().replace("SyntheticTape\n    days: 3", "BinanceKlines\n    path: x.csv"))
    with pytest.raises(TapeflowError, match="session needs bars beside it, as in bars: 1m"):
        load(path)


def test_a_day_has_23_24_or_25_hours():
    days = parse_days("America/New_York@18:00")
    number = days.number(parse_time("2024-03-10T12:00:00"))
    lengths = {(days.begin(n + 1) - days.begin(n)) // HOUR for n in range(number - 5, number + 260)}
    assert lengths == {23, 24, 25}
    assert DAY // HOUR == 24


TRADED = """name: s
data: {a: {feed: SyntheticTape, days: 4, bars: 15m, session: {zone: America/Chicago, start: 17:00}}}
indicators: {vwap: {kind: VWAP, timezone: America/Chicago@17:00}}
strategy:
  kind: Rules
  params:
    long: {enter: "close > vwap and elapsed('1d@America/Chicago@17:00') > 60", exit: close < vwap}
risk: {daily_loss: 0.2%, session: {zone: America/Chicago, start: 17:00}}
verify: true
"""


def test_a_run_by_such_sessions_is_plain_backtraders_bit_for_bit(tmp_path):
    (tmp_path / "run.yaml").write_text(TRADED)
    made = run(load(tmp_path / "run.yaml"), tmp_path / "out", report=False).summary
    assert (made["engine"], made["verified"]["against"], made["verified"]["equal"]) == ("compiled", "stock", True)
    assert made["verified"]["fills"] > 10

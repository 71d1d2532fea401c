"""A run on trading hours: indicators, rules, limits, sizers and the year follow them, in every engine."""

import json
import math
import statistics
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run
from tapeflow.backtest.broker.sizers import whole_lots
from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.inputs.trading_hours import hours_of, traded_time
from tapeflow.backtest.results.statistics import returns
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config
from tapeflow.core.clock import DAY, HOUR, MINUTE, iso, parse_time
from tapeflow.core.days import parse_days
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.indicators.vwap import VWAP
from tapeflow.research.selection.daily import daily_of
from tapeflow.research.sweep.best import luck_of
from tapeflow.research.sweep.journal import Done
from tapeflow.tests.helpers.trading import config, trade

NEW_YORK = "America/New_York@09:30-16:00"
FUTURES = "America/Chicago@17:00-16:00"
"""Days that no day in UTC is, begun on the date before."""
SESSION = '{open: "17:00", close: "16:00", zone: America/Chicago}'

SHORTER = {"FlowToxicity": {"window": 5}}
"""So that a value is known within the first day."""

RUN = """
name: hours
data:
  future: {{feed: CsvTape, path: tape.csv, bars: 30m, lot: 0.001, session: {session}{more}}}
indicators:
  vwap: {{kind: VWAP, anchor: 1d}}
  cvd: {{kind: CVD, reset: {day}}}
strategy:
  kind: Rules
  params:
    long:
      enter: close > vwap and elapsed('{day}') >= 90 and time >= '03:00'
      exit: close < vwap or remaining('{day}') <= 60
    short: {{enter: "cvd < 0 and change(session('{day}')) == 0 and between('10:00', '13:00')", exit: "cvd > 0"}}
risk: {{daily_loss: 0.05%, session: "{risk}"}}
sizer: {{volatility: 20%, window: 30}}
engine: {engine}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("hours")
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(parse_time("2024-03-04"), parse_time("2024-04-06"), 9000))
    price = 100 + np.cumsum(rng.choice([-0.01, 0, 0.01], 9000))
    lines = [
        f"{iso(int(t))},{p:.2f},1,{s}" for t, p, s in zip(time, price, rng.choice(["buy", "sell"], 9000), strict=True)
    ]
    (made / "tape.csv").write_text("\n".join(["time,price,quantity,side", *lines]) + "\n")
    return made


def outcome(folder, engine="stock", day="1d", risk="1d", session=SESSION, more=""):
    path = folder / "run.yaml"
    path.write_text(RUN.format(session=session, engine=engine, day=day, risk=risk, more=more))
    asked = load_config(path)
    return simulate(asked, read(asked, "future", lambda text: None))


def orders(made):
    return [(row["created_time"], row["executed_size"], row["reason"]) for row in made.record.orders.values()]


def test_a_day_is_that_of_the_hours_in_every_engine(folder):
    made = {engine: outcome(folder, engine) for engine in ("stock", "backtrader", "compiled")}
    assert [one.engine for one in made.values()] == ["stock", "backtrader", "compiled"]
    assert len(orders(made["stock"])) > 40
    assert "daily_loss" in {reason for *_, reason in orders(made["stock"])}
    for one in made.values():
        assert orders(one) == orders(made["stock"])
        for own, other in zip(one.record.equity, made["stock"].record.equity, strict=True):
            assert own.tobytes() == other.tobytes()
    said = outcome(folder, risk=f"1d:{FUTURES}")
    assert orders(said) == orders(made["stock"])
    assert orders(outcome(folder, risk="1d:UTC")) != orders(made["stock"])


@pytest.mark.parametrize("rule", ["elapsed('1d{}') >= 400", "session('1d{}') > 19800", "remaining('1d{}') < 200"])
def test_a_rule_asks_for_the_days_of_the_hours_unless_it_names_others(folder, rule):
    def entries(zone, engine="compiled"):
        path = folder / "rule.yaml"
        path.write_text(
            f"name: r\ndata:\n  a: {{feed: CsvTape, path: tape.csv, bars: 30m, session: {SESSION}}}\n"
            f"strategy:\n  kind: Rules\n  params:\n    long:\n      enter: {rule.format(zone)}\n"
            f"      exit: not ({rule.format(zone)})\n"
            f"engine: {engine}\n"
        )
        asked = load_config(path)
        return orders(simulate(asked, read(asked, "a", lambda text: None)))

    assert entries("") == entries(f"@{FUTURES}") == entries("", "stock")
    assert entries("") != entries("@UTC")


@pytest.mark.parametrize("kind", sorted(name for name, cls in INDICATORS.items() if "timezone" in cls.defaults()))
def test_an_indicator_counts_the_days_of_the_hours_unless_it_names_others(folder, kind):
    cls = INDICATORS.find(kind)
    feed = CsvTape(folder / "tape.csv")
    (bars,) = feed.bars_of([f"30m@1d:{FUTURES}"], row_size=0.05)
    first = next(name for name in ("session", "reset", "anchor") if name in cls.defaults())
    params = {first: "1d", **SHORTER.get(kind, {})}
    own = cls.over(bars, **params)
    pd.testing.assert_frame_equal(own, cls.over(bars, **params, timezone=FUTURES))
    assert not own.equals(cls.over(bars, **params, timezone="UTC"))
    (plain,) = feed.bars_of(["30m"], row_size=0.05)
    pd.testing.assert_frame_equal(cls.over(plain, **params), cls.over(plain, **params, timezone="UTC"))


def test_hours_go_with_a_frame_and_not_with_what_counts_no_days(folder):
    (bars,) = CsvTape(folder / "tape.csv").bars_of([f"30m@1d:{FUTURES}"])
    pd.testing.assert_frame_equal(VWAP.over(bars.frame()), VWAP.over(bars))
    pd.testing.assert_frame_equal(VWAP.over(bars, anchor="4h"), VWAP.over(bars, anchor="4h", timezone="UTC"))


def test_figures_count_the_days_of_the_exchange(folder):
    path = folder / "run.yaml"
    path.write_text(RUN.format(session=SESSION, engine="compiled", day="1d", risk="1d", more=""))
    run(load_config(path), folder / "out", report=False)
    summary = json.loads((folder / "out" / "result.json").read_text())
    assert summary["periods_per_year"] == len(pd.bdate_range("2024-01-01", "2024-12-31"))
    assert summary["sharpe_basis"] == "daily"
    assert any("262 trading days, counted from" in text for text in summary["assumptions"])


def test_extended_is_a_key_of_the_data_block(folder):
    session = '{open: "09:30", close: "16:00", zone: America/New_York}'
    kept = outcome(folder, session=session, more=", extended: true").first
    assert kept.spec == f"30m@1d:{NEW_YORK}+extended"
    assert kept["volume"].sum() == 9000
    inside = outcome(folder, session=session).first
    count = np.count_nonzero(~parse_days(NEW_YORK).inside(CsvTape(folder / "tape.csv").bars("1t")["open_time"]))
    assert inside["volume"].sum() == 9000 - count
    assert f"{count:,} trades lie outside the hours" in inside.notes[0]


@pytest.mark.parametrize(
    ("session", "more", "complaint"),
    [
        ("1d:America/New_York", ", extended: true", "there are none: add session: {calendar: XNYS}"),
        (f"1d:{NEW_YORK}+extended", ", extended: true", "said in session or bars already"),
        (f"1d:{NEW_YORK}", ", extended: maybe", "should be a valid boolean|must be true or false"),
    ],
)
def test_extended_without_hours_is_told(folder, session, more, complaint):
    with pytest.raises(TapeflowError, match=complaint):
        outcome(folder, session=session, more=more)


def test_a_year_is_as_long_as_that_of_the_exchange():
    hours = parse_days(NEW_YORK)
    closes = hours.closes[(hours.closes > parse_time("2024-01-01")) & (hours.closes < parse_time("2024-03-01"))]
    value = 100 + np.arange(len(closes), dtype=float)
    made, per_year, basis = returns(closes, value, 100.0, hours)
    weekdays = len(pd.bdate_range("2024-01-01", "2024-12-31"))
    assert (per_year, basis, len(made)) == (weekdays, "daily", len(closes))
    minutes = np.arange(closes[0] - 60 * MINUTE, closes[0], MINUTE)
    _, per_year, basis = returns(minutes + MINUTE, np.linspace(100, 101, len(minutes)), 100.0, hours)
    assert (per_year, basis) == (weekdays * 390, "bar")
    assert returns(closes, value, 100.0)[1] == 365 * DAY / DAY


def test_bars_outside_the_hours_are_counted_by_the_day():
    hours = parse_days(f"{NEW_YORK}+extended")
    opens = hours.opens[(hours.opens > parse_time("2024-03-04")) & (hours.opens < parse_time("2024-03-16"))]
    bars = (
        opens[:, None] + HOUR * np.arange(-1, 9)
    ).ravel() + HOUR  # of an hour, two of them before or behind the hours
    made, per_year, basis = returns(bars, np.linspace(100, 101, len(bars)), 100.0, hours)
    assert (len(made), basis) == (100, "bar")
    assert per_year == 10 * len(pd.bdate_range("2024-01-01", "2024-12-31"))


@pytest.mark.parametrize(("kind", "bars_a_day"), [("1d", 1), ("30m", 13), ("1h", 7)])
def test_a_target_of_volatility_counts_trading_alone(folder, kind, bars_a_day):
    from tapeflow.tests.backtest.broker.test_sizers import _Once

    rng = np.random.default_rng(5)
    hours = parse_days(NEW_YORK)
    at = hours.opens[(hours.opens > parse_time("2024-01-05")) & (hours.opens < parse_time("2024-06-01"))]
    time = np.sort((at[:, None] + rng.integers(0, 390 * MINUTE, (len(at), 60))).ravel())
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.001, len(time))))
    rows = [f"{iso(int(t))},{p:.4f},1,buy" for t, p in zip(time, price, strict=True)]
    (folder / "stock.csv").write_text("\n".join(["time,price,quantity,side", *rows]) + "\n")
    (bars,) = CsvTape(folder / "stock.csv").bars_of([f"{kind}@1d:{NEW_YORK}"])
    assert hours_of(bars) is hours
    made = trade(bars, {}, config(sizer={"volatility": 20, "window": 30}, data={"lot": 1e-6}), _Once)
    closes = bars["close"][29:60].tolist()
    moves = [math.log(b / a) for a, b in pairwise(closes)]
    now, then = (int(bars["close_time"][i]) for i in (59, 29))
    minutes = np.arange(now - 365 * DAY, now, MINUTE)
    open_minutes = hours.inside(minutes)
    share = 0.2 / (statistics.stdev(moves) * math.sqrt(30 * open_minutes.sum() / open_minutes[minutes >= then].sum()))
    assert made.column("size") == [whole_lots(10_000 * min(share, 1.0) / closes[-1], 1e-6)]
    elapsed, year = traded_time(hours, bars["close_time"][29:30], bars["close_time"][59:60])
    assert year[0] / elapsed[0] * 30 / bars_a_day == pytest.approx(261, rel=0.04)


def test_a_year_before_the_calendar_begins_is_told_by_what_there_is():
    hours = parse_days("UTC@08:00-16:00(Mon-Sun)")
    first = int(hours.opens[0])
    elapsed, year = traded_time(hours, np.array([first + DAY]), np.array([first + 11 * DAY]))
    assert elapsed.tolist() == [80.0 * HOUR]
    assert year.tolist() == pytest.approx([365 * 8.0 * HOUR], rel=0.03)


def test_a_sweep_keeps_returns_by_trading_days(tmp_path):
    hours = parse_days(FUTURES)
    at = hours.opens[(hours.opens > parse_time("2022-01-05")) & (hours.opens < parse_time("2023-04-01"))]
    time = (at[:, None] + np.arange(0, 23 * HOUR, HOUR)).ravel()
    price = 100 * np.exp(np.cumsum(np.random.default_rng(2).normal(0, 0.002, len(time))))
    rows = [f"{iso(int(t))},{p:.4f},1,buy" for t, p in zip(time, price, strict=True)]
    (tmp_path / "tape.csv").write_text("\n".join(["time,price,quantity,side", *rows]) + "\n")
    path = tmp_path / "run.yaml"
    path.write_text(
        f"name: r\ndata:\n  a: {{feed: CsvTape, path: tape.csv, bars: 2h, session: {SESSION}}}\n"
        "strategy:\n  kind: Rules\n"
        "  params:\n    long: {enter: close > open, exit: close < open}\n"
        "    short: {enter: close < open, exit: close > open}\n"
    )
    asked = load_config(path)
    made = simulate(asked, read(asked, "a", lambda text: None))
    kept = daily_of(made)
    value, day = made.equity["value"], hours.numbers(made.equity["time"] - 1)
    assert kept.first == day[0]
    assert np.flatnonzero(~np.isnan(kept.made)).tolist() == [d - day[0] for d in sorted(set(day.tolist()))]
    last = [value[np.flatnonzero(day == d)[-1]] for d in sorted(set(day.tolist()))]
    wanted = [b / a - 1 for a, b in pairwise([asked.broker.cash, *last])]
    assert kept.made[~np.isnan(kept.made)] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    row = {"periods_per_year": made.figures()["periods_per_year"], "exposure_pct": 50.0, "trades": 100}
    assert row["periods_per_year"] == len(pd.bdate_range("2022-01-01", "2023-12-31")) / 2
    found = luck_of({1: Done(1, row, "", kept.text())})
    ratio = float(np.nanmean(kept.made) / np.nanstd(kept.made, ddof=1))
    assert found.best == pytest.approx(ratio * math.sqrt(row["periods_per_year"]), rel=1e-5)

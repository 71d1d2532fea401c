"""Every kind of bars against its plain definition, however the tape is cut, and what runs make of several kinds."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.cutters import REACH
from tapeflow.aggregation.cutting import MEMORY, MOST_ROWS
from tapeflow.aggregation.kinds import BarSpec
from tapeflow.aggregation.sessions import Grid, Session
from tapeflow.api import run
from tapeflow.cli import main
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.files.tables import read_table
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades
from tapeflow.feeds.synthetic import SyntheticTape

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
START = 1_700_000_000_000_000 // HOUR * HOUR
PARTIAL, INFERRED = int(Quality.PARTIAL), int(Quality.INFERRED_SIDE)
TICK = 0.1
KINDS = ("7t", "0.9v", "90.5q", "12r", "4ti", "0.7vi", "80qi", "5tr", "1.1vr", "95qr")
CUT = tuple(f"{kind}@1h" for kind in KINDS)
TIMED = ("1m", "7m", "25m@1h")


@st.composite
def tapes(draw, most=120, dyadic=False):
    """Trades with equal times, one-sided stretches and unknown sides; with ``dyadic`` every sum is exact."""
    waits = st.sampled_from([0, 0, 1, 999, 250_000, 30_000_000, 1_500_000_000])
    row = st.tuples(waits, st.integers(-6, 6), st.integers(1, 900), st.sampled_from([1, 1, -1, -1, 0]))
    time, ticks, made = START + draw(st.integers(0, HOUR)), 1000, []
    for wait, step, lots, side in draw(st.lists(row, min_size=1, max_size=most)):
        time, ticks = time + wait, max(5, ticks + step)
        price, quantity = (ticks / 8, lots / 1024) if dyadic else (ticks / 10, lots / 1000)
        made.append((time, price, quantity, side))
    return made


def tape_of(trades):
    return Tape.of(**{n: [t[i] for t in trades] for i, n in enumerate(("time", "price", "quantity", "side"))})


def steps(amount):
    """Whole steps of 1e-8, halves to even."""
    return round(amount * 1e8)


def added(trade, measure):
    return {"t": 1, "v": steps(trade[2]), "q": steps(trade[1] * trade[2])}[measure]


def is_full(bar, spec, threshold):
    if spec.measure == "r":
        ticks = [round(t[1] / TICK) for t in bar]
        return max(ticks) - min(ticks) >= spec.size
    bought, sold = (sum(added(t, spec.measure) for t in bar if t[3] == sign) for sign in (1, -1))
    if spec.rule == "i":
        return abs(bought - sold) >= threshold or len(bar) >= MOST_ROWS
    if spec.rule == "r":
        return max(bought, sold) >= threshold or len(bar) >= MOST_ROWS
    return sum(added(t, spec.measure) for t in bar) >= threshold


class Expectation:
    """The published recursion, kept within bounds."""

    def __init__(self, spec):
        self.spec, self.start = spec, spec.size * (1 if spec.measure == "t" else 10**8)
        self.threshold, self.means = self.start, None

    def learn(self, bar):
        if not self.spec.rule:
            return
        bought, sold = (sum(added(t, self.spec.measure) for t in bar if t[3] == sign) for sign in (1, -1))
        seen = (float(len(bar)), bought / len(bar), sold / len(bar))
        weight = 2.0 / (MEMORY + 1.0)
        if self.means is None:
            self.means = seen
        else:
            self.means = tuple(m + (x - m) * weight for m, x in zip(self.means, seen, strict=True))
        rows, buys, sells = self.means
        flow = abs(buys - sells) if self.spec.rule == "i" else max(buys, sells)
        low, high = (round(Fraction(r) * Fraction(self.start)) for r in REACH)
        self.threshold = min(max(round(rows * flow), max(1, low)), high)


def plain_bars(trades, text):
    """Bars of trades as (rows, open time, close time, partial)."""
    spec = BarSpec.parse(text)
    expected, made, bar, session = Expectation(spec), [], [], None
    closed = -math.inf

    def end(at, partial):
        nonlocal bar, closed
        closed = max(at, closed + 1)
        made.append((bar, bar[0][0], closed, partial))
        bar = []

    for trade in trades:
        hour = trade[0] // HOUR if spec.session else None
        if bar and hour != session:
            end((session + 1) * HOUR, False)
        session = hour
        bar.append(trade)
        if is_full(bar, spec, expected.threshold):
            expected.learn(bar)
            end(trade[0] + 1, False)
    if bar:
        end(bar[-1][0] + 1, True)
    return made


def nearest(values):
    return float(sum((Fraction(v) for v in values), Fraction(0)))


def columns_of(rows, opens, closes, partial, before):
    prices, amounts = [r[1] for r in rows], [r[1] * r[2] for r in rows]
    delta = list(itertools.accumulate((Fraction(r[2]) * r[3] for r in rows), initial=Fraction(0)))
    held = list(
        zip([before if before is not None else prices[0], *prices], [opens, *(r[0] for r in rows)], strict=True)
    )
    ends = [*(t for _, t in held[1:]), closes]
    return {
        "open_time": opens,
        "close_time": closes,
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "volume": nearest(r[2] for r in rows),
        "quote_volume": nearest(amounts),
        "trades": len(rows),
        "taker_buy_count": sum(r[3] > 0 for r in rows),
        "taker_sell_count": sum(r[3] < 0 for r in rows),
        "taker_buy_volume": nearest(r[2] for r in rows if r[3] > 0),
        "taker_sell_volume": nearest(r[2] for r in rows if r[3] < 0),
        "taker_sell_quote_volume": nearest(a for a, r in zip(amounts, rows, strict=True) if r[3] < 0),
        "delta_high": float(max(delta)),
        "delta_low": float(min(delta)),
        "twap_time": float(sum(Fraction(p) * (e - t) for (p, t), e in zip(held, ends, strict=True)) / (closes - opens)),
        "twap_trade": nearest(prices) / len(rows),
        "quality": partial * PARTIAL | any(r[3] == 0 for r in rows) * INFERRED,
    }


def same_bytes(a, b):
    for name in a.columns:
        assert a[name].tobytes() == b[name].tobytes(), name
    for name in ("offsets", "price_tick", "buy_volume", "sell_volume"):
        assert getattr(a.levels, name).tobytes() == getattr(b.levels, name).tobytes(), name


@settings(max_examples=60, deadline=None)
@given(tapes(), st.sampled_from(KINDS + CUT))
def test_a_bar_ends_with_the_trade_that_its_kind_says(trades, kind):
    trades = trades if any(t[3] for t in trades) else [(*t[:3], 1) for t in trades]
    (bars,) = aggregate([tape_of(trades)], [kind], tick=TICK)
    before, made = None, []
    for bar in plain_bars(trades, kind):
        made.append(columns_of(*bar, before))
        before = made[-1]["close"]
    for name in made[0]:
        wanted = [bar[name] for bar in made]
        if name.startswith("twap"):
            np.testing.assert_allclose(bars[name], wanted, rtol=1e-15, atol=0, err_msg=name)
        else:
            assert bars[name].tolist() == wanted, name


@settings(max_examples=40, deadline=None)
@given(tapes(), st.lists(st.integers(0, 120), max_size=8), st.integers(1, 40))
def test_cuts_move_no_edge_and_change_no_byte(trades, cuts, every):
    trades = [(*trades[0][:3], 1), *trades[1:]]
    tape = tape_of(trades)
    edges = sorted({0, len(tape), *(min(c, len(tape)) for c in cuts)})
    cut = [tape[lo:hi] for lo, hi in itertools.pairwise(edges)]
    even = [tape[i : i + every] for i in range(0, len(tape), every)]
    kinds = (*KINDS, *CUT, *TIMED)
    whole = aggregate([tape], kinds, tick=TICK, row_size=0.5)
    for parts in (cut, even, [tape[:0], *cut, tape[:0]]):
        for a, b in zip(whole, aggregate(parts, kinds, tick=TICK, row_size=0.5), strict=True):
            same_bytes(a, b)


@settings(max_examples=40, deadline=None)
@given(tapes(dyadic=True))
def test_every_kind_holds_the_whole_tape_and_its_rows_hold_every_bar(trades):
    trades = [(*trades[0][:3], 1), *trades[1:]]
    tape = tape_of(trades)
    for bars in aggregate([tape], (*KINDS, *CUT, *TIMED), tick=0.125, row_size=0.5):
        assert bars["volume"].sum() == tape.quantity.sum()
        assert bars["quote_volume"].sum() == (tape.price * tape.quantity).sum()
        assert bars["taker_buy_volume"].sum() == tape.quantity[tape.side > 0].sum()
        assert bars["taker_sell_count"].sum() == (tape.side < 0).sum()
        assert bars["trades"].sum() == len(tape)
        both, offsets = bars.levels.buy_volume + bars.levels.sell_volume, bars.levels.offsets
        assert [both[a:b].sum() for a, b in itertools.pairwise(offsets)] == bars["volume"].tolist()


@settings(max_examples=100, deadline=None)
@given(tapes(most=60), st.sampled_from(KINDS + CUT + TIMED), st.integers(0, 59))
def test_no_bar_is_known_before_its_last_trade_nor_needs_a_later_one(trades, kind, pick):
    trades = [(*trades[0][:3], 1), *trades[1:]]
    tape = tape_of(trades)
    (bars,) = aggregate([tape], [kind], tick=TICK, row_size=0.5)
    assert (np.diff(bars["close_time"]) > 0).all()
    assert (np.diff(bars["open_time"]) >= 0).all()
    counts = bars["trades"].astype(int)
    ends = np.cumsum(counts)
    traded = np.flatnonzero(counts)
    assert (bars["close_time"][traded] > tape.time[ends[traded] - 1]).all()
    assert (bars["open_time"][traded] <= tape.time[(ends - counts)[traded]]).all()
    k = int(traded[pick % len(traded)])
    until = (None, int(bars["close_time"][k]))
    (known,) = aggregate([tape[: ends[k]]], [kind], tick=TICK, row_size=0.5, covered=until)
    assert len(known) == k + 1
    for name in ("close", "volume", "delta_low", "realized_vol", "close_time"):
        np.testing.assert_array_equal(known[name], bars[name][: k + 1], err_msg=name)


def test_trades_of_one_instant_may_fall_into_bars_that_close_one_after_the_other():
    (bars,) = aggregate([tape_of([(START, 1.0, 1.0, 1)] * 5)], ["2t"])
    assert bars["open_time"].tolist() == [START] * 3
    assert (bars["close_time"] - START).tolist() == [1, 2, 3]


def test_only_a_bar_that_still_waits_for_a_trade_is_partial():
    tape = tape_of([(START + i, 1.0, 1.0, 1) for i in range(6)])
    assert aggregate([tape], ["3t"])[0]["quality"].tolist() == [0, 0]
    assert aggregate([tape], ["4t"])[0]["quality"].tolist() == [0, PARTIAL]
    (bars,) = aggregate([tape], ["4t@1h"], covered=(None, START + HOUR))
    assert bars["quality"].tolist() == [0, 0], "the session is known to have ended"
    assert bars["close_time"].tolist() == [START + 4, START + HOUR]


def test_what_a_trade_brings_too_much_does_not_count_for_the_next_bar():
    (bars,) = aggregate([tape_of([(START + i, 1.0, q, 1) for i, q in enumerate((0.3, 5.0, 0.6, 0.4))])], ["1v"])
    assert bars["volume"].tolist() == [5.3, 1.0]


def test_thresholds_are_met_in_decimals_where_floats_fall_short():
    trades = [(START + i, 3.0, 0.1, 1) for i in range(10)]
    assert np.cumsum([0.1] * 10)[-1] < 1.0  # `sum` is compensated from Python 3.12 on
    assert aggregate([tape_of(trades)], ["1v"])[0]["trades"].tolist() == [10]
    assert aggregate([tape_of(trades)], ["3q"])[0]["quality"].tolist() == [0]


def test_huge_amounts_overflow_nothing():
    trades = [(START + i, 1e-8, 3e14, 1) for i in range(20)]
    kinds = {"1e15v": 4, "1e15vi": 4, "9e14vr@1d": 3, "0.00000001v": 1, "0.00000001q": 1, "0.00000001vi": 1, "9e6q": 3}
    for kind, per_bar in kinds.items():
        (bars,) = aggregate([tape_of(trades)], [kind])
        assert bars["trades"][0] == per_bar, kind


@pytest.mark.parametrize("kind", ["50ti", "5vi", "50qi", "50tr", "5vr", "50qr"])
@pytest.mark.parametrize("market", ["buys", "turns", "noise", "growing"])
def test_imbalance_and_run_bars_neither_vanish_nor_explode(kind, market):
    n = 40_000
    rng = np.random.default_rng(3)
    side = {"buys": np.ones(n), "growing": np.ones(n), "turns": np.resize([1] * 700 + [-1] * 900, n)}
    sides = side.get(market, rng.choice([1, -1], n)).astype(np.int8)
    quantity = np.full(n, 0.1) if market != "growing" else 0.1 * 1.0002 ** np.arange(n)
    (bars,) = aggregate(
        [Tape.of(time=START + np.arange(n), price=np.full(n, 1.0), quantity=quantity, side=sides)], [kind]
    )
    spec = BarSpec.parse(kind)
    what = {"t": ("taker_buy_count", "taker_sell_count"), "v": ("taker_buy_volume", "taker_sell_volume")}
    bought, sold = (bars[c][:-1] for c in what.get(spec.measure, ("taker_buy_quote_volume", "taker_sell_quote_volume")))
    flow = abs(bought - sold) if spec.rule == "i" else np.maximum(bought, sold)
    largest = 1.0 if spec.measure == "t" else quantity.max()
    assert (flow >= REACH[0] * float(spec.size) - 1e-9).all()
    assert (flow < REACH[1] * float(spec.size) + largest).all()
    if market != "noise":
        assert len(bars) > 40_000 / (REACH[1] * 1600 * 10)


def test_a_market_in_balance_ends_bars_after_the_most_rows():
    n = 2 * MOST_ROWS + 5
    sides = np.resize([1, -1], n)
    (bars,) = aggregate(
        [Tape.of(time=START + np.arange(n), price=np.ones(n), quantity=np.ones(n), side=sides)], ["9ti"]
    )
    assert bars["trades"].tolist() == [MOST_ROWS, MOST_ROWS, 5]


def test_rows_of_unknown_side_end_no_imbalance_bar_and_a_tape_of_them_is_refused():
    sides = [1, 0, 0, 0, 1, 1]
    (bars,) = aggregate([tape_of([(START + i, 1.0, 1.0, s) for i, s in enumerate(sides)])], ["2ti"])
    assert bars["trades"].tolist() == [5, 1]
    with pytest.raises(DataError, match="bars of 2ti need the aggressor's side, which no row has"):
        aggregate([tape_of([(START, 1.0, 1.0, 0)])], ["2ti"])


def test_range_bars_need_a_tick():
    with pytest.raises(ParamError, match="bars: 10r is a range in ticks; set tick"):
        aggregate([], ["10r"])


def local_midnights(zone, first, days):
    """Where local dates change, found by looking at every quarter of an hour."""
    at = datetime.fromisoformat(first).replace(tzinfo=UTC)
    hours = [at + timedelta(minutes=15 * k) for k in range(96 * days)]
    dates = [h.astimezone(ZoneInfo(zone)).date() for h in hours]
    return [round(h.timestamp()) * SECOND for h, a, b in zip(hours[1:], dates[:-1], dates[1:], strict=False) if b > a]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Paris", "Asia/Tokyo", "Asia/Kathmandu", "America/Sao_Paulo"]
)
@pytest.mark.parametrize("first", ["2018-10-25", "2024-03-01", "2024-10-20"])
def test_days_of_a_zone_begin_where_its_date_changes(zone, first):
    wanted = local_midnights(zone, first, 30)
    edges = Grid(24 * HOUR + HOUR, Session("1d", zone)).edges(wanted[0], wanted[-1] - 1)
    assert edges.tolist() == wanted


def test_months_and_weeks_begin_where_calendars_say():
    def at(text):
        return round(datetime.fromisoformat(text).timestamp()) * SECOND

    month = Session.parse("month:America/New_York")
    assert month.start(at("2024-03-31T12:00+00:00")) == at("2024-03-01T00:00-05:00")
    assert month.end(at("2024-03-31T12:00+00:00")) == at("2024-04-01T00:00-04:00")
    week = Session.parse("1w:Europe/Paris")
    assert week.start(at("2024-04-07T21:00+00:00")) == at("2024-04-01T00:00+02:00")


def test_time_bars_of_a_session_begin_with_it_and_are_cut_by_it():
    edges = Grid(4 * HOUR, Session.parse("1d:America/New_York")).edges(1_710_047_000_000_000, 1_710_120_000_000_000)
    hours = [datetime.fromtimestamp(t // SECOND, ZoneInfo("America/New_York")).hour for t in edges.tolist()]
    assert hours == [0, 5, 9, 13, 17, 21, 0], "the day on which clocks go from 2 to 3"


@settings(max_examples=25, deadline=None)
@given(tapes(most=60))
def test_no_bar_crosses_the_midnight_of_its_zone(trades):
    trades = [(t[0] + 40 * i * MINUTE, *t[1:]) for i, t in enumerate(trades)]
    (bars,) = aggregate([tape_of(trades)], ["50t@1d:America/New_York"])
    zone = ZoneInfo("America/New_York")

    def date(us):
        return datetime.fromtimestamp(us // SECOND, UTC).astimezone(zone).date()

    ends = np.cumsum(bars["trades"]).astype(int)
    starts = np.concatenate([[0], ends[:-1]])
    assert all(date(trades[a][0]) == date(trades[b - 1][0]) for a, b in zip(starts, ends, strict=True))
    assert len(bars) >= len({date(t[0]) for t in trades})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("60m", "1h"),
        (" 500t ", "500t"),
        ("1_000_000q", "1000000q"),
        ("2.50v", "2.5v"),
        ("1e6qi", "1000000qi"),
        ("500t@24h", "500t@1d"),
        ("500t@1d:UTC", "500t@1d"),
        ("1d@month:Asia/Tokyo", "1d@month:Asia/Tokyo"),
        ("0020r", "20r"),
    ],
)
def test_kinds_have_one_spelling(text, canonical):
    spec = BarSpec.parse(text)
    assert spec.text == canonical
    assert BarSpec.parse(canonical) == BarSpec.parse(spec) == spec


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("500ticks", r"'500ticks' is no kind of bar, did you mean '500t'\?; write a number and s, m, h, d or w"),
        ("5min", r"'5min' is no kind of bar, did you mean '5m'\?"),
        ("9vib", r"'9vib' is no kind of bar, did you mean '9vi'\?"),
        ("5mo", "'5mo' must be 1, 2, 3, 4, 6 or 12 months"),
        ("x", "'x' is no kind of bar; write"),
        ("0m", "'0m' is no kind of bar; write"),
        ("-5t", "'-5t' is no kind of bar; write"),
        ("10ri", "'10ri' is no kind of bar"),
        ("1.5t", "'1.5t' must be a whole number of rows"),
        ("1.5r", "'1.5r' must be a whole number of ticks"),
        ("1.5m", "'1.5m' must be a whole number of m"),
        ("0.000000001v", "'0.000000001v' has more than 8 decimals"),
        ("1e99v", "'1e99v' is larger than any bar"),
        ("5t@", "'5t@': '' is no interval"),
        ("1d@XNYS", "'1d@XNYS': days of XNYS are written 1d:XNYS, as in 1m@1d:XNYS"),
        ("1d@1d@XNYS", "'1d@1d@XNYS': days of XNYS are written 1d:XNYS, as in 1m@1d:XNYS"),
        (
            "5t@Asia/Tokyo@09:00",
            "'5t@Asia/Tokyo@09:00': days of Asia/Tokyo@09:00 are written 1d:Asia/Tokyo@09:00, as in",
        ),
        ("1d:Asia/Tokyo", r"'1d:Asia/Tokyo' is no kind of bar, but a session; did you mean '1d@1d:Asia/Tokyo'"),
        ("5t@1m", "'5t@1m': session '1m' must be whole hours, days or weeks, or month"),
        (
            "5t@8h:Asia/Tokyo",
            "'5t@8h:Asia/Tokyo': session '8h' is not whole days, weeks or month, which a time zone needs",
        ),
        ("5t@1d:Asia/Tokio", "'5t@1d:Asia/Tokio': 'Asia/Tokio' is no time zone"),
    ],
)
def test_what_is_no_kind_of_bars_is_told_with_what_is(text, complaint):
    with pytest.raises(ParamError, match=f"^bars: {complaint}"):
        BarSpec.parse(text)


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    """The same 6,000 trades as one dump and as five."""
    folder, lines = tmp_path_factory.mktemp("dumps"), []
    for tape in SyntheticTape(rows=6_000, days=1).tapes():
        for i in range(len(tape)):
            maker, k = bool(tape.side[i] < 0), len(lines)
            price, quantity, ms = tape.price[i], tape.quantity[i], tape.time[i] // 1000
            lines.append(f"{k},{price:.1f},{quantity:.4f},{k},{k},{ms},{maker},True\n")
    (folder / "whole.csv").write_text("".join(lines))
    for part, (lo, hi) in enumerate(itertools.pairwise([0, 1, 700, 3_333, 5_999, 6_000])):
        (folder / f"part-{part}.csv").write_text("".join(lines[lo:hi]))
    return folder


def test_five_files_give_the_bytes_of_one(dumps):
    kinds = ("1m", "500t", "2.5v", "50000q", "30r", "40ti", "1vi", "9000qi", "60tr", "2vr", "30000qr@1h")
    one, five = (
        BinanceAggTrades(dumps / name).bars_of(kinds, tick=0.1, row_size=5) for name in ("whole.csv", "part-*")
    )
    for a, b in zip(one, five, strict=True):
        assert len(a) > 3
        same_bytes(a, b)


def test_the_command_line_makes_all_kinds_in_one_pass(dumps, tmp_path):
    kinds = ("1m", "500t", "30r@1d:Asia/Tokyo")
    out, levels = tmp_path / "bars-{spec}.parquet", tmp_path / "levels-{spec}.csv"
    options = ["--feed", "BinanceAggTrades", *itertools.chain(*(("--bars", k) for k in kinds)), "--tick", "0.1"]
    command = ["bars", str(dumps / "whole.csv"), *options, "--row-size", "5", "--partial"]
    done = CliRunner().invoke(main, [*command, "--out", str(out), "--levels", str(levels), "--json"])
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in tmp_path.glob("*.parquet")) == [
        "bars-1m.parquet",
        "bars-30r@1d-Asia-Tokyo.parquet",
        "bars-500t.parquet",
    ]
    for told, kind in zip(json.loads(done.stdout), kinds, strict=True):
        table = read_table(told["out"])
        assert (told["spec"], told["bars"]) == (kind, len(table["volume"]))
        assert table["trades"].sum() == 6_000
    done = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "bars.csv")])
    assert (done.exit_code, "--out: 3 kinds of bars need {spec} in the name" in done.stderr) == (2, True)


CONFIG = """
name: kinds
data:
  btc: {feed: SyntheticTape, days: 0.25, bars: BARS, row_size: 5, tick: 0.1}
indicators:
  delta: {kind: VolumeDelta}
MORE
strategy:
  kind: Rules
  params:
    long: {enter: "delta > 0 and close > close[1]", exit: "delta < 0"}
    short: {enter: "delta < 0 and close < close[1]"}
    stop_loss: 0.05%
    trailing_stop: 0.06%
    take_profit: 0.1%
    time_stop: 7
broker: {cash: 100000, fees: {maker: 2bp, taker: 5bp}, slippage: 1tick}
"""


def config(folder, bars, more="", text=CONFIG):
    path = folder / "run.yaml"
    path.write_text(text.replace("BARS", bars).replace("MORE", more))
    return load_config(path)


def test_feeds_beside_the_traded_one_change_no_trade(tmp_path):
    more = "  flow: {kind: VolumeDelta, data: vol}\n  rows: {kind: VolumeDelta, data: ticks}"
    run(config(tmp_path, "1m"), tmp_path / "one", report=False)
    result = run(config(tmp_path, "{fast: 1m, vol: 0.5v, ticks: 25t}", more), tmp_path / "three")
    trades, equity, bars = (
        {n: pd.read_parquet(tmp_path / n / f"{table}.parquet") for n in ("one", "three")}
        for table in ("trades", "equity", "bars")
    )
    assert len(trades["one"]) > 50
    pd.testing.assert_frame_equal(trades["three"].assign(data="btc"), trades["one"])
    pd.testing.assert_frame_equal(equity["three"], equity["one"])
    counts = bars["three"].groupby("data")["trades"].agg(["size", "sum"])
    assert list(bars["three"]["data"].unique()) == ["fast", "vol", "ticks"]
    assert counts.loc["fast", "size"] == result.summary["bars"] == 360
    assert counts["sum"].nunique() == 1
    assert counts["size"].min() >= 360


def test_the_first_kind_is_traded_and_read(tmp_path):
    made = config(tmp_path, "{vol: 2v, slow: 1h}")
    assert list(made.feeds.items()) == [("vol", "btc"), ("slow", "btc")]
    assert made.indicators["delta"].data == "vol"
    assert made.resolved()["data"]["btc"]["bars"] == {"vol": "2v", "slow": "1h"}


@pytest.mark.parametrize(
    ("bars", "more", "complaint"),
    [
        ("{fast: 1m, vol: 5x}", "", "data.btc.bars.vol: '5x' is no kind of bar, did you mean '5t'"),
        ("{fast: 1m, 2nd: 5t}", "", "data.btc.bars.2nd: a name must be letters, digits and _"),
        ("{}", "", "data.btc.bars: must be a kind of bars, as in 1m, or one for each name"),
        ("{fast: 3}", "", "data.btc.bars: must be a kind of bars, as in 1m, or one for each name"),
        ("{delta: 1m}", "", "indicators.delta: 'delta' is a data block already"),
        (
            "{fast: 1m}",
            "  x: {kind: VolumeDelta, data: fost}",
            "x.data: unknown data block 'fost', did you mean 'fast'?",
        ),
        ("{fast: 1m}", "  x: {kind: VolumeDelta, data: btc}", "indicators.x.data: unknown data block 'btc'"),
    ],
)
def test_mistakes_in_kinds_are_told_where_they_stand(tmp_path, bars, more, complaint):
    with pytest.raises(MistakesError) as told:
        config(tmp_path, bars, more)
    assert complaint in str(told.value)
    assert "run.yaml:" in str(told.value)


@pytest.mark.parametrize(
    ("feed", "complaint"),
    [
        ("feed: BinanceKlines, path: x, bars: 500t", "'500t' must be cut from trades; BinanceKlines gives klines"),
        ("feed: BinanceTrades, path: x, bars: 10r", "'10r' is a range in ticks: set tick beside it"),
        ("feed: SyntheticTape, bars: {btc: 1m}}\n  two: {feed: SyntheticTape, bars: {btc: 2m}", "'btc' is the name of"),
    ],
)
def test_what_a_feed_cannot_cut_is_told_before_it_is_read(tmp_path, feed, complaint):
    text = CONFIG.replace("feed: SyntheticTape, days: 0.25, bars: BARS, row_size: 5, tick: 0.1", feed)
    with pytest.raises(MistakesError) as told:
        config(tmp_path, "", "", text)
    assert complaint in str(told.value)

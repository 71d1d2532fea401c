"""Time at price against its definition in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import HOUR, MINUTE
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.kernels.value_area import point_of_control, value_area
from tapeflow.indicators.tpo import TPO
from tapeflow.tests.indicators.test_dialect_programs import closes, google, ibm

GAPPY = empty_bars(sample_bars(400, seed=9), np.flatnonzero(np.random.default_rng(3).random(400) < 0.2))
SIZE = 5.0
NAN = math.nan


def _rows_of(bars: Bars, i: int) -> list[int]:
    levels = bars.levels
    assert levels is not None
    own = slice(levels.offsets[i], levels.offsets[i + 1])
    return [int(t) // levels.row_ticks for t in levels.price_tick[own]]


def _plain(bars: Bars, session: int, bracket: int, balance: int, letters: str, sessions: int = 1) -> list[list[float]]:
    """Every line of every bar, from sets of letters by row, of the current session and those before it."""
    made: list[list[float]] = []
    past: list[list[set[int]]] = []
    marked: list[set[int]] = []
    began = -1
    for i, opened in enumerate(bars["open_time"].tolist()):
        if opened // session != began:
            began = opened // session
            past.append(marked)
            marked = []
            reached: dict[int, list[int]] = defaultdict(list)
            highs, lows = [], []
        if rows := _rows_of(bars, i):
            reached[opened % session // bracket] += rows
            if opened % session < balance:
                highs.append(bars["high"][i])
                lows.append(bars["low"][i])
        marked = [set(range(min(v), max(v) + 1)) if letters == "range" else set(v) for v in reached.values()]
        held = [*marked, *(m for before in past[len(past) - sessions + 1 :] for m in before)]
        if not held:
            made.append([NAN] * 13)
            continue
        low, high = min(map(min, held)), max(map(max, held))
        counts = [sum(row in m for m in held) for row in range(low, high + 1)]
        made.append([*_levels(counts, low), max(highs, default=NAN), min(lows, default=NAN), sum(counts)])
        made[-1] += _ends(counts, low, int(bars["close"][i] // SIZE))
    return made


def _levels(counts: list[int], low: int) -> list[float]:
    volumes = np.array(counts, dtype=float)
    poc = point_of_control(volumes)
    down, up = value_area(volumes, poc, 0.7, 2)
    return [(low + row) * SIZE for row in (poc, up, down)]


def _ends(counts: list[int], low: int, here: int) -> list[float]:
    tails = [next((k for k, n in enumerate(side) if n != 1), len(side)) for side in (counts[::-1], counts)]
    inner = range(tails[1], max(len(counts) - tails[0], tails[1]))
    singles = [low + k for k in inner if counts[k] == 1]
    above, below = [r for r in singles if r > here], [r for r in singles if r <= here]
    return [
        *(float(counts[end] > 1) for end in (-1, 0)),
        *tails,
        len(singles),
        min(above, default=NAN) * SIZE,
        max(below, default=NAN) * SIZE,
    ]


@pytest.mark.parametrize("letters", ["range", "traded"])
@pytest.mark.parametrize(("session", "bracket", "balance"), [(120, 10, 20), (60, 7, 15), (1440, 30, 60), (60, 1, 5)])
def test_every_line_is_its_definition(letters: str, session: int, bracket: int, balance: int) -> None:
    lines = TPO.over(
        GAPPY, session=f"{session}m", bracket=f"{bracket}m", initial_balance=f"{balance}m", letters=letters
    )
    expected = _plain(GAPPY, session * MINUTE, bracket * MINUTE, balance * MINUTE, letters)
    assert np.array_equal(expected, lines.to_numpy(), equal_nan=True)
    if (session, bracket) == (120, 10):
        assert lines["singles"].max() >= 1
        assert lines["single_above"].notna().any()


@pytest.mark.parametrize("letters", ["range", "traded"])
@pytest.mark.parametrize("sessions", [2, 3])
@pytest.mark.parametrize(("session", "bracket", "balance"), [(60, 7, 15), (20, 1, 5)])
def test_a_composite_has_the_letters_of_the_last_sessions(
    letters: str, sessions: int, session: int, bracket: int, balance: int
) -> None:
    asked = {"session": f"{session}m", "bracket": f"{bracket}m", "initial_balance": f"{balance}m", "letters": letters}
    lines = TPO.over(GAPPY, composite=sessions, previous=True, **asked)
    expected = _plain(GAPPY, session * MINUTE, bracket * MINUTE, balance * MINUTE, letters, sessions)
    assert np.array_equal(expected, lines.to_numpy()[:, :13], equal_nan=True)
    first = np.flatnonzero(np.diff(GAPPY["open_time"] // (session * MINUTE))) + 1
    ended = lines[["poc", "vah", "val"]].to_numpy()[first - 1]
    assert np.array_equal(ended, lines[["prev_poc", "prev_vah", "prev_val"]].to_numpy()[first], equal_nan=True)


def test_sessions_that_nobody_traded_in_are_sessions_of_a_composite_too() -> None:
    rows = np.array([1, 2, 9], dtype=np.int64)
    levels = Levels(np.array([0, 1, 1, 2, 3]), rows, np.ones(3), np.zeros(3), 1.0)
    prices = dict.fromkeys(("high", "low", "close"), np.array([1.0, 1.0, 2.0, 9.0]))
    opens = 30 * MINUTE * np.arange(4)
    bars = Bars.of(open_time=opens, close_time=opens + 30 * MINUTE, levels=levels, **prices)
    lines = TPO.over(bars, session="30m", composite=2)
    assert lines["letters"].tolist() == [1, 1, 1, 2]
    assert lines["poc"].tolist()[:3] == [1, 1, 2]


def _session(*brackets: tuple[int, int], minutes: int = 30, **columns: Any) -> Bars:
    """One bar a bracket that trades at every row from the first number to the second."""
    rows = [np.arange(a, b + 1) for a, b in brackets]
    offsets = np.cumsum([0, *map(len, rows)])
    ticks = np.concatenate(rows).astype(np.int64)
    opens = minutes * MINUTE * np.arange(len(rows))
    levels = Levels(offsets, ticks, np.ones(len(ticks)), np.zeros(len(ticks)), 1.0)
    low, high = np.array(brackets, dtype=float).T
    return Bars.of(
        open_time=opens, close_time=opens + minutes * MINUTE, high=high, low=low, close=high, levels=levels, **columns
    )


def test_a_day_of_letters_reads_as_on_paper() -> None:
    #  row 12: C          tail of two
    #  row 11: C
    #  row 10: B C        b, c overlap
    #  row  9: B          single print
    #  row  8: A B
    #  row  7: A B        poor low
    lines = TPO.over(_session((7, 8), (7, 10), (10, 12)), row_size=1.0).iloc[-1]
    assert lines[["letters", "tail_high", "tail_low", "singles"]].tolist() == [9, 2, 0, 1]
    assert lines[["poor_high", "poor_low"]].tolist() == [0, 1]
    assert lines[["single_above", "single_below"]].fillna(-1).tolist() == [-1, 9]
    assert lines[["ib_high", "ib_low"]].tolist() == [10, 7]
    assert lines[["poc", "vah", "val"]].tolist() == [10, 12, 8]


def test_the_initial_balance_is_whole_after_the_first_hour_and_stays() -> None:
    lines = TPO.over(_session((5, 6), (4, 6), (1, 9), (2, 3)))
    assert lines["ib_high"].tolist() == [6, 6, 6, 6]
    assert lines["ib_low"].tolist() == [5, 4, 4, 4]


def test_who_comes_after_the_first_hour_has_no_initial_balance() -> None:
    bars = _session((5, 6), (4, 6), (1, 9), (2, 3))
    late = bars.slice(2, 4)
    assert TPO.over(late)[["ib_high", "ib_low"]].isna().all(axis=None)


def test_brackets_begin_with_the_session_of_an_exchange_over_a_change_of_clocks() -> None:
    """New York opens at 9:30, which is 14:30 in UTC until 10 March 2024 and 13:30 from then on."""
    days = {"2024-03-08T14:30": 2, "2024-03-11T13:30": 2}
    opens = np.concatenate([np.datetime64(day, "us").astype(np.int64) + np.array([0, 59, 60]) * MINUTE for day in days])
    rows = np.array([1, 2, 9, 1, 2, 9], dtype=np.int64)
    levels = Levels(np.arange(7), rows, np.ones(6), np.zeros(6), 1.0)
    prices = dict.fromkeys(("high", "low", "close"), rows.astype(float))
    bars = Bars.of(open_time=opens, close_time=opens + MINUTE, levels=levels, **prices)
    lines = TPO.over(bars, timezone="America/New_York@09:30", bracket="1h")
    assert lines["ib_high"].tolist() == [1, 2, 2, 1, 2, 2]
    assert lines["letters"].tolist() == [1, 2, 3, 1, 2, 3]


def test_sessions_that_begin_long_before_trading_say_that_they_have_no_initial_balance() -> None:
    """New York opens at 14:30 in UTC, far from the first hour of a day there."""
    days = np.array([np.datetime64(f"2024-03-0{day}T14:30", "us").astype(np.int64) for day in (4, 5, 6)])
    opens = np.concatenate([day + np.array([0, 30, 60]) * MINUTE for day in days])
    columns = dict(low=np.full(9, 1.0), high=np.full(9, 2.0), close=np.full(9, 2.0), volume=np.ones(9))
    bars = Bars.of(open_time=opens, close_time=opens + 30 * MINUTE, **columns)
    asked = {"from_klines": "range", "row_size": 1.0}
    assert TPO.over(bars, **asked)["ib_high"].isna().all()
    (said,) = TPO.remarks(bars, **asked)
    assert said.startswith("ib_high and ib_low are NaN in 3 of 3 sessions, in whose first 1h nothing traded; timezone")
    zone = "America/New_York@09:30"
    assert TPO.over(bars, **asked, timezone=zone)["ib_high"].tolist() == [2.0] * 9
    assert not list(TPO.remarks(bars, **asked, timezone=zone))


def test_brackets_of_bars_with_hours_are_counted_from_their_open_in_what_is_said_too() -> None:
    opens = np.datetime64("2024-03-04T14:30", "us").astype(np.int64) + 60 * MINUTE * np.arange(3)
    columns = dict(low=np.full(3, 1.0), high=np.full(3, 2.0), close=np.full(3, 2.0), volume=np.ones(3))
    spec = "1h@1d:America/New_York@09:30-16:00"
    bars = Bars.of(open_time=opens, close_time=opens + 60 * MINUTE, spec=spec, **columns)
    assert not list(TPO.remarks(bars, from_klines="range", row_size=1.0, bracket="1h"))


def test_klines_give_what_their_levels_would() -> None:
    bars = _session((7, 8), (7, 10), (10, 12))
    plain = Bars.of(
        **{k: bars[k] for k in ("open_time", "close_time", "close")},
        low=bars["low"],
        high=bars["high"] + 1,
        volume=np.ones(3),
    )
    ours = TPO.over(plain, from_klines="range", row_size=1.0)
    for line in ("poc", "vah", "val", "letters", "tail_high", "singles", "poor_low"):
        assert ours[line].tolist() == TPO.over(bars)[line].tolist()


@pytest.mark.parametrize("volume", [np.zeros(3), np.full(3, np.nan), np.ones(3)])
def test_markets_that_report_no_volume_have_time_at_price_too(volume: np.ndarray) -> None:
    bars = _session((7, 8), (7, 10), (10, 12))
    flat = np.array([8.0, 10.0, 10.0])
    times = {name: bars[name] for name in ("open_time", "close_time")}
    plain = Bars.of(**times, low=np.array([7.0, 7.0, 10.0]), high=flat, close=flat, volume=volume)
    letters = TPO.over(plain, from_klines="range", row_size=1.0)["letters"].tolist()
    assert letters == ([1, 4, 4] if volume[0] == 0 else [1, 4, 5])


def test_the_package_market_profile_counts_its_closes_so() -> None:
    """py-market-profile 0.2 with mode tpo, worked out in its own words over its own data."""
    bars = closes(google())
    lines = TPO.over(bars, session="1000d", dialect="market_profile", from_klines="close", row_size=0.05).iloc[-1]
    counts = pd.Series([math.ceil(c * 20) / 20 for c, _ in google()]).value_counts().sort_index()
    tops = np.flatnonzero(counts.to_numpy() == counts.max())
    poc = low = high = int(min(tops, key=lambda k: abs(k - len(counts) / 2)))
    held, target = counts.iloc[poc], 0.7 * counts.sum()
    while held <= target:
        above = counts.iloc[high + 1] if high + 1 < len(counts) else 0
        below = counts.iloc[low - 1] if low else 0
        held += max(above, below)
        low, high = (low - 1, high) if below > above else (low, high + 1)
    assert lines[["poc", "vah", "val"]].tolist() == pytest.approx(counts.index[[poc, high, low]].tolist())


def test_lean_counts_one_for_each_close() -> None:
    pairs = [(row[0], row[1]) for row in ibm()]
    lines = TPO.over(closes(pairs), session="1000d", dialect="lean", from_klines="close", row_size=0.05)
    assert lines["letters"].tolist() == list(range(1, len(pairs) + 1))


def test_bars_longer_than_a_bracket_are_refused_and_those_that_straddle_are_told() -> None:
    hours = _session((1, 2), (1, 3), minutes=60)
    with pytest.raises(InputError, match=r"last 1h and more, longer than bracket 30m.*bracket: bar"):
        TPO.over(hours)
    assert TPO.over(hours, bracket="bar")["letters"].tolist() == [2, 5]
    (said,) = TPO.remarks(_session((1, 2), (1, 3), (1, 3), minutes=20))
    assert said == "1 of 3 bars reach over the end of a bracket, and count in the one they open in"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"session": "none"}, "session must be month or an interval"),
        ({"session": "10m"}, "bracket 30m is longer than session 10m"),
        ({"bracket": "thirty"}, "bracket"),
        ({"session": "4h", "timezone": "Asia/Tokyo"}, "whole days"),
        ({"dialect": "ninjatrader"}, "'sierra', 'lean': NinjaTrader publishes no rule for letters"),
        ({"dialect": "atas"}, "dialect must be one of"),
    ],
)
def test_what_cannot_be_counted_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamError, match=said):
        TPO.over(_session((1, 2)), **given)


def test_a_session_may_be_one_bracket() -> None:
    assert TPO.over(_session((1, 2)), session="30m")["poc"].tolist()[-1] >= 1


def test_show_explains_its_dialects() -> None:
    from click.testing import CliRunner

    from tapeflow.cli import main

    shown = CliRunner().invoke(main, ["show", "TPO", "--explain"]).output
    assert "lean: QuantConnect LEAN's TimeProfile" in shown
    assert "atas" not in shown
    assert "a bracket marks every row from its lowest to its highest price" in shown


def test_the_hour_of_a_session_in_a_zone_is_counted_alike_one_by_one() -> None:
    from tapeflow.indicators.kernels.session_clock import SinceOpen

    times = np.datetime64("2024-03-08T00:10", "us").astype(np.int64) + HOUR * np.arange(24 * 40)
    for session in ("1d", "1w", "month", "3h"):
        params = {"session": session, "timezone": "UTC" if session == "3h" else "Europe/Berlin@09:00"}
        whole = SinceOpen().array(params, times)
        assert whole.tolist() == [SinceOpen().scalar(params, float(t)) for t in times]
        assert (whole >= 0).all()
        assert whole.max() < 32 * 24 * HOUR

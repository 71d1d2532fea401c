"""Every function of expressions against its definition in plain Python, and none of them knows the future."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapeflow.core.clock import MINUTE
from tapeflow.core.names import FUNCTIONS as NAMED
from tapeflow.core.names import Names
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.rule_language.expressions import Expression
from tapeflow.strategies.rule_language.functions import FUNCTIONS
from tapeflow.strategies.rule_language.times import between, time_of_day, weekday

NAN = math.nan
BARS = 400
START = datetime(2024, 3, 8, 21, 50, tzinfo=UTC)
"""A Friday, two days before clocks change in New York."""
Rows = list[float]
Oracle = Callable[[Rows, Rows, int], float]


def market(seed: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, y = (np.round(rng.normal(0, 3, BARS), 1) for _ in range(2))
    for column in (x, y):
        column[rng.random(BARS) < 0.03] = np.nan
    first = int(START.timestamp()) * 1_000_000
    opened = first + np.arange(BARS) * 17 * MINUTE
    return {"x": x, "y": y, "open_time": opened.astype(float), "close_time": (opened + 17 * MINUTE).astype(float)}


def known(values: Rows) -> bool:
    return not any(math.isnan(v) for v in values)


def window(n: int, of: Callable[[Rows], float]) -> Oracle:
    """A statistic of the last ``n`` values of ``x``, unknown where one is."""

    def oracle(x: Rows, y: Rows, i: int) -> float:
        held = x[i - n + 1 : i + 1] if i >= n - 1 else []
        return of(held) if held and known(held) else NAN

    return oracle


def flat(of: Callable[..., float]) -> Oracle:
    """A function of this bar's numbers, unknown where one is."""
    return lambda x, y, i: of(x[i], y[i]) if known([x[i], y[i]]) else NAN


def total(held: Rows) -> float:
    made = 0.0
    for value in held:
        made += value
    return made


def mean(held: Rows) -> float:
    return total(held) / len(held)


def deviation(held: Rows) -> float:
    made = math.sqrt(total([(v - mean(held)) ** 2 for v in held]) / (len(held) - 1))
    return 0.0 if made <= 1e-12 * abs(mean(held)) else made


def zscore(held: Rows) -> float:
    spread = deviation(held)
    return (held[-1] - mean(held)) / spread if spread else NAN


def covariance(x: Rows, y: Rows, i: int) -> float:
    one, two = x[max(i - 5, 0) : i + 1], y[max(i - 5, 0) : i + 1]
    if len(one) < 6 or not known([*one, *two]):
        return NAN
    return total([(a - mean(one)) * (b - mean(two)) for a, b in zip(one, two, strict=True)]) / 5


def ranked(held: Rows, q: float) -> float:
    place = (len(held) - 1) * q / 100
    low, ordered = math.floor(place), sorted(held)
    if place == low:
        return ordered[low]
    return ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)


def up(x: Rows, y: Rows, i: int) -> float:
    if i < 1 or not known([x[i], y[i], x[i - 1], y[i - 1]]):
        return NAN
    return float(x[i] > y[i] and x[i - 1] <= y[i - 1])


def either_way(x: Rows, y: Rows, i: int) -> float:
    made = up(x, y, i)
    return made if math.isnan(made) else max(made, up(y, x, i))


def since(x: Rows, y: Rows, i: int) -> float:
    return next((float(i - k) for k in range(i, -1, -1) if x[k] > y[k]), NAN)


def when(x: Rows, y: Rows, i: int) -> float:
    return next((y[k] for k in range(i, -1, -1) if x[k] > 2), NAN)


def ago(n: int) -> Oracle:
    return lambda x, y, i: x[i - n] if i >= n else NAN


def closes(i: int, zone: str = "UTC") -> datetime:
    return (START + timedelta(minutes=17 * (i + 1))).astimezone(ZoneInfo(zone))


def opens(i: int, zone: str = "UTC") -> datetime:
    return (START + timedelta(minutes=17 * i)).astimezone(ZoneInfo(zone))


def minutes(when: datetime) -> float:
    return when.hour * 60 + when.minute + when.second / 60


def since_midnight(i: int, zone: str) -> float:
    began = datetime.combine(opens(i, zone).date(), datetime.min.time(), ZoneInfo(zone))
    return (closes(i).timestamp() - began.timestamp()) / 60


ORACLES: dict[str, Oracle] = {
    "abs(x)": lambda x, y, i: abs(x[i]),
    "sqrt(x)": lambda x, y, i: math.sqrt(x[i]) if x[i] >= 0 else NAN,
    "log(x)": lambda x, y, i: math.log(x[i]) if x[i] > 0 else NAN,
    "sign(x)": lambda x, y, i: x[i] if math.isnan(x[i]) else float((x[i] > 0) - (x[i] < 0)),
    "min(x, y, 1)": flat(lambda a, b: min(a, b, 1.0)),
    "max(x, y)": flat(max),
    "clip(x, y, 2)": flat(lambda a, b: min(max(a, b), 2.0)),
    "where(x > 1, y, 7)": lambda x, y, i: NAN if math.isnan(x[i]) else y[i] if x[i] > 1 else 7.0,
    "known(x)": lambda x, y, i: float(not math.isnan(x[i])),
    "prev(x)": ago(1),
    "prev(x, 5)": ago(5),
    "x[5]": ago(5),
    "change(x)": lambda x, y, i: x[i] - x[i - 1] if i >= 1 else NAN,
    "change(x, 3)": lambda x, y, i: x[i] - x[i - 3] if i >= 3 else NAN,
    "highest(x, 7)": window(7, max),
    "lowest(x, 7)": window(7, min),
    "sum(x, 6)": window(6, total),
    "mean(x, 6)": window(6, mean),
    "std(x, 6)": window(6, deviation),
    "var(x, 6)": lambda x, y, i: covariance(x, x, i),
    "cov(x, y, 6)": covariance,
    "rank(x)": lambda x, y, i: NAN if math.isnan(x[i]) else 1.0,
    "mean_of(x)": lambda x, y, i: x[i],
    "of('', x)": lambda x, y, i: x[i],
    "zscore(x, 6)": window(6, zscore),
    "median(x, 6)": window(6, lambda held: ranked(held, 50)),
    "median(x, 5)": window(5, statistics.median),
    "percentile(x, 6, 30)": window(6, lambda held: ranked(held, 30)),
    "percentile(x, 6, 100)": window(6, max),
    "count(x > 0, 5)": window(5, lambda held: float(sum(v > 0 for v in held))),
    "cross(x, y)": either_way,
    "crossover(x, y)": up,
    "crossunder(x, y)": lambda x, y, i: up(y, x, i),
    "since(x > y)": since,
    "when(x > 2, y)": when,
    "time": lambda x, y, i: minutes(closes(i)),
    "time('America/New_York')": lambda x, y, i: minutes(closes(i, "America/New_York")),
    "time >= '09:30'": lambda x, y, i: float(minutes(closes(i)) >= 570),
    "weekday": lambda x, y, i: float(closes(i).isoweekday()),
    "weekday('Asia/Tokyo') == 'Sat'": lambda x, y, i: float(closes(i, "Asia/Tokyo").isoweekday() == 6),
    "between('08:00', '16:00')": lambda x, y, i: float(480 <= minutes(closes(i)) < 960),
    "between('22:00', '02:00', 'Europe/Berlin')": lambda x, y, i: float(
        not 120 <= minutes(closes(i, "Europe/Berlin")) < 1320
    ),
    "change(session('1d@America/New_York'))": lambda x, y, i: (
        NAN if i < 1 else float((opens(i, "America/New_York").date() - opens(i - 1, "America/New_York").date()).days)
    ),
    "session('4h')": lambda x, y, i: float(opens(i).timestamp() // 14_400),
    "remaining('1d')": lambda x, y, i: 1440 - since_midnight(i, "UTC"),
    "elapsed('1d')": lambda x, y, i: since_midnight(i, "UTC"),
    "elapsed('1d@America/New_York')": lambda x, y, i: since_midnight(i, "America/New_York"),
}
ROUNDED = {"log(x)"}
"""Whose last bit a C library may round another way."""


def worth(text: str, columns: dict[str, np.ndarray], bars: int = BARS) -> np.ndarray:
    lines = Lines.of(**{name: values[:bars] for name, values in columns.items()})
    return np.array(Expression(text, Names(tuple(columns))).values(lines))


@pytest.mark.parametrize("text", ORACLES)
def test_a_function_is_what_its_definition_says(text: str) -> None:
    columns = market()
    x, y = columns["x"].tolist(), columns["y"].tolist()
    expected = np.array([ORACLES[text](x, y, i) for i in range(BARS)])
    assert (~np.isnan(expected)).sum() > BARS // 3
    made, there = worth(text, columns), ~np.isnan(expected)
    np.testing.assert_array_equal(~np.isnan(made), there)
    if text in ROUNDED:
        np.testing.assert_array_almost_equal_nulp(made[there], expected[there])
    else:
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("text", ORACLES)
def test_a_function_keeps_its_bits_when_the_future_is_cut_off_or_another(text: str) -> None:
    columns, other = market(), market(4)
    whole = worth(text, columns)
    for bars in (1, 2, 3, 17, 100, 255):
        np.testing.assert_array_equal(worth(text, columns, bars), whole[:bars])
        mixed = {k: np.concatenate([v[:bars], other[k][bars:]]) for k, v in columns.items()}
        np.testing.assert_array_equal(worth(text, mixed)[:bars], whole[:bars])


@pytest.mark.parametrize("text", [t for t in ORACLES if "since" not in t and "when" not in t])
def test_a_window_keeps_its_bits_whatever_was_before_it(text: str) -> None:
    columns = market()
    lag = Expression(text, Names(tuple(columns))).lag
    later = worth(text, {k: v[100:] for k, v in columns.items()})
    np.testing.assert_array_equal(later[lag:], worth(text, columns)[100 + lag :])


@pytest.mark.parametrize(
    ("text", "lag"),
    [
        *[("mean(close, 5)", 4), ("std(close, 2)", 1), ("percentile(close, 9, 50)", 8), ("count(close > open, 3)", 2)],
        *[("prev(close)", 1), ("change(close, 3)", 3), ("crossover(close, open)", 1), ("abs(close)", 0)],
    ],
)
def test_a_function_looks_back_so_many_bars_and_no_further(text: str, lag: int) -> None:
    assert Expression(text, Names(("open", "close"))).lag == lag


def test_every_function_has_an_oracle_and_its_name_is_taken() -> None:
    called = {name for text in ORACLES for name in re.findall(r"[a-z_]+(?=\()|^[a-z]{2,}", text)}
    assert called == set(FUNCTIONS) == set(NAMED)


def test_long_windows_are_cut_into_blocks_without_a_seam() -> None:
    x = np.random.default_rng(0).normal(size=9_000)
    for text, of in (("sum(x, 50)", total), ("std(x, 50)", deviation), ("highest(x, 50)", max)):
        made = Expression(text, Names(("x",))).values(Lines.of(x=x))
        for i in (49, 4095, 4096, 4144, 4145, 4146, 8191, 8192, 8999):
            assert made[i] == of(x[i - 49 : i + 1].tolist())


def test_a_flat_window_has_no_deviation_and_no_score() -> None:
    lines = Lines.of(x=[0.1 + 0.2] * 6)
    assert Expression("std(x, 3)", Names(("x",))).values(lines)[2:].tolist() == [0.0] * 4
    assert np.isnan(Expression("zscore(x, 3)", Names(("x",))).values(lines)).all()


@pytest.mark.parametrize(
    ("zone", "hours", "minutes", "day"),
    [
        ("", "", 120.0, 2.0),
        ("", "America/New_York@09:30-16:00", 21 * 60.0, 1.0),
        ("Asia/Tokyo", "America/New_York@09:30-16:00", 11 * 60.0, 2.0),
        ("UTC", "America/New_York@09:30-16:00", 120.0, 2.0),
        ("Asia/Tokyo", "", 11 * 60.0, 2.0),
    ],
)
def test_times_of_day_are_of_the_zone_asked_for_else_of_the_trading_hours(
    zone: str, hours: str, minutes: float, day: float
) -> None:
    close = np.array([datetime(2024, 1, 2, 2, tzinfo=UTC).timestamp() * 1e6])
    assert (time_of_day(close, zone, hours).tolist(), weekday(close, zone, hours).tolist()) == ([minutes], [day])
    low, high = (f"{int(minutes) // 60 + k:02d}:00" for k in (0, 1))
    assert between(close, low, high, zone, hours).tolist() == [1.0]


def test_windows_longer_than_the_data_are_unknown() -> None:
    for text in ("highest(x, 9)", "sum(x, 9)", "std(x, 9)", "median(x, 9)", "x[9]", "change(x, 9)"):
        assert np.isnan(Expression(text, Names(("x",))).values(Lines.of(x=[1.0, 2.0]))).all()


class TestFeeds:
    """Names of other feeds."""

    names = Names(
        ("close", "close_time"),
        {"vwap": ("vwap", "std"), "slow_vwap": ("vwap", "std")},
        {"slow": ("close", "close_time")},
        {"slow_vwap": "slow"},
        "fast",
    )
    data = {
        ("", "close"): [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        ("vwap", "vwap"): [1.5] * 7,
        ("slow", "close"): [3.0, 6.0],
        ("slow_vwap", "vwap"): [2.0, 7.0],
        ("slow_vwap", "std"): [NAN, 0.5],
    }
    stamps = {"": np.arange(1.0, 8.0), "slow": np.array([3.0, 6.0])}

    def values(self, text: str) -> list[float]:
        lines = Lines(self.names, lambda ref: np.array(self.data[ref]), self.stamps)
        return Expression(text, self.names).values(lines).tolist()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("slow.close", [NAN, NAN, 3, 3, 3, 6, 6]),
            ("fast.close", [1, 2, 3, 4, 5, 6, 7]),
            ("slow_vwap", [NAN, NAN, 2, 2, 2, 7, 7]),
            ("slow.slow_vwap", [NAN, NAN, 2, 2, 2, 7, 7]),
            ("slow.slow_vwap.std", [NAN, NAN, NAN, NAN, NAN, 0.5, 0.5]),
            ("fast.vwap", [1.5] * 7),
            ("slow.close[1]", [NAN, NAN, NAN, NAN, NAN, 3, 3]),
            ("highest(slow.close, 2)", [NAN, NAN, NAN, NAN, NAN, 6, 6]),
            ("crossunder(slow.close, slow_vwap)", [NAN, NAN, NAN, NAN, NAN, 1, 1]),
            ("close - slow.close", [NAN, NAN, 0, 1, 2, 0, 1]),
            ("(close - slow.close)[1]", [NAN, NAN, NAN, 0, 1, 2, 0]),
            ("slow.close > 0 and close > 4", [NAN, NAN, 0, 0, 1, 1, 1]),
        ],
    )
    def test_a_slow_value_appears_when_its_bar_closes_and_counts_its_own_bars(self, text: str, expected: Rows) -> None:
        if text.endswith("> 4"):
            expected = [0.0, 0.0, *expected[2:]]
        np.testing.assert_array_equal(self.values(text), expected)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("slwo.close > 1", "unknown indicator or feed 'slwo', did you mean 'slow'?"),
            ("slow.clse > 1", "unknown column or indicator of slow 'clse', did you mean 'close'?"),
            ("slow.vwap > 1", "'vwap' has the bars of fast; for those of slow add an indicator with data: slow"),
            ("slow > 1", "'slow' is a feed; name a column of it, as in slow.close"),
            ("slow.slow_vwap.sdt > 1", "unknown line of slow_vwap 'sdt', did you mean 'std'?"),
        ],
    )
    def test_a_wrong_name_is_told_with_the_nearest(self, text: str, said: str) -> None:
        with pytest.raises(Exception, match=re.escape(said)) as caught:
            Expression(text, self.names)
        assert "\n" not in str(caught.value)


def test_the_page_of_rules_has_every_function() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([^`]+)` \| (.+) \|$", page, re.MULTILINE))
    assert rows >= {(f.signature(name), f.meaning) for name, f in FUNCTIONS.items()}

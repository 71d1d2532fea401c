"""Figures of a run against plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tapeflow.backtest.recording.recorder import Fill
from tapeflow.backtest.recording.round_trips import RoundTrip, pair
from tapeflow.backtest.results.statistics import drawdown, exposure_pct, profit_factor, returns, sharpe, win_rate
from tapeflow.core.clock import DAY, HOUR, MINUTE
from tapeflow.core.hours import parse_hours


def fill(opened: float, closed: float, price: float, bar: int = 0, pnl: float = 0.0, fee: float = 1.0) -> Fill:
    return Fill(
        ref=1,
        data="a",
        bar=bar,
        time=bar * MINUTE,
        price=price,
        opened=opened,
        closed=closed,
        opened_fee=fee if opened else 0.0,
        closed_fee=fee if closed else 0.0,
        pnl=pnl,
        reason=f"bar {bar}",
    )


def trip(pnl: float) -> RoundTrip:
    (made,) = pair([fill(1, 0, 100, fee=0.0), fill(0, -1, 100 + pnl, bar=1, pnl=pnl, fee=0.0)])
    return made


def test_drawdown_is_the_shortfall_from_the_highest_value_so_far() -> None:
    rng = np.random.default_rng(0)
    value = 100 + np.cumsum(rng.normal(size=300))
    expected = [1 - v / max(100.0, *value[: i + 1]) for i, v in enumerate(value)]
    assert drawdown(value, 100.0) == pytest.approx(expected, abs=1e-15)


def test_sharpe_of_a_long_run_takes_daily_returns() -> None:
    time = np.arange(1, 30 * 1440 + 1) * MINUTE
    value = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-4, len(time))))
    made, per_year, basis = returns(time, value, 100.0)
    closes = np.concatenate(([100.0], value[1439::1440]))
    assert basis == "daily"
    assert per_year == 365
    assert made == pytest.approx(closes[1:] / closes[:-1] - 1, rel=1e-12)
    expected = np.mean(made) / np.sqrt(np.sum((made - np.mean(made)) ** 2) / (len(made) - 1)) * math.sqrt(365)
    assert sharpe(made, per_year) == pytest.approx(expected, rel=1e-12)


def test_twenty_days_are_enough_for_daily_returns_and_nineteen_are_not() -> None:
    for days, basis in ((19, "bar"), (20, "daily")):
        time = np.arange(1, days * 24 + 1) * 60 * MINUTE
        assert returns(time, np.linspace(100.0, 110.0, len(time)), 100.0)[2] == basis


@pytest.mark.parametrize("hours", ["", "America/New_York@09:30-16:00"])
@pytest.mark.parametrize(("late", "last"), [(0, 200.0), (1, 100.0)])
def test_a_bar_that_closes_as_a_day_begins_is_of_the_day_before(hours: str, late: int, last: float) -> None:
    days = parse_hours(hours)
    begins = np.unique([days.begin(n) if days else n * DAY for n in range(19_800, 19_840)])
    time = np.sort(np.concatenate((begins + late, begins + HOUR)))
    value = np.where(np.arange(len(time)) % 2 == 0, 200.0, 100.0)
    made, _, basis = returns(time[1:], value[1:], 100.0, days)
    assert (basis, made[0]) == ("daily", (last - 100.0) / 100.0)


def test_sharpe_of_a_short_run_takes_those_of_bars_and_says_so() -> None:
    time = np.arange(1, 1441) * MINUTE
    made, per_year, basis = returns(time, np.full(1440, 5.0), 5.0)
    assert basis == "bar"
    assert per_year == 365 * DAY / MINUTE
    assert len(made) == 1440
    assert math.isnan(sharpe(made, per_year))


def test_ratios_without_a_denominator_are_not_numbers() -> None:
    assert math.isnan(profit_factor([trip(1.0)]))
    assert math.isnan(win_rate([]))
    assert math.isnan(sharpe(np.array([0.1]), 365))


def test_profit_factor_and_win_rate_count_what_is_left_after_fees() -> None:
    trips = [trip(3.0), trip(-1.0), trip(0.0), trip(1.0)]
    assert profit_factor(trips) == 4.0
    assert win_rate(trips) == 0.5
    assert exposure_pct(np.array([0.0, 1.0, -1.0, 0.0])) == 50.0


def test_a_round_trip_averages_its_fills() -> None:
    (made,) = pair(
        [
            fill(1, 0, 100),
            fill(3, 0, 104, bar=2),
            fill(0, -2, 110, bar=5, pnl=14.0),
            fill(0, -2, 100, bar=7, pnl=-6.0),
        ]
    )
    assert (made.direction, made.size, made.entry_price, made.exit_price) == ("long", 4, 103.0, 105.0)
    assert (made.bars, made.pnl, made.commission, made.pnl_net) == (7, 8.0, 4.0, 4.0)
    assert (made.entry_reason, made.exit_reason) == ("bar 0", "bar 7")
    assert made.return_pct == pytest.approx(100 * 4 / 412)


def test_a_reversal_ends_one_round_trip_and_begins_the_next() -> None:
    made = pair([fill(2, 0, 100), fill(-1, -2, 105, bar=1, pnl=10.0), fill(0, 1, 101, bar=3, pnl=4.0)])
    assert [(t.direction, t.size, t.pnl) for t in made] == [("long", 2, 10.0), ("short", 1, 4.0)]


def test_a_position_still_open_is_no_round_trip() -> None:
    assert pair([fill(2, 0, 100), fill(0, -1, 105, bar=1)]) == []

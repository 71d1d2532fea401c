"""Figures beside the first ones, each held to its definition in plain Python."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run
from tapeflow.backtest.recording.round_trips import RoundTrip
from tapeflow.backtest.results.benchmark import beside
from tapeflow.backtest.results.calendars import by_hour, by_weekday, monthly
from tapeflow.backtest.results.excursions import excursions
from tapeflow.backtest.results.performance import Performance, drawdowns
from tapeflow.backtest.results.performance import performance as of
from tapeflow.backtest.results.statistics import drawdown
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, HOUR, parse_time

CASH = 1000.0
BEGIN = parse_time("2023-01-01")


def trip(net: float, *, entry: str = "2024-01-01T10:30", bars: int = 3, **more: Any) -> RoundTrip:
    time = parse_time(entry)
    given = dict(data="x", direction="long", size=1.0, entry_time=time, entry_price=100.0, exit_time=time, bars=bars)
    given |= dict(exit_price=100.0 + net, pnl=net, commission=0.0, entry_reason="", exit_reason="")
    return RoundTrip(**{**given, **more})


def account(days: int, seed: int, step: int = 6 * HOUR) -> tuple[np.ndarray, np.ndarray]:
    """A random account, four values a day."""
    rng = np.random.default_rng(seed)
    count = days * DAY // step
    return BEGIN + step * np.arange(1, count + 1), CASH * np.exp(np.cumsum(rng.normal(0.0003, 0.01, count)))


def performance(time: np.ndarray, value: np.ndarray, start: float, since: int, trips: list[RoundTrip]) -> Performance:
    return of(time, value, drawdown(value, start), start, since, trips)


def daily(time: np.ndarray, value: np.ndarray) -> list[float]:
    """Returns of days in UTC, in plain Python."""
    last: dict[object, float] = {}
    for t, v in zip(time.tolist(), value.tolist(), strict=True):
        last[(datetime.fromtimestamp(t / 1e6, UTC) - timedelta(microseconds=1)).date()] = v
    values = [CASH, *last.values()]
    return [now / was - 1 for was, now in itertools.pairwise(values)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_growth_and_risk_are_what_their_definitions_say(seed: int) -> None:
    time, value = account(500, seed)
    made = performance(time, value, CASH, BEGIN, [])
    moves = daily(time, value)
    peak, deepest = CASH, 0.0
    for v in value.tolist():
        peak = max(peak, v)
        deepest = max(deepest, 1 - v / peak)
    cagr = (value[-1] / CASH) ** (365 / 500) - 1
    downside = math.sqrt(math.fsum(min(r, 0.0) ** 2 for r in moves) / len(moves))
    expected = {
        "cagr_pct": 100 * cagr,
        "calmar": cagr / deepest,
        "volatility_pct": 100 * statistics.stdev(moves) * math.sqrt(365),
        "sortino": statistics.fmean(moves) / downside * math.sqrt(365),
    }
    assert {k: made.figures[k] for k in expected} == pytest.approx(expected, rel=1e-9)
    assert not set(expected) & set(made.absent)


def test_they_are_what_quantstats_says_too() -> None:
    """Golden figures of QuantStats 0.0.86 (cagr, volatility, sortino, calmar, greeks; 365 periods) of these returns."""
    rng = np.random.default_rng(1)
    own = rng.normal(0.0003, 0.02, 500)
    other = rng.normal(0.0003, 0.02, 500) + 0.4 * own
    time = BEGIN + DAY * np.arange(1, 501)
    value, price = CASH * np.cumprod(1 + own), 50 * np.cumprod(1 + other)
    figures = performance(time, value, CASH, BEGIN, []).figures
    figures |= beside(time, value, CASH, "x", bars_of(price.tolist(), price.tolist(), [50.0] * 500, DAY)).figures
    golden = {"volatility_pct": 34.91873675567276, "sortino": -0.603910165950242, "cagr_pct": -19.128678208952277}
    golden |= {"calmar": -0.34725184944821247, "beta": 0.26759628517166484, "alpha_pct": -2.2337883706199895}
    assert {name: figures[name] for name in golden} == pytest.approx(golden, rel=1e-9)


@pytest.mark.parametrize("seed", [4, 5])
def test_drawdowns_are_those_that_a_walk_along_the_equity_meets(seed: int) -> None:
    time, value = account(300, seed)
    found: list[dict[str, Any]] = []
    peak, since, low, under, at = CASH, BEGIN, math.inf, False, 0
    for t, v in zip(time.tolist(), value.tolist(), strict=True):
        if v >= peak:
            if under:
                found.append({"depth": 1 - low / peak, "days": (t - since) / DAY, "back": True, "trough": at})
            peak, since, low, under = v, t, math.inf, False
        else:
            under = True
            if v < low:
                low, at = v, t
    if under:
        found.append({"depth": 1 - low / peak, "days": (time[-1] - since) / DAY, "back": False, "trough": at})
    made = performance(time, value, CASH, BEGIN, []).figures
    told: Any = drawdowns(time, drawdown(value, CASH), BEGIN)
    worst = sorted(found, key=lambda one: -one["depth"])[:5]
    assert [one["depth_pct"] for one in told] == pytest.approx([100 * one["depth"] for one in worst], rel=1e-12)
    assert [one["days"] for one in told] == pytest.approx([one["days"] for one in worst])
    assert [one["recovered"] is not None for one in told] == [one["back"] for one in worst]
    assert [parse_time(one["trough"]) for one in told] == [one["trough"] for one in worst]
    assert made["longest_drawdown_days"] == pytest.approx(max(one["days"] for one in found))


def test_trades_won_and_lost_are_counted_by_hand() -> None:
    net = [5.0, 7.0, -2.0, -4.0, -6.0, 0.0, -1.0, 3.0]
    time, value = account(10, 1)
    made = performance(time, value, CASH, BEGIN, [trip(x, bars=i) for i, x in enumerate(net)]).figures
    expected = {
        "mean_win": (5 + 7 + 3) / 3,
        "mean_loss": -(2 + 4 + 6 + 1) / 4,
        "payoff_ratio": ((5 + 7 + 3) / 3) / ((2 + 4 + 6 + 1) / 4),
        "best_trade": 7.0,
        "worst_trade": -6.0,
        "longest_win_streak": 2,
        "longest_loss_streak": 3,
    }
    assert {name: made[name] for name in expected} == pytest.approx(expected)


def test_a_figure_that_its_data_cannot_carry_is_absent_and_says_why() -> None:
    time, value = account(10, 1)
    made = performance(time, value, CASH, BEGIN, [trip(5.0)])
    assert np.isnan([made.figures[name] for name in ("cagr_pct", "calmar", "sortino")]).all()
    assert made.absent["cagr_pct"] == "the run spans 10.0 days, and less than a year is not made a year"
    assert made.absent["volatility_pct"] == made.absent["sortino"] == "there are fewer than 20 daily returns"
    assert made.absent["mean_loss"] == made.absent["payoff_ratio"] == "no trade lost"
    assert "best_trade" not in made.absent
    assert performance(time, value, CASH, BEGIN, []).absent["worst_trade"] == "no round trip was finished"
    rising = CASH * 1.001 ** np.arange(1, len(account(400, 1)[0]) + 1)
    up = performance(account(400, 1)[0], rising, CASH, BEGIN, [])
    assert up.absent["calmar"] == "there was no drawdown"
    assert up.absent["sortino"].startswith("0 daily returns are below 0, and 5 are the least")
    assert drawdowns(account(400, 1)[0], drawdown(rising, CASH), BEGIN) == []
    assert up.figures["longest_drawdown_days"] == 0


def test_what_began_below_the_first_value_fell_from_the_cash() -> None:
    down = drawdown(np.array([90.0, 95.0, 99.0]), 100.0)
    (one,) = drawdowns(BEGIN + DAY * np.arange(1, 4), down, BEGIN)
    assert (one["peak"], one["recovered"], one["days"]) == ("2023-01-01T00:00:00Z", None, 3.0)
    assert one["depth_pct"] == pytest.approx(10.0)


def bars_of(low: list[float], high: list[float], open_: list[float] | None = None, step: int = 6 * HOUR) -> Bars:
    count, middle = len(low), [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    times = BEGIN + step * np.arange(1, count + 1)
    columns = {"open_time": times - step, "close_time": times, "open": np.array(open_ or middle, float)}
    columns |= {"high": np.array(high, float), "low": np.array(low, float), "close": np.array(middle, float)}
    columns |= {"volume": np.ones(count)}
    return Bars(columns, spec="6h")


def test_excursions_are_the_furthest_prices_of_the_bars_held() -> None:
    bars = {"x": bars_of([99, 90, 80, 70, 60], [101, 130, 120, 110, 200])}
    long = trip(5.0, first_bar=1, bars=2, entry_price=100.0, exit_price=105.0)
    short = trip(5.0, first_bar=1, bars=2, entry_price=100.0, exit_price=75.0, direction="short")
    within = trip(1.0, first_bar=1, bars=0, entry_price=100.0, exit_price=101.0)
    below = trip(1.0, first_bar=0, bars=1, entry_price=-1.0, exit_price=0.0)
    mae, mfe = excursions([long, short, within, below], bars)
    # Of bars 1 and 2 the lowest is 80 and the highest 130; of bar 3 only the exit counts.
    assert mae[:3] == pytest.approx([-20.0, -30.0, 0.0])
    assert mfe[:3] == pytest.approx([30.0, 25.0, 1.0])
    assert np.isnan([mae[3], mfe[3]]).all()


def test_a_run_beside_its_benchmark_is_a_regression_of_daily_returns() -> None:
    time, value = account(120, 7)
    price = np.exp(np.cumsum(np.random.default_rng(8).normal(0, 0.02, len(time)))) * 50
    bars = bars_of(price.tolist(), price.tolist(), [50.0, *price[:-1].tolist()])
    made = beside(time, value, CASH, "x", bars)
    own, other = daily(time, value), daily(time, CASH * price / 50.0)
    slope, alpha = statistics.linear_regression(other, own)
    expected = {"beta": slope, "alpha_pct": 100 * 365 * alpha, "correlation": statistics.correlation(own, other)}
    expected |= {"return_pct": 100 * (price[-1] / 50 - 1)}
    assert {name: made.figures[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert made.absent == {}


def test_a_benchmark_without_enough_days_has_no_beta() -> None:
    time, value = account(30, 7)
    made = beside(time, value, CASH, "x", bars_of([9.0] * len(time), [11.0] * len(time)))
    assert made.figures["return_pct"] == 0
    assert np.isnan(made.figures["beta"])
    assert made.absent["beta"] == "there are fewer than 60 daily returns to compare"
    oil = beside(time, value, CASH, "oil", bars_of([-13.0] * len(time), [11.0] * len(time), [1.0] * len(time)))
    assert set(oil.absent.values()) == {"oil has prices that are not above 0"}
    assert np.isnan(oil.figures["return_pct"])


def test_months_hours_and_weekdays_are_grouped_by_hand() -> None:
    time = np.array([parse_time(t) for t in ("2024-01-15", "2024-02-01", "2024-02-02", "2024-04-01T00:00:01")])
    found = monthly(time, np.array([110.0, 121.0, 60.5, 121.0]), 100.0)
    assert found == pytest.approx({"2024-01": 21.0, "2024-02": -50.0, "2024-04": 100.0})
    trips = [trip(4.0), trip(-2.0, entry="2024-01-01T11:00"), trip(1.0, entry="2024-01-06T00:00")]
    ten = {"trades": 2, "net_profit": 2.0, "mean_trade": 1.0, "win_rate": 0.5}
    one = {"trades": 1, "net_profit": 1.0, "mean_trade": 1.0, "win_rate": 1.0}
    assert by_hour(trips) == {"10": ten, "23": one}  # a bar that closes at 11:00 traded before
    assert by_weekday(trips) == {"Mon": ten, "Fri": one}


RUN = """\
name: figures
data:
  fast: {feed: SyntheticTape, days: 1, bars: 5m}
  other: {feed: SyntheticTape, days: 1, bars: 15m, seed: 9}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}, stop_loss: 0.2%}}
broker: {cash: 1000, fees: {taker: 5bp}}
"""


def test_a_run_writes_them_all_down(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(RUN)
    made = run(load_config(path, ["benchmark=other"]), tmp_path / "out", report=False)
    result = json.loads((made.folder / "result.json").read_text())
    trades, orders = made.trades, made.orders
    assert result["best_trade"] == pytest.approx(trades["pnl_net"].max())
    assert result["mean_bars_held"] == pytest.approx(trades["bars"].mean())
    assert result["expectancy_pct"] == pytest.approx(trades["return_pct"].mean())
    assert result["cagr_pct"] is None
    traded = (orders["executed_size"] * orders["executed_price"]).sum()
    assert result["turnover"] == pytest.approx(traded / made.equity["value"].mean())
    assert sum(one["trades"] for one in result["by_hour"].values()) == len(trades)
    assert list(result["monthly_returns_pct"]) == ["2024-01"]
    other = made.bars.query("data == 'other'")
    assert result["benchmark"]["data"] == "other"
    assert result["benchmark"]["return_pct"] == pytest.approx(
        100 * (other["close"].iloc[-1] / other["open"].iloc[0] - 1)
    )
    assert set(result["absent"]) >= {"cagr_pct", "sortino", "benchmark.beta"}
    assert (trades["mae_pct"] <= 0).all()
    assert (trades["mfe_pct"] >= 0).all()
    assert (trades["mae_pct"] - 1e-9 <= 100 * (trades["exit_price"] / trades["entry_price"] - 1)).all()


def test_a_benchmark_that_is_no_feed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(RUN)
    with pytest.raises(MistakesError, match=r"benchmark: unknown feed 'othr', did you mean 'other'\?"):
        load_config(path, ["benchmark=othr"])
    assert "benchmark" not in load_config(path).resolved()
    assert load_config(path, ["benchmark=other"]).resolved()["benchmark"] == "other"


def test_excursions_equal_a_walk_over_the_bars_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(RUN)
    made = run(load_config(path), tmp_path / "out", report=False)
    bars = made.bars.query("data == 'fast'")
    stamps = bars.index
    for one in made.trades.itertuples():
        seen = [one.entry_price, one.exit_price]
        for stamp, low, high in zip(pd.DatetimeIndex(stamps), bars["low"], bars["high"], strict=True):
            if one.entry_time <= stamp < one.exit_time:
                seen += [low, high]
        assert one.mae_pct == pytest.approx(100 * (min(seen) / one.entry_price - 1), abs=1e-9)
        assert one.mfe_pct == pytest.approx(100 * (max(seen) / one.entry_price - 1), abs=1e-9)

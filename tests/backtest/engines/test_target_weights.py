"""Portfolios held at target weights, against plain Python over the bars."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import HOUR
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.helpers.portfolios import GRIDS, markets, run

DAY = 24 * HOUR
LOT = {name: 0.1**k for k, name in enumerate("abcde")}
FEE = {name: (k + 2) / 10_000 for k, name in enumerate("abcde")}
Bars = dict[str, np.ndarray[Any, Any]]
Moves = list[tuple[str, int, float]]


def held_at(given: dict[str, Bars], share: Any, band: float, every: int, cash: float) -> tuple[Moves, float]:
    """What is bought (above 0) and sold, by feed and the close it is sent at, and what the account is worth at last.

    All feeds have the same bars. Sold first, then bought, each filled whole at the next open; whoever lacks the money
    gets none, so that the weights of a test have to leave some.
    """
    names, size = [*given], dict.fromkeys(given, 0.0)
    moves: Moves = []
    due, orders = -math.inf, list[tuple[str, float]]()
    times = given["a"]["close_time"]
    for i, time in enumerate(times):
        for name, x in orders:
            price = given[name]["open"][i]
            cash -= x * price + abs(x) * price * FEE[name]
            size[name] += x
        orders = []
        worth = cash + sum(size[name] * given[name]["close"][i] for name in names)
        weights = {name: share(name, i) for name in names}
        if time < due or any(map(math.isnan, weights.values())):
            continue
        due = (time // every + 1) * every
        for name in names:
            close, weight = given[name]["close"][i], weights[name]
            lots = math.floor(abs(weight) * worth / close / LOT[name] + 1e-9)
            x = math.copysign(lots * LOT[name], weight) - size[name]
            if abs(x) > 1e-9 and (abs(x) * close > band * worth or not weight):
                orders.append((name, x))
        orders.sort(key=lambda one: one[1] * size[one[0]] >= 0)
        moves += [(name, int(time), x) for name, x in orders]
    return moves, worth


def sent(made: Outcome) -> Moves:
    rows = made.record.orders.values()
    assert {row["reason"] for row in rows} == {"rebalance"}
    return [(r["data"], r["created_time"], r["size"] * (1 if r["side"] == "buy" else -1)) for r in rows]


def equal(given: dict[str, Bars]) -> Any:
    return lambda name, i: 0.9 / len(given)


def inverse(given: dict[str, Bars]) -> Any:
    def volatility(name: str, i: int) -> float:
        moves = np.diff(np.log(given[name]["close"][i - 12 : i + 1])) if i >= 12 else np.array([])
        return float(np.std(moves, ddof=1)) if len(moves) else math.nan

    return lambda name, i: (1 / volatility(name, i)) / sum(1 / volatility(other, i) for other in given)


def signed(given: dict[str, Bars]) -> Any:
    def share(name: str, i: int) -> float:
        closes = given[name]["close"]
        rose = closes[i] - closes[i - 5] if i >= 5 else math.nan
        return math.nan if math.isnan(rose) else 0.3 if rose > 0 else -0.2 if name == "a" else 0.0

    return share


CASES = {
    "equal": ("0.9 / 3", equal, 0.0, "1d"),
    "band": ("0.9 / 3", equal, 0.01, "4h"),
    "expression": ("where(change(close, 5) > 0, 0.3, where(change(close, 5) <= 0, SHORT, 0))", signed, 0.005, "8h"),
}


@pytest.mark.parametrize("case", CASES)
def test_positions_go_to_their_weights_as_plain_python_has_it(case: str) -> None:
    text, share, band, every = CASES[case]
    given = markets("equal", 3)
    data: dict[str, Any] = {}
    if "SHORT" in text:
        text = text.replace("SHORT", "where(close == a.close, -0.2, 0)")
    portfolio = {"weights": text, "rebalance": {"every": every, "band": f"{band:.1%}"}}
    more = {"trade": [*given], "portfolio": portfolio, "strategy": {"kind": "Rules"}, "indicators": {}, **data}
    made, fast = run(given, **more), run(given, "backtrader", **more)
    assert fast.engine == "backtrader"
    assert not difference(fast, made)
    hours = {"1d": DAY, "4h": 4 * HOUR, "8h": 8 * HOUR}[every]
    moves, worth = held_at({n: b.columns for n, b in given.items()}, share(given), band, hours, 1e6)
    last = given["a"]["close_time"][-1]
    expected = sorted(one for one in moves if one[1] != last)
    got = sorted(combined([one for one in sent(made) if one[1] != last]))
    assert [one[:2] for one in got] == [one[:2] for one in expected]
    assert [x for *_, x in got] == pytest.approx([x for *_, x in expected])
    assert len(expected) > 9
    assert made.equity["value"][-1] == pytest.approx(worth, rel=1e-12)


def combined(moves: Moves) -> Moves:
    """Where a position changes sides, the order that leaves one and that which enters the other as one."""
    made: dict[tuple[str, int], float] = {}
    for name, time, x in moves:
        made[name, time] = made.get((name, time), 0.0) + x
    return [(*key, x) for key, x in made.items()]


@pytest.mark.parametrize("grid", GRIDS)
def test_inverse_volatility_holds_what_moves_less_for_more(grid: str) -> None:
    given = markets(grid, 3)
    portfolio = {"weights": "inverse_volatility", "window": 12, "rebalance": {"every": "1d"}}
    more: dict[str, Any] = {"trade": [*given], "portfolio": portfolio, "indicators": {}, "strategy": {"kind": "Rules"}}
    made = run(given, **more)
    assert not difference(run(given, "backtrader", **more), made)
    assert made.equity["cash"].min() >= 0
    rows = [row for row in made.record.orders.values() if row["side"] == "buy"]
    if grid == "equal":
        share = inverse({n: b.columns for n, b in given.items()})
        first = rows[: len(given)]
        assert [row["data"] for row in first] == [*given]
        for row in first[:-1]:
            close = given[row["data"]]["close"][12]
            assert row["size"] * close == pytest.approx(share(row["data"], 12) * 1e6, abs=close * LOT[row["data"]])
    # Once all are listed, no instrument is looked at twice a day.
    listed = max(bars["close_time"][12] for bars in given.values()) // DAY
    days = [(row["data"], day) for row in made.record.orders.values() if (day := row["created_time"] // DAY) > listed]
    assert len(days) == len(set(days)) > 3


def test_a_late_listing_gets_its_share_at_its_first_close() -> None:
    given = markets("late", 3)
    portfolio = {"weights": "equal", "rebalance": {"every": "1w", "band": "2%"}}
    made = run(given, trade=[*given], portfolio=portfolio, indicators={}, strategy={"kind": "Rules"})
    bought = {row["data"]: row["created_time"] for row in reversed(made.record.orders.values()) if row["side"] == "buy"}
    assert bought == {name: bars["close_time"][0] for name, bars in given.items()}


def test_limits_of_the_portfolio_hold_for_weights_too() -> None:
    given = markets("equal", 4)
    portfolio = {"weights": "0.4", "gross": "100%", "max_positions": 3}
    made = run(given, trade=[*given], portfolio=portfolio, indicators={}, strategy={"kind": "Rules"})
    assert np.sum([size != 0 for size in made.positions.values()], axis=0).max() == 3
    assert made.figures()["portfolio_cut"]["gross"] > 0


MISTAKES = [
    ({"portfolio": {"weights": "equl"}}, r"portfolio\.weights: must be .* an expression, did you mean 'equal'\?"),
    ({"portfolio": {"weights": "equal", "window": 5}}, r"portfolio\.window: goes with weights: inverse_volatility"),
    ({"portfolio": {"rebalance": {"every": "1w"}}}, r"portfolio\.rebalance: goes with portfolio\.weights"),
    ({"portfolio": {"weights": "equal"}}, "strategy: says what is traded, and portfolio.weights"),
    ({"portfolio": {"weights": "equal", "rebalance": {"every": "7m"}}}, r"every: session '7m' must be whole hours"),
    ({"portfolio": {"weights": "equal", "rebalance": {"band": "2"}}}, r"band: must be a share of the equity"),
]


@pytest.mark.parametrize(("more", "said"), MISTAKES)
def test_what_does_not_go_with_weights_is_refused_by_name(more: dict[str, Any], said: str) -> None:
    with pytest.raises(TapeflowError, match=said):
        run(markets("equal", 2), trade=["a", "b"], **more)


def test_stops_and_sizers_are_of_entries() -> None:
    base = {"name": "t", "data": {"a": {"feed": "SyntheticTape"}}, "portfolio": {"weights": "equal"}}
    with pytest.raises(TapeflowError, match=r"risk\.stop_loss: is of entries"):
        from_mapping({**base, "risk": {"stop_loss": "1%"}})
    with pytest.raises(TapeflowError, match="sizer: sizes entries"):
        from_mapping({**base, "sizer": {"percent": 50}})
    with pytest.raises(TapeflowError, match="missing key 'strategy'"):
        from_mapping({**base, "portfolio": {}})
    config = from_mapping(base)
    assert from_mapping(config.resolved()).portfolio == config.portfolio

"""What rules say of all instruments that are traded together, against plain Python over the bars of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.core.errors import TapeflowError
from tapeflow.tests.helpers.portfolios import GRIDS, markets, run

Bars = dict[str, np.ndarray[Any, Any]]


def rise(bars: Bars, i: int) -> float:
    return (bars["close"][i] - bars["close"][i - 3]) / bars["close"][i] if i >= 3 else math.nan


def last(bars: Bars, time: int) -> int:
    """The last bar that has closed by then; -1 before the first."""
    return int(np.searchsorted(bars["close_time"], time, "right")) - 1


def told(given: dict[str, Bars], name: str, i: int) -> tuple[float, float, float]:
    """Rank, mean and that of `b`, of how far each has risen, at bar `i` of one of them."""
    time = given[name]["close_time"][i]
    at = {other: last(bars, time) for other, bars in given.items()}
    rises = {other: rise(given[other], k) if k >= 0 else math.nan for other, k in at.items()}
    own, there = rises[name], [v for v in rises.values() if not math.isnan(v)]
    rank = math.nan if math.isnan(own) else 1 + sum(v > own for v in there)
    return rank, sum(there) / len(there) if there else math.nan, rises["b"]


@pytest.mark.parametrize("grid", GRIDS)
def test_entries_by_rank_mean_and_another_are_those_of_plain_python(grid: str) -> None:
    given = markets(grid, 4)
    x = "change(close, 3) / close"
    enter = f"rank({x}) <= 2 and {x} > mean_of({x}) and of('b', {x} > -0.01)"
    rules = {"kind": "Rules", "params": {"long": {"enter": enter, "exit": f"rank({x}) > 3"}}}
    more: dict[str, Any] = {"trade": [*given], "strategy": rules, "indicators": {}}
    fast, stock = run(given, "backtrader", **more), run(given, **more)
    assert not difference(fast, stock)
    sent = {(row["data"], row["created_time"], row["side"]) for row in stock.record.orders.values()}
    expected = set()
    for name, bars in given.items():
        held = False
        for i, time in enumerate(bars["close_time"][:-1]):
            rank, mean, other = told(given, name, i)
            if not held and rank <= 2 and rise(bars, i) > mean and other > -0.01:
                expected.add((name, time, "buy"))
                held = True
            elif held and rank > 3:
                expected.add((name, time, "sell"))
                held = False
    assert len(expected) > 20
    ends = {(name, bars["close_time"][-1]) for name, bars in given.items()}
    assert {one for one in sent if one[:2] not in ends} == expected


def test_the_order_of_trade_changes_nothing_that_rules_say_of_all() -> None:
    given = markets("holes", 4)
    rules = {"kind": "Rules", "params": {"long": {"enter": "close > mean_of(close) and rank(close) <= 2"}}}
    sent = []
    for order in ("abcd", "dcba"):
        made = run(given, "backtrader", trade=[*order], strategy=rules, indicators={})
        sent.append({(row["data"], row["created_time"]) for row in made.record.orders.values()})
    assert sent[0] == sent[1]
    assert sent[0]


def test_each_instrument_has_its_own_indicators_and_one_may_rank_what_ranks() -> None:
    given = markets("equal", 3)
    text = "of('c', rank(close - mean)) == 1 and of('a', close) == a.close"
    made = run(given, trade=[*given], strategy={"kind": "Rules", "params": {"long": {"enter": text}}})
    far = {n: b["close"][6:] - np.convolve(b["close"], np.ones(7) / 7, "valid") for n, b in given.items()}
    first = given["a"]["close_time"][6:][int(np.argmax((far["c"] > far["a"]) & (far["c"] > far["b"])))]
    rows = [row for row in made.record.orders.values() if row["side"] == "buy"]
    assert {row["data"]: row["created_time"] for row in rows} == dict.fromkeys("abc", first)


def test_a_portfolio_may_rank_by_what_instruments_are_beside_each_other() -> None:
    given = markets("equal", 4)
    rules = {"kind": "Rules", "params": {"long": {"enter": "close > mean", "exit": "close < mean"}}}
    more: dict[str, Any] = {"trade": [*given], "strategy": rules}
    limits = [{"max_positions": 1, "rank": text} for text in ("change(close, 3)", "-rank(change(close, 3))")]
    one, other = (run(given, **more, portfolio=most) for most in limits)
    assert not difference(one, other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("of('d', close) > 1", r"column 4: unknown traded instrument 'd' \(allowed: a, b\)"),
        ("of(a, close) > 1", r"unknown traded instrument 'None'"),
        ("rank(pnl) < 2", "column 6: 'pnl' is of the own position, which instruments beside do not have"),
        ("rank() < 2", r"rank\(\) takes 1 argument: rank\(x\)"),
        ("rank(vwpa) < 2", "column 6: unknown name 'vwpa'"),
    ],
)
def test_what_no_instrument_has_is_told_by_its_place(text: str, said: str) -> None:
    given = markets("equal", 2)
    with pytest.raises(TapeflowError, match=rf"strategy\.params\.long\.enter: .*{said}"):
        run(given, trade=[*given], strategy={"kind": "Rules", "params": {"long": {"enter": text}}})


def test_the_rank_of_entries_may_read_the_names_of_the_rules() -> None:
    given = markets("equal", 4)
    x = "change(close, reach) / close"
    rules = {"long": {"enter": "rise > 0", "exit": "rise < 0"}, "values": {"reach": 3}, "names": {"rise": x}}
    more: dict[str, Any] = {"trade": [*given], "indicators": {}, "sizer": {"percent": 40}}

    def made(rank: str) -> Any:
        asked = {"strategy": {"kind": "Rules", "params": rules}, "portfolio": {"max_positions": 2, "rank": rank}}
        return run(given, "backtrader", **more, **asked)

    named = made("-rise")
    assert not difference(named, made("-(change(close, 3) / close)"))
    assert difference(named, made("rise"))
    both = {"a": {"params": rules, "capital": "50%"}, "b": {"params": rules, "capital": "50%"}}
    several = {"strategy": None, "strategies": both, "portfolio": {"max_positions": 2, "rank": "-rise"}}
    parts = run(given, "backtrader", **more, **several).parts
    assert not difference(parts["a"], parts["b"])
    assert len(parts["a"].record.orders) > 10
    with pytest.raises(TapeflowError, match=r"portfolio\.rank: column 1: unknown name 'fall'"):
        made("fall")


def test_a_name_may_stand_in_functions_of_all_instruments() -> None:
    given = markets("holes", 3)
    x = "change(close, reach) / close"

    def made(read: str, **more: Any) -> Any:
        side = {"enter": f"rank({read}) <= 2 and {read} > mean_of({read})", "exit": f"of('b', {read}) < 0"}
        return run(given, trade=[*given], indicators={}, strategy={"kind": "Rules", "params": {"long": side, **more}})

    named = made("rise", values={"reach": 3}, names={"rise": x})
    assert len(named.record.orders) > 20
    assert not difference(named, made(x, values={"reach": 3}))
    with pytest.raises(TapeflowError, match=r"in 'rise': column 1: 'pnl' is the state of a position"):
        made("rise", names={"rise": "pnl"})

"""Spreads: legs that are entered and left together, against the same written by hand on plain backtrader."""

from __future__ import annotations

import math
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.core.bars import Bars
from tapeflow.core.errors import TapeflowError
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers.portfolios import markets, run

N = 20
GAP = f"zscore(log(close) - log(b.close), {N})"
PAIR = {
    "long": {"enter": f"{GAP} < -1", "exit": f"{GAP} >= 0"},
    "short": {"enter": f"{GAP} > 1", "exit": f"{GAP} <= 0"},
}
BETA = f"cov(change(log(close)), change(log(b.close)), {N}) / var(change(log(b.close)), {N})"


def spread(given: dict[str, Bars], legs: dict[str, Any], engine: str = "stock", **more: Any) -> Outcome:
    base: dict[str, Any] = {"strategy": {"kind": "Rules", "params": PAIR}, "indicators": {}, "sizer": {"percent": 20}}
    base |= {"trade": [*legs], "portfolio": {"legs": legs}}
    return run(given, engine, **{**base, **more})


class _ByHand(bt.Strategy):
    """A pair in plain backtrader: all it knows are arrays of the gap and of the ratio."""

    params: Any = dict(gap=None, ratio=None)

    def __init__(self) -> None:
        self.frozen = 0.0
        self.rows: list[tuple[str, int, float, float]] = []
        self.values: list[float] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.rows.append((order.data._name, len(order.data), order.executed.size, order.executed.price))

    def next(self) -> None:
        a, b = self.datas
        gap, ratio = (column[len(a) - 1] for column in (self.p.gap, self.p.ratio))
        self.values.append(self.broker.getvalue())
        held = self.getposition(a).size
        side = math.copysign(1.0, held) if held else 0.0
        if held and gap * side >= 0:
            self.close(a)
            self.close(b)
            held, turned = 0.0, -side
        else:
            turned = 0.0
        want = 1.0 if gap < -1 else -1.0 if gap > 1 else 0.0
        if not held and want and (not turned or turned == want) and not math.isnan(ratio):
            size = math.floor(0.2 * self.broker.getvalue() / a.close[0] + 1e-9)
            other = size * ratio * a.close[0] / b.close[0]
            lots = math.floor(abs(other) / 0.1 + 1e-9) * 0.1
            (self.buy if want > 0 else self.sell)(a, size=size)
            (self.buy if want * ratio > 0 else self.sell)(b, size=lots)


def by_hand(given: dict[str, Bars], gap: Any, ratio: Any) -> _ByHand:
    cerebro = bt.Cerebro(stdstats=False)
    for k, name in enumerate("ab"):
        cerebro.adddata(bar_data(given[name], name, tick=0.01, lot=0.1**k), name=name)
        cerebro.broker.setcommission(commission=(k + 2) / 10_000, name=name)
    cerebro.broker.set_cash(1e6)
    cerebro.addstrategy(_ByHand, gap=gap, ratio=ratio)
    made: _ByHand = cerebro.run()[0]
    return made


def gap_of(given: dict[str, Bars]) -> Any:
    x = np.log(given["a"]["close"]) - np.log(given["b"]["close"])
    made = np.full(len(x), np.nan)
    for i in range(N - 1, len(x)):
        held = x[i - N + 1 : i + 1]
        made[i] = (x[i] - held.mean()) / held.std(ddof=1)
    return made


def slope_of(given: dict[str, Bars]) -> Any:
    moves = [np.diff(np.log(given[name]["close"])) for name in "ab"]
    made = np.full(len(given["a"]), np.nan)
    for i in range(N, len(made)):
        x, y = (move[i - N : i] for move in moves)
        made[i] = np.cov(x, y, ddof=1)[0, 1] / np.var(y, ddof=1)
    return made


@pytest.mark.parametrize("ratio", ["-1", f"-({BETA})"])
def test_a_pair_is_what_plain_backtrader_does_by_hand(ratio: str) -> None:
    given = markets("equal", 2, 300)
    legs = {"a": 1, "b": {"value": ratio}}
    made, fast = spread(given, legs), spread(given, legs, "backtrader")
    assert fast.engine == "backtrader"
    assert not difference(fast, made)
    slope = np.full(len(given["a"]), -1.0) if ratio == "-1" else -slope_of(given)
    own = by_hand(given, gap_of(given), slope)
    rows = [row for row in made.record.orders.values() if row["status"] == "completed"]
    signed = {(r["data"], r["executed_time"], r["executed_size"] * (1 if r["side"] == "buy" else -1)) for r in rows}
    times = given["a"]["close_time"]
    expected = [(name, times[bar - 1], round(size, 6)) for name, bar, size, _ in own.rows]
    assert {(name, time, round(size, 6)) for name, time, size in signed} == set(expected)
    assert len(expected) == len(rows) > 20
    assert made.equity["value"] == pytest.approx(own.values, rel=1e-12)
    counts = made.figures()["legs"]
    assert counts["entered"] * 2 == sum("enter" in row["reason"] for row in made.record.orders.values())
    assert counts["broken"] == 0


def test_legs_in_units_keep_the_ratio_and_are_flat_together() -> None:
    given = markets("equal", 3)
    made = spread(given, {"a": 1, "b": -0.5, "c": 0.3}, sizer={"fixed": 100.0})
    a, b, c = (made.positions[name] for name in "abc")
    assert np.count_nonzero(a) > 20
    assert np.array_equal(b, -0.5 * a)
    assert c == pytest.approx(0.3 * a)


def test_a_close_at_which_a_leg_has_no_bar_enters_none() -> None:
    given = markets("holes", 2, 300)
    made = spread(given, {"a": 1, "b": -1})
    assert not difference(spread(given, {"a": 1, "b": -1}, "backtrader"), made)
    closes = set(given["b"]["close_time"])
    entries = [row for row in made.record.orders.values() if "enter" in row["reason"]]
    assert entries
    assert all(row["created_time"] in closes for row in entries)
    assert made.figures()["legs"]["missed"] > 3
    assert any("of the spread left out" in text for text in made.warnings())


def test_a_leg_whose_bars_begin_before_those_of_the_first_decides_nothing() -> None:
    later, earlier = (markets("equal", 1, 300)["a"] for _ in range(2))
    given = {"a": Bars.of(**{name: column[40:] for name, column in later.columns.items()}), "b": earlier}
    rules = {"long": {"enter": "close > close[1]", "exit": "close < close[1]"}}
    asked: dict[str, Any] = {"strategy": {"kind": "Rules", "params": rules}}
    made = spread(given, {"a": 1, "b": -1}, **asked)
    assert not difference(spread(given, {"a": 1, "b": -1}, "backtrader", **asked), made)
    close, times = given["a"]["close"], given["a"]["close_time"]
    rising = {int(time) for time, now, before in zip(times[1:], close[1:], close, strict=False) if now > before}
    entries = {row["created_time"] for row in made.record.orders.values() if "enter" in row["reason"]}
    assert len(entries) > 20
    assert entries <= rising
    assert made.figures()["legs"]["broken"] == 0


def test_a_leg_that_is_refused_takes_the_others_out_and_is_counted() -> None:
    given = markets("equal", 2)
    rules = {"kind": "Rules", "params": {"long": PAIR["long"]}}
    made = spread(given, {"a": 1, "b": 3}, sizer={"percent": 60}, strategy=rules)
    rows = [*made.record.orders.values()]
    refused = [row for row in rows if row["status"] == "margin"]
    assert refused
    assert {row["data"] for row in refused} == {"b"}
    out = [row for row in rows if row["reason"] == "leg_refused"]
    assert made.figures()["legs"]["broken"] == len(refused) == len(out)
    assert {row["data"] for row in out} == {"a"}
    assert all(not size.any() for name, size in made.positions.items() if name == "b")
    held = made.positions["a"] != 0
    assert max(map(len, "".join("x" if one else " " for one in held).split())) == 1
    assert made.equity["cash"].min() >= 0


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"legs": {"a": 1}}, r"portfolio\.legs: must name the feeds of trade, at least two, in their order: a, b"),
    ({"legs": {"a": 2, "b": -1}}, r"portfolio\.legs\.a: is the first leg"),
    ({"legs": {"a": 1, "b": "-bta"}}, r"portfolio\.legs\.b: column 2: unknown name 'bta'"),
    ({"legs": {"a": 1, "b": {"value": "-bta"}}}, r"portfolio\.legs\.b\.value: column 2: unknown name 'bta'"),
    ({"legs": {"a": 1, "b": {"value": 1, "units": 1}}}, "needs one of units and value"),
    ({"legs": {"a": 1, "b": -1}, "gross": "100%"}, r"portfolio\.gross: is of single positions"),
]


@pytest.mark.parametrize(("portfolio", "said"), MISTAKES)
def test_what_does_not_go_with_legs_is_refused_by_name(portfolio: dict[str, Any], said: str) -> None:
    with pytest.raises(TapeflowError, match=said):
        run(markets("equal", 2), trade=["a", "b"], portfolio=portfolio, indicators={}, strategy=RULES)


RULES = {"kind": "Rules", "params": PAIR}


def test_stops_and_the_state_of_one_position_do_not_go_with_legs() -> None:
    given = markets("equal", 2)
    with pytest.raises(TapeflowError, match=r"risk\.stop_loss: is of one position"):
        spread(given, {"a": 1, "b": -1}, risk={"stop_loss": "1%"})
    rules = {"long": {"enter": "close > open", "exit": "pnl < -0.01"}}
    with pytest.raises(TapeflowError, match=r"portfolio\.legs: long\.exit reads the state of a position"):
        spread(given, {"a": 1, "b": -1}, strategy={"kind": "Rules", "params": rules})

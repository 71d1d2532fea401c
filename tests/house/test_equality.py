"""What is exactly equal to its bound, and what is the least bit beyond: every row says both, for every engine."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.engines.compiled.supported import unsupported_reason
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.results.statistics import returns
from tapeflow.backtest.runner import simulate
from tapeflow.backtest.tape_fills import FillModel
from tapeflow.backtest.tape_fills.break_even import survival
from tapeflow.backtest.tape_fills.kernels import calibrate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY
from tapeflow.core.lines import bar_data
from tapeflow.core.tape import Tape
from tapeflow.feeds.framework.contradictions import is_usual
from tapeflow.feeds.framework.sort_and_dedup import Batch, RowSorter
from tapeflow.research.sweep.best import caution
from tapeflow.strategies.rules import Rules
from tapeflow.tests.backtest.results.test_doubts import said
from tapeflow.tests.backtest.tape_fills import test_fills_broker as from_tape
from tapeflow.tests.backtest.test_empty_bars import ENGINES
from tapeflow.tests.helpers.trading import flat, moving

SAY = ("uptick_count", "downtick_count")
"""Columns whose bars say when to enter and when to leave."""
LONG = {"long": {"enter": "uptick_count > 0", "exit": "downtick_count > 0"}}
SHORT = {"short": {"enter": "uptick_count > 0", "exit": "downtick_count > 0"}}
LINEAR = {"margin": "linear", "leverage": 8, "maintenance": 0, "contract_size": 1}
HALF = {"margin": "linear", "leverage": 2, "maintenance": "25%", "contract_size": 1}
INVERSE = {"margin": "inverse", "leverage": 8, "maintenance": "1%", "contract_size": 100}
BRACKETS = [{"floor": 0, "rate": "0.5%", "leverage": 20}, {"floor": 8_000, "rate": "1%", "leverage": 5}]
DONE, LACKS = ["completed"], ["margin"]


def less(number: float) -> float:
    return math.nextafter(number, 0.0)


def more(number: float) -> float:
    return math.nextafter(number, math.inf)


@dataclass(frozen=True)
class Side:
    """A run at a border, or beyond it: what it does on which bar, and what comes of it.

    Parameters
    ----------
    status : list of str
        Of its orders.
    fills : list of (int, float, float)
        Bar, size and price of each fill.
    market : Bars
        What it trades.
    enter, leave : tuple of int
        Bars at whose close its rules say so.
    blocks : dict
        Of the config.
    """

    status: list[str]
    fills: list[tuple[int, float, float]]
    market: Bars = field(default_factory=lambda: flat(6))
    enter: tuple[int, ...] = (0,)
    leave: tuple[int, ...] = ()
    blocks: dict[str, Any] = field(default_factory=dict)

    def run(self, engine: str) -> Any:
        """The outcome in one engine."""
        bars = np.arange(len(self.market))
        said = {
            name: np.isin(bars, rows).astype(float) for name, rows in zip(SAY, (self.enter, self.leave), strict=True)
        }
        blocks = dict(self.blocks)
        data = {"feed": "SyntheticTape", "tick": 0.01, "lot": 0.001, **blocks.pop("data", {})}
        params = {**LONG, **blocks.pop("params", {})}
        raw = {"name": "t", "data": {"main": data}, "strategy": {"kind": "Rules", "params": params}, "engine": engine}
        asked = from_mapping({**raw, "broker": {"cash": 10_000.0}, "sizer": {"fixed": 1.0}, **blocks})
        sources = {"main": Source(None, self.market.assign(**said))}
        if engine == "compiled" and (why := unsupported_reason(asked, sources)):
            pytest.skip(why)
        return simulate(asked, sources)


def row(name: str, *sides: Side) -> list[Any]:
    """A border and what is beyond it, as parameters of a test."""
    return [pytest.param(side, id=f"{name}: {where}") for side, where in zip(sides, ("at", "beyond"), strict=True)]


def paying(name: str, cash: float, size: float = 100.0, *, price: float = 100.0, **blocks: Any) -> list[Any]:
    """An order for which there is just enough money, and one for which there is not."""
    money = blocks.pop("broker", {})
    market = blocks.pop("market", flat(6))

    def with_(given: float) -> dict[str, Any]:
        return {"broker": {**money, "cash": given}, "sizer": {"fixed": size}, **blocks}

    return row(
        name,
        Side(DONE, [(1, size, price)], market, blocks=with_(cash)),
        Side(LACKS, [], market, blocks=with_(less(cash))),
    )


def dips(low: float) -> Bars:
    """Bars of which the fourth reaches down."""
    return flat(6, low=[100.0, 100, 100, low, 100, 100])


def peaks(high: float) -> Bars:
    """Bars of which the fourth reaches up."""
    return flat(6, high=[100.0, 100, 100, high, 100, 100])


GAP = flat(6, open=[100.0, 110, 110, 110, 110, 110], high=np.full(6, 110.0), close=[100.0, 110, 110, 110, 110, 110])
MONEY = [
    *paying("an order that spends all cash", 10_000.0),
    *paying("an order and its fee that spend all cash", 10_078.125, broker={"fees": {"taker": 1 / 128}}),
    *paying("a fee by the contract", 10_050.0, broker={"fees": {"per_contract": 0.5}}),
    *paying("a fee of the least amount", 10_016.0, broker={"fees": {"minimum": 16}}),
    *paying("a fill that slipped", 10_100.0, price=101.0, broker={"slippage": 1.0}, market=peaks(101.0).assign(
        high=np.full(6, 101.0))),
    *paying("a fill at a higher open", 11_000.0, price=110.0, market=GAP),
    *paying("all margin that is free", 1250.0, data={"instrument": LINEAR}),
    *paying("all margin that is free, isolated", 1250.0, data={"instrument": {**LINEAR, "collateral": "isolated"}}),
    *paying("margin and fee", 1250.0 + 78.125, data={"instrument": LINEAR}, broker={"fees": {"taker": 1 / 128}}),
    *paying("margin of what is paid for", 5000.0, data={"instrument": {"leverage": 2}}),
    *paying("margin in coin", 1.25, 10.0, data={"instrument": INVERSE, "lot": 1}),
    *paying("margin at a higher open", 1375.0, price=110.0, data={"instrument": LINEAR}, market=GAP),
]  # fmt: skip


def adding(cash: float) -> dict[str, Any]:
    return {
        "params": {"pyramiding": 2},
        "broker": {"cash": cash},
        "sizer": {"fixed": 50.0},
        "data": {"instrument": LINEAR},
    }


def bounded(size: float) -> dict[str, Any]:
    instrument = {k: v for k, v in LINEAR.items() if k != "maintenance"} | {"brackets": BRACKETS}
    return {"sizer": {"fixed": size}, "data": {"instrument": instrument, "lot": 0.001}, "broker": {"cash": 1e5}}


def held(cash: float, size: float = 50.0, **instrument: Any) -> dict[str, Any]:
    return {
        "params": LONG if size > 0 else {"long": None, **SHORT},
        "broker": {"cash": cash},
        "sizer": {"fixed": abs(size)},
        "data": {"instrument": {**HALF, **instrument}},
    }


def funded() -> dict[str, Any]:
    """A long of 50 at 100 with a stake of its own that pays a 64th of its notional every minute."""
    blocks = held(9000.0, collateral="isolated")
    blocks["broker"]["funding"] = {"rate": 1 / 64, "every": "1m"}
    return blocks


FUNDED = (5000 - (2500 - 2 * 5000 / 64)) / 37.5
"""Where the stake of `funded` is a quarter of the notional after it paid twice."""
TAKEN = (1, 50.0, 100.0)
SOLD = (1, -50.0, 100.0)
# A long of 50 at 100 with 2750 behind it is worth a quarter of its notional at 60, a short of it at 124.
MARGIN = [
    *row(
        "a second entry that takes the margin that is left",
        Side(DONE * 2, [TAKEN, (3, 50.0, 100.0)], enter=(0, 2), blocks=adding(1250.0)),
        Side(DONE + LACKS, [TAKEN], enter=(0, 2), blocks=adding(less(1250.0))),
    ),
    *row(
        "the largest notional that a bracket's leverage allows",
        Side(DONE, [(1, 80.0, 100.0)], blocks=bounded(80.0)),
        Side(LACKS, [], blocks=bounded(80.001)),
    ),
    *row(
        "a low at the liquidation price",
        Side(DONE * 2, [TAKEN, (3, -50.0, 60.0)], dips(60.0), blocks=held(2750.0)),
        Side(DONE, [TAKEN], dips(more(60.0)), blocks=held(2750.0)),
    ),
    *row(
        "a high at the liquidation price of a short",
        Side(DONE * 2, [SOLD, (3, 50.0, 124.0)], peaks(124.0), blocks=held(2750.0, -50.0)),
        Side(DONE, [SOLD], peaks(less(124.0)), blocks=held(2750.0, -50.0)),
    ),
    *row(
        "an open at the liquidation price",
        Side(DONE * 2, [TAKEN, (3, -50.0, 60.0)], dips(60.0).assign(open=dips(60.0)["low"]), blocks=held(2750.0)),
        Side(DONE, [TAKEN], dips(more(60.0)).assign(open=dips(more(60.0))["low"]), blocks=held(2750.0)),
    ),
    *row(
        "a low at the liquidation price, isolated",
        Side(
            DONE * 2,
            [TAKEN, (3, -50.0, (5000 - 2500) / 37.5)],
            dips((5000 - 2500) / 37.5),
            blocks=held(9000.0, collateral="isolated"),
        ),
        Side(DONE, [TAKEN], dips(more((5000 - 2500) / 37.5)), blocks=held(9000.0, collateral="isolated")),
    ),
    *row(
        "a low at the liquidation price, isolated, after funding twice",
        Side(DONE * 2, [TAKEN, (3, -50.0, FUNDED)], dips(FUNDED), blocks=funded()),
        Side(DONE, [TAKEN], dips(more(FUNDED)), blocks=funded()),
    ),
    *row(
        "a low at the liquidation price of what is paid for",
        Side(DONE * 2, [TAKEN, (3, -50.0, 60.0)], dips(60.0), blocks=held(2750.0, margin="spot", contract_size=None)),
        Side(DONE, [TAKEN], dips(more(60.0)), blocks=held(2750.0, margin="spot", contract_size=None)),
    ),
]


def resting(limit: str, **rule: Any) -> dict[str, Any]:
    """Entries at a limit."""
    return {"params": {"long": None, "entries": {"rest": {"long": "uptick_count > 0", "limit": limit, **rule}}}}


def averaged(bars: int) -> dict[str, Any]:
    """An indicator that no rule asks, and that is known from the bar of that number on."""
    return {"indicators": {"average": {"kind": "talib.SMA", "timeperiod": bars}}}


def peaks_all(high: float) -> Bars:
    """Bars that all reach up."""
    return flat(6, high=np.full(6, high))


def halved(size: float) -> dict[str, Any]:
    """A position of which half is left by a rule."""
    exits = {"half": {"long": "downtick_count > 0", "share": 0.5}}
    entries = {"go": {"long": "uptick_count > 0"}}
    return {"params": {"long": None, "entries": entries, "exits": exits}, "sizer": {"fixed": size}}


def leaving(share: float) -> dict[str, Any]:
    """A position of 2 of which a share is left on the bar that enters the other side."""
    entries = {"go": {"long": "uptick_count > 0", "short": "downtick_count > 0"}}
    exits = {"out": {"long": "downtick_count > 0", "share": share}}
    return {"params": {"long": None, "entries": entries, "exits": exits}, "sizer": {"fixed": 2}}


def stacked(entries: int) -> dict[str, Any]:
    """Named rules with so many entries at once."""
    rules = {"entries": {"go": {"long": "uptick_count > 0"}}, "exits": {"out": {"long": "downtick_count > 0"}}}
    return {"params": {"long": None, "pyramiding": entries, **rules}}


def both_rest(most: float) -> dict[str, Any]:
    """Two entries that rest at the same time, within the largest position."""
    entries = {
        "near": {"long": "uptick_count > 0", "limit": "99", "valid": 9},
        "far": {"long": "downtick_count > 0", "limit": "98", "valid": 9},
    }
    return {"params": {"long": None, "entries": entries, "pyramiding": 2}, "risk": {"max_position": most}}


NAMED = {"params": {"long": None, "entries": {"go": {"long": "uptick_count > 0"}}}}
IN = (1, 1.0, 100.0)


HALF_OF_IT = {"params": {"entries": {"up": {"long": "uptick_count > 0", "size": 0.5}}, "long": None}}
COIN = {"lot": 1, "instrument": {**INVERSE, "contract_size": 10}}


def least(notional: float, of: str, cut: Any, **data: Any) -> list[Any]:
    """Half of what the sizer gives that is worth just the least notional, and the same where the least is more."""

    def asking(smallest: float) -> dict[str, Any]:
        return {**cut, "data": {"min_notional": smallest, **data}, "sizer": {"fixed": 2}}

    name = f"the least notional of {of}"
    return row(name, Side(DONE, [IN], blocks=asking(notional)), Side([], [], blocks=asking(more(notional))))


ORDERS = [
    *row(
        "a low at a limit",
        Side(DONE, [(3, 1.0, 99.0)], dips(99.0), blocks=resting("99", valid=9)),
        Side(["accepted"], [], dips(more(99.0)), blocks=resting("99", valid=9)),
    ),
    *row(
        "a limit at an open that slipped as far as the bar went",
        Side(DONE, [(1, 1.0, 103.0)], peaks_all(103.0), blocks={**resting("105"), "broker": {"slippage": 3.0}}),
        Side(DONE, [(1, 1.0, 101.0)], peaks_all(101.0), blocks={**resting("105"), "broker": {"slippage": 3.0}}),
    ),
    *row(
        "a share of a position that is one lot",
        Side(DONE * 2, [(1, 0.002, 100.0), (3, -0.001, 100.0)], leave=(2,), blocks=halved(0.002)),
        Side(DONE, [(1, 0.001, 100.0)], leave=(2,), blocks=halved(0.001)),
    ),
    *row(
        "an entry of the other side behind a part that is left",
        Side(DONE * 3, [(1, 2.0, 100.0), (3, -2.0, 100.0), (3, -2.0, 100.0)], leave=(2,), blocks=leaving(1.0)),
        Side(DONE * 2, [(1, 2.0, 100.0), (3, -1.0, 100.0)], leave=(2,), blocks=leaving(0.5)),
    ),
    *row(
        "what a resting entry leaves of the largest position",
        Side(DONE * 2, [(3, 1.0, 99.0), (3, 0.5, 98.0)], dips(98.0), leave=(1,), blocks=both_rest(1.5)),
        Side(DONE, [(3, 1.0, 99.0)], dips(98.0), leave=(1,), blocks=both_rest(1.0)),
    ),
    *row(
        "the last bar on which a limit rests",
        Side(DONE, [(3, 1.0, 99.0)], dips(99.0), blocks=resting("99", valid=3)),
        Side(["canceled"], [], dips(99.0), blocks=resting("99", valid=2)),
    ),
    *row(
        "a low at a stop",
        Side([*DONE, *DONE], [IN, (3, -1.0, 95.0)], dips(95.0), blocks={"risk": {"stop_loss": 5}}),
        Side([*DONE, "accepted"], [IN], dips(more(95.0)), blocks={"risk": {"stop_loss": 5}}),
    ),
    *row(
        "a high at a target",
        Side([*DONE, *DONE], [IN, (3, -1.0, 105.0)], peaks(105.0), blocks={"risk": {"take_profit": 5}}),
        Side([*DONE, "accepted"], [IN], peaks(less(105.0)), blocks={"risk": {"take_profit": 5}}),
    ),
    *row(
        "a low at a trailing stop",
        Side([*DONE, *DONE], [IN, (3, -1.0, 95.0)], dips(95.0), blocks={"risk": {"trailing_stop": 5}}),
        Side([*DONE, "accepted"], [IN], dips(more(95.0)), blocks={"risk": {"trailing_stop": 5}}),
    ),
    *row(
        "the least notional",
        Side(DONE, [IN], blocks={"data": {"min_notional": 100.0}, "sizer": {"percent": 1}}),
        Side([], [], blocks={"data": {"min_notional": more(100.0)}, "sizer": {"percent": 1}}),
    ),
    *least(100.0, "half an entry", HALF_OF_IT),
    *least(100.0, "half an entry where contracts are 10", HALF_OF_IT, instrument={**LINEAR, "contract_size": 10}),
    *least(10.0, "half an entry in contracts of 10, in coin", HALF_OF_IT, **COIN),
    *least(10.0, "what is left of an entry, in coin", {"portfolio": {"each": "10%"}, "broker": {"cash": 1}}, **COIN),
    *row(
        "all of a bar's volume that an order may take",
        Side(DONE, [(1, 5.0, 100.0)], blocks={"sizer": {"fixed": 5}, "broker": {"cash": 1e4, "participation": 0.5}}),
        Side(
            DONE,
            [(1, 5.0, 100.0), (2, 0.5, 100.0)],
            blocks={"sizer": {"fixed": 5.5}, "broker": {"cash": 1e4, "participation": 0.5}},
        ),
    ),
]

LIMITS = [
    *row(
        "an account that is worth nothing",
        Side(
            DONE * 2,
            [(1, -100.0, 100.0), (4, 100.0, 200.0)],
            moving(100.0, 100, 100, 200, 200, 200),
            blocks={"params": {"long": None, **SHORT}, "sizer": {"fixed": 100}},
        ),
        Side(
            DONE,
            [(1, -100.0, 100.0)],
            moving(100.0, 100, 100, 199.99999, 199.99999, 199.99999),
            blocks={"params": {"long": None, **SHORT}, "sizer": {"fixed": 100}},
        ),
    ),
    *row(
        "the loss that ends a session",
        Side(
            DONE * 2,
            [IN, (4, -1.0, 99.0)],
            moving(100.0, 100, 100, 99, 99, 99),
            blocks={"broker": {"cash": 100.0}, "risk": {"daily_loss": 1}},
        ),
        Side(
            DONE,
            [IN],
            moving(100.0, 100, 100, *[more(99.0)] * 3),
            blocks={"broker": {"cash": 100.0}, "risk": {"daily_loss": 1}},
        ),
    ),
    *row(
        "the largest position",
        Side(DONE, [(1, 1.5, 100.0)], blocks={"sizer": {"fixed": 1.5}, "risk": {"max_position": 1.5}}),
        Side(DONE, [(1, 1.5, 100.0)], blocks={"sizer": {"fixed": 1.501}, "risk": {"max_position": 1.5}}),
    ),
    *row(
        "the last bar of a time stop",
        Side(DONE * 2, [IN, (5, -1.0, 100.0)], blocks={"risk": {"time_stop": 3}}),
        Side(DONE, [IN], blocks={"risk": {"time_stop": 4}}),
    ),
    *row(
        "the first bar on which all indicators are known",
        Side(DONE, [(3, 1.0, 100.0)], enter=(2,), blocks=averaged(3)),
        Side([], [], enter=(2,), blocks=averaged(4)),
    ),
    *row(
        "the first bar on which all indicators are known, by named rules",
        Side(DONE, [(3, 1.0, 100.0)], enter=(2,), blocks={**averaged(3), **NAMED}),
        Side([], [], enter=(2,), blocks={**averaged(4), **NAMED}),
    ),
    *row(
        "as many entries as may be held at once, by named rules",
        Side(DONE * 2, [IN, (3, 1.0, 100.0)], enter=(0, 2, 4), blocks=stacked(2)),
        Side(DONE * 3, [IN, (3, 1.0, 100.0), (5, 1.0, 100.0)], enter=(0, 2, 4), blocks=stacked(3)),
    ),
    *row(
        "an entry after all was left, by named rules",
        Side(DONE * 3, [IN, (3, -1.0, 100.0), (5, 1.0, 100.0)], enter=(0, 4), leave=(2,), blocks=stacked(1)),
        Side(DONE * 2, [IN, (5, -1.0, 100.0)], enter=(0, 2), leave=(4,), blocks=stacked(1)),
    ),
    *row(
        "the first bar after a cooldown",
        Side(
            DONE * 3,
            [IN, (2, -1.0, 100.0), (5, 1.0, 100.0)],
            enter=(0, 4),
            leave=(1,),
            blocks={"params": {"cooldown": 2}},
        ),
        Side(DONE * 2, [IN, (2, -1.0, 100.0)], enter=(0, 4), leave=(1,), blocks={"params": {"cooldown": 3}}),
    ),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("side", [*MONEY, *MARGIN, *ORDERS, *LIMITS])
def test_a_border_and_what_is_beyond_it(side: Side, engine: str) -> None:
    made = side.run(engine).record
    assert [row["status"] for row in made.orders.values()] == side.status
    assert [(f.bar, f.opened + f.closed, f.price) for f in made.fills] == side.fills


@pytest.mark.parametrize("engine", from_tape.ENGINES)
@pytest.mark.parametrize(
    ("cash", "limit", "ends"),
    [
        (300.0, None, "Completed"),
        (less(300.0), None, "Margin"),
        (1e6, 99.0, "Completed"),
        (1e6, 98.5, "Accepted"),
    ],
)
def test_a_border_where_the_tape_fills(engine: Any, cash: float, limit: float | None, ends: str) -> None:
    tape = from_tape.tape_of([[(100.0, 9.0, 1)], [(100.0, 9.0, 1), (99.0, 9.0, -1)], [(100.0, 9.0, 1)]])
    order = {} if limit is None else {"exectype": bt.Order.Limit, "price": limit}
    script = {0: [from_tape.send(1, 3.0, **order)]}
    made = from_tape.trade(tape, script, FillModel(), engine, make_broker(cash, 0.0, 0.0))
    assert made.news[-1][2] == ends


@pytest.mark.parametrize(
    ("profit", "edge"), [(1.0, True), (less(1.0), True), (5e-324, True), (0.0, False), (-0.5, False), (-1.0, False)]
)
def test_an_edge_is_a_profit_above_nothing(profit: float, edge: bool) -> None:
    found = survival(lambda extra: profit - 1e3 * extra.share - extra.ticks - extra.latency, profit, 1.0, 1e3, 0.1)
    assert found.says().startswith("the edge survives") == edge
    assert math.isnan(found.bp) == (not edge)


@pytest.mark.parametrize(("number", "left"), [(0, 1), (-1, 2)])
@pytest.mark.parametrize("late", [False, True])
def test_a_row_with_the_first_id_comes_once_and_one_without_an_id_is_another(
    number: int, left: int, late: bool, tmp_path: Any
) -> None:
    counts: Counter[str] = Counter()
    order = RowSorter(counts)
    time = [10, 20, 10] if late else [10, 10, 20]
    ids = np.array([number if at == 10 else 1 if number == 0 else -1 for at in time])
    tape = Tape.of(time=time, price=[1.0] * 3, quantity=[1.0] * 3, side=[1] * 3, trade_id=ids)
    after = np.where(ids >= 0, ids + 1, -1)
    given = [*order.push(Batch(tape, tmp_path, np.arange(3), ids, after)), *order.finish()]
    assert [at for part in given for at in part.time.tolist()] == [10] * left + [20]
    assert counts["duplicates"] == 2 - left


@pytest.mark.parametrize("dated", [True, False])
def test_exact_times_are_used_where_every_feed_has_them_and_only_there(dated: bool) -> None:
    market = flat(8).assign(uptick_count=np.array([0.0, 1, 0, 0, 0, 0, 0, 0]))
    rules = {"long": {"enter": "uptick_count > 0 and other.close > 0"}}
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(market, "main"), name="main")
    plain = {name: market[name] for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(plain, index=pd.to_datetime(market["close_time"], unit="us"))
    other = bar_data(market, "other") if dated else bt.feeds.PandasData(dataname=frame)
    cerebro.adddata(other, name="other")
    cerebro.broker = make_broker(1e4, 0.0, 0.0)
    cerebro.broker.cerebro = cerebro
    cerebro.addstrategy(Rules, **rules)
    cerebro.addanalyzer(Recorder, _name="record")
    record = cerebro.run()[0].analyzers.record
    assert [fill.bar for fill in record.fills] == [2]


@pytest.mark.parametrize(("count", "enough"), [(9, False), (10, True)])
def test_ten_round_trips_are_enough_to_say_what_hangs_on_one(count: int, enough: bool) -> None:
    told = " ".join(said([-1.0] * (count - 1) + [40.0]))
    assert ("too few" in told) == (not enough)
    assert ("Without the best round trip" in told) == enough
    assert (f"Only 1 of {count} trades won" in told) == enough


@pytest.mark.parametrize(("days", "basis"), [(19, "bar"), (20, "daily")])
def test_twenty_days_have_daily_returns(days: int, basis: str) -> None:
    time = DAY * np.arange(1, days + 1)
    assert returns(time, np.linspace(101, 120, days), 100.0)[2] == basis


@pytest.mark.parametrize(("days", "short"), [(249, True), (250, False)])
def test_a_year_of_days_settles_which_point_was_best(days: int, short: bool) -> None:
    assert ("cannot settle this" in caution(None, 10, days)) == short


@pytest.mark.parametrize(("breaks", "known"), [(9, False), (10, True)])
def test_ten_broken_levels_tell_a_queue(breaks: int, known: bool) -> None:
    # Each print of buyers is above the one before: what traded there is one level that broke.
    price = 100.0 + np.arange(breaks + 1)
    depth, spread = np.full((2, 1), -1.0), np.full(1, -1.0)
    calibrate(price, np.full(breaks + 1, 2.0), np.ones(breaks + 1, np.int8), np.array([breaks + 1]), depth, spread)
    assert depth[0, 0] == (2.0 if known else pytest.approx(math.nan, nan_ok=True))


@pytest.mark.parametrize(("bars", "usual"), [(19, False), (20, True)])
def test_twenty_bars_tell_what_is_usual(bars: int, usual: bool) -> None:
    market = flat(bars, quote_volume=np.full(bars, 1000.0))
    assert is_usual(market, np.ones(bars, bool)) == usual
    half = np.arange(bars) < bars // 2
    assert not is_usual(market, half)

"""What is exactly equal to its bound, and what is the least bit beyond: every row says both, for every engine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.compiled.choice import why_not
from tapeflow.backtest.runner import Source, simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.tests.test_empty_bars import ENGINES
from tapeflow.tests.trading import flat, moving

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
        if engine == "compiled" and (why := why_not(asked, sources)):
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
    return {"sizer": {"fixed": size}, "data": {"instrument": instrument, "lot": 1e-12}, "broker": {"cash": 1e5}}


def held(cash: float, size: float = 50.0, **instrument: Any) -> dict[str, Any]:
    return {
        "params": LONG if size > 0 else {"long": None, **SHORT},
        "broker": {"cash": cash},
        "sizer": {"fixed": abs(size)},
        "data": {"instrument": {**HALF, **instrument}},
    }


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
        Side(LACKS, [], blocks=bounded(80.0 + 1e-12)),
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
        "a low at the liquidation price of what is paid for",
        Side(DONE * 2, [TAKEN, (3, -50.0, 60.0)], dips(60.0), blocks=held(2750.0, margin="spot", contract_size=None)),
        Side(DONE, [TAKEN], dips(more(60.0)), blocks=held(2750.0, margin="spot", contract_size=None)),
    ),
]


def resting(limit: str, **rule: Any) -> dict[str, Any]:
    """Entries at a limit."""
    return {"params": {"long": None, "entries": {"rest": {"long": "uptick_count > 0", "limit": limit, **rule}}}}


IN = (1, 1.0, 100.0)
ORDERS = [
    *row(
        "a low at a limit",
        Side(DONE, [(3, 1.0, 99.0)], dips(99.0), blocks=resting("99", valid=9)),
        Side(["accepted"], [], dips(more(99.0)), blocks=resting("99", valid=9)),
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
    *row(
        "all of a bar's volume that an order may take",
        Side(DONE, [(1, 5.0, 100.0)], blocks={"sizer": {"fixed": 5}, "broker": {"cash": 1e4, "participation": 0.5}}),
        Side(
            DONE,
            [(1, 5.0, 100.0), (2, 0.001, 100.0)],
            blocks={"sizer": {"fixed": 5.001}, "broker": {"cash": 1e4, "participation": 0.5}},
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

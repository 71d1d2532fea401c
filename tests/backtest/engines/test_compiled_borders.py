"""Where compiled code is at its border, and the other engines with it: the last bar, bars of another feed, few bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.engines.compiled.lots import rounded
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, HOUR, MINUTE
from tapeflow.tests.backtest.test_empty_bars import ENGINES
from tapeflow.tests.helpers.trading import START, flat, moving

everywhere = pytest.mark.parametrize("engine", ENGINES)


def ran(engine: str, bars: Bars, params: dict[str, Any], other: Bars | None = None, **blocks: Any) -> Any:
    """The outcome of rules over ``bars``, beside those of another feed."""
    sources = {"main": Source(None, bars)} | ({} if other is None else {"other": Source(None, other)})
    data = {"main": {"feed": "SyntheticTape", "tick": 0.01, "lot": 0.001}, "other": {"feed": "SyntheticTape"}}
    raw = {"name": "t", "engine": engine, "data": {name: data[name] for name in sources}, **blocks}
    return simulate(from_mapping(raw | {"strategy": {"kind": "Rules", "params": params}}), sources)


def orders(made: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in made.record.orders.values()]


def at(times: list[int], price: float = 100.0) -> Bars:
    """Bars that stand still and close at such times."""
    return flat(len(times), price).assign(open_time=np.array(times) - MINUTE, close_time=np.array(times))


def saying(bars: Bars, enter: list[float], leave: list[float]) -> Bars:
    return bars.assign(uptick_count=np.array(enter, float), downtick_count=np.array(leave, float))


HOURS = [START + k * HOUR for k in range(1, 7)]
ALL = {"long": {"enter": "uptick_count > 0"}}


@everywhere
@pytest.mark.parametrize(("sent", "own"), [(3, 5), (4, 5), (4, 6)])
@pytest.mark.parametrize(("size", "status"), [(50.0, "completed"), (500.0, "margin")])
def test_what_a_bar_of_another_feed_tells_of_an_order_stands_whatever_comes_next(
    engine: str, sent: int, own: int, size: float, status: str
) -> None:
    # the other feed's bar comes half an hour after that on which the order is sent
    bars = saying(at(HOURS[:own]), [float(k == sent) for k in range(own)], [0.0] * own)
    other = at([HOURS[0], HOURS[sent] + HOUR // 2])
    made = ran(engine, bars, ALL, other, sizer={"fixed": size}, broker={"cash": 10_000.0})
    if status == "completed" and sent == own - 1:
        status = "accepted"
    assert orders(made, "status", "created_time") == [(status, HOURS[sent])]


FEES = {"taker": "1%", "tiers": [{"volume": 50, "maker": 0, "taker": 0}]}
SMALL_THEN_LARGE = {
    "entries": {
        "small": {"long": "uptick_count == 1", "size": 1},
        "large": {"long": "uptick_count == 2", "size": 99.5},
    },
    "exits": {"out": {"long": "downtick_count > 0"}},
}


@everywhere
@pytest.mark.parametrize(
    ("bars", "late", "status"), [(6, 3, "margin"), (6, 5, "completed"), (4, 3, "margin"), (4, 4, "accepted")]
)
def test_an_order_that_a_bar_of_another_feed_looks_at_pays_by_the_volume_up_to_the_last_of_its_own(
    engine: str, bars: int, late: int, status: str
) -> None:
    # Bought on bar 1, sold on bar 2; from bar `late` on that is more than 30 days ago and the fee is 1 % again.
    times = (np.array(HOURS) + 31 * DAY * (np.arange(6) >= late))[:bars]
    main = saying(at(times.tolist()), [1, 0, 0, 2, 0, 0][:bars], [0, 1, 0, 0, 0, 0][:bars])
    other = at([HOURS[0], int(times[3]) + MINUTE])
    made = ran(engine, main, SMALL_THEN_LARGE, other, sizer={"fixed": 1.0}, broker={"cash": 10_000.0, "fees": FEES})
    assert orders(made, "size", "status") == [(1.0, "completed"), (1.0, "completed"), (99.5, status)]


@everywhere
@pytest.mark.parametrize(("window", "sent"), [(4, True), (5, False), (20, False)])
def test_a_window_that_the_bars_do_not_fill_sizes_no_order(engine: str, window: int, sent: bool) -> None:
    bars = saying(moving(100.0, 101, 99, 102, 98, 103), [1.0] * 6, [0.0] * 6)
    made = ran(engine, bars, ALL, sizer={"volatility": 20, "window": window}, broker={"cash": 10_000.0})
    assert bool(orders(made, "size")) is sent


@everywhere
def test_a_kelly_bet_below_the_most_is_what_the_round_trips_say(engine: str) -> None:
    # Doubled, then halved: half of the time 1 to win, half of the time 1/2 to lose, so 0.5 / 0.5 - 0.5 / 1 of it all.
    bars = saying(moving(100.0, 200, 200, 100, 100, 100), [1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 0])
    rule = {"long": {"enter": "uptick_count > 0", "exit": "downtick_count > 0"}}
    made = ran(engine, bars, rule, sizer={"kelly": 1.0, "trades": 2, "start": 10}, broker={"cash": 10_000.0})
    assert [fill.opened for fill in made.record.fills if fill.opened] == [10.0, 5.5, 52.25]


@everywhere
def test_an_entry_behind_an_exit_leaves_room_for_what_else_is_still_to_be_sold(engine: str) -> None:
    # 40 are bought. The loss of the third hour sells them, but of the fourth hour's volume that gets 10. What turns the
    # rest into a short sells 30 and is followed by an entry: of the 50 allowed, 30 of the loss are still on their way.
    close, volume = [100.0, 100, 90, 90, 90, 90], [100.0, 100, 100, 20, 1000, 1000]
    bars = saying(moving(*close, step=HOUR, volume=volume), [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0])
    sides = {
        "long": {"enter": "uptick_count > 0", "exit": "downtick_count > 0"},
        "short": {"enter": "downtick_count > 0"},
    }
    limits = {"daily_loss": 100.0, "session": "1h", "max_position": 50}
    money = {"cash": 10_000.0, "participation": 0.5}
    made = ran(engine, bars, sides, sizer={"fixed": 40.0}, risk=limits, broker=money)
    sold = [("daily_loss", 40.0), ("long.exit", 30.0), ("short.enter", 20.0)]
    assert orders(made, "reason", "size") == [("long.enter", 40.0), *sold]


@pytest.mark.parametrize("digits", range(23))
def test_sizes_where_doubles_become_whole_numbers_are_rounded_as_python_does(digits: int) -> None:
    scale = 10.0**digits
    near = 2.0**53 / scale
    sizes = [near * (1 + k * 2.0**-53) for k in range(-12, 13)]
    assert {size * scale >= 2.0**53 for size in sizes} == {True, False}
    assert [rounded(size, scale) for size in sizes] == [round(size, digits) for size in sizes]

"""Fills from the tape, order by order: against a plain definition, against its laws, against a matching engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapeflow.backtest.tape_fills import ASSUMPTIONS, Delays, FillModel, Prints, TapeMarket, TapeOrder
from tapeflow.backtest.tape_fills.kernels import ENOUGH, MEMORY, MIDDLE, OPTIMISTIC, PESSIMISTIC
from tapeflow.core.tape import Tape
from tapeflow.tests.helpers.matching import TICK, Scene, random_scene

SENT = 1_000_000


def market(
    prints: list[tuple[int, float, float, int]], closes: list[int] | None = None, tick: float = 1.0
) -> TapeMarket:
    """A market of prints (time after `SENT`, price, quantity, side) whose first bar ends at `SENT`."""
    time, price, quantity, side = zip(*prints, strict=True)
    tape = Tape.of(time=np.array(time) + SENT, price=price, quantity=quantity, side=side)
    ends = closes or [max(time) + 1]
    return TapeMarket.of(Prints.of([tape], tick), np.array([SENT, *(SENT + e for e in ends)]))


def filled(
    scene: TapeMarket, direction: int, size: float, limit: float | None, terms: FillModel
) -> list[tuple[int, float, float]]:
    """What an order got: (bar, size, price) of each part."""
    ticket, got = TapeOrder(scene, terms, direction, SENT), []
    for bar in range(1, len(scene.ends) - 1):
        left = size - sum(part[1] for part in got)
        if left > 1e-12:
            got += [(bar, part.size, part.price) for part in ticket.fill(bar, left, limit)]
    return got


@dataclass
class Plain:
    """The definition, print by print, without a thought for speed; prices are whole ticks."""

    model: float
    direction: int
    left: float
    limit: float
    share: float
    through: int
    ahead: float
    taking: bool = True

    def offer(self, price: float, quantity: float, side: int) -> tuple[float, bool]:
        """How much a print gives, and whether the order took it."""
        better = (self.limit - price) * self.direction
        if self.taking and not (better > 0 or (better == 0 and side == self.direction)):
            self.taking = False
        if self.taking:
            return self._get(quantity * self.share), True
        if better < 0:
            return 0.0, False
        if self.model == PESSIMISTIC and better < self.through:
            return 0.0, False
        if self.model == MIDDLE:
            if better > 0 or side == self.direction:
                self.ahead = 0.0
            gone = min(self.ahead, quantity)
            self.ahead, quantity = self.ahead - gone, quantity - gone
        return (self._get(quantity * self.share) if quantity else 0.0), False

    def _get(self, offered: float) -> float:
        got = min(self.left, offered)
        self.left -= got
        return got


prints_of = st.lists(
    st.tuples(st.integers(95, 105).map(float), st.integers(1, 9).map(float), st.sampled_from([-1, 0, 1])),
    min_size=1,
    max_size=60,
)
orders_of = st.tuples(st.sampled_from([-1, 1]), st.integers(1, 40).map(float), st.integers(96, 104).map(float))


@settings(max_examples=50, deadline=None)
@given(
    prints=prints_of,
    order=orders_of,
    model=st.sampled_from(list(ASSUMPTIONS.values())),
    share=st.sampled_from([0.25, 1.0, math.inf]),
    through=st.integers(1, 3),
)
def test_an_order_gets_what_the_definition_says(prints, order, model, share, through) -> None:
    direction, size, limit = order
    scene = market([(i, *row) for i, row in enumerate(prints)])
    scene.depth[:] = 10.0
    got = filled(scene, direction, size, limit, FillModel(model, share=share, through=through))
    plain = Plain(model, direction, size, limit, share, through, 5.0)
    taken, rested, paid = 0.0, 0.0, 0.0
    for price, quantity, side in prints:
        amount, took = plain.offer(price, quantity, side)
        worse = scene.spread[1] if model == PESSIMISTIC and side == -direction else 0.0
        paid += amount * direction * min(direction * price + worse, direction * limit) if took else 0.0
        taken, rested = taken + took * amount, rested + (not took) * amount
    expected = [(1, taken, paid / taken)] if taken else []
    expected += [(1, rested, limit)] if rested else []
    assert got == [(bar, pytest.approx(a, rel=1e-12), pytest.approx(p, rel=1e-12)) for bar, a, p in expected]


@settings(max_examples=50, deadline=None)
@given(prints=prints_of, order=orders_of, share=st.sampled_from([0.1, 1.0, math.inf]), cut=st.integers(1, 59))
def test_the_pessimist_never_fills_before_the_middle_nor_the_middle_before_the_optimist(
    prints, order, share, cut
) -> None:
    direction, size, limit = order
    rows = [(i, *row) for i, row in enumerate(prints)]
    scene = market(rows, closes=list(range(1, len(rows) + 1)))
    scene.depth[:] = cut
    by_bar, costs = {}, {}
    for name, model in ASSUMPTIONS.items():
        got = filled(scene, direction, size, limit, FillModel(model, share=share))
        by_bar[name] = [sum(a for bar, a, _ in got if bar <= b) for b in range(1, len(rows) + 1)]
        done = sum(a for _, a, _ in got)
        # What is left at the end has to be had at the last price: then waiting for a fill cannot pay.
        costs[name] = direction * (sum(a * p for _, a, p in got) + (size - done) * prints[-1][0])
    low, middle, high = (np.array(by_bar[name]) for name in ASSUMPTIONS)
    assert (low <= middle + 1e-9).all()
    assert (middle <= high + 1e-9).all()
    if share == math.inf:
        assert costs["optimistic"] <= costs["middle"] + 1e-6
        assert costs["middle"] <= costs["pessimistic"] + 1e-6


@settings(max_examples=50, deadline=None)
@given(prints=prints_of, order=orders_of, model=st.sampled_from(list(ASSUMPTIONS.values())), limited=st.booleans())
def test_however_prints_are_cut_into_bars_an_order_gets_the_same(prints, order, model, limited) -> None:
    direction, size, limit = order
    rows = [(i, *row) for i, row in enumerate(prints)]
    whole, split = market(rows), market(rows, closes=list(range(1, len(rows) + 1)))
    for each in (whole, split):
        each.depth[:], each.spread[:] = 12.0, 0.5
    totals = []
    for each in (whole, split):
        got = filled(each, direction, size, limit if limited else None, FillModel(model))
        totals.append((sum(a for _, a, _ in got), sum(a * p for _, a, p in got)))
    assert totals[0] == pytest.approx(totals[1], rel=1e-9, abs=1e-9)


def test_a_market_order_walks_the_prints_from_its_arrival_on() -> None:
    scene = market([(10, 100.0, 1.0, 1), (50, 101.0, 2.0, -1), (60, 102.0, 4.0, 1), (70, 90.0, 9.0, 1)])
    assert filled(scene, 1, 5.0, None, FillModel(delays=Delays(50))) == [(1, 5.0, (2 * 101 + 3 * 102) / 5)]
    assert filled(scene, 1, 5.0, None, FillModel(delays=Delays(0)))[0][2] == (100 + 2 * 101 + 2 * 102) / 5
    assert filled(scene, 1, 2.0, None, FillModel(delays=Delays(50), share=0.5)) == [(1, 2.0, (101 + 102) / 2)]
    assert filled(scene, 1, 5.0, None, FillModel(share=math.inf)) == [(1, 5.0, 100.0)]
    assert filled(scene, 1, 99.0, None, FillModel()) == [(1, 16.0, (100 + 202 + 408 + 810) / 16)]


def test_residue_of_binary_sizes_takes_no_further_print() -> None:
    parts = (0.005, 0.027, 0.016, 0.002)
    assert 0.05 - parts[0] - parts[1] - parts[2] - parts[3] > 0
    scene = market([(10 + i, 100.0, quantity, 1) for i, quantity in enumerate(parts)] + [(20, 300.0, 9.0, 1)])
    (part,) = TapeOrder(scene, FillModel(), 1, SENT).fill(1, 0.05, None)
    assert (part.size, part.price, part.last) == (0.05, 100.0, 3)


def test_the_pessimist_pays_the_spread_at_prints_of_the_other_side() -> None:
    scene = market([(10, 100.0, 1.0, -1), (20, 101.0, 1.0, 1)], tick=0.1)
    scene.spread[:] = 0.7
    assert filled(scene, 1, 2.0, None, FillModel(PESSIMISTIC)) == [(1, 2.0, (100.7 + 101) / 2)]
    assert filled(scene, 1, 1.0, 100.5, FillModel(PESSIMISTIC)) == [(1, 1.0, 100.5)], "but never beyond its limit"
    assert filled(scene, 1, 2.0, None, FillModel(MIDDLE)) == [(1, 2.0, 100.5)]


def test_a_queue_is_worn_down_by_what_prints_at_its_price_and_ends_when_the_price_breaks() -> None:
    at_price = [(i, 100.0, 3.0, -1) for i in range(1, 5)]
    scene = market([(0, 101.0, 1.0, 1), *at_price])
    scene.depth[:] = 16.0
    assert filled(scene, 1, 4.0, 100.0, FillModel(MIDDLE)) == [(1, 4.0, 100.0)], "8 ahead, 12 print"
    assert filled(scene, 1, 9.0, 100.0, FillModel(MIDDLE)) == [(1, 4.0, 100.0)]
    assert filled(scene, 1, 9.0, 100.0, FillModel(MIDDLE, queue=1.0)) == []
    assert filled(scene, 1, 9.0, 100.0, FillModel(PESSIMISTIC)) == []
    assert filled(scene, 1, 99.0, 100.0, FillModel(OPTIMISTIC)) == [(1, 12.0, 100.0)]
    broken = market([(0, 101.0, 1.0, 1), (1, 100.0, 3.0, -1), (2, 99.0, 2.0, -1), (3, 100.0, 5.0, -1)])
    broken.depth[:] = 1000.0
    assert filled(broken, 1, 9.0, 100.0, FillModel(MIDDLE)) == [(1, 7.0, 100.0)], "2 beyond, then 5 with nobody ahead"
    assert filled(broken, 1, 9.0, 100.0, FillModel(PESSIMISTIC)) == [(1, 2.0, 100.0)]
    assert filled(broken, 1, 9.0, 100.0, FillModel(PESSIMISTIC, through=2)) == []


def test_an_order_that_no_print_has_met_has_no_place_in_the_queue_yet() -> None:
    scene = market([(-10, 101.0, 1.0, 1), (15, 100.0, 3.0, -1), (16, 100.0, 3.0, -1)], closes=[10, 20])
    scene.depth[:, 1], scene.depth[:, 2] = 0.0, 16.0
    ticket = TapeOrder(scene, FillModel(MIDDLE), 1, SENT)
    assert ticket.fill(1, 9.0, 100.0) == ticket.fill(2, 9.0, 100.0) == [], "8 ahead when the first comes, 6 print"


def test_where_nothing_is_known_of_the_queue_the_middle_waits_for_the_price_to_break() -> None:
    scene = market([(0, 101.0, 1.0, 1), (1, 100.0, 1e6, -1), (2, 99.0, 2.0, -1)])
    assert math.isnan(scene.depth[1, 1])
    assert filled(scene, 1, 9.0, 100.0, FillModel(MIDDLE)) == [(1, 2.0, 100.0)]


@pytest.mark.parametrize("tick", [1.0, 0.125])
@pytest.mark.parametrize(
    ("last", "first", "paid"),
    [
        ((102.0, 1), (98.0, -1), 100.0),
        ((100.0, -1), (98.0, -1), 100.0),
        ((100.0, 1), (98.0, -1), 98.0),
        ((99.0, -1), (98.0, -1), 98.0),
        ((99.0, -1), (100.0, 1), 100.0),
    ],
)
def test_an_order_takes_only_where_the_last_print_before_it_says_that_it_crosses(last, first, paid, tick) -> None:
    prices = [100.0 + tick * (price - 100.0) for price in (last[0], first[0], paid)]
    scene = market([(-10, prices[0], 1.0, last[1]), (5, prices[1], 3.0, first[1])], tick=tick)
    ticket = TapeOrder(scene, FillModel(OPTIMISTIC), 1, SENT)
    (part,) = ticket.fill(1, 2.0, 100.0)
    assert part.price == prices[2]
    assert part.maker == ((last, paid) in (((102.0, 1), 100.0), ((100.0, -1), 100.0)))


def test_a_limit_between_two_ticks_rests_at_the_worse_one() -> None:
    scene = market([(0, 100.4, 1.0, 1), (1, 100.3, 5.0, -1)], tick=0.1)
    ticket = TapeOrder(scene, FillModel(OPTIMISTIC), 1, SENT)
    (part,) = ticket.fill(1, 2.0, 100.37)
    assert (part.size, part.price, part.maker) == (2.0, pytest.approx(100.3), True)
    assert filled(scene, 1, 2.0, 3 * 33.43333333333333333, FillModel(OPTIMISTIC))[0][1] == 2.0, "binary dust is no tick"


def test_a_stop_triggers_on_the_print_that_crosses_and_its_order_takes_the_latency_again() -> None:
    scene = market([(0, 100.0, 5.0, 1), (100, 98.0, 5.0, -1), (140, 97.0, 5.0, -1), (180, 99.0, 5.0, 1)])
    ticket = TapeOrder(scene, FillModel(delays=Delays(50)), -1, SENT)
    assert ticket.crosses(1, 97.5) == 2
    assert ticket.crosses(1, 90.0) is None
    row = ticket.crosses(1, 99.0)
    assert row == 1
    ticket.trigger(row)
    (part,) = ticket.fill(1, 2.0)
    assert (part.price, part.first) == (99.0, 3)
    at_once = TapeOrder(scene, FillModel(), -1, SENT)
    at_once.trigger(1)
    assert at_once.fill(1, 2.0)[0].price == 98.0


sided = st.tuples(st.integers(97, 103).map(float), st.integers(1, 9).map(float), st.sampled_from([-1, 0, 1]))


def told(prints: list[tuple[float, float, int]]) -> list[tuple[float, float, int]]:
    """Prints without a side with that of the last change of price."""
    made, trend = [], 0
    for i, (price, quantity, side) in enumerate(prints):
        if i and price != prints[i - 1][0]:
            trend = 1 if price > prints[i - 1][0] else -1
        made.append((price, quantity, side or trend))
    return made


@settings(max_examples=40, deadline=None)
@given(prints=st.lists(sided, max_size=120, min_size=2), bars=st.integers(2, 5))
@example(prints=[((100.0, 102.0, 101.0)[i % 3], 1.0 + i % 4, 0) for i in range(90)], bars=3)
def test_queue_and_spread_are_calibrated_on_what_was_before_and_nothing_else(prints, bars) -> None:
    time = np.arange(len(prints))
    tape = Tape.of(
        time=time, price=[p for p, *_ in prints], quantity=[q for _, q, _ in prints], side=[s for *_, s in prints]
    )
    closes = np.linspace(0, len(prints), bars + 1).astype(np.int64)[1:]
    made = TapeMarket.of(Prints.of([tape], 1.0), closes)
    for bar in range(bars):
        before = [one for one in told(prints)[: made.ends[bar]] if one[2]]
        for k, side in enumerate((1, -1)):
            assert made.depth[k, bar] == pytest.approx(_breaking_volume(before, side), nan_ok=True)
        assert made.spread[bar] == pytest.approx(_mean_spread(before))


def _forgetting(samples: list[float]) -> float:
    mean = 0.0
    for n, sample in enumerate(samples, 1):
        mean += (sample - mean) / min(n, MEMORY)
    return mean if len(samples) >= ENOUGH else math.nan


def _breaking_volume(prints: list[tuple[float, float, int]], side: int) -> float:
    samples, level, volume = [], None, 0.0
    for price, quantity, aggressor in prints:
        if aggressor != side:
            continue
        if level is not None and side * (price - level) > 0:
            samples.append(volume)
        volume = quantity + (volume if price == level else 0.0)
        level = price
    return _forgetting(samples)


def _mean_spread(prints: list[tuple[float, float, int]]) -> float:
    samples = []
    for (before, _, was), (price, _, side) in pairwise(prints):
        if was == -side and side * (price - before) >= 0:
            samples.append(side * (price - before))
    made = _forgetting(samples)
    return 0.0 if math.isnan(made) else made


def band(scene: Scene, checkpoints: int = 20) -> dict[str, np.ndarray]:
    """How much was filled by each checkpoint, under each assumption and in truth."""
    closes = np.linspace(scene.sent, scene.end, checkpoints + 1).astype(np.int64)
    seen = TapeMarket.of(Prints.of([scene.tape], TICK), closes)
    made = {}
    for name, model in ASSUMPTIONS.items():
        ticket, left, curve = TapeOrder(seen, FillModel(model), scene.side, scene.sent), scene.size, []
        for bar in range(1, checkpoints + 1):
            left -= sum(part.size for part in ticket.fill(bar, left, scene.limit)) if left > 0 else 0.0
            curve.append(scene.size - left)
        made[name] = np.array(curve)
    return made | {"truth": np.array([scene.filled_by(int(close)) for close in closes[1:]])}


def _covered(seeds: range) -> tuple[float, dict[str, float]]:
    scenes = [random_scene(seed) for seed in seeds]
    bands = [band(scene) for scene in scenes]
    inside = [((b["pessimistic"] <= b["truth"]) & (b["truth"] <= b["optimistic"])).all() for b in bands]
    shares = {n: float(np.mean([b[n].mean() / s.size for b, s in zip(bands, scenes, strict=True)])) for n in bands[0]}
    return float(np.mean(inside)), shares


def test_the_band_covers_what_a_matching_engine_with_a_real_queue_gives() -> None:
    covered, share = _covered(range(40))
    assert covered >= 0.95
    assert share["pessimistic"] < share["middle"] < share["optimistic"]
    assert share["pessimistic"] < share["truth"] < share["optimistic"]


@pytest.mark.slow
def test_the_band_covers_the_truth_in_a_thousand_random_markets() -> None:
    covered, share = _covered(range(1000, 2000))
    assert covered >= 0.95
    assert abs(share["middle"] - share["truth"]) < abs(share["pessimistic"] - share["truth"])
    assert abs(share["middle"] - share["truth"]) < 0.05

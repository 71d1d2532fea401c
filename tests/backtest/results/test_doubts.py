"""What is said of a run's figures, and markouts against their definition."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from tapeflow.backtest.recording.recorder import Fill
from tapeflow.backtest.recording.round_trips import RoundTrip, pair
from tapeflow.backtest.results.caveats import confidence, damage_warning, held_at_once, hints
from tapeflow.backtest.results.markouts import HORIZONS, markouts, round_trip_cost
from tapeflow.backtest.results.statistics import summarise
from tapeflow.configs.broker_block import Fees
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, MINUTE


def trip(
    bar: int, bars: int, pnl: float, *, direction: str = "long", price: float = 100.0, fee: float = 0.0
) -> RoundTrip:
    times = ((bar + 1) * MINUTE, (bar + 1 + bars) * MINUTE)
    return RoundTrip("a", direction, 2.0, times[0], price, times[1], price, bars, pnl, fee, "", "", bar, 2.0)


def market(n: int = 400) -> Bars:
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 1e-3, n)))
    opened = np.arange(n) * MINUTE
    return Bars.of(open_time=opened, close_time=opened + MINUTE, open=close, close=close)


def said(
    nets: list[float], *, fees: float = 0.0, step: int = DAY, start: float = 10_000.0, currency: str = "quote"
) -> list[str]:
    """The hints for round trips that earned ``nets``, one a step."""
    trips = [trip(i, 1, net) for i, net in enumerate(nets)]
    time = step * np.arange(1, len(nets) + 1, dtype=np.int64)
    value = start + np.cumsum(nets)
    figures = summarise(time, value, np.ones(len(nets)), start, trips, fees) | {"currency": currency}
    sure = confidence(time, value, start, trips, 0)
    return hints(figures, sure, trips, float(len(nets)) * step / DAY)


def test_markouts_are_the_signed_moves_after_entries() -> None:
    bars = market()
    trips = [trip(i, 9, 0.0, direction="short" if i % 2 else "long", price=100 + i / 10) for i in range(0, 390, 7)]
    made = {m["bars"]: m for m in markouts(trips, {"a": bars})}
    assert list(made) == list(HORIZONS)
    for horizon in HORIZONS:
        moves = []
        for t in trips:
            at = t.entry_time // MINUTE - 1 + horizon - 1
            if at < len(bars):
                moves.append((1 if t.direction == "long" else -1) * (bars["close"][at] / t.entry_price - 1) * 1e4)
        assert made[horizon]["entries"] == len(moves)
        assert made[horizon]["mean_bp"] == pytest.approx(math.fsum(moves) / len(moves), rel=1e-12)
        assert set(made[horizon]) == {"bars", "mean_bp", "entries"}, "no interval holds here"


def test_markouts_are_measured_from_the_first_fill_whatever_was_added_later() -> None:
    bars = market()
    fills = [
        Fill(ref, "a", bar, (bar + 1) * MINUTE, price, opened, closed, 0.0, 0.0, 0.0, "")
        for ref, (bar, price, opened, closed) in enumerate(
            [(10, 100.0, 1.0, 0.0), (14, 90.0, 1.0, 0.0), (18, 80.0, 2.0, 0.0), (30, 95.0, 0.0, -4.0)]
        )
    ]
    (added,) = pair(fills)
    assert (added.entry_price, added.first_price) == (87.5, 100.0)
    assert markouts([added], {"a": bars}) == markouts([trip(10, 20, 0.0, price=100.0)], {"a": bars})


def test_markouts_of_no_entries_are_none() -> None:
    assert markouts([], {"a": market()}) == []
    assert [m["bars"] for m in markouts([trip(390, 1, 0.0)], {"a": market()})] == [1, 5]


def test_the_cost_of_a_round_trip_is_its_fees_over_its_notional() -> None:
    assert round_trip_cost([trip(0, 1, 0.0, fee=0.2), trip(0, 1, 0.0, fee=0.4)]) == pytest.approx(1e4 * 0.3 / 200)
    assert math.isnan(round_trip_cost([]))


def test_the_cost_of_contracts_settled_in_coin_is_over_their_worth_in_coin() -> None:
    coin = trip(0, 1, 0.01, price=50_000.0, fee=2e-6)
    coin.contract = 100.0
    assert coin.notional == pytest.approx(2 * 100 / 50_000)
    assert round_trip_cost([coin]) == pytest.approx(1e4 * 2e-6 / 0.004)


def test_prices_not_above_zero_have_no_markout_and_no_cost_in_basis_points() -> None:
    # Of prices below 0, as oil had, a share of the price has the wrong sign.
    bars = market()
    trips = [trip(10, 9, 0.0, price=price, fee=0.2) for price in (100.0, -10.0, 0.0)]
    trips[2].first_price = 0.0
    assert markouts(trips, {"a": bars}) == markouts(trips[:1], {"a": bars})
    assert round_trip_cost(trips) == round_trip_cost(trips[:1])


def test_without_a_round_trip_there_is_nothing_to_judge() -> None:
    assert said([]) == ["No round trip was finished, no order was sent in 0 bars: there is nothing to judge."]


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (1, "1 round trip is too little"),
        (2, "2 round trips are too few"),
        (9, "9 round trips are too few"),
        (10, "10 round trips are few"),
        (29, "29 round trips are few"),
    ],
)
def test_few_round_trips_are_called_few(count: int, says: str) -> None:
    assert said(([1.0, -1.5] * count)[:count])[0].startswith(says)
    assert "few" not in said([1.0, -1.5] * 15)[0]


def test_chance_and_edge_are_told_apart() -> None:
    noise = np.random.default_rng(0).normal(0, 10, 200).tolist()
    (mean,) = (text for text in said(noise) if text.startswith("The mean round trip"))
    assert re.fullmatch(
        r"The mean round trip made [+-][\d.]+ after fees, 95 % interval -[\d.]+ to \+[\d.]+ "
        r"\(bootstrap-t, 200 round trips, mean block 5\.8\)\.",
        mean,
    )
    assert any("above zero by more than chance" in text for text in said([x + 8 for x in noise]))
    assert any("below zero by more than chance" in text for text in said([x - 8 for x in noise]))


@pytest.mark.parametrize("count", [15, 30, 200])
@pytest.mark.parametrize("lost", [0, 1, 4])
def test_without_losses_nothing_is_called_above_zero(count: int, lost: int) -> None:
    told = said([1.0] * (count - lost) + [-2.0] * lost)
    left = count - 3 * lost
    assert (
        f"Only {lost} of {count} trades lost: what a loss costs is not known; no interval. "
        f"One more loss of {left:.2f} would erase the result."
    ) in told or left <= 0
    assert not any("zero" in text for text in told)
    assert not any(text.startswith("The mean round trip") for text in told)


def test_without_wins_nothing_is_called_below_zero() -> None:
    told = said([-1.0] * 38 + [1.0] * 2)
    assert "Only 2 of 40 trades won: what a win brings is not known; no interval." in told
    assert not any("zero" in text for text in told)


@pytest.mark.parametrize(("instruments", "known"), [(1, True), (3, True), (4, False)])
def test_the_mean_of_trades_that_were_held_together_has_an_interval_up_to_three_at_once(
    instruments: int, known: bool
) -> None:
    net = np.random.default_rng(0).normal(0, 10, 48)
    trips = [trip(9 * (i // instruments), 8, float(x)) for i, x in enumerate(net)]
    assert held_at_once(trips) == instruments
    time, value = DAY * np.arange(1, 49, dtype=np.int64), 1e4 + np.cumsum(net)
    sure = confidence(time, value, 1e4, trips, 0)
    told = hints(summarise(time, value, np.ones(48), 1e4, trips, 0.0) | {"currency": "quote"}, sure, trips, 48.0)
    assert ("mean_trade" in sure["intervals"]) == known
    assert any(text.startswith("The mean round trip made") for text in told) == known
    assert any(text.startswith("4.0 round trips were held at once on average") for text in told) != known


def test_round_trips_of_one_bar_and_those_that_follow_each_other_are_not_held_together() -> None:
    assert held_at_once([]) == 0.0
    assert held_at_once([trip(i, 1, 0.0) for i in range(9)]) == 1.0
    assert held_at_once([trip(3, 0, 0.0)] * 2) == 2.0
    assert held_at_once([trip(0, 9, 0.0), trip(2, 3, 0.0)]) == 1.5


def test_a_sharpe_ratio_has_an_interval_from_sixty_days_on() -> None:
    nets = np.random.default_rng(3).normal(1, 10, 90).tolist()
    assert any("The Sharpe ratio of" in text and "90 daily returns" in text for text in said(nets))
    for few in (said(nets[:59]), said([abs(x) for x in nets])):
        assert not any("Sharpe" in text for text in few)


def test_a_short_run_has_no_sharpe_ratio_a_year() -> None:
    nets = np.random.default_rng(1).normal(1, 10, 60).tolist()
    assert any("scaled up from single bars" in text for text in said(nets, step=MINUTE))
    assert not any("scaled up" in text for text in said(nets))


def test_fees_that_ate_the_profit_are_named() -> None:
    nets = [-1.0, 0.5] * 20
    assert any("fees of 30.00 turned that into a loss" in text for text in said(nets, fees=30.0))
    assert any("more than what is left" in text for text in said([1.0, -0.5] * 20, fees=30.0))


def test_amounts_in_coin_are_told_with_the_decimals_they_need() -> None:
    told = said([-1e-5] * 15 + [4e-4], fees=3e-3, start=0.5, currency="coin")
    many = said([-1e-5, 3e-5, 2e-5] * 20, start=0.5, currency="coin")
    assert any("The mean round trip made +0.0000133 after fees" in text for text in many)
    assert any("Fees of 0.0030000 are more than what is left" in text for text in told)
    assert any("the others lost 0.0001500 together" in text for text in told)
    assert damage_warning(0.5, 1e-3, 7).endswith("made +0.0005000 of the +0.0010000 of all (50%)")


def test_a_result_that_hangs_on_one_trade_is_called_so() -> None:
    told = said([-1.0] * 15 + [40.0])
    assert "Without the best round trip the others lost 15.00 together: the result hangs on few of them." in told


def test_damage_is_told_in_words() -> None:
    assert damage_warning(0.31, 500.0).endswith("made +155.00 of the +500.00 of all (31%)")
    assert damage_warning(0.5, -10.0).endswith("made -5.00 of the -10.00 of all (50%)")
    assert damage_warning(-0.2, -10.0).endswith("made +2.00, all together -10.00")
    assert damage_warning(0.0, 5.0) == damage_warning(float("nan"), 0.0) == ""


@pytest.mark.parametrize(
    ("fees", "none"),
    [
        ({}, True),
        ({"maker": 0.0, "taker": 0.0, "tiers": [{"volume": 1.0}]}, True),
        ({"maker": 1e-4}, False),
        ({"taker": -1e-5}, False),
        ({"per_contract": 0.5}, False),
        ({"minimum": 1.0}, False),
        ({"tiers": [{"volume": 0.0, "taker": 5e-4}]}, False),
    ],
)
def test_no_fees_are_none_of_any_kind(fees: dict[str, object], none: bool) -> None:
    assert Fees.model_validate(fees).none is none

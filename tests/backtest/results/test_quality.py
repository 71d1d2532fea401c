"""Profit from damaged bars: a share by hand, and what counts as damage."""

from __future__ import annotations

import math

import pytest

from tapeflow.backtest.recording.round_trips import RoundTrip
from tapeflow.backtest.results.quality import profit_from_damaged
from tapeflow.core.bars import Bars
from tapeflow.core.schema import Quality

DAMAGE = ("GAP", "PARTIAL", "ID_HOLE", "DISORDER", "VOID", "CONTRADICTORY")


def bars(**flags: int) -> Bars:
    """Ten bars that close at 10, 20, …, 100; ``b3=16`` flags the third."""
    quality = [flags.get(f"b{k}", 0) for k in range(1, 11)]
    return Bars.of(open_time=range(0, 91, 10), close_time=range(10, 101, 10), quality=quality)


def trip(entry: int, leave: int, pnl: float, data: str = "btc", fee: float = 0.0) -> RoundTrip:
    return RoundTrip(data, "long", 1.0, entry, 10.0, leave, 10.0 + pnl, 1, pnl, fee, "", "")


def test_the_share_is_net_profit_over_damaged_bars_in_net_profit_of_all():
    trips = [trip(20, 30, 10.0, fee=1.0), trip(50, 60, 5.0, fee=2.0), trip(80, 90, -4.0)]
    assert profit_from_damaged(trips, bars(b6=int(Quality.ID_HOLE))) == pytest.approx(3.0 / 8.0)
    assert profit_from_damaged(trips, bars(b9=int(Quality.GAP))) == pytest.approx(-4.0 / 8.0)
    assert profit_from_damaged(trips, bars()) == 0.0


@pytest.mark.parametrize("bit", Quality)
def test_only_bits_that_make_numbers_wrong_are_damage(bit):
    expected = 1.0 if bit.name in DAMAGE else 0.0
    assert profit_from_damaged([trip(40, 60, 1.0)], bars(b5=int(bit))) == expected


@pytest.mark.parametrize(("bar", "counts"), [(2, False), (3, True), (4, True), (6, True), (7, False)])
def test_bars_from_the_decision_to_the_last_fill_count(bar, counts):
    assert profit_from_damaged([trip(40, 60, 1.0)], bars(**{f"b{bar}": 16})) == float(counts)


def test_a_trip_on_the_first_bar_has_no_bar_before_it():
    assert profit_from_damaged([trip(10, 20, 1.0)], bars(b10=16)) == 0.0


def test_each_feed_answers_for_its_own_trips():
    both = {"a": bars(b5=4), "b": bars()}
    assert profit_from_damaged([trip(40, 60, 1.0, "a"), trip(40, 60, 3.0, "b")], both) == 0.25


def test_nothing_earned_in_all_has_no_share():
    assert math.isnan(profit_from_damaged([], bars()))
    assert math.isnan(profit_from_damaged([trip(40, 60, 1.0), trip(70, 80, -1.0)], bars()))

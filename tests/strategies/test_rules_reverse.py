"""Leaving one side and entering the other on one bar: by rules and by signals, in every engine."""

from __future__ import annotations

from typing import Any

import pytest

from tapeflow.core.errors import ConfigError
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.signals import Signals
from tapeflow.tests.helpers.rule_runs import config_of, fills_of, in_plain_backtrader, run, run_everywhere, walk

EVENTS = {
    "long": {"enter": "crossover(close, mean(close, 9))", "exit": "crossunder(close, mean(close, 9))"},
    "short": {"enter": "crossunder(close, mean(close, 9))", "exit": "crossover(close, mean(close, 9))"},
}


def crossing(bars: Any, bar: int) -> int:
    """1 where the close goes above its mean of nine on ``bar``, -1 where it goes below, else 0."""
    if bar < 9:
        return 0
    now, before = (float(bars["close"][i]) - sum(map(float, bars["close"][i - 8 : i + 1])) / 9 for i in (bar, bar - 1))
    return 1 if now > 0 >= before else -1 if now < 0 <= before else 0


def by_hand(bars: Any) -> Any:
    def decide(strategy: Any, bar: int) -> None:
        way, held = crossing(bars, bar), strategy.position.size
        if held * way < 0:
            strategy.close()
        if way and held * way <= 0:
            (strategy.buy if way > 0 else strategy.sell)(size=8)

    return decide


@pytest.mark.parametrize("seed", [1, 2])
def test_rules_of_events_trade_both_sides_as_plain_backtrader_does(seed: int) -> None:
    bars = walk(seed)
    made = run_everywhere(EVENTS, bars)
    assert fills_of(made) == in_plain_backtrader(bars, by_hand(bars))
    assert {fill.opened > 0 for fill in made.record.fills if fill.opened} == {True, False}
    assert not any("was traded" in text for text in made.unused())


def test_a_side_that_has_true_entries_and_no_trade_is_told() -> None:
    over, under = (f"{cross}(close, mean(close, 9) + 0.001)" for cross in ("crossover", "crossunder"))
    sides = {"long": {"enter": over, "exit": under}, "short": {"enter": under, "exit": over}}
    made = run_everywhere(sides | {"reverse": False}, walk(1))
    idle = {"long", "short"} - {trip.direction for trip in made.trips}
    assert len(idle) == 1
    told = [text for text in made.unused() if text.startswith(f"{idle.pop()} entries were true on ")]
    assert len(told) == 1
    assert "position was held; with `reverse: true` a bar leaves one side and enters the other" in told[0]


def test_a_cooldown_keeps_the_other_side_away_and_contradicts_reversing() -> None:
    made = run_everywhere(EVENTS | {"cooldown": 2}, walk(1))
    bars = [(fill.bar, bool(fill.opened)) for fill in made.record.fills]
    left = {bar for bar, opens in bars if not opens}
    assert not left & {bar for bar, opens in bars if opens}
    with pytest.raises(ConfigError, match="a cooldown keeps entries away from the bar of an exit"):
        config_of(EVENTS | {"cooldown": 2, "reverse": True})


@pytest.mark.parametrize("sizer", [{"percent": 30}, {"risk": 1.0}])
def test_what_is_entered_behind_an_exit_has_the_size_of_an_entry_and_keeps_within_its_limit(sizer: Any) -> None:
    rules = EVENTS | {"time_stop": 25, "stop_loss": "3%", "pyramiding": 2}
    made = run_everywhere(rules, walk(4), sizer=sizer, risk={"max_position": "20%"})
    value, size = made.equity["value"], made.equity["position"]
    turned = [i for i in range(1, len(size)) if size[i] * size[i - 1] < 0]
    assert turned
    for i in turned:
        assert 0.1 < abs(size[i]) * made.first["close"][i - 1] / value[i - 1] <= 0.2


class Turning(Strategy):
    """Signals that turn from one side to the other."""

    reverses = True

    def signals(self, lines: Any) -> Signals:
        rises = lines["close"] > lines["open"] + 2
        falls = lines["close"] < lines["open"] - 2
        return Signals(long_entry=rises, long_exit=falls, short_entry=falls, short_exit=rises)


def test_signals_turn_where_their_class_says_so() -> None:
    bars = walk(3)

    def decide(strategy: Any, bar: int) -> None:
        move, held = float(bars["close"][bar] - bars["open"][bar]), strategy.position.size
        way = 1 if move > 2 else -1 if move < -2 else 0
        if held * way < 0:
            strategy.close()
        if way and held * way <= 0:
            (strategy.buy if way > 0 else strategy.sell)(size=8)

    assert fills_of(run_everywhere({}, bars, kind="Turning")) == in_plain_backtrader(bars, decide)


def test_entries_of_both_sides_on_the_bar_of_an_exit_are_none() -> None:
    rules = {"long": {"enter": "close > 0", "exit": "close > open"}, "short": {"enter": "close > open - 1"}}
    made = run(rules, walk(5))
    assert {trip.direction for trip in made.trips} == {"long"}
    assert any("on " in text and "long entries were true as well" in text for text in made.unused())

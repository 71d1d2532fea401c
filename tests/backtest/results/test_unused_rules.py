"""A run without trades says which condition was never true."""

from __future__ import annotations

from typing import Any

import pytest

from tapeflow.tests.helpers.rule_runs import ENGINES, run, walk

CASES = [
    ({"long": {"enter": "close > open and close > 1e9 and volume < 0"}}, "long.enter was never true: `close > 1e9` on "
     "no bar, `volume < 0` on no bar"),
    ({"long": {"enter": "close > open and close < open"}}, "each of its conditions was true at times, all of them on "
     "no bar"),
    ({"short": {"enter": "close > open and mean(close, 400) > 0"}}, "short.enter was never true: "
     "`mean(close, 400) > 0` was never known (NaN)"),
    ({"entries": {"dip": {"long": "close > open", "limit": "close - 5000"}}}, "dip.long was never true: where its "
     "condition was, its size or price was not known or not above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "told"), CASES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_without_trades_says_what_was_never_true(engine: str, rules: dict[str, Any], told: str) -> None:
    made = run(rules, walk(1), engine)
    assert not made.trips
    assert [text for text in made.unused() if text.startswith("no trade: ") and text.endswith(told)]


def test_a_distance_that_stands_where_a_price_is_meant_is_told() -> None:
    stops = {"far": "2 * std(close, 9)", "near": "close - 2 * std(close, 9)"}
    rules = {"entries": {name: {"long": "close > open", "stop_loss": text} for name, text in stops.items()}}
    told = [text for text in run(rules, walk(1)).unused() if "is read as a price" in text]
    assert len(told) == 1
    assert told[0].startswith("stop_loss of far: `2 * std(close, 9)` is read as a price, and lay ")
    assert told[0].endswith("% of the close away; so far below it is written close - (2 * std(close, 9))")


def test_orders_that_nobody_filled_are_told_by_their_side() -> None:
    made = run({"entries": {"deep": {"long": "close > open", "limit": "close - 500"}}}, walk(1))
    assert any(
        text.startswith("long entries were true on ") and text.endswith("were sent and none was filled")
        for text in made.unused()
    )

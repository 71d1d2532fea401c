"""What a run is warned of, by runs that give cause and runs that do not."""

from __future__ import annotations

from typing import Any

import pytest

from tapeflow.backtest.inputs.read import read_all
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping

RULES = {"kind": "Rules", "params": {"long": {"enter": "close < mean(close, 5)", "exit": "close > mean(close, 5)"}}}
TIERS = [{"volume": 1e6, "maker": 0, "taker": "1bp"}]


def told(own: dict[str, Any] | None = None, fees: dict[str, Any] | None = None, **blocks: Any) -> list[str]:
    """The warnings about fees of a run of two feeds, the second of which has fees of its ``own``."""
    feed: dict[str, Any] = {"feed": "SyntheticTape", "days": 0.02, "bars": "1m"}
    data = {"a": feed, "b": {**feed, "seed": 2, **({} if own is None else {"fees": own})}}
    raw = {"data": data, "strategy": RULES, "broker": {"cash": 1e4, "fees": fees or {}}, "trade": ["a", "b"], **blocks}
    config = from_mapping(raw)
    return [text for text in simulate(config, read_all(config, lambda text: None)).warnings() if "fees" in text]


@pytest.mark.parametrize(
    "fees", [{"taker": "5bp"}, {"maker": "-1bp"}, {"per_contract": 0.1}, {"minimum": 1}, {"tiers": TIERS}]
)
def test_a_fee_of_any_kind_is_a_fee(fees: dict[str, Any]) -> None:
    assert told(fees, fees) == []
    assert told({}, fees) == ["no fees are set for b: what is traded there is before fees"]
    assert told(fees) == ["no fees are set for a: what is traded there is before fees"]


def test_a_run_without_fees_is_told_so_once() -> None:
    assert told() == ["no fees are set: the figures are before fees"]
    assert told(trade=["a"]) == ["no fees are set: the figures are before fees"]


def test_a_feed_that_is_not_traded_needs_no_fees() -> None:
    assert told({}, {"taker": "5bp"}, trade=["a"]) == []

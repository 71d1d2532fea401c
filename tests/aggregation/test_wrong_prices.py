"""One wrong price costs an answer, not the memory of the machine."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.core.bars import Bars
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.tape import Tape

KINDS: dict[str, dict[str, Any]] = {
    "VolumeProfile": {"window": 60},
    "NakedPOC": {"session": "30m"},
    "DiagonalImbalance": {},
    "StackedImbalance": {},
    "UnfinishedAuction": {},
    "Sweep": {},
    "Exhaustion": {},
}
PROFILES: list[dict[str, Any]] = [{"window": None}, {"session": "30m", "composite": 5}, {"window": 30, "nodes": True}]
FACTORS = [10, 100, 1e5]


def trades(factor: float = 1.0, n: int = 12_000) -> Bars:
    rng = np.random.default_rng(3)
    price = 40_000 + np.cumsum(rng.integers(-2, 3, n)) / 100
    price[n // 2] = np.round(price[n // 2] * factor, 2)
    time = 1_700_000_000_000_000 + 500_000 * np.arange(n)
    tape = Tape.of(time=time, price=price, quantity=rng.exponential(1, n), side=rng.choice([-1, 1], n))
    (bars,) = aggregate([tape], ["1m"], row_size=0.01, tick=0.01, source="x")
    return bars


def most(kind: str, bars: Bars, **params: Any) -> tuple[int, str]:
    """Bytes held at most while the lines are worked out, and what was refused."""
    tracemalloc.start()
    said = ""
    try:
        INDICATORS.find(kind).over(bars, **params)
    except TapeflowError as err:
        said = str(err)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held, said


@pytest.mark.parametrize(("kind", "params"), [*KINDS.items(), *(("VolumeProfile", params) for params in PROFILES)])
def test_a_wrong_price_is_named_and_fills_no_memory(kind: str, params: dict[str, Any]) -> None:
    clean, refused = most(kind, trades(), **params)
    assert not refused
    for factor in FACTORS:
        held, said = most(kind, trades(factor), **params)
        assert held < 1.5 * clean + 5_000_000
        assert f"{40_000 * factor:g}"[:1] in said
        assert "in the bar of 2023-11-14T23:0" in said
        assert "\n" not in said


def klines(wrong: float) -> Bars:
    close = 40_000 + np.arange(500.0)
    close[250] *= wrong
    time = 60_000_000 * np.arange(500)
    prices = {"open": close, "high": close + 5, "low": np.minimum(close - 5, 40_000), "close": close}
    return Bars.of(open_time=time, close_time=time + 60_000_000, volume=np.ones(500), **prices)


@pytest.mark.parametrize("method", ["uniform", "close", "hlc3"])
def test_a_wrong_price_of_a_kline_is_named_too(method: str) -> None:
    how = {"from_klines": method, "row_size": 0.1, "window": 60}
    clean, refused = most("VolumeProfile", klines(1.0), **how)
    assert not refused
    for factor in (100, 1e4, 1e12, 1e15, 1e295):
        held, said = most("VolumeProfile", klines(factor), **how)
        assert held < 1.5 * clean + 5_000_000
        assert "the bar of 1970-01-01T04:10" in said


def test_rows_that_the_data_fills_are_no_fault() -> None:
    n = 3000
    close = np.round(100 * np.exp(np.linspace(0, 6, n)), 2)
    time = 86_400_000_000 * np.arange(n)
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    bars = Bars.of(open_time=time, close_time=time + 86_400_000_000, volume=np.ones(n), **prices)
    lines = INDICATORS.find("VolumeProfile").over(bars, window=None, from_klines="close", row_size=0.1)
    assert lines["poc"].notna().all()

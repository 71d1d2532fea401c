"""The 36 fields of a flow data set: where each comes from, against a plain definition from the tape."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.tape import Tape
from tapeflow.indicators.flow_entropy import FlowEntropy
from tapeflow.indicators.flow_toxicity import FlowToxicity
from tapeflow.indicators.order_size_flow import OrderSizeFlow
from tapeflow.indicators.taker_ratio import TakerRatio
from tapeflow.indicators.taker_volume import TakerVolume
from tapeflow.indicators.volume_delta import VolumeDelta

Trade = tuple[float, float, int]
"""Price, quantity, side."""
SIZES = {"small": (0.0, 100.0), "medium": (100.0, 1000.0), "large": (1000.0, math.inf)}
SIDES = {"buy": 1, "sell": -1}


def _tape(n: int = 900) -> Tape:
    rng = np.random.default_rng(6)
    price = np.round(50 * np.exp(np.cumsum(rng.normal(0, 1e-3, n))), 2)
    quantity = np.round(rng.lognormal(1.5, 1.6, n), 3)
    quantity[::50] = np.round(100 / price[::50], 6)
    side = rng.choice([1, -1], n)
    side[:40] = 1
    return Tape.of(time=np.sort(rng.integers(0, 60 * MINUTE, n)), price=price, quantity=quantity, side=side)


TAPE = _tape()
(BARS,) = aggregate([TAPE], ["1m"])


def _minutes() -> list[list[Trade]]:
    made: list[list[Trade]] = [[] for _ in range(len(BARS))]
    first = int(BARS["open_time"][0])
    for time, p, q, s in zip(TAPE.time, TAPE.price, TAPE.quantity, TAPE.side, strict=True):
        made[(int(time) - first) // MINUTE].append((float(p), float(q), int(s)))
    return made


MINUTES = _minutes()


def _sum(trades: list[Trade], of: str, side: int, size: str = "") -> float:
    low, high = SIZES[size] if size else (0.0, math.inf)
    part = [(p, q) for p, q, s in trades if s == side and low <= p * q < high]
    return {"base": math.fsum(q for _, q in part), "quote": math.fsum(p * q for p, q in part), "count": len(part)}[of]


def _over(a: float, b: float) -> float:
    return a / b if b else math.nan


def _of(of: str, side: int, size: str = "") -> Callable[[list[Trade]], float]:
    return lambda trades: _sum(trades, of, side, size)


def _ratio(of: str, share: bool) -> Callable[[list[Trade]], float]:
    def made(trades: list[Trade]) -> float:
        buys, sells = _sum(trades, of, 1), _sum(trades, of, -1)
        return _over(buys, buys + sells if share else sells)

    return made


def _net(of: str) -> Callable[[list[Trade]], float]:
    return lambda trades: _sum(trades, of, 1) - _sum(trades, of, -1)


def _share(of: str, side: int, size: str) -> Callable[[list[Trade]], float]:
    return lambda trades: _over(_sum(trades, of, side, size), _sum(trades, of, side))


def _entropy(trades: list[Trade]) -> float:
    p = _ratio("base", share=True)(trades)
    return 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def _line(cls: Any, line: str, **params: Any) -> Callable[[Bars], Any]:
    return lambda bars: cls.over(bars, **params)[line].to_numpy()


def _column(name: str) -> Callable[[Bars], Any]:
    return lambda bars: bars[name]


Field = tuple[Callable[[Bars], Any], Callable[[list[Trade]], float]]

FIELDS: dict[str, Field] = {
    "taker_buy_volume": (_line(TakerVolume, "buy"), _of("base", 1)),
    "taker_sell_volume": (_line(TakerVolume, "sell"), _of("base", -1)),
    "taker_buy_count": (_column("taker_buy_count"), _of("count", 1)),
    "taker_sell_count": (_column("taker_sell_count"), _of("count", -1)),
    "volume_delta": (_line(VolumeDelta, "delta"), _net("base")),
    "volume_delta_notional": (_line(VolumeDelta, "delta", unit="quote"), _net("quote")),
    "flow_entropy": (_line(FlowEntropy, "entropy"), _entropy),
    "taker_buy_sell_ratio": (_line(TakerRatio, "ratio"), _ratio("base", share=False)),
    "taker_buy_sell_count_ratio": (_line(TakerRatio, "count_ratio"), _ratio("count", share=False)),
    "taker_buy_sell_percentage": (_line(TakerRatio, "share"), _ratio("base", share=True)),
    "taker_buy_sell_count_percentage": (_line(TakerRatio, "count_share"), _ratio("count", share=True)),
}
for side, sign in SIDES.items():
    for size in SIZES:
        name, line = f"taker_{side}_{size}_order", f"{side}_{size}"
        FIELDS[f"{name}_volume"] = _line(OrderSizeFlow, line), _of("quote", sign, size)
        FIELDS[f"{name}_count"] = _line(OrderSizeFlow, f"{line}_count"), _of("count", sign, size)
        FIELDS[f"{name}_percentage"] = _line(OrderSizeFlow, f"{line}_share"), _share("quote", sign, size)
        FIELDS[f"{name}_count_percentage"] = _line(OrderSizeFlow, f"{line}_count_share"), _share("count", sign, size)

PROVIDER = {"mode": "expanding", "reset": "month"}
"""How the provider's ``flow_toxicity_score`` comes about, as its published rows tell."""


def test_with_toxicity_there_are_thirty_six_fields() -> None:
    assert len([*FIELDS, "flow_toxicity_score"]) == 36


def test_the_tape_has_what_makes_the_fields_differ() -> None:
    assert not all(MINUTES[0][k][2] == -1 for k in range(len(MINUTES[0])))
    assert any(all(s == 1 for *_, s in trades) for trades in MINUTES)
    assert all(trades for trades in MINUTES)
    assert all(any(_sum(t, "count", s, size) for t in MINUTES) for s in SIDES.values() for size in SIZES)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_its_definition_on_the_tape(name: str) -> None:
    computed, plain = FIELDS[name]
    expected = [plain(trades) for trades in MINUTES]
    np.testing.assert_allclose(computed(BARS), expected, rtol=1e-9, atol=1e-9)


def _z(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return (values[-1] - mean) / math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def test_toxicity_in_the_providers_mode_is_its_definition_on_the_tape() -> None:
    flows: list[float] = []
    vols: list[float] = []
    expected = []
    for trades in MINUTES:
        flows.append(_net("quote")(trades))
        prices = [p for p, *_ in trades]
        vols.append(math.sqrt(math.fsum(math.log(b / a) ** 2 for a, b in pairwise(prices))))
        expected.append(_z(flows) * _z(vols) if len(flows) > 1 else math.nan)
    np.testing.assert_allclose(FlowToxicity.over(BARS, **PROVIDER)["toxicity"], expected, rtol=1e-8)


# Five published rows: net notional in millions, the score, and the z-score of volatility it implies.
PUBLISHED = [
    (-22.5368, math.nan, math.nan),
    (3.2076, -0.5000, -0.7071),
    (-0.9925, -0.1714, -0.4095),
    (44.5875, -0.9302, -0.6773),
    (-50.1726, 0.6435, -0.5001),
]


def _next_with(earlier: list[float], wanted: float) -> float:
    """The value whose z-score behind ``earlier`` is ``wanted``."""
    low, high = -1e6, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if _z([*earlier, middle]) < wanted else (low, middle)
    return low


def test_the_five_published_rows_come_out_in_the_providers_mode() -> None:
    flows = np.array([flow for flow, *_ in PUBLISHED])
    vols = [10.0, 9.0]
    for *_, wanted in PUBLISHED[2:]:
        vols.append(_next_with(vols, wanted))
    opens = 1_756_684_800_000_000 + 60 * MINUTE * np.arange(5)
    bars = Bars.of(
        open_time=opens,
        close_time=opens + 60 * MINUTE,
        taker_buy_quote_volume=100.0 + flows,
        taker_sell_quote_volume=np.full(5, 100.0),
        realized_vol=np.array(vols),
    )
    scores = FlowToxicity.over(bars, **PROVIDER)["toxicity"].tolist()
    assert math.isnan(scores[0])
    assert scores[1:] == pytest.approx([score for _, score, _ in PUBLISHED[1:]], abs=1e-4)

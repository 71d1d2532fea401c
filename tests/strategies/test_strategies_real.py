"""The worked strategies on a recorded day: they trade, do the same in every engine, and look at nothing to come."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.runner import simulate
from tapeflow.checks.lookahead import attack
from tapeflow.configs.loader import from_mapping

PERPETUAL = "06_binance_official_dumps/cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
SPOT = "06_binance_official_dumps/spot_BTCUSDT-1m-2026-05.zip"
BLOCKS: dict[str, dict[str, Any]] = {
    "AbsorptionReversal": {},
    "AnchoredVWAPPullback": {},
    "CVDDivergence": {},
    "CrossVenueLead": {},
    "LargeTradeFollow": {},
    "NakedPOCMagnet": {"naked": {"kind": "NakedPOC", "session": "4h"}},
    "OpeningRangeDelta": {},
    "StackedImbalanceContinuation": {},
    "ToxicityFilter": {},
    "TrendWithDelta": {},
    "VPINStandAside": {},
    "ValueAreaRotation": {"profile": {"kind": "VolumeProfile", "session": "4h", "previous": True}},
}
QUICK = {"LargeTradeFollow": {"unusual": 2.0, "share": 0.1}, "OpeningRangeDelta": {"session": "4h", "until": 230}}


@cache
def run_of(kind: str, folder: Path) -> tuple[Any, dict[str, Source]]:
    """A run over the perpetual's tape; with the spot market in front of it where a strategy wants two venues."""
    tape = {"feed": "BinanceAggTrades", "market": "cm", "contract_size": 100, "path": str(folder / PERPETUAL)}
    tape |= {"bars": "1m", "row_size": 20, "tick": 0.1, "lot": 0.001}
    data = {"perpetual": tape}
    if kind == "CrossVenueLead":
        span = {"from": "2026-05-08", "to": "2026-05-09"}
        data = {"spot": {"feed": "BinanceKlines", "path": str(folder / SPOT), **span, "lot": 0.001}, "leader": tape}
    raw = {"name": "real", "data": data, "indicators": BLOCKS[kind]}
    config = from_mapping({**raw, "strategy": {"kind": kind, "params": QUICK.get(kind, {})}})
    made: dict[str, Source] = {}
    for block in config.data:
        made |= read(config, block, lambda text: None)
    return config, made


@pytest.mark.real_data
@pytest.mark.parametrize("kind", BLOCKS)
def test_a_strategy_trades_a_recorded_day_the_same_in_every_engine(kind: str, real_data: Path) -> None:
    config, sources = run_of(kind, real_data)
    made = {e: simulate(config.model_copy(update={"engine": e}), sources) for e in ("stock", "backtrader", "compiled")}
    assert made["stock"].record.fills, "it trades"
    assert difference(made["backtrader"], made["stock"]) == ""
    assert difference(made["compiled"], made["stock"]) == ""


@pytest.mark.real_data
def test_two_venues_on_a_recorded_day_raise_no_alarm(real_data: Path) -> None:
    found = attack(*run_of("CrossVenueLead", real_data), instants=4)
    assert [str(leak) for leak in found.leaks] == []
    assert found.orders > 20

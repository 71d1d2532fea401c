"""Orders of a stock that splits and pays dividends, filled from its tape: as from a tape turned back by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.inputs.read import read_all
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import DAY, MINUTE, parse_time

START = parse_time("2024-01-02")
SPLIT = START + DAY
N = 600
RNG = np.random.default_rng(2)
TIME = START + DAY - N // 2 * MINUTE + np.arange(N) * MINUTE
PRICE = np.round(100 + 0.25 * np.cumsum(RNG.integers(-2, 3, N)), 2)
SIZE = RNG.integers(1, 50, N) * 10.0
SIDE = RNG.choice(["buy", "sell"], N)
AFTER = TIME >= SPLIT


def _write(path: Path, price: Any, size: Any) -> None:
    rows = (f"{t},{p!r},{q!r},{s}" for t, p, q, s in zip(TIME, price.tolist(), size.tolist(), SIDE, strict=True))
    path.write_text("\n".join(["time,price,quantity,side", *rows, ""]))


def _run(folder: Path, name: str, fills: dict[str, Any], leave: str = "close < close[3]", **data: Any) -> Any:
    block = {"feed": "CsvTape", "path": str(folder / name), "bars": "5m", "tick": 0.25, "lot": 1, **data}
    rules = {"long": {"enter": "close > close[3]", "exit": leave}}
    config = from_mapping(
        {
            "data": {"stock": block},
            "strategy": {"kind": "Rules", "params": rules},
            "fills": {"from": "tape", **fills},
            "sizer": {"fixed": 20},
            "broker": {"cash": 100_000, "fees": {"per_contract": 0.01}},
        }
    )
    return simulate(config, read_all(config, lambda _: None))


def _fills(outcome: Any) -> list[tuple[Any, ...]]:
    return [(fill.first, fill.size, fill.price) for fill in outcome.strategy.broker.desk.executions]


@pytest.mark.parametrize("fills", [{}, {"latency": "30s", "participation": 0.1}], ids=str)
def test_a_split_fills_as_a_tape_that_was_turned_back_by_hand(tmp_path: Path, fills: dict[str, Any]) -> None:
    _write(tmp_path / "raw.csv", np.where(AFTER, PRICE / 2, PRICE), np.where(AFTER, SIZE * 2, SIZE))
    _write(tmp_path / "by_hand.csv", PRICE, SIZE)
    (tmp_path / "actions.csv").write_text("date,split\n2024-01-03,2:1\n")
    split = _run(tmp_path, "raw.csv", fills, actions=str(tmp_path / "actions.csv"))
    plain = _run(tmp_path, "by_hand.csv", fills)
    assert len(_fills(split)) > 20
    assert any(time >= SPLIT for time, *_ in _fills(split))
    assert _fills(split) == _fills(plain)
    assert split.figures()["net_profit"] == plain.figures()["net_profit"]


def test_a_dividend_is_cash_on_what_the_tape_filled(tmp_path: Path) -> None:
    _write(tmp_path / "raw.csv", PRICE, SIZE)
    (tmp_path / "actions.csv").write_text("date,dividend\n2024-01-03,0.75\n")
    paid = _run(tmp_path, "raw.csv", {}, leave="close < 0", actions=str(tmp_path / "actions.csv"))
    fills = _fills(paid)
    held = sum(size for time, size, _ in fills if time < SPLIT)
    prints = dict(zip(TIME.tolist(), PRICE.tolist(), strict=True))
    assert all(price in prints.values() for *_, price in fills)
    end = sum(size for _, size, _ in fills) * PRICE[-1]
    cash = -sum(size * price for _, size, price in fills) - 0.01 * sum(abs(size) for _, size, _ in fills)
    assert held > 0
    assert paid.figures()["net_profit"] == pytest.approx(end + cash + 0.75 * held, abs=1e-6)
    assert paid.figures()["dividend"] == {"payments": 1, "net": 0.75 * held}

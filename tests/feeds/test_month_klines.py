"""Klines of months, audited and kept in a catalog, and symbols in Atlas' notation that find them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapeflow.core.clock import parse_time
from tapeflow.core.errors import DataError
from tapeflow.feeds.catalog import CatalogKlines
from tapeflow.tests.helpers.command import tapeflow

STARTS = ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01"]


def put(path: Path, *months: int) -> Path:
    edges = [parse_time(day) // 1000 for day in STARTS]
    lines = [f"{edges[i]},100,101,99,100,3,{edges[i + 1] - 1},300,2,2,200,0" for i in months]
    path.write_text("\n".join([*lines, ""]))
    return path


def test_a_missing_month_is_found_and_whole_ones_are_grade_a(tmp_path: Path) -> None:
    whole, holed = put(tmp_path / "BTCUSDT-1mo-2023.csv", 0, 1, 2, 3), put(tmp_path / "ETHUSDT-1mo-2023.csv", 0, 1, 3)
    told = [tapeflow("audit", p, "--feed", "BinanceKlines", "--market", "um").stdout for p in (whole, holed)]
    assert "grade A" in told[0]
    assert "1 klines of 1mo are missing before it" in told[1]


def test_a_catalog_keeps_months_without_missing_days_and_finds_them_by_atlas_symbols(tmp_path: Path) -> None:
    path, store = put(tmp_path / "BTCUSDT-1mo-2023.csv", 0, 1, 3), tmp_path / "store"
    added = tapeflow("data", "add", path, "--feed", "BinanceKlines", "--market", "um", "--catalog", store)
    assert added.exit_code == 0, added.output
    listed = json.loads(tapeflow("data", "list", "--catalog", store, "--json").stdout)
    text = json.dumps(listed)
    assert '"missing_days": []' in text or '"missing_days": 0' in text
    bars = CatalogKlines(store, symbol="perpetual-BTC-USDT:USDT").bars()
    assert (bars.spec, bars["open_time"].tolist()) == ("1mo", [parse_time(STARTS[i]) for i in (0, 1, 3)])
    with pytest.raises(DataError, match="holds no spot-BTC-USDT, which venues call BTCUSDT or BTC-USDT"):
        CatalogKlines(store, symbol="spot-BTC-USDT")


def test_months_make_no_shorter_bars(tmp_path: Path) -> None:
    path = put(tmp_path / "BTCUSDT-1mo-2023.csv", 0, 1)
    done = tapeflow("bars", path, "--feed", "BinanceKlines", "--market", "um", "--bars", "1w", "--out", "-")
    assert done.exit_code == 2
    assert "holds klines of 1mo, not 1w" in done.stderr

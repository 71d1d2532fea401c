"""One wrong row among many costs memory for no more than the rows there are, whatever reads them, or it is refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.feeds.filing.add import add

BEGIN, DAY, ROWS = 1_700_006_400_000, 86_400_000, 4_000
PRICES = {"price × 10": 10.0, "price × 100,000": 1e5}
TIMES = {"300 days later": BEGIN + 300 * DAY, "2100": 4_102_444_800_000, "2262": 9_223_372_036_000, "1970": 0}


def trades(path: Path, spoil: str, *, since: int = BEGIN, seed: int = 1) -> None:
    """Trades over two days; one in the middle has a wrong price or a wrong time."""
    random = np.random.default_rng(seed)
    price = np.round(4_000 + np.cumsum(random.integers(-2, 3, ROWS)) / 100, 2)
    time = since + np.arange(ROWS) * (2 * DAY // ROWS)
    price[ROWS // 2] *= PRICES.get(spoil, 1.0)
    time[ROWS // 2] = TIMES.get(spoil, time[ROWS // 2])
    rows = (f"{t},{p:.2f},1,{('buy', 'sell')[i % 2]}" for i, (t, p) in enumerate(zip(time, price, strict=True)))
    path.write_text("\n".join(["time,price,quantity,side", *rows]))


def klines(path: Path, spoil: str, *, since: int = BEGIN) -> None:
    close = 4_000 + np.arange(2_000) % 50.0
    time = since + 60_000 * np.arange(2_000)
    close[1_000] *= PRICES.get(spoil, 1.0)
    time[1_000] = TIMES.get(spoil, time[1_000])
    rows = (f"{t},{c},{c + 1},{c - 1},{c},5" for t, c in zip(time, close, strict=True))
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))


def plain(folder: Path, spoil: str) -> Any:
    trades(folder / "a.csv", spoil)
    return FEEDS.find("CsvTape")(folder / "a.csv").bars("1m", row_size=0.01)


def merged(folder: Path, spoil: str) -> Any:
    trades(folder / "a.csv", spoil)
    trades(folder / "b.csv", "", seed=2)
    venues = [{"feed": "CsvTape", "path": f"{name}.csv", "name": name} for name in "ab"]
    return FEEDS.find("Merge")(folder, feeds=venues).bars("1m", row_size=0.01)


def rolled_tape(folder: Path, spoil: str) -> Any:
    trades(folder / "ESH.csv", spoil)
    trades(folder / "ESM.csv", "", since=BEGIN + DAY, seed=2)
    contracts = {"feed": "CsvTape", "path": "ES*.csv"}
    return FEEDS.find("ContinuousTape")(folder, contracts=contracts, adjust="ratio").bars("1m", row_size=0.01)


def rolled(folder: Path, spoil: str) -> Any:
    klines(folder / "ESH.csv", spoil)
    klines(folder / "ESM.csv", "", since=BEGIN + DAY)
    feed = FEEDS.find("Continuous")(folder, contracts={"feed": "CsvBars", "path": "ES*.csv"}, adjust="ratio")
    return feed.bars("5m", gaps="fill")


def filed(folder: Path, spoil: str) -> Any:
    trades(folder / "a.csv", spoil)
    add(folder / "catalog", [folder / "a.csv"], "CsvTape", {"market": "spot"}, symbol="ETHUSD", venue="v")
    catalog = FEEDS.find("Catalog")(folder / "catalog", venue="v", market="spot", symbol="ETHUSD")
    return catalog.bars("1m", row_size=0.01)


def most(read: Callable[[Path, str], Any], folder: Path, spoil: str) -> tuple[int, str]:
    """Bytes held at most while it is read, and what was refused."""
    folder.mkdir()
    tracemalloc.start()
    said = ""
    try:
        read(folder, spoil)
    except TapeflowError as err:
        said = str(err)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held, said


@pytest.mark.parametrize("read", [plain, merged, rolled_tape, rolled, filed])
def test_one_wrong_row_fills_no_memory(read: Callable[[Path, str], Any], tmp_path: Path) -> None:
    most(read, tmp_path / "warm", "")
    clean, refused = most(read, tmp_path / "clean", "")
    assert not refused
    for i, spoil in enumerate((*PRICES, *TIMES)):
        held, said = most(read, tmp_path / str(i), spoil)
        assert held < 1.5 * clean + 2_000_000, spoil
        assert "\n" not in said
        # A wrong price is in the prices and for the audit; a wrong time would be bars that nobody has.
        assert (spoil in PRICES) == (not said), spoil
        assert not said or any(named in said for named in (": row ", ": no trade from 20", "before 20")), said

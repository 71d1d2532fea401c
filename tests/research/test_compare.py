"""Two results: the cause of each difference, the first order that is not the same, a split of profit that adds up."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tapeflow.api import run
from tapeflow.tests.helpers.command import tapeflow

RULES = {"long": {"enter": "close > ma", "exit": "close < ma"}}
CONFIG: dict[str, Any] = {
    "name": "one",
    "data": {"main": {"feed": "CsvBars", "path": "", "tick": 0.1}},
    "indicators": {"ma": {"kind": "talib.SMA", "timeperiod": 3}},
    "strategy": {"kind": "Rules", "params": RULES},
}


def result(folder: Path, changed: int | None = None, **settings: Any) -> Path:
    """A result of bars whose close at row ``changed`` is another."""
    closes = [100 + (i * 5) % 7 + (-2.5 if i == changed else 0) for i in range(80)]
    rows = [f"{1_700_000_000_000 + 60_000 * i},102,110,95,{close},10" for i, close in enumerate(closes)]
    folder.mkdir()
    file = folder / "bars.csv"
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    run(CONFIG, folder / "out", report=False, **{"data.main.path": [str(file)], **settings})
    return folder / "out"


def compared(one: Path, other: Path) -> dict[str, Any]:
    page = one.parent / "page.html"
    made = tapeflow("compare", one, other, "--out", page, "--json")
    assert made.exit_code == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["file"], told["against"]) == (str(page), str(one))
    return dict(told["runs"][0])


def causes(made: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["cause"] for one in made["differences"]}


@pytest.mark.parametrize(
    ("key", "value", "cause"),
    [
        ("broker.fees.taker", 0.01, "costs"),
        ("data.main.slippage", "2ticks", "costs"),
        ("strategy.params.stop_loss", "2%", "config"),
        ("sizer.percent", 20.0, "config"),
    ],
)
def test_a_difference_has_its_cause_and_the_parts_of_profit_add_up(
    tmp_path: Path, key: str, value: object, cause: str
) -> None:
    one, other = result(tmp_path / "a"), result(tmp_path / "b", **{key: value})
    made = compared(one, other)
    assert causes(made) == {key: cause}
    profit = made["profit"]
    nets = [json.loads((folder / "result.json").read_text())["net_profit"] for folder in (one, other)]
    assert [profit["first"], profit["second"]] == nets
    parts = [value for name, value in profit.items() if name not in ("first", "second", "difference")]
    assert math.isclose(math.fsum(parts), nets[1] - nets[0], abs_tol=1e-9)
    if key == "broker.fees.taker":
        paid = [pd.read_parquet(folder / "trades.parquet")["commission"].sum() for folder in (one, other)]
        assert math.isclose(profit["commission_of_shared_trades"], paid[0] - paid[1], rel_tol=1e-12)


def test_the_first_order_that_differs_and_the_bar_that_led_to_it(tmp_path: Path) -> None:
    one, other = result(tmp_path / "a"), result(tmp_path / "b", changed=40)
    made = compared(one, other)
    assert "input" not in causes(made).values()
    assert {each["cause"] for each in made["differences"]} == {"data"}
    orders = [pd.read_parquet(folder / "orders.parquet").astype(str).values.tolist() for folder in (one, other)]
    common = next((i for i, rows in enumerate(zip(*orders, strict=False)) if rows[0] != rows[1]), min(map(len, orders)))
    assert made["first_order"]["number"] == common + 1
    led = {each["table"]: each for each in made["first_order"]["led"]}
    close = 1_700_000_000 + 60 * 41
    assert led["bars"]["column"] == "close"
    assert led["bars"]["time"] == pd.Timestamp(close, unit="s").isoformat() + "Z"
    assert led["bars"]["second"] - led["bars"]["first"] == -2.5
    assert led["indicators"]["time"] == led["bars"]["time"]


def test_the_page_and_the_terminal_tell_the_same(tmp_path: Path) -> None:
    one, other = result(tmp_path / "a"), result(tmp_path / "b", **{"broker.fees.taker": 0.01})
    third = result(tmp_path / "c", **{"sizer.percent": 20.0})
    page = tmp_path / "page.html"
    told = tapeflow("compare", one, other, third, "--out", page)
    assert told.exit_code == 0, told.stderr
    html = page.read_text()
    said = [line for line in told.stdout.splitlines() if line.startswith(("files that", "first order", "profit, "))]
    assert len(said) > 8
    assert all(f"<p>{line}</p>" in html for line in said)
    assert f"{other}: only costs differs: all of the difference is due to it" in told.stderr
    assert f"{third}: only config differs: all of the difference is due to it" in told.stderr
    assert told.stdout.splitlines()[-1] == str(page)


def test_equal_results_are_said_to_be_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    one, other = result(tmp_path / "a"), tmp_path / "b"
    shutil.copytree(one, other)
    page = tmp_path / "page.html"
    same = tapeflow("compare", one, other, "--out", page)
    assert "files that differ: none" in same.stdout
    assert "the results are the same" in same.stderr
    (one / "orders.parquet").write_bytes(b"")
    refused = tapeflow("compare", one, other, "--out", page)
    assert refused.exit_code == 2
    assert "orders.parquet: is damaged, or somebody changed it" in refused.stderr
    assert "no such folder" in tapeflow("compare", tmp_path / "none", one, "--out", page).stderr

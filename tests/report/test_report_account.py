"""What the page says of the account: its currency, what positions paid while held, and a drawing before any script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.api import Result
from tapeflow.report import write_report
from tapeflow.report.flows_view import cumulated, flows
from tapeflow.report.folder import read_folder
from tapeflow.report.money import Money, money_of
from tapeflow.report.still import still

Make = Callable[..., Path]


def with_flows(folder: Path, coin: bool = False) -> Path:
    """The run in ``folder`` with hourly funding, borrow of both kinds, and if asked an account in coin."""
    times = pd.read_parquet(folder / "equity.parquet").time
    rng = np.random.default_rng(3)
    rows = [("funding", t, 0.25, a) for t, a in zip(times[::60], rng.normal(0, 2, 8), strict=True)]
    rows += [
        ("borrow", t, p, -0.01 * k) for k, (t, p) in enumerate(zip(times[30::90], (-1.0, np.nan) * 3, strict=False))
    ]
    made = pd.DataFrame(rows, columns=["kind", "time", "position", "amount"]).assign(data="btc", price=1.0, rate=1e-4)
    made.sample(frac=1, random_state=1).to_parquet(folder / "flows.parquet")
    result = json.loads((folder / "result.json").read_text())
    if coin:
        result |= dict(currency="coin", initial_cash=2.0)
        lock = yaml.safe_load((folder / "run.lock").read_text())
        lock["inputs"] = [dict(data="btc", path="dumps/cm_BTCUSD_PERP-aggTrades-2024-01-01.zip", bytes=1, sha256="")]
        (folder / "run.lock").write_text(yaml.safe_dump(lock))
    (folder / "result.json").write_text(json.dumps(result))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def carried(make_run: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_flows(make_run(tmp_path_factory.mktemp("carried")))


@pytest.fixture(scope="module")
def coin(make_run: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_flows(make_run(tmp_path_factory.mktemp("coin")), coin=True)


# The currency.


@pytest.mark.parametrize(
    ("symbol", "files", "unit"),
    [
        ("BTC-USD-SWAP", (), "BTC"),
        ("XBTUSD", (), "XBT"),
        (None, ("cm_ETHUSD_PERP-aggTrades-2024-01-01.zip", "cm_ETHUSD_PERP-aggTrades-2024-01-02.zip"), "ETH"),
        (None, ("BTCUSD_240628-1m-2024-01-01.zip",), "BTC"),
        (None, ("BTCUSD_PERP-1m-2024-01.zip", "ETHUSD_PERP-1m-2024-01.zip"), "coin"),
        ("BTCUSDT", (), "coin"),
        (None, ("trades.csv",), "coin"),
    ],
)
def test_the_coin_of_an_inverse_account_is_that_of_its_symbol(symbol: str, files: tuple[str, ...], unit: str) -> None:
    block = {"instrument": {"margin": "inverse"}, "symbol": symbol}
    lock = {"config": {"data": {"a": block, "b": {}}}, "inputs": [{"data": "a", "path": f"x/{f}"} for f in files]}
    assert money_of({}, lock).unit == unit
    assert money_of({"currency": "coin"}, {}).unit == "coin"


def test_amounts_in_coin_have_the_decimals_that_the_account_needs() -> None:
    decimals = [money_of({"currency": "coin", "initial_cash": cash}).decimals for cash in (0.003, 0.5, 2, 30, 1e6)]
    assert decimals == [8, 7, 6, 5, 2]
    assert money_of({"currency": "quote", "initial_cash": 0.5}) == Money()


def test_a_page_of_an_account_in_coin_says_so_everywhere(coin: Path) -> None:
    text = (coin / "report.html").read_text(encoding="utf-8")
    trades, result = pd.read_parquet(coin / "trades.parquet"), json.loads((coin / "result.json").read_text())
    longs = trades.query("direction == 'long'").pnl_net.sum()
    net, fees = (f"{result[k]:{s},.6f} BTC".replace("-", "−") for k, s in (("net_profit", "+"), ("fees_paid", "")))
    for said in (
        net,
        fees,
        f"{longs:+,.6f}".replace("-", "−"),
        "Amounts are in BTC, the coin that the account is kept in",
    ):
        assert said in text
    assert "quote currency" not in re.sub(r"<script.*?</script>", "", text, flags=re.S)
    assert "−" + f"{abs(result['net_profit']):,.6f}" in Result.of(coin)._repr_html_()


# Flows.


def test_flows_are_summed_by_kind_up_to_each_bar(carried: Path) -> None:
    table = pd.read_parquet(carried / "flows.parquet")
    sums = cumulated(read_folder(carried))
    assert list(sums) == ["funding", "borrow"]
    for k, time in enumerate(pd.read_parquet(carried / "equity.parquet").time):
        if k % 37 == 0:
            due = table[table.time <= time].groupby("kind").amount.sum()
            assert [v[k] for v in sums.values()] == pytest.approx([due.get(kind, 0.0) for kind in sums], abs=1e-12)


def test_flows_are_counted_by_kind(carried: Path) -> None:
    rows = ElementTree.fromstring(flows(read_folder(carried), Money())).findall(".//tbody/tr")  # noqa: S314 (ours)
    found = {row.findtext("th"): [cell.text for cell in row.findall("td")] for row in rows}
    amounts = pd.read_parquet(carried / "flows.parquet").query("kind == 'funding'").amount
    written = [amounts.sum(), amounts[amounts < 0].sum(), amounts[amounts > 0].sum()]
    assert found["funding"][0] == "8"
    assert [float(x.replace("−", "-")) for x in found["funding"][1:4]] == pytest.approx(written, abs=0.005)
    assert [found[k][0] for k in ("borrow of what was sold short", "borrow of cash")] == ["3", "2"]
    fees = pd.read_parquet(carried / "orders.parquet").query("commission > 0").commission
    assert found["fees of fills"][:2] == [str(len(fees)), f"−{fees.sum():,.2f}"]


def test_a_run_without_flows_has_no_such_part(run: Path) -> None:
    assert flows(read_folder(run), Money()) == ""
    assert '<section id="flows"' not in (run / "report.html").read_text(encoding="utf-8")


def test_the_picture_draws_what_was_carried(carried: Path) -> None:
    pytest.importorskip("matplotlib")
    axis = Result.of(carried).plot().axes[4]
    sums = cumulated(read_folder(carried))
    assert {line.get_label(): line.get_ydata().tolist() for line in axis.lines} == {
        k: v.tolist() for k, v in sums.items()
    }


# Before any script.


def test_the_still_drawing_reaches_every_extreme(run: Path) -> None:
    folder = read_folder(run)
    lines = ElementTree.fromstring(still(folder, Money())).findall(".//polyline")  # noqa: S314 (ours)
    series = folder.bars.query("data == 'btc'").close.to_numpy(), folder.equity.value.to_numpy()
    assert len(lines) == 2
    for line, values in zip(lines, series, strict=True):
        x, y = np.array([p.split(",") for p in str(line.get("points")).split()], float).T
        top, bottom = y.min(), y.max()
        drawn = (values - values.min()) / np.ptp(values) * (top - bottom) + bottom
        assert np.all(np.diff(x) >= 0)
        np.testing.assert_allclose(y[::2], drawn, atol=0.051)
        np.testing.assert_allclose(y[1::2], drawn, atol=0.051)


def test_many_bars_share_a_column_of_the_still_drawing(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tapeflow.report import still as module

    monkeypatch.setattr(module, "_COLUMNS", 40)
    line = ElementTree.fromstring(still(read_folder(run), Money())).findall(".//polyline")[0]  # noqa: S314 (ours)
    _, y = np.array([p.split(",") for p in str(line.get("points")).split()], float).T
    close = pd.read_parquet(run / "bars.parquet").query("data == 'btc'").close.to_numpy()
    drawn = (close - close.min()) / np.ptp(close) * (y.min() - y.max()) + y.max()
    assert len(y) == 80
    for k, part in enumerate(np.array_split(drawn, 40)):
        assert sorted(y[2 * k : 2 * k + 2]) == pytest.approx([part.min(), part.max()], abs=0.06)


# In a browser.


@pytest.mark.browser
def test_browser_draws_what_was_carried_under_the_equity(carried: Path, opened: Callable[..., Any]) -> None:
    page = opened(carried).page
    titles = page.locator(".legend > b").all_inner_texts()
    assert [*titles[1:3], *titles[-2:]] == ["Equity", "Drawdown", "Funding and borrow", "Position"]
    drawn = page.evaluate("READY.app.view.drawn.at(-2).map(d => [d.line.name, Array.from(d.line.values)])")
    for name, values in drawn:
        np.testing.assert_allclose(values, cumulated(read_folder(carried))[name], atol=1e-3)
    assert not page.locator("#still").is_visible()


@pytest.mark.browser
def test_browser_writes_amounts_of_coin_as_coin(coin: Path, opened: Callable[..., Any]) -> None:
    page = opened(coin, viewport={"width": 390, "height": 844}, color_scheme="dark").page
    titles = page.locator(".legend > b").all_inner_texts()
    assert [*titles[1:3], *titles[-2:]] == ["Equity, BTC", "Drawdown", "Funding and borrow, BTC", "Position"]
    assert "net profit, BTC" in page.locator("#trades thead button").all_inner_texts()
    assert page.locator(".legend").last.inner_text().split()[:2] == ["Position", "contracts"]
    first = pd.read_parquet(coin / "trades.parquet").pnl_net.iloc[0]
    shown = page.locator("#trades tbody tr").first.locator("td").nth(2).inner_text().replace("−", "-")
    assert re.fullmatch(r"[-+][\d,]+\.\d{6}", shown)
    assert float(shown.replace(",", "")) == pytest.approx(first, rel=1e-4)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
@pytest.mark.parametrize("width", [1300, 390])
def test_browser_shows_the_figures_and_a_drawing_before_any_script(
    width: int, run: Path, opened: Callable[..., Any]
) -> None:
    page = opened(run, viewport={"width": width, "height": 844}, java_script_enabled=False).page
    for part in (".figures", "#still svg", "#statistics"):
        assert page.locator(part).is_visible()
    drawing, frame = (page.locator(part).bounding_box() for part in ("#still", ".chart-frame"))
    assert drawing["height"] > 400
    assert frame["y"] <= drawing["y"]
    assert drawing["y"] + drawing["height"] <= frame["y"] + frame["height"] + 1

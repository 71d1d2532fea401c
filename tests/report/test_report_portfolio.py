"""The report of several instruments and strategies: what each brought, and a chart of the one that is chosen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.results.folder import save
from tapeflow.report import write_report
from tapeflow.report.desks import desks_of, profit_of
from tapeflow.report.folder import microseconds, read_folder
from tapeflow.tests.helpers.portfolios import CROSS, markets, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four instruments, of which three may be held at a time."""
    made = tmp_path_factory.mktemp("portfolio") / "r"
    given = markets("equal", 4)
    save(run(given, "backtrader", trade=[*given], portfolio={"max_positions": 3}, sizer={"percent": 30}), made)
    write_report(made)
    return made


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies, one of them on two instruments."""
    made = tmp_path_factory.mktemp("several") / "r"
    one = {"params": CROSS, "trade": ["a", "b"], "capital": "60%"}
    other = {"params": CROSS, "trade": "b", "capital": "20%"}
    more: dict[str, Any] = {"strategy": None, "strategies": {"wide": one, "narrow": other}}
    save(run(markets("equal", 2), "backtrader", **more), made)
    write_report(made)
    return made


def told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "result.json").read_text())
    return found


def rows_of(path: Path, head: str) -> dict[str, str]:
    """Net profits as the page's table under a heading has them."""
    page = (path / "report.html").read_text(encoding="utf-8")
    table = re.search(rf"<th scope=\"col\">{head}</th>.*?</table>", page, re.DOTALL)
    assert table is not None
    found = re.findall(r"<th scope=\"row\">([^<]+)</th>.*?>([^<>]+)<small>", table[0])
    return dict(found)


def test_tables_have_what_each_brought_and_what_the_account_kept_back(folder: Path, several: Path) -> None:
    for path, key, head in ((folder, "instruments", "By instrument"), (several, "strategies", "By strategy")):
        shown, result = rows_of(path, head), told(path)
        expected = {name: one["net_profit"] for name, one in result[key].items()}
        assert {name: float(text.replace(",", "").replace("\N{MINUS SIGN}", "-")) for name, text in shown.items()} == {
            name: pytest.approx(profit, abs=0.006) for name, profit in expected.items()
        }
        assert sum(expected.values()) == pytest.approx(result["net_profit"], abs=1e-6)


def test_profits_of_the_folder_add_up_to_the_equity_at_every_bar(folder: Path, several: Path) -> None:
    for path in (folder, several):
        read = read_folder(path)
        made = profit_of(read, desks_of(read), microseconds(read.equity["time"]))
        np.testing.assert_allclose(1e6 + made, read.equity["value"], rtol=0, atol=1e-6)


def test_orders_that_were_cut_are_counted_by_instrument_and_limit(folder: Path) -> None:
    page, cuts = (folder / "report.html").read_text(encoding="utf-8"), pd.read_parquet(folder / "cuts.parquet")
    table = re.search(r"Cut or left out by</th>.*?</table>", page, re.DOTALL)
    assert table is not None
    found = re.findall(r"<th scope=\"row\">(\w)</th><td>(\d+)</td>", table[0])
    assert {name: int(count) for name, count in found} == cuts.groupby("data").size().to_dict()
    assert f"Which orders: {len(cuts)}" in page


def test_correlations_are_those_of_hourly_profits_in_pandas(folder: Path) -> None:
    page, read = (folder / "report.html").read_text(encoding="utf-8"), read_folder(folder)
    time, desks = microseconds(read.equity["time"]), desks_of(read)
    frame = pd.DataFrame({desk.data: profit_of(read, [desk], time) for desk in desks})
    hourly = frame.groupby((time - 1) // 3_600_000_000).last().diff().iloc[1:].corr()
    shown = re.search(r"Correlation by instrument: hourly profits.*?</table>", page, re.DOTALL)
    assert shown is not None
    cells = [float(x.replace("\N{MINUS SIGN}", "-")) for x in re.findall(r">(\N{MINUS SIGN}?\d\.\d\d)</td>", shown[0])]
    np.testing.assert_allclose(cells, hourly.to_numpy().ravel(), atol=0.00501)


def test_a_run_of_one_instrument_has_no_such_section(tmp_path: Path) -> None:
    save(run(markets("equal", 1)), tmp_path / "r")
    write_report(tmp_path / "r")
    assert 'id="portfolio"' not in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")


LINE = "app.view.panes.find(pane => pane.title === '{}').lines"


@pytest.mark.browser
def test_the_chart_draws_what_each_brought_to_the_last_bar(folder: Path, several: Path, opened: Any) -> None:
    for path, title, key in ((folder, "instrument", "instruments"), (several, "strategy", "strategies")):
        tab = opened(path)
        lines = tab.ask(f"{LINE.format('Profit by ' + title)}.map(line => [line.name, line.values.at(-1)])")
        expected = {name: one["net_profit"] for name, one in told(path)[key].items() if one["fees_paid"]}
        assert dict(lines) == {name: pytest.approx(profit, abs=0.02) for name, profit in expected.items()}


@pytest.mark.browser
def test_the_chooser_brings_the_position_and_the_indicators_of_another_instrument(folder: Path, opened: Any) -> None:
    tab, result = opened(folder), told(folder)
    options = tab.ask("[...document.querySelectorAll('#feed option')].map(option => option.textContent)")
    assert [text.partition(" ")[0] for text in options] == [*"abcd"]
    held = pd.read_parquet(folder / "positions.parquet")
    for i, name in enumerate("abcd"):
        tab.page.select_option("#feed", str(i))
        assert tab.ask(f"{LINE.format('Position')}[0].values.at(-1)") == pytest.approx(result["open_positions"][name])
        reached = max(tab.ask(f"Math.max(...{LINE.format('Position')}[0].values)"), 0.0)
        assert reached == pytest.approx(max(held[held["data"] == name]["position"].max(), 0.0))
        assert tab.ask("app.view.panes[0].lines.map(line => line.name)") == ["mean.sma"]
        drawn, own = tab.ask("app.view.panes[0].lines[0].values.at(-1)"), read_folder(folder).indicators
        column = "mean.sma" if name == "a" else f"mean@{name}.sma"
        assert drawn == pytest.approx(own[column].iloc[-1], abs=0.006)
    assert tab.ask("[...app.view.folded]") == ["Position"]

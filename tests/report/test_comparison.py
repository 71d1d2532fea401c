"""Two or more runs on one page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from tapeflow.cli import main
from tapeflow.core.errors import DataError
from tapeflow.report.comparison import MOST, write_comparison
from tapeflow.report.folder import read_folder
from tapeflow.report.picture import CROWD, figure

Make = Callable[..., Path]


def part(page: str, id_: str) -> ElementTree.Element:
    hit = re.search(rf'<section id="{id_}">.*?</section>', page, re.DOTALL)
    assert hit is not None
    return ElementTree.fromstring(re.sub(r"&(?!amp;|lt;|gt;|quot;|#)", "&amp;", hit[0]))  # noqa: S314 (ours)


@pytest.fixture
def two(make_run: Make, tmp_path: Path) -> tuple[Path, Path]:
    first, second = make_run(tmp_path / "fade"), make_run(tmp_path / "idle", trades=False)
    for folder, stop in ((first, "0.5%"), (second, "1%")):
        lock = yaml.safe_load((folder / "run.lock").read_text())
        lock["config"] = {"name": folder.name, "strategy": {"params": {"stop_loss": stop, "time_stop": 5}}}
        (folder / "run.lock").write_text(yaml.safe_dump(lock))
    return first, second


def test_figures_stand_side_by_side(two: tuple[Path, Path], tmp_path: Path) -> None:
    page = write_comparison(two, tmp_path / "both.html").read_text()
    rows = {row[0].text: ["".join(cell.itertext()) for cell in row[1:]] for row in part(page, "figures").iter("tr")}
    assert rows["Trades"] == ["12", "0"]
    value = pd.read_parquet(two[0] / "equity.parquet")["value"].iloc[-1]
    assert rows["Final value"] == [f"{value:,.2f}", "100,000.00"]
    assert rows["Sharpe ratio"][0].endswith("\N{MINUS SIGN}3.00 to 1.50")
    said = [title.text for title in part(page, "curves").iter("title")]
    assert said[0] == f"fade: {value / 1000:.2f} at the end"
    assert said[1] == "idle: 100.00 at the end"


def test_only_what_differs_in_the_configs_is_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    page = write_comparison(two, tmp_path / "both.html").read_text()
    rows = [["".join(cell.itertext()) for cell in row] for row in part(page, "differences").findall(".//tbody/tr")]
    assert rows == [["strategy.params.stop_loss", "0.5%", "1%"]]


def test_the_page_runs_and_fetches_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    page = write_comparison(two, tmp_path / "both.html").read_text()
    assert "<script" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.findall(r'(?:src|href)="', page)
    assert write_comparison(two, tmp_path / "again.html").read_text() == page


def test_names_that_are_html_stay_text(make_run: Make, tmp_path: Path, hostile: str) -> None:
    folders = [make_run(tmp_path / "a", name=hostile), make_run(tmp_path / "b" / "a")]
    page = write_comparison(folders, tmp_path / "both.html").read_text()
    assert "<img" not in page
    assert [row[1].text for row in part(page, "runs").findall(".//tbody/tr")] == [hostile, "vwap-fade"]


def test_what_cannot_be_compared_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"give two to {MOST} result folders \(got 1\)"):
        write_comparison(two[:1], tmp_path / "x.html")
    with pytest.raises(DataError, match="one folder stands twice"):
        write_comparison([two[0], two[0]], tmp_path / "x.html")
    told = CliRunner().invoke(main, ["compare", str(two[0]), str(tmp_path / "none")])
    assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
    assert "no such folder" in told.stderr
    assert not (tmp_path / "x.html").exists()


def test_runs_of_different_periods_are_said_to_be(two: tuple[Path, Path], tmp_path: Path) -> None:
    assert "different periods" not in write_comparison(two, tmp_path / "x.html").read_text()
    text = (two[1] / "result.json").read_text()
    (two[1] / "result.json").write_text(text.replace('"start": "2024-01-01', '"start": "2023-01-01'))
    assert "These runs are of different periods" in write_comparison(two, tmp_path / "x.html").read_text()


@pytest.mark.browser
def test_a_phone_shows_it_without_scrolling_sideways(two: tuple[Path, Path], tmp_path: Path, browser: Any) -> None:
    page = browser.new_page(viewport=dict(width=390, height=844))
    page.goto(write_comparison(two, tmp_path / "both.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_the_picture_counts_fills_that_are_too_many_to_mark(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    orders = pd.read_parquet(folder / "orders.parquet").dropna(subset="executed_time")
    times = pd.date_range("2024-01-01 20:30", periods=CROWD + 50, freq="1min", tz="UTC").as_unit("us")
    many = pd.concat([orders.iloc[:1]] * (CROWD + 50), ignore_index=True).assign(executed_time=times)
    many.assign(side=["buy", "sell"] * (len(many) // 2)).to_parquet(folder / "orders.parquet")
    axis = figure(read_folder(folder)).axes[0]
    labels = axis.get_legend_handles_labels()[1]
    assert [label.partition(",")[0] for label in labels[-2:]] == ["buy: 125 fills", "sell: 125 fills"]

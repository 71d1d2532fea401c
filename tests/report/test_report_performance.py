"""What the page shows of performance: growth beside the benchmark, drawdowns, excursions, hours and weekdays."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run as run_config
from tapeflow.configs.loader import load_config
from tapeflow.report.excursions_view import excursions
from tapeflow.report.folder import read_folder
from tapeflow.report.html import Markup
from tapeflow.report.performance_view import performance
from tapeflow.report.statistics_view import statistics
from tapeflow.report.trades_view import distribution

Make = Callable[..., Path]
CONFIG = """\
name: growth
data: {main: {feed: CsvBars, path: bars.csv}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
broker: {cash: 1000}
sizer: {percent: 90}
"""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a run over 400 days of six-hour bars."""
    folder = tmp_path_factory.mktemp("year")
    rng = np.random.default_rng(3)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, 1600))), 2)
    open_ = np.r_[100.0, close[:-1]]
    times = 1704067200 + 21600 * np.arange(1600)
    frame = pd.DataFrame(dict(time=times, open=open_, high=np.maximum(open_, close), low=np.minimum(open_, close)))
    frame.assign(close=close, volume=1.0).to_csv(folder / "bars.csv", index=False)
    (folder / "run.yaml").write_text(CONFIG)
    return run_config(load_config(folder / "run.yaml"), folder / "out", report=False).folder


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(re.sub(r"&(?!amp;|lt;|gt;|quot;|#)", "&amp;", markup))  # noqa: S314 (ours)


def said(markup: str) -> list[str]:
    return [e.text or "" for e in parsed(markup).iter("title")]


def test_growth_stands_beside_the_benchmark_and_ends_where_both_do(year: Path) -> None:
    folder = read_folder(year)
    text = performance(folder)
    value, bars = folder.equity["value"], folder.bars
    assert f"run: {100 * value.iloc[-1] / 1000:.2f} at the end" in said(text)
    assert f"buy and hold main: {100 * bars['close'].iloc[-1] / bars['open'].iloc[0]:.2f} at the end" in said(text)
    captions = [e.text for e in parsed(text).iter("figcaption")]
    assert captions == [
        "Growth of 100: the run, and main held",
        "Sharpe ratio of the last 60 days",
        "Volatility of the last 60 days, % a year",
    ]


def test_rolling_figures_end_with_those_of_the_last_sixty_days(year: Path) -> None:
    folder = read_folder(year)
    ends = folder.equity["value"].to_numpy()[3::4]  # four bars a day
    moves = (ends[1:] / ends[:-1] - 1)[-60:]
    sharpe = moves.mean() / moves.std(ddof=1) * 365**0.5
    told = said(performance(folder))
    assert f"Sharpe ratio: {sharpe:.2f} at the end".replace("-", "\N{MINUS SIGN}") in told
    assert f"volatility: {100 * moves.std(ddof=1) * 365**0.5:.2f} at the end" in told


def test_the_worst_drawdowns_are_listed(year: Path) -> None:
    folder = read_folder(year)
    rows = parsed(performance(folder)).findall(".//tbody/tr")
    assert len(rows) == 5
    assert [f"{one['depth_pct']:.2f} %" for one in folder.result["drawdowns"]] == [row[1].text for row in rows]
    assert rows[0][2].text == folder.result["drawdowns"][0]["peak"].replace("T", " ")[:16]


def test_a_short_run_says_that_it_is_too_short(run: Path) -> None:
    text = performance(read_folder(run))
    assert "; the run has 2, too few." in text
    assert "Growth of 100" in text
    assert "Sharpe ratio of" not in text


@pytest.mark.parametrize("count", [12, 250, 251, 4000])
def test_every_trade_is_in_the_scatter(count: int) -> None:
    rng = np.random.default_rng(count)
    moved = rng.normal(0, 1, count)
    frame = pd.DataFrame(dict(mae_pct=-np.abs(moved) - 0.1, mfe_pct=np.abs(moved), return_pct=moved))
    for figure in excursions(frame):
        told = said(figure)
        if count <= 250:
            assert len(told) == count
        else:
            assert sum(int(text.split()[0].replace(",", "")) for text in told) == count
        assert len(figure) < 90_000
    assert excursions(frame.drop(columns="mae_pct")) == []


def test_trades_are_grouped_by_the_weekday_and_hour_of_their_fill() -> None:
    times = pd.to_datetime(["2024-01-01T11:00", "2024-01-02T00:00", "2024-01-06T12:30"], utc=True)
    frame = pd.DataFrame(dict(return_pct=[1.0, 3.0, -2.0], bars=[1, 1, 1], entry_time=times))
    told = said(distribution(frame))
    assert "Mon: +2.000 %, 2 trades" in told  # what closes at midnight traded on the day before
    assert "Sat: \N{MINUS SIGN}2.000 %, 1 trade" in told
    assert "10:00: +1.000 %, 1 trade" in told


def test_an_absent_figure_says_why(run: Path) -> None:
    folder = read_folder(run)
    result: dict[str, Any] = folder.result | {
        "cagr_pct": None,
        "benchmark": {"data": "btc", "return_pct": 3.0, "beta": None},
        "absent": {"cagr_pct": "the run is short", "benchmark.beta": "few days"},
    }
    text = statistics(result, folder.trades, _money())
    rows = [["".join(cell.itertext()) for cell in row] for row in parsed(str(text)).findall(".//tbody/tr")]
    assert ["CAGRthe run is short", "\N{EN DASH}"] in rows
    assert ["Betafew days", "\N{EN DASH}"] in rows
    assert "Benchmark: btc, bought and held" in text
    assert isinstance(text, Markup)


def _money() -> Any:
    from tapeflow.report.money import Money

    return Money()

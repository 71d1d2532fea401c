"""The site is whole: a page for every command, a word for every public name, no link into nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeflow.core.plugins.registry import REGISTRIES
from tapeflow.docs._ext import api, plugins, schema
from tapeflow.docs._ext.markdown import inline, render, table
from tapeflow.docs._ext.tree import walk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [p for p in sorted(DOCS.rglob("*.md")) if not {"_build", "reference"} & set(p.relative_to(DOCS).parts)]
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)|\{doc\}`(?:[^`<]*<)?([^`>]+)>?`")


def test_every_command_has_a_page_with_an_example_and_its_help() -> None:
    for name, command in walk():
        page = DOCS / "commands" / f"{name.replace(' ', '-')}.md"
        assert page.exists(), f"docs/commands/{page.name} is missing"
        text = page.read_text(encoding="utf-8")
        assert f"```{{command}} {name}\n```" in text
        assert f"\ntapeflow {name}" in text
        assert command.help, name


def test_every_page_of_a_command_is_of_one_that_exists() -> None:
    known = {name.replace(" ", "-") for name, _ in walk()} | {"index"}
    assert {p.stem for p in (DOCS / "commands").glob("*.md")} == known


def test_no_public_name_is_undocumented() -> None:
    assert list(api.undocumented()) == []


@pytest.mark.parametrize("kind", list(REGISTRIES))
def test_every_plugin_has_a_page_with_all_it_declares(kind: str) -> None:
    made = dict(plugins.pages(kind, REGISTRIES[kind], set()))
    for name, cls in plugins.own(REGISTRIES[kind]):
        text = made[f"{kind}/{name}.md"]
        assert f"[{name}]({kind}/{name}.md)" in made[f"{kind}.md"]
        for param in getattr(cls, "defaults", lambda c=cls: c.params)():
            assert f"`{param}`" in text, f"{name}.{param}"


def test_an_indicators_page_has_formula_units_and_sources() -> None:
    text = plugins.page("VWAP", "indicator", REGISTRIES["indicators"]["VWAP"], picture=True)
    assert "vwap = sum(quote_volume) / sum(volume)" in text
    assert "![VWAP over a synthetic tape](../pictures/VWAP.png)" in text
    assert "| `std` | price | Deviation, weighted by volume" in text
    assert "Welford" in text


def test_the_yaml_page_has_every_block_of_a_run() -> None:
    text = schema.yaml_page()
    for block in ("Data", "IndicatorBlock", "StrategyBlock", "Broker", "Fees", "Sizer"):
        assert f"\n## {block}\n" in text


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for file, _, doc in _LINK.findall(text):
        yield doc + ".md" if doc else file


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda p: p.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    generated = DOCS / "reference"
    for link in links(page):
        target = (page.parent / link).resolve()
        assert target.exists() or target.is_relative_to(generated), f"{page.name}: {link}"


def test_docstrings_become_markdown() -> None:
    assert inline("``a | b`` and *c* <d>") == "`a | b` and \\*c\\* &lt;d>"
    assert table(["x"], [["1\n2"]]) == ["| x |", "| --- |", "| 1 2 |", ""]
    assert render("One.\n\n    a = b\n\nParameters\n----------\nn : int, default=1\n    Many.\n") == [
        *("One.", "", "```text", "a = b", "```", ""),
        *("### Parameters", "", "- **n** : int, default=1. Many.", ""),
    ]


SEARCHED = """
adddata, cerebro, RSI, stop loss, take profit, trailing stop, position size, position sizing, sizer, jupyter,
notebook, commission, fees, slippage, spread, leverage, margin call, funding rate, walk forward, cross validation, out
of sample, optimize, optimization, optstrategy, grid search, hyperparameter, parameter sweep, overfitting, look-ahead,
lookahead, monte carlo, bootstrap, moving average, SMA, EMA, MACD, bollinger bands, ATR, crossover, resample,
replaydata, multiple timeframes, higher timeframe, short selling, limit order, stop order, market order, time in
force, bracket, OCO, risk management, kelly, portfolio, rebalancing, pairs trading, hedge, custom indicator, custom
strategy, plugin, rebates, maker, taker, market impact, liquidation, coin-margined, inverse contract, perpetual,
contract size, latency, queue position, partial fill, order book, csv, parquet, excel, metatrader, ninjatrader,
sierra, yfinance, tick data, aggTrades, download, binance, bybit, order flow, footprint, volume profile, market
profile, TPO, cumulative delta, CVD, VWAP, splits, dividends, rollover, continuous futures, trading hours, holidays,
daylight saving, time zone, timezone, open interest, liquidations, sharpe ratio, drawdown, win rate, profit factor,
buy and hold, benchmark, quantstats, pyfolio, plot, chart, report, pandas, dataframe, analyzer, observer, freqtrade,
vectorbt, pine script, tradingview, vscode, autocomplete, json schema, paper trading, live trading
"""
"""What newcomers type into the search box of the site, which wants every word of it on one page."""
_ROW = re.compile(r"^\| (.+) \| (.+) \| \[.+\]\((.+)\) \|$", re.MULTILINE)


@pytest.mark.parametrize("asked", [" ".join(part.split()) for part in SEARCHED.split(",")])
def test_what_newcomers_search_for_is_found(asked: str) -> None:
    words = set(re.findall(r"\w+", asked.lower()))
    assert any(words <= set(re.findall(r"\w+", page.read_text(encoding="utf-8").lower())) for page in PAGES)
    assert words <= set(re.findall(r"\w+", (DOCS / "words.md").read_text(encoding="utf-8").lower()))


def test_the_page_of_words_leads_to_pages_that_have_the_words_of_here() -> None:
    rows = _ROW.findall((DOCS / "words.md").read_text(encoding="utf-8"))
    assert len(rows) > 30
    for asked, here, page in rows:
        told = (DOCS / page).read_text(encoding="utf-8")
        for name in re.findall(r"`([^`]+)`", here):
            assert name in told, f"{asked}: {page} does not say {name}"

"""The report page in a browser: what it draws, says and does, and that it asks nobody for anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.report import write_report

pytestmark = pytest.mark.browser

MINUTE = 60_000_000
START = 1_704_067_200_000_000 + 20 * 60 * MINUTE
ROW_TICKS = 50
Make = Callable[..., Path]


class Tab:
    """One open report: its page, what it complained of, what it asked the network for."""

    def __init__(self, browser: Any, folder: Path, address: str = "", **options: Any) -> None:
        self.page = browser.new_context(**{"viewport": {"width": 1300, "height": 700}, **options}).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("dialog", lambda d: (self.complaints.append(d.message), d.dismiss()))
        self.page.on("request", lambda r: self.requests.append(r.url.partition("#")[0]))
        self.url = (folder / "report.html").as_uri()
        self.page.goto(self.url + address)
        self.page.wait_for_selector("html[data-state=ready]", timeout=15_000)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(f"(app => ({expression}))(READY.app)")

    def is_quiet(self) -> bool:
        assert self.complaints == []
        assert self.requests == [self.url]
        return True


@pytest.fixture(scope="module")
def tab(browser: Any, run: Path) -> Tab:
    return Tab(browser, run)


def test_browser_reads_the_numbers_that_were_packed(tab: Tab, run: Path) -> None:
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    for column in ("open", "high", "low", "close"):
        got = tab.ask(f"Array.from(app.run.feed(0).{column})")
        np.testing.assert_allclose(got, bars[column], rtol=0, atol=1e-6)
    holes = tab.ask("Array.from(app.run.lines[4].values(), v => Number.isNaN(v))")
    assert holes == pd.read_parquet(run / "indicators.parquet")["tox.holes"].isna().tolist()
    depth = tab.ask("Array.from(app.run.equity.drawdown)")
    np.testing.assert_allclose(depth, pd.read_parquet(run / "equity.parquet").drawdown, rtol=0, atol=1e-6)
    assert tab.is_quiet()


def test_browser_shows_a_pane_for_each_thing(tab: Tab) -> None:
    titles = tab.page.locator(".legend > b").all_inner_texts()
    assert titles == ["btc · 1m", "Volume and delta", "CVD", "tox", "none", "wild", "Equity", "Drawdown", "Position"]
    assert tab.page.locator("#chart canvas").count() > 0
    assert tab.page.locator("#chart a[href*='tradingview.com']").count() == 1


def test_browser_sums_bars_from_afar(browser: Any, run: Path) -> None:
    tab = Tab(browser, run, viewport={"width": 390, "height": 844})
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    size = tab.ask("app.view.window.size")
    assert size > 1
    part = slice(3 * size, 4 * size)
    value = "app.view.window.value(app.view.feed.{}, '{}', 3)"
    assert tab.ask(value.format("high", "max")) == pytest.approx(bars.high.iloc[part].max())
    assert tab.ask(value.format("low", "min")) == pytest.approx(bars.low.iloc[part].min())
    assert tab.ask(value.format("volume", "sum")) == pytest.approx(bars.volume.iloc[part].sum(), abs=1e-2)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.is_quiet()


def test_browser_sums_the_profile_of_what_is_in_sight(tab: Tab, run: Path) -> None:
    rows = pd.read_parquet(run / "levels.parquet").query(f"close_time > {START + 100 * MINUTE}")
    rows = rows.query(f"close_time <= {START + 140 * MINUTE}")
    sums = dict(tab.ask("Array.from(app.view.levels.profile(100, 139).sums, ([row, [b, s]]) => [row, b + s])"))
    expected = (rows.buy_volume + rows.sell_volume).groupby(rows.price_tick // ROW_TICKS).sum()
    assert sums == pytest.approx(expected.to_dict(), abs=0.2)


def test_browser_goes_to_trades_by_click_key_and_address(tab: Tab, browser: Any, run: Path) -> None:
    assert tab.page.locator("#trades tbody tr").count() == 12
    tab.page.locator("#trades tbody tr").nth(4).click()
    assert tab.ask("[app.current.number, location.hash]") == [5, "#trade=5"]
    tab.page.keyboard.press("n")
    low, high = tab.ask("app.view.visibleBars()")
    assert tab.ask("app.current.number") == 6
    assert low < 40 + 5 * 30 < 50 + 5 * 30 < high
    other = Tab(browser, run, "#trade=6")
    assert other.ask("app.view.visibleBars()") == [low, high]
    assert other.page.locator("tr.chosen td").first.inner_text() == "6"
    assert other.is_quiet()


def test_browser_sorts_and_filters_trades(browser: Any, run: Path) -> None:
    page = Tab(browser, run).page
    trades = pd.read_parquet(run / "trades.parquet")
    page.get_by_role("button", name="net profit").click()
    first = page.locator("#trades tbody tr").first.locator("td").first.inner_text()
    assert int(first) == int(trades.pnl_net.argmin()) + 1
    page.fill("#trade-filter", "stop_loss")
    assert page.locator("#trades tbody tr").count() == 4
    page.select_option("#trade-side", "short")
    assert page.locator("#trade-count").inner_text().startswith("2 of 12")


def test_browser_draws_rows_of_wide_bars_only(browser: Any, run: Path) -> None:
    tab = Tab(browser, run, "#from=2024-01-01T22:00&to=2024-01-01T22:12")
    assert tab.ask("app.view.flow.active")
    assert tab.ask("app.view.visibleBars()") == [119, 131]
    tab.page.keyboard.press("f")
    assert not tab.ask("app.view.flow.active")
    assert tab.is_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_browser_follows_the_theme_and_the_button(tab: Tab, scheme: str) -> None:
    tab.page.emulate_media(color_scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    before = tab.page.evaluate(paper)
    assert (sum(map(int, re.findall(r"\d+", before))) < 128 * 3) == (scheme == "dark")
    tab.page.keyboard.press("t")
    assert tab.page.evaluate(paper) != before
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    assert tab.ask("app.view.colors.ink") == tab.page.evaluate(ink)
    tab.page.evaluate("localStorage.clear(), delete document.documentElement.dataset.theme")
    assert tab.is_quiet()


def test_browser_changes_the_feed(browser: Any, run: Path) -> None:
    tab = Tab(browser, run)
    tab.page.select_option("#feed", "1")
    assert tab.ask("[app.view.feed.name, app.view.feed.n, app.view.levels]") == ["slow", 96, None]
    assert tab.page.locator(".legend > b").first.inner_text() == "slow · 5m"
    tab.page.wait_for_timeout(300)
    assert tab.is_quiet()


def test_browser_takes_hostile_names_for_text(hostile: str, make_run: Make, browser: Any, tmp_path: Path) -> None:
    folder = make_run(tmp_path, name=hostile, reason=hostile)
    write_report(folder)
    tab = Tab(browser, folder)
    assert tab.page.locator("h1").inner_text() == re.sub(r"\s+", " ", hostile)
    assert tab.page.locator("img").count() == 0
    assert hostile in tab.page.locator("#trades tbody tr td.long").first.inner_text()
    assert tab.is_quiet()


def test_browser_shows_a_run_without_trades(make_run: Make, browser: Any, tmp_path: Path) -> None:
    folder = make_run(tmp_path, trades=False, levels=False)
    (folder / "indicators.parquet").unlink()
    write_report(folder)
    tab = Tab(browser, folder)
    tab.page.keyboard.press("n")
    tab.page.keyboard.press("?")
    assert tab.page.locator("#help").is_visible()
    assert not tab.page.locator("#trades").is_visible()
    assert tab.is_quiet()


def test_browser_loads_finer_bars_under_the_wheel(browser: Any, run: Path) -> None:
    tab = Tab(browser, run, viewport={"width": 390, "height": 844})
    tab.page.locator("#chart").scroll_into_view_if_needed()
    tab.page.locator("#chart").hover(position={"x": 150, "y": 100})
    before = tab.ask("app.view.window.size")
    for _ in range(12):
        tab.page.mouse.wheel(0, -400)
        tab.page.wait_for_timeout(20)
    tab.page.wait_for_timeout(250)
    low, high = tab.ask("app.view.span")
    bars = "(r => [r.from, r.to].map(x => app.view.window.bar(x)))(app.view.scale.getVisibleLogicalRange())"
    shown = tab.ask(bars)
    assert tab.ask("app.view.window.size") < before
    assert shown == pytest.approx([low, high], abs=1e-6)
    assert tab.is_quiet()


def test_browser_gives_the_screen_back_after_printing(browser: Any, run: Path) -> None:
    tab = Tab(browser, run, color_scheme="dark")
    wide = "document.querySelector('#chart canvas').getBoundingClientRect().width"
    paper = "getComputedStyle(document.body).backgroundColor"
    before = [tab.page.evaluate(x) for x in (wide, paper)]
    tab.page.pdf()
    tab.page.wait_for_timeout(200)
    assert [tab.page.evaluate(x) for x in (wide, paper)] == before
    assert tab.is_quiet()

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
Opened = Callable[..., Any]


def test_browser_reads_the_numbers_that_were_packed(tab: Any, run: Path) -> None:
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    for column in ("open", "high", "low", "close"):
        got = tab.ask(f"Array.from(app.run.feed(0).{column})")
        np.testing.assert_allclose(got, bars[column], rtol=0, atol=1e-6)
    holes = tab.ask("Array.from(app.run.lines[4].values(), v => Number.isNaN(v))")
    assert holes == pd.read_parquet(run / "indicators.parquet")["tox.holes"].isna().tolist()
    depth = tab.ask("Array.from(app.run.equity.drawdown)")
    np.testing.assert_allclose(depth, pd.read_parquet(run / "equity.parquet").drawdown, rtol=0, atol=1e-6)


def test_browser_shows_a_pane_for_each_thing(tab: Any) -> None:
    titles = tab.page.locator(".legend > b").all_inner_texts()
    assert titles == ["btc · 1m", "Equity", "Drawdown", "Volume and delta", "CVD", "tox", "none", "wild", "Position"]
    assert tab.page.locator("#chart canvas").count() > 0
    assert tab.page.locator("#chart a[href*='tradingview.com']").count() == 1


def test_browser_sums_bars_from_afar(opened: Opened, run: Path) -> None:
    tab = opened(run, viewport={"width": 390, "height": 844})
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    assert tab.ask("app.view.window.grouping.unit.name") == "10m"
    part = slice(30, 40)
    value = "app.view.window.value(app.view.feed.{}, '{}', 3)"
    assert tab.ask(value.format("high", "max")) == pytest.approx(bars.high.iloc[part].max())
    assert tab.ask(value.format("low", "min")) == pytest.approx(bars.low.iloc[part].min())
    assert tab.ask(value.format("volume", "sum")) == pytest.approx(bars.volume.iloc[part].sum(), abs=1e-2)
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_browser_sums_the_profile_of_what_is_in_sight(tab: Any, run: Path) -> None:
    rows = pd.read_parquet(run / "levels.parquet").query(f"close_time > {START + 100 * MINUTE}")
    rows = rows.query(f"close_time <= {START + 140 * MINUTE}")
    sums = dict(tab.ask("Array.from(app.view.levels.profile(100, 139).sums, ([row, [b, s]]) => [row, b + s])"))
    expected = (rows.buy_volume + rows.sell_volume).groupby(rows.price_tick // ROW_TICKS).sum()
    assert sums == pytest.approx(expected.to_dict(), abs=0.2)


def test_browser_goes_to_trades_by_click_key_and_address(tab: Any, opened: Opened, run: Path) -> None:
    assert tab.page.locator("#trades tbody tr").count() == 12
    tab.page.locator("#trades tbody tr").nth(4).click()
    assert tab.ask("[app.current.number, location.hash]") == [5, "#trade=5"]
    tab.page.keyboard.press("n")
    low, high = tab.ask("app.view.visibleBars()")
    assert tab.ask("app.current.number") == 6
    assert low < 40 + 5 * 30 < 50 + 5 * 30 < high
    other = opened(run, "#trade=6")
    assert other.ask("app.view.visibleBars()") == [low, high]
    assert other.page.locator("tr.chosen td").first.inner_text() == "6"


def test_browser_sorts_and_filters_trades(opened: Opened, run: Path) -> None:
    page = opened(run).page
    trades = pd.read_parquet(run / "trades.parquet")
    page.get_by_role("button", name="net profit").click()
    first = page.locator("#trades tbody tr").first.locator("td").first.inner_text()
    assert int(first) == int(trades.pnl_net.argmin()) + 1
    page.fill("#trade-filter", "stop_loss")
    assert page.locator("#trades tbody tr").count() == 4
    page.select_option("#trade-side", "short")
    assert page.locator("#trade-count").inner_text().startswith("2 of 12")


def test_browser_draws_rows_of_wide_bars_only(opened: Opened, run: Path) -> None:
    tab = opened(run, "#from=2024-01-01T22:00&to=2024-01-01T22:12")
    assert tab.ask("app.view.flow.active")
    assert tab.ask("app.view.visibleBars()") == [119, 131]
    tab.page.keyboard.press("f")
    assert not tab.ask("app.view.flow.active")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_browser_follows_the_theme_and_the_button(tab: Any, scheme: str) -> None:
    tab.page.emulate_media(color_scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    before = tab.page.evaluate(paper)
    assert (sum(map(int, re.findall(r"\d+", before))) < 128 * 3) == (scheme == "dark")
    tab.page.keyboard.press("t")
    assert tab.page.evaluate(paper) != before
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()"
    assert tab.ask("app.view.colors.ink") == tab.page.evaluate(ink)
    tab.page.evaluate("localStorage.clear(), delete document.documentElement.dataset.theme")


def test_browser_changes_the_feed(opened: Opened, run: Path) -> None:
    tab = opened(run)
    tab.page.select_option("#feed", "1")
    assert tab.ask("[app.view.feed.name, app.view.feed.n, app.view.levels]") == ["slow", 96, None]
    assert tab.page.locator(".legend > b").last.inner_text() == "Position of btc"
    assert tab.page.locator(".legend > b").first.inner_text() == "slow · 5m"
    tab.page.wait_for_timeout(300)


def test_browser_takes_hostile_names_for_text(hostile: str, make_run: Make, opened: Opened, tmp_path: Path) -> None:
    folder = make_run(tmp_path, name=hostile, reason=hostile)
    write_report(folder)
    tab = opened(folder)
    assert tab.page.locator("h1").inner_text() == re.sub(r"\s+", " ", hostile)
    assert tab.page.locator("img").count() == 0
    assert hostile in tab.page.locator("#trades tbody tr td.long").first.inner_text()


def test_browser_shows_a_run_without_trades(make_run: Make, opened: Opened, tmp_path: Path) -> None:
    folder = make_run(tmp_path, trades=False, levels=False)
    (folder / "indicators.parquet").unlink()
    write_report(folder)
    tab = opened(folder)
    tab.page.keyboard.press("n")
    tab.page.keyboard.press("?")
    assert tab.page.locator("#help").is_visible()
    assert not tab.page.locator("#trades").is_visible()


def test_browser_loads_finer_bars_under_the_wheel(opened: Opened, run: Path) -> None:
    tab = opened(run, viewport={"width": 390, "height": 844})
    tab.page.locator("#chart").scroll_into_view_if_needed()
    tab.page.locator("#chart").hover(position={"x": 150, "y": 100})
    before = tab.ask("app.view.window.size")
    tab.page.keyboard.down("Control")
    for _ in range(12):
        tab.page.mouse.wheel(0, -400)
        tab.page.wait_for_timeout(20)
    tab.page.keyboard.up("Control")
    tab.page.wait_for_timeout(250)
    low, high = tab.ask("app.view.span")
    bars = "(r => [r.from, r.to].map(x => app.view.window.bar(x)))(app.view.scale.getVisibleLogicalRange())"
    shown = tab.ask(bars)
    assert tab.ask("app.view.window.size") < before
    assert shown == pytest.approx([low, high], abs=1e-6)


def test_browser_gives_the_screen_back_after_printing(opened: Opened, run: Path) -> None:
    tab = opened(run, color_scheme="dark")
    wide = "document.querySelector('#chart canvas').getBoundingClientRect().width"
    paper = "getComputedStyle(document.body).backgroundColor"
    before = [tab.page.evaluate(x) for x in (wide, paper)]
    tab.page.pdf()
    tab.page.wait_for_timeout(200)
    assert [tab.page.evaluate(x) for x in (wide, paper)] == before

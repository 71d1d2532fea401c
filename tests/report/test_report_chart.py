"""The chart in a browser as people handle it: wheel, clock, folding, dates, the card of a trade, crowds of fills."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.report import write_report
from tapeflow.report.guards import with_guards

Make = Callable[..., Path]
Opened = Callable[..., Any]
MINUTE = 60_000_000
START = 1_704_067_200_000_000 + 20 * 60 * MINUTE


@pytest.mark.browser
class TestTheWheel:
    def test_scrolls_the_page(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        tab.page.locator("#chart").hover(position={"x": 300, "y": 100})
        before = tab.ask("app.view.span")
        tab.page.mouse.wheel(0, 300)
        tab.page.wait_for_timeout(200)
        assert tab.page.evaluate("scrollY") > 200
        assert tab.ask("app.view.span") == before

    def test_zooms_around_the_pointer_with_ctrl(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        tab.page.locator("#chart").hover(position={"x": 300, "y": 100})
        under = "app.view.window.bar(app.view.scale.coordinateToLogical(300))"
        bar, (low, high) = tab.ask(under), tab.ask("app.view.span")
        tab.page.keyboard.down("Control")
        tab.page.mouse.wheel(0, -300)
        tab.page.keyboard.up("Control")
        tab.page.wait_for_timeout(200)
        first, last = tab.ask("app.view.span")
        assert last - first == pytest.approx((high - low) * np.exp(-0.75), rel=0.01)
        assert tab.ask(under) == pytest.approx(bar, abs=(high - low) / 100)
        assert tab.page.evaluate("scrollY") == 0

    def test_pans_with_shift(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        tab.page.locator("#chart").hover(position={"x": 300, "y": 100})
        low, high = tab.ask("app.view.span")
        tab.page.keyboard.down("Shift")
        tab.page.mouse.wheel(0, -200)
        tab.page.keyboard.up("Shift")
        first, last = tab.ask("app.view.span")
        assert first < low
        assert last - first == pytest.approx(high - low)


@pytest.mark.browser
class TestCandles:
    def test_from_afar_are_those_of_the_clock(self, opened: Opened, run: Path) -> None:
        tab = opened(run, viewport={"width": 390, "height": 844})
        bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'").reset_index(drop=True)
        for name, rule in (("15m", "15min"), ("1h", "60min"), ("1d", "1D")):
            unit = f"app.view.feed.units.find(u => u.name === '{name}')"
            edges = tab.ask(f"Array.from(app.view.feed.grouping({unit}).edges)")
            stamps = pd.DatetimeIndex(pd.to_datetime(bars.close_time - 1, unit="us")).floor(rule)
            begins = [0, *np.flatnonzero(stamps[1:] != stamps[:-1]) + 1, len(bars)]
            assert edges == [int(x) for x in begins]
        assert tab.page.locator("#level").inner_text() == "1 candle = 10m"

    def test_lie_where_their_bars_do_and_back(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        there = "[null, ...app.view.feed.units].map(u => app.view.feed.grouping(u))"
        places = [-40.0, -0.5, 0.0, 3.2, 59.5, 60.0, 119.49, 250.0, 479.5, 600.0]
        back = tab.ask(f"{there}.map(g => {places}.map(b => g.bar(g.logical(b))))")
        for one in back:
            assert one == pytest.approx(places, abs=1e-6)
        rising = tab.ask(f"{there}.map(g => {places}.map(b => g.logical(b)))")
        assert all(np.all(np.diff(one) > 0) for one in rising)

    def test_say_how_values_are_summed_up(self, opened: Opened, run: Path) -> None:
        tab = opened(run, viewport={"width": 390, "height": 844})
        legends = tab.page.locator(".legend")
        assert "volume sum" in legends.nth(3).inner_text()
        assert "drawdown worst" in legends.nth(2).inner_text()
        tab.ask("app.view.show(100, 130)")
        assert "sum" not in legends.nth(3).inner_text()


@pytest.mark.browser
class TestPanes:
    def test_nobody_asked_for_start_folded(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        folds = tab.page.locator(".legend .fold")
        shut = folds.evaluate_all("all => all.filter(b => b.ariaExpanded === 'false').map(b => b.textContent)")
        assert shut == ["CVD", "Position"]
        assert tab.ask("app.view.chart.panes().map(p => p.getHeight())")[4] < 40

    def test_fold_by_key_and_pointer_and_remember(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        tall = tab.ask("app.view.box.clientHeight")
        tab.page.get_by_role("button", name="Drawdown").click()
        tab.page.wait_for_timeout(100)
        assert tab.ask("app.view.chart.panes()[2].getHeight()") < 40
        assert tab.ask("app.view.box.clientHeight") == tall - 66
        tab.page.get_by_role("button", name="CVD").focus()
        tab.page.keyboard.press("Enter")
        tab.page.reload()
        tab.page.wait_for_selector("html[data-state=ready]")
        tab.requests[:] = tab.requests[:1]
        assert tab.ask("[...app.view.folded]") == ["Position", "Drawdown"]
        assert tab.ask("app.view.chart.panes().map(p => p.getHeight())")[4] > 60


@pytest.mark.browser
class TestGoing:
    def test_to_a_date(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        box = tab.page.locator("#go-date")
        assert (box.get_attribute("min"), box.get_attribute("max")) == ("2024-01-01", "2024-01-02")
        box.fill("2024-01-02")
        box.dispatch_event("change")
        # Midnight is 240 minutes in; the bar that closes a minute later is the first of the day.
        assert tab.ask("app.view.span[0]") == pytest.approx(239.5, abs=1)

    def test_to_the_rows(self, opened: Opened, run: Path) -> None:
        tab = opened(run)
        assert tab.ask("app.view.flow.active") is False
        tab.page.get_by_role("button", name="rows", exact=True).click()
        assert tab.ask("app.view.flow.active") is True


@pytest.mark.browser
class TestTheCard:
    def test_tells_a_trade_that_was_clicked_on_the_chart(self, opened: Opened, run: Path) -> None:
        tab = opened(run, "#trade=3")
        tab.page.keyboard.press("Escape")
        assert not tab.page.locator("#card").is_visible()
        x, y = tab.ask("(f => [app.view.x(f.bar), app.view.y(f.price)])(app.view.marks.fills[4])")
        tab.page.locator("#chart").click(position={"x": x, "y": y + 4})
        card = tab.page.locator("#card")
        one = pd.read_parquet(run / "trades.parquet").iloc[2]
        assert card.locator("b").inner_text() == "Trade 3"
        told = dict(zip(card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts(), strict=True))
        assert told["entered"] == f"{one.entry_time:%Y-%m-%d %H:%M} at {one.entry_price:,.1f}"
        assert told["held"] == "10 bars"
        assert told["net profit"].replace("\N{MINUS SIGN}", "-") == f"{one.pnl_net:+,.2f}"
        assert told["why out"] == one.exit_reason
        assert "worst (MAE)" not in told  # this run left none

    def test_steps_from_trade_to_trade(self, opened: Opened, run: Path) -> None:
        tab = opened(run, "#trade=3")
        tab.page.locator("#card").get_by_role("button", name="›").click()
        assert tab.page.locator("#card b").inner_text() == "Trade 4"
        assert tab.ask("[app.current.number, app.view.marks.chosen.number]") == [4, 4]

    def test_has_excursions_stop_and_target(self, opened: Opened, make_run: Make, tmp_path: Path) -> None:
        folder = make_run(tmp_path)
        trades, orders = (pd.read_parquet(folder / f"{name}.parquet") for name in ("trades", "orders"))
        trades.assign(mae_pct=-0.25, mfe_pct=0.5).to_parquet(folder / "trades.parquet")
        one = trades.iloc[0]
        guard = dict(
            data="btc", created_time=one.entry_time, executed_time=pd.NaT, executed_size=0.0, status="canceled"
        )
        more = [
            orders.iloc[:1].assign(**guard, reason=r, price=p)
            for r, p in (("stop_loss", 41_000.5), ("take_profit", 43_000.0))
        ]
        pd.concat([orders, *more]).to_parquet(folder / "orders.parquet")
        write_report(folder)
        text = opened(folder, "#trade=1").page.locator("#card").inner_text()
        for part in ("\N{MINUS SIGN}0.250 %", "+0.500 %", "41,000.5", "43,000.0"):
            assert part in text


@pytest.mark.browser
def test_crowded_fills_are_counted_all_of_them(opened: Opened, make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    bars = pd.read_parquet(folder / "bars.parquet").query("data == 'btc'")
    times = pd.to_datetime(bars.close_time, unit="us", utc=True).to_numpy()
    orders = pd.read_parquet(folder / "orders.parquet").iloc[:1]
    many = pd.concat([orders] * 400, ignore_index=True).assign(
        executed_time=times[:400],
        executed_price=bars.close.to_numpy()[:400],
        side=np.where(np.arange(400) % 3, "buy", "sell"),
    )
    many.to_parquet(folder / "orders.parquet")
    write_report(folder)
    tab = opened(folder)
    assert tab.ask("app.view.marks.crowded") is True
    sums = "[...app.view.marks.columns.values()].reduce((s, c) => [s[0] + c.buy, s[1] + c.sell], [0, 0])"
    assert tab.ask(sums) == [266, 134]


def test_the_last_stop_of_a_trade_is_that_which_was_sent_while_it_was_held() -> None:
    at = [pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(minutes=m) for m in range(10)]
    trades = pd.DataFrame(dict(data=["a", "a", "b"], entry_time=[at[1], at[4], at[1]], exit_time=[at[4], at[6], at[9]]))
    rows = [("a", 1, "stop_loss", 90.0), ("a", 3, "trailing_stop", 95.0), ("a", 4, "stop_loss", 80.0)]
    rows += [("a", 1, "take_profit", 120.0), ("b", 0, "stop_loss", 1.0), ("a", 2, "long.exit", 7.0)]
    orders = pd.DataFrame([dict(data=d, created_time=at[m], reason=r, price=p) for d, m, r, p in rows])
    made = with_guards(trades, orders)
    np.testing.assert_array_equal(made["stop"], [95.0, 80.0, np.nan])
    np.testing.assert_array_equal(made["target"], [120.0, np.nan, np.nan])
    assert with_guards(trades, orders.iloc[:0])["stop"].isna().all()

"""What is drawn behind and over the series, in a browser: sessions, bands, naked levels, imbalances, flags."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.indicators.diagonal_imbalance import DiagonalImbalance
from tapeflow.report.imbalances import DEFAULTS
from tapeflow.report.page import app_script

pytestmark = pytest.mark.browser

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
START = 1_704_067_200_000_000 + 20 * 60 * MINUTE
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def page(tab: Any) -> Any:
    """The report as it opens, for tests that only look."""
    return tab.page


@pytest.fixture(scope="module")
def blank(browser: Any) -> Iterator[Any]:
    """An empty page: the report's own runs no script but its own."""
    made = browser.new_page()
    yield made
    made.close()


def ask(page: Any, expression: str) -> Any:
    return page.evaluate(f"(app => ({expression}))(READY.app)")


def test_every_pane_has_its_sessions_and_the_right_ones_their_bands(page: Any) -> None:
    kinds = ask(page, "app.view.layers.map(l => l.constructor.name)")
    panes = page.locator(".legend > b").all_inner_texts()
    assert [*panes[1:3], panes[-1]] == ["Equity", "Drawdown", "Position"]
    assert kinds.count("SessionLayer") == len(panes)
    assert kinds.count("BandLayer") == 1
    assert {"NakedLayer", "QualityLayer"} <= set(kinds)


def test_the_bands_of_equity_are_those_that_were_saved(page: Any, run: Path) -> None:
    equity = pd.read_parquet(run / "equity.parquet")
    for end in ("low", "high"):
        got = ask(page, f"Array.from(app.view.layers.find(l => l.band?.room).band.{end})")
        np.testing.assert_allclose(got, equity[f"value_{end}"], atol=1e-2)
    reach = ask(page, "app.view.layers.find(l => l.band?.room).autoscaleInfo().priceRange")
    assert reach["maxValue"] == pytest.approx(equity.value_high.max(), abs=0.01)


def test_cvd_is_the_running_sum_of_delta(page: Any, run: Path) -> None:
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    got = ask(page, "Array.from(app.view.drawn[4][0].line.values)")
    np.testing.assert_allclose(got, np.cumsum(bars.taker_buy_volume - bars.taker_sell_volume), atol=1e-2)


def function(name: str) -> str:
    """The text of one function of the page's script."""
    text = app_script()
    return text[text.index(f"function {name}(") :].partition("\n}\n")[0] + "\n}\n"


def test_sessions_are_days_then_weeks_from_monday_then_months(blank: Any) -> None:
    text = app_script()
    rules = [line for line in text.splitlines() if line.startswith(("const MOST", "const GROUPS"))]
    body = "\n".join([*rules, *map(function, ("firstNotBelow", "monthOf", "sessions"))])
    days = range(START // DAY, START // DAY + 1_000)
    column = {"edge": [DAY * d for d in (*days, days[-1] + 1)], "day": list(days)}
    whole, weeks, months = (
        blank.evaluate(f"(() => {{ {body} return sessions({column}, {START}, {START + span * DAY}); }})()")
        for span in (3, 100, 800)
    )
    assert [(a % DAY, b - a) for a, b, _ in whole] == [(0, DAY)] * 4
    assert {pd.Timestamp(a, unit="us").day_of_week for a, *_ in weeks} == {0}
    assert {pd.Timestamp(a, unit="us").day for a, *_ in months} == {1}
    for made in (whole, weeks, months):
        assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(made))


RULES = [
    {},
    {"ratio": 1.5, "min_volume": 3.0},
    {"compare": "horizontal", "ratio": 2.0},
    {"zero": "infinite"},
    {"zero": "infinite", "missing": "zero", "ratio": 4.0},
]


@pytest.mark.parametrize("params", RULES)
def test_imbalances_are_those_that_the_indicator_counts(params: dict[str, Any], blank: Any) -> None:
    rng, n = np.random.default_rng(8), 200
    rows = np.sort(np.stack([rng.choice(30, 12, replace=False) for _ in range(n)]), axis=1)
    bought, sold = (rng.integers(0, 9, rows.shape) * (rng.random(rows.shape) < 0.8) for _ in "bs")
    levels = Levels(np.arange(0, 12 * n + 1, 12), rows.ravel(), bought.ravel() * 1.0, sold.ravel() * 1.0, 1.0)
    bars = Bars.of(open_time=MINUTE * np.arange(n), close_time=MINUTE * np.arange(1, n + 1), levels=levels)
    found = DiagonalImbalance.over(bars, **params)
    body = function("imbalances") + function("overwhelms")
    rule = json.dumps({**DEFAULTS, **params})
    pairs = [
        [[r, [b, s]] for r, b, s in zip(*bar, strict=True)]
        for bar in zip(rows.tolist(), bought.tolist(), sold.tolist(), strict=True)
    ]
    count = (
        "rows => ['buys', 'sells'].map(side => [...rows.keys()].filter(k => imbalances(rows, k, rule)[side]).length)"
    )
    call = (
        f"(() => {{ {body} const rule = {rule}, count = {count}; return {pairs}.map(bar => count(new Map(bar))); }})()"
    )
    assert blank.evaluate(call) == found[["buy_count", "sell_count"]].to_numpy().astype(int).tolist()
    assert found["buy_count"].sum() > 10


def test_flags_are_told_at_the_bar_that_has_them(opened: Open, run: Path) -> None:
    page = opened(run, "#from=2024-01-01T21:30&to=2024-01-01T21:41").page
    page.locator("#chart").scroll_into_view_if_needed()
    assert ask(page, "app.view.window.flags(100 - app.view.window.first)") == 1
    ask(page, "app.view.tell(100 - app.view.window.first)")
    assert page.locator(".flagged").inner_text() == "gap"


def test_layers_are_switched_off_and_stay_off_with_another_feed(opened: Open, run: Path) -> None:
    page = opened(run).page
    for name in ("sessions", "bands", "naked"):
        page.get_by_role("button", name=name, exact=True).click()
    assert ask(page, "app.view.layers.filter(l => l.on).map(l => l.constructor.name)") == ["QualityLayer"]
    page.select_option("#feed", "1")
    assert ask(page, "app.view.layers.filter(l => l.on).map(l => l.constructor.name)") == ["QualityLayer"]


def test_a_fill_tells_its_size_profit_and_reason_under_the_pointer(opened: Open, run: Path) -> None:
    page = opened(run, "#trade=2").page
    page.locator("#chart").scroll_into_view_if_needed()
    place = ask(page, "(f => [app.view.x(f.bar), app.view.y(f.price)])(app.view.marks.fills.find(f => f.pnl))")
    fill = ask(page, "app.view.marks.fills.filter(f => f.bar >= app.view.visibleBars()[0])[0]")
    place = ask(page, f"[app.view.x({fill['bar']}), app.view.y({fill['price']})]")
    page.locator("#chart").hover(position={"x": place[0], "y": place[1]})
    page.wait_for_selector("#tip:not([hidden])")
    told = page.locator("#tip").inner_text()
    assert all(word in told for word in ("size", "price", "time", "fee", "reason"))


def test_the_trade_list_tells_the_worst_and_the_best_fills(page: Any, run: Path) -> None:
    trades = pd.read_parquet(run / "trades.parquet")
    got = ask(page, "app.run.trades.map(t => [t.pnl_low, t.pnl_high])")
    np.testing.assert_allclose(got, trades[["pnl_low", "pnl_high"]], atol=1e-2)
    heads = page.locator("#trades thead button").all_inner_texts()
    assert heads[heads.index("worst fills") + 1] == "best fills"


def test_a_phone_shows_first_what_a_trade_earned(opened: Open, run: Path) -> None:
    phone = opened(run, viewport={"width": 390, "height": 844}).page
    heads = phone.locator("#trades thead button").all_inner_texts()
    assert heads[:4] == ["#", "side", "net profit", "return %"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_address_may_name_the_theme(theme: str, opened: Open, run: Path) -> None:
    page = opened(run, f"#theme={theme}", color_scheme="light" if theme == "dark" else "dark").page
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(14, 17, 22)") == (theme == "dark")
    assert ask(page, "app.view.colors.panel") == ("#151a21" if theme == "dark" else "#ffffff")
    assert ask(page, "app.view.visibleBars()[0]") == 0


def test_a_folded_config_opens_on_paper(opened: Open, run: Path) -> None:
    page = opened(run).page
    page.evaluate("document.querySelector('#config').innerHTML = '<details><summary>x</summary>y</details>'")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.querySelector('#config details').open")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.evaluate("document.querySelector('#config details').open")


SHOTS = {
    "desktop-light": ("", dict(viewport=dict(width=1400, height=900), color_scheme="light")),
    "desktop-dark": ("", dict(viewport=dict(width=1400, height=900), color_scheme="dark")),
    "phone": ("", dict(viewport=dict(width=390, height=844), color_scheme="light")),
    "footprint": ("#from=2024-01-01T22:00&to=2024-01-01T22:12", dict(viewport=dict(width=1400, height=900))),
}


@pytest.mark.skipif("TAPEFLOW_SHOTS" not in os.environ, reason="TAPEFLOW_SHOTS names no folder for pictures")
@pytest.mark.parametrize("name", SHOTS)
def test_pictures_of_the_page_are_kept(name: str, opened: Open, run: Path) -> None:
    address, options = SHOTS[name]
    page = opened(run, address, **options).page
    page.wait_for_timeout(200)
    path = Path(os.environ["TAPEFLOW_SHOTS"]) / f"report-{name}.png"
    page.screenshot(path=path, full_page=name != "footprint")
    assert path.stat().st_size > 30_000
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

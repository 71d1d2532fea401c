"""Which sessions and which imbalances the page follows: those of the bars, of the run's indicators, else the usual."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.aggregation.sessions import Session
from tapeflow.core.clock import DAY, HOUR
from tapeflow.indicators.footprint import IMBALANCE_PARAMS
from tapeflow.report import write_report
from tapeflow.report.folder import read_folder
from tapeflow.report.imbalances import DEFAULTS, imbalance_rule
from tapeflow.report.sessions import chosen_session, divided, sessions_of

Make = Callable[..., Path]
NAKED = {"kind": "NakedPOC", "data": "btc", "params": {"session": "8h", "timezone": "UTC", "anchor": None}}
VWAP = {"kind": "VWAP", "data": "btc", "params": {"anchor": "1d", "timezone": "Asia/Tokyo"}}
IMBALANCE = {"kind": "DiagonalImbalance", "data": "btc", "params": {**IMBALANCE_PARAMS, "ratio": 4.5, "row_size": None}}


def told(folder: Path, spec: str = "1m", **indicators: dict[str, Any]) -> Path:
    """The run in ``folder`` with bars of ``spec`` and with these indicators."""
    lock = yaml.safe_load((folder / "run.lock").read_text())
    lock["data"]["btc"]["spec"] = spec
    (folder / "run.lock").write_text(yaml.safe_dump(lock))
    result = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**result, "indicators": indicators}))
    return folder


@pytest.mark.parametrize(
    ("spec", "indicators", "expected"),
    [
        ("1m", {}, Session("1d")),
        ("1m@1d:America/New_York", {"naked": NAKED}, Session("1d", "America/New_York")),
        ("500t@4h", {}, Session("4h")),
        ("1m@1w:America/Chicago@17:00", {"vwap": VWAP}, Session("1w", "America/Chicago@17:00")),
        ("1m", {"vwap": VWAP}, Session("1d", "Asia/Tokyo")),
        ("1m", {"vwap": VWAP, "naked": NAKED}, Session("8h")),
        ("1m", {"naked": {**NAKED, "data": "slow"}}, Session("1d")),
        (
            "1m",
            {"naked": {**NAKED, "params": {"session": "bar"}}, "p": {**VWAP, "params": {"anchor": "60b"}}},
            Session("1d"),
        ),
        ("1m", {"vwap": {**VWAP, "params": {"anchor": "month"}}}, Session("month")),
        ("1m", {"naked": {**NAKED, "params": {"session": "10m"}}}, Session("1d")),
        ("bars of another feed", {}, Session("1d")),
    ],
)
def test_sessions_are_those_of_the_bars_else_of_an_indicator_else_days(
    spec: str, indicators: dict[str, Any], expected: Session, make_run: Make, tmp_path: Path
) -> None:
    folder = read_folder(told(make_run(tmp_path, levels=False), spec, **indicators))
    assert chosen_session(folder, "btc") == expected
    assert chosen_session(folder, "slow") == (
        Session("8h") if indicators.get("naked", {}).get("data") == "slow" else Session("1d")
    )


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("text", ["1d", "1w", "month"])
def test_sessions_begin_and_end_when_clocks_of_their_zone_say(text: str, zone: str) -> None:
    start = 19_780 * DAY + 5 * HOUR
    made = divided(Session(text, zone), start, start + 70 * DAY)
    local = pd.DatetimeIndex(made.edges.astype("datetime64[us]"), tz="UTC").tz_convert(zone)
    assert set(local.strftime("%H:%M")) == {"00:00"}
    assert made.edges[0] <= start < made.edges[1]
    assert made.edges[-2] < start + 70 * DAY <= made.edges[-1]
    before = (local[1:] - pd.Timedelta("1us")).tz_localize(None).normalize()
    assert [np.datetime64(int(d), "D") for d in made.days] == before.to_numpy().astype("datetime64[D]").tolist()
    steps = {"1d": {1}, "1w": {7}, "month": {28, 29, 30, 31}}
    assert set(np.diff(made.days).tolist()) <= steps[text]


def test_a_session_that_begins_in_the_evening_is_called_by_the_day_after() -> None:
    made = divided(Session("1d", "America/Chicago@17:00"), 19_730 * DAY, 19_732 * DAY)
    assert made.name == "day in America/Chicago from 17:00"
    assert (made.edges // HOUR - 19_730 * 24).tolist() == [-1, 23, 47, 71]
    assert made.days.tolist() == [19_730, 19_731, 19_732]
    assert divided(Session("4h"), 0, DAY).name == "4h in UTC"


def test_naked_levels_follow_the_sessions(make_run: Make, tmp_path: Path) -> None:
    from tapeflow.report.codec import unpack
    from tapeflow.report.levels import packed_levels

    folder = read_folder(told(make_run(tmp_path), naked={**NAKED, "params": {"session": "1h", "timezone": "UTC"}}))
    bars, rows = folder.bars.query("data == 'btc'"), pd.read_parquet(tmp_path / "levels.parquet")
    rows = rows.assign(hour=(rows.close_time - 1) // HOUR, volume=rows.buy_volume + rows.sell_volume)
    sums = rows.groupby(["hour", "price_tick"]).volume.sum()
    expected = set()
    for hour in bars.open_time // HOUR:
        price = sums[hour].idxmax() * 0.1
        after = np.flatnonzero(bars.open_time // HOUR > hour)
        back = next((i for i in after if bars.low.iloc[i] <= price + 5 and bars.high.iloc[i] >= price), len(bars))
        if len(after) and back > after[0]:
            expected.add((int(after[0]), int(back), round(price + 2.5, 3)))
    _, got = unpack(str(packed_levels(folder)))
    found = zip(*(got[f"0:naked:{k}"].tolist() for k in ("since", "until", "price")), strict=True)
    assert {(since, until, round(price, 3)) for since, until, price in found} == expected
    assert len(expected) > 2
    assert len(sessions_of(folder, "btc").days) == 8


def test_the_defaults_of_an_imbalance_are_those_of_the_indicators() -> None:
    assert DEFAULTS == IMBALANCE_PARAMS


def test_an_imbalance_is_what_the_runs_own_indicator_calls_one(make_run: Make, tmp_path: Path) -> None:
    folder = told(make_run(tmp_path), imb=IMBALANCE)
    assert imbalance_rule(read_folder(folder), "btc") == {**DEFAULTS, "ratio": 4.5, "of": "imb"}
    assert imbalance_rule(read_folder(folder), "slow") == {**DEFAULTS, "of": ""}
    assert "at least 4.5 times what the other side took" in write_report(folder).read_text(encoding="utf-8")


def test_an_older_run_tells_its_indicators_by_its_config(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    lock = yaml.safe_load((folder / "run.lock").read_text())
    lock["config"]["indicators"] = {"imb": {"kind": "StackedImbalance", "data": "btc", **IMBALANCE["params"]}}
    (folder / "run.lock").write_text(yaml.safe_dump(lock))
    assert imbalance_rule(read_folder(folder), "btc")["ratio"] == 4.5


@pytest.mark.browser
def test_browser_names_the_ratio_while_it_draws_rows(
    make_run: Make, opened: Callable[..., Any], tmp_path: Path
) -> None:
    folder = told(make_run(tmp_path), "1m@1d:Asia/Tokyo", imb=IMBALANCE)
    write_report(folder)
    page = opened(folder, "#from=2024-01-01T22:00&to=2024-01-01T22:12").page
    rule = page.locator(".legend .rule")
    assert rule.inner_text() == "imbalance ≥ 4.5 : 1 (imb)"
    page.keyboard.press("f")
    assert not rule.is_visible()
    edges = page.evaluate("Array.from(READY.app.view.feed.sessions.edge)")
    assert [pd.Timestamp(e, unit="us", tz="Asia/Tokyo").strftime("%d %H:%M") for e in edges] == ["02 00:00", "03 00:00"]
    title = page.get_by_role("button", name="sessions", exact=True).get_attribute("title")
    assert title == "Every second session: each day in Asia/Tokyo"

"""The report page: what it carries, and what it refuses to carry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapeflow.core.errors import DataError, PluginError
from tapeflow.report import levels as levels_module
from tapeflow.report import library, write_report
from tapeflow.report.codec import Packer, steps_per_unit, unpack
from tapeflow.report.folder import read_folder
from tapeflow.report.levels import bars_to_keep
from tapeflow.report.lines import line_table
from tapeflow.report.returns_view import equity_series, period_returns

MINUTE = 60_000_000
START = 1_704_067_200_000_000 + 20 * 60 * MINUTE
TICK, ROW = 0.1, 5.0
Make = Callable[..., Path]
Unpacked = tuple[dict[str, Any], dict[str, Any]]


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of those asked for by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._id = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._id = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._id] = self.texts.get(self._id, "") + data


@pytest.fixture(scope="module")
def elements(run: Path) -> Elements:
    return Elements((run / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def columns(elements: Elements) -> Unpacked:
    return unpack(elements.texts["run-data"])


# One file.


def test_nothing_in_the_page_refers_to_another_file(elements: Elements) -> None:
    links = [a[k] for _, a in elements.found for k in ("src", "href", "data", "poster", "srcset", "action") if k in a]
    assert links == ["https://www.tradingview.com/"]
    assert not {"link", "iframe", "object", "embed", "base"} & {t for t, _ in elements.found}


def test_nothing_in_the_page_can_fetch(elements: Elements, run: Path) -> None:
    policy = next(a["content"] for t, a in elements.found if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    ours = (run / "report.html").read_text(encoding="utf-8").replace(library.chart_library(), "")
    assert not re.findall(r"fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon|@import|url\(", ours)


def test_licence_notice_of_the_chart_library_stays(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "@license" in text
    assert "Licensed under Apache License 2.0" in text
    assert 'href="https://www.tradingview.com/"' in text


def test_same_folder_gives_same_bytes(run: Path) -> None:
    before = (run / "report.html").read_bytes()
    assert write_report(run).read_bytes() == before


def test_a_failed_write_leaves_the_old_page_and_no_litter(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (run / "report.html").read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(run)
    assert (run / "report.html").read_bytes() == before
    assert [p.name for p in run.iterdir() if p.name.startswith(".")] == []


def test_names_that_are_html_stay_text(hostile: str, make_run: Make, tmp_path: Path, elements: Elements) -> None:
    folder = make_run(tmp_path / "hostile", name=hostile, reason=hostile)
    page = Elements(write_report(folder).read_text(encoding="utf-8"))
    assert [t for t, _ in page.found] == [t for t, _ in elements.found]
    assert not [k for _, a in page.found for k in a if k.startswith("on")]
    assert page.texts["h1"].strip() == hostile
    _, columns = unpack(page.texts["run-data"])
    assert set(columns["trades:entry_reason"]) == {hostile}


# What it carries.


def test_candles_come_back_to_the_tick(run: Path, columns: Unpacked) -> None:
    _, got = columns
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    open_ = np.r_[got["0:first"], got["0:close"][:-1]] + got["0:gap"]
    np.testing.assert_array_equal(got["0:time"], bars.close_time)
    np.testing.assert_allclose(got["0:close"], bars.close, rtol=0, atol=1e-9)
    np.testing.assert_allclose(open_, bars.open, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.maximum(open_, got["0:close"]) + got["0:up"], bars.high, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.minimum(open_, got["0:close"]) - got["0:down"], bars.low, rtol=0, atol=1e-9)


def test_lines_come_back_with_their_gaps(run: Path, columns: Unpacked) -> None:
    meta, got = columns
    table = pd.read_parquet(run / "indicators.parquet")
    for i, line in enumerate(meta["lines"]):
        given = table[line["name"]].replace([np.inf, -np.inf], np.nan).to_numpy()
        reach = np.nanmax(given) - np.nanmin(given) if np.isfinite(given).any() else 0
        assert np.array_equal(np.isnan(got[f"lines:{i}"]), np.isnan(given)), line["name"]
        np.testing.assert_allclose(got[f"lines:{i}"], given, rtol=0, atol=max(TICK / 2, reach / 4000))


def test_trades_and_fills_come_back(run: Path, columns: Unpacked) -> None:
    meta, got = columns
    trades = pd.read_parquet(run / "trades.parquet")
    assert (meta["trades"], meta["fills"]) == (12, 24)
    assert got["trades:direction"] == trades.direction.tolist()
    np.testing.assert_array_equal(got["trades:entry_time"], trades.entry_time.astype("int64"))
    np.testing.assert_allclose(got["trades:pnl_net"], trades.pnl_net, rtol=1e-4)
    assert "never filled" not in got["fills:reason"]
    assert (np.diff(got["fills:time"]) >= 0).all()


def test_equity_needs_no_drawdown_column_when_its_values_say_it(columns: Unpacked) -> None:
    meta, got = columns
    assert meta["equity"]["peak"] == 100_000
    assert "equity:drawdown" not in got


def test_drawdown_that_is_not_what_the_values_say_is_carried(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    table = pd.read_parquet(folder / "equity.parquet").assign(drawdown=np.linspace(0, 0.3, 480))
    table.to_parquet(folder / "equity.parquet")
    meta, got = unpack(Elements(write_report(folder).read_text(encoding="utf-8")).texts["run-data"])
    assert meta["equity"]["derived"] is False
    np.testing.assert_allclose(got["equity:drawdown"], table.drawdown, rtol=0, atol=1e-6)


def test_price_rows_add_up_to_the_volume_of_the_bars(run: Path, elements: Elements) -> None:
    meta, got = unpack(elements.texts["levels-data"])
    bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
    assert (meta["feeds"][0]["row"], meta["feeds"][0]["whole"], meta["feeds"][1]) == (ROW, True, None)
    bar = np.repeat(got["0:cell:owner"], got["0:cell:count"].astype(int)).astype(int)
    per_bar = np.bincount(bar, got["0:cell:buys"])
    np.testing.assert_allclose(per_bar, bars.taker_buy_volume, rtol=0, atol=0.03)
    assert (got["0:cell:row"] * ROW <= bars.high.to_numpy()[bar]).all()
    assert ((got["0:cell:row"] + 1) * ROW > bars.low.to_numpy()[bar]).all()


def test_a_long_run_keeps_rows_near_trades_and_sums_for_all(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels_module, "CELLS", 400)
    monkeypatch.setattr(levels_module, "BLOCKS", 40)
    monkeypatch.setattr(levels_module, "AROUND", 2)
    folder = make_run(tmp_path)
    meta, got = unpack(str(levels_module.packed_levels(read_folder(folder))))
    rows, trades = pd.read_parquet(folder / "levels.parquet"), pd.read_parquet(folder / "trades.parquet")
    assert (meta["feeds"][0]["whole"], meta["feeds"][0]["size"]) == (False, 12)
    assert len(got["0:cell:row"]) <= 400
    exits = (trades.exit_time.astype("int64") - START) // MINUTE - 1
    assert exits.iloc[-1] in got["0:cell:owner"]
    assert got["0:block:buys"].sum() == pytest.approx(rows.buy_volume.sum(), rel=1e-3)
    assert got["0:block:sells"].sum() == pytest.approx(rows.sell_volume.sum(), rel=1e-3)


def test_rows_kept_never_exceed_the_budget() -> None:
    counts = np.random.default_rng(4).integers(0, 30, 500)
    kept = bars_to_keep(counts, [(100, 140), (300, 340)], budget=1_000)
    assert counts[kept].sum() <= 1_000
    assert kept[[100, 139, 300, 339]].sum() >= 2


@given(st.lists(st.floats(-1e9, 1e9) | st.just(float("nan")), max_size=60), st.sampled_from([1.0, 10.0, 4.0, 1000.0]))
def test_packing_rounds_to_a_step_and_keeps_nan(values: list[float], per: float) -> None:
    packer = Packer()
    packer.numbers("x", values, per)
    _, columns = unpack(packer.packed())
    np.testing.assert_allclose(columns["x"], np.asarray(values, float), rtol=1e-12, atol=0.5 / per, equal_nan=True)


def test_packing_holds_numbers_of_any_size() -> None:
    packer = Packer()
    packer.numbers("x", [1.0, -1e300, 1.7e15 + 1], per=1e6)
    packer.numbers("time", [1_704_067_200_000_001.0, 1_704_067_200_000_002.0])
    _, columns = unpack(packer.packed())
    assert columns["x"][1] == pytest.approx(-1e300)
    assert columns["time"].tolist() == [1_704_067_200_000_001, 1_704_067_200_000_002]


def test_steps_keep_the_digits_there_are() -> None:
    assert steps_per_unit([0.00012345, 0.00012346], digits=4) == 1e7
    assert steps_per_unit([2.5, 3.5], digits=9) == 10
    assert steps_per_unit([float("nan"), 0.0]) == 1


# Which line goes where.


def test_lines_without_a_description_are_told_by_their_magnitude(run: Path) -> None:
    facts = {line["name"]: line for line in line_table(read_folder(run))}
    assert [n for n, f in facts.items() if f["overlay"]] == ["vwap.vwap", "vwap.upper1"]
    assert [n for n, f in facts.items() if f["as_delta"]] == ["delta.delta"]


def test_lines_that_are_described_go_where_they_are_said_to(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    result = json.loads((folder / "result.json").read_text())
    result["lines"] = [dict(name="vwap.vwap", indicator="fair", kind="VWAP", overlay=False, unit="price")]
    (folder / "result.json").write_text(json.dumps(result))
    first = line_table(read_folder(folder))[0]
    assert (first["indicator"], first["kind"], first["overlay"], first["unit"]) == ("fair", "VWAP", False, "price")


# Tables.


def test_returns_of_the_days_make_the_return_of_the_run(run: Path) -> None:
    value = equity_series(read_folder(run))
    daily = period_returns(value, "D", 100_000.0)
    assert [str(p) for p in daily.index] == ["2024-01-01", "2024-01-02"]
    assert np.prod(1 + daily) == pytest.approx(value.iloc[-1] / 100_000, rel=1e-12)


def test_a_bar_that_closes_at_midnight_ends_its_day(run: Path) -> None:
    value = equity_series(read_folder(run))
    midnight = pd.read_parquet(run / "equity.parquet").set_index("time").value[pd.Timestamp("2024-01-02", tz="UTC")]
    assert period_returns(value, "D", 100_000.0).iloc[0] == pytest.approx(midnight / 100_000 - 1, rel=1e-12)


def test_tables_tell_what_the_files_say(run: Path) -> None:
    text = re.sub(r"<script.*?</script>", "", (run / "report.html").read_text(encoding="utf-8"), flags=re.S)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    longs = pd.read_parquet(run / "trades.parquet").query("direction == 'long'").pnl_net
    assert f"long 6 {100 * (longs > 0).mean():.1f} % {longs.sum():+,.2f}".replace("-", "−") in words
    for shown in ("Deflated sharpe 0.7310", "daily returns, 365 a year", "Sharpe ratio –", "seed 7", "fade.zip 1,234"):
        assert shown in words


# What may be missing.


def test_a_run_without_trades_levels_lines_and_lock_has_a_page(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path, trades=False, levels=False)
    for name in ("run.lock", "indicators.parquet"):
        (folder / name).unlink()
    page = Elements(write_report(folder).read_text(encoding="utf-8"))
    meta, _ = unpack(page.texts["run-data"])
    assert (meta["trades"], meta["fills"], meta["lines"], meta["equity"]["peak"]) == (0, 0, [], 100_000)
    assert page.texts.get("levels-data", "").strip() == ""


@pytest.mark.parametrize("name", ["result.json", "bars.parquet", "equity.parquet"])
def test_a_missing_file_is_named(make_run: Make, tmp_path: Path, name: str) -> None:
    folder = make_run(tmp_path)
    (folder / name).unlink()
    with pytest.raises(DataError, match=re.escape(name)):
        write_report(folder)


@pytest.mark.parametrize("name", ["result.json", "bars.parquet", "run.lock"])
def test_a_damaged_file_is_named(make_run: Make, tmp_path: Path, name: str) -> None:
    folder = make_run(tmp_path)
    (folder / name).write_bytes(b"\x7b\x3a\x00 not what it should be")
    with pytest.raises(DataError, match=re.escape(name)):
        write_report(folder)


def test_a_missing_chart_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "PACKAGE", "no_such_package_of_charts")
    library.chart_library.cache_clear()
    try:
        with pytest.raises(PluginError, match="no_such_package_of_charts"):
            library.chart_library()
    finally:
        library.chart_library.cache_clear()

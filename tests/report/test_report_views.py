"""The still parts of the page: histograms, markouts, intervals, flags, naked levels, pictures, notebooks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import Result
from tapeflow.core.clock import DAY
from tapeflow.core.errors import DataError, PluginError
from tapeflow.report import naked, write_report
from tapeflow.report.codec import unpack
from tapeflow.report.fills_view import tape_fills
from tapeflow.report.folder import read_folder
from tapeflow.report.money import Money
from tapeflow.report.quality_view import quality
from tapeflow.report.statistics_view import statistics_rows
from tapeflow.report.svg import decimals_for, marks_between
from tapeflow.report.trades_view import distribution, markouts

Make = Callable[..., Path]


def parsed(markup: str) -> ElementTree.Element:
    """The markup as XML, which says that every element is closed."""
    return ElementTree.fromstring(re.sub(r"&(?!amp;|lt;|gt;|quot;|#)", "&amp;", markup))  # noqa: S314 (ours)


def titles(markup: str, class_: str = "") -> list[str]:
    return [e.findtext("title") or "" for e in parsed(markup).iter("rect") if class_ in (e.get("class") or "")]


def packed(page: Path, what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = re.search(rf'id="{what}">([^<]*)<', page.read_text(encoding="utf-8"))
    assert found is not None
    return unpack(found[1])


def test_every_trade_is_in_a_bar_of_the_histogram(run: Path) -> None:
    trades = pd.read_parquet(run / "trades.parquet")
    figures = parsed(distribution(trades)).findall(".//figure")
    counts = [int(t.rpartition(": ")[2].split()[0]) for t in titles(ElementTree.tostring(figures[0], "unicode"))]
    assert sum(counts) == len(trades)
    text = ElementTree.tostring(figures[0], "unicode")
    losses = sum(int(t.rpartition(": ")[2].split()[0]) for t in titles(text, "loss-bar"))
    assert losses == int((trades.return_pct < 0).sum())


@pytest.mark.parametrize(
    "values", [[1.0], [2.0, 2.0, 2.0], [0.0, 0.0], [-1e-9, 1e-9], [5.0, np.nan, -3.0], [1e9, -1e9]]
)
def test_odd_trades_make_a_histogram_too(values: list[float]) -> None:
    times = pd.to_datetime(np.arange(len(values)), unit="h", utc=True)
    frame = pd.DataFrame(dict(return_pct=values, bars=np.arange(len(values)), entry_time=times))
    assert "NaN" not in distribution(frame)
    assert all(float(r.get("height") or 0) >= 0 for r in parsed(distribution(frame)).iter("rect"))
    assert distribution(frame.iloc[:0]) == ""


def test_markouts_are_shown_with_cost_and_without_an_interval(run: Path) -> None:
    text = markouts(read_folder(run).result)
    assert [row.findtext("th") for row in parsed(text).findall(".//tbody/tr")] == ["1", "5", "15"]
    assert "Fees of a round trip are 10.0 bp" in text
    assert "95 %" not in text
    assert markouts({}) == markouts({"markouts": {"horizons": []}}) == ""


def test_round_marks_are_apart_and_within() -> None:
    for low, high in ((0.0, 3.0), (-0.013, 0.4), (-1e6, 2e6), (5.0, 5.0)):
        marks = marks_between(low, high)
        assert all(low - 1e-9 <= m <= high + 1e-9 for m in marks)
        assert len({f"{m:.{decimals_for(marks)}f}" for m in marks}) == len(marks) <= 7


def test_intervals_stand_beside_their_figures(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    assert "−25.00 to +75.00" in text
    assert "−3.00 to 1.50" in text
    assert "95 % interval (bootstrap-t; 64 round trips, mean block 4.0; 250 daily returns, mean block 6.3)" in text


def test_an_interval_that_does_not_say_what_it_was_made_of_is_not_shown() -> None:
    old = dict(sharpe=1.0, win_rate=0.5, confidence=dict(intervals=dict(win_rate=[0.25, 0.75], sharpe=[-3.0, 1.5])))
    assert [ends for *_, ends in statistics_rows(old, Money())] == ["", ""]


def test_fills_from_the_tape_are_shown_by_assumption() -> None:
    cases = dict(pessimistic=-5.0, middle=3.0, optimistic=4.0)
    block: dict[str, Any] = {k: dict(net_profit=v, trades=7, orders=20, orders_filled=15) for k, v in cases.items()}
    block |= dict(headline="middle", says=["net profit between <b>"])
    text = tape_fills(dict(fills=block, survives_ticks=2.5, survives_ms=None))
    rows = parsed(text).findall(".//tbody/tr")
    assert [row.findtext("th") for row in rows] == ["pessimistic", "middle, the headline", "optimistic"]
    assert [row[1].text for row in rows] == ["−5.00", "+3.00", "+4.00"]
    words = [li.text for li in parsed(text).iter("li")]
    assert words == ["net profit between <b>", "Survives 2.5 ticks of further slippage."]
    assert tape_fills({"fills": {"from": "bars"}}) == tape_fills({}) == ""


def test_flags_are_counted_by_kind(run: Path) -> None:
    text = quality(read_folder(run))
    assert "btc: 11 of 480 bars are flagged" in text
    assert "slow: none of 96 bars is flagged." in text
    rows = parsed(text).findall(".//tbody/tr")
    assert [("".join(r[0].itertext()).strip(), r[2].text, r[3].text) for r in rows] == [
        ("gap", "1", "0.21 %"),
        ("filled", "10", "2.08 %"),
    ]
    assert "made 25 % of what all together made" in text


def test_the_strip_darkens_where_bars_are_flagged(run: Path) -> None:
    damaged = [r for r in parsed(quality(read_folder(run))).iter("rect") if r.get("class") == "damaged"]
    (cell,) = damaged
    assert int(cell.get("x") or -1) == 100 * 360 // 480
    assert "2024-01-01 21:41: gap" in (cell.findtext("title") or "")


def naked_by_definition(
    days: int, n: int, low: Any, high: Any, day: Any, poc: dict[int, int], height: float
) -> set[Any]:
    made = set()
    for d in range(days):
        after = [i for i in range(n) if day[i] > d]
        if d not in poc or not after:
            continue
        bottom, top = poc[d] * height, (poc[d] + 1) * height
        end = next((i for i in after if low[i] <= top and high[i] >= bottom), n)
        if end > after[0]:
            made.add((after[0], end, (poc[d] + 0.5) * height))
    return made


@pytest.mark.parametrize("seed", range(6))
def test_a_point_of_control_is_naked_until_price_comes_back(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naked, "_LOOK", 7)
    rng, n = np.random.default_rng(seed), 300
    times = np.sort(rng.choice(np.arange(1, 10 * 1440), n, replace=False)) * (DAY // 1440)
    day, height = (times - 1) // DAY, 5.0
    middle = 1_000 + np.cumsum(rng.normal(0, 8, n))
    low, high = middle - rng.exponential(4, n), middle + rng.exponential(4, n)
    owner = np.repeat(np.unique(day), 6)
    row = np.concatenate([rng.choice(np.arange(150, 260), 6, replace=False) for _ in np.unique(day)])
    volume = rng.integers(1, 5, len(row)).astype(float)
    days, rows = naked.points_of_control(owner, row, volume)
    best = {}
    for d in np.unique(day):
        own = [(v, -r) for o, r, v in zip(owner, row, volume, strict=True) if o == d]
        best[int(d)] = -max(own)[1]
    assert dict(zip(days.tolist(), rows.tolist(), strict=True)) == best
    got = naked.naked_levels(day, low, high, days, rows, height)
    found = set(zip(*(x.tolist() for x in got), strict=True))
    assert found == naked_by_definition(int(day[-1]) + 1, n, low, high, day, best, height)


def test_bands_and_flags_travel_with_the_page(run: Path) -> None:
    meta, columns = packed(run / "report.html", "run-data")
    equity = pd.read_parquet(run / "equity.parquet")
    assert meta["equity"]["bands"] == ["fills"]
    assert columns["fills:low"] == pytest.approx(equity.value_low.to_numpy(), abs=1e-2)
    assert [feed["flagged"] for feed in meta["feeds"]] == [True, False]
    assert np.flatnonzero(columns["0:quality"]).tolist() == [100, *range(200, 210)]


def test_a_run_without_extras_leaves_their_parts_out(make_run: Make, tmp_path: Path) -> None:
    folder = make_run(tmp_path, trades=False, levels=False)
    bars = pd.read_parquet(folder / "bars.parquet")
    bars.drop(columns="quality").to_parquet(folder / "bars.parquet")
    text = write_report(folder).read_text(encoding="utf-8")
    for part in ("quality", "distribution", "markouts"):
        assert f'<section id="{part}"' not in text
    assert packed(folder / "report.html", "run-data")[0]["equity"]["bands"] == []


class TestPicture:
    """The still picture."""

    def test_is_made_of_the_same_run(self, run: Path, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        from tapeflow.report.picture import figure, grouped, write_picture

        made = write_picture(run, tmp_path / "deep" / "run.png")
        assert made.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert [p.name for p in made.parent.iterdir()] == ["run.png"]
        axes = figure(read_folder(run)).axes
        equity = next(line for line in axes[2].lines if line.get_label() == "equity")
        assert equity.get_ydata().tolist() == pd.read_parquet(run / "equity.parquet").value.tolist()
        bars = pd.read_parquet(run / "bars.parquet").query("data == 'btc'")
        joined = grouped(bars, 100)
        assert joined.high.max() == bars.high.max()
        assert joined.volume.sum() == pytest.approx(bars.volume.sum())

    def test_is_the_same_each_time(self, run: Path, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        from tapeflow.report.picture import write_picture

        one, other = (write_picture(run, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
        assert one == other

    def test_of_another_kind_is_refused(self, run: Path, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        from tapeflow.report.picture import write_picture

        with pytest.raises(PluginError, match=r"ending '\.gif' is no kind of picture"):
            write_picture(run, tmp_path / "a.gif")

    def test_says_what_it_needs(self, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import sys

        from tapeflow.report import picture
        from tapeflow.report.picture import write_picture

        picture._figure_class.cache_clear()
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(PluginError, match=r"pip install 'tapeflow\[plot\]'"):
            write_picture(run)


class TestNotebook:
    """What a notebook shows of a result."""

    def test_a_saved_run_is_opened_again(self, run: Path, tmp_path: Path) -> None:
        result = Result.of(run)
        assert result.summary["trades"] == 12
        assert parsed(f"<div>{result._repr_html_()}</div>").findtext(".//th") == "Net profit"
        with pytest.raises(DataError, match=r"result\.json"):
            Result.of(tmp_path)

    def test_the_report_comes_in_a_frame(self, run: Path) -> None:
        text = Result.of(run).report(height=500)._repr_html_()
        assert text.startswith("<iframe srcdoc=")
        assert "height:500px" in text

    def test_a_large_report_is_linked_to(self, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from tapeflow.report import framed

        monkeypatch.setattr(framed, "_LARGEST", 10)
        assert (run / "report.html").as_uri() in Result.of(run).report()._repr_html_()

    def test_the_figure_is_that_of_the_picture(self, run: Path) -> None:
        pytest.importorskip("matplotlib")
        drawn = Result.of(run).plot()
        assert len(drawn.axes) == 4
        assert drawn._repr_png_()[:4] == b"\x89PNG"

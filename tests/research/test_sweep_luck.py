"""What the best of a sweep is worth: the method by its definition, its size, and what is said of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
import yaml

from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.results.bootstrap import DRAWS, counts
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.core.clock import DAY
from tapeflow.core.errors import DataError
from tapeflow.research.selection.daily import Daily, daily_of
from tapeflow.research.selection.held import held_of, middle_and_best
from tapeflow.research.selection.luck import common_days, luck
from tapeflow.research.sweep import sweep
from tapeflow.research.sweep.best import caution, luck_of
from tapeflow.research.sweep.folder import RETURNS, read_table
from tapeflow.research.sweep.journal import Done, Journal
from tapeflow.tests.helpers.sweeps import tapeflow

YEAR = math.sqrt(365)


def points(days: int, count: int, seed: int, *, memory: float = 0.0) -> dict[int, Daily]:
    """Points without an edge that share a market."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((days, 12))
    for i in range(1, days):
        shared[i] = memory * shared[i - 1] + math.sqrt(1 - memory**2) * shared[i]
    made = shared @ rng.standard_normal((12, count)) / math.sqrt(12) + rng.standard_normal((days, count))
    return {i + 1: Daily(0, (0.01 * made[:, i]).astype(np.float32), False) for i in range(count)}


def test_it_is_the_definition() -> None:
    series = points(260, 4, 3)
    found = luck(series, 0.0, seed=2)
    assert found is not None
    block = 2 * 260 ** (1 / 3)
    own = [fmean(map(float, one.made)) / stdev(map(float, one.made)) for one in series.values()]
    gained = []
    for row in counts(260, block, DRAWS, np.random.default_rng(2)).astype(int).tolist():
        drawn = [i for i, times in enumerate(row) for _ in range(times)]
        again = [[float(one.made[i]) for i in drawn] for one in series.values()]
        gained.append(max(fmean(x) / stdev(x) - ratio for x, ratio in zip(again, own, strict=True)))
    best = max(own)
    assert found.p == pytest.approx((1 + sum(g >= best for g in gained)) / 1000, abs=0.0011)
    assert found.best == pytest.approx(YEAR * best, rel=1e-5)
    assert found.floor == pytest.approx(YEAR * (best - float(np.quantile(gained, 0.95))), abs=1e-4)
    assert (found.days, found.points, found.block) == (260, 4, pytest.approx(block))
    assert found.stand_out == ()


def test_an_edge_stands_out_and_costs_what_its_choice_costs() -> None:
    series = points(1_000, 50, 5)
    series[7] = series[7]._replace(made=series[7].made + np.float32(4 / YEAR * series[7].made.std()))
    found = luck(series, 0.0)
    assert found is not None
    assert found.stand_out == (7,)
    assert found.p <= 0.002
    assert 0 < found.floor < found.best


def test_nothing_is_said_where_the_method_does_not_hold() -> None:
    series = points(250, 5, 1)
    assert luck(series, 0.0) is not None
    assert luck({n: one._replace(made=one.made[1:]) for n, one in series.items()}, 0.0) is None, "249 days"
    assert luck(series, 25.5) is None, "positions held for a tenth of the run"
    assert luck({}, 0.0) is None
    flat = {n: one._replace(made=np.zeros(250, np.float32)) for n, one in series.items()}
    assert luck(flat, 0.0) is None
    some = luck({**series, 6: flat[1]}, 0.0)
    assert some is not None
    assert some.points == 5


def test_only_days_that_all_points_have_count() -> None:
    whole = points(300, 2, 1)
    made = whole[2].made[10:].copy()
    made[5] = np.nan
    numbers, table = common_days({1: whole[1], 2: Daily(10, made, False)})
    assert numbers == [1, 2]
    kept = [i for i in range(10, 300) if i != 15]
    assert np.array_equal(table[:, 0], whole[1].made[kept])
    assert len(common_days({1: whole[1], 2: Daily(400, made, False)})[1]) == 0


def warned(done: dict[int, Done], total: int, days: int) -> str:
    return caution(luck_of(done), total, days)


def done_of(series: dict[int, Daily], **row: Any) -> dict[int, Done]:
    figures = {"sharpe": 1.0, "exposure_pct": 50.0, "periods_per_year": 365.0, "trades": 100, **row}
    return {n: Done(n, figures, "", one.text()) for n, one in series.items()}


def test_what_is_said_of_the_best() -> None:
    series = points(400, 20, 2)
    found = luck_of(done_of(series))
    assert found is not None
    said = warned(done_of(series), 20, 400)
    assert f"Among 20 points the best Sharpe would be this high by chance with p = {found.p:.3f}; after" in said
    assert f"selection at least {found.floor:.2f} (95 %); {len(found.stand_out)} points stand out" in said
    held = {n: one._replace(excess=True) for n, one in series.items()}
    assert "the best Sharpe, over holding the mean position, would be" in warned(done_of(held), 20, 400)
    short = warned(done_of(points(200, 20, 2)), 20, 200)
    assert "200 days cannot settle this; of a planted Sharpe of 2, a third is found at 250" in short
    assert "p =" not in short
    unknown = {n: one._replace(daily="") for n, one in done_of(series).items()}
    assert warned(unknown, 20, 400).endswith("its figures flatter it; look at it on data that no point has seen")
    assert warned(done_of(series), 1, 400) == ""


def test_days_held_are_those_in_the_market_over_trades() -> None:
    series = points(400, 3, 2)
    done = done_of(series)
    done[2] = done[2]._replace(row={**done[2].row, "trades": 4})
    middle, best = middle_and_best({n: held_of(one.row, series[n]) for n, one in done.items()}, series)
    assert middle == 2.0
    assert best in (2.0, 50.0)
    assert held_of({**done[1].row, "trades": 0}, series[1]) == 0.0
    assert middle_and_best({}, series) == (0.0, 0.0)


def test_daily_returns_survive_the_journal_bit_for_bit(tmp_path: Path) -> None:
    one = Daily(19_000, np.array([0.1, np.nan, -0.3], np.float32), True)
    with Journal(tmp_path) as journal:
        journal.add([Done(1, {"sharpe": 0.1}, "", one.text()), Done(2, {}, "failed")])
    kept = Journal(tmp_path).read()
    back = Daily.of(kept[1].daily)
    assert (back.first, back.excess, back.made.tobytes()) == (one.first, one.excess, one.made.tobytes())
    assert kept[2].daily == ""


def test_the_command_tells_chance_in_figures_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = run_of(daily_bars(tmp_path), "close > open")
    Path("s.yaml").write_text(yaml.safe_dump({**raw, "sweep": {"sizer.percent": [10, 50]}}))
    told = json.loads(tapeflow("sweep", "s.yaml", "--out", "out", "--jobs", 1, "--json").stdout)
    assert told["chance"]["days"] == 300
    assert f"p = {told['chance']['p']:.3f}" in told["caution"]
    Path("days.csv").write_text("\n".join(Path("days.csv").read_text().splitlines()[:200]))
    told = json.loads(tapeflow("sweep", "s.yaml", "--out", "short", "--jobs", 1, "--json").stdout)
    assert told["chance"] is None
    assert "199 days cannot settle this" in told["caution"]
    assert not Path("short/returns.parquet").exists()


def daily_bars(folder: Path, days: int = 300, drift: float = 0.0) -> Path:
    rng = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(rng.normal(drift, 0.02, days)))
    opened = np.concatenate([[100.0], close[:-1]])
    rows = [
        f"{DAY * (19_000 + i) // 1000},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},10,{DAY * (19_001 + i) // 1000}"
        for i, (o, c) in enumerate(zip(opened.tolist(), close.tolist(), strict=True))
    ]
    path = folder / "days.csv"
    path.write_text("open_time,open,high,low,close,volume,close_time\n" + "\n".join(rows) + "\n")
    return path


def run_of(path: Path, enter: str, **more: Any) -> dict[str, Any]:
    params: dict[str, Any] = {"long": {"enter": enter, "exit": "close < open"}}
    data = {"main": {"feed": "CsvBars", "path": str(path), "bars": "1d"}}
    return {"data": data, "strategy": {"kind": "Rules", "params": params}, "sizer": {"percent": 50}, **more}


@pytest.mark.parametrize("engine", ["compiled", "backtrader"])
def test_what_only_holds_one_side_is_measured_over_its_mean_position(tmp_path: Path, engine: str) -> None:
    config = from_mapping(run_of(daily_bars(tmp_path, drift=0.003), "close > open", engine=engine))
    outcome = simulate(config, read(config, "main", lambda text: None))
    one = daily_of(outcome)
    assert one is not None
    assert (one.excess, len(one.made), one.first) == (True, 300, 19_000)
    equity, close = outcome.equity, outcome.first["close"]
    share = float(np.mean(equity["position"] * close / equity["value"]))
    before = [100.0, *close[:-1]]
    for i in range(300):
        start = equity["value"][i - 1] if i else 100_000.0
        own = equity["value"][i] / start - 1
        assert one.made[i] == pytest.approx(own - share * (close[i] / before[i] - 1), abs=1e-7)


def test_a_sweep_keeps_daily_returns_and_says_the_same_again(tmp_path: Path) -> None:
    raw = run_of(daily_bars(tmp_path), "close > open", name="s")
    path = tmp_path / "s.yaml"
    path.write_text(
        yaml.safe_dump({**raw, "sweep": {"sizer.percent": [10, 50], "strategy.params.stop_loss": ["1%", "5%"]}})
    )
    out = tmp_path / "out"
    made = sweep(load_config(path), out, jobs=1)
    assert made.days == 300
    assert (out / RETURNS).exists()
    said = warned(made.done, 4, made.days)
    assert "Among 4 points the best Sharpe, over holding the mean position, would be" in said
    again = sweep(load_config(path), out, jobs=1)
    assert warned(again.done, 4, again.days) == said
    assert repr(again.done) == repr(made.done)  # a figure that is not known is NaN, which equals nothing
    bytes_ = (out / RETURNS).read_bytes()
    (out / RETURNS).write_bytes(bytes_[:100])
    with pytest.raises(DataError, match=r"returns\.parquet: is damaged"):
        read_table(out)


@pytest.mark.slow
@pytest.mark.parametrize(("days", "count", "memory"), [(250, 50, 0.0), (500, 200, 0.0), (250, 50, 0.3)])
def test_chance_alone_is_called_an_edge_as_rarely_as_it_says(days: int, count: int, memory: float) -> None:
    times = 300
    found = [luck(points(days, count, seed, memory=memory), 0.0, seed) for seed in range(times)]
    size = sum(one is not None and one.p <= 0.05 for one in found) / times
    print(f"best of {count}, {days} days, memory {memory}: {size:.1%}")
    error = 2 * math.sqrt(0.05 * 0.95 / times)
    assert 0.02 - error <= size <= 0.07 + error

"""Sweeps: every point equals a run of its own, however the sweep was run and however often it was stopped."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from tapeflow.api import run
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, ParamError
from tapeflow.research.sweep import points_of, run_point, sweep
from tapeflow.research.sweep import run as sweep_run
from tapeflow.research.sweep.best import best
from tapeflow.research.sweep.figures import Figures, round_trips
from tapeflow.research.sweep.journal import NAME, Done, Journal
from tapeflow.research.sweep.shared_data import Known
from tapeflow.research.sweep.store import get, put
from tapeflow.tests.helpers.sweeps import PYTHON, RULES, same, table, write


class TestPoints:
    """Every row is what `tapeflow run` of the same point writes."""

    @pytest.mark.parametrize(("text", "engine"), [(RULES, "compiled"), (PYTHON, "backtrader")])
    def test_equal_runs_in_plain_backtrader_to_the_last_bit(self, text: str, engine: str, tmp_path: Path) -> None:
        config = load_config(write(tmp_path, text))
        sweep(config, tmp_path / "out", jobs=1)
        rows = table(tmp_path / "out")
        points = points_of(config)
        assert len(rows) == len(points)
        for row, point in zip(rows, points, strict=True):
            stock = point.config.model_copy(update={"engine": "stock"})
            result = simulate(stock, sweep_run._read([point], lambda text: None)[0].sources).summary()
            assert (row["engine"], row["error"]) == (engine, None)
            assert {path: row[path] for path in point.values} == point.values
            known = [name for name in row if name in result and name != "engine"]
            assert len(known) >= 20
            for name in known:
                assert same(row[name], result[name]), (point.name, name)
        assert len({row["final_value"] for row in rows}) > len(rows) // 2, "the points differ"

    def test_hold_every_figure_that_a_run_has(self, tmp_path: Path) -> None:
        config = load_config(write(tmp_path))
        sweep(config, tmp_path / "out", jobs=1)
        result = run(config, tmp_path / "run", report=False).summary
        words = {"name", "strategy", "engine_reason", "lines", "warnings", "assumptions"}
        words |= {"hints", "confidence", "markouts", "currency", "indicators", "waits", "inside"}
        words |= {"drawdowns", "benchmark", "monthly_returns_pct", "by_hour", "by_weekday", "absent"}
        words |= {"expectancy_pct", "mean_bars_held", "turnover"}
        assert {*(set(result) - words), "waits.orders", "waits.bars", "inside.unknown"} <= set(
            table(tmp_path / "out")[0]
        )

    def test_of_a_run_that_cannot_be_made_say_why_and_end_nothing(self, tmp_path: Path) -> None:
        text = RULES.replace("timeperiod: [5, 10, 20]", "timeperiod: [5, 5000]")
        made = sweep(load_config(write(tmp_path, text)), tmp_path / "out", jobs=1)
        rows = table(tmp_path / "out")
        assert [row["error"] is None for row in rows] == [True] * 4 + [False] * 4
        assert rows[-1]["error"] == "main: 480 bars, but the indicators need 5000 before the first value"
        assert rows[-1]["sharpe"] is None
        assert rows[-1]["orders"] is None
        assert [one.number for one in made.failed] == [5, 6, 7, 8]

    def test_a_fault_of_a_strategy_is_an_error_of_its_point(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(
            "from tapeflow.strategies.framework.base import Strategy\n\n"
            "class Fragile(Strategy):\n"
            "    params = dict(over=1)\n\n"
            "    def next(self):\n"
            "        1 / self.p.over\n"
        )
        text = "data: {a: {feed: SyntheticTape, days: 1}}\nplugins: [mine.py]\nstrategy: {kind: Fragile}\n"
        path = write(tmp_path, text + "sweep: {strategy.params.over: [1, 0]}\n")
        sweep(load_config(path), tmp_path / "out", jobs=1)
        assert [row["error"] for row in table(tmp_path / "out")] == [
            None,
            f"{tmp_path / 'mine.py'}:7: 1 / self.p.over: ZeroDivisionError: division by zero",
        ]

    def test_do_not_depend_on_what_ran_before(self, tmp_path: Path) -> None:
        config = load_config(write(tmp_path))
        points = points_of(config)
        sources = sweep_run._read(points, lambda text: None)[0].sources
        known = Known(sources)
        first = [run_point(point.config, sources, known) for point in points]
        again = [run_point(point.config, sources, known) for point in reversed(points)][::-1]
        alone = [run_point(point.config, sources) for point in points]
        assert json.dumps(first) == json.dumps(again) == json.dumps(alone)

    def test_indicators_that_no_value_touches_are_computed_once_for_all_processes(self, tmp_path: Path) -> None:
        points = points_of(load_config(write(tmp_path)))
        known = Known(sweep_run._read(points, lambda text: None)[0].sources)
        shared = known.untouched(point.config for point in points)
        assert sorted(one.names for one in shared.values()) == [("delta", "percent"), ("sma",), ("sma",)]
        put((known.sources, shared), tmp_path / "bars")
        other = Known(*get(tmp_path / "bars"))
        assert json.dumps(other.figures(points[0].config)) == json.dumps(known.figures(points[0].config))
        assert len(other._shelf._made) == 1, "only the fast mean is made here"

    def test_what_is_kept_of_indicators_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tapeflow.backtest.inputs.line_cache.ROOM", 30_000)
        config = load_config(write(tmp_path))
        made = sweep(config, tmp_path / "out", jobs=1)
        monkeypatch.undo()
        assert sweep(config, tmp_path / "more", jobs=1).done == made.done


class TestFolder:
    """The same bytes for any number of processes and any interruption."""

    def bytes_of(self, folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    @pytest.mark.slow
    @pytest.mark.parametrize("text", [RULES, PYTHON])
    def test_is_the_same_for_any_number_of_processes(self, text: str, tmp_path: Path) -> None:
        config = load_config(write(tmp_path, text))
        for jobs in (1, 2, 3):
            sweep(config, tmp_path / f"out{jobs}", jobs=jobs)
        first, *others = (self.bytes_of(tmp_path / f"out{jobs}") for jobs in (1, 2, 3))
        assert set(first) == {"points.parquet", "sweep.yaml"}
        assert all(other == first for other in others)

    def test_is_the_same_when_it_goes_on_elsewhere_after_a_while(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = load_config(write(tmp_path, PYTHON))
        sweep(config, tmp_path / "whole", jobs=1)
        monkeypatch.setattr(sweep_run, "PATIENCE", 0.0)
        monkeypatch.setattr(sweep_run, "processors", lambda: 2)
        sweep(config, tmp_path / "moved")
        assert self.bytes_of(tmp_path / "moved") == self.bytes_of(tmp_path / "whole")

    def test_of_a_killed_sweep_is_finished_by_the_next(self, tmp_path: Path) -> None:
        path = write(tmp_path, RULES.replace("name: cross", "name: cross\nengine: backtrader"))
        assert not self.killed(path, tmp_path / "out", jobs=1), "it was killed while it ran"
        for name in ("out", "whole"):
            sweep(load_config(path), tmp_path / name, jobs=1)
        assert self.bytes_of(tmp_path / "out") == self.bytes_of(tmp_path / "whole")

    @pytest.mark.slow
    def test_of_a_sweep_killed_again_and_again_is_finished_in_the_end(self, tmp_path: Path) -> None:
        path = write(tmp_path, RULES.replace("name: cross", "name: cross\nengine: stock"))
        kills = 0
        while not self.killed(path, tmp_path / "out", jobs=2):
            kills += 1
        assert kills >= 3
        sweep(load_config(path), tmp_path / "whole", jobs=1)
        assert self.bytes_of(tmp_path / "out") == self.bytes_of(tmp_path / "whole")

    def killed(self, path: Path, out: Path, jobs: int) -> bool:
        """Run until two more points are kept, then kill; whether it came to its end before."""
        before = len(Journal(out).read()) if out.exists() else 0
        command = [sys.executable, "-m", "tapeflow.cli", "sweep", path, "--jobs", str(jobs), "--out", out]
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None:
            if (out / NAME).exists() and len(Journal(out).read()) >= before + 2:
                process.kill()
                process.wait()
                self.check_nobody_is_left(process.pid)
                return False
            time.sleep(0.005)
        assert process.returncode == 0
        return True

    def check_nobody_is_left(self, group: int) -> None:
        """The workers of a killed sweep end with it."""
        for _ in range(500):
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        os.killpg(group, signal.SIGKILL)
        raise AssertionError("workers outlived the sweep")

    def test_of_a_finished_sweep_is_read_not_made_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        config = load_config(write(tmp_path))
        first = sweep(config, tmp_path / "out", jobs=1)
        before = self.bytes_of(tmp_path / "out")
        monkeypatch.setattr(sweep_run, "here", lambda *args: pytest.fail("a point was run again"))
        again = sweep(config, tmp_path / "out", jobs=1)
        assert json.dumps(again.done) == json.dumps(first.done)
        assert self.bytes_of(tmp_path / "out") == before

    def test_with_a_line_cut_short_is_finished_all_the_same(self, tmp_path: Path) -> None:
        config = load_config(write(tmp_path))
        made = sweep(config, tmp_path / "whole", jobs=1)
        out = tmp_path / "out"
        out.mkdir()
        (out / "sweep.yaml").write_bytes((tmp_path / "whole" / "sweep.yaml").read_bytes())
        with Journal(out) as journal:
            journal.add([made.done[3], made.done[7]])
        (out / NAME).write_bytes((out / NAME).read_bytes()[:-40])
        assert set(Journal(out).read()) == {3}
        sweep(config, out, jobs=1)
        assert self.bytes_of(out) == self.bytes_of(tmp_path / "whole")

    def test_of_another_sweep_is_left_alone(self, tmp_path: Path) -> None:
        sweep(load_config(write(tmp_path)), tmp_path / "out", jobs=1)
        before = self.bytes_of(tmp_path / "out")
        other = load_config(tmp_path / "run.yaml", ["broker.cash=5e4"])
        with pytest.raises(
            DataError, match=r"holds another sweep: config\.broker\.cash was 100000\.0 and is 50000\.0 in .*sweep.yaml"
        ):
            sweep(other, tmp_path / "out", jobs=1)
        assert self.bytes_of(tmp_path / "out") == before

    def test_with_something_else_in_it_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.md").write_text("words")
        with pytest.raises(DataError, match="holds something other than a sweep"):
            sweep(load_config(write(tmp_path)), tmp_path / "out")
        (tmp_path / "file").write_text("words")
        with pytest.raises(DataError, match="is a file; --out wants a folder"):
            sweep(load_config(write(tmp_path)), tmp_path / "file")

    def test_says_what_the_table_depends_on(self, tmp_path: Path) -> None:
        bars = tmp_path / "BTCUSDT-1m-2024-01.csv"
        rows = ((1_704_067_200_000 + i * 60_000, 100 + i % 7) for i in range(300))
        bars.write_text("".join(f"{t},{p},{p + 1},{p - 1},{p},5,{t + 59_999},500,9,2,200,0\n" for t, p in rows))
        text = RULES.replace("SyntheticTape, days: 1, to: 2024-01-01T08:00", f"BinanceKlines, path: '{bars}'")
        made = sweep(load_config(write(tmp_path, text)), tmp_path / "out", jobs=1)
        lock = yaml.safe_load((made.folder / "sweep.yaml").read_text())
        assert (lock["points"], len(lock["inputs"])) == (12, 1)
        assert len(lock["inputs"][0]["sha256"]) == 64
        assert lock["config"]["sweep"]["strategy.params.stop_loss"] == ["0.2%", "20ticks"]
        bars.write_text(bars.read_text().replace(",500,", ",501,"))
        with pytest.raises(DataError, match=r"holds another sweep: inputs\.0\.sha256 was"):
            sweep(load_config(tmp_path / "run.yaml"), tmp_path / "out")


class TestParts:
    """What a sweep is made of."""

    def test_bars_in_a_file_are_mapped_not_copied(self, tmp_path: Path) -> None:
        bars = Bars.of(open_time=[0, 1], close_time=[1, 2], close=[1.5, np.nan], volume=[1.0, 2.0])
        put({"main": Source(None, bars), "table": np.arange(3.0)}, tmp_path / "bars")
        made = get(tmp_path / "bars")
        column = made["main"].bars["close"]
        assert np.array_equal(column, bars["close"], equal_nan=True)
        assert not column.flags.owndata
        assert not column.flags.writeable
        made["table"][0] = 7.0
        assert get(tmp_path / "bars")["table"][0] == 0.0, "what one process writes no other sees"

    def test_the_best_are_sorted_by_what_is_better(self) -> None:
        rows = {n: Done(n, {"sharpe": s, "max_drawdown_pct": d}, "") for n, s, d in ((1, 1.0, 5.0), (2, 3.0, 9.0))}
        rows |= {3: Done(3, {"sharpe": math.nan, "max_drawdown_pct": 1.0}, ""), 4: Done(4, {}, "failed")}
        assert [row.number for row in best(rows, "sharpe", 9)] == [2, 1]
        assert [row.number for row in best(rows, "max_drawdown_pct", 2)] == [3, 1]
        with pytest.raises(ParamError, match=r"--sort: unknown figure 'sharp', did you mean 'sharpe'"):
            best(rows, "sharp", 9)

    def test_round_trips_are_paired_as_runs_pair_them(self, tmp_path: Path) -> None:
        from tapeflow.backtest.engines.compiled import run_compiled

        config = load_config(write(tmp_path))
        point = points_of(config)[1]
        sources = sweep_run._read([point], lambda text: None)[0].sources
        outcome = run_compiled(point.config, sources)
        made = round_trips(outcome.record.table)
        assert made[0].tolist() == [trip.first_bar for trip in outcome.trips]
        assert made[2].tolist() == [trip.pnl_net for trip in outcome.trips]
        assert len(outcome.trips) > 5
        assert Figures(point.config, sources, None, outcome.record).figures() == outcome.figures()

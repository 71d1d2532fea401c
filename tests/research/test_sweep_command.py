"""``tapeflow sweep`` as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tapeflow.configs.loader import load_config
from tapeflow.core.errors import TapeflowError
from tapeflow.research.sweep import Swept, sweep
from tapeflow.research.sweep.journal import Done, Journal
from tapeflow.tests.helpers.sweeps import PYTHON, RULES, table, tapeflow, write


class TestCommand:
    """``tapeflow sweep`` as people call it."""

    def test_prints_the_best_and_says_that_it_is_the_best_of_many(self, tmp_path: Path) -> None:
        done = tapeflow("sweep", write(tmp_path), "--out", tmp_path / "out", "--sort", "return_pct", "--top", 3)
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert lines[0].strip() == "the best 3 of 12 points by return_pct"
        assert lines[1].split()[:5] == ["point", "timeperiod", "stop_loss", "percent", "taker"]
        assert len(lines) == 6
        assert lines[-1] == str(tmp_path / "out" / "points.parquet")
        assert "the best of 12 points was picked after the fact" in done.stderr

    def test_prints_json_for_programs(self, tmp_path: Path) -> None:
        done = tapeflow("sweep", write(tmp_path), "--out", tmp_path / "out", "--json", "--top", 2, "--jobs", 1)
        told = json.loads(done.stdout)
        assert (told["points"], told["failed"], len(told["best"])) == (12, 0, 2)
        top = max(table(tmp_path / "out"), key=lambda row: row["sharpe"])
        assert told["best"][0]["point"] == top["point"]
        assert told["best"][0]["values"]["broker.fees.taker"] == top["broker.fees.taker"]

    def test_quiet_says_where_the_table_is_and_no_more(self, tmp_path: Path) -> None:
        done = tapeflow("sweep", write(tmp_path), "--out", tmp_path / "out", "--quiet")
        assert (done.stdout.splitlines(), done.stderr) == ([str(tmp_path / "out" / "points.parquet")], "")

    @pytest.mark.parametrize(
        ("more", "says"),
        [
            (["--set", "sweep.sizer.percnt=[1]"], "--set sweep.sizer.percnt: unknown key in sizer 'percnt', did you"),
            (["--sort", "sharp"], "tapeflow: --sort: unknown figure 'sharp', did you mean 'sharpe'?"),
            (["--jobs", "0"], "tapeflow sweep: invalid value for '--jobs'"),
            (["--set", "sweep.indicators.slow.timeperiod=[9000]"], "tapeflow: no point could be run; the first: main"),
        ],
    )
    def test_tells_mistakes_in_one_line(self, more: list[str], says: str, tmp_path: Path) -> None:
        done = tapeflow("sweep", write(tmp_path), "--out", tmp_path / "out", *more)
        assert (done.exit_code, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(says)

    def test_validate_says_how_many_points_there_are_and_checks_each(self, tmp_path: Path) -> None:
        assert tapeflow("validate", write(tmp_path)).stdout.rstrip().endswith("strategy Rules, sweep of 12 points)")
        done = tapeflow("validate", tmp_path / "run.yaml", "--set", "sweep.indicators.fast.timeperiod=[-5]")
        assert done.exit_code == 2
        assert "sweep: point 1 (indicators.fast.timeperiod=-5," in done.stderr

    def test_run_leaves_the_sweep_out_and_says_so(self, tmp_path: Path) -> None:
        done = tapeflow("run", write(tmp_path), "--out", tmp_path / "out", "--no-report")
        assert done.exit_code == 0
        assert "the sweep of 12 points was left out; tapeflow sweep runs it" in done.stderr
        assert "sweep" not in yaml.safe_load((tmp_path / "out" / "run.lock").read_text())["config"]

    @pytest.mark.slow
    def test_a_worker_that_dies_is_told_and_what_is_done_is_kept(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(
            "import os\nfrom tapeflow.strategies.framework.base import Strategy\n\n"
            "class Deadly(Strategy):\n"
            "    params = dict(at=0)\n\n"
            "    def next(self):\n"
            "        if self.p.at:\n"
            "            os._exit(9)\n"
        )
        text = "data: {a: {feed: SyntheticTape, days: 1}}\nplugins: [mine.py]\nstrategy: {kind: Deadly}\n"
        path = write(tmp_path, text + "sweep: {strategy.params.at: [0, 1]}\n")
        with pytest.raises(TapeflowError, match="a worker process died"):
            sweep(load_config(path), tmp_path / "out", jobs=2)
        assert not (tmp_path / "out" / "points.parquet").exists()


def test_a_sweep_is_returned_with_its_points(tmp_path: Path) -> None:
    said: list[str] = []
    made = sweep(load_config(write(tmp_path)), tmp_path / "out", jobs=1, progress=said.append)
    assert isinstance(made, Swept)
    assert [point.number for point in made.points] == list(range(1, 13))
    assert said[-1].startswith("12/12 points, ")
    assert said[-1].endswith("0:00:00 left")


def test_an_interrupt_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)
    add = Journal.add

    def interrupt(self: Journal, rows: list[Done]) -> None:
        add(self, rows)
        if rows[0].number == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Journal, "add", interrupt)
    done = tapeflow("sweep", path, "--out", tmp_path / "out", "--jobs", 1)
    assert done.exit_code == 130
    told = f"finished points are kept in {tmp_path / 'out'}; the same command goes on from there"
    assert told in done.stderr.splitlines()
    assert set(Journal(tmp_path / "out").read()) == {1, 2, 3, 4}


def test_a_config_without_a_sweep_is_told_so(tmp_path: Path) -> None:
    done = tapeflow("sweep", write(tmp_path, RULES.partition("sweep:")[0]), "--out", tmp_path / "out")
    assert (done.exit_code, done.stderr.strip()) == (
        2,
        f"tapeflow: {tmp_path / 'run.yaml'}: has no sweep, as in sweep: {{sizer.percent: [5, 10]}}",
    )
    assert not (tmp_path / "out").exists()


def test_a_script_that_calls_the_command_without_a_guard_starts_workers_too(tmp_path: Path) -> None:
    script = tmp_path / "tapeflow"
    script.write_text("from tapeflow.cli import main\nmain()\n")
    asked = ["sweep", write(tmp_path, PYTHON), "--out", tmp_path / "out", "--jobs", "2", "--quiet"]
    done = subprocess.run([sys.executable, script, *asked], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(table(tmp_path / "out")) == 4

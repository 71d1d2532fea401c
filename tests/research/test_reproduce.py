"""A lock is enough to run again: files are found by digest, and what is not as it was is named."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapeflow.api import run
from tapeflow.backtest.results.lock import lock_text
from tapeflow.configs.loader import load_config
from tapeflow.tests.helpers.command import tapeflow

STRATEGY = 'strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}\n'
CONFIG = "name: kept\ndata: {main: {feed: CsvBars, path: data/bars.csv, tick: 0.1}}\n" + STRATEGY


def bars(file: Path, shift: int = 0) -> Path:
    """Sixty minutes of bars."""
    rows = [
        f"{1_700_000_000_000 + 60_000 * i},{100 + i % 7},{103 + i % 7},{99 + i % 7},{101 + (i * 5 + shift) % 7},10"
        for i in range(60)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return file


def ran(folder: Path, config: str = CONFIG, *settings: str) -> Path:
    """The lock of a run in ``folder``, whose bars lie there in data."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.yaml").write_text(config)
    run(load_config(folder / "run.yaml", settings), folder / "out", report=False)
    return folder / "out" / "run.lock"


def alone(lock: Path, folder: Path) -> Path:
    """The lock as somebody else gets it, without anything beside it."""
    folder.mkdir()
    return Path(shutil.copy(lock, folder / "run.lock"))


def rewritten(lock: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The lock with another content, signed as ours are."""
    content = yaml.safe_load(lock.read_text())
    change(content)
    lock.write_text(lock_text(content))
    return lock


def test_a_stranger_gets_the_same_from_the_lock_and_data_of_another_name(tmp_path: Path) -> None:
    bars(tmp_path / "a" / "data" / "bars.csv")
    lock = alone(ran(tmp_path / "a"), tmp_path / "b")
    bars(tmp_path / "c" / "deep" / "decoy.csv", shift=1)
    shutil.move(tmp_path / "a" / "data" / "bars.csv", tmp_path / "c" / "deep" / "renamed.csv")
    lost = tapeflow("reproduce", lock, "-q")
    assert lost.exit_code == 2
    assert "input data/bars.csv: not found (sha256 " in lost.stderr
    made = tapeflow("reproduce", lock, "--data", tmp_path / "c", "--out", tmp_path / "again", "-q")
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.stdout.startswith("equal: 6 files of kept")
    assert (tmp_path / "again" / "run.lock").read_bytes() == lock.read_bytes()


def test_another_file_in_the_place_of_an_input_is_named(tmp_path: Path) -> None:
    bars(tmp_path / "data" / "bars.csv")
    lock = ran(tmp_path)
    bars(tmp_path / "data" / "bars.csv", shift=1)
    made = tapeflow("reproduce", lock, "-q")
    assert made.exit_code == 2
    assert "input data/bars.csv: " in made.stderr
    assert "is another file than the one of the run" in made.stderr
    assert len(made.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["../data/bars.csv", "x/../../data/bars.csv", "absolute"])
def test_inputs_outside_the_folder_of_the_run_are_found(tmp_path: Path, place: str) -> None:
    file = bars(tmp_path / "data" / "bars.csv")
    (tmp_path / "a" / "x").mkdir(parents=True)
    config = CONFIG.replace("data/bars.csv", str(file) if place == "absolute" else place)
    lock = alone(ran(tmp_path / "a", config), tmp_path / "b")
    assert tapeflow("reproduce", lock, "--data", tmp_path / "data", "-q").exit_code == 0
    shutil.move(tmp_path / "data", tmp_path / "moved")
    assert tapeflow("reproduce", lock, "--data", tmp_path / "moved", "-q").exit_code == 0


def test_what_a_universe_of_all_files_says_is_said_again(tmp_path: Path) -> None:
    for name in ("AA", "BB"):
        bars(tmp_path / "data" / f"{name}.csv")
    block = 'data: {all: {feed: CsvBars, symbols: "*", path: "data/{symbol}.csv", tick: 0.1}}\n'
    lock = ran(tmp_path, "name: universe\n" + block + STRATEGY)
    assert "survivorship" in (tmp_path / "out" / "result.json").read_text()
    assert tapeflow("reproduce", lock, "-q").exit_code == 0


@pytest.mark.parametrize("fills", ["bars", "{from: tape, latency: 60ms}"])
def test_runs_on_made_up_tapes_are_equal_under_every_assumption_of_fills(tmp_path: Path, fills: str) -> None:
    data = "data: {tape: {feed: SyntheticTape, days: 0.2, bars: 1m}}\n"
    lock = ran(tmp_path, f"name: tape\n{data}{STRATEGY}fills: {fills}\n")
    assert tapeflow("reproduce", lock, "-q").stdout.startswith("equal")


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("versions", "numpy", "1.0", "version numpy: 1.0 there, "),
        ("platform", "features", "ZZZ9", "processor feature "),
        ("platform", "system", "Plan9", "platform system: Plan9 there, "),
    ],
)
def test_the_first_thing_that_differs_is_named(tmp_path: Path, part: str, key: str, value: str, said: str) -> None:
    bars(tmp_path / "data" / "bars.csv")
    lock = rewritten(ran(tmp_path), lambda content: content[part].update({key: value}))
    same = tapeflow("reproduce", lock)
    assert same.exit_code == 0
    assert f"although {said}" in same.stderr
    rewritten(lock, lambda content: content["outputs"].update({"orders.parquet": "0" * 64}))
    other = tapeflow("reproduce", lock, "-q")
    assert other.exit_code == 2
    assert other.stdout.startswith("differs: orders.parquet of 6 files")
    assert f"tapeflow: kept: not reproduced; {said}" in other.stderr


def test_where_nothing_differs_but_the_result_it_is_said(tmp_path: Path) -> None:
    bars(tmp_path / "data" / "bars.csv")
    lock = rewritten(ran(tmp_path), lambda content: content["outputs"].update({"trades.parquet": "0" * 64}))
    made = tapeflow("reproduce", lock, "-q", "--json")
    assert made.exit_code == 2
    assert yaml.safe_load(made.stdout) == {
        "name": "kept", "equal": False, "files": 6, "differing": ["trades.parquet"], "causes": []
    }  # fmt: skip
    assert "the run is not deterministic, reads what Python does not see" in made.stderr


def test_a_lock_that_was_changed_or_is_none_is_refused(tmp_path: Path) -> None:
    bars(tmp_path / "data" / "bars.csv")
    lock = ran(tmp_path)
    lock.write_text(lock.read_text().replace("seed: 0", "seed: 1", 1))
    assert "is damaged, or somebody changed it" in tapeflow("reproduce", lock).stderr
    assert "no such file" in tapeflow("reproduce", tmp_path / "nowhere.lock").stderr
    (tmp_path / "other.lock").write_text("a: 1\n")
    assert "not the lock of a run: it has no 'config'" in tapeflow("reproduce", tmp_path / "other.lock").stderr
    assert tapeflow("reproduce", lock, "--data", tmp_path / "none").exit_code == 2


def test_run_takes_a_lock_and_settings_with_it(tmp_path: Path) -> None:
    bars(tmp_path / "data" / "bars.csv")
    lock = ran(tmp_path)
    assert tapeflow("run", lock, "--out", tmp_path / "b", "--no-report", "-q").exit_code == 0
    assert (tmp_path / "b" / "run.lock").read_bytes() == lock.read_bytes()
    words = ("--set", "broker.cash=5", "--out", tmp_path / "c", "--no-report", "-q")
    assert tapeflow("run", lock, *words).exit_code == 0
    assert yaml.safe_load((tmp_path / "c" / "run.lock").read_text())["config"]["broker"]["cash"] == 5.0


OWN = """
from pathlib import Path

from helper_to_reproduce import K
from tapeflow.strategies.framework.base import Strategy


class BuysByWeight(Strategy):
    def next(self):
        if len(self) == 3 and K * float(Path(__file__).with_name("weights.txt").read_text()) > 0:
            self.buy()
"""


def in_a_process_of_its_own(*words: object) -> subprocess.CompletedProcess[str]:
    args = [sys.executable, "-m", "tapeflow.cli", *map(str, words)]
    return subprocess.run(args, capture_output=True, text=True, env={**os.environ})


def test_plugins_and_what_they_read_are_found_and_one_that_changed_is_named(tmp_path: Path) -> None:
    bars(tmp_path / "a" / "data" / "bars.csv")
    block = "plugins: [own.py]\nstrategy: {kind: BuysByWeight}\n"
    (tmp_path / "a" / "run.yaml").write_text(CONFIG.replace(STRATEGY, block))
    (tmp_path / "a" / "own.py").write_text(OWN)
    (tmp_path / "a" / "helper_to_reproduce.py").write_text("K = 1.0\n")
    (tmp_path / "a" / "weights.txt").write_text("1.0\n")
    first = in_a_process_of_its_own("run", tmp_path / "a" / "run.yaml", "--out", tmp_path / "out", "-q", "--no-report")
    assert first.returncode == 0, first.stderr
    lock = alone(tmp_path / "out" / "run.lock", tmp_path / "b")
    shutil.move(tmp_path / "a", tmp_path / "c" / "a")
    again = in_a_process_of_its_own("reproduce", lock, "--data", tmp_path / "c", "-q")
    assert (again.returncode, again.stderr) == (0, "")
    (tmp_path / "c" / "a" / "helper_to_reproduce.py").write_text("K = 2.0\n")
    changed = in_a_process_of_its_own("reproduce", lock, "--data", tmp_path / "c" / "a", "-q")
    assert changed.returncode == 2
    assert "plugin helper_to_reproduce.py: " in changed.stderr
    assert "is another file" in changed.stderr

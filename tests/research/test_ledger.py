"""The ledger: research/ledger, core/files/locked.py, backtest/results/trial.py and `tapeflow ledger`."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import tapeflow as tf
from tapeflow.backtest.results.trial import read_trial, write_trial
from tapeflow.configs.loader import load_config
from tapeflow.research.ledger import Entry, Known, Ledger
from tapeflow.research.ledger.chain import BrokenChainError, Chain
from tapeflow.research.ledger.home import project_folder
from tapeflow.research.ledger.identity import code_key, config_key
from tapeflow.research.ledger.verify import verify
from tapeflow.research.selection.daily import Daily
from tapeflow.research.sweep import sweep
from tapeflow.research.sweep.best import caution, luck_of
from tapeflow.research.sweep.journal import Done
from tapeflow.tests.helpers.sweeps import tapeflow

RUN = """
name: fade
data: {main: {feed: CsvBars, path: days.csv, bars: 1d}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
sizer: {percent: 50}
sweep: {sizer.percent: [10, 50, 90]}
"""
INPUTS = [{"data": "main", "path": "days.csv", "digest": "d0"}]


def project(folder: Path, days: int = 300, seed: int = 4) -> Path:
    """A YAML and its data."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, days)))
    opened = np.concatenate([[100.0], close[:-1]])
    rows = [
        f"{86_400_000 * (19_000 + i)},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},10,{86_400_000 * (19_001 + i)}"
        for i, (o, c) in enumerate(zip(opened.tolist(), close.tolist(), strict=True))
    ]
    (folder / "days.csv").write_text("open_time,open,high,low,close,volume,close_time\n" + "\n".join(rows) + "\n")
    path = folder / "fade.yaml"
    path.write_text(RUN)
    return path


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAPEFLOW_LEDGER")


def ran(path: Path, out: str, *more: object) -> dict[str, Any]:
    done = tapeflow("run", path, "--out", path.parent / out, "--no-report", "--json", *more)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout)["trial"])


def words(path: Path, out: str) -> str:
    trial = read_trial(path.parent / out)
    assert trial is not None
    return trial.words()


class TestTrials:
    def test_a_config_on_data_is_one_trial_however_often_it_runs(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        first, second = ran(path, "a"), ran(path, "b", "--set", "sizer.percent=10")
        again = ran(path, "c")
        assert [one["number"] for one in (first, second, again)] == [1, 2, 1]
        assert [one["again"] for one in (first, second, again)] == [False, False, True]
        assert words(path, "c") == "trial 1 on these data, run again; 2 trials so far"

    @pytest.mark.parametrize(
        "setting", ["name=other", "engine=backtrader", "verify=true", "benchmark=main", "fills={from: bars}"]
    )
    def test_what_moves_no_order_makes_no_trial(self, tmp_path: Path, setting: str) -> None:
        path = project(tmp_path)
        assert config_key(load_config(path)) == config_key(load_config(path, [setting]))

    @pytest.mark.parametrize("setting", ["sizer.percent=51", "seed=1", "broker.cash=5", "data.main.bars=2d"])
    def test_what_may_move_an_order_makes_one(self, tmp_path: Path, setting: str) -> None:
        path = project(tmp_path)
        assert config_key(load_config(path)) != config_key(load_config(path, [setting]))

    def test_data_are_known_by_their_content(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        ran(path, "a")
        (tmp_path / "days.csv").rename(tmp_path / "same.csv")
        path.write_text(RUN.replace("days.csv", "same.csv"))
        assert ran(path, "b")["again"]
        project(tmp_path, seed=5)
        assert ran(path, "c")["number"] == 1, "other data have a count of their own"

    def test_one_file_more_does_not_begin_a_new_count(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / ".tapeflow")
        ledger.count(INPUTS, [Entry("run", "a", t) for t in ("t1", "t2")])
        (more,) = ledger.count([*INPUTS, {"data": "main", "path": "b", "digest": "d1"}], [Entry("run", "a", "t3")])
        assert (more.number, more.trials) == (3, 3)
        (other,) = ledger.count([{"data": "main", "path": "b", "digest": "d9"}], [Entry("run", "a", "t4")])
        assert other.number == 1

    def test_a_plugin_that_changed_makes_another_trial(self, tmp_path: Path) -> None:
        path, own = project(tmp_path), tmp_path / "mine.py"
        code = "from tapeflow.strategies.base import Strategy\n\n\nclass MineOwn(Strategy):\n    pass\n"
        own.write_text(code)
        path.write_text(yaml.safe_dump(yaml.safe_load(RUN) | {"plugins": ["mine.py"], "strategy": {"kind": "MineOwn"}}))
        config = load_config(path)
        first = code_key(config)
        own.write_text(code + "# changed\n")
        assert first != code_key(config)
        own.write_text(code)
        assert first == code_key(config)

    def test_equal_runs_stay_equal_whatever_their_number(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        ran(path, "a")
        ran(path, "b")
        lock = [(tmp_path / name / "run.lock").read_bytes() for name in "ab"]
        assert lock[0] == lock[1]
        assert b"trial.yaml" not in lock[0]

    def test_the_report_says_it_and_says_that_nobody_counted(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        tf.run(path, tmp_path / "a")
        assert "trial 1 on these data" in (tmp_path / "a" / "report.html").read_text()
        tf.run(path, tmp_path / "b", ledger=False)
        assert "in no ledger (--no-ledger)" in (tmp_path / "b" / "report.html").read_text()
        (tmp_path / "a" / "trial.yaml").unlink()
        assert tapeflow("report", tmp_path / "a").exit_code == 0
        assert "no ledger counted this run" in (tmp_path / "a" / "report.html").read_text()

    def test_points_of_a_sweep_are_trials_and_the_run_among_them_is_the_same(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        ran(path, "a")
        told = json.loads(tapeflow("sweep", path, "--out", tmp_path / "s", "--jobs", 1, "--json").stdout)
        assert told["trials"] == 3
        (made,) = json.loads(tapeflow("ledger", "list", "--folder", tmp_path, "--json").stdout)
        assert (made["trials"], made["kinds"]) == (3, {"run": 1, "point": 3})

    def test_a_run_from_its_lock_is_no_new_trial(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        ran(path, "a")
        assert ran(tmp_path / "a" / "run.lock", "../b")["again"]
        assert tapeflow("reproduce", tmp_path / "a").exit_code == 0
        (made,) = json.loads(tapeflow("ledger", "list", "--folder", tmp_path, "--json").stdout)
        assert (made["trials"], made["kinds"]) == (1, {"run": 2, "reproduction": 1})


class TestSelection:
    def test_the_best_is_weighed_with_all_that_was_run_before(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        for percent in (20, 30):
            ran(path, "a", "--set", f"sizer.percent={percent}", "--set", "strategy.params.long.exit=close > open")
        said = json.loads(tapeflow("sweep", path, "--out", tmp_path / "s", "--jobs", 1, "--json").stdout)
        assert said["trials"] == 5
        assert said["chance"]["points"] == 5
        assert "Among 5 points the best Sharpe" in said["caution"]
        assert "(3 here, 2 earlier on these data)" in said["caution"]
        again = json.loads(tapeflow("sweep", path, "--out", tmp_path / "s", "--jobs", 1, "--json").stdout)
        assert again["caution"] == said["caution"]

    def test_an_earlier_run_of_other_days_was_flat_on_the_rest(self) -> None:
        rng = np.random.default_rng(1)
        own = {n: Daily(0, rng.normal(0, 0.01, 300).astype(np.float32), False) for n in (1, 2)}
        figures = {"exposure_pct": 50.0, "periods_per_year": 365.0, "trades": 100}
        done = {n: Done(n, figures, "", one.text()) for n, one in own.items()}
        short = Daily(200, rng.normal(0.001, 0.01, 260).astype(np.float32), False)
        whole = Daily(0, np.concatenate([np.zeros(200), short.made[:100]]).astype(np.float32), False)
        found = [luck_of(done, Known({"t": one}, {"t": 1.0}, frozenset())) for one in (short, whole)]
        assert found[0] is not None
        assert found[0] == found[1]
        assert found[0].days == 300

    def test_trials_without_daily_returns_are_said(self) -> None:
        rng = np.random.default_rng(1)
        figures = {"exposure_pct": 50.0, "periods_per_year": 365.0, "trades": 100}
        own = {n: Daily(0, rng.normal(0, 0.01, 300).astype(np.float32), False) for n in (1, 2)}
        done = {n: Done(n, figures, "", one.text()) for n, one in own.items()}
        others = Known({}, {}, frozenset({"failed"}))
        said = caution(luck_of(done, others), 2, 300, others)
        assert "Among 3 points" in said
        assert "1 earlier point without daily returns could not be weighed" in said


def lines(folder: Path) -> list[bytes]:
    return (folder / ".tapeflow" / "ledger").read_bytes().split(b"\n")[:-1]


def relinked(entries: list[bytes]) -> bytes:
    """A whole chain of other entries."""
    head, made = "0" * 64, b""
    for entry in entries:
        head = hashlib.sha256(head.encode() + b"\n" + entry).hexdigest()
        made += head.encode() + b" " + entry + b"\n"
    return made


TAMPERED: dict[str, Callable[[list[bytes]], bytes]] = {
    "a figure edited": lambda own: b"\n".join([*own[:2], own[2].replace(b'"trades"', b'"frades"'), *own[3:]]) + b"\n",
    "a digest edited": lambda own: b"\n".join([*own[:2], b"0" * 64 + own[2][64:], *own[3:]]) + b"\n",
    "two lines exchanged": lambda own: b"\n".join([*own[:2], own[3], own[2], *own[4:]]) + b"\n",
    "an inner line taken out": lambda own: b"\n".join([*own[:2], *own[3:]]) + b"\n",
    "the first line taken out": lambda own: b"\n".join(own[1:]) + b"\n",
    "a line written twice": lambda own: b"\n".join([*own[:3], *own[2:]]) + b"\n",
    "a line put in": lambda own: b"\n".join([*own[:2], b"0" * 64 + b' {"kind":"run"}', *own[2:]]) + b"\n",
    "the end cut off": lambda own: b"\n".join(own[:-1]) + b"\n",
    "all but the beginning cut off": lambda own: b"\n".join(own[:2]) + b"\n",
    "written anew without a line": lambda own: relinked([line[65:] for i, line in enumerate(own) if i != 2]),
    "emptied": lambda own: b"",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A ledger of three runs and its results."""
    folder = tmp_path_factory.mktemp("whole")
    ledger = Ledger(folder / ".tapeflow")
    for name in "abc":
        (trial,) = ledger.count(INPUTS, [Entry("run", name, f"t{name}", {"trades": 3})])
        (folder / name).mkdir()
        write_trial(trial, folder / name)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class TestVerify:
    @pytest.fixture
    def folder(self, whole: dict[str, bytes], tmp_path: Path) -> Path:
        for name, content in whole.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return tmp_path

    def test_an_untouched_one_is_whole(self, folder: Path) -> None:
        made = verify(folder / ".tapeflow")
        assert (made.entries, made.results, made.faults, made.remarks) == (5, 3, (), ())
        assert tapeflow("ledger", "verify", "--folder", folder).exit_code == 0

    @pytest.mark.parametrize("how", TAMPERED)
    def test_it_is_found(self, folder: Path, how: str) -> None:
        (folder / ".tapeflow" / "ledger").write_bytes(TAMPERED[how](lines(folder)))
        assert verify(folder / ".tapeflow").faults
        done = tapeflow("ledger", "verify", "--folder", folder)
        assert done.exit_code == 2

    def test_a_ledger_that_is_gone_is_said(self, folder: Path) -> None:
        (folder / ".tapeflow" / "ledger").unlink()
        faults = verify(folder / ".tapeflow").faults
        assert "no such ledger" in faults[0]
        assert len(faults) == 4
        (folder / ".tapeflow").rmdir()
        done = tapeflow("ledger", "verify", "--folder", folder)
        assert done.exit_code == 2
        assert "no .tapeflow there or above" in done.stderr

    def test_a_results_word_that_was_edited_is_found(self, folder: Path) -> None:
        text = (folder / "c" / "trial.yaml").read_text()
        (folder / "c" / "trial.yaml").write_text(text.replace("number: 3", "number: 1"))
        (fault,) = verify(folder / ".tapeflow").faults
        assert "somebody changed it" in fault

    def test_nothing_is_added_to_one_that_was_changed_and_the_run_says_so(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        ran(path, "a")
        file = tmp_path / ".tapeflow" / "ledger"
        file.write_bytes(TAMPERED["a figure edited"](lines(tmp_path)))
        before = file.read_bytes()
        trial = ran(path, "b")
        assert not trial["counted"]
        assert "line 3 is not as it was written" in trial["reason"]
        assert file.read_bytes() == before
        with pytest.raises(BrokenChainError, match="line 3"):
            Ledger(file.parent).refresh()

    def test_a_line_that_was_not_finished_is_none(self, folder: Path) -> None:
        file = folder / ".tapeflow" / "ledger"
        whole = file.read_bytes()
        for cut in (1, 40, 70, 100):
            file.write_bytes(whole + whole[:cut])
            made = verify(folder / ".tapeflow")
            assert not made.faults
            assert f"{cut} bytes at its end were not finished" in made.remarks[0]
            (trial,) = Ledger(folder / ".tapeflow").count(INPUTS, [Entry("run", "d", "td")])
            assert (trial.number, trial.entry) == (4, 6)
            assert not verify(folder / ".tapeflow").faults
            file.write_bytes(whole)


def append(folder: str, name: str, count: int) -> None:
    ledger = Ledger(Path(folder))
    for i in range(count):
        ledger.count(
            INPUTS, [Entry("point", f"{name}{i}", f"{name}{i}", daily=Daily(0, np.zeros(300, "f4"), False).text())]
        )


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_each_entry_of_many_processes_has_its_line_and_a_kill_leaves_it_readable(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    several = [context.Process(target=append, args=(str(tmp_path), name, 40)) for name in "ab"]
    victim = context.Process(target=append, args=(str(tmp_path), "k", 100_000))
    for process in (*several, victim):
        process.start()
    for process in several:
        process.join()
    file = tmp_path / "ledger"
    while b'"k30"' not in file.read_bytes():
        time.sleep(0.01)
    os.kill(victim.pid or 0, signal.SIGKILL)
    victim.join()
    seen: list[int] = []
    Chain(file, lambda link: seen.append(link.entry.get("number", 0))).refresh()
    numbers = [number for number in seen if number]
    assert numbers == [*range(1, len(numbers) + 1)]
    known = Ledger(tmp_path).known(INPUTS)
    assert known.trials == len(known.daily) == len(numbers) > 110, "what a line names was kept before it"
    assert not verify(tmp_path, [tmp_path]).faults


class TestPlace:
    def test_it_is_the_nearest_above_the_yaml(self, tmp_path: Path) -> None:
        path = project(tmp_path / "project" / "configs")
        (tmp_path / "project" / ".tapeflow").mkdir()
        ran(path, "a")
        assert (tmp_path / "project" / ".tapeflow" / "ledger").exists()
        assert not (path.parent / ".tapeflow").exists()

    def test_shipped_configs_count_in_the_working_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        import tapeflow.configs.shipped as shipped

        monkeypatch.chdir(tmp_path)
        assert project_folder(shipped.FOLDER) == tmp_path / ".tapeflow"
        monkeypatch.chdir(shipped.FOLDER.parent)
        assert project_folder(shipped.FOLDER) is None, "tapeflow's own folder keeps none"
        assert Ledger.of(shipped.FOLDER).count(INPUTS, [Entry("run", "a", "t")])[0].reason

    def test_a_mapping_counts_in_the_working_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        project(tmp_path)
        raw = {key: value for key, value in yaml.safe_load(RUN).items() if key != "sweep"}
        tf.run(raw, tmp_path / "out", report=False)
        assert (tmp_path / ".tapeflow" / "ledger").exists()

    def test_a_sweep_that_was_not_told_counts_nothing(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        made = sweep(load_config(path), tmp_path / "s", jobs=1)
        assert made.trial is not None
        assert not made.trial.counted
        assert not (tmp_path / ".tapeflow").exists()
        assert not (tmp_path / "s" / "trial.yaml").exists()

    def test_one_that_cannot_be_written_does_not_stop_a_run(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        (tmp_path / ".tapeflow").mkdir()
        (tmp_path / ".tapeflow" / "ledger").mkdir()
        trial = ran(path, "a")
        assert not trial["counted"]
        assert "cannot be written" in trial["reason"]


def test_an_entry_is_shown_by_its_number_its_trial_and_its_data(tmp_path: Path) -> None:
    path = project(tmp_path)
    trial = ran(path, "a")
    shown = [
        json.loads(tapeflow("ledger", "show", what, "--folder", tmp_path, "--json").stdout)
        for what in (trial["entry"], trial["data"][:9])
    ]
    assert shown[0] == shown[1]
    assert shown[0][0]["digest"] == trial["head"]
    done = tapeflow("ledger", "show", "nonsense", "--folder", tmp_path)
    assert done.exit_code == 2
    assert "'nonsense'" in done.stderr


def test_each_test_of_an_event_is_a_trial(tmp_path: Path) -> None:
    path = tmp_path / "events.yaml"
    path.write_text("name: up\ndata: {main: {feed: SyntheticTape, days: 1}}\nevents: {up: close > open}\n")
    for horizons, trials in (("1,5", 2), ("5,15", 3), ("1,5", 3)):
        done = tapeflow("events", path, "--horizons", horizons, "--json")
        assert json.loads(done.stdout)["trial"]["trials"] == trials, done.output
    other = tapeflow("events", path, "--when", "close < open", "--horizons", "1", "--json")
    assert json.loads(other.stdout)["trial"]["trials"] == 4
    shown = json.loads(tapeflow("ledger", "show", "3", "--folder", tmp_path, "--json").stdout)
    assert (shown[0]["kind"], shown[0]["values"]) == ("event", {"when": "close > open", "horizon": 1})
    uncounted = tapeflow("events", path, "--horizons", "1", "--no-ledger")
    assert "in no ledger (--no-ledger)" in uncounted.stderr

"""run.lock: it names everything a run depended on, and is the same wherever the run's folder lies."""

import hashlib
import linecache
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import PluginError
from tapeflow.core.plugins import watch
from tapeflow.tests.helpers.command import tapeflow

CONFIG = """\
name: locked
data: {main: {feed: CsvBars, path: data/bars.csv, tick: 0.1}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
"""


def project(folder: Path, config: str = CONFIG) -> Path:
    """A folder with a run and its bars; gives the YAML."""
    rows = [
        f"{1_700_000_000_000 + 60_000 * i},{100 + i % 7},{103 + i % 7},{99 + i % 7},{101 + (i * 5) % 7},10"
        for i in range(60)
    ]
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "bars.csv").write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    (folder / "run.yaml").write_text(config)
    return folder / "run.yaml"


def lock_of(path: Path, out: str = "out") -> dict[str, Any]:
    """The lock of a run of the YAML at ``path``."""
    run(load_config(path), path.parent / out, report=False)
    return dict(yaml.safe_load((path.parent / out / "run.lock").read_text()))


def test_the_lock_has_the_digest_of_every_file_of_the_result(tmp_path: Path) -> None:
    path = project(tmp_path)
    run(load_config(path), tmp_path / "out")
    outputs = yaml.safe_load((tmp_path / "out" / "run.lock").read_text())["outputs"]
    made = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (tmp_path / "out").iterdir()}
    assert outputs == {
        name: made[name] for name in sorted(made) if name not in ("run.lock", "report.html", "trial.yaml")
    }
    assert {"result.json", "orders.parquet", "bars.parquet"} <= outputs.keys()


def test_the_same_run_in_another_folder_has_the_same_lock(tmp_path: Path) -> None:
    first = lock_of(project(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b" / "deep")
    assert lock_of(tmp_path / "b" / "deep" / "run.yaml", "elsewhere") == first
    assert first["inputs"][0]["path"] == "data/bars.csv"
    assert str(tmp_path) not in yaml.safe_dump(first)


def test_the_lock_tells_machines_apart(tmp_path: Path) -> None:
    assert {"system", "machine", "features"} == lock_of(project(tmp_path))["platform"].keys()


OWN = """
from pathlib import Path

import numpy as np
from {helper} import K
from tapeflow.indicators.framework.base import Indicator, Line


class {kind}(Indicator):
    lines = ("v",)
    inputs = ("close",)
    measures = {{"v": Line("close", price=1)}}
    reads = ("model.bin",)

    def vec(self, close):
        import importlib

        extra = importlib.import_module("{helper}_late").EXTRA
        weight = float(Path(__file__).with_name("weights.txt").read_text())
        return (close * weight * K + extra,)

    def lookback(self):
        return 1
"""


def with_plugin(folder: Path, kind: str) -> Path:
    """A project whose indicator imports a helper, another one late, reads a file, and declares one."""
    helper = f"helper_of_{kind.lower()}"
    path = project(
        folder,
        CONFIG.replace("strategy:", f"plugins: [own.py]\nindicators: {{own: {{kind: {kind}}}}}\nstrategy:"),
    )
    (folder / "own.py").write_text(OWN.format(kind=kind, helper=helper))
    (folder / f"{helper}.py").write_text(f"from {helper}_deep import K\n")
    (folder / f"{helper}_deep.py").write_text("K = 1.0\n")
    (folder / f"{helper}_late.py").write_text("EXTRA = 0.0\n")
    (folder / "weights.txt").write_text("1.0\n")
    (folder / "model.bin").write_bytes(b"model")
    return path


def in_a_process_of_its_own(path: Path, out: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The lock of a run on the command line, from another folder."""
    args = ["-m", "tapeflow.cli", "run", str(path), "--no-report", "--quiet", "--out", str(path.parent / out)]
    env = {**os.environ, **(more or {})}
    done = subprocess.run([sys.executable, *args], cwd=path.parent.parent, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load((path.parent / out / "run.lock").read_text()))


def test_the_lock_names_what_plugins_import_and_read(tmp_path: Path) -> None:
    path = with_plugin(tmp_path / "a", "ReadsFiles")
    first = in_a_process_of_its_own(path, "out")
    helper = "helper_of_readsfiles"
    digest = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.parent.iterdir() if p.is_file()}
    assert {one["path"] for one in first["plugins"]} == {"own.py", f"{helper}.py", f"{helper}_deep.py"}
    assert {one["path"] for one in first["reads"]} == {"weights.txt", "model.bin", f"{helper}_late.py"}
    assert all(one["sha256"] == digest[one["path"]] for part in ("plugins", "reads") for one in first[part])
    assert first["versions"]["numpy"]
    shutil.copytree(tmp_path / "a", tmp_path / "elsewhere" / "b", ignore=shutil.ignore_patterns("__pycache__", "out"))
    assert in_a_process_of_its_own(tmp_path / "elsewhere" / "b" / "run.yaml", "other") == first


@pytest.mark.parametrize("name", ["weights.txt", "model.bin", "own.py", "_deep.py", "_late.py"])
def test_another_file_behind_a_plugin_is_another_lock(tmp_path: Path, name: str) -> None:
    path = with_plugin(tmp_path, f"Changes{name.partition('.')[0].strip('_').title()}")
    lock_of(path)
    first = lock_of(path)
    file = next(p for p in tmp_path.iterdir() if p.name.endswith(name))
    file.write_bytes(file.read_bytes() + b"\n")
    assert lock_of(path) != first


ASKS = """
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

from tapeflow.indicators.framework.base import Indicator, Line

HERE = Path(__file__).parent
KNOWN = sqlite3.connect(HERE / "known.db").execute("select x from t").fetchone()[0]
NAMED = sqlite3.connect(f"file:{HERE}/by%20name.db?mode=ro", uri=True).execute("select x from t").fetchone()[0]
sqlite3.connect(HERE / "made.db").execute("create table if not exists t (x)")
ZoneInfo.no_cache("Europe/Paris")


class AsksDatabases(Indicator):
    lines = ("v",)
    inputs = ("close",)
    measures = {"v": Line("close", price=1)}

    def vec(self, close):
        return (close * KNOWN * NAMED,)

    def lookback(self):
        return 1
"""


def test_databases_are_read_and_zones_are_the_machine_s(tmp_path: Path) -> None:
    block = "plugins: [own.py]\nindicators: {own: {kind: AsksDatabases}}\nstrategy:"
    path = project(tmp_path, CONFIG.replace("strategy:", block))
    (tmp_path / "own.py").write_text(ASKS)
    for name in ("known.db", "by name.db"):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute("create table t (x)")
            database.execute("insert into t values (2.0)")
            database.commit()
    assert {one["path"] for one in in_a_process_of_its_own(path, "out")["reads"]} == {"known.db", "by name.db"}


def test_a_run_without_plugins_lists_none(tmp_path: Path) -> None:
    made = lock_of(project(tmp_path))
    assert (made["plugins"], made["reads"]) == ([], [])


READS = """
from pathlib import Path

from tapeflow.strategies.framework.base import Strategy

HERE = Path(__file__).parent


class {kind}(Strategy):
    params = {{"file": "one.txt"}}

    def next(self):
        if len(self) == 3 and float((HERE / self.p.file).read_text()) > 0:
            self.buy()
"""


def reading(folder: Path, kind: str, more: str = "") -> Path:
    """A project whose strategy reads the file that a parameter names, in the middle of the run."""
    config = CONFIG[: CONFIG.index("strategy:")]
    path = project(folder, f"{config}plugins: [own.py]\nstrategy: {{kind: {kind}, params: {{file: one.txt}}}}\n{more}")
    (folder / "own.py").write_text(READS.format(kind=kind))
    for name in ("one.txt", "two.txt"):
        (folder / name).write_text("1.0\n")
    return path


def read_by(lock: dict[str, Any]) -> list[str]:
    return [one["path"] for one in lock["reads"]]


def test_of_several_runs_in_a_process_each_names_what_it_read_itself(tmp_path: Path) -> None:
    path = reading(tmp_path, "ReadsByTurns")
    made = []
    for name, out in (("one.txt", "a"), ("two.txt", "b"), ("one.txt", "c")):
        run(load_config(path, [f"strategy.params.file={name}"]), tmp_path / out)
        made.append(yaml.safe_load((tmp_path / out / "run.lock").read_text()))
    assert [read_by(lock) for lock in made] == [["one.txt"], ["two.txt"], ["one.txt"]]
    assert {**made[0], "name": ""} == {**made[2], "name": ""}


KEEPS = """
from functools import cache
from pathlib import Path

from tapeflow.strategies.framework.base import Strategy

HERE = Path(__file__).parent


@cache
def weight(name):
    return float((HERE / name).read_text())


class {kind}(Strategy):
    params = {{"file": "one.txt"}}

    def next(self):
        if len(self) == 3 and weight(self.p.file) > 0:
            self.buy()
"""


def test_what_a_plugin_kept_from_an_earlier_run_is_in_the_lock(tmp_path: Path) -> None:
    path = reading(tmp_path, "KeepsWhatItRead")
    (tmp_path / "own.py").write_text(KEEPS.format(kind="KeepsWhatItRead"))
    first, second = (lock_of(path, out) for out in ("a", "b"))
    assert read_by(first) == ["one.txt"]
    assert second == first
    (tmp_path / "one.txt").write_text("-1.0\n")
    with pytest.raises(PluginError, match=r"one.txt: was changed since a plugin read it in this process"):
        run(load_config(path), tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_what_one_run_wrote_and_another_reads_is_in_the_lock_of_the_other(tmp_path: Path) -> None:
    path = reading(tmp_path, "WritesThenReads")
    own = (tmp_path / "own.py").read_text()
    (tmp_path / "own.py").write_text(own + "\n    def stop(self):\n        (HERE / 'two.txt').write_text('2.0')\n")
    first = load_config(path)
    run(first, tmp_path / "a")
    run(load_config(path, ["strategy.params.file=two.txt"]), tmp_path / "b")
    assert read_by(yaml.safe_load((tmp_path / "b" / "run.lock").read_text())) == ["two.txt"]


def test_a_source_that_is_read_for_a_traceback_is_in_no_lock(tmp_path: Path) -> None:
    mine = tmp_path / "of_the_caller.py"
    mine.write_text("1 / 0\n")
    path = reading(tmp_path, "AfterAFault")
    run(load_config(path), tmp_path / "first")
    shows = threading.Thread(target=linecache.getlines, args=(str(mine),))  # none of the caller's code is on the way
    shows.start()
    shows.join()
    run(load_config(path), tmp_path / "again")
    locks = [yaml.safe_load((tmp_path / name / "run.lock").read_text()) for name in ("first", "again")]
    assert [read_by(lock) for lock in locks] == [["one.txt"], ["one.txt"]]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_lock_of_a_sweep_names_what_its_runs_read(tmp_path: Path, jobs: str) -> None:
    swept = "sweep: {strategy.params.file: [one.txt, two.txt]}\n"
    path = reading(tmp_path / "a", f"SweptBy{jobs}", swept)
    words = ["sweep", str(path), "--out", str(tmp_path / "s"), "--jobs", jobs, "-q"]
    made = tapeflow(*words)
    assert made.exit_code == 0, made.stderr
    first = yaml.safe_load((tmp_path / "s" / "sweep.yaml").read_text())
    assert read_by(first) == ["one.txt", "two.txt"]
    assert tapeflow(*words).exit_code == 0
    assert yaml.safe_load((tmp_path / "s" / "sweep.yaml").read_text()) == first
    (path.parent / "two.txt").write_text("-1.0\n")
    again = tapeflow(*words)
    assert again.exit_code == 2
    assert "holds another sweep" in again.stderr


def test_what_an_installed_plugin_reads_at_its_import_is_in_the_lock(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    package, told = site / "installed_reader", site / "installed_reader-1.0.dist-info"
    package.mkdir(parents=True)
    told.mkdir()
    (package / "__init__.py").write_text(
        "import os\nfrom pathlib import Path\n\nfrom tapeflow.strategies.framework.base import Strategy\n\n"
        "K = float(Path(os.environ['READ_AT_IMPORT']).read_text())\n\n\n"
        "class InstalledReader(Strategy):\n    def next(self):\n        self.buy(size=K)\n"
    )
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-reader\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[tapeflow.plugins]\ninstalled_reader = installed_reader\n")
    (told / "RECORD").write_text("installed_reader/__init__.py,,\n")
    path = project(tmp_path / "a", f"{CONFIG[: CONFIG.index('strategy:')]}strategy: {{kind: InstalledReader}}\n")
    (tmp_path / "a" / "weights.txt").write_text("1.0")
    more = {"PYTHONPATH": str(site), "READ_AT_IMPORT": str(tmp_path / "a" / "weights.txt")}
    made = in_a_process_of_its_own(path, "out", more)
    assert read_by(made) == ["weights.txt"]
    assert made["versions"]["installed_reader"] == "1.0"


def test_a_folder_that_was_opened_is_no_file_that_was_read(tmp_path: Path) -> None:
    """Removing a folder opens it; whoever did, no later run may miss it."""
    (tmp_path / "made").mkdir()
    watch.watch()
    seen = watch.Seen()
    with watch.seeing(seen):
        os.close(os.open(tmp_path / "made", os.O_RDONLY))
        (tmp_path / "read.txt").write_text("x")
        (tmp_path / "read.txt").read_text()
    assert [Path(path).name for path in seen.opened] == ["read.txt"]
    assert not any(path.endswith("made") for path in watch._stamps)

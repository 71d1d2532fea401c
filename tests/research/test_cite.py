"""A run as one zip: whole, without data, and enough to run again."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

from tapeflow.tests.helpers.command import tapeflow

CONFIG = """\
name: cited
data: {main: {feed: CsvBars, path: data/bars.csv, tick: 0.1, bad_rows: quarantine}}
plugins: [../lib/cited_plugin.py]
strategy: {kind: CitedBuyer}
"""
PLUGIN = """
from cited_helper import AT
from tapeflow.strategies.framework.base import Strategy


class CitedBuyer(Strategy):
    def next(self):
        if len(self) == AT:
            self.buy()
"""


def process(*words: object) -> str:
    args = [sys.executable, "-m", "tapeflow.cli", *map(str, words)]
    done = subprocess.run(args, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cited_run_holds_no_data_and_is_run_again_elsewhere(tmp_path: Path) -> None:
    mine, lib = tmp_path / "mine", tmp_path / "lib"
    (mine / "data").mkdir(parents=True)
    lib.mkdir()
    rows = [f"{1_700_000_000_000 + 60_000 * i},100,103,99,{100 + i % 3},10" for i in range(60)]
    (mine / "data" / "bars.csv").write_text("time,open,high,low,close,volume\n" + "\n".join([*rows, "zz,1,2,3,4,5\n"]))
    (mine / "run.yaml").write_text(CONFIG)
    (lib / "cited_plugin.py").write_text(PLUGIN)
    (lib / "cited_helper.py").write_text("AT = 3\n")
    process("run", mine / "run.yaml", "--out", mine / "out", "-q")
    process("cite", mine / "out", "--out", tmp_path / "a.zip", "-q")
    process("cite", mine / "out", "--out", tmp_path / "b.zip", "-q")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "theirs")
    left_out = {"bars.parquet", "main.quarantine.csv"}
    lock = yaml.safe_load((mine / "out" / "run.lock").read_text())
    assert left_out < lock["outputs"].keys()
    code = {"project/lib/cited_plugin.py", "project/lib/cited_helper.py"}
    assert names == (lock["outputs"].keys() - left_out) | {"run.lock", "config.yaml", "report.html"} | code
    for name in lock["outputs"].keys() - left_out:
        assert hashlib.sha256((tmp_path / "theirs" / name).read_bytes()).hexdigest() == lock["outputs"][name]
    lib.rename(tmp_path / "gone")
    (mine / "data").rename(tmp_path / "elsewhere")
    assert process("reproduce", tmp_path / "theirs", "--data", tmp_path / "elsewhere", "-q").startswith("equal")
    (tmp_path / "gone").rename(lib)
    (lib / "cited_helper.py").write_text("AT = 4\n")
    refused = tapeflow("cite", mine / "out", "--out", tmp_path / "c.zip", "-q")
    assert refused.exit_code == 2
    assert "cited_helper.py: " in refused.stderr
    assert not (tmp_path / "c.zip").exists()


def test_what_is_no_run_or_was_changed_is_refused(tmp_path: Path) -> None:
    assert "no such folder" in tapeflow("cite", tmp_path / "none").stderr
    assert "run.lock: no such file" in tapeflow("cite", tmp_path).stderr

"""run.lock: it names everything a run depended on, and is the same wherever the run's folder lies."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import yaml

from tapeflow.backtest.runner import run
from tapeflow.configs.loader import load_config

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
    assert outputs == {name: made[name] for name in sorted(made) if name not in ("run.lock", "report.html")}
    assert {"result.json", "orders.parquet", "bars.parquet"} <= outputs.keys()


def test_the_same_run_in_another_folder_has_the_same_lock(tmp_path: Path) -> None:
    first = lock_of(project(tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b" / "deep")
    assert lock_of(tmp_path / "b" / "deep" / "run.yaml", "elsewhere") == first
    assert first["inputs"][0]["path"] == "data/bars.csv"
    assert str(tmp_path) not in yaml.safe_dump(first)


def test_the_lock_tells_machines_apart(tmp_path: Path) -> None:
    assert {"system", "machine", "features"} == lock_of(project(tmp_path))["platform"].keys()

"""Faults of the system in run and sweep: one line with the path, exit code 2, and nothing half written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeflow.tests.command import tapeflow

CONFIG = """\
name: small
data: {main: {feed: CsvBars, path: bars.csv}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = "".join(f"{1_700_000_040_000 + 60_000 * i},{100 + i % 7},107,99,{101 + i * 5 % 6},10\n" for i in range(60))
    (tmp_path / "bars.csv").write_text("time,open,high,low,close,volume\n" + rows)
    (tmp_path / "run.yaml").write_text(CONFIG)
    (tmp_path / "sweep.yaml").write_text(CONFIG + "sweep: {broker.cash: [1e4, 2e4]}\n")
    return tmp_path


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A drive of 64 kB with no room left."""
    drive = tmp_path / "drive"
    drive.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(drive)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if made.returncode:
        pytest.skip("no drive can be mounted here")
    try:
        with (drive / "rest").open("wb") as rest:
            rest.write(bytes(48 << 10))
        yield drive
    finally:
        subprocess.run(["umount", str(drive)], check=True)


def args_of(command: str, home: Path, out: Path) -> list[str]:
    return [command, str(home / f"{command}.yaml"), "--out", str(out), *(["--jobs", "1"] if command == "sweep" else [])]


def test_a_full_drive_is_one_line_and_leaves_nothing_behind(home: Path, full: Path) -> None:
    made = tapeflow(*args_of("run", home, full / "out"), "-q")
    assert made.exit_code == 2
    assert made.stderr.count("\n") == 1
    assert made.stderr.startswith(f"tapeflow: {full / 'out'}")
    assert made.stderr.rstrip().endswith("No space left on device")
    assert [path.name for path in full.iterdir()] == ["rest"]


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_name_too_long_is_one_line_with_the_name(home: Path, command: str) -> None:
    out = home / ("n" * 300)
    made = tapeflow(*args_of(command, home, out), "-q")
    assert (made.exit_code, made.stderr) == (2, f"tapeflow: {out}: cannot be written: File name too long\n")


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_closed_standard_output_is_one_line(home: Path, command: str) -> None:
    words = args_of(command, home, home / "out")
    code = f"import os, sys; os.close(1); from tapeflow.backtest.cli import main; main({words!r})"
    made = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    assert made.returncode == 2
    assert made.stderr.splitlines()[-1].startswith("tapeflow: standard output: cannot be written: ")
    assert "Traceback" not in made.stderr

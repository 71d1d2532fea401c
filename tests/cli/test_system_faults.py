"""Faults of the system in run and sweep: one line with the path, exit code 2, and nothing half written."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeflow.core.errors import SystemFaultError
from tapeflow.core.files.folders import replacing_folder
from tapeflow.core.files.writing import replacing
from tapeflow.tests.helpers.command import tapeflow

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
        assert open_in(drive) == []
    finally:
        unmount(drive)


def open_in(drive: Path) -> list[str]:
    """Files of a drive that this process has open, where the system tells."""
    gc.collect()
    handles = Path("/proc/self/fd")
    links = [handles / name for name in os.listdir(handles)] if handles.is_dir() else []  # noqa: PTH208 (one of them is the listing's own)
    return [str(link.readlink()) for link in links if link.is_symlink() and link.readlink().is_relative_to(drive)]


def unmount(drive: Path) -> None:
    """Whoever looks into the folder of the tests meanwhile makes the drive busy for an instant."""
    for _ in range(20):
        if subprocess.run(["umount", str(drive)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    subprocess.run(["umount", "-l", str(drive)], check=True)


def args_of(command: str, home: Path, out: Path) -> list[str]:
    return [command, str(home / f"{command}.yaml"), "--out", str(out), *(["--jobs", "1"] if command == "sweep" else [])]


def test_a_full_drive_is_one_line_and_leaves_nothing_behind(home: Path, full: Path) -> None:
    made = tapeflow(*args_of("run", home, full / "out"), "-q")
    assert made.exit_code == 2
    assert_told(made.stderr, full / "out")
    assert [path.name for path in full.iterdir()] == ["rest"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_to_a_full_drive_is_one_line_and_leaves_nothing_behind(home: Path, full: Path, ending: str) -> None:
    rows = "".join(f"{1_700_000_040_000 + i},{100 + i % 97},{i % 997}.{i % 9973},buy\n" for i in range(20_000))
    (home / "trades.csv").write_text("time,price,quantity,side\n" + rows)
    words = ("--feed", "CsvTape", "--market", "spot", "--symbol", "BTCUSDT", "-q")
    made = tapeflow("data", "add", home / "trades.csv", "--catalog", home / "catalog", *words)
    assert made.exit_code == 0, made.stderr
    made = tapeflow("data", "add", home / "trades.csv", "--catalog", full / "catalog", *words)
    assert (made.exit_code, "No space left on device" in made.stderr) == (2, True)
    shutil.rmtree(full / "catalog", ignore_errors=True)
    out = full / f"out.{ending}"
    made = tapeflow("data", "export", "--catalog", home / "catalog", "--out", out, "-q")
    assert made.exit_code == 2
    assert_told(made.stderr, out)
    assert [path.name for path in full.iterdir()] == ["rest"]


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_bars_on_a_full_drive_are_one_line_and_leave_nothing_behind(home: Path, full: Path, ending: str) -> None:
    clock = range(1_700_000_040_000, 1_700_300_040_000, 60_000)
    rows = "".join(f"{at},{100 + at % 7},107,99,{101 + at % 5},{at % 997}.{at % 9973}\n" for at in clock)
    (home / "bars.csv").write_text("time,open,high,low,close,volume\n" + rows)
    out = full / f"out.{ending}"
    made = tapeflow("bars", home / "bars.csv", "--feed", "CsvBars", "--out", out, "-q")
    assert made.exit_code == 2
    assert_told(made.stderr, out)
    assert [path.name for path in full.iterdir()] == ["rest"]


def test_a_sweep_on_a_full_drive_is_one_line_and_keeps_the_points_it_has(home: Path, full: Path) -> None:
    made = tapeflow(*args_of("sweep", home, full / "out"), "-q")
    assert made.exit_code == 2
    assert_told(made.stderr, full / "out")
    assert sorted(path.name for path in full.iterdir()) == ["out", "rest"]
    (full / "rest").unlink()
    made = tapeflow(*args_of("sweep", home, full / "out"), "-q")
    assert made.exit_code == 0, made.stderr
    assert not [path.name for path in (full / "out").iterdir() if ".part" in path.name]


def assert_told(stderr: str, place: Path) -> None:
    assert stderr.count("\n") == 1
    assert stderr.startswith(f"tapeflow: {place}")
    assert stderr.rstrip().endswith("No space left on device")


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_name_too_long_is_one_line_with_the_name(home: Path, command: str) -> None:
    out = home / ("n" * 300)
    made = tapeflow(*args_of(command, home, out), "-q")
    assert (made.exit_code, made.stderr) == (2, f"tapeflow: {out}: cannot be written: File name too long\n")


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_closed_standard_output_is_one_line(home: Path, command: str) -> None:
    words = args_of(command, home, home / "out")
    code = f"import os, sys; os.close(1); from tapeflow.cli import main; main({words!r})"
    made = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=False, timeout=300)
    assert made.returncode == 2
    assert made.stderr.splitlines()[-1].startswith("tapeflow: standard output: cannot be written: ")
    assert "Traceback" not in made.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="has no /proc")
@pytest.mark.parametrize("words", ["run run.yaml --out /proc/x -q", "sweep sweep.yaml --out /proc/x -q"])
def test_a_drive_that_makes_nothing_is_named_and_not_tried_forever(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """A folder that is there and takes no name: nobody took it away again."""
    monkeypatch.chdir(home)
    signal.alarm(60)
    try:
        made = tapeflow(*words.split())
        assert made.exit_code == 2
        assert made.stderr.endswith("tapeflow: /proc/x: cannot be written: No such file or directory\n")
        with pytest.raises(SystemFaultError, match=r"/proc/x.csv: cannot be written"), replacing("/proc/x.csv"):
            pass
    finally:
        signal.alarm(0)


def test_an_interrupt_before_a_place_is_claimed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(path: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tapeflow.core.files.writing.claim", end)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.csv"):
        pass
    with pytest.raises(KeyboardInterrupt), replacing_folder(tmp_path / "out", lambda folder: {}):
        pass
    assert not [*tmp_path.iterdir()]


def test_an_interrupt_while_what_was_left_is_removed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, calls = shutil.rmtree, []

    def once(path: Path, **how: bool) -> None:
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        right(path, **how)

    monkeypatch.setattr("shutil.rmtree", once)
    with pytest.raises(KeyboardInterrupt), replacing_folder(tmp_path / "out", lambda folder: {}) as (made, _):
        (made / "a.txt").write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "a.txt").read_text() == "whole"

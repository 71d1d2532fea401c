"""A result folder is the old one or the new one at every instant, and what else lies in it is its user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapeflow.api import run
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import DataError
from tapeflow.core.files import exchange as swap
from tapeflow.core.files.folders import replacing_folder
from tapeflow.core.files.writing import claim, replacing

SCRIPT = Path(__file__).with_name("replaced.py")
WAYS = ("swap", "pointer", "convert")
CONFIG = """\
name: small
data: {main: {feed: CsvBars, path: bars.csv}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
"""
FILES = {"bars.parquet", "equity.parquet", "indicators.parquet", "orders.parquet", "result.json", "run.lock"}
FILES |= {"trades.parquet", "trial.yaml"}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills by fork")


def kills(home: Path, how: str, way: str, first: int, step: int) -> int:
    """Runs the script; how many places it tried, none of them wrong."""
    command = [sys.executable, SCRIPT, home, how, way, str(first), str(step)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    tried, *wrong = made.stdout.splitlines() or ["0", made.stderr]
    assert (wrong, made.stderr) == ([], "")
    return int(tried)


@pytest.mark.parametrize(("how", "way", "first", "step"), [("kill", "swap", 3, 43), ("interrupt", "pointer", 9, 67)])
def test_a_kill_leaves_one_whole_result_and_the_next_command_cleans(
    tmp_path: Path, how: str, way: str, first: int, step: int
) -> None:
    assert kills(tmp_path, how, way, first, step) > 5


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["kill", "interrupt"])
def test_a_kill_at_any_line_leaves_one_whole_result(tmp_path: Path, how: str, way: str) -> None:
    assert kills(tmp_path, how, way, 1, 1) > 400


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = "".join(
        f"{1_700_000_000_000 + 60_000 * i},{100 + i % 7},{107},{99},{101 + (i * 5) % 6},10\n" for i in range(60)
    )
    (tmp_path / "bars.csv").write_text("time,open,high,low,close,volume\n" + rows)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return tmp_path / "small.yaml"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("able", [True, False])
def test_a_second_run_replaces_the_first_and_keeps_all_else(
    config: Path, tmp_path: Path, able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not able:
        monkeypatch.setattr(swap, "_call", lambda: None)
    out, loaded = tmp_path / "runs" / "small", load_config(config)
    run(loaded, out, report=False)
    run(loaded, out / "wider" / "stop", report=False)
    (out / "notes.md").write_text("mine")
    (out / "link").symlink_to("notes.md")
    (out / "result.json").write_text("{} edited")
    (out / "levels.parquet").write_text("of mine")
    nested = {p.name: p.read_bytes() for p in (out / "wider" / "stop").iterdir()}
    made = run(load_config(config, ["broker.cash=5e4"]), out, report=False)
    assert made.kept == ("result.edited.json",)
    assert names(out) == FILES | {"notes.md", "link", "wider", "result.edited.json", "levels.parquet"}
    assert (out / "result.edited.json").read_text() == "{} edited"
    assert (out / "link").readlink() == Path("notes.md")
    assert {p.name: p.read_bytes() for p in (out / "wider" / "stop").iterdir()} == nested
    assert made.summary["initial_cash"] == 50_000
    assert names(out.parent) - {out.name} == (set() if able else {out.resolve().parent.name})


@pytest.mark.parametrize("what", ["folder", "run", "nothing"])
def test_a_link_is_refused(config: Path, tmp_path: Path, what: str) -> None:
    aim, out = tmp_path / "aim", tmp_path / "out"
    if what != "nothing":
        aim.mkdir()
    if what == "run":
        run(load_config(config), aim, report=False)
    out.symlink_to(aim)
    with pytest.raises(DataError, match=f"out is a link to {aim}; give --out the folder itself"):
        run(load_config(config), out, report=False)
    assert out.is_symlink()


def test_the_folder_that_one_stands_in_is_replaced_too(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "here"
    out.mkdir()
    monkeypatch.chdir(out)
    for _ in range(2):
        run(load_config(config), Path(), report=False)
        assert names(Path()) == FILES
    assert names(tmp_path) == {"here", "bars.csv", "small.yaml"}


def test_two_at_once_leave_the_result_of_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (
        replacing_folder(out, lambda folder: {}) as (first, _),
        replacing_folder(out, lambda folder: {"a": ""}) as (other, _),
    ):
        for made in (first, other):
            (made / "a").write_text(made.parent.name)
            (made / "b").write_text(made.parent.name)
    assert names(tmp_path) == {"out"}
    assert (out / "a").read_text() == (out / "b").read_text()


def test_what_came_while_it_was_replaced_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, own = tmp_path / "out", lambda folder: {"ours": ""}
    exchanged = swap.exchange

    def late(one: Path, other: Path) -> None:
        if other == out:
            (out / "late.txt").write_text("late")
            (out / "saved.txt").unlink()
            (out / "saved.txt").write_text("anew")
        exchanged(one, other)

    for text in ("old", "new"):
        with replacing_folder(out, own) as (made, _):
            (made / "ours").write_text(text)
        if text == "old":
            (out / "saved.txt").write_text("before")
            monkeypatch.setattr(swap, "exchange", late)
    texts = {path.name: path.read_text() for path in out.iterdir()}
    assert texts == {"ours": "new", "saved.txt": "anew", "late.txt": "late"}
    assert names(tmp_path) == {"out"}


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    part = tmp_path / ".a.txt.1-0.part"
    part.write_text("half")
    handle = claim(part)
    with replacing(tmp_path / "a.txt") as made:
        made.write_text("one")
    assert part.exists(), "somebody has it"
    os.close(handle or 0)
    with replacing(tmp_path / "a.txt") as made:
        made.write_text("two")
    assert names(tmp_path) == {"a.txt"}


def test_a_file_keeps_the_link_it_is_reached_by_and_a_device_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to("aim.txt")
    for name in ("link.txt", "b" * 251 + ".txt", "/dev/null"):
        with replacing(tmp_path / name) as made:
            made.write_text(name)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "aim.txt").read_text() == "link.txt"
    full = Path("/dev/full")
    with pytest.raises(DataError, match=f"{full}: cannot be written: No space left"), replacing(full) as made:
        made.write_text("x")

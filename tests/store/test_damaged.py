"""Our own files are read with the same care as a stranger's: what is damaged is named, and nothing wrong is told."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tapeflow.backtest.results.own_files import check_outputs
from tapeflow.core.errors import DataError
from tapeflow.core.files.keeping import file_digest
from tapeflow.core.files.signed import read_bounded
from tapeflow.research.sweep.folder import RETURNS, TABLE, read_table
from tapeflow.research.sweep.journal import NAME, Journal
from tapeflow.store.layout import MANIFEST, Partition
from tapeflow.tests.helpers.command import tapeflow

CONFIG = """\
name: small
data: {main: {feed: CsvBars, path: bars.csv}}
strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}
"""
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(25)
)
REPLACED = {"nothing": b"", "zeros": bytes(4096), "text": b"\x7b\x3a\x00 not", "list": b"[]", "deep": b"[" * 100_000}
REPLACED |= {"laughs": LAUGHS.encode()}


def bars_csv(step: int, count: int) -> str:
    begin = 1_699_920_000_000
    rows = "".join(f"{begin + step * i},{100 + i % 7},107,99,{101 + (i * 5) % 6},10\n" for i in range(count))
    return "time,open,high,low,close,volume\n" + rows


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bars.csv").write_text(bars_csv(60_000, 60))
    (tmp_path / "small.yaml").write_text(CONFIG)
    (tmp_path / "sweep.yaml").write_text(CONFIG + "sweep: {broker.cash: [1e4, 2e4, 3e4]}\n")
    for day, hour in ((1, 0), (2, 24)):
        trades = [
            (i, 100 + i % 9, 1_704_067_200_000 + hour * 3_600_000 + i * 9_000) for i in range(200 * day, 200 * day + 99)
        ]
        text = "".join(f"{i},{price},2,{2 * price},{time},{i % 3 > 0},True\n" for i, price, time in trades)
        (tmp_path / f"BTCUSDT-trades-2024-01-0{day}.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(out: Path) -> None:
    assert tapeflow("run", "small.yaml", "--out", out, "-q").exit_code == 0


def make_sweep(out: Path) -> None:
    assert tapeflow("sweep", "sweep.yaml", "--out", out, "--jobs", "1", "-q").exit_code == 0


def make_journal(out: Path) -> None:
    make_sweep(whole := out.with_name("whole"))
    out.mkdir()
    shutil.copy(whole / "sweep.yaml", out)
    with Journal(out) as journal:
        journal.add([read_table(whole)[number] for number in (1, 3)])


def make_catalog(out: Path) -> None:
    read = ("--feed", "BinanceTrades", "--market", "spot")
    for day in (1, 2):
        assert tapeflow("data", "add", f"BTCUSDT-trades-2024-01-0{day}.csv", *read, "--catalog", out).exit_code == 0


COMMANDS: dict[Callable[[Path], None], list[str]] = {
    make_run: ["report @", "list runs @", "run small.yaml --out @ --no-report -q"],
    make_sweep: ["sweep sweep.yaml --out @ --jobs 1 -q"],
    make_journal: ["sweep sweep.yaml --out @ --jobs 1 -q"],
    make_catalog: [
        "data list --catalog @",
        "data add BTCUSDT-trades-2024-01-01.csv --feed BinanceTrades --market spot --catalog @",
        "data export --catalog @ --out told.csv",
        "bars @ --feed Catalog --bars 1h --out told.csv",
    ],
}


def told(command: str, folder: Path) -> tuple[int, str, str]:
    """What a command says: exit code, errors, and everything that it gives."""
    (file := Path("told.csv")).unlink(missing_ok=True)
    done = tapeflow(*command.replace("@", str(folder)).split())
    return done.exit_code, done.stderr, done.stdout + (file.read_text() if file.exists() else "")


def spoilt(raw: bytes, rng: random.Random) -> bytes:
    """Bytes with one bit turned, cut short, or something else in their place."""
    how = rng.choice(["bit"] * 4 + ["cut", *REPLACED])
    if how == "bit":
        near = rng.choice([len(raw), min(200, len(raw)), -min(1500, len(raw))])
        at = rng.randrange(near) if near > 0 else len(raw) + rng.randrange(near, 0)
        return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]
    return raw[: rng.randrange(len(raw))] if how == "cut" else REPLACED[how]


def check(home: Path, make: Callable[[Path], None], count: int, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    good, work = home / "good", home / "work"
    make(good)
    commands = {}
    for command in COMMANDS[make]:
        shutil.copytree(good, work)
        code, _, commands[command] = told(command, work)
        assert code == 0, command
        shutil.rmtree(work)
    files = [p for p in sorted(good.rglob("*")) if p.is_file() and p.stat().st_size]
    for _ in range(count):
        path = rng.choice(files)
        text = spoilt(path.read_bytes(), rng)
        for command, right in commands.items():
            shutil.copytree(good, work)
            (work / path.relative_to(good)).write_bytes(text)
            code, said, given = told(command, work)
            where = (command, path.name, text[:99], said)
            named = path.name in said and len(said.splitlines()) == 1
            assert code == 0 or (code == 2 and named), where
            assert code == 2 or given == right or path.name in said or command.startswith("run"), where
            shutil.rmtree(work)


@pytest.mark.parametrize("make", COMMANDS)
def test_a_byte_that_changed_is_named_or_changes_nothing(home: Path, make: Callable[[Path], None]) -> None:
    check(home, make, 4, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", COMMANDS)
def test_any_byte_that_changed_is_named(home: Path, make: Callable[[Path], None], seed: int) -> None:
    check(home, make, 100, seed)


READERS: dict[str, Callable[[Path], object]] = {
    "result.json": read_bounded,
    "bars.parquet": file_digest,
    NAME: lambda path: Journal(path.parent).read(),
    TABLE: lambda path: check_outputs(path.parent, {TABLE: ""}),
    MANIFEST: Partition.read,
}


@pytest.mark.parametrize("name", [TABLE, RETURNS])
def test_a_table_of_a_sweep_is_opened_by_arrow_only_where_it_is_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Arrow may end the process over what is wrong in a footer, so that no error of its own would be told."""
    (home / "bars.csv").write_text(bars_csv(86_400_000, 260))  # returns are kept of so many days
    make_sweep(home / "out")
    again = "sweep sweep.yaml --out @ --jobs 1 -q"
    right, path = told(again, home / "out"), home / "out" / name
    whole = path.read_bytes()
    begins = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    with monkeypatch.context() as patched:
        patched.setattr("pyarrow.parquet.read_table", lambda *_: pytest.fail("Arrow opened it"))
        for at in (4, begins, begins + 40, len(whole) - 9, len(whole) - 6):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            code, said, _ = told(again, home / "out")
            assert code == 2
            assert f"out/{name}: is damaged, or somebody changed it" in said
        path.unlink()
        path.mkdir()
        assert told(again, home / "out")[:2] == (2, f"tapeflow: {path}: cannot be read: Is a directory\n")
        path.rmdir()
    assert told(again, home / "out") == right
    assert path.read_bytes() == whole


@pytest.mark.skipif(os.name == "nt", reason="has no pipes with names")
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    signal.alarm(30)
    try:
        with pytest.raises(DataError, match=rf"{name}: .*a pipe or a device"):
            READERS[name](tmp_path / name)
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("name", ["result.json", "bars.parquet", "run.lock", "trades.parquet"])
def test_a_report_is_made_of_what_the_run_wrote_alone(home: Path, name: str) -> None:
    make_run(home / "out")
    raw = (home / "out" / name).read_bytes()
    (home / "out" / name).write_bytes(raw.replace(b"1", b"2", 1))
    code, said, _ = told("report @", home / "out")
    assert code == 2
    assert f"out/{name}: is damaged, or somebody changed it" in said


def test_a_day_whose_file_is_gone_is_named_by_list_and_add(home: Path) -> None:
    make_catalog(home / "catalog")
    part = next((home / "catalog").rglob("day=2024-01-01/part-*"))
    part.unlink()
    for command in COMMANDS[make_catalog][:2]:
        code, said, _ = told(command, home / "catalog")
        assert code == 2
        assert (
            f"{part}: is damaged, it is missing; remove its folder and add BTCUSDT-trades-2024-01-01.csv again" in said
        )


def test_a_journal_of_damaged_lines_gives_the_same_table(home: Path) -> None:
    make_journal(home / "out")
    lines = (home / "out" / NAME).read_bytes()
    (home / "out" / NAME).write_bytes(lines.replace(b"1", b"7"))
    make_sweep(home / "out")
    assert (home / "out" / "points.parquet").read_bytes() == (home / "whole" / "points.parquet").read_bytes()


def test_a_journal_that_an_interrupt_left_beside_its_tables_is_removed(home: Path) -> None:
    make_journal(home / "out")
    for path in (home / "whole").iterdir():
        shutil.copy(path, home / "out")
    make_sweep(home / "out")
    assert {path.name for path in (home / "out").iterdir()} == {path.name for path in (home / "whole").iterdir()}


def test_a_request_to_end_cleans_as_an_interrupt_does(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*given: object, **more: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    make_run(home / "out")
    before = {p.name: p.read_bytes() for p in (home / "out").iterdir()}
    monkeypatch.setattr("tapeflow.backtest.results.folder._write_lock", end)
    done = tapeflow("run", "small.yaml", "--set", "broker.cash=5e4", "--out", "out", "-q")
    assert (done.exit_code, done.stderr.strip()) == (143, "tapeflow: terminated")
    assert {p.name: p.read_bytes() for p in (home / "out").iterdir()} == before
    assert not [p for p in home.iterdir() if p.name.startswith(".")]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

"""The command line around runs: saved ones, completion, progress, pictures, help."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tapeflow.cli import COMMANDS, main
from tapeflow.cli.progress import Progress, line
from tapeflow.cli.runs import saved_runs
from tapeflow.core.progress import METER, Meter


def tapeflow(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def leaves(group: click.Group, *path: str) -> list[tuple[str, click.Command]]:
    """Every command that does something, by its full name."""
    ctx, made = click.Context(group), []
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        full = (*path, name)
        made += leaves(command, *full) if isinstance(command, click.Group) else [(" ".join(full), command)]
    return made


class TestHelp:
    """What every command has."""

    @pytest.mark.parametrize(("name", "command"), leaves(main))
    def test_shows_an_example_that_names_the_command(self, name: str, command: click.Command) -> None:
        text = " ".join(tapeflow(*name.split(), "--help").stdout.split())
        assert "Example" in text
        assert f"tapeflow {name}" in text.partition("Example")[2]

    @pytest.mark.parametrize(("name", "command"), leaves(main))
    def test_takes_quiet_and_debug(self, name: str, command: click.Command) -> None:
        options = {option for param in command.params for option in param.opts}
        assert {"--quiet", "-q", "--debug"} <= options

    def test_names_the_nearest_command_below_a_group_too(self) -> None:
        told = tapeflow("data", "lsit")
        assert told.exit_code == 2
        assert "unknown command 'lsit', did you mean 'list'?" in told.stderr


def make_run(folder: Path, made: int, **figures: object) -> None:
    folder.mkdir(parents=True)
    (folder / "run.lock").write_text("name: x\n")
    path = folder / "result.json"
    path.write_text(json.dumps({"name": folder.name, "engine": "compiled", "bars": 5, "trades": 1, **figures}))
    os.utime(path, (made, made))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three runs, a study's, something else, and one that is damaged."""
    make_run(tmp_path / "runs" / "old", 1_000_000_000, return_pct=5.0, sharpe=None, max_drawdown_pct=2.0)
    make_run(tmp_path / "runs" / "new", 1_700_000_000, return_pct=-1.0, sharpe=2.0, max_drawdown_pct=9.0)
    make_run(tmp_path / "runs" / "study" / "deep", 1_500_000_000, return_pct=1.0, sharpe=3.0, max_drawdown_pct=1.0)
    make_run(tmp_path / "runs" / "bad", 1_600_000_000)
    (tmp_path / "runs" / "bad" / "result.json").write_text("{")
    make_run(tmp_path / "runs" / ".half", 1_650_000_000)
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / "notes" / "result.json").write_text("{}")
    return tmp_path


class TestListRuns:
    """``list runs``."""

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("made", "new deep old"),
            ("name", "deep new old"),
            ("return", "old deep new"),
            ("sharpe", "deep new old"),
            ("drawdown", "deep old new"),
        ],
    )
    def test_sorts_by_a_figure_the_unknown_last(self, sort: str, order: str, home: Path) -> None:
        runs, damaged = saved_runs(home / "runs", sort)
        assert [run["name"] for run in runs] == order.split()
        assert damaged == [str(home / "runs" / "bad" / "result.json")]

    def test_shows_folder_date_engine_and_figures(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(home)
        done = tapeflow("list", "runs")
        first = done.stdout.splitlines()[1].split()
        assert first == ["runs/new", "2023-11-14", "22:13", "compiled", "5", "-1.00", "9.00", "2.00", "1"]
        assert (done.exit_code, done.stderr) == (2, "runs/bad/result.json: cannot be read\n")

    def test_gives_programs_the_numbers(self, home: Path) -> None:
        made = json.loads(tapeflow("list", "runs", home / "runs", "--json", "--sort", "return").stdout)
        assert [(run["name"], run["return_pct"]) for run in made] == [("old", 5.0), ("deep", 1.0), ("new", -1.0)]
        assert made[0]["made"] == "2001-09-09T01:46:40Z"

    def test_says_where_there_are_none(self, tmp_path: Path) -> None:
        assert tapeflow("list", "runs", tmp_path).stderr == f"{tmp_path}: no saved runs\n"
        told = tapeflow("list", "runs", tmp_path / "none")
        assert (told.exit_code, told.stdout) == (2, "")
        assert "no such folder; `tapeflow run CONFIG` saves runs below runs" in told.stderr

    @pytest.mark.parametrize("more", [["somewhere"], ["--sort", "name"]])
    def test_alone_takes_a_folder_and_an_order(self, more: list[str]) -> None:
        told = tapeflow("list", "feeds", *more)
        assert told.exit_code == 2
        assert "only `list runs` takes it" in told.stderr


class TestCompletion:
    """The Tab key."""

    def offers(self, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        monkeypatch.chdir(folder)
        asked = {"_TAPEFLOW_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = CliRunner().invoke(
            main, [], env={**asked, "XDG_CACHE_HOME": str(folder / "cache")}, prog_name="tapeflow"
        )
        return [text.partition(",")[2] for text in done.stdout.splitlines() if text]

    @pytest.fixture
    def here(self, tmp_path: Path) -> Path:
        (tmp_path / "configs").mkdir()
        for name in ("configs/first.yaml", "configs/second.yml", "configs/notes.txt", "mine.yaml", "data.csv"):
            (tmp_path / name).write_text("")
        return tmp_path

    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("tapeflow sho", ["show"]),
            ("tapeflow data do", ["download"]),
            ("tapeflow run m", ["mine.yaml"]),
            ("tapeflow run dem", ["demo"]),
            ("tapeflow run con", ["configs/first.yaml", "configs/second.yml"]),
            ("tapeflow run configs/s", ["configs/second.yml"]),
            ("tapeflow run nothing/", []),
            ("tapeflow list in", ["indicators"]),
            ("tapeflow show vwa", ["VWAP", "VWAPReversion"]),
            ("tapeflow bars --feed Bybit", ["BybitTrades"]),
            ("tapeflow compute --indicator x=VPI", ["x=VPIN"]),
            ("tapeflow completion ", ["bash", "zsh", "fish"]),
        ],
    )
    def test_offers_what_fits(
        self, words: str, offered: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.offers(words, here, monkeypatch) == offered

    def test_remembers_names_until_the_package_changes(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offers("tapeflow show V", here, monkeypatch)
        kept = here / "cache" / "tapeflow" / "names.json"
        known = json.loads(kept.read_text())
        kept.write_text(json.dumps({**known, "indicators": ["Made"], "strategies": [], "feeds": []}))
        assert self.offers("tapeflow show M", here, monkeypatch) == ["Made"]
        kept.write_text(json.dumps({**known, "state": []}))
        assert "Made" not in self.offers("tapeflow show M", here, monkeypatch)

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_script_is_one_that_the_shell_takes(self, shell: str, tmp_path: Path) -> None:
        script = tmp_path / "script"
        script.write_text(tapeflow("completion", shell).stdout)
        assert "_TAPEFLOW_COMPLETE" in script.read_text()
        if shutil.which(shell):
            assert subprocess.run([shell, "-n", script], capture_output=True).stderr == b""


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class TestProgress:
    """What is said while something takes long."""

    @pytest.fixture(autouse=True)
    def wished(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TAPEFLOW_PROGRESS")

    def test_tells_rate_and_time_left(self) -> None:
        meter = Meter()
        meter.bytes, meter.expected, meter.rows = 25_000_000, 100_000_000, 500_000
        assert line("reading a", meter, 10.0) == (
            "reading a: 25.0 MB of 100.0 MB, 500,000 rows, 50,000 rows/s, 0:00:30 left"
        )
        meter.reset()
        meter.follow(lambda: 250, 1_000)
        assert line("running", meter, 5.0) == "running: 250 of 1,000 bars, 50 bars/s, 0:00:15 left"
        meter.reset()
        assert line("writing results", meter, 61.0) == "writing results: 0:01:01"

    def test_is_plain_and_seldom_where_there_is_no_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        now = Clock()
        progress = Progress(terminal=False, now=now)
        progress("reading a")
        for second in range(40):
            now.seconds = float(second)
            METER.rows = second * 10
            progress.look()
        told = capsys.readouterr().err
        assert "\r" not in told
        assert [text.partition(":")[0] for text in told.splitlines()] == ["reading a"] * 3

    def test_is_written_over_on_a_terminal(self, capsys: pytest.CaptureFixture[str]) -> None:
        now = Clock()
        progress = Progress(terminal=True, now=now)
        progress("running")
        progress.look()
        now.seconds = 3.0
        progress.look()
        # click leaves the codes of a terminal out where there is none.
        assert capsys.readouterr().err.replace("\033[K", "") == "\rrunning …\rrunning: 0:00:03"

    @pytest.mark.parametrize("way", ["--quiet", "the environment"])
    def test_says_nothing_when_quiet(
        self, way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        now = Clock()
        if way != "--quiet":
            monkeypatch.setenv("TAPEFLOW_PROGRESS", "0")
        with Progress(quiet=way == "--quiet", terminal=True, now=now) as progress:
            progress("running")
            now.seconds = 9.0
            progress.look()
        assert capsys.readouterr().err == ""

    def test_reading_counts_bytes_and_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "BTCUSDT-aggTrades-2024-01-01.csv"
        path.write_text("".join(f"{i},100,1,{i},{i},{1_704_067_200_000 + i * 1000},False,True\n" for i in range(500)))
        METER.reset()
        done = tapeflow("bars", path, "--feed", "BinanceAggTrades", "--bars", "1m", "--out", tmp_path / "b.csv")
        assert done.exit_code == 0
        from tapeflow.feeds.load import open_feed

        METER.reset()
        open_feed("BinanceAggTrades", [path]).bars("1m")
        assert METER.expected == path.stat().st_size
        assert METER.bytes >= METER.expected
        assert METER.rows == 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one synthetic day, without a report."""
    folder = tmp_path_factory.mktemp("saved") / "out"
    done = tapeflow("run", "demo", "--set", "data.synth.days=1", "--no-report", "--out", folder, "-q")
    assert done.exit_code == 0, done.output
    return folder


class TestReport:
    """``report`` and ``demo``."""

    def test_makes_a_picture_where_asked(self, folder: Path, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        done = tapeflow("report", folder, "--png", tmp_path / "a.png", "--json")
        assert json.loads(done.stdout)["bytes"] == (tmp_path / "a.png").stat().st_size
        assert tapeflow("report", folder, "--png").stdout.strip() == str(folder / "report.png")

    def test_opens_what_it_made(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[str] = []
        monkeypatch.setattr(click, "launch", lambda url: opened.append(url) or 0)
        done = tapeflow("report", folder, "--open")
        assert (done.exit_code, done.stderr) == (0, "")
        assert opened == [(folder / "report.html").resolve().as_uri()]
        monkeypatch.setattr(click, "launch", lambda url: 1)
        assert "no browser could be started here" in tapeflow("report", folder, "--open").stderr

    def test_names_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        told = tapeflow("report", tmp_path / "none")
        assert told.exit_code == 2
        assert "no such folder; `tapeflow list runs`" in told.stderr

    def test_says_what_a_picture_needs(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from tapeflow.report import picture

        picture._figure_class.cache_clear()
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        told = tapeflow("report", folder, "--png")
        assert (told.exit_code, told.stderr.count("\n")) == (2, 1)
        assert "pip install 'tapeflow[plot]'" in told.stderr

    def test_a_folder_called_demo_hides_no_shipped_config(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "demo").mkdir()
        assert tapeflow("validate", "demo").exit_code == 0

    def test_intervals_hints_and_markouts_are_in_the_result(self, folder: Path) -> None:
        result = json.loads((folder / "result.json").read_text())
        assert result["confidence"]["level"] == 0.95
        assert result["hints"]
        assert [m["bars"] for m in result["markouts"]["horizons"]][:2] == [1, 5]


def test_every_summary_is_short() -> None:
    assert all(len(text) < 70 and text.endswith(".") for text in COMMANDS.values())

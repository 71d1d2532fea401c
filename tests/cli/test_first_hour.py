"""The first hour of somebody new: what they would guess works, and where they guess wrong they are told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tapeflow.cli import main


def tapeflow(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def mistake(*args: object) -> str:
    result = tapeflow(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, with the terminal in it."""
    done = tapeflow("new", "project", tmp_path / "mine")
    assert done.exit_code == 0
    assert "then tapeflow run configs/first.yaml" in done.stderr
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def test_a_project_finds_an_indicator_of_its_own(project: Path) -> None:
    told = tapeflow("new", "indicator", "LargeShare", "--dir", "indicators")
    assert told.stdout == "indicators/large_share.py\n"
    assert "tapeflow check LargeShare --plugins indicators/large_share.py" in told.stderr
    assert "once `plugins:`" not in told.stderr
    config = project / "configs" / "first.yaml"
    config.write_text(config.read_text().replace("indicators:\n", "indicators:\n  large: {kind: LargeShare}\n", 1))
    done = tapeflow("run", config, "--set", "data.main.days=1", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert {"name": "large.smooth", "indicator": "large"}.items() <= made["lines"][0].items()
    assert "LargeShare" in Path(made["folder"], "report.html").read_text()
    assert [Path(run["folder"]).name for run in json.loads(tapeflow("list", "runs", "--json").stdout)] == ["first"]


@pytest.mark.parametrize(
    ("folder", "schema", "data"), [("configs", "../schema.json", "../data/"), (".", "schema.json", "data/")]
)
def test_a_config_says_what_lies_around_it(project: Path, folder: str, schema: str, data: str) -> None:
    assert tapeflow("new", "config", "other", "--dir", folder).exit_code == 0
    text = (project / folder / "other.yaml").read_text()
    assert text.startswith(f"# yaml-language-server: $schema={schema}\n")
    assert f"path: {data}BTCUSDT" in text
    assert f"plugins: [{schema.removesuffix('schema.json')}strategies, " in text
    assert tapeflow("validate", project / folder / "other.yaml").exit_code == 0


def test_the_readme_of_a_project_names_commands_that_work(project: Path) -> None:
    commands = [text for text in (project / "README.md").read_text().splitlines() if text.startswith("tapeflow ")]
    assert len(commands) == 5
    for text in commands:
        words = text.partition("#")[0].split()[1:]
        assert tapeflow(*words, *(["--set", "data.main.days=1"] if words[0] == "run" else [])).exit_code == 0, text


def test_a_path_from_the_wrong_folder_is_explained(project: Path) -> None:
    (project / "data" / "BTCUSDT-aggTrades-2024-01-01.csv").write_text("1,100,1,1,1,1704067200000,True,True\n")
    config = project / "configs" / "first.yaml"
    feed = "{feed: BinanceAggTrades, path: data/*.csv, bars: 1m}"
    config.write_text(config.read_text().replace("{feed: SyntheticTape, bars: 1m, row_size: 5, lot: 0.001}", feed))
    told = mistake("run", config)
    assert "data.main: " in told
    assert told.endswith("; a relative path begins at the folder of the YAML")
    for path in ("none.csv", "../data", "."):
        assert not mistake("run", config, "--set", f"data.main.path={path}").endswith("of the YAML")


def test_a_folder_taken_for_a_module_is_named(project: Path) -> None:
    config = project / "configs" / "first.yaml"
    config.write_text(config.read_text().replace("[../strategies, ../indicators]", "[indicator]"))
    assert mistake("validate", config).endswith("is the folder ../indicators meant?")


def test_a_kind_of_ones_own_is_asked_for_with_its_file(project: Path) -> None:
    assert mistake("show", "MyOwnThing").endswith("; one of your own needs --plugins FILE or FOLDER")
    assert "did you mean 'strategy'?" in mistake("new", "stratgy", "Fade")
    assert "did you mean 'sharpe'?" in mistake("list", "runs", "--sort", "sharp")


def test_a_run_says_what_its_figures_say(project: Path) -> None:
    done = tapeflow("run", "configs/first.yaml", "--set", "data.main.days=1", "--no-report")
    assert "95 % interval" in done.stdout
    assert any(line.startswith("note: ") for line in done.stderr.splitlines())
    none = "strategy.params.long.enter=close < 0"
    done = tapeflow("run", "configs/first.yaml", "--set", "data.main.days=1", "--set", none, "--no-report")
    assert done.exit_code == 0


@pytest.mark.real_data
def test_a_gzipped_csv_of_bybit_is_audited_and_run(project: Path, real_data: Path) -> None:
    raw = (real_data / "16_awkward_small" / "bybit_FXSUSDT-ticks-2023-10-10.csv").read_bytes()
    file = project / "data" / "FXSUSDT2023-10-10.csv.gz"
    file.write_bytes(gzip.compress(raw))
    told = tapeflow("audit", file, "--feed", "BybitTrades")
    assert told.exit_code == 0, told.output
    assert "15 rows" in told.stdout
    assert "nan" not in told.output
    config = project / "configs" / "first.yaml"
    feed = "{feed: BybitTrades, path: ../data/FXSUSDT*.csv.gz, bars: 1m}"
    config.write_text(config.read_text().replace("{feed: SyntheticTape, bars: 1m, row_size: 5, lot: 0.001}", feed))
    done = tapeflow("run", config, "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert made["bars"] == 2
    assert made["hints"] == ["No round trip was finished, no order was sent in 2 bars: there is nothing to judge."]


def test_a_run_over_an_earlier_one_says_so(project: Path) -> None:
    command = ("run", "configs/first.yaml", "--set", "data.main.days=0.5", "--no-report", "--out", "runs/again")
    first, second = tapeflow(*command), tapeflow(*command)
    said = "note: this replaces the earlier run in runs/again; another --out keeps both"
    assert said not in first.stderr.splitlines()
    assert said in second.stderr.splitlines()
    assert "every engine gives the same orders and figures" in first.stderr

"""New files from templates: each works as it is."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tapeflow.api import run
from tapeflow.checks.indicator_laws import check_indicator
from tapeflow.cli import main
from tapeflow.cli.scaffold import new_file, new_project
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import ConfigError


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"made_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_new_indicator_passes_the_laws(tmp_path: Path) -> None:
    path = new_file("indicator", "ScaffoldedFlow", tmp_path)
    assert path.name == "scaffolded_flow.py"
    assert check_indicator(load(path).ScaffoldedFlow) == []


def test_a_new_project_runs_with_a_strategy_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "mine"
    new_project(home)
    new_file("strategy", "ScaffoldedFade", home / "strategies")
    config = home / "configs" / "first.yaml"
    run(load_config(config, ["data.main.days=1"]), tmp_path / "a", report=False)
    text = config.read_text().split("strategy:")[0]
    config.write_text(f"{text}plugins: [../strategies]\nstrategy: {{kind: ScaffoldedFade}}\n")
    run(load_config(config, ["data.main.days=1"]), tmp_path / "b", report=False)
    result = json.loads((tmp_path / "b" / "result.json").read_text())
    assert result["strategy"] == "ScaffoldedFade"
    assert result["orders"] > 0
    assert json.loads((home / "schema.json").read_text())["title"] == "tapeflow run"


def test_a_new_feed_reads_what_its_example_says(tmp_path: Path) -> None:
    made = load(new_file("feed", "ScaffoldedTrades", tmp_path)).ScaffoldedTrades
    file = tmp_path / "trades.csv"
    file.write_text("ts,px,qty,side,id\n1700000000000,100.5,2,buy,1\n1700000000500,100,1,sell,2\n")
    (tape,) = made(file).tapes()
    assert tape.price.tolist() == [100.5, 100.0]
    assert tape.side.tolist() == [1, -1]


@pytest.mark.parametrize("name", ["lower", "Two Words", "9Lives", "a-b"])
def test_a_name_that_cannot_be_a_class_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no class name"):
        new_file("indicator", name, tmp_path)


def test_what_exists_is_left_alone(tmp_path: Path) -> None:
    new_file("config", "mine", tmp_path)
    (tmp_path / "mine.yaml").write_text("precious")
    done = CliRunner().invoke(main, ["new", "config", "mine", "--dir", str(tmp_path)])
    assert done.exit_code == 2
    assert (tmp_path / "mine.yaml").read_text() == "precious"
    assert CliRunner().invoke(main, ["new", "project", str(tmp_path)]).exit_code == 2


def test_the_report_is_made_again_from_the_folder(tmp_path: Path) -> None:
    config = new_file("config", "again", tmp_path)
    run(load_config(config, ["data.main.days=1"]), tmp_path / "out")
    page = tmp_path / "out" / "report.html"
    before = page.read_bytes()
    page.unlink()
    assert CliRunner().invoke(main, ["report", str(tmp_path / "out")]).exit_code == 0
    assert before == page.read_bytes()
    assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == 2

"""Python that a config loads is named before it runs, and --no-plugins loads none."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tapeflow.cli import COMMANDS, main
from tapeflow.configs.loader import code_named
from tapeflow.core.plugins.registry import forbidden

LOUD = """
from pathlib import Path

import numpy
import loud_helper_{n}

Path(__file__).with_name("ran").write_text("it ran")
"""


@pytest.fixture
def loud(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A config whose plugin leaves a mark when it runs."""
    number = abs(hash(request.node.nodeid)) % 10**9
    (tmp_path / "loud.py").write_text(LOUD.format(n=number))
    (tmp_path / f"loud_helper_{number}.py").write_text("from collections import abc\n")
    path = tmp_path / "run.yaml"
    path.write_text("plugins: [loud.py]\ndata: {m: {feed: SyntheticTape, days: 1}}\nstrategy: {kind: Rules}\n")
    return path


def test_the_code_of_a_config_is_told_without_running_it(loud: Path) -> None:
    names = [path.name for path in code_named(loud)]
    assert names[0] == "loud.py"
    assert len(names) == 2
    assert names[1].startswith("loud_helper_")
    assert not (loud.parent / "ran").exists()


def test_validate_names_it_before_it_runs(loud: Path) -> None:
    (loud.parent / "loud.py").write_text("raise SystemError('it ran')\n")
    made = CliRunner().invoke(main, ["validate", str(loud)])
    assert "loads Python, which is run:" in made.stderr.splitlines()[0]
    assert "loud.py" in made.stderr.splitlines()[0]
    assert "it ran" in made.stderr.splitlines()[1]


def test_validate_names_installed_plugins_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "acme_loud.py").write_text("raise SystemError('it ran')\n")
    about = tmp_path / "acme_loud-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-loud\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[tapeflow.plugins]\nloud = acme_loud\n")
    block = "strategy: {kind: Rules, params: {long: {enter: 'close > open'}}}"
    (tmp_path / "run.yaml").write_text(f"data: {{m: {{feed: SyntheticTape, days: 1}}}}\n{block}\n")
    assert (tmp_path / "acme_loud.py").resolve() in code_named(tmp_path / "run.yaml")
    made = CliRunner().invoke(main, ["validate", str(tmp_path / "run.yaml"), "--no-plugins"])
    assert made.exit_code == 0, made.stderr
    assert "acme_loud" not in made.stderr


@pytest.mark.parametrize("command", ["validate", "run", "sweep", "check"])
def test_no_plugins_refuses_a_config_that_loads_code(loud: Path, command: str) -> None:
    more = ["--out", str(loud.parent / "out")] if command == "sweep" else []
    made = CliRunner().invoke(main, [command, str(loud), "--no-plugins", *more])
    assert made.exit_code == 2
    assert made.stderr.splitlines()[-1].endswith("'loud.py' is Python code, of which --no-plugins loads none")
    assert not (loud.parent / "ran").exists()
    assert not forbidden()


SYNTHETIC = ["compute", "--feed", "SyntheticTape", "--indicator", "VWAP"]


@pytest.mark.parametrize("words", [["check", "VWAP"], SYNTHETIC, ["schema"], ["list"], ["show", "VWAP"]])
def test_and_so_does_every_command_that_takes_plugins(loud: Path, words: list[str]) -> None:
    made = CliRunner().invoke(main, [*words, "--plugins", str(loud.parent / "loud.py"), "--no-plugins"])
    assert made.exit_code == 2, made.stderr
    assert "is Python code, of which --no-plugins loads none" in made.stderr
    assert not (loud.parent / "ran").exists()


@pytest.mark.parametrize(
    "block", ["strategy: {kind: 'some_module:Mine'}", "indicators: {x: {kind: 'json:JSONDecoder'}}"]
)
def test_a_class_named_by_its_module_is_code_too(tmp_path: Path, block: str) -> None:
    tail = "" if block.startswith("strategy") else "\nstrategy: {kind: Rules}"
    (tmp_path / "run.yaml").write_text(f"data: {{m: {{feed: SyntheticTape}}}}\n{block}{tail}\n")
    made = CliRunner().invoke(main, ["validate", str(tmp_path / "run.yaml"), "--no-plugins"])
    assert made.exit_code == 2
    assert "is Python code, of which --no-plugins loads none" in made.stderr


def test_a_config_without_code_is_valid_all_the_same() -> None:
    made = CliRunner().invoke(main, ["validate", "demo", "--no-plugins"])
    assert made.exit_code == 0, made.stderr
    assert "loads Python" not in made.stderr


def test_every_command_that_looks_for_classes_knows_the_option() -> None:
    for name in COMMANDS:
        made = CliRunner().invoke(main, [name, "--help"])
        group = "Commands:" in made.stdout or name == "completion"
        assert group or "--no-plugins" in made.stdout, name

"""The command line: what it starts with, and what it says of itself and of what there is."""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tapeflow.cli import COMMANDS
from tapeflow.tests.helpers.command import tapeflow

HEAVY = ("numpy", "pandas", "pyarrow", "backtrader", "numba", "talib", "pydantic", "yaml", "rich")


class TestStart:
    """Help comes at once."""

    def test_help_imports_nothing_heavy_and_takes_under_a_third_of_a_second(self) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        script = (
            "import sys\nfrom tapeflow.cli import main\n"
            "try: main(['--help'])\nexcept SystemExit as end: print('code', end.code)\n"
            f"print('heavy', [m for m in {HEAVY} if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.stdout.splitlines()[-2:] == ["code 0", "heavy []"]
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3

    def test_help_says_of_each_command_what_the_command_says(self) -> None:
        text = tapeflow("--help").stdout
        for name, summary in COMMANDS.items():
            command: click.Command = importlib.import_module(f"tapeflow.cli.{name}").command
            assert (command.name, command.short_help) == (name, summary)
            assert summary in text

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_help(self, command: str) -> None:
        result = tapeflow(command, "--help")
        assert (result.exit_code, result.stderr) == (0, "")

    def test_without_a_command_it_shows_the_help(self) -> None:
        assert tapeflow().stdout == tapeflow("--help").stdout

    def test_it_says_its_version(self) -> None:
        assert tapeflow("--version").stdout.startswith("tapeflow")


class TestDescriptions:
    """What there is, and what each is."""

    def test_list_names_every_plugin(self) -> None:
        from tapeflow.core.plugins.registry import FEEDS, INDICATORS, STRATEGIES

        rows = json.loads(tapeflow("list", "--json").stdout)
        named = {row["name"] for row in rows}
        assert {*FEEDS, *INDICATORS, *STRATEGIES, "demo"} <= named
        assert all(row["is"] for row in rows if row["from"].startswith("tapeflow."))

    def test_list_of_one_kind_holds_no_other(self) -> None:
        assert "Rules" in tapeflow("list", "strategies").stdout
        assert "Rules" not in tapeflow("list", "feeds").stdout

    def test_list_of_a_family_names_its_members(self) -> None:
        import talib

        named = {row["name"] for row in json.loads(tapeflow("list", "talib", "--json").stdout)}
        assert "talib.RSI" in named
        assert named <= {f"talib.{name}" for name in talib.get_functions()}

    def test_show_tells_what_the_class_declares(self) -> None:
        from tapeflow.core.plugins.registry import INDICATORS

        made = json.loads(tapeflow("show", "VWAP", "--json").stdout)
        cls = INDICATORS["VWAP"]
        assert [p["name"] for p in made["params"]] == list(cls.defaults())
        assert {line["name"]: line["unit"] for line in made["lines"]}["vwap"] == "price"
        assert Path(made["source"]).name == "vwap.py"
        assert cls.__doc__.splitlines()[0] in tapeflow("show", "VWAP").stdout

    @pytest.mark.parametrize("kind", ["Rules", "BinanceKlines", "VolumeProfile"])
    def test_show_knows_every_sort_of_plugin(self, kind: str) -> None:
        assert tapeflow("show", kind).exit_code == 0

    def test_schema_goes_to_a_file_or_to_standard_output(self, tmp_path: Path) -> None:
        printed = tapeflow("schema").stdout
        assert tapeflow("schema", "--out", tmp_path / "s.json").stdout == ""
        assert json.loads((tmp_path / "s.json").read_text()) == json.loads(printed)

    def test_validate_prints_the_resolved_config(self) -> None:
        import yaml

        resolved = yaml.safe_load(tapeflow("validate", "demo", "--resolved").stdout)
        assert resolved == json.loads(tapeflow("validate", "demo", "--json").stdout)
        assert "valid" in tapeflow("validate", "demo").stdout

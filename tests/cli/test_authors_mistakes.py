"""Mistakes that show only while a run is under way: in an author's own code, in inputs that cannot be read twice."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tapeflow.core.schema import Quality
from tapeflow.tests.helpers.command import tapeflow

DATA = "data: {main: {feed: CsvBars, path: bars.csv}}\n"
RULES = 'strategy: {kind: Rules, params: {long: {enter: "close > open", exit: "close < open"}}}\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = "".join(f"{1_700_000_040_000 + 60_000 * i},{100 + i % 7},107,99,{101 + i * 5 % 6},9\n" for i in range(60))
    (tmp_path / "bars.csv").write_text("time,open,high,low,close,volume\n" + rows)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def author(home: Path, name: str, line: str) -> None:
    (home / f"{name.lower()}.py").write_text(
        f"from tapeflow.strategies.framework.base import Strategy\n\n\nclass {name}(Strategy):\n"
        f'    """Its own."""\n\n    def next(self):\n        if len(self) > 5:\n            {line}\n'
    )
    config = f"plugins: [{name.lower()}.py]\n{DATA}strategy: {{kind: {name}}}\n"
    (home / "run.yaml").write_text(config)
    (home / "sweep.yaml").write_text(config + "sweep: {broker.cash: [1e4, 2e4]}\n")


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("Misspells", "self.nothing_here.buy()", "AttributeError: "),
        ("Divides", "1 / 0", "ZeroDivisionError: "),
        ("BuysWords", "self.buy(size='x')", "TypeError: "),
    ],
)
def test_an_error_in_an_authors_next_names_its_file_and_line(home: Path, name: str, line: str, says: str) -> None:
    author(home, name, line)
    made = tapeflow("run", "run.yaml", "--out", "o", "-q")
    assert (made.exit_code, made.stderr.count("\n")) == (2, 1)
    assert made.stderr.startswith(f"tapeflow: {name.lower()}.py:9: {line}: {says}")
    made = tapeflow("sweep", "sweep.yaml", "--out", "s", "--jobs", "1", "-q")
    assert made.exit_code == 2
    assert f"{name.lower()}.py:9: {line}: {says}" in made.stderr


def test_a_fault_of_ours_is_told_as_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every module of the package on the way to it is ours, and no author's."""
    (home / "run.yaml").write_text(DATA + RULES)
    monkeypatch.setattr("tapeflow.backtest.runner.check_place", int)
    made = tapeflow("run", "run.yaml", "--out", "o", "-q")
    assert made.exit_code == 1
    assert made.stderr.startswith("tapeflow: internal error: TypeError: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("command", ["validate", "run", "check"])
def test_a_config_that_is_a_pipe_is_refused_and_not_waited_for(home: Path, command: str) -> None:
    os.mkfifo(home / "pipe")
    made = tapeflow(command, home / "pipe")
    assert made.exit_code == 2
    assert "is a pipe or a device; a config is read more than once" in made.stderr
    assert made.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["validate", "run.yaml"], ["run", "run.yaml", "--out", "o", "-q"]])
@pytest.mark.parametrize("name", ["-", "pipe"])
def test_what_cannot_be_read_twice_is_refused_with_its_place(home: Path, command: list[str], name: str) -> None:
    if name == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no pipes")
        os.mkfifo(home / name)
    (home / "run.yaml").write_text(DATA.replace("bars.csv", f'"{name}"') + RULES)
    made = tapeflow(*command)
    assert made.exit_code == 2
    assert made.stderr.startswith("run.yaml:1:36: data.main.path: ")
    assert "files are read more than once: save it to a file" in made.stderr


@pytest.mark.parametrize("volume", ["", "0"])
@pytest.mark.parametrize("cost", ["participation: 0.1", "impact: {coefficient: 1.0}"])
def test_what_goes_by_a_volume_that_nobody_tells_is_refused(home: Path, volume: str, cost: str) -> None:
    rows = (home / "bars.csv").read_text().splitlines()
    (home / "bars.csv").write_text("\n".join([rows[0], *(f"{row.rpartition(',')[0]},{volume}" for row in rows[1:])]))
    (home / "run.yaml").write_text(f"{DATA}broker: {{{cost}}}\n{RULES}")
    made = tapeflow("run", "run.yaml", "--out", "o", "-q")
    key = cost.partition(":")[0]
    assert (made.exit_code, made.stderr.count("\n")) == (2, 1)
    assert made.stderr.startswith(f"tapeflow: main: the volume of its bars is unknown, and broker.{key} goes by it")
    (home / "run.yaml").write_text(DATA + RULES)
    assert tapeflow("run", "run.yaml", "--out", "o", "-q").exit_code == 0


def test_amounts_in_another_unit_stop_whoever_reads_them_and_no_other_run(home: Path) -> None:
    """Their quote volume is a hundred times what prices and volumes make: which of them is wrong, nothing tells."""
    rows = (home / "bars.csv").read_text().splitlines()
    more = (f"{row},{100 * 9 * float(row.split(',')[1])}" for row in rows[1:])
    (home / "bars.csv").write_text("\n".join([f"{rows[0]},quote_volume", *more]) + "\n")
    said = "one of the two is 100 times what it should be, as contracts of another size are"
    (home / "run.yaml").write_text(DATA + RULES)
    made = tapeflow("run", "run.yaml", "--out", "o", "--no-report")
    assert made.exit_code == 0, made.stderr
    assert f"{said}; all amounts are taken for unknown; say which column is which" in made.stdout + made.stderr
    trades = pq.read_table(home / "o" / "trades.parquet").num_rows
    assert trades > 5
    bars = pq.read_table(home / "o" / "bars.parquet")
    assert np.isnan(bars["volume"].to_numpy()).all()
    assert not (bars["quality"].to_numpy() & int(Quality.FILLED)).any()
    (home / "run.yaml").write_text(f"{DATA}broker: {{participation: 0.1}}\n{RULES}")
    made = tapeflow("run", "run.yaml", "--out", "p", "-q")
    assert (made.exit_code, "the volume of its bars is unknown" in made.stderr) == (2, True)
    made = tapeflow("bars", "bars.csv", "--feed", "CsvBars", "--bars", "1m", "--out", "b.csv")
    assert (made.exit_code, said in made.stderr) == (2, True)

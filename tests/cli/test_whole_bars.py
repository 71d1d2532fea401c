"""A bar that the data begin or end inside is no closed bar: left out of answers and files, kept by a run."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from tapeflow.cli.source import whole_of
from tapeflow.core.bars import Bars
from tapeflow.core.schema import Quality
from tapeflow.tests.helpers.command import tapeflow

PARTIAL = int(Quality.PARTIAL)
MS = 1_704_067_200_000
MINUTE = 60_000
DELTA = ("--indicator", "d=VolumeDelta")


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    """From 00:00:30 to 00:09:30, a trade a second."""
    path = tmp_path_factory.mktemp("tape") / "t.csv"
    lines = [f"{MS + 1000 * k},{100 + k % 5},1,{'buy' if k % 3 else 'sell'}" for k in range(30, 570)]
    path.write_text("\n".join(["time,price,quantity,side", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def klines(tmp_path_factory):
    """A day of klines of a minute from 00:20 on."""
    path = tmp_path_factory.mktemp("klines") / "k.csv"
    opens = [MS + k * MINUTE for k in range(20, 20 + 1440)]
    path.write_text("".join(f"{t},100,101,99,100,10,{t + MINUTE - 1},1000,5,4,400,0\n" for t in opens))
    return path


def csv_of(*args):
    done = tapeflow(*args, "--out", "-")
    assert done.exit_code == 0, done.output
    return rows(done.stdout), done.stderr


@pytest.mark.parametrize("flags", [[], [0], [4], [4, 0], [0, 4], [4, 4], [4, 4, 5], [6, 0, 4, 0, 4]])
def test_only_a_first_and_a_last_bar_are_left_out(flags):
    bars = Bars.of(open_time=np.arange(len(flags)), close_time=np.arange(len(flags)) + 1, quality=flags)
    kept = [k for k in range(len(flags)) if not (k in (0, len(flags) - 1) and flags[k] & PARTIAL)]
    assert list(whole_of(bars)) == kept


def test_bars_of_a_tape_are_whole_unless_asked_for(tape):
    whole, said = csv_of("bars", tape, "--feed", "CsvTape", "--bars", "1m")
    assert [int(r["open_time"]) for r in whole] == [(MS + k * MINUTE) * 1000 for k in range(1, 9)]
    assert "2 bars of 1m left out that the data begin or end inside; --partial keeps them" in said
    every, said = csv_of("bars", tape, "--feed", "CsvTape", "--bars", "1m", "--partial")
    assert [int(r["quality"]) & PARTIAL for r in every] == [PARTIAL, *[0] * 8, PARTIAL]
    assert "left out" not in said


def test_lines_are_those_of_a_run_which_sees_every_bar(tape):
    command = "compute", tape, "--feed", "CsvTape", "--bars", "1m", "--indicator", "c=CVD"
    whole, said = csv_of(*command)
    every, _ = csv_of(*command, "--partial")
    assert [r["partial"].lower() for r in every] == ["true", *["false"] * 8, "true"]
    assert [r["c.cvd"] for r in whole] == [r["c.cvd"] for r in every[1:-1]]
    assert "2 bars of 1m left out" in said


def test_nine_minutes_are_no_hour(tape, tmp_path):
    command = "compute", tape, "--feed", "CsvTape", "--bars", "1h"
    done = tapeflow(*command, *DELTA)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "begin or end inside the only bar of 1h; --partial takes what there is" in done.stderr
    assert len(csv_of(*command, *DELTA, "--partial")[0]) == 1
    done = tapeflow("bars", *command[1:], "--out", tmp_path / "b.csv")
    assert done.exit_code == 0
    (row,) = rows((tmp_path / "b.csv").read_text())
    assert int(row["quality"]) & PARTIAL
    assert "PARTIAL" in done.stderr


def test_longer_bars_of_klines_are_whole_too(klines):
    command = "bars", klines, "--feed", "BinanceKlines", "--bars"
    hours, said = csv_of(*command, "1h")
    assert len(hours) == 23
    assert int(hours[0]["open_time"]) == (MS + 60 * MINUTE) * 1000
    assert "2 bars of 1h left out" in said
    assert len(csv_of(*command, "1h", "--partial")[0]) == 25
    done = tapeflow("compute", klines, "--feed", "BinanceKlines", "--bars", "1w", *DELTA)
    assert done.exit_code == 2
    assert "inside the only bar of 1w" in done.stderr
    assert "left out" not in csv_of(*command, "1m")[1]


def test_answers_in_the_shape_of_a_provider_end_with_a_closed_bar(tape):
    def taapi(*more):
        command = "--feed", "CsvTape", "--bars", "2m", "--like", "taapi", "--timestamps", "seconds", *more
        return json.loads(tapeflow("compute", tape, *command, "--indicator", "VolumeDelta").stdout)

    assert taapi()["timestamp"] == MS // 1000 + 6 * 60
    assert taapi("--partial")["timestamp"] == MS // 1000 + 8 * 60
    fields = "--feed", "CsvTape", "--bars", "1m", "--like", "aperiodic"
    assert len(csv_of("compute", tape, *fields)[0]) == 8
    assert len(csv_of("compute", tape, *fields, "--partial")[0]) == 10


def test_json_says_what_was_left_out(tape, tmp_path):
    done = tapeflow("bars", tape, "--feed", "CsvTape", "--bars", "1m", "--out", tmp_path / "b.csv", "--json")
    told = json.loads(done.stdout)
    assert (told["bars"], len(told["notes"])) == (8, 1)

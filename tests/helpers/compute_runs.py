"""`tapeflow compute` as the tests of it call it."""

from __future__ import annotations

import csv
import io

from tapeflow.tests.helpers.command import tapeflow

TAPE = ("--feed", "SyntheticTape", "--param", f"days={150 / 1440!r}", "--quiet")


def compute(*args: object, feed: tuple[str, ...] = TAPE) -> str:
    done = tapeflow("compute", *feed, *args)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return done.stdout


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def error(*args: object) -> str:
    done = tapeflow("compute", *args)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    (line,) = done.stderr.splitlines()
    return line.removeprefix("tapeflow: ")


DELTA = ("--bars", "10m", "--indicator", "d=VolumeDelta")

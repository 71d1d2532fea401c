"""One row a parameter of a provider's page: what it is here, a command or YAML that runs, and what is checked."""

from __future__ import annotations

import csv
import io
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tapeflow.backtest.inputs.read import read, read_all
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.tests.helpers.command import tapeflow

BEGIN = 1_685_577_600
"""2023-06-01T00:00Z in seconds: the first second of the trades that rows are checked on."""
LAST = BEGIN + 165 * 60
"""The tape ends before 02:45, inside an hour, a half hour and ten minutes."""


@dataclass(frozen=True)
class Ran:
    """What a row's command or YAML gave."""

    text: str = ""
    notes: str = ""
    bars: Bars | None = None
    orders: tuple[dict[str, Any], ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text)))


@dataclass(frozen=True)
class Row:
    """A parameter of a page.

    Parameters
    ----------
    name : str
        As the page calls it.
    values : str
        What the page allows.
    run : str
        A command line, the YAML of a data block, or that of a run.
    says : str
        What is checked of it, for the reader of the docs.
    check : callable
        Holds what it says.
    """

    name: str
    values: str
    run: str
    says: str
    check: Callable[[Ran], None]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Page:
    """A provider's page: its rows, and what is to be known besides."""

    title: str
    about: str
    rows: Sequence[Row]


def run(text: str) -> Ran:
    """Run a row where its files are."""
    if text.startswith("{data:"):
        config = from_mapping({"name": "row", **yaml.safe_load(text)})
        sources = read_all(config, lambda told: None)
        return Ran(orders=tuple(simulate(config, sources).record.orders.values()))
    if text.startswith("{"):
        block = yaml.safe_load(text)
        rules = {"kind": "Rules", "params": {"long": {"enter": "close > open"}}}
        config = from_mapping({"name": "row", "data": {"main": block}, "strategy": rules})
        return Ran(bars=read(config, "main", lambda told: None)["main"].bars)
    done = tapeflow(*shlex.split(text)[1:])
    assert done.exit_code == 0, f"{text}\n{done.output}"
    return Ran(done.stdout, done.stderr)


def refused(text: str) -> str:
    """What is said of a command that has to be refused."""
    done = tapeflow(*shlex.split(text)[1:])
    assert done.exit_code == 2, f"{text}\n{done.output}"
    return done.stderr.strip()


@dataclass(frozen=True)
class Trade:
    """A trade of the tape that rows are checked on."""

    second: float
    price: float
    quantity: float
    side: int


def trades() -> list[Trade]:
    """The tape: a trade every few seconds, from a minute before `BEGIN` on, none of which is late or doubled."""
    rng = np.random.default_rng(7)
    time = BEGIN - 60 + np.cumsum(rng.integers(1, 9, 4000))
    time = time[time < LAST]
    price = 27_000 + np.cumsum(rng.integers(-20, 21, len(time))) / 10
    size = np.exp(rng.normal(-4, 2, len(time))).round(3) + 0.001
    side = np.where(rng.random(len(time)) < 0.5, 1, -1)
    return [
        Trade(float(t), round(float(p), 1), round(float(q), 3), int(s))
        for t, p, q, s in zip(time, price, size, side, strict=True)
    ]


def within(start: float, end: float) -> list[Trade]:
    """The trades from ``start`` up to ``end``."""
    return [t for t in trades() if start <= t.second < end]


def put_files(folder: Path) -> None:
    """``trades.csv`` in ``folder``, from which every other file of the rows is made by our own commands."""
    lines = [f"{int(t.second * 1000)},{t.price},{t.quantity},{'buy' if t.side > 0 else 'sell'}" for t in trades()]
    (folder / "trades.csv").write_text("\n".join(["time,price,quantity,side", *lines, ""]))


def page_text(page: Page) -> str:
    """The page as the docs have it."""
    head = "| parameter | its values | here | checked |\n| --- | --- | --- | --- |"
    body = "\n".join(f"| `{r.name}` | {_cell(r.values)} | `{_cell(r.run)}` | {_cell(r.says)} |" for r in page.rows)
    return f"## {page.title}\n\n{page.about}\n\n{head}\n{body}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

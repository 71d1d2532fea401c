"""Two or more runs on one page: figures side by side, curves over each other, and where their configs differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.files.writing import replacing
from .folder import Folder, microseconds, read_folder
from .html import NOTHING, Markup, escape, number, section, table, tag
from .money import money_of
from .statistics_view import compared_rows
from .svg import curves_over_time

Floats = NDArray[np.float64]
MOST = 8
"""Runs that colours tell apart."""
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<header class="top"><div class="heading"><h1>$title</h1></div></header>
<main>
$parts
</main>
</body>
</html>
""")


@dataclass(frozen=True)
class Causes:
    """Why one run differs from the first, as the page tells it.

    Parameters
    ----------
    first, second : str
        What the runs are called.
    rows : sequence of tuple of str
        Cause, what, and what it is in either.
    sentences : sequence of str
        The first order that differs, what led to it, and the profit split.
    """

    first: str
    second: str
    rows: Sequence[tuple[str, str, str, str]]
    sentences: Sequence[str]


def check_folders(folders: Sequence[Path]) -> None:
    """Refuse what makes no comparison.

    Raises
    ------
    DataError
        If there are fewer than two folders or more than `MOST`, or one is named twice.
    """
    if not 2 <= len(folders) <= MOST:
        raise DataError(f"compare: give two to {MOST} result folders (got {len(folders)})")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise DataError("compare: one folder stands twice")


def write_comparison(folders: Sequence[Path], target: Path, causes: Sequence[Causes] = ()) -> Path:
    """Write a page that sets runs beside each other, from their result folders alone; it needs no script.

    Parameters
    ----------
    folders : sequence of Path
        Two to eight result folders; the first is what the others are compared with.
    target : Path
        The HTML file.
    causes : sequence of Causes
        Why the others differ from the first, where that is known.

    Raises
    ------
    DataError
        If there are fewer or more, one is named twice, or a folder holds no run.
    """
    check_folders(folders)
    text = comparison([read_folder(folder) for folder in folders], causes)
    with replacing(target) as made:
        made.write_text(text, encoding="utf-8", newline="\n")
    return target


def comparison(runs: Sequence[Folder], causes: Sequence[Causes] = ()) -> str:
    """The page."""
    names = named(runs)
    parts = [_legend(names, runs), _curves(names, runs), _figures(names, runs), _configs(names, runs)]
    parts += [_causes(causes)] if causes else []
    return still_page(" · ".join(names), parts)


def still_page(title: str, parts: Sequence[Markup]) -> str:
    """A page of its own that needs no script, in the style of all reports."""
    style = (resources.files(__package__) / "style.css").read_text(encoding="utf-8")
    return _PAGE.substitute(title=escape(title), style=style, parts="\n".join(parts))


def named(runs: Sequence[Folder]) -> list[str]:
    """What each run is called: by its folder, and by the folder above too where two are the same."""
    short = [run.path.resolve().name for run in runs]
    return [
        name if short.count(name) == 1 else "/".join(run.path.resolve().parts[-2:])
        for name, run in zip(short, runs, strict=True)
    ]


def _legend(names: Sequence[str], runs: Sequence[Folder]) -> Markup:
    rows = [
        (
            tag("span", "━ ", class_=f"run{i + 1}") + escape(name),
            run.result.get("name", ""),
            run.result.get("strategy", ""),
            " to ".join(str(run.result.get(key) or NOTHING)[:16].replace("T", " ") for key in ("start", "end")),
            number(run.result.get("bars"), 0),
        )
        for i, (name, run) in enumerate(zip(names, runs, strict=True))
    ]
    cells = [(Markup(first), *rest) for first, *rest in rows]
    head = ("folder", "name", "strategy", "period", "bars")
    return section("runs", "Runs", table(head, cells, class_="plain"), note=_periods(runs))


def _periods(runs: Sequence[Folder]) -> str:
    """A warning where the runs are of different times or of different money."""
    times = {(run.result.get("start"), run.result.get("end")) for run in runs}
    money = {run.result.get("currency") for run in runs}
    told = ["These runs are of different periods: their totals are of different lengths."] if len(times) > 1 else []
    told += ["Their accounts are kept in different money."] if len(money) > 1 else []
    return " ".join([*told, "The best of several was picked after the fact, and its figures flatter it."])


def _curves(names: Sequence[str], runs: Sequence[Folder]) -> Markup:
    growth, depth = [], []
    for i, (name, run) in enumerate(zip(names, runs, strict=True)):
        time = microseconds(run.equity["time"]).astype(np.float64)
        value = run.equity["value"].to_numpy(np.float64)
        cash = run.result.get("initial_cash")
        start = float(cash) if isinstance(cash, int | float) and cash else float(value[0])
        peak = np.maximum(np.maximum.accumulate(value), start)
        growth.append((name, f"run{i + 1}", time, 100.0 * value / start))
        depth.append((name, f"run{i + 1}", time, 100.0 * (value / peak - 1.0)))
    plots = [curves_over_time("Growth of 100", growth), curves_over_time("Drawdown, %", depth)]
    return section("curves", "Curves", tag("div", *plots, class_="plots"))


def _figures(names: Sequence[str], runs: Sequence[Folder]) -> Markup:
    """The figures of all, a column a run."""
    columns = [dict(compared_rows(run.result, money_of(run.result, run.lock))) for run in runs]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    rows = [(key, *(tag("td", column.get(key, NOTHING), class_="num") for column in columns)) for key in keys]
    note = "Grey: 95 % interval, where one holds."
    return section("figures", "Figures", table(("", *names), rows, class_="numbers"), note=note)


def _configs(names: Sequence[str], runs: Sequence[Folder]) -> Markup:
    """Keys of the resolved configs that are not the same in all."""
    flat = [dict(_flat(run.lock.get("config") or {})) for run in runs]
    keys = [key for key in dict.fromkeys(k for one in flat for k in one) if key != "name"]
    differing = [key for key in keys if len({repr(one.get(key)) for one in flat}) > 1]
    rows = [(key, *(tag("code", one.get(key, NOTHING)) for one in flat)) for key in differing]
    if not rows:
        return section("differences", "Where they differ", tag("p", "Their configs are the same but for the name."))
    note = f"{len(differing)} of {len(keys)} keys of the resolved configs are not the same."
    return section("differences", "Where they differ", table(("key", *names), rows, class_="plain"), note=note)


def _causes(causes: Sequence[Causes]) -> Markup:
    """By cause what differs, where the orders part, and how the profit splits, a block a run after the first."""
    inside: list[Markup] = []
    for one in causes:
        inside.append(tag("h3", f"{one.second} against {one.first}"))
        if one.rows:
            inside.append(table(("cause", "what", one.first, one.second), one.rows, class_="plain"))
        inside += [tag("p", said) for said in one.sentences]
    return section("causes", "Why they differ", *inside)


def _flat(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{above}.{key}" if above else str(key))
    else:
        yield above, value

"""Saved runs: found below a folder, sorted, and shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..backtest.results.own_files import LOCK, recorded
from ..core.errors import DataError
from ..core.files.signed import read_bounded

COLUMNS = ("made", "engine", "bars", "return %", "drawdown %", "Sharpe", "trades")
SORTS = {
    "made": "made",
    "name": "name",
    "return": "return_pct",
    "drawdown": "max_drawdown_pct",
    "sharpe": "sharpe",
    "trades": "trades",
}
"""What runs are sorted by: the word on the command line, and the key."""
_FIGURES = ("return_pct", "max_drawdown_pct", "sharpe", "profit_factor", "win_rate", "trades", "bars")


def saved_runs(folder: Path, sort: str = "made") -> tuple[list[dict[str, Any]], list[str]]:
    """Every run below ``folder``, and the files that look like one and cannot be read.

    Parameters
    ----------
    folder : Path
        Looked through with its folders, hidden ones left out.
    sort : str
        One of `SORTS`; names and drawdowns from the lowest, everything else from the highest.

    Returns
    -------
    runs : list of dict
        ``folder``, ``name``, ``made`` (ISO, UTC), ``engine``, ``strategy`` and figures; None where one is undefined.
    damaged : list of str
        Their paths.
    """
    found, damaged = [], []
    for path in _results(folder):
        try:
            found.append(_run(path))
        except DataError:
            damaged.append(str(path.parent / LOCK))
        except (ValueError, OSError, AttributeError, RecursionError):
            damaged.append(str(path))
    key, rising = SORTS[sort], sort in ("name", "drawdown")
    known = [run for run in found if run[key] is not None]
    known.sort(key=lambda run: run[key], reverse=not rising)
    return known + [run for run in found if run[key] is None], damaged


def _results(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("result.json")):
        inner = path.relative_to(folder).parts
        if (path.parent / "run.lock").exists() and not any(part.startswith(".") for part in inner):
            yield path


def _run(path: Path) -> dict[str, Any]:
    raw = read_bounded(path)
    wanted = recorded(path.parent, path.name)
    if wanted and wanted != hashlib.sha256(raw).hexdigest():
        raise ValueError(path)
    result = json.loads(raw)
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    return {
        "folder": str(path.parent),
        "name": str(result.get("name")),
        "made": made.isoformat().replace("+00:00", "Z"),
        "engine": result.get("engine"),
        "strategy": result.get("strategy"),
        **{key: result.get(key) for key in _FIGURES},
    }


def row(run: dict[str, Any]) -> list[str]:
    """A run as a line of the table; its folder first, by which it is opened."""
    made = run["made"][:16].replace("T", " ")
    figures = (("return_pct", "+,.2f"), ("max_drawdown_pct", ",.2f"), ("sharpe", ",.2f"), ("trades", ","))
    shown = [format(run[key], form) if run[key] is not None else "–" for key, form in figures]
    bars = format(run["bars"], ",") if run["bars"] is not None else "–"
    return [run["folder"], made, str(run["engine"] or "–"), bars, *shown]

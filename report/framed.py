"""A run inside a notebook: its report in a frame, its figures as a table."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import write_report
from .config_view import hints, warnings
from .html import Markup, table, tag
from .money import money_of
from .statistics_view import statistics_rows

_LARGEST = 8_000_000
"""Bytes of a report that a notebook is given to keep; a larger one is only linked to."""


@dataclass(frozen=True)
class Framed:
    """A report that a notebook shows in a frame.

    Parameters
    ----------
    path : Path
        The report.
    height : int
        Of the frame, in pixels.
    """

    path: Path
    height: int

    def _repr_html_(self) -> str:
        text = self.path.read_text(encoding="utf-8")
        if len(text) > _LARGEST:
            where = self.path.resolve().as_uri()
            return tag("p", f"{len(text) / 1e6:.0f} MB are too much for a notebook: ", tag("a", where, href=where))
        style = f"width:100%;height:{self.height}px;border:0"
        return f'<iframe srcdoc="{html.escape(text, quote=True)}" style="{style}"></iframe>'


def framed(folder: Path, height: int) -> Framed:
    """The report of the run in ``folder``, written first where there is none."""
    path = folder / "report.html"
    return Framed(path if path.exists() else write_report(folder), height)


def figures_table(result: Mapping[str, Any]) -> Markup:
    """Name, key figures with their intervals, warnings and what the figures say."""
    head = tag("b", result.get("name", "run"))
    return Markup(
        head
        + table((), statistics_rows(result, money_of(result)))
        + warnings(result.get("warnings") or [])
        + hints(result.get("hints") or [])
    )

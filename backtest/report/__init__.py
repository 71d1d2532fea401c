"""The report of a run: one HTML file that opens anywhere and fetches nothing."""

from __future__ import annotations

import os
from pathlib import Path

from .folder import read_folder
from .page import page

__all__ = ["write_report"]


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a result folder, from that folder alone.

    The same folder gives the same bytes. The file appears whole or not at all.

    Parameters
    ----------
    folder : Path
        The result folder of a run.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataError
        If a file the report needs is missing or cannot be read.
    PluginError
        If the package that brings the chart library is not installed.
    """
    text = page(read_folder(Path(folder)))
    target = Path(folder) / "report.html"
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target

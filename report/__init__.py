"""The report of a run: one HTML file that opens anywhere and fetches nothing."""

from __future__ import annotations

from pathlib import Path

from ..core.files.signed import signed_page
from ..core.files.writing import replacing
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
    text = signed_page(page(read_folder(Path(folder))))
    target = Path(folder) / "report.html"
    with replacing(target) as made:
        made.write_text(text, encoding="utf-8", newline="\n")
    return target

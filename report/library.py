"""The chart library, read from the installed package when a report is written."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..core.errors import PluginError

PACKAGE = "lwcharts"
FILE = "lightweight-charts.standalone.production.js"


@cache
def chart_library() -> str:
    """The standalone JavaScript of lightweight-charts, its licence notice at the top.

    Raises
    ------
    PluginError
        If the package that brings it is not installed, or brings another layout.
    """
    try:
        text = (resources.files(PACKAGE) / "vendor" / FILE).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        raise PluginError(f"the report needs vendor/{FILE} of the package '{PACKAGE}': install that") from None
    if "@license" not in text or "</script" in text.lower():
        raise PluginError(f"{PACKAGE}/vendor/{FILE}: no licence notice at its top, or not fit for a page")
    return text

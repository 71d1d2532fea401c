"""The site: hand-written pages, and a reference made from the code itself at every build."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

from tapeflow.core.registry import REGISTRIES
from tapeflow.core.schema import BARS, LEVELS, TAPE

HERE = Path(__file__).parent
project = "tapeflow"
author = "the tapeflow authors"
project_copyright = "the tapeflow authors, GPL-3.0-or-later"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "tapeflow"
exclude_patterns = ["_build"]
nitpicky = False
myst_heading_anchors = 3
autodoc_member_order = "bysource"
napoleon_numpy_docstring = True
napoleon_custom_sections = [("Lines", "params_style"), ("Inputs", "params_style")]


def _page(title: str, registry: object) -> str:
    """One page for a registry: every class with its own words."""
    out = [f"# {title}", ""]
    for name in registry:
        cls = registry[name]
        if not cls.__module__.startswith("tapeflow."):
            continue
        doc = inspect.cleandoc(cls.__doc__ or "")
        out += [f"## {name}", "", f"`{cls.__module__}.{name}`", "", "```text", doc, "```", ""]
    return "\n".join(out)


def _columns() -> str:
    """The canonical columns as tables."""
    out = ["# Columns", ""]
    for title, columns in (("Tape", TAPE), ("Bars", BARS), ("Levels", LEVELS)):
        out += [f"## {title}", "", "| column | unit | meaning | klines know it |", "| --- | --- | --- | --- |"]
        out += [f"| `{c.name}` | {c.unit} | {c.meaning} | {'yes' if c.klines else 'no'} |" for c in columns]
        out.append("")
    return "\n".join(out)


def _write_reference() -> None:
    folder = HERE / "reference"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for kind, registry in REGISTRIES.items():
        (folder / f"{kind}.md").write_text(_page(kind.capitalize(), registry), encoding="utf-8")
    (folder / "columns.md").write_text(_columns(), encoding="utf-8")


_write_reference()

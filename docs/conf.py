"""The site: pages written by hand, and a reference made from the code itself at every build."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from _ext import api, pictures, plugins, schema  # noqa: E402

from tapeflow.core.plugins.registry import REGISTRIES  # noqa: E402

project = "tapeflow"
author = "the tapeflow authors"
project_copyright = "the tapeflow authors, GPL-3.0-or-later"
extensions = ["myst_nb", "_ext.commands", "_ext.formulas"]
html_math_renderer = "pictures"
html_theme = "furo"
html_title = "tapeflow"
html_static_path = ["_static"]
html_css_files = ["site.css"]
exclude_patterns = ["_build", "_ext"]
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]
suppress_warnings = ["misc.highlighting_failure"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True


def write_reference(folder: Path) -> None:
    """All generated pages, and the pictures they show."""
    shutil.rmtree(folder, ignore_errors=True)
    made = {"columns.md": schema.columns_page(), "yaml.md": schema.yaml_page()}
    drawn = pictures.draw_all(folder / "pictures")
    for kind, registry in REGISTRIES.items():
        made |= dict(plugins.pages(kind, registry, drawn))
    made |= dict(api.pages()) | {"python.md": api.index()}
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


write_reference(HERE / "reference")

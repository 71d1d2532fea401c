"""Formulas as pictures drawn by matplotlib, so that the site fetches no script to show them."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image
from sphinx.application import Sphinx


def picture(formula: str, size: int) -> str:
    """One formula as an ``img``; its source is what a screen reader says."""
    made = io.BytesIO()
    text = " ".join(formula.split())
    math_to_image(f"${text}$", made, prop=FontProperties(size=size), format="svg", color="#2f6fb3")
    data = base64.b64encode(made.getvalue()).decode()
    return f'<img class="formula" alt="{escape(text)}" src="data:image/svg+xml;base64,{data}"/>'


def inline(self: Any, node: nodes.math) -> None:
    """A formula in a line."""
    self.body.append(picture(node.astext(), 10))
    raise nodes.SkipNode


def block(self: Any, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    self.body.append(f'<p class="formula">{picture(node.astext(), 13)}</p>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Give Sphinx the renderer."""
    app.add_html_math_renderer("pictures", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True}

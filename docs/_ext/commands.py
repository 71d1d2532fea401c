"""Commands of the command line, as click knows them: for the directive ``command`` and the tests."""

from __future__ import annotations

import inspect
import re
from typing import Any

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from .tree import options, walk


class Command(SphinxDirective):
    """``{command} run``: usage, help and options of one command."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The nodes of the generated Markdown."""
        found = dict(walk())
        name = self.arguments[0]
        if name not in found:
            raise self.error(f"there is no command '{name}'")
        box = nodes.container()
        self.state.nested_parse(StringList(described(name, found[name]), source=f"command {name}"), 0, box)
        return list(box.children)


def described(name: str, command: click.Command) -> list[str]:
    """Help and options as Markdown."""
    with click.Context(command, info_name=f"tapeflow {name}") as ctx:
        usage = command.get_usage(ctx).removeprefix("Usage: ")
    out = ["```text", *usage.splitlines(), "```", ""]
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        out += _paragraph(paragraph)
    return [*out, *options(command)]


def _paragraph(text: str) -> list[str]:
    """Prose, or an example as code."""
    example = re.match(r"Examples?: *\n?", text)
    if example:
        return ["```bash", inspect.cleandoc(text[example.end() :]), "```", ""]
    if text.startswith(("    ", "\b")):
        return ["```text", *inspect.cleandoc(text.removeprefix("\b\n")).splitlines(), "```", ""]
    return [text, ""]


def setup(app: Any) -> dict[str, bool]:
    """Give Sphinx the directive."""
    app.add_directive("command", Command)
    return {"parallel_read_safe": True}

"""Options that several commands share, and what they print with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from .progress import COMPILING, Progress, silenced

__all__ = ["LEDGER", "Near", "Progress", "announce_compiling", "common", "label", "note", "print_json", "print_table"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def common(*, as_json: bool = True, quiet: bool = False) -> Decorator:
    """``--debug``, ``--quiet`` and ``--no-plugins``, and where asked ``--json``.

    Parameters
    ----------
    as_json : bool
        Whether there is something to print for programs.
    quiet : bool
        Whether the command is told of ``--quiet``; one that remarks on nothing takes it and need not know.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
        command = debug(command)
        silent = click.option("-q", "--quiet", is_flag=True, expose_value=quiet, help="Print no progress, no remarks.")
        command = silent(command)
        alone = click.option(
            "--no-plugins", is_flag=True, expose_value=False, is_eager=True, callback=_alone,
            help="Load no Python but tapeflow's own: refuse plugins, leave out installed ones.",
        )  # fmt: skip
        command = alone(command)
        if as_json:
            command = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)
        return command

    return add


LEDGER = click.option("--no-ledger", is_flag=True, help="Count it among no trials; the result says that nobody did.")
"""Of every command that the ledger counts."""


def _alone(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Forbid plugins as long as the command runs."""
    if value:
        from ..core.plugins.registry import forbid

        forbid(True)
        ctx.call_on_close(lambda: forbid(False))


class Near(click.Choice[str]):
    """One of some words; the nearest is named for one that is none of them."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is wrong, what was meant, and what is allowed."""
        from ..core.errors import nearest

        near = nearest(str(value), list(self.choices))
        hint = f", did you mean '{near}'?" if near else ""
        return f"'{value}' is none of {', '.join(self.choices)}{hint}"


def print_json(value: Any) -> None:
    """JSON on standard output; what is not finite is null."""
    from ..core.files.json_text import json_text

    click.echo(json_text(value, default=str))


def print_table(rows: Sequence[Sequence[Any]], columns: Sequence[str], *, title: str = "") -> None:
    """A table for people; plain and full-width lines when the output is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(soft_wrap=False) if sys.stdout.isatty() else Console(width=200, color_system=None)
    console.print(table)


def note(text: str, *, quiet: bool = False) -> None:
    """A remark for people, on standard error."""
    if not quiet:
        click.echo(text, err=True)


def announce_compiling(*, quiet: bool = False) -> None:
    """Say so when kernels must be compiled first, which takes some seconds, once on a machine."""
    from ..core.kernels import on_compile

    if not quiet and not silenced():
        on_compile(lambda: note(COMPILING))


def label(out: str) -> str:
    """What begins a remark about a file; nothing for standard output."""
    return "" if out == "-" else f"{out}: "

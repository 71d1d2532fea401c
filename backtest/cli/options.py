"""Options that several commands share, and what they print with."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def common(*, as_json: bool = True, quiet: bool = False) -> Decorator:
    """``--debug``, and where asked ``--json`` and ``--quiet``."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
        command = debug(command)
        if quiet:
            command = click.option("-q", "--quiet", is_flag=True, help="Print no progress.")(command)
        if as_json:
            command = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)
        return command

    return add


def print_json(value: Any) -> None:
    """JSON on standard output; what is not finite is null."""
    click.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list | tuple) else value


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
    from ...core.kernels import on_compile

    if not quiet:
        on_compile(lambda: note("compiling for this machine, which only the first run needs"))


def label(out: str) -> str:
    """What begins a remark about a file; nothing for standard output."""
    return "" if out == "-" else f"{out}: "


class Progress:
    """What is being done, on one line of a terminal that is written over; silent elsewhere.

    Parameters
    ----------
    quiet : bool
        Whether to say nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._shown = not quiet and sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        """Show ``text`` in place of what was shown before."""
        if self._shown:
            click.echo(f"\r\033[K{text} …", nl=False, err=True)

    def __enter__(self) -> Progress:
        announce_compiling(quiet=self._quiet)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)

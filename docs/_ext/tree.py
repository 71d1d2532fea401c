"""The tree of commands."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tapeflow.cli import main

from .markdown import code, inline, table


def walk(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed behind ``tapeflow``."""
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from walk(command, f"{before}{name} ")
        elif command is not None and not command.hidden:
            yield f"{before}{name}", command


def options(command: click.Command) -> list[str]:
    """The options of a command as a table."""
    ctx = click.Context(command)
    rows = []
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
        if record is not None:
            rows.append([code(record[0]), inline(record[1], cell=True)])
    return table(["option", "means"], rows)

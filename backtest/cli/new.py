"""``tapeflow new``: files that work as they are, to change."""

from __future__ import annotations

from pathlib import Path

import click

from .options import common


@click.command("new", short_help="Begin a project, indicator, strategy, feed or config.")
@click.argument("kind", type=click.Choice(["project", "indicator", "strategy", "feed", "config"]))
@click.argument("name")
@click.option("--dir", "folder", default=".", metavar="DIR", help="Where to; this folder by default.")
@common(as_json=False)
def command(kind: str, name: str, folder: str) -> None:
    """Write a new KIND called NAME from a template that works as it is.

    A project is a folder with configs, plugins and a schema that gives completion in editors. An indicator
    made this way passes `tapeflow check`.

    Example: tapeflow new indicator LargeShare --dir indicators
    """
    from ..scaffold import new_file, new_project

    made = new_project(Path(folder) / name) if kind == "project" else [new_file(kind, name, Path(folder))]
    for path in made:
        click.echo(path)

"""``tapeflow new``: files that work as they are, to change."""

from __future__ import annotations

from pathlib import Path

import click

from .options import Near, common, note, print_json

_KINDS = "{project|indicator|strategy|feed|config}"


@click.command("new", short_help="Begin a project, indicator, strategy, feed or config.")
@click.argument("kind", type=Near(["project", "indicator", "strategy", "feed", "config"]), metavar=_KINDS)
@click.argument("name")
@click.option("--dir", "folder", default=".", metavar="DIR", help="Where to; this folder by default.")
@common(quiet=True)
def command(kind: str, name: str, folder: str, as_json: bool, quiet: bool) -> None:
    """Write a new KIND called NAME from a template that works as it is.

    A project is a folder with configs, plugins and a schema that gives completion in editors. An indicator
    made this way passes `tapeflow check`.

    Example: tapeflow new project research

    Example: tapeflow new indicator LargeShare --dir indicators
    """
    from ..configs.plugin import snake
    from .scaffold import new_file, new_project

    made = new_project(Path(folder) / name) if kind == "project" else [new_file(kind, name, Path(folder))]
    if as_json:
        print_json([str(path) for path in made])
    else:
        for path in made:
            click.echo(path)
    if not as_json:
        note(_next(kind, name, Path(folder), made[-1], snake(name)), quiet=quiet)


def _next(kind: str, name: str, folder: Path, path: Path, short: str) -> str:
    """What to do with it."""
    if kind == "project":
        return f"next: cd {folder / name}, then tapeflow run configs/first.yaml"
    if kind == "config":
        return f"next: tapeflow run {path}"
    uses = {
        "indicator": f"{short}: {{kind: {name}}}",
        "strategy": f"strategy: {{kind: {name}}}",
        "feed": f"feed: {name}",
    }
    told = f"`{uses[kind]}` in a YAML uses it"
    # In a project the configs load these folders already.
    if not ((folder / ".." / "schema.json").exists() and folder.name in ("indicators", "strategies")):
        told += f", once `plugins:` names {path if folder == Path() else folder}"
    return f"next: tapeflow check {name} --plugins {path}; {told}" if kind == "indicator" else f"next: {told}"

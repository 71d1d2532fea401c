"""``tapeflow report``: the page of a run, made again from its folder."""

from __future__ import annotations

from pathlib import Path

import click

from .options import common


@click.command("report", short_help="Make the report of a finished run.")
@click.argument("folder", metavar="DIR")
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@common(as_json=False)
def command(folder: str, show: bool) -> None:
    """Write report.html from the result folder DIR, and say where it lies.

    Example: tapeflow report runs/demo --open
    """
    from ..report import write_report

    path = write_report(Path(folder))
    click.echo(path)
    if show:
        click.launch(str(path))

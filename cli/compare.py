"""``tapeflow compare``: two or more finished runs on one page."""

from __future__ import annotations

from pathlib import Path

import click

from .complete import runs
from .options import Progress, common, print_json


@click.command("compare", short_help="Set two or more finished runs beside each other.")
@click.argument("folders", metavar="DIR DIR …", nargs=-1, required=True, shell_complete=runs)
@click.option("--out", metavar="FILE", default="comparison.html", show_default=True, help="The page to write.")
@common(quiet=True)
def command(folders: tuple[str, ...], out: str, as_json: bool, quiet: bool) -> None:
    """Write one page of the result folders DIR: figures side by side, curves over each other, where the configs differ.

    Example: tapeflow compare runs/fade runs/wider --out wider.html
    """
    from ..backtest.results.own_files import existing
    from ..report.comparison import write_comparison

    places = [existing(Path(folder)) for folder in folders]
    with Progress(quiet=quiet, compiles=False) as progress:
        progress("drawing")
        path = write_comparison(places, Path(out))
    if as_json:
        print_json({"file": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)

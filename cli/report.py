"""``tapeflow report``: the page of a run, made again from its folder, or a still picture of it."""

from __future__ import annotations

from pathlib import Path

import click

from .complete import runs
from .options import Progress, common, note, print_json


@click.command("report", short_help="Make the report of a finished run.")
@click.argument("folder", metavar="DIR", shell_complete=runs)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@click.option(
    "--png",
    "picture",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FILE]",
    help="Make a still picture instead, report.png in DIR or FILE, which may end in .svg or .pdf; needs matplotlib.",
)
@common(quiet=True)
def command(folder: str, show: bool, picture: str | None, as_json: bool, quiet: bool) -> None:
    """Write report.html from the result folder DIR, and say where it lies.

    Example: tapeflow report runs/demo --open

    Example: tapeflow report runs/demo --png demo.png
    """
    from ..backtest.results.own_files import existing

    place = existing(Path(folder))
    with Progress(quiet=quiet, compiles=False) as progress:
        progress("drawing")
        path = _picture(place, picture) if picture is not None else _page(place)
    if as_json:
        print_json({"file": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)
    if show and click.launch(path.resolve().as_uri()):
        note(f"no browser could be started here; open {path}")


def _page(folder: Path) -> Path:
    from ..report import write_report

    return write_report(folder)


def _picture(folder: Path, name: str) -> Path:
    from ..report.picture import write_picture

    return write_picture(folder, Path(name) if name else None)

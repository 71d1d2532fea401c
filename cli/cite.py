"""``tapeflow cite``: a finished run as one zip to hand on."""

from __future__ import annotations

from pathlib import Path

import click

from .complete import runs
from .options import Progress, common, note, print_json


@click.command("cite", short_help="Pack a finished run into one zip, without its data.")
@click.argument("folder", metavar="DIR", shell_complete=runs)
@click.option("--out", metavar="FILE", help="The zip; by default beside DIR, called as it is.")
@click.option(
    "--data", multiple=True, metavar="DIR", help="A folder to look in for plugins that have moved, by digest."
)
@click.option("--no-report", is_flag=True, help="Leave the report out, which draws the bars of the run.")
@common(quiet=True)
def command(folder: str, out: str | None, data: tuple[str, ...], no_report: bool, as_json: bool, quiet: bool) -> None:
    """Pack the result folder DIR into one zip: run.lock, config.yaml, the result, its report and its plugins.

    Inputs, the bars and price rows made of them, quarantined rows and files that plugins read are left out; the lock
    has their digests. Unpacked, `tapeflow reproduce run.lock --data DIR` runs it again. The same run, the same zip.

    Example: tapeflow cite runs/demo --out demo.zip
    """
    from ..research.repeat.cite import cite

    place = Path(out) if out else Path(folder).absolute().with_name(f"{Path(folder).absolute().name}.zip")
    with Progress(quiet=quiet, compiles=False) as progress:
        names = cite(Path(folder), place, [Path(one) for one in data], report=not no_report, progress=progress)
    if as_json:
        print_json({"file": str(place), "bytes": place.stat().st_size, "holds": names})
        return
    note(f"holds {', '.join(names)}", quiet=quiet)
    click.echo(place if out else Path(folder).with_name(place.name))

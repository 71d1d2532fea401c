"""``tapeflow reproduce``: a run again from its lock, and whether the same came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .complete import runs
from .options import Progress, common, note, print_json
from .root import EXIT_USER

if TYPE_CHECKING:
    from ..research.repeat import Reproduction


@click.command("reproduce", short_help="Run a run.lock again and compare what comes of it.")
@click.argument("lock", metavar="LOCK", shell_complete=runs)
@click.option("--data", multiple=True, metavar="DIR", help="A folder to look in for the run's files, by digest.")
@click.option("--out", metavar="DIR", help="Keep the new result there; it is thrown away by default.")
@common(quiet=True)
def command(lock: str, data: tuple[str, ...], out: str | None, as_json: bool, quiet: bool) -> int:
    """Run LOCK, a run.lock or the folder of a result, once more and compare the digests of its files.

    Inputs, plugins and the files that plugins read are looked for where they lay, from the lock's folder and
    those above it, from the working folder and from --data; then by their digest anywhere below --data.

    Exit code 2 means that something else came of it; what is not as it was is named, the likeliest cause first.

    Example: tapeflow reproduce runs/demo/run.lock

    Example: tapeflow reproduce run.lock --data ~/dumps
    """
    from ..research.repeat import reproduce

    with Progress(quiet=quiet) as progress:
        made = reproduce(Path(lock), [Path(one) for one in data], Path(out) if out else None, progress)
    if as_json:
        causes = [cause._asdict() for cause in made.causes]
        told = {"name": made.name, "equal": made.equal, "files": made.files, "differing": list(made.differing)}
        print_json({**told, "causes": causes})
    else:
        _tell(made, quiet=quiet)
    if not made.equal:
        note(f"tapeflow: {made.name}: not reproduced; {_first(made)}")
    return 0 if made.equal else EXIT_USER


def _tell(made: Reproduction, *, quiet: bool) -> None:
    if made.equal:
        click.echo(f"equal: {made.files} files of {made.name}, each with the sha256 of the lock")
    else:
        click.echo(f"differs: {', '.join(made.differing)} of {made.files} files of {made.name}")
    for cause in made.causes:
        note(f"{'although ' if made.equal else ''}{cause}", quiet=quiet)


def _first(made: Reproduction) -> str:
    if made.causes:
        return str(made.causes[0])
    return (
        "inputs, plugins, versions and processor are as they were: the run is not deterministic, reads what Python "
        "does not see, or its tapeflow was changed without a new version"
    )

"""``tapeflow ledger verify``: what was changed in the ledger."""

from __future__ import annotations

from pathlib import Path

import click

from .ledger_list import FOLDER, found
from .options import common, note, print_json
from .root import EXIT_USER


@click.command("verify", short_help="Find what was changed in the ledger.")
@click.argument("results", nargs=-1)
@FOLDER
@common(quiet=True)
def command(results: tuple[str, ...], folder: str, as_json: bool, quiet: bool) -> int:
    """Compare every line of the ledger with those before it, and the place in it that each of RESULTS names.

    RESULTS are folders of results, or folders above some; the project's own where none is named. A line that was
    edited, moved or taken out breaks the chain; one that was cut off the end is missed by a result that names it.

    Exit code 2 means that something was changed.

    Example: tapeflow ledger verify

    Example: tapeflow ledger verify ~/old/runs
    """
    from ..core.counting import counted
    from ..research.ledger.verify import verify

    home = found(folder)
    made = verify(home, [Path(one) for one in results])
    if as_json:
        counts = {"entries": made.entries, "results": made.results}
        print_json({"ledger": str(home / "ledger"), **counts, "faults": made.faults, "remarks": made.remarks})
    elif not made.faults:
        agree = counted(made.results, "result agrees", "results agree")
        click.echo(f"{home / 'ledger'}: {counted(made.entries, 'entry', 'entries')} as they were written; {agree}")
    for remark in made.remarks:
        note(f"note: {remark}", quiet=quiet)
    for fault in made.faults:
        note(f"tapeflow: {fault}")
    return EXIT_USER if made.faults else 0

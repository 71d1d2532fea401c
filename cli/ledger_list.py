"""``tapeflow ledger list``: what was run on which data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import common, print_json, print_table

if TYPE_CHECKING:
    from ..research.ledger.listing import OnData

FOLDER = click.option("--folder", default=".", metavar="DIR", help="Where to look for it, from there upward.")
"""Of every command of the ledger."""


@click.command("list", short_help="List what was run on which data.")
@FOLDER
@common()
def command(folder: str, as_json: bool) -> None:
    """List every data that was run on, with how many trials there were and what made them.

    A trial is a config with its plugins on data; run again, it is an entry and no trial.

    Example: tapeflow ledger list
    """
    from ..research.ledger.listing import holdings

    made = holdings(found(folder))
    if as_json:
        print_json([_json(one) for one in made])
    else:
        columns = ("data", "of", "trials", "entries", "first", "last", "kinds")
        print_table([_row(one) for one in made], columns)


def found(folder: str) -> Path:
    """The ``.tapeflow`` whose ledger is asked for.

    Raises
    ------
    DataError
        If there is none.
    """
    from ..core.errors import DataError
    from ..research.ledger.home import project_folder

    made = project_folder(Path(folder))
    if made is None or not made.is_dir():
        raise DataError(f"{folder}: no .tapeflow there or above; the first run makes it beside its YAML")
    return made


def _row(one: OnData) -> list[str]:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in one.kinds.items())
    counts = f"{one.trials:,}", f"{len(one.links):,}"
    return [one.data[:12], one.name, *counts, one.first, one.last, kinds]


def _json(one: OnData) -> dict[str, Any]:
    counts = {"trials": one.trials, "entries": len(one.links), "kinds": one.kinds}
    return {"data": one.data, "inputs": one.inputs, **counts, "first": one.first, "last": one.last}

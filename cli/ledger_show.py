"""``tapeflow ledger show``: entries of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .ledger_list import FOLDER, found
from .options import common, print_json, print_table

if TYPE_CHECKING:
    from ..research.ledger.chain import Link


@click.command("show", short_help="Show entries of the ledger.")
@click.argument("what")
@FOLDER
@common()
def command(what: str, folder: str, as_json: bool) -> None:
    """Show the entries of WHAT: the number of one, or the beginning of the digest of a trial or of data.

    Example: tapeflow ledger show 2

    Example: tapeflow ledger show 63923475
    """
    from ..research.ledger.listing import entries_of

    links = entries_of(found(folder), what)
    if as_json:
        print_json([_json(link) for link in links])
    else:
        columns = ("entry", "kind", "name", "trial", "values", "return %", "Sharpe", "trades", "time", "error")
        print_table([_row(link) for link in links], columns)


def _row(link: Link) -> list[str]:
    entry = link.entry
    values = ", ".join(f"{path}={value}" for path, value in entry.get("values", {}).items())
    forms = {"return_pct": ",.3f", "sharpe": ",.2f", "trades": ","}
    figures = [format(entry[key], form) if key in entry else "–" for key, form in forms.items()]
    number = f"{entry['number']:,}" if "number" in entry else "–"
    return [
        *(str(link.number), entry["kind"], entry["name"], number, values, *figures),
        *(entry["time"], entry.get("error", "")),
    ]


def _json(link: Link) -> dict[str, Any]:
    return {"entry": link.number, **link.entry, "digest": link.digest}

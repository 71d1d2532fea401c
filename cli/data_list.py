"""``tapeflow data list``: what a catalog holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import common, note, print_json, print_table

if TYPE_CHECKING:
    from ..store.holdings import StoredSeries

_COLUMNS = ("venue", "market", "symbol", "kind", "from", "to", "days", "rows", "bytes", "missing days", "holes")


@click.command("list", short_help="List what a catalog holds.")
@click.option("--catalog", required=True, metavar="DIR", help="The catalog.")
@common()
def command(catalog: str, as_json: bool) -> None:
    """List every series of the catalog in DIR, with missing days and holes.

    Holes are places where ids of trades, or klines, are missing inside a day or between two neighbouring days.

    Example: tapeflow data list --catalog catalog
    """
    from ..store.holdings import holdings

    made = holdings(catalog)
    if as_json:
        print_json([_json(holding) for holding in made])
    elif made:
        print_table([_row(holding) for holding in made], _COLUMNS)
    else:
        note(f"{catalog}: the catalog is empty")


def _row(holding: StoredSeries) -> list[str]:
    series = holding.series
    numbers = (holding.days, holding.rows, holding.bytes, len(holding.missing_days))
    holes = f"{holding.holes:,}" + (f" ({holding.missing:,} missing)" if holding.holes else "")
    return [
        *(series.venue, series.market, series.symbol, series.kind, holding.first, holding.last),
        *(f"{n:,}" for n in numbers),
        holes,
    ]


def _json(holding: StoredSeries) -> dict[str, Any]:
    from dataclasses import asdict

    made = asdict(holding)
    return {**made.pop("series"), "from": made.pop("first"), "to": made.pop("last"), **made}

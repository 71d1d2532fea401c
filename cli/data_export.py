"""``tapeflow data export``: a series of a catalog into one file."""

from __future__ import annotations

from typing import Any

import click

from .options import common, note, print_json


@click.command("export", short_help="Export trades or klines from a catalog.")
@click.option("--catalog", required=True, metavar="DIR", help="The catalog.")
@click.option("--symbol", metavar="S", help="As `tapeflow data list` shows it; needless where there is only one.")
@click.option("--kind", metavar="K", help="As in aggTrades, trades or klines_1m.")
@click.option("--market", metavar="M", help="As in spot, um or cm.")
@click.option("--venue", metavar="V", help="As in binance.")
@click.option("--from", "start", metavar="TIME", help="First instant, as in 2024-01-31 or 2024-01-31T08:00.")
@click.option("--to", "end", metavar="TIME", help="Last instant, exclusive.")
@click.option("--out", required=True, metavar="FILE", help="The rows, as .parquet or .csv.")
@common(quiet=True)
def command(
    catalog: str, out: str, start: str | None, end: str | None, as_json: bool, quiet: bool, **which: Any
) -> None:
    """Export a series of the catalog in DIR to FILE: the tape's columns, or those of klines.

    Times are epoch microseconds UTC. The file appears when it is whole.

    Example: tapeflow data export --catalog catalog --symbol BTCUSDT --kind aggTrades --out btc.parquet
    """
    from ..feeds.filing.export import export
    from .source import _time

    rows = export(catalog, out, start=_time("--from", start), end=_time("--to", end), **which)
    if as_json:
        print_json({"out": out, "rows": rows})
    else:
        note(f"{out}: {rows:,} rows", quiet=quiet)

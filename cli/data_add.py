"""``tapeflow data add``: dumps into a catalog, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import Progress, common, print_json

if TYPE_CHECKING:
    from ..feeds.filing.add import Added


@click.command("add", short_help="Add trades or klines to a catalog.")
@click.argument("inputs", nargs=-1, required=True)
@click.option("--feed", required=True, metavar="KIND", help="What the files are; see `tapeflow list feeds`.")
@click.option("--catalog", required=True, metavar="DIR", help="The catalog; made if there is none.")
@click.option("--market", metavar="M", help="As in spot, um or cm; of a feed that has one market, its name.")
@click.option(
    "--contract-size", type=float, metavar="X", help="Quote currency in one contract of market cm: 100 for BTC."
)
@click.option(
    "--symbol", metavar="S", help="What the files hold, where their names do not say it; also as Atlas has it."
)
@click.option("--venue", metavar="V", help="Where they come from; the feed's own unless given.")
@click.option(
    "--negative-prices",
    is_flag=True,
    help="The market may trade at 0 and below; else such rows are damage.",
)
@click.option("--param", "extra", multiple=True, metavar="KEY=VALUE", help="Another parameter of the feed.")
@common(quiet=True)
def command(inputs: tuple[str, ...], catalog: str, as_json: bool, quiet: bool, **given: Any) -> None:
    """Add INPUTS, files of trades or klines, to the catalog in DIR.

    The catalog is made of Parquet files by venue, market, symbol, kind and day. Adding a file again changes
    nothing; rows that are there already are counted; a row that contradicts one of its day is refused. A trade whose
    id another day has too is kept and counted, and read once: `tapeflow audit --catalog DIR` lists them.
    An interrupted command goes on where it stopped when it is run again.

    Example: tapeflow data add dumps/*.zip --catalog catalog --feed BinanceAggTrades --symbol BTCUSDT
    """
    from ..feeds.filing.add import add
    from .source import feed_params

    params = feed_params(given["market"], given["contract_size"], given["extra"])
    with Progress(quiet=quiet) as progress:
        progress("adding")
        made = add(
            catalog,
            inputs,
            given["feed"],
            params,
            symbol=given["symbol"],
            venue=given["venue"],
            negative_prices=given["negative_prices"],
            tell=lambda added: progress.say(_told(added)) if not (quiet or as_json) else None,
        )
    if as_json:
        print_json({"catalog": catalog, "files": [_json(added) for added in made]})


def _told(added: Added) -> str:
    """What became of a file, in a line."""
    if added.known:
        return f"{added.path.name}: is in the catalog already ({added.rows:,} rows)"
    found = {"duplicates": added.duplicates, **{k: v for k, v in added.counts.items() if k != "rows"}}
    found["duplicates"] = added.duplicates + added.counts.get("duplicates", 0)
    more = "".join(f", {k.replace('_', ' ')} {v:,}" for k, v in found.items() if v)
    if added.elsewhere:
        more += f", ids of another day {added.elsewhere:,} ({added.elsewhere_other:,} with other content)"
    days = f"{len(added.days)} day{'' if len(added.days) == 1 else 's'}"
    return f"{added.path.name}: {added.new:,} rows of {added.series} added in {days}{more}"


def _json(added: Added) -> dict[str, Any]:
    from dataclasses import asdict

    from ..store.layout import day_text

    return {
        "path": str(added.path),
        **asdict(added.series),
        "known": added.known,
        "rows": added.rows,
        "new": added.new,
        "duplicates": added.duplicates,
        "days": [day_text(day) for day in added.days],
        "ids_of_another_day": added.elsewhere,
        "of_these_with_other_content": added.elsewhere_other,
        "counts": {k: int(v) for k, v in added.counts.items()},
    }

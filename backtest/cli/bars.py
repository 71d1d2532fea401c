"""``tapeflow bars``: trades or klines to bars, in a file."""

from __future__ import annotations

from typing import Any

import click

from .options import common, label, note, print_json
from .source import Source, source_options


@click.command("bars", short_help="Turn trades or klines into order-flow bars.")
@source_options
@click.option(
    "--out", required=True, metavar="FILE", help="Bars, as .parquet, .csv or .json; - is CSV on standard output."
)
@click.option("--levels", metavar="FILE", help="Volume by price row of every bar; needs --row-size.")
@common(quiet=True)
def command(source: Source, out: str, levels: str | None, as_json: bool, quiet: bool) -> None:
    """Turn INPUTS, trades or klines, into order-flow bars.

    Times are epoch microseconds UTC; a bar covers open_time up to, not including, close_time.
    """
    from ...core.errors import ParamError
    from ...core.tables import check_format, write_table

    check_format(out)
    if levels is not None:
        check_format(levels)
        if source.row_size is None:
            raise ParamError("--levels: give --row-size, the height of a price row, or --row-size auto")
        if levels == out:
            raise ParamError(f"--levels and --out are both {out}")
    feed, bars = source.bars(out)
    if levels is not None and bars.levels is None:
        raise ParamError(f"--levels: {source.feed} knows no price rows")
    write_table(bars.columns, out, metadata={"spec": bars.spec, "source": bars.source})
    rows = 0
    if levels is not None:
        rows = write_levels(bars, levels)
    _tell(feed, bars, out, levels, rows, as_json=as_json and out != "-", quiet=quiet)


def write_levels(bars: Any, path: str) -> int:
    """Write every price row of ``bars``; returns how many there are."""
    from ...core.tables import write_table

    made = level_columns(bars)
    write_table(made, path, metadata={"tick": repr(bars.levels.tick), "row_size": repr(bars.levels.row_size)})
    return len(made["price_tick"])


def level_columns(bars: Any) -> dict[str, Any]:
    """Every price row with the bar it belongs to; ``price`` is the row's lower edge."""
    import numpy as np

    levels = bars.levels
    rows = np.diff(levels.offsets)
    return {
        "open_time": np.repeat(bars["open_time"], rows),
        "close_time": np.repeat(bars["close_time"], rows),
        "price_tick": levels.price_tick,
        # Rounded to what a tick can tell, so that 3 × 0.1 is written as 0.3.
        "price": np.round(levels.price_tick * levels.tick, 12),
        "buy_volume": levels.buy_volume,
        "sell_volume": levels.sell_volume,
    }


def _tell(feed: Any, bars: Any, out: str, levels: str | None, rows: int, *, as_json: bool, quiet: bool) -> None:
    counts = {k: int(v) for k, v in feed.counts.items()}
    if as_json:
        made = {"out": out, "bars": len(bars), "spec": bars.spec, "counts": counts, "notes": list(bars.notes)}
        print_json({**made, **({"levels": levels, "level_rows": rows} if levels else {})})
        return
    shown = ", ".join(f"{k} {v:,}" for k, v in counts.items() if v)
    note(f"{label(out)}{len(bars):,} bars of {bars.spec} ({shown})", quiet=quiet)
    if levels:
        note(f"{label(levels)}{rows:,} price rows of {bars.levels.row_size:g}", quiet=quiet)
    for text in bars.notes:
        note(f"note: {text}", quiet=quiet)

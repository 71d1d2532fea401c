"""``tapeflow bars``: trades or klines to bars, in a file."""

from __future__ import annotations

from typing import Any

import click

from .options import Progress, common, label, note, print_json
from .source import InputOptions, apart, left_out, source_options, whole_of


@click.command("bars", short_help="Turn trades or klines into order-flow bars.")
@source_options
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="Bars, as .parquet, .csv or .json; - is CSV on standard output. {spec} in it stands for the kind of bars.",
)
@click.option("--levels", metavar="FILE", help="Volume by price row of every bar; needs --row-size.")
@common(quiet=True)
def command(source: InputOptions, out: str, levels: str | None, as_json: bool, quiet: bool) -> None:
    """Turn INPUTS, trades or klines, into order-flow bars.

    Times are epoch microseconds UTC; a bar covers open_time up to, not including, close_time. --bars may be repeated:
    all kinds are made in one pass, each with a file of its own, as in --out "bars-{spec}.parquet". A first or last
    bar that the data begin or end inside is left out unless --partial asks for it.

    Example: tapeflow bars dumps/*.zip --feed BinanceAggTrades --bars 1m --out bars.parquet
    """
    from ..core.errors import ParamError
    from ..core.files.tables import check_format, write_table

    check_format(out)
    if levels is not None:
        check_format(levels)
        if source.row_size is None:
            raise ParamError("--levels: give --row-size, the height of a price row, or --row-size auto")
        if levels == out:
            raise ParamError(f"--levels and --out are both {out}")
    outs, level_files = _files("--out", out, source.specs), _files("--levels", levels, source.specs)
    told = []
    with Progress(quiet=quiet) as progress:
        progress("reading")
        feed, made = source.all_bars(outs[0])
        apart(feed.paths, *outs, *level_files)
        if levels is not None and made[0].levels is None:
            raise ParamError(f"--levels: {source.feed} knows no price rows")
        progress("writing")
        for found, file, level_file in zip(made, outs, level_files, strict=True):
            bars, remark = _whole(source, found)
            write_table(bars.columns, file, metadata={"spec": bars.spec, "source": bars.source})
            rows = 0 if level_file is None else write_levels(bars, level_file)
            told.append(_facts(feed, bars, file, level_file, rows, remark))
    if as_json and out != "-":
        print_json(told[0] if len(told) == 1 else told)
    else:
        _tell(told, quiet=quiet)


def _files(option: str, name: Any, specs: tuple[str, ...]) -> list[Any]:
    """The file of each kind of bars: ``{spec}`` in ``name`` replaced; None for each where there is no name."""
    from ..core.errors import ParamError

    if name is None or "{spec}" not in name:
        if name is not None and len(specs) > 1:
            raise ParamError(
                f"{option}: {len(specs)} kinds of bars need {{spec}} in the name, as in bars-{{spec}}.parquet"
            )
        return [name] * max(1, len(specs))
    from ..aggregation.kinds import BarSpec

    if not specs:
        raise ParamError(f"{option}: {{spec}} stands for a kind of bars; give --bars")
    made = [name.replace("{spec}", BarSpec.parse(spec).file_name) for spec in specs]
    if len(set(made)) < len(made):
        raise ParamError(f"--bars: one kind is named twice (got {', '.join(specs)})")
    return made


def write_levels(bars: Any, path: str) -> int:
    """Write every price row of ``bars``; returns how many there are."""
    from ..core.files.tables import write_table

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
        "price": levels.price,
        "buy_volume": levels.buy_volume,
        "sell_volume": levels.sell_volume,
    }


def _whole(source: InputOptions, bars: Any) -> tuple[Any, str]:
    """The bars to write and what to say of those that the data begin or end inside.

    Where no bar at all is whole they are written all the same: their flag stands in the file.
    """
    if source.partial:
        return bars, ""
    kept = whole_of(bars)
    if not len(kept):
        flag = "are kept and flagged PARTIAL, as --partial asks for"
        return bars, f"no bar of {bars.spec} is whole, the data begin or end inside each: all {len(bars)} {flag}"
    return bars.slice(kept.start, kept.stop), left_out(len(bars) - len(kept), bars.spec)


def _facts(feed: Any, bars: Any, out: str, levels: str | None, rows: int, remark: str) -> dict[str, Any]:
    """What was written, for people and programs."""
    counts = {k: int(v) for k, v in feed.counts.items()}
    made = {
        "out": out,
        "bars": len(bars),
        "spec": bars.spec,
        "counts": counts,
        "notes": [*([remark] if remark else []), *bars.notes],
    }
    return {**made, **({"levels": levels, "level_rows": rows, "row_size": bars.levels.row_size} if levels else {})}


def _tell(told: list[dict[str, Any]], *, quiet: bool) -> None:
    shown = ", ".join(f"{k} {v:,}" for k, v in told[0]["counts"].items() if v)
    for made in told:
        note(f"{label(made['out'])}{made['bars']:,} bars of {made['spec']} ({shown})", quiet=quiet)
        if "levels" in made:
            note(f"{label(made['levels'])}{made['level_rows']:,} price rows of {made['row_size']:g}", quiet=quiet)
    for text in dict.fromkeys(text for made in told for text in made["notes"]):
        note(f"note: {text}", quiet=quiet)

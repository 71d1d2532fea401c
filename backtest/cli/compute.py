"""``tapeflow compute``: indicators over trades or klines, in a file."""

from __future__ import annotations

from typing import Any

import click

from .options import common, label, note, print_json
from .source import Source, source_options
from .wish import Wish, parse_wishes


@click.command("compute", short_help="Compute indicators over trades or klines.")
@source_options
@click.option(
    "--indicator",
    "indicators",
    multiple=True,
    required=True,
    metavar='"NAME=KIND(PARAM=VALUE, …)"',
    help='An indicator, as in "vwap=VWAP(anchor=1d)" or VWAP; may be repeated.',
)
@click.option(
    "--out", required=True, metavar="FILE", help="The table, as .parquet, .csv or .json; - is CSV on standard output."
)
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common(quiet=True)
def command(
    source: Source, indicators: tuple[str, ...], out: str, plugins: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Compute indicators over INPUTS, trades or klines.

    Columns are open_time and close_time, in epoch microseconds UTC, then name.line for every line.
    """
    from pathlib import Path

    from ...core.registry import load_plugins
    from ...core.tables import check_format, write_table

    check_format(out)
    wishes = parse_wishes(indicators)
    load_plugins(list(plugins), Path())
    classes = [_class(wish) for wish in wishes]
    _, bars = source.bars(out, levels=any("levels" in cls.inputs for cls in classes))
    columns: dict[str, Any] = {"open_time": bars["open_time"], "close_time": bars["close_time"]}
    for wish, cls in zip(wishes, classes, strict=True):
        frame = cls.over(bars, **wish.params)
        columns.update({f"{wish.name}.{line}": frame[line].to_numpy() for line in frame.columns})
    write_table(columns, out, metadata={"spec": bars.spec, "source": bars.source})
    if as_json and out != "-":
        print_json({"out": out, "bars": len(bars), "spec": bars.spec, "columns": list(columns)})
        return
    note(f"{label(out)}{len(bars):,} bars of {bars.spec}, {len(columns) - 2} lines", quiet=quiet)
    if bars.levels is not None and source.row_size is None:
        note(f"note: price rows of {bars.levels.row_size:g}; --row-size sets another height", quiet=quiet)


def _class(wish: Wish) -> Any:
    """The indicator's class, its parameters checked before anything is read."""
    from ...configs.plugin import declared
    from ...core.params import resolve
    from ...core.registry import INDICATORS

    cls: Any = INDICATORS.find(wish.kind)
    resolve(f"--indicator {wish.name}: {wish.kind}", wish.params, declared(cls), cls.bounds)
    return cls

"""``tapeflow data sniff``: what a file is taken for, and the YAML that reads it."""

from __future__ import annotations

from typing import Any

import click

from .options import common, note, print_json, print_table


@click.command("sniff", short_help="Say what a file is taken for, and the YAML that reads it.")
@click.argument("file", type=click.Path())
@common()
def command(file: str, as_json: bool) -> None:
    """Say what each column of FILE is taken for, and print the block of YAML that reads it.

    FILE holds trades or bars: text with any delimiter, JSON, Parquet or Arrow, packed or not. What the file does not
    tell, as whose clock its times are of, is said below the columns; the block reads the file as it is.

    Example: tapeflow data sniff export.csv
    """
    from ..feeds.sniffing.check import check
    from ..feeds.sniffing.sniff import sniff

    made = sniff(file)
    rows, first, last, notes = check(made)
    if as_json:
        columns = [{"column": c.column, "role": c.role or None, "value": c.value, "says": c.says} for c in made.columns]
        answer: dict[str, Any] = {"path": str(made.path), "form": made.form, "feed": made.feed, "params": made.params}
        print_json({**answer, "columns": columns, "doubts": [*made.doubts, *notes], "yaml": made.block()})
        return
    what = "bars" if made.bars else "trades"
    note(f"{made.path}: {made.form}; {what}, the first {rows:,} of them from {first} to {last}")
    print_table(
        [[c.column, c.role or "-", c.value, c.says] for c in made.columns], ("column", "taken for", "first", "why")
    )
    for doubt in (*made.doubts, *notes):
        note(doubt)
    click.echo(made.block(), nl=False)

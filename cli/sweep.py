"""``tapeflow sweep``: every combination of some values of a config, one row of figures a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import configs
from .options import LEDGER, Progress, common, note, print_json, print_table

if TYPE_CHECKING:
    from ..research.sweep import Swept

SHOWN = ("return_pct", "max_drawdown_pct", "sharpe", "profit_factor", "trades")


@click.command("sweep", short_help="Run every combination of some values of a YAML config.")
@click.argument("config", shell_complete=configs)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in broker.cash=5e4.")
@click.option("--out", required=True, metavar="DIR", help="The folder to make, or to go on in.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Processes; as many as there are processors by default."
)
@click.option("--sort", default="sharpe", show_default=True, metavar="FIGURE", help="The figure to show the best by.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, metavar="N", help="How many to show.")
@LEDGER
@common(quiet=True)
def command(
    config: str,
    settings: tuple[str, ...],
    out: str,
    jobs: int | None,
    sort: str,
    top: int,
    no_ledger: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run every combination of the values under `sweep:` in CONFIG.

    DIR gets points.parquet, one row a run with its values and figures, and sweep.yaml: everything the table
    depended on. A sweep that was stopped goes on where it was when it is asked for again; the table is the same.

    \b
    sweep:
      indicators.fast.timeperiod: [10, 20, 50]
      strategy.params.stop_loss: {from: 0.5%, to: 2%, step: 0.5%}

    Example: tapeflow sweep cross.yaml --jobs 4 --out sweeps/cross
    """
    from ..configs.loader import load_config
    from ..configs.shipped import find_config

    path = find_config(config)
    loaded = load_config(path, settings)
    from ..research.ledger import Ledger
    from ..research.sweep import sweep

    try:
        with Progress(quiet=quiet) as progress:
            ledger = Ledger.of(loaded.folder, asked=not no_ledger)
            made = sweep(loaded, Path(out), jobs=jobs, progress=progress, origin=str(path), figure=sort, ledger=ledger)
    except KeyboardInterrupt:
        note(f"finished points are kept in {out}; the same command goes on from there", quiet=quiet)
        raise
    _show(made, sort, top, as_json=as_json, quiet=quiet)


def _show(made: Swept, sort: str, top: int, *, as_json: bool, quiet: bool) -> None:
    """The best runs, what became of the others, and where the table lies."""
    from ..core.errors import DataError
    from ..research.sweep.best import as_record, best, caution, luck_of

    failed, total = made.failed, len(made.points)
    if len(failed) == total:
        raise DataError(f"no point could be run; the first: {failed[0].error}")
    rows = best(made.done, sort, top)
    values = {point.number: point.values for point in made.points}
    others = made.others
    found = luck_of(made.done, others)
    said = caution(found, total, made.days, others)
    if as_json:
        shown = [as_record(row, values[row.number]) for row in rows]
        told = {"points": total, "failed": len(failed), "sorted_by": sort, "best": shown, "caution": said}
        told["chance"] = None if found is None else found._asdict()
        told["trials"] = total + others.trials
        print_json({**told, "folder": str(made.folder)})
        return
    if not quiet:
        _table(rows, values, sort, total)
        if failed:
            note(f"{len(failed)} of {total} points failed; point {failed[0].number}: {failed[0].error}")
        if said:
            note(said)
        if made.trial is not None:
            note(f"the last point is {made.trial.words()}" if made.trial.counted else made.trial.words())
    click.echo(str(made.folder / "points.parquet"))


def _table(rows: list[Any], values: dict[int, dict[str, Any]], sort: str, total: int) -> None:
    from .run import FIGURES, _shown

    forms = {name: form for name, _, form in FIGURES}
    columns = list(dict.fromkeys((sort, *SHOWN)))
    cells = [[_shown(row.row.get(name, math.nan), forms.get(name, ",.4g")) for name in columns] for row in rows]
    shown = [[row.number, *values[row.number].values(), *figures] for row, figures in zip(rows, cells, strict=True)]
    first = next(iter(values.values()))
    names = [_short(path, first) for path in first]
    print_table(shown, ["point", *names, *columns], title=f"the best {len(rows)} of {total:,} points by {sort}")


def _short(path: str, others: Iterable[str]) -> str:
    """The shortest end of ``path`` that is no other's.

    >>> _short("indicators.fast.period", ["indicators.fast.period", "indicators.slow.period"])
    'fast.period'
    """
    parts = path.split(".")
    for count in range(1, len(parts)):
        end = parts[-count:]
        if sum(other.split(".")[-count:] == end for other in others) == 1:
            return ".".join(end)
    return path

"""``tapeflow research``: points chosen on one part of the data and run on another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import configs
from .options import LEDGER, Progress, common, note, print_json, print_table

if TYPE_CHECKING:
    from ..research.study import Studied


@click.command("research", short_help="Choose on one part of the data, run the choice on another.")
@click.argument("config", shell_complete=configs)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in broker.cash=5e4.")
@click.option("--out", required=True, metavar="DIR", help="The folder to make, or with --resume to go on in.")
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Processes; as many as there are processors by default."
)
@click.option("--resume", is_flag=True, help="Go on with the study in DIR, or show it again.")
@click.option("--open-holdout", is_flag=True, help="Run the choice on the hold-out; once, and the ledger says so.")
@LEDGER
@common(quiet=True)
def command(
    config: str,
    settings: tuple[str, ...],
    out: str,
    jobs: int | None,
    resume: bool,
    open_holdout: bool,
    no_ledger: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Split the data of CONFIG as `research:` says, choose among the points of `sweep:` on one part, run on the other.

    DIR gets folds.parquet (what was chosen, and what became of it), out_of_sample.parquet (the stitched days),
    points.parquet and returns.parquet (every point on all but the hold-out), choices.parquet and summary.json.

    \b
    research:
      split: {walk_forward: {train: 60d, test: 10d}}
      holdout: 20%
      select: sharpe - 0.5 * max_drawdown_pct
      constraints: [trades >= 30]

    Example: tapeflow research fade.yaml --jobs 4 --out studies/fade
    """
    from ..configs.loader import load_config
    from ..configs.shipped import find_config

    path = find_config(config)
    loaded = load_config(path, settings)
    from ..research.ledger import Ledger
    from ..research.study import study
    from ..research.study.holdout import opened

    ledger = Ledger.of(loaded.folder, asked=not no_ledger)
    try:
        with Progress(quiet=quiet) as progress:
            made = study(
                loaded, Path(out), jobs=jobs, resume=resume or open_holdout, ledger=ledger, progress=progress,
                origin=str(path),
            )  # fmt: skip
            held = opened(made, ledger, progress) if open_holdout else None
            made.opened = ledger.opened(made.data)
    except KeyboardInterrupt:
        note(f"finished runs are kept in {out}; --resume goes on from there", quiet=quiet)
        raise
    _show(made, held, as_json=as_json, quiet=quiet)


def _show(made: Studied, held: Any, *, as_json: bool, quiet: bool) -> None:
    from ..research.study.words import said, selection

    found = selection(made)
    if as_json:
        chance = None if found is None else found._asdict()
        holdout = None if held is None else held.summary
        told = {"chance": chance, "says": said(made, found), "holdout_result": holdout}
        print_json(
            {**made.summary, **told, "trials": len(made.points) + made.others.trials, "folder": str(made.folder)}
        )
        return
    if not quiet:
        _table(made)
        for text in said(made, found):
            note(text)
        if held is not None:
            shown = {name: held.summary[name] for name in ("return_pct", "sharpe", "max_drawdown_pct", "trades")}
            note(f"hold-out {made.summary['holdout']}: {', '.join(f'{k} {_number(v)}' for k, v in shown.items())}")
    click.echo(str(made.folder / "summary.json"))


def _table(made: Studied) -> None:
    from .sweep import _short

    values = {point.number: point.values for point in made.points}
    paths = [*made.points[0].values]
    rows = []
    for number, one in enumerate(made.chosen, 1):
        own = ["–"] * len(paths) if one.point is None else [values[one.point][path] for path in paths]
        ins = one.figures.get(one.point, {}) if one.point is not None else {}
        ends = [_number(figures.get(name)) for name in ("sharpe", "return_pct") for figures in (ins, one.outside)]
        rows.append([number, ", ".join(part.words() for part in one.fold.test), one.point or "–", *own, *ends])
    names = [_short(path, paths) for path in paths]
    figures = ("Sharpe in", "out", "return % in", "out")
    title = f"{made.config.name}: chosen on one part, run on the other"
    print_table(rows, ["fold", "out of sample", "point", *names, *figures], title=title)


def _number(value: Any) -> str:
    known = isinstance(value, int | float) and not math.isnan(value)
    return format(value, ",.2f" if isinstance(value, float) else ",") if known else "–"

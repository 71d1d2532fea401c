"""``tapeflow run``: a YAML config through backtrader, into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import Progress, common, note, print_json, print_table

FIGURES = (
    ("final_value", "final value", ",.2f"),
    ("net_profit", "net profit", ",.2f"),
    ("return_pct", "return %", ",.3f"),
    ("max_drawdown_pct", "max drawdown %", ",.3f"),
    ("sharpe", "Sharpe ratio", ",.2f"),
    ("profit_factor", "profit factor", ",.2f"),
    ("win_rate", "win rate", ".1%"),
    ("exposure_pct", "exposure %", ",.1f"),
    ("fees_paid", "fees paid", ",.2f"),
    ("trades", "trades", ","),
    ("orders", "orders", ","),
    ("bars", "bars", ","),
)


@click.command("run", short_help="Run a YAML config through backtrader.")
@click.argument("config")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in broker.cash=5e4.")
@click.option("--out", metavar="DIR", help="The folder to make; runs/NAME by default, runs/NAME-2 when it exists.")
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@common(quiet=True)
def command(
    config: str, settings: tuple[str, ...], out: str | None, no_report: bool, as_json: bool, quiet: bool
) -> None:
    """Run CONFIG, a YAML file or the name of a shipped one, through backtrader.

    The folder holds the figures, orders, trades, equity, indicators and bars, a report to open in a
    browser, and run.lock: everything the result depended on.
    """
    from ...configs.shipped import find_config

    run_config(find_config(config), settings, out, report=not no_report, as_json=as_json, quiet=quiet)


def run_config(
    path: Path, settings: tuple[str, ...], out: str | None, *, report: bool, as_json: bool, quiet: bool
) -> None:
    """Run the config at ``path`` and print its figures."""
    from ...configs.loader import load_config

    config = load_config(path, settings)
    from ..runner import run

    folder = Path(out) if out else free_folder(Path("runs"), config.name)
    with Progress(quiet=quiet) as progress:
        result = run(config, folder, report=report, progress=progress)
    if as_json:
        print_json({**result.summary, "folder": str(result.folder)})
        return
    if not quiet:
        print_table(list(figures(result.summary)), ["figure", "value"], title=config.name)
        note(f"engine {result.summary['engine']}: {result.summary['engine_reason']}")
        for warning in result.summary.get("warnings", ()):
            note(f"warning: {warning}")
    click.echo(str(result.folder / "report.html" if report else result.folder))


def figures(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of a result as people read them; a dash where one is undefined."""
    made = []
    for key, label, form in FIGURES:
        if key in summary:
            value = summary[key]
            known = isinstance(value, int | float) and value == value
            made.append((label, format(value, form) if known else "–"))
    return made


def free_folder(parent: Path, name: str) -> Path:
    """``parent/name``, or the first of ``name-2``, ``name-3``, … that is not there yet.

    Examples
    --------
    >>> free_folder(Path("no such folder"), "demo").name
    'demo'
    """
    folder, count = parent / name, 1
    while folder.exists():
        count += 1
        folder = parent / f"{name}-{count}"
    return folder

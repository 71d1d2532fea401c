"""``tapeflow run``: a YAML config through backtrader, into a folder."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import configs
from .options import LEDGER, Progress, common, note, print_json, print_table

if TYPE_CHECKING:
    from ..configs.models import RunConfig

FIGURES = (
    ("final_value", "final value", ",.2f"),
    ("net_profit", "net profit", ",.2f"),
    ("return_pct", "return %", ",.3f"),
    ("max_drawdown_pct", "max drawdown %", ",.3f"),
    ("sharpe", "Sharpe ratio", ",.2f"),
    ("profit_factor", "profit factor", ",.2f"),
    ("win_rate", "win rate", ".1%"),
    ("mean_trade", "mean trade", ",.2f"),
    ("buy_and_hold_pct", "buy and hold %", ",.3f"),
    ("exposure_pct", "exposure %", ",.1f"),
    ("fees_paid", "fees paid", ",.2f"),
    ("trades", "trades", ","),
    ("orders", "orders", ","),
    ("bars", "bars", ","),
)
FURTHER = (
    ("cagr_pct", "CAGR %", ",.2f"),
    ("volatility_pct", "volatility % a year", ",.2f"),
    ("sortino", "Sortino ratio", ",.2f"),
    ("calmar", "Calmar ratio", ",.2f"),
    ("longest_drawdown_days", "longest drawdown, days", ",.1f"),
    ("mean_win", "mean win", ",.2f"),
    ("mean_loss", "mean loss", ",.2f"),
    ("payoff_ratio", "payoff ratio", ",.2f"),
    ("expectancy_pct", "expectancy %", ",.3f"),
    ("best_trade", "best trade", ",.2f"),
    ("worst_trade", "worst trade", ",.2f"),
    ("longest_loss_streak", "losses in a row, most", ","),
    ("turnover", "turnover, times the equity", ",.2f"),
)
"""Figures that are left out of the table where they are absent; ``result.json`` and the report say why they are."""
AMOUNTS = ("final_value", "net_profit", "mean_trade", "fees_paid", "mean_win", "mean_loss", "best_trade", "worst_trade")
"""Figures that are money; those of an account kept in coin need more decimals."""
PARTS = {
    "initial_cash": "capital",
    "net_profit": "net profit",
    "max_drawdown_pct": "max drawdown %",
    "exposure_pct": "exposure %",
    "max_gross_pct": "largest, % of equity",
    "fees_paid": "fees paid",
    "trades": "trades",
    "orders": "orders",
}
"""What is shown of each strategy and of each instrument, where they have it, and what it is called."""
ENGINES = ("auto", "stock", "backtrader", "compiled")


@click.command("run", short_help="Run a YAML config through backtrader.")
@click.argument("config", shell_complete=configs)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in broker.cash=5e4.")
@click.option(
    "--out",
    metavar="DIR",
    help="The folder to make, or that of an earlier run, to replace its files; by default runs/NAME, then runs/NAME-2.",
)
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--engine", type=click.Choice(ENGINES), help="What runs it; all give equal results. [default: auto]")
@click.option("--verify", is_flag=True, help="Run plain backtrader too and compare the two, bit for bit.")
@LEDGER
@common(quiet=True)
def command(
    config: str,
    settings: tuple[str, ...],
    out: str | None,
    no_report: bool,
    engine: str | None,
    verify: bool,
    no_ledger: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run CONFIG, a YAML file, the name of a shipped one or a run.lock, through backtrader.

    The folder holds the figures, orders, trades, equity, indicators and bars, a report to open in a
    browser, and run.lock: everything the result depended on.

    The nearest .tapeflow/ledger upward from the YAML counts it among the trials on its data, as the report says.

    A run.lock runs again as it was; `tapeflow reproduce` compares what comes of it, and finds files that have moved.

    Example: tapeflow run mine.yaml --set strategy.params.stop_loss=1% --out runs/wider
    """
    from ..configs.shipped import find_config

    chosen = [*([f"engine={engine}"] if engine else []), *(["verify=true"] if verify else [])]
    path, counted = find_config(config), not no_ledger
    run_config(path, (*settings, *chosen), out, report=not no_report, ledger=counted, as_json=as_json, quiet=quiet)


def run_config(
    path: Path,
    settings: tuple[str, ...],
    out: str | None,
    *,
    report: bool,
    ledger: bool = True,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the config or the lock at ``path`` and print its figures."""
    from ..api import run
    from ..backtest.results.ran_by import ran_by

    replaced = out and os.path.isfile(os.path.join(out, "run.lock"))  # noqa: PTH113, PTH118 - of a name too long: no file
    with _loaded(path, settings, quiet=quiet) as config, Progress(quiet=quiet) as progress:
        if config.sweep is not None:
            from ..configs.sweep_block import size

            note(f"the sweep of {size(config.sweep):,} points was left out; tapeflow sweep runs it", quiet=quiet)
        result = run(config, out or None, report=report, ledger=ledger, home=path.parent, progress=progress)
    if as_json:
        trial = None if result.trial is None else result.trial._asdict()
        print_json({**result.summary, "trial": trial, "folder": str(result.folder)})
        return
    warnings = list(result.summary.get("warnings", ()))
    if result.summary.get("ruined_at"):
        note(warnings.pop(0), quiet=quiet)
    if not quiet:
        print_table(list(figures(result.summary)), ["figure", "value", "95 % interval"], title=config.name)
        for what in ("strategies", "instruments"):
            if each := result.summary.get(what):
                print_table(*parts(what, each))
        note(ran_by(result.summary["engine"], result.summary["engine_reason"]))
        if same := result.summary.get("verified"):
            counts = f"{same['orders']:,} orders, {same['fills']:,} fills, {same['bars']:,} bars"
            note(f"verified: equal to plain backtrader, bit for bit: {counts} of cash, position and equity")
        if result.trial is not None:
            note(result.trial.words())
        if replaced:
            note(f"note: this replaces the earlier run in {result.folder}; another --out keeps both")
        for name in result.kept:
            note(f"note: a file of the earlier run that was changed since is kept as {result.folder / name}")
        for said in result.summary.get("fills", {}).get("says", ()):
            note(said)
        for warning in warnings:
            note(f"warning: {warning}")
        for hint in result.summary.get("hints", ()):
            note(f"note: {hint}")
    click.echo(str(result.folder / "report.html" if report else result.folder))


def parts(what: str, each: Mapping[str, Mapping[str, Any]]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The figures of each strategy, or of each instrument, as people read them, and what they are called.

    >>> parts("instruments", {"btc": {"net_profit": -1234.5, "exposure_pct": 12.34, "trades": 2}})
    ([('btc', '-1,234.50', '12.34', '2')], ['instruments', 'net profit', 'exposure %', 'trades'])
    """
    forms = dict.fromkeys(("trades", "orders"), ",")
    shown = [key for key in PARTS if any(key in one for one in each.values())]
    rows = [
        (name, *(format(one[key], forms.get(key, ",.2f")) if key in one else "" for key in shown))
        for name, one in each.items()
    ]
    return rows, [what, *(PARTS[key] for key in shown)]


@contextmanager
def _loaded(path: Path, settings: tuple[str, ...], *, quiet: bool) -> Iterator[RunConfig]:
    """The config at ``path``; that of a lock has its files beside it as long as the block lasts."""
    if path.suffix != ".lock":
        from ..configs.loader import load_config

        yield load_config(path, settings)
        return
    from ..research.repeat import FileFinder, LockedRun, staged
    from ..research.repeat.differences import from_here

    lock = LockedRun.read(path)
    for found in from_here(lock.content):
        note(f"note: {found}; tapeflow reproduce tells whether that matters", quiet=quiet)
    with staged(lock, FileFinder(lock.file), settings) as config:
        yield config


def figures(summary: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The figures of a result as people read them, with their intervals; a dash where one is undefined."""
    from ..backtest.results.decimals import decimals

    ends = summary.get("confidence", {}).get("intervals", {})
    places = decimals(summary.get("currency", "quote"), summary.get("initial_cash"))
    known = [row for row in FURTHER if isinstance(value := summary.get(row[0]), int | float) and value == value]
    rows = (*FIGURES, *known)
    forms = {key: f",.{places}f" if key in AMOUNTS else form for key, _, form in rows}
    return [
        (label, _shown(summary[key], forms[key]), " to ".join(_shown(end, forms[key]) for end in ends.get(key, ())))
        for key, label, _ in rows
        if key in summary
    ]


def _shown(value: Any, form: str) -> str:
    known = isinstance(value, int | float) and value == value
    return format(value, form) if known else "–"

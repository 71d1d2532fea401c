"""``tapeflow compare``: two or more finished runs on one page, and in what they differ and why."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import runs
from .options import Progress, common, note, print_json, print_table

if TYPE_CHECKING:
    from ..report.comparison import Causes
    from ..research.repeat.compare import Comparison


@click.command("compare", short_help="Compare finished runs, by cause and on one page.")
@click.argument("folders", metavar="DIR DIR …", nargs=-1, required=True, shell_complete=runs)
@click.option("--out", metavar="FILE", default="comparison.html", show_default=True, help="The page to write.")
@common(quiet=True)
def command(folders: tuple[str, ...], out: str, as_json: bool, quiet: bool) -> None:
    """Say in what each result folder DIR differs from the first and why, and write a page with all of them.

    Differences go by cause: data, code, costs, fills, config, versions. The first order that is not the same is shown,
    with the first values of bars and indicators that were known by then and are not the same. The difference in
    profit is split into trades that both have, by commission and by prices and sizes, and those that one has alone; the
    rest is open positions, funding, borrow and dividends. Where one cause alone differs, all of it is due to that.

    The page has the figures side by side, the curves over each other, and the same causes.

    Example: tapeflow compare runs/fade runs/wider --out wider.html
    """
    from ..backtest.results.own_files import existing
    from ..report.comparison import check_folders, write_comparison

    places = [existing(Path(folder)) for folder in folders]
    check_folders(places)
    with Progress(quiet=quiet, compiles=False) as progress:
        progress("comparing")
        made = {folder: _compared(places[0], place) for folder, place in zip(folders[1:], places[1:], strict=True)}
        told = [_told(one, folders[0], folder) for folder, one in made.items() if not isinstance(one, str)]
        progress("drawing")
        path = write_comparison(places, Path(out), told)
    if as_json:
        print_json({"file": str(path), "bytes": path.stat().st_size, "against": folders[0], "runs": _as_dict(made)})
        return
    for one in told:
        _tell(one)
    for folder, found in made.items():
        name = f"{folder}: " if len(made) > 1 else ""
        note(f"{name}{found}" if isinstance(found, str) else f"{name}{found.due}", quiet=quiet)
    click.echo(path)


def _compared(first: Path, second: Path) -> Comparison | str:
    """What the two differ in; why that is not known where one is not the run of a config."""
    from ..backtest.results.own_files import read_lock
    from ..research.repeat.compare import compare

    for folder in (first, second):
        if not isinstance(read_lock(folder).get("config"), dict):
            return f"what differs is not known: {folder} is no run of a config"
    return compare(first, second)


def _told(made: Comparison, first: str, second: str) -> Causes:
    from ..report.comparison import Causes
    from ..research.repeat.compare_words import rows, sentences

    return Causes(first, second, rows(made), [*sentences(made, first, second), made.due])


def _tell(one: Causes) -> None:
    if one.rows:
        print_table(one.rows, ["cause", "what", one.first, one.second])
    for said in one.sentences[:-1]:
        click.echo(said)


def _as_dict(made: dict[str, Comparison | str]) -> list[dict[str, Any]]:
    return [
        {"folder": folder, "unknown": one}
        if isinstance(one, str)
        else {
            "folder": folder,
            "causes": one.causes,
            "due": one.due,
            **asdict(one),
            "differences": [each._asdict() for each in one.differences],
        }
        for folder, one in made.items()
    ]

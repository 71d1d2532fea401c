"""``tapeflow list``: what there is to name in a YAML, and the runs that were saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from .complete import lists
from .options import Near, common, note, print_json, print_table
from .runs import COLUMNS, SORTS, row, saved_runs

KINDS = ("indicators", "strategies", "feeds", "configs")
Row = dict[str, str]


@click.command("list", short_help="List indicators, strategies, feeds, configs and saved runs.")
@click.argument(
    "what", required=False, metavar="[indicators|strategies|feeds|configs|talib|runs]", shell_complete=lists
)
@click.argument("folder", required=False, metavar="[DIR]")
@click.option("--sort", type=Near(list(SORTS)), help="With runs: by what.  [default: made, the newest first]")
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common()
def command(what: str | None, folder: str | None, sort: str | None, plugins: tuple[str, ...], as_json: bool) -> int:
    """List indicators, strategies, feeds and shipped configs, or only one kind or family of them.

    `list runs` shows the runs saved below DIR, which is `runs` when it is left out; those that cannot be read are
    named, and the exit code is 2.

    Example: tapeflow list indicators

    Example: tapeflow list runs --sort sharpe
    """
    from ..core.errors import ParamError
    from ..core.plugins.registry import load_plugins

    if what == "runs":
        return _runs(Path(folder or "runs"), sort or "made", as_json)
    for option, given in (("DIR", folder), ("--sort", sort)):
        if given:
            raise ParamError(f"{option}: only `list runs` takes it")
    load_plugins(list(plugins), Path())
    rows = [row for kind in ([what] if what else KINDS) for row in _rows(kind)]
    if as_json:
        print_json(rows)
        return 0
    columns = ["name", "is"] if what else ["kind", "name", "is"]
    print_table([[row[c] for c in columns] for row in rows], columns)
    return 0


def _runs(folder: Path, sort: str, as_json: bool) -> int:
    """Show saved runs; the exit code."""
    from ..core.errors import DataError

    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; `tapeflow run CONFIG` saves runs below runs, --out elsewhere")
    found, damaged = saved_runs(folder, sort)
    for path in damaged:
        note(f"{path}: cannot be read")
    if as_json:
        print_json(found)
    elif found:
        print_table([row(run) for run in found], ("run", *COLUMNS))
    elif not damaged:
        note(f"{folder}: no saved runs")
    return 2 if damaged else 0


def _rows(what: str) -> Iterator[Row]:
    """The rows of a kind, or of a family such as talib."""
    from ..configs.schema import summary
    from ..configs.shipped import about, shipped
    from ..core.plugins.registry import REGISTRIES

    if what == "configs":
        for name, path in shipped().items():
            yield {"kind": "config", "name": name, "is": about(path), "from": str(path)}
        return
    if what not in REGISTRIES:
        yield from _family(what)
        return
    registry = REGISTRIES[what]
    for name in registry:
        yield {"kind": registry.what, "name": name, "is": summary(registry[name]), "from": registry.origin(name)}
    for prefix, members in registry.families().items():
        yield {
            "kind": registry.what,
            "name": f"{prefix}.*",
            "is": f"{len(members) or 'any'} functions; `tapeflow list {prefix}` names them",
            "from": prefix,
        }


def _family(what: str) -> Iterator[Row]:
    from ..configs.schema import summary
    from ..core.errors import ParamError, unknown
    from ..core.plugins.registry import REGISTRIES

    families = {prefix: r for r in REGISTRIES.values() for prefix in r.families()}
    if what not in families:
        raise ParamError(unknown("kind", what, (*KINDS, *families, "runs")))
    registry = families[what]
    for name in registry.families()[what]:
        yield {"kind": registry.what, "name": name, "is": summary(registry[name]), "from": what}

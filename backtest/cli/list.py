"""``tapeflow list``: what there is to name in a YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from .options import common, print_json, print_table

KINDS = ("indicators", "strategies", "feeds", "configs")
Row = dict[str, str]


@click.command("list", short_help="List indicators, strategies, feeds and configs.")
@click.argument("what", required=False, metavar="[indicators|strategies|feeds|configs|talib]")
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common()
def command(what: str | None, plugins: tuple[str, ...], as_json: bool) -> None:
    """List indicators, strategies, feeds and shipped configs, or only one kind or family of them."""
    from ...core.registry import load_plugins

    load_plugins(list(plugins), Path())
    rows = [row for kind in ([what] if what else KINDS) for row in _rows(kind)]
    if as_json:
        print_json(rows)
        return
    columns = ["name", "is"] if what else ["kind", "name", "is"]
    print_table([[row[c] for c in columns] for row in rows], columns)


def _rows(what: str) -> Iterator[Row]:
    """The rows of a kind, or of a family such as talib."""
    from ...configs.schema import summary
    from ...configs.shipped import about, shipped
    from ...core.registry import REGISTRIES

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
    from ...configs.schema import summary
    from ...core.errors import ParamError, unknown
    from ...core.registry import REGISTRIES

    families = {prefix: r for r in REGISTRIES.values() for prefix in r.families()}
    if what not in families:
        raise ParamError(unknown("kind", what, (*KINDS, *families)))
    registry = families[what]
    for name in registry.families()[what]:
        yield {"kind": registry.what, "name": name, "is": summary(registry[name]), "from": what}

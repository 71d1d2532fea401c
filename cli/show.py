"""``tapeflow show``: one plugin, as its class declares it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

from .complete import kinds
from .options import common, print_json, print_table


@click.command("show", short_help="Describe one indicator, strategy or feed.")
@click.argument("kind", shell_complete=kinds)
@click.option("--explain", is_flag=True, help="Print what each choice of each dialect is, and who says so.")
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@common()
def command(kind: str, explain: bool, plugins: tuple[str, ...], as_json: bool) -> None:
    """Describe KIND, an indicator, strategy or feed: parameters, lines, inputs, source, documentation.

    Example: tapeflow show VolumeProfile --explain
    """
    from ..core.plugins.registry import load_plugins

    load_plugins(list(plugins), Path())
    what, cls = _find(kind)
    if explain:
        _explain(kind, cls, as_json)
        return
    made = describe(kind, what, cls)
    if as_json:
        print_json(made)
        return
    click.echo(f"{kind}: {what} in {made['source']}\n")
    click.echo(made["doc"] + "\n")
    if made["params"]:
        rows = [[p["name"], p["default"], p["allowed"]] for p in made["params"]]
        print_table(rows, ["parameter", "default", "allowed"])
    if made["lines"]:
        click.echo("")
        print_table([[line["name"], line["unit"], line["is"]] for line in made["lines"]], ["line", "unit", "is"])
    if made["inputs"]:
        click.echo(f"\nreads: {', '.join(made['inputs'])}")


def _explain(kind: str, cls: Any, as_json: bool) -> None:
    """The choices behind an indicator, dialect by dialect."""
    from ..core.errors import ParamError
    from ..indicators.kernels.dialects import DIALECTS

    if not hasattr(cls, "explain"):
        raise ParamError(f"{kind} has no dialect to explain; VolumeProfile, TPO and NakedPOC have")
    dialects = getattr(cls, "dialects", DIALECTS)
    made = {name: {"is": d.title, "choices": cls.explain(dialect=name)} for name, d in dialects.items()}
    if as_json:
        print_json(made)
        return
    for name, dialect in made.items():
        click.echo(f"{name}: {dialect['is']}\n")
        rows = [list(choice.values()) for choice in dialect["choices"]]
        print_table(rows, ["choice", "value", "means", "source"])
        click.echo("")


def _find(kind: str) -> tuple[str, Any]:
    from ..core.errors import PluginError, unknown
    from ..core.plugins.registry import REGISTRIES

    for registry in REGISTRIES.values():
        try:
            return registry.what, registry[kind]
        except KeyError:
            continue
    prefix = kind.partition(".")[0]
    for registry in REGISTRIES.values():
        if prefix in registry.families():
            registry.find(kind)
    told = unknown("kind", kind, [name for registry in REGISTRIES.values() for name in registry])
    raise PluginError(f"{told}; one of your own needs --plugins FILE or FOLDER")


def describe(kind: str, what: str, cls: Any) -> dict[str, Any]:
    """What a plugin's class declares, as plain types."""
    from ..configs.plugin import declared

    bounds, measures, reads = getattr(cls, "bounds", {}), {}, []
    defaults = declared(cls)
    if what == "indicator":
        measures = cls.line_measures(**defaults)
        reads = _reads(cls, defaults)
    try:
        source = inspect.getsourcefile(cls) or cls.__module__
    except TypeError:
        source = cls.__module__
    return {
        "kind": kind,
        "is": what,
        "source": source,
        "doc": inspect.cleandoc(cls.__doc__ or "It has no documentation."),
        "params": [_param(name, default, bounds.get(name)) for name, default in defaults.items()],
        "lines": [{"name": name, "unit": m.unit, "is": m.meaning} for name, m in measures.items()],
        "inputs": reads,
    }


def _reads(cls: Any, params: dict[str, Any]) -> list[str]:
    """Columns an indicator reads from a feed that carries everything."""
    from ..indicators.framework.inputs import columns_of

    resolved = cls.resolve_auto(params, lambda column: True)
    return list(columns_of(cls.input_names(**resolved)))


def _param(name: str, default: Any, rule: Any) -> dict[str, Any]:
    from ..configs.errors import shown
    from ..core.params import _of_default

    return {
        "name": name,
        "default": shown(default),
        "allowed": rule.describe() if rule else _of_default(default) or "anything",
    }

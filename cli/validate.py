"""``tapeflow validate``: everything wrong with a config, without running it."""

from __future__ import annotations

from pathlib import Path

import click

from .complete import configs
from .options import common, note, print_json


@click.command("validate", short_help="Check a YAML config without running it.")
@click.argument("config", shell_complete=configs)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in broker.cash=5e4.")
@click.option("--resolved", is_flag=True, help="Print the config as YAML with every default spelled out.")
@common()
def command(config: str, settings: tuple[str, ...], resolved: bool, as_json: bool) -> None:
    """Check CONFIG, a YAML file or the name of a shipped one, without running it.

    Every mistake is told on a line of its own, as file:line:column: key: what is wrong. Python files that the config
    has loaded, and those of installed plugins, are named before anything of them runs; --no-plugins loads none.

    Example: tapeflow validate configs/first.yaml
    """
    from ..configs.loader import code_named, load_config
    from ..configs.shipped import find_config
    from ..strategies.framework.held import remarks_of

    path = find_config(config)
    if files := code_named(path, settings):
        note(f"{path} loads Python, which is run: {', '.join(map(shown, files))}")
    made = load_config(path, settings)
    for remark in remarks_of(made.plugins):
        note(f"warning: {remark}")
    points = 0
    if made.sweep is not None:
        from ..research.sweep.points import points_of

        points = len(points_of(made, str(path)))
    if as_json:
        print_json(made.resolved())
    elif resolved:
        import yaml

        click.echo(yaml.safe_dump(made.resolved(), sort_keys=False, allow_unicode=True), nl=False)
    else:
        counts = f"{len(made.data)} data, {len(made.indicators)} indicators, strategy {made.strategy.kind}"
        counts += f", sweep of {points:,} points" if points else ""
        click.echo(f"{path}: valid ({counts})")


def shown(path: Path) -> str:
    """``path`` from the folder the command was called in, where it lies below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

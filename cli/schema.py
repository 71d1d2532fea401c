"""``tapeflow schema``: the JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .options import common


@click.command("schema", short_help="Print the JSON Schema of a run's YAML.")
@click.option("--plugins", multiple=True, metavar="MODULE|PATH", help="Load these too, as `plugins:` of a run does.")
@click.option("--out", default="-", metavar="FILE", help="Where to write it; standard output by default.")
@common(as_json=False)
def command(plugins: tuple[str, ...], out: str) -> None:
    """Print the JSON Schema of a run's YAML, with the parameters of every plugin.

    An editor with a YAML language server completes and checks a file that begins with

        # yaml-language-server: $schema=tapeflow.schema.json

    Example: tapeflow schema --out tapeflow.schema.json
    """
    from ..configs.schema import config_schema
    from ..core.files.writing import replacing
    from ..core.plugins.registry import load_plugins

    load_plugins(list(plugins), Path())
    text = json.dumps(config_schema(), indent=2, ensure_ascii=False)
    if out == "-":
        click.echo(text)
        return
    with replacing(out) as made:
        made.write_text(text + "\n", encoding="utf-8")

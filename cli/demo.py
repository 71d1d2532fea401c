"""``tapeflow demo``: a first result, without data or decisions."""

from __future__ import annotations

import click

from .options import common
from .run import run_config


@click.command("demo", short_help="Run a shipped example that needs no data.")
@click.option("--out", metavar="DIR", help="The folder to make; runs/demo by default, runs/demo-2 when it exists.")
@common(quiet=True)
def command(out: str | None, as_json: bool, quiet: bool) -> None:
    """Run the shipped config `demo` on a synthetic tape, and say where its report lies.

    Example: tapeflow demo --out runs/first
    """
    from ..configs.shipped import shipped

    run_config(shipped()["demo"], (), out, report=True, as_json=as_json, quiet=quiet)

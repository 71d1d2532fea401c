"""The command line, called as a program calls a function."""

from __future__ import annotations

from click.testing import CliRunner, Result

from tapeflow.cli import main


def tapeflow(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])

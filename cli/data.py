"""``tapeflow data``: the commands that have to do with files of market data."""

from __future__ import annotations

import importlib

import click

from .root import Root

COMMANDS = {
    "sniff": "Say what a file is taken for, and the YAML that reads it.",
    "add": "Add trades or klines to a catalog.",
    "list": "List what a catalog holds.",
    "export": "Export trades or klines from a catalog.",
    "download": "Fetch public market data, verified and resumable.",
}
"""What ``tapeflow data --help`` says of each; the module ``data_NAME`` of this package holds the command."""


class Branch(Root):
    """A group below the root, its commands imported when they are called.

    Parameters
    ----------
    name : str
        What it is called; its commands' modules begin with it.
    says : str
        Its one-line help.
    commands : mapping of str to str
        Each command's one-line help by its name.
    """

    def __init__(self, name: str, says: str, commands: dict[str, str]) -> None:
        click.Group.__init__(self, name, help=says, short_help=says)
        self._summaries, self._package = dict(commands), __name__.rpartition(".")[0]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported now."""
        if cmd_name not in self._summaries:
            return None
        made: click.Command = importlib.import_module(f"{self._package}.{self.name}_{cmd_name}").command
        return made


command = Branch("data", "Fetch, keep and list market data.", COMMANDS)

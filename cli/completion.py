"""``tapeflow completion``: the script that teaches a shell to complete."""

from __future__ import annotations

import click

from .options import Near, common

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_TAPEFLOW_COMPLETE"
"""The environment variable by which a shell asks what could come next."""


@click.command("completion", short_help="Print what makes the Tab key complete in bash, zsh or fish.")
@click.argument("shell", type=Near(SHELLS))
@common(as_json=False)
def command(shell: str) -> None:
    """Print a script that makes the Tab key complete commands, options, configs, kinds and feeds in SHELL.

    \b
    bash: echo 'eval "$(tapeflow completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(tapeflow completion zsh)"' >> ~/.zshrc
    fish: tapeflow completion fish > ~/.config/fish/completions/tapeflow.fish

    Example: eval "$(tapeflow completion bash)"
    """
    from click.shell_completion import get_completion_class

    from . import main

    kind = get_completion_class(shell)
    if kind is None:  # click has all of SHELLS
        raise AssertionError(shell)
    if shell == "bash":
        # click asks the bash on the path for its version, which need not be there when the script is made.
        kind._check_version = staticmethod(lambda: None)  # type: ignore[attr-defined]
    click.echo(kind(main, {}, "tapeflow", VARIABLE).source())

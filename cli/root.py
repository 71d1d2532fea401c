"""The group of commands: loaded when called, errors in one line, exit codes."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import click

from ..core.errors import TapeflowError, nearest
from ..core.lazy_import import RARE, come_late
from .signals import Terminated, terminable
from .stdout import standard_output

EXIT_OURS, EXIT_USER, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143
LONGEST = 4_000
"""Characters of a line of complaint, at most: what a file holds may be named in it."""


class Root(click.Group):
    """A group whose commands are modules, imported when they are called.

    Parameters
    ----------
    commands : mapping of str to str
        Each command's one-line help by its name.
    package : str
        Where the modules are; each holds its command as ``command``.
    """

    def __init__(self, commands: Mapping[str, str], package: str) -> None:
        super().__init__(
            "tapeflow",
            help="Order-flow bars, indicators and YAML strategies from every trade, run honestly through backtrader.",
            epilog="Begin with `tapeflow demo`, then `tapeflow new project NAME`. Every command has --help. "
            "Exit codes: 0 done, 2 a mistake in what was asked or in the data, 1 a fault of ours.",
            callback=lambda debug: None,
            params=[
                click.Option(["--debug"], is_flag=True, help="Show the traceback of an error."),
                click.Option(
                    ["--version"],
                    is_flag=True,
                    is_eager=True,
                    expose_value=False,
                    callback=_version,
                    help="Show the version.",
                ),
            ],
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        )
        self._summaries = dict(commands)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order they were given."""
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, its module imported now."""
        if cmd_name not in self._summaries:
            return None
        made: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one it does not know."""
        name = args[0]
        if name not in self._summaries and not name.startswith("-"):
            near = nearest(name, self._summaries)
            hint = f", did you mean '{near}'?" if near else ""
            ctx.fail(f"unknown command '{name}'{hint} (allowed: {', '.join(self._summaries)})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> Any:
        """Run the command line and exit; a worker process that imports the script it was begun by goes on."""
        if _is_beginning():
            return None
        given = list(sys.argv[1:] if args is None else args)
        extra.update(prog_name="tapeflow", standalone_mode=False)
        if args is not None:  # called from Python, which goes on
            sys.exit(self._code(given, extra))
        # Imports make many objects that all stay; looking for garbage among them takes time and finds none.
        gc.set_threshold(400_000)
        code = self._code(given, extra)
        gc.freeze()  # all that is left goes with the process: nobody need look through it for garbage
        sys.exit(code)

    def _code(self, given: list[str], extra: dict[str, Any]) -> int:
        come_late(*RARE)
        # There is no matrix to multiply: threads that wait for one cost a tenth of a short run.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        try:
            _refuse_empty(given)
            with standard_output(), terminable():
                code = super().main(given, **extra)
        except click.exceptions.NoArgsIsHelpError as err:
            click.echo(err.format_message())
            return 0
        except click.ClickException as err:
            return self._usage(err)
        except (KeyboardInterrupt, click.Abort) as err:
            # click hides one in the other.
            asked = isinstance(err, Terminated) or isinstance(err.__cause__, Terminated)
            _say(f"tapeflow: {'terminated' if asked else 'interrupted'}")
            return EXIT_TERMINATED if asked else EXIT_INTERRUPTED
        except TapeflowError as err:
            return self._user(err, given)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_OURS
        except OSError as err:
            return self._system(err, given)
        except Exception as err:
            return self._ours(err, given)
        return code if isinstance(code, int) else 0

    @staticmethod
    def _usage(err: click.ClickException) -> int:
        ctx = getattr(err, "ctx", None)
        where = ctx.command_path if ctx is not None else "tapeflow"
        text = err.format_message()
        text = text[:1].lower() + text[1:] if text[1:2].islower() else text
        hint = f"; see {where} --help" if isinstance(err, click.UsageError) else ""
        _say(f"{where}: {_one_line(text).rstrip('.')}{hint}")
        return EXIT_USER

    @staticmethod
    def _user(err: TapeflowError, given: list[str]) -> int:
        if "--debug" in given:
            traceback.print_exc()
        mistakes = getattr(err, "mistakes", None)
        for mistake in mistakes or ():
            _say(str(mistake))
            if mistake.excerpt and sys.stderr.isatty():
                _say(mistake.excerpt)
        if mistakes is None:
            _say(f"tapeflow: {_one_line(str(err))}")
        return EXIT_USER

    @staticmethod
    def _system(err: OSError, given: list[str]) -> int:
        """What the system complains of, wherever that was: the user's to mend, as a drive that is full is."""
        from ..core.files.writing import why

        if "--debug" in given:
            traceback.print_exc()
        where = f"{os.fsdecode(err.filename)}: " if isinstance(err.filename, str | bytes) else ""
        _say(f"tapeflow: {_one_line(where + why(err).lower())}")
        return EXIT_USER

    @staticmethod
    def _ours(err: Exception, given: list[str]) -> int:
        from ..core.plugins.code import own_line

        if "--debug" in given:
            traceback.print_exc()
            return EXIT_USER if own_line(err) else EXIT_OURS
        if where := own_line(err):
            _say(f"tapeflow: {_one_line(f'{where}: {type(err).__name__}: {err}')}; --debug shows the way there")
            return EXIT_USER
        _say(f"tapeflow: internal error: {type(err).__name__}: {_one_line(str(err))}; run again with --debug")
        return EXIT_OURS


def _is_beginning() -> bool:
    """Whether this process is a worker about to begin, which imports the script that asked for it once more."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and getattr(processes.current_process(), "_inheriting", False)


def _refuse_empty(given: Sequence[str]) -> None:
    """Refuse a value that is empty: who wrote it meant something, as with a variable of the shell that is not set."""
    for before, word in pairwise(("", *given)):
        option, gives, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if gives and not value.strip():
            where = f"{option}: " if option.startswith("-") else ""
            raise click.UsageError(f"{where}'{value}' is no value; give one, or leave it out")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _say(text: str) -> None:
    click.echo(text, err=True)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"tapeflow {version('tapeflow')}")
        except PackageNotFoundError:
            click.echo("tapeflow, not installed")
        ctx.exit()

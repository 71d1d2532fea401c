"""Pages of documentation, run as a reader would: every block of code in order, in an empty folder.

Blocks of ``bash`` are run with the real command line, blocks of ``python`` in one interpreter a page. A
block of yaml, python, toml or csv whose first line is ``# some/file.ext`` is written there. A block of ``text``
holds lines that what ran before it printed, in this order; ``…`` stands for anything.

Comments before a block say what a reader cannot see: ``<!-- exit: 2 -->`` that the command fails,
``<!-- not run: why -->`` that it is left out, and ``<!-- given: dumps/A.zip -->`` that a made-up
file lies there before the page begins.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`]*)$")
_COMMENT = re.compile(r"^ *<!-- (?P<key>exit|not run|given): (?P<value>.*) -->$")
_FILE = re.compile(r"^# (?P<path>[\w./-]+\.(?:ya?ml|py|toml|csv))$")
_PRELOAD = ("tapeflow.tests.helpers.preload", __name__)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line it begins at and the comments before it."""

    language: str
    text: str
    line: int
    said: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str | None:
        """Where it is written to; None where it is run."""
        hit = _FILE.match(self.text.partition("\n")[0])
        return hit["path"] if hit and self.language in ("yaml", "python", "toml", "csv") else None


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, and a block ``given`` for each file it takes as given."""
    lines, said, i = page.splitlines(), {}, 0
    while i < len(lines):
        if hit := _COMMENT.match(lines[i]):
            if hit["key"] == "given":
                yield Block("given", hit["value"], i + 1)
            else:
                said[hit["key"]] = hit["value"]
        elif hit := _FENCE.match(lines[i]):
            end = next(j for j in range(i + 1, len(lines)) if lines[j].strip().startswith(hit["ticks"]))
            inside = (line.removeprefix(hit["indent"]) for line in lines[i + 1 : end])
            yield Block(hit["info"].strip().split(" ")[0], "\n".join(inside) + "\n", i + 1, said)
            said, i = {}, end
        elif lines[i].strip():
            said = {}
        i += 1


def first_unseen(expected: str, printed: str) -> str | None:
    """The first line of ``expected`` that ``printed`` does not hold behind the ones before it; None when all are there.

    >>> first_unseen("a  1\\n…\\nc …", "a 1\\nb\\nc 3.5")
    >>> first_unseen("c\\na", "a\\nc")
    'a'
    """
    rest = iter([_plain(line) for line in printed.splitlines()])
    for line in filter(None, map(_plain, expected.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, re.split(r"\s*…\s*", line))))
        if not any(pattern.fullmatch(other) for other in rest):
            return line
    return None


def _plain(line: str) -> str:
    return re.sub(r"[\s─━│┃┌┐└┘├┤|]+", " ", line).strip()


class Reader:
    """Somebody who follows a page to the letter.

    Parameters
    ----------
    folder : Path
        Where the reader sits; what the page makes lies there afterwards.
    scratch : Path
        For logs and the tools of the reader, outside the folder.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder, self.scratch, self.cwd, self.steps, self.printed = folder, scratch, folder, 0, ""
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(_PRELOAD))
        self._python: tuple[Any, Connection] | None = None
        self._environment = {**os.environ, "PATH": f"{_tools(scratch)}{os.pathsep}{os.environ['PATH']}"}

    def follow(self, page: Path) -> None:
        """Do what ``page`` says, to its end.

        Raises
        ------
        AssertionError
            Naming the page, the line and what happened instead.
        """
        try:
            for block in blocks(page.read_text(encoding="utf-8")):
                if wrong := self._do(block):
                    raise AssertionError(f"{page.name}:{block.line}: {wrong}")
        finally:
            self.leave()

    def leave(self) -> None:
        """Close the interpreter."""
        if self._python is not None:
            self._python[1].send(None)
            self._python[0].join()
            self._python = None

    def _do(self, block: Block) -> str | None:
        if "not run" in block.said:
            return None
        if block.language == "given":
            _write_dump(self.folder / block.text)
            return None
        if block.file is not None:
            path = self.cwd / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            return None
        if block.language == "text":
            line = first_unseen(block.text, self.printed)
            return line and f"'{line}' is not in what was printed:\n{self.printed}"
        if block.language == "python":
            return self._exec(block.text)
        if block.language == "bash":
            return self._shell(block)
        return None

    def _shell(self, block: Block) -> str | None:
        self.printed = ""
        for command in re.sub(r"\\\n\s*", " ", block.text).splitlines():
            code, wanted = self._command(command), int(block.said.get("exit", 0))
            if code != wanted:
                return f"`{command}` exits with {code}, not {wanted}:\n{self.printed}"
        return None

    def _command(self, command: str) -> int:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        if not words:
            return 0
        if words[0] == "cd":
            self.cwd = self.cwd / words[1]
            return 0
        if words[0] == "tapeflow" and "$" not in command and not any(set(w) <= set("();<>|&") for w in words):
            return self._tapeflow(words[1:])
        done = subprocess.run(
            ["bash", "-ec", command], cwd=self.cwd, env=self._environment, capture_output=True, text=True, check=False
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def _tapeflow(self, words: list[str]) -> int:
        """A command in a process of its own, forked from one that has imported the package already."""
        log = self._log()
        process = self._context.Process(target=_tapeflow, args=(words, str(self.cwd), str(log)))
        process.start()
        process.join()
        self.printed += log.read_text(encoding="utf-8")
        return process.exitcode if process.exitcode is not None else -1

    def _exec(self, code: str) -> str | None:
        if self._python is None:
            here, there = self._context.Pipe()
            process = self._context.Process(target=_interpret, args=(there,), daemon=True)
            process.start()
            self._python = process, here
        log = self._log()
        file = log.with_suffix(".py")
        file.write_text(code, encoding="utf-8")
        self._python[1].send((str(file), str(self.cwd), str(log)))
        failed = self._python[1].recv()
        self.printed = log.read_text(encoding="utf-8")
        return f"{failed}\n{self.printed}" if failed else None

    def _log(self) -> Path:
        self.steps += 1
        return self.scratch / f"step_{self.steps}.log"


def _tools(scratch: Path) -> Path:
    """A folder with a ``tapeflow`` that is this interpreter's, for lines that need a shell."""
    folder = scratch / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, words in {"tapeflow": "-m tapeflow.cli", "python": "", "pytest": "-m pytest"}.items():
        tool = folder / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        tool.chmod(0o755)
    return folder


def _sit(folder: str, log: str) -> None:
    os.chdir(folder)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.close(out)


def _tapeflow(words: list[str], folder: str, log: str) -> None:
    _sit(folder, log)
    from tapeflow.cli import main

    main(words)


def _interpret(asked: Connection) -> None:
    around: dict[str, Any] = {"__name__": "__main__"}
    while (given := asked.recv()) is not None:
        file, folder, log = given
        _sit(folder, log)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            exec(compile(Path(file).read_text(encoding="utf-8"), file, "exec"), around)  # noqa: S102
            failed = ""
        except Exception:
            failed = traceback.format_exc()
        sys.stdout.flush()
        asked.send(failed)


def _write_dump(path: Path) -> None:
    """A made-up day as Binance publishes it, of the day and the kind (aggregated trades or klines) in the name."""
    from tapeflow.feeds.synthetic import SyntheticTape

    feed = SyntheticTape(start=path.stem[-10:], days=1, rate=0.3)
    rows = _trades(feed) if "aggTrades" in path.stem else _klines(feed.bars("1m"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(f"{path.stem}.csv", "".join(f"{','.join(map(str, row))}\n" for row in rows))


def _trades(feed: Any) -> Iterator[tuple[Any, ...]]:
    for tape in feed.tapes():
        last = tape.trade_id + tape.trades - 1
        columns = (tape.trade_id, tape.price, tape.quantity, tape.trade_id, last, tape.time // 1000, tape.side < 0)
        yield from zip(*(c.tolist() for c in columns), strict=True)


def _klines(bars: Any) -> Iterator[tuple[Any, ...]]:
    prices = ("open", "high", "low", "close", "volume")
    flows = ("quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume")
    opens, closes = bars["open_time"] // 1000, bars["close_time"] // 1000 - 1
    columns = (opens, *(bars[c].round(8) for c in prices), closes, *(bars[c].round(8) for c in flows))
    for *row, trades, bought, notional in zip(*(c.tolist() for c in columns), strict=True):
        yield (*row, int(trades), bought, notional, 0)

"""A script that was written for backtrader, run over the fast loop."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import backtrader as bt

from .cerebro import FastCerebro

USAGE = "usage: python -m tapeflow.fast script.py [arguments of the script]"


class Cerebro(FastCerebro):
    """`FastCerebro` that notes what each run of it was.

    Attributes
    ----------
    fast : list of (int, int)
        Bars of each fast run of this process, and how many of them were left out since nothing could happen on them.
    plain : Counter of str
        Why runs went through backtrader's own loop.
    elsewhere : int
        Runs of an optimisation in processes of their own, which tell nothing.
    """

    fast: list[tuple[int, int]] = []
    plain: Counter[str] = Counter()
    elsewhere = 0

    def run(self, **kwargs: Any) -> Any:
        """As backtrader's."""
        made = super().run(**kwargs)
        if self._dooptimize and self.p.maxcpus != 1:
            Cerebro.elsewhere += len(made)
        return made

    def runstrategies(self, iterstrat: Any, predata: bool = False) -> Any:
        """As backtrader's, one combination of strategies."""
        self.left_out = 0
        made = super().runstrategies(iterstrat, predata)
        if self.reason:
            self.plain[self.reason] += 1
        else:
            self.fast.append((max(data.buflen() for data in self.datas), self.left_out))
        return made

    @classmethod
    def told(cls) -> str:
        """What ran, in a line; empty where nothing did."""
        said = []
        if cls.fast:
            bars, left_out = (sum(numbers) for numbers in zip(*cls.fast, strict=True))
            less = f", {left_out:,} of them left out as nothing could happen on them" if left_out else ""
            said.append(f"{_runs(len(cls.fast))} fast over {bars:,} bars{less}")
        said += [f"{_runs(count)} in backtrader's own loop: {why}" for why, count in cls.plain.items()]
        if cls.elsewhere:
            said.append(f"{_runs(cls.elsewhere)} in processes of an optimisation")
        return "; ".join(said)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def run_script(arguments: list[str]) -> None:
    """Run a script with its arguments as Python would, with `Cerebro` for backtrader's.

    Exit code, stdout and errors are the script's own.

    Parameters
    ----------
    arguments : list of str
        The path of the script, and what is for itself.
    """
    if not arguments or not Path(arguments[0]).is_file():
        missing = f"tapeflow.fast: {arguments[0]}: there is no such script\n" if arguments else ""
        sys.stderr.write(f"{missing}{USAGE}\n")
        sys.exit(2)
    bt.Cerebro = bt.cerebro.Cerebro = Cerebro
    sys.argv = list(arguments)
    sys.path[0] = str(Path(arguments[0]).resolve().parent)
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    finally:
        sys.stdout.flush()
        sys.stderr.write(f"tapeflow.fast: {Cerebro.told() or 'no Cerebro ran'}\n")

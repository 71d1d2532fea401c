"""The fast engine with several strategies, and with lines of feeds of unequal length, against plain backtrader."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import pytest

from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers.trading import random_walk


class _Apart(bt.Strategy):
    """Line operations over two feeds."""

    params = dict(made=None)

    def __init__(self) -> None:
        self.both = self.p.made(self.data0.close, self.data1.close)


@pytest.mark.parametrize("made", [lambda a, b: a > b, lambda a, b: a - b(-1), bt.And, bt.ind.CrossOver])
def test_line_operations_over_feeds_of_unequal_length_end_as_they_do_in_the_loops(made: Any) -> None:
    for kind in (bt.Cerebro, FastCerebro):
        cerebro = kind(stdstats=False)
        for bars in (20, 2):
            cerebro.adddata(bar_data(random_walk(0, bars)))
        cerebro.addstrategy(_Apart, made=made)
        with pytest.raises(IndexError):
            cerebro.run()


class _Stopping(bt.Strategy):
    """Ends the run on a bar, if it is told one."""

    params = dict(at=0)

    def __init__(self) -> None:
        self.mean = bt.ind.SMA(period=3)

    def next(self) -> None:
        if len(self) == self.p.at:
            self.env.runstop()


@pytest.mark.parametrize("at", [0, 12])
def test_of_several_strategies_each_moves_when_its_turn_has_come(at: int) -> None:
    seen = []
    for kind in (bt.Cerebro, FastCerebro):
        cerebro = kind(stdstats=False)
        cerebro.adddata(bar_data(random_walk(0, 30)))
        cerebro.addwriter(bt.WriterStringIO, csv=True)
        cerebro.addstrategy(_Stopping, at=at)
        cerebro.addstrategy(_Stopping)
        made = cerebro.run()
        seen.append([cerebro.runwriters[0].out.getvalue(), *((len(s), s.mean[0], len(s.mean)) for s in made)])
    assert seen[0] == seen[1]

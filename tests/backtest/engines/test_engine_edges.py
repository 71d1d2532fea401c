"""What the fast loop may leave out only where nothing hears of it: timers, cheats, analyzers, costs of holding."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.engines.fast.broker import PLAIN, is_plain
from tapeflow.backtest.engines.fast.danger import is_endangered
from tapeflow.core.lines import bar_data
from tapeflow.tests.helpers.trading import random_walk


@pytest.mark.parametrize("name", PLAIN)
def test_a_scheme_with_one_way_of_its_own_is_not_plain(name: str) -> None:
    assert is_plain(bt.CommInfoBase())
    own = type("Own", (bt.CommInfoBase,), {name: lambda self, *args, **kwargs: 1.0})
    assert not is_plain(own())


class Closes:
    """A feed of closes alone."""

    def __init__(self, *closes: float) -> None:
        self.lines = SimpleNamespace(close=SimpleNamespace(array=np.array(closes)))
        self.buflen = lambda: len(closes)


@pytest.mark.parametrize(
    ("cash", "size", "endangered"),
    [(-900.0, 10.0, True), (-400.0, 10.0, False), (900.0, -10.0, True), (2100.0, -10.0, False), (1.0, 0.0, False)],
)
def test_an_account_is_in_danger_by_its_worst_close(cash: float, size: float, endangered: bool) -> None:
    held = {Closes(100.0, 50.0, 200.0): SimpleNamespace(size=size), Closes(7.0): SimpleNamespace(size=0.0)}
    assert is_endangered(SimpleNamespace(ruined_at=None, cash=cash, positions=held, floor=0.0)) is endangered


class Phases(bt.Analyzer):
    """Counts how it is called."""

    def start(self) -> None:
        self.called: list[str] = []

    def prenext(self) -> None:
        self.called.append("prenext")

    def nextstart(self) -> None:
        self.called.append("nextstart")

    def next(self) -> None:
        self.called.append("next")

    def get_analysis(self) -> list[str]:
        return self.called


class Busy(bt.Strategy):
    """Uses what a loop could forget."""

    params = (("timer", ""), ("interest", False))

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=7)
        self.seen: list[Any] = []
        if self.p.timer:
            self.add_timer(when=datetime.time(6), cheat=self.p.timer == "cheat")

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        self.seen.append(("timer", len(self), when))
        if not self.position:
            self.buy(size=3)
        else:
            self.close()

    def next_open(self) -> None:
        self.seen.append(("open", len(self)))
        if len(self) % 11 == 0:
            self.buy(size=1)

    def next(self) -> None:
        self.seen.append((len(self), repr(self.broker.getvalue()), self.position.size))
        if self.p.interest and len(self) == 40:
            self.buy(size=5)
        if self.p.interest and len(self) == 50:
            self.broker.setcommission(interest=0.5, interest_long=True)


def ran(kind: Any, modes: dict[str, Any], params: dict[str, Any], *, writer: Any = None) -> tuple[Any, Any]:
    cerebro = kind(stdstats=False, **modes)
    cerebro.adddata(bar_data(random_walk(4), "m"))
    cerebro.addstrategy(Busy, **params)
    cerebro.addanalyzer(Phases)
    if writer is not None:
        cerebro.addwriter(bt.WriterFile, out=str(writer), csv=True)
    (made,) = cerebro.run()
    return cerebro, (made.seen, made.analyzers[0].get_analysis(), repr(cerebro.broker.getvalue()))


@pytest.mark.parametrize(
    ("modes", "params"),
    [
        ({}, {}),
        ({}, {"timer": "plain"}),
        ({}, {"timer": "cheat"}),
        ({"cheat_on_open": True}, {}),
        ({"cheat_on_open": True}, {"timer": "cheat"}),
        ({}, {"interest": True}),
    ],
    ids=str,
)
def test_what_a_strategy_hears_is_what_it_hears_from_backtrader(modes: dict[str, Any], params: dict[str, Any]) -> None:
    cerebro, ours = ran(FastCerebro, modes, params)
    assert (cerebro.reason, ours) == ("", ran(bt.Cerebro, modes, params)[1])
    assert ours[1][:7] == ["prenext"] * 6 + ["nextstart"]
    assert len(ours[1]) == 120


def test_a_writer_writes_every_bar(tmp_path: Any) -> None:
    pages = []
    for name, kind in (("fast", FastCerebro), ("plain", bt.Cerebro)):
        ran(kind, {}, {}, writer=tmp_path / name)
        pages.append((tmp_path / name).read_text())
    assert pages[0] == pages[1]
    assert pages[0].count("\n") > 120

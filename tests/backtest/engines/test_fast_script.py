"""Scripts written for backtrader over the fast loop: their feeds, what is said, and results equal to the last bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.backtest.engines.fast import preload as bulk

BARS = 400


def table(seed: int = 1, n: int = BARS, freq: str = "min", **columns: Any) -> pd.DataFrame:
    """Bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    first = np.r_[100.0, close[:-1]]
    made = {"open": first, "high": np.maximum(first, close) + 0.5, "low": np.minimum(first, close) - 0.5}
    made |= {"close": close, "volume": rng.integers(1, 50, n), **columns}
    return pd.DataFrame(made, index=pd.date_range("2024-01-02 09:30", periods=n, freq=freq, name="datetime"))


class Logged(bt.Strategy):
    """Crosses two averages with a stop, and writes down all it sees."""

    params = (("fast", 5), ("slow", 13))

    def __init__(self) -> None:
        averages = [bt.ind.SMA(self.data.close, period=n) for n in (self.p.fast, self.p.slow)]
        self.cross = bt.ind.CrossOver(*averages)
        self.seen: list[Any] = []

    def notify_order(self, order: Any) -> None:
        self.seen.append((order.ref - self.first_ref(order), order.getstatusname(), order.executed.price))

    def first_ref(self, order: Any) -> int:
        """Orders are counted on from run to run."""
        self.base = getattr(self, "base", order.ref)
        return int(self.base)

    def notify_trade(self, trade: Any) -> None:
        self.seen.append((trade.isclosed, trade.pnl, trade.pnlcomm))

    def next(self) -> None:
        self.seen.append((len(self), *(repr(data.close[0]) for data in self.datas), repr(self.broker.getvalue())))
        if not self.position and self.cross[0] > 0:
            self.buy_bracket(limitprice=self.data.close[0] * 1.02, stopprice=self.data.close[0] * 0.99)
        elif self.position and self.cross[0] < 0:
            self.close()


class More(bt.feeds.PandasData):
    """With a line of its own."""

    lines = ("flow",)
    params = (("flow", -1),)


class ReadsMore(Logged):
    """Trades on a line that its feed has besides."""

    def next(self) -> None:
        self.seen.append(repr(self.data.flow[0]))
        super().next()


def ran(kind: Any, feeds: Callable[[Any], None], strategy: Any = Logged, *, run: Any = None, **modes: Any) -> Any:
    """The cerebro of a run, its strategy, and what its analyzers found."""
    cerebro = kind(**modes)
    feeds(cerebro)
    cerebro.addstrategy(strategy)
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="down")
    cerebro.addanalyzer(bt.analyzers.TimeReturn, _name="returns")
    (made,) = cerebro.run(**(run or {}))
    return cerebro, made, [a.get_analysis() for a in made.analyzers]


def pandas_feed(**more: Any) -> Callable[[Any], None]:
    return lambda cerebro: cerebro.adddata(bt.feeds.PandasData(dataname=table(), **more))


def two_feeds(cerebro: Any) -> None:
    cerebro.adddata(bt.feeds.PandasData(dataname=table(), timeframe=bt.TimeFrame.Minutes))
    later = table(2, 60, "7min").iloc[5:]
    cerebro.adddata(bt.feeds.PandasData(dataname=later, timeframe=bt.TimeFrame.Minutes, compression=7))


def cloned(cerebro: Any) -> None:
    data = bt.feeds.PandasData(dataname=table(), timeframe=bt.TimeFrame.Minutes)
    cerebro.adddata(data)
    cerebro.adddata(data.clone())


FEEDS: dict[str, tuple[Callable[[Any], None], Any]] = {
    "a table": (pandas_feed(), Logged),
    "from and to a date": (
        pandas_feed(fromdate=pd.Timestamp("2024-01-02 10:00"), todate=pd.Timestamp("2024-01-02 15:00")),
        Logged,
    ),
    "a line of its own": (
        lambda c: c.adddata(More(dataname=table(flow=np.linspace(-1, 1, BARS)))),
        ReadsMore,
    ),
    "a column of integers, one of float32": (
        lambda c: c.adddata(bt.feeds.PandasData(dataname=table().astype({"close": np.float32, "volume": np.int32}))),
        Logged,
    ),
    "times of a zone": (
        lambda c: c.adddata(bt.feeds.PandasData(dataname=table().tz_localize("America/New_York"))),
        Logged,
    ),
    "times in a column": (
        lambda c: c.adddata(bt.feeds.PandasData(dataname=table().reset_index(), datetime="datetime")),
        Logged,
    ),
    "times that stand still": (
        lambda c: c.adddata(bt.feeds.PandasData(dataname=table().set_axis(table().index.repeat(2)[:BARS]))),
        Logged,
    ),
    "two feeds": (two_feeds, Logged),
    "a clone": (cloned, Logged),
    "a filter": (
        lambda c: c.adddata(
            bt.feeds.PandasData(dataname=table(), timeframe=bt.TimeFrame.Minutes, filters=[bt.filters.SessionFiller])
        ),
        Logged,
    ),
}


@pytest.mark.parametrize(("feeds", "strategy"), FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("modes", [{}, {"stdstats": False}, {"cheat_on_open": True}], ids=str)
def test_a_feed_of_backtraders_runs_fast_and_equal(
    feeds: Callable[[Any], None], strategy: Any, modes: dict[str, Any]
) -> None:
    cerebro, ours, ours_found = ran(FastCerebro, feeds, strategy, **modes)
    _, theirs, theirs_found = ran(bt.Cerebro, feeds, strategy, **modes)
    assert cerebro.reason == ""
    assert ours.seen == theirs.seen
    assert len(ours.seen) > 100
    assert ours_found == theirs_found
    for mine, plain in zip(ours.datas, theirs.datas, strict=True):
        for line, other in zip(mine.lines.lines, plain.lines.lines, strict=True):
            np.testing.assert_array_equal(np.array(line.array), np.array(other.array))


def test_files_run_fast_and_equal(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "a.csv")
    named = {"dtformat": "%Y-%m-%d %H:%M:%S", "openinterest": -1}

    def feeds(cerebro: Any) -> None:
        cerebro.adddata(bt.feeds.GenericCSVData(dataname=str(tmp_path / "a.csv"), **named))

    cerebro, ours, found = ran(FastCerebro, feeds)
    _, theirs, plain = ran(bt.Cerebro, feeds)
    assert (cerebro.reason, ours.seen, found) == ("", theirs.seen, plain)


@pytest.mark.parametrize(
    ("modes", "says"),
    [
        ({"runonce": False}, "runonce is off"),
        ({"preload": False}, "preload is off"),
        ({"exactbars": 1}, "exactbars keeps only the last bars"),
        ({"oldsync": True}, "oldsync asks for backtrader's older loop"),
        ({"live": True}, "a feed is live"),
    ],
)
def test_a_mode_that_shows_bar_by_bar_is_named(modes: dict[str, Any], says: str) -> None:
    cerebro, ours, _ = ran(FastCerebro, pandas_feed(), **modes)
    assert cerebro.reason == says
    assert ours.seen == ran(bt.Cerebro, pandas_feed(), **modes)[1].seen


MADE = {"resampledata": "resampled", "replaydata": "replayed"}


@pytest.mark.parametrize("how", MADE)
def test_a_feed_whose_bars_are_made_as_it_goes_is_named(how: str) -> None:
    def feeds(cerebro: Any) -> None:
        data = bt.feeds.PandasData(dataname=table(), timeframe=bt.TimeFrame.Minutes)
        getattr(cerebro, how)(data, timeframe=bt.TimeFrame.Minutes, compression=5)

    cerebro, ours, _ = ran(FastCerebro, feeds)
    assert cerebro.reason == f"feed PandasData is {MADE[how]}"
    assert ours.seen == ran(bt.Cerebro, feeds)[1].seen


def test_a_strategy_that_reads_ticks_and_a_feed_that_makes_them_are_named() -> None:
    class ReadsTicks(Logged):
        def next(self) -> None:
            self.seen.append(self.data.tick_close)

    class MakesTicks(bt.feeds.PandasData):
        def _tick_fill(self, force: bool = False) -> None:
            super()._tick_fill(force)

    cerebro, ours, _ = ran(FastCerebro, pandas_feed(), ReadsTicks)
    assert cerebro.reason == "strategy ReadsTicks reads tick_close"
    assert ours.seen == ran(bt.Cerebro, pandas_feed(), ReadsTicks)[1].seen
    cerebro, _, _ = ran(FastCerebro, lambda c: c.adddata(MakesTicks(dataname=table())))
    assert cerebro.reason.endswith("has its own _tick_fill")


@pytest.mark.parametrize("change", ["text", "nanoseconds", "missing"])
def test_a_table_that_is_not_all_numbers_is_loaded_bar_by_bar(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = table()
    if change == "text":
        odd["volume"] = odd["volume"].astype(object)
    elif change == "nanoseconds":
        odd.index = odd.index + pd.to_timedelta(np.where(np.arange(BARS) == 3, 1, 0), unit="ns")
    else:
        odd["volume"] = odd["volume"].astype("Int64")
    loaded: list[int] = []
    one = bt.feeds.PandasData._load
    monkeypatch.setattr(bt.feeds.PandasData, "_load", lambda data: loaded.append(1) or one(data))
    with pytest.warns(UserWarning, match="nanoseconds") if change == "nanoseconds" else nullcontext():
        ran(FastCerebro, lambda c: c.adddata(bt.feeds.PandasData(dataname=odd)))
    assert len(loaded) == BARS + 1


def test_a_table_is_not_loaded_bar_by_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    at_once = bulk._columns
    monkeypatch.setattr(bulk, "_columns", lambda data: taken.append(data) or at_once(data))
    cerebro, strategy, _ = ran(FastCerebro, pandas_feed())
    assert [data is strategy.data for data in taken] == [True]
    assert "preload" not in vars(cerebro.datas[0])


def test_a_cerebro_optimises_and_runs_again() -> None:
    found, cerebro = [], None
    for kind in (bt.Cerebro, FastCerebro):
        cerebro = kind(optreturn=False)
        pandas_feed()(cerebro)
        cerebro.optstrategy(Logged, fast=[3, 5], slow=[13, 21])
        found.append([[s.seen for s in one] for one in cerebro.run(maxcpus=1)])
        again = kind()
        pandas_feed()(again)
        again.addstrategy(Logged)
        found[-1] += [again.run()[0].seen, again.run()[0].seen]
    assert found[0] == found[1]
    assert cerebro.reason == again.reason == ""


SCRIPT = """
import sys
from backtrader import Cerebro
import backtrader as bt
from tapeflow.tests.backtest.engines.test_fast_script import Logged, table

class Mine(bt.Cerebro):
    pass

for kind, modes in ((Mine, {}), (Cerebro, {}), (bt.Cerebro, {"runonce": False})):
    cerebro = kind(**modes)
    cerebro.adddata(bt.feeds.PandasData(dataname=table()))
    cerebro.addstrategy(Logged)
    print(cerebro.run()[0].seen[-1])

cerebro = bt.Cerebro(optreturn=False)
cerebro.adddata(bt.feeds.PandasData(dataname=table()))
cerebro.optstrategy(Logged, fast=[3, 5])
for (strategy,) in cerebro.run(maxcpus=2):
    print(strategy.p.fast, strategy.seen[-1])
print(__name__, sys.argv[1:], __file__)
sys.exit(int(sys.argv[1]))
"""


def test_a_script_runs_as_it_is(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    plain, fast = (
        subprocess.run([sys.executable, *how, str(script), "3", "x"], capture_output=True, text=True, check=False)
        for how in ([], ["-m", "tapeflow.fast"])
    )
    assert (fast.returncode, fast.stdout) == (plain.returncode, plain.stdout) == (3, plain.stdout)
    assert plain.stderr == ""
    assert fast.stderr == (
        "tapeflow.fast: 2 runs fast over 800 bars; 1 run in backtrader's own loop: runonce is off; "
        "2 runs in processes of an optimisation\n"
    )


def test_a_script_that_is_not_there_is_told() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tapeflow.fast", "none.py"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 2
    assert made.stderr.splitlines()[0] == "tapeflow.fast: none.py: there is no such script"

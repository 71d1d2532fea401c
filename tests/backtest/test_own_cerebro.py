"""A Cerebro of one's own: the result folder of ``tapeflow run``, and what a plain Cerebro does not know, said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
import yaml

import tapeflow as tf
from tapeflow.core.errors import InputError
from tapeflow.core.files.json_text import json_text
from tapeflow.fast import Cerebro
from tapeflow.indicators.vwap import VWAP
from tapeflow.tests.backtest.engines.test_fast_script import table

PLUGIN = """
import backtrader as bt
from tapeflow.indicators import VWAP


class OwnFade(bt.Strategy):
    params = dict(period=9, size=0.5)

    def __init__(self):
        self.rsi = bt.ind.RSI(self.data, period=self.p.period)
        self.vwap = VWAP(self.data, anchor="1h")

    def next(self):
        if not self.position and self.rsi[0] < 40 and self.data.close[0] < self.vwap.vwap[0]:
            self.buy(size=self.p.size)
        elif self.position and self.rsi[0] > 55:
            self.close()
"""
SAME = ("orders", "trades", "equity", "indicators", "bars", "levels")
OTHERWISE = {"engine", "engine_reason", "warnings", "assumptions", "analyzers"}
KINDS = {"backtrader's": bt.Cerebro, "the fast one": Cerebro}


def same_table(ours: Any, theirs: Any, name: str) -> None:
    one, other = (pd.read_parquet(result.folder / f"{name}.parquet") for result in (ours, theirs))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def recorded(kind: Any, *feeds: Any, strategy: Any, set_up: Any = None, modes: Any = None, **params: Any) -> Any:
    """A finished strategy of a recorded Cerebro."""
    cerebro = tf.record(kind(**(modes or {})))
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(strategy, **params)
    cerebro.broker.setcash(100_000.0)
    if set_up is not None:
        set_up(cerebro)
    return cerebro.run()[0]


@pytest.fixture(scope="module")
def their_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The strategy as a plugin of a run."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "own_fade.py").write_text(PLUGIN)
    block = {"feed": "SyntheticTape", "days": 0.4, "bars": "1m", "row_size": 10}
    config = {
        "name": "OwnFade",
        "plugins": [str(folder / "own_fade.py")],
        "data": {"btc": block},
        "strategy": {"kind": "OwnFade"},
        "broker": {"fees": {"maker": "5bp", "taker": "5bp"}},
    }
    return tf.run(config, folder / "out", report=False)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_its_folder_is_that_of_a_run(tmp_path: Path, their_run: Any, kind: Any) -> None:
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(PLUGIN, "own_fade.py", "exec"), space)  # noqa: S102 (the text above)
    bars = tf.bars((), feed="SyntheticTape", days=0.4, row_size=10)
    strategy = recorded(
        kind,
        tf.data(bars, name="btc"),
        strategy=space["OwnFade"],
        set_up=lambda cerebro: cerebro.broker.setcommission(commission=0.0005),
    )
    ours = tf.result(strategy, tmp_path / "own")
    for name in SAME:
        same_table(ours, their_run, name)
    assert ours.indicators.columns.tolist() == their_run.indicators.columns.tolist()
    assert {"rsi.rsi", "vwap.vwap"} <= set(ours.indicators)
    mine, theirs = (
        {k: v for k, v in one.summary.items() if k not in OTHERWISE} for one in (ours, tf.load(their_run.folder))
    )
    assert json_text(mine) == json_text(theirs)
    assert ours.stats["trades"] > 5
    assert (ours.folder / "report.html").stat().st_size > 10_000
    assert ours.stats["engine"] == ("stock" if kind is bt.Cerebro else "backtrader")
    assert tf.load(ours.folder).stats["final_value"] == their_run.stats["final_value"]


class Gathered(bt.Strategy):
    """Holds its indicators in a list, by feed, and one of them twice."""

    def __init__(self) -> None:
        self.means = [bt.ind.SMA(period=n) for n in (5, 9, 13)]
        self.of = {data: {"rsi": bt.ind.RSI(data), "pair": (bt.ind.ATR(data),)} for data in self.datas}
        self.middle = self.means[1]
        self.settings = {"size": 1, "hours": [8, 16]}


def test_indicators_in_lists_and_mappings_are_kept_by_where_they_stand(tmp_path: Path) -> None:
    bars = tf.bars((), feed="SyntheticTape", days=0.2)
    strategy = recorded(bt.Cerebro, tf.data(bars, name="btc"), strategy=Gathered)
    made = tf.result(strategy, tmp_path / "own").indicators
    held = {
        "middle.sma": strategy.middle,
        "means_0.sma": strategy.means[0],
        "means_2.sma": strategy.means[2],
        "of_btc_rsi.rsi": strategy.of[strategy.data]["rsi"],
        "of_btc_pair_0.atr": strategy.of[strategy.data]["pair"][0],
    }
    assert set(made.columns) == set(held)
    for name, indicator in held.items():
        np.testing.assert_array_equal(made[name], np.array(indicator.array))


class TwoMarkets(bt.Strategy):
    """Trades both feeds by their own averages."""

    def __init__(self) -> None:
        self.mean = bt.ind.SMA(self.datas[0], period=5)
        self.other = bt.ind.SMA(self.datas[-1], period=5)

    def next(self) -> None:
        for data, mean in zip((self.datas[0], self.datas[-1]), (self.mean, self.other), strict=True):
            held = self.getposition(data).size
            if not held and data.close[0] > mean[0]:
                self.buy(data, size=3)
            elif held and data.close[0] < mean[0]:
                self.close(data)


def own_feeds() -> list[Any]:
    minutes = dict(timeframe=bt.TimeFrame.Minutes)
    later = table(2, 90, "4min").iloc[5:]
    return [
        bt.feeds.PandasData(dataname=table(), name="acme", **minutes),
        bt.feeds.PandasData(dataname=later, **minutes, compression=4),
    ]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_feeds_of_backtraders_have_bars_names_and_closes(tmp_path: Path, kind: Any) -> None:
    strategy = recorded(kind, *own_feeds(), strategy=TwoMarkets)
    made = tf.result(strategy, tmp_path / "out")
    assert (made.stats["engine"] == "stock") == (kind is bt.Cerebro)
    acme = made.bars[made.bars["data"] == "acme"]
    frame = table()
    np.testing.assert_array_equal(acme["close"], frame["close"])
    assert acme.index.tolist() == frame.index.tz_localize("UTC").tolist()
    assert (acme.index - acme["open_time"]).unique().tolist() == [pd.Timedelta("1min")]
    assert made.equity.index.equals(acme.index[-len(made.equity) :])
    # the account at each bar of the first feed, from the fills alone
    done = made.orders.dropna(subset=["executed_time"])
    paid = (done["executed_price"] * done["executed_size"]).where(done["side"] == "sell", other=lambda x: -x).sum()
    assert made.equity["cash"].iloc[-1] == pytest.approx(100_000 + paid)
    assert set(made.orders["data"]) == {"acme", "data1"}
    assert set(made.trades["data"]) == {"acme", "data1"}
    assert made.summary["instruments"].keys() == {"acme", "data1"}
    assert made.summary["indicators"]["mean"] == {**made.summary["indicators"]["other"], "data": "acme"}
    assert made.summary["indicators"]["mean"]["kind"] == "bt.SMA"
    said = " ".join(made.summary["assumptions"])
    assert "acme: tick and lot are not known" in said
    assert "data1: what was read is not on record" in said
    lock = yaml.safe_load((made.folder / "run.lock").read_text())
    assert "config" not in lock
    assert lock["data"]["acme"]["tick"] is None
    assert lock["cerebro"]["broker"] == {"kind": "BackBroker", "params": {"cash": 100_000.0}}


def test_both_kinds_write_the_same_account(tmp_path: Path) -> None:
    def futures(cerebro: Any) -> None:
        cerebro.broker.setcommission(commission=2.0, margin=2000.0, mult=10.0, name="acme")

    made = [
        tf.result(recorded(kind, *own_feeds(), strategy=TwoMarkets, set_up=futures), tmp_path / name, report=False)
        for name, kind in KINDS.items()
    ]
    for name in SAME[:-1]:
        same_table(*made, name)
    trip = made[0].trades[made[0].trades["data"] == "acme"].iloc[0]
    assert trip["return_pct"] == pytest.approx(100 * trip["pnl_net"] / (10 * 3 * trip["entry_price"]))
    assert "Commission of acme: CommInfoBase (commission 2, mult 10, margin 2000" in " ".join(
        made[0].summary["assumptions"]
    )


@pytest.mark.parametrize("how", ["resampledata", "replaydata"])
def test_longer_bars_are_those_that_the_feed_ended_with(tmp_path: Path, how: str) -> None:
    class Holds(bt.Strategy):
        def next(self) -> None:
            if not self.position:
                self.buy(size=1)

    bars = tf.bars((), feed="SyntheticTape", days=0.1, row_size=10)
    cerebro = tf.record(bt.Cerebro())
    options = dict(timeframe=bt.TimeFrame.Minutes, compression=5)
    data = tf.data(bars, name="m", timeframe=bt.TimeFrame.Minutes)
    getattr(cerebro, how)(data, **options)
    cerebro.addstrategy(Holds)
    cerebro.broker.setcash(100_000.0)
    made = tf.result(cerebro.run()[0], tmp_path / "out", report=False)
    expected = tf.bars((), feed="SyntheticTape", days=0.1, bars="5m")
    np.testing.assert_array_equal(made.bars["close"], expected["close"][: len(made.bars)])
    np.testing.assert_allclose(made.bars["volume"], expected["volume"][: len(made.bars)])
    assert len(made.bars) >= len(expected) - 1
    assert made.equity.index.equals(made.bars.index)
    last = made.equity.iloc[-1]
    assert last["value"] == pytest.approx(last["cash"] + made.bars["close"].iloc[-1])
    assert any("price rows are left out" in text for text in made.summary["warnings"])


def test_what_cannot_be_told_is_warned_of(tmp_path: Path) -> None:
    class Second(bt.Strategy):
        def start(self) -> None:
            self.broker.add_cash(500.0)

    def more(cerebro: Any) -> None:
        cerebro.addstrategy(Second)
        cerebro.broker.set_coc(True)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")

    made = tf.result(recorded(Cerebro, *own_feeds(), strategy=TwoMarkets, set_up=more), tmp_path / "a", report=False)
    said = " ".join(made.summary["warnings"] + made.summary["assumptions"])
    for text in (
        "1 other strategy shared the account",
        "cash was added or taken away during the run",
        "no commission is set",
        "which nobody could have had",
    ):
        assert text in said
    assert made.summary["analyzers"]["trades"]["total"]["closed"] == len(made.trades)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda s: [s], "takes? one|take one, as in"),
        (lambda s: 5, "must be a strategy as cerebro.run"),
        (lambda s: bt.OptReturn(s.params, analyzers=s.analyzers), "Cerebro\\(optreturn=False\\)"),
    ],
)
def test_what_is_no_recorded_strategy_is_refused(made: Any, says: str) -> None:
    strategy = recorded(bt.Cerebro, *own_feeds(), strategy=TwoMarkets)
    with pytest.raises(InputError, match=says):
        tf.result(made(strategy))


def test_a_run_that_kept_too_little_is_refused() -> None:
    plain = bt.Cerebro()
    plain.adddata(own_feeds()[0])
    plain.addstrategy(TwoMarkets)
    with pytest.raises(InputError, match=r"call tf.record\(cerebro\) before"):
        tf.result(plain.run()[0])
    with pytest.raises(InputError, match="exactbars keeps only the last bars"):
        tf.result(recorded(bt.Cerebro, own_feeds()[0], strategy=TwoMarkets, modes={"exactbars": 1}))


def test_recording_twice_records_once(tmp_path: Path) -> None:
    strategy = recorded(bt.Cerebro, *own_feeds(), strategy=TwoMarkets, set_up=tf.record)
    assert [type(one).__name__ for one in strategy.analyzers].count("Recorder") == 1


def test_the_files_of_a_feed_that_was_opened_are_on_record(tmp_path: Path) -> None:
    rows = "time,price,quantity,side\n" + "".join(f"{1_704_067_200 + 20 * i},{100 + i % 7},1,buy\n" for i in range(90))
    (tmp_path / "tape.csv").write_text(rows)
    feed = tf.open_feed("CsvTape", str(tmp_path / "tape.csv"))

    class Averages(bt.Strategy):
        def __init__(self) -> None:
            self.vwap = VWAP(self.data)

    strategy = recorded(bt.Cerebro, tf.data(feed, "1m", tick=1.0, lot=1.0), strategy=Averages)
    made = tf.result(strategy, tmp_path / "out", name="averages", report=False)
    lock = yaml.safe_load((made.folder / "run.lock").read_text())
    assert [Path(one["path"]).name for one in lock["inputs"]] == ["tape.csv"]
    assert (lock["name"], lock["data"]["data0"]["feed"], lock["data"]["data0"]["tick"]) == ("averages", "CsvTape", 1.0)
    assert not any("not known" in text or "not on record" in text for text in made.summary["assumptions"])

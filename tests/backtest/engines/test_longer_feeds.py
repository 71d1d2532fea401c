"""resampledata, replaydata and clones over our feeds: right columns, or a refusal that names the way."""

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.backtest.engines.fast import FastCerebro
from tapeflow.core.errors import InputError
from tapeflow.core.lines import BarData, bar_data
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.volume_profile import VolumeProfile

BARS = sample_bars(120)
FIVE = {"timeframe": bt.TimeFrame.Minutes, "compression": 5}
ENGINES = [bt.Cerebro, FastCerebro]
WAY = r"has no '\w+': backtrader adds up prices and volume alone; give each .*bars: \{fast: 1m, slow: 4h\}"


class Reader(bt.Strategy):
    """Writes down what ``read`` gives at each bar, whatever the warm-up."""

    params: Any = {"read": None, "make": None}

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.held = self.p.make(self) if self.p.make else None

    def next(self) -> None:
        self.seen.append(self.p.read(self) if self.p.read else None)


def made_longer(kind: Any, how: str, *, among: bool = False, **what: Any) -> Any:
    """The strategy after a run over a feed made longer, alone or beside the one it is made of."""
    cerebro = kind(stdstats=False)
    data = bar_data(BARS, "fast")
    if among:
        cerebro.adddata(data)
    getattr(cerebro, how)(data, **FIVE)
    cerebro.addstrategy(Reader, **what)
    return cerebro.run()[0]


@pytest.mark.parametrize("among", [False, True])
@pytest.mark.parametrize("how", ["resampledata", "replaydata"])
@pytest.mark.parametrize("kind", ENGINES)
class TestLonger:
    @pytest.mark.parametrize("column", ["taker_buy_volume", "delta_high", "close_time", "quote_volume"])
    def test_a_column_of_flow_is_refused_with_the_way(self, kind: Any, how: str, among: bool, column: str) -> None:
        with pytest.raises(InputError, match=WAY):
            made_longer(kind, how, among=among, read=lambda s: getattr(s.datas[-1], column)[0])
        with pytest.raises(InputError, match=WAY):
            made_longer(kind, how, among=among, read=lambda s: getattr(s.datas[-1], column).get(size=1))

    @pytest.mark.parametrize("indicator", [VolumeDelta, VolumeProfile])
    def test_so_is_an_indicator_of_flow(self, kind: Any, how: str, among: bool, indicator: Any) -> None:
        with pytest.raises(InputError, match=WAY):
            made_longer(kind, how, among=among, make=lambda s: indicator(s.datas[-1]))

    def test_prices_and_volume_are_right(self, kind: Any, how: str, among: bool) -> None:
        strategy = made_longer(kind, how, among=among)
        data = strategy.datas[-1]
        groups = [_group(close) for close in BARS["close_time"]]
        assert len(data.datetime.array) == len(set(groups))
        for i, when in enumerate(data.datetime.array):
            at = [j for j, group in enumerate(groups) if group == _group(round(when * 86_400) * 10**6 - EPOCH)]
            assert data.high.array[i] == max(BARS["high"][at])
            assert data.low.array[i] == min(BARS["low"][at])
            assert data.close.array[i] == BARS["close"][at[-1]]
            assert data.volume.array[i] == pytest.approx(sum(BARS["volume"][at]), rel=1e-12)


EPOCH = 719_163 * 86_400 * 10**6
"""µs of the first day of 1970 on backtrader's calendar."""


def _group(close: float) -> int:
    """The five minutes that a close in µs ends in."""
    return -(-int(close) // 300_000_000)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_feed_that_was_made_longer_before_it_was_given_refuses_too(kind: Any) -> None:
    cerebro, data = kind(stdstats=False), bar_data(BARS, "fast")
    data.resample(**FIVE)
    cerebro.adddata(data)
    cerebro.addstrategy(Reader, read=lambda s: s.data.taker_buy_volume[0])
    with pytest.raises(InputError, match=WAY):
        cerebro.run()


def test_a_chain_is_named_by_what_it_is_where_it_lacks_a_column() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.chaindata(bar_data(BARS), bar_data(BARS))
    cerebro.addstrategy(Reader, make=lambda s: VolumeDelta(s.data))
    with pytest.raises(InputError, match="VolumeDelta reads 'taker_buy_volume', which Chainer does not carry"):
        cerebro.run()


def test_a_feed_without_bars_says_how_to_give_them() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(BarData(BARS))
    with pytest.raises(InputError, match=r"BarData\(dataname=bars\)"):
        cerebro.run()


@pytest.mark.parametrize("kind", ENGINES)
def test_a_clone_has_every_column(kind: Any) -> None:
    cerebro = kind(stdstats=False)
    data = bar_data(BARS, "fast", tick=0.5)
    cerebro.adddata(data)
    cerebro.adddata(data.clone(), name="again")
    cerebro.adddata(data.copyas("third"))
    cerebro.addstrategy(
        Reader, make=lambda s: VolumeDelta(s.data1), read=lambda s: [d.taker_buy_volume[0] for d in s.datas]
    )
    strategy = cerebro.run()[0]
    assert np.array_equal(strategy.seen, np.repeat(BARS["taker_buy_volume"], 3).reshape(-1, 3))
    assert np.array_equal(strategy.held.lines.delta.array, VolumeDelta.table(BARS)[0])
    assert [d.tick for d in strategy.datas] == [0.5, 0.5, 0.5]
    assert strategy.data2._name == "third"


@pytest.mark.parametrize("kind", ENGINES)
def test_backtraders_own_clone_has_no_flow_and_says_so(kind: Any) -> None:
    cerebro = kind(stdstats=False)
    data = bar_data(BARS, "fast")
    cerebro.adddata(data)
    cerebro.adddata(bt.feed.DataClone(dataname=data), name="again")
    cerebro.addstrategy(Reader, make=lambda s: VolumeDelta(s.data1))
    with pytest.raises(InputError, match="VolumeDelta"):
        cerebro.run()

"""The footprint of a bar as an object: against bars recorded from TradingView, our indicators, and in strategies."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.lines import bar_data
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.stacked_imbalance import StackedImbalance
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.strategies.framework.base import Strategy

Recorded = tuple[str, tuple[int, int, int], tuple[float, float], tuple[float, float, float], str]
TRADINGVIEW: list[Recorded] = [
    (
        "its lowest row is empty",
        (200, 60, 200),
        (2501.66, 2508.94),
        (2506, 2508, 2504),
        "2500 0 0 ., 2502 534.443 127.9764 b, 2504 792.4004 226.2614 b, 2506 701.7674 329.6738 b, "
        "2508 488.0252 221.9785 .",
    ),
    (
        "two rows are equally heavy",
        (2500, 70, 300),
        (63950, 64005.99),
        (63975, 64000, 63975),
        "63950 86.48211 0 ., 63975 86.48211 0 b, 64000 20.72111 0 b",
    ),
    (
        "four rows are equally heavy",
        (200, 60, 200),
        (2482.6, 2507.98),
        (2488, 2494, 2482),
        "2482 0 458.2693 s, 2484 0 796.45 s, 2486 0 796.45 s, 2488 0 796.45 s, 2490 0 597.9585 s, "
        "2492 0 448.2196 s, 2494 0 448.2196 s, 2496 0 448.2196 s, 2498 0 485.5741 s, 2500 0 279.4571 s, "
        "2502 0 317.9815 s, 2504 62.8081 448.7794 ., 2506 388.805 383.6024 .",
    ),
    (
        "a row carries the value area over its share by less than 0.01",
        (2500, 70, 300),
        (64650, 64900),
        (64750, 64850, 64675),
        "64650 0 61.05417 s, 64675 0 61.05417 s, 64700 0 61.05417 s, 64725 0 61.05417 s, 64750 0 61.05417 s, "
        "64775 0 61.05417 s, 64800 0 61.05417 s, 64825 0 61.05417 s, 64850 0 61.05417 s, 64875 0 61.05413 .",
    ),
    (
        "the point of control is the value area",
        (20, 50, 150),
        (101.36, 102.04),
        (101.4, 101.6, 101.4),
        "101.2 0 707.087 s, 101.4 0 8924.241 s, 101.6 0 8468.23 s, 101.8 0 3936.032 s, 102 0 787.206 .",
    ),
    (
        "a row is imbalanced on both sides",
        (20, 50, 150),
        (100.33, 102.03),
        (100.8, 101.2, 100.6),
        "100.2 3384.892 0 ., 100.4 9671.121 0 b, 100.6 9671.121 0 b, 100.8 9671.121 6721.647 bs, "
        "101 3868.449 8402.058 s, 101.2 0 8402.058 s, 101.4 0 10571.523 s, 101.6 0 6144.764 s, "
        "101.8 0 3588.332 s, 102 0 133.736 .",
    ),
    (
        "its highest row is empty",
        (20, 50, 150),
        (108.46, 109.01),
        (108.8, 109, 108.8),
        "108.4 8073.646 3835.37 ., 108.6 12297.639 8074.788 b, 108.8 18449.743 2821.166 bs, 109 0 0 .",
    ),
]
"""Ticks a row, value area and imbalance in percent; low and high; point of control (its lower edge), value area (its
edges); rows from the lowest: lower edge, bought, sold, imbalances. Ticks are of 0.01."""
LIVE = sample_bars(200, seed=21)


def _bars_of(cells: list[list[str]], ticks: int, low: float, high: float) -> Bars:
    traded = [row for row in cells if float(row[1]) + float(row[2]) > 0]
    price = np.array([round(float(row[0]) * 100) for row in traded], dtype=np.int64)
    sides = (np.array([float(row[k]) for row in traded]) for k in (1, 2))
    levels = Levels(np.array([0, len(traded)]), price, *sides, 0.01, ticks)
    return Bars.of(open_time=[0], close_time=[60_000_000], low=[low], high=[high], levels=levels)


@pytest.mark.parametrize("recorded", TRADINGVIEW, ids=[bar[0] for bar in TRADINGVIEW])
def test_a_footprint_counts_as_tradingview_does_where(recorded: Recorded) -> None:
    _, asked, (low, high), points, rows = recorded
    cells = [row.split() for row in rows.split(", ")]
    fp = _bars_of(cells, asked[0], low, high).footprint(0, *asked)
    assert fp is not None
    found = [[r.down_price(), r.buy_volume(), r.sell_volume()] for r in fp.rows()]
    assert found == [[float(cell) for cell in row[:3]] for row in cells]
    marks = [("b" * r.has_buy_imbalance() + "s" * r.has_sell_imbalance()) or "." for r in fp.rows()]
    assert marks == [row[3] for row in cells]
    assert (fp.poc().down_price(), fp.vah().up_price(), fp.val().down_price()) == points


def test_sums_are_those_of_the_bar() -> None:
    for i in range(len(LIVE)):
        fp = LIVE.footprint(i)
        assert fp is not None
        sums = (fp.buy_volume(), fp.sell_volume(), fp.total_volume(), fp.delta())
        buy, sell = LIVE["taker_buy_volume"][i], LIVE["taker_sell_volume"][i]
        assert sums == pytest.approx((buy, sell, buy + sell, buy - sell))
        assert [r.up_price() for r in fp.rows()[:-1]] == [r.down_price() for r in fp.rows()[1:]]
        assert fp.rows()[0].down_price() <= LIVE["low"][i]
        assert LIVE["high"][i] <= fp.rows()[-1].up_price()


def _large(bars: Bars) -> Bars:
    """Sizes at which TradingView's 0.01 does not matter."""
    levels = bars.levels
    assert levels is not None
    sides = levels.buy_volume * 1e6, levels.sell_volume * 1e6
    return Bars(bars.columns, Levels(levels.offsets, levels.price_tick, *sides, levels.tick, levels.row_ticks))


@pytest.mark.parametrize(("height", "share"), [(5.0, 70), (10.0, 50), (5.0, 90)])
def test_points_are_those_of_the_volume_profile(height: float, share: float) -> None:
    bars = _large(LIVE)
    lines = VolumeProfile.over(
        bars, window=1, dialect="tradingview", target="within", value_area=share / 100, row_size=height
    )
    for i, expected in enumerate(lines.to_numpy().tolist()):
        fp = bars.footprint(i, va_percent=share, row_size=height)
        assert fp is not None
        assert [row.down_price() for row in (fp.poc(), fp.vah(), fp.val())] == expected


def test_imbalances_are_those_of_the_indicator() -> None:
    """But in the lowest and the highest row, where TradingView compares with nothing."""
    lines = StackedImbalance.over(LIVE, stack=1, ratio=3.0, zero="infinite", missing="zero", zones=8)
    for i in range(len(LIVE)):
        fp = LIVE.footprint(i)
        assert fp is not None
        low, high = fp.rows()[0].buy_volume() > 0, fp.rows()[-1].sell_volume() > 0
        bought = [low, *(r.has_buy_imbalance() for r in fp.rows()[1:])]
        sold = [*(r.has_sell_imbalance() for r in fp.rows()[:-1]), high]
        runs = [sum(m and not (k and marks[k - 1]) for k, m in enumerate(marks)) for marks in (bought, sold)]
        assert lines.iloc[i][["buy_stacks", "sell_stacks"]].tolist() == runs


def test_a_price_finds_its_row_at_both_edges_and_none_outside() -> None:
    bars = _bars_of([["0.1", "1", "1"], ["0.3", "2", "1"]], 10, 0.1, 0.35)
    fp = bars.footprint(0)
    assert fp is not None
    assert [fp.get_row_by_price(p) for p in (0.1, 0.2, 0.3, 0.39)] == [fp.rows()[k] for k in (0, 1, 2, 2)]
    assert [fp.get_row_by_price(p) for p in (0.0999, 0.4, float("nan"))] == [None] * 3


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"ticks_per_row": 7}, InputError, "ticks_per_row 7 is no whole multiple of the rows of sample (5, 10 ticks)"),
        ({"row_size": 7.0}, InputError, "row_size 7 is no whole multiple"),
        ({"row_size": 5.0, "ticks_per_row": 10}, ParamError, "not both"),
        ({"va_percent": 0}, ParamError, "va_percent must be above 0 to 100"),
        ({"imbalance_percent": -1}, ParamError, "imbalance_percent must be at least 0"),
    ],
)
def test_what_has_no_footprint_says_why(given: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error) as told:
        LIVE.footprint(0, **given)
    assert said in str(told.value)


def test_bars_without_levels_and_bars_that_are_not_there_are_refused() -> None:
    with pytest.raises(InputError, match="set row_size on a feed of trades"):
        sample_bars(3, klines=True).footprint(0)
    with pytest.raises(InputError, match="no bar 200; sample has 200"):
        LIVE.footprint(200)


def test_a_bar_without_trades_has_none() -> None:
    assert empty_bars(LIVE, np.array([5])).footprint(5) is None


class _Reads(Strategy):
    """Writes down the delta of the current bar and of the one before."""

    params = {}

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def next(self) -> None:
        """One row a bar."""
        with pytest.raises(InputError, match="no bar that has closed"):
            self.data.footprint(1)
        found = [self.data.footprint(ago) for ago in (0, -1) if len(self) + ago > 0]
        self.seen.append([fp.delta() for fp in found if fp is not None])


@pytest.mark.parametrize("mode", [{}, {"runonce": False, "preload": False}, {"exactbars": 1}])
def test_a_strategy_reads_the_bar_that_closed_and_none_after(mode: dict[str, Any]) -> None:
    cerebro = bt.Cerebro(stdstats=False, **mode)
    cerebro.adddata(bar_data(LIVE))
    cerebro.addstrategy(_Reads)
    (strategy,) = cerebro.run()
    delta = (LIVE["taker_buy_volume"] - LIVE["taker_sell_volume"]).tolist()
    expected = [delta[i : i - 2 if i > 1 else None : -1] if i else delta[:1] for i in range(len(LIVE))]
    assert [len(row) for row in strategy.seen] == [len(row) for row in expected]
    for seen, wanted in zip(strategy.seen, expected, strict=True):
        assert seen == pytest.approx(wanted)

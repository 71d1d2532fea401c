"""Naked points of control against their definition in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.kernels.kline_levels import levels_of_klines
from tapeflow.indicators.naked_poc import NakedPOC

GAPPY = empty_bars(sample_bars(400, seed=9), np.flatnonzero(np.random.default_rng(3).random(400) < 0.2))
SIZE = 5.0


def _poc(rows: dict[int, float]) -> int:
    middle = (min(rows) + max(rows)) / 2
    return min((r for r in sorted(rows) if math.isclose(rows[r], max(rows.values()))), key=lambda r: abs(r - middle))


def _plain(bars: Bars, minutes: int, lookback: int, height: int) -> list[list[float]]:
    levels = bars.levels
    assert levels is not None
    finished: list[int | None] = []
    rows: dict[int, float] = {}
    made = []
    for i in range(len(bars)):
        if i and i % minutes == 0:
            finished += [_poc(rows)] if rows else []
            rows = {}
        own = slice(levels.offsets[i], levels.offsets[i + 1])
        traded = (levels.price_tick[own] // levels.row_ticks // height).tolist()
        volumes = (levels.buy_volume[own] + levels.sell_volume[own]).tolist()
        for row, volume in zip(traded, volumes, strict=True):
            rows[row] = rows.get(row, 0.0) + volume
        finished = finished[-lookback:]
        if traded:
            finished = [None if p is not None and min(traded) <= p <= max(traded) else p for p in finished]
        here = int(bars["close"][i] // (SIZE * height))
        naked = [p for p in finished if p is not None]
        above, below = (
            min((p for p in naked if p > here), default=math.nan),
            max((p for p in naked if p < here), default=math.nan),
        )
        made.append([above * SIZE * height, below * SIZE * height, len(naked)])
    return made


@pytest.mark.parametrize(("minutes", "lookback"), [(10, 80), (8, 3), (45, 80), (1, 20)])
@pytest.mark.parametrize("height", [1, 3])
def test_naked_points_of_control_are_their_definition(minutes: int, lookback: int, height: int) -> None:
    lines = NakedPOC.over(GAPPY, session=f"{minutes}m", lookback=lookback, row_size=SIZE * height)
    expected = _plain(GAPPY, minutes, lookback, height)
    assert np.array_equal(expected, lines.to_numpy(), equal_nan=True)
    assert np.nanmax(lines["count"]) >= 1


def _bars(*rows: dict[int, float], close: list[float]) -> Bars:
    """One-minute bars with rows of height 1."""
    ticks = np.array([t for bar in rows for t in sorted(bar)], dtype=np.int64)
    volume = np.array([bar[t] for bar in rows for t in sorted(bar)], dtype=float)
    offsets = np.cumsum([0, *(len(bar) for bar in rows)])
    opens = 60_000_000 * np.arange(len(rows))
    levels = Levels(offsets, ticks, volume, np.zeros(len(volume)), 1.0)
    return Bars.of(open_time=opens, close_time=opens + 60_000_000, close=close, levels=levels)


def _lines(*rows: dict[int, float], close: list[float], **params: Any) -> list[list[float]]:
    made: list[list[float]] = (
        NakedPOC.over(_bars(*rows, close=close), session="1m", **params).fillna(-1).values.tolist()
    )
    return made


def test_a_point_of_control_counts_from_the_session_after_its_own() -> None:
    lines = _lines({5: 3.0, 6: 1.0}, {8: 1.0}, {7: 1.0}, close=[5, 8, 7])
    assert lines == [[-1, -1, 0], [-1, 5, 1], [8, 5, 2]]


def test_a_bar_that_trades_on_both_sides_has_passed_it() -> None:
    lines = _lines({5: 3.0}, {4: 1.0, 9: 2.0}, close=[5, 9])
    assert lines[1] == [-1, -1, 0]


def test_a_bar_without_trades_touches_nothing_and_begins_no_point() -> None:
    lines = _lines({5: 3.0}, {}, {}, {6: 1.0}, close=[5, 5, 5, 6])
    assert [row[2] for row in lines] == [0, 1, 1, 1]


def test_the_dialect_decides_between_equal_rows() -> None:
    twins = {1: 5.0, 2: 1.0, 3: 1.0, 4: 5.0}
    low, high = (_lines(twins, {9: 1.0}, close=[1, 9], dialect=d)[1][1] for d in ("cbot_two_row", "atas"))
    assert (low, high) == (1, 4)


def test_klines_are_refused_unless_their_rows_may_be_guessed() -> None:
    with pytest.raises(InputError, match=r"NakedPOC reads 'levels'.*from_klines: uniform"):
        NakedPOC.over(sample_bars(50, klines=True))


@pytest.mark.parametrize("method", ["close", "hlc3"])
def test_a_kline_trades_at_every_row_from_its_low_to_its_high(method: str) -> None:
    bars = sample_bars(300, seed=4, klines=True)
    high, low, close = (bars[name] for name in ("high", "low", "close"))
    price = close if method == "close" else (high + low + close) / 3.0
    finished: list[int] = []
    rows: dict[int, float] = {}
    expected = []
    for i in range(len(bars)):
        if i and i % 10 == 0:
            finished.append(_poc(rows))
            rows = {}
        row = math.floor(price[i] / SIZE)
        rows[row] = rows.get(row, 0.0) + bars["volume"][i]
        finished = [p for p in finished if not math.floor(low[i] / SIZE) <= p <= math.floor(high[i] / SIZE)]
        here = math.floor(close[i] / SIZE)
        above, below = (
            min((p for p in finished if p > here), default=math.nan),
            max((p for p in finished if p < here), default=math.nan),
        )
        expected.append([above * SIZE, below * SIZE, len(finished)])
    lines = NakedPOC.over(bars, session="10m", from_klines=method, row_size=SIZE, lookback=100)
    assert np.array_equal(expected, lines.to_numpy(), equal_nan=True)
    assert np.nanmax(lines["count"]) >= 1


def test_a_bar_spread_over_its_rows_is_one_that_traded_there() -> None:
    bars = sample_bars(300, seed=4, klines=True)
    # Off the edges of rows: a high that is one lies in the row above, of which an even spread has nothing.
    bars = bars.assign(**{name: bars[name] + 0.01 for name in ("open", "high", "low", "close")})
    made = NakedPOC.over(bars, session="10m", from_klines="uniform", row_size=SIZE)
    rows = levels_of_klines(bars, "uniform", SIZE)
    wanted = NakedPOC.over(Bars(bars.columns, rows), session="10m")
    assert np.array_equal(made, wanted, equal_nan=True)


def test_a_session_without_end_is_refused() -> None:
    with pytest.raises(ParamError, match="session must end"):
        NakedPOC.over(GAPPY, session="none")

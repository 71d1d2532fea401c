"""Price rows in quote currency: each trade's price × quantity, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.core.bars import Bars
from tapeflow.core.clock import MINUTE
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.quote_levels import in_quote
from tapeflow.core.samples import sample_bars
from tapeflow.core.tape import Tape
from tapeflow.indicators.kernels.value_area import point_of_control, value_area
from tapeflow.indicators.naked_poc import NakedPOC
from tapeflow.indicators.volume_profile import VolumeProfile

RNG = np.random.default_rng(5)
N = 1200
TICKS = RNG.integers(5, 40, N)
TRADES = list(zip(TICKS.tolist(), RNG.integers(1, 60, N).tolist(), RNG.choice([-1, 1], N).tolist(), strict=True))
"""Of prices from 5 to 40, so that what a row came to is ranked otherwise than what it held."""


def _bars(row_size: float, **asked: Any) -> Bars:
    ticks, sizes, sides = (np.array(column) for column in zip(*TRADES, strict=True))
    tape = Tape.of(
        time=np.arange(N) * MINUTE // 20,
        price=ticks.astype(float),
        quantity=sizes.astype(float),
        side=sides,
    )
    (made,) = aggregate([tape], ["1m"], row_size=row_size, tick=1.0, **asked)
    return made


def _paid(first: int, last: int, wanted: Callable[[float], bool] = lambda _: True) -> dict[int, float]:
    """What each price of some minutes came to."""
    made: dict[int, float] = defaultdict(float)
    for tick, size, _ in TRADES[20 * first : 20 * last]:
        if wanted(tick * size):
            made[tick] += tick * size
    return made


def _told(rows: dict[int, float]) -> list[float]:
    low, high = min(rows), max(rows)
    volumes = np.array([rows.get(row, 0.0) for row in range(low, high + 1)])
    poc = point_of_control(volumes)
    down, up = value_area(volumes, poc, 0.7, 2)
    return [low + poc, low + up, low + down]


def test_a_profile_in_quote_is_of_price_times_quantity() -> None:
    bars = _bars(1.0)
    lines = VolumeProfile.table(bars, window=10, unit="quote")
    for i in range(9, len(bars)):
        assert lines[:, i].tolist() == _told(_paid(i - 9, i + 1)), i
    assert not np.array_equal(lines, VolumeProfile.table(bars, window=10), equal_nan=True)


def test_a_profile_of_a_size_in_quote_is_of_those_trades() -> None:
    bars = _bars(1.0, size_edges=[200.0, 600.0], levels_by_size=True)
    lines = VolumeProfile.table(bars, window=10, unit="quote", size="200-600")
    for i in range(9, len(bars)):
        assert lines[:, i].tolist() == _told(_paid(i - 9, i + 1, lambda paid: 200 <= paid < 600)), i


def test_rows_higher_than_a_tick_add_up_to_what_each_side_paid() -> None:
    bars = _bars(7.0)
    assert bars.levels is not None
    rows = in_quote(bars.levels, bars["taker_buy_quote_volume"], bars["taker_sell_quote_volume"])
    for i in range(len(bars)):
        own = slice(rows.offsets[i], rows.offsets[i + 1])
        for side, volumes in ((1, rows.buy_volume), (-1, rows.sell_volume)):
            held: dict[int, float] = defaultdict(float)
            for tick, size, taker in TRADES[20 * i : 20 * i + 20]:
                held[tick // 7] += size * (taker == side)
            rough = {row: size * (row * 7 + 3.5) for row, size in held.items()}
            paid = sum(tick * size for tick, size, taker in TRADES[20 * i : 20 * i + 20] if taker == side)
            scale = paid / sum(rough.values()) if paid else 1.0
            assert volumes[own].tolist() == pytest.approx([rough[row] * scale for row in sorted(rough)], rel=1e-12)


def test_naked_points_of_control_in_quote_are_those_of_the_sessions_in_quote() -> None:
    bars = _bars(1.0)
    poc = VolumeProfile.table(bars, session="1m", unit="quote")[0]
    waiting: list[float] = []
    made = NakedPOC.table(bars, session="1m", unit="quote")
    for i in range(len(bars)):
        low, high = bars["low"][i], bars["high"][i]
        waiting = [p for p in waiting if not low <= p <= high]
        assert made[2, i] == len(waiting), i
        waiting.append(poc[i])


@pytest.mark.parametrize("kind", [VolumeProfile, NakedPOC])
def test_rows_guessed_from_klines_are_in_base_alone(kind: Any) -> None:
    with pytest.raises(ParamError, match="unit quote needs price rows of trades: leave from_klines out"):
        kind.over(sample_bars(20, klines=True), unit="quote", from_klines="uniform")
    with pytest.raises(InputError, match="set row_size"):
        kind.over(sample_bars(20, klines=True), unit="quote")

"""Volume profiles and value areas against their definitions in plain Python, and against published cases."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import HOUR
from tapeflow.core.errors import InputError
from tapeflow.core.samples import sample_bars
from tapeflow.indicators.base import Indicator
from tapeflow.indicators.kernels.kline_levels import levels_of_klines, round_row_size
from tapeflow.indicators.kernels.price_rows import ROOM
from tapeflow.indicators.kernels.value_area import point_of_control, value_area
from tapeflow.indicators.tpo import TPO
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.plain import BARS, GAPPY, agree


@pytest.mark.parametrize(
    ("volumes", "poc", "one_row", "two_row"),
    [
        ([5, 10, 20, 60, 40, 30, 50, 15, 10, 5], 3, (3, 6), (3, 7)),
        ([10, 30, 50, 30, 10, 25, 15], 2, (1, 4), (2, 6)),
    ],
)
def test_value_area_follows_the_published_cases(
    volumes: list[float], poc: int, one_row: tuple[int, int], two_row: tuple[int, int]
) -> None:
    rows = np.array(volumes, dtype=float)
    assert point_of_control(rows) == poc
    assert value_area(rows, poc, 0.7, 1) == one_row
    assert value_area(rows, poc, 0.7, 2) == two_row


@pytest.mark.parametrize(
    ("volumes", "poc"),
    [([9, 1, 9, 1, 1], 2), ([9, 1, 1, 9], 0), ([1, 9, 9, 1], 1), ([9.0, 5, 5, 5, 9 * (1 + 1e-12)], 0), ([4], 0)],
)
def test_equal_rows_go_to_the_middle_then_to_the_lower(volumes: list[float], poc: int) -> None:
    assert point_of_control(np.array(volumes, dtype=float)) == poc


def test_a_target_that_floats_miss_by_an_ulp_is_met() -> None:
    assert 0.55 * 100 > 55
    assert value_area(np.full(20, 5.0), 9, 0.55, 1) == (9, 19)


def _bars_of(*rows: dict[int, float], tick: float = 1.0, row_ticks: int = 1) -> Bars:
    ticks = [t for bar in rows for t in sorted(bar)]
    volume = np.array([bar[t] for bar in rows for t in sorted(bar)])
    offsets = np.cumsum([0, *(len(bar) for bar in rows)])
    levels = Levels(offsets, np.array(ticks, dtype=np.int64), volume / 4, volume * 3 / 4, tick, row_ticks)
    opens = HOUR * np.arange(len(rows))
    return replace(Bars.of(open_time=opens, close_time=opens + HOUR, volume=np.ones(len(rows))), levels=levels)


def test_the_shown_rows_of_the_published_profile_have_their_poc() -> None:
    bars = _bars_of({66108: 5.467, 66114: 31.553, 66120: 27.811}, row_ticks=6)
    assert VolumeProfile.over(bars, window=1)["poc"].iloc[0] == 66114


def _plain_profile(rows: dict[int, float], share: float, step: int) -> tuple[int, int, int]:
    low, high = min(rows), max(rows)
    line = [rows.get(r, 0.0) for r in range(low, high + 1)]
    middle, most = (len(line) - 1) / 2, max(line)
    poc = min((i for i, v in enumerate(line) if math.isclose(v, most, rel_tol=1e-9)), key=lambda i: abs(i - middle))
    down = up = poc
    target = share * math.fsum(line)
    while math.fsum(line[down : up + 1]) < target * (1 - 1e-9) and (down > 0 or up < len(line) - 1):
        above, below = line[up + 1 : up + 1 + step], line[max(down - step, 0) : down]
        ahead = math.fsum(above) >= math.fsum(below) * (1 - 1e-9)
        if above and (not below or ahead):
            up += len(above)
        else:
            down -= len(below)
    return low + poc, low + up, low + down


@pytest.mark.parametrize("expansion", ["one_row", "two_row"])
@pytest.mark.parametrize(("window", "session"), [(17, None), (None, None), (60, "1h")])
def test_volume_profile_is_its_definition(expansion: str, window: int | None, session: str | None) -> None:
    bars = GAPPY.slice(0, 200)
    levels = bars.levels
    assert levels is not None
    lines = VolumeProfile.over(bars, window=window, session=session, expansion=expansion)
    for i in range(len(bars)):
        first = i - i % 60 if session else max(0, i + 1 - (window or i + 1))
        if not session and window and i + 1 < window:
            assert lines.iloc[i].isna().all()
            continue
        rows: dict[int, float] = {}
        for k in range(levels.offsets[first], levels.offsets[i + 1]):
            row = int(levels.price_tick[k]) // levels.row_ticks
            rows[row] = rows.get(row, 0.0) + float(levels.buy_volume[k] + levels.sell_volume[k])
        expected = _plain_profile(rows, 0.7, 1 if expansion == "one_row" else 2)
        assert lines.iloc[i].tolist() == [r * levels.row_ticks * levels.tick for r in expected], i


@pytest.mark.parametrize("sessions", [2, 3, 5])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 9])
def test_a_composite_is_the_profile_of_its_sessions_together(sessions: int, width: int) -> None:
    rng = np.random.default_rng(width)
    bars: list[dict[int, float]] = [dict(zip(range(width), rng.random(width), strict=True)) for _ in range(8)]
    lines = VolumeProfile.over(_bars_of(*bars), session="1h", composite=sessions)
    for i in range(len(bars)):
        held = bars[max(0, i + 1 - sessions) : i + 1]
        rows = {row: math.fsum(bar[row] for bar in held) for row in range(width)}
        assert lines.iloc[i].tolist() == [*_plain_profile(rows, 0.7, 2)], i


@pytest.mark.parametrize(
    ("kind", "params", "copies"),
    [
        (VolumeProfile, {"window": None}, 1),
        (VolumeProfile, {"window": 2}, 2),
        (VolumeProfile, {"session": "1d"}, 1),
        (VolumeProfile, {"session": "1d", "composite": 2}, 3),
        (TPO, {"bracket": "1h"}, 1),
        (TPO, {"bracket": "1h", "letters": "traded"}, 2),
        (TPO, {"bracket": "1h", "letters": "traded", "composite": 3}, 5),
    ],
)
def test_a_profile_reaches_over_as_many_rows_as_memory_is_kept_for(
    kind: type[Indicator], params: dict[str, Any], copies: int
) -> None:
    most, asked = ROOM // copies, kind.resolve(params)
    kind.levels_of(_bars_of({0: 1.0}, {most - 1: 1.0}), **asked)
    with pytest.raises(InputError, match=f"makes {most + 1:,} rows of 1 from lowest to highest"):
        kind.levels_of(_bars_of({0: 1.0}, {most: 1.0}), **asked)


def test_a_row_that_nobody_is_left_in_is_empty_to_the_bit() -> None:
    heavy = [{5: 1e17}, {3: 0.1, 5: 0.3, 9: 0.1}, {3: 0.1, 9: 0.2}, {3: 0.1, 9: 0.2}]
    lines = VolumeProfile.over(_bars_of(*heavy), window=2, value_area=1.0)
    assert lines.iloc[3].tolist() == [9.0, 9.0, 3.0]


def test_empty_windows_have_no_profile() -> None:
    lines = VolumeProfile.over(_bars_of({7: 1.0}, {}, {}, {9: 2.0}), window=2)
    assert lines["poc"].fillna(-1).tolist() == [-1, 7, -1, 9]


def test_rows_can_be_joined_to_higher_ones() -> None:
    joined = VolumeProfile.over(_bars_of({0: 3.0, 1: 3.0, 2: 4.0}), window=1, row_size=2)
    assert joined.iloc[0].tolist() == [0.0, 2.0, 0.0]


def test_a_row_size_that_cuts_rows_is_refused() -> None:
    with pytest.raises(InputError, match="row_size 7 is no whole multiple of the 5 of sample"):
        VolumeProfile.over(BARS, row_size=7)


def test_klines_without_leave_to_guess_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"reads 'levels'.*set row_size on a feed of trades, or ask for from_klines"):
        VolumeProfile.over(sample_bars(80, klines=True))


def test_real_levels_win_over_guessed_ones() -> None:
    guessing = VolumeProfile.table(BARS, from_klines="uniform")
    assert np.array_equal(guessing, VolumeProfile.table(BARS), equal_nan=True)


@pytest.mark.parametrize("method", ["uniform", "close", "hlc3"])
def test_guessed_levels_keep_every_bars_volume(method: str) -> None:
    klines = GAPPY.assign()
    levels = levels_of_klines(klines, method, 5.0)
    total = levels.buy_volume + levels.sell_volume
    sums = [math.fsum(total[a:b]) for a, b in zip(levels.offsets[:-1], levels.offsets[1:], strict=True)]
    agree(klines["volume"], sums)
    assert [b - a for a, b, v in zip(levels.offsets, levels.offsets[1:], klines["volume"], strict=False) if not v] == [
        0
    ] * int((klines["volume"] == 0).sum())


def test_uniform_volume_is_shared_by_height() -> None:
    bars = Bars.of(
        open_time=[0, 1], close_time=[1, 2], high=[25.0, 20.0], low=[8.0, 20.0], close=[9.0, 20.0], volume=[17.0, 2.0]
    )
    levels = levels_of_klines(bars, "uniform", 10.0)
    assert levels.price_tick.tolist() == [0, 1, 2, 2]
    agree([2.0, 10.0, 5.0, 2.0], levels.buy_volume + levels.sell_volume)


@pytest.mark.parametrize(("price", "size"), [(20_000, 10.0), (100_000, 50.0), (0.62, 0.0002), (1.0, 0.0005), (3000, 2)])
def test_automatic_rows_are_about_five_basis_points(price: float, size: float) -> None:
    assert round_row_size(price) == size

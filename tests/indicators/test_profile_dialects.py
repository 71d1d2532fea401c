"""Dialects of the volume profile: each against its own rule text, ties, gaps and single rows among the cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.errors import ParamError
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.kernels.dialects import CHOICES, DIALECTS
from tapeflow.indicators.kernels.value_area import POC_TIES, SIDE_TIES, TARGETS, point_of_control, value_area
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.profile_rows import Rows, area_of, bars_of

GAPPY = empty_bars(sample_bars(300, seed=4), np.flatnonzero(np.random.default_rng(2).random(300) < 0.15))


# Vectors worked by hand from the rule texts.

_HUMP = dict(enumerate([5, 10, 20, 60, 40, 30, 50, 15, 10, 5]))
_TIES = dict(enumerate([10, 30, 50, 30, 10, 25, 15]))
_HOLES = {0: 5, 1: 10, 5: 40, 6: 12, 12: 30, 13: 3}
_EXACT = dict(enumerate([10, 70, 20]))
_TWINS = dict(enumerate([9, 1, 1, 9]))
GOLDEN = {
    "hump": (_HUMP, {"cbot_two_row": (3, 3, 7), "market_profile": (3, 3, 6), "tradingview": (3, 3, 6)}),
    "hump at 68 percent": (
        _HUMP,
        {"sierra": (3, 3, 7), "ninjatrader": (3, 3, 7), "atas": (3, 3, 6), "lean": (3, 3, 6)},
    ),
    "ties": (_TIES, {"cbot_two_row": (2, 2, 6), "market_profile": (2, 1, 4), "tradingview": (2, 1, 4)}),
    "ties, others": (_TIES, {"sierra": (2, 2, 6), "ninjatrader": (2, 2, 6), "atas": (2, 0, 5), "lean": (2, 1, 4)}),
    "holes": (_HOLES, {"cbot_two_row": (5, 5, 13), "market_profile": (5, 5, 12), "tradingview": (5, 0, 12)}),
    "holes, others": (
        _HOLES,
        {"sierra": (5, 5, 13), "ninjatrader": (5, 5, 13), "atas": (5, 5, 13), "lean": (5, 5, 12)},
    ),
    "exactly the share": (_EXACT, {"cbot_two_row": (1, 1, 1), "market_profile": (1, 1, 2), "lean": (1, 1, 2)}),
    "twins": (_TWINS, {"cbot_two_row": (0, 0, 3), "market_profile": (3, 0, 3), "lean": (0, 0, 3), "atas": (3, 0, 3)}),
    "one row": ({7: 3.0}, dict.fromkeys(DIALECTS, (7, 7, 7))),
}


@pytest.mark.parametrize(
    ("rows", "dialect", "expected"),
    [
        pytest.param(rows, dialect, expected, id=f"{name}-{dialect}")
        for name, (rows, by_dialect) in GOLDEN.items()
        for dialect, expected in by_dialect.items()
    ],
)
def test_a_dialect_follows_its_rule_text(rows: Rows, dialect: str, expected: tuple[int, int, int]) -> None:
    assert area_of(rows, dialect=dialect) == expected


def test_every_dialect_has_golden_vectors_for_ties_and_holes() -> None:
    for kind in ("ties", "holes"):
        told = {d for name, (_, by_dialect) in GOLDEN.items() if name.startswith(kind) for d in by_dialect}
        assert told == set(DIALECTS)


# The platforms' own loops, told again in plain Python, on random rows full of ties and holes.


def _market_profile(rows: Rows) -> tuple[int, int, int]:
    prices = sorted(rows)
    volumes = [rows[p] for p in prices]
    middle = len(volumes) / 2
    poc = min((i for i, v in enumerate(volumes) if v == max(volumes)), key=lambda i: abs(i - middle))
    low = high = poc
    held = volumes[poc]
    while held <= 0.7 * sum(volumes):
        down = volumes[low - 1] if low > 0 else None
        up = volumes[high + 1] if high < len(volumes) - 1 else None
        if not up or (down and down > up):
            low, held = low - 1, held + (down or 0)
        else:
            high, held = high + 1, held + up
    return prices[poc], prices[low], prices[high]


def _lean(rows: Rows) -> tuple[int, int, int]:
    prices = sorted(rows)
    volumes = [rows[p] for p in prices]
    poc, middle = 0, (len(volumes) - 1) // 2
    for i, volume in enumerate(volumes):
        if volume > volumes[poc] or (volume == volumes[poc] and abs(middle - i) < abs(middle - poc)):
            poc = i
    low = high = poc
    held = volumes[poc]
    while held <= 0.7 * sum(volumes):
        down = volumes[low - 1] if low > 0 else 0
        up = volumes[high + 1] if high < len(volumes) - 1 else 0
        if up == 0 or down > up:
            low, held = low - 1, held + down
        else:
            high, held = high + 1, held + up
    return prices[poc], prices[low], prices[high]


def _atas(rows: Rows) -> tuple[int, int, int]:
    prices = sorted(rows)
    poc = max(prices, key=lambda p: (rows[p], p))
    low = high = prices.index(poc)
    held, target = rows[poc], 0.7 * sum(rows.values())
    while held < target and (low > 0 or high < len(prices) - 1):
        above, below = prices[high + 1 : high + 4], prices[max(low - 3, 0) : low]
        up, down = sum(rows[p] for p in above), sum(rows[p] for p in below)
        if up >= down:
            high, held = high + len(above), held + up
        else:
            low, held = low - len(below), held + down
    return poc, prices[low], prices[high]


def _tradingview(rows: Rows) -> tuple[int, int, int]:
    low_edge, high_edge = min(rows), max(rows)
    most, middle = max(rows.values()), (low_edge + high_edge) / 2
    poc = min((p for p in sorted(rows) if rows[p] == most), key=lambda p: abs(p - middle))
    low = high = poc
    held = rows[poc]
    while held < 0.7 * sum(rows.values()):
        up = rows.get(high + 1, 0.0) if high < high_edge else -1.0
        down = rows.get(low - 1, 0.0) if low > low_edge else -1.0
        if up > down or (up == down and high + 1 - poc <= poc - (low - 1)):
            high, held = high + 1, held + up
        else:
            low, held = low - 1, held + down
    return poc, low, high


def _pairs(share: float) -> Callable[[Rows], tuple[int, int, int]]:
    def told(rows: Rows) -> tuple[int, int, int]:
        low_edge, high_edge = min(rows), max(rows)
        most, middle = max(rows.values()), (low_edge + high_edge) / 2
        poc = min((p for p in sorted(rows) if rows[p] == most), key=lambda p: abs(p - middle))
        low = high = poc
        while math.fsum(v for p, v in rows.items() if low <= p <= high) < share * math.fsum(rows.values()):
            above = range(high + 1, min(high + 2, high_edge) + 1)
            below = range(max(low - 2, low_edge), low)
            if above and (not below or sum(rows.get(p, 0) for p in above) >= sum(rows.get(p, 0) for p in below)):
                high = above[-1]
            else:
                low = below[0]
        return poc, low, high

    return told


TOLD = {
    "cbot_two_row": _pairs(0.7),
    "sierra": _pairs(0.7),
    "ninjatrader": _pairs(0.68),
    "market_profile": _market_profile,
    "lean": _lean,
    "atas": _atas,
    "tradingview": _tradingview,
}


def _random_rows(rng: np.random.Generator) -> Rows:
    spots = rng.choice(30, size=rng.integers(1, 18), replace=False)
    return {int(p): float(rng.integers(1, 7)) for p in spots}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_is_its_platforms_loop_on_random_rows(dialect: str) -> None:
    rng = np.random.default_rng(8)
    profiles = [_random_rows(rng) for _ in range(400)]
    exact = [0.7 * math.fsum(rows.values()) for rows in profiles]
    profiles = [rows for rows, target in zip(profiles, exact, strict=True) if abs(target - round(target)) > 1e-6]
    table = VolumeProfile.table(bars_of(*profiles), window=1, dialect=dialect)
    for rows, (poc, vah, val) in zip(profiles, table.T.tolist(), strict=True):
        assert TOLD[dialect](rows) == (poc, val, vah), rows


# What holds whatever the choices.


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("skip", [False, True])
def test_a_value_area_holds_what_its_target_says(step: int, target: str, skip: bool) -> None:
    rng = np.random.default_rng(step)
    for _ in range(150):
        volumes = rng.integers(0, 9, rng.integers(1, 25)).astype(float)
        volumes[rng.integers(len(volumes))] += 1
        share = float(rng.uniform(0.1, 1.0))
        for side in range(len(SIDE_TIES)):
            poc = point_of_control(volumes, 0, skip)
            low, high = value_area(volumes, poc, share, step, side, TARGETS.index(target), skip)
            held, total = volumes[low : high + 1].sum(), volumes.sum()
            assert low <= poc <= high
            if target == "within":
                assert held <= share * total * (1 + 1e-9) or low == poc == high
            else:
                assert held >= share * total * (1 - 1e-9)


@pytest.mark.parametrize("tie", POC_TIES)
def test_ties_of_rows_go_where_they_are_told(tie: str) -> None:
    cases = {"middle": (0, 2), "middle_up": (3, 2), "middle_down": (0, 1), "lowest": (0, 1), "highest": (3, 2)}
    volumes = np.array([9.0, 1, 1, 9]), np.array([1.0, 9, 9, 1, 1, 1])
    expected = cases[tie][0], {"middle": 2, "middle_up": 2, "middle_down": 2, "lowest": 1, "highest": 2}[tie]
    assert tuple(point_of_control(v, POC_TIES.index(tie)) for v in volumes) == expected


@pytest.mark.parametrize(("side", "expected"), [("up", (2, 3)), ("down", (1, 2)), ("near", (2, 3))])
def test_ties_of_sides_go_where_they_are_told(side: str, expected: tuple[int, int]) -> None:
    volumes = np.array([1.0, 2, 4, 2, 1])
    assert value_area(volumes, 2, 0.6, 1, SIDE_TIES.index(side)) == expected


def test_a_near_tie_prefers_the_side_that_reached_less_far() -> None:
    volumes = np.array([1.0, 2, 9, 5, 2])
    assert value_area(volumes, 2, 0.8, 1, SIDE_TIES.index("near")) == (1, 3)
    assert value_area(volumes, 2, 0.8, 1, SIDE_TIES.index("up")) == (2, 4)


def test_rows_named_by_their_upper_edge_reach_down() -> None:
    rows = {0: 1.0, 1: 5.0, 10: 4.0, 11: 2.0}
    lines = VolumeProfile.table(bars_of(rows), window=1, row_size=10, value_area=1.0)[:, 0]
    ceil = VolumeProfile.table(bars_of(rows), window=1, row_size=10, value_area=1.0, anchor="ceil")[:, 0]
    assert lines.tolist() == [0, 10, 0]
    assert ceil.tolist() == [10, 20, 0]


def test_a_high_row_of_the_feed_goes_by_its_highest_tick() -> None:
    lines = VolumeProfile.table(bars_of({20: 1.0}, row_ticks=10), window=1, anchor="ceil")
    assert lines[:, 0].tolist() == [30, 30, 30]


# Sessions, composites, previous levels, nodes.


def _held(bars: Bars, first: int, last: int) -> Rows:
    levels, rows = bars.levels, {}
    assert levels is not None
    for k in range(levels.offsets[first], levels.offsets[last + 1]):
        row = int(levels.price_tick[k]) // levels.row_ticks
        rows[row] = rows.get(row, 0.0) + float(levels.buy_volume[k] + levels.sell_volume[k])
    return rows


@pytest.mark.parametrize("sessions", [1, 2, 4])
def test_a_composite_profile_is_of_the_last_sessions(sessions: int) -> None:
    lines = VolumeProfile.over(GAPPY, session="20m", composite=sessions)
    for i in range(len(GAPPY)):
        rows = _held(GAPPY, max(0, (i // 20 - sessions + 1) * 20), i)
        if not rows:
            assert lines.iloc[i].isna().all()
            continue
        poc, low, high = TOLD["cbot_two_row"](rows)
        assert (lines.iloc[i] / 5.0).tolist() == [poc, high, low], i


def test_the_session_before_stands_as_it_ended() -> None:
    lines = VolumeProfile.over(GAPPY, session="20m", previous=True)
    assert lines.iloc[:20, 3:].isna().all().all()
    for i in range(20, len(GAPPY)):
        ended = lines.iloc[i // 20 * 20 - 1, :3]
        assert lines.iloc[i, 3:].tolist() == ended.tolist()


def _plain_nodes(rows: Rows, here: int, order: int, width: int, ratio: float, *, skip: bool) -> list[float]:
    spots = sorted(rows) if skip else list(range(min(rows), max(rows) + 1))
    raw = [rows.get(p, 0.0) for p in spots]
    half = width // 2
    smooth = [float(np.mean(raw[max(i - half, 0) : i + half + 1])) for i in range(len(raw))]
    mean = float(np.mean(raw))
    found: dict[str, list[int]] = {"hvn": [], "lvn": []}
    for i in range(order, len(spots) - order):
        around = smooth[i - order : i] + smooth[i + 1 : i + order + 1]
        if all(smooth[i] > v for v in around) and smooth[i] >= ratio * mean:
            found["hvn"].append(spots[i])
        if all(smooth[i] < v for v in around) and smooth[i] * ratio <= mean:
            found["lvn"].append(spots[i])
    made = []
    for name in ("hvn", "lvn"):
        made += [min((p for p in found[name] if p > here), default=math.nan)]
        made += [max((p for p in found[name] if p <= here), default=math.nan)]
    return made


@pytest.mark.parametrize(("order", "width", "ratio"), [(1, 1, 0.0), (2, 3, 0.0), (1, 5, 1.2)])
@pytest.mark.parametrize("gaps", CHOICES["gaps"])
def test_nodes_are_the_nearest_local_extremes(order: int, width: int, ratio: float, gaps: str) -> None:
    how = {"node_order": order, "node_smooth": width, "node_ratio": ratio, "gaps": gaps}
    lines = VolumeProfile.over(GAPPY, window=40, nodes=True, **how)
    seen = 0
    for i in range(39, len(GAPPY)):
        here = int(GAPPY["close"][i] // 5.0)
        expected = _plain_nodes(_held(GAPPY, i - 39, i), here, order, width, ratio, skip=gaps == "skip")
        actual = (lines.iloc[i, 3:] / 5.0).tolist()
        assert np.array_equal(expected, actual, equal_nan=True), i
        seen += sum(v == v for v in expected)
    assert seen > 300


def test_lines_are_those_asked_for() -> None:
    assert VolumeProfile.line_names() == ("poc", "vah", "val")
    assert VolumeProfile.line_names(nodes=True)[3:] == ("hvn_above", "hvn_below", "lvn_above", "lvn_below")
    both = VolumeProfile.line_names(session="1d", nodes=True, previous=True)
    assert both[3:6] == ("prev_poc", "prev_vah", "prev_val")
    assert len(both) == 10


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"dialect": "tradingvew"}, "dialect must be one of 'cbot_two_row'"),
        ({"previous": True}, "previous needs session"),
        ({"composite": 2}, "composite needs session"),
        ({"node_smooth": 2}, "node_smooth must be odd"),
        ({"target": "about"}, "target must be one of null, 'reach'"),
    ],
)
def test_wrong_choices_are_told(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ParamError, match=f"^VolumeProfile: .*{says}"):
        VolumeProfile.over(GAPPY, **params)


def test_a_long_window_that_lost_its_point_of_control_finds_the_next() -> None:
    rng = np.random.default_rng(5)
    bars = [{int(p): float(rng.integers(1, 50)) for p in rng.choice(12, size=4, replace=False)} for _ in range(400)]
    table = VolumeProfile.table(bars_of(*bars), window=7, dialect="atas")
    for i in range(6, len(bars)):
        rows: Rows = {}
        for bar in bars[i - 6 : i + 1]:
            for p, v in bar.items():
                rows[p] = rows.get(p, 0.0) + v
        poc, low, high = _atas(rows)
        assert table[:, i].tolist() == [poc, high, low], i

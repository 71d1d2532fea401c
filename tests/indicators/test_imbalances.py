"""Imbalances and stacks of them against definitions in plain Python, and against published cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tapeflow.core.bars import Bars, Levels
from tapeflow.indicators.diagonal_imbalance import DiagonalImbalance
from tapeflow.indicators.stacked_imbalance import StackedImbalance
from tapeflow.tests.helpers.footprints import GAPPY, SIZE, Rows, agree, rows_of, runs_of


def footprint(*rows: Rows, tick: float = 1.0, **columns: Any) -> Bars:
    ticks = np.array([t for bar in rows for t in sorted(bar)], dtype=np.int64)
    sides = np.array([bar[t] for bar in rows for t in sorted(bar)], dtype=float).reshape(-1, 2)
    opens = 60_000_000 * np.arange(len(rows))
    offsets = np.cumsum([0, *(len(bar) for bar in rows)])
    levels = Levels(offsets, ticks, sides[:, 0].copy(), sides[:, 1].copy(), tick)
    return Bars.of(open_time=opens, close_time=opens + 60_000_000, levels=levels, **columns)


_RULES = [
    {},
    {"ratio": 1.5, "zero": "infinite"},
    {"ratio": 2.0, "zero": "infinite", "missing": "zero", "min_volume": 0.02},
    {"ratio": 1.2, "compare": "horizontal"},
    {"ratio": 4.0, "compare": "horizontal", "zero": "infinite"},
]


def _imbalanced(rows: Rows, rules: dict[str, Any], side: int) -> list[int]:
    """Rows with an imbalance; side 0 buys, 1 sells."""
    away = 0 if rules.get("compare") == "horizontal" else (-1 if side == 0 else 1)
    made = []
    for row, volumes in rows.items():
        volume, other = volumes[side], rows.get(row + away, (0.0, 0.0))
        if volume == 0 or volume < rules.get("min_volume", 0.0) * (1 - 1e-9):
            continue
        if not sum(other) and rules.get("missing", "ignore") == "ignore":
            continue
        against = other[1 - side]
        if (
            rules.get("zero") == "infinite"
            if against == 0
            else volume >= rules.get("ratio", 3.0) * against * (1 - 1e-9)
        ):
            made.append(row)
    return sorted(made)


@pytest.mark.parametrize("rules", _RULES, ids=str)
@pytest.mark.parametrize("height", [1, 2])
def test_diagonal_imbalances_are_their_definition(rules: dict[str, Any], height: int) -> None:
    expected = []
    for rows in rows_of(GAPPY, height):
        buys, sells = _imbalanced(rows, rules, 0), _imbalanced(rows, rules, 1)
        edges = [f(found, default=math.nan) * SIZE * height for found in (buys, sells) for f in (min, max)]
        expected.append([len(buys), len(sells), *edges])
    lines = DiagonalImbalance.over(GAPPY, row_size=SIZE * height, **rules)
    agree(expected, lines)
    assert lines["buy_count"].sum() > 20


_PUBLISHED: Rows = {100: (12, 30), 101: (40, 9), 102: (36, 4), 103: (50, 8), 104: (6, 2)}


def test_the_published_case_has_two_buy_imbalances_that_are_no_stack() -> None:
    lines = DiagonalImbalance.over(footprint(_PUBLISHED)).iloc[0]
    assert lines.fillna(-1).tolist() == [2, 0, 102, 103, -1, -1]
    assert StackedImbalance.over(footprint(_PUBLISHED)).iloc[0, :2].tolist() == [0, 0]
    assert StackedImbalance.over(footprint(_PUBLISHED), stack=2).iloc[0, :4].tolist() == [1, 0, 102, 103]


@pytest.mark.parametrize(("ratio", "rows"), [(4.0, [102, 103]), (4.001, [103]), (12.5, [103]), (12.6, [])])
def test_the_ratio_is_a_multiple_and_reaching_it_is_enough(ratio: float, rows: list[int]) -> None:
    line = DiagonalImbalance.over(footprint(_PUBLISHED), ratio=ratio).iloc[0]
    assert line["buy_count"] == len(rows)
    assert line[["buy_low", "buy_high"]].dropna().tolist() == ([rows[0], rows[-1]] if rows else [])


def test_a_ratio_that_floats_miss_by_an_ulp_is_reached() -> None:
    assert 3 * 0.1 > 0.3
    assert DiagonalImbalance.over(footprint({1: (0, 0.1), 2: (0.3, 0)}))["buy_count"].tolist() == [1]


def test_the_row_below_is_one_row_lower_in_price_and_not_the_next_that_traded() -> None:
    holes: Rows = {1: (0, 1.0), 3: (9.0, 0)}
    assert DiagonalImbalance.over(footprint(holes))["buy_count"].tolist() == [0]
    infinite = DiagonalImbalance.over(footprint(holes), zero="infinite", missing="zero")
    assert infinite["buy_count"].tolist() == [1]


@pytest.mark.parametrize(
    ("rules", "count"),
    [({}, 0), ({"zero": "infinite"}, 1), ({"zero": "infinite", "missing": "zero"}, 2), ({"missing": "zero"}, 0)],
)
def test_the_rules_of_zero_and_of_missing_rows(rules: dict[str, Any], count: int) -> None:
    rows: Rows = {1: (5.0, 0.0), 2: (5.0, 0.0)}
    assert DiagonalImbalance.over(footprint(rows), **rules)["buy_count"].tolist() == [count]


def test_a_row_without_trades_is_missing_from_below_and_from_above() -> None:
    holes: Rows = {1: (0.0, 5.0), 3: (5.0, 0.0)}
    lines = DiagonalImbalance.over(footprint(holes), zero="infinite").iloc[0]
    assert lines[["buy_count", "sell_count"]].tolist() == [0, 0]


@pytest.mark.parametrize("stack", [1, 2, 3])
@pytest.mark.parametrize("rules", _RULES[1:3], ids=str)
def test_stacked_imbalances_are_runs_the_longest_first(stack: int, rules: dict[str, Any]) -> None:
    expected = []
    for rows in rows_of(GAPPY):
        buys, sells = (runs_of(_imbalanced(rows, rules, side), stack) for side in (0, 1))
        buys = sorted(buys, key=lambda run: (run[0] - run[1], run[0]))
        sells = sorted(sells, key=lambda run: (run[0] - run[1], -run[0]))
        line = [float(len(buys)), float(len(sells))]
        for k in range(2):
            for runs in (buys, sells):
                line += [edge * SIZE for edge in runs[k]] if k < len(runs) else [math.nan] * 2
        expected.append(line)
    lines = StackedImbalance.over(GAPPY, stack=stack, zones=2, **rules)
    agree(expected, lines)
    assert lines["buy_stacks"].sum() > 0


def test_zones_are_lines_by_number() -> None:
    names = StackedImbalance.line_names(zones=2)
    assert names[2:] == tuple(f"{name}{k}" for k in (1, 2) for name in ("buy_low", "buy_high", "sell_low", "sell_high"))
    assert StackedImbalance.line_measures(zones=2)["buy_low2"].mirror == "sell_high2"

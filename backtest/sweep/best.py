"""The best points of a sweep by one figure, and what the best of many is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist, fmean, stdev
from typing import Any

from ...core.errors import ParamError, unknown
from .journal import Done

LESS_IS_MORE = frozenset(("max_drawdown_pct", "fees_paid", "liquidations"))
EULER = 0.5772156649015329


def best(done: Mapping[int, Done], figure: str, most: int) -> list[Done]:
    """The points with the best ``figure``, best first; those without one are left out, ties go to the earlier.

    Raises
    ------
    ParamError
        If no run has such a figure, or it is no number.
    """
    rows = [done[number] for number in sorted(done) if not done[number].error]
    numbers = {name for row in rows for name, value in row.row.items() if isinstance(value, int | float)}
    if rows and figure not in numbers:
        raise ParamError(f"--sort: {unknown('figure', figure, numbers)}")
    known = [row for row in rows if not math.isnan(row.row.get(figure, math.nan))]
    sign = 1 if figure in LESS_IS_MORE else -1
    return sorted(known, key=lambda row: sign * row.row[figure])[:most]


def luck(ratios: Sequence[float]) -> float:
    """The highest of so many Sharpe ratios that luck alone leads to expect.

    Where no run has an edge, its ratio is noise around zero. With V the variance of the ratios over N runs, which
    are taken to be independent, the expected highest of them is

        √V · ((1 - γ) · Φ⁻¹(1 - 1 / N) + γ · Φ⁻¹(1 - 1 / (N·e))),   γ = 0.5772…

    NaN with fewer than two ratios.

    References
    ----------
    Bailey, D. H., López de Prado, M. (2014). The Deflated Sharpe Ratio. Journal of Portfolio Management 40(5), 94-107.

    Examples
    --------
    >>> round(luck([1.0, -1.0] * 50), 3)
    2.543
    """
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    count = len(known)
    if count < 2:
        return math.nan
    normal = NormalDist()
    top = (1 - EULER) * normal.inv_cdf(1 - 1 / count) + EULER * normal.inv_cdf(1 - 1 / (count * math.e))
    return stdev(known, fmean(known)) * top


def caution(done: Mapping[int, Done], total: int) -> str:
    """What must be said beside the best of many."""
    if total < 2:
        return ""
    said = f"the best of {total:,} points was picked after the fact, so its figures flatter it"
    ratios = [one.row["sharpe"] for one in done.values() if not one.error and "sharpe" in one.row]
    height = luck(ratios)
    if math.isnan(height) or not height:
        return f"{said}; look at it on data that no point has seen"
    return (
        f"{said}: {total:,} points without any edge, whose Sharpe ratios differ as much as these, would show about "
        f"{height:.2f} at best by luck alone; look at it on data that no point has seen"
    )


def as_record(done: Done, values: Mapping[str, Any]) -> dict[str, Any]:
    """A point with its values and figures, for JSON."""
    return {"point": done.number, "values": dict(values), **done.row}

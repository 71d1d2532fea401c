"""The best points of a sweep by one figure, and what the best of many is worth."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ...core.counting import counted
from ...core.errors import ParamError, unknown
from ..ledger import Known
from ..selection.daily import ENOUGH, Daily, beside
from ..selection.held import held_of, middle_and_best
from ..selection.luck import Luck, luck
from .journal import Done

LESS_IS_MORE = frozenset(("max_drawdown_pct", "fees_paid", "liquidations"))


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


def luck_of(done: Mapping[int, Done], others: Known | None = None) -> Luck | None:
    """What chance makes of the best of these points, and of all ``others`` that were ever run on their data.

    None where no method is known to hold.
    """
    ran = [one for one in done.values() if not one.error]
    if not ran or not all(one.daily for one in ran):
        return None
    series: dict[Hashable, Daily] = {one.number: Daily.of(one.daily) for one in sorted(ran, key=lambda one: one.number)}
    held: dict[Hashable, float] = {one.number: held_of(one.row, series[one.number]) for one in ran if one.row["trades"]}
    if others is not None:
        series.update(beside(series.values(), others.daily))
        held |= {trial: days for trial, days in others.held.items() if days}
    # The points' own, which differ where they begin in different years of an exchange.
    per_year = float(np.mean([one.row["periods_per_year"] for one in ran]))
    return luck(series, max(middle_and_best(held, series)), per_year=per_year)


def caution(found: Luck | None, total: int, days: int, others: Known | None = None) -> str:
    """What must be said beside the best of many.

    Parameters
    ----------
    found : Luck or None
        What chance makes of it, as `luck_of` gives it.
    total : int
        How many points there are.
    days : int
        How long they ran.
    others : Known, optional
        Every other trial on their data.
    """
    here, total = total, total + (others.trials if others is not None else 0)
    if total < 2:
        return ""
    said = f"the best of {total:,} points was picked after the fact, so its figures flatter it"
    if total > here:
        said += f" ({here:,} here, {total - here:,} earlier on these data)"
    if found is not None and others is not None and others.silent:
        said += f"; {counted(len(others.silent), 'earlier point')} without daily returns could not be weighed"
    later = "look at it on data that no point has seen"
    if days < ENOUGH:
        return (
            f"{said}. {counted(days, 'day')} cannot settle this; of a planted Sharpe of 2, a third is found at "
            f"{ENOUGH}; {later}"
        )
    return f"{said}. {words(found, total)}; {later}" if found else f"{said}; {later}"


def words(found: Luck, total: int) -> str:
    """What chance makes of the best, in words."""
    over = ", over holding the mean position," if found.excess else ""
    count = len(found.stand_out)
    return (
        f"Among {total:,} points the best Sharpe{over} would be this high by chance with p = {found.p:.3f}; after "
        f"selection at least {found.floor:.2f} (95 %); {counted(count, 'point stands', 'points stand')} out"
    )


def as_record(done: Done, values: Mapping[str, Any]) -> dict[str, Any]:
    """A point with its values and figures, for JSON."""
    return {"point": done.number, "values": dict(values), **done.row}

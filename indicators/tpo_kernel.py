"""The kernel of TPO: letters by bracket and row, and what is read off them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.kernels import compiled, levels_step
from .kernels.profile_state import (
    HEAD,
    HIGH,
    LOW,
    MASK,
    TOTAL,
    composite_roll,
    composite_row,
    price_of,
    profile_add,
    profile_clear,
    profile_poc,
    row_at,
    row_of,
)
from .kernels.value_area import expand

_ID, _NUMBER, SERIAL, _LOW, _HIGH, _IB_HIGH, _IB_LOW, _NOW, _BEFORE, OWN = 0, 1, 2, 3, 4, 5, 6, 7, 10, 13
"""Behind the profile: the session, the bracket's number in it and among all, the rows that it reached, the initial
balance, the levels so far and those of the session before; then, where ``letters`` is ``traded``, by slot the last
bracket that traded there; then the letters of each session of a composite."""


@compiled
def _mark(s: Any, at: int, row: int) -> None:
    """Give ``row`` a letter, in a profile of several sessions (``at`` above 0) as one of the current session."""
    if at > 0:
        composite_row(s, at, row, 1.0)
    else:
        profile_add(s, row, 1.0)
    s[TOTAL] += 1.0


@compiled
def _letter(s: Any, own: int, at: int, tick: Any, buy: Any, sell: Any, fresh: bool, ceil: bool, traded: bool) -> bool:
    """Give the rows of a bar the letter of its bracket, where they have not got it; whether there are any."""
    mask, low, high = int(s[MASK]), 0, -1
    for i in range(len(tick)):
        if not buy[i] + sell[i] > 0.0:
            continue
        row = row_of(s, tick[i], ceil)
        low, high = (row, row) if high < low else (min(low, row), max(high, row))
        seen = own + OWN + (row & mask)
        if traded and s[seen] != s[own + SERIAL]:
            s[seen] = s[own + SERIAL]
            _mark(s, at, row)
    if high < low or traded:
        return high >= low
    if fresh:
        s[own + _LOW], s[own + _HIGH] = low, low - 1
    for row in range(low, int(s[own + _LOW])):
        _mark(s, at, row)
    for row in range(int(s[own + _HIGH]) + 1, high + 1):
        _mark(s, at, row)
    s[own + _LOW], s[own + _HIGH] = min(s[own + _LOW], low), max(s[own + _HIGH], high)
    return True


@compiled
def _alone(s: Any, row: int) -> bool:
    return bool(s[HEAD + (row & int(s[MASK]))] == 1.0)


@compiled
def _singles(s: Any, y: Any, here: int) -> None:
    """Poor extremes, tails and what is single between them."""
    low, high = int(s[LOW]), int(s[HIGH])
    top, bottom = high, low
    while top >= low and _alone(s, top):
        top -= 1
    while bottom <= high and _alone(s, bottom):
        bottom += 1
    y[6], y[7] = 1.0 if top == high else 0.0, 1.0 if bottom == low else 0.0
    y[8], y[9], y[10] = high - top, bottom - low, 0.0
    for row in range(bottom, top + 1):
        if _alone(s, row):
            y[10] += 1.0
            if row <= here:
                y[12] = price_of(s, row)
            elif y[11] != y[11]:
                y[11] = price_of(s, row)


@levels_step
def tpo(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``x`` is the session, the time in it, high, low and close, ``p`` as `tpo.TPO.numbers` says."""
    bracket, skip, ceil, traded = p[0], p[5] == 1.0, p[7] == 1.0, p[10] == 1.0
    mask = int(s[MASK])
    own, sessions = HEAD + mask + 1, int(p[11])
    at = own + OWN + (mask + 1 if traded else 0) if sessions > 1 else 0
    if x[0] != s[own + _ID]:
        s[own + _BEFORE : own + OWN] = s[own + _NOW : own + _BEFORE]
        s[own + _ID], s[own + _NUMBER] = x[0], -1.0
        s[own + _IB_HIGH] = s[own + _IB_LOW] = np.nan
        if sessions > 1:
            composite_roll(s, at, sessions)
        else:
            profile_clear(s)
    if len(tick) > 0:
        number = np.floor(x[1] / bracket) if bracket > 0.0 else s[own + _NUMBER] + 1.0
        fresh = number != s[own + _NUMBER]
        if fresh:
            s[own + SERIAL] += 1.0
        if _letter(s, own, at, tick, buy, sell, fresh, ceil, traded):
            s[own + _NUMBER] = number
            if x[1] < p[1]:
                if not x[2] <= s[own + _IB_HIGH]:
                    s[own + _IB_HIGH] = x[2]
                if not x[3] >= s[own + _IB_LOW]:
                    s[own + _IB_LOW] = x[3]
    if p[9] == 1.0:
        y[13:16] = s[own + _BEFORE : own + OWN]
    low, high = int(s[LOW]), int(s[HIGH])
    if high < low:
        return
    poc = profile_poc(s, int(p[4]), skip)
    down, up = expand(s, HEAD, mask, low, high, poc, s[TOTAL], p[2], int(p[3]), int(p[8]), int(p[6]), skip)
    y[0], y[1], y[2] = price_of(s, poc), price_of(s, up), price_of(s, down)
    s[own + _NOW : own + _BEFORE] = y[:3]
    y[3], y[4], y[5] = s[own + _IB_HIGH], s[own + _IB_LOW], s[TOTAL]
    _singles(s, y, row_at(s, x[4], ceil) if x[4] == x[4] else low - 1)

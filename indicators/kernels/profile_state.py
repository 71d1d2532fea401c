"""A profile inside a kernel's state: a head, the volume of each row, and the means to let old bars or sessions go.

Rows share an array of a power of two slots, ``row & mask``, which is made wide enough that no two rows of one
profile ever meet in a slot. The point of control is kept while it is certain and looked for again when it is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Levels
from ...core.kernels import compiled
from ...core.tick_kernels import price_at, row_near, row_under
from ...core.ticks import grid_of
from .price_rows import widest_rows
from .value_area import NEAR, heaviest
from .windows import window_moments, window_push, window_size

Floats = NDArray[np.float64]
NUM, DEN, HOLDS, ROW_TICKS, FEED_TICKS, MASK, LOW, HIGH, POC, MOST, STALE, TOTAL, HEAD = range(13)
"""Of the head: a tick as a fraction, and whether it is a row that holds prices; height of a row and of the feed's rows
in ticks; slots less one; the rows; the heaviest row, its volume and whether it may have changed; the volume. Volumes by
slot follow at ``HEAD``."""
_HELD, _ROWS, _WRITE, _READ, _BARS, _RING = range(6)


@compiled
def row_of(s: Any, tick: int, ceil: bool) -> int:
    """The row of a feed's row. With ``ceil`` a row reaches down from its name, and the highest tick decides."""
    if ceil:
        return -(-(tick + int(s[FEED_TICKS]) - 1) // int(s[ROW_TICKS]))
    return tick // int(s[ROW_TICKS])


@compiled
def price_of(s: Any, row: int) -> float:
    """The price a row is named by."""
    return float(price_at(row * int(s[ROW_TICKS]), s[NUM], s[DEN]))


@compiled
def row_at(s: Any, price: float, ceil: bool) -> int:
    """The row that ``price`` lies in."""
    found = row_under(price, s[NUM], s[DEN]) if s[HOLDS] == 1.0 else row_near(price, s[NUM], s[DEN])
    return row_of(s, int(found), ceil)


@compiled
def profile_add(s: Any, row: int, volume: float) -> None:
    """Put ``volume`` on ``row``."""
    at = HEAD + (row & int(s[MASK]))
    x = s[at] + volume
    s[at] = x
    if s[HIGH] < s[LOW]:
        s[LOW] = s[HIGH] = s[POC] = row
        s[MOST], s[STALE] = x, 0.0
        return
    s[LOW], s[HIGH] = min(s[LOW], row), max(s[HIGH], row)
    if row == s[POC]:
        s[MOST] = x
    elif x >= s[MOST] * (1.0 - NEAR):
        if s[STALE] == 0.0 and s[MOST] < x * (1.0 - NEAR):
            s[POC], s[MOST] = row, x
        else:
            s[STALE] = 1.0


@compiled
def profile_poc(s: Any, tie: int, skip: bool) -> int:
    """The heaviest row of a profile that is not empty."""
    if s[STALE] == 1.0:
        mask = int(s[MASK])
        row, tied = heaviest(s, HEAD, mask, int(s[LOW]), int(s[HIGH]), tie, skip)
        s[POC], s[MOST], s[STALE] = row, s[HEAD + (row & mask)], 1.0 if tied else 0.0
    return int(s[POC])


@compiled
def profile_clear(s: Any) -> None:
    """Empty the profile."""
    mask = int(s[MASK])
    for row in range(int(s[LOW]), int(s[HIGH]) + 1):
        s[HEAD + (row & mask)] = 0.0
    s[LOW], s[HIGH], s[TOTAL] = 0.0, -1.0, 0.0


@compiled
def window_begin(s: Any, at: int, window: int) -> None:
    """Let the oldest bar of a full window go, before the next; a row that no bar is left in is exactly empty.

    The window's own state lies at ``at``: counts of its own, the bars that traded in each slot, the rows of the
    bars held, how many rows each brought, and their volumes as a window of moments.
    """
    if s[at + _BARS] < window:
        return
    mask, entries = int(s[MASK]), int(s[at + _ROWS])
    counts = at + _RING
    ring = counts + mask + 1
    brought = ring + 2 * entries + int(s[at + _BARS]) % window
    read = int(s[at + _READ])
    for _ in range(int(s[brought])):
        row = int(s[ring + 2 * read])
        slot = row & mask
        s[counts + slot] -= 1.0
        s[HEAD + slot] = s[HEAD + slot] - s[ring + 2 * read + 1] if s[counts + slot] > 0.0 else 0.0
        if row == s[POC]:
            s[STALE] = 1.0
        read = read + 1 if read + 1 < entries else 0
    s[at + _READ] = read
    while s[LOW] <= s[HIGH] and s[counts + (int(s[LOW]) & mask)] == 0.0:
        s[LOW] += 1.0
    while s[LOW] <= s[HIGH] and s[counts + (int(s[HIGH]) & mask)] == 0.0:
        s[HIGH] -= 1.0


@compiled
def window_row(s: Any, at: int, row: int, volume: float) -> None:
    """Put ``volume`` of the current bar on ``row``, and remember it."""
    mask, entries, write = int(s[MASK]), int(s[at + _ROWS]), int(s[at + _WRITE])
    entry = at + _RING + mask + 1 + 2 * write
    s[entry], s[entry + 1] = row, volume
    s[at + _WRITE] = write + 1 if write + 1 < entries else 0.0
    s[at + _RING + (row & mask)] += 1.0
    s[at + _HELD] += 1.0
    profile_add(s, row, volume)


@compiled
def window_end(s: Any, at: int, window: int, volume: float) -> bool:
    """Finish the current bar of ``volume``; whether the window is full."""
    brought = at + _RING + int(s[MASK]) + 1 + 2 * int(s[at + _ROWS])
    s[brought + int(s[at + _BARS]) % window] = s[at + _HELD]
    s[at + _HELD] = 0.0
    s[at + _BARS] += 1.0
    window_push(s, brought + window, window, 0.0, volume)
    s[TOTAL], _, _ = window_moments(s, brought + window)
    return bool(s[at + _BARS] >= window)


@compiled
def composite_row(s: Any, at: int, row: int, volume: float) -> None:
    """Put ``volume`` of the current session on ``row``, and remember it.

    At ``at`` lie the number of the current session's share, and for each share its rows and its volumes by slot.
    """
    mask = int(s[MASK])
    share = at + 1 + int(s[at]) * (mask + 3)
    if s[share + 1] < s[share]:
        s[share] = s[share + 1] = row
    s[share], s[share + 1] = min(s[share], row), max(s[share + 1], row)
    s[share + 2 + (row & mask)] += volume
    profile_add(s, row, volume)


@compiled
def composite_roll(s: Any, at: int, sessions: int) -> None:
    """Begin a session; the oldest of ``sessions`` goes, and what is left is summed anew."""
    mask = int(s[MASK])
    s[at] = (int(s[at]) + 1) % sessions
    oldest = at + 1 + int(s[at]) * (mask + 3)
    for row in range(int(s[oldest]), int(s[oldest + 1]) + 1):
        s[oldest + 2 + (row & mask)] = 0.0
    s[oldest], s[oldest + 1] = 0.0, -1.0
    profile_clear(s)
    for k in range(sessions):
        share = at + 1 + k * (mask + 3)
        for row in range(int(s[share]), int(s[share + 1]) + 1):
            volume = s[share + 2 + (row & mask)]
            if volume > 0.0:
                profile_add(s, row, volume)
                s[TOTAL] += volume


def profile_state(levels: Levels, row_ticks: int, window: int) -> Floats:
    """The head and empty slots, wide enough for every ``window`` consecutive bars (0: for all)."""
    widest, _, _ = widest_rows(np.asarray(levels.offsets), levels.price_tick // row_ticks, window or len(levels))
    slots = _power_of_two(widest + 1)  # the prices of rows that are named by their tops may reach into one more
    state = np.zeros(HEAD + slots)
    state[NUM], state[DEN] = grid_of(levels.tick)
    state[HOLDS] = not levels.tick_known
    state[ROW_TICKS], state[FEED_TICKS], state[MASK] = row_ticks, levels.row_ticks, slots - 1
    state[HIGH] = -1.0
    return state


def window_state(levels: Levels, window: int, slots: int) -> Floats:
    """What a window of bars needs beside the profile."""
    held = _most_rows(levels.offsets, window)
    state = np.zeros(_RING + slots + 2 * held + window + window_size(window))
    state[_ROWS] = held
    return state


def kept_rows(sessions: int) -> int:
    """How often a profile of so many sessions keeps a row: once, and in a composite for each of them besides."""
    return 1 + (sessions if sessions > 1 else 0)


def composite_state(sessions: int, slots: int) -> Floats:
    """What a profile of several sessions needs beside the profile."""
    state = np.zeros(1 + sessions * (slots + 2))
    state[2 :: slots + 2] = -1.0
    return state


def _power_of_two(least: int) -> int:
    return 1 << max(0, int(least - 1).bit_length())


def _most_rows(offsets: NDArray[np.int64], window: int) -> int:
    """The most rows that ``window`` consecutive bars bring."""
    n = len(offsets) - 1
    if n <= window:
        return max(1, int(offsets[-1]))
    return max(1, int((offsets[window:] - offsets[:-window]).max()))

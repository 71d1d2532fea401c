"""Point of control and value area of a profile: the math, with every rule that platforms differ in as a number.

A profile is volume by price row, lowest first. Row ``r`` of a stored one lies at ``v[base + (r & mask)]``, so
that a window can move through prices inside a fixed array; of a plain array ``base`` is 0 and ``mask`` -1.
"""

from __future__ import annotations

from typing import Any

from ...core.kernels import compiled

NEAR = 1e-9
"""Two volumes closer than this, as a share, are equal."""

POC_TIES = ("middle", "middle_up", "middle_down", "lowest", "highest")
SIDE_TIES = ("up", "down", "near")
TARGETS = ("reach", "exceed", "within")
EXPANSIONS = ("one_row", "two_row", "three_row")
GAPS = ("count", "skip")
_DOWN, _NEAREST, _REACH, _WITHIN = 1, 2, 0, 2


@compiled
def heaviest(v: Any, base: int, mask: int, low: int, high: int, tie: int, skip: bool) -> tuple[int, bool]:
    """The row with the most volume from ``low`` to ``high``, and whether a rule had to decide between equal ones."""
    row, most, second = low, -1.0, -1.0
    for r in range(low, high + 1):
        x = v[base + (r & mask)]
        if x > most:
            second = most
            row, most = r, x
        elif x > second:
            second = x
    if second < most * (1.0 - NEAR):
        return row, False
    return _of_equals(v, base, mask, low, high, most * (1.0 - NEAR), tie, skip), True


@compiled
def _of_equals(v: Any, base: int, mask: int, low: int, high: int, least: float, tie: int, skip: bool) -> int:
    """The row of at least ``least`` nearest to where ``tie`` points; of two as near the lower."""
    rows = 0
    for r in range(low, high + 1):
        if not skip or v[base + (r & mask)] > 0.0:
            rows += 1
    twice = _aim(tie, rows)
    best, gap, i = low, 2 * rows + 2, 0
    for r in range(low, high + 1):
        x = v[base + (r & mask)]
        if skip and not x > 0.0:
            continue
        if x >= least and abs(2 * i - twice) < gap:
            best, gap = r, abs(2 * i - twice)
        i += 1
    return best


@compiled
def _aim(tie: int, rows: int) -> int:
    """Twice the index of the row that equal rows are measured from; between two rows it is odd."""
    if tie == 1:
        return rows
    if tie == 2:
        return 2 * ((rows - 1) // 2)
    if tie == 3:
        return 0
    if tie == 4:
        return 2 * (rows - 1)
    return rows - 1


@compiled
def expand(
    v: Any,
    base: int,
    mask: int,
    low: int,
    high: int,
    poc: int,
    total: float,
    share: float,
    step: int,
    side: int,
    target: int,
    skip: bool,
) -> tuple[int, int]:
    """The lowest and the highest row of the value area that grows from ``poc``."""
    limit = total * (share - NEAR) if target == _REACH else total * (share + NEAR)
    held = v[base + (poc & mask)]
    up = down = poc
    next_up, above = _ahead(v, base, mask, up, high, 1, step, skip)
    next_down, below = _ahead(v, base, mask, down, low, -1, step, skip)
    while held < limit:
        rises = next_up != up
        if rises and next_down != down:
            rises = _rises(above, below, side, up - poc, poc - down)
        elif not rises and next_down == down:
            break
        held += above if rises else below
        if target == _WITHIN and held > limit:
            break
        if rises:
            up = next_up
            next_up, above = _ahead(v, base, mask, up, high, 1, step, skip)
        else:
            down = next_down
            next_down, below = _ahead(v, base, mask, down, low, -1, step, skip)
    return down, up


@compiled
def _ahead(v: Any, base: int, mask: int, row: int, end: int, way: int, step: int, skip: bool) -> tuple[int, float]:
    """The last of the next ``step`` rows towards ``end``, and their volume; fewer near the end, none beyond it."""
    volume, taken = 0.0, 0
    while taken < step and row != end:
        row += way
        x = v[base + (row & mask)]
        if x > 0.0 or not skip:
            volume += x
            taken += 1
    return row, volume


@compiled
def _rises(above: float, below: float, side: int, risen: int, fallen: int) -> bool:
    if side == _DOWN:
        return below < above * (1.0 - NEAR)
    if side == _NEAREST and fallen < risen:
        return below < above * (1.0 - NEAR)
    return above >= below * (1.0 - NEAR)


@compiled
def point_of_control(volumes: Any, tie: int = 0, skip: bool = False) -> int:
    """The row with the most volume; of equal ones that which ``tie``, an index into `POC_TIES`, picks.

    ``volumes`` holds one entry a row, lowest price first, rows without trades included; with ``skip`` these
    are no rows. By default the nearest to the middle, then the lower.
    """
    row, _ = heaviest(volumes, 0, -1, 0, len(volumes) - 1, tie, skip)
    return row


@compiled
def value_area(
    volumes: Any, poc: int, share: float, rows: int, side: int = 0, target: int = 0, skip: bool = False
) -> tuple[int, int]:
    """The rows around ``poc`` that hold ``share`` of the volume: lowest and highest.

    The ``rows`` (1 to 3) next above are weighed against as many below and the heavier ones are taken; of equal
    ones those that ``side``, an index into `SIDE_TIES`, picks. Near an end fewer rows stand for them, beyond it
    none. ``target``, an index into `TARGETS`, says when it is enough.
    """
    low, high = 0, len(volumes) - 1
    while skip and low < poc and not volumes[low] > 0.0:
        low += 1
    while skip and high > poc and not volumes[high] > 0.0:
        high -= 1
    return expand(volumes, 0, -1, low, high, poc, volumes.sum(), share, rows, side, target, skip)

"""Where a run begins to trade, and to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.models import RunConfig
from ...core.clock import iso
from ...core.errors import DataError
from .read import Source


def check_begin(config: RunConfig, sources: Mapping[str, Source]) -> None:
    """Refuse a ``trade_from`` that leaves no bar to trade on, or none to warm up on.

    Raises
    ------
    DataError
        Naming the time and the bars there are.
    """
    since = config.trade_from
    if since is None:
        return
    for name in config.desks:
        bars = sources[name].bars
        first, last = int(bars["open_time"][0]), int(bars["close_time"][-1])
        if since <= first:
            raise DataError(
                f"trade_from: {iso(since)} is not after {iso(first)}, when {name} opens its first bar: nothing would "
                "warm up; leave it out, or give earlier data"
            )
        if since >= last:
            raise DataError(f"trade_from: {iso(since)} is not before {iso(last)}, when the last bar of {name} closes")


def first_counted(closes: NDArray[Any], since: int | None) -> int:
    """The first of ``closes``, epoch µs, that counts in figures: the one after ``since``; the first of all without.

    >>> first_counted(np.array([60, 120, 180]), 120), first_counted(np.array([60, 120]), None)
    (2, 0)
    """
    return 0 if since is None else int(np.searchsorted(closes, since, side="right"))

"""Brackets of TPO: how long a letter lasts, bars that no bracket holds, and sessions without an initial balance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars
from ..core.clock import interval_text, parse_interval
from ..core.errors import InputError
from .kernels.dialects import chosen
from .kernels.profile_state import Floats
from .kernels.tpo_dialects import TPO_DIALECTS


def parse_bracket(text: str) -> int:
    """Microseconds of a bracket; 0 where each bar is its own."""
    return 0 if text == "bar" else parse_interval(text)


def bracket_of(params: Mapping[str, Any]) -> int:
    """The bracket in force."""
    return parse_bracket(chosen(params, "bracket", TPO_DIALECTS))


def check_lengths(bars: Bars, params: Mapping[str, Any]) -> None:
    """Refuse bars that no bracket can hold."""
    bracket = bracket_of(params)
    shortest = int((bars["close_time"] - bars["open_time"]).min()) if len(bars) else 0
    if bracket and shortest > bracket:
        raise InputError(
            f"TPO: bars of {bars.source or 'the feed'} last {interval_text(shortest)} and more, longer than bracket "
            f"{interval_text(bracket)}; take shorter bars, or bracket: bar for a letter each"
        )


def open_bars(bars: Bars) -> Bars:
    """Bars of volume 1, and 0 where nobody traded: flat bars that say so."""
    volume, still = bars["volume"], bars["high"] <= bars["low"]
    made = {name: bars[name] for name in ("open_time", "close_time", "high", "low", "close")}
    made["volume"] = np.where((volume <= 0.0) & still, 0.0, 1.0)
    return Bars(made, None, bars.spec, bars.source, bars.row_size)


def said_of_clock(bars: Bars, params: Mapping[str, Any], session: Floats, since: Floats) -> Iterator[str]:
    """What to say of bars in the brackets and the initial balance of their sessions.

    Parameters
    ----------
    bars : Bars
        With levels, or high, low and volume.
    params : mapping
        Complete.
    session, since : ndarray
        Of each bar the number of its session, and the µs from its beginning to the bar's open.
    """
    bracket = bracket_of(params)
    length = bars["close_time"] - bars["open_time"]
    if bracket and (over := np.count_nonzero(since % bracket + length > bracket)):
        yield f"{over} of {len(bars)} bars reach over the end of a bracket, and count in the one they open in"
    traded = np.diff(bars.levels.offsets) > 0 if bars.levels is not None else open_bars(bars)["volume"] > 0.0
    held = len(np.unique(session[traded]))
    lacking = held - len(np.unique(session[traded & (since < parse_interval(params["initial_balance"]))]))
    if lacking:
        yield (
            f"ib_high and ib_low are NaN in {lacking} of {held} sessions, in whose first {params['initial_balance']} "
            "nothing traded; timezone says when sessions begin, as in America/New_York@09:30"
        )

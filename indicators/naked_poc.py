"""Naked POC: points of control of finished sessions that price has not come back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars, Levels
from ..core.kernels import levels_step
from ..core.params import Bound, Choice, Text, With
from .base import Indicator, Line
from .dialects import CHOICES, DIALECTS, check_anchor, coarse, code, explained
from .inputs import DAYS, LEVELS, Session, parse_session
from .open_levels import open_add, open_nearest, open_size, open_touch
from .price_rows import check_reach, joined_ticks
from .profile_state import (
    HEAD,
    HIGH,
    LOW,
    MASK,
    Floats,
    price_of,
    profile_add,
    profile_clear,
    profile_poc,
    profile_state,
    row_at,
    row_of,
)

_SESSION = Session()
_CHOICES = ("poc_tie", "gaps", "anchor")


@levels_step
def naked_poc(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` is the look-back and the choices, ``x`` the session and the close."""
    lookback, tie, skip, ceil = int(p[0]), int(p[1]), p[2] == 1.0, p[3] == 1.0
    own = HEAD + int(s[MASK]) + 1
    at = own + 1
    if x[0] != s[own]:
        if s[LOW] <= s[HIGH]:
            open_add(s, at, lookback, float(profile_poc(s, tie, skip)))
        profile_clear(s)
        s[own] = x[0]
    low, high = 0, -1
    for i in range(len(tick)):
        volume = buy[i] + sell[i]
        if volume > 0.0:
            row = row_of(s, tick[i], ceil)
            low, high = (row, row) if high < low else (min(low, row), max(high, row))
            profile_add(s, row, volume)
    if low <= high:
        open_touch(s, at, lookback, low, high)
    here = row_at(s, x[1], ceil)
    above, below, count = open_nearest(s, at, lookback, here)
    if above == above:
        y[0] = price_of(s, int(above))
    if below == below:
        y[1] = price_of(s, int(below))
    y[2] = count


class NakedPOC(Indicator):
    """Points of control of finished sessions at which nothing has traded since.

    A session's point of control becomes known when the next session's first bar is, and is naked until
    a bar, that one included, trades at its row or on both sides of it.

    Parameters
    ----------
    session : str, default='1d'
        What has a point of control: an interval such as ``4h``, ``1d``, ``1w``, or ``month``.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    lookback : int, default=80
        Finished sessions that are remembered.
    dialect : str, default='cbot_two_row'
        Whose choices stand where the next three are None; see `VolumeProfile`.
    poc_tie : {None, 'middle', 'middle_up', 'middle_down', 'lowest', 'highest'}, default=None
        Which of equal rows is the point of control.
    gaps : {None, 'count', 'skip'}, default=None
        Whether a row nobody traded at counts as a row, when equal rows are told apart by the middle.
    anchor : {None, 'floor', 'ceil'}, default=None
        Whether a row is named by its lower edge and reaches up, or by its upper edge and reaches down.
    row_size : float or None, default=None
        Height of a row, a whole multiple of the feed's; None for the feed's own.

    Inputs
    ------
    levels : base
        Amount by price row and side.
    close : price
        What above and below are seen from.
    open_time : µs UTC
        For the session.

    Lines
    -----
    above : price
        The nearest naked point of control in a row above that of the close; NaN where there is none.
    below : price
        The nearest in a row below; NaN where there is none.
    count : pure number
        Naked points of control remembered, 0 and up.

    From the first bar on. All stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels, or ``row_size`` does not fit them.

    References
    ----------
    flowsurface, kline chart: naked points of control over a look-back of 80 profiles.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> NakedPOC.over(sample_bars(300, seed=1), session="30m").iloc[-1].to_dict()
    {'above': 20165.0, 'below': 20045.0, 'count': 3.0}
    """

    lines = ("above", "below", "count")
    params = {
        "session": "1d",
        "timezone": None,
        "lookback": 80,
        "dialect": "cbot_two_row",
        "poc_tie": None,
        "gaps": None,
        "anchor": None,
        "row_size": None,
    }
    bounds = {
        "session": Text(parse_session, "month, bar or an interval such as 1d"),
        "timezone": DAYS,
        "lookback": Bound(1, 10_000, integer=True),
        "dialect": Choice(*DIALECTS),
        **{choice: Choice(None, *CHOICES[choice]) for choice in _CHOICES},
        "row_size": Bound(0, open_low=True, optional=True),
    }
    sized = True
    inputs = (LEVELS, _SESSION, "close")
    measures = {
        "above": Line("nearest naked point of control above the close", price=1, sparse=True),
        "below": Line("nearest naked point of control below the close", price=1, sparse=True),
        "count": Line("naked points of control"),
    }
    only_with = {"timezone": With("session", ("none", "bar"), but=True)}
    presets = (
        {"session": "10m"},
        {"session": "bar", "lookback": 5, "dialect": "lean"},
        {"session": "15m", "row_size": 10.0, "dialect": "atas"},
    )
    price_scale = 10.0
    param_units = {"row_size": (1, 0)}
    step = naked_poc

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days, and a session must end."""
        if params["session"] == "none":
            return "session must end, so it cannot be none"
        return _SESSION.complaint(params)

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: rows too high to round up."""
        yield from super().remarks(bars, **params)
        if bars.levels is not None:
            yield from coarse(bars.levels, cls.resolve(params))

    @classmethod
    def explain(cls, **params: Any) -> list[dict[str, str]]:
        """Every choice of the dialect in force, overridden ones included, with what it means and who says so."""
        return explained(cls.resolve(params), (*_CHOICES, "session"))

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Look-back and choices."""
        return float(params["lookback"]), *(code(params, choice) for choice in _CHOICES)

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The feed's levels, if the height asked for fits them."""
        levels = super().levels_of(bars, **params)
        height = joined_ticks(levels, params["row_size"], cls.kind, bars.source)
        check_reach(bars, levels, height, cls.kind, window=0)
        check_anchor(bars, levels, params, cls.kind)
        return levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """The session's profile, and the points of control that wait."""
        profile = profile_state(levels, joined_ticks(levels, params["row_size"], cls.kind), 0)
        waiting = np.full(1 + open_size(params["lookback"]), np.nan)
        waiting[1] = 0.0
        return np.concatenate([profile, waiting])

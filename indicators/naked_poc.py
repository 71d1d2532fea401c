"""Naked POC: points of control of finished sessions that price has not come back to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars, Levels
from ..core.kernels import levels_step
from ..core.params import Bound, Choice, Text, With
from ..core.quote_levels import LEVEL_UNITS
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, LEVELS, Input, Session, parse_session
from .framework.sizing import check_guessed, levels_in_unit
from .kernels.dialects import CHOICES, DIALECTS, check_anchor, chosen, coarse, code, explained
from .kernels.kline_levels import METHODS, levels_of_klines
from .kernels.open_levels import open_add, open_nearest, open_size, open_touch
from .kernels.price_rows import check_reach, joined_ticks
from .kernels.profile_state import (
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
_KLINES = ("close", "low", "high", "volume")
_CHOICES = ("poc_tie", "gaps", "anchor")


@levels_step
def naked_poc(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` is look-back, choices and whether rows are guessed, ``x`` session, close, low and high."""
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
    if low <= high and p[4] == 1.0:
        low, high = row_at(s, x[2], ceil), row_at(s, x[3], ceil)
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
    unit : {'base', 'quote', 'usd'}, default='base'
        Whether a row counts base volume or what it came to in quote currency: volume × price, in rows higher than a
        tick × the price of their middle, scaled to what each side paid in the bar; or that in US dollars, which needs
        ``usd`` in the data block, at the rate known at the bar's close. All but base need the rows of trades.
    from_klines : {None, 'uniform', 'close', 'hlc3'}, default=None
        Where the feed has no levels, lay each bar's volume on rows as `VolumeProfile` does; a bar then trades at every
        row from its low to its high. Has no effect on a feed that has levels.
    row_size : float or None, default=None
        Height of a row. On a feed with levels a whole multiple of its own, None for its own. With ``from_klines``
        None is the feed's, else the 1, 2 or 5 × 10^k nearest to 5 bp of the first close.

    Inputs
    ------
    levels : base
        Amount by price row and side.
    taker_buy_quote_volume, taker_sell_quote_volume : quote
        With ``unit="quote"``; with ``usd_rate`` besides where it is ``"usd"``.
    close : price
        What above and below are seen from.
    high, low, volume
        Instead of levels, with ``from_klines``.
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
        If the data has no levels and ``from_klines`` is None, or ``row_size`` does not fit its levels.

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
        "unit": "base",
        "from_klines": None,
        "row_size": None,
    }
    bounds = {
        "session": Text(parse_session, "month, bar or an interval such as 1d"),
        "timezone": DAYS,
        "lookback": Bound(1, 10_000, integer=True),
        "dialect": Choice(*DIALECTS),
        **{choice: Choice(None, *CHOICES[choice]) for choice in _CHOICES},
        "unit": Choice(*LEVEL_UNITS),
        "from_klines": Choice(None, *METHODS),
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
        {"session": "20m", "from_klines": "hlc3"},
    )
    price_scale = 10.0
    param_units = {"row_size": (1, 0)}
    step = naked_poc
    remedies = {LEVELS: "set row_size on a feed of trades, or ask for from_klines: uniform"}

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days, and a session must end."""
        if params["session"] == "none":
            return "session must end, so it cannot be none"
        if params["unit"] != "base" and params["from_klines"] is not None:
            return f"unit {params['unit']} needs price rows of trades: leave from_klines out"
        return _SESSION.complaint(params)

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: rows too high to round up."""
        yield from super().remarks(bars, **params)
        full = cls.resolve(params)
        if bars.levels is not None:
            yield from coarse(bars.levels, full)
            if full["from_klines"] is not None:
                yield "from_klines changes nothing where the feed has levels"

    @classmethod
    def explain(cls, **params: Any) -> list[dict[str, str]]:
        """Every choice of the dialect in force, overridden ones included, with what it means and who says so."""
        return explained(cls.resolve(params), (*_CHOICES, "session"))

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Look-back, choices, and whether rows are guessed."""
        guessed = float(params["from_klines"] is not None)
        return float(params["lookback"]), *(code(params, choice) for choice in _CHOICES), guessed

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Real levels win over guessed ones."""
        return {**params, "from_klines": None} if carries(LEVELS) else params

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The session and the close, and levels or what they are guessed from."""
        if params["from_klines"] is not None:
            return (_SESSION, *_KLINES)
        return (LEVELS, _SESSION, "close", *LEVEL_UNITS[params["unit"]])

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The feed's levels, if the height asked for fits them, or guessed ones."""
        guessed = bars.levels is None and params["from_klines"] is not None
        if guessed:
            check_guessed(cls.kind, params)
            ceil = chosen(params, "anchor") == "ceil"
            levels = levels_of_klines(bars, params["from_klines"], params["row_size"], ceil=ceil)
        else:
            levels = levels_in_unit(super().levels_of(bars, **params), bars, params)
            check_anchor(bars, levels, params, cls.kind)
        height = joined_ticks(levels, params["row_size"], cls.kind, bars.source)
        check_reach(bars, levels, height, cls.kind, window=0)
        return levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """The session's profile, and the points of control that wait."""
        profile = profile_state(levels, joined_ticks(levels, params["row_size"], cls.kind), 0)
        waiting = np.full(1 + open_size(params["lookback"]), np.nan)
        waiting[1] = 0.0
        return np.concatenate([profile, waiting])

"""Volume profile: volume by price over recent bars, and its point of control and value area."""

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
from .kernels.price_rows import check_reach, joined_ticks
from .kernels.profile_nodes import nearest_nodes
from .kernels.profile_state import (
    HEAD,
    HIGH,
    LOW,
    MASK,
    TOTAL,
    Floats,
    composite_roll,
    composite_row,
    composite_state,
    kept_rows,
    price_of,
    profile_add,
    profile_clear,
    profile_poc,
    profile_state,
    row_at,
    row_of,
    window_begin,
    window_end,
    window_row,
    window_state,
)
from .kernels.value_area import EXPANSIONS, expand

_SESSION = Session()
_KLINES: tuple[Input, ...] = ("high", "low", "close", "volume")
_PREVIOUS = ("prev_poc", "prev_vah", "prev_val")
_NODES = ("hvn_above", "hvn_below", "lvn_above", "lvn_below")
_SETTINGS = ("value_area", *CHOICES)
_ID, _NOW, _BEFORE, _OWN = 0, 1, 4, 7
"""Behind the profile: the session, its levels so far, those of the session before; then windows or sessions."""


@levels_step
def volume_profile(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``x`` is the session and where nodes are asked for the close, ``p`` as `VolumeProfile.numbers` says."""
    window, sessions, ceil, skip = int(p[0]), int(p[1]), p[7] == 1.0, p[5] == 1.0
    own = HEAD + int(s[MASK]) + 1
    at = own + _OWN
    if x[0] != s[own + _ID]:
        s[own + _BEFORE : own + _OWN] = s[own + _NOW : own + _BEFORE]
        s[own + _ID] = x[0]
        if sessions > 1:
            composite_roll(s, at, sessions)
        else:
            profile_clear(s)
    if window > 0:
        window_begin(s, at, window)
    total = 0.0
    for i in range(len(tick)):
        volume = buy[i] + sell[i]
        if volume > 0.0:
            row = row_of(s, tick[i], ceil)
            total += volume
            if window > 0:
                window_row(s, at, row, volume)
            elif sessions > 1:
                composite_row(s, at, row, volume)
            else:
                profile_add(s, row, volume)
    if window > 0:
        if not window_end(s, at, window, total):
            return
    else:
        s[TOTAL] += total
    low, high, mask = int(s[LOW]), int(s[HIGH]), int(s[MASK])
    lines = 3
    if p[8] == 1.0:
        y[3:6] = s[own + _BEFORE : own + _OWN]
        lines = 6
    if high < low:
        return
    poc = profile_poc(s, int(p[4]), skip)
    share, side, target = p[2], int(p[9]), int(p[6])
    down, up = expand(s, HEAD, mask, low, high, poc, s[TOTAL], share, int(p[3]), side, target, skip)
    y[0], y[1], y[2] = price_of(s, poc), price_of(s, up), price_of(s, down)
    s[own + _NOW : own + _BEFORE] = y[:3]
    if p[10] > 0.0:
        here = row_at(s, x[int(p[10])], ceil)
        nearest_nodes(s, y, lines, here, int(p[11]), int(p[12]), p[13], skip)


class VolumeProfile(Indicator):
    """Volume by price, and the prices that hold most of it.

    The point of control is the row with the most volume. The value area grows from it by the heavier
    side each time, until it holds its share of the volume. What else there is to choose, platforms
    choose differently, and ``dialect`` names a full set of choices; each can be overridden by the
    parameter of its name. Volumes equal to 1e-9 are equal.

    Parameters
    ----------
    window : int or None, default=60
        Bars in the profile; None for all so far. Not used with ``session``.
    session : str or None, default=None
        Build the profile anew in each session instead: an interval such as ``1d``, ``month``, ``none``
        or ``bar``. Values are of the session so far, developing.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    composite : int, default=1
        Sessions in one profile: the current one and those before it.
    dialect : str, default='cbot_two_row'
        Whose choices stand where the next six are None: ``cbot_two_row``, ``market_profile``,
        ``tradingview``, ``sierra``, ``ninjatrader``, ``atas`` or ``lean``. `explain` prints them.
    value_area : float or None, default=None
        Share of the volume, above 0 to 1.
    expansion : {None, 'one_row', 'two_row', 'three_row'}, default=None
        How many rows of each side are weighed at a time.
    side_tie : {None, 'up', 'down', 'near'}, default=None
        Which of equal sides is taken: the upper, the lower, or the nearer to the point of control and
        then the upper.
    poc_tie : {None, 'middle', 'middle_up', 'middle_down', 'lowest', 'highest'}, default=None
        Which of equal rows is the point of control: the nearest to the middle of the profile, to half
        a row above it or to the middle row, then the lower; or the lowest or highest.
    gaps : {None, 'count', 'skip'}, default=None
        Whether a row nobody traded at counts as a row of zero, or is passed over.
    target : {None, 'reach', 'exceed', 'within'}, default=None
        Whether rows are added until the share is reached, until it is exceeded, or as long as it is not.
    anchor : {None, 'floor', 'ceil'}, default=None
        Whether a row is named by its lower edge and reaches up, or by its upper edge and reaches down. A
        feed's row goes whole, by its highest tick, into the latter; rows of one tick are exact, and rows
        that hold prices between their edges because no tick is known are refused.
    previous : bool, default=False
        Whether to give the levels of the session before, as they stood at its end. Needs ``session``.
    nodes : bool, default=False
        Whether to give the high and low volume nodes nearest to the close.
    node_order : int, default=1
        Rows on either side that a node stands out from, or sinks below.
    node_smooth : int, default=1
        Rows in the centred mean that nodes are looked for in; odd, 1 for none.
    node_ratio : float, default=0.0
        A high node holds at least this many times the mean row, and a low one at most the mean over this.
    unit : {'base', 'quote', 'usd'}, default='base'
        Whether a row counts base volume or what it came to in quote currency: volume × price, in rows higher than a
        tick × the price of their middle, scaled to what each side paid in the bar; or that in US dollars, which needs
        ``usd`` in the data block, at the rate known at the bar's close. All but base need the rows of trades.
    from_klines : {None, 'uniform', 'close', 'hlc3'}, default=None
        Where the feed has no levels, guess them from its bars: volume spread evenly from low to high,
        or all at one price. Has no effect on a feed that has levels.
    row_size : float or None, default=None
        Height of a row. On a feed with levels a whole multiple of its own, None for its own. With
        ``from_klines`` None is the feed's, else the 1, 2 or 5 × 10^k nearest to 5 bp of the first close.

    Inputs
    ------
    levels : base
        Amount by price row and side.
    taker_buy_quote_volume, taker_sell_quote_volume : quote
        With ``unit="quote"``; with ``usd_rate`` besides where it is ``"usd"``.
    high, low, close, volume : price, base
        Instead of levels, with ``from_klines``; the close also for ``nodes``.
    open_time : µs UTC
        For the session.

    Lines
    -----
    poc : price
        Row with the most volume.
    vah : price
        Highest row of the value area.
    val : price
        Lowest row of the value area.
    prev_poc, prev_vah, prev_val : price
        With ``previous``: the same of the last session before that traded; NaN in the first.
    hvn_above, hvn_below, lvn_above, lvn_below : price
        With ``nodes``: the nearest above the row of the close, and the nearest at or below it; NaN where
        there is none.

    Prices name rows: with ``anchor='floor'`` the value area reaches from ``val`` to ``vah`` plus one row.
    The first value comes at bar ``window``, else at bar 1; NaN while the profile is empty. All stay when
    buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels and ``from_klines`` is None, or ``row_size`` does not fit its levels; if a
        price far from all others makes more rows than memory is kept for.

    References
    ----------
    Dalton, J. F., Jones, E. T., Dalton, R. B. (1990). Mind Over Markets, appendix 1: the value area by
    pairs of rows. Those of the other dialects are given by `explain`.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> VolumeProfile.over(sample_bars(100), window=30).iloc[-1].to_dict()
    {'poc': 20120.0, 'vah': 20120.0, 'val': 20110.0}
    >>> VolumeProfile.over(sample_bars(100), window=30, dialect="lean").iloc[-1].to_dict()
    {'poc': 20125.0, 'vah': 20125.0, 'val': 20115.0}
    >>> guessed = VolumeProfile.over(sample_bars(100, klines=True), window=30, from_klines="uniform")
    >>> guessed.iloc[-1].to_dict()
    {'poc': 20120.0, 'vah': 20120.0, 'val': 20100.0}
    """

    lines = ("poc", "vah", "val")
    params = {
        "window": 60,
        "session": None,
        "timezone": None,
        "composite": 1,
        "dialect": "cbot_two_row",
        "value_area": None,
        "expansion": None,
        "side_tie": None,
        "poc_tie": None,
        "gaps": None,
        "target": None,
        "anchor": None,
        "previous": False,
        "nodes": False,
        "node_order": 1,
        "node_smooth": 1,
        "node_ratio": 0.0,
        "unit": "base",
        "from_klines": None,
        "row_size": None,
    }
    bounds = {
        "window": Bound(1, 1_000_000, integer=True, optional=True),
        "session": Text(parse_session, "none, bar, month or an interval such as 1d", optional=True),
        "timezone": DAYS,
        "composite": Bound(1, 100, integer=True),
        "dialect": Choice(*DIALECTS),
        "value_area": Bound(0, 1, open_low=True, optional=True),
        **{choice: Choice(None, *values) for choice, values in CHOICES.items()},
        "node_order": Bound(1, 1000, integer=True),
        "node_smooth": Bound(1, 1001, integer=True),
        "node_ratio": Bound(0),
        "unit": Choice(*LEVEL_UNITS),
        "from_klines": Choice(None, *METHODS),
        "row_size": Bound(0, open_low=True, optional=True),
    }
    sized = True
    inputs = (LEVELS, _SESSION)
    measures = {
        "poc": Line("row with the most volume", price=1),
        "vah": Line("the value area's highest row", price=1),
        "val": Line("the value area's lowest row", price=1),
        "prev_poc": Line("poc of the session before", price=1, sparse=True),
        "prev_vah": Line("vah of the session before", price=1, sparse=True),
        "prev_val": Line("val of the session before", price=1, sparse=True),
        "hvn_above": Line("nearest high volume node above the close", price=1, sparse=True),
        "hvn_below": Line("nearest high volume node at or below the close", price=1, sparse=True),
        "lvn_above": Line("nearest low volume node above the close", price=1, sparse=True),
        "lvn_below": Line("nearest low volume node at or below the close", price=1, sparse=True),
    }
    remedies = {LEVELS: "set row_size on a feed of trades, or ask for from_klines: uniform"}
    only_with = {
        "window": With("session", (None,)),
        "timezone": With("session", (None, "none", "bar"), but=True),
        **dict.fromkeys(("node_order", "node_smooth", "node_ratio"), With("nodes", (True,))),
    }
    presets = (
        {"window": 10, "expansion": "one_row", "value_area": 0.5},
        {"session": "1h", "previous": True},
        {"window": None},
        {"window": 20, "from_klines": "uniform", "nodes": True},
        {"session": "15m", "composite": 3, "nodes": True, "node_smooth": 3, "node_ratio": 0.8},
        {"window": 15, "dialect": "lean"},
        {"window": 15, "dialect": "atas"},
        {"window": 20, "unit": "quote", "row_size": 10.0},
        {"session": "30m", "dialect": "tradingview", "target": "within", "row_size": 10.0},
    )
    price_scale = 10.0
    param_units = {"row_size": (1, 0)}
    step = volume_profile

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """Three lines, and those that were asked for."""
        previous, nodes = _PREVIOUS if params["previous"] else (), _NODES if params["nodes"] else ()
        return ("poc", "vah", "val", *previous, *nodes)

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days; what speaks of sessions needs them."""
        if params["session"] is None and params["previous"]:
            return "previous needs session, such as 1d"
        if params["session"] is None and params["composite"] > 1:
            return "composite needs session, such as 1d"
        if params["unit"] != "base" and params["from_klines"] is not None:
            return f"unit {params['unit']} needs price rows of trades: leave from_klines out"
        if params["node_smooth"] % 2 == 0:
            return f"node_smooth must be odd (got {params['node_smooth']})"
        return _SESSION.complaint(params)

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: levels that were not guessed, and rows too high to round up."""
        yield from super().remarks(bars, **params)
        full = cls.resolve(params)
        if bars.levels is not None:
            yield from coarse(bars.levels, full)
            if full["from_klines"] is not None:
                yield "from_klines changes nothing where the feed has levels"

    @classmethod
    def explain(cls, **params: Any) -> list[dict[str, str]]:
        """Every choice of the dialect in force, overridden ones included, with what it means and who says so."""
        return explained(cls.resolve(params), (*_SETTINGS, "session"))

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Real levels win over guessed ones."""
        return {**params, "from_klines": None} if carries(LEVELS) else params

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The session, and levels or what they are guessed from; the close for nodes."""
        if params["from_klines"] is not None:
            return (_SESSION, *_KLINES)
        close = ("close",) if params["nodes"] else ()
        return (LEVELS, _SESSION, *close, *LEVEL_UNITS[params["unit"]])

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, or 1."""
        return _window(params) or 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window (0: all), sessions, share, rows weighed, the choices, previous, side, input of the close, nodes."""
        close = (3.0 if params["from_klines"] else 1.0) if params["nodes"] else 0.0
        return (
            float(_window(params)),
            float(params["composite"]),
            float(chosen(params, "value_area")),
            float(EXPANSIONS.index(chosen(params, "expansion")) + 1),
            *(code(params, choice) for choice in ("poc_tie", "gaps", "target", "anchor")),
            float(params["previous"]),
            code(params, "side_tie"),
            close,
            *(float(params[k]) for k in ("node_order", "node_smooth", "node_ratio")),
        )

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
        height, window = joined_ticks(levels, params["row_size"], cls.kind, bars.source), _window(params)
        check_reach(bars, levels, height, cls.kind, window, copies=2 if window else kept_rows(params["composite"]))
        return levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """Room for the widest profile there is."""
        window, sessions = _window(params), params["composite"]
        profile = profile_state(levels, joined_ticks(levels, params["row_size"], cls.kind), window)
        slots = int(profile[MASK]) + 1
        own = np.full(_OWN, np.nan)
        if window:
            return np.concatenate([profile, own, window_state(levels, window, slots)])
        return (
            np.concatenate([profile, own, composite_state(sessions, slots)])
            if sessions > 1
            else np.append(profile, own)
        )


def _window(params: Mapping[str, Any]) -> int:
    return int(params["window"] or 0) if params["session"] is None else 0

"""TPO: time at price, one letter a bracket and row, as the Market Profile counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars, Levels
from ..core.clock import interval_text, parse_interval
from ..core.params import Bound, Choice, Text, With
from .framework.base import Indicator
from .framework.inputs import DAYS, LEVELS, Input, Session, counted_in, parse_session
from .framework.sizing import check_guessed
from .kernels.dialects import CHOICES, check_anchor, chosen, coarse, code, explained
from .kernels.kline_levels import levels_of_klines
from .kernels.price_rows import check_reach, joined_ticks
from .kernels.profile_state import MASK, Floats, composite_state, kept_rows, profile_state
from .kernels.session_clock import SinceOpen
from .kernels.tpo_dialects import LETTERS, TPO_DIALECTS, Published
from .kernels.value_area import EXPANSIONS
from .tpo_brackets import bracket_of, check_lengths, open_bars, parse_bracket, said_of_clock
from .tpo_kernel import OWN, SERIAL, tpo
from .tpo_lines import LINES, MEASURES, PREVIOUS

_SESSION, _SINCE = Session(), SinceOpen()
_PRICES: tuple[Input, ...] = ("high", "low", "close")
_METHODS = {"range": "uniform", "close": "close"}


class TPO(Indicator):
    """Time at price: a session is cut into brackets, and each gives every row it reached one letter.

    The point of control is the row with the most letters, and the value area grows from it as that of
    `VolumeProfile` does, by letters instead of volume. The initial balance is what the first hour of the session
    reached. A single print is a row of one letter with rows of more above and below; at the end of the profile rows
    of one letter are its tail, and an end without a tail is poor. All are of the session so far, developing, or with
    ``composite`` of that and whole sessions before it.

    Parameters
    ----------
    session : str, default='1d'
        What a profile is of: an interval such as ``1d`` or ``1w``, or ``month``.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/New_York@09:30``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    composite : int, default=1
        Sessions in one profile: the current one and those before it, each with letters of its own. The initial balance
        stays that of the current session.
    bracket : str or None, default=None
        How long a letter lasts, counted from the beginning of the session: an interval, or ``bar`` for each bar its
        own. A bar counts in the bracket that it opens in; one longer than the bracket is refused.
    initial_balance : str, default='1h'
        How long the initial balance lasts, from the beginning of the session. Sessions that begin long before
        trading does, as those of UTC days on a stock exchange, have none, which a run and ``compute`` say.
    dialect : str, default='cbot_two_row'
        Whose choices stand where ``bracket`` and those below are None: ``cbot_two_row``, ``market_profile``,
        ``tradingview``, ``sierra`` or ``lean``. `explain` prints them. NinjaTrader and ATAS publish no rule for
        letters.
    letters : {None, 'range', 'traded'}, default=None
        Whether a bracket marks every row from its lowest to its highest, or those that traded.
    value_area : float or None, default=None
        Share of the letters, above 0 to 1.
    expansion : {None, 'one_row', 'two_row', 'three_row'}, default=None
        How many rows of each side are weighed at a time.
    side_tie : {None, 'up', 'down', 'near'}, default=None
        Which of equal sides is taken; see `VolumeProfile`.
    poc_tie : {None, 'middle', 'middle_up', 'middle_down', 'lowest', 'highest'}, default=None
        Which of equal rows is the point of control; see `VolumeProfile`.
    gaps : {None, 'count', 'skip'}, default=None
        Whether a row without a letter counts as a row of zero, or is passed over.
    target : {None, 'reach', 'exceed', 'within'}, default=None
        Whether rows are added until the share is reached, until it is exceeded, or as long as it is not.
    anchor : {None, 'floor', 'ceil'}, default=None
        Whether a row is named by its lower edge and reaches up, or by its upper edge and reaches down.
    previous : bool, default=False
        Whether to give the levels of the session before, as they stood at its end.
    from_klines : {None, 'range', 'close'}, default=None
        Where the feed has no levels, take the rows from low to high of each of its bars, which is the same as long as
        ``letters`` is ``range``; or that of its close. Has no effect on a feed that has levels.
    row_size : float or None, default=None
        Height of a row. On a feed with levels a whole multiple of its own, None for its own. With
        ``from_klines`` None is the feed's, else the 1, 2 or 5 × 10^k nearest to 5 bp of the first close.

    Inputs
    ------
    levels : base
        Amount by price row and side; a row counts where it is above 0.
    high, low : price
        For the initial balance, and with ``from_klines`` instead of levels.
    close : price
        What single prints are seen from.
    volume : base
        With ``from_klines``, where the feed has it: a bar without counts only where its high is above its low, as those
        of markets that report no volume.
    open_time : µs UTC
        For the session and its brackets.

    Lines
    -----
    poc : price
        Row with the most letters.
    vah, val : price
        Highest and lowest row of the value area.
    ib_high, ib_low : price
        Highest and lowest price of the initial balance, so far while it lasts, then as it was; NaN where nothing
        traded in it.
    letters : pure number
        Letters in all, 1 and up.
    poor_high, poor_low : pure number
        1 where the highest, or lowest, row has two letters or more, else 0.
    tail_high, tail_low : pure number
        Rows of one letter that the profile ends in at the top, or bottom, 0 and up; in a profile of single letters
        all are both.
    singles : pure number
        Single prints between the tails, 0 and up.
    single_above, single_below : price
        The nearest single print above the row of the close, and the nearest at or below it; NaN where there is none.
    prev_poc, prev_vah, prev_val : price
        With ``previous``: the same of the last session before that traded; NaN in the first.

    Prices of rows name them as `VolumeProfile` does. From the first bar on; NaN while the profile is empty. All stay
    when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels and ``from_klines`` is None, or ``row_size`` does not fit its levels; if its bars
        are longer than a bracket; if a price far from all others makes more rows than memory is kept for.

    References
    ----------
    Dalton, J. F., Jones, E. T., Dalton, R. B. (1990). Mind Over Markets: half-hour letters, the initial balance of
    the first hour, tails and single prints. Those of the other dialects are given by `explain`.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> lines = TPO.over(sample_bars(240), session="4h").iloc[-1]
    >>> lines[["poc", "vah", "val", "ib_high", "ib_low", "letters"]].to_dict()
    {'poc': 20090.0, 'vah': 20170.0, 'val': 20040.0, 'ib_high': 20091.0, 'ib_low': 19987.5, 'letters': 113.0}
    >>> klines = sample_bars(240, klines=True)
    >>> TPO.over(klines, session="4h", from_klines="range", row_size=5.0).iloc[-1][["poc", "letters"]].to_dict()
    {'poc': 20090.0, 'letters': 111.0}
    """

    lines = LINES
    params = {
        "session": "1d",
        "timezone": None,
        "composite": 1,
        "bracket": None,
        "initial_balance": "1h",
        "dialect": "cbot_two_row",
        "letters": None,
        "value_area": None,
        "expansion": None,
        "side_tie": None,
        "poc_tie": None,
        "gaps": None,
        "target": None,
        "anchor": None,
        "previous": False,
        "from_klines": None,
        "row_size": None,
    }
    bounds = {
        "session": Text(parse_session, "month or an interval such as 1d"),
        "timezone": DAYS,
        "composite": Bound(1, 100, integer=True),
        "bracket": Text(parse_bracket, "an interval such as 30m, or bar", optional=True),
        "initial_balance": Text(parse_interval, "an interval such as 1h"),
        "dialect": Published(*TPO_DIALECTS),
        "letters": Choice(None, *LETTERS),
        "value_area": Bound(0, 1, open_low=True, optional=True),
        **{choice: Choice(None, *values) for choice, values in CHOICES.items()},
        "from_klines": Choice(None, *_METHODS),
        "row_size": Bound(0, open_low=True, optional=True),
    }
    inputs = (LEVELS, _SESSION, _SINCE, *_PRICES)
    measures = MEASURES
    sized = True
    nan_policy = "pass"
    remedies = {LEVELS: "set row_size on a feed of trades, or ask for from_klines: range"}
    only_with = {"timezone": With("session", ("none", "bar"), but=True)}
    presets = (
        {"session": "1h", "bracket": "10m", "initial_balance": "20m", "previous": True},
        {"session": "2h", "letters": "traded", "dialect": "tradingview", "row_size": 10.0},
        {"session": "1h", "bracket": "5m", "from_klines": "range"},
        {"dialect": "lean", "from_klines": "close"},
        {"session": "1h", "composite": 3, "bracket": "10m", "letters": "traded", "previous": True},
    )
    price_scale = 10.0
    param_units = {"row_size": (1, 0)}
    step = tpo
    dialects = TPO_DIALECTS

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """Those of the session, and of the one before where asked for."""
        return (*LINES, *PREVIOUS) if params["previous"] else LINES

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """A session must begin and hold its brackets; the zone needs whole days."""
        session = parse_session(params["session"])
        if session in ("none", "bar"):
            return f"session must be month or an interval such as 1d, which brackets are counted in (got {session!r})"
        bracket = bracket_of(params)
        if isinstance(session, int) and bracket > session:
            return f"bracket {interval_text(bracket)} is longer than session {params['session']}"
        return _SESSION.complaint(params)

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: rows too high to round up, and what the clock of sessions does to bars."""
        yield from super().remarks(bars, **params)
        full = cls.resolve(params)
        if bars.levels is not None:
            yield from coarse(bars.levels, full, TPO_DIALECTS)
            if full["from_klines"] is not None:
                yield "from_klines changes nothing where the feed has levels"
        counted = counted_in(bars.hours, full, cls.complaint)
        opens = np.asarray(bars["open_time"])
        yield from said_of_clock(bars, full, _SESSION.array(counted, opens), _SINCE.array(counted, opens))

    @classmethod
    def explain(cls, **params: Any) -> list[dict[str, str]]:
        """Every choice of the dialect in force, overridden ones included, with what it means and who says so."""
        return explained(cls.resolve(params), ("bracket", "letters", "value_area", *CHOICES, "session"), TPO_DIALECTS)

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Real levels win over guessed ones."""
        return {**params, "from_klines": None} if carries(LEVELS) else params

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The session, the time in it, prices, and levels unless prices stand for them."""
        clock = (_SESSION, _SINCE, *_PRICES)
        return clock if params["from_klines"] is not None else (LEVELS, *clock)

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Bracket (0: each bar), initial balance, share, rows weighed, choices, previous, letters, sessions."""
        return (
            float(bracket_of(params)),
            float(parse_interval(params["initial_balance"])),
            float(chosen(params, "value_area", TPO_DIALECTS)),
            float(EXPANSIONS.index(chosen(params, "expansion", TPO_DIALECTS)) + 1),
            *(code(params, choice, TPO_DIALECTS) for choice in ("poc_tie", "gaps", "target", "anchor", "side_tie")),
            float(params["previous"]),
            float(LETTERS.index(chosen(params, "letters", TPO_DIALECTS))),
            float(params["composite"]),
        )

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The feed's levels, if the height asked for fits them, or the reach of its bars."""
        check_lengths(bars, params)
        if bars.levels is None and params["from_klines"] is not None:
            check_guessed(cls.kind, params)
            ceil = chosen(params, "anchor", TPO_DIALECTS) == "ceil"
            levels = levels_of_klines(open_bars(bars), _METHODS[params["from_klines"]], params["row_size"], ceil=ceil)
        else:
            levels = super().levels_of(bars, **params)
            check_anchor(bars, levels, params, cls.kind, TPO_DIALECTS)
        height = joined_ticks(levels, params["row_size"], cls.kind, bars.source)
        copies = kept_rows(params["composite"]) + _is_traded(params)
        check_reach(bars, levels, height, cls.kind, window=0, copies=copies)
        return levels

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """Room for the widest profile, the bracket that each row traded in last, and the sessions of a composite."""
        profile = profile_state(levels, joined_ticks(levels, params["row_size"], cls.kind), 0)
        own = np.full(OWN, np.nan)
        own[SERIAL] = 0.0
        slots, sessions = int(profile[MASK]) + 1, params["composite"]
        shares = composite_state(sessions, slots) if sessions > 1 else np.zeros(0)
        return np.concatenate([profile, own, np.zeros(slots if _is_traded(params) else 0), shares])


def _is_traded(params: Mapping[str, Any]) -> bool:
    """Whether only rows that traded get letters, for which the last bracket of each is kept."""
    return bool(chosen(params, "letters", TPO_DIALECTS) == "traded")

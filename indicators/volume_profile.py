"""Volume profile: volume by price over recent bars, and its point of control and value area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars, Levels
from ..core.errors import InputError
from ..core.kernels import compiled, levels_step
from ..core.params import Bound, Choice, Text
from .base import Indicator, Line
from .inputs import LEVELS, Input, Session, parse_session, parse_zone
from .kline_levels import METHODS, levels_of_klines

Floats = NDArray[np.float64]
_SESSION = Session()
_KLINES: tuple[Input, ...] = ("high", "low", "close", "volume")
NEAR = 1e-9
"""Two volumes closer than this, as a share, are equal."""

# Layout of the state: this head, then volume and contributing bars of each slot, then the rows of the
# bars in the window (row, volume), then how many rows each of those bars brought.
_TICK, _ROW_TICKS, _SLOTS, _ENTRIES, _SESSION_ID, _LOW, _HIGH, _WRITE, _READ, _BARS, _HEAD = range(11)


@compiled
def _add(s: Any, row: int, volume: float) -> None:
    slots = int(s[_SLOTS])
    at = _HEAD + row % slots
    s[at] += volume
    s[at + slots] += 1.0
    if s[_HIGH] < s[_LOW]:
        s[_LOW] = s[_HIGH] = row
    s[_LOW], s[_HIGH] = min(s[_LOW], row), max(s[_HIGH], row)


@compiled
def _drop_bar(s: Any, window: int) -> None:
    """Take the oldest bar's rows out; a row that no bar is left in is exactly empty."""
    slots, entries = int(s[_SLOTS]), int(s[_ENTRIES])
    ring = _HEAD + 2 * slots
    brought = ring + 2 * entries
    oldest = (int(s[_BARS]) - window) % window
    for _ in range(int(s[brought + oldest])):
        k = ring + 2 * int(s[_READ])
        s[_READ] = (s[_READ] + 1) % entries
        at = _HEAD + int(s[k]) % slots
        s[at] -= s[k + 1]
        s[at + slots] -= 1.0
        if s[at + slots] == 0.0:
            s[at] = 0.0
    while s[_LOW] <= s[_HIGH] and s[_HEAD + slots + int(s[_LOW]) % slots] == 0.0:
        s[_LOW] += 1.0
    while s[_LOW] <= s[_HIGH] and s[_HEAD + slots + int(s[_HIGH]) % slots] == 0.0:
        s[_HIGH] -= 1.0


@compiled
def _clear(s: Any) -> None:
    slots = int(s[_SLOTS])
    for row in range(int(s[_LOW]), int(s[_HIGH]) + 1):
        at = _HEAD + row % slots
        s[at] = s[at + slots] = 0.0
    s[_LOW], s[_HIGH] = 0.0, -1.0


@compiled
def point_of_control(volumes: Any) -> int:
    """The row with the most volume; of equal ones the nearest to the middle, then the lower.

    ``volumes`` holds one entry a row, lowest price first, rows without trades included.
    """
    most = volumes.max() * (1.0 - NEAR)
    best, gap = 0, len(volumes) + 1
    for i in range(len(volumes)):
        off = abs(2 * i - (len(volumes) - 1))
        if volumes[i] >= most and off < gap:
            best, gap = i, off
    return best


@compiled
def value_area(volumes: Any, poc: int, share: float, rows: int) -> tuple[int, int]:
    """The rows around ``poc`` that hold ``share`` of the volume: lowest and highest.

    The ``rows`` (1 or 2) next above are weighed against as many below, the heavier ones are taken, and
    equal ones above; near an end fewer rows stand for them, beyond it none.
    """
    total = volumes.sum()
    down = up = poc
    held = volumes[poc]
    last = len(volumes) - 1
    while held < total * (share - NEAR) and (up < last or down > 0):
        higher, lower = min(up + rows, last), max(down - rows, 0)
        above, below = volumes[up + 1 : higher + 1].sum(), volumes[lower:down].sum()
        if up < last and (down == 0 or above >= below * (1.0 - NEAR)):
            up = higher
            held += above
        else:
            down = lower
            held += below
    return down, up


@levels_step
def volume_profile(p: Any, x: Any, s: Any, y: Any, tick: Any, buy: Any, sell: Any) -> None:
    """Kernel; ``p`` is the window (0: all), the share and the rows weighed, ``x`` the session."""
    window, slots, entries = int(p[0]), int(s[_SLOTS]), int(s[_ENTRIES])
    if x[0] != s[_SESSION_ID]:
        s[_SESSION_ID] = x[0]
        _clear(s)
    if window > 0 and s[_BARS] >= window:
        _drop_bar(s, window)
    kept = 0
    for i in range(len(tick)):
        volume = buy[i] + sell[i]
        if not volume > 0.0:
            continue
        row = int(tick[i] // int(s[_ROW_TICKS]))
        if window > 0:
            k = _HEAD + 2 * slots + 2 * int(s[_WRITE])
            s[k], s[k + 1] = row, volume
            s[_WRITE] = (s[_WRITE] + 1) % entries
            kept += 1
        _add(s, row, volume)
    if window > 0:
        s[_HEAD + 2 * slots + 2 * entries + int(s[_BARS]) % window] = kept
    s[_BARS] += 1.0
    if s[_BARS] < window or s[_HIGH] < s[_LOW]:
        return
    low = int(s[_LOW])
    count = int(s[_HIGH]) - low + 1
    volumes = np.empty(count)
    for i in range(count):
        volumes[i] = s[_HEAD + (low + i) % slots]
    poc = point_of_control(volumes)
    down, up = value_area(volumes, poc, p[1], int(p[2]))
    height = int(s[_ROW_TICKS])
    y[0] = ((low + poc) * height) * s[_TICK]
    y[1] = ((low + up) * height) * s[_TICK]
    y[2] = ((low + down) * height) * s[_TICK]


class VolumeProfile(Indicator):
    """Volume by price, and the prices that hold most of it.

    The point of control is the row with the most volume; of rows equal to 1e-9 the one nearest the
    middle of the profile, then the lower. The value area grows from it, by the heavier side each
    time, until it holds ``value_area`` of the volume. Rows nobody traded at count as rows of zero.

    Parameters
    ----------
    window : int or None, default=60
        Bars in the profile; None for all so far. Not used with ``session``.
    session : str or None, default=None
        Build the profile anew in each session instead: an interval such as ``1d``, ``month``, ``none``
        or ``bar``. Values are of the session so far.
    timezone : str, default='UTC'
        IANA zone in which whole days, weeks and months begin.
    value_area : float, default=0.7
        Share of the volume, above 0 to 1.
    expansion : {'two_row', 'one_row'}, default='two_row'
        How many rows of each side are weighed at a time. Of equal sides the upper is taken.
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
    high, low, close, volume : price, base
        Instead of levels, with ``from_klines``.
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

    Prices are lower edges of rows: the value area reaches from ``val`` to ``vah`` plus one row. The
    first value comes at bar ``window``, else at bar 1; NaN while the profile is empty. All stay when
    buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data has no levels and ``from_klines`` is None, or ``row_size`` does not fit its levels.

    References
    ----------
    Dalton, J. F., Jones, E. T., Dalton, R. B. (1990). Mind Over Markets, appendix 1: the value area by
    pairs of rows.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> VolumeProfile.over(sample_bars(100), window=30).iloc[-1].to_dict()
    {'poc': 20120.0, 'vah': 20120.0, 'val': 20110.0}
    >>> guessed = VolumeProfile.over(sample_bars(100, klines=True), window=30, from_klines="uniform")
    >>> guessed.iloc[-1].to_dict()
    {'poc': 20120.0, 'vah': 20120.0, 'val': 20100.0}
    """

    lines = ("poc", "vah", "val")
    params = {
        "window": 60,
        "session": None,
        "timezone": "UTC",
        "value_area": 0.7,
        "expansion": "two_row",
        "from_klines": None,
        "row_size": None,
    }
    bounds = {
        "window": Bound(1, 1_000_000, integer=True, optional=True),
        "session": Text(parse_session, "none, bar, month or an interval such as 1d", optional=True),
        "timezone": Text(parse_zone, "an IANA time zone"),
        "value_area": Bound(0, 1, open_low=True),
        "expansion": Choice("two_row", "one_row"),
        "from_klines": Choice(None, *METHODS),
        "row_size": Bound(0, open_low=True, optional=True),
    }
    inputs = (LEVELS, _SESSION)
    measures = {
        "poc": Line("lower edge of the row with the most volume", price=1),
        "vah": Line("lower edge of the value area's highest row", price=1),
        "val": Line("lower edge of the value area's lowest row", price=1),
    }
    remedies = {LEVELS: "set row_size on a feed of trades, or ask for from_klines: uniform"}
    presets = (
        {"window": 10, "expansion": "one_row", "value_area": 0.5},
        {"session": "1h"},
        {"window": None},
        {"window": 20, "from_klines": "uniform"},
    )
    price_scale = 10.0
    param_units = {"row_size": (1, 0)}
    step = volume_profile

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days."""
        return _SESSION.complaint(params)

    @classmethod
    def settle(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Real levels win over guessed ones."""
        return {**params, "from_klines": None} if carries(LEVELS) else params

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """The session, and levels or what they are guessed from."""
        return (LEVELS, _SESSION) if params["from_klines"] is None else (_SESSION, *_KLINES)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, or 1."""
        return _window(params) or 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window (0: all), share, rows weighed."""
        return float(_window(params)), float(params["value_area"]), 2.0 if params["expansion"] == "two_row" else 1.0

    @classmethod
    def levels_of(cls, bars: Bars, **params: Any) -> Levels:
        """The feed's levels at the height asked for, or guessed ones."""
        if bars.levels is None and params["from_klines"] is not None:
            return levels_of_klines(bars, params["from_klines"], params["row_size"])
        levels, size = super().levels_of(bars, **params), params["row_size"]
        if size is None:
            return levels
        times = size / levels.row_size
        if times < 1 - NEAR or abs(times - round(times)) > NEAR * times:
            own = f"the {levels.row_size:g} of {bars.source or 'bars'}"
            raise InputError(f"{cls.kind}: row_size {size:g} is no whole multiple of {own}")
        return replace(levels, row_ticks=levels.row_ticks * round(times))

    @classmethod
    def levels_state(cls, levels: Levels, **params: Any) -> Floats:
        """Room for the widest window there is; prices share slots only when never in one window."""
        window = _window(params)
        rows = levels.price_tick // levels.row_ticks
        slots = _widest(np.asarray(levels.offsets), rows, window or len(levels))
        held = window and _most_rows(levels.offsets, window)
        state = np.zeros(_HEAD + 2 * slots + 2 * max(held, 1) + window)
        state[_TICK], state[_ROW_TICKS], state[_SLOTS], state[_ENTRIES] = levels.tick, levels.row_ticks, slots, held
        state[_SESSION_ID], state[_HIGH] = np.nan, -1.0
        return state


def _window(params: Mapping[str, Any]) -> int:
    return int(params["window"] or 0) if params["session"] is None else 0


def _most_rows(offsets: NDArray[np.int64], window: int) -> int:
    """The most rows that ``window`` consecutive bars bring."""
    n = len(offsets) - 1
    if n <= window:
        return max(1, int(offsets[-1]))
    return max(1, int((offsets[window:] - offsets[:-window]).max()))


@compiled
def _widest(offsets: Any, rows: Any, window: int) -> int:
    """Rows from lowest to highest of any ``window`` bars, or more: taken over blocks of twice the length."""
    n = len(offsets) - 1
    widest = 1
    for start in range(0, max(n, 1), window):
        a, b = offsets[start], offsets[min(start + 2 * window, n)]
        if b > a:
            widest = max(widest, rows[a:b].max() - rows[a:b].min() + 1)
    return widest

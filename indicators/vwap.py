"""VWAP: the volume-weighted mean price since an anchor, with deviation bands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..core.bars import Bars
from ..core.kernels import step
from ..core.params import Bound, Choice, ListOf, Text, With
from ..core.sizes import parse_size
from .framework.base import Indicator, Line
from .framework.inputs import DAYS, Input, Session, parse_session
from .kernels.kline_levels import METHODS
from .kernels.kline_notional import REMEDY, KlineNotional
from .kernels.windows import Floats, deviation, window_clear, window_moments, window_push, window_size

_SESSION = Session("session", "timezone")
_WINDOW = 1
"""Where in the state the window begins; before it lies the session."""


def parse_anchor(text: str) -> tuple[str, int]:
    """Session and window of an anchor: one of them is idle, ``none`` or 0.

    Raises
    ------
    ValueError
        If ``text`` is neither a session nor a number of bars.

    Examples
    --------
    >>> parse_anchor("1d"), parse_anchor("60b")
    (('1d', 0), ('none', 60))
    """
    if hit := re.fullmatch(r"([1-9]\d{0,6})b", text):
        return "none", int(hit[1])
    parse_session(text)
    return text, 0


@step
def vwap(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``p`` is the window (0: since the anchor) and the bands, ``x`` notional, amount, session."""
    n = int(p[0])
    if x[2] != s[0]:
        s[0] = x[2]
        window_clear(s, _WINDOW)
    if x[1] > 0.0:
        window_push(s, _WINDOW, n, x[0] / x[1], x[1])
    elif n > 0:
        window_push(s, _WINDOW, n, 0.0, 0.0)
    w, mean, squares = window_moments(s, _WINDOW)
    if not w > 0.0:
        return
    sd = deviation(mean, squares, w)
    y[0], y[1] = mean, sd
    for k in range((len(y) - 2) // 2):
        y[2 + 2 * k] = mean + p[1 + k] * sd
        y[3 + 2 * k] = mean - p[1 + k] * sd


class VWAP(Indicator):
    """Volume-weighted mean price since the anchor.

        vwap = sum(quote_volume) / sum(volume),   std² = sum(volume · (price - vwap)²) / sum(volume)

    with ``price = quote_volume / volume`` of each bar, the exact mean price of its trades. ``std`` is
    the deviation of these bar prices, so it leaves out how prices spread inside a bar.

    Parameters
    ----------
    anchor : str, default='1d'
        Where the sums begin: an interval such as ``1h``, ``1d`` or ``1w`` (whole sessions), ``month``,
        ``bar`` (each bar alone), ``none`` (the first bar), or a number of bars such as ``60b``
        (always the last 60). A bar belongs to the session it opens in; weeks begin on Monday.
    timezone : str or None, default=None
        IANA zone in which whole days, weeks and months begin; with a time of day, as in
        ``America/Chicago@17:00``, they begin at that; or trading hours, as in ``XNYS``. None for the bars'
        own hours, UTC where they have none.
    bands : list of float, default=[1.0]
        Deviations between the mean and each pair of bands; above 0, at most 8.
    from_klines : {None, 'uniform', 'close', 'hlc3'}, default=None
        What bars without ``quote_volume`` are taken to have traded at: nothing (they are refused), evenly from low
        to high, at the close, or at the mean of high, low and close. Notional that the data carry wins over a guess.

    Inputs
    ------
    quote_volume : quote, >= 0
        Traded notional.
    volume : base, >= 0
        Traded amount.
    high, low, close : price
        Instead of ``quote_volume``, with ``from_klines``.
    open_time : µs UTC
        For the session.

    Lines
    -----
    vwap : price
        NaN until the first trade after the anchor; a bar without trades repeats the running value.
    std : price
        Deviation, weighted by volume, population; 0 where it is rounding noise.
    upper1, lower1, upper2, lower2, … : price
        ``vwap`` plus and minus the first, second, … of ``bands`` times ``std``.

    From the first bar on; with ``60b`` from bar 60 on. All stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Welford, B. P. (1962). Note on a Method for Calculating Corrected Sums of Squares and Products.
    Technometrics 4(3), 419-420. Here weighted by volume: the textbook difference of two large sums
    loses the deviation of a price of 100000 to rounding.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(quote_volume=[10.0, 22, 12, 0], volume=[1.0, 2, 1, 0]),
    ...     index=pd.date_range("2024-01-01 00:01", periods=4, freq="1min"),
    ... )
    >>> VWAP.over(bars, bands=[2.0]).round(4).iloc[2:].to_dict("list")
    {'vwap': [11.0, 11.0], 'std': [0.7071, 0.7071], 'upper1': [12.4142, 12.4142], 'lower1': [9.5858, 9.5858]}
    >>> VWAP.over(bars, anchor="bar", bands=[])["vwap"].tolist()
    [10.0, 11.0, 12.0, nan]
    """

    lines = ("vwap", "std", "upper1", "lower1")
    params = {"anchor": "1d", "timezone": None, "bands": [1.0], "from_klines": None}
    bounds = {
        "anchor": Text(parse_anchor, "none, bar, month, an interval such as 1d, or a number of bars such as 60b"),
        "timezone": DAYS,
        "bands": ListOf(Bound(0, open_low=True), most=8),
        "from_klines": Choice(None, *METHODS),
    }
    sized = True
    inputs = ("quote_volume", "volume", _SESSION)
    measures = {
        "vwap": Line("volume-weighted mean price since the anchor", price=1),
        "std": Line("deviation of price around vwap", price=1, overlay=False),
        "upper": Line("vwap plus a multiple of std", price=1),
        "lower": Line("vwap less a multiple of std", price=1),
    }
    remedies = {"quote_volume": REMEDY}
    only_with = {"timezone": With("anchor", ("none", "bar"), but=True)}
    presets = (
        {"anchor": "60b", "bands": [1.0, 2.5]},
        {"anchor": "1h", "bands": []},
        {"anchor": "1w", "timezone": "America/New_York"},
        {"anchor": "bar"},
        {"from_klines": "hlc3"},
    )
    step = vwap

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """Two lines, and two for each band."""
        pairs = ((f"upper{k}", f"lower{k}") for k in range(1, len(params["bands"]) + 1))
        return ("vwap", "std", *(name for pair in pairs for name in pair))

    @classmethod
    def complaint(cls, params: Mapping[str, Any]) -> str:
        """The zone needs whole days."""
        session = Session("anchor", "timezone")
        return session.complaint({**params, "anchor": parse_anchor(params["anchor"])[0]})

    @classmethod
    def resolve_auto(cls, params: dict[str, Any], carries: Callable[[str], bool]) -> dict[str, Any]:
        """Tell the anchor's session and its window apart."""
        session, window = parse_anchor(params["anchor"])
        guess = None if carries("quote_volume") else params["from_klines"]
        return {**params, "session": session, "window": window, "from_klines": guess}

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """Notional, or what it is guessed from."""
        if params["from_klines"] is None or parse_size(params["size"]):
            return super().input_names(**params)
        return (KlineNotional(params["from_klines"]), *cls.inputs[1:])

    @classmethod
    def remarks(cls, bars: Bars, **params: Any) -> Iterator[str]:
        """Besides what changes nothing: notional that was not guessed."""
        yield from super().remarks(bars, **params)
        if cls.resolve(params)["from_klines"] is not None and bars.carries("quote_volume"):
            yield "from_klines changes nothing where the feed has quote_volume"

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, or 1."""
        return parse_anchor(params["anchor"])[1] or 1

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Window and bands."""
        return float(parse_anchor(params["anchor"])[1]), *map(float, params["bands"])

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The session and one window."""
        return _WINDOW + window_size(parse_anchor(params["anchor"])[1])

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No session yet."""
        state[0] = np.nan

"""Trade the break of a session's opening range that flow agrees with."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.params import Bound, Text
from .framework.base import Strategy, Use
from .framework.lines import Floats, Lines
from .framework.signals import Signals
from .rule_language.rolling import crossover, crossunder
from .rule_language.times import elapsed, parse_rule_session, session


class OpeningRangeDelta(Strategy):
    """Buy a break of the high of a session's first minutes while its delta is positive, sell the mirror.

    The first trades of a session are taken for the auction that finds its price; leaving their range with the
    session's takers on the same side is taken for a decision. It is closed at the middle of the range, or when
    the session is old.

    Markets that never close have no opening: midnight UTC is a convention, and the New York open another one.
    Trying all of them and keeping the best is how to fool oneself.

    Parameters
    ----------
    session : str, default="1d"
        What opens, as in ``1d@America/New_York``; without a zone a day of the feed's trading hours, where it has some.
    minutes : float, default=60.0
        Length of the opening range.
    until : float, default=720.0
        Minutes from the session's start at which no more is entered and what is held is closed.
    stop_loss : amount, default="0.5%"
        Distance of a stop from the entry price.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(p=SimpleNamespace(**OpeningRangeDelta.defaults() | {"minutes": 2.0}))
    >>> times = {"open_time": [0, 60e6, 120e6, 180e6], "close_time": [60e6, 120e6, 180e6, 240e6]}
    >>> prices = {"high": [9, 10, 9, 12], "low": [8, 9, 8, 9], "close": [9, 9, 9, 11]}
    >>> OpeningRangeDelta.signals(asked, Lines.of(cvd=[1] * 4, **times, **prices)).long_entry.tolist()
    [False, False, False, True]
    """

    params = dict(session="1d", minutes=60.0, until=720.0, stop_loss="0.5%")
    bounds = dict(
        session=Text(parse_rule_session, "a session such as 1d or 1d@America/New_York"),
        minutes=Bound(0, open_low=True),
        until=Bound(0, open_low=True),
    )
    uses = dict(cvd=Use("CVD", {"reset": "1d"}))

    def signals(self, lines: Lines) -> Signals:
        """Enter on a break with the session's delta; leave at the middle of the range, or late."""
        close, cvd, hours = lines["close"], lines["cvd"], lines.names.hours
        minutes = elapsed(lines["open_time"], lines["close_time"], self.p.session, hours)
        number = session(lines["open_time"], self.p.session, hours)
        early, late = minutes <= self.p.minutes, minutes >= self.p.until
        high = _opening(np.max, lines["high"], number, early)
        low = _opening(np.min, lines["low"], number, early)
        middle = (high + low) / 2
        return Signals(
            long_entry=(crossover(close, high) == 1) & (cvd > 0) & ~late,
            long_exit=late | (close < middle),
            short_entry=(crossunder(close, low) == 1) & (cvd < 0) & ~late,
            short_exit=late | (close > middle),
        )


def _opening(most: Any, values: Floats, number: Floats, early: Any) -> Floats:
    """The extreme of the early bars of each session, on its later ones; NaN on the early ones."""
    made = np.full(len(values), np.nan)
    for one in np.unique(number):
        inside = number == one
        if (inside & early).any():
            made[inside & ~early] = most(values[inside & early])
    return made

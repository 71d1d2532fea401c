"""What an edge survives: the slippage, the latency and the cost at which a run's net profit is gone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .fill_model import Extra

Profit = Callable[[float], float]

CLOSE_ENOUGH = 0.005
"""Width at which a bracket around the break-even is narrow enough, as a share of it."""
MOST_STEPS = 60
MOST_TICKS = 100_000.0
MOST_SHARE = 0.1
LATENCIES = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 60_000)
"""Latencies that are tried in turn, in ms."""


@dataclass(frozen=True)
class Survival:
    """The most with which a run was still seen to earn; NaN where none was found.

    Parameters
    ----------
    ticks : float
        What a fill worse by so many ticks would cost, charged as a fee.
    ms : float
        Every order later by so much.
    bp : float
        So many basis points of notional more in fees on every fill.
    profit : float
        Net profit without any of it.
    """

    ticks: float
    ms: float
    bp: float
    profit: float

    def says(self) -> str:
        """In words."""
        if not self.profit > 0:
            return "there is no edge that could survive anything: the run does not earn as it is"
        most = {"ticks": f"{MOST_TICKS:,.0f}", "ms": f"{LATENCIES[-1]:,}", "bp": f"{MOST_SHARE * 1e4:,.0f}"}
        made = [
            f"more than {most[unit]} {unit}" if math.isnan(value) else f"{value:.3g} {unit}"
            for unit, value in (("ticks", self.ticks), ("ms", self.ms), ("bp", self.bp))
        ]
        what = f"{made[0]} of cost on every fill, {made[1]} more latency, or {made[2]} more in fees"
        return f"the edge survives up to {what}"


def survival(profit: Callable[[Extra], float], plain: float, volume: float, notional: float, tick: float) -> Survival:
    """Search for what the edge survives, by running again.

    Parameters
    ----------
    profit : callable
        Net profit of the run with an `Extra`.
    plain : float
        Net profit without.
    volume, notional : float
        Base and quote amount of all fills together, where the search begins.
    tick : float
        Of the traded feed.
    """
    if not plain > 0 or not volume:
        return Survival(math.nan, math.nan, math.nan, plain)
    ticks = (
        break_even(lambda x: profit(Extra(ticks=x)), plain, plain / (volume * tick), MOST_TICKS) if tick else math.nan
    )
    share = break_even(lambda x: profit(Extra(share=x)), plain, plain / notional, MOST_SHARE)
    ms = later(lambda x: profit(Extra(latency=round(1000 * x))), plain)
    return Survival(ticks, ms, 1e4 * share, plain)


def break_even(profit: Profit, plain: float, guess: float, most: float) -> float:
    """The largest burden, to half a percent, that was seen to leave a profit; NaN where even ``most`` does.

    Parameters
    ----------
    profit : callable
        Net profit under a burden.
    plain : float
        Without one; above 0.
    guess : float
        Where to begin.
    most : float
        The heaviest that is tried.

    Examples
    --------
    >>> round(break_even(lambda x: 30.0 - 2.0 * x, 30.0, 5.0, 1000.0), 2)
    14.97
    >>> break_even(lambda x: 1.0, 1.0, 5.0, 1000.0)
    nan
    """
    lo, at_lo, hi = 0.0, plain, min(guess, most) or most  # a profit next to nothing guesses 0
    while (at_hi := profit(hi)) > 0:
        if hi >= most:
            return math.nan
        lo, at_lo, hi = hi, at_hi, min(2 * hi, most)
    for step in range(MOST_STEPS):
        if hi - lo <= CLOSE_ENOUGH * hi:
            break
        line = lo + (hi - lo) * at_lo / (at_lo - at_hi) if at_lo > at_hi else (lo + hi) / 2
        # Just below and just above where a straight line says; every other time in the middle, lest one end stays.
        tried = (
            (line * (1 - 0.4 * CLOSE_ENOUGH), line * (1 + 0.4 * CLOSE_ENOUGH)) if step % 2 == 0 else ((lo + hi) / 2,)
        )
        for x in tried:
            if lo < x < hi:
                made = profit(x)
                lo, at_lo, hi, at_hi = (x, made, hi, at_hi) if made > 0 else (lo, at_lo, x, made)
    return lo


def later(profit: Profit, plain: float) -> float:
    """The most milliseconds before the first latency that was seen to leave no profit; NaN where a minute leaves one.

    Profit need not fall with latency, so latencies are tried from small to large.

    Examples
    --------
    >>> later(lambda ms: 7.5 - ms, 7.5) <= 7.5
    True
    """
    lo, hi = 0.0, math.nan
    for ms in LATENCIES:
        if not profit(ms) > 0:
            hi = float(ms)
            break
        lo = float(ms)
    if math.isnan(hi):
        return math.nan
    while hi - lo > max(10 * CLOSE_ENOUGH * hi, 0.1):
        middle = (lo + hi) / 2
        lo, hi = (middle, hi) if profit(middle) > 0 else (lo, middle)
    return lo

"""How large orders are: plain functions of numbers, which sizers call and compiled code takes in as they are."""

from __future__ import annotations

import math


def kelly_share(won: float, lost: float, win: float, loss: float) -> float:
    """The share of the account to put into each bet that makes it grow fastest.

    Parameters
    ----------
    won, lost : float
        How many bets did.
    win, loss : float
        What they won and lost in the mean, as shares of what was put in.

    Examples
    --------
    >>> round(kelly_share(3, 2, 0.02, 0.01), 9)
    40.0
    """
    if won == 0.0:
        return 0.0
    if loss == 0.0:
        return math.inf
    chance = won / (won + lost)
    return max(chance / loss - (1.0 - chance) / win, 0.0)


def share_at_risk(risk: float, price: float, distance: float) -> float:
    """The share of the equity that loses a share of ``risk`` when a stop fills at ``distance``; NaN without one."""
    return risk * price / distance if distance > 0.0 else math.nan


def exposure(equity: float, wanted: float, most: float) -> float:
    """What a position is to be worth: so large a share of the equity, but for ``most``; 0 where that is no order."""
    return equity * min(wanted, most) if wanted > 0.0 and equity > 0.0 else 0.0

"""Brackets: the maintenance margin of a position by its notional, as venues tabulate it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Bracket(NamedTuple):
    """One row of a venue's table.

    Parameters
    ----------
    rate : float
        Share of the notional that has to be left.
    deduction : float
        What is taken off, in account currency, so that the margin does not leap where one bracket ends and the next
        begins; venues call it the maintenance amount.
    floor : float
        Notional from which it holds.
    leverage : float
        Most that it allows.
    """

    rate: float
    deduction: float = 0.0
    floor: float = 0.0
    leverage: float = math.inf


def kept(brackets: Sequence[Bracket], notional: float) -> float:
    """Margin that a position of such a notional has to keep.

    Rates ascend and nothing leaps, so that it is the largest of what the brackets say, and none has to be looked up.

    Examples
    --------
    >>> table = [Bracket(0.01), Bracket(0.02, 10.0, 1000.0)]
    >>> kept(table, 500.0), kept(table, 1000.0), kept(table, 3000.0)
    (5.0, 10.0, 50.0)
    """
    return max(rate * notional - deduction for rate, deduction, _, _ in brackets)


def most_notional(brackets: Sequence[Bracket], leverage: float) -> float:
    """The largest notional that may be had at ``leverage``: where the first bracket begins that does not allow it.

    Examples
    --------
    >>> table = [Bracket(0.01, leverage=50.0), Bracket(0.02, 10.0, 1000.0, leverage=20.0)]
    >>> most_notional(table, 20.0), most_notional(table, 25.0)
    (inf, 1000.0)
    """
    return min((floor for _, _, floor, most in brackets if most < leverage), default=math.inf)

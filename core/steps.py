"""The steps in which a venue trades, as a feed of backtrader knows them."""

from __future__ import annotations

from typing import Any, NamedTuple


class Steps(NamedTuple):
    """Steps of prices and sizes.

    Parameters
    ----------
    tick : float or None
        Smallest step of the price; None where it is not known.
    lot : float or None
        Smallest step of an order's size, in base currency; None where it is not known.
    min_notional : float
        Smallest order, in quote currency.
    """

    tick: float | None = None
    lot: float | None = None
    min_notional: float = 0.0


def steps_of(data: Any) -> Steps:
    """The steps that a feed says; a feed that is not ours may say none.

    Examples
    --------
    >>> from tapeflow.core.lines import bar_data
    >>> from tapeflow.core.samples import sample_bars
    >>> steps_of(bar_data(sample_bars(3), tick=0.1)), steps_of(object())
    (Steps(tick=0.1, lot=None, min_notional=0.0), Steps(tick=None, lot=None, min_notional=0.0))
    """
    return Steps(getattr(data, "tick", None), getattr(data, "lot", None), getattr(data, "min_notional", 0.0))

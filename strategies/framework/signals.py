"""Signals: on which bars a strategy acts, said for all bars at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...core.errors import DataError
from .wake import Mask


class Masks(NamedTuple):
    """Signals of which every array is there.

    Parameters
    ----------
    long_entry, long_exit, short_entry, short_exit : ndarray of bool, (bars,)
        One value a bar of the first feed.
    """

    long_entry: Mask
    long_exit: Mask
    short_entry: Mask
    short_exit: Mask


@dataclass(frozen=True)
class Signals:
    """On which bars to enter and to leave; what is left out is never.

    Value i is what is known at the close of bar i; it orders what the open of bar i + 1 fills. While flat
    the entries count, and where both sides' are true at once neither does. In a position its own side's exit
    counts, and before the time stop; where the class says ``reverses = True``, the other side's entry that is true on
    the bar of the exit is sent behind it.

    Parameters
    ----------
    long_entry, long_exit, short_entry, short_exit : ndarray of bool, (bars,), optional
        One value a bar of the first feed.

    Examples
    --------
    >>> rising = np.array([False, True, False])
    >>> Signals(long_entry=rising, long_exit=~rising).filled(3).short_entry.tolist()
    [False, False, False]
    >>> Signals(long_entry=rising).filled(4)
    Traceback (most recent call last):
    ...
    tapeflow.core.errors.DataError: long_entry has shape (3,); signals are bool arrays of shape (4,), one value a bar
    """

    long_entry: Mask | None = None
    long_exit: Mask | None = None
    short_entry: Mask | None = None
    short_exit: Mask | None = None

    def filled(self, bars: int) -> Masks:
        """The same with every array there, checked.

        Raises
        ------
        DataError
            Naming an array that is not one bool for each of ``bars``.
        """
        never = np.zeros(bars, dtype=bool)
        made = ((name, getattr(self, name)) for name in Masks._fields)
        return Masks(*(never if mask is None else _checked(name, mask, bars) for name, mask in made))


def _checked(name: str, mask: Any, bars: int) -> Mask:
    made = np.asarray(mask)
    if made.shape != (bars,):
        what = f"has shape {made.shape}"
    elif made.dtype != np.bool_:
        what = f"holds {made.dtype}"
    else:
        return made
    raise DataError(f"{name} {what}; signals are bool arrays of shape ({bars},), one value a bar")

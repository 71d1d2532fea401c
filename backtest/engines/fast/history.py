"""What changed the account in a run, kept so that it can be rebuilt for every bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .cursors import SharedPosition


@dataclass(frozen=True)
class Holding:
    """The account from one bar on.

    Parameters
    ----------
    bar : int
        Bar of the run, from 0.
    cash : float
        Quote currency.
    positions : tuple of (data, size, price, commission scheme)
        In the order in which the broker adds them up.
    """

    bar: int
    cash: float
    positions: tuple[tuple[Any, float, float, Any], ...]


@dataclass
class History:
    """What changed the account, and when.

    Parameters
    ----------
    clock : Cursor
        The bar the run is at.
    odd : callable
        Told before something happens after which the account cannot be rebuilt from `holdings`.
    """

    clock: SharedPosition
    odd: Callable[[], None]
    holdings: list[Holding] = field(default_factory=list)

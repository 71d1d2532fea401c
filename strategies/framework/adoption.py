"""A plain backtrader strategy as one of ours, its code untouched."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from ...core.plugins.registry import STRATEGIES, import_within
from .base import Strategy
from .guards import BASIC
from .held import held_off

OURS = ("bounds", "defaults", "guard", "overdue", "signals", "uses", "validate", "wake")
"""Names that mean something to the machinery; a class that has one for itself is not adopted."""


def adopted(plain: Any) -> Any:
    """A plain backtrader strategy as one of ours: of the same name and parameters; None for anything else.

    A parameter of its own that is called as one of ours, such as ``stop_loss``, stays its own: protection is asked
    for in the run's ``risk`` block then.
    """
    if not isinstance(plain, type) or not issubclass(plain, bt.Strategy) or issubclass(plain, Strategy):
        return None
    own = plain.__mro__[: plain.__mro__.index(bt.Strategy)]
    if any(name in vars(cls) for cls in own for name in OURS):
        return None
    kind: Any = plain
    given = dict(kind.params._getitems())
    body = {
        "__module__": plain.__module__,
        "__doc__": plain.__doc__,
        "__qualname__": plain.__qualname__,
        "params": given,
        "authors_own": frozenset(given) & set(BASIC),
    }
    try:
        meta: Any = type(Strategy)
        made = meta(plain.__name__, (plain, Strategy), body)
    except TypeError:  # of another metaclass, such as SignalStrategy
        return None
    made.bounds = {name: rule for name, rule in made.bounds.items() if name not in given}
    return made


STRATEGIES.adopt_with(adopted)
import_within(held_off)

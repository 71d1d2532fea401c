"""What the price impact regressions have in common: one slope over the last closes and their flow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.params import Bound
from .framework.base import Indicator
from .kernels.pair_windows import pair_size
from .kernels.windows import Floats

WINDOW = 1
"""Where in a kernel's state the window begins; before it lies the last close."""


class ImpactKind(Indicator):
    """What regresses the move from close to close on a measure of the bar's flow, over a window of moves."""

    abstract = True
    params = {"window": 60}
    bounds = {"window": Bound(2, 1_000_000, integer=True)}
    presets = ({"window": 10},)

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The window, and the close before it."""
        return int(params["window"]) + 1

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The last close and one window."""
        return WINDOW + pair_size(int(params["window"]))

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No close yet."""
        state[0] = np.nan

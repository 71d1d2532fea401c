"""AcmeFollow: go with large buyers."""

from __future__ import annotations

from typing import Any

from tapeflow.core.params import Bound
from tapeflow.strategies.base import Strategy, Use


class AcmeFollow(Strategy):
    """Buy when large trades dominate a bar that buyers drove, sell when they are gone.

    Parameters
    ----------
    share : float, default=0.5
        Smallest share of large trades.
    """

    params = dict(share=0.5)
    bounds = dict(share=Bound(0, 1))
    uses = dict(large=Use("AcmeLargeShare"), delta=Use("VolumeDelta"))
    large: Any
    delta: Any

    def next(self) -> None:
        """Follow, or leave."""
        large = self.large.lines.share[0] >= self.p.share
        if not self.position and large and self.delta.lines.delta[0] > 0:
            self.enter_long(reason="large buyers")
        elif self.position and not large:
            self.exit(reason="they left")

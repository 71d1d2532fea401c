"""A feed whose five-minute bars are stamped at their start, and a strategy that trades on them."""

from __future__ import annotations

from typing import Any

from tapeflow.core.clock import MINUTE
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.strategies.framework.base import Strategy


class StampedEarly(SyntheticTape):
    """A made-up tape whose slow bars carry the time of their first trade."""

    def bars_of(self, specs: Any, **wish: Any) -> Any:
        fast, slow = super().bars_of(specs, **wish)
        return [fast, slow.assign(**{k: slow[k] - 5 * MINUTE for k in ("open_time", "close_time")})]


class FollowsSlow(Strategy):
    """Long where the slow bar closed above the fast one."""

    def next(self) -> None:
        slow = self.datas[1].close[0]
        if not self.position and slow > self.data.close[0]:
            self.enter_long()
        elif self.position and slow < self.data.close[0]:
            self.exit()

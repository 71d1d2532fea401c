"""One price row of a footprint, in the words of Pine's ``volume_row``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VolumeRow:
    """What was bought and sold between two prices within one bar.

    Its methods are those that TradingView's Pine v6 has for a ``volume_row``.

    Examples
    --------
    >>> row = VolumeRow(100.0, 101.0, 3.0, 1.0, True, False)
    >>> row.down_price(), row.up_price(), row.delta(), row.has_buy_imbalance()
    (100.0, 101.0, 2.0, True)
    """

    _down: float
    _up: float
    _buy: float
    _sell: float
    _buy_imbalance: bool
    _sell_imbalance: bool

    def up_price(self) -> float:
        """Upper edge, quote currency; it belongs to the row above."""
        return self._up

    def down_price(self) -> float:
        """Lower edge, quote currency."""
        return self._down

    def buy_volume(self) -> float:
        """Base amount that buyers took, 0 and up."""
        return self._buy

    def sell_volume(self) -> float:
        """Base amount that sellers took, 0 and up."""
        return self._sell

    def total_volume(self) -> float:
        """Base amount in all."""
        return self._buy + self._sell

    def delta(self) -> float:
        """Bought less sold, base."""
        return self._buy - self._sell

    def has_buy_imbalance(self) -> bool:
        """Whether buys are the asked multiple of the sells one row below; never in the lowest row."""
        return self._buy_imbalance

    def has_sell_imbalance(self) -> bool:
        """Whether sells are the asked multiple of the buys one row above; never in the highest row."""
        return self._sell_imbalance

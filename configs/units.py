"""Slippage as people write it: ``1bp``, ``2ticks``, ``0.5``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..core.units import Unit, parse_amount

_HIGHEST = 0.1
"""Ten percent: what is larger was meant in another unit."""


@dataclass(frozen=True)
class Slippage:
    """How much worse than quoted a market order fills.

    Parameters
    ----------
    amount : float
        At least 0.
    unit : {'price', 'fraction', 'ticks'}
        Quote currency per base, share of the price, or ticks of the instrument.

    Examples
    --------
    >>> Slippage.parse("1bp")
    Slippage(amount=0.0001, unit='fraction')
    >>> [str(Slippage.parse(text)) for text in ("2ticks", "1 tick", "1bp", "0.03%", 0.5, 0)]
    ['2ticks', '1tick', '1bp', '3bp', '0.5', '0']
    """

    amount: float = 0.0
    unit: Unit = "price"

    @classmethod
    def parse(cls, value: Any) -> Slippage:
        """From what stands in the YAML.

        Raises
        ------
        ValueError
            With what is allowed.
        """
        if isinstance(value, Slippage):
            return value
        amount = parse_amount(value)
        if not 0 <= amount.value < math.inf:
            raise ValueError("must be at least 0")
        if amount.unit == "fraction" and amount.value >= _HIGHEST:
            raise ValueError("must be below 10%")
        return cls(amount.value, amount.unit)

    def __str__(self) -> str:
        """What `parse` reads back as the same slippage, to the last bit."""
        if self.unit == "fraction":
            return next(text for text in _spellings(self.amount) if parse_amount(text).value == self.amount)
        plural = {"price": "", "ticks": "tick" if self.amount == 1 else "ticks"}
        return repr(float(self.amount)).removesuffix(".0") + plural[self.unit]


def _spellings(fraction: float) -> Iterator[str]:
    """Ways to write a fraction, the plainest first; one gives back the float that ``bp`` or ``%`` made."""
    for scale, unit in ((1e4, "bp"), (1e2, "%")):
        yield f"{fraction * scale:.12g}{unit}"
    for scale, unit in ((1e4, "bp"), (1e2, "%")):
        number = fraction * scale
        below, above = math.nextafter(number, 0.0), math.nextafter(number, math.inf)
        yield from (f"{n!r}{unit}" for n in (number, below, above))

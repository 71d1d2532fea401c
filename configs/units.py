"""Slippage as people write it: ``1bp``, ``2ticks``, ``0.5``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ..core.units import Unit, parse_amount

_HIGHEST = 0.1
"""Ten percent: what is larger was meant in another unit."""
_RANGE = re.compile(r"\s*([0-9.]+(?:e[-+]?[0-9]+)?)\s*%\s*(?:of\s+)?range\s*", re.IGNORECASE)
RANGE = {"type": "string", "pattern": r"^[0-9.]+(e[-+]?[0-9]+)?\s*%\s*(of\s+)?range$"}


@dataclass(frozen=True)
class Slippage:
    """How much worse than quoted a market order fills.

    Parameters
    ----------
    amount : float
        At least 0.
    unit : {'price', 'fraction', 'ticks', 'range'}
        Quote currency per base, share of the price, ticks of the instrument, or share of the bar's range.

    Examples
    --------
    >>> Slippage.parse("1bp")
    Slippage(amount=0.0001, unit='fraction')
    >>> [str(Slippage.parse(text)) for text in ("2ticks", "1 tick", "1bp", "0.03%", "10% of range", 0.5, 0)]
    ['2ticks', '1tick', '1bp', '3bp', '10% range', '0.5', '0']
    """

    amount: float = 0.0
    unit: Unit | Literal["range"] = "price"

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
        if isinstance(value, str) and (hit := _RANGE.fullmatch(value)):
            return cls._of_range(float(hit[1]) / 100.0)
        amount = parse_amount(value)
        if not 0 <= amount.value < math.inf:
            raise ValueError("must be at least 0")
        if amount.unit == "fraction" and amount.value >= _HIGHEST:
            raise ValueError("must be below 10%")
        return cls(amount.value, amount.unit)

    @classmethod
    def _of_range(cls, share: float) -> Slippage:
        if not 0 < share <= 1:
            raise ValueError("must be above 0% and at most 100% of the range")
        return cls(share, "range")

    def __str__(self) -> str:
        """What `parse` reads back as the same slippage, to the last bit."""
        if self.unit == "range":
            return f"{percent(self.amount)}% range"
        if self.unit == "fraction":
            return next(text for text in _spellings(self.amount) if parse_amount(text).value == self.amount)
        plural = {"price": "", "ticks": "tick" if self.amount == 1 else "ticks"}
        return repr(float(self.amount)).removesuffix(".0") + plural[self.unit]


def percent(share: float) -> str:
    """The number of percent that gives back ``share``, the plainest first."""
    number = share * 100.0
    below, above = math.nextafter(number, 0.0), math.nextafter(number, math.inf)
    return next(t for t in (f"{number:.12g}", *map(repr, (number, below, above))) if float(t) / 100.0 == share)


def _spellings(fraction: float) -> Iterator[str]:
    """Ways to write a fraction, the plainest first; one gives back the float that ``bp`` or ``%`` made."""
    for scale, unit in ((1e4, "bp"), (1e2, "%")):
        yield f"{fraction * scale:.12g}{unit}"
    for scale, unit in ((1e4, "bp"), (1e2, "%")):
        number = fraction * scale
        below, above = math.nextafter(number, 0.0), math.nextafter(number, math.inf)
        yield from (f"{n!r}{unit}" for n in (number, below, above))

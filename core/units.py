"""Quantities with their unit, as people write them: ``2bp``, ``0.5%``, ``3ticks``, ``1.5``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from .ticks import grid_of

Unit = Literal["fraction", "ticks", "price"]
_FORM = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(bps?|%|ticks?)?\s*")
_SCALE: dict[str, tuple[float, Unit]] = {
    "bp": (10_000.0, "fraction"),
    "bps": (10_000.0, "fraction"),
    "%": (100.0, "fraction"),
    "tick": (1.0, "ticks"),
    "ticks": (1.0, "ticks"),
}


@dataclass(frozen=True)
class Amount:
    """A number and what it is a number of.

    Parameters
    ----------
    value : float
        In units of ``unit``.
    unit : str
        ``fraction`` of a price or notional, ``ticks``, or ``price`` (quote currency).
    """

    value: float
    unit: Unit

    def at(self, price: float, tick: float | None) -> float:
        """This amount as a distance in quote currency from ``price``.

        Raises
        ------
        ValueError
            If it is in ticks and no tick is known.
        """
        if self.unit == "fraction":
            return self.value * price
        if self.unit == "ticks":
            if not tick:
                raise ValueError("ticks need the instrument's tick: set `tick` in the data block")
            return grid_of(tick).price(self.value)
        return self.value


def parse_amount(value: Any) -> Amount:
    """``2bp`` and ``0.5%`` are fractions, ``3ticks`` ticks, a bare number a price distance.

    Raises
    ------
    ValueError
        If ``value`` is none of these.

    Examples
    --------
    >>> parse_amount("2bp")
    Amount(value=0.0002, unit='fraction')
    >>> parse_amount("1tick"), parse_amount(0.5)
    (Amount(value=1.0, unit='ticks'), Amount(value=0.5, unit='price'))
    """
    hit = None if isinstance(value, bool) else _FORM.fullmatch(str(value))
    if not hit:
        raise ValueError(f"'{value}' is no amount; write it as 2bp, 0.05%, 1tick or a number")
    number = float(hit[1])
    scale, unit = _SCALE.get(hit[2] or "", (1.0, "price"))
    return Amount(number / scale, unit)


def parse_fraction(value: Any) -> float:
    """A share of notional: ``2bp``, ``0.05%`` or a bare fraction such as 0.0005.

    >>> parse_fraction("0.05%"), parse_fraction(0.001)
    (0.0005, 0.001)
    """
    amount = parse_amount(value)
    if amount.unit == "ticks":
        raise ValueError(f"'{value}' is in ticks; write a share as 2bp, 0.05% or 0.0005")
    return amount.value

"""What a line measures, as data."""

from __future__ import annotations

from dataclasses import dataclass

_UNITS: dict[tuple[float, float], str] = {(0, 0): "pure number", (1, 0): "price", (0, 1): "base", (1, 1): "quote"}


@dataclass(frozen=True)
class Line:
    """One line of an indicator.

    Parameters
    ----------
    meaning : str
        What it is, for the documentation and the report.
    price, size : float
        Dimension as exponents: prices × a and sizes × b multiply the line by a^price · b^size.
    odd : bool
        Whether its sign flips when buys and sells trade places.
    unit : str
        Shown unit; follows from the dimension when empty.
    overlay : bool or None
        Whether it is drawn over the price; None: when it is a price.
    mirror : str
        The line it becomes when buys and sells trade places; itself when empty.
    becomes : str
        What is left of x when buys and sells trade places, where that is neither x nor -x: ``inverse``,
        1 / x (NaN for 0), or ``complement``, 1 - x.
    sparse : bool
        Whether it may be NaN after the warm-up on a market that trades in every bar.

    Examples
    --------
    >>> Line("mean price", price=1).unit, Line("mean price", price=1).overlay
    ('price', True)
    >>> Line("deviation of price", price=1, overlay=False).overlay
    False
    """

    meaning: str
    price: float = 0
    size: float = 0
    odd: bool = False
    unit: str = ""
    overlay: bool | None = None
    mirror: str = ""
    becomes: str = ""
    sparse: bool = False

    def __post_init__(self) -> None:
        if not self.unit:
            named = _UNITS.get((self.price, self.size), f"price^{self.price:g} base^{self.size:g}")
            object.__setattr__(self, "unit", named)
        if self.overlay is None:
            object.__setattr__(self, "overlay", (self.price, self.size) == (1, 0))


UNTOLD = Line("not told: the class has no measures for it", unit="unknown", overlay=False)
"""What a line is whose author does not say."""

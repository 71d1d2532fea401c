"""How many decimals an amount of an account's money needs to be read."""

from __future__ import annotations

import math


def decimals(currency: str, cash: float | None) -> int:
    """Two of quote currency; of coin as many as show a millionth of the cash at the start, eight at most.

    Parameters
    ----------
    currency : str
        ``quote`` or ``coin``.
    cash : float or None
        At the start.

    Examples
    --------
    >>> decimals("quote", 0.5), decimals("coin", 0.5), decimals("coin", 30.0), decimals("coin", None)
    (2, 7, 5, 6)
    """
    if currency != "coin":
        return 2
    digits = math.floor(math.log10(cash)) if cash and 0 < cash < math.inf else 0
    return max(2, min(8, 6 - digits))

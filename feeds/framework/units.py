"""Units of klines: quote volume over volume is a price between low and high, or one of the two is in other units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import iso
from ...core.errors import DataError
from ...core.schema import BARS

Columns = Mapping[str, NDArray[Any]]
_SLACK = 0.01
"""Part of a price by which vendors' rounding may move the average."""
_CONTRACTS = (100.0, 10.0)
_AMOUNTS = tuple(c.name for c in BARS if c.unit in ("base", "quote"))


def check_units(bars: Bars, remedy: str, *, lenient: bool = False) -> tuple[Bars, str]:
    """Look whether quote volume over volume is outside low and high in most bars: one of the two is in another unit.

    Parameters
    ----------
    bars : Bars
        As read, nothing filled in.
    remedy : str
        What a user of the feed can do.
    lenient : bool, default=False
        Whether amounts that are a decade off are taken for unknown, as for a run that may read none of them; whoever
        does read them is refused as where a file has none.

    Returns
    -------
    bars : Bars
        The same, or without amounts.
    remark : str
        What is wrong where that is no reason to refuse; empty where nothing is.

    Raises
    ------
    DataError
        Where the cause is plain: the two swapped, contracts, thousands and other decades.

    Notes
    -----
    A few such bars among many are damage, which the audit finds; most of them are a wrong unit. Where low, high, volume
    or quote volume is not known nothing is checked.
    """
    quote, base = bars["quote_volume"], bars["volume"]
    outside, known = _outside(bars.columns, quote, base)
    wrong = int(np.count_nonzero(outside))
    if 2 * wrong <= known:
        return bars, ""
    i = int(np.flatnonzero(outside)[0])
    text = (
        f"quote_volume over volume is {quote[i] / base[i]:.8g} in the bar of {iso(int(bars['open_time'][i]))}, whose "
        f"prices are {bars['low'][i]:.8g} to {bars['high'][i]:.8g}, and outside them in {wrong:,} bars of {known:,}"
    )
    if cause := _cause(bars.columns, quote, base):
        raise DataError(f"{bars.source}: {text}: {cause}; {remedy}")
    if decade := _decade(bars.columns, quote, base):
        if not lenient:
            raise DataError(f"{bars.source}: {text}: {decade}; {remedy}")
        unknown = {name: np.full(len(bars), np.nan) for name in _AMOUNTS if bars.carries(name)}
        return bars.assign(**unknown), f"{text}: {decade}; all amounts are taken for unknown; {remedy}"
    return bars, f"{text}: one of the two is in another unit than quote and base currency"


def wrong_amounts(columns: Columns) -> str:
    """By which power of ten quote volume or volume is off in most bars; empty where the two make a price.

    Examples
    --------
    >>> figures = {"low": [9.0], "high": [10.0], "volume": [5.0], "quote_volume": [4750.0]}
    >>> wrong_amounts({name: np.array(values) for name, values in figures.items()})
    'one of the two is 100 times what it should be, as contracts of another size are'
    """
    quote, base = columns["quote_volume"], columns["volume"]
    if _fits(columns, quote, base) or _cause(columns, quote, base):
        return ""
    return _decade(columns, quote, base)


def _cause(columns: Columns, quote: NDArray[Any], base: NDArray[Any]) -> str:
    """Why quote over base is no price, where one cause makes a price of it in most bars."""
    if _fits(columns, base, quote):
        return "the two are swapped"
    if any(_fits(columns, base * size, quote) for size in _CONTRACTS):
        return "volume counts coin-margined contracts, quote_volume is base currency"
    return ""


def _decade(columns: Columns, quote: NDArray[Any], base: NDArray[Any]) -> str:
    """By which power of ten quote or base is off, where one makes a price of the two in most bars."""
    for k in range(1, 9):
        for factor in (10.0**k, 10.0**-k):
            if _fits(columns, quote * factor, base):
                return f"one of the two is {10**k:,} times what it should be, as contracts of another size are"
    return ""


def contract_of(columns: Columns) -> float | None:
    """Size of the contracts that ``volume`` counts where ``quote_volume`` is their base amount, else None.

    Examples
    --------
    >>> figures = {"low": [9000.0], "high": [9100.0], "volume": [91.0], "quote_volume": [1.0055]}
    >>> contract_of({name: np.array(values) for name, values in figures.items()})
    100.0
    """
    base, contracts = columns["quote_volume"], columns["volume"]
    outside, known = _outside(columns, base, contracts)
    if 2 * np.count_nonzero(outside) <= known or _fits(columns, contracts, base):
        return None
    return next((size for size in _CONTRACTS if _fits(columns, contracts * size, base)), None)


def _fits(columns: Columns, quote: NDArray[Any], base: NDArray[Any]) -> bool:
    """Whether ``quote`` over ``base`` is a price between low and high in most bars."""
    outside, known = _outside(columns, quote, base)
    return 2 * int(np.count_nonzero(outside)) <= known


def _outside(columns: Columns, quote: NDArray[Any], base: NDArray[Any]) -> tuple[NDArray[np.bool_], int]:
    """Bars in which ``quote`` over ``base`` is no price between low and high, and of how many that is known."""
    low, high = columns["low"], columns["high"]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = quote / base
        known = (quote > 0) & (base > 0) & (low > 0) & (high >= low)
        return known & ((mean < low * (1 - _SLACK)) | (mean > high * (1 + _SLACK))), int(np.count_nonzero(known))

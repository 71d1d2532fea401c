"""Which engine runs a config, and which one did."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from .cerebro import FastCerebro

STOCK, FAST = "stock", "backtrader"


def make_cerebro(engine: str) -> Any:
    """A Cerebro for ``engine``: ``stock`` is backtrader's own, ``backtrader`` and ``auto`` the fast one."""
    return (bt.Cerebro if engine == STOCK else FastCerebro)(stdstats=False)


def what_ran(cerebro: Any) -> tuple[str, str]:
    """The engine that a finished run used, and why, in words.

    Examples
    --------
    >>> what_ran(make_cerebro("stock"))
    ('stock', 'it was asked for')
    """
    if not isinstance(cerebro, FastCerebro):
        return STOCK, "it was asked for"
    if cerebro.reason:
        return STOCK, cerebro.reason
    if cerebro.skipping:
        return FAST, "the strategy says ahead on which bars it can act; the others were left out"
    return FAST, "neither its feeds nor its strategy ask for more than that"

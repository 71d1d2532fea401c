"""Which engine ran and why, for who trades and does not program."""

from __future__ import annotations

RAN = {
    "compiled": "the quickest",
    "backtrader": "backtrader, without the bars on which nothing can happen",
    "stock": "backtrader as it comes",
}
"""What each engine is."""


def ran_by(engine: str, reason: str) -> str:
    """Which engine ran and why, and that none of them changes what came out.

    >>> ran_by("stock", "it was asked for")
    'engine stock (backtrader as it comes): it was asked for; every engine gives the same orders and figures'
    """
    return f"engine {engine} ({RAN[engine]}): {reason}; every engine gives the same orders and figures"

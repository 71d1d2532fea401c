"""Names that a catalog files rows under: the symbol from a file's name, venue and kind from its feed's."""

from __future__ import annotations

import re
from pathlib import Path

from ...core.errors import DataError

_NAMED = re.compile(r"([A-Z0-9_]+)-(?:aggTrades|trades|\d+(?:[smhdw]|mo))(?=[-.])")


def symbol_of(path: Path) -> str:
    """The symbol in the name of a dump: the last run of capitals and digits before ``-aggTrades`` and its like."""
    found: list[str] = [hit.strip("_") for hit in _NAMED.findall(path.name) if hit.strip("_")]
    if not found:
        raise DataError(f"{path}: no symbol in its name, as in BTCUSDT-aggTrades-2024-01-31.zip; give --symbol")
    return found[-1]


def venue_of(cls: type) -> str:
    """The venue that a feed says it reads, else the first word of its name.

    >>> class BinanceTrades: ...
    >>> venue_of(BinanceTrades)
    'binance'
    """
    said: str = getattr(cls, "venue", "") or _words(cls.__name__)[0].lower()
    return said


def kind_of(cls: type) -> str:
    """What a tape feed calls its trades: its name without the first word.

    >>> class BinanceAggTrades: ...
    >>> kind_of(BinanceAggTrades)
    'aggTrades'
    """
    rest = "".join(_words(cls.__name__)[1:])
    return rest[:1].lower() + rest[1:] or "trades"


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name) or [name]

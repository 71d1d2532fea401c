"""The money of an account: what it is kept in, and how many decimals its amounts need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..backtest.results.decimals import decimals
from .html import number

_COIN = re.compile(r"(?:^|[^A-Z0-9])([A-Z0-9]{2,12}?)[-_/]?USD(?![A-Z])")
"""A contract settled in coin is that coin against the dollar: BTCUSD_PERP, BTC-USD-SWAP, XBTUSD."""


@dataclass(frozen=True)
class Money:
    """How amounts of an account are written.

    Parameters
    ----------
    unit : str
        Behind an amount that stands alone; empty for quote currency, which is what amounts are unless they say so.
    name : str
        In a sentence.
    decimals : int
        Of an amount.
    size : str
        What a position is counted in.

    Examples
    --------
    >>> coin = Money("BTC", "BTC, the coin that the account is kept in", 6, "contracts")
    >>> coin.alone(-0.0247), coin.plain(0.5), Money().alone(1234.5, signed=True)
    ('−0.024700 BTC', '0.500000', '+1,234.50')
    """

    unit: str = ""
    name: str = "quote currency"
    decimals: int = 2
    size: str = "base"

    def plain(self, value: object, *, signed: bool = False) -> str:
        """An amount whose unit its surroundings tell."""
        return number(value, self.decimals, signed=signed)

    def alone(self, value: object, *, signed: bool = False) -> str:
        """An amount with its unit."""
        return number(value, self.decimals, f" {self.unit}" if self.unit else "", signed=signed)

    def titled(self, title: str) -> str:
        """A heading over amounts.

        >>> Money().titled("fees"), Money("BTC").titled("fees")
        ('fees', 'fees, BTC')
        """
        return f"{title}, {self.unit}" if self.unit else title


def money_of(result: Mapping[str, Any], lock: Mapping[str, Any] | None = None) -> Money:
    """The money of a run, as its result and its lock tell.

    Parameters
    ----------
    result : mapping
        ``result.json``.
    lock : mapping, optional
        ``run.lock``; it knows the coin's name where the feed or its files have the symbol in theirs.

    Examples
    --------
    >>> money_of({"currency": "coin", "initial_cash": 2.0})
    Money(unit='coin', name='coin, which the account is kept in', decimals=6, size='contracts')
    """
    block = _traded(lock or {})
    if result.get("currency", "") != "coin" and (block.get("instrument") or {}).get("margin") != "inverse":
        return Money()
    coin = _coin(block, lock or {})
    said = f"{coin}, the coin that the account is kept in" if coin else "coin, which the account is kept in"
    return Money(coin or "coin", said, decimals("coin", result.get("initial_cash")), "contracts")


def _traded(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    blocks = (lock.get("config") or {}).get("data") or {}
    return next(iter(blocks.values()), {}) or {}


def _coin(block: Mapping[str, Any], lock: Mapping[str, Any]) -> str:
    """The name of the coin, where a symbol or the names of the files that were read have one and the same."""
    files = [Path(str(x.get("path", ""))).name for x in lock.get("inputs") or [] if x.get("data") != "funding"]
    texts = [str(block["symbol"])] if block.get("symbol") else files
    found = {hit[1] for text in texts if (hit := _COIN.search(text.upper()))}
    return found.pop() if len(found) == 1 else ""

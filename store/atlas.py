"""Atlas' universal symbols, such as ``perpetual-BTC-USDT:USDT``, and how venues write the same market."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.errors import ParamError

_FORM = re.compile(r"(spot|perpetual|future)-([A-Z0-9]+)-([A-Z0-9]+)(?::([A-Z0-9]+))?(?:-(\d{8}))?")


@dataclass(frozen=True)
class Atlas:
    """A market in Atlas' notation: ``<type>-<base>-<quote>[:<margin>][-<YYYYMMDD>]``.

    Parameters
    ----------
    kind : str
        ``spot``, ``perpetual`` or ``future``.
    base, quote : str
        Currencies.
    margin : str
        What positions are settled in; empty on spot.
    expiry : str
        Day on which a future ends, as ``20260327``; else empty.
    """

    kind: str
    base: str
    quote: str
    margin: str = ""
    expiry: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Atlas | None:
        """From text; None where it is no such symbol, as one that a venue writes in its own way.

        Examples
        --------
        >>> Atlas.parse("perpetual-BTC-USDT:USDT")
        Atlas(kind='perpetual', base='BTC', quote='USDT', margin='USDT', expiry='')
        >>> Atlas.parse("BTC-USDT-SWAP"), Atlas.parse("perpetual-BTC-USDT")
        (None, None)
        """
        hit = _FORM.fullmatch(text or "")
        if not hit or (hit[1] == "spot") != (hit[4] is None) or (hit[1] == "future") != (hit[5] is not None):
            return None
        return cls(*(part or "" for part in hit.groups()))

    @property
    def inverse(self) -> bool:
        """Whether positions are settled in the base currency."""
        return self.kind != "spot" and self.margin == self.base

    def fits(self, market: str) -> bool:
        """Whether a catalog's ``market`` may hold it: ``spot``, ``um`` and ``cm`` are told apart, others are not."""
        known = {"spot": self.kind == "spot", "um": self.kind != "spot" and not self.inverse, "cm": self.inverse}
        return known.get(market, self.kind != "spot")

    @property
    def market(self) -> str:
        """What Binance calls its market: ``spot``, ``um`` or ``cm``."""
        return "spot" if self.kind == "spot" else "cm" if self.inverse else "um"

    @property
    def names(self) -> tuple[str, ...]:
        """How venues write it: Binance and Bybit, OKX, Coinbase, Kraken and BitMEX.

        Examples
        --------
        >>> Atlas.parse("perpetual-BTC-USDT:USDT").names
        ('BTCUSDT', 'BTC-USDT-SWAP')
        >>> Atlas.parse("perpetual-BTC-USD:BTC").names, Atlas.parse("future-BTC-USDT:USDT-20260327").names
        (('BTCUSD_PERP', 'BTC-USD-SWAP', 'BTCUSD', 'XBTUSD'), ('BTCUSDT_260327', 'BTC-USDT-260327'))
        """
        joined, hyphened = f"{self.base}{self.quote}", f"{self.base}-{self.quote}"
        if self.kind == "spot":
            return joined, hyphened, f"{self.base}/{self.quote}"
        if self.kind == "future":
            return f"{joined}_{self.expiry[2:]}", f"{hyphened}-{self.expiry[2:]}"
        if not self.inverse:
            return joined, f"{hyphened}-SWAP"
        old = ("XBTUSD",) if joined == "BTCUSD" else ()
        return (f"{joined}_PERP", f"{hyphened}-SWAP", joined, *old)


def names_of(symbol: str) -> tuple[str, ...]:
    """What a symbol that a user writes may be called in files: itself, and of one in Atlas' notation all names.

    >>> names_of("BTCUSDT"), names_of("spot-ETH-BTC")
    (('BTCUSDT',), ('spot-ETH-BTC', 'ETHBTC', 'ETH-BTC', 'ETH/BTC'))
    """
    atlas = Atlas.parse(symbol)
    return (symbol, *atlas.names) if atlas else (symbol,)


def as_venue(symbol: str, venue: str, market: str = "", named: str = "", *, pair: bool = False) -> str:
    """A symbol as its venue writes it; one that is not in Atlas' notation stays as it is.

    Parameters
    ----------
    symbol : str
        As a user writes it.
    venue : str
        Such as ``binance``.
    market : str
        ``spot``, ``um`` or ``cm``, where that is known.
    named : str
        The symbol in a file's name, where there is one; it is believed where it is of the same market.
    pair : bool
        Whether the pair is wanted rather than its contract.

    Raises
    ------
    ParamError
        If the market cannot hold it, or nothing tells how the venue writes it.

    Examples
    --------
    >>> as_venue("perpetual-BTC-USDT:USDT", "binance", "um"), as_venue("perpetual-BTC-USDT:USDT", "okx")
    ('BTCUSDT', 'BTC-USDT-SWAP')
    >>> as_venue("BTCUSDT", "binance"), as_venue("perpetual-BTC-USD:BTC", "bitmex")
    ('BTCUSDT', 'XBTUSD')
    """
    atlas = Atlas.parse(symbol)
    if atlas is None:
        return symbol
    if market in ("spot", "um", "cm") and not atlas.fits(market):
        raise ParamError(f"symbol '{symbol}' is no market of {market}; it is one of {atlas.market}")
    if named in atlas.names:
        return named
    own = {"binance": 0, "bybit": 2 * (atlas.inverse and atlas.kind == "perpetual"), "okx": 1, "coinbase": 1}
    if pair:
        return f"{atlas.base}{atlas.quote}"
    if venue in own:
        return atlas.names[own[venue]]
    if venue == "bitmex" and atlas.names[-1] == "XBTUSD":
        return "XBTUSD"
    raise ParamError(f"symbol '{symbol}': how {venue} writes it is not known; give its own, as in {atlas.names[0]}")

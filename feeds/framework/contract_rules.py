"""What the sizes of a market count, by the public rules of its venue: base currency, or contracts of what size."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...store.names import MONTHS

_MONTH = f"[{MONTHS}]"
_COIN = "100 quote currency for BTC, 10 for all others"
_BY_COIN = -1.0
"""A size of 100 where BTC is the base, 10 elsewhere, as several venues write their coin-margined contracts."""


@dataclass(frozen=True)
class Terms:
    """What the sizes of one market count.

    Parameters
    ----------
    contracts : str
        ``none`` (base currency), ``linear`` or ``inverse``; empty where they are contracts and no rule says which.
    size : float or None
        Base currency (linear) or quote currency (inverse) in one contract; None where it is each market's own.
    rule : str
        The rule, in words.
    """

    contracts: str
    size: float | None = None
    rule: str = ""


_NONE = Terms("none")
_ASK = (".*", "", None, "")
_COIN_MARGINED = r"([A-Z0-9]+)USD_(?:PERP|\d{6})"
_RULES: dict[str, tuple[tuple[str, str, float | None, str], ...]] = {
    "binance-delivery": ((_COIN_MARGINED, "inverse", _BY_COIN, _COIN),),
    "bitmex": ((rf"XBTUSD|XBT{_MONTH}\d\d", "inverse", 1.0, "1 USD"), _ASK),
    "bybit": ((rf"[A-Z0-9]+USD(?:{_MONTH}\d\d)?", "inverse", 1.0, "1 USD"),),
    "okx": (
        (r"([A-Z0-9]+)-USD-(?:SWAP|\d{6})", "inverse", _BY_COIN, _COIN),
        (r"[A-Z0-9]+-USD[CT]-(?:SWAP|\d{6})", "linear", None, "ctVal of OKX, 0.01 for BTC-USDT-SWAP"),
        (r".*-(?:SWAP|\d{6})(?:-.*)?", "", None, "ctVal of OKX"),
    ),
    "deribit": ((r"[A-Z0-9]+-(?:PERPETUAL|\d{1,2}[A-Z]{3}\d\d)", "inverse", 1.0, "1 USD"),),
    "huobi-dm": ((r"([A-Z0-9]+)[_-].*", "inverse", _BY_COIN, _COIN), _ASK),
    "cryptofacilities": (("(?:PI|FI)_.*", "inverse", 1.0, "1 USD"), ("(?:PF|FF)_.*", "none", None, ""), _ASK),
    **dict.fromkeys(
        (
            "huobi-dm-linear-swap",
            "huobi-dm-options",
            "gate-io-futures",
            "kucoin-futures",
            "phemex",
            "delta",
            "bitnomial",
            "okex-options",
        ),
        (_ASK,),
    ),
}
_RULES["huobi-dm-swap"] = _RULES["huobi-dm"]
_RULES |= dict.fromkeys(("okex", "okex-swap", "okex-futures"), _RULES["okx"])
IN_BASE = frozenset(
    [
        "ascendex",
        "binance",
        "binance-dex",
        "binance-futures",
        "binance-jersey",
        "binance-us",
        "bitfinex",
        "bitfinex-derivatives",
        "bitflyer",
        "bitget",
        "bitstamp",
        "blockchain-com",
        "bullish",
        "bybit-spot",
        "coinbase",
        "coinbase-international",
        "crypto-com",
        "crypto-com-derivatives",
        "dydx",
        "dydx-v4",
        "ftx",
        "ftx-us",
        "gate-io",
        "gemini",
        "hitbtc",
        "huobi",
        "hyperliquid",
        "kraken",
        "kucoin",
        "mango",
        "okcoin",
        "poloniex",
        "serum",
        "star-atlas",
        "upbit",
        "woo-x",
    ]
)
"""Exchanges, as Tardis calls them, whose amounts are base currency."""
_ANYWHERE = re.compile(rf"{_COIN_MARGINED}|[A-Z0-9]+-USD[A-Z]?-SWAP", re.IGNORECASE)
"""Symbols that are of contracts whoever wrote the file."""
_IN_A_NAME = re.compile(
    r"(?<![A-Z0-9])(?:[A-Z0-9]+-USD[A-Z]?-(?:SWAP|\d{6})|[A-Z0-9]+USD_(?:PERP|\d{6}))(?![A-Z0-9])", re.IGNORECASE
)


def terms_of(venue: str, symbol: str) -> Terms | None:
    """What sizes of ``symbol`` count at ``venue``; None where nothing is known of either.

    Parameters
    ----------
    venue : str
        As Tardis calls exchanges: ``okex-swap``, ``bitmex``, …; or the venue that a feed reads.
    symbol : str
        As the venue writes it.

    Examples
    --------
    >>> terms_of("okx", "BTC-USD-SWAP")
    Terms(contracts='inverse', size=100.0, rule='100 quote currency for BTC, 10 for all others')
    >>> terms_of("bitmex", "ETHUSD").contracts, terms_of("bybit", "BTCUSDT").contracts, terms_of("mine", "BTCUSDT")
    ('', 'none', None)
    """
    if venue in IN_BASE and not _ANYWHERE.fullmatch(symbol):
        return _NONE
    if venue not in _RULES:
        return Terms("") if _ANYWHERE.fullmatch(symbol) else None
    if not symbol:
        return None
    for pattern, contracts, size, rule in _RULES[venue]:
        if hit := re.fullmatch(pattern, symbol, re.IGNORECASE):
            return Terms(contracts, coin_size(hit[1]) if size == _BY_COIN else size, rule)
    return _NONE


def contract_in(name: str) -> str:
    """The symbol of a contract that stands somewhere in the name of a file; empty where none does.

    >>> contract_in("okx_BTC-USDT-SWAP_trades"), contract_in("BTC-USDT-trades-2024-01-01")
    ('BTC-USDT-SWAP', '')
    """
    hit = _IN_A_NAME.search(name)
    return hit[0].upper() if hit else ""


def coin_size(base: str) -> float:
    """Quote currency in one coin-margined contract of Binance, OKX and Huobi: 100 for BTC, 10 for all others.

    >>> coin_size("BTC"), coin_size("ETH")
    (100.0, 10.0)
    """
    return 100.0 if base.upper() == "BTC" else 10.0

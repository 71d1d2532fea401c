"""Names that a catalog files rows under: the symbol from a file's name, venue and kind from its feed's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..core.errors import DataError

_HYPHENED = r"[A-Z0-9]*[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+"
_NAMED = re.compile(rf"({_HYPHENED}|[A-Z0-9_]+)-(aggTrades|trades|\d+(?:[smhdw]|mo))(?=[-.])")
_DAY = r"\d{4}-\d{2}(?:-\d{2})?"
_BEFORE_DAY = re.compile(rf"([A-Z0-9]*[A-Z][A-Z0-9]*?(?:-[A-Z0-9]+?)*)[-_]?{_DAY}\.")
_PAIRED = re.compile(
    r"(?<![A-Z0-9])[A-Z0-9]*[A-Z][A-Z0-9]*?[-_]?(?:USDT|USDC|BUSD|FDUSD|TUSD|USD|EUR|GBP|JPY|KRW|TRY|BRL|BTC|ETH|BNB)"
    r"(?:[-_](?:PERP|SWAP|PERPETUAL))?(?![A-Z0-9])"
)
_JOINED = re.compile(
    r"(?<![a-z0-9])[a-z0-9]*[a-z][a-z0-9]*(?:[-_]?(?:usdt|usdc|busd)|[-_](?:usd|eur|gbp|jpy|krw|btc|eth))(?![a-z0-9])"
)
"""Names of somebody's own; in lower case fewer, since words end in usd, eth or try too."""
MONTHS = "FGHJKMNQUVXZ"
"""What the names of futures call the months."""
_CONTRACT = re.compile(rf"([A-Z0-9]{{1,4}}?)[{MONTHS}](?:20)?\d{{1,2}}")
_CONTRACT_FILE = re.compile(
    rf"(?<![A-Z0-9])(?:([A-Z0-9]{{1,4}})[{MONTHS}](?:20)?\d\d(?![A-Z0-9])"
    r"|([A-Z0-9]{1,4}) \d\d-\d\d\.(?:Last|Bid|Ask)\.)"
)
"""Of a file the year has two digits, since M1 and H4 are lengths of bars too; or it is named as NinjaTrader does."""
_BEHIND_DAY = re.compile(rf"_trades_{_DAY}_([A-Za-z0-9-]+)\.")


class Named(NamedTuple):
    """What the name of a dump says; empty where it says nothing.

    Parameters
    ----------
    symbol : str
        As its venue writes it.
    kind : str
        ``aggTrades``, ``trades``, or the interval of klines.
    """

    symbol: str = ""
    kind: str = ""


def named(path: Path, pattern: str = "") -> Named:
    """What the name of a file says of its rows: what stands before ``-aggTrades`` and its like, or beside the day.

    Parameters
    ----------
    path : Path
        The file.
    pattern : str
        Of names that a provider writes in its own way: the symbol as its first group, the kind as its second.

    >>> named(Path("BTCUSDT-1m-2024-01.zip")), named(Path("mine.csv"))
    (Named(symbol='BTCUSDT', kind='1m'), Named(symbol='', kind=''))
    """
    if pattern and (hit := re.fullmatch(pattern, path.name)):
        return Named(hit[1], hit[2] or "")
    found = [(hit.strip("_"), kind) for hit, kind in _NAMED.findall(path.name) if hit.strip("_")]
    if found:
        return Named(*found[-1])
    beside = _BEHIND_DAY.search(path.name) or _BEFORE_DAY.match(path.name)
    return Named(beside[1]) if beside else Named()


def market_in(path: Path) -> str:
    """The market that a name of anybody's own spells, letters and digits alone; empty where it spells none.

    >>> [market_in(Path(name)) for name in ("my_BTCUSDT.csv", "btc-usd_2024.csv", "bars_ETH_EUR.csv", "country.csv")]
    ['BTCUSDT', 'BTCUSD', 'ETHEUR', '']
    """
    hit = _PAIRED.search(path.name) or _JOINED.search(path.name)
    return re.sub(r"[^A-Z0-9]", "", hit[0].upper()) if hit else ""


def contracts_of_one_root(symbols: Iterable[str]) -> str:
    """The root of which some of ``symbols`` are contracts, by the month and year behind it; empty for none.

    >>> contracts_of_one_root(["ESH24", "ESM24"]), contracts_of_one_root(["ESH4", "NQH4"]), contracts_of_one_root(["A"])
    ('ES', '', '')
    """
    roots = Counter(hit[1] for symbol in set(symbols) if (hit := _CONTRACT.fullmatch(symbol)))
    return next((root for root, count in roots.items() if count > 1), "")


def contract_in(path: Path) -> tuple[str, str]:
    """The root and the contract that the name of a file spells; empty where it spells none.

    >>> [contract_in(Path(name)) for name in ("ESH24.csv", "ES 03-24.Last.txt", "EURUSDM15.csv", "bars.csv")]
    [('ES', 'ESH24'), ('ES', 'ES 03-24'), ('', ''), ('', '')]
    """
    hit = _CONTRACT_FILE.search(path.name)
    return (hit[1] or hit[2], hit[0].partition(".")[0]) if hit else ("", "")


def symbol_of(path: Path) -> str:
    """The symbol in the name of a dump: what its venue writes before ``-aggTrades`` and its like, or beside the day.

    Raises
    ------
    DataError
        If there is none.

    Examples
    --------
    >>> names = ["spot_BTCUSDT-1m-2024-01.zip", "BTC-USDT-SWAP-trades-2024-01-31.zip", "BTCUSDT2024-01-31.csv.gz"]
    >>> [symbol_of(Path(name)) for name in (*names, "deribit_trades_2024-01-31_BTC-PERPETUAL.csv.gz")]
    ['BTCUSDT', 'BTC-USDT-SWAP', 'BTCUSDT', 'BTC-PERPETUAL']
    """
    symbol = named(path).symbol
    if not symbol:
        raise DataError(f"{path}: no symbol in its name, as in BTCUSDT-aggTrades-2024-01-31.zip; give --symbol")
    return symbol


def venue_of(cls: type) -> str:
    """The venue that a feed says it reads, else the first word of its name.

    >>> class BinanceTrades: ...
    >>> venue_of(BinanceTrades)
    'binance'
    """
    said: str = getattr(cls, "venue", "") or _words(cls.__name__)[0].lower()
    return said


def kind_of(cls: type) -> str:
    """What a tape feed calls its trades: its name without the venue, or without the first word.

    >>> class BinanceAggTrades: ...
    >>> kind_of(BinanceAggTrades)
    'aggTrades'
    """
    name, venue = cls.__name__, venue_of(cls)
    rest = name[len(venue) :] if name.lower().startswith(venue) else "".join(_words(name)[1:])
    return rest[:1].lower() + rest[1:] or "trades"


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name) or [name]

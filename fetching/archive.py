"""What Binance's public archive holds: which files answer a wish for market data, and where they lie."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from ..core.clock import iso, parse_time
from ..core.errors import ParamError, unknown

SITE = "https://data.binance.vision"
MARKETS = {"spot": "spot", "um": "futures/um", "cm": "futures/cm"}
"""Folder of each market: spot, USD-margined and coin-margined futures."""
GRAINS = ("auto", "daily", "monthly")
INTERVALS = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1mo")
_MONTHLY_INTERVALS = ("3d", "1w", "1mo")
_FUTURES = ("um", "cm")


@dataclass(frozen=True)
class DataKind:
    """One type of data in the archive.

    Parameters
    ----------
    markets : tuple of str
        The markets that have it.
    daily, monthly : bool
        Whether there is a file a day, and one a month.
    interval : bool
        Whether its files are made for an interval.
    """

    markets: tuple[str, ...] = tuple(MARKETS)
    daily: bool = True
    monthly: bool = True
    interval: bool = False


KINDS = {
    "aggTrades": DataKind(),
    "trades": DataKind(),
    "klines": DataKind(interval=True),
    "markPriceKlines": DataKind(_FUTURES, interval=True),
    "indexPriceKlines": DataKind(_FUTURES, interval=True),
    "premiumIndexKlines": DataKind(_FUTURES, interval=True),
    "bookTicker": DataKind(_FUTURES),
    "bookDepth": DataKind(_FUTURES, monthly=False),
    "metrics": DataKind(_FUTURES, monthly=False),
    "fundingRate": DataKind(_FUTURES, daily=False),
    "liquidationSnapshot": DataKind(("cm",)),
}


@dataclass(frozen=True)
class Dump:
    """One file of the archive.

    Parameters
    ----------
    market, kind, symbol : str
        Whose data it holds, and which.
    interval : str or None
        Of klines.
    period : str
        The day or month in UTC, ``2024-01-31`` or ``2024-01``.
    instead : tuple of Dump
        What holds the same when the archive does not have this one.

    Examples
    --------
    >>> dump = Dump("um", "klines", "BTCUSDT", "1m", "2024-01-31")
    >>> dump.url
    '/data/futures/um/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-31.zip'
    >>> dump.place
    'um/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01-31.zip'
    """

    market: str
    kind: str
    symbol: str
    interval: str | None
    period: str
    instead: tuple[Dump, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.symbol}-{self.interval or self.kind}-{self.period}.zip"

    @property
    def url(self) -> str:
        """Its path on the site."""
        grain = "daily" if len(self.period) == 10 else "monthly"
        return "/".join(["/data", MARKETS[self.market], grain, quote(self._of), quote(self.name)])

    @property
    def place(self) -> str:
        """Its path below the folder of downloads: days and months of one series lie side by side."""
        return f"{self.market}/{self._of}/{self.name}"

    @property
    def _of(self) -> str:
        return "/".join(filter(None, (self.kind, self.symbol, self.interval)))


@dataclass(frozen=True)
class ArchiveRequest:
    """Market data asked for.

    Parameters
    ----------
    market : str
        ``spot``, ``um`` (USD-margined futures) or ``cm`` (coin-margined).
    kind : str
        A type of `KINDS`.
    symbols : tuple of str
        As the exchange writes them: ``BTCUSDT``, ``BTCUSD_PERP``.
    start, end : date
        First and last day in UTC, both included.
    interval : str or None
        Of klines: one of `INTERVALS`.
    grain : str
        ``daily`` or ``monthly`` files; ``auto`` takes a month where all of it is asked for and days elsewhere.

    Raises
    ------
    ParamError
        Naming what cannot be had and what can.
    """

    market: str
    kind: str
    symbols: tuple[str, ...]
    start: date
    end: date
    interval: str | None = None
    grain: str = "auto"

    def __post_init__(self) -> None:
        if self.market not in MARKETS:
            raise ParamError(unknown("market", self.market, MARKETS))
        if self.kind not in KINDS:
            raise ParamError(unknown("type", self.kind, self._kinds()))
        if self.kind not in self._kinds():
            raise ParamError(f"{self.market} has no {self.kind} (allowed: {', '.join(self._kinds())})")
        if self.start > self.end:
            raise ParamError(f"from {self.start} is after to {self.end}")
        for symbol in self.symbols:
            check_symbol(self.market, symbol, pair=self.kind == "indexPriceKlines")
        self._check_interval()
        self._check_grain()

    def dumps(self, begun: Callable[[Dump], bool], there: Callable[[Dump], bool]) -> list[Dump]:
        """The files to have.

        So that no trade is ever there twice, ``auto`` goes on in days where days of a month were ``begun``, and
        takes a month's file that is ``there``.

        Parameters
        ----------
        begun, there : callable
            Whether a file, or a part of it, and whether all of it, is in the folder of downloads.
        """
        return [dump for symbol in dict.fromkeys(self.symbols) for dump in self._of(symbol, begun, there)]

    def _of(self, symbol: str, begun: Callable[[Dump], bool], there: Callable[[Dump], bool]) -> Iterator[Dump]:
        for month, days in _months(self.start, self.end):
            daily = tuple(self._dump(symbol, day.isoformat()) for day in days)
            if self._grain == "daily":
                yield from daily
                continue
            whole = len(days) == calendar.monthrange(days[0].year, days[0].month)[1]
            if self._grain == "monthly":
                yield self._dump(symbol, month)
            elif there(monthly := self._dump(symbol, month, daily)) or (whole and not any(map(begun, daily))):
                yield monthly
            else:
                yield from daily

    def _dump(self, symbol: str, period: str, instead: tuple[Dump, ...] = ()) -> Dump:
        return Dump(self.market, self.kind, symbol, self.interval, period, instead)

    @property
    def _grain(self) -> str:
        """What ``auto`` comes to where there is no choice."""
        if self.interval in _MONTHLY_INTERVALS or not KINDS[self.kind].daily:
            return "monthly"
        return self.grain if KINDS[self.kind].monthly else "daily"

    def _kinds(self) -> list[str]:
        return [name for name, kind in KINDS.items() if self.market in kind.markets]

    def _check_interval(self) -> None:
        allowed = [i for i in INTERVALS if i != "1s" or self.market == "spot"]
        if not KINDS[self.kind].interval:
            if self.interval is not None:
                raise ParamError(f"{self.kind} has no interval; only klines do")
        elif self.interval is None:
            raise ParamError(f"{self.kind}: say the interval, as in 1m (allowed: {', '.join(allowed)})")
        elif self.interval not in allowed:
            raise ParamError(f"{self.market} has no interval '{self.interval}' (allowed: {', '.join(allowed)})")

    def _check_grain(self) -> None:
        if self.grain not in GRAINS:
            raise ParamError(unknown("grain", self.grain, GRAINS))
        if self.grain not in ("auto", self._grain):
            what = f"{self.kind} of {self.interval}" if self.interval else self.kind
            raise ParamError(f"{what} is not there in {self.grain} files (allowed: auto, {self._grain})")


def check_symbol(market: str, symbol: str, *, pair: bool = False) -> None:
    """Refuse a symbol that the market cannot have.

    Parameters
    ----------
    pair : bool
        Whether coin-margined data goes by the pair, ``BTCUSD``, rather than the contract.

    Raises
    ------
    ParamError
        With how symbols of that market are written.
    """
    like = "BTCUSDT" if market != "cm" else "BTCUSD" if pair else "BTCUSD_PERP"
    parts = symbol.split("_")
    most = 1 if market == "spot" or (market == "cm" and pair) else 2
    least = 2 if market == "cm" and not pair else 1
    if not least <= len(parts) <= most or not all(part.isalnum() for part in parts):
        raise ParamError(f"symbol '{symbol}' is none of {market}; they are written as {like}")
    if symbol != symbol.upper():
        raise ParamError(f"symbol '{symbol}' must be in capitals: {symbol.upper()}")


def parse_day(text: str, *, last: bool = False) -> date:
    """A day, ``2024-01-31``; of a month, ``2024-01``, the first, or the ``last``; of seconds since 1970, that of then.

    Raises
    ------
    ValueError
        If ``text`` is neither.

    Examples
    --------
    >>> parse_day("2024-02"), parse_day("2024-02", last=True)
    (datetime.date(2024, 2, 1), datetime.date(2024, 2, 29))
    """
    try:
        if re.fullmatch(r"\d{9,}", text):
            return date.fromisoformat(iso(parse_time(text))[:10])
        if re.fullmatch(r"\d{4}-\d\d", text):
            first = date.fromisoformat(f"{text}-01")
            return first.replace(day=calendar.monthrange(first.year, first.month)[1]) if last else first
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"'{text}' is no day; write it as 2024-01-31, or 2024-01 for a month")


def _months(start: date, end: date) -> Iterator[tuple[str, list[date]]]:
    """Each month from ``start`` to ``end`` with its days in between."""
    days: list[date] = []
    for n in range((end - start).days + 1):
        day = start + timedelta(n)
        if days and day.month != days[-1].month:
            yield f"{days[0]:%Y-%m}", days
            days = []
        days.append(day)
    yield f"{days[0]:%Y-%m}", days

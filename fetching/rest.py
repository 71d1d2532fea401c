"""Aggregate trades from Binance's REST API, page after page, into the JSON that its feed reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode

from ..core.errors import DataError, ParamError, unknown
from .archive import MARKETS, check_symbol
from .http import FetchError, Http, NotFound, Refused, Stopped
from .transfer import Fetched, Unwatched, Watch, claimed, digest, guarded, put, side_by_side

SITES = {"spot": "https://api.binance.com", "um": "https://fapi.binance.com", "cm": "https://dapi.binance.com"}
PATHS = {"spot": "/api/v3/aggTrades", "um": "/fapi/v1/aggTrades", "cm": "/dapi/v1/aggTrades"}
PAGE = 1000
"""Trades in one answer, the most that the API gives."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
Row = dict[str, Any]


@dataclass(frozen=True)
class Span:
    """The aggregate trades of one symbol within one UTC day: one file.

    Parameters
    ----------
    market, symbol : str
        Whose trades.
    start, end : int
        Epoch milliseconds, the last one excluded.

    Examples
    --------
    >>> Span("um", "BTCUSDT", 1704067200000, 1704153600000).place
    'um/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.json'
    >>> Span("um", "BTCUSDT", 1704067200000, 1704067500000).place
    'um/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01T000000-000500.json'
    """

    market: str
    symbol: str
    start: int
    end: int

    @property
    def place(self) -> str:
        """The file's path below the folder of downloads; what is not a whole day has its times in its name."""
        first, last = _when(self.start), _when(self.end)
        whole = last - first == timedelta(days=1)
        times = "" if whole else f"T{_clock(first)}-{_clock(last) if last.date() == first.date() else '240000'}"
        return f"{self.market}/aggTrades/{self.symbol}/{self.symbol}-aggTrades-{first:%Y-%m-%d}{times}.json"


def spans(market: str, symbols: tuple[str, ...], start: int, end: int) -> list[Span]:
    """What ``start`` to ``end``, epoch milliseconds, comes to, by symbol and UTC day.

    Raises
    ------
    ParamError
        If there is no such market, a symbol is none of it, or nothing lies between the times.
    """
    if market not in MARKETS:
        raise ParamError(unknown("market", market, MARKETS))
    if start >= end:
        raise ParamError(f"from {_text(start)} is not before to {_text(end)}")
    for symbol in symbols:
        check_symbol(market, symbol)
    return [Span(market, symbol, a, b) for symbol in dict.fromkeys(symbols) for a, b in _days(start, end)]


def paginate(
    wanted: list[Span], folder: Path, http: Http, *, jobs: int = 4, watch: Watch | None = None
) -> list[Fetched]:
    """Have the file of every span below ``folder``.

    The first id is asked for by time, the last one too; between them pages go on from id to id.

    Returns
    -------
    list of Fetched
        One for each span; ``missing`` where there was no trade.

    Raises
    ------
    DataError
        If the API refuses what was asked, a span has not passed yet, or another process downloads into the folder.
    """
    watch = watch or Unwatched()

    def work(span: Span) -> tuple[Fetched, list[Span]]:
        pages = Pages(http, span, folder / span.place, watch)
        return guarded(pages.get, folder / span.place, pages.url), []

    with claimed({(folder / span.place).parent for span in wanted}):
        return side_by_side(wanted, work, http.stop, jobs=jobs, watch=watch)


class Pages:
    """The pages of one span, appended to ``.part`` beside its place until they are whole.

    What the part holds is the beginning of the finished file, one trade a line, so that an interrupted
    pagination goes on behind its last whole line and ends in the same bytes.

    Parameters
    ----------
    http : Http
        The API.
    span : Span
        What is wanted.
    path : Path
        The place.
    watch : Watch
        Told of every page; its units are trades.
    """

    def __init__(self, http: Http, span: Span, path: Path, watch: Watch) -> None:
        self._http, self._span, self._path, self._watch = http, span, path, watch
        self._part = path.with_name(f"{path.name}.part")
        self.url = http.site + PATHS[span.market]

    def get(self) -> Fetched:
        """Have the file; nothing is asked of the API when it is there."""
        if self._path.is_file():
            return self._result("present")
        first, following, rows = self._recall()
        last = self._edge("endTime", self._span.end - 1)
        if not rows:
            first = following = self._edge("startTime", self._span.start)
        if last < 0 or not 0 <= first <= last:
            return Fetched(self._path, self.url, "missing", why="no trades in this time")
        self._watch.begin(self._path.name, rows, last - first + 1)
        with self._part.open("ab", buffering=0) as file:
            rows += self._walk(file, following, last, begun=rows > 0)
            file.write(b"]\n")
        put(self._part, self._path)
        holes = last - first + 1 - rows
        return self._result("fetched", f"{holes} ids in between do not exist" if holes else "")

    def _result(self, state: str, why: str = "") -> Fetched:
        size = self._path.stat().st_size
        return Fetched(self._path, self.url, state, size, digest(self._path), why)

    def _recall(self) -> tuple[int, int, int]:
        """First id, the id to go on with, and the count of trades that an earlier run has left."""
        first = previous = -1
        rows = size = 0
        if self._part.is_file():
            with self._part.open("rb+") as file:
                for line in file:
                    if (found := _id_in(line)) <= previous:
                        break
                    first, previous = (found if first < 0 else first), found
                    rows, size = rows + 1, size + len(line)
                file.truncate(size)
        return first, previous + 1, rows

    def _walk(self, file: BinaryIO, following: int, last: int, *, begun: bool) -> int:
        """Append every trade up to ``last``; returns how many."""
        count = 0
        while following <= last:
            page = [row for row in self._ask(fromId=following, limit=PAGE) if row["a"] <= last]
            ids = [following - 1, *(row["a"] for row in page)]
            if not page or any(b <= a for a, b in pairwise(ids)):
                raise FetchError(
                    f"{self.url}: {self._span.symbol} from id {following}: no ascending trades up to {last}"
                )
            lines = [
                ("," if begun or i else "[") + json.dumps(row, separators=(",", ":")) for i, row in enumerate(page)
            ]
            file.write("".join(f"{line}\n" for line in lines).encode())
            self._watch.advance(self._path.name, len(page))
            begun, following, count = True, ids[-1] + 1, count + len(page)
            if self._http.stop.is_set():
                raise Stopped
        return count

    def _edge(self, which: str, at: int) -> int:
        """The id of the first trade from a time on, or the last one up to it; -1 when the span has none there."""
        rows = self._ask(**{which: at, "limit": 1})
        inside = rows and self._span.start <= rows[0]["T"] < self._span.end
        return int(rows[0]["a"]) if inside else -1

    def _ask(self, **query: int) -> list[Row]:
        path = f"{PATHS[self._span.market]}?{urlencode({'symbol': self._span.symbol, **query})}"
        try:
            answer = self._http.get(path, _rows)
        except (Refused, NotFound) as err:
            raise DataError(_complaint(err)) from None
        if answer.date is not None and answer.date * 1000 < self._span.end:
            now = _text(int(answer.date * 1000))
            raise DataError(
                f"{self._span.symbol}: to {_text(self._span.end)} has not come yet; for {self.url} it is {now}"
            )
        rows: list[Row] = answer.value
        return rows


def _rows(body: bytes) -> list[Row]:
    """The trades of an answer; whole numbers stay whole and decimals stay text."""
    rows = json.loads(body)
    if not isinstance(rows, list) or not all(_is_trade(row) for row in rows):
        raise ValueError("is no list of aggregate trades")
    return rows


def _is_trade(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("a"), int) and isinstance(row.get("T"), int)


def _id_in(line: bytes) -> int:
    """The id of a whole line of a part, else -1."""
    try:
        row = json.loads(line[1:]) if line.endswith(b"\n") and line[:1] in (b"[", b",") else None
    except ValueError:
        return -1
    return int(row["a"]) if row is not None and _is_trade(row) else -1


def _complaint(err: FetchError) -> str:
    """What the API says of a request, from its ``{"code": -1121, "msg": "Invalid symbol."}``."""
    text = str(err)
    try:
        said = json.loads(text[text.index("{") :])
        return f"{text[: text.index(': ')]}: {said['msg']} (code {said['code']})"
    except (ValueError, KeyError, TypeError):
        return text


def _days(start: int, end: int) -> Iterator[tuple[int, int]]:
    day = 86_400_000
    while start < end:
        stop = min(end, (start // day + 1) * day)
        yield start, stop
        start = stop


def _when(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def _clock(when: datetime) -> str:
    return f"{when:%H%M%S}" + (f".{when.microsecond // 1000:03d}" if when.microsecond else "")


def _text(ms: int) -> str:
    return _when(ms).isoformat(timespec="milliseconds" if ms % 1000 else "seconds").replace("+00:00", "Z")

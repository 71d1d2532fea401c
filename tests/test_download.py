"""Downloads from a server that drops, refuses, lies and dies: what ends up in the folder is right or absent."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from tapeflow.backtest.cli.data import command
from tapeflow.backtest.cli.data_progress import Display
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.registry import FEEDS
from tapeflow.feeds.fetching.archive import KINDS, MARKETS, SITE, Dump, Wish, parse_day
from tapeflow.feeds.fetching.download import download
from tapeflow.feeds.fetching.http import LONGEST_WAIT, Http
from tapeflow.feeds.fetching.rest import PATHS, SITES, paginate, spans
from tapeflow.feeds.fetching.transfer import Fetched, claimed

DAY = 86_400_000
START = 1_704_067_200_000
"""2024-01-01 in epoch milliseconds."""
FIRST_ID = 14_416_184


class Server(ThreadingHTTPServer):
    """One that does not mind clients that hang up."""

    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, *args: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*args)


@dataclass
class Asked:
    """One request as the server saw it, and the status it gave."""

    path: str
    range: str | None
    if_range: str | None
    status: int = 0


@dataclass
class Site:
    """An archive and a REST API on 127.0.0.1, with faults to come by path.

    A fault is ``("drop", n)``: close after n bytes of body; ``("status", code, headers)``;
    ``("body", bytes)``: this instead. Each is used once, the last of a path never ends when ``for_ever``.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    trades: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    for_ever: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    hold_at: int | None = None
    sent: int = 0
    etags: bool = True
    ranges: bool = True
    date: str | None = None

    def __post_init__(self) -> None:
        self.lock, self.held, self.released = threading.Lock(), threading.Event(), threading.Event()
        self.server = Server(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def put(self, dump: Dump, body: bytes, checksum: bytes | None = None) -> None:
        self.files[dump.url] = body
        right = f"{hashlib.sha256(body).hexdigest()}  {dump.name}\n".encode()
        self.files[f"{dump.url}.CHECKSUM"] = right if checksum is None else checksum

    def hold(self, sent: int) -> None:
        """Send nothing more once ``sent`` bytes of body are out, until `release`."""
        self.sent, self.hold_at = 0, sent
        self.held.clear()
        self.released.clear()

    def release(self) -> None:
        self.hold_at = None
        self.released.set()

    def fault(self, path: str) -> tuple[Any, ...] | None:
        with self.lock:
            for key, left in self.faults.items():
                if path.endswith(key) and left:
                    return left[0] if len(left) == 1 and key in self.for_ever else left.pop(0)
        return None

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def answer(self, path: str, query: dict[str, str]) -> bytes:
        """The REST API by its documentation: inclusive times and ids, ascending, 500 unless told, 1000 at most."""
        if query.get("symbol") == "NOPEUSDT":
            raise LookupError
        limit, found = int(query.get("limit", 500)), self.trades
        assert limit <= 1000
        if "fromId" in query:
            assert set(query) == {"symbol", "fromId", "limit"}
            found = [t for t in found if t["a"] >= int(query["fromId"])][:limit]
        elif "startTime" in query:
            found = [t for t in found if t["T"] >= int(query["startTime"])][:limit]
        else:
            found = [t for t in found if t["T"] <= int(query["endTime"])][-limit:]
        return json.dumps(found).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: Any) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return site.date or super().date_time_string(timestamp)

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                asked = Asked(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
                site.asked.append(asked)
                parts = urlsplit(self.path)
                fault = site.fault(parts.path)
                if fault and fault[0] == "status":
                    self.give(asked, fault[1], b"", fault[2])
                elif parts.path in PATHS.values():
                    self.rest(asked, parts, fault)
                elif (body := site.files.get(parts.path)) is None:
                    self.give(asked, 404, b"<Error><Code>NoSuchKey</Code></Error>")
                else:
                    self.file(asked, fault[1] if fault and fault[0] == "body" else body, fault)

            def rest(self, asked: Asked, parts: Any, fault: Any) -> None:
                try:
                    body = site.answer(parts.path, dict(parse_qsl(parts.query)))
                except LookupError:
                    self.give(asked, 400, b'{"code":-1121,"msg":"Invalid symbol."}')
                    return
                body = fault[1] if fault and fault[0] == "body" else body
                self.give(asked, 200, body, most=fault[1] if fault and fault[0] == "drop" else None)

            def file(self, asked: Asked, body: bytes, fault: Any) -> None:
                etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
                headers = {"ETag": etag} if site.etags else {}
                status, at = 200, 0
                if asked.range and site.ranges and asked.if_range in (None, etag):
                    at = int(asked.range.removeprefix("bytes=").rstrip("-"))
                    status = 206 if at < len(body) else 416
                    headers["Content-Range"] = f"bytes {at}-{len(body) - 1}/{len(body)}"
                self.give(asked, status, body[at:], headers, most=fault[1] if fault and fault[0] == "drop" else None)

            def give(
                self, asked: Asked, status: int, body: bytes, headers: Any = None, most: int | None = None
            ) -> None:
                asked.status = status
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                try:
                    for i in range(0, len(body if most is None else body[:most]), 4096):
                        self.piece(body[:most][i : i + 4096])
                except OSError:
                    self.close_connection = True
                if most is not None:
                    self.close_connection = True

            def piece(self, data: bytes) -> None:
                room = len(data) if site.hold_at is None else max(0, site.hold_at - site.sent)
                self.wfile.write(data[:room])
                with site.lock:
                    site.sent += len(data[:room])
                if room < len(data):
                    site.held.set()
                    site.released.wait(20)
                    self.wfile.write(data[room:])

        return Handler


class Watched:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no name looked up, no address but 127.0.0.1."""
    for name in [n for n in os.environ if n.lower().endswith("_proxy") or n.startswith("TAPEFLOW_")]:
        monkeypatch.delenv(name)
    real = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        assert host == "127.0.0.1", f"{host} was asked for"
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def site() -> Any:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def clock() -> Watched:
    return Watched()


def noise(seed: int, size: int) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


def days(*numbers: int, kind: str = "aggTrades") -> list[Dump]:
    return [Dump("um", kind, "BTCUSDT", None, f"2024-01-{n:02d}") for n in numbers]


def wish(first: int, last: int, **more: Any) -> Wish:
    given = {"market": "um", "kind": "aggTrades", "symbols": ("BTCUSDT",), "grain": "daily", **more}
    return Wish(start=date(2024, 1, first), end=date(2024, 1, last), **given)


def http(site: Site, clock: Watched, **more: Any) -> Http:
    return Http(site.url, sleep=clock.sleep, now=lambda: clock.now, **more)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def expected(site: Site, dumps: list[Dump]) -> dict[str, bytes]:
    """What the folder must hold, from what the server has."""
    return {d.place + end: site.files[d.url + end] for d in dumps for end in ("", ".CHECKSUM")}


def states(results: list[Fetched]) -> dict[str, str]:
    return {r.path.name.removesuffix(".zip")[-10:]: r.state for r in results}


def cli(*args: object) -> Any:
    return CliRunner().invoke(command, [str(a) for a in args])


class TestWhatTheArchiveHolds:
    def test_urls_are_those_of_the_archives_own_documentation(self) -> None:
        made = {
            ("spot", "trades", "ETHUSDT", None, "2024-01-02"): (
                "/data/spot/daily/trades/ETHUSDT/ETHUSDT-trades-2024-01-02.zip"
            ),
            ("um", "aggTrades", "BTCUSDT", None, "2024-01"): (
                "/data/futures/um/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01.zip"
            ),
            ("cm", "klines", "BTCUSD_PERP", "1h", "2024-01"): (
                "/data/futures/cm/monthly/klines/BTCUSD_PERP/1h/BTCUSD_PERP-1h-2024-01.zip"
            ),
        }
        assert {key: Dump(*key).url for key in made} == made
        assert SITE == "https://data.binance.vision"

    def test_auto_takes_whole_months_and_days_elsewhere(self) -> None:
        asked = Wish("spot", "trades", ("A", "B"), date(2024, 1, 30), date(2024, 3, 2))
        periods = [f"{d.symbol} {d.period}" for d in asked.dumps(lambda d: False, lambda d: False)]
        one = ["2024-01-30", "2024-01-31", "2024-02", "2024-03-01", "2024-03-02"]
        assert periods == [f"{s} {p}" for s in "AB" for p in one]

    def test_auto_goes_on_in_days_where_days_were_begun(self) -> None:
        asked = Wish("spot", "trades", ("A",), date(2024, 2, 1), date(2024, 2, 29))
        assert len(asked.dumps(lambda d: d.period == "2024-02-07", lambda d: False)) == 29

    def test_auto_takes_a_month_that_is_there_for_some_days_of_it(self) -> None:
        asked = Wish("spot", "trades", ("A",), date(2024, 2, 3), date(2024, 2, 4))
        assert [d.period for d in asked.dumps(lambda d: True, lambda d: d.period == "2024-02")] == ["2024-02"]

    @pytest.mark.parametrize(("kind", "period"), [("metrics", "2024-02-01"), ("fundingRate", "2024-02")])
    def test_auto_knows_what_is_there_by_day_or_by_month_only(self, kind: str, period: str) -> None:
        asked = Wish("um", kind, ("BTCUSDT",), date(2024, 2, 1), date(2024, 2, 29))
        assert asked.dumps(lambda d: False, lambda d: False)[0].period == period

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"market": "usdm"}, "unknown market 'usdm', did you mean 'um'? (allowed: cm, spot, um)"),
            ({"kind": "aggtrade"}, "unknown type 'aggtrade', did you mean 'aggTrades'?"),
            ({"market": "spot", "kind": "metrics"}, "spot has no metrics (allowed: aggTrades, trades, klines)"),
            ({"kind": "klines"}, "klines: say the interval, as in 1m (allowed: 1m, 3m,"),
            ({"kind": "klines", "interval": "1s"}, "um has no interval '1s' (allowed: 1m,"),
            ({"kind": "klines", "interval": "1M"}, "um has no interval '1M' (allowed: 1m,"),
            ({"interval": "1m"}, "aggTrades has no interval; only klines do"),
            ({"kind": "metrics", "grain": "monthly"}, "metrics is not there in monthly files (allowed: auto, daily)"),
            (
                {"kind": "klines", "interval": "1w", "grain": "daily"},
                "klines of 1w is not there in daily files (allowed: auto, monthly)",
            ),
            ({"symbols": ("btcusdt",)}, "symbol 'btcusdt' must be in capitals: BTCUSDT"),
            ({"symbols": ("BTC/USDT",)}, "symbol 'BTC/USDT' is none of um; they are written as BTCUSDT"),
            ({"symbols": ("../../x",)}, "symbol '../../x' is none of um"),
            (
                {"market": "cm", "symbols": ("BTCUSDT",)},
                "symbol 'BTCUSDT' is none of cm; they are written as BTCUSD_PERP",
            ),
            ({"start": date(2024, 1, 9)}, "from 2024-01-09 is after to 2024-01-03"),
        ],
    )
    def test_what_cannot_be_had_is_named_with_what_can(self, given: dict[str, Any], said: str) -> None:
        usual = {"market": "um", "kind": "aggTrades", "symbols": ("BTCUSDT",), "grain": "auto"}
        span = {"start": date(2024, 1, 1), "end": date(2024, 1, 3)}
        with pytest.raises(ParamError) as caught:
            Wish(**{**usual, **span, **given})
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)

    def test_every_type_can_be_asked_for_in_every_market_that_has_it(self) -> None:
        symbols = {"spot": "BTCUSDT", "um": "BTCUSDT", "cm": "BTCUSD_PERP"}
        for market in MARKETS:
            for kind, about in KINDS.items():
                if market in about.markets:
                    symbol = "BTCUSD" if (market, kind) == ("cm", "indexPriceKlines") else symbols[market]
                    every = about.interval and "1m"
                    made = Wish(market, kind, (symbol,), date(2024, 1, 1), date(2024, 1, 1), every or None)
                    assert len(made.dumps(lambda d: False, lambda d: False)) == 1

    def test_a_month_as_last_day_is_its_last_day(self) -> None:
        assert parse_day("2024-02", last=True) == date(2024, 2, 29)
        with pytest.raises(ValueError, match="'2024-02-30' is no day; write it as 2024-01-31"):
            parse_day("2024-02-30")


class TestFiles:
    def test_every_file_and_its_checksum_are_those_of_the_server(self, site, clock, tmp_path) -> None:
        for n, dump in enumerate(days(1, 2, 3)):
            site.put(dump, noise(n, 100_000 + n))
        made = download(wish(1, 3), tmp_path, http(site, clock), jobs=2)
        assert states(made) == dict.fromkeys(("2024-01-01", "2024-01-02", "2024-01-03"), "fetched")
        assert [r.sha256 for r in made] == [hashlib.sha256(noise(n, 100_000 + n)).hexdigest() for n in range(3)]
        assert tree(tmp_path) == expected(site, days(1, 2, 3))
        assert clock.waits == []

    def test_what_is_there_and_right_is_not_asked_for_again(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2):
            site.put(dump, noise(1, 5000))
        download(wish(1, 2), tmp_path, http(site, clock))
        site.asked.clear()
        assert set(states(download(wish(1, 2), tmp_path, http(site, clock))).values()) == {"present"}
        assert site.asked == []

    def test_a_file_without_its_checksum_is_compared_and_kept(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        place = tmp_path / days(1)[0].place
        place.parent.mkdir(parents=True)
        place.write_bytes(noise(1, 5000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "present"}
        assert site.paths() == [days(1)[0].url + ".CHECKSUM"]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_damaged_file_is_fetched_again(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        download(wish(1, 1), tmp_path, http(site, clock))
        (tmp_path / days(1)[0].place).write_bytes(noise(2, 5000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_file_that_the_archive_replaced_is_fetched_again_on_refresh(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2):
            site.put(dump, noise(1, 5000))
        download(wish(1, 2), tmp_path, http(site, clock))
        site.put(days(1)[0], noise(9, 6000))
        made = download(wish(1, 2), tmp_path, http(site, clock), refresh=True)
        assert states(made) == {"2024-01-01": "fetched", "2024-01-02": "present"}
        assert tree(tmp_path) == expected(site, days(1, 2))

    def test_days_that_the_archive_has_not_are_missing(self, site, clock, tmp_path) -> None:
        site.put(days(2)[0], noise(1, 5000))
        made = download(wish(1, 3), tmp_path, http(site, clock))
        assert states(made) == {"2024-01-01": "missing", "2024-01-02": "fetched", "2024-01-03": "missing"}
        assert tree(tmp_path) == expected(site, days(2))

    def test_a_month_that_is_not_there_yet_comes_in_days(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2, 31):
            site.put(dump, noise(1, 3000))
        made = download(wish(1, 31, grain="auto"), tmp_path, http(site, clock))
        assert [r.path.name[-14:-4] for r in made if r.state == "fetched"] == ["2024-01-01", "2024-01-02", "2024-01-31"]
        assert sum(r.state == "missing" for r in made) == 28
        assert tree(tmp_path) == expected(site, days(1, 2, 31))

    def test_a_file_without_a_published_checksum_fails(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        del site.files[days(1)[0].url + ".CHECKSUM"]
        made = download(wish(1, 1), tmp_path, http(site, clock))
        assert made[0].state == "failed"
        assert made[0].why == f"{site.url}{days(1)[0].url}: there is no .CHECKSUM of it, it cannot be verified"

    def test_a_folder_that_cannot_be_written_fails_in_one_line(self, site, clock, tmp_path) -> None:
        (tmp_path / "um").write_text("in the way")
        with pytest.raises(DataError, match="cannot be made"):
            download(wish(1, 1), tmp_path, http(site, clock))

    def test_two_downloads_into_one_folder_do_not_mix(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        with claimed([(tmp_path / days(1)[0].place).parent]), pytest.raises(DataError, match="another download"):
            download(wish(1, 1), tmp_path, http(site, clock))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}

    def test_a_site_that_is_no_address_is_refused(self) -> None:
        with pytest.raises(ParamError, match=r"'data\.binance\.vision' is no address"):
            Http("data.binance.vision")


class TestBrokenLines:
    @pytest.mark.parametrize("etags", [True, False])
    def test_a_body_cut_short_goes_on_where_it_stopped(self, site, clock, tmp_path, etags) -> None:
        site.etags = etags
        (dump,) = days(1)
        site.put(dump, noise(1, 500_000))
        site.faults[dump.url] = [("drop", 100_000), ("drop", 1), ("drop", 250_000)]
        made = download(wish(1, 1), tmp_path, http(site, clock))
        assert states(made) == {"2024-01-01": "fetched"}
        body = [a for a in site.asked if a.path == dump.url]
        assert [a.range for a in body] == [None, "bytes=100000-", "bytes=100001-", "bytes=350001-"]
        assert [a.status for a in body] == [200, 206, 206, 206]
        assert all((a.if_range is not None) == etags for a in body[1:])
        assert tree(tmp_path) == expected(site, days(1))
        assert clock.waits == [1.0, 1.0, 1.0]

    def test_a_server_that_knows_no_ranges_sends_it_all_again(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.ranges = False
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 200_000)]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_file_replaced_between_two_tries_is_not_pieced_together(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 200_000)]
        site.for_ever.add(dump.url)
        failed = download(wish(1, 1), tmp_path, http(site, clock, retries=0))
        assert failed[0].why == f"{site.url}{dump.url}: cut short, 100000 bytes are missing (1 tries)"
        site.faults.clear()
        site.put(dump, noise(2, 300_000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert [a.status for a in site.asked if a.path == dump.url] == [200, 200]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_part_that_is_whole_already_only_gets_its_name(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        place = tmp_path / dump.place
        place.parent.mkdir(parents=True)
        place.with_name(place.name + ".part").write_bytes(noise(1, 300_000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert site.paths() == [dump.url + ".CHECKSUM"]
        assert tree(tmp_path) == expected(site, days(1))

    @pytest.mark.parametrize("size", [100, 300_000, 400_000])
    def test_a_part_of_something_else_is_thrown_away(self, site, clock, tmp_path, size) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        place = tmp_path / dump.place
        place.parent.mkdir(parents=True)
        place.with_name(place.name + ".part").write_bytes(noise(7, size))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_wrong_body_once_is_fetched_once_more_from_nothing(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 30_000))
        site.faults[dump.url] = [("body", noise(2, 30_000))]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert [a.range for a in site.asked if a.path == dump.url] == [None, None]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_body_that_stays_wrong_fails_naming_both_digests(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        wanted = "0" * 64
        site.put(dump, noise(1, 30_000), f"{wanted}  {dump.name}\n".encode())
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        found = hashlib.sha256(noise(1, 30_000)).hexdigest()
        assert made.state == "failed"
        assert made.why == f"{site.url}{dump.url}: sha256 is {found}, its CHECKSUM wants {wanted}, twice"
        assert tree(tmp_path) == {}

    @pytest.mark.parametrize(
        "text", [b"<html>hello</html>", b"", b"0" * 63 + b"  x.zip\n", b"0" * 64 + b"  other.zip\n", b"\xff" * 64]
    )
    def test_a_checksum_that_is_none_is_asked_for_again_then_fails(self, site, clock, tmp_path, text) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000), text)
        (made,) = download(wish(1, 1), tmp_path, http(site, clock, retries=2))
        assert made.state == "failed"
        assert made.why == (
            f"{site.url}{dump.url}.CHECKSUM: cannot be understood: holds no sha256 of {dump.name} (3 tries)"
        )
        assert tree(tmp_path) == {}

    def test_a_zip_missing_beside_its_checksum_fails(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, b"x")
        del site.files[dump.url]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert made.why == f"{site.url}{dump.url}: its CHECKSUM is there, it is not"


class TestBusyServers:
    @pytest.mark.parametrize("status", [429, 418])
    def test_the_wait_it_asks_for_is_kept(self, site, clock, tmp_path, status) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", status, {"Retry-After": "7"})]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert clock.waits == [7.0]

    def test_a_crowded_server_is_left_alone_by_every_thread(self, site, clock, tmp_path) -> None:
        shared = http(site, clock)
        site.put(days(1)[0], noise(1, 3000))
        site.faults[".CHECKSUM"] = [("status", 429, {"Retry-After": "9"})]
        download(wish(1, 1), tmp_path, shared)
        assert clock.waits == [9.0]
        shared._until = clock.now + 5
        download(wish(1, 1), tmp_path, shared, refresh=True)
        assert clock.waits == [9.0, 5.0]

    def test_a_date_to_wait_for_is_taken_against_the_servers_clock(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.date = "Wed, 21 Oct 2015 07:28:00 GMT"
        site.faults[dump.url] = [("status", 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:11 GMT"})]
        download(wish(1, 1), tmp_path, http(site, clock))
        assert clock.waits == [11.0]

    def test_waits_double_up_to_a_cap_and_end(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", 503, {})]
        site.for_ever.add(dump.url)
        (made,) = download(wish(1, 1), tmp_path, http(site, clock, retries=8))
        assert clock.waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT]
        assert made.why == f"{site.url}{dump.url}: 503 Service Unavailable (9 tries)"

    def test_a_wait_beyond_patience_is_an_error_that_says_how_long(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", 418, {"Retry-After": "7200"})]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert "it asks to wait 7200 s, run this again then" in made.why
        assert clock.waits == []

    def test_progress_between_failures_forgives_them(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 10_000), ("status", 500, {})] * 20
        assert states(download(wish(1, 1), tmp_path, http(site, clock, retries=2))) == {"2024-01-01": "fetched"}
        assert clock.waits == [1.0, 2.0] * 20
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_refusal_is_not_tried_again(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.faults[".CHECKSUM"] = [("status", 403, {})]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert made.why == f"{site.url}{dump.url}.CHECKSUM: 403 Forbidden"
        assert clock.waits == []

    def test_a_dead_site_costs_its_retries_once_and_not_for_every_file(self, site, clock, tmp_path) -> None:
        dead = http(site, clock, retries=3)
        site.close()
        made = download(wish(1, 30), tmp_path, dead, jobs=1)
        assert {r.state for r in made} == {"failed"}
        assert made[0].why == (
            f"{site.url}{days(1)[0].url}.CHECKSUM: Failed to establish a new connection: "
            f"[Errno {errno.ECONNREFUSED}] Connection refused (4 tries)"
        )
        assert clock.waits == [1.0, 2.0, 4.0]

    def test_a_proxy_of_the_environment_is_gone_through(self, site, clock, monkeypatch) -> None:
        monkeypatch.setenv("http_proxy", site.url)
        site.files["/a"] = b"body"
        assert Http("http://archive.invalid", sleep=clock.sleep).get("/a").value == b"body"
        assert site.paths() == ["http://archive.invalid/a"]

    def test_one_file_that_fails_does_not_keep_the_others(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2, 3):
            site.put(dump, noise(1, 3000))
        site.faults["2024-01-02.zip"] = [("status", 500, {})]
        site.for_ever.add("2024-01-02.zip")
        made = download(wish(1, 3), tmp_path, http(site, clock, retries=1), jobs=1)
        assert states(made) == {"2024-01-01": "fetched", "2024-01-02": "failed", "2024-01-03": "fetched"}
        assert tree(tmp_path) == expected(site, days(1, 3))


def run_data(site: Site, *args: object) -> subprocess.Popen[str]:
    script = "from tapeflow.backtest.cli.data import command; command.main()"
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-c", script, "download", "binance", "--base-url", site.url, *map(str, args)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop_at(site: Site, sent: int, how: signal.Signals, *args: object) -> tuple[int, str]:
    """Run the command, and end it when the server has sent so many bytes."""
    site.hold(sent)
    child = run_data(site, *args)
    try:
        assert site.held.wait(20), child.communicate(timeout=5)
        time.sleep(0.03)
        child.send_signal(how)
        _, said = child.communicate(timeout=10)
    finally:
        child.kill()
        site.release()
    return child.returncode, said


def finish(site: Site, *args: object) -> None:
    child = run_data(site, *args)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, (out, err)


ARCHIVE = ("--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-04", "--daily", "--quiet")
REST = ("--rest", "--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-02", "--quiet")


def many_days(site: Site) -> int:
    """Four days of a few hundred kB; how many bytes of body a whole download is."""
    for n, dump in enumerate(days(1, 2, 3, 4)):
        site.put(dump, noise(n, 300_000 + 1111 * n))
    return sum(map(len, site.files.values()))


class TestInterrupted:
    @pytest.mark.parametrize("share", [0.0, 0.6])
    def test_killed_and_run_again_gives_the_same_folder(self, site, tmp_path, share) -> None:
        total = many_days(site)
        code, _ = stop_at(site, int(total * share), signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", 2)
        assert code == -signal.SIGKILL
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    def test_what_had_come_is_not_asked_for_again(self, site, tmp_path) -> None:
        total = many_days(site)
        stop_at(site, total // 2, signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", 1)
        had = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.suffix in (".zip", ".part"))
        # A piece of 64 kB that was on its way may be lost.
        assert had > total // 2 - 70_000
        site.sent = 0
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert site.sent <= total - had + 1000

    @pytest.mark.parametrize("jobs", [1, 4])
    def test_interrupted_from_the_keyboard_it_says_so_and_goes_on_later(self, site, tmp_path, jobs) -> None:
        total = many_days(site)
        code, said = stop_at(site, total // 2, signal.SIGINT, *ARCHIVE, "--dir", tmp_path, "--jobs", jobs)
        assert (code, said.strip()) == (130, "tapeflow: interrupted")
        assert any(p.suffix == ".part" for p in tmp_path.rglob("*"))
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(20))
    def test_killed_at_random_again_and_again(self, site, tmp_path, seed) -> None:
        total, chance = many_days(site), random.Random(seed)  # noqa: S311
        left = total
        for _ in range(3):
            left = chance.randrange(max(1, left // 2))
            stop_at(site, left, signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", chance.choice([1, 2, 4]))
            left = total - sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) - 70_000 * 4
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    @pytest.mark.parametrize("share", [0.6])
    def test_a_pagination_killed_and_run_again_gives_the_same_file(self, site, tmp_path, share) -> None:
        self.kill_pages(site, tmp_path, [share])

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(15))
    def test_a_pagination_killed_at_random_again_and_again(self, site, tmp_path, seed) -> None:
        chance = random.Random(seed)  # noqa: S311
        self.kill_pages(site, tmp_path, sorted(chance.random() * 0.5 for _ in range(2)))

    def kill_pages(self, site: Site, folder: Path, shares: list[float]) -> None:
        site.trades = market(6500, 2 * DAY)
        total = len(json.dumps(site.trades))
        for share in shares:
            stop_at(site, int(total * share), signal.SIGKILL, *REST, "--dir", folder / "a", "--jobs", 1)
        finish(site, *REST, "--dir", folder / "a")
        pages(site, Watched(), folder / "b", START, START + 2 * DAY)
        assert tree(folder / "a") == tree(folder / "b")
        assert trades_in(folder / "a") == site.trades


def market(count: int, length: int = DAY, first: int = FIRST_ID) -> list[dict[str, Any]]:
    """Aggregate trades evenly over ``length`` milliseconds from `START`, with one before and one after."""
    return [
        {
            "a": first + n,
            "p": f"{100 + n % 7}.10",
            "q": "0.500",
            "f": 2 * n,
            "l": 2 * n + 1,
            "T": START + length * n // count,
            "m": n % 3 == 0,
        }
        for n in range(count)
    ]


def trades_in(folder: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(folder.rglob("*.json")) for row in json.loads(path.read_text())]


def pages(site: Site, clock: Watched, folder: Path, start: int, end: int, name: str = "um", **more: Any) -> Any:
    symbol = "BTCUSD_PERP" if name == "cm" else "BTCUSDT"
    return paginate(spans(name, (symbol,), start, end), folder, http(site, clock, **more))


class TestRest:
    @pytest.mark.parametrize("name", MARKETS)
    def test_pages_follow_the_exchanges_own_recipe(self, site, clock, tmp_path, name) -> None:
        """The worked example: ids 14416184 to 14428230 of one hour are 12,047 trades, 13 pages."""
        before, after = market(10, 10_000, FIRST_ID - 10), market(10, 10_000, FIRST_ID + 12_047)
        for trade in before:
            trade["T"] -= 10_000
        for trade in after:
            trade["T"] += 3_600_000
        inside = market(12_047, 3_600_000)
        site.trades = before + inside + after
        (made,) = pages(site, clock, tmp_path, START, START + 3_600_000, name)
        assert (made.state, made.why) == ("fetched", "")
        assert json.loads(made.path.read_text()) == inside
        queries = [dict(parse_qsl(urlsplit(p).query)) for p in site.paths()]
        symbol = "BTCUSD_PERP" if name == "cm" else "BTCUSDT"
        assert queries[:2] == [
            {"symbol": symbol, "endTime": str(START + 3_600_000 - 1), "limit": "1"},
            {"symbol": symbol, "startTime": str(START), "limit": "1"},
        ]
        assert [q["fromId"] for q in queries[2:]] == [str(FIRST_ID + 1000 * n) for n in range(13)]
        assert {urlsplit(p).path for p in site.paths()} == {PATHS[name]}

    def test_the_real_hosts_are_those_of_the_documentation(self) -> None:
        assert SITES["spot"] + PATHS["spot"] == "https://api.binance.com/api/v3/aggTrades"
        assert SITES["um"] + PATHS["um"] == "https://fapi.binance.com/fapi/v1/aggTrades"
        assert SITES["cm"] + PATHS["cm"] == "https://dapi.binance.com/dapi/v1/aggTrades"

    def test_each_day_is_a_file_that_the_feed_reads(self, site, clock, tmp_path) -> None:
        site.trades = market(2500, 2 * DAY)
        made = pages(site, clock, tmp_path, START, START + 2 * DAY)
        assert [r.path.name for r in made] == [
            "BTCUSDT-aggTrades-2024-01-01.json",
            "BTCUSDT-aggTrades-2024-01-02.json",
        ]
        feed: Any = FEEDS.find("BinanceAggTrades")([r.path for r in made], market="um")
        bars = feed.bars("1d")
        assert bars["trades"].tolist() == [2500.0, 2500.0]
        assert float(bars["volume"].sum()) == 2500 * 0.5

    def test_the_bytes_do_not_depend_on_what_broke(self, site, clock, tmp_path) -> None:
        site.trades = market(3500)
        (calm,) = pages(site, clock, tmp_path / "calm", START, START + DAY)
        assert clock.waits == []
        site.faults["aggTrades"] = [
            ("status", 429, {"Retry-After": "3"}),
            ("drop", 10),
            ("body", b'[{"a": 1'),
            ("status", 503, {}),
            ("drop", 0),
            ("body", b"{}"),
            ("status", 418, {"Retry-After": "1"}),
        ]
        (broken,) = pages(site, clock, tmp_path / "broken", START, START + DAY, retries=8)
        assert site.faults["aggTrades"] == []
        assert broken.path.read_bytes() == calm.path.read_bytes()
        assert clock.waits == [3, 2, 4, 8, 16, 32, 1]

    def test_a_pagination_goes_on_behind_its_last_whole_trade(self, site, clock, tmp_path) -> None:
        site.trades = market(3500)
        (whole,) = pages(site, clock, tmp_path / "whole", START, START + DAY)
        text = whole.path.read_bytes()
        part = tmp_path / "cut" / whole.path.relative_to(tmp_path / "whole")
        part.parent.mkdir(parents=True)
        for cut in (1, 50, len(text) // 2, len(text) - 2, len(text)):
            site.asked.clear()
            part.with_name(part.name + ".part").write_bytes(text[:cut] + b"\0" * (cut % 3))
            (made,) = pages(site, clock, tmp_path / "cut", START, START + DAY)
            assert made.path.read_bytes() == text
            had = text[:cut].count(b"}\n")
            asked = [p for p in site.paths() if "fromId" in p]
            assert len(asked) == -(-(3500 - had) // 1000)
            assert not asked or f"fromId={FIRST_ID + had}&" in asked[0]
            assert sorted(tree(tmp_path / "cut")) == sorted(tree(tmp_path / "whole"))
            made.path.unlink()

    def test_a_file_that_is_there_is_not_asked_for_again(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        pages(site, clock, tmp_path, START, START + DAY)
        site.asked.clear()
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert (made.state, site.asked) == ("present", [])

    def test_ids_that_do_not_exist_are_counted(self, site, clock, tmp_path) -> None:
        site.trades = [t for t in market(3000) if not FIRST_ID + 500 <= t["a"] < FIRST_ID + 1700]
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert made.why == "1200 ids in between do not exist"
        assert json.loads(made.path.read_text()) == site.trades

    @pytest.mark.parametrize("shift", [-DAY, DAY])
    def test_a_time_without_trades_is_missing(self, site, clock, tmp_path, shift) -> None:
        site.trades = market(10)
        (made,) = pages(site, clock, tmp_path, START + shift, START + shift + DAY)
        assert made.state == "missing"
        assert tree(tmp_path) == {}

    def test_a_time_that_has_not_passed_is_refused(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        site.date = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=8)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        with pytest.raises(DataError, match=r"to 2024-01-02T00:00:00Z has not come yet.* 2024-01-01T08:00:00Z"):
            pages(site, clock, tmp_path, START, START + DAY)
        (made,) = pages(site, clock, tmp_path, START, START + 8 * 3_600_000)
        assert made.path.name == "BTCUSDT-aggTrades-2024-01-01T000000-080000.json"

    def test_what_the_api_says_of_a_wrong_symbol_is_told(self, site, clock, tmp_path) -> None:
        wanted = spans("spot", ("NOPEUSDT",), START, START + DAY)
        with pytest.raises(DataError, match=r"/api/v3/aggTrades.*: Invalid symbol\. \(code -1121\)$"):
            paginate(wanted, tmp_path, http(site, clock))

    def test_an_api_that_gives_no_ascending_ids_is_an_error(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        site.trades[5]["a"] = site.trades[4]["a"]
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert made.state == "failed"
        assert f"BTCUSDT from id {FIRST_ID}: no ascending trades up to {FIRST_ID + 9}" in made.why

    def test_compressed_answers_are_understood(self, site, clock, tmp_path, monkeypatch) -> None:
        site.trades = market(1200)
        plain = site.answer
        monkeypatch.setattr(site, "answer", lambda path, query: gzip.compress(plain(path, query)))
        handler = site.server.RequestHandlerClass
        send = handler.send_header

        def send_header(self: Any, name: str, value: str) -> None:
            send(self, name, value)
            if name == "Content-Length":
                send(self, "Content-Encoding", "gzip")

        monkeypatch.setattr(handler, "send_header", send_header)
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert json.loads(made.path.read_text()) == site.trades


class TestCommand:
    @pytest.fixture
    def served(self, site: Site) -> Site:
        for n, dump in enumerate(days(1, 2, 4)):
            site.put(dump, noise(n, 12_345))
        return site

    def args(self, site: Site, folder: Path, *more: object) -> list[object]:
        return [
            "download",
            "binance",
            *("--base-url", site.url, "--dir", folder, "--retries", 0),
            *("--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-04", *more),
        ]

    def test_people_get_a_table_what_is_missing_and_a_pattern(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path))
        assert made.exit_code == 0
        assert [line.split() for line in made.stdout.splitlines()] == [
            ["state", "files", "size"],
            ["fetched", "3", "37.0", "kB"],
            ["missing", "1", "0", "B"],
            [str(tmp_path / "um/aggTrades/BTCUSDT/*.zip")],
        ]
        assert "BTCUSDT-aggTrades-2024-01-02.zip: 12.3 kB" in made.stderr.splitlines()
        assert "missing: 1 not at the source: BTCUSDT-aggTrades-2024-01-03.zip" in made.stderr.splitlines()

    def test_quiet_leaves_the_pattern_only(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path, "--quiet"))
        assert (made.stdout, made.stderr) == (str(tmp_path / "um/aggTrades/BTCUSDT/*.zip") + "\n", "")

    def test_programs_get_json(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path, "--json", "--quiet"))
        told = json.loads(made.stdout)
        assert told["counts"] == {"fetched": 3, "present": 0, "missing": 1, "failed": 0}
        assert told["bytes"] == 3 * 12_345
        assert [f["state"] for f in told["files"]] == ["fetched", "fetched", "missing", "fetched"]
        assert told["files"][1]["sha256"] == hashlib.sha256(noise(1, 12_345)).hexdigest()

    def test_what_could_not_be_fetched_is_named_and_the_code_is_one(self, served, tmp_path) -> None:
        served.faults["2024-01-02.zip"] = [("status", 500, {})]
        made = cli(*self.args(served, tmp_path, "--quiet"))
        assert made.exit_code == 1
        assert made.stderr == f"failed: {served.url}{days(2)[0].url}: 500 Internal Server Error (1 tries)\n"

    def test_nothing_found_at_all_is_the_users_mistake(self, site, tmp_path) -> None:
        made = cli(*self.args(site, tmp_path, "--quiet"))
        assert made.exit_code == 2
        assert made.stderr == (
            f"tapeflow: nothing was found, not even {site.url}{days(1)[0].url}; check market, symbol, type and days\n"
        )

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--market", "usdm"], "unknown market 'usdm'"),
            (["--type", "klines", "--interval", "7m"], "um has no interval '7m'"),
            (["--from", "2024-01-05"], "from 2024-01-05 is after to 2024-01-04"),
            (["--to", "tomorrow"], "--to: 'tomorrow' is no day"),
            (["--rest", "--type", "klines"], "--rest gives aggTrades only"),
            (["--rest", "--monthly"], "--monthly: has no meaning with --rest"),
            (["--rest", "--from", "2024-01-05"], "from 2024-01-05T00:00:00Z is not before to 2024-01-05T00:00:00Z"),
            (["--base-url", "ftp://x"], "'ftp://x' is no address"),
            (["--symbol", "BTC-USDT"], "symbol 'BTC-USDT' is none of um"),
        ],
    )
    def test_a_mistake_is_one_line_and_code_two(self, site, tmp_path, more, said) -> None:
        made = cli(*self.args(site, tmp_path, *more))
        assert made.exit_code == 2
        assert made.stderr.startswith(f"tapeflow: {said}")
        assert made.stderr.count("\n") == 1
        assert site.asked == []

    @pytest.mark.parametrize("rest", [False, True])
    def test_the_site_may_come_from_the_environment(self, served, tmp_path, monkeypatch, rest) -> None:
        served.trades = market(100)
        monkeypatch.setenv("TAPEFLOW_BINANCE_REST_URL" if rest else "TAPEFLOW_BINANCE_URL", served.url + "/")
        given = ["--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-01", "--quiet"]
        made = cli("download", "binance", "--dir", tmp_path, *given, *(["--rest"] if rest else []))
        assert made.exit_code == 0
        assert len(list(tmp_path.rglob("*.json" if rest else "*.zip"))) == 1

    def test_times_of_a_rest_span_end_before_the_last_one(self, site, tmp_path) -> None:
        site.trades = market(24)
        given = ["--from", "2024-01-01T02:00", "--to", "2024-01-01T05:00", "--rest", "--json", "--quiet"]
        assert cli(*self.args(site, tmp_path, *given)).exit_code == 0
        assert [t["a"] - FIRST_ID for t in trades_in(tmp_path)] == [2, 3, 4]

    def test_a_symbol_said_twice_is_fetched_once(self, served, tmp_path) -> None:
        assert cli(*self.args(served, tmp_path, "--symbol", "BTCUSDT", "--quiet")).exit_code == 0
        assert len(served.paths()) == len(set(served.paths()))

    def test_what_came_is_read_by_the_feed(self, site, tmp_path) -> None:
        text = io.BytesIO()
        with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as archive:
            rows = [f"{t['a']},{t['p']},{t['q']},{t['f']},{t['l']},{t['T']},{str(t['m']).lower()}" for t in market(500)]
            archive.writestr("BTCUSDT-aggTrades-2024-01-01.csv", "\n".join(rows))
        site.put(days(1)[0], text.getvalue())
        made = cli(*self.args(site, tmp_path, "--quiet"))
        feed: Any = FEEDS.find("BinanceAggTrades")([made.stdout.strip()], market="um")
        assert float(feed.bars("1d")["volume"].sum()) == 250.0
        assert feed.files[0].sha256 == hashlib.sha256(text.getvalue()).hexdigest()


class TestProgress:
    def test_a_terminal_sees_rate_and_time_left(self, tmp_path, capsys) -> None:
        clock = Watched()
        shown = Display(terminal=True, now=lambda: clock.now)
        shown.expect(3)
        shown.begin("a", 0, 4_000_000)
        clock.sleep(2.0)
        shown.advance("a", 1_000_000)
        # 3 MB of this file and 2 more of 4 MB, at half a MB a second
        assert shown.line() == "0/3 files, 1.0 MB at 500.0 kB/s, 0:00:22 left"
        assert "\r0/3 files, 1.0 MB" in capsys.readouterr().err
        shown.advance("a", 3_000_000)
        shown.end(Fetched(tmp_path / "a", "", "fetched", 4_000_000))
        assert shown.line() == "1/3 files, 4.0 MB at 2.0 MB/s, 0:00:04 left"

    def test_elsewhere_a_line_a_file(self, tmp_path, capsys) -> None:
        shown = Display(terminal=False)
        shown.begin("a.zip", 0, 100)
        shown.advance("a.zip", 100)
        shown.end(Fetched(tmp_path / "a.zip", "", "fetched", 100))
        assert capsys.readouterr().err == "a.zip: 100 B\n"

    def test_quiet_says_nothing(self, tmp_path, capsys) -> None:
        shown = Display(terminal=True, quiet=True)
        shown.begin("a.zip", 0, 100)
        shown.advance("a.zip", 100)
        shown.note("busy")
        shown.end(Fetched(tmp_path / "a.zip", "", "fetched", 100))
        assert capsys.readouterr().err == ""

"""An archive and a REST API on this machine, with faults to come, and what the tests of downloads share."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tapeflow.fetching.archive import ArchiveRequest, Dump
from tapeflow.fetching.http import Http
from tapeflow.fetching.rest import PATHS, paginate, spans
from tapeflow.fetching.transfer import Fetched

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


def noise(seed: int, size: int) -> bytes:
    return hashlib.shake_128(b"%d" % seed).digest(size)


def days(*numbers: int, kind: str = "aggTrades") -> list[Dump]:
    return [Dump("um", kind, "BTCUSDT", None, f"2024-01-{n:02d}") for n in numbers]


def wish(first: int, last: int, **more: Any) -> ArchiveRequest:
    given = {"market": "um", "kind": "aggTrades", "symbols": ("BTCUSDT",), "grain": "daily", **more}
    return ArchiveRequest(start=date(2024, 1, first), end=date(2024, 1, last), **given)


def http(site: Site, clock: Watched, **more: Any) -> Http:
    return Http(site.url, sleep=clock.sleep, now=lambda: clock.now, **more)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def expected(site: Site, dumps: list[Dump]) -> dict[str, bytes]:
    """What the folder must hold, from what the server has."""
    return {d.place + end: site.files[d.url + end] for d in dumps for end in ("", ".CHECKSUM")}


def states(results: list[Fetched]) -> dict[str, str]:
    return {r.path.name.removesuffix(".zip")[-10:]: r.state for r in results}


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

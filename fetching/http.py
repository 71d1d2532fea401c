"""HTTP for downloads: one pool of connections, failures told apart, waits that are the same every time."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ..core.errors import ParamError, TapeflowError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the first retry, doubled with each further one up to the longest."""
PATIENCE = 300.0
"""Seconds that a server may ask to wait before it counts as an error."""
_CROWDED = (418, 429)
_PASSING = (408, 425, *_CROWDED)
_GONE = (404, 410)
_NO_METHOD = (405, 501)
_MOST = 1 << 26


class FetchError(TapeflowError):
    """Something could not be fetched, after every retry that made sense."""


class NotFound(FetchError):  # noqa: N818
    """The server has no such file."""


class Refused(FetchError):  # noqa: N818
    """The server answered that it will not, whatever the number of retries.

    Parameters
    ----------
    message : str
        The complaint.
    status : int
        The HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Transient(Exception):  # noqa: N818
    """What may pass: a broken line, a busy server.

    Parameters
    ----------
    reason : str
        What happened.
    wait : float or None
        Seconds the server asked for.
    crowded : bool
        Whether every other request should wait too.
    """

    def __init__(self, reason: str, wait: float | None = None, *, crowded: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.crowded = wait, crowded


class Stopped(Exception):  # noqa: N818
    """The download was interrupted in another thread."""


@dataclass(frozen=True)
class Answer:
    """A whole answer.

    Parameters
    ----------
    value : object
        What was made of the body.
    date : float or None
        The server's clock when it answered, epoch seconds; None if it did not say.
    """

    value: Any
    date: float | None


class Http:
    """Requests to one site, shared by all threads of a download.

    Parameters
    ----------
    site : str
        Address that every path is appended to, as in ``https://data.binance.vision``.
    jobs : int
        Connections that are kept open.
    retries : int
        Failures in a row, without a byte of progress between, that are forgiven.
    sleep, now : callable
        Waiting, in seconds, and the clock it goes by. By default a wait ends early when `stop` is set.
    tell : callable
        Called with a line of text before each wait.

    Raises
    ------
    ParamError
        If ``site`` is no http or https address.
    """

    def __init__(
        self,
        site: str,
        *,
        jobs: int = 4,
        retries: int = 6,
        sleep: Callable[[float], object] | None = None,
        now: Callable[[], float] = time.monotonic,
        tell: Callable[[str], object] = lambda text: None,
    ) -> None:
        parts = urlsplit(site)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ParamError(f"'{site}' is no address; write it as https://data.binance.vision")
        self.site, self.retries = site.rstrip("/"), retries
        self.stop = threading.Event()
        self.tell = tell
        self._sleep, self._now = sleep or self.stop.wait, now
        self._pool = _pool(parts.scheme, parts.hostname, jobs)
        self._lock, self._until = threading.Lock(), 0.0
        self._answers = True

    @contextmanager
    def open(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Iterator[Any]:
        """One request, one answer with its body unread; whatever breaks inside the block is told apart too.

        Raises
        ------
        Transient, NotFound, Refused, FetchError
            By what the server said, or did not say.
        """
        from urllib3.exceptions import HTTPError

        self._wait_for_turn()
        url, response = self.site + path, None
        try:
            response = self._request(method, url, headers or {})
            _judge(response, url)
            self._answers = True
            yield response
        except HTTPError as err:
            reason = _reason(err)
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                raise FetchError(f"{url}: {reason}") from None
            raise Transient(reason) from None
        finally:
            if response is not None:
                response.close()

    def get(self, path: str, parse: Callable[[bytes], Any] = bytes) -> Answer:
        """A small body whole, with retries; one that ``parse`` refuses with ValueError is fetched again."""
        return self.persist(path, lambda: self._get(path, parse))

    def exists(self, path: str) -> bool:
        """Whether the site has ``path``, with retries."""

        def ask(method: str) -> bool:
            with self.open(path, {"Range": "bytes=0-0"} if method == "GET" else None, method):
                return True

        try:
            try:
                return self.persist(path, lambda: ask("HEAD"))
            except Refused as err:
                if err.status not in _NO_METHOD:
                    raise
                return self.persist(path, lambda: ask("GET"))
        except NotFound:
            return False

    def persist(self, path: str, attempt: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        """``attempt()``, repeated while it raises `Transient`; ``progress()`` that grew forgives all failures so far.

        Raises
        ------
        FetchError
            If it keeps failing, or the server asks for a wait beyond `PATIENCE`.
        """
        failures, reached = 0, progress()
        while True:
            try:
                return attempt()
            except Transient as err:
                if progress() > reached:
                    failures, reached = 0, progress()
                # A site that failed one file to the end gets one try for each further, until it answers again.
                if failures >= (self.retries if self._answers else 0):
                    self._answers = False
                    raise FetchError(f"{self.site}{path}: {err} ({failures + 1} tries)") from None
                self._wait(path, err, min(LONGEST_WAIT, FIRST_WAIT * 2**failures))
                failures += 1

    def _get(self, path: str, parse: Callable[[bytes], Any]) -> Answer:
        with self.open(path, {"Accept-Encoding": "gzip"}) as response:
            body = response.read(_MOST, decode_content=True)
            try:
                return Answer(parse(body), _date(response.headers.get("Date")))
            except ValueError as err:
                raise Transient(f"cannot be understood: {str(err)[:120]}") from None

    def _request(self, method: str, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        from urllib3 import Retry, Timeout

        sent = {"User-Agent": "tapeflow", "Accept-Encoding": "identity", **headers}
        # Redirects are the library's; whatever else is to be tried again is `persist`'s.
        once = Retry(3, connect=0, read=0, redirect=3, status=0, other=0, respect_retry_after_header=False)
        limits = Timeout(connect=15, read=30)
        made: BaseHTTPResponse = self._pool.request(
            method, url, headers=sent, preload_content=False, retries=once, timeout=limits
        )
        return made

    def _wait(self, path: str, err: Transient, usual: float) -> None:
        wait = usual if err.wait is None else err.wait
        if wait > PATIENCE:
            raise FetchError(f"{self.site}{path}: {err}; it asks to wait {wait:.0f} s, run this again then") from None
        self.tell(f"{path.rpartition('/')[2]}: {err}, again in {wait:g} s")
        if err.crowded:
            with self._lock:
                self._until = max(self._until, self._now() + wait)
        elif wait > 0:
            self._sleep(wait)

    def _wait_for_turn(self) -> None:
        while not self.stop.is_set() and (left := self._until - self._now()) > 0:
            self._sleep(left)
        if self.stop.is_set():
            raise Stopped


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for; a date in it is taken against the server's own ``Date``.

    Examples
    --------
    >>> retry_after({"Retry-After": "7"}), retry_after({"Retry-After": "soon"})
    (7.0, None)
    >>> retry_after({"Retry-After": "Wed, 21 Oct 2015 07:28:05 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    5.0
    """
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    then, now = _date(text), _date(headers.get("Date"))
    return None if then is None or now is None else max(0.0, then - now)


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None


def _judge(response: Any, url: str) -> None:
    """Refuse an answer that is none."""
    status, said = response.status, f"{response.status} {response.reason or ''}".strip()
    if status in (200, 206):
        return
    response.read(cache_content=True)  # to its end, so that the connection can be used again
    if status in _GONE:
        raise NotFound(f"{url}: {said}")
    if status in _PASSING or (status >= 500 and status not in _NO_METHOD):
        raise Transient(said, retry_after(response.headers), crowded=status in _CROWDED)
    text = response.data.decode("utf-8", "replace")
    raise Refused(f"{url}: {said}" + (f": {text[:200]}" if text.strip() else ""), status)


def _reason(err: Any) -> str:
    """What an error of the library says, without the objects it names and the errors it wraps."""
    cause = getattr(err, "reason", None) or err
    left = getattr(cause.args[-1] if cause.args else None, "expected", None)
    if left is not None:
        return f"cut short, {left} bytes are missing"
    said = cause.args[0] if cause.args and isinstance(cause.args[0], str) else str(cause)
    return re.sub(r"^(HTTPS?Connection(Pool)?\(.*?\)|<.*?>): ", "", said)


def _pool(scheme: str, host: str, jobs: int) -> Any:
    """Connections, through the proxy that the environment names for this site."""
    from urllib3 import PoolManager, ProxyManager, make_headers
    from urllib3.util import parse_url

    proxy = getproxies().get(scheme)
    if not proxy or proxy_bypass(host):
        return PoolManager(maxsize=jobs)
    auth = parse_url(proxy).auth
    return ProxyManager(proxy, maxsize=jobs, proxy_headers=make_headers(proxy_basic_auth=auth) if auth else None)

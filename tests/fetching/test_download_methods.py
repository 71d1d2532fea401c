"""Sites that know no HEAD, as simple servers and some mirrors do not."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tapeflow.fetching.http import Http, Refused


@pytest.fixture(params=[501, 405])
def plain(request: pytest.FixtureRequest) -> Any:
    """A server that has ``/here``, answers nothing but GET, and says so of HEAD."""
    status = request.param

    class Handler(BaseHTTPRequestHandler):
        asked: list[str] = []

        def log_message(self, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.asked.append("HEAD")
            self.send_error(status)

        def do_GET(self) -> None:
            self.asked.append("GET")
            self.send_error(200 if self.path == "/here" else 403 if self.path == "/shut" else 404)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler.asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_looked_for_by_get_where_there_is_no_head(plain: Any) -> None:
    address, asked = plain
    http = Http(address, sleep=lambda seconds: pytest.fail("nothing here passes by waiting"))
    assert (http.exists("/here"), http.exists("/gone")) == (True, False)
    assert asked == ["HEAD", "GET"] * 2
    with pytest.raises(Refused, match="403"):
        http.exists("/shut")

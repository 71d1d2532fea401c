"""A site and a clock for every test of downloads, and no way off this machine."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from tapeflow.tests.helpers.download_site import Site, Watched


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

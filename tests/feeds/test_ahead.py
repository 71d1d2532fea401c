"""Items made a thread ahead (feeds/csv_reader/files): in order, and ended wherever they are left."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tapeflow.feeds.csv_reader.files import ahead


def test_items_come_in_order_and_their_maker_is_ended() -> None:
    ended = []

    def made() -> Iterator[int]:
        try:
            yield from range(5)
        finally:
            ended.append(True)

    assert [*ahead(made())] == [0, 1, 2, 3, 4]
    left = ahead(made())
    next(left)
    left.close()
    assert ended == [True, True]


def test_what_is_left_half_read_ends_within_a_thread_that_just_begins() -> None:
    lock = getattr(threading, "_shutdown_locks_lock", None)
    if lock is None:
        pytest.skip("this Python has no lock there")
    left, ended = ahead(k for k in range(5)), threading.Event()
    next(left)

    def collected() -> None:
        with lock:  # as the collector of garbage may find it
            left.close()
        ended.set()

    threading.Thread(target=collected, daemon=True).start()
    assert ended.wait(10.0)

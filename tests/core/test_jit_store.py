"""The folder of machine code (core/jit_store): whole files or none, and tidied."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeflow.core import jit_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "kernels"
    monkeypatch.setenv("TAPEFLOW_KERNELS", str(folder))
    jit_store.folder.cache_clear()
    jit_store._tidy_daily.cache_clear()
    yield folder
    jit_store.folder.cache_clear()
    jit_store._tidy_daily.cache_clear()


def test_what_was_written_is_read(store: Path) -> None:
    assert jit_store.read("sum-1") is None
    jit_store.write("sum-1", b"code")
    assert jit_store.read("sum-1") == b"code"
    assert [path.name for path in store.glob("*-*")] == ["sum-1.kernel"]


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"y" * 40])
def test_what_is_damaged_is_as_if_it_were_not_there(store: Path, damage: bytes) -> None:
    jit_store.write("sum-1", b"code")
    (store / "sum-1.kernel").write_bytes(damage)
    assert jit_store.read("sum-1") is None


def test_a_place_where_nothing_can_be_written_is_no_error(store: Path) -> None:
    store.write_text("a file where the folder would be")
    jit_store.write("sum-1", b"code")
    assert jit_store.read("sum-1") is None


def test_what_nobody_used_and_what_was_left_half_written_go(store: Path) -> None:
    ages = {"old-1.kernel": 91, "new-1.kernel": 89, "cut-1.kernel.7.part": 2, "now-1.kernel.8.part": 0}
    store.mkdir()
    for name, age in ages.items():
        (store / name).write_bytes(b"")
        os.utime(store / name, times=(time.time() - age * 86_400,) * 2)
    jit_store.tidy()
    assert sorted(path.name for path in store.iterdir()) == ["new-1.kernel", "now-1.kernel.8.part"]


def test_reading_counts_as_use(store: Path) -> None:
    jit_store.write("sum-1", b"code")
    os.utime(store / "sum-1.kernel", times=(time.time() - 89 * 86_400,) * 2)
    jit_store.read("sum-1")
    assert time.time() - (store / "sum-1.kernel").stat().st_mtime < 60


def test_the_longest_unused_go_where_there_are_too_many(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit_store, "MOST", 100)
    for k in range(5):
        jit_store.write(f"sum-{k}", bytes(8))
        os.utime(store / f"sum-{k}.kernel", times=(time.time() - 100 * k,) * 2)
    jit_store.tidy()
    assert sorted(path.name for path in store.glob("*-*")) == ["sum-0.kernel", "sum-1.kernel"]

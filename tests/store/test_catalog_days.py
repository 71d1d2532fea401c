"""Trades that two days of a catalog have: told when a file is added, and by the audit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapeflow.auditing.audit import audit
from tapeflow.auditing.report import Report
from tapeflow.cli import audit as audit_command
from tapeflow.cli import data_add
from tapeflow.core.clock import DAY, parse_time
from tapeflow.core.errors import DataError
from tapeflow.feeds.binance import BinanceTrades
from tapeflow.feeds.catalog import Catalog
from tapeflow.feeds.filing.add import Added, add
from tapeflow.store.codec import GROUP
from tapeflow.store.layout import CatalogStore, Partition
from tapeflow.store.shared import overlapping, shared

MONDAY = parse_time("2024-01-01") // 1000
HOUR = 3_600_000
Row = list[str]


def trade(id_: int, time: int, price: float = 100.0, quantity: float = 1.0) -> Row:
    """A raw trade of a Binance dump, ``time`` in ms from the first midnight."""
    return [str(id_), f"{price:.2f}", f"{quantity:.5f}", "0", str(MONDAY + time), str(id_ % 2 == 0), "True"]


def day(number: int, count: int = 50) -> list[Row]:
    """Trades of a day, ids going on from the day before."""
    step = 24 * HOUR // count
    return [trade(number * count + i, number * 24 * HOUR + i * step, 100 + i % 7, 1 + i % 5) for i in range(count)]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def put(root: Path, *paths: Path) -> list[Added]:
    return add(root, paths, "BinanceTrades", {}, symbol="X")


def look(root: Path) -> Report:
    return audit(Catalog(root), keep=10**6)


def counts(report: Report) -> dict[str, int]:
    return {f.kind: f.count for f in report.findings if f.kind in ("day_duplicate", "conflict", "duplicate")}


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def two_days(folder: Path, *, same: bool = True) -> tuple[Path, Path]:
    """Two dumps; the last trade of the first is the first of the second, a millisecond later."""
    first, second = day(0), day(1)
    last = trade(49, 24 * HOUR - 1)
    again = trade(49, 24 * HOUR, 100.0 if same else 100.5)
    return write(folder / "a.csv", [*first[:-1], last]), write(folder / "b.csv", [again, *second[1:]])


@pytest.mark.parametrize("same", [True, False])
def test_a_trade_at_midnight_that_both_files_have_is_counted_kept_and_told_and_read_once(tmp_path, same):
    a, b = two_days(tmp_path, same=same)
    first, second = put(tmp_path / "c", a, b)
    assert (first.elsewhere, second.elsewhere, second.elsewhere_other) == (0, 1, int(not same))
    assert (first.new, second.new) == (50, 50)
    for feed in (Catalog(tmp_path / "c"), BinanceTrades([a, b])):
        if same:
            assert (sum(len(tape) for tape in feed.tapes()), feed.counts["duplicates"]) == (99, 1)
        else:
            with pytest.raises(DataError, match=r"id 49 .*came before with another price"):
                list(feed.tapes())
    report = look(tmp_path / "c")
    kind = "day_duplicate" if same else "conflict"
    assert counts(report) == {kind: 1}
    (spot,) = report.finding(kind).spots
    assert spot.time == (MONDAY + 24 * HOUR) * 1000
    assert spot.example.startswith("id 49 is at 2024-01-01T23:59:59.999")
    assert "on 2024-01-01 too" in spot.example
    assert spot.example.endswith("too" if same else "with other content")
    assert report.grade == "D"


def test_days_without_a_common_id_are_no_finding(tmp_path):
    made = put(tmp_path / "c", *(write(tmp_path / f"{k}.csv", day(k)) for k in range(3)))
    assert [added.elsewhere for added in made] == [0, 0, 0]
    assert counts(look(tmp_path / "c")) == {}


def test_a_whole_dump_whose_times_are_a_day_off_is_found_row_by_row(tmp_path):
    moved = [[*row[:4], str(int(row[4]) + 24 * HOUR), *row[5:]] for row in day(0)]
    a, b = write(tmp_path / "a.csv", day(0)), write(tmp_path / "b.csv", moved)
    put(tmp_path / "c", a)
    (added,) = put(tmp_path / "c", b)
    assert (added.elsewhere, added.elsewhere_other) == (50, 0)
    assert counts(look(tmp_path / "c")) == {"day_duplicate": 50}


def test_ids_far_apart_in_the_tape_are_found_too(tmp_path):
    """More rows lie between than an audit remembers."""
    count = 2 * GROUP + 7
    step = 24 * HOUR // count
    rows = [trade(i, i * step) for i in range(count)]
    a = write(tmp_path / "a.csv", rows)
    b = write(tmp_path / "b.csv", [trade(3, 25 * HOUR), trade(GROUP + 5, 26 * HOUR, 99.0)])
    _, added = put(tmp_path / "c", a, b)
    assert (added.elsewhere, added.elsewhere_other) == (2, 1)
    assert counts(look(tmp_path / "c")) == {"day_duplicate": 1, "conflict": 1}


def test_a_day_is_read_only_where_ids_can_be_shared(tmp_path, monkeypatch):
    from tapeflow.store import shared as module

    read: list[str] = []
    original = module.read_groups

    def counted(partition: Partition, *args: object, **more: object):
        read.append(partition.folder.name)
        return original(partition, *args, **more)

    monkeypatch.setattr(module, "read_groups", counted)
    put(tmp_path / "c", *(write(tmp_path / f"{k}.csv", day(k)) for k in range(4)))
    assert read == []
    a, b = two_days(tmp_path)
    put(tmp_path / "d", a, b)
    assert read == ["day=2024-01-02", "day=2024-01-01"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), min_size=1, max_size=80, unique=True))
def test_what_days_share_is_what_plain_python_finds(tmp_path_factory, pairs):
    """Ids in any order on any day, each once a day."""
    folder = tmp_path_factory.mktemp("c")
    by_day = {d: [i for k, i in pairs if k == d] for d in range(4)}
    for d, ids in by_day.items():
        rows = [trade(i, d * 24 * HOUR + k, 100 + (i + d) % 2) for k, i in enumerate(ids)]
        if rows:
            put(folder / "c", write(folder / f"{d}.csv", rows))
    shelf = CatalogStore(folder / "c")
    days = list(shelf.partitions(shelf.series()[0]))
    found = {
        (late.day - days[0].day, early.day - days[0].day, int(i), bool(s))
        for late, early in overlapping(days)
        for part in shared(late, early)
        for i, s in zip(part.ids, part.same, strict=True)
    }
    zero = min(d for d, ids in by_day.items() if ids)
    expected = {
        (a - zero, b - zero, i, a % 2 == b % 2)
        for a in range(4)
        for b in range(a)
        for i in set(by_day[a]) & set(by_day[b])
    }
    assert found == expected


def test_order_and_repetition_change_no_byte(tmp_path):
    a, b = two_days(tmp_path)
    put(tmp_path / "c", a, b)
    put(tmp_path / "d", b)
    (late,) = put(tmp_path / "d", a)
    assert late.elsewhere == 1
    once = files(tmp_path / "c")
    assert files(tmp_path / "d") == once
    again = put(tmp_path / "c", a, b)
    assert [(added.known, added.elsewhere) for added in again] == [(True, 0), (True, 0)]
    assert files(tmp_path / "c") == once


def test_the_commands_say_it(tmp_path):
    a, b = two_days(tmp_path)
    root = str(tmp_path / "c")
    args = [str(a), str(b), "--feed", "BinanceTrades", "--catalog", root, "--symbol", "X"]
    done = CliRunner().invoke(data_add.command, args)
    assert "b.csv: 50 rows of binance spot X trades added in 1 day" in done.output
    assert "ids of another day 1 (0 with other content)" in done.output
    done = CliRunner().invoke(data_add.command, [*args[:-3], str(tmp_path / "d"), "--symbol", "X", "--json"])
    made = json.loads(done.stdout)["files"]
    assert [f["ids_of_another_day"] for f in made] == [0, 1]
    told = CliRunner().invoke(audit_command.command, ["--catalog", root])
    assert "day_duplicate" in told.stdout


def test_days_without_ids_share_none(tmp_path):
    days = [Partition(tmp_path, "x", 0, "", 1, k * DAY, k * DAY, -1, -1, -1, -1, 0, 0) for k in range(3)]
    assert list(overlapping(days)) == []

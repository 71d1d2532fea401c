"""Where reading is at its border: the first id there is, and a read that fails when something was set aside already."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tapeflow.core.errors import DataError
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines
from tapeflow.feeds.binance_stream import BinanceStreamKlines
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_reader.cells import PADDING
from tapeflow.feeds.csv_reader.scan import find, returns
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.framework.dumps import _kept
from tapeflow.feeds.framework.infer_sides import tick_rule
from tapeflow.feeds.framework.markets import of_path
from tapeflow.feeds.framework.sort_and_dedup import _look
from tapeflow.feeds.framework.strays import stray_klines
from tapeflow.feeds.framework.units import _outside
from tapeflow.feeds.table_reader.arrow_reader import _milliseconds
from tapeflow.feeds.table_reader.convert import integers
from tapeflow.feeds.table_reader.csv_sheets import Utf8
from tapeflow.feeds.table_reader.schemas import _number
from tapeflow.feeds.table_reader.stamps import Stamps

MS = 1_700_000_040_000
TRADES = [f"{i},100.5,2,{10 * i},{10 * i + 9},{MS + i},true" for i in range(3)]
KLINES = [f"{MS + 60_000 * i},1,2,1,2,10,{MS + 60_000 * i + 59_999},15,3,5,7,0" for i in range(3)]
TABLE = ["time,price,quantity,side,id", *(f"{MS + i},100.5,2,buy,{i}" for i in range(3))]
BARS = ["time,open,high,low,close,volume", *(f"{MS + 60_000 * i},1,2,1,2,10" for i in range(3))]

FEEDS: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "dump of trades": (BinanceAggTrades, TRADES),
    "dump of klines": (BinanceKlines, KLINES),
    "table of trades": (CsvTape, TABLE),
    "table of bars": (CsvBars, BARS),
}


@pytest.mark.parametrize("name", ["dump of trades", "table of trades"])
def test_a_row_that_came_twice_is_dropped_though_its_id_is_0(name: str, tmp_path: Path) -> None:
    feed, lines = FEEDS[name]
    first = next(i for i, line in enumerate(lines) if line[0].isdigit())
    path = tmp_path / "a.csv"
    path.write_text("\n".join([*lines[: first + 1], *lines[first:]]) + "\n")
    made = feed(path)
    assert made.bars("1m")["volume"].tolist() == [6.0]
    assert made.counts["duplicates"] == 1


@pytest.mark.parametrize("name", ["dump of trades", "table of trades"])
def test_a_row_that_ends_one_file_and_begins_the_next_is_dropped(name: str, tmp_path: Path) -> None:
    feed, lines = FEEDS[name]
    head = [line for line in lines if not line[0].isdigit()]
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("\n".join(lines[:-1]) + "\n")
    two.write_text("\n".join([*head, *lines[-2:]]) + "\n")
    made = feed([one, two])
    assert made.bars("1m")["volume"].tolist() == [6.0]
    assert made.counts["duplicates"] == 1


@pytest.mark.parametrize("name", list(FEEDS))
def test_a_read_that_fails_leaves_nothing_of_what_it_had_set_aside(name: str, tmp_path: Path) -> None:
    feed, lines = FEEDS[name]
    sound, cut = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    sound.write_text("\n".join([*lines[:2], lines[2].replace("2", "x"), *lines[2:]]) + "\n")
    made = feed(sound, bad_rows="quarantine")
    made.quarantine = tmp_path / "aside.csv"
    made.bars("1m")
    assert (made.counts["quarantined"], made.quarantine.read_text()) == (1, lines[2].replace("2", "x") + "\n")
    made.quarantine.unlink()
    cut.write_bytes(gzip.compress("\n".join(lines).encode())[:-12])
    made = feed([sound, cut], bad_rows="quarantine")
    made.quarantine = tmp_path / "aside.csv"
    with pytest.raises(DataError, match=r"is (cut short|damaged)"):
        made.bars("1m")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv.gz"]


@pytest.mark.parametrize(
    ("text", "everywhere"),
    [(b"1,2\r\n3,4\r\n", True), (b"1,2\r\n3,4\n", False), (b"1,2\n3,4\r\n", False), (b"1,2\n3,4\n", False)],
)
def test_lines_end_with_carriage_returns_where_all_do(text: bytes, everywhere: bool) -> None:
    buffer = np.frombuffer(PADDING + text + PADDING, np.uint8)
    marks = np.empty(len(buffer) + 64, np.int32)
    base, at = buffer.ctypes.data, len(PADDING)
    assert find(base, at, at + len(text), 2, marks.ctypes.data) == (4, 2, True)
    assert returns(base, marks.ctypes.data, 2, 2) is everywhere


@pytest.mark.parametrize(("last", "promised"), [(19, (10, 20)), (20, (None, None))])
def test_a_name_promises_up_to_its_end_and_not_beyond(last: int, promised: tuple[int | None, int | None]) -> None:
    assert _kept((10, 20), np.array([10, last])) == promised
    assert _kept((10, 20), np.array([9, 12])) == (None, None)


def test_prices_that_stand_still_keep_the_side_of_the_batch_before() -> None:
    sides, before = tick_rule(np.array([10.0, 10.0, 10.0]), (10.0, 1))
    assert (sides.tolist(), before) == ([1, 1, 1], (10.0, 1))


@pytest.mark.parametrize(
    ("path", "market"),
    [("um/aggTrades/a.zip", "um"), ("cm/daily/klines/X/1m/a.zip", "cm"), ("um/a.zip", ""), ("klines/um/a.zip", "")],
)
def test_folders_above_a_kind_tell_the_market(path: str, market: str) -> None:
    assert of_path(Path(path)) == market


def test_times_of_receipt_change_their_unit_at_its_bound() -> None:
    last, first = str(10**11 - 1), str(10**11)
    assert (_milliseconds(last), _milliseconds(first)) == (f"{last}000.000000", f"{first}.000000")


def test_whole_numbers_end_where_floats_lose_them() -> None:
    values, bad = integers(pa.array([2.0**53 - 1, 2.0**53, 1.5]))
    assert (values.tolist(), bad.tolist()) == ([2**53 - 1, -1, -1], [False, True, True])


def test_a_price_in_billionths_may_be_larger_than_a_float_counts() -> None:
    (made,) = _number(pa.array([20_000_000_123_456_789], pa.int64()), "price").to_pylist()
    assert made == pytest.approx(20_000_000.123456789, rel=1e-15)


@pytest.mark.parametrize(("unit", "least"), [("s", 10**8), ("ms", 10**11), ("us", 10**14), ("ns", 10**17)])
def test_stamps_of_a_unit_begin_in_1973(unit: str, least: int) -> None:
    values, bad = Stamps(unit).read(pa.array([str(least), str(least - 1)]))
    assert (values[0], bad.tolist()) == (10**14, [False, True])


def test_more_places_than_a_unit_has_are_cut_off() -> None:
    values, bad = Stamps("ns").read(pa.array(["1700000040123456789.9", "1700000040123456789"]))
    assert (values.tolist(), bad.any()) == ([1_700_000_040_123_456] * 2, False)
    values, _ = Stamps("us").read(pa.array(["1700000040123456.7899", "1700000040123456."]))
    assert values.tolist() == [1_700_000_040_123_456] * 2


def test_prices_below_one_are_judged_too() -> None:
    columns = {"low": np.array([0.5, 0.5]), "high": np.array([0.6, 0.6])}
    outside, known = _outside(columns, np.array([550.0, 55_000.0]), np.array([1000.0, 1000.0]))
    assert (outside.tolist(), known) == ([False, True], 2)


@pytest.mark.parametrize(
    ("time", "ids", "ascending"),
    [
        ([5, 6], [4, 9], False),
        ([5, 6], [5, 4], True),
        ([5, 6], [-1, 4], True),
        ([5, 5], [9, 9], False),
        ([5, 5], [9, 10], True),
        ([5, 5], [-1, -1], True),
        ([4, 6], [9, 10], False),
        ([6, 5], [9, 10], False),
    ],
)
def test_rows_ascend_by_time_and_within_it_by_id_from_the_batch_before_on(
    time: list[int], ids: list[int], ascending: bool
) -> None:
    nothing = np.zeros(2, np.int64)
    assert _look(np.array(time), np.array(ids), nothing, nothing, 5, 4) == (ascending, 0)


@pytest.mark.parametrize(
    ("first", "after", "holes"), [(10, 10, 0), (11, 10, 1), (9, 10, 0), (1, -1, 0), (1, 0, 1), (0, 0, 0)]
)
def test_an_id_beyond_the_one_that_follows_is_a_hole(first: int, after: int, holes: int) -> None:
    time, firsts, afters = np.array([5, 6]), np.array([0, first]), np.array([after, 0])
    assert _look(time, np.array([7, 8]), firsts, afters, 0, 0) == (True, holes)


@pytest.mark.parametrize(
    ("before", "behind", "stray"),
    [(2, 3, [True] * 2 + [False] * 3), (2, 2, [False] * 2 + [True] * 2), (3, 2, [False] * 3 + [True] * 2)],
)
def test_of_klines_far_apart_the_fewer_are_astray_and_of_equally_many_the_later(
    before: int, behind: int, stray: list[bool]
) -> None:
    minute, far = 60_000_000, 2 * 366 * 86_400_000_000
    opens = np.concatenate((np.arange(before) * minute, far + np.arange(behind) * minute))
    assert stray_klines(opens, np.zeros(before + behind, np.int64)).tolist() == stray


@pytest.mark.parametrize(
    ("text", "line", "skipped"),
    [
        (b"\x0c\n1,2\n", b"1,2", 1),
        (b"\n \n\x0b\n\n1,2\n", b"1,2", 4),
        (b"\n \t", b"", 1),
        (b"\x0c", b"", 0),
        (b"1", b"1", 0),
    ],
)
def test_lines_of_any_blanks_are_empty(text: bytes, line: bytes, skipped: int) -> None:
    made = Utf8([text])
    assert (made.first_line(), made.skipped) == (line, skipped)


def test_words_that_are_no_sides_are_wrong_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    kline = dict.fromkeys("ochlvqVQ", "1") | {"t": MS, "T": MS + 59_999, "f": 1, "L": 2, "n": 2}
    lines = [{"e": "kline", "s": "A", "k": kline | {"x": final}} for final in ("no", "false", "maybe", True)]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    made = BinanceStreamKlines(path, bad_rows="quarantine")
    assert made.bars()["volume"].tolist() == [1.0]
    assert made.counts["quarantined"] == 2
    with pytest.raises(DataError, match=r"row 1, column k\.x \(final\): 'no' is no side"):
        BinanceStreamKlines(path).bars()

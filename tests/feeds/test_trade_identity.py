"""One identity of a trade: its id, in reading, catalogs and audits; and where missing ids are flagged."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.auditing.audit import audit
from tapeflow.core.errors import DataError
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceTrades
from tapeflow.feeds.catalog import Catalog
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.filing.add import add
from tapeflow.feeds.framework.once import SPAN, Once

MS = 1_704_067_200_000
MINUTE = 60_000
HOLE = int(Quality.ID_HOLE)


def whole(feed) -> Tape:
    return Tape.join(list(feed.tapes()))


def mine(path, *rows: str):
    path.write_text("\n".join(["time,price,quantity,side,id", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("feed", "line", "column"),
    [
        (BinanceTrades, "-5,10,1,10,{},true", "id"),
        (BinanceAggTrades, "-1,10,1,1,1,{},true", "agg_trade_id"),
        (CsvTape, "{},10,1,buy,-7", "id (trade_id)"),
    ],
)
def test_negative_ids_are_refused_with_row_and_value(tmp_path, feed, line, column):
    head = "time,price,quantity,side,id\n" if feed is CsvTape else ""
    good = line.replace("-5", "5").replace("-1,", "1,", 1).replace("-7", "7")
    path = tmp_path / "a.csv"
    path.write_text(f"{head}{good.format(MS)}\n{line.format(MS + 1)}\n")
    with pytest.raises(DataError, match=r"row [23], column .*'-[157]' is negative") as err:
        whole(feed(path, market="um") if head == "" else feed(path))
    assert f"column {column}:" in str(err.value)
    aside = feed(path, bad_rows="quarantine")
    assert (len(whole(aside)), aside.counts["quarantined"]) == (1, 1)


def test_a_void_placeholder_of_binance_with_no_raw_ids_is_no_negative_id(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"1,10,1,1,1,{MS},true,true\n2,0,0,-1,-1,{MS},true,true\n3,10,1,2,2,{MS},true,true\n")
    feed = BinanceAggTrades(path)
    assert (whole(feed).trade_id.tolist(), feed.counts["void"]) == ([1, 3], 1)


def tape(minutes: list[float], flags: list[int]) -> Tape:
    n = len(minutes)
    time = [int((MS + m * MINUTE) * 1000) for m in minutes]
    return Tape.of(time=time, price=[1.0] * n, quantity=[1.0] * n, side=[1] * n, trade_id=range(n), flags=flags)


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_hole_lies_on_both_bars_that_it_touches_and_on_every_bar_between(cut):
    whole_tape = tape([0.1, 1.1, 1.2, 5.5, 6.5], [0, 0, 0, HOLE, 0])
    for spec, flagged in (("1m", [0, 1, 1, 1, 1, 1, 0]), ("1t", [0, 0, 1, 1, 0]), ("2t", [0, 1, 0])):
        (bars,) = aggregate([whole_tape[:cut], whole_tape[cut:]], [spec])
        assert (bars["quality"] & HOLE > 0).astype(int).tolist() == flagged, spec


def test_a_hole_within_a_bar_is_that_bars_alone_and_one_before_all_rows_only_the_firsts():
    (bars,) = aggregate([tape([0.1, 1.1, 1.2, 2.5], [HOLE, 0, HOLE, 0])], ["1m"])
    assert (bars["quality"] & HOLE > 0).tolist() == [True, True, False]


def test_longer_bars_of_shorter_ones_have_the_same_flags():
    from tapeflow.aggregation.kinds import BarSpec
    from tapeflow.aggregation.resample import resample

    rng = np.random.default_rng(5)
    minutes = np.sort(rng.uniform(0, 40, 60)).tolist()
    flags = np.where(rng.random(60) < 0.1, HOLE, 0).tolist()
    short, long = aggregate([tape(minutes, flags)], ["1m", "5m"])
    made = resample(short, BarSpec.parse("5m"))
    assert (made["quality"] & HOLE).tolist() == (long["quality"] & HOLE).tolist()


SAME = (f"{MS},83.29,1,buy,1", f"{MS + 632},83.29,1,buy,1", f"{MS + 900},83.3,1,buy,2")


def test_one_trade_at_two_times_is_one_in_reading_catalog_and_audit(tmp_path):
    path = mine(tmp_path / "a.csv", *SAME)
    feed = CsvTape(path)
    tape = whole(feed)
    assert (tape.time.tolist(), feed.counts["duplicates"]) == ([MS * 1000, (MS + 900) * 1000], 1)
    (added,) = add(tmp_path / "c", [path], "CsvTape", {}, symbol="X")
    assert added.rows == 2
    parts = [mine(tmp_path / f"{i}.csv", row) for i, row in enumerate(SAME[:2])]
    made = add(tmp_path / "d", parts, "CsvTape", {}, symbol="X")
    assert [(one.new, one.duplicates) for one in made] == [(1, 0), (0, 1)]
    assert whole(Catalog(tmp_path / "d")).time.tolist() == [MS * 1000]
    report = audit(CsvTape(path))
    assert (report.finding("duplicate").count, report.refused) == (1, "")


@pytest.mark.parametrize("row", [f"{MS + 9},83.29,2,buy,1", f"{MS + 9},83,1,buy,1", f"{MS + 9},83.29,1,sell,1"])
@pytest.mark.parametrize("at", [0, 9])
def test_one_id_with_two_contents_is_refused_in_reading_and_catalog_and_a_conflict_in_the_audit(tmp_path, row, at):
    rows = SAME[0], row.replace(str(MS + 9), str(MS + at))
    path = mine(tmp_path / "a.csv", *rows)
    with pytest.raises(DataError, match=r"row 3, id 1 came before with another price or quantity"):
        whole(CsvTape(path))
    parts = [mine(tmp_path / f"{i}.csv", one) for i, one in enumerate(rows)]
    with pytest.raises(DataError, match=r"id 1 (is at|has) "):
        add(tmp_path / "d", parts, "CsvTape", {}, symbol="X")
    report = audit(CsvTape(path))
    assert report.finding("conflict").count == 1
    assert "came before" in report.refused
    assert len(whole(CsvTape(path, columns={"trade_id": None}))) == 2


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_ids_that_come_again_are_told_the_same_however_the_tape_is_cut(size):
    rng = np.random.default_rng(11)
    ids = np.where(rng.random(3000) < 0.2, rng.integers(0, 3000, 3000), np.arange(3000))
    tape = Tape.of(time=np.arange(3000), price=ids + 1.0, quantity=np.ones(3000), side=np.ones(3000), trade_id=ids)
    once, seen = Once(), set()
    codes = [once.codes(tape[i : i + size]) for i in range(0, 3000, size)]
    found = np.concatenate([np.zeros(min(size, 3000 - i * size), int) if c is None else c for i, c in enumerate(codes)])
    assert found.tolist() == [int(i in seen) or bool(seen.add(i)) for i in ids.tolist()]


def test_an_id_is_forgotten_when_more_rows_came_than_are_kept():
    def rows(ids):
        n = len(ids)
        return Tape.of(time=np.zeros(n), price=np.ones(n), quantity=np.ones(n), side=np.ones(n), trade_id=ids)

    for between, code in ((SPAN - 1, 1), (SPAN, None)):
        once = Once()
        assert once.codes(rows([5])) is None
        assert once.codes(rows(np.full(between, -1))) is None
        last = once.codes(rows([5]))
        assert (None if last is None else last.tolist()) == (None if code is None else [code])


def test_no_hole_is_told_behind_a_trade_that_came_again(tmp_path):
    path = tmp_path / "a.csv"
    rows = [(5, 0), (6, 1), (7, 2), (5, 3), (8, 4)]
    path.write_text("".join(f"{i},10,1,10,{MS + at},true,true\n" for i, at in rows))
    feed = BinanceTrades(path)
    assert whole(feed).trade_id.tolist() == [5, 6, 7, 8]
    assert (feed.counts["id_holes"], feed.counts["duplicates"]) == (0, 1)

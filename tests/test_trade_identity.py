"""One identity of a trade: its id, in reading, catalogs and audits; and where missing ids are flagged."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.core.errors import DataError
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.aggregation.bars import aggregate
from tapeflow.feeds.binance import BinanceAggTrades, BinanceTrades
from tapeflow.feeds.generic import CsvTape

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
    from tapeflow.feeds.aggregation.kinds import BarSpec
    from tapeflow.feeds.aggregation.resample import resample

    rng = np.random.default_rng(5)
    minutes = np.sort(rng.uniform(0, 40, 60)).tolist()
    flags = np.where(rng.random(60) < 0.1, HOLE, 0).tolist()
    short, long = aggregate([tape(minutes, flags)], ["1m", "5m"])
    made = resample(short, BarSpec.parse("5m"))
    assert (made["quality"] & HOLE).tolist() == (long["quality"] & HOLE).tolist()

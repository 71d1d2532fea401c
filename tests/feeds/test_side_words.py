"""Words for sides: known both, or asked for; a column is never half read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.bybit import BybitTrades
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.frames import FrameTape

MS = 1_704_067_200_000


def file(path, words, head="time,price,quantity,side"):
    path.write_text("\n".join([head, *(f"{MS + i},10,1,{w}" for i, w in enumerate(words))]) + "\n")
    return path


def read(feed) -> list[int]:
    return Tape.join(list(feed.tapes())).side.tolist()


@pytest.mark.parametrize(
    "words", [["0", "1", "0"], ["0.0", "1.0"], ["1", "2", "2"], ["B", "A", "A"], ["true", "false"], ["bid", "bid"]]
)
@pytest.mark.parametrize("bad_rows", ["error", "quarantine"])
def test_two_words_of_which_one_is_unknown_are_asked_for(tmp_path, words, bad_rows):
    path = file(tmp_path / "a.csv", words)
    with pytest.raises(DataError, match=r"(column side holds '.+nothing tells|is no side)"):
        read(CsvTape(path, bad_rows=bad_rows))
    if len(set(words)) > 1:
        buy, sell = dict.fromkeys(words)
        told = read(CsvTape(path, sides={"buy": [sell], "sell": [buy]}, bad_rows=bad_rows))
        assert told == [-1 if w == buy else 1 for w in words]


@pytest.mark.parametrize(
    ("words", "sides"),
    [
        (["0", "1", "-1"], [0, 1, -1]),
        (["", "buy", "unknown"], [0, 1, 0]),
        (["b", "S"], [1, -1]),
        (["0", "-1"], [0, -1]),
    ],
)
def test_words_that_are_known_are_read(tmp_path, words, sides):
    assert read(CsvTape(file(tmp_path / "a.csv", words))) == sides


def test_one_line_that_cannot_be_read_is_still_set_aside(tmp_path):
    assert read(CsvTape(file(tmp_path / "a.csv", ["buy", "x", "sell"]), bad_rows="quarantine")) == [1, -1]


def test_zero_and_one_of_a_provider_whose_table_has_neither_are_refused_too(tmp_path):
    path = file(tmp_path / "a.csv", ["0", "1", "1"], "timestamp,price,size,side")
    with pytest.raises(DataError, match=r"column side holds '0' and '1'.*no words of this provider"):
        read(BybitTrades(path, bad_rows="quarantine"))


@pytest.mark.parametrize("made", [np.int64, np.float64])
def test_numbers_in_frames_are_held_to_the_same(made):
    frame = pd.DataFrame({"time": [MS, MS + 1], "price": [1.0, 2.0], "quantity": [1.0, 1.0], "side": made([0, 1])})
    with pytest.raises(DataError, match=r"column side holds '0(\.0)?' and '1(\.0)?'"):
        read(FrameTape(frame))
    assert read(FrameTape(frame.assign(side=made([-1, 1])))) == [-1, 1]


def test_who_made_the_market_may_be_zero_or_one(tmp_path):
    path = file(tmp_path / "a.csv", ["0", "1"], "time,price,quantity,m")
    assert read(CsvTape(path, columns={"is_buyer_maker": "m"})) == [1, -1]


SIERRA = (
    "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
    "2024/1/2, 09:30:00.123000, 0.00, 10.5, 10.4, 10.5, 7, 1, 0, 7\n"
    "2024/1/2, 09:30:00.250000, 0.00, 10.6, 10.5, 10.6, 8, 1, 0, 8\n"
    "2024/1/2, 09:30:01.250000, 0.00, 10.6, 10.5, 10.5, 9, 1, 9, 0\n"
    "2024/1/2, 09:30:02.250000, 0.00, 10.6, 10.5, 10.5, 2, 1, 1, 1\n"
)
VOLUMES = {"taker_buy_volume": "AskVolume", "taker_sell_volume": "BidVolume"}
PLACES = {"time": ["Date", "Time"], "price": "Last"}


def test_volumes_by_side_tell_the_side_of_a_trade(tmp_path):
    path = tmp_path / "ESH24.txt"
    path.write_text(SIERRA)
    feed = CsvTape(path, columns={**PLACES, **VOLUMES})
    (tape,) = feed.tapes()
    assert tape.side.tolist() == [1, 1, -1, 0]
    assert not [said for said in feed.remarks() if said.startswith("sides")]
    (none,) = CsvTape(path, columns=PLACES).tapes()
    assert none.side.tolist() == [0, 0, 0, 0]


def test_volumes_by_side_that_users_name_go_before_a_column_of_sides(tmp_path):
    path = tmp_path / "both.csv"
    path.write_text("time,price,size,side,up,down\n1704187800000,10,1,buy,0,1\n1704187801000,10,1,sell,1,0\n")
    (own,) = CsvTape(path, columns={"taker_buy_volume": "up", "taker_sell_volume": "down"}).tapes()
    (found,) = CsvTape(path).tapes()
    assert (own.side.tolist(), found.side.tolist()) == ([-1, 1], [1, -1])


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"taker_buy_volume": "up"}, "taker_buy_volume tells sides only beside taker_sell_volume"),
        ({"taker_buy_volume": "up", "taker_sell_volume": "down", "side": "s"}, "side and taker_buy_volume both tell"),
    ],
)
def test_half_of_what_tells_sides_or_twice_is_refused(tmp_path, columns, says):
    path = tmp_path / "any.csv"
    path.write_text("time,price,size,s,up,down\n1704187800000,10,1,buy,0,1\n")
    with pytest.raises(ParamError, match=says):
        list(CsvTape(path, columns=columns).tapes())

"""Text that is not quite what a dump or a CSV is: it loads, or is refused in one line that says why."""

import bz2
import gzip
import json
import re

import pyarrow as pa
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.feeds.binance import BinanceAggTrades
from tapeflow.feeds.binance_stream import BinanceStreamTrades
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.frames import FrameBars, FrameTape
from tapeflow.feeds.sniffing.sniff import sniff
from tapeflow.feeds.table_reader.csv_sheets import Utf8

DUMP = [
    f"{7 + i},100.{i},0.5,{9 + i},{9 + i},{1_700_000_000_000 + i},{'True' if i % 2 else 'False'},True" for i in range(6)
]
TABLE = [
    "time,price,quantity,side",
    *(f"{1_700_000_000_000 + i},100.{i},0.5,{'sell' if i % 2 else 'buy'}" for i in range(6)),
]
PRICES = [float(f"100.{i}") for i in range(6)]


def dump(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return BinanceAggTrades(path)


def table(path, text, **params):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvTape(path, **params)


def rows(feed):
    return [(p, s) for tape in feed.tapes() for p, s in zip(tape.price.tolist(), tape.side.tolist(), strict=True)]


WANTED = [(price, -1 if i % 2 else 1) for i, price in enumerate(PRICES)]
SPELT = {
    "byte order mark": lambda lines: "\ufeff" + "\n".join(lines) + "\n",
    "empty lines first": lambda lines: "\n \n" + "\n".join(lines) + "\n",
    "byte order mark and an empty line": lambda lines: "\ufeff\n" + "\n".join(lines) + "\n",
    "cells in quotes": lambda lines: "".join(",".join(f'"{c}"' for c in line.split(",")) + "\n" for line in lines),
    "returns and no last newline": lambda lines: "\r\n".join(lines),
}


@pytest.mark.parametrize("spelt", SPELT.values(), ids=list(SPELT))
def test_a_dump_is_read_however_its_lines_are_wrapped(tmp_path, spelt):
    assert rows(dump(tmp_path / "a.csv", spelt(DUMP))) == WANTED


@pytest.mark.parametrize("spelt", SPELT.values(), ids=list(SPELT))
def test_a_table_is_read_however_its_lines_are_wrapped(tmp_path, spelt):
    assert rows(table(tmp_path / "a.csv", spelt(TABLE))) == WANTED


@pytest.mark.parametrize("feed", [dump, table], ids=["dump", "table"])
def test_nothing_but_empty_lines_is_no_trades(tmp_path, feed):
    with pytest.raises(DataError, match=r"a\.csv: no trades$"):
        feed(tmp_path / "a.csv", "\n \n\n").bars("1m")


@pytest.mark.parametrize("feed", [dump, table], ids=["dump", "table"])
@pytest.mark.parametrize("made", [lambda b: bz2.compress(b), lambda b: b.decode().encode("utf-32")])
def test_what_is_no_text_is_refused_without_showing_it(tmp_path, feed, made):
    lines = DUMP if feed is dump else TABLE
    with pytest.raises(DataError, match=r"^[ -~]*a\.csv: row 1: is no text; the file is packed, or of another format"):
        feed(tmp_path / "a.csv", made("\n".join(lines).encode())).bars("1m")


def test_a_dump_is_never_utf_16(tmp_path):
    with pytest.raises(DataError, match=r"^[ -~]*a\.csv: row 1: is no text; the file is packed, or of another format"):
        dump(tmp_path / "a.csv", "\n".join(DUMP).encode("utf-16")).bars("1m")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("packed", [gzip.compress, bytes, lambda b: pa.compress(b, "zstd", asbytes=True)])
def test_how_a_file_is_packed_its_first_bytes_tell_and_not_its_name(tmp_path, name, packed):
    text = "\n".join(TABLE).encode()
    assert rows(table(tmp_path / name, packed(text))) == WANTED
    plain = dump(tmp_path / "plain.csv", "\n".join(DUMP)).bars("1m")
    made = dump(tmp_path / f"dump-{name}", packed("\n".join(DUMP).encode())).bars("1m")
    assert made["volume"].tolist() == plain["volume"].tolist()


def test_a_table_in_utf_16_is_read(tmp_path):
    assert rows(table(tmp_path / "a.csv", "\n".join(TABLE).encode("utf-16"))) == WANTED


def test_lines_of_an_empty_beginning_are_counted(tmp_path):
    wrong = [*TABLE[:3], "1700000000002,x,1,buy"]
    with pytest.raises(DataError, match="row 6, column price: 'x' is no number"):
        table(tmp_path / "a.csv", "\n\n" + "\n".join(wrong)).bars("1m")
    with pytest.raises(DataError, match="row 4, column price: 'x' is no number"):
        dump(tmp_path / "a.csv", "\n\n" + DUMP[0] + "\n" + DUMP[1].replace("100.1", "x")).bars("1m")


@pytest.mark.parametrize(
    ("price", "complaint"),
    [
        ("1" + "0" * 400, "too large"),
        ("１００", "no number"),
        ("-3", "negative"),
        ("inf", "no number"),
    ],
)
def test_an_amount_says_what_is_wrong_with_it(tmp_path, price, complaint):
    bad = f"column price: '{re.escape(price[:57])}.* is {complaint}"
    with pytest.raises(DataError, match=bad):
        dump(tmp_path / "a.csv", "\n".join([*DUMP, DUMP[-1].replace("100.5", price)])).bars("1m")
    with pytest.raises(DataError, match=bad):
        table(tmp_path / "a.csv", "\n".join([*TABLE, f"1700000000009,{price},1,buy"])).bars("1m")


@pytest.mark.parametrize("feed", [dump, table], ids=["dump", "table"])
def test_a_notional_that_no_sum_could_hold_is_refused(tmp_path, feed):
    lines = DUMP if feed is dump else TABLE
    large = "\n".join(lines).replace(",100.5,0.5,", ",1e200,1e150,")
    with pytest.raises(DataError, match=r"a\.csv: row [67], 1e\+200 × 1e\+150 is too large for a notional"):
        feed(tmp_path / "a.csv", large).bars("1m")


def test_a_number_of_too_many_digits_is_not_called_no_whole_number(tmp_path):
    with pytest.raises(DataError, match=r"'1700000000000000000' has more than 18 digits"):
        dump(tmp_path / "a.csv", DUMP[0].replace("1700000000000", "1700000000000000000")).bars("1m")


@pytest.mark.parametrize("stamp", ["1700000000000001", "1700000001", "2023-11-14T22:13:20Z"])
def test_a_stamp_of_another_unit_is_told_which_one_the_file_has(tmp_path, stamp):
    with pytest.raises(DataError, match=f"row 8, column time: '{stamp}' is no time in ms$"):
        table(tmp_path / "a.csv", "\n".join([*TABLE, f"{stamp},100,1,buy"])).bars("1m")


def test_cells_that_are_no_utf8_spoil_their_row_only(tmp_path):
    text = "\n".join(TABLE).encode() + b"\n1700000000009,100,1,\xff\xfe\n1700000000009,\xff,1,buy,7,\xff\n"
    feed = table(tmp_path / "a.csv", text, bad_rows="quarantine")
    assert rows(feed) == WANTED
    assert feed.counts["quarantined"] == 2


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_letters_cut_between_chunks_stay_whole(size):
    raw = "é,€,𝄞,ascii,é".encode() + b"\xff,end"
    text = Utf8(raw[i : i + size] for i in range(0, len(raw), size))
    assert b"".join(iter(lambda: text.read(7), b"")) == "é,€,𝄞,ascii,é\ufffd,end".encode()


def test_control_characters_are_not_repeated_in_a_complaint(tmp_path):
    with pytest.raises(DataError) as found:
        dump(tmp_path / "a.csv", "\n".join([*DUMP, DUMP[-1].replace("100.5", "1\x1b[31m\0")])).bars("1m")
    assert str(found.value).isprintable()


def test_json_of_endless_depth_is_no_json(tmp_path):
    for feed in (BinanceAggTrades, CsvTape):
        (tmp_path / "a.json").write_text("[" * 100_000)
        with pytest.raises(DataError, match=r"a\.json: is no JSON"):
            feed(tmp_path / "a.json").bars("1m")


def test_a_table_without_a_column_of_a_bar_gives_no_bars(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(TABLE))
    for feed in (CsvBars(tmp_path / "a.csv"), FrameBars({"time": [1, 2], "px": [1.0, 2.0]}, time_unit="s")):
        with pytest.raises(
            DataError, match=r"has no column of a bar but the time \(wanted some of: open, high|no time"
        ):
            feed.bars()


def test_a_signed_side_is_a_side(tmp_path):
    text = "\n".join(TABLE).replace("buy", "+1").replace("sell", "-1")
    assert rows(table(tmp_path / "a.csv", text)) == WANTED


def test_a_word_cannot_be_both_sides(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(TABLE))
    with pytest.raises(ParamError, match="sides must hold a word once: 'up' is there twice"):
        CsvTape(tmp_path / "a.csv", sides={"buy": ["up"], "sell": ["Up"]})


def test_a_symbol_that_is_not_there_is_told_the_nearest(tmp_path):
    text = "time,price,quantity,symbol\n1700000000000,1,1,BTCUSDT\n1700000000001,1,1,ETHUSDT\n"
    says = r"no trades: unknown symbol 'BTCUSD', did you mean 'BTCUSDT'\? \(allowed: BTCUSDT, ETHUSDT\)"
    with pytest.raises(DataError, match=says):
        table(tmp_path / "a.csv", text, symbol="BTCUSD").bars("1m")
    frame = {"time": [1_700_000_000_000], "price": [1.0], "quantity": [1.0], "symbol": ["BTCUSDT"]}
    with pytest.raises(DataError, match=r"unknown symbol 'BTCUSD', did you mean 'BTCUSDT'"):
        FrameTape(frame, symbol="BTCUSD").bars("1m")


def test_a_recording_without_the_messages_wanted_is_told_what_it_has(tmp_path):
    made = {
        "e": "aggTrade",
        "a": 1,
        "s": "BTCUSDT",
        "p": "1",
        "q": "2",
        "f": 1,
        "l": 1,
        "T": 1_700_000_000_000,
        "m": True,
    }
    (tmp_path / "a.txt").write_text(json.dumps(made) + "\n")
    with pytest.raises(DataError, match=r"no trades: unknown event 'trade', did you mean 'aggTrade'"):
        BinanceStreamTrades(tmp_path / "a.txt").bars("1m")
    assert len(BinanceStreamTrades(tmp_path / "a.txt", event="aggTrade").bars("1m")) == 1


@pytest.mark.parametrize(
    "frame",
    [{"time": [1], "price": [1, 2], "quantity": [1]}, [1, 2], None, "a.csv"],
    ids=["ragged", "list", "none", "path"],
)
def test_what_is_no_frame_is_refused_in_one_line(frame):
    with pytest.raises(DataError, match=r"FrameTape: (cannot take the frame|takes a frame from Python)") as found:
        FrameTape(frame).bars("1m")
    assert "\n" not in str(found.value)


def test_pandas_that_is_no_table_is_refused():
    pd = pytest.importorskip("pandas")
    twice = pd.DataFrame([[1, 2]], columns=["price", "price"])
    for frame, says in ((twice, "cannot take the frame: Duplicate"), (pd.Series([1, 2]), "got Series")):
        with pytest.raises(DataError, match=says):
            FrameTape(frame).bars("1m")


@pytest.mark.parametrize(
    "read",
    [
        lambda path: list(CsvTape(path).tapes()),
        lambda path: CsvBars(path).bars(),
        lambda path: list(BinanceAggTrades(path, market="um").tapes()),
        sniff,
    ],
    ids=["CsvTape", "CsvBars", "BinanceAggTrades", "sniff"],
)
@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "wide.csv",
            "," * 300_000 + "\n1704067200000,100,1\n",
            "has 300,001 cells in a row|cannot be split into cells",
        ),
        ("long.csv", "c" * 300_000 + "," + "\n1,2\n", "cannot be split into cells|no column agg_trade_id"),
        ("mac.csv", "time,price,quantity\r1704067200000,100,1\r", "its lines end with carriage returns alone"),
        (
            "wide.jsonl",
            json.dumps({f"k{i}": "1" for i in range(30_000)}) + "\n",
            "has 30,000 cells in a row|is no .zip",
        ),
    ],
)
def test_what_is_no_table_is_refused_by_its_first_line(read, name, text, says, tmp_path):
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(DataError, match=says) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 3_000


def test_a_header_below_many_comments_is_found_in_one_pass(tmp_path):
    feed = table(tmp_path / "many.csv", "# made by hand\n" * 60_000 + "\n".join(TABLE), comment="#")
    assert [price for price, _ in rows(feed)] == PRICES

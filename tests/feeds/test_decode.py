"""Decoding: exact decimals, every shape of line, and complaints that name row, column and value."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tapeflow.core.errors import DataError
from tapeflow.feeds.csv_reader.decode import DECIMAL, FLAG, INTEGER, SIDE, SKIP, Cell, Decoder, Layout, Quarantine
from tapeflow.feeds.csv_reader.files import FileReader

LAYOUT = Layout(
    (
        Cell("id", INTEGER, "i", ("trade_id",)),
        Cell("price", DECIMAL, "p"),
        Cell("maker", FLAG, "m"),
        Cell("note", SKIP),
    ),
    optional=1,
)


def decode(tmp_path, text, layout=LAYOUT, quarantine=None, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(Decoder(FileReader(path), layout, quarantine).rows())


def column(parts, name):
    return [value for rows in parts for value in rows[name].tolist()]


decimals = st.one_of(
    st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=8).map(str),
    st.floats(0, 1e300, allow_subnormal=False).map(repr),
    st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,20})?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}[eE][+-]?[0-9]{1,2}", fullmatch=True),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(decimals, min_size=1, max_size=40))
@example(["9007199254740993", "0.1", "90071992.54740993", "900719925474099200.00", ".5", "5.", "00012.50", "1e-05"])
@example(["7663665896.208970", "76636658.96208970", "123456789012345678", "1234567890123456789", "0.30000000000000004"])
def test_decimals_are_what_python_makes_of_them(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("decimals")
    parts = decode(path, "".join(f"{i},{text},true\n" for i, text in enumerate(texts)))
    assert [float(text) for text in texts] == column(parts, "price")


def test_a_line_may_be_cut_anywhere_between_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.csv_reader.text.PIECE", 7)
    parts = decode(tmp_path, "".join(f"{i},{i / 8},{'true' if i % 3 else 'False'},x\r\n" for i in range(100)))
    assert column(parts, "id") == list(range(100))
    assert column(parts, "price") == [i / 8 for i in range(100)]
    assert column(parts, "maker") == [int(bool(i % 3)) for i in range(100)]
    assert [line for rows in parts for line in rows.line.tolist()] == list(range(1, 101))


@pytest.mark.parametrize(
    "text", ["1,2.5,true\n3,4.5,False", "1,2.5,true\r\n3,4.5,False\r\n", "1,2.5,1\n\n3,4.5,0\n \n"]
)
def test_line_ends_do_not_matter(tmp_path, text):
    parts = decode(tmp_path, text)
    assert column(parts, "id") == [1, 3]
    assert column(parts, "price") == [2.5, 4.5]
    assert column(parts, "maker") == [1, 0]


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 255, 257, 1030])
@pytest.mark.parametrize("ends", [(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\r\n", b"\r\n"), (b"\n", b"\n\r\n")])
def test_lines_of_a_file_may_end_in_several_ways(tmp_path, lines, ends):
    layout = Layout((Cell("maker", FLAG), Cell("note", SKIP), Cell("price", DECIMAL)))
    text = b"".join(b"%s,x,%d.25%s" % ((b"1", b"FALSE")[i % 2], i, ends[i % 3 == 1]) for i in range(lines))
    parts = decode(tmp_path, text, layout)
    assert column(parts, "price") == [i + 0.25 for i in range(lines)]
    assert column(parts, "maker") == [1 - i % 2 for i in range(lines)]


@pytest.mark.parametrize("word", ["\x11", "\x10", "11", "truetrue", "ture", "tru", "TRUE2"])
def test_what_looks_like_a_word_is_none(tmp_path, word):
    with pytest.raises(DataError, match=r"row 2, column maker: .* is neither true nor false"):
        decode(tmp_path, f"1,2.5,true\n2,2.5,{word}\n")


@pytest.mark.parametrize("head", ["id,price,maker,note", "trade_id,PRICE,Maker", '\ufeff"id","price","maker"'])
def test_a_header_is_told_apart_and_counts_as_row_one(tmp_path, head):
    extra = ",x" if "note" in head else ""
    parts = decode(tmp_path, f"{head}\n1,2.5,true{extra}\n")
    assert (column(parts, "price"), parts[0].line.tolist()) == ([2.5], [2])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**18 - 1), st.integers(-(10**9), 10**17)), min_size=1, max_size=600))
@example([(10**k - 1, 10**k) for k in range(18)])
def test_whole_numbers_of_any_length_are_read_wherever_they_stand(tmp_path_factory, pairs):
    layout = Layout((Cell("id", INTEGER), Cell("note", SKIP), Cell("last", INTEGER)))
    path = tmp_path_factory.mktemp("whole")
    parts = decode(path, "".join(f"{a},x y,{b}\r\n" for a, b in pairs), layout)
    assert pairs == list(zip(column(parts, "id"), column(parts, "last"), strict=True))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3).filter(lambda junk: not {10, 13} & set(junk)), st.integers(1, 700), st.integers(0, 6))
def test_no_byte_in_a_number_is_taken_for_a_digit(tmp_path_factory, junk, row, at):
    lines = [b"%d,%d.25,true" % (1_000_000 + i, 700 + i) for i in range(701)]
    cells = lines[row].split(b",")
    lines[row] = b",".join([cells[0][:at] + junk + cells[0][at + 1 :], *cells[1:]])
    away, path = Quarantine("quarantine"), tmp_path_factory.mktemp("junk")
    wanted = [i for line in lines if (i := _number(line.split(b","))) is not None]
    assert wanted == column(decode(path, b"\n".join(lines), quarantine=away), "id")
    assert away.count == len(lines) - len(wanted)


def _number(cells):
    """The first of three cells when it is a whole number, by Python's own rules for ASCII digits."""
    found = cells[0].decode("utf-8", "replace").strip()
    sign = found[1:] if found[:1] in "+-" else found
    return int(found) if len(cells) == 3 and sign.isascii() and sign.isdigit() else None


def test_a_header_decides_the_order_of_columns(tmp_path):
    parts = decode(tmp_path, "maker,extra,price,id\ntrue,x y,2.5,7\n")
    assert (column(parts, "id"), column(parts, "price"), column(parts, "maker")) == ([7], [2.5], [1])


def test_a_header_without_a_wanted_column_says_which(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv: row 1: the header has no column price; it has id, cost, maker"):
        decode(tmp_path, "id,cost,maker\n1,2,true\n")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("3,7139.8x,true", "row 3, column price: '7139.8x' is no number"),
        ("3,,true", "row 3, column price: '' is no number"),
        ("3,1.2.3,true", "row 3, column price: '1.2.3' is no number"),
        ("3,nan,true", "row 3, column price: 'nan' is no number"),
        ("3,-1.5,true", "row 3, column price: '-1.5' is negative"),
        ("3.0,1.5,true", "row 3, column id: '3.0' is no whole number"),
        ("x,1.5,true", "row 3, column id: 'x' is no whole number"),
        ("3,1.5,maybe", "row 3, column maker: 'maybe' is neither true nor false"),
        ("3,1.5", "row 3, has 2 cells, wanted 3: '3,1.5'"),
        ("3,1.5,true,1", "row 3, has 4 cells, wanted 3: '3,1.5,true,1'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, line, complaint):
    for end in ("\n", "\r\n", "\n4,1,true\n", ""):
        with pytest.raises(DataError) as err:
            decode(tmp_path, f"1,2,true\n2,2,true\n{line}{end}")
        assert str(err.value) == f"{tmp_path / 'a.csv'}: {complaint}"


def test_rows_are_counted_with_the_header(tmp_path):
    with pytest.raises(DataError, match="row 3, column price"):
        decode(tmp_path, "id,price,maker\n1,2,true\n2,x,true\n")


def test_the_first_line_must_have_the_right_number_of_cells(tmp_path):
    with pytest.raises(DataError, match=r"row 1: has 2 cells, wanted 3 to 4 \(id, price, maker, note\)"):
        decode(tmp_path, "1,2\n")


def test_quarantine_takes_the_raw_lines_and_keeps_the_rest(tmp_path):
    away = Quarantine("quarantine", tmp_path / "run.quarantine.csv")
    text = "".join(f"{i},{'x' if i % 5 == 0 else i},true\r\n" for i in range(1, 20_001))
    parts = decode(tmp_path, text, quarantine=away)
    assert not (tmp_path / "run.quarantine.csv").exists()
    away.close()
    assert away.count == 4000
    assert (tmp_path / "run.quarantine.csv").read_text() == "".join(f"{i},x,true\n" for i in range(5, 20_001, 5))
    assert column(parts, "id") == [i for i in range(1, 20_001) if i % 5]
    assert [n for rows in parts for n in rows.line.tolist()] == column(parts, "id")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "run.quarantine.csv"]


def test_nothing_quarantined_leaves_no_file(tmp_path):
    away = Quarantine("quarantine", tmp_path / "run.quarantine.csv")
    decode(tmp_path, "1,2,true\n", quarantine=away)
    away.close()
    assert not (tmp_path / "run.quarantine.csv").exists()


def test_sides_are_words(tmp_path):
    layout = Layout((Cell("id", INTEGER), Cell("side", SIDE)))
    parts = decode(tmp_path, "1,buy\n2,Sell\n3,b\n4,S\n", layout)
    assert column(parts, "side") == [1, -1, 1, -1]
    with pytest.raises(DataError, match="column side: 'sold' is neither buy nor sell"):
        decode(tmp_path, "1,sold\n", layout)


def test_json_objects_and_arrays_are_rows(tmp_path):
    objects = [{"i": 1, "p": "2.50", "m": True, "z": 0}, {"i": 2, "p": 0.1, "m": False}]
    arrays = [[1, "2.50", True, "x"], [2, 0.1, False, "x"]]
    for rows in (objects, arrays):
        parts = decode(tmp_path, json.dumps(rows), name="a.json")
        assert (column(parts, "id"), column(parts, "price"), column(parts, "maker")) == ([1, 2], [2.5, 0.1], [1, 0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[{"i": 1, "p": "x", "m": true}]', r"row 1, column p \(price\): 'x' is no number"),
        ('[{"i": 1, "m": true}]', r"row 1, column p \(price\) is missing"),
        ("[[1]]", "row 1, column price is missing"),
        ('{"code": -1121, "msg": "Invalid symbol."}', "is no JSON list of rows"),
        ("[{", "is no JSON"),
    ],
)
def test_json_that_cannot_be_read_is_named(tmp_path, text, complaint):
    with pytest.raises(DataError, match=complaint):
        decode(tmp_path, text, name="a.json")


def test_a_file_without_lines_is_no_csv(tmp_path, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.csv_reader.text.LONGEST", 1 << 20)
    with pytest.raises(DataError, match="a line does not end within"):
        decode(tmp_path, b"1" * (3 << 20))


def test_a_column_is_named_as_its_file_names_it_with_ours_in_brackets(tmp_path):
    layout = Layout((Cell("time", INTEGER, "T", ("transact_time",)), Cell("price", DECIMAL, "p", ("p",))))
    for head, name in (("transact_time,p", r"p \(price\)"), ("time,Price", "Price"), ("time,price", "price")):
        with pytest.raises(DataError, match=f"row 3, column {name}: 'x' is no number"):
            decode(tmp_path, f"{head}\n1577977823305,1\n1577977823306,x\n", layout)


def test_rows_know_what_their_file_calls_a_column(tmp_path):
    layout = Layout((Cell("time", INTEGER, "T", ("transact_time",)), Cell("price", DECIMAL, "p", ("p",))))
    (rows,) = decode(tmp_path, "transact_time,price\n1577977823305,1\n", layout)
    kept = rows.where(np.ones(1, bool))
    assert [kept.column(name) for name in ("time", "price")] == ["transact_time (time)", "price"]
    (rows,) = decode(tmp_path, "1577977823305,1\n", layout)
    assert rows.column("time") == "time"
    (rows,) = decode(tmp_path, '[{"T": 1577977823305, "p": 1}]', layout, name="a.json")
    assert rows.column("time") == "T (time)"


def test_plain_lines_never_take_the_slow_way(tmp_path, monkeypatch):
    def asked(*args):
        raise AssertionError("a plain line was read cell by cell")

    monkeypatch.setattr(Decoder, "_mend", asked)
    lines = [
        f"{10**i},{'1' * (1 + j)}.{'5' * (1 + i)},{'true' if i % 2 else 'False'}" for i in range(9) for j in range(5)
    ]
    (rows,) = decode(tmp_path, "\n".join(lines) + "\n")
    assert rows["id"].tolist() == [10**i for i in range(9) for _ in range(5)]

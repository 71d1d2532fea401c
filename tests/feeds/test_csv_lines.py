"""Lines of text as programs write them: what comes before a table, what parts its cells, and which market is read."""

from __future__ import annotations

import zipfile

import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.sniffing.sniff import sniff

ROWS = "1704187800,10.5,7,buy\n1704187860,10.6,8,sell\n"
HEAD = "time,price,quantity,side\n"


def prices(path, **params):
    return Tape.join(list(CsvTape(path, **params).tapes())).price.tolist()


def written(folder, text, name="a.csv"):
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("made by hand\n\n" + HEAD + ROWS, {"skip": 1}),
        ("one, two\nthree\n" + HEAD + ROWS, {"skip": 2}),
        ("# a\n#b,c\n" + HEAD + "# between\n" + ROWS + "#end", {}),
        ("% a\n" + HEAD + ROWS.replace("\n", "\n% x,1,2,3\n"), {"comment": "%"}),
        ("# time,price,quantity,side\n" + ROWS, {}),
        ("sep=;\n" + (HEAD + ROWS).replace(",", ";"), {}),
        ((HEAD + ROWS).replace(",", "|"), {"delimiter": "|"}),
        ((HEAD + ROWS).replace(",", " "), {"delimiter": "blank"}),
        ((HEAD + ROWS).replace(",", ";").replace(".", ","), {"delimiter": ";", "decimal": ","}),
        (HEAD + ROWS.replace("10.", '"1,010.').replace(",7", '",7').replace(",8", '",8'), {"thousands": ","}),
        ("time,price,quantity,side\nlong,double,double,string\n" + ROWS, {}),
    ],
)
def test_a_table_is_read_whatever_stands_around_it(tmp_path, text, params):
    wanted = [1010.5, 1010.6] if "thousands" in params else [10.5, 10.6]
    assert prices(written(tmp_path, text), **params) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            (HEAD + ROWS).replace(",", ";"),
            r"row 1: is one cell where cells end at ',', and holds ';' 3 times; delimiter: ';'",
        ),
        ((HEAD + ROWS).replace(",", "\t"), r"holds tab 3 times; delimiter: tab reads it"),
        (
            "made by hand\n" + HEAD + ROWS,
            r"row 1: 'made by hand' is no row of the table behind it; skip: 1 passes over it",
        ),
        (HEAD + '1704187800,"10,5",7,buy\n', r"column price: '10,5' is no number; decimal: ',' reads it"),
        (HEAD + '1704187800,"1,010.5",7,buy\n', r"'1,010.5' is no number; thousands: ',' reads it"),
        (HEAD + "x,y,z,w\n", "column time: 'x' is no time"),
    ],
)
def test_what_is_not_guessed_names_its_parameter(tmp_path, text, says):
    with pytest.raises(DataError, match=says):
        prices(written(tmp_path, text))


def test_thousands_and_decimals_are_two_characters(tmp_path):
    with pytest.raises(ParamError, match="thousands and decimal are both ','"):
        prices(written(tmp_path, HEAD + ROWS), decimal=",", thousands=",")


@pytest.mark.parametrize("name", ["trade_id", "id", "tradeId", "Trade ID", "tid", "execId", "agg_trade_id", "tradeNo"])
def test_an_id_goes_by_its_common_names(tmp_path, name):
    path = written(tmp_path, f"{name},time,price,quantity\n5,1704187800,10.5,7\n6,1704187860,10.6,8\n")
    assert Tape.join(list(CsvTape(path).tapes())).trade_id.tolist() == [5, 6]


@pytest.mark.parametrize("name", ["symbol", "ticker", "Name"])
def test_one_symbol_of_several_is_read(tmp_path, name):
    rows = "".join(
        f"2024-01-0{day},{symbol},{price},{price},{price},{price},1\n"
        for symbol, price in (("AAPL", 1), ("MSFT", 2))
        for day in (2, 3)
    )
    path = written(tmp_path, f"date,{name},open,high,low,close,volume\n" + rows)
    columns = {"symbol": name} if name == "Name" else {}
    assert CsvBars(path, symbol="MSFT", columns=columns).bars()["close"].tolist() == [2.0, 2.0]
    with pytest.raises(DataError, match="AAPL"):
        CsvBars(path, columns=columns).bars()
    made = sniff(path)
    assert made.params["symbol"] == "AAPL"
    assert CsvBars(path, **made.params).bars()["close"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("member", ["20240102_trade.csv", "trades.txt", "x/trades.tsv"])
def test_a_zip_holds_a_table_under_any_of_its_names(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "a.bin", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(member, HEAD + ROWS)
    assert prices(tmp_path / "a.bin") == [10.5, 10.6]


def test_json_is_told_by_what_it_is(tmp_path):
    lines = [
        f'{{"ts": {t}, "px": "{p}", "size": 1, "side": "buy"}}' for t, p in ((1704187800, 10.5), (1704187860, 10.6))
    ]
    for name, text in (("a.ndjson", "\n".join(lines)), ("b.json", f"[{','.join(lines)}]"), ("c.txt", "\n".join(lines))):
        made = sniff(written(tmp_path, text, name))
        assert made.form.startswith("JSON")
        assert prices(tmp_path / name, **made.params) == [10.5, 10.6]

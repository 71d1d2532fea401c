"""What a file of somebody's own does not say is asked for or said: sides, several markets, what amounts count."""

from __future__ import annotations

import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.framework.contract_rules import IN_BASE
from tapeflow.feeds.framework.usual_names import BUYER_MAKER, SYMBOL
from tapeflow.feeds.tardis import TardisTrades

MS = 1_704_067_200_000


def put(path, head, *rows):
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def trades(path, words, head="time,price,quantity,side"):
    return put(path, head, *(f"{MS + i},10,1,{word}" for i, word in enumerate(words)))


def sides(feed):
    return Tape.join(list(feed.tapes())).side.tolist()


@pytest.mark.parametrize("one", ["1", "+1", "1.0"])
def test_a_column_of_nothing_but_one_is_asked_for(tmp_path, one):
    path = trades(tmp_path / "a.csv", [one] * 3)
    with pytest.raises(DataError, match=r"column side holds only '.+', and nothing tells whether that is a buy; say"):
        sides(CsvTape(path))
    assert sides(CsvTape(path, sides={"buy": ["2"], "sell": [one]})) == [-1] * 3
    feed = CsvTape(path, columns={"side": None})
    assert "column" in " ".join(feed.bars("1m").notes)
    assert sides(feed) == [0] * 3


def test_a_file_of_ones_behind_one_that_tells_both_is_read(tmp_path):
    first = trades(tmp_path / "a.csv", ["1", "-1"])
    second = put(tmp_path / "b.csv", "time,price,quantity,side", f"{MS + 9},10,1,1")
    assert sides(CsvTape([first, second])) == [1, -1, 1]


@pytest.mark.parametrize("name", [*BUYER_MAKER, "isBuyerMaker", "M"])
def test_who_made_the_market_is_known_by_any_spelling(tmp_path, name):
    assert sides(CsvTape(trades(tmp_path / "a.csv", ["true", "false"], f"time,px,sz,{name}"))) == [-1, 1]


def test_of_two_names_that_differ_in_case_the_one_as_it_is_spelled_is_taken(tmp_path):
    path = put(tmp_path / "a.csv", "time,price,qty,M,m", f"{MS},1,1,true,false")
    assert sides(CsvTape(path)) == [1]


@pytest.mark.parametrize("words", [["", ""], ["0", "0"], None])
def test_a_tape_that_tells_no_side_says_so(tmp_path, words):
    head = "time,price,quantity" + (",side" if words else ",taken_by")
    feed = CsvTape(trades(tmp_path / "a.csv", words or ["x", "y"], head))
    (note,) = [n for n in feed.bars("1m").notes if n.startswith("sides: nobody tells")]
    assert ("not read: taken_by" in note) is (words is None)
    told = CsvTape(trades(tmp_path / "b.csv", ["buy", "buy"]))
    assert not [n for n in told.bars("1m").notes if n.startswith("sides: ")]


@pytest.mark.parametrize("name", [*SYMBOL, "instId", "productId", "Ticker"])
def test_two_markets_under_any_name_of_a_column_are_refused(tmp_path, name):
    path = put(tmp_path / "a.csv", f"time,price,quantity,side,{name}", f"{MS},1,1,buy,A-B", f"{MS + 1},9,1,sell,C-D")
    with pytest.raises(DataError, match=r"several symbols \(A-B, C-D\); choose one: CsvTape symbol=A-B"):
        sides(CsvTape(path))
    assert sides(CsvTape(path, symbol="C-D")) == [-1]
    bars = put(
        tmp_path / "b.csv", f"time,open,high,low,close,{name}", f"{MS},1,1,1,1,A-B", f"{MS + 60_000},9,9,9,9,C-D"
    )
    with pytest.raises(DataError, match=r"several symbols \(A-B, C-D\); choose one: CsvBars symbol=A-B"):
        CsvBars(bars, interval="1m").bars()


def test_parquet_is_held_to_the_same(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"time": [MS, MS + 60_000], "close": [1.0, 9.0], "inst_id": ["A-B", "C-D"]})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"several symbols \(A-B, C-D\)"):
        CsvBars(tmp_path / "a.parquet").bars()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("my_BTCUSDT", "my_ETHUSDT"),
        ("btcusdt", "ethusdt"),
        ("btc-usd_1", "eth-usd_2"),
        ("BTCUSDT-1m-2024-01", "eth_usdt"),
    ],
)
def test_files_of_two_markets_by_names_of_ones_own_are_refused(tmp_path, one, other):
    paths = [
        put(tmp_path / f"{name}.csv", "time,open,high,low,close", f"{MS + i * 60_000},1,1,1,1")
        for i, name in enumerate((one, other))
    ]
    with pytest.raises(DataError, match=r"several symbols \(.+ of .+, .+ of .+\); one data block holds one symbol"):
        CsvBars(paths)
    assert CsvBars.complaint({**CsvBars.params}, paths)


@pytest.mark.parametrize(
    ("one", "other"),
    [("country", "entry"), ("my_BTCUSDT_a", "BTC-USDT_b"), ("january", "february"), ("BTCUSDT", "rest")],
)
def test_files_whose_names_say_no_two_markets_are_joined(tmp_path, one, other):
    paths = [
        put(tmp_path / f"{name}.csv", "time,open,high,low,close", f"{MS + i * 60_000},1,1,1,1")
        for i, name in enumerate((one, other))
    ]
    assert len(CsvBars(paths).bars()) == 2


@pytest.mark.parametrize("exchange", ["weird-swap", "Binance", *sorted(IN_BASE)[:3]])
def test_what_amounts_count_at_an_exchange_that_is_unknown_is_asked_for(tmp_path, exchange):
    head = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
    path = put(tmp_path / "t.csv", head, f"{exchange},BTC-PERP,{MS}000,{MS}000,1,buy,10,3")
    if exchange not in IN_BASE:
        with pytest.raises(ParamError, match=f"nothing is known of what amounts count at exchange {exchange}; say"):
            list(TardisTrades(path).tapes())
    kind = "auto" if exchange in IN_BASE else "none"
    assert [t.quantity.tolist() for t in TardisTrades(path, contracts=kind).tapes()] == [[3.0]]
    (tape,) = TardisTrades(path, contracts="inverse", contract_size=100).tapes()
    assert tape.quantity.tolist() == [30.0]


@pytest.mark.parametrize("clocks", [("09:30:00", "09:31:00"), ("", "")])
def test_trades_with_dates_alone_are_said_to_have_no_time_of_day(tmp_path, clocks):
    path = tmp_path / "trades.csv"
    path.write_text("date,clock,price,size\n" + "".join(f"2024-01-02,{clock},10,1\n" for clock in clocks))
    said = [n for n in CsvTape(path).bars("1d").notes if n.startswith("times:")]
    assert said == [
        "times: trades bear no time of day, only dates or hours (not read: clock); where it is in another column, "
        "columns: {time: [DATE, TIME]} reads both"
    ]


def test_trades_of_one_instant_have_a_time_of_day(tmp_path):
    path = tmp_path / "trades.csv"
    path.write_text("time,price,size\n2024-01-02 09:31:00,10,1\n2024-01-02 09:31:00,10,1\n")
    assert not [n for n in CsvTape(path).bars("1d").notes if n.startswith("times:")]

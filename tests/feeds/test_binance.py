"""Binance's trades in every shape, and every way in which a dump is not what it should be."""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile

import numpy as np
import pytest

from tapeflow.core.errors import DataError, ParamError, PluginError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.load import open_feed

MS = 1_700_000_040_000
TAPE = ("time", "price", "quantity", "side", "trade_id", "trades")


def agg_line(i, time, price="100.5", quantity="2", maker="false", raw=1):
    return f"{i},{price},{quantity},{i * 10},{i * 10 + raw - 1},{time},{maker}"


def agg_file(path, lines, header=False):
    head = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    path.write_text((head if header else "") + "".join(f"{line}\n" for line in lines))
    return path


def contiguous(times, **kwargs):
    return [agg_line(i, t, raw=10, **kwargs) for i, t in enumerate(times, 1)]


def whole(feed):
    return Tape.join(list(feed.tapes()))


def same_tape(a, b):
    return all(getattr(a, n).tobytes() == getattr(b, n).tobytes() for n in TAPE)


# -- one tape, many shapes --------------------------------------------------------------------------


def shapes(folder):
    """The same 500 trades as every kind of file."""
    times = [MS + 997 * i for i in range(500)]
    lines = [
        agg_line(i, t, f"{100 + i % 7 / 8}", f"{i % 11 + 0.5}", "true" if i % 3 else "false", 10)
        for i, t in enumerate(times, 1)
    ]
    made = {"plain": agg_file(folder / "plain.csv", lines), "header": agg_file(folder / "header.csv", lines, True)}
    (folder / "crlf.csv").write_bytes("\r\n".join(lines).encode())
    upper = [line.replace("true", "True").replace("false", "False") + ",True" for line in lines]
    made["spot"] = agg_file(folder / "spot.csv", upper)
    cells = [line.split(",") for line in lines]
    made["micro"] = agg_file(folder / "micro.csv", [",".join([*c[:5], c[5] + "000", c[6]]) for c in cells])
    objects = [dict(zip("apqflT", c[:6], strict=True), m=c[6] == "true") for c in cells]
    for row in objects:
        row |= {k: int(row[k]) for k in "aflT"}
    (folder / "rest.json").write_text(json.dumps(objects))
    with zipfile.ZipFile(folder / "zipped.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(made["header"], "header.csv")
    with gzip.open(folder / "gzipped.csv.gz", "wb") as file:
        file.write(made["spot"].read_bytes())
    for name in ("crlf.csv", "rest.json", "zipped.zip", "gzipped.csv.gz"):
        made[name] = folder / name
    return made


def test_every_shape_of_a_file_gives_the_same_tape(tmp_path):
    made = shapes(tmp_path)
    expected = whole(BinanceAggTrades(made["plain"]))
    assert expected.time[:2].tolist() == [MS * 1000, MS * 1000 + 997_000]
    assert expected.side[:4].tolist() == [-1, -1, 1, -1]
    assert set(expected.trades.tolist()) == {10}
    for name, path in made.items():
        assert same_tape(expected, whole(BinanceAggTrades(path))), name


def test_files_cut_anywhere_give_the_same_bytes(tmp_path):
    lines = contiguous([MS + 371 * i for i in range(3000)])
    one = BinanceAggTrades(agg_file(tmp_path / "whole.csv", lines)).bars("1m", row_size=0.5)
    agg_file(tmp_path / "z-first.csv", lines[:1234], True)
    agg_file(tmp_path / "m-second.csv", lines[1234:1235])
    agg_file(tmp_path / "a-third.csv", lines[1235:])
    feed = BinanceAggTrades(tmp_path / "*-*.csv")
    many = feed.bars("1m", row_size=0.5)
    assert [f.path.name for f in feed.files] == ["z-first.csv", "m-second.csv", "a-third.csv"]
    for name in one.columns:
        assert one[name].tobytes() == many[name].tobytes(), name
    assert one.levels.buy_volume.tobytes() == many.levels.buy_volume.tobytes()


def test_raw_trades_of_every_market(tmp_path):
    spot, um = tmp_path / "spot.csv", tmp_path / "um.csv"
    spot.write_text(f"7,2.5,4,10.0,{MS}000,True,True\n8,2.5,1,2.5,{MS}500,False,True\n")
    um.write_text(f"id,price,qty,quote_qty,time,is_buyer_maker\n7,2.5,4,10.0,{MS},true\n8,2.5,1,2.5,{MS},false\n")
    rest = tmp_path / "rest.json"
    rest.write_text(
        json.dumps([{"id": 7, "price": "2.5", "qty": "4", "quoteQty": "10", "time": MS, "isBuyerMaker": True}])
    )
    for path, rows in ((spot, 2), (um, 2), (rest, 1)):
        tape = whole(BinanceTrades(path))
        assert tape.trade_id.tolist() == [7, 8][:rows]
        assert tape.side.tolist() == [-1, 1][:rows]
        assert tape.quantity.tolist() == [4.0, 1.0][:rows]


def test_a_contract_of_100_at_9635_is_this_much_bitcoin(tmp_path):
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS, "9635.0", "1")])
    bars = BinanceAggTrades(path, market="cm", contract_size=100).bars("1m")
    assert round(bars["volume"][0], 8) == 0.01037883
    assert bars["quote_volume"][0] == 100.0


def test_notional_of_contracts_is_exact_where_price_times_base_is_not(tmp_path):
    price = next(p / 10 for p in range(1000, 9000) if p / 10 * (100 / (p / 10)) != 100.0)
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS, str(price), "1"), agg_line(2, MS, str(price), "1")])
    bars = BinanceAggTrades(path, market="cm", contract_size=100).bars("1m")
    assert bars["quote_volume"][0] == 200.0
    assert bars["taker_buy_large_order_volume"][0] == 0.0
    assert bars["taker_buy_medium_order_volume"][0] == 200.0


@pytest.mark.parametrize("kind", [BinanceAggTrades, BinanceTrades, BinanceKlines])
@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"market": "cm"}, "market cm needs contract_size.*100 for BTC, 10 for most others"),
        ({"market": "um", "contract_size": 100}, "contract_size is for market cm only"),
        ({"market": "cm", "contract_size": 0}, "contract_size must be a number above 0"),
        ({"market": "margin"}, "market must be one of 'spot', 'um', 'cm'"),
        ({"markt": "um"}, "unknown parameter 'markt', did you mean 'market'"),
        ({"bad_rows": "skip"}, "bad_rows must be one of 'error', 'quarantine'"),
    ],
)
def test_parameters_that_cannot_be(tmp_path, kind, params, complaint):
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS)])
    with pytest.raises(ParamError, match=complaint):
        kind(path, **params)


# -- what is wrong with dumps -----------------------------------------------------------------------


@pytest.mark.parametrize("what", ["0,0", "100.5,0", "0,2"])
def test_voided_rows_are_dropped_counted_and_flagged(tmp_path, what):
    lines = contiguous([MS, MS + 1, MS + 60_000])
    void = f"99,{what},-1,-1,{MS + 1},true"
    feed = BinanceAggTrades(agg_file(tmp_path / "a.csv", [lines[0], void, lines[1], void, lines[2]]))
    bars = feed.bars("1m")
    assert (feed.counts["void"], feed.counts["rows"], feed.counts["id_holes"]) == (2, 3, 0)
    assert bars["low"].tolist() == [100.5, 100.5]
    assert (bars["quality"] & Quality.VOID > 0).tolist() == [True, True]


@pytest.mark.parametrize("last", [True, False])
def test_a_voided_row_at_the_end_of_a_file_flags_the_first_of_the_next(tmp_path, last):
    lines = contiguous([MS, MS + 2, MS + 60_000])
    rows = [lines[0], lines[1]]
    rows.insert(2 if last else 1, f"99,0,0,-1,-1,{MS + 2 if last else MS + 1},true")
    files = [agg_file(tmp_path / "a.csv", rows), agg_file(tmp_path / "b.csv", lines[2:])]
    bars = BinanceAggTrades(files).bars("1m")
    assert (bars["quality"] & Quality.VOID > 0).tolist() == [not last, last]


def test_missing_ids_are_flagged_and_counted(tmp_path):
    lines = contiguous([MS + 60_000 * i for i in range(6)])
    feed = BinanceAggTrades(agg_file(tmp_path / "a.csv", lines[:2] + lines[3:]))
    bars = feed.bars("1m")
    assert feed.counts["id_holes"] == 1
    assert (bars["quality"] & Quality.ID_HOLE > 0).tolist() == [False, True, True, True, False, False]


def test_late_rows_are_put_in_place_and_flagged(tmp_path):
    lines = contiguous([MS + 1000 * i for i in range(200)])
    expected = whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", lines)))
    mixed = [*lines[:50], *lines[51:120], lines[50], *lines[120:]]
    feed = BinanceAggTrades(agg_file(tmp_path / "b.csv", mixed))
    actual = whole(feed)
    assert same_tape(expected, actual)
    assert (feed.counts["disordered"], feed.counts["id_holes"]) == (1, 0)
    assert np.flatnonzero(actual.flags).tolist() == [50]


def test_rows_of_one_time_go_by_id(tmp_path):
    lines = contiguous([MS, MS, MS, MS + 1])
    expected = whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", lines)))
    mixed = agg_file(tmp_path / "b.csv", [lines[1], lines[2], lines[0], lines[3]])
    assert same_tape(expected, whole(BinanceAggTrades(mixed)))


def test_rows_later_than_the_window_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.framework.sort_and_dedup.WINDOW", 20)
    monkeypatch.setattr("tapeflow.feeds.csv_reader.decode._ROWS", 10)
    lines = contiguous([MS + 1000 * i for i in range(200)])
    near = agg_file(tmp_path / "near.csv", [*lines[:50], *lines[51:65], lines[50], *lines[65:]])
    far = agg_file(tmp_path / "far.csv", [*lines[:50], *lines[51:120], lines[50], *lines[120:]], header=True)
    assert len(whole(BinanceAggTrades(near))) == 200
    with pytest.raises(DataError, match=r"far\.csv: row 121 is at 2023-.*more than 20 rows behind its place"):
        whole(BinanceAggTrades(far))


def test_disorder_everywhere_stays_within_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.framework.sort_and_dedup.WINDOW", 50)
    monkeypatch.setattr("tapeflow.feeds.csv_reader.decode._ROWS", 20)
    lines = contiguous([MS + 1000 * i for i in range(2000)])
    expected = whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", lines)))
    swapped = [lines[i ^ 1] for i in range(2000)]
    feed = BinanceAggTrades(agg_file(tmp_path / "b.csv", swapped))
    batches = list(feed.tapes())
    assert same_tape(expected, Tape.join(batches))
    assert max(map(len, batches)) <= 120
    assert feed.counts["disordered"] == 1000


def test_pages_that_overlap_count_once(tmp_path):
    lines = contiguous([MS + 10 * (i // 3) for i in range(300)])
    expected = whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", lines)))
    for name, part in (("p1", lines[:120]), ("p2", lines[100:220]), ("p3", lines[200:])):
        agg_file(tmp_path / f"{name}.csv", part)
    feed = BinanceAggTrades(tmp_path / "p*.csv")
    actual = whole(feed)
    assert same_tape(expected, actual)
    assert (feed.counts["duplicates"], feed.counts["disordered"], feed.counts["id_holes"]) == (40, 0, 0)


def test_one_id_with_two_prices_is_an_error(tmp_path):
    lines = [agg_line(1, MS), agg_line(2, MS), agg_line(2, MS, "100.6")]
    with pytest.raises(DataError, match="row 3, id 2 came before with another price or quantity"):
        whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", lines)))


def test_a_change_of_unit_inside_a_file_is_named(tmp_path):
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS), agg_line(2, (MS + 1) * 1000)], header=True)
    named = rf"row 3, column transact_time \(time\): '{(MS + 1) * 1000}' is not in the µs or ms"
    with pytest.raises(DataError, match=named):
        whole(BinanceAggTrades(path))


def test_seconds_are_no_time_of_binances(tmp_path):
    with pytest.raises(DataError, match="row 1, column time: '1700000040' is not in the µs or ms of an epoch"):
        whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", [agg_line(1, MS // 1000)])))
    with pytest.raises(DataError, match="row 2, column time: '1700000040' is not in the µs or ms of an epoch that"):
        whole(BinanceAggTrades(agg_file(tmp_path / "b.csv", [agg_line(1, MS), agg_line(2, MS // 1000)])))


def test_a_letter_in_a_price_names_file_row_and_column(tmp_path):
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS), agg_line(2, MS, "7139.8x")], header=True)
    with pytest.raises(DataError) as err:
        BinanceAggTrades(path).bars()
    assert str(err.value) == f"{path}: row 3, column price: '7139.8x' is no number"


def test_quarantine_is_written_when_all_was_read(tmp_path):
    lines = contiguous([MS, MS + 1, MS + 2])
    path = agg_file(tmp_path / "a.csv", [lines[0], "garbage", lines[1], lines[2].replace("100.5", "1o0.5")])
    feed = BinanceAggTrades(path, bad_rows="quarantine")
    feed.quarantine = tmp_path / "out.quarantine.csv"
    assert feed.bars("1m")["trades"].tolist() == [20]
    assert feed.counts["quarantined"] == 2
    assert feed.quarantine.read_text().splitlines() == ["garbage", lines[2].replace("100.5", "1o0.5")]


def test_the_wrong_feed_for_a_file_is_told(tmp_path):
    trades = tmp_path / "trades.csv"
    trades.write_text(f"7,2.5,4,10.5,{MS},true\n")
    with pytest.raises(DataError, match=r"row 1: has 6 cells, wanted 7 to 8 \(agg_trade_id, price"):
        BinanceAggTrades(trades).bars()
    with pytest.raises(DataError, match=r"row 1: has 6 cells, wanted 12 \(open_time"):
        BinanceKlines(trades).bars()


def test_a_missing_file_and_an_empty_selection(tmp_path):
    with pytest.raises(DataError, match=r"none\.zip: no such file"):
        BinanceAggTrades(tmp_path / "none.zip")
    with pytest.raises(DataError, match="BinanceAggTrades: needs a path"):
        BinanceAggTrades()
    path = agg_file(tmp_path / "a.csv", [agg_line(1, MS)])
    with pytest.raises(DataError, match="no trades from 2030-01-01T00:00:00Z"):
        BinanceAggTrades(path).bars(start="2030-01-01")
    with pytest.raises(DataError, match="no trades"):
        BinanceAggTrades(agg_file(tmp_path / "h.csv", [], header=True)).bars()


# -- from, to, and what is known whole --------------------------------------------------------------


def day_file(folder, day, first_id):
    start = 86_400_000 * day + MS // 86_400_000 * 86_400_000
    lines = [agg_line(first_id + i, start + 30_500 + i * 600_000, raw=10) for i in range(144)]
    name = np.datetime64(start, "ms").astype("datetime64[D]")
    return agg_file(folder / f"BTCUSDT-aggTrades-{name}.csv", lines), start * 1000


def test_a_dump_named_after_its_day_is_whole(tmp_path):
    (one, start), (two, _) = day_file(tmp_path, 0, 1), day_file(tmp_path, 1, 145)
    bars = BinanceAggTrades([two, one]).bars("1m")
    assert bars["open_time"][0] == start
    assert not (bars["quality"] & Quality.PARTIAL).any()
    renamed = one.rename(tmp_path / "mine.csv")
    quality = BinanceAggTrades(renamed).bars("1m")["quality"] & Quality.PARTIAL
    assert (quality[0] > 0, quality[-1] > 0, quality[1:-1].any()) == (True, True, False)


def test_from_and_to_cut_trades_and_spare_files(tmp_path):
    files = [day_file(tmp_path, k, 1 + 144 * k) for k in range(4)]
    start, noon, end = files[1][1], files[1][1] + 43_200_000_000, files[2][1] + 3_600_000_000
    feed = BinanceAggTrades(tmp_path / "*.csv")
    bars = feed.bars("1h", start=noon, end=end)
    assert [f.path for f in feed.files] == [files[1][0], files[2][0]]
    assert feed.files[1].sha256 == hashlib.sha256(files[2][0].read_bytes()).hexdigest()
    assert (bars["open_time"][0], bars["close_time"][-1]) == (noon, end)
    assert bars["trades"].sum() == 10 * (72 + 6)
    assert not bars["quality"].any()
    cut = BinanceAggTrades(tmp_path / "*.csv").bars("1h", start=start + 60_000_000)
    assert cut["quality"][0] == Quality.PARTIAL


def test_feeds_are_found_by_name_and_bases_are_not():
    assert {"BinanceAggTrades", "BinanceTrades", "BinanceKlines", "SyntheticTape"} <= set(FEEDS)
    assert not {"Feed", "TapeFeed", "KlineFeed", "DumpTape"} & set(FEEDS)
    with pytest.raises(PluginError, match="unknown feed 'BinanceAggTrade', did you mean 'BinanceAggTrades'"):
        open_feed("BinanceAggTrade", [])

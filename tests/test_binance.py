"""Binance's files against the exchange's own figures, and every way in which a dump is not what it should be."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import zipfile
from decimal import Decimal

import numpy as np
import pytest

from tapeflow.core.errors import DataError, ParamError, PluginError
from tapeflow.core.registry import FEEDS
from tapeflow.core.schema import Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.load import open_feed

NINE = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
)
MINUTE = 60_000_000
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


# -- the exchange's own figures ---------------------------------------------------------------------


@pytest.mark.real_data
def test_bars_rebuilt_from_the_tape_equal_the_exchanges_klines_63_of_63(real_data):
    folder = real_data / "01_binance_spot_agg_vs_official_1m"
    rebuilt = BinanceAggTrades(folder / "*.json").bars("1m")
    official = BinanceKlines(folder / "*.zip").bars()
    assert rebuilt["quality"].tolist() == [4, 0, 0, 0, 0, 0, 0, 0, 4]
    at = np.searchsorted(official["open_time"], rebuilt["open_time"][1:8])
    equal = sum((rebuilt[name][1:8] == official[name][at]).sum() for name in NINE)
    assert equal == 63
    for name in ("taker_sell_volume", "taker_sell_quote_volume"):
        np.testing.assert_allclose(rebuilt[name][1:8], official[name][at], rtol=1e-12)


@pytest.mark.real_data
def test_spot_aggregates_equal_the_official_five_minutes(real_data):
    folder = real_data / "06_binance_official_dumps"
    bars = BinanceAggTrades(folder / "spot_BTCUSDT-aggTrades-2026-01-01_first5000.csv.gz").bars("5m")
    with (folder / "spot_BTCUSDT_5m_official_2026-01-01.csv").open() as file:
        rows = list(csv.DictReader(file))[:2]
    for i, row in enumerate(rows):
        assert int(row["open_time_ms"]) * 1000 == bars["open_time"][i]
        assert [float(row[c]) for c in ("open", "high", "low", "close")] == [
            bars[c][i] for c in ("open", "high", "low", "close")
        ]
        assert float(row["volume"]) == round(bars["volume"][i], 8)


@pytest.mark.real_data
def test_a_whole_coin_margined_day(real_data):
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    feed = BinanceAggTrades(path, market="cm", contract_size=100)
    bars = feed.bars("1m", row_size=50)
    assert len(bars) == 1440
    assert feed.counts == {
        "rows": 105_280,
        "void": 0,
        "quarantined": 0,
        "duplicates": 0,
        "disordered": 0,
        "id_holes": 0,
    }
    assert feed.files[0].sha256 == "8bfbaa4cd0dfd49cc9e6cdede78e0b2851f42f1dbb7d917bc0847ce1eac4afbe"
    filled = np.flatnonzero(bars["quality"] == Quality.FILLED)
    assert filled.tolist() == [21 * 60 + 56, 23 * 60 + 27, 23 * 60 + 28]
    assert bars["quality"].sum() == 3 * Quality.FILLED
    assert bars["trades"].sum() == 240_198
    text = zipfile.ZipFile(path).read("BTCUSD_PERP-aggTrades-2026-05-08.csv").decode()
    rows = [(int(r[5]), Decimal(r[1]), Decimal(r[2])) for r in list(csv.reader(io.StringIO(text)))[1:]]
    for k in (0, 777, 1439):
        own = [r for r in rows if r[0] * 1000 // MINUTE == bars["open_time"][k] // MINUTE]
        assert float(sum(100 * c for _, _, c in own)) == bars["quote_volume"][k]
        assert float(sum(100 * c / p for _, p, c in own)) == pytest.approx(bars["volume"][k], rel=1e-15)
    assert float(100 * sum(c for _, _, c in rows)) == bars["quote_volume"].sum()
    assert bars.levels.buy_volume.sum() == pytest.approx(bars["taker_buy_volume"].sum(), rel=1e-13)


@pytest.mark.real_data
def test_raw_spot_trades_of_a_quiet_day(real_data):
    feed = BinanceTrades(real_data / "06_binance_official_dumps" / "spot_AIUSDT-trades-2025-12-28.csv.gz")
    bars = feed.bars("1m")
    assert (feed.counts["rows"], feed.counts["id_holes"]) == (4669, 0)
    assert (bars["trades"] > 0).sum() == 726
    assert bars["open_time"][0] == 1_766_880_120_000_000
    assert not (bars["quality"] & Quality.PARTIAL).any()
    with gzip.open(feed.paths[0], "rt") as file:
        rows = list(csv.reader(file))
    assert float(sum(Decimal(r[3]) for r in rows)) == pytest.approx(bars["quote_volume"].sum(), rel=1e-14)
    assert float(sum(Decimal(r[2]) for r in rows if r[5] == "False")) == pytest.approx(
        bars["taker_buy_volume"].sum(), rel=1e-14
    )


@pytest.mark.real_data
def test_three_months_of_klines(real_data):
    feed = BinanceKlines(real_data / "06_binance_official_dumps" / "spot_BTCUSDT-1m-2026-0*.zip")
    bars = feed.bars()
    assert (len(bars), bars.spec, feed.interval, feed.counts["rows"]) == (132_480, "1m", MINUTE, 132_480)
    assert not (bars["quality"] & Quality.GAP).any()
    assert not bars.carries("twap_trade")
    assert not bars.carries("levels")
    assert np.array_equal(np.diff(bars["open_time"]), np.full(132_479, MINUTE))


@pytest.mark.real_data
def test_hours_equal_the_sum_of_their_minutes(real_data):
    folder = real_data / "06_binance_official_dumps"
    hours = BinanceKlines(folder / "spot_BTCUSDT-1h-2026-05-0*.zip").bars()
    minutes = BinanceKlines(folder / "spot_BTCUSDT-1m-2026-05.zip").bars(start="2026-05-08", end="2026-05-10")
    assert (len(hours), len(minutes)) == (48, 48 * 60)
    for name in NINE[4:]:
        np.testing.assert_allclose(minutes[name].reshape(48, 60).sum(1), hours[name], rtol=1e-13)
    assert np.array_equal(minutes["high"].reshape(48, 60).max(1), hours["high"])
    assert np.array_equal(minutes["close"][59::60], hours["close"])


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "um_BTCUSDT-1m-2025-09-03.csv.gz",
        "um_BTCUSDT-1m-2022-05-06.csv.gz",
        "spot_BTCUSDT-1m-2023-04-15.csv.gz",
    ],
)
def test_klines_with_a_header_or_none(real_data, name):
    path = real_data / "06_binance_official_dumps" / name
    bars = BinanceKlines(path).bars()
    assert len(bars) == 1440
    with gzip.open(path, "rt") as file:
        last = list(csv.reader(file))[-1]
    assert [float(last[i]) for i in (1, 2, 3, 4, 5, 7, 8, 9, 10)] == [bars[c][-1] for c in NINE]
    assert (int(last[6]) + 1) * 1000 == bars["close_time"][-1]


@pytest.mark.real_data
def test_rest_answers_with_fields_nobody_asked_for(real_data):
    path = real_data / "16_awkward_small" / "um_CLUSDT_aggTrades_rest_2026-05-01.json"
    feed = BinanceAggTrades(path, market="um")
    rows = json.loads(path.read_text())
    assert float(sum(Decimal(r["q"]) for r in rows)) == pytest.approx(feed.bars("1h")["volume"].sum(), rel=1e-14)
    assert (feed.counts["rows"], feed.counts["id_holes"]) == (1000, 0)
    spot = BinanceAggTrades(path, market="spot")
    spot.bars("1h")
    assert spot.counts["id_holes"] == 2


@pytest.mark.real_data
def test_checksums_of_the_exchange_are_held(real_data, tmp_path):
    name = "spot_BTCUSDT-1h-2026-05-08.zip"
    for part in (name, f"{name}.CHECKSUM"):
        shutil.copy(real_data / "06_binance_official_dumps" / part, tmp_path / part)
    assert len(BinanceKlines(tmp_path / name).bars()) == 24
    (tmp_path / f"{name}.CHECKSUM").write_text(f"{'ab' * 32}  {name}\n")
    found = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    with pytest.raises(DataError, match=f"sha256 is {found}, its CHECKSUM file wants {'ab' * 32}"):
        BinanceKlines(tmp_path / name).bars()


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


def test_voided_rows_are_dropped_counted_and_flagged(tmp_path):
    lines = contiguous([MS, MS + 1, MS + 60_000])
    void = f"99,0,0,-1,-1,{MS + 1},true"
    feed = BinanceAggTrades(agg_file(tmp_path / "a.csv", [lines[0], void, lines[1], void, lines[2]]))
    bars = feed.bars("1m")
    assert (feed.counts["void"], feed.counts["rows"], feed.counts["id_holes"]) == (2, 3, 0)
    assert bars["low"].tolist() == [100.5, 100.5]
    assert (bars["quality"] & Quality.VOID > 0).tolist() == [True, True]


def test_missing_ids_are_flagged_and_counted(tmp_path):
    lines = contiguous([MS + 60_000 * i for i in range(6)])
    feed = BinanceAggTrades(agg_file(tmp_path / "a.csv", lines[:2] + lines[3:]))
    bars = feed.bars("1m")
    assert feed.counts["id_holes"] == 1
    assert (bars["quality"] & Quality.ID_HOLE > 0).tolist() == [False, False, False, True, False, False]


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
    monkeypatch.setattr("tapeflow.feeds.reading.order.WINDOW", 20)
    monkeypatch.setattr("tapeflow.feeds.reading.decode._ROWS", 10)
    lines = contiguous([MS + 1000 * i for i in range(200)])
    near = agg_file(tmp_path / "near.csv", [*lines[:50], *lines[51:65], lines[50], *lines[65:]])
    far = agg_file(tmp_path / "far.csv", [*lines[:50], *lines[51:120], lines[50], *lines[120:]], header=True)
    assert len(whole(BinanceAggTrades(near))) == 200
    with pytest.raises(DataError, match=r"far\.csv: row 121 is at 2023-.*more than 20 rows behind its place"):
        whole(BinanceAggTrades(far))


def test_disorder_everywhere_stays_within_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tapeflow.feeds.reading.order.WINDOW", 50)
    monkeypatch.setattr("tapeflow.feeds.reading.decode._ROWS", 20)
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
    with pytest.raises(DataError, match=rf"row 3, column time: '{(MS + 1) * 1000}' is not in the µs or ms"):
        whole(BinanceAggTrades(path))


def test_seconds_are_no_time_of_binances(tmp_path):
    with pytest.raises(DataError, match="row 1, column time: '1700000040' is not in the µs or ms of an epoch"):
        whole(BinanceAggTrades(agg_file(tmp_path / "a.csv", [agg_line(1, MS // 1000)])))


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


# -- klines -----------------------------------------------------------------------------------------


def kline(k, volume="3", close="11", unit=1, length=60_000, trades=4):
    opens = (MS + k * 60_000) * unit
    return f"{opens},10,12,9,{close},{volume},{opens + length * unit - 1},33,{trades},1,11.5,0"


def kline_file(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("unit", [1, 1000])
def test_klines_close_where_the_next_one_opens(tmp_path, unit):
    feed = BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0, unit=unit), kline(1, unit=unit)]))
    bars = feed.bars()
    assert bars["open_time"].tolist() == [MS * 1000, MS * 1000 + MINUTE]
    assert bars["close_time"].tolist() == [MS * 1000 + MINUTE, MS * 1000 + 2 * MINUTE]
    assert (bars["taker_sell_volume"][0], bars["taker_sell_quote_volume"][0]) == (2.0, 21.5)
    assert (feed.interval, bars.spec) == (MINUTE, "1m")


def test_golden_kline_of_bnxusdt(tmp_path):
    line = "1712037600000,.6142,.6382,.6091,.6365,3387726.8,1712041199999,2107340.0199,20116,1797761.4,1120004.58341,0"
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", [line])).bars("1h")
    assert bars["taker_sell_volume"][0] == pytest.approx(1589965.4, abs=1e-8)
    assert bars["taker_sell_quote_volume"][0] == pytest.approx(987335.43649, abs=1e-8)


def test_coin_margined_klines_become_base_and_notional(tmp_path):
    line = f"{MS},9640,9650,9630,9645,206,{MS + 59_999},2.13660389,12,106,1.1,0"
    bars = BinanceKlines(kline_file(tmp_path / "k.csv", [line]), market="cm", contract_size=100).bars()
    assert (bars["volume"][0], bars["quote_volume"][0]) == (2.13660389, 20_600.0)
    assert (bars["taker_buy_volume"][0], bars["taker_buy_quote_volume"][0]) == (1.1, 10_600.0)
    assert bars["taker_sell_quote_volume"][0] == 10_000.0


def test_missing_klines_are_kept_filled_or_refused(tmp_path):
    path = kline_file(tmp_path / "k.csv", [kline(0), kline(1, close="10.5"), kline(4), kline(5, "0", "11", trades=0)])
    kept = BinanceKlines(path).bars()
    assert kept["quality"].tolist() == [0, 0, Quality.GAP, Quality.FILLED]
    filled = BinanceKlines(path).bars(gaps="fill")
    assert filled["quality"].tolist() == [0, 0, Quality.FILLED, Quality.FILLED, 0, Quality.FILLED]
    assert np.array_equal(np.diff(filled["open_time"]), np.full(5, MINUTE))
    assert np.array_equal(filled["close_time"] - filled["open_time"], np.full(6, MINUTE))
    for name in ("open", "high", "low", "close"):
        assert filled[name][2:4].tolist() == [10.5, 10.5]
    for name in ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_sell_quote_volume"):
        assert filled[name][2:4].tolist() == [0.0, 0.0]
    assert filled["close"][4] == 11.0
    with pytest.raises(DataError, match=r"2 klines of 1m are missing from 2023-11-14T22:16:00Z on"):
        BinanceKlines(path).bars(gaps="error")
    with pytest.raises(ParamError, match="gaps: unknown value 'drop'"):
        BinanceKlines(path).bars(gaps="drop")


def test_klines_that_two_files_share_count_once_when_they_agree(tmp_path):
    kline_file(tmp_path / "b.csv", [kline(0), kline(1), kline(2)])
    kline_file(tmp_path / "a.csv", [kline(2), kline(3)])
    feed = BinanceKlines(tmp_path / "*.csv")
    assert len(feed.bars()) == 4
    assert (feed.counts["duplicates"], feed.counts["rows"]) == (1, 4)
    kline_file(tmp_path / "a.csv", [kline(2, "4"), kline(3)])
    with pytest.raises(DataError, match=r"a\.csv: row 1: column volume differs from the same kline in another file"):
        BinanceKlines(tmp_path / "*.csv").bars()


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([kline(0), kline(1), kline(1)], "row 3 opens at .*, not after the row before it"),
        ([kline(1), kline(0)], "row 2 opens at .*, not after the row before it"),
        ([kline(0), kline(1, length=30_000)], "row 2: the kline is 30s long, the first one 1m"),
        ([kline(0, "x")], "row 1, column volume: 'x' is no number"),
    ],
)
def test_klines_that_cannot_be(tmp_path, lines, complaint):
    with pytest.raises(DataError, match=complaint):
        BinanceKlines(kline_file(tmp_path / "k.csv", lines)).bars()


def test_klines_off_their_grid_are_named(tmp_path):
    off = f"{MS + 90_000},10,12,9,11,3,{MS + 149_999},33,4,1,11.5,0"
    with pytest.raises(DataError, match="row 2: the kline opens off the grid of the rows before"):
        BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0), off])).bars()


def test_klines_keep_their_own_interval(tmp_path):
    path = kline_file(tmp_path / "k.csv", [kline(0), kline(1)])
    assert BinanceKlines(path).bars("1m", row_size="auto").row_size == 0.005
    with pytest.raises(DataError, match="holds klines of 1m, not 30s; bars may be 1m or longer"):
        BinanceKlines(path).bars("30s")


def test_klines_of_the_rest_api(tmp_path):
    cells = kline(0).split(",")
    row = [int(cells[0]), *cells[1:6], int(cells[6]), cells[7], int(cells[8]), *cells[9:]]
    (tmp_path / "k.json").write_text(json.dumps([row]))
    rest = BinanceKlines(tmp_path / "k.json").bars()
    dump = BinanceKlines(kline_file(tmp_path / "k.csv", [kline(0)])).bars()
    for name in dump.columns:
        np.testing.assert_array_equal(rest[name], dump[name])


def test_feeds_are_found_by_name_and_bases_are_not():
    assert {"BinanceAggTrades", "BinanceTrades", "BinanceKlines", "SyntheticTape"} <= set(FEEDS)
    assert not {"Feed", "TapeFeed", "KlineFeed", "DumpTape"} & set(FEEDS)
    with pytest.raises(PluginError, match="unknown feed 'BinanceAggTrade', did you mean 'BinanceAggTrades'"):
        open_feed("BinanceAggTrade", [])

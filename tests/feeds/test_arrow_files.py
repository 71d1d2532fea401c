"""Parquet, Arrow and binary files as pandas, polars, DuckDB, Nautilus, freqtrade and Databento write them."""

from __future__ import annotations

import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import yaml

from tapeflow.core.clock import parse_time
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.databento import DatabentoTrades
from tapeflow.feeds.freqtrade import FreqtradeBars
from tapeflow.feeds.nautilus import NautilusBars, NautilusTrades
from tapeflow.feeds.sniffing.sniff import sniff
from tapeflow.feeds.table_reader.convert import decimal_column

TIMES = ["2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z"]
MICROS = [parse_time(text) for text in TIMES]
NAIVE = pd.to_datetime(["2024-01-02 09:30", "2024-01-02 09:31"])
PLAIN = {"price": [10.5, 10.6], "quantity": [7.0, 8.0], "side": ["buy", "sell"], "trade_id": [1, 2]}
WANTED = [MICROS, [10.5, 10.6], [7.0, 8.0], [1, -1], [1, 2]]


def tape(feed):
    made = Tape.join(list(feed.tapes()))
    return [getattr(made, name).tolist() for name in ("time", "price", "quantity", "side", "trade_id")]


def cast(**types):
    table = pa.table({"time": pa.array(NAIVE.to_numpy(), pa.timestamp("us")), **PLAIN})
    for name, kind in types.items():
        cells = table[name]
        words = [Decimal(str(v)) for v in cells.to_pylist()] if pa.types.is_decimal(kind) else None
        made = pa.array(words, kind) if words else cells.cast(kind)
        table = table.set_column(table.schema.get_field_index(name), name, made)
    return table


TYPES = {
    "ns_zone": {"time": pa.timestamp("ns", "America/New_York")},
    "ms": {"time": pa.timestamp("ms")},
    "words": {"side": pa.large_string()},
    "dictionary": {"side": pa.dictionary(pa.uint32(), pa.large_string())},
    "decimals": {"price": pa.decimal128(18, 6), "quantity": pa.decimal256(50, 20)},
    "unsigned": {"trade_id": pa.uint64(), "quantity": pa.uint32()},
    "single": {"price": pa.float32()},
    "views": {"side": pa.string_view()},
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("form", ["parquet", "feather", "file", "stream"])
def test_a_column_of_any_type_is_read(tmp_path, name, form):
    table, path = cast(**TYPES[name]), tmp_path / f"a.{'arrow' if form in ('file', 'stream') else form}"
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "feather":
        feather.write_feather(table, path, compression="zstd")
    else:
        with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(str(path), table.schema) as file:
            file.write_table(table)
    assert tape(CsvTape(path)) == WANTED


@pytest.mark.parametrize("name", ["a.parquet", "a.bin", "a.csv"])
def test_a_parquet_file_is_one_under_any_name(tmp_path, name):
    pq.write_table(cast(), tmp_path / name)
    assert tape(CsvTape(tmp_path / name)) == WANTED


@pytest.mark.parametrize("index", [None, "Date", "timestamp"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_an_index_of_times_is_the_time(tmp_path, index, zone):
    at = NAIVE.tz_localize("UTC").tz_convert(zone) if zone else NAIVE
    frame = pd.DataFrame({"close": [1.0, 2.0], "volume": [3, 4]}, index=at.rename(index))
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv")
    for name in ("a.parquet", "a.csv"):
        bars = CsvBars(tmp_path / name).bars()
        assert [bars["open_time"].tolist(), bars["close"].tolist()] == [MICROS, [1.0, 2.0]]


def test_an_index_of_numbers_is_none(tmp_path):
    frame = pd.DataFrame({"time": NAIVE, **PLAIN}, index=[7, 9])
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv")
    assert tape(CsvTape(tmp_path / "a.parquet")) == tape(CsvTape(tmp_path / "a.csv")) == WANTED


def test_a_decimal_is_the_float_nearest_to_it():
    words = [f"{n / 1000:.3f}" for n in range(1, 300_000, 7)]
    for kind in (pa.decimal128(38, 16), pa.decimal128(12, 3), pa.decimal256(60, 20)):
        made, bad = decimal_column(pa.array([Decimal(word) for word in words], kind))
        assert made.tolist() == [float(word) for word in words]
        assert not bad.any()


@pytest.mark.parametrize("write", ["write_parquet", "write_ipc", "write_ipc_stream", "write_ndjson", "write_csv"])
def test_what_polars_writes_is_read(tmp_path, write):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"time": NAIVE.to_list(), **PLAIN}).with_columns(
        pl.col("side").cast(pl.Categorical), pl.col("price").cast(pl.Decimal(18, 6)), pl.col("trade_id").cast(pl.UInt64)
    )
    path = tmp_path / f"a.{write.removeprefix('write_').removesuffix('_stream').replace('ipc', 'arrow')}"
    getattr(frame, write)(path)
    assert tape(CsvTape(path)) == WANTED


def test_what_duckdb_writes_is_read(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    rows = ", ".join(
        f"(TIMESTAMPTZ '{t}', {p}::DECIMAL(18, 4), {q}::HUGEINT, '{s}'::ENUM('buy', 'sell'), {i}::UBIGINT)"
        for t, p, q, s, i in zip(TIMES, *PLAIN.values(), strict=True)
    )
    for path in (tmp_path / "a.parquet", tmp_path / "a.csv"):
        duckdb.sql(f"CREATE OR REPLACE TABLE t AS SELECT * FROM (VALUES {rows}) AS t(time, price, quantity, side, id)")  # noqa: S608
        duckdb.table("t").to_parquet(str(path)) if path.suffix == ".parquet" else duckdb.table("t").to_csv(str(path))
        assert tape(CsvTape(path)) == WANTED


POLARS = {
    "categories": lambda pl: {"side": pl.col("side").cast(pl.Categorical)},
    "enums": lambda pl: {"side": pl.col("side").cast(pl.Enum(["buy", "sell"]))},
    "decimals": lambda pl: {name: pl.col(name).cast(pl.Decimal(38, 9)) for name in ("price", "quantity")},
    "words": lambda pl: {name: pl.col(name).cast(pl.String) for name in ("price", "quantity", "trade_id")},
    "single": lambda pl: {name: pl.col(name).cast(pl.Float32) for name in ("price", "quantity")},
    "unsigned": lambda pl: {
        "trade_id": pl.col("trade_id").cast(pl.UInt64),
        "quantity": pl.col("quantity").cast(pl.UInt8),
    },
    **{
        f"in {unit}": lambda pl, unit=unit: {"time": pl.col("time").cast(pl.Datetime(unit))}
        for unit in ("ms", "us", "ns")
    },
    "of a zone": lambda pl: {
        "time": pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Kolkata"),
    },
    "since 1970": lambda pl: {"time": pl.col("time").dt.epoch("us")},
    "of the maker": lambda pl: {"side": None, "is_buyer_maker": pl.col("side") == "sell"},
    "signs": lambda pl: {"side": pl.when(pl.col("side") == "buy").then(1).otherwise(-1).cast(pl.Int8)},
    "days apart": lambda pl: {"time": None, "date": pl.col("time").dt.date(), "tod": pl.col("time").dt.time()},
}
"""Columns of polars' that take the place of the plain ones; None for none."""


@pytest.mark.parametrize("layout", POLARS)
@pytest.mark.parametrize("form", ["parquet", "ipc", "ipc_stream"])
def test_polars_columns_of_any_type_are_told_and_read(tmp_path, layout, form):
    pl = pytest.importorskip("polars")
    asked = POLARS[layout](pl)
    frame = pl.DataFrame({"time": NAIVE.to_list(), **PLAIN}).with_columns(
        **{name: cells for name, cells in asked.items() if cells is not None}
    )
    path = tmp_path / f"a.{'parquet' if form == 'parquet' else 'arrow'}"
    getattr(frame.drop([name for name, cells in asked.items() if cells is None]), f"write_{form}")(path)
    assert as_told(path) == WANTED


DUCKDB = {
    "timestamps": "ts, px, qty, side, id",
    "of ns": "ts::TIMESTAMP_NS AS ts, px, qty, side, id",
    "of ms": "ts::TIMESTAMP_MS AS ts, px, qty, side, id",
    "of s": "ts::TIMESTAMP_S AS ts, px, qty, side, id",
    "of a zone": "ts AT TIME ZONE 'UTC' AS ts, px, qty, side, id",
    "since 1970": "epoch_ms(ts) AS ts, px, qty, side, id",
    "days apart": "ts::DATE AS date, ts::TIME AS time, px, qty, side, id",
    "enums": "ts, px, qty, side::ENUM('buy', 'sell') AS side, id",
    "wide decimals": "ts, px::DECIMAL(38, 10) AS px, qty::DECIMAL(38, 18) AS qty, side, id",
    "huge": "ts, px, qty::HUGEINT AS qty, side, id::UBIGINT AS id",
    "truth": "ts, px, qty, side = 'buy' AS is_buy, id",
}
"""What is selected of a table of trades."""


@pytest.mark.parametrize("layout", DUCKDB)
@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_duckdb_columns_of_any_type_are_told_and_read(tmp_path, layout, form):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as base:
        base.execute("CREATE TABLE t (ts TIMESTAMP, px DECIMAL(18, 4), qty DOUBLE, side VARCHAR, id BIGINT)")
        rows = zip(NAIVE.to_pydatetime(), *PLAIN.values(), strict=True)
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", [list(row) for row in rows])
        path = tmp_path / f"a.{form}"
        base.execute(f"COPY (SELECT {DUCKDB[layout]} FROM t) TO '{path}' (FORMAT {form})")  # noqa: S608
    assert as_told(path) == WANTED


def as_told(path):
    """The trades of a file, read by the YAML that `sniff` prints for it."""
    said = sniff(path)
    asked = yaml.safe_load(said.block())["data"]["main"]
    feed = CsvTape(asked.pop("path"), **{k: v for k, v in asked.items() if k not in ("feed", "bars")})
    assert said.feed == "CsvTape"
    return tape(feed)


def test_candles_of_polars_with_several_tickers_are_read_by_symbol(tmp_path):
    pl = pytest.importorskip("polars")
    one = pl.DataFrame(
        {"date": NAIVE.to_list(), "open": [1.0, 2], "high": [2.0, 3], "low": [0.5, 1], "close": [1.5, 2.5]}
    )
    both = pl.concat([one.with_columns(ticker=pl.lit(name)) for name in ("AAPL", "MSFT")])
    both.with_columns(pl.col("ticker").cast(pl.Categorical)).sort("date").write_parquet(tmp_path / "a.parquet")
    assert sniff(tmp_path / "a.parquet").params == {"symbol": "AAPL"}
    assert CsvBars(tmp_path / "a.parquet", symbol="MSFT").bars()["close"].tolist() == [1.5, 2.5]


def test_views_in_dictionaries_and_uuids_are_text(tmp_path):
    table = cast()
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.uint32()), pa.array(["buy", "sell"], pa.string_view()))
    table = table.set_column(3, "side", words).set_column(4, "trade_id", pa.array([bytes(16)] * 2, pa.uuid()))
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as file:
        file.write_table(table)
    assert as_told(tmp_path / "a.arrow") == [*WANTED[:4], [-1, -1]]


def test_a_file_of_json_whose_rows_are_lines_is_read_by_lines(tmp_path):
    lines = [
        f'{{"time": {t}, "price": {p}, "quantity": 1, "side": "buy"}}' for t, p in zip(MICROS, (1, 2), strict=True)
    ]
    (tmp_path / "a.json").write_text("\n".join(lines) + "\n")
    assert tape(CsvTape(tmp_path / "a.json"))[1] == [1.0, 2.0]
    (tmp_path / "b.json").write_text(lines[0] + "\n{")
    with pytest.raises(DataError, match=r"b\.json: row 2, is no JSON"):
        tape(CsvTape(tmp_path / "b.json"))


def fixed(values, width):
    scale = 10 ** (16 if width == 16 else 9)
    whole = [int(Decimal(str(v)) * scale) for v in values]
    return pa.array([n.to_bytes(width, "little") for n in whole], pa.binary(width))


def nautilus(path, width, instrument="BTCUSDT.BINANCE", **columns):
    times = pa.array([t * 1000 for t in MICROS], pa.uint64())
    kept = {name: fixed(values, width) if name != "aggressor_side" else values for name, values in columns.items()}
    said = {"instrument_id": instrument, "price_precision": "1", "size_precision": "3"}
    pq.write_table(pa.table({**kept, "ts_event": times, "ts_init": times}).replace_schema_metadata(said), path)
    return path


@pytest.mark.parametrize("width", [8, 16])
def test_nautilus_catalog_is_read_in_both_precisions(tmp_path, width):
    big = [67_123.1, 67_123.2]
    trades = {"price": big, "size": [0.007, 8.0], "aggressor_side": pa.array([1, 2], pa.uint8())}
    made = tape(NautilusTrades(nautilus(tmp_path / "t.parquet", width, **trades)))
    assert made[:4] == [MICROS, big, [0.007, 8.0], [1, -1]]
    prices = dict.fromkeys(("open", "high", "low", "close"), big)
    bars = NautilusBars(nautilus(tmp_path / "b.parquet", width, **prices, volume=[0.007, 8.0])).bars()
    assert [bars["close_time"].tolist(), bars["close"].tolist(), bars["volume"].tolist()] == [MICROS, big, [0.007, 8.0]]


def test_nautilus_files_of_two_instruments_are_two(tmp_path):
    trades = {"price": [1.0, 1.0], "size": [1.0, 1.0]}
    files = [nautilus(tmp_path / f"{name}.parquet", 16, name, **trades) for name in ("A.X", "B.X")]
    with pytest.raises(DataError, match=r"A\.X"):
        tape(NautilusTrades(files))


def test_freqtrades_candles_take_other_names_and_more_columns(tmp_path):
    prices = {"Open": [1.0, 2.0], "high": [1.0, 2.0], "low": [1.0, 2.0], "close": [1.0, 2.0]}
    table = pa.table({"when": pa.array(NAIVE.to_numpy()), **prices, "volume": [3.0, 4.0], "rsi_14": [50.0, 60.0]})
    feather.write_feather(table, tmp_path / "BTC_USDT-1m.feather")
    bars = FreqtradeBars(tmp_path / "BTC_USDT-1m.feather", columns={"time": "when", "rsi": "rsi_14"}).bars()
    assert [bars["open_time"].tolist(), bars["open"].tolist(), bars["rsi"].tolist()] == [
        MICROS,
        [1.0, 2.0],
        [50.0, 60.0],
    ]
    (tmp_path / "a.json").write_text("[[1,1618951320000,10,12,9,11,5.5],[2,1618951380000,11,11,11,11,0]]")
    cells = {"time": 2, "open": 3, "high": 4, "low": 5, "close": 6, "volume": 7}
    assert FreqtradeBars(tmp_path / "a.json", columns=cells).bars()["close"].tolist() == [11.0, 11.0]
    with pytest.raises(ParamError, match="either all by name or all by number"):
        FreqtradeBars(tmp_path / "a.json", columns={"time": 2, "open": "o"}).bars()


def test_databentos_binary_files_are_read_by_its_own_reader(tmp_path):
    dbn = pytest.importorskip("databento_dbn")
    head = dbn.Metadata(
        dataset="GLBX.MDP3", start=MICROS[0] * 1000, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
        schema=dbn.Schema.TRADES, symbols=["ESH4"], partial=[], not_found=[], mappings=[],
    )  # fmt: skip
    rows = [
        dbn.TradeMsg(
            publisher_id=1, instrument_id=5602, ts_event=t * 1000 + 7, price=price, size=size, action=dbn.Action.TRADE,
            side=side, depth=0, ts_recv=t * 1000 + 9, flags=0, ts_in_delta=0, sequence=1,
        )
        for t, price, size, side in zip(
            MICROS, (10_500_000_000, 10_600_000_000), (7, 8), (dbn.Side.BID, dbn.Side.ASK), strict=True
        )
    ]  # fmt: skip
    raw = head.encode() + b"".join(map(bytes, rows))
    (tmp_path / "a.dbn").write_bytes(raw)
    (tmp_path / "a.dbn.zst").write_bytes(pa.compress(raw, "zstd", asbytes=True))
    for name in ("a.dbn", "a.dbn.zst"):
        assert tape(DatabentoTrades(tmp_path / name))[:4] == WANTED[:4]
    (tmp_path / "b.dbn").write_bytes(raw[:-20])
    with pytest.raises(DataError, match=r"b\.dbn"):
        tape(DatabentoTrades(tmp_path / "b.dbn"))


def test_without_databentos_reader_the_way_to_convert_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    (tmp_path / "a.dbn.zst").write_bytes(pa.compress(b"DBN\x03", "zstd", asbytes=True))
    with pytest.raises(
        DataError, match=r"pip install 'tapeflow\[databento\]'; or .* dbn a\.dbn\.zst --csv > trades\.csv"
    ):
        tape(DatabentoTrades(tmp_path / "a.dbn.zst"))

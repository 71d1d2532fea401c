"""The catalog: what goes in comes out bit for bit, whatever the order, the split, or the moment of a kill."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.cli.data import Branch
from tapeflow.core.clock import DAY, parse_time
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.core.schema import KLINE_COLUMNS, Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.catalog import Catalog, CatalogKlines
from tapeflow.feeds.filing.add import Added, add
from tapeflow.feeds.framework.tape_feed import TapeFeed
from tapeflow.store.codec import GROUP, decode, encode, tape_columns, to_floats, to_integers
from tapeflow.store.holdings import holdings
from tapeflow.store.layout import LOCK, MANIFEST, STAGING, CatalogStore, Partition, Series
from tapeflow.store.merge import DayRows
from tapeflow.store.names import kind_of, venue_of
from tapeflow.store.write import writing

MONDAY = parse_time("2024-01-01")
Row = tuple[int, str, str, int, int, int, str]
DATA = Branch("data", "", {"add": "", "list": "", "export": ""})


def seeded(seed: object) -> random.Random:
    """Chance that is the same in every run."""
    return random.Random(str(seed))  # noqa: S311


def rows_of_day(day: int, n: int = 200, seed: int = 0) -> list[Row]:
    """Aggregated trades of a day in ms; ids go on from day to day, raw ids have a hole here and there."""
    rng = seeded(f"{seed} {day}")
    made, raw = [], day * 10_000
    for i in range(n):
        raw += rng.choice([0] * 30 + [3])
        last = raw + rng.choice([0, 0, 1, 4])
        when = (MONDAY + day * DAY) // 1000 + i * (86_400_000 // n) + rng.randrange(3)
        price, quantity = f"{40_000 + rng.randrange(-900, 900) / 100:.2f}", f"{rng.randrange(1, 300_000) / 1e5:.5f}"
        made.append((day * n + i, price, quantity, raw, last, when, rng.choice(["True", "False"])))
        raw = last + 1
    return made


def dump(path: Path, rows: Iterable[Row]) -> Path:
    """A file of Binance's aggregated trades."""
    text = "".join(",".join(map(str, row)) + ",True\n" for row in rows)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(path.with_suffix(".csv").name), text)
    else:
        path.write_text(text)
    return path


def day_dumps(folder: Path, days: Iterable[int] = range(3)) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [dump(folder / f"BTCUSDT-aggTrades-2024-01-{day + 1:02d}.zip", rows_of_day(day)) for day in days]


def put(
    root: Path, *paths: Path, feed: str = "BinanceAggTrades", symbol: str | None = None, **params: object
) -> list[Added]:
    return add(root, paths, feed, params, symbol=symbol)


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of a catalog, hidden ones too."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def parquets(root: Path) -> dict[str, bytes]:
    return {name: data for name, data in snapshot(root).items() if name.endswith(".parquet")}


def columns(feed: TapeFeed) -> dict[str, bytes]:
    """All columns of a feed's tape as bytes."""
    return columns_of(Tape.join(list(feed.tapes())))


def columns_of(tape: Tape) -> dict[str, bytes]:
    """All columns of a tape as bytes; optional ones as what their absence stands for."""
    made = {name: getattr(tape, name) for name in ("time", "price", "quantity", "side", "trade_id", "trades")}
    made["notional"] = tape.price * tape.quantity if tape.notional is None else tape.notional
    made["flags"] = np.zeros(len(tape), np.int64) if tape.flags is None else tape.flags
    return {name: values.tobytes() for name, values in made.items()}


def same_bars(ours: TapeFeed, theirs: TapeFeed, **how: object) -> None:
    expected, actual = theirs.bars("1h", row_size=5.0, **how), ours.bars("1h", row_size=5.0, **how)
    for name, values in expected.columns.items():
        assert values.tobytes() == actual[name].tobytes(), name
    assert expected.levels.buy_volume.tobytes() == actual.levels.buy_volume.tobytes()


def cli(*args: object) -> int:
    with pytest.raises(SystemExit) as end:
        DATA.main([str(a) for a in args])
    return int(end.value.code or 0)


# what goes in comes out


def test_tape_comes_back_bit_for_bit(tmp_path):
    paths = day_dumps(tmp_path / "in")
    put(tmp_path / "c", *paths)
    expected = BinanceAggTrades(paths)
    assert columns(expected) == columns(Catalog(tmp_path / "c"))
    assert expected.counts["id_holes"] > 5


def test_bars_from_catalog_are_the_bars_from_the_files(tmp_path):
    paths = day_dumps(tmp_path / "in")
    put(tmp_path / "c", *paths)
    same_bars(Catalog(tmp_path / "c"), BinanceAggTrades(paths))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2024-01-02", None),
        (None, "2024-01-02"),
        ("2024-01-01T13:07:01", "2024-01-03T00:30"),
        ("2024-01-02", "2024-01-03"),
        ("2024-01-02T05:00", "2024-01-02T06:00"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_from_and_to_give_the_bars_that_the_files_give(tmp_path, start, end, named):
    rows = [row for day in range(3) for row in rows_of_day(day)]
    paths = day_dumps(tmp_path) if named else [dump(tmp_path / "mine.csv", rows)]
    put(tmp_path / "c", *paths, symbol="BTCUSDT")
    same_bars(Catalog(tmp_path / "c"), BinanceAggTrades(paths), start=start, end=end)


def test_only_days_asked_for_are_read(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path))
    feed = Catalog(tmp_path / "c")
    feed.bars("1h", start="2024-01-02", end="2024-01-03")
    assert [file.path.parent.name for file in feed.files] == ["day=2024-01-02"]
    assert feed.counts["rows"] == 200
    assert Partition.read(feed.files[0].path.parent / MANIFEST).sha256 == feed.files[0].sha256


def test_between_gives_the_rows_of_the_span_alone(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path))
    made = Tape.join(list(Catalog(tmp_path / "c").between("2024-01-01T12:00", "2024-01-02T12:00")))
    expected = [
        r[0] for day in range(3) for r in rows_of_day(day) if MONDAY + DAY // 2 <= r[5] * 1000 < MONDAY + DAY * 3 // 2
    ]
    assert expected == made.trade_id.tolist()


def test_row_groups_outside_the_span_are_not_read(tmp_path):
    n = 3 * GROUP
    rng = np.random.default_rng(0)
    tape = Tape.of(
        time=MONDAY + np.arange(n) * 1000,
        price=np.round(rng.uniform(9, 11, n), 4),
        quantity=rng.uniform(0, 1, n),
        side=rng.choice([-1, 0, 1], n),
        trade_id=np.arange(n),
    )
    with writing(tmp_path / "c") as writer:
        series = Series("here", "spot", "X", "trades")
        writer.stage(series, MONDAY // DAY, DayRows(tape_columns(tape)), [], None, None)
        writer.commit()
    feed, start = Catalog(tmp_path / "c"), MONDAY + (2 * GROUP + 5) * 1000
    assert columns_of(tape) == columns(feed)
    assert tape.price[2 * GROUP + 5 :].tolist() == Tape.join(list(feed.between(start, None))).price.tolist()
    assert feed.counts["rows"] == GROUP
    expected = aggregate([tape[2 * GROUP + 5 :]], ["1m"], covered=(start, None))[0]
    actual = feed.bars("1m", start=start)
    for name, values in expected.columns.items():
        assert values.tobytes() == actual[name].tobytes(), name


def test_lines_that_cannot_be_read_are_kept_beside(tmp_path):
    path = dump(tmp_path / "BTCUSDT-aggTrades-1.csv", [*rows_of_day(0), (999, "4x", "1", 1, 1, MONDAY // 1000, "True")])
    (added,) = put(tmp_path / "c", path, bad_rows="quarantine")
    assert (added.new, added.counts["quarantined"]) == (200, 1)
    assert "4x" in (tmp_path / "c" / ".quarantine" / f"{path.name}.quarantine.csv").read_text()


def test_file_without_rows_adds_nothing(tmp_path):
    (added,) = put(
        tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-2024-01-01.zip", [(1, "1", "0", 1, 1, 10**12, "True")])
    )
    assert (added.rows, added.days) == (0, [])
    assert holdings(tmp_path / "c") == []


def test_columns_handed_out_may_be_written_to(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path))
    tape = next(Catalog(tmp_path / "c").tapes())
    assert all(getattr(tape, name).flags.writeable for name in ("time", "price", "quantity", "side", "trade_id"))


def test_prices_and_times_are_stored_as_integers(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    (file,) = (tmp_path / "c").rglob("*.parquet")
    table = pq.ParquetFile(file).read()
    first = rows_of_day(0)[0]
    assert round(float(first[1]) * 100) == table["price"][0].as_py()
    assert round(float(first[2]) * 100_000) == table["quantity"][0].as_py()
    assert first[5] * 1000 == table["time"][0].as_py()
    assert b'"price": 2' in pq.ParquetFile(file).metadata.metadata[b"tapeflow"]


def test_decimals_give_every_float_of_a_text_back():
    texts = ["0.1", "7139.85", "0.00000001", "123456789.12345", "4503599627370.495", "69420"]
    values = np.array([float(t) for t in texts])
    for k in range(len(values)):
        integers, exponent = to_integers(values[k : k + 1])
        assert values[k] == to_floats(integers, exponent)[0]
        assert exponent == len(texts[k].partition(".")[2])


@pytest.mark.parametrize("odd", [1 / 3, np.nan, np.inf, -0.0, 1e300, 5e-324, 2.0**53])
def test_floats_that_are_no_short_decimals_are_stored_as_they_are(odd):
    given = {"price": np.array([1.5, odd])}
    made, coding = encode(given)
    assert made["price"].dtype == np.float64
    assert given["price"].tobytes() == decode(made, coding)["price"].tobytes()


def test_contracts_are_stored_whole_where_they_give_base_and_notional_back(tmp_path):
    rows = [(i, f"{30_000 + i / 10:.1f}", str(1 + i % 7), i, i, MONDAY // 1000 + i, "True") for i in range(300)]
    path = dump(tmp_path / "cm_BTCUSD_PERP-aggTrades-2024-01-01.zip", rows)
    put(tmp_path / "c", path, market="cm", contract_size=100.0)
    (file,) = (tmp_path / "c").rglob("*.parquet")
    assert [r[2] for r in rows] == [str(c) for c in pq.ParquetFile(file).read()["contracts"].to_pylist()]
    feed = Catalog(tmp_path / "c", symbol="BTCUSD_PERP")
    assert columns(BinanceAggTrades(path, market="cm", contract_size=100.0)) == columns(feed)


def test_quantities_that_are_no_whole_contracts_come_back_too():
    price, quantity = np.array([3.0, 7.0]), np.array([0.1, 0.2])
    given = {"price": price, "quantity": quantity, "notional": np.array([0.30000000000000004, 1.5])}
    made, coding = encode(given, 100.0)
    assert coding.contract_size is None
    assert {k: v.tobytes() for k, v in given.items()} == {k: v.tobytes() for k, v in decode(made, coding).items()}


# adding again, in parts, in another order


def test_adding_again_changes_nothing(tmp_path):
    paths = day_dumps(tmp_path / "in")
    put(tmp_path / "c", *paths)
    before = snapshot(tmp_path / "c")
    again = put(tmp_path / "c", *paths)
    assert [(a.known, a.rows, a.new, a.duplicates) for a in again] == [(True, 200, 0, 200)] * 3
    assert before == snapshot(tmp_path / "c")


def test_order_of_inputs_changes_nothing(tmp_path):
    paths = day_dumps(tmp_path / "in")
    put(tmp_path / "a", *paths)
    for path in reversed(paths):
        put(tmp_path / "b", path)
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


@pytest.mark.parametrize("seed", range(4))
def test_split_of_inputs_changes_no_partition(tmp_path, seed):
    rows = [row for day in range(3) for row in rows_of_day(day)]
    put(tmp_path / "whole", dump(tmp_path / "BTCUSDT-aggTrades-2024-01.zip", rows))
    rng = seeded(seed)
    cuts = [0, *sorted(rng.sample(range(1, len(rows)), 5)), len(rows)]
    parts = [
        dump(tmp_path / f"BTCUSDT-aggTrades-part{i}.csv", rows[max(0, a - rng.randrange(9)) : b])
        for i, (a, b) in enumerate(pairwise(cuts))
    ]
    rng.shuffle(parts)
    put(tmp_path / "parts", *parts)
    assert parquets(tmp_path / "whole") == parquets(tmp_path / "parts")
    assert columns(Catalog(tmp_path / "whole")) == columns(Catalog(tmp_path / "parts"))


def test_rows_of_a_day_already_there_are_merged_and_counted(tmp_path):
    rows = rows_of_day(0)
    put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-a.csv", rows[:150]))
    (added,) = put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-b.csv", rows[100:]))
    assert (added.rows, added.new, added.duplicates) == (100, 50, 50)
    put(tmp_path / "whole", dump(tmp_path / "BTCUSDT-aggTrades-c.csv", rows))
    assert parquets(tmp_path / "whole") == parquets(tmp_path / "c")
    (day,) = (tmp_path / "c").rglob(MANIFEST)
    assert {"BTCUSDT-aggTrades-a.csv", "BTCUSDT-aggTrades-b.csv"} == {s.file for s in Partition.read(day).sources}


def test_hole_between_files_is_found_as_when_both_are_read(tmp_path):
    rows = rows_of_day(0)
    a, b = dump(tmp_path / "BTCUSDT-aggTrades-a.csv", rows[:90]), dump(tmp_path / "BTCUSDT-aggTrades-b.csv", rows[95:])
    c = dump(
        tmp_path / "BTCUSDT-aggTrades-c.csv", [(10**6, "40000", "1", 10**6, 10**6, rows[-1][5] + 90_000_000, "True")]
    )
    put(tmp_path / "c", b, c, a)
    expected = BinanceAggTrades([a, b, c])
    assert columns(expected) == columns(Catalog(tmp_path / "c"))
    assert Catalog(tmp_path / "c").bars("1d")["quality"].tolist()[-1] & Quality.ID_HOLE


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({1: "1.00"}, "has price 1.0"),
        ({2: "9.00000"}, "has quantity 9.0"),
        ({6: "other"}, "has side"),
        ({5: MONDAY // 1000 + 7, 1: "1.00"}, "is at 2024-01-01T00:00:00.007000Z"),
    ],
)
def test_same_id_with_other_content_is_refused_naming_both(tmp_path, change, what):
    rows = rows_of_day(0)
    put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-first.csv", rows))
    before = snapshot(tmp_path / "c")
    wrong = list(rows[120])
    for i, value in change.items():
        wrong[i] = {"True": "False", "False": "True"}[wrong[i]] if value == "other" else value
    with pytest.raises(DataError, match=rf"second\.csv: id 120 {what}.* in BTCUSDT-aggTrades-first\.csv"):
        put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-second.csv", [tuple(wrong)]))
    assert before == snapshot(tmp_path / "c")


def test_file_that_breaks_off_leaves_none_of_its_days(tmp_path):
    good = day_dumps(tmp_path, [0])[0]
    put(tmp_path / "c", good)
    before = snapshot(tmp_path / "c")
    rows = rows_of_day(1) + rows_of_day(2)
    bad = dump(tmp_path / "BTCUSDT-aggTrades-x.csv", [*rows, (999, "4x", "1", 1, 1, rows[-1][5], "True")])
    with pytest.raises(DataError, match="row 401, column price: '4x' is no number"):
        put(tmp_path / "c", bad)
    assert before == snapshot(tmp_path / "c")


def test_other_contract_size_contradicts(tmp_path):
    path = dump(tmp_path / "BTCUSD_PERP-aggTrades-2024-01-01.zip", rows_of_day(0))
    put(tmp_path / "c", path, market="cm", contract_size=100.0)
    with pytest.raises(DataError, match="has quantity"):
        put(tmp_path / "c", path, market="cm", contract_size=10.0)


class _NoIds(TapeFeed):
    """A tape whose rows have no ids."""

    abstract = True

    def tapes(self):
        for path in self.paths:
            times = np.array(path.read_text().split(), np.int64)
            yield Tape.of(time=times, price=times % 7 + 0.5, quantity=np.ones(len(times)), side=np.ones(len(times)))


def test_rows_without_ids_are_put_before_and_behind_but_not_among_others(tmp_path, monkeypatch):
    monkeypatch.setitem(FEEDS._classes, "_NoIds", _NoIds)
    texts = {"a": "5 5 6", "b": "1 2 2 3", "c": "9 9", "d": "3 4"}
    paths = {name: tmp_path / f"{name}.csv" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text)
    put(tmp_path / "c", paths["a"], paths["c"], paths["b"], feed="_NoIds", symbol="X")
    assert next(Catalog(tmp_path / "c").tapes()).time.tolist() == [1, 2, 2, 3, 5, 5, 6, 9, 9]
    with pytest.raises(DataError, match=r"d\.csv: has rows without ids .*a\.csv or b\.csv or c\.csv has rows too"):
        put(tmp_path / "c", paths["d"], feed="_NoIds", symbol="X")
    before = snapshot(tmp_path / "c")
    put(tmp_path / "c", paths["b"], feed="_NoIds", symbol="X")
    assert before == snapshot(tmp_path / "c")


# names


@pytest.mark.parametrize(
    ("name", "market", "symbol"),
    [
        ("BTCUSDT-aggTrades-2024-01-01.zip", "spot", "BTCUSDT"),
        ("cm_BTCUSD_PERP-aggTrades-2024-01-01.zip", "cm", "BTCUSD_PERP"),
        ("spot_1000SHIBUSDT-aggTrades-2024-01-01_first.csv", "spot", "1000SHIBUSDT"),
    ],
)
def test_symbol_and_market_are_in_the_name_of_the_file(tmp_path, name, market, symbol):
    (added,) = put(tmp_path / "c", dump(tmp_path / name, rows_of_day(0)))
    assert Series("binance", market, symbol, "aggTrades") == added.series


def test_file_without_a_symbol_in_its_name_wants_one(tmp_path):
    with pytest.raises(DataError, match=r"mine\.csv: no symbol in its name.*--symbol"):
        put(tmp_path / "c", dump(tmp_path / "mine.csv", rows_of_day(0)))
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("symbol", ["1000SHIB/USDT", "BTC:USDT", "a=b%2F c", "..", "*", "ÄÖ", "[x]"])
def test_any_symbol_is_quoted_and_found_again(tmp_path, symbol):
    path = dump(tmp_path / "mine.csv", rows_of_day(0, 20))
    put(tmp_path / "c", path, symbol=symbol)
    assert [symbol] == [h.series.symbol for h in holdings(tmp_path / "c")]
    assert columns(BinanceAggTrades(path)) == columns(Catalog(tmp_path / "c", symbol=symbol))
    assert {"c", "mine.csv"} == {p.name for p in tmp_path.iterdir()}
    assert put(tmp_path / "c", path, symbol=symbol)[0].known


@pytest.mark.parametrize(
    ("cls", "venue", "kind"), [(BinanceAggTrades, "binance", "aggTrades"), (BinanceTrades, "binance", "trades")]
)
def test_venue_and_kind_come_from_the_feed(cls, venue, kind):
    assert (venue, kind) == (venue_of(cls), kind_of(cls))


def test_unknown_symbol_names_what_is_there_and_the_nearest(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    with pytest.raises(DataError, match=r"unknown symbol 'BTCUSD', did you mean 'BTCUSDT'\? \(allowed: BTCUSDT\)"):
        Catalog(tmp_path / "c", symbol="BTCUSD")
    with pytest.raises(DataError, match=r"unknown market 'um'.*\(allowed: spot\)"):
        Catalog(tmp_path / "c", symbol="BTCUSDT", market="um")


def test_what_is_not_given_must_be_one_thing(tmp_path):
    path = day_dumps(tmp_path, [0])[0]
    put(tmp_path / "c", path)
    put(tmp_path / "c", path, symbol="ETHUSDT")
    with pytest.raises(DataError, match=r"2 series fit; give symbol \(allowed: BTCUSDT, ETHUSDT\)"):
        Catalog(tmp_path / "c")


def test_bad_catalog_is_told(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such catalog"):
        Catalog(tmp_path / "nowhere", symbol="X")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="file: is a file"):
        Catalog(tmp_path / "file", symbol="X")
    with pytest.raises(DataError, match="holds no trades"):
        Catalog(tmp_path, symbol="X")
    with pytest.raises(DataError, match="holds other files and is no catalog"):
        put(tmp_path, dump(tmp_path / "BTCUSDT-aggTrades-1.csv", rows_of_day(0)))
    with pytest.raises(DataError, match="must be one catalog"):
        Catalog([tmp_path, tmp_path])


def test_feed_without_files_cannot_be_added(tmp_path):
    with pytest.raises(ParamError, match="reads no files"):
        put(tmp_path / "c", tmp_path, feed="SyntheticTape")


# damage


def damaged(root: Path) -> Path:
    return next(root.rglob("*.parquet"))


def test_partition_cut_short_is_named(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    path = damaged(tmp_path / "c")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=rf"{path.name}: is damaged.*add BTCUSDT-aggTrades-2024-01-01.zip again"):
        list(Catalog(tmp_path / "c").tapes())


def test_flipped_bit_anywhere_in_the_data_is_noticed(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    path, rng = damaged(tmp_path / "c"), seeded(1)
    whole = path.read_bytes()
    expected = columns(Catalog(tmp_path / "c"))
    group = pq.ParquetFile(path).metadata.row_group(0)
    end = max(
        group.column(i).data_page_offset + group.column(i).total_compressed_size for i in range(group.num_columns)
    )
    for at in rng.sample(range(4, min(end, len(whole))), 60):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        try:
            found = columns(Catalog(tmp_path / "c"))
        except DataError as err:
            assert path.name in str(err)  # noqa: PT017
        else:
            assert expected == found


@pytest.mark.parametrize("schema", [2, 3])
def test_a_flipped_bit_of_a_footer_is_named(tmp_path, schema):
    """A footer says how many decimals a price has, and Arrow ends the process over some of what can be wrong in one."""
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    path, rng = damaged(tmp_path / "c"), seeded(2)
    if schema == 2:
        manifest = path.with_name(MANIFEST)
        made = {k: v for k, v in json.loads(manifest.read_text()).items() if k not in ("footer", "series", "digest")}
        made["schema"] = 2
        digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
        manifest.write_text(json.dumps({**made, "digest": digest}))
    whole = path.read_bytes()
    assert len(columns(Catalog(tmp_path / "c"))) > 0
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for at in range(start, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :])
        with pytest.raises(DataError, match=f"{path.name}: is damaged"):
            list(Catalog(tmp_path / "c").tapes())


def test_a_day_in_the_folder_of_another_is_named(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    day = damaged(tmp_path / "c").parent
    shutil.copytree(day, day.with_name("day=2024-01-07"))
    with pytest.raises(DataError, match=rf"day=2024-01-07.{MANIFEST}: is damaged .*it is that of 2024-01-01"):
        list(Catalog(tmp_path / "c").tapes())


@pytest.mark.parametrize("key", ["venue=binance", "market=spot", "symbol=BTCUSDT", "kind=aggTrades"])
def test_a_series_in_the_folder_of_another_is_named(tmp_path, key):
    """By every command that looks at it, for each of the names; a catalog that was moved whole is read."""
    root = tmp_path / "c"
    put(root, *day_dumps(tmp_path, [0]))
    root = root.rename(tmp_path / "moved")
    before = columns(Catalog(root))
    folder = next(root.rglob(key))
    copy = folder.with_name(key.split("=")[0] + "=other")
    shutil.copytree(folder, copy)
    said = rf"{copy.name}.*{MANIFEST}: is damaged .*it is that of binance spot BTCUSDT aggTrades, copied to"
    with pytest.raises(DataError, match=said):
        list(Catalog(root, **{key.split("=")[0]: "other"}).tapes())
    with pytest.raises(DataError, match=said):
        holdings(root)
    assert columns(Catalog(root, **dict([key.split("=")]))) == before


def test_missing_partition_and_damaged_manifest_are_named(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    path = damaged(tmp_path / "c")
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=f"{path.name}: is damaged, it is missing"):
        list(Catalog(tmp_path / "c").tapes())
    (path.parent / MANIFEST).write_text("{")
    with pytest.raises(DataError, match=rf"{MANIFEST}: is damaged"):
        list(Catalog(tmp_path / "c").tapes())


def test_day_that_was_removed_is_added_again(tmp_path):
    paths = day_dumps(tmp_path)
    put(tmp_path / "c", *paths)
    before, path = snapshot(tmp_path / "c"), damaged(tmp_path / "c")
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert [a.new for a in put(tmp_path / "c", *paths) if not a.known] == [200]
    assert before == snapshot(tmp_path / "c")


# klines


def kline_dump(path: Path, opens: Iterable[int]) -> Path:
    made = []
    for i, minute in enumerate(opens):
        at = MONDAY // 1000 + minute * 60_000
        volume, taker = 1.1 + i % 13 / 7, 0.7 + i % 5 / 100
        made.append(
            f"{at},1.{i % 90 + 10},2.5,1.0,1.7,{volume:.5f},{at + 59_999},"
            f"{volume * 2:.7f},{i + 1},{taker:.5f},{taker * 2:.8f},0\n"
        )
    path.write_text("".join(made))
    return path


def test_klines_come_back_bit_for_bit(tmp_path):
    paths = [
        kline_dump(tmp_path / "ETHUSDT-1m-2024-01-01.csv", range(1440)),
        kline_dump(tmp_path / "ETHUSDT-1m-2024-01-02.csv", [*range(1440, 2000), *range(2010, 2880)]),
    ]
    put(tmp_path / "c", *reversed(paths), feed="BinanceKlines")
    for how in ({}, {"start": "2024-01-01T12:00", "end": "2024-01-02T12:00"}, {"gaps": "fill"}):
        expected, actual = BinanceKlines(paths).bars(**how), CatalogKlines(tmp_path / "c").bars(**how)
        assert expected.spec == actual.spec
        for name in expected.columns:
            assert expected[name].tobytes() == actual[name].tobytes(), name
    (held,) = holdings(tmp_path / "c")
    assert (held.series.kind, held.days, held.rows, held.holes, held.missing) == ("klines_1m", 2, 2870, 1, 10)


def test_kline_that_contradicts_is_refused(tmp_path):
    put(tmp_path / "c", kline_dump(tmp_path / "ETHUSDT-1m-a.csv", range(10)), feed="BinanceKlines")
    with pytest.raises(DataError, match=r"b\.csv: the kline of 2024-01-01T00:05:00Z has open .* in ETHUSDT-1m-a\.csv"):
        put(tmp_path / "c", kline_dump(tmp_path / "ETHUSDT-1m-b.csv", range(5, 10)), feed="BinanceKlines")


def test_klines_and_trades_are_kept_apart(tmp_path):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    with pytest.raises(DataError, match="holds no klines"):
        CatalogKlines(tmp_path / "c")


# the command line


def test_command_line_adds_lists_and_exports(tmp_path, capsys):
    root, paths = tmp_path / "c", day_dumps(tmp_path / "in", [0, 2])
    assert cli("add", *paths, "--feed", "BinanceAggTrades", "--catalog", root, "--json") == 0
    assert [f["new"] for f in json.loads(capsys.readouterr().out)["files"]] == [200, 200]
    assert cli("list", "--catalog", root, "--json") == 0
    (held,) = json.loads(capsys.readouterr().out)
    assert (held["from"], held["to"], held["days"], held["rows"]) == ("2024-01-01", "2024-01-03", 2, 400)
    assert held["missing_days"] == ["2024-01-02"]
    assert cli("list", "--catalog", root) == 0
    assert "BTCUSDT" in capsys.readouterr().out
    out = tmp_path / "out.parquet"
    assert cli("export", "--catalog", root, "--symbol", "BTCUSDT", "--from", "2024-01-02", "--out", out) == 0
    expected = Tape.join(list(BinanceAggTrades(paths[1:]).tapes()))
    assert expected.price.tolist() == pq.read_table(out)["price"].to_pylist()
    assert expected.side.tolist() == pq.read_table(out)["side"].to_pylist()


def test_export_to_csv_keeps_every_digit(tmp_path, capsys):
    path = dump(tmp_path / "BTCUSD_PERP-aggTrades-2024-01-01.zip", [(*r[:2], "3", *r[3:]) for r in rows_of_day(0)])
    put(tmp_path / "c", path, market="cm", contract_size=100.0)
    assert cli("export", "--catalog", tmp_path / "c", "--out", tmp_path / "o.csv") == 0
    made = csv.read_csv(tmp_path / "o.csv")
    expected = Tape.join(list(BinanceAggTrades(path, market="cm", contract_size=100.0).tapes()))
    assert made.column_names == ["time", "price", "quantity", "side", "trade_id", "trades", "notional"]
    assert expected.quantity.tolist() == made["quantity"].to_pylist()
    assert made["notional"].to_pylist() == [300] * 200


def test_export_of_klines_has_the_columns_of_klines(tmp_path):
    path = kline_dump(tmp_path / "ETHUSDT-1m-a.csv", range(10))
    put(tmp_path / "c", path, feed="BinanceKlines")
    assert cli("export", "--catalog", tmp_path / "c", "--kind", "klines_1m", "--out", tmp_path / "o.parquet") == 0
    made = pq.read_table(tmp_path / "o.parquet")
    assert list(KLINE_COLUMNS) == made.column_names
    assert BinanceKlines(path).bars()["taker_sell_volume"].tolist() == made["taker_sell_volume"].to_pylist()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["export", "--out", "o.xlsx"], "ending '.xlsx' is no format"),
        (["export", "--out", "o.csv", "--from", "2030-01-01"], "no rows between the times asked for"),
        (["export", "--out", "o.csv", "--from", "noon"], "--from: 'noon' is no time"),
        (["export", "--out", "o.csv", "--kind", "trade"], "unknown kind 'trade', did you mean 'aggTrades'?"),
        (["add", "BTCUSDT-aggTrades-none.zip", "--feed", "BinanceAggTrades"], "none.zip: no such file"),
        (["add", "x.zip", "--feed", "BinanceAggTrade"], "did you mean 'BinanceAggTrades'?"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path, monkeypatch, capsys, args, says):
    put(tmp_path / "c", *day_dumps(tmp_path, [0]))
    monkeypatch.chdir(tmp_path)
    assert cli(*args, "--catalog", "c") == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not list(tmp_path.glob("*o.*"))


# one writer, and what a kill leaves

DRIVER = """
import os, signal, sys
from tapeflow.feeds.filing.add import add
root, left, *paths = sys.argv[1:]
left = int(left)
def count(event, args):
    global left
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "open") and root in str(args[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
if left:
    sys.addaudithook(count)
add(root, paths, "BinanceAggTrades", {})
"""


def run_killed(root: Path, after: int, paths: list[Path]) -> int:
    """Add in a process that kills itself at its ``after``-th touch of the catalog's files; 0 lets it finish."""
    code = subprocess.run([sys.executable, "-c", DRIVER, str(root), str(after), *map(str, paths)]).returncode
    assert code in (0, -signal.SIGKILL)
    return code


def overlapping(folder: Path) -> list[Path]:
    """Files of which later ones rewrite days of earlier ones."""
    rows = [row for day in range(3) for row in rows_of_day(day)]
    cuts = [(0, 250), (150, 420), (400, 600)]
    return [dump(folder / f"BTCUSDT-aggTrades-{i}.csv", rows[a:b]) for i, (a, b) in enumerate(cuts)]


@pytest.mark.parametrize("after", [9, 33, 58])
def test_killed_add_is_finished_by_the_next(tmp_path, after):
    paths, root = overlapping(tmp_path), tmp_path / "c"
    put(tmp_path / "whole", *paths)
    assert run_killed(root, after, paths) == -signal.SIGKILL
    assert (root / STAGING).exists()
    _readable(root)
    put(root, *paths)
    assert snapshot(tmp_path / "whole") == snapshot(root)


def _readable(root: Path) -> None:
    """What a killed writer left can be read, each day whole."""
    for series in CatalogStore(root).series():
        if days := list(CatalogStore(root).partitions(series)):
            assert sum(day.rows for day in days) == sum(len(t) for t in Catalog(root).tapes())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))
def test_add_killed_at_any_touch_of_a_file_is_finished_by_the_next(tmp_path, seed):
    paths, root, rng = overlapping(tmp_path), tmp_path / "c", seeded(seed)
    put(tmp_path / "whole", *paths)
    while run_killed(root, rng.randrange(1, 90), paths) == -signal.SIGKILL and rng.random() < 0.6:
        _readable(root)
    put(root, *paths)
    assert snapshot(tmp_path / "whole") == snapshot(root)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(16))
def test_add_killed_at_any_time_is_finished_by_the_next(tmp_path, seed):
    paths, root = day_dumps(tmp_path / "in", range(28)), tmp_path / "c"
    put(tmp_path / "whole", *paths)
    process = subprocess.Popen([sys.executable, "-c", DRIVER, str(root), "0", *map(str, paths)])
    while process.poll() is None and not (root / STAGING).exists():
        time.sleep(0.001)
    time.sleep(seeded(seed).uniform(0, 0.5))
    process.kill()
    assert process.wait() in (0, -signal.SIGKILL)
    put(root, *paths)
    assert snapshot(tmp_path / "whole") == snapshot(root)


def test_leftovers_are_swept_by_the_next_add(tmp_path):
    paths, root = day_dumps(tmp_path / "in"), tmp_path / "c"
    put(root, *paths)
    before = snapshot(root)
    (root / STAGING).mkdir()
    (root / STAGING / "0.parquet").write_text("half")
    (damaged(root).parent / "part-old.parquet").write_text("replaced")
    (root / "venue=binance/market=spot/symbol=X/kind=trades/day=2024-01-01").mkdir(parents=True)
    put(root, *paths)
    assert before == snapshot(root)
    assert not (root / "venue=binance/market=spot/symbol=X").exists()


def test_second_writer_is_told_who_writes(tmp_path):
    path, root = day_dumps(tmp_path, [0])[0], tmp_path / "c"
    root.mkdir()
    holder = (
        "import fcntl, os, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "f.write(str(os.getpid())); f.flush(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(root / LOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(DataError, match=f"process {process.pid} is writing to this catalog; try again"):
            put(root, path)
        process.stdin.close()
    assert put(root, path)[0].new == 200


def test_root_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    path = day_dumps(tmp_path, [0])[0]
    with pytest.raises(DataError, match="file: is a file, a catalog is a folder"):
        put(tmp_path / "file", path)
    with pytest.raises(DataError, match="cannot be written"):
        put(tmp_path / "file" / "below", path)


def test_reader_keeps_its_day_while_a_writer_replaces_it(tmp_path):
    rows = rows_of_day(0)
    put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-a.csv", rows[:150]))
    reader = Catalog(tmp_path / "c")
    put(tmp_path / "c", dump(tmp_path / "BTCUSDT-aggTrades-b.csv", rows[150:]))
    assert sum(len(t) for t in reader.tapes()) == 200


# the real thing


@pytest.mark.real_data
def test_real_days_come_back_bit_for_bit(tmp_path, real_data):
    folder = real_data / "06_binance_official_dumps"
    coin = {"market": "cm", "contract_size": 100.0}
    put(tmp_path / "c", folder / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip", **coin)
    put(tmp_path / "c", folder / "spot_AIUSDT-trades-2025-12-28.csv.gz", feed="BinanceTrades")
    theirs = BinanceAggTrades(folder / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip", **coin)
    ours = Catalog(tmp_path / "c", symbol="BTCUSD_PERP", kind="aggTrades", market="cm", venue="binance")
    assert columns(theirs) == columns(ours)
    same_bars(ours, theirs)
    assert ours.files[0].bytes < 5 * 105_280
    theirs = BinanceTrades(folder / "spot_AIUSDT-trades-2025-12-28.csv.gz")
    assert columns(theirs) == columns(Catalog(tmp_path / "c", symbol="AIUSDT"))


@pytest.mark.real_data
def test_real_klines_come_back_bit_for_bit(tmp_path, real_data):
    path = real_data / "06_binance_official_dumps" / "spot_BTCUSDT-1m-2026-03.zip"
    put(tmp_path / "c", path, feed="BinanceKlines")
    expected, actual = BinanceKlines(path).bars(), CatalogKlines(tmp_path / "c", symbol="BTCUSDT").bars()
    for name in expected.columns:
        assert expected[name].tobytes() == actual[name].tobytes(), name
    assert path.stat().st_size > sum(h.bytes for h in holdings(tmp_path / "c"))

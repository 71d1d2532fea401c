"""Several venues as one tape: order, one quote currency, sums by venue, and a venue that falls silent."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.schema import BAR_COLUMNS, Quality
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance_stream import BinanceStreamTrades
from tapeflow.feeds.load import open_feed
from tapeflow.feeds.merge import Merge, interleaved

S = 1_700_000_040
US = S * 1_000_000
MINUTE = 60_000_000
TAPE = ("time", "price", "quantity", "side", "trades")


def venue(folder, name, rows, head="time,price,quantity,side"):
    (folder / f"{name}.csv").write_text("\n".join([head, *(",".join(map(str, r)) for r in rows)]) + "\n")
    return {"feed": "CsvTape", "path": f"{name}.csv", "name": name}


def rows_of(seed, n=300, span=900):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(S, S + span, n))
    return [
        (int(t), float(p), float(q), s)
        for t, p, q, s in zip(
            time, 100 + rng.integers(0, 9, n) / 2, rng.integers(1, 9, n), rng.choice(["buy", "sell"], n), strict=True
        )
    ]


def whole(feed):
    return Tape.join(list(feed.tapes()))


def test_venues_come_in_time_order_and_the_first_listed_first(tmp_path):
    parts = {name: rows_of(seed) for seed, name in enumerate("abc")}
    tape = whole(Merge(tmp_path, feeds=[venue(tmp_path, name, rows) for name, rows in parts.items()]))
    plain = [(*row, k) for k, rows in enumerate(parts.values()) for row in rows]
    plain.sort(key=lambda row: row[0])  # Python's sort keeps the order of the list within one instant
    assert tape.time.tolist() == [r[0] * 1_000_000 for r in plain]
    assert tape.price.tolist() == [r[1] for r in plain]
    assert tape.quantity.tolist() == [r[2] for r in plain]
    assert tape.side.tolist() == [1 if r[3] == "buy" else -1 for r in plain]
    assert set(tape.trade_id.tolist()) == {-1}


def test_the_order_does_not_depend_on_how_streams_are_cut_into_batches():
    rng = np.random.default_rng(4)
    streams = []
    for _ in range(3):
        n = 120
        time = np.sort(rng.integers(0, 30, n))
        streams.append(Tape.of(time=time, price=rng.random(n), quantity=np.ones(n), side=np.ones(n)))
    one = list(interleaved([iter([s]) for s in streams]))
    for size in (1, 7, 50):
        cut = [iter([s[i : i + size] for i in range(0, len(s), size)]) for s in streams]
        many = list(interleaved(cut))
        assert len(many) > len(one)
        for name in TAPE:
            joined = [np.concatenate([getattr(t, name) for t, _ in parts]) for parts in (one, many)]
            assert joined[0].tobytes() == joined[1].tobytes(), (name, size)
        assert np.concatenate([v for _, v in one]).tolist() == np.concatenate([v for _, v in many]).tolist()


def test_bars_carry_the_sums_of_every_venue(tmp_path):
    parts = {name: rows_of(seed) for seed, name in enumerate("ab")}
    bars = Merge(tmp_path, feeds=[venue(tmp_path, n, r) for n, r in parts.items()]).bars("1m", row_size=1)
    for name, rows in parts.items():
        for i, begin in enumerate(bars["open_time"]):
            own = [r for r in rows if begin <= r[0] * 1_000_000 < begin + MINUTE]
            assert bars[f"volume_{name}"][i] == sum(r[2] for r in own)
            assert bars[f"taker_buy_volume_{name}"][i] == sum(r[2] for r in own if r[3] == "buy")
            assert bars[f"taker_sell_volume_{name}"][i] == sum(r[2] for r in own if r[3] == "sell")
    assert (bars["volume_a"] + bars["volume_b"]).tolist() == bars["volume"].tolist()
    assert bars.levels.buy_volume.sum() == bars["taker_buy_volume"].sum()
    assert bars.levels.row_size == 1.0


def test_one_venue_merged_is_that_venue(tmp_path):
    block = venue(tmp_path, "a", rows_of(1))
    alone = open_feed("CsvTape", tmp_path / "a.csv")
    merged, plain = Merge(tmp_path, feeds=[block]), alone.bars("1m")
    made = merged.bars("1m")
    assert all(made[n].tobytes() == plain[n].tobytes() for n in plain.columns)
    assert merged.files == alone.files
    assert merged.counts["rows"] == 300


@pytest.mark.parametrize("spec", ["1m", "3t"])
def test_ids_missing_at_a_venue_are_flagged_from_its_own_row_before_to_its_own_row_behind(tmp_path, spec):
    rows = [f"{n},100,1,100,{(S + 60 * minute) * 1000},True,True" for minute, n in [(0, 1), (1, 2), (6, 9), (7, 10)]]
    (tmp_path / "BTCUSDT-trades-2023-11-14.csv").write_text("\n".join(rows) + "\n")
    holed = {"feed": "BinanceTrades", "path": "BTCUSDT-trades-2023-11-14.csv", "market": "spot"}
    other = venue(tmp_path, "b", [(S + 60 * minute + 30, 100, 1, "sell") for minute in range(9)])
    bars = Merge(tmp_path, feeds=[holed, other], silence="1h").bars(spec)
    since, until = (1_000_000 * (S + 60 * minute) for minute in (1, 6))
    touched = [bool(c > since and o <= until) for o, c in zip(bars["open_time"], bars["close_time"], strict=True)]
    assert 2 < sum(touched) < len(bars)
    assert ((bars["quality"] & Quality.ID_HOLE) > 0).tolist() == touched


def test_prices_and_notional_are_turned_into_one_quote_currency(tmp_path):
    a = venue(tmp_path, "a", [(S, 100, 1, "buy")])
    b = venue(tmp_path, "b", [(S + 1, 200, 3, "sell")]) | {"rate": 0.5}
    inverse = {"contracts": "inverse", "contract_size": 10}
    c = venue(tmp_path, "c", [(S + 2, 50, 20, "buy")]) | {"rate": 2, **inverse}
    tape = whole(Merge(tmp_path, feeds=[a, b, c]))
    assert tape.price.tolist() == [100.0, 100.0, 100.0]
    assert tape.quantity.tolist() == [1.0, 3.0, 4.0]
    assert tape.notional.tolist() == [100.0, 300.0, 400.0]
    bars = Merge(tmp_path, feeds=[a, b, c]).bars("1m")
    assert bars["quote_volume"].tolist() == [800.0]
    assert bars.notes == ("venues in one quote currency: a 1:1, b × 0.5, c × 2",)


def test_a_rate_counts_from_the_close_of_its_bar_on(tmp_path):
    lines = ["time,close", f"{S},2", f"{S + 60},3", f"{S + 120},4"]
    (tmp_path / "fx.csv").write_text("\n".join(lines) + "\n")
    rate = {"feed": "CsvBars", "path": "fx.csv"}
    rows = [(S + 60, 10, 1, "buy"), (S + 119, 10, 1, "buy"), (S + 120, 10, 1, "buy"), (S + 999, 10, 1, "buy")]
    block = venue(tmp_path, "a", rows) | {"rate": rate}
    feed = Merge(tmp_path, feeds=[block])
    assert whole(feed).price.tolist() == [20.0, 20.0, 30.0, 40.0]
    assert [f.path.name for f in feed.files] == ["a.csv", "fx.csv"]
    early = venue(tmp_path, "b", [(S + 59, 10, 1, "buy")]) | {"rate": rate}
    with pytest.raises(DataError, match=r"no rate before 2023-11-14T22:14:59Z"):
        whole(Merge(tmp_path, feeds=[early]))


def quiet(folder, until):
    """A venue that trades every ten seconds, and one that stops after ``until`` minutes and comes back after 15."""
    steady = [(S + 10 * i, 100, 1, "buy") for i in range(120)]
    other = [(S + 10 * i + 5, 100, 2, "sell") for i in range(120) if i < 6 * until or i >= 90]
    return [venue(folder, "steady", steady), venue(folder, "other", other)]


def test_a_venue_that_falls_silent_is_flagged_from_then_on_until_it_is_back(tmp_path):
    bars = Merge(tmp_path, feeds=quiet(tmp_path, 4), silence="3m").bars("1m")
    flagged = (bars["quality"] & Quality.PARTIAL) > 0
    assert bars["volume_other"].tolist() == [12.0] * 4 + [0.0] * 11 + [12.0] * 5
    assert bars["silent_venues"].tolist() == [0.0] * 6 + [1.0] * 9 + [0.0] * 5
    assert flagged[1:-1].tolist() == (bars["silent_venues"] > 0)[1:-1].tolist()


def test_what_a_venue_does_later_changes_no_bar_before(tmp_path):
    gone, back = tmp_path / "gone", tmp_path / "back"
    gone.mkdir()
    back.mkdir()
    venues = quiet(back, 4)
    whole_day = Merge(back, feeds=venues).bars("1m")
    for name in ("steady", "other"):
        lines = (back / f"{name}.csv").read_text().splitlines()
        kept = [lines[0], *(line for line in lines[1:] if int(line.split(",")[0]) < S + 600)]
        (gone / f"{name}.csv").write_text("\n".join(kept) + "\n")
    first = Merge(gone, feeds=venues).bars("1m")
    assert len(first) == 10
    for name in first.columns:
        assert first[name][:9].tobytes() == whole_day[name][:9].tobytes(), name


def test_a_venue_is_silent_before_its_first_trade(tmp_path):
    late = [(S + 130, 100, 1, "buy"), (S + 170, 100, 1, "buy")]
    feeds = [venue(tmp_path, "a", [(S + 20 * i, 100, 1, "buy") for i in range(9)]), venue(tmp_path, "b", late)]
    assert Merge(tmp_path, feeds=feeds).bars("1m")["silent_venues"].tolist() == [1.0, 1.0, 0.0]


def test_part_of_the_time_is_the_same_as_from_the_whole(tmp_path):
    feeds = [venue(tmp_path, name, rows_of(seed)) for seed, name in enumerate("ab")]
    every = Merge(tmp_path, feeds=feeds).bars("1m")
    part = Merge(tmp_path, feeds=feeds).bars("1m", start=int(every["open_time"][3]), end=int(every["open_time"][9]))
    for name in ("open", "high", "low", "close", "volume", "trades", "volume_a", "taker_sell_volume_b", "delta_high"):
        assert part[name].tobytes() == every[name][3:9].tobytes(), name
    assert part["quality"].tolist() == [0] * 6


def test_bars_that_are_not_of_time_carry_no_sums_by_venue(tmp_path):
    feeds = [venue(tmp_path, name, rows_of(seed)) for seed, name in enumerate("ab")]
    ticks, minutes = Merge(tmp_path, feeds=feeds).bars_of(["100t", "1m"])
    assert "volume_a" not in ticks.columns
    assert ticks["trades"].tolist() == [100.0] * 6
    assert minutes["volume_a"].sum() + minutes["volume_b"].sum() == ticks["volume"].sum()


def test_a_feed_that_comes_twice_is_numbered(tmp_path):
    feeds = [venue(tmp_path, name, rows_of(seed)) for seed, name in enumerate("ab")]
    for block in feeds:
        del block["name"]
    bars = Merge(tmp_path, feeds=feeds).bars("1m")
    extra = {name for name in bars.columns if name not in BAR_COLUMNS}
    assert {"volume_CsvTape", "volume_CsvTape2", "silent_venues"} < extra
    assert extra == set(Merge.extra_columns({"feeds": feeds}))


@pytest.mark.parametrize(
    ("feeds", "complaint"),
    [
        ("a.csv", "feeds must be a list of feeds"),
        ([], "feeds must be a list of feeds"),
        ([{"path": "a.csv"}], "feeds item 1 must be a mapping with the key feed"),
        ([{"feed": "CsvTap"}], "item 1 unknown feed 'CsvTap', did you mean 'CsvTape'"),
        ([{"feed": "CsvTape", "delimter": ";"}], "item 1 CsvTape: unknown parameter 'delimter', did you mean 'delimi"),
        ([{"feed": "BinanceKlines"}], "item 1 feed BinanceKlines gives bars; only tapes can be merged"),
        ([{"feed": "CsvTape", "rate": 0}], "item 1 rate must be a number above 0"),
        ([{"feed": "CsvTape", "rate": {"feed": "x"}}], "item 1 unknown feed 'x'"),
        ([{"feed": "CsvTape", "name": "a"}, {"feed": "CsvTape", "name": "a"}], "item 2 name must be a word"),
        ([{"feed": "CsvTape", "name": "a-b"}], "item 1 name must be a word"),
    ],
)
def test_a_list_of_venues_that_is_none_is_refused(tmp_path, feeds, complaint):
    with pytest.raises(ParamError, match=complaint):
        Merge(tmp_path, feeds=feeds)


def test_paths_begin_in_one_folder(tmp_path):
    block = venue(tmp_path, "a", rows_of(1))
    with pytest.raises(DataError, match="path is one folder"):
        Merge(tmp_path / "a.csv", feeds=[block])
    with pytest.raises(DataError, match=r"b\.csv: no such file"):
        Merge(tmp_path, feeds=[block | {"path": "b.csv"}])
    with pytest.raises(DataError, match="has no feeds"):
        Merge(tmp_path)


def test_made_up_tapes_need_no_files(tmp_path):
    blocks = [{"feed": "SyntheticTape", "seed": seed, "days": 0.01, "name": f"m{seed}"} for seed in (1, 2)]
    bars = Merge(tmp_path, feeds=blocks).bars("1m")
    assert bars["volume"].sum() == pytest.approx(bars["volume_m1"].sum() + bars["volume_m2"].sum(), rel=1e-12)


@pytest.mark.real_data
def test_spot_and_futures_of_one_coin_in_the_same_minutes(real_data):
    folder = real_data / "02_binance_ws_trades_spot_um_cm"
    stream = {"feed": "BinanceStreamTrades"}
    blocks = [
        stream | {"path": "spot_btcusdt_20240808_trades.txt.gz", "name": "spot"},
        stream | {"path": "um_btcusdt_20240808_trades.txt.gz", "name": "um", "market": "um"},
        stream
        | {"path": "cm_btcusd_perp_20240808_trades.txt.gz", "name": "cm", "market": "cm", "contract_size": 100.0},
    ]
    bars = Merge(folder, feeds=blocks).bars("1m")
    for block in blocks:
        params = {k: v for k, v in block.items() if k not in ("feed", "path", "name")}
        alone = BinanceStreamTrades(folder / block["path"], **params).bars("1m")
        at = np.searchsorted(bars["open_time"], alone["open_time"])
        assert alone["volume"].tolist() == bars[f"volume_{block['name']}"][at].tolist()
        assert (bars["high"][at] >= alone["high"]).all()
    parts = sum(bars[f"volume_{b['name']}"] for b in blocks)
    np.testing.assert_allclose(bars["volume"], parts, rtol=1e-12)
    assert not bars["silent_venues"].any()


def test_a_merge_can_be_written_in_a_yaml(tmp_path):
    from tapeflow.configs.loader import load_config

    feeds = [venue(tmp_path, name, rows_of(seed)) for seed, name in enumerate("ab")]
    (tmp_path / "run.yaml").write_text(
        f"name: both\ndata:\n  btc: {{feed: Merge, path: ., feeds: {json.dumps(feeds)}, bars: 1m}}\n"
        "strategy: {kind: Rules, params: {long: {enter: close > open, exit: close < open}}}\n"
    )
    config = load_config(tmp_path / "run.yaml")
    block = config.data["btc"]
    bars = open_feed(block.feed, config.paths("btc"), **block.params).bars(block.bars)
    assert bars["volume_a"].sum() > 0

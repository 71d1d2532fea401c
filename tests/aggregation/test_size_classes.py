"""Bars and measures of classes of trade size, against plain Python and against files filtered beforehand."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.edges import BLOCK
from tapeflow.aggregation.resample import resample
from tapeflow.core.bars import Bars
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.files.tables import write_table
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.core.schema import SIZE_EDGES
from tapeflow.core.sizes import SIZED, classes_between, classes_in, parse_size, parse_size_edges
from tapeflow.core.tape import Tape
from tapeflow.feeds.catalog import CatalogKlines
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.filing.add import add
from tapeflow.feeds.filing.export import export
from tapeflow.feeds.load import open_feed
from tapeflow.feeds.merge import Merge
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.compute_runs import TAPE, compute, error, rows

EDGES = ["100", "1k", "5k"]
CLASSES = classes_between(parse_size_edges(EDGES))
MINUTE = 60_000_000
PRICED = {"twap_trade"}
MEASURES = (
    *(("VWAP", p) for p in ({}, {"anchor": "5b"}, {"anchor": "bar"})),
    ("TWAP", {"method": "trade"}),
    *(("VolumeDelta", {"unit": unit}) for unit in ("base", "quote", "count")),
    *(("CVD", p) for p in ({}, {"unit": "quote", "reset": "1h"})),
    *((kind, {}) for kind in ("TakerVolume", "TakerRatio", "SignedVolume", "FlowEntropy")),
    ("DeltaDivergence", {"pivot": 1, "window": 5, "k": 0.1}),
    *(("VPIN", p) for p in ({"bucket": 2.0, "buckets": 5}, {"bucket": 2.0, "classification": "tick"})),
    *((kind, {"window": 10}) for kind in ("KyleLambda", "HasbrouckLambda", "Amihud")),
)


def tape_of(rows: int = 6_000, seed: int = 3, unknown: float = 0.0) -> Tape:
    """Trades of every class in every minute, some exactly at an edge."""
    rng = np.random.default_rng(seed)
    price = np.round(100 + np.cumsum(rng.integers(-1, 2, rows)) * 0.01, 2)
    quantity = np.round(rng.exponential(12.0, rows) ** 1.2 + 0.001, 3)
    at_edge = rng.random(rows) < 0.05
    price, quantity = np.where(at_edge, 100.0, price), np.where(at_edge, rng.choice([1.0, 10.0, 50.0], rows), quantity)
    side = np.where(rng.random(rows) < unknown, 0, rng.choice([-1, 1], rows))
    time = np.sort(rng.integers(0, 60 * MINUTE, rows))
    return Tape.of(time=time, price=price, quantity=quantity, side=side)


def filtered(tape: Tape, size: str) -> Tape:
    """The rows of a size, told by plain comparisons."""
    notional = tape.price * tape.quantity
    keep = np.zeros(len(tape), dtype=bool)
    for low, high in parse_size(size):
        keep |= (notional >= float(low)) & (notional < float(high))
    return tape.take(keep)


def one(tape: Tape, spec: str = "1m", **wish: Any) -> Bars:
    (bars,) = aggregate([tape], [spec], covered=(0, 60 * MINUTE), **wish)
    return bars


@pytest.fixture(scope="module")
def tape() -> Tape:
    return tape_of()


@pytest.fixture(scope="module")
def bars(tape: Tape) -> Bars:
    return one(tape, size_edges=EDGES)


def test_every_class_is_the_exact_sum_of_its_rows() -> None:
    tape = tape_of(600, unknown=0.2)
    bars = one(tape, size_edges=EDGES)
    for span in CLASSES:
        sums: dict[str, list[Fraction]] = {name: [Fraction(0)] * 60 for name in SIZED}
        rows = [0] * 60
        for t, p, q, s in zip(*(getattr(tape, n).tolist() for n in ("time", "price", "quantity", "side")), strict=True):
            if not float(span.low) <= p * q < float(span.high):
                continue
            bar, notional = t // MINUTE, Fraction(p * q)
            rows[bar] += 1
            named = {"volume": Fraction(q), "quote_volume": notional, "twap_trade": Fraction(p)}
            if s:
                who = "buy" if s > 0 else "sell"
                parts = {"volume": Fraction(q), "quote_volume": notional, "count": Fraction(1)}
                named |= {f"taker_{who}_{what}": value for what, value in parts.items()}
            for name, value in named.items():
                sums[name][bar] += value
        for name, values in sums.items():
            if name == "twap_trade":
                means = [float(v) / n if n else np.nan for v, n in zip(values, rows, strict=True)]
                np.testing.assert_allclose(bars[span.column(name)], means, rtol=1e-15)
            else:
                assert bars[span.column(name)].tolist() == [float(v) for v in values], name


def test_classes_add_up_to_all(bars: Bars) -> None:
    for name in SIZED:
        if name in PRICED:
            continue
        total = sum(bars[span.column(name)] for span in CLASSES)
        if name.endswith("count"):
            assert total.tolist() == bars[name].tolist()
        np.testing.assert_allclose(total, bars[name], rtol=1e-12)


def test_amounts_that_doubles_hold_add_up_bit_for_bit() -> None:
    tape = tape_of()
    tape = Tape.of(time=tape.time, price=np.round(tape.price), quantity=np.round(tape.quantity) + 1, side=tape.side)
    bars = one(tape, size_edges=EDGES)
    for name in set(SIZED) - PRICED:
        assert sum(bars[span.column(name)] for span in CLASSES).tobytes() == bars[name].tobytes()


@pytest.mark.parametrize("size", ["0-100", "100-1k", "1k-5k", "5k+", "100-5k", "0-100|5k+", "0-1k | 1k-5k"])
@pytest.mark.parametrize(("kind", "params"), MEASURES)
def test_a_measure_of_a_size_is_that_of_the_file_filtered_beforehand(tape, bars, kind, params, size) -> None:
    cls: Any = INDICATORS.find(kind)
    only = one(filtered(tape, size))
    assert len(only) == len(bars)
    # Prices and ranges stay those of all trades.
    prefiltered = bars.assign(**{name: only[name] for name in SIZED})
    made, wanted = cls.over(bars, size=size, **params), cls.over(prefiltered, **params)
    assert made.notna().to_numpy().any()
    np.testing.assert_allclose(made.to_numpy(), wanted.to_numpy(), rtol=1e-9 if kind in LOSSY else 1e-12, atol=1e-12)


LOSSY = {"KyleLambda", "HasbrouckLambda", "VPIN"}
"""Those that divide by differences of sums, which enlarge the last digit of a union's sum."""


def test_all_is_what_a_measure_gives_without_a_size(bars: Bars) -> None:
    cls: Any = INDICATORS.find("VWAP")
    plain = cls.over(bars)
    assert cls.over(bars, size="all").equals(plain)
    assert cls.over(bars, size="0+").equals(plain)
    np.testing.assert_allclose(cls.over(bars, size="0-1k|1k+")["vwap"], plain["vwap"], rtol=1e-12)


def test_a_row_at_an_edge_belongs_to_the_class_above() -> None:
    tape = Tape.of(time=[1, 2, 3], price=[100.0] * 3, quantity=[9.99, 10.0, 50.0], side=[1, 1, 1])
    (bars,) = aggregate([tape], ["1m"], size_edges=EDGES)
    assert [bars[span.column("taker_buy_count")].tolist() for span in CLASSES] == [[0.0], [1.0], [1.0], [1.0]]


def test_cutting_the_tape_changes_no_bit(tape: Tape, bars: Bars) -> None:
    cuts = [0, 1, 2, 777, 1800, 1801, 4096, len(tape)]
    parts = [tape[a:b] for a, b in pairwise(cuts)]
    (joined,) = aggregate(parts, ["1m"], size_edges=EDGES, covered=(0, 60 * MINUTE))
    assert all(bars[name].tobytes() == joined[name].tobytes() for name in bars.columns)


def test_edges_add_columns_and_change_no_other(tape: Tape, bars: Bars) -> None:
    plain, two = one(tape), one(tape, size_edges=SIZE_EDGES)
    assert not classes_in(plain.columns)
    assert all(plain[name].tobytes() == two[name].tobytes() for name in plain.columns)
    others = [name for name in plain.columns if "_order_" not in name]
    assert all(plain[name].tobytes() == bars[name].tobytes() for name in others)


def test_percentile_classes_see_the_rows_before_alone() -> None:
    rng = np.random.default_rng(1)
    rows = 3 * BLOCK
    quantity = rng.exponential(5.0, rows)
    columns = {"time": np.arange(rows) * 10_000, "price": np.full(rows, 100.0), "side": rng.choice([-1, 1], rows)}
    other = np.where(np.arange(rows) < 2 * BLOCK + BLOCK // 2, quantity, quantity * 40)
    (real,), (fake,) = (
        aggregate([Tape.of(quantity=q, **columns)], ["1s"], size_edges=["p50", "p90", "p99"]) for q in (quantity, other)
    )
    known = real["open_time"] >= BLOCK * 10_000
    before = real["open_time"] < (2 * BLOCK + BLOCK // 2) * 10_000
    names = [span.column(name) for span in classes_in(real.columns) for name in SIZED]
    assert len(names) == 4 * len(SIZED)
    for name in names:
        assert np.isnan(real[name][~known]).all()
        assert real[name][before].tobytes() == fake[name][before].tobytes()
    lines = INDICATORS.find("TakerVolume").over(real, size="p50-p99")  # type: ignore[attr-defined]
    edges = {}
    counts = np.zeros(len(real))
    for i in range(BLOCK, rows):
        if i % BLOCK == 0:
            edges = {p: np.percentile(100 * quantity[:i], p, method="higher") for p in (50, 99)}
        if edges[50] <= 100 * quantity[i] < edges[99]:
            counts[i // 100] += quantity[i]
    np.testing.assert_allclose((lines["buy"] + lines["sell"])[known], counts[known], rtol=1e-12)


def test_longer_bars_have_the_classes_of_their_trades(tape: Tape, bars: Bars) -> None:
    made, wanted = resample(bars, "10m"), one(tape, "10m", size_edges=EDGES)
    for span in CLASSES:
        for name in SIZED:
            np.testing.assert_allclose(made[span.column(name)], wanted[span.column(name)], rtol=1e-12)


def test_a_tape_without_sides_keeps_amounts_of_classes_alone() -> None:
    tape = tape_of(unknown=1.1)
    bars = one(tape, size_edges=EDGES)
    assert bars.carries("volume_100_1k")
    assert not bars.carries("taker_buy_volume_100_1k")
    with pytest.raises(InputError, match="taker_buy_volume_100_1k"):
        INDICATORS.find("VolumeDelta").over(bars, size="100-1k")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("size", "wrong"),
    [
        ("1k-2k", r"keeps the classes 0-100, 100-1k, 1k-5k, 5k\+: set size_edges: \[100, 1k, 2k, 5k\]"),
        ("10k+", r"set size_edges: \[100, 1k, 5k, 10k\]"),
        ("p50-p99", r"set size_edges: \[p50, p99\]"),
    ],
)
def test_classes_that_bars_lack_are_refused_with_the_edges_to_set(bars: Bars, size: str, wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        INDICATORS.find("CVD").over(bars, size=size)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "size", ["", "1k", "1k-", "-1k", "5k-1k", "1k-1k", "1k-5k|2k+", "1k-p99", "all|1k+", "+", "1k--5k"]
)
def test_what_is_no_size_is_refused(bars: Bars, size: str) -> None:
    with pytest.raises(ParamError, match="size must be all, a class such as 1k-10k"):
        INDICATORS.find("VWAP").over(bars, size=size)  # type: ignore[attr-defined]


def test_bars_without_classes_say_how_to_have_them(tape: Tape) -> None:
    with pytest.raises(InputError, match="asks for size 100-1k, but tape keeps no classes of size: set size_edges"):
        INDICATORS.find("VWAP").over(one(tape), size="100-1k")  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["LargeTrades", "OrderSizeFlow"])
def test_small_medium_and_large_need_two_edges(bars: Bars, kind: str) -> None:
    with pytest.raises(InputError, match=r"need two size_edges, but its classes are 0-100, .* size: of TakerVolume"):
        INDICATORS.find(kind).over(bars)  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["time", "minute_close"])
def test_a_twap_of_a_size_counts_trades(bars: Bars, method: str) -> None:
    with pytest.raises(ParamError, match="goes with method: trade alone"):
        INDICATORS.find("TWAP").over(bars, method=method, size="1k-5k")  # type: ignore[attr-defined]


def test_flow_toxicity_of_a_size_is_refused_and_its_flow_alone_is_that_of_the_file_filtered_beforehand(tape) -> None:
    """Bars keep no prices by class, so that its volatility would be that of other rows than its flow."""
    find: Any = INDICATORS.find
    bars, size = one(tape, size_edges=EDGES), "1k-5k"
    for asked in (size, "all"):
        with pytest.raises(ParamError, match="FlowToxicity takes no size: volatility is that of all rows"):
            find("FlowToxicity").over(bars, size=asked)
    delta = find("VolumeDelta").over(bars, unit="quote", size=size)["delta"]
    made = find("ZScore").over(delta, window=10)["z"]
    only = one(filtered(tape, size))
    assert (only["volume"] > 0).all()
    wanted = find("FlowToxicity").over(only, window=10)["z_flow"]
    np.testing.assert_allclose(made, wanted, rtol=1e-9)


ROWED = (
    *(("VolumeProfile", p) for p in ({"session": "1h"}, {"session": None, "window": 10})),
    *(("TPO", {"session": "1h", "bracket": "10m", "letters": letters}) for letters in ("range", "traded")),
    *((kind, {}) for kind in ("NakedPOC", "DiagonalImbalance", "StackedImbalance", "UnfinishedAuction")),
    *((kind, {"window": 5, "k": 0.5}) for kind in ("Absorption", "Exhaustion", "Sweep")),
)


@pytest.mark.parametrize("size", ["100-1k", "0-100|1k+"])
@pytest.mark.parametrize(("kind", "params"), ROWED)
def test_price_rows_of_a_size_are_those_of_the_file_filtered_beforehand(tape, kind, params, size) -> None:
    cls: Any = INDICATORS.find(kind)
    bars = one(tape, size_edges=EDGES, row_size=0.05, tick=0.01, levels_by_size=True)
    only = one(filtered(tape, size), row_size=0.05, tick=0.01)
    assert len(only) == len(bars)
    made, wanted = cls.over(bars, size=size, **params), cls.over(replace(bars, levels=only.levels), **params)
    np.testing.assert_allclose(made, wanted, rtol=1e-12)


def test_a_footprint_of_a_size_is_that_of_the_file_filtered_beforehand(tape: Tape) -> None:
    bars = one(tape, size_edges=EDGES, row_size=0.05, tick=0.01, levels_by_size=True)
    only = one(filtered(tape, "100-1k"), row_size=0.05, tick=0.01)
    seen = 0
    for i in range(len(bars)):
        made, wanted = bars.footprint(i, size="100-1k"), only.footprint(i)
        assert (made is None) == (wanted is None)
        if made is not None and wanted is not None:
            seen += 1
            assert made.buy_volume() == pytest.approx(wanted.buy_volume(), rel=1e-12)
            assert made.sell_volume() == pytest.approx(wanted.sell_volume(), rel=1e-12)
            assert made.poc().down_price() == wanted.poc().down_price()
    assert seen
    with pytest.raises(InputError, match=r"footprint asks for size 1k-3k, but .* keeps rows of"):
        bars.footprint(0, size="1k-3k")
    with pytest.raises(ParamError, match="footprint: size must be"):
        bars.footprint(0, size="many")


def test_price_rows_of_all_classes_add_up_in_bars_long_and_short(tape: Tape) -> None:
    bars = one(tape, size_edges=EDGES, row_size=0.05, tick=0.01, levels_by_size=True)
    plain = one(tape, row_size=0.05, tick=0.01)
    for made, wanted in (
        (bars, plain),
        (resample(bars, "10m"), resample(plain, "10m")),
        (bars.slice(2, 9), plain.slice(2, 9)),
    ):
        whole, rows = made.levels.of(CLASSES), wanted.levels
        assert whole.offsets.tolist() == rows.offsets.tolist()
        assert whole.price_tick.tolist() == rows.price_tick.tolist()
        np.testing.assert_allclose(whole.buy_volume, rows.buy_volume, rtol=1e-12)
        np.testing.assert_allclose(whole.sell_volume, rows.sell_volume, rtol=1e-12)


def test_price_rows_of_a_size_have_to_be_asked_for(tape: Tape) -> None:
    bars = one(tape, size_edges=EDGES, row_size=0.05)
    with pytest.raises(InputError, match=r"asks for price rows of 1k-5k, which tape does not keep: set levels_by_size"):
        INDICATORS.find("VolumeProfile").over(bars, size="1k-5k")  # type: ignore[attr-defined]
    for wish in ({"size_edges": EDGES}, {"row_size": 0.05}, {"row_size": 0.05, "size_edges": ["p50", "p99"]}):
        with pytest.raises(ParamError, match="levels_by_size needs"):
            one(tape, levels_by_size=True, **wish)


RUN = """
data: {tape: {feed: SyntheticTape, days: 2, seed: 3, bars: 5m, %s}}
indicators:
  big: {kind: CVD, size: 1k-10k, reset: 1h}
  fair: {kind: VWAP, size: 0-1k|10k+}
strategy:
  kind: Rules
  params: {long: {enter: "big > 0 and close > fair", exit: "big < 0"}}
verify: true
"""


def test_a_run_reads_sizes_and_is_the_same_in_every_engine(tmp_path: Path) -> None:
    made = {}
    for engine in ("stock", "backtrader", "compiled"):
        file = tmp_path / f"{engine}.yaml"
        file.write_text(f"{RUN % 'size_edges: [1k, 10k]'}engine: {engine}\n")
        done = tapeflow("run", file, "--out", tmp_path / engine, "--quiet")
        assert done.exit_code == 0, done.output
        made[engine] = (tmp_path / engine / "equity.parquet").read_bytes()
    assert made["stock"] == made["backtrader"] == made["compiled"]


def test_a_run_reads_columns_of_classes_by_name(tmp_path: Path) -> None:
    text = RUN.replace("fair: {kind: VWAP, size: 0-1k|10k+}", "fair: {kind: ZScore, of: volume_0_1k, window: 20}")
    text = text.replace("close > fair", "fair < taker_sell_count_10k_plus")
    (tmp_path / "run.yaml").write_text(text % "size_edges: [1k, 10k]")
    assert tapeflow("run", tmp_path / "run.yaml", "--out", tmp_path / "out", "--quiet").exit_code == 0
    (tmp_path / "run.yaml").write_text(text % "size_edges: [1k, 20k]")
    assert "unknown name 'taker_sell_count_10k_plus'" in tapeflow("validate", tmp_path / "run.yaml").stderr


def test_a_config_whose_edges_do_not_make_the_size_is_refused_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(RUN % "size_edges: [1k, 5k]")
    done = tapeflow("validate", file)
    assert done.exit_code == 2
    err = done.stderr
    assert "indicators.big.size: asks for size 1k-10k, but the data block keeps the classes 0-1k, 1k-5k, 5k+" in err
    assert "set size_edges: [1k, 5k, 10k]" in err


def test_a_config_that_asks_for_the_flow_toxicity_of_a_size_is_refused_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    text = RUN % "size_edges: [1k, 10k]"
    file.write_text(text.replace("{kind: CVD, size: 1k-10k, reset: 1h}", "{kind: FlowToxicity, size: 1k-10k}"))
    done = tapeflow("validate", file)
    assert done.exit_code == 2
    assert "run.yaml:4:29: indicators.big.size: FlowToxicity takes no size: volatility is that of all" in done.stderr


def test_merged_venues_and_catalogs_keep_classes(tmp_path: Path, tape: Tape) -> None:
    stamps, sides = (
        (1_700_000_040_000 + tape.time // 1000).tolist(),
        ["buy" if side > 0 else "sell" for side in tape.side],
    )
    lines = [
        f"{t},{p!r},{q!r},{s}"
        for t, p, q, s in zip(stamps, tape.price.tolist(), tape.quantity.tolist(), sides, strict=True)
    ]
    for k, name in enumerate("ab"):
        (tmp_path / f"{name}.csv").write_text("\n".join(["time,price,quantity,side", *lines[k::2]]) + "\n")
    done = tapeflow(
        *("data", "add", tmp_path / "a.csv", "--feed", "CsvTape", "--symbol", "X", "--catalog", tmp_path / "catalog")
    )
    assert done.exit_code == 0, done.output
    venues = [{"feed": "CsvTape", "path": f"{name}.csv", "name": name} for name in "ab"]
    both = Merge(tmp_path, feeds=venues).bars("1m", size_edges=EDGES, row_size=0.05, levels_by_size=True)
    plain, stored = (
        open_feed(kind, [tmp_path / at]).bars("1m", size_edges=EDGES)
        for kind, at in (("CsvTape", "a.csv"), ("Catalog", "catalog"))
    )
    for name in (span.column(name) for span in CLASSES for name in SIZED):
        assert plain[name].tobytes() == stored[name].tobytes()
    total = sum(both[span.column("quote_volume")] for span in CLASSES)
    np.testing.assert_allclose(total, both["quote_volume"], rtol=1e-12)
    assert sorted(map(str, both.levels.classes)) == sorted(map(str, CLASSES))


def test_the_command_line_takes_edges_from_the_size() -> None:
    asked = ("--bars", "30m", "--indicator", "v=TakerVolume")
    ((row, *_), (mine, *_)) = (rows(compute(*asked, *more)) for more in (("--size", "1k-10k"), ()))
    bars = SyntheticTape(days=150 / 1440).bars("30m", size_edges=["1k", "10k"])
    assert float(row["v.buy"]) == bars["taker_buy_volume_1k_10k"][0] < float(mine["v.buy"])
    other = rows(compute("--bars", "30m", "--indicator", "p=VolumeProfile(size=1k+,session=1h)", "--row-size", 5))
    assert any(row["p.poc"] for row in other)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        (("--indicator", "TickVolume", "--size", "1k+"), "--size: TickVolume takes no size"),
        (
            ("--indicator", "FlowToxicity", "--size", "1k+"),
            "--size: FlowToxicity takes no size: volatility is that of all",
        ),
        (("--indicator", "VWAP", "--size", "1k"), "--size: '1k' must be all, a class such as 1k-10k"),
        (("--like", "kiyotaka", "--size", "1k+"), "--size: --like kiyotaka answers of all trades alone"),
        (
            ("--indicator", "VWAP(size=p50+)", "--indicator", "CVD(size=1k+)"),
            "amounts and percentiles cannot be had of the same bars",
        ),
    ],
)
def test_the_command_line_refuses_a_size_that_cannot_be(more: tuple[str, ...], wrong: str) -> None:
    assert wrong in error(*TAPE, "--bars", "30m", *more)


def test_amberdata_answers_of_the_size_that_its_names_mean() -> None:
    wish = ("--bars", "30m", "--like", "amberdata", "--id", "pair=btc_usd")
    answers = {size: json.loads(compute(*wish, "--size", size))["payload"]["data"] for size in ("All", "1k", "1k-10k")}
    bars = SyntheticTape(days=150 / 1440).bars("30m", size_edges=["1k", "10k"])
    newest = answers["1k"][0]
    assert answers["1k"] == answers["1k-10k"]
    assert newest["totalVolumeUSD"] == bars["quote_volume_1k_10k"][-1]
    assert newest["vwap"] == bars["quote_volume_1k_10k"][-1] / bars["volume_1k_10k"][-1]
    assert newest["twap"] == answers["All"][0]["twap"]
    assert answers["All"][0]["totalVolumeUSD"] == bars["quote_volume"][-1]


def test_klines_have_no_sizes() -> None:
    with pytest.raises(InputError, match=r"keeps no classes of size: set size_edges: .* on a feed of trades"):
        INDICATORS.find("VWAP").over(sample_bars(30, klines=True), size="1k+")  # type: ignore[attr-defined]


def dated_bars() -> Bars:
    """Minutes with their classes, of a day that a file can name."""
    tape = tape_of()
    dated = replace(tape, time=tape.time + 1_704_067_200_000_000)
    return aggregate([dated], ["1m"], size_edges=parse_size_edges(EDGES))[0]


def test_classes_survive_files_and_catalogs_of_bars(tmp_path: Path) -> None:
    """What a column of a class holds is the same behind a file of bars, a catalog of them, and an export of that."""
    made = dated_bars()
    write_table({name: made[name] for name in made.columns}, tmp_path / "bars.parquet")
    write_table({name: made[name] for name in made.columns}, tmp_path / "bars.csv")
    add(tmp_path / "store", [tmp_path / "bars.parquet"], "CsvBars", {}, symbol="X")
    export(tmp_path / "store", tmp_path / "out.parquet")
    names = [span.column(name) for span in CLASSES for name in SIZED]
    read = [CsvBars(tmp_path / name).bars() for name in ("bars.parquet", "bars.csv", "out.parquet")]
    for bars in (*read, CatalogKlines(tmp_path / "store").bars()):
        assert classes_in(bars.columns) == CLASSES
        for name in names:
            np.testing.assert_array_equal(bars[name], made[name], err_msg=name)


@pytest.mark.parametrize(("size", "code"), [("100-1k", 0), ("100-2k", 2)])
def test_a_run_over_bars_of_a_file_asks_for_their_classes(tmp_path: Path, size: str, code: int) -> None:
    made = dated_bars()
    write_table({name: made[name] for name in made.columns}, tmp_path / "bars.parquet")
    (tmp_path / "run.yaml").write_text(
        f"name: sized\ndata: {{main: {{feed: CsvBars, path: '{tmp_path}/bars.parquet'}}}}\n"
        f"indicators: {{delta: {{kind: VolumeDelta, size: {size}}}}}\n"
        "strategy: {kind: Rules, params: {long: {enter: delta.delta > 0, exit: delta.delta < 0}}}\n"
    )
    done = tapeflow("run", tmp_path / "run.yaml", "--out", tmp_path / "result")
    assert done.exit_code == code, done.output
    assert ("keeps the classes 0-100, 100-1k, 1k-5k, 5k+" in done.output) == (code == 2)

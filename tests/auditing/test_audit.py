"""The audit: what it finds in damaged dumps, what it leaves alone in good ones, and how it grades."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapeflow.auditing.audit import audit
from tapeflow.auditing.findings import KINDS, RULE, Log, Spot, grade
from tapeflow.auditing.prices import Histogram, Ticks, price_step
from tapeflow.auditing.report import Report
from tapeflow.auditing.units import microseconds, unit_of
from tapeflow.cli import audit as cli
from tapeflow.core.errors import DataError
from tapeflow.core.files.tables import read_table
from tapeflow.feeds.binance import BinanceAggTrades, BinanceKlines, BinanceTrades
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.tests.helpers import faults
from tapeflow.tests.helpers.faults import AGG, TRADES, Rows, Score, score

FEEDS = {AGG: BinanceAggTrades, TRADES: BinanceTrades}
EXACT = ("duplicate", "conflict", "disorder", "id_hole", "void", "time_unit", "quantity_unit", "unreadable", "bad_time")
ANY = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = st.integers(0, 2**32)


@cache
def tape(kind: str = AGG, rows: int = 2000, seed: int = 1, rate: float = 0.2) -> Rows:
    return faults.good(kind, rows=rows, seed=seed, rate=rate)


def look(folder: Path, rows: Rows, kind: str = AGG, name: str = "x.csv", **more: object) -> Report:
    return audit(FEEDS[kind](faults.write(folder / name, rows)), keep=10**6, **more)


def lines(report: Report, kind: str) -> set[int]:
    found = report.finding(kind)
    return {spot.row for spot in found.spots} if found else set()


def counts(report: Report) -> dict[str, int]:
    return {f.kind: f.count for f in report.findings}


# -- faults that are told exactly -------------------------------------------------------------------

ROWS_AT_A_RATE = {
    "id_hole": faults.drop,
    "duplicate": faults.duplicate,
    "conflict": faults.conflict,
    "disorder": faults.swap,
    "void": faults.void,
}


@pytest.mark.parametrize("kind", [AGG, TRADES])
@pytest.mark.parametrize("fault", ROWS_AT_A_RATE)
@ANY
@given(seed=SEEDS, rate=st.sampled_from([0.0005, 0.005, 0.05]))
def test_every_damaged_row_is_found_and_no_other(tmp_path, kind, fault, seed, rate):
    rows, true = ROWS_AT_A_RATE[fault](tape(kind), np.random.default_rng(seed), rate)
    report = look(tmp_path, rows, kind)
    assert lines(report, fault) == true
    others = set(EXACT) - {fault} - ({"id_hole"} if fault == "void" and kind == AGG else set())
    assert not others & counts(report).keys()


@pytest.mark.parametrize("kind", [AGG, TRADES])
@ANY
@given(seed=SEEDS, count=st.integers(1, 10))
def test_every_stretch_of_time_stamps_in_another_unit_is_found(tmp_path, kind, seed, count):
    rows, true = faults.time_unit(tape(kind), np.random.default_rng(seed), count, kind)
    report = look(tmp_path, rows, kind)
    assert lines(report, "time_unit") == true
    assert not (set(EXACT) - {"time_unit"}) & counts(report).keys()
    assert "is not in the µs or ms of an epoch" in report.refused


def test_faults_of_every_exact_kind_in_one_file_are_kept_apart(tmp_path):
    clean, made, true = tape(rows=12_000), [], {}
    injected = [*ROWS_AT_A_RATE.items(), ("time_unit", lambda rows, rng, rate: faults.time_unit(rows, rng, 5))]
    for k, (fault, inject) in enumerate(injected):
        part, found = inject(clean[2000 * k : 2000 * (k + 1)], np.random.default_rng(k), 0.01)
        true[fault] = {line + len(made) for line in found}
        made += part
    voids = true["void"]
    true["id_hole"] |= {line + 1 for line in voids} - voids
    report = look(tmp_path, made)
    for fault, expected in true.items():
        assert lines(report, fault) == expected, fault
    assert set(counts(report)) - {"partial_day"} == set(true)


def test_missing_ids_are_counted_one_by_one(tmp_path):
    rows = tape()
    gone = rows[500:503] + rows[900:901]
    report = look(tmp_path, rows[:500] + rows[503:900] + rows[901:])
    missing = sum(int(row[4]) - int(row[3]) + 1 for row in gone)
    found = report.finding("id_hole")
    assert (found.count, found.amount) == (2, missing)
    assert found.share == missing / int(rows[-1][4])
    first, last = int(gone[0][3]), int(gone[2][4])
    assert found.spots[0].example == f"ids {first} to {last} are missing"


def test_a_row_far_too_late_still_fills_its_hole(tmp_path):
    rows = tape(TRADES, rows=200_000)
    late = rows[1000]
    report = look(tmp_path, rows[:1000] + rows[1001:190_000] + [late] + rows[190_000:], TRADES)
    assert lines(report, "disorder") == {190_000}
    assert report.finding("id_hole") is None
    assert "rows behind its place" in report.refused


def test_a_row_that_comes_again_far_too_late_is_still_known(tmp_path):
    rows = tape(TRADES, rows=200_000)
    report = look(tmp_path, [*rows, rows[1000]], TRADES)
    assert lines(report, "duplicate") == {200_001}
    assert report.finding("duplicate").spots[0].example.endswith("too far back to compare")


def test_two_files_that_overlap_have_every_shared_row_twice(tmp_path):
    rows = tape()
    a = faults.write(tmp_path / "a.csv", rows[:1200])
    b = faults.write(tmp_path / "b.csv", rows[1000:])
    report = audit(BinanceAggTrades([b, a]), keep=10**6)
    spots = report.finding("duplicate").spots
    assert [(Path(s.file).name, s.row) for s in spots] == [("b.csv", i) for i in range(1, 201)]
    assert (report.refused, report.grade) == ("", "B")


def test_a_file_that_begins_out_of_order_is_not_taken_for_duplicates(tmp_path):
    rows = list(tape(rows=200))
    rows[0], rows[7] = rows[7], rows[0]
    report = look(tmp_path, rows)
    assert counts(report) == {"disorder": 2, "partial_day": 1}


def test_lines_that_cannot_be_read_are_counted_and_set_aside(tmp_path):
    rows = [list(row) for row in tape()]
    rows[40][1] = "12x"
    rows[41] = ["1", "2"]
    aside = tmp_path / "aside.csv"
    report = look(tmp_path, rows, quarantine=aside)
    assert lines(report, "unreadable") == {41, 42}
    assert aside.read_text().splitlines() == [",".join(rows[40]), "1,2"]
    assert report.finding("unreadable").spots[0].example == "column price: '12x' is no number"
    assert "row 41, column price" in report.refused
    accepted = audit(BinanceAggTrades(tmp_path / "x.csv", bad_rows="quarantine"))
    assert (accepted.refused, accepted.quality["ID_HOLE"]) == ("", 1)


def test_a_damaged_file_does_not_hide_the_others(tmp_path):
    good = faults.write(tmp_path / "a.csv", tape())
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(good.read_bytes())[:2000])
    report = audit(BinanceAggTrades([good, tmp_path / "b.csv.gz"]))
    assert report.finding("damaged_file").count == 1
    assert report.rows >= 2000
    assert (report.grade, "b.csv.gz: is cut short" in report.refused) == ("F", True)
    (tmp_path / "b.csv.gz").write_bytes(b"none")
    with pytest.raises(DataError, match=r"b\.csv\.gz: row 1: the header has no column agg_trade_id"):
        audit(BinanceAggTrades([tmp_path / "b.csv.gz"]))


def test_what_a_run_makes_of_it_is_what_the_feed_makes_of_it(tmp_path):
    rng = np.random.default_rng(3)
    rows = faults.void(faults.swap(faults.duplicate(tape(), rng, 0.01)[0], rng, 0.01)[0], rng, 0.01)[0]
    report = look(tmp_path, rows, spec="5m")
    bars = BinanceAggTrades(tmp_path / "x.csv").bars("5m")
    bits = {"PARTIAL": 4, "ID_HOLE": 16, "DISORDER": 32, "VOID": 64, "FILLED": 2}
    expected = {name: int((bars["quality"] & bit > 0).sum()) for name, bit in bits.items()}
    assert report.quality == {name: n for name, n in expected.items() if n}
    assert report.bars == len(bars)


# -- faults that are told by statistics --------------------------------------------------------------


def measure(
    folder: Path, finding: str, inject: Callable[..., faults.Damaged], cases: int, slack: int, seed: int = 0
) -> Score:
    """Precision and recall over seeded cases, all occurrences in one."""
    right = found = seen = true = 0.0
    for case in range(seed, seed + cases):
        rows, truth = inject(tape(rows=20_000, seed=1 + case % 3), np.random.default_rng(case))
        made = score(lines(look(folder, rows), finding), truth, slack)
        right, found = right + made.precision * made.found, found + made.found
        seen, true = seen + made.recall * made.true, true + made.true
    return Score(right / found if found else 1.0, seen / true, int(found), int(true))


STATISTICAL = {
    "quantity ×1000": ("quantity_unit", lambda r, g: faults.quantity_unit(r, g, 4), 8, 1.0, 1.0),
    "quantity ÷1000": ("quantity_unit", lambda r, g: faults.quantity_unit(r, g, 4, "0.001"), 8, 1.0, 1.0),
    "quote for base": ("quantity_unit", lambda r, g: faults.quantity_unit(r, g, 4, "price"), 8, 1.0, 1.0),
    "price spike": ("price_spike", lambda r, g: faults.spike(r, g, 5e-4), 0, 1.0, 1.0),
    "sides swapped": ("side_flip", lambda r, g: faults.side_flip(r, g, 3), 60, 0.95, 0.95),
    "all one side": ("one_sided", lambda r, g: faults.one_side(r, g, 3), 60, 0.95, 0.9),
}


@pytest.mark.parametrize("fault", STATISTICAL)
def test_precision_and_recall_of(tmp_path, record_property, fault):
    finding, inject, slack, precision, recall = STATISTICAL[fault]
    made = measure(tmp_path, finding, inject, 9, slack)
    record_property("precision and recall", f"{made.precision:.3f} {made.recall:.3f} of {made.true}")
    assert made.precision >= precision, made
    assert made.recall >= recall, made


def days(start: str, count: int, **params: object) -> list[tuple[str, Rows]]:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    rows = faults.good(start=start, **{"days": count, **params})
    names = [(first + timedelta(days=k)).date().isoformat() for k in range(count)]
    by_day: dict[str, Rows] = {name: [] for name in names}
    for row in rows:
        by_day[datetime.fromtimestamp(int(row[5]) / 1000, UTC).date().isoformat()].append(row)
    return list(by_day.items())


@pytest.mark.parametrize("seed", range(5))
def test_truncated_days_are_found_and_whole_days_are_not(tmp_path, seed):
    rng = np.random.default_rng(seed)
    whole = days("2024-03-01", 4, rate=0.05, seed=seed + 1)
    cut = int(rng.integers(4))
    for k, (name, rows) in enumerate(whole):
        faults.write(tmp_path / f"X-aggTrades-{name}.csv", faults.truncate(rows, rng, least=0.2) if k == cut else rows)
    report = audit(BinanceAggTrades(str(tmp_path / "*.csv")))
    found = report.finding("truncated_day")
    assert [whole[cut][0] in spot.example for spot in found.spots] == [True]
    assert report.finding("partial_day") is None
    assert report.grade == "F"


def test_a_long_gap_is_a_silence_where_ids_go_on_and_a_loss_where_they_do_not(tmp_path):
    rows = tape(rows=4000)
    halted = [list(row) for row in rows]
    for row in halted[2000:]:
        row[5] = str(int(row[5]) + 6 * 3_600_000)
    report = look(tmp_path, halted)
    assert lines(report, "silence") == {2001}
    assert report.finding("time_gap") is None
    assert report.grade == "A"
    lost = look(tmp_path, rows[:1000] + rows[2000:])
    assert (lines(lost, "time_gap"), lines(lost, "id_hole")) == ({1001}, {1001})


def test_a_new_price_step_is_told_at_its_first_price(tmp_path):
    coarse = faults.good(rows=30_000, price=5000.0)
    for row in coarse[:15_000]:
        row[1] = f"{round(float(row[1]) / 0.05) * 0.05:.8f}"
    report = look(tmp_path, coarse)
    first = next(i for i, row in enumerate(coarse, 1) if round(float(row[1]) * 100) % 5)
    assert lines(report, "tick_change") == {first}
    assert report.finding("tick_change").spots[0].example == "the price step goes from 0.05 to 0.01"


def test_the_price_step_of_large_prices_and_beside_one_that_is_none_of_them(tmp_path):
    rows = faults.good(rows=9_000, price=5000.0)
    for row in rows:
        row[1] = f"{round(float(row[1]) * 320) * 1000}.00000000"
    rows[5_000][1] = f"{int(float(rows[5_000][1])) + 7}.00000000"
    rows[7_000][1], rows[7_000][2] = "1e300", "0.00000001"
    report = look(tmp_path, rows)
    assert lines(report, "off_tick") == {5_001}
    assert report.finding("off_tick").spots[0].example.endswith("the price step is 1000")
    assert report.finding("tick_change") is None


def test_a_quantity_beyond_all_others_is_noted(tmp_path):
    rows = [list(row) for row in tape(rows=5000)]
    rows[777][2] = "12345.00000000"
    assert lines(look(tmp_path, rows), "size_outlier") == {778}


def test_price_steps_of_one_two_two_and_a_half_and_five():
    for step, ticks in ((0.01, 10**8), (0.02, 2 * 10**8), (0.025, 25 * 10**7), (0.5, 5 * 10**9)):
        assert price_step(np.arange(1000, 1400) * ticks) == round(step / 1e-10)


def test_the_price_step_is_unknown_while_prices_are_few():
    assert Ticks(Log()).step == 0


def test_quantiles_of_a_histogram_are_within_a_sixteenth_of_an_octave():
    values = np.random.default_rng(0).lognormal(sigma=3.0, size=20_000)
    seen = Histogram()
    for part in np.array_split(values, 7):
        seen.push(part)
    for share in (0.1, 0.5, 0.99, 0.999):
        assert abs(np.log2(seen.quantile(share) / np.quantile(values, share))) < 1 / 8


@given(st.integers(10**9, 10**10), st.sampled_from([1, 1000, 10**6, 10**8]))
def test_stamps_of_any_unit_come_out_in_microseconds(seconds, factor):
    stamps = np.array([seconds * factor])
    expected = {1: "s", 1000: "ms", 10**6: "µs"}.get(factor)
    if expected:
        assert ["none", "s", "ms", "µs", "ns"][unit_of(stamps)[0]] == expected
        assert microseconds(stamps, unit_of(stamps)).tolist() == [seconds * 10**6]
    else:
        assert unit_of(stamps)[0] == 4


# -- good tapes give no false alarm ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [AGG, TRADES])
@pytest.mark.parametrize("micro", [False, True])
def test_a_good_dump_has_grade_a(tmp_path, kind, micro):
    rows = faults.good(kind, micro=micro, rows=40_000, seed=11)
    report = look(tmp_path, rows, kind)
    assert (report.grade, report.refused, report.rows) == ("A", "", 40_000)
    assert not counts(report).keys() - {"partial_day", "long_run"}


def test_a_made_up_tape_that_is_not_a_file_has_grade_a():
    report = audit(SyntheticTape(days=1))
    assert (report.grade, report.findings, report.bars, report.quality) == ("A", (), 1440, {})
    assert any(text.startswith("ids: the feed does not keep") for text in report.unchecked)


REAL = {
    "01_binance_spot_agg_vs_official_1m/*.json": (BinanceAggTrades, {}),
    "06_binance_official_dumps/cm_*.zip": (BinanceAggTrades, {"market": "cm", "contract_size": 100}),
    "06_binance_official_dumps/spot_AIUSDT-*.csv.gz": (BinanceTrades, {}),
    "06_binance_official_dumps/spot_BTCUSDT-aggTrades-*.csv.gz": (BinanceAggTrades, {}),
    "16_awkward_small/um_CLUSDT_*.json": (BinanceAggTrades, {"market": "um"}),
    "06_binance_official_dumps/spot_BTCUSDT-1m-2026-0*.zip": (BinanceKlines, {}),
}


@pytest.mark.real_data
@pytest.mark.parametrize("files", REAL)
def test_what_an_exchange_published_whole_has_grade_a(real_data, files):
    feed, params = REAL[files]
    report = audit(feed(str(real_data / files), **params))
    assert (report.grade, report.refused) == ("A", "")
    assert all(KINDS[f.kind].weight == "note" for f in report.findings)


# -- the tape against klines -------------------------------------------------------------------------


def klines_of(path: Path, rows: Rows) -> Rows:
    """Klines of a dump, summed up in plain Python the way an exchange does."""
    made: dict[int, list[tuple[float, float, bool, int]]] = {}
    for row in rows:
        trade = (float(row[1]), float(row[2]), row[6] == "False", int(row[4]) - int(row[3]) + 1)
        made.setdefault(int(row[5]) // 60_000 * 60_000, []).append(trade)
    lines = []
    for opens, trades in made.items():
        prices = [t[0] for t in trades]
        buys = [t for t in trades if t[2]]
        sums = [sum(t[1] for t in trades), sum(t[0] * t[1] for t in trades)]
        bought = [sum(t[1] for t in buys), sum(t[0] * t[1] for t in buys)]
        figures = [prices[0], max(prices), min(prices), prices[-1], sums[0], opens + 59_999, sums[1]]
        figures += [sum(t[3] for t in trades), *bought, 0]
        lines.append([str(opens), *(str(f) if isinstance(f, int) else f"{f:.8f}" for f in figures)])
    faults.write(path, lines)
    return lines


FIELDS = {1: "open", 2: "high", 3: "low", 4: "close", 5: "volume", 7: "quote_volume", 8: "trades"}
FIELDS |= {9: "taker_buy_volume", 10: "taker_buy_quote_volume"}


def test_a_tape_agrees_with_its_own_klines_whatever_the_order_of_its_rows(tmp_path):
    rows = tape()
    klines_of(tmp_path / "k.csv", rows)
    swapped = faults.swap(faults.duplicate(rows, np.random.default_rng(0), 0.01)[0], np.random.default_rng(0), 0.01)[0]
    for some in (rows, swapped):
        report = look(tmp_path, some, klines=BinanceKlines(tmp_path / "k.csv"))
        assert report.compared > 100
        assert report.differences == ()


@pytest.mark.parametrize("column", FIELDS)
def test_a_kline_that_differs_in_one_field_is_listed_with_both_figures(tmp_path, column):
    rows = tape()
    lines = klines_of(tmp_path / "k.csv", rows)
    was = lines[50][column]
    lines[50][column] = str(int(was) + 1) if column == 8 else f"{float(was) + 0.001:.8f}"
    faults.write(tmp_path / "k.csv", lines)
    report = look(tmp_path, rows, klines=BinanceKlines(tmp_path / "k.csv"))
    (found,) = report.differences
    assert (found.field, found.open_time) == (FIELDS[column], int(lines[50][0]) * 1000)
    assert found.tape == pytest.approx(float(was), abs=1e-8)
    assert found.kline == float(lines[50][column])
    assert counts(report)[f"kline_{found.field}"] == 1


def test_trades_that_are_gone_show_in_the_klines(tmp_path):
    rows = tape()
    klines_of(tmp_path / "k.csv", rows)
    minute = int(rows[1000][5]) // 60_000
    left = [row for row in rows if int(row[5]) // 60_000 != minute]
    report = look(tmp_path, left, klines=BinanceKlines(tmp_path / "k.csv"))
    assert report.finding("kline_without_tape").spots[0].time == minute * 60_000_000


def test_trades_without_a_kline_are_noted(tmp_path):
    rows = tape()
    lines = klines_of(tmp_path / "k.csv", rows)
    faults.write(tmp_path / "k.csv", lines[:50] + lines[51:])
    report = look(tmp_path, rows, klines=BinanceKlines(tmp_path / "k.csv"))
    expected = sum(int(row[5]) // 60_000 * 60_000 == int(lines[50][0]) for row in rows)
    assert counts(report)["tape_without_kline"] == expected


@pytest.mark.real_data
def test_the_exchanges_klines_agree_with_its_tape_in_all_nine_fields(real_data):
    folder = real_data / "01_binance_spot_agg_vs_official_1m"
    report = audit(BinanceAggTrades(folder / "*.json"), klines=BinanceKlines(folder / "*.zip"))
    assert (report.compared, report.differences) == (7, ())


def test_klines_alone_are_looked_at_for_gaps_and_contradictions(tmp_path):
    lines = klines_of(tmp_path / "k.csv", tape())[:60]
    opens = int(lines[0][0])
    for k, line in enumerate(lines):
        line[0], line[6] = str(opens + k * 60_000), str(opens + k * 60_000 + 59_999)
    lines[10][2] = "1.00000000"
    lines[20][9] = "999999.00000000"
    faults.write(tmp_path / "k.csv", lines[:30] + lines[33:])
    report = audit(BinanceKlines(tmp_path / "k.csv"))
    assert counts(report)["kline_gap"] == 1
    assert report.finding("kline_gap").amount == 3
    assert counts(report)["kline_odd_range"] == 1
    assert counts(report)["kline_odd_takers"] == 1


@pytest.mark.real_data
def test_an_exchanges_outage_shows_as_a_gap_of_284_klines(real_data, tmp_path):
    with gzip.open(
        real_data / "13_binance_1m_with_real_outages" / "spot_BTCUSDT_1m_2021-04-20_2021-05-20.json.gz"
    ) as f:
        rows = json.load(f)
    lines = [[*map(str, r[:6]), str(r[0] + 59_999), "0", "1", "0", "0", "0"] for r in rows]
    for line in lines:
        line[7] = str(float(line[4]) * float(line[5]))
        line[0] = str(int(line[0]))
    report = audit(BinanceKlines(faults.write(tmp_path / "k.csv", lines)))
    assert report.finding("kline_gap").spots[0].example == "284 klines of 1m are missing before it"


# -- the grade -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "amount", "refused", "expected"),
    [
        ("silence", 10**6, False, "A"),
        ("duplicate", 10**5, False, "B"),
        ("duplicate", 1, True, "D"),
        ("conflict", 10, False, "B"),
        ("conflict", 11, False, "C"),
        ("conflict", 1000, False, "C"),
        ("conflict", 1001, False, "D"),
        ("conflict", 10_000, False, "D"),
        ("conflict", 10_001, True, "F"),
    ],
)
def test_the_grade_follows_from_the_worst_share_of_damage(kind, amount, refused, expected):
    log = Log()
    log.add(kind, Spot("a.csv", 1, 0), amount)
    assert grade(log.findings({"rows": 10**6, "time": 10**6}), refused) == expected


def test_places_are_kept_up_to_a_limit_and_counted_beyond(tmp_path):
    rows, true = faults.duplicate(tape(), np.random.default_rng(0), 0.05)
    report = audit(BinanceAggTrades(faults.write(tmp_path / "x.csv", rows)), keep=3)
    found = report.finding("duplicate")
    assert (found.count, [spot.row for spot in found.spots]) == (len(true), sorted(true)[:3])


# -- the command ---------------------------------------------------------------------------------------


def run(*args: object) -> Result:
    return CliRunner().invoke(cli.command, [str(a) for a in args])


def test_the_command_shows_a_line_a_finding_and_writes_the_rest(tmp_path):
    rows, true = faults.drop(tape(), np.random.default_rng(0), 0.01)
    rows = [*rows[:9], ["junk"], *rows[9:]]
    dump, out = faults.write(tmp_path / "x.csv", rows), tmp_path / "report.json"
    done = run(dump, "--feed", "BinanceAggTrades", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"{dump}: grade F, {len(rows) - 1:,} rows" in done.stdout
    (line,) = [text for text in done.stdout.splitlines() if text.startswith("id_hole")]
    assert "x.csv row" in line
    assert "missing" in line
    assert "a run would refuse this:" in done.stdout
    assert f"rule: {RULE}" in done.stderr
    made = json.loads(out.read_text())
    assert {f["kind"]: f["count"] for f in made["findings"]}["id_hole"] == len(true)
    assert (tmp_path / "report.quarantine.csv").read_text() == "junk\n"


def test_the_command_gives_json_and_tables(tmp_path):
    rows, true = faults.duplicate(tape(), np.random.default_rng(0), 0.01)
    dump, out = faults.write(tmp_path / "x.csv", rows), tmp_path / "findings.csv"
    done = run(dump, "--feed", "BinanceAggTrades", "--json", "--out", out)
    made = json.loads(done.stdout)
    assert (made["grade"], made["findings"][0]["kind"]) == ("B", "duplicate")
    table = read_table(out)
    assert table["kind"].tolist() == [f["kind"] for f in made["findings"]]
    assert table["count"].tolist()[0] == len(true)


def test_the_command_holds_a_tape_against_klines_of_the_same_provider(tmp_path):
    rows = tape()
    klines = klines_of(tmp_path / "k.csv", rows)
    klines[7][5] = "99.00000000"
    faults.write(tmp_path / "k.csv", klines)
    dump = faults.write(tmp_path / "x.csv", rows)
    done = run(dump, "--feed", "BinanceAggTrades", "--klines", tmp_path / "k.csv")
    assert "compared in 9 fields (open, high, low, close, volume, quote_volume, trades," in done.stdout
    assert "1 figures differ" in done.stdout
    assert " volume: tape " in done.stdout


def test_a_grade_can_be_required(tmp_path):
    dump = faults.write(tmp_path / "x.csv", faults.drop(tape(), np.random.default_rng(0), 0.003)[0])
    good = faults.write(tmp_path / "y.csv", tape())
    assert run(good, "--feed", "BinanceAggTrades", "--require", "A").exit_code == 0
    done = run(dump, "--feed", "BinanceAggTrades", "--require", "C")
    assert isinstance(done.exception, DataError)
    assert str(done.exception) == f"{dump}: has grade D, C is required"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["x.csv"], "give --feed"),
        (["--feed", "BinanceAggTrades"], "reads files; name at least one"),
        (["x.csv", "--catalog", "c"], "either a catalog or INPUTS"),
        (["--feed", "SyntheticTape", "--klines", "k.csv"], "--klines: SyntheticTape has no klines"),
    ],
)
def test_mistakes_are_told(args, says):
    assert says in str(run(*args).exception)


def test_a_series_of_a_catalog_is_audited_with_its_own_klines(tmp_path):
    from tapeflow.feeds.filing.add import add

    day = faults.good(start="2024-03-01", days=1, rate=0.05)
    dump = faults.write(tmp_path / "XUSDT-aggTrades-2024-03-01.csv", day)
    klines_of(tmp_path / "XUSDT-1m-2024-03-01.csv", day)
    add(tmp_path / "catalog", [dump], "BinanceAggTrades", {}, symbol="XUSDT")
    add(tmp_path / "catalog", [tmp_path / "XUSDT-1m-2024-03-01.csv"], "BinanceKlines", {}, symbol="XUSDT")
    done = run("--catalog", tmp_path / "catalog", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (made["grade"], made["rows"], made["findings"]) == ("A", len(day), [])
    assert made["klines"]["compared"] > 500
    assert made["klines"]["differences"] == []

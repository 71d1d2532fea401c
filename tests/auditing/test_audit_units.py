"""The audit's changes of the quantity unit: on made-up tapes, and on recorded ones of several venues and symbols."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tapeflow.auditing.amounts import Amounts, decimals_of, whole_lots, zeros_of
from tapeflow.auditing.audit import audit
from tapeflow.auditing.chunk import Chunk
from tapeflow.auditing.findings import Log
from tapeflow.auditing.quantities import QuantityUnits
from tapeflow.auditing.report import Report
from tapeflow.core.tape import Tape
from tapeflow.feeds.binance import BinanceAggTrades, BinanceTrades
from tapeflow.feeds.binance_stream import BinanceStreamTrades
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.kraken import KrakenTrades
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.feeds.tardis import TardisTrades
from tapeflow.tests.helpers import faults

MOST = 10_000
CELLS = {"trade_id": 1, "side": 2, "quantity": 3, "price": 4, "time": 5}
COIN = {"market": "cm", "contract_size": 100}
RECORDED = {
    "Binance spot BTC 2020": (BinanceAggTrades, "01*/*.json", {}),
    "Binance spot BTC 2024": (BinanceStreamTrades, "02*/spot_btcusdt_20240808*", {}),
    "Binance spot ETH 2024": (BinanceStreamTrades, "02*/spot_ethusdt_20240809*", {}),
    "Binance USD-M BTC 2024": (BinanceStreamTrades, "02*/um_btcusdt*", {"market": "um"}),
    "Binance USD-M ETH 2024": (BinanceStreamTrades, "02*/um_ethusdt*", {"market": "um"}),
    "Binance COIN-M BTC 2024": (BinanceStreamTrades, "02*/cm_btcusd_perp_20240809*", COIN),
    "Kraken BTC": (KrakenTrades, "04*/http_trades.json", {}),
    "Binance COIN-M BTC 2026": (BinanceAggTrades, "06*/cm_*.zip", COIN),
    "Binance spot AI 2025": (BinanceTrades, "06*/spot_AIUSDT*", {}),
    "Binance spot BTC 2026": (BinanceAggTrades, "06*/spot_BTCUSDT-aggTrades*", {}),
    "Tardis USD-M BTC 2020": (TardisTrades, "15*/*.csv.gz", {}),
    "Binance USD-M CL 2026": (BinanceAggTrades, "16*/um_CLUSDT*.json", {"market": "um"}),
    "Binance USD-M BNB 2023": (CsvTape, "16*/um_BNBUSDT*", {"columns": {"price": "close"}}),
    "Kraken BTC 2023": (CsvTape, "16*/kraken_BTCUSDT*", {}),
    "Binance spot FXS 2023": (CsvTape, "16*/binance_FXSUSDT*", {"columns": CELLS}),
}
UNITS = {"times 1000": "1000", "parts of 1000": "0.001", "times 100": "100", "parts of 100": "0.01", "quote": "price"}


def recorded(folder: Path, name: str) -> Tape:
    """The first rows of a recorded tape, quantities in contracts where it has them."""
    feed, pattern, params = RECORDED[name]
    tape = Tape.join(list(feed(sorted(folder.glob(pattern)), **params).tapes()))[:MOST]
    if "contract_size" in params:
        tape.quantity[:] = np.rint(tape.notional / params["contract_size"])
    return tape


def look(folder: Path, rows: faults.Rows) -> Report:
    return audit(BinanceTrades(faults.write(folder / "x.csv", rows)), keep=10**6)


def first_rows(report: Report) -> set[int]:
    found = report.finding("quantity_unit")
    return {spot.row for spot in found.spots} if found else set()


@pytest.mark.real_data
@pytest.mark.parametrize("name", RECORDED)
def test_precision_and_recall_on_a_recorded_tape_are_one(tmp_path, real_data, record_property, name):
    rows = faults.dump_of(recorded(real_data, name))
    assert first_rows(look(tmp_path, rows)) == set()
    count = max(1, min(3, len(rows) // 3000))
    for k, (unit, factor) in enumerate(UNITS.items()):
        damaged, true = faults.quantity_unit(rows, np.random.default_rng(k), count, factor)
        made = faults.score(first_rows(look(tmp_path, damaged)), true, slack=8)
        record_property(f"precision and recall, {unit}", f"{made.precision:.3f} {made.recall:.3f} of {made.true}")
        assert (made.precision, made.recall) == (1.0, 1.0), (unit, made, true)


@pytest.mark.real_data
def test_at_a_factor_of_ten_rows_that_are_whole_tens_of_lots_cannot_be_told_apart(tmp_path, real_data):
    rows = faults.dump_of(recorded(real_data, "Tardis USD-M BTC 2020"))
    start = 1588
    before = [Decimal(row[2]) % Decimal("0.01") for row in rows[start - 14 : start]]
    assert not any(before), "fourteen rows in a row are whole tens of lots of 0.001"
    for row in rows[start : start + 600]:
        row[2] = str(Decimal(row[2]) * 10)
    (found,) = first_rows(look(tmp_path, rows))
    assert start - 14 < found <= start + 1
    assert any(Decimal(row[2]) % Decimal("0.01") for row in rows[start - 20 : start - 14])


@pytest.mark.parametrize("decimals", [6, 8])
def test_quote_amounts_that_were_rounded_are_known_for_what_they_are(tmp_path, decimals):
    rows = faults.good(faults.TRADES, rows=6000)
    damaged, true = faults.quantity_unit(rows, np.random.default_rng(1), 2, "price", decimals)
    report = look(tmp_path, damaged)
    assert faults.score(first_rows(report), true, slack=8) == faults.Score(1.0, 1.0, 2, 2)
    assert (
        report.finding("quantity_unit")
        .spots[0]
        .example.startswith("quantities are about those before times the price;")
    )


def test_a_stretch_tells_its_factor_and_how_many_rows_it_has(tmp_path):
    rows = faults.good(faults.TRADES, rows=4000)
    for row in rows[2000:2500]:
        row[2] = str(Decimal(row[2]) * 1000)
    found = look(tmp_path, rows).finding("quantity_unit")
    assert [spot.row for spot in found.spots] == [2001]
    assert (found.count, found.amount) == (1, 500)
    assert found.spots[0].example == "quantities are about 1000 times those before; 500 rows"


@pytest.mark.parametrize("finer", [True, False])
def test_an_exchange_that_changes_its_lots_gives_no_alarm(tmp_path, finer):
    fine = faults.good(faults.TRADES, rows=20_000, size=0.5, lot=0.001)
    coarse = slice(0, 10_000) if finer else slice(10_000, None)
    for row in fine[coarse]:
        row[2] = str(max(round(Decimal(row[2]), 2), Decimal("0.01")))
    assert first_rows(look(tmp_path, fine)) == set()


def test_a_machine_that_trades_one_amount_for_long_gives_no_alarm(tmp_path):
    rows = faults.good(faults.TRADES, rows=8000)
    for row in rows[4000:5000]:
        row[2] = "10.00000000"
    assert first_rows(look(tmp_path, rows)) == set()


def chunks(tape: Tape, size: int) -> Iterator[Chunk]:
    """A tape as an audit sees it, in chunks of some rows."""
    none = np.full(len(tape), -1)
    columns = [np.arange(1, len(tape) + 1), tape.time, tape.price, tape.quantity, tape.side, none, none, none]
    columns += [tape.quantity, tape.price * tape.quantity, tape.trades, np.zeros(len(tape), bool)]
    for a in range(0, len(tape), size):
        yield Chunk("x", *(column[a : a + size] for column in columns))


def watched(tape: Tape, size: int, contract: float | None = None) -> tuple[list[tuple[int, str]], str]:
    log = Log()
    units = QuantityUnits(log, contract)
    for chunk in chunks(tape, size):
        units.push(chunk)
    units.finish()
    return [(spot.row, spot.example) for spot in log.spots.get("quantity_unit", [])], units.unchecked


def made_up(rows: int = 3000) -> Tape:
    return Tape.join(list(SyntheticTape(rows=rows, price=50.0, tick=0.01, days=3650, rate=0.2).tapes()))


def test_what_is_found_does_not_depend_on_how_the_rows_are_cut():
    tape = made_up()
    tape.quantity[1000:1300] *= 1000
    tape.quantity[2000:2400] *= tape.price[2000:2400]
    whole = watched(tape, len(tape))
    assert [row for row, _ in whole[0]] == [1001, 2001]
    for size in (1, 7, 128, 1000):
        assert watched(tape, size) == whole


def test_base_amounts_on_no_grid_are_followed_by_their_notional():
    tape = made_up()
    contracts = np.rint(tape.quantity / tape.quantity.min())
    tape.quantity[:] = contracts * 100 / tape.price
    assert decimals_of(tape.quantity) is None
    assert watched(tape, 1000) == ([], "")
    tape.quantity[1000:1400] *= 1000
    ((row, text),), unchecked = watched(tape, 1000)
    assert (row, text, unchecked) == (1001, "quantities are about 1000 times those before; 400 rows", "")


def test_contracts_that_turn_into_base_amounts_are_found_by_the_size_of_a_contract():
    tape = made_up()
    tape.quantity[:] = np.rint(tape.quantity / tape.quantity.min())
    tape.quantity[1000:1400] *= 10 / tape.price[1000:1400]
    ((row, text),), _ = watched(tape, 1000, contract=10.0)
    assert (row, text) == (1001, "quantities are about those before divided by the price; 400 rows")


def test_what_cannot_be_looked_at_is_said(tmp_path):
    assert watched(made_up(100), 1000)[1] == "fewer than 128 rows"
    tape = made_up()
    tape.quantity[:] = np.random.default_rng(0).lognormal(size=len(tape))
    assert watched(tape, 1000) == ([], "neither quantities nor notionals are whole lots")
    report = look(tmp_path, faults.good(faults.TRADES, rows=100))
    assert "quantity units: fewer than 128 rows" in report.unchecked


def test_lots_are_told_by_what_nearly_all_quantities_are_multiples_of():
    rng = np.random.default_rng(0)
    for decimals in (-2, 0, 3, 8):
        amounts = rng.integers(1, 10**5, 1000) / 10.0**decimals
        assert decimals_of(amounts) == decimals
        assert Amounts(amounts, decimals).lot == 10.0**-decimals
    assert [zeros_of(n) for n in (1, 10, 12_000, 10**12)] == [0, 1, 3, 12]
    assert [whole_lots(x, 1e-3) for x in (3.0, 2.9995, 2.99, 0.4, 1e15)] == [3, 3, 0, 0, 0]


def test_quantities_are_likelier_the_oftener_their_size_and_roundness_came():
    amounts = np.random.default_rng(0).integers(100, 999, 5000).astype(float)
    usual = Amounts(amounts, 0)
    assert np.exp(usual.sizes).sum() == pytest.approx(1.0)
    assert np.exp(usual.sizes).argmax() // 6 == 10 + 2

"""Prices of 0 and below, as oil had in April 2020: reading, bars, price rows, audit and runs, by plain Python."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import DAY, HOUR, iso, parse_time
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.feeds.catalog import Catalog, CatalogKlines
from tapeflow.feeds.continuous import Continuous
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.command import tapeflow

START = parse_time("2020-04-17")
OIL = [(18.27, 18.3), (17.7, -37.63), (-14.0, 10.01), (0.0, 13.78), (13.7, 16.5)]
"""Opens and closes of May oil, from the 17th of April on."""


def write_bars(path: Path, prices: list[tuple[float, float]] = OIL) -> Path:
    lines = ["date,open,high,low,close,volume"]
    for i, (o, c) in enumerate(prices):
        lines.append(f"{iso(START + i * DAY)[:10]},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},{100 + i}")
    path.write_text("\n".join(lines) + "\n")
    return path


TRADES = [
    (0, 1.25, 2.0, "buy"),
    (1, 0.25, 1.0, "sell"),
    (2, -0.75, 4.0, "sell"),
    (3, -1.5, 3.0, "buy"),
    (4, 0.0, 1.0, "buy"),
]


def write_trades(path: Path) -> Path:
    rows = (f"{(START + h * HOUR) // 1000},{p},{q},{s}" for h, p, q, s in TRADES)
    path.write_text("time,price,quantity,side\n" + "\n".join(rows) + "\n")
    return path


def below(feed: Any) -> Any:
    feed.negative_prices = True
    return feed


def test_klines_are_read_as_they_are(tmp_path: Path) -> None:
    bars = below(CsvBars(write_bars(tmp_path / "cl.csv"))).bars()
    assert list(zip(bars["open"].tolist(), bars["close"].tolist(), strict=True)) == OIL
    assert not bars["quality"].any()


def test_without_the_key_they_are_damaged_and_the_note_names_it(tmp_path: Path) -> None:
    bars = CsvBars(write_bars(tmp_path / "cl.csv")).bars()
    assert bars["close"].min() > 0
    assert any("negative_prices: true" in note for note in bars.notes)


def test_trades_make_the_bars_that_plain_python_makes(tmp_path: Path) -> None:
    bars = below(CsvTape(write_trades(tmp_path / "t.csv"))).bars("1d", row_size=0.5, tick=0.25)
    assert [bars[c].tolist() for c in ("open", "high", "low", "close")] == [[1.25], [1.25], [-1.5], [0.0]]
    assert bars["volume"].tolist() == [11.0]
    assert bars["quote_volume"].tolist() == [math.fsum(p * q for _, p, q, _ in TRADES)]
    assert np.isnan(bars["realized_vol"]).all()
    rows: dict[float, float] = {}
    for _, price, quantity, _ in TRADES:
        edge = math.floor(price / 0.5) * 0.5
        rows[edge] = rows.get(edge, 0.0) + quantity
    levels = bars.levels
    assert levels is not None
    made = dict(zip(levels.price.tolist(), (levels.buy_volume + levels.sell_volume).tolist(), strict=True))
    assert made == rows


def test_a_profile_is_that_of_prices_above_0_moved(tmp_path: Path) -> None:
    bars = below(CsvTape(write_trades(tmp_path / "t.csv"))).bars("1h", row_size=0.5, tick=0.25)
    assert bars.levels is not None
    moved = {name: bars[name] + 10 for name in ("open", "high", "low", "close")}
    above = replace(bars.assign(**moved), levels=replace(bars.levels, price_tick=bars.levels.price_tick + 40))
    made, expected = (VolumeProfile.over(one, session="none") for one in (bars, above))
    assert made["poc"].iloc[-1] < 0
    assert np.allclose(made + 10, expected, equal_nan=True)


def test_trades_below_0_are_refused_without_the_key_by_its_name(tmp_path: Path) -> None:
    said = r"row 4, column price: '-0.75' is negative; say instrument: \{negative_prices: true\}"
    with pytest.raises(DataError, match=said):
        CsvTape(write_trades(tmp_path / "t.csv")).bars("1d")


def config(path: Path, **more: Any) -> Any:
    block = {"feed": "CsvBars", "path": str(path), "tick": 0.01, "instrument": {"negative_prices": True}}
    raw = {
        "name": "oil",
        "data": {"cl": {**block, **more.pop("block", {})}},
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > -100"}}},
        "broker": {"cash": 10_000.0, "fees": {"per_contract": 0.02}, "slippage": "2ticks"},
        "sizer": {"fixed": 10},
        **more,
    }
    return from_mapping(raw)


@pytest.mark.parametrize("engine", ["stock", "backtrader", "auto"])
@pytest.mark.parametrize("side", [1, -1])
def test_a_ledger_in_plain_python(tmp_path: Path, engine: str, side: int) -> None:
    """In at the open of the 20th and out at the open of the 22nd, at 0.00; a fee a unit and two ticks each way."""
    name = "long" if side > 0 else "short"
    rules = {name: {"enter": "close > 18", "exit": "close > 0 and close < 12"}}
    strategy = {"kind": "Rules", "params": rules}
    made = simulate(*_read(config(write_bars(tmp_path / "cl.csv"), engine=engine, strategy=strategy)))
    cash = 10_000.0 - side * 10 * (17.7 + side * 0.02) - 0.2
    worth = [10_000.0, cash + side * 10 * -37.63, cash + side * 10 * 10.01]
    cash += side * 10 * (0.0 - side * 0.02) - 0.2
    assert made.equity["value"].tolist() == pytest.approx([*worth, cash, cash])
    (trip,) = made.trips
    assert trip.pnl_net == pytest.approx(cash - 10_000)
    assert made.engine != "compiled"


def _read(made: Any) -> tuple[Any, Any]:
    return made, read(made, "cl", lambda text: None)


def test_both_loops_of_backtrader_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    closes = np.round(np.cumsum(rng.normal(0, 3, 120)), 2).tolist()
    path = write_bars(tmp_path / "cl.csv", list(zip([0.0, *closes[:-1]], closes, strict=True)))
    params = {
        "long": {"enter": "close > close[1]", "exit": "close < close[2]"},
        "short": {"enter": "close < close[1]", "exit": "close > close[2]"},
    }
    strategy = {"kind": "Rules", "params": params}
    made = simulate(*_read(config(path, engine="backtrader", verify=True, strategy=strategy, risk={"stop_loss": 4.0})))
    assert made.verified is not None
    assert made.verified["equal"]
    assert len(made.trips) > 5


def test_an_audit_finds_no_damage_where_it_is_told(tmp_path: Path) -> None:
    bars, trades = write_bars(tmp_path / "cl.csv"), write_trades(tmp_path / "t.csv")
    for feed, file in (("CsvBars", bars), ("CsvTape", trades)):
        kinds = []
        for option in ((), ("--negative-prices",)):
            report = json.loads(tapeflow("audit", file, "--feed", feed, "--json", *option).output)
            kinds.append({finding["kind"] for finding in report["findings"]})
        assert kinds[0] & {"kline_odd_price", "unreadable"}
        assert not kinds[1] & {"kline_odd_price", "unreadable", "void", "price_spike"}


class TestRefusals:
    """What is a share of a price means nothing."""

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"sizer": {"percent": 10}}, "sizer: is a share of the price"),
            ({"broker": {"fees": {"taker": "5bp"}}}, "fees: are shares of the price"),
            ({"indicators": {"vol": {"kind": "Parkinson"}}}, "vol: Parkinson goes by logs or shares of prices"),
            ({"broker": {"slippage": "5bp"}}, "slippage: is a share of the price"),
            ({"broker": {"impact": {}}}, "impact: goes by log returns"),
            ({"risk": {"stop_loss": "2%"}}, "stop_loss: is a share of the price"),
            ({"block": {"instrument": {"negative_prices": True, "margin": "linear"}}}, "goes with margin spot"),
        ],
    )
    def test_of_a_run(self, tmp_path: Path, more: dict[str, Any], said: str) -> None:
        with pytest.raises(TapeflowError, match=said):
            config(tmp_path / "cl.csv", **more)

    def test_ratios(self, tmp_path: Path) -> None:
        write_bars(tmp_path / "CK.csv", OIL[:3])
        write_bars(tmp_path / "CM.csv")
        given = {"feed": "CsvBars", "path": "C*.csv"}
        dated = {"contracts": given, "roll": "date", "dates": ["2020-04-19"]}
        with pytest.raises(DataError, match="has no ratio; take adjust: difference"):
            below(Continuous(tmp_path, adjust="ratio", **dated)).bars()
        shifted = below(Continuous(tmp_path, adjust="difference", **dated)).bars()
        assert shifted["close"].tolist() == [c for _, c in OIL]

    def test_prices_that_shifting_takes_below_0(self, tmp_path: Path) -> None:
        write_bars(tmp_path / "CK.csv", [(5.0, 5.0), (5.0, 5.0)])
        write_bars(tmp_path / "CM.csv", [(30.0, 30.0), (30.0, 30.0), (20.0, 20.0)])
        feed = Continuous(tmp_path, contracts={"feed": "CsvBars", "path": "C*.csv"}, adjust="difference")
        with pytest.raises(
            DataError, match="is -5 once gaps are taken out: take adjust: ratio, or another anchor; say"
        ):
            feed.bars()

    def test_of_a_measure(self, tmp_path: Path) -> None:
        given = ("compute", write_bars(tmp_path / "cl.csv"), "--feed", "CsvBars", "--negative-prices", "--indicator")
        refused = tapeflow(*given, "Parkinson")
        assert refused.exit_code == 2
        assert "Parkinson: goes by logs or shares of prices, which may be below 0" in refused.output
        assert tapeflow(*given, "talib.SMA(timeperiod=2)").exit_code == 0


def test_a_catalog_keeps_them_where_it_is_told(tmp_path: Path) -> None:
    """Without the key such rows are damage; told later, the same file is read again."""
    file, catalog = tmp_path / "CL-2020-04-17.csv", tmp_path / "catalog"
    rows = (f"{(START + h * HOUR) // 1000},{p},{q},{s},{h + 1}" for h, p, q, s in TRADES)
    file.write_text("time,price,quantity,side,trade_id\n" + "\n".join(rows) + "\n")
    given = ("data", "add", str(file), "--catalog", str(catalog), "--feed", "CsvTape", "--symbol", "CL")
    tapeflow(*given, "--param", "bad_rows=quarantine")
    told = json.loads(tapeflow(*given, "--negative-prices", "--json").output)
    assert told["files"][0]["rows"] == len(TRADES)
    again = json.loads(tapeflow(*given, "--negative-prices", "--json").output)
    assert again["files"][0]["known"]
    bars = below(Catalog(catalog)).bars("1d")
    assert [bars[c].tolist() for c in ("open", "low", "close", "volume")] == [[1.25], [-1.5], [0.0], [11.0]]


def test_klines_of_a_catalog_are_settled_as_the_reader_says(tmp_path: Path) -> None:
    file, catalog = write_bars(tmp_path / "cl.csv"), tmp_path / "catalog"
    tapeflow("data", "add", str(file), "--catalog", str(catalog), "--feed", "CsvBars", "--symbol", "CL",
             "--negative-prices")  # fmt: skip
    assert below(CatalogKlines(catalog)).bars()["close"].tolist() == [close for _, close in OIL]

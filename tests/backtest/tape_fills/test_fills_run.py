"""Runs whose orders the tape fills: the block in the YAML, the band in the folder, and what the edge survives."""

from __future__ import annotations

import atexit
import json
import math
import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from tapeflow.api import run
from tapeflow.backtest.tape_fills import Prints, TapeMarkets
from tapeflow.backtest.tape_fills.break_even import break_even, later, survival
from tapeflow.backtest.tape_fills.fill_model import Extra
from tapeflow.cli import main
from tapeflow.configs.fills_block import Fills, Jitter
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.schema import config_schema
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.feeds.binance import BinanceAggTrades
from tapeflow.feeds.synthetic import SyntheticTape

BASE = """
name: flow
data:
  main: {feed: SyntheticTape, days: 0.25, tick: 0.1, lot: 0.001, bars: BARS}
strategy: {kind: STRATEGY}
fills: FILLS
broker: {cash: 100000}
sizer: {percent: 25}
"""
BIDDER = '''
import backtrader as bt

from tapeflow.strategies.framework.base import Strategy


class Bidder(Strategy):
    """Rest a bid at the close after a falling bar; out by stop, target or time.

    Parameters
    ----------
    stop_loss : amount, default="0.1%"
        Distance of a stop from the entry price.
    take_profit : amount, default="0.05%"
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=20
        Bars after which a position is closed at market.
    """

    params = dict(stop_loss="0.1%", take_profit="0.05%", time_stop=20)

    def __init__(self):
        self.bid, self.sent = None, 0

    def next(self):
        if self.position.size:
            self.timed_out()
        elif self.bid is not None and self.bid.alive():
            if len(self) >= self.sent + 3:
                self.cancel(self.bid)
        elif self.data.close[0] < self.data.open[0]:
            self.bid = self.buy(exectype=bt.Order.Limit, price=self.data.close[0], reason="bid")
            self.sent = len(self)
'''
FILES = {
    "band.parquet",
    "bars.parquet",
    "equity.parquet",
    "fills.parquet",
    "indicators.parquet",
    "orders.parquet",
    "result.json",
    "run.lock",
    "trades.parquet",
}


def write(folder: Path, fills: str = "tape", strategy: str = "DeltaMomentum", bars: str = "1m") -> Path:
    path = folder / "run.yaml"
    text = BASE.replace("FILLS", fills).replace("STRATEGY", strategy).replace("BARS", bars)
    if strategy == "Bidder":
        text += f"plugins: ['{_bidder()}']\n"
    path.write_text(text)
    return path


@cache
def _bidder() -> Path:
    """The plugin's file, one for all tests: a name stands for one class."""
    path = Path(tempfile.mkdtemp(prefix="tapeflow-bidder-")) / "bidder.py"
    atexit.register(shutil.rmtree, path.parent)
    path.write_text(BIDDER)
    return path


def summary(path: Path, out: Path, *sets: str) -> dict:
    run(load_config(path, sets), out, report=False)
    return json.loads((out / "result.json").read_text())


def test_a_limit_strategy_gets_a_band_in_every_file(tmp_path: Path) -> None:
    made = summary(
        write(tmp_path, "{from: tape, ticks_through: 20, survival: false}", "Bidder"), out := tmp_path / "out"
    )
    assert {p.name for p in out.iterdir()} == FILES | {"trial.yaml"}
    equity, band, trades, fills, orders = (
        pd.read_parquet(out / f"{name}.parquet") for name in ("equity", "band", "trades", "fills", "orders")
    )
    curves = band[["pessimistic", "middle", "optimistic"]]
    assert (equity["value"] == band["middle"]).all()
    assert (equity["value_low"] == curves.min(axis=1)).all()
    assert (equity["value_high"] == curves.max(axis=1)).all()
    assert made["net_profit_low"] == curves.iloc[-1].min() - 100_000
    assert made["net_profit_high"] == curves.iloc[-1].max() - 100_000
    assert made["net_profit_low"] <= made["net_profit"] <= made["net_profit_high"]
    assert made["net_profit_low"] < made["net_profit_high"], "twenty ticks through is rarer than a touch"
    known = trades.dropna(subset="pnl_low")
    assert len(known) > 0.8 * len(trades) > 5
    assert (known["pnl_low"] <= known["pnl_net"]).all()
    assert (known["pnl_net"] <= known["pnl_high"]).all()
    assert (known["pnl_low"] < known["pnl_high"]).any(), "another assumption fills elsewhere, or not at all"
    assert made["fills"]["pessimistic"]["orders_filled"] < made["fills"]["optimistic"]["orders_filled"]
    assert "between" in made["fills"]["says"][0]
    middle = fills[fills["assumption"] == "middle"].groupby("ref")["size"].sum().abs()
    sizes = orders.set_index("ref")["executed_size"]
    assert middle.to_dict() == pytest.approx(sizes[sizes > 0].to_dict())
    assert fills["maker"].any()
    assert not fills["maker"].all()


def test_a_run_from_bars_has_no_band_and_the_same_tape_run_twice_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, "{from: tape, latency_jitter: exponential(200ms), survival: false}", "Bidder")
    bars = summary(path, tmp_path / "bars", "fills=bars")
    assert "fills" not in bars
    assert "net_profit_low" not in bars
    assert "value_low" not in pd.read_parquet(tmp_path / "bars" / "equity.parquet")
    for name in ("a", "b"):
        run(load_config(path), tmp_path / name, report=False)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    other = summary(path, tmp_path / "c", "seed=7", "data.main.seed=0")
    assert other["net_profit"] != json.loads((tmp_path / "a" / "result.json").read_text())["net_profit"]


def test_engines_agree_and_the_compiled_one_refuses_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "{from: tape, survival: false}", "Bidder")
    stock, fast = (summary(path, tmp_path / e, f"engine={e}") for e in ("stock", "backtrader"))
    assert (stock.pop("engine"), fast.pop("engine")) == ("stock", "backtrader")
    assert {**stock, "engine_reason": ""} == {**fast, "engine_reason": ""}
    with pytest.raises(DataError, match="engine compiled: fills: tape needs backtrader's orders"):
        run(load_config(path, ["engine=compiled"]), tmp_path / "none")


def test_market_orders_trade_at_the_prints_that_a_reader_of_the_tape_would_expect(tmp_path: Path) -> None:
    summary(write(tmp_path, "{from: tape, latency: 300ms, survival: false}"), out := tmp_path / "out")
    (tape,) = SyntheticTape(days=0.25, lot=0.001, batch=10**6).tapes()
    check_market_orders(out, tape, 300_000)


def check_market_orders(out: Path, tape, latency: int) -> None:
    """Recompute every market order's price from the raw tape."""
    orders = pd.read_parquet(out / "orders.parquet")
    orders = orders[(orders["type"] == "market") & (orders["status"] == "completed")]
    assert len(orders) > 5
    for row in orders.itertuples():
        at = np.searchsorted(tape.time, row.created_time.value // 1000 + latency)
        upto = np.cumsum(tape.quantity[at : at + 5000])
        took = np.diff(np.minimum(upto, row.size), prepend=0.0)
        assert row.executed_price == pytest.approx((took * tape.price[at : at + 5000]).sum() / row.size, rel=1e-9)


def test_several_feeds_of_one_tape_fill_from_the_same_prints(tmp_path: Path) -> None:
    path = write(tmp_path, "{from: tape, latency: 300ms, survival: false}", bars="{fast: 1m, slow: 15m}")
    summary(path, out := tmp_path / "out")
    (tape,) = SyntheticTape(days=0.25, lot=0.001, batch=10**6).tapes()
    check_market_orders(out, tape, 300_000)


def test_what_is_survived_is_seen_to_be_survived_and_a_little_more_is_not(tmp_path: Path) -> None:
    path = write(tmp_path, "{from: tape, latency: 0}")
    plain = summary(path, tmp_path / "out")
    assert plain["net_profit"] > 0
    ticks, bp = plain["survives_ticks"], plain["survives_bp"]
    quick = "fills.survival=false"
    profits = [
        summary(path, tmp_path / "again", f"broker.slippage={x * ticks}ticks", quick)["net_profit"] for x in (1, 1.02)
    ]
    assert profits[0] > 0 >= profits[1]
    fees = [
        summary(path, tmp_path / "again", f"broker.fees.taker={x * bp}bp", quick)["net_profit"] for x in (0.99, 1.03)
    ]
    assert fees[0] > 0 >= fees[1]
    if plain["survives_ms"] is not None:
        assert summary(path, tmp_path / "again", f"fills.latency={plain['survives_ms']}ms", quick)["net_profit"] > 0


def test_a_break_even_is_found_from_either_side_and_where_profit_is_no_line() -> None:
    for guess in (0.001, 3.0, 900.0):
        found = break_even(lambda x: 50.0 - x**3, 50.0, guess, 1e4)
        assert found**3 < 50.0 < (1.011 * found) ** 3
    assert later(lambda ms: 1.0 if ms < 33 else -1.0, 1.0) == pytest.approx(33, rel=0.06)
    assert math.isnan(later(lambda ms: 1.0, 1.0))
    none = survival(lambda extra: -1.0, -1.0, 5.0, 500.0, 0.1)
    assert math.isnan(none.ticks)
    assert "no edge" in none.says()
    made = survival(lambda x: 10.0 - x.ticks - 1e4 * x.share - x.latency / 1000, 10.0, 100.0, 1000.0, 0.1)
    assert (made.ticks, made.ms, made.bp) == (
        pytest.approx(10, rel=0.02),
        pytest.approx(10, rel=0.1),
        pytest.approx(10, rel=0.02),
    )
    assert made.says().startswith("the edge survives up to 9.9")
    assert Extra() == Extra(0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("fills", "said"),
    [
        ("tpae", "fills.from: must be 'bars' or 'tape', did you mean 'tape'? (got 'tpae')"),
        (
            "{from: tape, latency: 50}",
            "fills.latency: must be a time with its unit, as in 50ms",
        ),
        ("{from: tape, latency: 2h}", "fills.latency: must be a time with its unit"),
        ("{from: tape, latency_jitter: normal(5ms)}", "fills.latency_jitter: must be uniform(20ms), exponential(20ms)"),
        ("{from: tape, latency_jitter: lognormal(5ms)}", "fills.latency_jitter: must be uniform(20ms)"),
        ("{from: tape, participation: 0}", "fills.participation: must be a share of each print above 0 and at most 1"),
        ("{from: tape, participation: 200%}", "fills.participation: must be a share of each print"),
        ("{from: tape, ticks_through: 0}", "fills.ticks_through: must be at least 1 (got 0)"),
        ("{from: tape, queue: -1}", "fills.queue: must be at least 0 (got -1)"),
        ("{from: tape, ticks: 1}", "fills.ticks: unknown key 'ticks', did you mean 'ticks_through'?"),
        ("{latency: 5ms}", "fills: latency needs the tape: set from: tape"),
        ("3", "fills: must be a mapping of keys to values (got 3)"),
    ],
)
def test_mistakes_in_the_block_are_told_in_one_line(tmp_path: Path, fills: str, said: str) -> None:
    with pytest.raises(TapeflowError) as told:
        load_config(write(tmp_path, fills))
    lines = [line for line in str(told.value).splitlines() if not line.startswith("    ")]
    assert len(lines) == 1
    assert said in lines[0]


def test_klines_are_refused_where_the_tape_should_fill(tmp_path: Path) -> None:
    (tmp_path / "k.zip").touch()
    text = write(tmp_path).read_text().replace("SyntheticTape, days: 0.25", "BinanceKlines, path: k.zip")
    (tmp_path / "k.yaml").write_text(text)
    made = CliRunner().invoke(main, ["run", str(tmp_path / "k.yaml")])
    assert made.exit_code == 2
    assert "fills: tape needs trades; BinanceKlines gives klines" in made.stderr


def test_a_spooled_tape_is_the_tape_however_it_comes(tmp_path: Path) -> None:
    whole = Prints.of(SyntheticTape(rows=5000).tapes())
    for batch in (7, 1000):
        folder = tmp_path / str(batch)
        folder.mkdir()
        spooled = Prints.spooled(SyntheticTape(rows=5000, batch=batch).tapes(), folder)
        for name in ("time", "price", "quantity", "side"):
            assert np.array_equal(getattr(whole, name), getattr(spooled, name))
        assert spooled.tick == whole.tick == 0.1
    assert len(Prints.spooled(iter(()), tmp_path).time) == 0


def test_reading_the_tape_again_leaves_what_the_lock_says_of_it(tmp_path: Path) -> None:
    locks = []
    for fills in ("bars", "{from: tape, survival: false}"):
        run(load_config(write(tmp_path, fills)), tmp_path / "out", report=False)
        locks.append(yaml.safe_load((tmp_path / "out" / "run.lock").read_text()))
    assert locks[0]["data"] == locks[1]["data"]
    assert locks[0]["config"]["fills"] == "bars"
    assert locks[1]["config"]["fills"]["latency"] == "50ms"


def test_orders_to_a_feed_of_klines_are_refused_when_they_are_sent(tmp_path: Path) -> None:
    config = load_config(write(tmp_path))
    source = SimpleNamespace(
        feed=SimpleNamespace(gives="bars"), bars=Bars.of(open_time=[0], close_time=[1], quality=[0])
    )
    with pytest.raises(DataError, match=r"fills: tape needs trades, but main \(SimpleNamespace\) gives klines"):
        TapeMarkets(config, {"main": source}, tmp_path)["main"]


def test_the_schema_takes_what_the_loader_takes(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(config_schema())
    for fills in ("tape", "bars", "{from: tape, latency: 0, latency_jitter: uniform(5ms), participation: 20%}"):
        path = write(tmp_path, fills)
        assert [e.message for e in validator.iter_errors(yaml.safe_load(path.read_text()))] == []
        assert [e.message for e in validator.iter_errors(load_config(path).resolved())] == []
    for fills in ("tpae", "{from: tape, latency: 50}", "{from: tape, queue: -1}", "{from: tape, sides: 1}"):
        assert [e.message for e in validator.iter_errors(yaml.safe_load(write(tmp_path, fills).read_text()))]


def test_a_part_of_a_bars_volume_is_refused_where_prints_fill(tmp_path: Path) -> None:
    with pytest.raises(TapeflowError, match="the tape has its own"):
        load_config(write(tmp_path), ["broker.participation=10%"])


def test_a_margined_account_fills_from_the_tape_too(tmp_path: Path) -> None:
    path = write(tmp_path, "{from: tape, survival: false}", "Bidder")
    inverse = "data.main.instrument={margin: inverse, contract_size: 100, leverage: 3}"
    made = summary(path, out := tmp_path / "out", inverse, "data.main.lot=1", "broker.cash=10")
    fills = pd.read_parquet(out / "fills.parquet")
    assert made["trades"] > 5
    assert abs(made["net_profit"]) < 1, "in coin"
    assert fills["maker"].any()


def test_fills_of_several_instruments_are_told_by_instrument_and_add_up_to_their_orders(tmp_path: Path) -> None:
    tape = {"feed": "SyntheticTape", "days": 0.1, "bars": "1m", "tick": 0.1, "lot": 0.001}
    rules = {"long": {"enter": "close > open", "exit": "close < open"}}
    asked = {"data": {"a": tape, "b": {**tape, "seed": 2}}, "trade": ["a", "b"], "sizer": {"percent": 20}}
    asked |= {"strategy": {"kind": "Rules", "params": rules}, "fills": {"from": "tape", "survival": False}}
    made = run({"name": "t", "broker": {"cash": 1e5, "fees": {"taker": "5bp"}}, **asked}, tmp_path / "out")
    fills = pd.read_parquet(tmp_path / "out" / "fills.parquet")
    mine = fills[fills["assumption"] == made.summary["fills"]["headline"]]
    orders = pd.read_parquet(tmp_path / "out" / "orders.parquet").set_index("ref")
    assert mine["data"].tolist() == orders["data"].loc[mine["ref"]].tolist()
    assert {*mine["data"]} == {"a", "b"}
    filled = orders[orders["executed_size"] > 0]["executed_size"]
    np.testing.assert_allclose(mine.groupby("ref")["size"].sum().abs(), filled, rtol=1e-9)
    told = made.summary["instruments"]
    assert sum(one["net_profit"] for one in told.values()) == pytest.approx(made.summary["net_profit"], abs=1e-6)


def test_the_block_survives_yaml_and_has_a_short_form(tmp_path: Path) -> None:
    config = load_config(
        write(
            tmp_path,
            "{from: tape, latency: 1.5s, latency_jitter: 'lognormal(20 ms, .5)', queue: 1}".replace(".5)", "0.5)"),
        )
    )
    assert config.fills.latency == 1_500_000
    assert config.fills.latency_jitter == Jitter("lognormal", 20_000, 0.5)
    again = from_mapping(yaml.safe_load(yaml.safe_dump(config.resolved())))
    assert again.fills == config.fills
    assert load_config(write(tmp_path, "tape")).fills == Fills.model_validate({"from": "tape"})
    assert load_config(write(tmp_path, "bars")).resolved()["fills"] == "bars"
    assert load_config(write(tmp_path, "tape"), ["fills.latency=10ms"]).fills.latency == 10_000


def test_the_command_line_says_the_band_and_what_the_edge_survives(tmp_path: Path) -> None:
    config = str(write(tmp_path, strategy="Bidder"))
    made = CliRunner().invoke(main, ["run", config, "--out", str(tmp_path / "o"), "--no-report"])
    assert made.exit_code == 0, made.output
    assert "fills from the tape: net profit" in made.stderr
    assert "edge" in made.stderr


@pytest.mark.real_data
def test_contracts_of_a_real_day_are_filled_in_whole_ones(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    feed = f"BinanceAggTrades, market: cm, contract_size: 100, path: '{path}', instrument: {{margin: inverse}}"
    config = write(tmp_path, "{from: tape, survival: false}", "Bidder")
    text = config.read_text().replace("SyntheticTape, days: 0.25", feed).replace("lot: 0.001", "lot: 1")
    config.write_text(text.replace("cash: 100000", "cash: 1"))
    summary(config, out := tmp_path / "out")
    fills = pd.read_parquet(out / "fills.parquet")
    ends = fills[fills["assumption"] != "middle"]
    assert len(ends) > 100
    assert (ends["size"] % 1 == 0).all(), "but what a queue leaves of a print need not be whole"


@pytest.mark.real_data
def test_a_real_day_of_trades_fills_as_its_tape_says(tmp_path: Path, real_data: Path) -> None:
    path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
    feed = f"BinanceAggTrades, market: cm, contract_size: 100, path: '{path}'"
    config = write(tmp_path, "{from: tape, latency: 80ms, ticks_through: 5, survival: false}", "Bidder")
    config.write_text(config.read_text().replace("SyntheticTape, days: 0.25", feed))
    made = summary(config, out := tmp_path / "out")
    assert made["net_profit_low"] < made["net_profit_high"]
    tapes = list(BinanceAggTrades(path, market="cm", contract_size=100).tapes())
    tape = type(tapes[0]).join(tapes)
    fills, orders = (pd.read_parquet(out / f"{n}.parquet") for n in ("fills", "orders"))
    rows = fills[(fills["assumption"] == "middle") & fills["maker"]].merge(orders, on="ref")
    assert len(rows) > 20
    middle = fills[fills["assumption"] == "middle"].merge(orders, on="ref")
    entered = middle[~middle["reason"].isin(["take_profit", "stop_loss", "trailing_stop"])]
    for row in rows.itertuples():
        at = np.searchsorted(tape.time, row.time.value // 1000)
        side = 1 if row.side == "buy" else -1
        while side * (tape.price[at] - row.price_x) > 1e-6:
            at += 1
        assert tape.time[at] == row.time.value // 1000, "a print at the limit or beyond it stands behind each fill"
        sent = row.created_time
        if row.reason == "take_profit":  # sent when its entry had filled, within a bar
            sent = entered["last_time"][entered["last_time"] < row.time].max()
        assert row.time.value // 1000 >= sent.value // 1000 + 80_000
    assert (fills["last_time"] >= fills["time"]).all()

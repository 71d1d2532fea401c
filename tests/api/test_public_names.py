"""``import tapeflow as tf``: the names that are promised, what each gives, and what an import costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

import tapeflow as tf
from tapeflow.configs.loader import from_mapping
from tapeflow.core.errors import ConfigError, ParamError, TapeflowError
from tapeflow.indicators.vwap import VWAP as vwap_class  # noqa: N811 (beside the short way)

NAMES = [
    *["Bars", "Feed", "Indicator", "KlineFeed", "Line", "Result", "Strategy", "TapeFeed", "TapeflowError", "audit"],
    *["bars", "compute", "data", "levels_step", "load", "open_feed", "record", "result", "run", "step", "sweep"],
]
SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"btc": {"feed": "SyntheticTape", "days": 0.2, "bars": "1m"}},
    "indicators": {"vwap": {"kind": "VWAP", "anchor": "1h"}},
    "strategy": {"kind": "Rules", "params": {"long": {"enter": "close < vwap", "exit": "close > vwap"}}},
    "sizer": {"percent": 10},
}


def test_these_names_and_no_other_are_public() -> None:
    assert tf.__all__ == NAMES
    for name in NAMES:
        assert getattr(tf, name) is not None
        assert name in dir(tf)
    with pytest.raises(AttributeError, match="module 'tapeflow' has no attribute 'VWAPP'"):
        _ = tf.VWAPP


def test_an_import_loads_nothing_else() -> None:
    code = (
        "import sys, tapeflow; print(sorted(m for m in sys.modules if m.startswith(('tapeflow.', 'numpy', 'pandas'))))"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout == "[]\n"


def test_indicators_are_found_by_their_class_names() -> None:
    from tapeflow.indicators import VWAP

    assert VWAP is vwap_class
    with pytest.raises(ImportError):
        from tapeflow.indicators import Vwapp  # noqa: F401


def test_bars_and_indicators_in_a_line_each() -> None:
    feed = tf.open_feed("SyntheticTape", days=0.2)
    bars = tf.bars((), feed="SyntheticTape", bars="5m", row_size=10, days=0.2)
    assert (len(bars), bars.spec, bars.levels.row_size) == (len(feed.bars("5m")), "5m", 10)
    made = tf.compute(bars, "VolumeDelta", vwap_class, poc={"kind": "VolumeProfile", "window": 3})
    assert {name.partition(".")[0] for name in made} == {"volume_delta", "vwap", "poc"}
    pd.testing.assert_series_equal(made["vwap.vwap"], vwap_class.over(bars)["vwap"], check_names=False)
    assert str(made.index.tz) == "UTC"
    with pytest.raises(ParamError, match="the name 'vwap' is taken"):
        tf.compute(bars, "VWAP", vwap={"kind": "VWAP", "anchor": "1h"})
    with pytest.raises(ParamError, match="compute: vwap: unknown parameter 'ancor', did you mean 'anchor'"):
        tf.compute(bars, vwap={"kind": "VWAP", "ancor": "1h"})
    with pytest.raises(ParamError, match="compute: vwap: must be a kind, or a mapping"):
        tf.compute(bars, vwap=5)


def test_a_run_from_a_mapping_a_file_and_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(json.dumps(SMALL))  # JSON is YAML
    made = [
        tf.run(SMALL, report=False),
        tf.run("small.yaml", report=False, **{"broker.cash": 100_000}),
        tf.run(from_mapping(SMALL), "mine", report=False),
        tf.run({**SMALL, "broker": {"cash": 1.0}}, "four", report=False, **{"broker.cash": 100_000}),
    ]
    assert [str(one.folder) for one in made] == ["runs/small", "runs/small-2", "mine", "four"]
    assert len({one.summary["final_value"] for one in made}) == 1
    poorer = tf.run(SMALL, "less", report=False, **{"broker.cash": 5e4, "strategy.params.stop_loss": "1%"})
    assert (poorer.stats["initial_cash"], SMALL.get("broker")) == (5e4, None)
    with pytest.raises(ConfigError, match="values are replaced where a file or a mapping is given"):
        tf.run(from_mapping(SMALL), **{"broker.cash": 1})
    with pytest.raises(ConfigError, match=r"run: name.x: name is no block"):
        tf.run(SMALL, **{"name.x": 1})


def test_the_tables_of_a_result(tmp_path: Path) -> None:
    made = tf.load(tf.run(SMALL, tmp_path / "out", report=False).folder)
    assert made.stats["trades"] == len(made.trades) > 3
    assert made.stats["orders"] == len(made.orders)
    assert made.stats["bars"] == len(made.bars) == len(made.equity) == len(made.positions) == len(made.indicators)
    for table in (made.equity, made.bars, made.indicators, made.positions):
        assert str(table.index.tz) == "UTC"
    for table, column in ((made.trades, "entry_time"), (made.orders, "created_time"), (made.bars, "open_time")):
        assert str(table[column].dt.tz) == "UTC"
    assert made.equity["value"].iloc[-1] == made.stats["final_value"]
    assert made.positions.columns.tolist() == ["btc"]
    assert made.positions["btc"].tolist() == made.equity["position"].tolist()
    assert made.bars.index.equals(made.equity.index)


ALWAYS: dict[str, Any] = {
    "name": "held",
    "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > 0", "exit": "close < 0"}}},
    "sizer": {"percent": 90},
}


def hourly(folder: Path, days: int) -> Path:
    """Bars of an hour whose price wanders."""
    path, price = folder / "hours.csv", 100 * np.cumprod(1 + np.random.default_rng(2).normal(0, 0.004, 24 * days))
    rows = zip(pd.date_range("2024-01-01", periods=24 * days, freq="1h"), price.tolist(), strict=True)
    lines = [f"{time},{p!r},{p!r},{p!r},{p!r},1" for time, p in rows]
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")
    return path


def test_returns_are_those_of_days_as_quantstats_takes_them(tmp_path: Path) -> None:
    block = {"feed": "CsvBars", "path": str(hourly(tmp_path, 30))}
    made = tf.run({**ALWAYS, "data": {"m": block}}, tmp_path / "out", report=False)
    returns, value = made.returns, made.equity["value"]
    assert (returns.name, str(returns.index.tz), len(returns)) == ("held", "UTC", 30)  # type: ignore[attr-defined]
    assert returns.index[0] == pd.Timestamp("2024-01-01", tz="UTC")
    ends = [float(value[value.index <= day + pd.Timedelta("1D")].iloc[-1]) for day in returns.index]
    wanted = [b / a - 1 for a, b in zip([made.stats["initial_cash"], *ends[:-1]], ends, strict=True)]
    np.testing.assert_allclose(returns, wanted, rtol=1e-12)
    assert np.prod(1 + returns) == pytest.approx(made.stats["final_value"] / made.stats["initial_cash"], rel=1e-12)
    assert made.stats["sharpe_basis"] == "daily"
    assert returns.mean() / returns.std() * 365**0.5 == pytest.approx(made.stats["sharpe"], rel=1e-9)


def test_returns_of_bars_with_hours_are_of_trading_days(tmp_path: Path) -> None:
    """A night's trading from 17:00 in Chicago, 23:00 in UTC, is of the next date's day."""
    session = {"open": "17:00", "close": "16:00", "zone": "America/Chicago"}
    block = {"feed": "CsvBars", "path": str(hourly(tmp_path, 7)), "session": session, "bars": "1h"}
    made = tf.run({**ALWAYS, "data": {"m": block}}, tmp_path / "out", report=False)
    stamps = made.equity.index
    days = sorted({(stamp - pd.Timedelta("1us") + pd.Timedelta("1h")).date() for stamp in stamps})
    assert [day.date() for day in made.returns.index] == days
    assert np.prod(1 + made.returns) == pytest.approx(made.stats["final_value"] / made.stats["initial_cash"], rel=1e-12)


def test_bars_and_audits_by_the_wrong_feed_name_the_one_that_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("ts,side,px,qty\n1704067200000,buy,10.5,2\n1704067201000,sell,10.4,1\n")
    for ask in (tf.bars, tf.audit):
        with pytest.raises(TapeflowError, match=r"it reads as \{feed: CsvTape, columns: \{time: ts, side: side"):
            ask(path, feed="BinanceAggTrades", market="spot")


class Plain(bt.Strategy):
    """Buys when the price is below VWAP, as any strategy of backtrader's."""

    def __init__(self) -> None:
        self.vwap = vwap_class(self.data, anchor="1h")

    def next(self) -> None:
        if not self.position and self.data.close[0] < self.vwap.vwap[0]:
            self.buy(size=0.1)
        elif self.position and self.data.close[0] > self.vwap.vwap[0]:
            self.close()


@pytest.mark.parametrize("kind", [bt.Cerebro, "fast"])
def test_bars_in_a_cerebro_of_ones_own(kind: Any) -> None:
    from tapeflow.fast import Cerebro

    feed = tf.open_feed("SyntheticTape", days=0.2)
    values = []
    for data in (tf.data(feed, "1m", name="btc"), tf.data(feed.bars("1m"))):
        cerebro = (Cerebro if kind == "fast" else kind)()
        cerebro.adddata(data)
        cerebro.addstrategy(Plain)
        (strategy,) = cerebro.run()
        values.append(cerebro.broker.getvalue())
        expected = vwap_class.over(feed.bars("1m"), anchor="1h")["vwap"]
        np.testing.assert_array_equal(np.array(strategy.vwap.vwap.array), expected)
    assert values[0] == values[1] != 10_000
    with pytest.raises(ParamError, match="the bars are of 1m; 5m is made from a feed"):
        tf.data(feed.bars("1m"), "5m")
    with pytest.raises(ParamError, match="must be Bars or a feed"):
        tf.data([1, 2])


def test_an_audit_and_a_sweep(tmp_path: Path) -> None:
    assert tf.audit((), feed="SyntheticTape", days=0.1).grade
    swept = tf.sweep({**SMALL, "sweep": {"sizer.percent": [5, 10]}}, tmp_path / "sweep", jobs=1)
    table = pd.read_parquet(tmp_path / "sweep" / "points.parquet")
    assert table["sizer.percent"].tolist() == [5, 10]
    assert ([*swept.done], swept.failed) == ([1, 2], [])

"""Splits and dividends: feeds.actions, core.adjusted, dividends in every engine, against plain Python."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tapeflow.backtest.engines.compiled.supported import unsupported_reason
from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import run, simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars, Levels
from tapeflow.core.clock import DAY, HOUR, iso, parse_time
from tapeflow.core.errors import DataError, InputError, TapeflowError
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape
from tapeflow.feeds.framework.actions import CorporateActions, read_actions
from tapeflow.feeds.merge import Merge

HEADER = "date,open,high,low,close,volume\n"
START = parse_time("2024-01-01")


def write_bars(path: Path, closes: list[float], opens: list[float] | None = None) -> Path:
    """Daily bars whose opens are the closes before, unless given."""
    opens = opens or [closes[0], *closes[:-1]]
    rows = (
        f"{iso(START + i * DAY)[:10]},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},{1000 + i}\n"
        for i, (o, c) in enumerate(zip(opens, closes, strict=True))
    )
    path.write_text(HEADER + "".join(rows))
    return path


def write_actions(path: Path, *rows: str, header: str = "date,split,dividend") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n")
    return path


def bars_of(file: Path, actions: Path, spec: str | None = None) -> Bars:
    feed = CsvBars(file)
    feed.adjust_for(read_actions([actions]))
    return feed.bars(spec)


def test_a_split_is_no_return(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "a.csv", [100, 102, 51.5, 52], [100, 101, 51, 51.5])
    bars = bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-03,2:1,"))
    assert bars["open"].tolist() == [100, 101, 102, 103]
    assert bars["close"].tolist() == [100, 102, 103, 104]
    assert bars["volume"].tolist() == [1000, 1001, 501, 501.5]
    assert bars["dividend"].tolist() == [0] * 4
    assert bars["adjustment"].tolist() == [1] * 4
    assert np.diff(np.log(bars["close"])).min() > 0


def test_a_series_that_begins_after_a_split_is_left_alone(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "a.csv", [100, 102])
    bars = bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-01,2,", "2023-05-05,3,1.0"))
    assert bars["close"].tolist() == [100, 102]
    assert not bars["dividend"].any()


def test_the_adjustment_goes_by_the_close_before_the_ex_day(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "a.csv", [100, 90, 80, 70])
    bars = bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-03,,9", "2024-01-04,,8"))
    assert bars["adjustment"].tolist() == [1, 1, 90 / 81, 90 / 81 * (80 / 72)]


def test_what_comes_later_changes_no_bar_before(tmp_path: Path) -> None:
    closes, opens = [100.0, 96.0, 48.5, 47.0, 90.0], [100.0, 97.0, 48.0, 46.0, 94.0]
    file = write_bars(tmp_path / "a.csv", closes, opens)
    rows = ("2024-01-02,,3", "2024-01-03,2:1,", "2024-01-04,,1.5", "2024-01-05,1:2,")
    whole = bars_of(file, write_actions(tmp_path / "x.csv", *rows))
    for known in range(len(rows)):
        part = bars_of(file, write_actions(tmp_path / "y.csv", *rows[: known + 1]))
        for name in ("open", "close", "volume", "dividend", "adjustment"):
            assert part[name][: known + 2].tolist() == whole[name][: known + 2].tolist()
            assert part.adjusted["close"][: known + 2].tolist() == whole.adjusted["close"][: known + 2].tolist()


def test_trades_are_adjusted_before_they_are_bars(tmp_path: Path) -> None:
    rows = [(0, 100.0, 2.0, "buy"), (12, 101.0, 1.0, "sell"), (24, 25.5, 8.0, "buy"), (30, 25.0, 4.0, "sell")]
    lines = [f"{(START + h * HOUR) // 1000},{p},{q},{s}" for h, p, q, s in rows]
    file = tmp_path / "t.csv"
    file.write_text("time,price,quantity,side\n" + "\n".join(lines) + "\n")
    raw = CsvTape(file).bars("1d", row_size=1.0, tick=0.5)
    feed = CsvTape(file)
    feed.adjust_for(read_actions([write_actions(tmp_path / "x.csv", "2024-01-02,4,")]))
    made = feed.bars("1d", row_size=1.0, tick=0.5)
    assert made["close"].tolist() == [101, 100]
    assert made["volume"].tolist() == [3, 3]
    assert made["taker_buy_volume"].tolist() == [2, 2]
    assert made["taker_sell_volume"].tolist() == [1, 1]
    assert made["quote_volume"].tolist() == raw["quote_volume"].tolist()
    assert made.levels is not None
    assert raw.levels is not None
    assert made.levels.price.tolist() == [100, 101, 100, 102]


def test_adjusted_prices_hold_no_drop(tmp_path: Path) -> None:
    """A price that falls by the dividend alone does not move; split and dividend together too."""
    file = write_bars(tmp_path / "a.csv", [100, 98, 98, 48, 48], [100, 98, 98, 48, 48])
    bars = bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-02,,2", "2024-01-04,2:1,1"))
    assert bars["close"].tolist() == [100, 98, 98, 96, 96]
    assert bars["dividend"].tolist() == [0, 2, 0, 2, 0]
    assert bars.adjusted["close"].tolist() == pytest.approx([100] * 5)
    assert bars.adjusted["volume"].tolist() == bars["volume"].tolist()


def test_price_rows_are_adjusted_with_prices() -> None:
    levels = Levels(np.array([0, 2, 4]), np.array([10, 12, 10, 12]), np.ones(4), np.zeros(4), 0.5, row_ticks=2)
    bars = Bars.of(open_time=[0, 1], close_time=[1, 2], close=[5.0, 5.0], adjustment=[1.0, 1.5], levels=levels)
    assert bars.adjusted.levels is not None
    assert bars.adjusted.levels.price.tolist() == [5, 6, 8, 9]


RULES = {"long": {"enter": "close > 0", "exit": "close < close[1] * 0.985"}}


def run_over(folder: Path, closes: list[float], actions: Path, **more: Any) -> Any:
    file = write_bars(folder / "bars.csv", closes, more.pop("opens", None))
    raw = {
        "name": "stock",
        "data": {"main": {"feed": "CsvBars", "path": str(file), "actions": str(actions), "lot": 1.0}},
        "strategy": {"kind": "Rules", "params": RULES},
        "broker": {"cash": 10_000.0, "fees": {"taker": "5bp"}},
        "sizer": {"fixed": 10},
        **more,
    }
    config = from_mapping(raw)
    return simulate(config, read(config, "main", lambda text: None))


@pytest.mark.parametrize("engine", ["stock", "backtrader", "compiled"])
@pytest.mark.parametrize("side", [1, -1])
def test_a_ledger_in_plain_python(tmp_path: Path, engine: str, side: int) -> None:
    """Bought or sold short at the second open and held: every close is worth cash, shares and dividends so far."""
    raw = [100.0, 101.0, 99.0, 50.0, 49.5, 51.0]
    opens = [100.0, 100.5, 98.5, 49.8, 49.0, 50.0]
    actions = write_actions(tmp_path / "x.csv", "2024-01-03,,2", "2024-01-04,2:1,", "2024-01-05,,0.5", "2024-01-01,,9")
    rules = {("long" if side > 0 else "short"): {"enter": "close > 0"}}
    made = run_over(tmp_path, raw, actions, opens=opens, engine=engine, strategy={"kind": "Rules", "params": rules})
    shares, cash = side * 10.0, 10_000 - side * 10 * 100.5 - 10 * 100.5 * 5e-4
    worth = [10_000.0]
    for day in range(1, len(raw)):
        if day == 3:
            shares *= 2
        cash += shares * {2: 2.0, 4: 0.5}.get(day, 0.0)
        worth.append(cash + shares * raw[day])
    assert made.engine == engine
    assert made.equity["value"].tolist() == pytest.approx(worth, abs=1e-9)
    figures = made.figures()
    assert figures["dividend"] == {"payments": 2, "net": pytest.approx(side * 30.0)}
    flows = made.strategy.broker.flows
    assert [(f.kind, f.time, f.position) for f in flows] == [
        ("dividend", START + day * DAY, side * 10.0) for day in (2, 4)
    ]


def test_a_round_trip_tells_its_dividends(tmp_path: Path) -> None:
    """Bought at 100 on the second day, and sold at the open of the second ex-day, whose dividend is its own still."""
    closes = [100.0, 100.0, 98.0, 97.0, 96.0, 96.0]
    paid = write_actions(tmp_path / "x.csv", "2024-01-03,,2", "2024-01-04,,1", "2024-01-06,,1")
    data = {"feed": "CsvBars", "path": str(write_bars(tmp_path / "b.csv", closes, closes)), "actions": str(paid)}
    rules = {"long": {"enter": "close > 0", "exit": "adjustment > 1.02"}}
    raw = {"name": "t", "data": {"main": data}, "strategy": {"kind": "Rules", "params": rules}, "sizer": {"fixed": 10}}
    made = run(from_mapping(raw), tmp_path / "out")
    (trip,) = pq.read_table(made.folder / "trades.parquet").to_pylist()[:1]
    assert trip["dividends"] == 30.0
    assert trip["pnl"] == pytest.approx(10 * (97 - 100))


def random_stock(seed: int) -> tuple[list[float], list[float], list[str]]:
    """Closes, opens and rows of actions of a stock that splits and pays."""
    rng = np.random.default_rng(seed)
    price, closes, opens, rows = 100.0, [], [], []
    for day in range(120):
        date = iso(START + day * DAY)[:10]
        if day and rng.random() < 0.05:
            ratio = float(rng.choice([2.0, 3.0, 0.5]))
            price, _ = price / ratio, rows.append(f"{date},{ratio!r},")
        elif day and rng.random() < 0.1:
            paid = round(price * 0.02, 4)
            price, _ = price - paid, rows.append(f"{date},,{paid!r}")
        opens.append(round(price * math.exp(rng.normal(0, 0.004)), 6))
        price *= math.exp(rng.normal(0, 0.01))
        closes.append(round(price, 6))
    return closes, opens, rows


@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_to_the_last_bit(tmp_path: Path, seed: int) -> None:
    closes, opens, rows = random_stock(seed)
    actions = write_actions(tmp_path / "x.csv", *rows)
    params = {
        "entries": {
            "dip": {"long": "close < sma", "limit": "close * 0.999", "valid": 2},
            "rise": {"short": "close > sma and close > highest(high, 5)[1]"},
        },
        "exits": {"out": {"long": "crossover(close, sma)", "short": "crossunder(close, sma)"}},
    }
    more = {
        "indicators": {"sma": {"kind": "talib.SMA", "timeperiod": 5}},
        "strategy": {"kind": "Rules", "params": params},
        "risk": {"stop_loss": "2 atr(5)"},
        "sizer": {"percent": 50},
    }
    for engine in ("backtrader", "compiled"):
        made = run_over(tmp_path, closes, actions, opens=opens, engine=engine, verify=True, **more)
        assert made.verified["equal"]
        assert made.engine == engine
        assert len(made.trips) > 3
        assert any(f.kind == "dividend" for f in made.strategy.broker.flows)


@pytest.mark.parametrize("engine", ["stock", "compiled"])
def test_an_ex_day_is_no_signal(tmp_path: Path, engine: str) -> None:
    """The price falls by the dividend of 2 % alone: a rule that leaves at −1.5 % stays."""
    closes = [100.0, 100.0, 100.0, 98.0, 98.0, 98.0]
    paid = run_over(tmp_path, closes, write_actions(tmp_path / "x.csv", "2024-01-04,,2"), opens=closes, engine=engine)
    none = run_over(tmp_path, closes, write_actions(tmp_path / "y.csv", "2023-01-04,,2"), opens=closes, engine=engine)
    assert paid.trips == []
    assert len(none.trips) == 1


def test_a_limit_is_the_price_that_is_traded(tmp_path: Path) -> None:
    closes = [100.0, 98.0, 98.0, 97.0, 97.0]
    params = {"entries": {"dip": {"long": "close > 0", "limit": "close * 0.9", "valid": 1}}}
    actions = write_actions(tmp_path / "x.csv", "2024-01-02,,2")
    made = run_over(tmp_path, closes, actions, opens=closes, strategy={"kind": "Rules", "params": params})
    assert [row["price"] for row in made.record.orders.values()][:2] == pytest.approx([90.0, 88.2])


class TestRefusals:
    """What is wrong is said with place and remedy."""

    @pytest.mark.parametrize(
        ("header", "row", "said"),
        [
            ("date,split,dividend", "2024-13-03,2,", "row 2, column date: '2024-13-03' is no date"),
            ("date,split,dividend", "2024-01-03,0,", "column split: '0' is no ratio above 0"),
            ("date,split,dividend", "2024-01-03,2:0,", "column split: '2:0' is no ratio"),
            ("date,split,dividend", "2024-01-03,,-1", "column dividend: '-1' is no amount"),
            ("date,splits", "2024-01-03,2", "unknown column 'splits', did you mean 'split'?"),
            ("date,symbol", "2024-01-03,X", "needs a header with date and with split or dividend"),
        ],
    )
    def test_a_table(self, tmp_path: Path, header: str, row: str, said: str) -> None:
        with pytest.raises(DataError, match=said.replace("(", r"\(").replace("?", r"\?")):
            read_actions([write_actions(tmp_path / "x.csv", row, header=header)])

    def test_a_row_that_comes_twice(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="row 3: is the same as a row before it"):
            read_actions([write_actions(tmp_path / "x.csv", "2024-01-03,2,", "2024-01-03,2:1,")])

    def test_several_symbols(self, tmp_path: Path) -> None:
        file = write_actions(tmp_path / "x.csv", "2024-01-03,A,2", "2024-01-04,B,3", header="date,symbol,split")
        with pytest.raises(
            DataError, match=r"holds actions of A, B; say whose, as in actions: \{path: x.csv, symbol: A\}"
        ):
            read_actions([file])
        assert read_actions([file], "B").split.tolist() == [3.0]
        with pytest.raises(DataError, match=r"no actions of symbol 'C' \(it has A, B\)"):
            read_actions([file], "C")
        with pytest.raises(DataError, match=r"no actions of symbol 'b', did you mean 'B'\?"):
            read_actions([file], "b")

    def test_a_file_that_is_adjusted_already(self, tmp_path: Path) -> None:
        file = write_bars(tmp_path / "a.csv", [50, 51, 51.5, 52])
        with pytest.raises(DataError, match=r"goes from 51 to 51 over the split of 2 .* adjusted for it already"):
            bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-03,2:1,"))

    def test_a_dividend_above_the_price(self, tmp_path: Path) -> None:
        file = write_bars(tmp_path / "a.csv", [50, 51])
        with pytest.raises(DataError, match=r"a dividend of 82 .* is not below the price before it, 50"):
            bars_of(file, write_actions(tmp_path / "x.csv", "2024-01-02,,82"))

    def test_a_week_with_a_split_in_it(self, tmp_path: Path) -> None:
        rows = "".join(f"{iso(START + 7 * i * DAY)[:10]},9,9,9,9,1\n" for i in range(4))
        (tmp_path / "w.csv").write_text(HEADER + rows)
        with pytest.raises(DataError, match="holds prices from before and after the split"):
            bars_of(tmp_path / "w.csv", write_actions(tmp_path / "x.csv", "2024-01-10,2,"))

    def test_a_week_that_begins_with_a_split(self, tmp_path: Path) -> None:
        closes = (100, 100, 50, 50)
        rows = "".join(f"{iso(START + 7 * i * DAY)[:10]},{c},{c},{c},{c},1\n" for i, c in enumerate(closes))
        (tmp_path / "w.csv").write_text(HEADER + rows)
        # a dividend may fall within a week, and a split after the last one is nobody's
        actions = write_actions(tmp_path / "x.csv", "2024-01-10,,5", "2024-01-15,2,", "2024-03-01,3,")
        bars = bars_of(tmp_path / "w.csv", actions)
        assert bars["close"].tolist() == [100, 100, 100, 100]
        assert bars["dividend"].tolist() == [0, 5, 0, 0]

    def test_a_price_that_is_none_before_a_split(self) -> None:
        time = START + np.arange(3) * DAY
        zero = Bars.of(open_time=time, close_time=time + DAY, close=np.array([0.0, 5, 5]), open=np.array([0.0, 5, 5]))
        actions = CorporateActions(time[1:2], np.array([2.0]), np.zeros(1))
        assert actions.finished(zero, int(time[0]))["adjustment"].tolist() == [1, 1, 1]

    def test_several_venues(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("time,price,quantity,side\n1700000041,100,1,buy\n")
        feed = Merge(tmp_path, feeds=[{"feed": "CsvTape", "path": "t.csv"}])
        with pytest.raises(TapeflowError, match="actions: Merge has the trades of several venues"):
            feed.adjust_for(read_actions([write_actions(tmp_path / "x.csv", "2024-01-03,2,")]))

    def test_a_strategy_that_reads_traded_prices(self, tmp_path: Path) -> None:
        actions = write_actions(tmp_path / "x.csv", "2024-01-02,,2")
        with pytest.raises(InputError, match="main pays dividends, and strategy DeltaMomentum decides in its own next"):
            run_over(tmp_path, [100.0, 98.0, 99.0], actions, strategy={"kind": "DeltaMomentum"})


def test_the_compiled_engine_takes_it(tmp_path: Path) -> None:
    file = write_bars(tmp_path / "bars.csv", [1.0, 2.0])
    actions = write_actions(tmp_path / "x.csv", "2024-01-02,2,")
    raw = {"data": {"main": {"feed": "CsvBars", "path": str(file), "actions": {"path": str(actions)}}}}
    config = from_mapping({"name": "x", **raw, "strategy": {"kind": "Rules", "params": RULES}})
    assert unsupported_reason(config) == ""

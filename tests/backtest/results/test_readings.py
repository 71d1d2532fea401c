"""Settings that are legal and seldom meant are told as they were read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeflow.api import run
from tapeflow.configs.loader import load_config

RULES = """\
name: readings
data:
  main: {feed: CsvBars, path: bars.csv, bars: 1m}
strategy:
  kind: Rules
  params: {long: {enter: "close > open", exit: "close < open"}}
broker: {cash: 100000, fees: {taker: 5bp}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    lines = ["time,open,high,low,close,volume"]
    for i in range(60):
        price = 100 + (i % 7) * 0.25
        lines.append(f"{1704067200 + 60 * i},{price},{price + 0.5},{price - 0.5},{price + 0.25 * (-1) ** i},10")
    (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
    path = tmp_path / "readings.yaml"
    path.write_text(RULES)
    return path


def warned(rules: Path, *settings: str) -> list[str]:
    made = run(load_config(rules, settings), rules.parent / "out", report=False)
    return [text for text in made.summary["warnings"] if "valued at the last close" not in text]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            "broker.fees.taker=0.02",
            "broker.fees.taker: 0.02 is read as 2 % of what is traded; five basis points are 5bp",
        ),
        ("strategy.params.stop_loss=60", "stop_loss: 60 is read as 60 of price, 59.6 % of 100.75: more than half the"),
        ("strategy.params.take_profit=75%", "take_profit: 75% is read as 75.5625 of price, 75 % of 100.75: more than"),
        (
            "strategy.params.stop_loss=0.005",
            "0.00496 % of 100.75: less than one step of the prices, 0.01, so that every",
        ),
        (
            "data.main.tick=0.001 strategy.params.trailing_stop=0.005%",
            "trailing_stop: 0.005% is read as 0.0050375 of price, 0.005 % of 100.75: less than a basis point",
        ),
        ("risk.stop_loss=80%", "stop_loss: 80% is read as 80.6 of price, 80 % of 100.75: more than half the price"),
        ("sizer.percent=0.5", "sizer.percent: 0.5 is read as 0.5 % of the account, all of which is 100"),
        ("data.main.tick=0.5", "data.main: tick is 0.5, but 57% of the closes lie between its steps, as 100.25 does"),
        (
            "data.main.from=2023-06-01",
            "data.main: from 2023-06-01T00:00:00Z was asked for, and the data begin at 2024-01-01",
        ),
        (
            "data.main.to=2024-02-01",
            "up to 2024-02-01T00:00:00Z was asked for, and the data end at 2024-01-01T01:00:00Z",
        ),
    ],
)
def test_a_setting_that_is_hardly_meant_is_told_as_it_was_read(rules: Path, setting: str, told: str) -> None:
    (text,) = warned(rules, *setting.split())
    assert told in text


@pytest.mark.parametrize(
    "setting",
    [
        "broker.fees.taker=0.9%",
        "strategy.params.stop_loss=1%",
        "strategy.params.stop_loss=0.25",
        "strategy.params.stop_loss=2 atr",
        "strategy.params.take_profit=49%",
        "data.main.tick=0.25",
        "data.main.tick=0.05",
        "data.main.from=2024-01-01",
        "data.main.to=2024-01-01T01:00",
    ],
)
def test_what_is_usual_is_not_remarked(rules: Path, setting: str) -> None:
    assert warned(rules, setting) == []


def test_a_written_number_below_half_a_percent_is_told_how_percent_is_written(rules: Path) -> None:
    (text,) = warned(rules, "strategy.params.stop_loss=0.009")
    assert text.endswith("; 0.009 percent is written 0.009%")


def test_two_markets_in_one_run_are_told(tmp_path: Path) -> None:
    rows = [f"{i},100,1,{i},{i},{1704067200000 + 1000 * i},true" for i in range(600)]
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    path = tmp_path / "two.yaml"
    feeds = "".join(
        f"  {name}: {{feed: BinanceAggTrades, market: {market}, path: {file}.csv}}\n"
        for name, market, file in (("btc", "spot", "a"), ("perp", "um", "b"))
    )
    path.write_text(
        f"name: two\ndata:\n{feeds}strategy: {{kind: Rules, params: {{long: {{enter: 'close > perp.close'}}}}}}\n"
    )
    made = run(load_config(path), tmp_path / "out", report=False)
    told = "feeds of several markets are mixed: btc of spot and perp of um; orders go to btc, at its prices and costs"
    assert told in made.summary["warnings"]


def test_a_limit_of_the_account_that_is_a_few_of_its_currency_is_told_as_it_was_read(rules: Path) -> None:
    said = "is read as 4 of account currency, 0.004 % of broker.cash; 4 percent is written 4%"
    assert warned(rules, "risk.daily_loss=4") == [f"risk.daily_loss: 4 {said}"]
    assert warned(rules, "risk.drawdown=4", "broker.cash=3000") == []
    assert warned(rules, "risk.daily_loss=4%", "risk.drawdown=5000") == []

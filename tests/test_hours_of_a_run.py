"""A run on trading hours: indicators, limits and the year follow them, in every engine."""

import json

import numpy as np
import pandas as pd
import pytest

from tapeflow.api import run
from tapeflow.backtest.hours import following, session_in
from tapeflow.backtest.statistics import returns
from tapeflow.configs.loader import load_config
from tapeflow.core.clock import DAY, MINUTE, iso, parse_time
from tapeflow.core.sessions import parse_days
from tapeflow.indicators.vwap import VWAP

NEW_YORK = "America/New_York@09:30-16:00"

RUN = """
name: hours
data:
  stock: {{feed: CsvTape, path: tape.csv, bars: 30m, session: {session}}}
indicators:
  vwap: {{kind: VWAP, anchor: 1d}}
strategy:
  kind: Rules
  params: {{long: {{enter: close > vwap, exit: close < vwap}}}}
engine: {engine}
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(3)
    time = np.sort(rng.integers(parse_time("2024-03-04"), parse_time("2024-04-06"), 9000))
    price = 100 + np.cumsum(rng.choice([-0.01, 0, 0.01], 9000))
    lines = [
        f"{iso(int(t))},{p:.2f},1,{s}" for t, p, s in zip(time, price, rng.choice(["buy", "sell"], 9000), strict=True)
    ]
    (tmp_path / "tape.csv").write_text("\n".join(["time,price,quantity,side", *lines]) + "\n")
    return tmp_path


def test_a_run_counts_days_by_its_hours(folder):
    session = '{open: "09:30", close: "16:00", zone: America/New_York}'
    for engine in ("stock", "backtrader", "compiled"):
        path = folder / f"{engine}.yaml"
        path.write_text(RUN.format(session=session, engine=engine))
        run(load_config(path), folder / engine, report=False)
    summary = json.loads((folder / "stock" / "result.json").read_text())
    assert summary["periods_per_year"] == 262
    assert summary["sharpe_basis"] == "daily"
    assert any("262 trading days, counted from" in text for text in summary["assumptions"])
    for engine in ("backtrader", "compiled"):
        other = json.loads((folder / engine / "result.json").read_text())
        assert {k: other[k] for k in ("final_value", "trades", "sharpe")} == {
            k: summary[k] for k in ("final_value", "trades", "sharpe")
        }


def test_an_indicator_counts_days_of_the_hours_unless_it_names_a_zone():
    spec = f"30m@1d:{NEW_YORK}"
    assert following(VWAP, {"anchor": "1d"}, spec) == {"anchor": "1d", "timezone": NEW_YORK}
    assert following(VWAP, {"anchor": "1d", "timezone": "UTC"}, spec) == {"anchor": "1d", "timezone": "UTC"}
    assert following(VWAP, {"anchor": "4h"}, spec) == {"anchor": "4h"}
    assert following(VWAP, {"anchor": "1d"}, "30m@1d:America/New_York") == {"anchor": "1d"}
    assert session_in("8h", spec) == "8h"


def test_a_year_is_as_long_as_that_of_the_exchange():
    hours = parse_days(NEW_YORK)
    closes = hours.closes[(hours.closes > parse_time("2024-01-01")) & (hours.closes < parse_time("2024-03-01"))]
    value = 100 + np.arange(len(closes), dtype=float)
    made, per_year, basis = returns(closes, value, 100.0, hours)
    weekdays = len(pd.bdate_range("2024-01-01", "2024-12-31"))
    assert (per_year, basis, len(made)) == (weekdays, "daily", len(closes))
    minutes = np.arange(closes[0] - 60 * MINUTE, closes[0], MINUTE)
    _, per_year, basis = returns(minutes + MINUTE, np.linspace(100, 101, len(minutes)), 100.0, hours)
    assert (per_year, basis) == (weekdays * 390, "bar")
    assert returns(closes, value, 100.0)[1] == 365 * DAY / DAY

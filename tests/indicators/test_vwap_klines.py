"""Measures that need notional, on bars that do not carry it: refused, or at the price that is said."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.core.errors import InputError
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.indicators.amihud import Amihud
from tapeflow.indicators.vwap import VWAP
from tapeflow.tests.helpers.command import tapeflow

PRICES = {
    "uniform": lambda o, h, lo, c: (lo + h) / 2.0,
    "close": lambda o, h, lo, c: c,
    "hlc3": lambda o, h, lo, c: (h + lo + c) / 3.0,
}


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(5)
    close = 100 + np.cumsum(rng.normal(0, 1, 200))
    rows = [
        f"{1_704_067_200 + 60 * i},{c},{c + rng.random()},{c - rng.random()},{c},{rng.integers(0, 9)}"
        for i, c in enumerate(close)
    ]
    (tmp_path / "a.csv").write_text("time,open,high,low,close,volume\n" + "\n".join(rows))
    return tmp_path / "a.csv"


@pytest.mark.parametrize("method", PRICES)
def test_vwap_of_plain_bars_is_the_mean_of_their_prices(path, method):
    bars = CsvBars(path).bars()
    price = PRICES[method](*(bars[name] for name in ("open", "high", "low", "close")))
    wanted = [(price * bars["volume"])[: i + 1].sum() / bars["volume"][: i + 1].sum() for i in range(3, len(bars))]
    made = VWAP.over(bars, anchor="none", from_klines=method)["vwap"].to_numpy()[3:]
    np.testing.assert_allclose(made, wanted, rtol=1e-12)


def test_amihud_of_plain_bars_is_the_return_over_the_guess(path):
    bars = CsvBars(path).bars().slice(0, 2)
    if not bars["volume"][1] > 0:
        bars.columns["volume"][1] = 3.0
    guess = (bars["high"][1] + bars["low"][1] + bars["close"][1]) / 3.0 * bars["volume"][1]
    wanted = abs(bars["close"][1] / bars["close"][0] - 1.0) / guess
    assert Amihud.over(bars, window=1, from_klines="hlc3")["amihud"].iloc[1] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("kind", [VWAP, Amihud])
def test_without_a_word_plain_bars_are_refused_with_the_word(path, kind):
    with pytest.raises(InputError, match=r"reads 'quote_volume', .* or ask for from_klines: hlc3"):
        kind.over(CsvBars(path).bars())


@pytest.mark.parametrize("kind", [VWAP, Amihud])
def test_notional_that_is_carried_wins_and_that_is_said(path, kind):
    bars = CsvBars(path).bars()
    bars.columns["quote_volume"] = bars["volume"] * bars["close"] * 1.01
    assert kind.over(bars, from_klines="hlc3").equals(kind.over(bars))
    assert list(kind.remarks(bars, from_klines="hlc3")) == [
        "from_klines changes nothing where the feed has quote_volume"
    ]


def test_the_command_line_and_a_run_take_it(path, tmp_path):
    done = tapeflow("compute", path, "--feed", "CsvBars", "--indicator", "VWAP(from_klines=hlc3)", "--out", "-")
    assert done.exit_code == 0, done.output
    (tmp_path / "run.yaml").write_text(
        "name: plain\ndata: {main: {feed: CsvBars, path: a.csv}}\n"
        "indicators: {v: {kind: VWAP, from_klines: hlc3}}\n"
        "strategy: {kind: Rules, params: {long: {enter: close < v.vwap, exit: close > v.vwap}}}\n"
    )
    for engine in ("stock", "backtrader", "compiled"):
        made = tapeflow("run", tmp_path / "run.yaml", "--engine", engine, "--out", tmp_path / engine, "--no-report")
        assert made.exit_code == 0, made.output
    orders = {next((tmp_path / engine).glob("orders.*")).read_bytes() for engine in ("stock", "backtrader", "compiled")}
    assert len(orders) == 1

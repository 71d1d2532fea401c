"""Result folders of two feeds, small but like real ones, and a browser to look at their pages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.report import write_report

BARS = 480
MINUTE = 60_000_000
START = 1_704_067_200_000_000 + 20 * 60 * MINUTE
TICK, ROW = 0.1, 5.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-extensions", "--renderer-process-limit=1"]


@cache
def market(feed: str, seed: int, step: int = MINUTE) -> pd.DataFrame:
    """Bars of a market that looks real: fat tails, closes on ticks, flow that follows the price."""
    rng, n = np.random.default_rng(seed), BARS * MINUTE // step
    close = np.round(42_000 * np.exp(np.cumsum(rng.standard_t(5, n) * 3e-4)), 1)
    open_ = np.r_[42_000.0, close[:-1]]
    high = np.round(np.maximum(open_, close) + rng.exponential(6, n), 1)
    low = np.round(np.minimum(open_, close) - rng.exponential(6, n), 1)
    volume = np.round(rng.lognormal(2, 1, n), 5)
    buys = np.round(volume * np.clip(0.5 + 0.2 * np.sign(close - open_) + rng.normal(0, 0.1, n), 0, 1), 5)
    times = START + step * np.arange(1, n + 1)
    columns = dict(data=feed, open_time=times - step, close_time=times, open=open_, high=high, low=low, close=close)
    flow = dict(volume=volume, taker_buy_volume=buys, taker_sell_volume=volume - buys)
    # A gap before bar 100, and ten bars without trades that are no damage.
    quality = np.where(np.arange(n) == 100, 1, np.where((np.arange(n) >= 200) & (np.arange(n) < 210), 2, 0))
    return pd.DataFrame({**columns, **flow, "quality": quality if feed == "btc" else 0})


@cache
def price_rows() -> pd.DataFrame:
    """Price rows that add up to the volumes of the bars of `btc`."""
    made = []
    for bar in market("btc", 1).itertuples():
        rows = np.arange(int(bar.low // ROW), int(bar.high // ROW) + 1)
        share = np.linspace(1, 2, len(rows)) / np.linspace(1, 2, len(rows)).sum()
        tick = (rows * round(ROW / TICK)).astype(np.int64)
        sides = dict(buy_volume=bar.taker_buy_volume * share, sell_volume=bar.taker_sell_volume * share)
        made.append(pd.DataFrame(dict(data=bar.data, close_time=bar.close_time, price_tick=tick, **sides)))
    return pd.concat(made, ignore_index=True)


def stamps(bars: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(bars.close_time.to_numpy(), unit="us", utc=True)).as_unit("us")


def trade_tables(bars: pd.DataFrame, reason: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Twelve round trips, long and short in turn, ten bars each, and the orders that made them."""
    times, entry = stamps(bars), np.arange(40, 40 + 12 * 30, 30)
    exit_, sign = entry + 10, np.where(np.arange(12) % 2, -1.0, 1.0)
    paid, got = bars.open.to_numpy()[entry], bars.open.to_numpy()[exit_]
    pnl, fee = 0.25 * sign * (got - paid), 0.25 * 5e-4 * (paid + got)
    trades = pd.DataFrame(
        dict(data=bars.data.iloc[0], direction=np.where(sign > 0, "long", "short"), size=0.25)
        | dict(entry_time=times[entry], entry_price=paid, exit_time=times[exit_], exit_price=got, bars=10)
        | dict(pnl=pnl, pnl_net=pnl - fee, commission=fee, return_pct=100 * (pnl - fee) / (0.25 * paid))
        | dict(pnl_low=pnl - fee - 3, pnl_high=pnl - fee + 3)
        | dict(entry_reason=reason, exit_reason=np.where(np.arange(12) % 3, "close >= vwap", "stop_loss 0.5%"))
    )
    legs = [(entry, paid, sign, 0 * pnl), (exit_, got, -sign, pnl)]
    orders = pd.concat(
        pd.DataFrame(
            dict(ref=0, data=bars.data.iloc[0], side=np.where(s > 0, "buy", "sell"), type="market", size=0.25)
            | dict(price=np.nan, created_time=times[i - 1], status="completed", executed_time=times[i])
            | dict(executed_price=p, executed_size=0.25, commission=fee / 2, pnl=profit, reason=reason)
        )
        for i, p, s, profit in legs
    )
    never = dict(executed_time=pd.NaT, executed_size=0.0, status="canceled", reason="never filled")
    return trades, pd.concat([orders, orders.iloc[:1].assign(**never)], ignore_index=True)


def line_frame(bars: pd.DataFrame) -> pd.DataFrame:
    close, volume = bars.close.to_numpy(), bars.volume.to_numpy()
    vwap = np.cumsum(close * volume) / np.cumsum(volume)
    delta = (bars.taker_buy_volume - bars.taker_sell_volume).to_numpy()
    z = pd.Series(delta).rolling(50).mean().to_numpy() / pd.Series(delta).rolling(50).std().to_numpy()
    holes = z.copy()
    holes[200:230] = np.nan
    lines = {"vwap.vwap": vwap, "vwap.upper1": vwap + 80, "delta.delta": delta, "tox.z": z, "tox.holes": holes}
    never = {"none.none": np.full(len(bars), np.nan), "wild.wild": np.where(np.arange(len(bars)) == 9, np.inf, 1.0)}
    return pd.DataFrame({"time": stamps(bars), **lines, **never})


def _make_run(
    folder: Path, *, name: str = "vwap-fade", reason: str = "close < vwap", trades: bool = True, levels: bool = True
) -> Path:
    """A result folder of two feeds of one market, as a run leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    btc, slow = market("btc", 1), market("slow", 2, 5 * MINUTE)
    pd.concat([btc, slow]).to_parquet(folder / "bars.parquet")
    made, orders = trade_tables(btc, reason)
    if not trades:
        made, orders = made.iloc[:0], orders.iloc[:0]
    made.to_parquet(folder / "trades.parquet")
    orders.to_parquet(folder / "orders.parquet")
    line_frame(btc).to_parquet(folder / "indicators.parquet")
    gain = np.zeros(BARS)
    if trades:
        gain[np.arange(50, 50 + 12 * 30, 30)] = made.pnl_net
    value = 100_000 + np.cumsum(gain)
    peak = np.maximum.accumulate(np.maximum(value, 100_000))
    held = np.zeros(BARS)
    for first in range(40, 40 + 12 * 30, 30) if trades else ():
        held[first : first + 10] = 0.25
    spread = np.linspace(0, 300, BARS)
    account = dict(value=value, cash=value, position=held, drawdown=1 - value / peak)
    account |= dict(value_low=value - spread, value_high=value + spread) if trades else {}
    pd.DataFrame({"time": stamps(btc), **account}).to_parquet(folder / "equity.parquet")
    if levels:
        price_rows().to_parquet(folder / "levels.parquet")
    write_texts(folder, name, float(value[-1]), made, btc)
    return folder


def write_texts(folder: Path, name: str, final: float, trades: pd.DataFrame, bars: pd.DataFrame) -> None:
    net = final - 100_000
    result: dict[str, Any] = dict(name=name, engine="compiled", bars=BARS, orders=2 * len(trades), trades=len(trades))
    result |= dict(initial_cash=100_000.0, final_value=final, net_profit=net, return_pct=net / 1000)
    result |= dict(max_drawdown_pct=0.4, sharpe=float("nan"), sharpe_basis="daily", periods_per_year=365)
    result |= dict(
        profit_factor=None, win_rate=0.5, mean_trade=12.5, exposure_pct=25.0, fees_paid=float(trades.commission.sum())
    )
    result |= dict(start=str(stamps(bars)[0]), end=str(stamps(bars)[-1]), deflated_sharpe=0.731)
    if len(trades):
        ends = dict(mean_trade=[-25.0, 75.0], sharpe=[-3.0, 1.5])
        made_of = dict(mean_trade=dict(count=64, block=4.0), sharpe=dict(count=250, block=6.3))
        result |= dict(confidence=dict(level=0.95, method="bootstrap-t", draws=999, intervals=ends, made_of=made_of))
        moves = [dict(bars=h, mean_bp=h / 10 - 1, entries=12) for h in (1, 5, 15)]
        result |= dict(markouts=dict(cost_bp=10.0, horizons=moves), profit_from_damaged=0.25)
    result |= dict(hints=[f"12 round trips of {name} are few."])
    result |= dict(warnings=[f"about {name}"], assumptions=[f"Market orders of {name} fill at the next open."])
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
    feeds = {"btc": dict(feed="Synthetic", spec="1m", tick=TICK, row_size=ROW, rows=9, counts={"void": 0})}
    feeds["slow"] = dict(feed="Synthetic", spec="5m", tick=TICK, row_size=None, rows=9, counts={})
    inputs = [dict(path=f"dumps/{name}.zip", bytes=1_234, sha256="ab" * 32)]
    lock = dict(name=name, config={"name": name, "strategy": {"kind": "Rules", name: name}}, inputs=inputs)
    lock |= dict(data=feeds, versions={"tapeflow": "0.1.0"}, seed=7)
    (folder / "run.lock").write_text(yaml.safe_dump(lock, sort_keys=False, allow_unicode=True), encoding="utf-8")


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """Writes a result folder: 480 minutes of `btc` from 2024-01-01 20:00 UTC, and `slow` in steps of five."""
    return _make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _make_run(tmp_path_factory.mktemp("run"))
    write_report(folder)
    return folder


@pytest.fixture(scope="session")
def hostile() -> str:
    """A name that would like to be a script."""
    return "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"' & </style>"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; the tests are skipped, and counted, where it or its driver is absent."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium here")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


class Tab:
    """One open report: its page, what it complained of, what it asked the network for.

    A page that stays open is drawn on and on, so each is closed when its test is over.
    """

    def __init__(self, browser: Any, folder: Path, address: str = "", **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("dialog", lambda d: (self.complaints.append(d.message), d.dismiss()))
        self.page.on("request", lambda r: self.requests.append(r.url.partition("#")[0]))
        self.url = (folder / "report.html").as_uri()
        self.page.goto(self.url + address)
        if options.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-state=ready]", timeout=20_000)

    def ask(self, expression: str) -> Any:
        """What an expression of the page's script gives; `app` is the report."""
        return self.page.evaluate(f"(app => ({expression}))(READY.app)")

    def close(self) -> None:
        """Close it; nothing may have been complained of, and nothing but the file been read."""
        self.context.close()
        assert self.complaints == []
        assert self.requests == [self.url]


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Tab]]:
    """Opens reports: ``opened(folder, address, **options of the browser)``."""
    made: list[Tab] = []

    def open_report(folder: Path, address: str = "", **options: Any) -> Tab:
        made.append(Tab(browser, folder, address, **options))
        return made[-1]

    yield open_report
    for tab in made:
        tab.close()


@pytest.fixture(scope="module")
def tab(browser: Any, run: Path) -> Iterator[Tab]:
    """The report of `run`, open for the tests of a module that leave it as it is."""
    made = Tab(browser, run)
    yield made
    made.close()

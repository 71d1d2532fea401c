"""What the chart and the trade list are made of, packed for the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.ticks import grid_of, price_at, row_near
from .codec import Packer, steps_per_unit
from .desks import desks_of
from .flows_view import cumulated
from .folder import Folder, microseconds
from .guards import moves, with_guards
from .html import is_number
from .lines import bar_delta, line_table
from .money import money_of
from .sessions import sessions_of

Floats = NDArray[np.float64]

_TRADE_NUMBERS = {
    "size": 6,
    "entry_price": 9,
    "exit_price": 9,
    "bars": 9,
    "pnl": 6,
    "pnl_net": 6,
    "commission": 6,
    "return_pct": 5,
    "mae_pct": 4,
    "mfe_pct": 4,
    "stop": 9,
    "target": 9,
    "trail": 9,
}
"""Columns of the trade list and the digits kept of a typical value."""
_MOST_MOVES = 20_000
_TRADE_BAND = {"pnl_low": 6, "pnl_high": 6}
"""Profit of a trade under the worst and the best assumption about fills, where the run tells."""
_FILL_NUMBERS = {"executed_price": 9, "executed_size": 6, "commission": 6, "pnl": 6}


def packed_run(folder: Folder) -> str:
    """Bars, lines, equity, fills and trades of a run as one compressed text for the browser."""
    packer = Packer()
    feeds = [_pack_feed(packer, i, folder, name) for i, name in enumerate(folder.feeds)]
    price_steps = {feed["name"]: 10.0 ** feed["decimals"] for feed in feeds}
    money = money_of(folder.result, folder.lock)
    return packer.packed(
        feeds=feeds,
        lines=_pack_lines(packer, folder, price_steps),
        equity=_pack_equity(packer, folder),
        flows=_pack_flows(packer, folder),
        desks=_pack_desks(packer, folder),
        brought={name: one.get("net_profit") for name, one in (folder.result.get("instruments") or {}).items()},
        money={"unit": money.unit, "decimals": money.decimals, "size": money.size},
        fills=_pack_fills(packer, folder.orders),
        trades=_pack_trades(packer, with_guards(folder.trades, folder.orders, folder.lock.get("config"))),
        moves=_pack_moves(packer, moves(folder.trades, folder.orders)),
        trade_band=_TRADE_BAND.keys() <= set(folder.trades.columns),
    )


def _pack_feed(packer: Packer, number: int, folder: Folder, name: str) -> dict[str, Any]:
    """Candles as close, then the three distances from it that are small; volume and delta."""
    bars = folder.bars_of(name)
    said = folder.data.get(name) or {}
    per = _price_steps(bars, said.get("tick"))
    o, h, low, c = (np.rint(bars[k].to_numpy(np.float64) * per) / per for k in ("open", "high", "low", "close"))
    packer.numbers(f"{number}:time", microseconds_of(bars["close_time"]))
    packer.numbers(f"{number}:span", bars["close_time"].to_numpy(np.int64) - bars["open_time"].to_numpy(np.int64))
    packer.numbers(f"{number}:close", c, per)
    packer.numbers(f"{number}:gap", o - np.r_[o[:1], c[:-1]], per)
    packer.numbers(f"{number}:up", h - np.maximum(o, c), per)
    packer.numbers(f"{number}:down", np.minimum(o, c) - low, per)
    packer.numbers(f"{number}:first", o[:1], per)
    volume = bars["volume"].to_numpy(np.float64)
    steps = steps_per_unit(volume)
    packer.numbers(f"{number}:volume", volume, steps)
    flow = bar_delta(bars)
    if flow is not None:
        packer.numbers(f"{number}:delta", flow, steps)
    flags = bars["quality"].to_numpy(np.float64) if "quality" in bars else np.zeros(0)
    if flags.any():
        packer.numbers(f"{number}:quality", flags)
    decimals = max(0, round(float(np.log10(per)) + 0.49))
    sessions = sessions_of(folder, name)
    packer.numbers(f"{number}:session:edge", sessions.edges)
    packer.numbers(f"{number}:session:day", sessions.days)
    return {
        "name": name,
        "spec": str(said.get("spec") or ""),
        "decimals": decimals,
        "delta": flow is not None,
        "flagged": bool(flags.any()),
        "session": sessions.name,
    }


def microseconds_of(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Bar times as doubles, which hold microseconds exactly until the year 2255."""
    return column.to_numpy(np.int64).astype(np.float64)


def _price_steps(bars: pd.DataFrame, tick: object) -> float:
    """Steps in one unit of price: the tick's where prices sit on it, else what the prices are written with."""
    close = bars["close"].to_numpy(np.float64)
    if isinstance(tick, int | float) and tick > 0:
        known, grid = close[np.isfinite(close)], grid_of(tick)
        if np.all(np.abs(known - price_at(row_near(known, grid.num, grid.den), grid.num, grid.den)) < 1e-4 * tick):
            return grid.den / grid.num
    return steps_per_unit(close, digits=8)


def _pack_lines(packer: Packer, folder: Folder, price_steps: dict[str, float]) -> list[dict[str, Any]]:
    """Lines over the candles as fine as prices are, the others as fine as a screen can show."""
    table = folder.indicators
    if table.empty:
        return []
    packer.numbers("lines:time", microseconds(table["time"]))
    described = line_table(folder)
    for i, line in enumerate(described):
        values = table[line["name"]].to_numpy(np.float64)
        steps = price_steps.get(line["feed"], 1.0)
        packer.numbers(f"lines:{i}", values, steps if line["overlay"] else _line_steps(values))
    return described


def _line_steps(values: Floats) -> float:
    """Steps in one unit, 1, 2 or 5 times a power of ten, so that 4,000 to 10,000 cover the reach of a line."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 1.0
    low, high = np.percentile(known, [0.5, 99.5])
    reach = float(high - low) or float(np.max(np.abs(known))) or 1.0
    power = 10.0 ** np.floor(np.log10(10_000 / reach))
    return float(power * max(k for k in (1, 2, 5) if power * k * reach <= 10_000 or k == 1))


def _pack_equity(packer: Packer, folder: Folder) -> dict[str, Any]:
    """Value, position, and the drawdown only where it is not what the values say."""
    table = folder.equity
    value = table["value"].to_numpy(np.float64)
    cash = folder.result.get("initial_cash")
    per = steps_per_unit(value, digits=8)
    packer.numbers("equity:time", microseconds(table["time"]))
    packer.numbers("equity:value", value, per)
    if "position" in table:
        position = table["position"].to_numpy(np.float64)
        packer.numbers("equity:position", position, steps_per_unit(position, 6))
    bands = _pack_bands(packer, folder, per)
    start = _peak_start(value, table.get("drawdown"), cash)
    if start is None:
        packer.numbers("equity:drawdown", table["drawdown"].to_numpy(np.float64), 1e6)
    return {
        "peak": start,
        "derived": start is not None,
        "position": "position" in table,
        "cash": cash,
        "bands": bands,
        "benchmark": _benchmark(folder),
        "held": next(iter(folder.result.get("instruments") or folder.feeds), ""),
    }


def _benchmark(folder: Folder) -> int | None:
    """The number of the feed that the run is set beside; None where there is none."""
    block = folder.result.get("benchmark") or {}
    return (
        folder.feeds.index(block["data"])
        if is_number(block.get("return_pct")) and block["data"] in folder.feeds
        else None
    )


def _pack_flows(packer: Packer, folder: Folder) -> list[str]:
    """The running sum of each kind of flow, on the clock of the equity."""
    sums = cumulated(folder)
    for kind, values in sums.items():
        packer.numbers(f"flow:{kind}", values, steps_per_unit(values, digits=5))
    return list(sums)


def _pack_desks(packer: Packer, folder: Folder) -> list[dict[str, Any]]:
    """Position and cash of each desk where they changed, from which the page works out its profit at every bar."""
    made = []
    for i, desk in enumerate(desks_of(folder)):
        packer.numbers(f"desk:{i}:time", desk.ledger.time.astype(np.float64))
        packer.numbers(f"desk:{i}:position", desk.ledger.position, steps_per_unit(desk.ledger.position, 9))
        packer.numbers(f"desk:{i}:cash", desk.ledger.cash, steps_per_unit(desk.ledger.cash, 8))
        terms = {"multiplier": desk.terms.multiplier, "contract": desk.terms.contract}
        made.append({"data": desk.data, "strategy": desk.strategy, **terms})
    return made


def _pack_bands(packer: Packer, folder: Folder, per: float) -> list[str]:
    """What equity would have been with other fills, where the run tells."""
    if not {"value_low", "value_high"} <= set(folder.equity.columns):
        return []
    for end in ("low", "high"):
        packer.numbers(f"fills:{end}", folder.equity[f"value_{end}"].to_numpy(np.float64), per)
    return ["fills"]


def _peak_start(value: Floats, drawdown: pd.Series[Any] | None, cash: object) -> float | None:
    """The value drawdown is measured from before the first bar; None when the column must be carried."""
    if drawdown is None:
        return float(value[0]) if len(value) else 0.0
    given = drawdown.to_numpy(np.float64)
    for start in (cash, value[0] if len(value) else 0.0):
        if not isinstance(start, int | float):
            continue
        peak = np.maximum.accumulate(np.maximum(value, start))
        with np.errstate(divide="ignore", invalid="ignore"):
            if np.allclose(1 - value / peak, given, rtol=0, atol=1e-9):
                return float(start)
    return None


def _pack_fills(packer: Packer, orders: pd.DataFrame) -> int:
    """Orders that were executed, wholly or in part, in time order."""
    if orders.empty:
        return 0
    fills = orders[orders["executed_time"].notna() & (orders["executed_size"].abs() > 0)]
    fills = fills.sort_values("executed_time", kind="stable")
    packer.numbers("fills:time", microseconds(fills["executed_time"]))
    _pack_table(packer, "fills", fills, _FILL_NUMBERS, ("data", "side", "type", "reason"))
    return len(fills)


def _pack_trades(packer: Packer, trades: pd.DataFrame) -> int:
    if trades.empty:
        return 0
    packer.numbers("trades:entry_time", microseconds(trades["entry_time"]))
    packer.numbers("trades:exit_time", microseconds(trades["exit_time"]))
    band = _TRADE_BAND if _TRADE_BAND.keys() <= set(trades.columns) else {}
    _pack_table(packer, "trades", trades, _TRADE_NUMBERS | band, ("data", "direction", "entry_reason", "exit_reason"))
    return len(trades)


def _pack_moves(packer: Packer, table: pd.DataFrame) -> int:
    """Stops and targets that were sent anew while a trade was held, where a page of usual size has room for them."""
    if table.empty or len(table) > _MOST_MOVES:
        return 0
    packer.numbers("moves:trade", table["trade"].to_numpy(np.float64))
    packer.numbers("moves:time", table["time"].to_numpy(np.float64))
    packer.numbers("moves:price", table["price"].to_numpy(np.float64), steps_per_unit(table["price"].to_numpy(), 9))
    packer.text("moves:kind", table["kind"].tolist())
    return len(table)


def _pack_table(
    packer: Packer, prefix: str, table: pd.DataFrame, numbers: dict[str, int], words: tuple[str, ...]
) -> None:
    for name, digits in numbers.items():
        values = table[name].to_numpy(np.float64) if name in table else np.full(len(table), np.nan)
        packer.numbers(f"{prefix}:{name}", values, steps_per_unit(values, digits))
    for name in words:
        column = table[name] if name in table else pd.Series([""] * len(table))
        packer.text(f"{prefix}:{name}", ["" if pd.isna(x) else str(x) for x in column])

"""Where the stop and the target of each trade lay, as they moved, read off the orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..core.units import parse_amount
from .folder import microseconds

_KINDS = {"stop": ("stop_loss", "trailing_stop"), "target": ("take_profit",)}
"""By the column, the reasons that its orders give."""
Settings = Mapping[str, Any]


def with_guards(trades: pd.DataFrame, orders: pd.DataFrame, config: Settings | None = None) -> pd.DataFrame:
    """The trades with the price of the last stop and the last target that was sent while each was held.

    NaN where there was none. An order knows its last price alone. ``trail`` is how far a stop kept that trailed: above
    0 a share of the close, below 0 a price; NaN where it did not, or the config does not tell.
    """
    if trades.empty or not {"price", "created_time", "reason"} <= set(orders.columns):
        return trades
    made = trades.assign(**{column: _last(trades, orders, reasons) for column, reasons in _KINDS.items()})
    return made.assign(trail=_trails(trades, orders, config or {}))


def moves(trades: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Every stop and target of trades that had several of a kind: ``trade`` (from 0), ``kind``, ``time``, ``price``."""
    rows: list[tuple[int, str, int, float]] = []
    if not trades.empty and {"price", "created_time", "reason"} <= set(orders.columns):
        for kind, reasons in _KINDS.items():
            for trade, sent, price in _guarding(trades, orders, reasons):
                if len(sent) > 1:
                    rows += [(trade, kind, int(time), float(at)) for time, at in zip(sent, price, strict=True)]
    return pd.DataFrame(rows, columns=["trade", "kind", "time", "price"])


def _last(trades: pd.DataFrame, orders: pd.DataFrame, reasons: tuple[str, ...]) -> NDArray[np.float64]:
    made = np.full(len(trades), np.nan)
    for trade, _, price in _guarding(trades, orders, reasons):
        made[trade] = price[-1]
    return made


def _guarding(
    trades: pd.DataFrame, orders: pd.DataFrame, reasons: tuple[str, ...]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
    """Of each trade that had some, when orders of these reasons were sent while it was held, and their prices."""
    known = orders[orders["reason"].isin(reasons) & orders["price"].notna() & orders["created_time"].notna()]
    desks = [name for name in ("data", "strategy") if name in trades and name in known]
    whose = _named(trades, desks)
    for desk, own in known.groupby(_named(known, desks)):
        own = own.sort_values("created_time", kind="stable")
        sent, price = microseconds(own["created_time"]), own["price"].to_numpy(np.float64)
        rows = np.flatnonzero(whose == desk)
        entered, left = (microseconds(trades[f"{end}_time"].iloc[rows]) for end in ("entry", "exit"))
        # What was sent on the bar of the exit guards the next trade, unless this one began and ended there.
        first = np.searchsorted(sent, entered, side="left")
        end = np.searchsorted(sent, np.maximum(left, entered + 1), side="left")
        for trade, a, b in zip(rows.tolist(), first.tolist(), end.tolist(), strict=True):
            if a < b:
                yield trade, sent[a:b], price[a:b]


def _named(table: pd.DataFrame, columns: list[str]) -> NDArray[np.object_]:
    """What each row says in some columns, as one text."""
    made = table[columns[0]].astype(str)
    for name in columns[1:]:
        made = made + "/" + table[name].astype(str)
    return made.to_numpy(object)


def _trails(trades: pd.DataFrame, orders: pd.DataFrame, config: Settings) -> NDArray[np.float64]:
    """How far the stop of each trade trailed."""
    made = np.full(len(trades), np.nan)
    whose = trades["strategy"].astype(str).tolist() if "strategy" in trades else [""] * len(trades)
    far = {name: _distance(config, name) for name in set(whose)}
    for trade, _, _ in _guarding(trades, orders, ("trailing_stop",)):
        made[trade] = far[whose[trade]]
    return made


def _distance(config: Settings, strategy: str) -> float:
    """The distance of a trailing stop by the config, as `with_guards` has it."""
    own = (config.get("strategies") or {}).get(strategy) if strategy else None
    asked = own or {**config, **(config.get("strategy") or {})}
    risk = asked.get("risk") or config.get("risk") or {}
    params = asked.get("params") or {}
    rules = [params.get(side) for side in ("long", "short")] + [*(params.get("entries") or {}).values()]
    if any("trailing_stop" in rule for rule in rules if isinstance(rule, Mapping)):
        return float("nan")  # of the entry, which an order does not tell
    text = risk.get("trailing_stop") or params.get("trailing_stop")
    try:
        amount = parse_amount(text) if text is not None else None
    except ValueError:
        return float("nan")  # of the range of bars, which the page does not know
    if amount is None or amount.unit == "ticks":
        return float("nan")
    return amount.value if amount.unit == "fraction" else -amount.value

"""The figures of a run: the row on top, the table below, and what longs, shorts and reasons made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from .html import NOTHING, Markup, is_number, number, section, table, tag, tone

Figures = Mapping[str, Any]


def _money(value: object) -> str:
    return number(value, 2)


def _signed_money(value: object) -> str:
    return number(value, 2, signed=True)


def _percent(value: object) -> str:
    return number(value, 2, " %")


def _signed_percent(value: object) -> str:
    return number(value, 2, " %", signed=True)


def _share(value: object) -> str:
    return number(100 * value, 1, " %") if is_number(value) else NOTHING  # type: ignore[operator]


def _ratio(value: object) -> str:
    return number(value, 2)


def _count(value: object) -> str:
    return number(value, 0)


def _plain(value: object) -> str:
    if is_number(value):
        size = abs(float(value))  # type: ignore[arg-type]
        decimals = 0 if isinstance(value, int) or size == 0 else max(2, 3 - math.floor(math.log10(size)))
        return number(value, min(decimals, 8))
    return NOTHING if value is None or isinstance(value, float) else str(value)


_FORMATS: dict[str, Callable[[object], str]] = {
    "initial_cash": _money,
    "final_value": _money,
    "net_profit": _signed_money,
    "return_pct": _signed_percent,
    "max_drawdown_pct": _percent,
    "win_rate": _share,
    "exposure_pct": _percent,
    "fees_paid": _money,
    "bars": _count,
    "orders": _count,
    "trades": _count,
}
"""How a figure is written; others by the end of their name."""
_GROUPS = {
    "Result": ("initial_cash", "final_value", "net_profit", "return_pct", "cagr_pct", "buy_and_hold_pct", "fees_paid"),
    "Risk": ("max_drawdown_pct", "volatility_pct", "sharpe", "sortino", "calmar", "periods_per_year", "exposure_pct"),
    "Trading": ("bars", "orders", "trades", "win_rate", "profit_factor", "open_position"),
}
_ELSEWHERE = {"name", "strategy", "engine", "engine_reason", "sharpe_basis"}
_ELSEWHERE |= {"start", "end", "warnings", "lines", "assumptions"}
"""Keys of the result that the page shows in another place."""
_NAMES = {"cagr_pct": "Growth a year", "sharpe": "Sharpe ratio", "sortino": "Sortino ratio", "calmar": "Calmar ratio"}


def key_figures(result: Figures) -> Markup:
    """The row of figures under the title."""
    per_year = result.get("periods_per_year")
    drawdown = result.get("max_drawdown_pct")
    years = f"{number(per_year, 0)} periods a year" if is_number(per_year) else ""
    basis = (
        f"{result['sharpe_basis']} returns, {years.replace('periods ', '')}" if result.get("sharpe_basis") else years
    )
    shown = [
        _figure("Net profit", _signed_money(result.get("net_profit")), tone(result.get("net_profit"))),
        _figure("Return", _signed_percent(result.get("return_pct")), tone(result.get("return_pct"))),
        _figure("Max drawdown", _percent(abs(drawdown) if is_number(drawdown) else None)),  # type: ignore[arg-type]
        _figure("Sharpe ratio", _ratio(result.get("sharpe")), note=basis),
        _figure("Profit factor", _ratio(result.get("profit_factor"))),
        _figure("Win rate", _share(result.get("win_rate"))),
        _figure("Trades", _count(result.get("trades"))),
        _figure("Exposure", _percent(result.get("exposure_pct"))),
        _figure("Fees", _money(result.get("fees_paid"))),
    ]
    return tag("dl", *shown, class_="figures")


def _figure(name: str, value: str, class_: str = "", note: str = "") -> Markup:
    small = tag("small", note) if note else Markup("")
    return tag("div", tag("dt", name), tag("dd", tag("span", value, class_=class_), small))


def statistics(result: Figures, trades: pd.DataFrame) -> Markup:
    """Every figure of the result in groups, and the trades split by side and by reason."""
    groups = [_group(title, result, keys) for title, keys in _GROUPS.items()]
    known = _ELSEWHERE.union(*_GROUPS.values())
    groups.append(_group("Further figures", result, tuple(k for k in result if k not in known)))
    split = (_split(trades, "direction", "By side"), _split(trades, "exit_reason", "By reason of exit"))
    parts = [tag("div", *groups, class_="groups")]
    if not trades.empty:
        parts.append(tag("div", *split, class_="splits"))
    return section("statistics", "Statistics", *parts)


def _group(title: str, result: Figures, keys: tuple[str, ...]) -> Markup:
    rows = [(_name(key), _formatted(key, result[key])) for key in keys if key in result and _scalar(result[key])]
    return table((), rows, class_="figure-table", caption=title) if rows else Markup("")


def _scalar(value: object) -> bool:
    return value is None or isinstance(value, int | float | str)


def _name(key: str) -> str:
    return _NAMES.get(key) or key.removesuffix("_pct").replace("_", " ").capitalize()


def _formatted(key: str, value: object) -> str:
    chosen = _FORMATS.get(key) or (_percent if key.endswith("_pct") else _plain)
    return chosen(value) if is_number(value) else _plain(value)


def _split(trades: pd.DataFrame, column: str, title: str) -> Markup:
    """Count, share of winners, net profit and its mean for each value of a column."""
    if column not in trades:
        return Markup("")
    rows = []
    for value, part in trades.groupby(trades[column].fillna("").astype(str), sort=True):
        net = part["pnl_net"]
        gains, losses = float(net[net > 0].sum()), float(-net[net < 0].sum())
        rows.append(
            (
                value or NOTHING,
                _count(len(part)),
                _share(float((net > 0).mean())),
                tag("td", _signed_money(float(net.sum())), class_=tone(float(net.sum()))),
                _signed_money(float(net.mean())),
                _ratio(gains / losses if losses else None),
                number(float(part["bars"].mean()), 1) if "bars" in part else NOTHING,
            )
        )
    head = (title, "trades", "win rate", "net profit", "mean", "profit factor", "bars held")
    return table(head, rows, class_="numbers")

"""The figures of a run: the row on top, the table below, and what longs, shorts and reasons made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from .html import NOTHING, Markup, escape, is_number, number, section, table, tag, tone
from .money import Money
from .trades_view import between

Figures = Mapping[str, Any]


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
    "return_pct": _signed_percent,
    "max_drawdown_pct": _percent,
    "win_rate": _share,
    "exposure_pct": _percent,
    "profit_from_damaged": _share,
    "buy_and_hold_pct": _signed_percent,
    "cagr_pct": _signed_percent,
    "alpha_pct": _signed_percent,
    "expectancy_pct": lambda value: number(value, 3, " %", signed=True),
    "sortino": _ratio,
    "calmar": _ratio,
    "payoff_ratio": _ratio,
    "beta": _ratio,
    "correlation": _ratio,
    "turnover": _ratio,
    "longest_drawdown_days": lambda value: number(value, 1),
    "mean_bars_held": lambda value: number(value, 1),
    "longest_win_streak": _count,
    "longest_loss_streak": _count,
    "bars": _count,
    "periods_per_year": _count,
    "orders": _count,
    "trades": _count,
}
"""How a figure is written; others by the end of their name."""
_AMOUNTS = {"initial_cash": False, "final_value": False, "net_profit": True, "fees_paid": False, "mean_trade": True}
_AMOUNTS |= {"mean_win": True, "mean_loss": True, "best_trade": True, "worst_trade": True}
"""Figures that are money, and whether they are written with their sign."""
_GROUPS = {
    "Result": ("initial_cash", "final_value", "net_profit", "return_pct", "cagr_pct", "buy_and_hold_pct", "fees_paid"),
    "Risk": (
        "max_drawdown_pct",
        "longest_drawdown_days",
        "volatility_pct",
        "sharpe",
        "sortino",
        "calmar",
        "periods_per_year",
        "exposure_pct",
        "turnover",
    ),
    "Trades": (
        "trades",
        "mean_trade",
        "expectancy_pct",
        "win_rate",
        "profit_factor",
        "mean_win",
        "mean_loss",
        "payoff_ratio",
        "best_trade",
        "worst_trade",
        "longest_win_streak",
        "longest_loss_streak",
        "mean_bars_held",
    ),
    "Trading": ("orders", "open_position", "profit_from_damaged", "bars"),
}
_BENCHMARK = ("return_pct", "max_drawdown_pct", "alpha_pct", "beta", "correlation")

_ELSEWHERE = {"name", "strategy", "engine", "engine_reason", "sharpe_basis"}
_ELSEWHERE |= {"net_profit_low", "net_profit_high", "survives_ticks", "survives_ms", "survives_bp", "fills"}
_ELSEWHERE |= {
    "start",
    "waits",
    "orders_cut",
    "orders_refused",
    "ruined_at",
    "end",
    "warnings",
    "lines",
    "assumptions",
    "hints",
    "confidence",
    "markouts",
}
_ELSEWHERE |= {"currency", "indicators", "drawdowns", "benchmark", "absent", "monthly_returns_pct", "instruments"}
_ELSEWHERE |= {"analyzers", "strategies", "portfolio_cut", "open_positions"}
"""Keys of the result that the page shows in another place."""
_NAMES = {"cagr_pct": "Growth a year", "sharpe": "Sharpe ratio", "sortino": "Sortino ratio", "calmar": "Calmar ratio"}
_NAMES |= {"mean_trade": "Mean of a trade", "profit_from_damaged": "Profit from damaged bars"}
_NAMES |= {"cagr_pct": "CAGR", "exposure_pct": "Time in market", "turnover": "Turnover (× equity)"}
_NAMES |= {"longest_drawdown_days": "Longest drawdown (days)", "alpha_pct": "Alpha a year"}
_NAMES |= {"longest_win_streak": "Longest winning streak", "longest_loss_streak": "Longest losing streak"}
_NAMES |= {"expectancy_pct": "Expectancy of a trade", "buy_and_hold_pct": "Price, first to last"}
_ENDS: dict[str, tuple[int | None, bool]] = {
    "sharpe": (2, False),
    "mean_trade": (None, True),
}
"""How the ends of an interval are written: decimals (None: those of money), whether signed."""

_VALUES = {"sharpe": "daily returns", "mean_trade": "round trips"}
"""What an interval is made of."""


def key_figures(result: Figures, money: Money) -> Markup:
    """The row of figures under the title."""
    per_year = result.get("periods_per_year")
    drawdown = result.get("max_drawdown_pct")
    years = f"{number(per_year, 0)} periods a year" if is_number(per_year) else ""
    basis = (
        f"{result['sharpe_basis']} returns, {years.replace('periods ', '')}" if result.get("sharpe_basis") else years
    )
    ends = _intervals(result, money)
    by_fills = between(result.get("net_profit_low"), result.get("net_profit_high"), money.decimals, signed=True)
    net = result.get("net_profit")
    other = f"fills: {by_fills}" if "net_profit_low" in result else ""
    shown = [
        _figure("Net profit", money.alone(net, signed=True), tone(net), other),
        _figure("Return", _signed_percent(result.get("return_pct")), tone(result.get("return_pct"))),
        _figure("Max drawdown", _percent(abs(drawdown) if is_number(drawdown) else None)),  # type: ignore[arg-type]
        _figure("Sharpe ratio", _ratio(result.get("sharpe")), "", ends["sharpe"], basis),
        _figure("Profit factor", _ratio(result.get("profit_factor"))),
        _figure("Win rate", _share(result.get("win_rate"))),
        _figure("Trades", _count(result.get("trades"))),
        _figure("Exposure", _percent(result.get("exposure_pct"))),
        _figure("Fees", money.alone(result.get("fees_paid"))),
    ]
    return tag("dl", *shown, class_="figures")


def statistics_rows(result: Figures, money: Money) -> list[tuple[str, str, str]]:
    """Key figures by name, each with its interval, or nothing in its place."""
    ends = _intervals(result, money)
    keys = (
        "net_profit",
        "return_pct",
        "max_drawdown_pct",
        "sharpe",
        "profit_factor",
        "win_rate",
        "mean_trade",
        "trades",
    )
    return [(_name(key), _formatted(key, result[key], money), ends.get(key, "")) for key in keys if key in result]


def compared_rows(result: Figures, money: Money) -> list[tuple[str, Markup]]:
    """Every figure of the groups by name, as it is written, with its interval."""
    ends = _intervals(result, money)
    keys = [key for group in _GROUPS.values() for key in group if key in result and _scalar(result[key])]
    return [
        (_name(key), Markup(escape(_formatted(key, result[key], money)) + _small(ends.get(key, "")))) for key in keys
    ]


def _figure(name: str, value: str, class_: str = "", *notes: str) -> Markup:
    small = [tag("small", note, title="95 % interval" if " to " in note else "") for note in notes if note]
    return tag("div", tag("dt", name), tag("dd", tag("span", value, class_=class_), *small))


def _intervals(result: Figures, money: Money) -> dict[str, str]:
    """The interval of every figure that has one, as it is read; empty text for the others."""
    sure = result.get("confidence") or {}
    found = {name: ends for name, ends in (sure.get("intervals") or {}).items() if name in (sure.get("made_of") or {})}
    made = dict.fromkeys(_ENDS, "")
    for key, (decimals, signed) in _ENDS.items():
        if key in found:
            low, high = found[key]
            made[key] = between(low, high, money.decimals if decimals is None else decimals, signed=signed)
    return made


def statistics(result: Figures, trades: pd.DataFrame, money: Money) -> Markup:
    """Every figure of the result in groups, and the trades split by side and by reason."""
    groups = [_group(title, result, keys, money) for title, keys in _GROUPS.items()]
    if other := result.get("benchmark"):
        why = {key.partition(".")[2]: text for key, text in (result.get("absent") or {}).items() if "." in key}
        title = f"Benchmark: {other.get('data')}, bought and held"
        groups.append(_group(title, {**other, "absent": why}, _BENCHMARK, money))
    known = _ELSEWHERE.union(*_GROUPS.values())
    groups.append(_group("Further figures", result, tuple(k for k in result if k not in known), money))
    split = (_split(trades, "direction", "By side", money), _split(trades, "exit_reason", "By reason of exit", money))
    parts = [tag("div", *groups, class_="groups")]
    if not trades.empty:
        parts.append(tag("div", *split, class_="splits"))
    return section("statistics", "Statistics", *parts, note=f"Amounts are in {money.name}. {_basis(result)}".strip())


def _basis(result: Figures) -> str:
    """How the intervals were made."""
    sure = result.get("confidence") or {}
    made = sure.get("made_of") or {}
    told = [f"{one['count']:,} {_VALUES[name]}, mean block {one['block']:.1f}" for name, one in made.items()]
    if not told:
        return ""
    return (
        f"Grey: {100 * sure['level']:.0f} % interval ({sure['method']}; {'; '.join(told)}), if this was the only "
        "setting that was tried."
    )


def _group(title: str, result: Figures, keys: tuple[str, ...], money: Money) -> Markup:
    ends, why = _intervals(result, money), result.get("absent") or {}
    rows = [
        (
            Markup(escape(_name(key)) + _small(why.get(key, ""))),
            tag("td", _formatted(key, result[key], money), _small(ends.get(key, ""))),
        )
        for key in keys
        if key in result and _scalar(result[key])
    ]
    return table((), rows, class_="figure-table", caption=title) if rows else Markup("")


def _small(text: str) -> Markup:
    return tag("small", text) if text else Markup("")


def _scalar(value: object) -> bool:
    return value is None or isinstance(value, int | float | str)


def _name(key: str) -> str:
    return _NAMES.get(key) or key.removesuffix("_pct").replace("_", " ").capitalize()


def _formatted(key: str, value: object, money: Money) -> str:
    if key in _AMOUNTS:
        return money.plain(value, signed=_AMOUNTS[key])
    chosen = _FORMATS.get(key) or (_percent if key.endswith("_pct") else _plain)
    return chosen(value) if is_number(value) else _plain(value)


def _split(trades: pd.DataFrame, column: str, title: str, money: Money) -> Markup:
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
                tag("td", money.plain(float(net.sum()), signed=True), class_=tone(float(net.sum()))),
                money.plain(float(net.mean()), signed=True),
                _ratio(gains / losses if losses else None),
                number(float(part["bars"].mean()), 1) if "bars" in part else NOTHING,
            )
        )
    head = (title, "trades", "win rate", "net profit", "mean", "profit factor", "bars held")
    return table(head, rows, class_="numbers")

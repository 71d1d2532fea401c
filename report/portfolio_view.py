"""The portfolio: what each instrument, strategy and venue brought, how they go together, and which orders were cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .desks import desks_of, profit_of
from .folder import Folder, microseconds
from .html import NOTHING, Markup, joined, number, section, table, tag, tone
from .money import Money
from .svg import curves_over_time

Floats = NDArray[np.float64]
Figures = Mapping[str, Mapping[str, Any]]
_CURVES = 8
"""Curves of one chart; of more the largest, and the others together."""
_COLUMNS = {
    "initial_cash": "capital",
    "net_profit": "net profit, share",
    "max_drawdown_pct": "max drawdown",
    "fees_paid": "fees",
    "trades": "trades",
    "orders": "orders",
    "exposure_pct": "time in market",
    "max_gross_pct": "largest",
    "mean_gross_pct": "mean",
}
"""What a table has of each, where it is known, and what it is called."""
_LEAST = 20
"""Periods that a correlation is taken of, at least."""
_PERIODS = (("daily", 86_400_000_000), ("hourly", 3_600_000_000))
_MOST_CUTS = 200
"""Rows of orders that were cut; all of them are in cuts.parquet."""


def portfolio(folder: Folder, money: Money) -> Markup:
    """Everything of several instruments or strategies; nothing where there is one of each."""
    instruments, strategies = (folder.result.get(key) or {} for key in ("instruments", "strategies"))
    if not instruments:
        return Markup("")
    desks = desks_of(folder)
    times = microseconds(folder.equity["time"])
    profits = [profit_of(folder, [desk], times) for desk in desks]
    curves = {"Profit by instrument": _summed((desk.data for desk in desks), profits)}
    if strategies:
        curves = {"Profit by strategy": _summed((desk.strategy for desk in desks), profits)} | curves
    plots = [_plot(title, folder, own) for title, own in curves.items()]
    tables = [
        _table("By strategy", strategies, folder, money) if strategies else Markup(""),
        _table("By instrument", instruments, folder, money),
        _venues(instruments, folder, money),
    ]
    together = [_correlations(title, folder, own) for title, own in curves.items()]
    parts = [tag("div", *filter(None, [*plots, *tables, *together]), class_="splits"), _cuts(folder)]
    note = (
        f"Amounts are in {money.name}. Profits are of fills, fees, payments and what is open at the end, and "
        "instruments add up to the account, less interest on borrowed cash. Largest and mean: what the position was "
        "worth, of the equity."
    )
    return section("portfolio", "Portfolio", *filter(None, parts), note=note)


def _summed(names: Iterable[str], profits: Iterable[Floats]) -> dict[str, Floats]:
    """Profits at every row of the equity, those of one name together."""
    made: dict[str, Floats] = {}
    for name, own in zip(names, profits, strict=True):
        made[name] = made[name] + own if name in made else own
    return made


def _plot(title: str, folder: Folder, curves: Mapping[str, Floats]) -> Markup:
    """The curves, the largest first, beside the account's, under a legend that tells them apart."""
    if not curves:
        return Markup("")
    names = sorted(curves, key=lambda name: -abs(float(curves[name][-1])))
    shown = {name: curves[name] for name in names[: _CURVES if len(names) <= _CURVES else _CURVES - 1]}
    if rest := [curves[name] for name in names if name not in shown]:
        shown[f"{len(rest)} others"] = np.asarray(np.sum(rest, axis=0))
    time = microseconds(folder.equity["time"]).astype(np.float64)
    value = folder.equity["value"].to_numpy(np.float64)
    whole = value - float(folder.result.get("initial_cash") or value[0])
    lines = [("account", "other-line", time, whole)]
    lines += [(name, f"run{i}", time, own) for i, (name, own) in enumerate(shown.items(), 1)]
    keys = [tag("span", "account")] + [tag("span", name, class_=f"run{i}") for i, name in enumerate(shown, 1)]
    return tag(
        "div", curves_over_time(title, lines), tag("p", joined(_spaced(keys)), class_="curve-keys"), class_="curves"
    )


def _spaced(parts: list[Markup]) -> list[Markup]:
    return [piece for part in parts for piece in (part, Markup(" "))]


def _table(title: str, each: Figures, folder: Folder, money: Money) -> Markup:
    """A row each, the largest profit first, and what is left to the account's."""
    net = float(folder.result.get("net_profit") or 0.0)
    rows: list[tuple[str, Mapping[str, Any]]] = sorted(each.items(), key=lambda x: -_profit(x[1]))
    rest = net - sum(map(_profit, each.values()))
    if abs(rest) >= 0.5 * 10.0**-money.decimals:
        rows.append(("interest" if title != "By strategy" else "not given out", {"net_profit": rest}))
    shown = [key for key in _COLUMNS if any(key in one for one in each.values())]
    cells = [(name, *(_cell(key, one, net, money) for key in shown)) for name, one in rows]
    return table((title, *(_COLUMNS[key] for key in shown)), cells, class_="numbers")


def _cell(key: str, one: Mapping[str, Any], net: float, money: Money) -> Markup:
    value = one.get(key)
    if key == "net_profit":
        share = f"{number(100.0 * _profit(one) / net, 1)} %" if net else NOTHING
        return tag("td", money.plain(value, signed=True), tag("small", share), class_=tone(value))
    if key in ("trades", "orders"):
        return tag("td", number(value, 0))
    return tag(
        "td",
        number(value, 2 if key.startswith("max_draw") else 1, " %") if key.endswith("_pct") else money.plain(value),
    )


def _profit(one: Mapping[str, Any]) -> float:
    return float(one.get("net_profit") or 0.0)


def _venues(instruments: Figures, folder: Folder, money: Money) -> Markup:
    """The same by venue, where there are several."""
    venues: dict[str, dict[str, Any]] = {}
    for one in instruments.values():
        own = venues.setdefault(str(one.get("venue") or NOTHING), {})
        for key in ("net_profit", "fees_paid", "trades", "orders"):
            own[key] = own.get(key, 0) + (one.get(key) or 0)
    return _table("By venue", venues, folder, money) if len(venues) > 1 else Markup("")


def _correlations(title: str, folder: Folder, curves: Mapping[str, Floats]) -> Markup:
    """How the profits of one period go together, of days where there are enough, else of hours."""
    times = microseconds(folder.equity["time"]) - 1
    for word, length in _PERIODS:
        frame = pd.DataFrame(dict(curves)).groupby(times // length).last()
        moves = frame.diff().iloc[1:]
        if len(moves) >= _LEAST:
            return _matrix(f"{title.replace('Profit', 'Correlation')}: {word} profits", moves)
    return Markup("")


def _matrix(title: str, moves: pd.DataFrame) -> Markup:
    """Correlations of columns, of which those that never move have none; of many the first."""
    names = [name for name in moves.columns if moves[name].std() > 0][: 2 * _CURVES]
    if len(names) < 2:
        return Markup("")
    found = moves[names].corr().to_numpy()
    rows = [
        (name, *(tag("td", number(found[i, k], 2), class_=_shade(found[i, k], i == k)) for k in range(len(names))))
        for i, name in enumerate(names)
    ]
    return table(("", *names), rows, class_="heat", caption=f"{title} ({len(moves)})")


def _shade(value: float, same: bool) -> str:
    """The class of a cell, by how far from 0 it is."""
    depth = 0 if same or not np.isfinite(value) else min(4, int(abs(value) * 5))
    return f"{'up' if value > 0 else 'down'}{depth}" if depth else ""


def _cuts(folder: Folder) -> Markup:
    """Orders that limits of the portfolio cut or left out: how many, of which instrument, and each of them."""
    table_ = folder.cuts
    if table_.empty:
        return Markup("")
    counts = pd.crosstab(table_["data"], table_["limit"])
    left_out = table_[table_["sent"] == 0].groupby("data").size()
    rows = [
        (name, *(number(int(n), 0) for n in own), number(int(left_out.get(name, 0)), 0))
        for name, own in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    head = ("Cut or left out by", *(str(limit).replace("_", " ") for limit in counts.columns), "of these left out")
    return joined(
        (
            table(head, rows, class_="numbers"),
            tag("details", tag("summary", f"Which orders: {len(table_):,}"), _each(table_)),
        )
    )


def _each(cuts: pd.DataFrame) -> Markup:
    """Each order that was cut, the first ones of many."""
    some = cuts.head(_MOST_CUTS)
    words = (some[name].astype(str) for name in ("time", "data", "side", "limit"))
    sizes = (some[name].to_numpy(np.float64) for name in ("asked", "sent"))
    rows = [
        (time[:16], data, side, limit.replace("_", " "), _size(asked, NOTHING), _size(sent, "nothing"))
        for time, data, side, limit, asked, sent in zip(*words, *sizes, strict=True)
    ]
    more = f" The first {_MOST_CUTS}; all are in cuts.parquet." if len(cuts) > _MOST_CUTS else ""
    head = ("close", "instrument", "side", "limit", "asked", "sent")
    note = tag("p", f"By the close at which they would have been sent.{more}", class_="note")
    return joined((note, tag("div", table(head, rows, class_="plain"), class_="tall")))


def _size(size: float, instead: str) -> Markup:
    """A size; ``instead`` where it is 0 or not known."""
    return tag("td", number(size, 6) if np.isfinite(size) and size else instead, class_="num")

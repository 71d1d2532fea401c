"""The page: the parts put together, and everything it may run named by digest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from ..backtest.results.ran_by import RAN, ran_by
from ..backtest.results.trial import words_of
from .analyzers_view import analyzers
from .config_view import assumptions, configuration, hints, provenance, warnings
from .data import packed_run
from .fills_view import tape_fills
from .flows_view import flows
from .folder import Folder
from .html import Markup, escape, number, tag
from .imbalances import imbalance_rule, imbalance_words
from .levels import packed_levels
from .library import chart_library
from .money import money_of
from .performance_view import performance
from .portfolio_view import portfolio
from .quality_view import quality
from .returns_view import returns
from .sessions import sessions_of
from .statistics_view import key_figures, statistics
from .still import still
from .trades_view import distribution, markouts

SCRIPTS = (
    "unpack.js",
    "series.js",
    "theme.js",
    "flow.js",
    "fills.js",
    "layers.js",
    "panes.js",
    "chart.js",
    "trades.js",
    "card.js",
    "app.js",
)
"""In the order in which they run; together they are one script."""


_SHOWN = 3
"""Feeds of one kind that the heading names one by one."""


def page(folder: Folder) -> str:
    """The whole report of one run."""
    library, app = chart_library(), app_script()
    levels = packed_levels(folder)
    result, money = folder.result, money_of(folder.result, folder.lock)
    first = folder.feeds[0] if folder.feeds else ""
    return Template(_asset("page.html")).substitute(
        policy=escape(policy(library, app)),
        title=escape(result.get("name") or folder.path.name),
        subtitle=_subtitle(folder),
        style=_asset("style.css"),
        figures=key_figures(result, money),
        still=still(folder, money),
        sessions=escape(sessions_of(folder, first).name),
        imbalance=escape(imbalance_words(imbalance_rule(folder, first))),
        warnings=warnings(result.get("warnings") or []),
        hints=hints(result.get("hints") or []),
        fills=tape_fills(result, money),
        flows=flows(folder, money),
        statistics=statistics(result, folder.trades, money),
        performance=performance(folder),
        portfolio=portfolio(folder, money),
        returns=returns(folder),
        analyzers=analyzers(result),
        distribution=distribution(folder.trades),
        markouts=markouts(result),
        quality=quality(folder),
        assumptions=assumptions([*(result.get("assumptions") or []), *_engine(result)]),
        configuration=configuration(folder.lock),
        provenance=provenance(folder.lock),
        library=library,
        app=app,
        run=packed_run(folder),
        levels=levels or "",
    )


def policy(*scripts: str) -> str:
    """A content policy under which only these scripts run and nothing is ever fetched."""
    digests = " ".join(f"'sha256-{_digest(s)}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def app_script() -> str:
    """Our own JavaScript as one script that leaves no names behind."""
    return "(() => {\n'use strict';\n" + "\n".join(_asset(name) for name in SCRIPTS) + "})();\n"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _subtitle(folder: Folder) -> Markup:
    """Period, feeds, bars, strategy, engine, and which trial on its data it is, in one line."""
    result = folder.result
    period = " to ".join(_moment(result[k]) for k in ("start", "end") if result.get(k))
    feeds = "; ".join(_feeds(folder.feeds, folder.data))
    bars = f"{number(result.get('bars'), 0)} bars" if result.get("bars") else ""
    engine = f"engine {result['engine']}" if result.get("engine") else ""
    parts = (period, feeds, bars, result.get("strategy"), engine, words_of(folder.path))
    line = tag("p", *(tag("span", x) for x in parts if x), class_="subtitle")
    told = (result.get("warnings") or [""])[0] if result.get("ruined_at") else ""
    return Markup(tag("p", told, class_="ruin") + line) if told else line


def _engine(result: dict[str, Any]) -> list[str]:
    """Which engine ran and why, as a sentence."""
    ran, why = result.get("engine"), result.get("engine_reason")
    told = ran_by(str(ran), str(why)) if ran in RAN and why else ""
    return [f"{told[:1].upper()}{told[1:]}."] if told else []


def _moment(value: object) -> str:
    """A time as people write it: no T, no zone where the page says UTC, no zero seconds.

    >>> _moment("2024-01-01T00:01:00+00:00"), _moment("2024-01-01T00:01:07Z")
    ('2024-01-01 00:01', '2024-01-01 00:01:07')
    """
    text = str(value).replace("T", " ").removesuffix("Z").removesuffix("+00:00")
    return text.removesuffix(":00") if text.count(":") == 2 else text


def _feeds(names: Sequence[str], told: Mapping[str, Any]) -> Iterator[str]:
    """The feeds, those of one kind together; of many the first two.

    >>> told = {name: {"feed": "BinanceKlines", "spec": "1m"} for name in ("btc", "eth", "sol", "xrp")}
    >>> [*_feeds(["btc"], told)], [*_feeds([*told], told)]
    (['btc BinanceKlines 1m'], ['btc, eth and 2 more, BinanceKlines 1m'])
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        facts = told.get(name) or {}
        kinds.setdefault(" ".join(str(x) for x in (facts.get("feed"), facts.get("spec")) if x), []).append(name)
    for kind, alike in kinds.items():
        if len(alike) > _SHOWN:
            yield f"{', '.join(alike[:2])} and {len(alike) - 2:,} more, {kind}".rstrip(", ")
        else:
            yield from (f"{name} {kind}".rstrip() for name in alike)

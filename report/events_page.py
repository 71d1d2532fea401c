"""An event study on one page: the tests, the mean move by horizon, by hour and by volatility, and capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .comparison import still_page
from .html import NOTHING, Markup, is_number, number, section, table, tag
from .svg import plot_around_0
from .trades_view import between

Row = Mapping[str, Any]
EVENTS_PAGE = "events.html"


def write_events_page(
    folder: Path, name: str, sentence: str, tests: Sequence[Row], parts: Sequence[Row], capacity: Sequence[Row]
) -> Path:
    """Write the page of a study into ``folder``; it needs no script.

    Parameters
    ----------
    folder : Path
        Of the study.
    name : str
        Of its config.
    sentence : str
        What may be said of all of it.
    tests, parts, capacity : sequence of mapping
        The rows of its tables.
    """
    inside = [_tests(tests, sentence), _plots(tests), _parts(parts), _capacity(capacity)]
    path = folder / EVENTS_PAGE
    path.write_text(still_page(f"{name} · events", inside), encoding="utf-8", newline="\n")
    return path


def _tests(tests: Sequence[Row], sentence: str) -> Markup:
    head = ("event", "bars", "events", "sessions", "bp", "95 %", "ticks", "deviations", "q", "over others, bp", "q", "")
    rows = [
        (
            row["event"],
            *(
                tag("td", cell, class_="num")
                for cell in (
                    number(row["horizon"], 0),
                    number(row["events"], 0),
                    number(row["sessions"], 0),
                    number(row["mean_bp"], 2, signed=True),
                    _interval(row),
                    number(row["mean_ticks"], 2, signed=True),
                    number(row["mean_vol"], 3, signed=True),
                    number(row["q"], 3),
                    number(row["excess_bp"], 2, signed=True),
                    number(row["q_permuted"], 3),
                )
            ),
            row["verdict"],
        )
        for row in tests
    ]
    return section("tests", "Tests", table(head, rows, class_="numbers"), note=sentence)


def _interval(row: Row) -> str:
    return between(row["low_bp"], row["high_bp"], 2, signed=True)


def _plots(tests: Sequence[Row]) -> Markup:
    """The mean move of each event over the horizons, with its interval."""
    events = dict.fromkeys(row["event"] for row in tests)
    plots = [_by_horizon(event, [row for row in tests if row["event"] == event]) for event in events]
    note = "Mean move in basis points from the next bar's open; the line is the 95 % interval, where one holds."
    return section("horizons", "By horizon", tag("div", *plots, class_="plots"), note=note)


def _by_horizon(event: str, rows: Sequence[Row]) -> Markup:
    known = [(i, row) for i, row in enumerate(rows) if is_number(row["mean_bp"])]
    if not known:
        return Markup("")
    ends = [row[key] for _, row in known for key in ("mean_bp", "low_bp", "high_bp") if is_number(row[key])]
    plot = plot_around_0((-0.5, len(rows) - 0.5), ends, event)
    for i, row in known:
        if is_number(row["low_bp"]):
            plot.line((i, row["low_bp"], i, row["high_bp"]), "run1", _interval(row))
        says = f"{row['horizon']} bars: {number(row['mean_bp'], 2, ' bp', signed=True)}, {row['events']} events"
        plot.dot(i, row["mean_bp"], "run1", says)
    plot.below([(i, f"{row['horizon']}") for i, row in enumerate(rows)])
    return plot.drawn()


def _parts(parts: Sequence[Row]) -> Markup:
    """Bars by hour and by volatility, for the longest horizon of each event, and a table of all."""
    plots = []
    for event in dict.fromkeys(row["event"] for row in parts):
        own = [row for row in parts if row["event"] == event]
        last = max(row["horizon"] for row in own)
        for by in ("hour", "volatility"):
            shown = [row for row in own if row["by"] == by and row["horizon"] == last]
            plots.append(_bars(f"{event}, {last} bars, by {by}", shown))
    rows = [
        (
            row["event"],
            number(row["horizon"], 0),
            row["by"],
            row["part"],
            *(tag("td", number(row[key], 0), class_="num") for key in ("events", "sessions")),
            tag("td", number(row["mean_bp"], 2, signed=True), class_="num"),
        )
        for row in parts
    ]
    head = ("event", "bars", "by", "part", "events", "sessions", "bp")
    note = "Hours are of UTC. No test was made of these parts, and the best of them is picked after the fact."
    inside = [tag("div", *plots, class_="plots"), table(head, rows, class_="plain")]
    return section("parts", "By hour and by volatility", *inside, note=note)


def _bars(title: str, rows: Sequence[Row]) -> Markup:
    if not rows:
        return Markup("")
    plot = plot_around_0((-0.5, len(rows) - 0.5), [row["mean_bp"] for row in rows], title, room=0.06)
    for i, row in enumerate(rows):
        says = f"{row['part']}: {number(row['mean_bp'], 2, ' bp', signed=True)}, {row['events']} events"
        plot.bar(i - 0.4, i + 0.4, float(row["mean_bp"]), "gain" if row["mean_bp"] > 0 else "loss", says)
    step = max(1, len(rows) // 6)
    plot.below([(i, str(row["part"])) for i, row in enumerate(rows) if i % step == 0])
    return plot.drawn()


def _capacity(capacity: Sequence[Row]) -> Markup:
    rows = [
        (row["event"], *(tag("td", number(row[key], 0), class_="num") for key in ("low", "median", "per_session")))
        for row in capacity
    ]
    share = number(100 * capacity[0]["share"], 2) if capacity else NOTHING
    note = f"{share} % of what traded in the bar after an event, in quote currency, without what it does to the price."
    head = ("event", "in nine of ten", "median", "a session")
    return section("capacity", "Capacity", table(head, rows, class_="numbers"), note=note)

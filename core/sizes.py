"""Classes of trade size: how edges and classes are written, and the columns that bars keep of each class."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from .schema import BAR_COLUMNS, Column

Edge = float | str
"""Notional in quote currency, or a percentile such as ``p99``."""

SIZED = (
    *("volume", "quote_volume", "twap_trade"),
    *("taker_buy_volume", "taker_sell_volume", "taker_buy_quote_volume", "taker_sell_quote_volume"),
    *("taker_buy_count", "taker_sell_count"),
)
"""Columns that bars can keep of every class."""
ALL = "all"
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([kKmMbB]?)")
_PERCENTILE = re.compile(r"p(\d+(?:\.\d+)?)")
_NAMED = r"p?\d+(?:p\d+)?[kMB]?"
_COLUMN = re.compile(rf"({'|'.join(sorted(SIZED, key=len, reverse=True))})_({_NAMED})_({_NAMED}|plus)")
SIZE_SAYS = "all, a class such as 1k-10k, 100k+ or p50-p99, or several with | between them"
"""What a size may be, in words."""


def parse_edge(value: Any) -> Edge:
    """One edge: a number, a text such as ``10k`` or ``1.5M``, or a percentile such as ``p99``.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> parse_edge(100), parse_edge("10k"), parse_edge("1.5M"), parse_edge("p99.50")
    (100.0, 10000.0, 1500000.0, 'p99.5')
    """
    if isinstance(value, str):
        text = value.strip()
        if hit := _PERCENTILE.fullmatch(text):
            if not 0 < float(hit[1]) < 100:
                raise ValueError(f"has the percentile {text}, which must lie between p0 and p100")
            return f"p{_plain(float(hit[1]))}"
        if hit := _AMOUNT.fullmatch(text):
            unit = hit[2].upper() if hit[2] in ("m", "b") else hit[2].lower() if hit[2] == "K" else hit[2]
            return float(Decimal(hit[1]) * _UNITS[unit])
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError(f"has {value!r}, which is no amount such as 1000 or 10k and no percentile such as p99")


def parse_size_edges(value: Any) -> tuple[float, ...] | tuple[str, ...]:
    """Where classes of size begin: ascending amounts of quote currency, or percentiles.

    Raises
    ------
    ValueError
        If they are neither.

    Examples
    --------
    >>> parse_size_edges([100, "1k"]), parse_size_edges(["p50", "p99.5"]), parse_size_edges(["1k", "10k", "100k"])
    ((100.0, 1000.0), ('p50', 'p99.5'), (1000.0, 10000.0, 100000.0))
    """
    wrong = (
        "must be ascending amounts of quote currency, as in [100, 1000] or [1k, 10k, 100k], or percentiles, as in "
        "[p50, p99]"
    )
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(wrong)
    try:
        edges = [parse_edge(part) for part in value]
    except ValueError:
        raise ValueError(wrong) from None
    amounts = [edge for edge in edges if isinstance(edge, float)]
    percents = [edge for edge in edges if isinstance(edge, str)]
    numbers = amounts or [float(edge[1:]) for edge in percents]
    ascending = all(a < b for a, b in pairwise(numbers)) or (len(amounts) == 2 and amounts[0] == amounts[1])
    if (amounts and percents) or not ascending or not numbers[0] > 0:
        raise ValueError(wrong)
    return tuple(amounts) or tuple(percents)


def block_edges(block: Mapping[str, Any]) -> tuple[Edge, ...]:
    """The edges that a data block names; none where it names none, or wrong ones, which is told elsewhere."""
    try:
        return parse_size_edges(block.get("size_edges"))
    except ValueError:
        return ()


def edge_text(edge: Edge) -> str:
    """An edge as it is written: the shortest text of the amount.

    Examples
    --------
    >>> [edge_text(edge) for edge in (100.0, 1_000.0, 2_500_000.0, 0.001, "p99")]
    ['100', '1k', '2.5M', '0.001', 'p99']
    """
    if isinstance(edge, str):
        return edge
    texts = [_plain(Decimal(repr(edge)) / unit) + letter for letter, unit in _UNITS.items()]
    return min(texts, key=len)


def _plain(number: float | Decimal) -> str:
    text = format(Decimal(str(number)), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


class SizeClass(NamedTuple):
    """Rows of the tape whose notional is at least ``low`` and below ``high``.

    Examples
    --------
    >>> [str(SizeClass(*span)) for span in ((0.0, 1e3), (1e3, 1e4), (1e5, float("inf")), ("p50", "p99"))]
    ['0-1k', '1k-10k', '100k+', 'p50-p99']
    >>> SizeClass(1e5, float("inf")).column("taker_buy_volume")
    'taker_buy_volume_100k_plus'
    """

    low: Edge
    high: Edge

    def __str__(self) -> str:
        return f"{edge_text(self.low)}+" if self.high == math.inf else f"{edge_text(self.low)}-{edge_text(self.high)}"

    def column(self, name: str) -> str:
        """The name of column ``name`` of this class."""
        high = "plus" if self.high == math.inf else edge_text(self.high).replace(".", "p")
        return f"{name}_{edge_text(self.low).replace('.', 'p')}_{high}"


def classes_between(edges: Sequence[Edge]) -> tuple[SizeClass, ...]:
    """The classes that edges make, lowest first; an edge belongs to the class above it.

    Examples
    --------
    >>> list(map(str, classes_between([1000.0, 10000.0])))
    ['0-1k', '1k-10k', '10k+']
    """
    bounds: list[Edge] = [0.0, *edges, math.inf]
    return tuple(SizeClass(low, high) for low, high in pairwise(bounds))


def columns_between(edges: Sequence[Edge]) -> tuple[str, ...]:
    """The columns that bars keep of the classes of these edges; none where there are no edges."""
    return tuple(span.column(name) for name in SIZED for span in classes_between(edges)) if edges else ()


def edges_between(classes: Iterable[SizeClass]) -> list[Edge]:
    """The edges that classes begin and end at, ascending."""
    bounds = {edge for span in classes for edge in span if edge not in (0.0, math.inf)}
    return sorted(bounds, key=_rank)


def _rank(edge: Edge) -> float:
    return float(edge[1:]) if isinstance(edge, str) else edge


@cache
def parse_size(text: str) -> tuple[SizeClass, ...]:
    """What a measure is asked for by ``size:``, ascending; none for ``all``.

    Raises
    ------
    ValueError
        If ``text`` is no size, which says nothing more, or with what is wrong with its parts.

    Examples
    --------
    >>> [str(part) for part in parse_size("10k-100k | 100k+")], parse_size("all")
    (['10k-100k', '100k+'], ())
    """
    if text.strip().lower() == ALL:
        return ()
    made = sorted((_span(part.strip()) for part in text.split("|")), key=lambda span: _rank(span.low))
    kinds = {type(edge) for span in made for edge in span if edge not in (0.0, math.inf)}
    if len(kinds) > 1:
        raise ValueError("has amounts and percentiles; take one of them")
    for before, behind in pairwise(made):
        if behind.low == 0.0 or _rank(behind.low) < _rank(before.high):
            raise ValueError(f"has {before} and {behind}, which overlap")
    return () if made == [SizeClass(0.0, math.inf)] else tuple(made)


def _span(text: str) -> SizeClass:
    low, dash, high = text.partition("-")
    if text.endswith("+") and not dash:
        low, high = text[:-1], "inf"
    elif not dash:
        raise ValueError
    try:
        span = SizeClass(parse_edge(low), math.inf if high == "inf" else parse_edge(high))
    except ValueError:
        raise ValueError from None
    if span.low == 0.0 or span.high == math.inf:
        return span
    if isinstance(span.low, str) == isinstance(span.high, str) and not _rank(span.low) < _rank(span.high):
        raise ValueError(f"has {text}, which ends before it begins")
    return span


@cache
def of_column(name: str) -> tuple[str, SizeClass] | None:
    """The column and the class that a column's name stands for; None where it stands for no class.

    Examples
    --------
    >>> of_column("taker_buy_volume_1k_2p5k")
    ('taker_buy_volume', SizeClass(low=1000.0, high=2500.0))
    >>> of_column("taker_buy_volume") is None
    True
    """
    hit = _COLUMN.fullmatch(name)
    if hit is None:
        return None
    low, high = (math.inf if part == "plus" else _edge_of(part) for part in hit.groups()[1:])
    return hit[1], SizeClass(low, high)


def _edge_of(part: str) -> Edge:
    return parse_edge(part[0] + part[1:].replace("p", "."))


def classes_in(columns: Iterable[str]) -> tuple[SizeClass, ...]:
    """The classes that some of ``columns`` are of, lowest first."""
    found = {known[1] for name in columns if (known := of_column(name))}
    return tuple(sorted(found, key=lambda span: (_rank(span.low), _rank(span.high))))


@cache
def sized_column(name: str) -> Column | None:
    """What a column of one class is; None where it is no such column."""
    known = of_column(name)
    if known is None:
        return None
    whole, span = BAR_COLUMNS[known[0]], known[1]
    mirror = span.column(whole.mirror) if whole.mirror else ""
    meaning = f"{whole.meaning}, of rows of {span} in notional"
    return Column(name, whole.unit, meaning, whole.dtype, whole.price, whole.size, mirror, whole.odd)


def parts_of(asked: Sequence[SizeClass], known: Sequence[SizeClass]) -> tuple[SizeClass, ...]:
    """Those of ``known`` that make up ``asked``; none where no choice of them does.

    Examples
    --------
    >>> held = classes_between([1e3, 1e4, 1e5])
    >>> [str(part) for part in parts_of(parse_size("1k-100k"), held)], parts_of(parse_size("1k-5k"), held)
    (['1k-10k', '10k-100k'], ())
    """
    made: list[SizeClass] = []
    for span in asked:
        at: Edge = span.low
        for part in known:
            if part.low == at and at != span.high and part.low != part.high:
                made.append(part)
                at = part.high
        if at != span.high:
            return ()
    return tuple(made)

"""Measures of one class of trade size: the parameter ``size``, in one place for all that have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars, Levels
from ...core.errors import InputError
from ...core.params import Text
from ...core.quote_levels import in_unit
from ...core.schema import USD_RATE
from ...core.sizes import (
    ALL,
    SIZE_SAYS,
    SIZED,
    Edge,
    SizeClass,
    block_edges,
    classes_between,
    classes_in,
    edge_text,
    edges_between,
    parse_size,
    parts_of,
)
from .inputs import Input

Floats = NDArray[np.float64]

RULE = Text(parse_size, SIZE_SAYS)
SAID = """\
size : str, default='all'
    Which rows of the tape count, by their notional in quote currency: a class such as ``1k-10k``, which holds rows
    of 1000 and more below 10000, ``100k+``, or several, as in ``0-1k|100k+``; percentiles as in ``p50-p99``. The
    classes begin and end at edges that ``size_edges`` of the data names. Amounts, notionals and counts are of those
    rows, and so are price rows, which need ``levels_by_size`` of the data; opens, highs, lows, closes and
    volatilities stay those of all rows.
"""
"""The paragraph of every docstring."""
_CLASSES = "size_classes"
_ROWS_REMEDY = "set levels_by_size: true beside size_edges on a feed of trades"
_COUNTS = ("taker_buy_count", "taker_sell_count")


@dataclass(frozen=True)
class OfSize:
    """A column of the rows of some classes.

    Parameters
    ----------
    column : str
        One of `core.sizes.SIZED`: added up, or for a mean price weighed by the rows whose side is known.
    classes : tuple of SizeClass
        Which.

    Examples
    --------
    >>> OfSize("volume", (SizeClass(0.0, 1e3), SizeClass(1e3, 1e4))).array({}, np.ones(2), np.full(2, 2.0)).tolist()
    [3.0, 3.0]
    """

    column: str
    classes: tuple[SizeClass, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        """The column of every class; behind a mean price the counts that weigh it."""
        mean = self.column == "twap_trade" and len(self.classes) > 1
        names = (self.column, *_COUNTS) if mean else (self.column,)
        return tuple(part.column(name) for part in self.classes for name in names)

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Of every bar."""
        if self.column == "twap_trade" and len(self.classes) > 1:
            return _mean(columns)
        made: Floats = np.array(columns[0], dtype=np.float64)
        for column in columns[1:]:
            made = made + column
        return made

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Of one bar."""
        return float(self.array(params, *(np.array([value]) for value in values))[0])


@dataclass(frozen=True)
class InUsd:
    """A column of quote currency in US dollars, at the rate known at the close of its bar.

    Parameters
    ----------
    column : str or OfSize
        In quote currency.

    Examples
    --------
    >>> InUsd("quote_volume").array({}, np.array([100.0, 200.0]), np.array([1.0, 0.5])).tolist()
    [100.0, 100.0]
    """

    column: str | OfSize

    @property
    def needs(self) -> tuple[str, ...]:
        """The column, of a size those of its classes; and the rate."""
        return (*((self.column,) if isinstance(self.column, str) else self.column.needs), USD_RATE)

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Of every bar."""
        *amounts, rate = columns
        amount = amounts[0] if isinstance(self.column, str) else self.column.array(params, *amounts)
        made: Floats = amount * rate
        return made

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Of one bar."""
        return float(self.array(params, *(np.array([value]) for value in values))[0])


def _mean(columns: Sequence[NDArray[Any]]) -> Floats:
    """Mean prices weighed by the counts that follow each; NaN where there are no rows."""
    total, rows = np.zeros(len(columns[0])), np.zeros(len(columns[0]))
    for price, bought, sold in zip(columns[::3], columns[1::3], columns[2::3], strict=True):
        count = bought + sold
        total = total + np.where(count == 0, 0.0, price * count)
        rows = rows + count
    return np.where(rows == 0, np.nan, total / np.where(rows == 0, 1.0, rows))


def documented(doc: str | None) -> str | None:
    """A docstring, without the indent of its source, with `SAID` as the last of its parameters."""
    head, inputs, tail = cleandoc(doc or "").partition("Inputs\n------")
    if not inputs:
        return doc
    title = "" if "Parameters\n----------" in head else "\nParameters\n----------\n"
    return f"{head.rstrip()}\n{title}{SAID}\n{inputs}{tail}"


def of_size(inputs: Sequence[Input], params: Mapping[str, Any]) -> tuple[Input, ...]:
    """What is read where ``params`` ask for a size: its classes, or the size as written."""
    asked = params.get(_CLASSES) or parse_size(params.get("size", ALL))
    if not asked:
        return tuple(inputs)
    return tuple(_sized(key, asked) for key in inputs)


def _sized(key: Input, asked: tuple[SizeClass, ...]) -> Input:
    if isinstance(key, InUsd) and isinstance(key.column, str):
        return InUsd(OfSize(key.column, asked))
    return OfSize(key, asked) if isinstance(key, str) and key in SIZED else key


def with_classes(kind: str, params: dict[str, Any], known: Iterable[str], feed: str) -> dict[str, Any]:
    """``params`` with the classes that make up the size.

    Raises
    ------
    InputError
        If the bars, whose columns are ``known``, have no such classes, with the edges to set.
    """
    asked = parse_size(params["size"])
    if not asked:
        return params
    held = classes_in(known)
    if parts := parts_of(asked, held):
        return {**params, _CLASSES: parts}
    raise InputError(f"{kind} {lacking(params['size'], asked, held, feed)}")


def column_of_size(bars: Bars, name: str, size: str) -> NDArray[Any]:
    """Column ``name`` of ``bars``, of the rows of a size.

    Raises
    ------
    InputError
        If the bars have no such classes.
    """
    made = with_classes(name, {"size": size}, bars.columns, bars.source or "bars")
    (key,) = of_size((name,), made)
    return bars[name] if isinstance(key, str) else key.array({}, *(bars[part] for part in key.needs))  # type: ignore[union-attr]


def levels_of_size(kind: str, levels: Levels, params: Mapping[str, Any], feed: str) -> Levels:
    """The price rows that ``params`` ask for.

    Raises
    ------
    InputError
        If they are of a size, and the bars do not keep rows by class.
    """
    classes = params.get(_CLASSES)
    if not classes:
        return levels
    if levels.classes is None:
        raise InputError(f"{kind} asks for price rows of {params['size']}, which {feed} does not keep: {_ROWS_REMEDY}")
    return levels.of(classes)


def levels_in_unit(levels: Levels, bars: Bars, params: Mapping[str, Any]) -> Levels:
    """Price rows of `levels_of_size`, in quote currency or US dollars where ``params`` ask for that ``unit``."""
    return in_unit(params["unit"], levels, bars.columns, params.get(_CLASSES) or ())


def check_guessed(kind: str, params: Mapping[str, Any]) -> None:
    """Refuse price rows of a size where rows are guessed from klines.

    Raises
    ------
    InputError
        Naming the size, and what keeps such rows.
    """
    if params.get(_CLASSES):
        raise InputError(f"{kind} asks for price rows of {params['size']}, which none guesses: set row_size")


def disagrees(params: Mapping[str, Any], block: Mapping[str, Any], gives: str, *, rows: bool) -> dict[str, str]:
    """A size that the edges of a data block, of a feed that ``gives`` a tape, do not make, or its ``rows``."""
    asked = parse_size(params["size"])
    edges = block_edges(block)
    held = classes_between(edges) if edges else ()
    if not asked or gives != "tape":
        return {}
    if parts_of(asked, held):
        asked_for = not rows or block.get("levels_by_size") is True
        return {} if asked_for else {"size": f"asks for price rows of {params['size']}: {_ROWS_REMEDY}"}
    return {"size": lacking(params["size"], asked, held, "the data block")}


def needs_two(edges: Sequence[Edge]) -> str:
    """Empty, or why there are no small, medium and large rows."""
    if len(edges) == 2:
        return ""
    classes = ", ".join(map(str, classes_between(edges)))
    return (
        f"small, medium and large need two size_edges, but the classes are {classes}; size: of TakerVolume or "
        "VolumeDelta asks for any of them"
    )


def lacking(size: str, asked: Sequence[SizeClass], held: Sequence[SizeClass], feed: str) -> str:
    """What to say of a size that bars do not keep."""
    wanted = edges_between(asked)
    kept = edges_between(held)
    if kept and type(kept[0]) is type(wanted[0]):
        wanted = edges_between([*asked, *held])
    edges = ", ".join(map(edge_text, wanted))
    keeps = f"keeps the classes {', '.join(map(str, held))}" if held else "keeps no classes of size"
    return f"asks for size {size}, but {feed} {keeps}: set size_edges: [{edges}] on a feed of trades"

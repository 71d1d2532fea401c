"""Indicators that read lines of other indicators: what a parameter refers to, and who is made before whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.errors import ParamError
from ...core.params import Text
from .inputs import ColumnSource

if TYPE_CHECKING:
    import pandas as pd

Uses = Mapping[str, tuple[Any, Mapping[str, Any]]]
"""Indicators of a run by name: class and parameters."""

_FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?")


def parse_reads(text: str) -> str:
    """``text``, if it may name a column or a line.

    Raises
    ------
    ValueError
        If it cannot.
    """
    if not _FORM.fullmatch(text):
        raise ValueError(f"'{text}' is no name")
    return text


READS = Text(parse_reads, "a column, or another indicator's name or name.line")
"""The rule of a parameter that says what to read."""


def references(cls: Any, params: Mapping[str, Any], names: Collection[str]) -> dict[str, tuple[str, str]]:
    """What the parameters of ``cls`` refer to among indicators called ``names``.

    Returns
    -------
    dict of str to (str, str)
        For each parameter that refers to one: its name, and its line, empty for the main one.
    """
    made: dict[str, tuple[str, str]] = {}
    for param, text in _said(cls, params):
        name, _, line = text.partition(".")
        if name in names:
            made[param] = (name, line)
    return made


def _said(cls: Any, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    asked = getattr(cls, "line_params", ())
    full = {**cls.defaults(), **params} if asked else {}
    yield from ((param, full[param]) for param in asked if isinstance(full[param], str))


def lines_read(cls: Any, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The lines that spelled-out ``params`` name, each once: ``name.line``, as no column is called.

    An indicator under backtrader is given them in this order, after its feed.
    """
    return tuple(dict.fromkeys(text for _, text in _said(cls, params) if "." in text))


def spelled_out(cls: Any, params: Mapping[str, Any], lines: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """``params`` with ``name.line`` wherever an indicator is named, given the lines of each.

    Examples
    --------
    >>> from tapeflow.indicators.z_score import ZScore
    >>> spelled_out(ZScore, {"of": "delta"}, {"delta": ("delta", "percent")})
    {'of': 'delta.delta'}
    """
    found = references(cls, params, lines)
    return {**params, **{param: f"{name}.{line or lines[name][0]}" for param, (name, line) in found.items()}}


def circle(name: str, uses: Uses) -> tuple[str, ...]:
    """The way from ``name`` over what it reads back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for other, _ in references(*uses[way[-1]], uses).values():
            if other == name:
                return (*way, name)
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def in_order(uses: Uses) -> list[str]:
    """The names, each after those it reads and otherwise as they stand.

    Raises
    ------
    ParamError
        If indicators read each other in a circle.
    """
    made: dict[str, None] = {}

    def place(name: str) -> None:
        if name in made:
            return
        if way := circle(name, uses):
            raise ParamError(f"indicators read each other in a circle: {' → '.join(way)}")
        for other, _ in references(*uses[name], uses).values():
            place(other)
        made[name] = None

    for name in uses:
        place(name)
    return list(made)


def all_over(bars: Bars, uses: Uses) -> dict[str, pd.DataFrame]:
    """The lines of every indicator over ``bars``, without a backtest; each may read the others'.

    Examples
    --------
    >>> from tapeflow.core.samples import sample_bars
    >>> from tapeflow.indicators.rolling import Rolling
    >>> from tapeflow.indicators.volume_delta import VolumeDelta
    >>> uses = {"mean": (Rolling, {"of": "delta.percent", "window": 2}), "delta": (VolumeDelta, {})}
    >>> all_over(sample_bars(3), uses)["mean"]["value"].round(4).tolist()
    [nan, 0.1412, -0.2346]
    """
    import pandas as pd

    index = ColumnSource(bars).index()
    return {name: pd.DataFrame(lines, index=index) for name, lines in arrays_over(bars, uses).items()}


def arrays_over(bars: Bars, uses: Uses) -> dict[str, dict[str, NDArray[np.float64]]]:
    """The same as arrays by line, for who needs no frames."""
    made: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name in in_order(uses):
        cls, params = uses[name]
        own = spelled_out(cls, params, {other: tuple(lines) for other, lines in made.items()})
        read: dict[str, Any] = {}
        for text in lines_read(cls, own):
            other, _, line = text.partition(".")
            if other in made and line in made[other]:
                read[text] = made[other][line]
        table = cls.table(bars.assign(**read) if read else bars, **own)
        made[name] = dict(zip(cls.line_names(**cls.resolve(own)), table, strict=True))
    return {name: made[name] for name in uses}

"""Whether two engines did the same, to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ...core.errors import DataError, TapeflowError
from ..recording.recorder import Fill
from .backtrader import through_backtrader
from .compiled.run import run_compiled

EQUITY = ("time", "value", "cash", "position")
_FILL = tuple(f.name for f in fields(Fill))


class UnequalError(TapeflowError):
    """Two engines did not do the same."""


def verify(config: RunConfig, sources: Mapping[str, Any]) -> str:
    """Run ``config`` in compiled code and in plain backtrader, and name the first difference; empty when there is none.

    Parameters
    ----------
    config : RunConfig
        A run that the compiled engine can do.
    sources : mapping of str to Source
        What was read for it.
    """
    return difference(run_compiled(config, sources), _stock(config, sources))


def verified(outcome: Any) -> dict[str, Any]:
    """What was compared with a run of the same config in plain backtrader, for the result; all of it equal.

    Raises
    ------
    UnequalError
        Naming the first difference.
    DataError
        If there is nothing to compare with: fills from the tape are not backtrader's.
    """
    config = outcome.config
    if config.fills.tape:
        raise DataError("verify: backtrader fills from bars; leave out fills: tape to compare with it")
    if found := difference(outcome, _stock(config, outcome.sources)):
        raise UnequalError(f"verify: engine {outcome.engine} and plain backtrader differ: {found}")
    orders, fills, bars = len(outcome.record.orders), len(outcome.record.fills), len(outcome.equity["time"])
    return {"against": "stock", "equal": True, "orders": orders, "fills": fills, "bars": bars}


def _stock(config: RunConfig, sources: Mapping[str, Any]) -> Any:
    """The run in plain backtrader."""
    return through_backtrader(config.model_copy(update={"engine": "stock", "verify": False}), dict(sources))


def difference(ours: Any, stock: Any) -> str:
    """The first difference between two outcomes: orders, fills, account, lines; empty when there is none."""
    return next(_differences(ours, stock), "")


def _differences(ours: Any, stock: Any) -> Iterator[str]:
    a, b = list(ours.record.orders.values()), list(stock.record.orders.values())
    for one, other in zip(a, b, strict=False):
        yield from _row(f"order {other['ref']}", one, other)
    if len(a) != len(b):
        yield f"{len(a)} orders, not {len(b)}"
    for i, (x, y) in enumerate(zip(ours.record.fills, stock.record.fills, strict=False), 1):
        yield from _row(
            f"fill {i}", dict(zip(_FILL, astuple(x), strict=True)), dict(zip(_FILL, astuple(y), strict=True))
        )
    if len(ours.record.fills) != len(stock.record.fills):
        yield f"{len(ours.record.fills)} fills, not {len(stock.record.fills)}"
    if ours.record.waits != stock.record.waits:
        yield f"{ours.record.waits} orders and bars that waited, not {stock.record.waits}"
    if ours.record.inside_unknown != stock.record.inside_unknown:
        yield f"{ours.record.inside_unknown} entries whose bars do not tell, not {stock.record.inside_unknown}"
    if ours.record.ruined_at != stock.record.ruined_at:
        yield f"ruined at {ours.record.ruined_at}, not {stock.record.ruined_at}"
    for name, mine, theirs in zip(EQUITY, ours.record.equity, stock.record.equity, strict=True):
        yield from _column(name, mine, theirs)
    yield from _lines(ours.strategy.indicators, stock.strategy.indicators)


def _row(what: str, ours: Mapping[str, Any], stock: Mapping[str, Any]) -> Iterator[str]:
    if ours.keys() != stock.keys():
        yield f"{what}: columns {sorted(ours)}, not {sorted(stock)}"
    for name, value in stock.items():
        if not same(ours[name], value):
            yield f"{what}: {name} is {ours[name]!r}, not {value!r}"


def same(a: Any, b: Any) -> bool:
    """Whether two values of a row are the same; numbers to the last bit and the sign of zero.

    >>> same(0, 0.0), same(0.0, -0.0), same(float("nan"), float("nan")), same("a", None)
    (True, False, True, False)
    """
    if isinstance(a, int | float) and isinstance(b, int | float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return bool(a == b)


def _column(what: str, ours: Any, stock: Any) -> Iterator[str]:
    mine, theirs = np.asarray(ours), np.asarray(stock)
    if len(mine) != len(theirs):
        yield f"{what}: {len(mine)} bars, not {len(theirs)}"
        return
    if mine.dtype.kind == theirs.dtype.kind == "f":
        equal = ((mine == theirs) & (np.signbit(mine) == np.signbit(theirs))) | (np.isnan(mine) & np.isnan(theirs))
    else:
        equal = mine == theirs
    for bar in np.flatnonzero(~equal)[:1]:
        yield f"{what} at bar {bar + 1} is {mine[bar].item()!r}, not {theirs[bar].item()!r}"


def _lines(ours: Mapping[str, Any], stock: Mapping[str, Any]) -> Iterator[str]:
    for name, made in stock.items():
        aliases: Sequence[str] = made.lines.getlinealiases()
        if tuple(ours[name].lines.getlinealiases()) != tuple(aliases):
            yield f"{name} has lines {ours[name].lines.getlinealiases()}, not {aliases}"
        for alias in aliases:
            array = np.array(getattr(made.lines, alias).array, dtype=np.float64)
            yield from _column(f"{name}.{alias}", getattr(ours[name].lines, alias).array, array)

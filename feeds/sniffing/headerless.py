"""Columns without names: told by what is in them, and what that leaves open is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...core.errors import DataError
from ..table_reader.convert import is_text
from ..table_reader.sheet import Sheet
from .figures import QUOTES, numbers_of

Numbers = Mapping[int, NDArray[np.float64]]
_WIDEST = 3.0
"""A high over its low in the middle bar, at most: volumes and counts lie further apart."""
_NEAR = 0.05
"""How far a bid and an ask are apart at most, as a share of either."""
_ORDERS = {(1, 2): (0, 1, 2, 3), (0, 1): (2, 0, 1, 3), (1, 0): (2, 1, 0, 3), (2, 3): (0, 2, 3, 1)}
"""Where open, high, low and close stand, by where the highest and the lowest do: the open comes before the close."""
_SIDES = {"buy", "sell", "b", "s", "bid", "ask", "a"}


@dataclass(frozen=True)
class Unnamed:
    """What the columns of a file without a header are.

    Parameters
    ----------
    roles : dict of str to int
        Where each role stands.
    bars : bool
        Whether the file holds bars.
    doubts : tuple of str
        What was taken for likely.
    """

    roles: dict[str, int]
    bars: bool
    doubts: tuple[str, ...] = ()


def unnamed(sheet: Sheet, places: tuple[int, ...], decimal: str, thousands: str, *, newest_first: bool) -> Unnamed:
    """The columns of a file without a header by what is in them; ``places`` hold the time.

    Four columns of which one is the highest and one the lowest of each row are the prices of bars, and volume is
    behind them. Else a price and a quantity are a trade, with an id, a bid and an ask, or the sum of the day's volume
    beside them.

    Raises
    ------
    DataError
        If they are neither, or quotes.
    """
    signed = {
        at: values
        for at, cells in enumerate(sheet.cells)
        if at not in places and (values := numbers_of(cells, decimal, thousands)) is not None
    }
    numbers = {at: v for at, v in signed.items() if not (v < 0).any() and not np.isnan(v).all()}
    usual, *others = _ORDERS
    made = _bars(numbers, [usual], newest_first) or _trades(sheet, numbers) or _bars(numbers, others, newest_first)
    if made:
        return Unnamed({**made.roles, **_market(sheet, places, signed)}, made.bars, made.doubts)
    if any((values < 0).any() for values in signed.values()):
        why = "one of them has a sign, which may be the side: a feed of the exchange reads it, else write it out"
    else:
        why = "what is what is not told; number them, as in columns: {time: 1, price: 2, quantity: 3}"
    raise DataError(
        f"{sheet.path}: {len(sheet.cells)} cells without names, of which {len(signed)} are numbers beside the time: "
        f"{why}"
    )


def _market(sheet: Sheet, places: tuple[int, ...], numbers: Numbers) -> dict[str, int]:
    """Where the market's name stands: text before the time, where rows hold several."""
    for at, cells in enumerate(sheet.cells[: places[0]]):
        if at not in numbers and is_text(cells) and len(set(cells.slice(0, 20_000).to_pylist())) > 1:
            return {"symbol": at}
    return {}


def _bars(numbers: Numbers, orders: Iterable[tuple[int, int]], newest_first: bool) -> Unnamed | None:
    """Four prices side by side, in one of some orders, and volume."""
    found = [at for at in sorted(numbers) if not np.isnan(numbers[at]).any() and (numbers[at] > 0).any()]
    for order in orders:
        for i in range(len(found) - 3):
            four = found[i : i + 4]
            if _is_candle([numbers[at] for at in four], *order):
                return _candle(numbers, four, order, newest_first)
    return None


def _is_candle(four: list[NDArray[np.float64]], high: int, low: int) -> bool:
    top, bottom = four[high], four[low]
    inside = all((top >= values).all() and (values >= bottom).all() for values in four)
    return inside and bool((bottom > 0).all()) and float(np.median(top / bottom)) < _WIDEST


def _candle(numbers: Numbers, four: list[int], order: tuple[int, int], newest_first: bool) -> Unnamed:
    places = [four[at] for at in _ORDERS[order]]
    doubts = []
    if order != (1, 2):
        doubts.append(
            f"columns: cells {four[order[0]] + 1} and {four[order[1]] + 1} are high and low by their values; of the "
            f"other two the first, cell {places[0] + 1}, is taken for the open"
        )
    opens, closes = numbers[places[0]], numbers[places[3]]
    if all((numbers[at] == opens).all() for at in places):
        doubts.append("columns: all bars are flat, so nothing tells open, high, low and close apart")
    if newest_first:
        opens, closes = opens[::-1], closes[::-1]
    if np.abs(closes[1:] - opens[:-1]).sum() * 2 < np.abs(opens[1:] - closes[:-1]).sum():
        places[0], places[3] = places[3], places[0]
        doubts = [
            f"columns: cell {places[0] + 1} is taken for the open and cell {places[3] + 1} for the close, since so "
            "each bar opens near the close before it"
        ]
    roles = dict(zip(("open", "high", "low", "close"), places, strict=True))
    volume, more = _volume(numbers, roles)
    if volume is not None:
        roles["volume"] = volume
    if more:
        shown = ", ".join(f"cell {at + 1}" for at in more[:6])
        doubts.append(f"volume: cell {(volume or 0) + 1} is taken for it; numbers too: {shown}")
    return Unnamed(roles, True, tuple(doubts))


def _volume(numbers: Numbers, roles: dict[str, int]) -> tuple[int | None, list[int]]:
    """The column of volume, and those that may be it as well."""
    high, low = numbers[roles["high"]], numbers[roles["low"]]
    prices = set(roles.values())
    behind = [at for at in sorted(numbers) if at > max(prices)]
    means = {at for at in behind if (high > low).any() and ((numbers[at] >= low) & (numbers[at] <= high)).all()}
    behind = [at for at in behind if at not in means]
    for total, part in pairwise(behind):
        if is_sum(numbers[total], numbers[part]):
            return part, []
    if not behind:
        before = [at for at in sorted(numbers) if at < min(prices)]
        return (before[-1] if before else None), before[:-1]
    return behind[0], [at for at in behind[1:] if numbers[at].any()]


def is_sum(total: NDArray[np.float64], part: NDArray[np.float64]) -> bool:
    """Whether one column is the sum of another up to each row, begun anew or not; in either order of rows.

    >>> is_sum(np.array([10.0, 12.0, 1.0]), np.array([3.0, 2.0, 1.0]))
    True
    >>> is_sum(np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    False
    """
    if not (total >= part).all() or len(np.unique(part)) < 2:
        return False
    steps = np.diff(total)
    anew = total[1:] == part[1:]
    forward = bool(((steps == part[1:]) | anew).all()) and bool((steps == part[1:]).any())
    return forward or bool((-steps == part[:-1]).all())


def _trades(sheet: Sheet, numbers: Numbers) -> Unnamed | None:
    """A price and a quantity, and what exports have beside them."""
    side = _side(sheet, numbers)
    there = [at for at in sorted(numbers) if at not in side.values()]
    empty = [at for at in there if not numbers[at].any()]
    left = f"columns: {', '.join(f'cell {at + 1}' for at in empty)}: nothing but 0, left out"
    places = [at for at in there if at not in empty]
    doubts = (left,) if empty else ()
    if places and _are_quotes([numbers[at] for at in places], bool(empty)):
        raise DataError(f"{sheet.path}: {QUOTES}")
    if len(places) == 1 and empty:
        raise DataError(f"{sheet.path}: holds prices of which every quantity is 0: quotes, and no trades")
    if summed := _beside_sum(numbers, places):
        return Unnamed({**summed, **side}, False, doubts)
    if len(places) == 3 and (at := _id(numbers, places)) is not None:
        places.remove(at)
        side["trade_id"] = at
    if len(places) == 2:
        return Unnamed({"price": places[0], "quantity": places[1], **side}, False, doubts)
    if len(places) != 4 or side:
        return None
    price, bid, ask, quantity = (numbers[at] for at in places)
    if _near(bid, ask) and _near(price, bid) and not _near(price, quantity) and (bid <= ask).all():
        return Unnamed(_with_quotes(*places), False, doubts)
    return None


def _with_quotes(price: int, bid: int, ask: int, quantity: int) -> dict[str, int]:
    return {"price": price, "bid": bid, "ask": ask, "quantity": quantity}


def _beside_sum(numbers: Numbers, places: list[int]) -> dict[str, int]:
    """A price and a quantity before the day's volume so far, and bid and ask behind it, as IQFeed writes them."""
    for i in range(1, len(places) - 1):
        price, quantity, total = places[i - 1 : i + 2]
        if is_sum(numbers[total], numbers[quantity]):
            behind = places[i + 2 : i + 4]
            if len(behind) == 2 and all(_near(numbers[price], numbers[at]) for at in behind):
                return _with_quotes(price, behind[0], behind[1], quantity)
            return {"price": price, "quantity": quantity}
    return {}


def _near(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two columns are prices of one thing."""
    return bool((np.abs(one - other) <= _NEAR * np.maximum(one, other)).all())


def _are_quotes(columns: list[NDArray[np.float64]], without_size: bool) -> bool:
    """A bid and an ask, with or without their sizes, and no price beside them."""
    if len(columns) not in (2, 4) or not _near(columns[0], columns[1]) or (columns[0] == columns[1]).all():
        return False
    fractions = bool((columns[1] != np.floor(columns[1])).any())
    ordered = bool((columns[0] <= columns[1]).all() or (columns[0] >= columns[1]).all())
    if len(columns) == 2:
        return ordered and (without_size or fractions)
    return ordered and not _near(columns[1], columns[2])


def _id(numbers: Numbers, places: list[int]) -> int | None:
    """The one column of whole numbers of which each is above, or below, the one before it; None for none or several."""
    steps = {at: np.diff(numbers[at]) for at in places if (numbers[at] == np.floor(numbers[at])).all()}
    found = [at for at, step in steps.items() if len(step) and ((step > 0).all() or (step < 0).all())]
    if len(found) > 1 and places[0] in found and not (numbers[places[1]] == np.floor(numbers[places[1]])).all():
        return places[0]  # prices have fractions, and ids come before them
    return found[0] if len(found) == 1 else None


def _side(sheet: Sheet, numbers: Numbers) -> dict[str, int]:
    """Where words for sides stand."""
    for at, cells in enumerate(sheet.cells):
        if at not in numbers and is_text(cells):
            words = {str(word).strip().lower() for word in cells.slice(0, 20_000).to_pylist() if word}
            if words and words <= _SIDES:
                return {"side": at}
    return {}

"""Who bought: whether the words of a column tell it, both of them known or neither taken; and a bid and an ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from ..csv_reader.decode import printable
from .convert import NO_SIDE

_ZEROS, _ONES = ("0", "0.0"), ("1", "+1", "1.0")


def half_known(seen: Collection[str], words: Mapping[str, int]) -> str:
    """Why the words of a column do not tell both sides: two, of which only one is known; empty where they do.

    A 0 beside a 1 is such a pair, though it is no side beside −1 and 1.

    >>> half_known({"0", "1"}, {"1": 1, "-1": -1}), half_known({"0", "1", "-1"}, {"1": 1, "-1": -1})
    ("holds '0' and '1', and nothing tells which of them is the buyer", '')
    >>> words = {"buy": 1, "b": 1, "sell": -1, "s": -1}
    >>> half_known({"b", "a"}, words), half_known({"b", "s", "x"}, words), half_known({"buy", ""}, words)
    ("holds 'a' and 'b', and nothing tells which of them is the buyer", '', '')
    """
    if len({words[word] for word in seen if word in words} - {0}) > 1:
        return ""
    strange = sorted(word for word in seen if word not in words and word not in NO_SIDE)
    known = sorted(word for word in seen if words.get(word))
    ones = [word for word in known if word in _ONES]
    zeros = sorted(word for word in seen if word in _ZEROS and word not in words)
    pair = sorted([*strange, *known, *zeros]) if strange else [*zeros[:1], *ones[:1]] if zeros and ones else []
    if len(pair) < 2 and not strange:
        return ""
    shown = " and ".join(repr(printable(word[:20])) for word in pair[:4])
    return f"holds {shown}, and nothing tells which of them is the buyer"


def only_ones(seen: Collection[str]) -> str:
    """Why a column of nothing but 1 tells no side: beside −1 it is a buy, beside 2 or 0 it may be either.

    >>> only_ones({"1", ""}), only_ones({"1", "-1"}), only_ones({"1", "buy"}), only_ones({"0"})
    ("holds only '1', and nothing tells whether that is a buy", '', '', '')
    """
    words = {word for word in seen if word not in NO_SIDE}
    if not words or not words <= set(_ONES):
        return ""
    return f"holds only '{min(words)}', and nothing tells whether that is a buy"


def by_quotes(price: NDArray[np.float64], bid: NDArray[np.float64], ask: NDArray[np.float64]) -> NDArray[np.int8]:
    """Sides of trades by the quotes at their time: at the ask or above +1, at the bid or below −1, else 0.

    So are trades at quotes that are crossed, locked or missing (NaN, or not above 0), where no side is told.

    >>> by_quotes(np.array([2.0, 1.0, 1.5, 2.0]), np.array([1.0, 1.0, 1.0, 2.0]), np.full(4, 2.0)).tolist()
    [1, -1, 0, 0]
    """
    whole = (bid < ask) & (bid > 0)
    return (((price >= ask) & whole).astype(np.int8) - ((price <= bid) & whole).astype(np.int8)).astype(np.int8)

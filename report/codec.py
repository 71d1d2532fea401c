"""Columns of numbers as few bytes: what the page carries and the browser unpacks.

A column becomes integers (``value × per``, rounded), their differences, zigzag so that small
magnitudes stay small, and then byte planes: all lowest bytes first, then all second bytes, … with
planes of zeros left out. gzip does the rest far better than on interleaved bytes.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from isal import igzip
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_LARGEST = 2.0**52
"""Integers the browser's doubles hold exactly with zigzag's extra bit."""


class Packer:
    """Columns and facts gathered into one compressed text.

    Examples
    --------
    >>> packer = Packer()
    >>> packer.numbers("close", [1.25, float("nan"), 1.5], per=100)
    >>> packer.text("side", ["buy", "sell", "buy"])
    >>> meta, columns = unpack(packer.packed(tick=0.01))
    >>> meta, columns["close"].tolist(), columns["side"]
    ({'tick': 0.01}, [1.25, nan, 1.5], ['buy', 'sell', 'buy'])
    """

    def __init__(self) -> None:
        self._specs: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def numbers(self, name: str, values: ArrayLike, per: float = 1.0) -> None:
        """Add a column; what is not finite arrives as NaN.

        Parameters
        ----------
        name : str
            Its key in the browser.
        values : array_like
            Any length, NaN allowed.
        per : float
            Steps in one unit: 100 keeps two decimals. Made coarser where a value would not fit.
        """
        numbers = np.asarray(values, dtype=np.float64)
        known = np.isfinite(numbers)
        per = _fitting(numbers[known], per)
        steps, order = _differences(np.rint(_carried(numbers, known) * per).astype(np.int64))
        zigzag = ((steps << 1) ^ (steps >> 63)).astype("<u8")
        planes = _planes(zigzag)
        self._add(name, b"".join(planes), n=len(numbers), per=per, order=order, planes=len(planes), nan=_runs(~known))

    def text(self, name: str, values: Sequence[str]) -> None:
        """Add a column of words, each word stored once."""
        words = sorted(set(values))
        place = {word: i for i, word in enumerate(words)}
        self.numbers(name, [place[v] for v in values])
        self._specs[name]["words"] = words

    def packed(self, **meta: Any) -> str:
        """The whole as base64 of gzip; the same input gives the same text."""
        header = json.dumps({"meta": meta, "columns": self._specs}, separators=(",", ":"), allow_nan=False).encode()
        body = b"".join([len(header).to_bytes(4, "little"), header, *self._parts])
        return base64.b64encode(igzip.compress(body, 3, mtime=0)).decode("ascii")

    def _add(self, name: str, data: bytes, **spec: Any) -> None:
        self._specs[name] = {**spec, "at": self._size}
        self._parts.append(data)
        self._size += len(data)


def unpack(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `Packer.packed` was given: the facts, and every column as numbers or words."""
    body = gzip.decompress(base64.b64decode(text))
    start = 4 + int.from_bytes(body[:4], "little")
    header = json.loads(body[4:start])
    columns: dict[str, Any] = {}
    for name, spec in header["columns"].items():
        numbers = _numbers(body[start + spec["at"] :], spec)
        words = spec.get("words")
        columns[name] = numbers if words is None else [words[int(i)] for i in numbers]
    return header["meta"], columns


def steps_per_unit(values: ArrayLike, digits: int = 4) -> float:
    """Steps in one unit that keep ``digits`` digits of a typical value, and no more than the values have.

    >>> steps_per_unit([10.25, 9.5, 11.75]), steps_per_unit([123456.789, 98765.4321]), steps_per_unit([])
    (100.0, 0.01, 1.0)
    """
    numbers = np.asarray(values, dtype=np.float64)
    numbers = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    if not len(numbers):
        return 1.0
    wanted = digits - math.floor(math.log10(float(np.median(numbers)))) - 1
    return 10.0 ** min(wanted, _decimals(numbers))


def _decimals(numbers: Floats) -> int:
    """Decimals the numbers are written with; 12 when they have no end."""
    for decimals in range(12):
        scaled = numbers * 10.0**decimals
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(scaled, 1.0)):
            return decimals
    return 12


def _fitting(numbers: Floats, per: float) -> float:
    most = float(np.max(np.abs(numbers))) if len(numbers) else 0.0
    return per if most * per < _LARGEST else _LARGEST / most / 2


def _carried(numbers: Floats, known: NDArray[np.bool_]) -> Floats:
    """NaN replaced by the last known value, 0 before the first: differences of zero cost nothing."""
    last = np.maximum.accumulate(np.where(known, np.arange(len(numbers)), -1)) if len(numbers) else np.zeros(0, int)
    return np.where(last >= 0, numbers[np.maximum(last, 0)], 0.0)


def _differences(whole: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    best, order = whole, 0
    steps = whole
    for tried in (1, 2):
        steps = np.diff(steps, prepend=0)
        if np.abs(steps).sum(dtype=np.float64) < np.abs(best).sum(dtype=np.float64):
            best, order = steps, tried
    return best, order


def _planes(zigzag: NDArray[np.uint64]) -> list[bytes]:
    count = (int(zigzag.max()).bit_length() + 7) // 8 if len(zigzag) else 0
    octets = zigzag.view(np.uint8).reshape(-1, 8)
    return [octets[:, k].tobytes() for k in range(count)]


def _runs(flags: NDArray[np.bool_]) -> list[int]:
    """Start and end of every run of True, flat: ``[start, end, start, end, …]``."""
    return [int(i) for i in np.flatnonzero(np.diff(np.r_[False, flags, False]))]


def _numbers(data: bytes, spec: dict[str, Any]) -> Floats:
    n = spec["n"]
    zigzag = np.zeros(n, dtype=np.uint64)
    for k in range(spec["planes"]):
        plane = np.frombuffer(data, np.uint8, n, k * n).astype(np.uint64)
        zigzag |= plane << np.uint64(8 * k)
    whole = (zigzag >> np.uint64(1)).astype(np.int64) ^ -(zigzag & np.uint64(1)).astype(np.int64)
    for _ in range(spec["order"]):
        whole = np.cumsum(whole)
    values: Floats = whole / spec["per"]
    for start, end in zip(spec["nan"][::2], spec["nan"][1::2], strict=True):
        values[start:end] = np.nan
    return values

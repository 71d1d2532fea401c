"""Values: columns of text or of numbers as a file had them, into floats, whole numbers, times and sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Found = tuple[NDArray[Any], Mask]
"""Values, and which of them could not be read."""

_Convert = Callable[[Any], NDArray[np.int64]]
UNITS = ("s", "ms", "us", "ns")
_DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
"""Decimal places between a unit and the nanosecond."""
_BANDS = {"s": 10**8, "ms": 10**11, "us": 10**14, "ns": 10**17}
"""From what number on a stamp is taken for one in this unit."""
_LATEST = 10**16
SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1}
NO_SIDE = ("", "unknown", "none", "null", "nan", "0", "0.0")
_NO_PRICE = 9_223_372_036.0
_NO_NUMBER = ("nan", "inf", "-inf", "infinity", "-infinity", "null", "none")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


def texts(cells: Any) -> Any:
    """Cells as text without blanks around it; null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return pc.utf8_trim_whitespace(pc.cast(cells, pa.string()))


def is_text(cells: Any) -> bool:
    """Whether cells hold text, categories of text included."""
    import pyarrow as pa

    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    views = getattr(pa.types, "is_string_view", lambda _: False)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind) or views(kind))


def empty(cells: Any) -> Mask:
    """Which cells hold nothing."""
    import pyarrow.compute as pc

    none = pc.fill_null(pc.equal(texts(cells), ""), True) if is_text(cells) else pc.is_null(cells)
    return _array(none).astype(bool)


def decimals(cells: Any) -> Found:
    """Cells as float64, each the nearest to what stands there; nothing, and infinity, is NaN.

    A number of single precision is taken for the shortest decimal that rounds to it: 100.1, not 100.0999985.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, bad = decimals(pa.array(["1e-05", " 7139.81", "x", "inf", None]))
    >>> values.tolist(), bad.tolist()
    ([1e-05, 7139.81, nan, nan, nan], [False, False, True, False, False])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float32(cells.type):  # what was kept in single precision means the shortest decimal that it can be
        cells = pc.cast(cells, pa.string())
    try:  # plain numbers throughout, as nearly always
        values = _array(pc.cast(cells, pa.float64(), safe=is_text(cells)))
        return np.where(np.isfinite(values), values, np.nan), np.zeros(len(values), bool)
    except pa.ArrowInvalid:
        found, none = texts(cells), empty(cells)
    none = none | _array(pc.is_in(pc.utf8_lower(found), pa.array(_NO_NUMBER))).astype(bool)
    good = _array(pc.fill_null(pc.match_substring_regex(found, _NUMBER), False)).astype(bool)
    values = _array(pc.cast(pc.if_else(pa.array(good), found, None), pa.float64()))
    return values, ~good & ~none


def fixed_point(cells: Any) -> Found:
    """Cells as float64 where whole numbers count billionths; the largest int64 stands for no price and is NaN.

    Text with a point anywhere in it is taken for plain decimals.

    Examples
    --------
    >>> import pyarrow as pa
    >>> fixed_point(pa.array(["4075250000000"]))[0].tolist(), fixed_point(pa.array(["4075.25"]))[0].tolist()
    ([4075.25], [4075.25])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values, bad = decimals(cells)
    if is_text(cells):
        fixed = not pc.any(pc.match_substring(texts(cells), ".")).as_py()
    else:
        fixed = pa.types.is_integer(cells.type)
    values = values / 1e9 if fixed else values
    return np.where(values >= _NO_PRICE, np.nan, values), bad


def integers(cells: Any) -> Found:
    """Cells as int64; what is no whole number, an id made of letters for one, is −1 and marked.

    Examples
    --------
    >>> import pyarrow as pa
    >>> integers(pa.array(["12", "f7496ecb"]))[0].tolist()
    [12, -1]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if not pa.types.is_floating(cells.type):
            return _array(pc.fill_null(pc.cast(cells, pa.int64()), -1)), empty(cells)
    except pa.ArrowInvalid:
        pass
    if pa.types.is_floating(cells.type):
        values = _array(cells)
        good = np.isfinite(values) & (np.floor(values) == values) & (np.abs(values) < 2.0**53)
        return np.where(good, values, -1).astype(np.int64), ~good
    found = texts(cells)
    good = _array(pc.fill_null(pc.match_substring_regex(found, r"^[+-]?[0-9]{1,18}$"), False)).astype(bool)
    values = _array(pc.fill_null(pc.cast(pc.if_else(pa.array(good), found, None), pa.int64()), -1))
    return values, ~good


def sides(cells: Any, words: Mapping[str, int], seen: set[str] | None = None) -> Found:
    """Cells as +1, −1 or 0 by ``words`` (lower case); those of `NO_SIDE` are 0 unless they are among the words.

    ``seen`` takes the words that there are.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, bad = sides(pa.array(["Buy", "s", "", "up"]), SIDES)
    >>> values.tolist(), bad.tolist()
    ([1, -1, 0, 0], [False, False, False, True])
    """
    import pyarrow as pa

    known = {**dict.fromkeys(NO_SIDE, 0), **words}
    found = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    spelled = [_spelled(word) for word in found.dictionary.to_pylist()]
    if seen is not None:
        seen.update(spelled)
    values = np.array([*(known.get(word, 2) for word in spelled), 0], np.int64)
    made = values[_array(found.indices.fill_null(len(spelled))).astype(np.intp)]
    return np.where(made == 2, 0, made), made == 2


def _spelled(word: object) -> str:
    return "" if word is None else str(word).strip().lower()


class Stamps:
    """Time stamps of one file in µs: seconds, ms, µs or ns since 1970, whole or with a fraction, or ISO text.

    Parameters
    ----------
    unit : {"auto", "s", "ms", "us", "ns", "iso"}
        ``auto`` takes numbers by the magnitude of the first and everything else for ISO text.

    Notes
    -----
    Fractions are taken digit by digit, never through a float; what is finer than a µs is cut off. Text without a
    zone is UTC; ``D``, ``T`` or a blank may stand between day and time, a point or a blank before the fraction.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, bad = Stamps().read(pa.array(["1696982287.4922", "x"]))
    >>> values.tolist(), bad.tolist()
    ([1696982287492200, 0], [False, True])
    >>> Stamps().read(pa.array(["2019-01-01D00:00:01.123456789"]))[0].tolist()
    [1546300801123456]
    """

    def __init__(self, unit: str = "auto") -> None:
        self.unit = unit

    def read(self, cells: Any) -> Found:
        """Times in µs; those of another magnitude than the unit's are marked."""
        import pyarrow as pa

        if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
            return _from_timestamps(cells)
        found = _as_text(cells)
        if self.unit == "auto":
            self.unit = _unit_of(found)
        if self.unit == "iso":
            return _each(_plain_iso, _iso, found)
        digits = _DIGITS[self.unit]
        micro, bad = _each(lambda part: _plain_scaled(part, digits), lambda part: _scaled(part, digits), found)
        return micro, bad | (micro < _BANDS[self.unit] * 10**digits // 1000) | (micro >= _LATEST * 10)


def _as_text(cells: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_floating(cells.type):
        # A float's shortest text brings back the digits that were meant.
        return pa.array([None if v is None else repr(v) for v in cells.to_pylist()], pa.string())
    return cells if pa.types.is_string(cells.type) else texts(cells)


def _unit_of(found: Any) -> str:
    """What the first stamp is, by its magnitude."""
    for cell in found:
        if text := (cell.as_py() or "").strip():
            try:
                size = abs(float(text))
            except ValueError:
                return "iso"
            return next((unit for unit in reversed(UNITS) if size >= _BANDS[unit]), "s")
    return "s"


def _each(plain: _Convert, thorough: _Convert, found: Any) -> Found:
    """All cells at once where they are plain; else thoroughly, at once or one by one."""
    import pyarrow as pa

    if not found.null_count:
        for convert, cells in ((plain, found), (thorough, texts(found))):
            try:
                return convert(cells), np.zeros(len(found), bool)
            except pa.ArrowInvalid:
                continue
    cells, none = texts(found), empty(found)
    made, bad = np.zeros(len(found), np.int64), np.ones(len(found), bool)
    for i in np.flatnonzero(~none):
        try:
            made[i] = thorough(cells.slice(int(i), 1))[0]
            bad[i] = False
        except pa.ArrowInvalid:
            continue
    return made, bad


def _plain_scaled(found: Any, digits: int) -> NDArray[np.int64]:
    """Decimal text of at most ``digits`` places in µs, those places making nanoseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made = pc.cast(found, pa.decimal128(38, digits))
    halves = np.frombuffer(made.buffers()[1], np.int64)[2 * made.offset : 2 * (made.offset + len(made))]
    if (halves[1::2] != 0).any() or (halves[::2] < 0).any():
        raise pa.ArrowInvalid("before 1970, or more than 63 bits of nanoseconds")
    micro: NDArray[np.int64] = halves[::2] // 1000
    return micro


def _scaled(found: Any, digits: int) -> NDArray[np.int64]:
    """The same of text with more places, which are cut off."""
    import pyarrow.compute as pc

    cut = r"\.[0-9]*$" if digits == 0 else rf"(\.[0-9]{{{digits}}})[0-9]+$"
    short = pc.replace_substring_regex(found, pattern=cut, replacement="" if digits == 0 else r"\1")
    return _plain_scaled(pc.replace_substring_regex(short, pattern=r"\.$", replacement=""), digits)


def _plain_iso(found: Any) -> NDArray[np.int64]:
    """ISO text in µs, all with a zone or all without; ``D`` may stand before the time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first = found[0].as_py() if len(found) else ""
    if first[10:11] == "D":
        found = pc.utf8_replace_slice(found, 10, 11, "T")
    zoned = first.endswith("Z") or first[-6:-5] in ("+", "-")
    made = pc.cast(found, pa.timestamp("ns", "UTC") if zoned and len(first) > 10 else pa.timestamp("ns"))
    nano: NDArray[np.int64] = _array(pc.cast(made, pa.int64()))
    return nano // 1000


def _iso(found: Any) -> NDArray[np.int64]:
    """The same of text in other spellings."""
    import pyarrow.compute as pc

    plain = pc.replace_substring_regex(found, pattern=r"(:[0-9]{2}) ([0-9]{3})$", replacement=r"\1.\2")
    plain = pc.replace_substring_regex(plain, pattern=r" ?(UTC|Z|\+00:?00)$", replacement="")
    plain = pc.replace_substring_regex(plain, pattern=r"(\.[0-9]{9})[0-9]+$", replacement=r"\1")
    return _plain_iso(plain)


def _from_timestamps(cells: Any) -> Found:
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = getattr(cells.type, "tz", None)
    unit = "ns" if getattr(cells.type, "unit", "us") == "ns" else "us"
    values = _array(pc.fill_null(pc.cast(pc.cast(cells, pa.timestamp(unit, zone)), pa.int64()), 0))
    return values // (1000 if unit == "ns" else 1), empty(cells)


def _array(cells: Any) -> NDArray[Any]:
    made: NDArray[Any] = cells.to_numpy(zero_copy_only=False)
    return made

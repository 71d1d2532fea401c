"""Values: columns of text or of numbers as a file had them, into floats, whole numbers and sides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Found = tuple[NDArray[Any], Mask]
"""Values, and which of them could not be read."""

SIDES = {"buy": 1, "b": 1, "sell": -1, "s": -1}
NO_SIDE = ("", "unknown", "none", "null", "nan", "0", "0.0")
_NO_PRICE = 9_223_372_036.0
_NO_NUMBER = ("nan", "inf", "-inf", "infinity", "-infinity", "null", "none")
_NOTHING = r"^(-{1,2}|\.|[Nn]/?[Aa])$"
_CURRENCY = (r"^([+-]?) ?[$€£¥₹] ?", r" ?[$€£¥₹]$")
_WORDS = (("[Kk]", "e3"), ("[Mm]", "e6"), ("[Bb]", "e9"), ("[Tt]", "e12"))
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


def plain_numbers(cells: Any, decimal: str, thousands: str) -> Any:
    """Text of numbers with a point before the fraction and nothing between the thousands.

    >>> import pyarrow as pa
    >>> plain_numbers(pa.array(["1.234,5"]), ",", ".").to_pylist()
    ['1234.5']
    """
    import pyarrow.compute as pc

    if (decimal == "." and not thousands) or not is_text(cells):
        return cells
    found = texts(cells)
    found = pc.replace_substring(found, thousands, "") if thousands else found
    return pc.replace_substring(found, decimal, ".") if decimal != "." else found


def written_out(cells: Any) -> Any:
    """Text of numbers without signs of currency, its thousands to trillions written out, dashes as nothing.

    >>> import pyarrow as pa
    >>> written_out(pa.array(["$192.42", "44.59M", "1.2K", "-$3", "-", "12"])).to_pylist()
    ['192.42', '44.59e6', '1.2e3', '-3', '', '12']
    """
    import pyarrow.compute as pc

    found = texts(cells)
    for pattern, instead in zip((*_CURRENCY, _NOTHING), (r"\1", "", ""), strict=True):
        found = pc.replace_substring_regex(found, pattern=pattern, replacement=instead)
    for word, power in _WORDS:
        found = pc.replace_substring_regex(found, pattern=f"([0-9.]) ?{word}$", replacement=rf"\1{power}")
    return found


def number_hint(text: str, decimal: str) -> str:
    """Which parameter reads a number that is written as elsewhere, for complaints.

    >>> number_hint("1,5", "."), number_hint("1,234.5", "."), number_hint("x", ".")
    ("; decimal: ',' reads it", "; thousands: ',' reads it", '')
    """
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d*", text.strip()):
        return "; thousands: ',' reads it"
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+", text.strip()):
        return "; decimal: ',' with thousands: '.' reads it"
    return "; decimal: ',' reads it" if decimal == "." and re.fullmatch(r"[+-]?\d*,\d+", text.strip()) else ""


def empty(cells: Any) -> Mask:
    """Which cells hold nothing."""
    import pyarrow.compute as pc

    none = pc.fill_null(pc.equal(texts(cells), ""), True) if is_text(cells) else pc.is_null(cells)
    return as_array(none).astype(bool)


def decimal_column(cells: Any) -> Found:
    """Cells as float64, each the nearest to what stands there; nothing, and infinity, is NaN.

    A number of single or half precision is taken for the shortest decimal that rounds to it: 100.1, not 100.0999985.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, bad = decimal_column(pa.array(["1e-05", " 7139.81", "x", "inf", None]))
    >>> values.tolist(), bad.tolist()
    ([1e-05, 7139.81, nan, nan, nan], [False, False, True, False, False])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float32(cells.type) or pa.types.is_decimal(cells.type):
        # What was kept in single precision means the shortest decimal that it can be; of a decimal arrow makes the
        # nearest float by way of its text only.
        cells = pc.cast(cells, pa.string())
    elif pa.types.is_float16(cells.type):  # arrow writes out what half a float comes to, numpy what it means
        cells = pa.array(as_array(cells).astype(str))
    try:  # plain numbers throughout, as nearly always
        values = as_array(pc.cast(cells, pa.float64(), safe=is_text(cells)))
        return np.where(np.isfinite(values), values, np.nan), np.zeros(len(values), bool)
    except pa.ArrowInvalid:
        found, none = texts(cells), empty(cells)
    none = none | as_array(pc.is_in(pc.utf8_lower(found), pa.array(_NO_NUMBER))).astype(bool)
    good = as_array(pc.fill_null(pc.match_substring_regex(found, _NUMBER), False)).astype(bool)
    values = as_array(pc.cast(pc.if_else(pa.array(good), found, None), pa.float64()))
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

    values, bad = decimal_column(cells)
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
            return as_array(pc.fill_null(pc.cast(cells, pa.int64()), -1)), empty(cells)
    except pa.ArrowInvalid:
        pass
    if pa.types.is_floating(cells.type):
        values = as_array(cells)
        good = np.isfinite(values) & (np.floor(values) == values) & (np.abs(values) < 2.0**53)
        return np.where(good, values, -1).astype(np.int64), ~good
    found = texts(cells)
    good = as_array(pc.fill_null(pc.match_substring_regex(found, r"^[+-]?[0-9]{1,18}$"), False)).astype(bool)
    values = as_array(pc.fill_null(pc.cast(pc.if_else(pa.array(good), found, None), pa.int64()), -1))
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
    made = values[as_array(found.indices.fill_null(len(spelled))).astype(np.intp)]
    return np.where(made == 2, 0, made), made == 2


def _spelled(word: object) -> str:
    return "" if word is None else str(word).strip().lower()


def as_array(cells: Any) -> NDArray[Any]:
    """Cells of arrow as an array of numpy."""
    made: NDArray[Any] = cells.to_numpy(zero_copy_only=False)
    return made

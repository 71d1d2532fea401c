"""Times in ISO 8601 and in spellings that mean the same to everybody: year first, then month, then day."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_ZONED = re.compile(rf".{{11,}}{_ZONE}")
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO = rf"^{_DAY}[T ][0-9]{{2}}(:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?)?{_ZONE.replace('$', '')}$"
_REWRITTEN = (
    (r"^([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})([^0-9./]|$)", r"\1-\2-\3\4"),
    (r"^([0-9]{4}-[0-9]{2}-[0-9]{2})D", r"\1T"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})([T ]|$)", r"\1-\2-\3\4"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$", r"\1-\2-\3T\4:\5:00"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$", r"\1-\2-\3T\4:\5:\6"),
    (r"^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})$", r"\1-\2-\3T\4:\5:\6.\7"),
    (r"^([0-9]{4})-([0-9])-", r"\1-0\2-"),
    (r"^([0-9]{4}-[0-9]{2})-([0-9])([T ]|$)", r"\1-0\2\3"),
    (rf"^({_DAY})[T ] *([0-9]):", r"\1T0\2:"),
    (rf"^({_DAY}) +([0-9])", r"\1T\2"),
    (rf"^({_DAY})T([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})([0-9]{{3}})$", r"\1T\2:\3:\4.\5"),
    (rf"^({_DAY})T([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})", r"\1T\2:\3:\4"),
    (rf"^({_DAY})T([0-9]{{2}})([0-9]{{2}})($|Z|[ +-])", r"\1T\2:\3\4"),
    (r"(:[0-9]{2})[ ,]([0-9]{3,9})($|[^0-9])", r"\1.\2\3"),
    (r"(\.[0-9]{9})[0-9]+", r"\1"),
    (r"\[[A-Za-z_/+-]+\]$", ""),
    (r"([+-][0-9]{2}:?[0-9]{2}) (UTC|GMT|Z)$", r"\1"),
    (r"([0-9]) ?(UTC|GMT|Z|z)$", r"\1Z"),
    (r"([0-9]) ([+-][0-9]{2}(:?[0-9]{2})?)$", r"\1\2"),
    (rf"^({_DAY})$", r"\1T00:00:00"),
)
"""What is written otherwise, and how ISO 8601 has it; each step on what the one before made."""
_DATE_DIGITS = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DIGITS = re.compile(rf"{_DATE_DIGITS}(?:(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{{3}})?)?)?")


def is_date_digits(text: str) -> bool:
    """Whether a whole number is a date, with a time behind it or not, rather than a count since 1970.

    As a count it would lie before 1977 or after 2200.

    >>> is_date_digits("20240131"), is_date_digits("20240131093000"), is_date_digits("1704067200000")
    (True, True, False)
    """
    return _DIGITS.fullmatch(text) is not None


def plain_iso(found: Any) -> tuple[Integers, Mask]:
    """ISO text in µs, all with a zone or all without: epoch µs, or as clocks show them; and which have one.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a text is another.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    first = found[0].as_py() if len(found) else ""
    if first[10:11] == "D":
        found = pc.utf8_replace_slice(found, 10, 11, "T")
    zoned = _ZONED.fullmatch(first) is not None
    made = pc.cast(found, pa.timestamp("ns", "UTC") if zoned else pa.timestamp("ns"))
    nano: Integers = pc.cast(made, pa.int64()).to_numpy(zero_copy_only=False)
    return nano // 1000, np.full(len(nano), zoned)


def any_iso(found: Any) -> tuple[Integers, Mask, Mask]:
    """Text in any of the spellings: its time, whether it has a zone, and whether it could not be read.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, zoned, bad = any_iso(pa.array(["20240102 093000", "2024/1/2 9:30", "2024-01-02 15:00:00+0530", "x"]))
    >>> (values - values[0]).tolist()[:3], zoned.tolist(), bad.tolist()
    ([0, 0, 0], [False, False, True, False], [False, False, False, True])
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = found
    for pattern, instead in _REWRITTEN:
        plain = pc.replace_substring_regex(plain, pattern=pattern, replacement=instead)
    zoned = _mask(pc.match_substring_regex(plain, rf"^.{{11,}}{_ZONE}"))
    plain = pc.if_else(pa.array(zoned), plain, pc.binary_join_element_wise(plain, "Z", ""))
    good = _mask(pc.match_substring_regex(plain, _ISO))
    plain = pc.if_else(pa.array(good), plain, None)
    try:
        return _epoch(plain), zoned & good, ~good
    except pa.ArrowInvalid:  # a month 13, say: one by one
        made = np.zeros(len(found), np.int64)
        for i in np.flatnonzero(good).tolist():
            try:
                made[i] = _epoch(plain.slice(i, 1))[0]
            except pa.ArrowInvalid:
                good[i] = False
        return made, zoned & good, ~good


def _epoch(plain: Any) -> Integers:
    import pyarrow as pa
    import pyarrow.compute as pc

    made = pc.fill_null(pc.cast(pc.cast(plain, pa.timestamp("ns", "UTC")), pa.int64()), 0)
    micro: Integers = made.to_numpy(zero_copy_only=False) // 1000
    return micro


def _mask(cells: Any) -> Mask:
    import pyarrow.compute as pc

    made: Mask = pc.fill_null(cells, False).to_numpy(zero_copy_only=False).astype(bool)
    return made

"""Times in a spelling that is said: formats of ``strptime`` over whole columns, and which of them fit a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import DAY, HOUR, MINUTE, SECOND

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = {
    "Y": ("year", r"\d{4}"),
    "y": ("short_year", r"\d{2}"),
    "m": ("month", r"\d{1,2}"),
    "d": ("day", r"\d{1,2}"),
    "b": ("month_name", r"[A-Za-z]{3}"),
    "B": ("month_name", r"[A-Za-z]{3,9}"),
    "j": ("day_of_year", r"\d{1,3}"),
    "H": ("hour", r"\d{1,2}"),
    "I": ("hour12", r"\d{1,2}"),
    "M": ("minute", r"\d{1,2}"),
    "S": ("second", r"\d{1,2}"),
    "f": ("fraction", r"\d{1,9}"),
    "p": ("half", r"[AaPp]\.?[Mm]\.?"),
    "z": ("offset", r"Z|[+-]\d{2}(?::?\d{2})?"),
    "a": ("", r"[A-Za-z]{3}"),
    "A": ("", r"[A-Za-z]{6,9}"),
    "Z": ("", r"UTC|GMT"),
}
"""What each letter stands for, and its text; of two digits exactly where no other character parts it from digits."""
_ALIKE = {"%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%T": "%H:%M:%S", "%R": "%H:%M"}
_DATES: tuple[str, ...] = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
)
_DATES += ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%b %d, %Y", "%b %d %Y", "%B %d, %Y", "%d %B %Y", "%d%b%Y", "%Y-%m-%d")
_TIMES: tuple[str, ...] = (
    "%H:%M:%S",
    "%H:%M",
    "%H:%M:%S.%f",
    "%I:%M:%S %p",
    "%I:%M %p",
    "%I:%M:%S%p",
    "%I:%M%p",
    "%I:%M:%S.%f %p",
    "%I:%M:%S.%f%p",
    "%H%M%S",
    "%H%M",
    "%H:%M:%S.%f GMT%z",
    "%H:%M:%S%z",
    "%H:%M:%S %z",
    "%I-%p",
)
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "hour12": (1, 12), "minute": (0, 59), "second": (0, 59)}


def parse_format(text: str) -> str:
    """A format as it is used: the composed letters written out.

    Raises
    ------
    ValueError
        For a letter that is unknown or comes twice, or a date that is not whole.

    Examples
    --------
    >>> parse_format("%F %T")
    '%Y-%m-%d %H:%M:%S'
    """
    for short, long in _ALIKE.items():
        text = text.replace(short, long)
    letters = re.findall(r"%(.?)", text.replace("%%", ""))
    unknown = [letter for letter in letters if letter not in _PARTS]
    if unknown or not letters:
        what = f"%{unknown[0]}" if unknown else repr(text)
        raise ValueError(f"{what} is no time format; it is made of {' '.join('%' + p for p in _PARTS)} as of strptime")
    names = [name for letter in letters if (name := _PARTS[letter][0])]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"'{text}' has the {twice.replace('_', ' ')} twice")
    have = set(names)
    dated = bool(have & {"year", "short_year"}) and ("day_of_year" in have or _has_day(have))
    if not dated and have & {"year", "short_year", "month", "month_name", "day", "day_of_year"}:
        raise ValueError(f"'{text}' has no whole date; it needs year, month and day, as in %Y-%m-%d")
    if not dated and not have & {"hour", "hour12"}:
        raise ValueError(f"'{text}' has neither date nor hour")
    if ("hour12" in have) != ("half" in have):
        raise ValueError(f"'{text}': %I and %p, AM or PM, belong together")
    return text


def _has_day(have: set[str]) -> bool:
    return "day" in have and bool(have & {"month", "month_name"})


def has_date(form: str) -> bool:
    """Whether times of a format have a date of their own.

    >>> has_date("%d.%m.%Y"), has_date("%H:%M")
    (True, False)
    """
    return "%Y" in form or "%y" in form


@lru_cache(maxsize=64)
def _pattern(form: str) -> str:
    """Regular expression of a format, its parts named."""
    made, at = "", 0
    for hit in re.finditer(r"%(.)", form):
        made += re.escape(form[at : hit.start()]).replace(r"\ ", " +")
        at = hit.end()
        if hit[1] == "%":
            made += "%"
            continue
        name, text = _PARTS[hit[1]]
        joined = form[at : at + 1] == "%" or (hit.start() >= 2 and form[hit.start() - 2] == "%")
        if joined and text == r"\d{1,2}":
            text = r"\d{2}"
        made += f"(?P<{name}>{text})" if name else f"(?:{text})"
    return f"^{made}{re.escape(form[at:])}$"


def read_format(found: Any, form: str) -> tuple[Integers, Mask, Mask]:
    """Texts by a format: µs since 1970 as their clock shows them, less their own offset where they have one.

    Parameters
    ----------
    found : arrow array of string
        Without blanks around them.
    form : str
        As `parse_format` gives it; without a date, µs since midnight come out.

    Returns
    -------
    tuple of ndarray
        The times; which have an offset of their own; which could not be read.

    Examples
    --------
    >>> import pyarrow as pa
    >>> found = pa.array(["04/28/2014 12:30:00 AM", "13/28/2014 1:00:00 AM"])
    >>> values, zoned, bad = read_format(found, "%m/%d/%Y %I:%M:%S %p")
    >>> values.tolist()[0], zoned.tolist(), bad.tolist()
    (1398645000000000, [False, False], [False, True])
    """
    import pyarrow.compute as pc

    parts = pc.extract_regex(found, pattern=_pattern(form))
    bad = pc.is_null(parts).to_numpy(zero_copy_only=False).astype(bool)
    get = {parts.type.field(i).name: parts.field(i) for i in range(parts.type.num_fields)}
    numbers = {name: _numbers(cells) for name, cells in get.items() if name not in ("half", "offset", "month_name")}
    for name, (low, high) in _RANGES.items():
        if name in numbers:
            bad |= (numbers[name] < low) | (numbers[name] > high)
    made = _time_of_day(numbers, get)
    if has_date(form):
        days, wrong = _days(numbers, get)
        made, bad = made + days * DAY, bad | wrong
    zoned = np.zeros(len(bad), bool)
    if "offset" in get:
        made, zoned = made - _offsets(get["offset"]), ~bad
    return np.where(bad, 0, made), zoned, bad


def _numbers(cells: Any) -> Integers:
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.if_else(pc.equal(pc.fill_null(cells, ""), ""), "0", cells)
    made: Integers = pc.cast(plain, pa.int64()).to_numpy(zero_copy_only=False)
    return made


def _time_of_day(numbers: dict[str, Integers], get: dict[str, Any]) -> Integers:
    import pyarrow.compute as pc

    nothing = np.zeros(len(next(iter(get.values()))), np.int64)
    hour = numbers.get("hour", nothing)
    if "half" in get:
        late = pc.match_substring_regex(pc.fill_null(get["half"], ""), "^[Pp]").to_numpy(zero_copy_only=False)
        hour = numbers["hour12"] % 12 + 12 * late.astype(np.int64)
    made = hour * HOUR + numbers.get("minute", nothing) * MINUTE + numbers.get("second", nothing) * SECOND
    if "fraction" in get:
        digits = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(get["fraction"], ""), 6, "0"), 0, 6)
        made = made + _numbers(digits)
    return made


def _days(numbers: dict[str, Integers], get: dict[str, Any]) -> tuple[Integers, Mask]:
    """Days since 1970, and which there are none of, as of the 31st of June."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "year" in numbers:
        year = numbers["year"]
    else:  # as strptime has it: 69 to 99 are of the last century
        year = numbers["short_year"] + np.where(numbers["short_year"] < 69, 2000, 1900)
    years = (year - 1970).astype("datetime64[Y]")
    first = years.astype("datetime64[D]").astype(np.int64)
    if "day_of_year" in numbers:
        length = (years + 1).astype("datetime64[D]").astype(np.int64) - first
        ordinal = numbers["day_of_year"]
        return first + ordinal - 1, (ordinal < 1) | (ordinal > length)
    if "month_name" in get:
        short = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(get["month_name"], ""), 0, 3))
        month = pc.fill_null(pc.index_in(short, pa.array(_MONTHS)), -1).to_numpy(zero_copy_only=False) + 1
    else:
        month = numbers["month"]
    months = years.astype("datetime64[M]") + (month.astype(np.int64) - 1)
    begin = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - begin
    return begin + numbers["day"] - 1, (month < 1) | (numbers["day"] > length)


def _offsets(cells: Any) -> Integers:
    """µs that clocks of an offset are ahead."""
    import pyarrow.compute as pc

    parts = pc.extract_regex(pc.fill_null(cells, ""), pattern=r"^(?P<sign>[+-]?)(?P<h>\d{0,2}):?(?P<m>\d{0,2})Z?$")
    behind = pc.equal(parts.field(0), "-").to_numpy(zero_copy_only=False)
    made: Integers = (_numbers(parts.field(1)) * HOUR + _numbers(parts.field(2)) * MINUTE) * np.where(behind, -1, 1)
    return made


def fitting(texts: Iterable[str]) -> tuple[str, ...]:
    """The usual formats that every text fits; more than one where nothing tells day from month.

    >>> fitting(["04/28/2014 12:00:00 AM"]), fitting(["04/05/2014"]), fitting(["28.04.14 16:00"]), fitting(["x"])
    (('%m/%d/%Y %I:%M:%S %p',), ('%m/%d/%Y', '%d/%m/%Y'), ('%d.%m.%y %H:%M',), ())
    """
    import pyarrow as pa

    found = pa.array([text.strip() for text in texts], pa.string())
    forms = [*_DATES, *(f"{date}{gap}{time}" for date, gap, time in product(_DATES, (" ", "T", ", "), _TIMES))]
    return tuple(form for form in forms if not read_format(found, form)[2].any()) if len(found) else ()

"""Which columns hold the time, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.clock import iso, parse_zone
from ..table_reader.convert import decimal_column, is_text, plain_numbers, texts
from ..table_reader.iso_times import any_iso, is_date_digits
from ..table_reader.joined import with_time
from ..table_reader.local_times import file_day
from ..table_reader.sheet import Sheet
from ..table_reader.stamps import Spelling, Stamps
from ..table_reader.time_formats import fitting, read_format
from .words import CLOCKS, DATES, TIMES, found, plain

_ROWS = 2_000
_PLACED = ("%Y%m%d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d-%H:%M:%S", "%Y-%m-%d %H:%M")
"""How times are written before the name of a place."""


@dataclass(frozen=True)
class Times:
    """Where the time stands, the parameters that read it, and what they rest on."""

    places: tuple[int, ...]
    params: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    doubts: tuple[str, ...] = ()
    newest_first: bool = False
    shared: bool = False
    """Whether two rows have one time."""


def times(sheet: Sheet, decimal: str, place: str = "") -> Times | None:
    """The time of a sheet: of the columns with a name for it the first that can be read; None if there is none.

    ``place`` is the zone that the file itself names, empty for none.
    """
    for places in _candidates(sheet):
        made = _spelled(sheet, places, decimal, place)
        if made is not None:
            return _ordered(sheet, made)
    return None


def said_place(head: str) -> str:
    """The zone that an answer names beside its rows, as Alpha Vantage and Twelve Data do; empty for none.

    >>> said_place('{"Meta Data": {"6. Time Zone": "US/Eastern"}, "rows": []}')
    'US/Eastern'
    """
    hit = re.search(r'"(?:\d\. Time Zone|exchange_timezone)":\s*"([A-Za-z_]+/[A-Za-z_]+)"', head)
    try:
        return hit[1] if hit and parse_zone(hit[1]) else ""
    except ValueError:
        return ""


def _ordered(sheet: Sheet, made: Times) -> Times:
    """What is found, and whether the rows go back in time, and share times."""
    part = with_time(sheet, tuple(at + 1 for at in made.places), made.params.get("time_format", ""))
    cells = part.cells[-1 if len(made.places) > 1 else made.places[0]]
    spelling = Spelling(made.params.get("time_unit", "auto"), made.params.get("time_format", ""))
    values, bad = Stamps(spelling, sheet.path).read(cells)
    values = values[~bad]
    back = len(values) > 1 and bool(values[0] > values[-1])
    return replace(made, newest_first=back, shared=bool((np.diff(values) == 0).any()))


def _candidates(sheet: Sheet) -> list[tuple[int, ...]]:
    """Columns that may hold the time, the likeliest first: date and time of day before either alone."""
    width = len(sheet.cells)
    made: list[tuple[int, ...]] = []
    if sheet.names is None:
        pairs = [(i, i + 1) for i in range(min(width - 1, 3)) if _is_clock(sheet.cells[i + 1])]
        return [*pairs, *((i,) for i in range(width))]
    day = found(sheet.names, DATES, set())
    named = [at for at in (found(sheet.names, CLOCKS, set()),) if at is not None and _is_clock(sheet.cells[at])]
    clocks = named or [at for at in range(width) if _is_clock(sheet.cells[at], colons=True)]
    made += [(day, at) for at in clocks[:1] if day not in (None, at)]
    spelled = [plain(_ZONED.sub("", name)) for name in sheet.names]
    named = sorted((i for i in range(width) if spelled[i] in TIMES), key=lambda i: TIMES.index(spelled[i]))
    named = [i for i in named if spelled[i] != "price" or not _numbers(sheet.cells[i])]
    nameless = [i for i in range(width) if spelled[i] == ""]
    if not named and {"open", "high", "low", "close"} <= set(spelled):
        named = [i for i in range(width) if spelled[i] == "id"]  # as Huobi calls when a candle opens
    return [*made, *((i,) for i in [*named, *nameless])]


def _numbers(cells: Any) -> bool:
    """Whether cells hold numbers alone, or nothing."""
    return not decimal_column(cells.slice(0, _ROWS))[1].any()


def _is_clock(cells: Any, *, colons: bool = False) -> bool:
    """Whether cells hold times of day, and no date; digits alone are none where there must be ``colons``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_time(cells.type):
        return True
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return False
    digits = "" if colons else r"|\d{3,6}"
    told = pc.match_substring_regex(texts(cells), rf"^(\d{{1,2}}:\d{{2}}(:\d{{2}}([.,]\d+)?)?( ?[AaPp][Mm])?{digits})$")
    return bool(pc.all(pc.fill_null(told, False)).as_py())


def _spelled(sheet: Sheet, places: tuple[int, ...], decimal: str, place: str) -> Times | None:
    import pyarrow as pa

    if len(places) == 2:
        part = with_time(sheet, tuple(i + 1 for i in places))
        cells = part.cells[-1]
    else:
        cells = sheet.cells[places[0]]
    cells = cells.slice(0, _ROWS)
    if not len(cells):
        return None
    if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
        zone = getattr(cells.type, "tz", None)
        return Times(places, {}, f"a time of type {cells.type}" + ("" if zone else _NO_ZONE), () if zone else (_ZONE,))
    if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)) and not _texty(cells):
        return None
    words = [str(v).strip() for v in cells.to_pylist() if v is not None and str(v).strip()]
    if not words:
        return None
    if len(places) == 2 and (form := _short_clock(words)):
        return Times(places, {"time_format": form}, f"text as {form}{_NO_ZONE}", (_ZONE,))
    made = _of_numbers(sheet.path, places, cells, words, decimal) or _of_text(places, words)
    return made and _by_name(made, sheet, place)


def _by_name(made: Times, sheet: Sheet, place: str) -> Times:
    """What the names of the column and of the file tell of the clock."""
    if _ZONE not in made.doubts:
        return made
    zone, why = "", ""
    names = [sheet.names[at] for at in made.places] if sheet.names is not None else []
    said = next((hit[1] for name in names if (hit := _ZONED.search(name))), "")
    if any(re.search("gmt|utc", name.lower()) for name in names):
        why = "UTC, as the column is called"
    elif said:
        zone, why = said, f"{said}, as the column is called"
    elif place:
        zone, why = place, f"{place}, as the file says"
    elif _HISTDATA.match(sheet.path.name):
        zone, why = "Etc/GMT+5", "HistData's clocks, New York's without summer time"
    if not why:
        return made
    doubts = tuple(doubt for doubt in made.doubts if doubt != _ZONE)
    params = {**made.params, "timezone": zone} if zone else made.params
    return Times(made.places, params, made.says.replace(_NO_ZONE, f": {why}"), doubts)


_ZONED = re.compile(r"[ _]\(?(UTC|GMT|EET|CET|WET|MET|EST5EDT|CST6CDT|MST7MDT|PST8PDT)\)?$")
"""A zone behind the name of a column, of those that mean the same to everybody: EST may have summer time or not."""
_HISTDATA = re.compile(r"DAT_(ASCII|MT|NT|MS|XLSX)_")
_LEAN = re.compile(r"\d{8}_.+_(trade|quote|openinterest)(_tick)?\.", re.IGNORECASE)
_NO_ZONE = ", without a zone: taken for UTC"
_ZONE = "timezone: say whose clock it is, unless it is UTC"


def _texty(cells: Any) -> bool:
    return is_text(cells)


def _of_numbers(path: Path, places: tuple[int, ...], cells: Any, words: list[str], decimal: str) -> Times | None:
    """Counts since 1970, days of a spreadsheet, or ms of a day."""
    numbers, bad = decimal_column(plain_numbers(cells, decimal, ""))
    if not words or bad.any() or np.isnan(numbers).all() or is_date_digits(words[0]):
        return None
    stamps = Stamps()
    values, unread = stamps.read(cells)
    if not unread.any():
        return Times(places, {}, f"{stamps.unit} since 1970, by magnitude: {iso(int(values[0]))}")
    day = file_day(path.name) is not None and _is_sorted(numbers) and (np.floor(numbers) == numbers).all()
    if day and numbers[0] >= 0 and numbers[-1] < 86_400_000 and (numbers[-1] > 86_400 or _LEAN.match(path.name)):
        says = "ms since midnight of the day in the file's name, without a zone: taken for UTC"
        return Times(places, {"time_unit": "ms_of_day"}, says, (_ZONE,))
    if ((numbers > 20_000) & (numbers < 80_000)).all() and (np.diff(numbers) != 0).all():
        says = "days of a spreadsheet, without a zone: taken for UTC"
        return Times(places, {"time_unit": "excel"}, says, (_ZONE,))
    return None


def _short_clock(words: list[str]) -> str:
    """The format of dates and times of day without the nought before them, as in ``20240102 930``; empty for others."""
    import pyarrow as pa

    parts = [re.fullmatch(r"(\S+) (\d{1,6})", word) for word in words]
    if not all(parts) or not any(len(hit[2]) in (3, 5) for hit in parts if hit):
        return ""
    width, clock = (6, "%H%M%S") if any(len(hit[2]) > 4 for hit in parts if hit) else (4, "%H%M")
    whole = pa.array([f"{hit[1]} {hit[2].zfill(width)}" for hit in parts if hit])
    forms = (f"{day} {clock}" for day in ("%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%m/%d/%Y", "%d.%m.%Y"))
    return next((form for form in forms if not read_format(whole, form)[2].any()), "")


def _is_sorted(numbers: NDArray[np.float64]) -> bool:
    return bool((np.diff(numbers) >= 0).all())


def _of_text(places: tuple[int, ...], words: list[str]) -> Times | None:
    import pyarrow as pa

    _, zoned, bad = any_iso(pa.array(words))
    if not bad.any():
        if zoned.all():
            return Times(places, {}, "ISO 8601 with its offset")
        return Times(places, {}, f"year, month, day{_NO_ZONE}", (_ZONE,))
    if place := _place(words):
        return _of_place(places, words, place)
    fits = fitting(words)
    if not fits:
        return None
    best = min(fits, key=lambda form: _disorder(words, form))
    own = "%z" in best
    doubts = [] if own else [_ZONE]
    others = [form for form in fits if form.replace("%B", "%b") != best.replace("%B", "%b")]
    if others:
        doubts.insert(0, f"time_format: nothing in these rows rules out {' or '.join(others)}")
    says = f"text as {best}" + (", with its offset" if own else _NO_ZONE)
    return Times(places, {"time_format": best}, says, tuple(doubts))


def _place(words: list[str]) -> str:
    """The zone that stands behind every time, as in ``20240102 09:30:00 US/Eastern``."""
    behind = {word.rpartition(" ")[2] for word in words}
    found = behind.pop() if len(behind) == 1 else ""
    try:
        return found if "/" in found and not found[:1].isdigit() and parse_zone(found) else ""
    except ValueError:
        return ""


def _of_place(places: tuple[int, ...], words: list[str], place: str) -> Times | None:
    import pyarrow as pa

    bare = [word.removesuffix(place).rstrip() for word in words]
    fits = [form for form in _PLACED if not read_format(pa.array(bare), form)[2].any()] or list(fitting(bare))[:1]
    if not fits:
        return None
    return Times(places, {"time_format": f"{fits[0]} {place}", "timezone": place}, f"text as {fits[0]} in {place}")


def _disorder(words: list[str], form: str) -> tuple[int, int]:
    """How often rows step back under a format, and how long they last: days apart are likelier than months."""
    import pyarrow as pa

    values, _ = Stamps(Spelling(form=form)).read(pa.array(words))
    steps = np.diff(values)
    return int(min((steps < 0).sum(), (steps > 0).sum())), int(values.max() - values.min())

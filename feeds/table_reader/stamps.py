"""Time stamps of a file, however they are written, in µs UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...core.clock import DAY
from ...core.errors import DataError
from .convert import Found, as_array, decimal_column, empty, number_hint, texts
from .iso_times import any_iso, is_date_digits, plain_iso
from .local_times import LocalClock, file_day
from .time_formats import fitting, has_date, parse_format, read_format

UNITS = ("s", "ms", "us", "ns")
TIME_UNITS = ("auto", *UNITS, "iso", "excel", "ms_of_day")
_DIGITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}
"""Decimal places between a unit and the nanosecond."""
_BANDS = {"s": 10**8, "ms": 10**11, "us": 10**14, "ns": 10**17}
"""From what number on a stamp is taken for one in this unit."""
_LATEST = 10**16
_SPREADSHEET = (20_000.0, 80_000.0)
"""Days since the end of 1899: 1954 to 2119."""
_EPOCH_IN_SPREADSHEET = 25_569
_MS_OF_DAY = DAY // 1000


@dataclass(frozen=True)
class Spelling:
    """How the time stamps of a file are written.

    Parameters
    ----------
    unit : str
        One of `TIME_UNITS`.
    form : str
        A format of ``strptime``; empty for none.
    zone : str
        Whose clocks show stamps that have no zone of their own; empty for UTC.
    ambiguous : str
        As for `LocalClock`.
    strictly : bool
        Whether no two rows have one stamp, as of bars.
    chosen : bool
        Whether a user has these to choose: complaints then name them.
    """

    unit: str = "auto"
    form: str = ""
    zone: str = ""
    ambiguous: str = "infer"
    strictly: bool = False
    chosen: bool = False


class Stamps:
    """Time stamps of one file in µs: seconds, ms, µs or ns since 1970, whole or with a fraction, or ISO text.

    Parameters
    ----------
    spelling : Spelling or str
        A unit alone, or all that is known. ``auto`` takes numbers by the magnitude of the first and everything
        else for ISO text.
    path : Path or None
        The file, whose name says the day of stamps that are times of day.

    Notes
    -----
    Fractions are taken digit by digit, never through a float; what is finer than a µs is cut off. Text without a
    zone is UTC unless ``zone`` says otherwise; ``D``, ``T`` or a blank may stand between day and time, a point, a
    comma or a blank before the fraction. The days of a spreadsheet are rounded to the nearest ms: that is what their
    digits hold.

    Examples
    --------
    >>> import pyarrow as pa
    >>> values, bad = Stamps().read(pa.array(["1696982287.4922", "x"]))
    >>> values.tolist(), bad.tolist()
    ([1696982287492200, 0], [False, True])
    >>> Stamps().read(pa.array(["2019-01-01D00:00:01.123456789"]))[0].tolist()
    [1546300801123456]
    >>> Stamps(Spelling(form="%d.%m.%Y %H:%M", zone="Europe/Berlin")).read(pa.array(["01.07.2024 02:00"]))[0].tolist()
    [1719792000000000]
    """

    def __init__(self, spelling: Spelling | str = "auto", path: Path | None = None) -> None:
        self._spelling = spelling if isinstance(spelling, Spelling) else Spelling(spelling)
        self.unit = self._spelling.unit
        self._form = parse_format(self._spelling.form) if self._spelling.form else ""
        zone, ambiguous = self._spelling.zone, self._spelling.ambiguous
        self._clock = LocalClock(zone, ambiguous, strictly=self._spelling.strictly) if zone else None
        self._path = path

    def read(self, cells: Any) -> Found:
        """Times in µs; those that cannot be read, or of another magnitude than the unit's, are marked."""
        import pyarrow as pa

        if pa.types.is_date(cells.type) or pa.types.is_timestamp(cells.type):
            made, bad = _from_timestamps(cells)
            zoned = np.full(len(made), getattr(cells.type, "tz", None) is not None)
            return self._in_utc(made, zoned, bad)
        found = _as_text(cells)
        if self._form:
            return self._formatted(texts(found))
        if self.unit == "auto":
            self.unit = _unit_of(found)
        if self.unit == "iso":
            return self._in_utc(*_of_iso(found))
        if self.unit in ("excel", "ms_of_day"):
            return self._counted(found)
        if self._clock is not None:
            raise DataError(
                f"{self._path}: timezone is for stamps that clocks of a place show; these count "
                f"{self.unit} since 1970, which is UTC: leave timezone out"
            )
        digits = _DIGITS[self.unit]
        micro, bad = _each(digits, found)
        return micro, bad | (micro < _BANDS[self.unit] * 10**digits // 1000) | (micro >= _LATEST * 10)

    def finish(self) -> None:
        """Refuse a file, all of whose rows were read, that leaves open which of two times stamps are.

        Raises
        ------
        DataError
            Naming the day.
        """
        if self._clock is not None:
            try:
                self._clock.finish()
            except DataError as err:
                raise DataError(f"{self._path}: {err}") from None

    def why(self, text: str) -> str:
        """Why a stamp cannot be read, and what reads it."""
        if self._clock is not None and self._shown_never(text):
            return f"is no time on clocks of {self._clock.name}: they go forward over it"
        if self._form:
            return f"is no time as time_format: '{self._form}' has it{_hint(text)}"
        said = {"iso": "ISO 8601", "excel": "days of a spreadsheet", "ms_of_day": "ms of a day"}
        made = f"is no time in {said.get(self.unit, self.unit)}"
        if not self._spelling.chosen:
            return made
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return made + _hint(text)
        if self.unit == "excel":
            return made + number_hint(text, ".")
        days = _SPREADSHEET[0] < number < _SPREADSHEET[1]
        return f"{made}; time_unit: excel reads days of a spreadsheet" if days else made

    def _shown_never(self, text: str) -> bool:
        import pyarrow as pa

        plain = Spelling(self.unit, self._spelling.form)
        return not Stamps(plain, self._path).read(pa.array([text], pa.string()))[1][0]

    def _formatted(self, found: Any) -> Found:
        made, zoned, bad = read_format(found, self._form)
        return self._in_utc(made if has_date(self._form) else made + self._day(), zoned, bad)

    def _counted(self, found: Any) -> Found:
        """Days of a spreadsheet, or ms of the day that the file's name says."""
        numbers, bad = decimal_column(found)
        if self.unit == "excel":
            bad = bad | ~((numbers > _SPREADSHEET[0]) & (numbers < _SPREADSHEET[1]))
            days = np.where(bad, 0.0, numbers - _EPOCH_IN_SPREADSHEET)
            made = np.rint(days * _MS_OF_DAY).astype(np.int64) * 1000
        else:
            bad = bad | ~((numbers >= 0) & (numbers < _MS_OF_DAY))
            made = np.rint(np.where(bad, 0.0, numbers) * 1000).astype(np.int64) + self._day()
        return self._in_utc(made, np.zeros(len(made), bool), bad)

    def _day(self) -> int:
        """Midnight of the day that the file's name says, µs."""
        day = file_day(self._path.name) if self._path is not None else None
        if day is None:
            raise DataError(
                f"{self._path}: its stamps are times of day, and no day is in its name, as in 20240131_x.csv"
            )
        return day * DAY

    def _in_utc(self, made: Any, zoned: Any, bad: Any) -> Found:
        """Stamps without a zone of their own from what clocks show."""
        rows = np.flatnonzero(~zoned & ~bad)
        if self._clock is None or not len(rows):
            return np.where(bad, 0, made), bad
        try:
            utc, skipped = self._clock.utc(made[rows])
        except DataError as err:
            raise DataError(f"{self._path}: {err}") from None
        made, bad = made.copy(), bad.copy()
        made[rows], bad[rows] = utc, skipped
        return np.where(bad, 0, made), bad


_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d")
"""Times that are read without a format."""


def _hint(text: str) -> str:
    """How a text may be read, for complaints."""
    if re.match(r"\d{1,2}:\d\d", text):
        return "; where its date is in another column, columns: {time: [DATE, TIME]} reads both"
    fits = [] if _ISO.match(text) else fitting([text])
    return f"; time_format: {' or '.join(repr(form) for form in fits)} reads it" if fits else ""


def _as_text(cells: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_floating(cells.type):
        # A float's shortest text brings back the digits that were meant.
        return pa.array([None if v is None else repr(v) for v in cells.to_pylist()], pa.string())
    return cells if pa.types.is_string(cells.type) else texts(cells)


def _unit_of(found: Any) -> str:
    """What the first stamp is: a number by its magnitude, else ISO text."""
    for cell in found:
        if text := (cell.as_py() or "").strip():
            try:
                size = abs(float(text))
            except ValueError:
                return "iso"
            if is_date_digits(text):
                return "iso"
            return next((unit for unit in reversed(UNITS) if size >= _BANDS[unit]), "s")
    return "s"


def _of_iso(found: Any) -> tuple[Any, Any, Any]:
    """ISO text: at once where it is plain."""
    import pyarrow as pa

    if not found.null_count:
        try:
            made, zoned = plain_iso(found)
        except pa.ArrowInvalid:
            pass
        else:
            return made, zoned, np.zeros(len(made), bool)
    return any_iso(texts(found))


def _each(digits: int, found: Any) -> Found:
    """All cells at once where they are plain; else thoroughly, at once or in parts."""
    import pyarrow as pa

    if not found.null_count:
        for convert, cells in ((_plain_scaled, found), (_scaled, texts(found))):
            try:
                return convert(cells, digits), np.zeros(len(found), bool)
            except pa.ArrowInvalid:
                continue
    cells = texts(found)
    rows = np.flatnonzero(~empty(found) & ~_never(cells, digits))
    return _in_parts(lambda part: _scaled(cells.take(pa.array(part)), digits), rows, len(found))


def _in_parts(convert: Callable[[Any], Any], rows: Any, count: int) -> Found:
    """``rows`` of ``count`` converted in halves of halves, as far down as one of them cannot be."""
    import pyarrow as pa

    made, bad = np.zeros(count, np.int64), np.ones(count, bool)
    parts = [rows]
    while parts:
        part = parts.pop()
        if not len(part):
            continue
        try:
            made[part], bad[part] = convert(part), False
        except pa.ArrowInvalid:
            half = len(part) // 2
            parts += [part[:half], part[half:]] if half else []
    return made, bad


def _never(cells: Any, digits: int) -> Any:
    """Which texts are surely no time: no number, or 10¹⁹ ns and more, which no 63 bits hold.

    Each part with one of them costs a try, and a file may be of nothing else.
    """
    import pyarrow.compute as pc

    never = rf"[^0-9.eE+\-\s]|\..*\.|^\s*\+?0*[1-9][0-9]{{{19 - digits},}}(\.[0-9]*)?\s*$"
    return as_array(pc.fill_null(pc.match_substring_regex(cells, never), True)).astype(bool)


def _plain_scaled(found: Any, digits: int) -> Any:
    """Decimal text of at most ``digits`` places in µs, those places making nanoseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made = pc.cast(found, pa.decimal128(38, digits))
    halves = np.frombuffer(made.buffers()[1], np.int64)[2 * made.offset : 2 * (made.offset + len(made))]
    if (halves[1::2] != 0).any() or (halves[::2] < 0).any():
        raise pa.ArrowInvalid("before 1970, or more than 63 bits of nanoseconds")
    return halves[::2] // 1000


def _scaled(found: Any, digits: int) -> Any:
    """The same of text with more places, which are cut off."""
    import pyarrow.compute as pc

    cut = r"\.[0-9]*$" if digits == 0 else rf"(\.[0-9]{{{digits}}})[0-9]+$"
    short = pc.replace_substring_regex(found, pattern=cut, replacement="" if digits == 0 else r"\1")
    return _plain_scaled(pc.replace_substring_regex(short, pattern=r"\.$", replacement=""), digits)


def _from_timestamps(cells: Any) -> Found:
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = getattr(cells.type, "tz", None)
    unit = "ns" if getattr(cells.type, "unit", "us") == "ns" else "us"
    values = as_array(pc.fill_null(pc.cast(pc.cast(cells, pa.timestamp(unit, zone)), pa.int64()), 0))
    return values // (1000 if unit == "ns" else 1), empty(cells)

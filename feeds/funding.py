"""Funding rates of perpetual contracts: Binance's fundingRate dumps, and the answers of its API."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clock import HOUR, MINUTE, iso
from ..core.errors import DataError, listed
from .csv_reader.files import FileReader, InputFile, expand
from .csv_reader.row_cells import rows_of

_NAMES = {
    "time": ("calc_time", "fundingtime", "funding_time"),
    "rate": ("last_funding_rate", "fundingrate", "funding_rate"),
    "mark": ("markprice", "mark_price"),
}
_DUMP = ("calc_time", "funding_interval_hours", "last_funding_rate")
_LARGEST = 0.1
"""No venue has charged ten percent at once; what is larger is in another unit."""
_MS, _US, _END = 10**11, 10**14, 10**17


@dataclass(frozen=True, eq=False)
class FundingRates:
    """Funding rates in time order.

    Parameters
    ----------
    time : ndarray of int64
        When each was paid, epoch µs. A stamp less than a minute past a full hour is taken as that hour: venues write
        down when they reckoned, some ms after it was due.
    rate : ndarray of float64
        Share of the notional; above 0 longs paid shorts.
    mark : ndarray of float64
        Mark price it was paid on; NaN where the file has none.
    files : tuple of InputFile
        What was read.
    """

    time: NDArray[np.int64]
    rate: NDArray[np.float64]
    mark: NDArray[np.float64]
    files: tuple[InputFile, ...] = ()

    def between(self, after: int, until: int) -> list[tuple[int, float, float]]:
        """Time, rate and mark price of payments later than ``after`` and not later than ``until``, epoch µs."""
        first, last = np.searchsorted(self.time, (after, until), side="right")
        return [(int(self.time[i]), float(self.rate[i]), float(self.mark[i])) for i in range(first, last)]


def read_funding(paths: Iterable[str | Path]) -> FundingRates:
    """Funding rates from files; what two of them tell alike counts once.

    Parameters
    ----------
    paths : iterable of path
        ``.zip``, ``.csv`` or ``.csv.gz`` of ``calc_time,funding_interval_hours,last_funding_rate`` with or without
        that header, or ``.json`` as ``GET /fundingRate`` answers; patterns are expanded.

    Raises
    ------
    DataError
        If a file cannot be read, with its row; or two of them differ about one instant.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "BTCUSDT-fundingRate-2024-01.csv"
    >>> _ = file.write_text("calc_time,funding_interval_hours,last_funding_rate\\n1704067200003,8,-0.0001\\n")
    >>> read_funding([file]).between(0, 1_704_067_200_000_000)
    [(1704067200000000, -0.0001, nan)]
    """
    found: dict[int, tuple[float, float, Path]] = {}
    sources = [FileReader(path) for path in expand(paths)]
    for source in sources:
        for time, rate, mark in _rows(source):
            known = found.setdefault(time, (rate, mark, source.path))
            if known[0] != rate:
                raise DataError(f"{source.path}: {iso(time)} has the rate {rate:g}, but {known[2].name} {known[0]:g}")
    if not found:
        raise DataError(f"{', '.join(str(s.path) for s in sources)}: no funding rates in it")
    times = sorted(found)
    return FundingRates(
        np.array(times, dtype=np.int64),
        np.array([found[t][0] for t in times]),
        np.array([found[t][1] for t in times]),
        tuple(source.digest() for source in sources),
    )


def _rows(source: FileReader) -> Iterator[tuple[int, float, float]]:
    """Time, rate and mark of each row of one file."""
    try:
        text = b"".join(source.chunks()).decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise DataError(f"{source.path}: not UTF-8 text at byte {err.start}") from None
    names, rows = _of_json(source.path, text) if source.json else _of_csv(source.path, text)
    places = {ours: next((i for i, n in enumerate(names) if n in theirs), None) for ours, theirs in _NAMES.items()}
    for ours in ("time", "rate"):
        if places[ours] is None:
            raise DataError(f"{source.path}: no column {_NAMES[ours][0]}; it has {listed(names)}")
    for number, row in rows:
        where = f"{source.path}: row {number}"
        yield _time(where, _cell(row, places["time"])), _rate(where, _cell(row, places["rate"])), _mark(row, places)


def _of_csv(path: Path, text: str) -> tuple[tuple[str, ...], list[tuple[int, list[Any]]]]:
    rows = [(n, row) for n, row in rows_of(text, path) if row]
    if rows and not rows[0][1][0].strip().isdigit():
        return tuple(name.strip().lower() for name in rows[0][1]), rows[1:]
    return _DUMP, rows


def _of_json(path: Path, text: str) -> tuple[tuple[str, ...], list[tuple[int, list[Any]]]]:
    try:
        made = json.loads(text)
    except ValueError as err:
        raise DataError(f"{path}: is no JSON ({err})") from None
    if not isinstance(made, list) or not made or not all(isinstance(row, dict) for row in made):
        raise DataError(f"{path}: is no list of objects, as GET /fundingRate answers")
    names = tuple(made[0])
    return tuple(name.lower() for name in names), [(n, [row.get(k) for k in names]) for n, row in enumerate(made, 1)]


def _cell(row: list[Any], at: int | None) -> Any:
    return row[at] if at is not None and at < len(row) else None


def _time(where: str, cell: Any) -> int:
    text = str(cell).strip()
    stamp = int(text) if text.isdigit() and len(text) < 18 else 0
    if not _MS <= stamp < _END:
        raise DataError(f"{where}, column calc_time: '{cell}' is no epoch ms or µs")
    made = stamp if stamp >= _US else stamp * 1000
    return made - made % HOUR if made % HOUR < MINUTE else made


def _rate(where: str, cell: Any) -> float:
    try:
        made = float(cell)
    except (TypeError, ValueError):
        raise DataError(f"{where}, column last_funding_rate: '{cell}' is no number") from None
    if not abs(made) < _LARGEST:
        raise DataError(f"{where}, column last_funding_rate: {made:g} is no share of the notional below 10%")
    return made


def _mark(row: list[Any], places: dict[str, int | None]) -> float:
    try:
        made = float(_cell(row, places["mark"]) or math.nan)
    except (TypeError, ValueError):
        return math.nan
    return made if made > 0 else math.nan

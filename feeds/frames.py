"""Frames in memory as feeds: pandas, polars, or anything that speaks the Arrow C stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import DataError
from ..core.tape import Tape
from .csv_reader.decode import DecodedRows, Quarantine
from .csv_reader.files import FileReader
from .framework.mapped_bars import MappedBars
from .framework.mapped_tape import MappedTape
from .framework.sort_and_dedup import RowSorter
from .table_reader.arrow_reader import of_batches
from .table_reader.sheet import Sheet
from .table_reader.tables import TableReader

_FRAME = Path("frame")
_ROWS = 65_536


def _batches(owner: str, frame: Any) -> Iterator[Sheet]:
    """A frame's rows as sheets.

    Raises
    ------
    DataError
        If it is no frame, or arrow makes no table of it.
    """
    try:
        table = _table(frame)
    except (ValueError, TypeError) as err:  # arrow's own are of these too
        raise DataError(f"{owner}: cannot take the frame: {' '.join(str(err).split())[:200]}") from None
    if table is None:
        raise DataError(
            f"{owner}: takes a frame from Python, not from a YAML: one of pandas, polars (collected) or arrow, or a "
            f"mapping of names to arrays (got {type(frame).__name__}); CsvTape and CsvBars read files"
        )
    return of_batches(_FRAME, table.to_batches(_ROWS))


def _table(frame: Any) -> Any:
    """A frame as a table of arrow; None if it is none."""
    import pyarrow as pa

    if hasattr(frame, "reset_index") and hasattr(frame, "columns"):
        # An index of times is a column like any other.
        if type(frame.index).__name__ == "DatetimeIndex":
            # Frames of ours are indexed by right edges, and have both edges as columns.
            told = {"open_time", "close_time"} <= set(frame.columns)
            frame = frame.rename_axis(frame.index.name or "time").reset_index(drop=told)
        return pa.Table.from_pandas(frame, preserve_index=False)
    if hasattr(frame, "__arrow_c_stream__") and not hasattr(frame, "reset_index"):
        return pa.table(frame)
    if isinstance(frame, Mapping) and frame:
        return pa.table({name: np.asarray(values) for name, values in frame.items()})
    return None


class FrameTape(MappedTape):
    """Trades from a frame in memory; for Python only, a YAML cannot hold a frame.

    Parameters
    ----------
    frame : pandas or polars frame, pyarrow table, or mapping of names to arrays
        Anything with ``__arrow_c_stream__`` does. A DatetimeIndex of pandas is a column ``time`` or of its own name.
    columns : dict, default={}
        What the frame calls ``time``, ``price``, ``quantity``, ``side``, ``is_buyer_maker``, ``trade_id`` and
        ``symbol``, or ``taker_buy_volume`` and ``taker_sell_volume``, of which one is 0 and the other tells the
        side; what is left out is looked for under its usual names.
    time_unit : {"auto", "s", "ms", "us", "ns", "iso", "excel", "ms_of_day"}, default="auto"
        Unit of the time stamps, which may have a fraction; ``auto`` goes by their magnitude, and takes text for ISO
        8601, or for another spelling that has year, month and day in this order. ``excel`` are the days of a
        spreadsheet, ``ms_of_day`` of no use here.
    time_format : str or None, default=None
        How stamps are written, in the words of ``strptime``, as in ``%d.%m.%Y %H:%M``.
    timezone : str or None, default=None
        The place whose clocks show stamps that have no zone of their own; None for UTC.
    ambiguous : {"infer", "earlier", "later"}, default="infer"
        Which of the two times a stamp is that clocks show twice when they are set back: told by the order of rows,
        the first time until the file steps back (a file that does not step back once is refused); or always the
        first, or the second. A time that clocks skip is a row that cannot be read.
    price_divisor : float, default=1.0
        What prices are divided by: 10000 for files that have them in hundredths of a cent.
    sides : dict, default={}
        Words for the sides, as in ``{buy: [up], sell: [down]}``; left out: buy, b, 1, sell, s and −1.
    side_of : {"taker", "maker"}, default="taker"
        Whose side the frame tells.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What quantities count: base currency, or contracts.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    symbol : str or None, default=None
        The market wanted of a frame that holds several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        If it is no frame, or a value cannot be read.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> import pandas as pd
    >>> when = pd.to_datetime(["2024-01-01 00:00:00.5", "2024-01-01 00:00:01.0"])
    >>> frame = pd.DataFrame({"price": [10.0, 11.0], "qty": [1.0, 2.0], "side": ["buy", "sell"]}, index=when)
    >>> (tape,) = FrameTape(frame).tapes()
    >>> tape.time.tolist(), tape.side.tolist()
    ([1704067200500000, 1704067201000000], [1, -1])
    """

    needs_path = False

    def __init__(self, frame: Any = None, **params: Any) -> None:
        super().__init__((), **params)
        self._frame = frame
        _batches(type(self).__name__, frame)

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        return str(_FRAME)

    def _in_time_order(self) -> list[Path]:
        return [_FRAME]

    def _tapes_between(self, start: int | None, end: int | None) -> Iterator[Tape]:
        return super()._tapes_between(start, None)

    def _read(self, path: Path, order: RowSorter, quarantine: Quarantine) -> Iterator[Tape]:
        for rows, time in self._rows(quarantine):
            yield from order.push(self._without_void(rows, time))

    def _decoded(self, source: FileReader, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        return self._rows(quarantine)

    def _rows(self, quarantine: Quarantine) -> Iterator[tuple[DecodedRows, NDArray[np.int64]]]:
        table, _ = self.how()
        reader = TableReader(_FRAME, table, quarantine, self.counts, self._others)
        for rows in reader.rows(_batches("FrameTape", self._frame)):
            self._believe(rows)
            yield rows, rows["time"]


class FrameBars(MappedBars):
    """Bars from a frame in memory; for Python only, a YAML cannot hold a frame.

    Parameters
    ----------
    frame : pandas or polars frame, pyarrow table, or mapping of names to arrays
        Anything with ``__arrow_c_stream__`` does. A DatetimeIndex of pandas is a column ``time`` or of its own name,
        unless ``open_time`` and ``close_time`` are columns.
    columns : dict, default={}
        What the frame calls ``time`` and the canonical columns; what is left out is looked for under its own name.
        Any other name makes an extra column.
    time_unit : {"auto", "s", "ms", "us", "ns", "iso", "excel", "ms_of_day"}, default="auto"
        Unit of the time stamps, which may have a fraction; ``auto`` goes by their magnitude, and takes text for ISO
        8601, or for another spelling that has year, month and day in this order. ``excel`` are the days of a
        spreadsheet, ``ms_of_day`` of no use here.
    time_format : str or None, default=None
        How stamps are written, in the words of ``strptime``, as in ``%d.%m.%Y %H:%M``.
    timezone : str or None, default=None
        The place whose clocks show stamps that have no zone of their own; None for UTC.
    ambiguous : {"infer", "earlier", "later"}, default="infer"
        Which of the two times a stamp is that clocks show twice when they are set back: told by the order of rows,
        the first time until the file steps back (a file that does not step back once is refused); or always the
        first, or the second. A time that clocks skip is a row that cannot be read.
    price_divisor : float, default=1.0
        What prices are divided by: 10000 for files that have them in hundredths of a cent.
    label : {"start", "end"}, default="start"
        Whether rows are stamped with the start or the end of their interval.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves where the frame has none.
    symbol : str or None, default=None
        The market wanted of a frame that holds several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with rows that cannot be read.

    Raises
    ------
    DataError
        If it is no frame, or a value cannot be read.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> frame = {"time": [1704067260, 1704067320], "close": [10.0, 11.0], "volume": [1.0, 2.0]}
    >>> bars = FrameBars(frame, label="end").bars()
    >>> bars["open_time"].tolist(), bars["close"].tolist()
    ([1704067200000000, 1704067260000000], [10.0, 11.0])
    """

    needs_path = False

    def __init__(self, frame: Any = None, **params: Any) -> None:
        super().__init__((), **params)
        self._frame = frame
        self.paths = [_FRAME]
        _batches(type(self).__name__, frame)

    def rows(self, path: Path, quarantine: Quarantine) -> Iterator[DecodedRows]:
        """The rows of the frame."""
        table, _ = self.how()
        return TableReader(path, table, quarantine, self.counts).rows(_batches("FrameBars", self._frame))

"""TAAPI.IO: its volume indicator as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core.bars import Bars
from ..core.clock import SECOND
from ..core.errors import DataError
from ..core.params import Bound, Choice
from ..core.schema import Quality
from .csv_reader.decode import DecodedRows, Quarantine
from .framework.table_bars import Columns, TableBars
from .table_reader.arrow_reader import TableSource, of_records, parsed
from .table_reader.tables import Column, Table, TableReader


class TaapiVolume(TableBars):
    """TAAPI.IO's ``volume``: a candle's whole volume, negative where the candle is red.

    The answer's ``value`` with its sign is the extra column ``signed_volume``, its size is ``volume``. The sign is the
    candle's colour: this is not the volume delta and may have the other sign.

    Parameters
    ----------
    paths : path or sequence of paths
        Answers asked for with ``results`` and ``addResultTimestamp=true``; patterns are expanded.
    backtrack : int, default=0
        The ``backtrack`` that was asked for. At 0 the newest value of each answer is that of a candle which was still
        forming; from 1 on all candles were closed.
    unfinished : {"drop", "keep"}, default="drop"
        What to do with a candle that was still forming and that no other answer has closed: leave it out, or take it
        as it is, flagged ``PARTIAL``.
    label : {"start", "end"}, default="start"
        Whether ``timestamp`` is the start or the end of the candle; TAAPI's is the start.
    interval : str or None, default=None
        Length of a candle; None takes the most frequent distance between two of them.
    infer_side : {"none", "bulk"}, default="none"
        Of no use here: there are no closes.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with values that cannot be read.

    Raises
    ------
    DataError
        For an answer without timestamps, or with as many values as it has not stamps.
    ParamError
        For a parameter out of bounds.

    References
    ----------
    TAAPI.IO, Indicators: Volume.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "volume.json"
    >>> stamps = "[1685577600,1685581200,1685584800]"
    >>> _ = file.write_text('{"value":[37175.32356,-7754.654559997343,1.5],"timestamp":' + stamps + "}")
    >>> bars = TaapiVolume(file).bars()
    >>> bars["signed_volume"].tolist(), bars["volume"].tolist()
    ([37175.32356, -7754.654559997343], [37175.32356, 7754.654559997343])
    """

    params = {"backtrack": 0, "unfinished": "drop"}
    bounds = {"backtrack": Bound(0, integer=True), "unfinished": Choice("drop", "keep")}
    extra = ("signed_volume",)
    table = Table((Column("time", "time", ("timestamp",)), Column("signed_volume", "number", ("value",))), unit="s")

    def rows(self, path: Path, quarantine: Quarantine) -> Iterator[DecodedRows]:
        """The closed candles of one answer; adds it to `files`."""
        source = TableSource(path)
        pairs = _pairs(path, parsed(source))
        forming = pairs[-1:] if not self.p["backtrack"] else []
        closed = pairs[: len(pairs) - len(forming)]
        self._forming += forming
        self.counts["unfinished"] = self.counts.get("unfinished", 0) + len(pairs) - len(closed)
        records = [(n, {"value": value, "timestamp": stamp}) for n, (value, stamp) in enumerate(closed, 1)]
        yield from TableReader(path, self.table, quarantine, self.counts).rows(of_records(path, records, quarantine))
        self.files.append(source.digest())

    def klines(self) -> Bars:
        """All candles in time order; fills `files`, `counts` and `interval`."""
        self._forming: list[tuple[Any, Any]] = []
        bars = super().klines()
        newest = max(self._forming, key=lambda pair: int(pair[1]), default=None)
        if self.p["unfinished"] == "drop" or newest is None:
            return bars
        return self._with_forming(bars, float(newest[0]), int(newest[1]) * SECOND)

    def _with_forming(self, bars: Bars, value: float, label: int) -> Bars:
        """``bars`` and the newest candle behind them, unless one of them is it, closed."""
        interval = int(self.interval or 0)
        opens = label if self.p["label"] == "start" else label - interval
        if len(bars) and opens <= int(bars["open_time"][-1]):
            return bars
        last: dict[str, float] = {"open_time": opens, "close_time": opens + interval, "quality": int(Quality.PARTIAL)}
        last |= {"signed_volume": value, "volume": abs(value)}
        columns = {
            name: np.append(values, np.array(last.get(name, np.nan)).astype(values.dtype))
            for name, values in bars.columns.items()
        }
        return replace(bars, columns=columns)

    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        return ("the sign of TAAPI's value, the candle's colour, is in signed_volume; volume is its size",)

    def settle(self, columns: Columns) -> Columns:
        """The size of the volume beside its sign."""
        columns["volume"] = np.abs(columns["signed_volume"])
        return columns


def _pairs(path: Path, found: Any) -> list[tuple[Any, Any]]:
    """Values and stamps of an answer, oldest first."""
    if not isinstance(found, dict) or "value" not in found:
        raise DataError(f"{path}: is no answer of the volume indicator: it has no key value")
    if "timestamp" not in found:
        raise DataError(f"{path}: has no timestamps; ask for them with addResultTimestamp=true")
    values, stamps = ([v] if not isinstance(v, list) else v for v in (found["value"], found["timestamp"]))
    if len(values) != len(stamps):
        raise DataError(f"{path}: has {len(values)} values and {len(stamps)} timestamps")
    return list(zip(values, stamps, strict=True))

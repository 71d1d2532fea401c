"""The result folder as the report reads it: frames, facts and the lock of one run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..backtest.results.own_files import LOCK, check_outputs, read_lock, recorded
from ..core.errors import DataError
from ..core.files.signed import read_bounded
from ..core.files.writing import why

BAR_COLUMNS = ("data", "open_time", "close_time", "open", "high", "low", "close", "volume")
FLOW_COLUMNS = ("taker_buy_volume", "taker_sell_volume")


@dataclass(frozen=True)
class Folder:
    """Everything a report shows of one run.

    Parameters
    ----------
    path : Path
        The folder.
    result : dict
        ``result.json``.
    lock : dict
        ``run.lock``; empty when the run left none.
    bars, equity, orders, trades, indicators, flows, positions, cuts : DataFrame
        The tables of the same names; an absent optional one is empty.
    """

    path: Path
    result: dict[str, Any]
    lock: dict[str, Any]
    bars: pd.DataFrame
    equity: pd.DataFrame
    orders: pd.DataFrame
    trades: pd.DataFrame
    indicators: pd.DataFrame
    flows: pd.DataFrame
    positions: pd.DataFrame
    cuts: pd.DataFrame

    @property
    def levels(self) -> Path | None:
        """The file of price rows, when the run has one."""
        path = self.path / "levels.parquet"
        return path if path.exists() else None

    @cached_property
    def feeds(self) -> list[str]:
        """Feeds in the order the YAML names them; the first is charted first."""
        here = [str(x) for x in self.bars["data"].unique()]
        known = [str(x) for x in self.data]
        return [x for x in known if x in here] + [x for x in here if x not in known]

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.int64]]:
        """Which rows of ``bars`` are of each feed."""
        made = self.bars.groupby(self.bars["data"].astype(str), sort=False).indices
        return {str(name): np.asarray(rows, np.int64) for name, rows in made.items()}

    def bars_of(self, feed: str) -> pd.DataFrame:
        """The bars of one feed, in their order; none of a feed that has none."""
        return self.bars.iloc[self._rows.get(feed, np.zeros(0, np.int64))]

    @property
    def data(self) -> dict[str, Any]:
        """Per feed, what the lock says of it: tick, row size, rows, counts."""
        return dict(self.lock.get("data") or {})


def read_folder(path: Path) -> Folder:
    """The result folder at ``path``.

    Raises
    ------
    DataError
        If ``result.json``, ``bars.parquet`` or ``equity.parquet`` is missing or cannot be read, or any file changed
        since the run wrote it.
    """
    lock = read_lock(path)
    check_outputs(path, lock.get("outputs"))
    return Folder(
        path=path,
        result=_json(path / "result.json"),
        lock=lock,
        bars=_frame(path / "bars.parquet", columns=(*BAR_COLUMNS, *FLOW_COLUMNS, "quality")),
        equity=_frame(path / "equity.parquet"),
        orders=_frame(path / "orders.parquet", optional=True),
        trades=_frame(path / "trades.parquet", optional=True),
        indicators=_frame(path / "indicators.parquet", optional=True),
        flows=_frame(path / "flows.parquet", optional=True),
        positions=_frame(path / "positions.parquet", optional=True),
        cuts=_frame(path / "cuts.parquet", optional=True),
    )


def read_result(path: Path) -> dict[str, Any]:
    """``result.json`` of the folder at ``path``.

    Raises
    ------
    DataError
        If it is missing or cannot be read.
    """
    file = path / "result.json"
    if file.exists():
        _check(file)
    return _json(file)


def read_table(path: Path, name: str) -> pd.DataFrame:
    """Table ``name`` of the folder at ``path`` with times as times of UTC; empty where the run left none.

    Raises
    ------
    DataError
        If it cannot be read, or changed since the run wrote it.
    """
    file = path / f"{name}.parquet"
    _check(file)
    made = _frame(file, optional=True)
    for column in made.columns:
        if column.endswith("time") and made[column].dtype.kind == "i":
            made[column] = pd.to_datetime(made[column], unit="us", utc=True)
    return made


def _check(file: Path) -> None:
    """Compare one file of a run with what its lock says of it, where it left one."""
    if (file.parent / LOCK).exists() and (digest := recorded(file.parent, file.name)):
        check_outputs(file.parent, {file.name: digest})


def microseconds(times: pd.Series[Any]) -> NDArray[np.int64]:
    """A column of times, of whatever unit, as int64 microseconds UTC; whole numbers are taken for such.

    >>> days = pd.Series(pd.to_datetime(["2024-01-01"], utc=True))
    >>> microseconds(days).tolist(), microseconds(pd.Series([7])).tolist()
    ([1704067200000000], [7])
    """
    if times.dtype.kind != "M":
        return times.to_numpy(np.int64)
    stamps = pd.to_datetime(times, utc=True).to_numpy(dtype="datetime64[us]")
    return np.asarray(stamps).astype(np.int64)


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(read_bounded(path)))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; a result folder holds result.json") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(f"{path}: not the result of a run ({error})") from None


def _frame(path: Path, columns: tuple[str, ...] | None = None, optional: bool = False) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        if optional:
            return pd.DataFrame()
        raise DataError(f"{path}: no such file; a result folder holds {path.name}")
    try:
        table = pq.ParquetFile(path)
        chosen = [c for c in columns if c in table.schema_arrow.names] if columns else None
        frame: pd.DataFrame = table.read(columns=chosen).to_pandas()
    except (pa.ArrowException, ValueError, KeyError, OverflowError) as error:
        raise DataError(f"{path}: not a Parquet file ({(str(error).splitlines() or ['cut short'])[0][:200]})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {why(error)}") from None
    return frame

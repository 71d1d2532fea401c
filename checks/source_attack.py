"""The attack on where bars come from: feeds that are read again up to an instant, and from files that end early."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..backtest.inputs.read import read_all, traded_first
from ..configs.models import RunConfig
from ..core.bars import Bars
from ..core.errors import DataError, TapeflowError
from .attempt import Attempt, attempt, place
from .run_trace import Difference, close_to, same_bits

NOT_READ, NOT_IN_FILES = "not read", "not in the files"
_TEXT = (".csv", ".txt", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Reread:
    """What a source gave when its end was cut off.

    Parameters
    ----------
    bars : dict of str to Bars
        Of each feed, price rows left out; empty where it could not be read.
    attempt : Attempt
        The run over them.
    cut : tuple of str
        Files that were cut.
    uncut : tuple of str
        Files whose format cannot be cut.
    """

    bars: dict[str, Bars]
    attempt: Attempt
    cut: tuple[str, ...] = ()
    uncut: tuple[str, ...] = ()


def read_up_to(config: RunConfig, instant: int) -> Reread:
    """Read every feed up to an instant and run over that."""
    ended = {name: block.model_copy(update={"end": instant}) for name, block in config.data.items()}
    return _over(config.model_copy(update={"data": ended}))


def read_cut(config: RunConfig, share: float) -> Reread:
    """Read copies of the files, of which the last rows are cut off, and run over that."""
    with TemporaryDirectory(prefix="tapeflow-") as made:
        data, cut, uncut = {}, list[str](), list[str]()
        for name, block in config.data.items():
            files = [path for text in config.paths(name) for path in _files(text)]
            kept = max(1, int(np.ceil(share * len(files))))
            copies = [*map(str, files[:kept])]
            if files:
                target = Path(made) / name / files[kept - 1].name
                target.parent.mkdir(exist_ok=True)
                if shorten(files[kept - 1], target, share if len(files) < 4 else 0.5):
                    copies[-1] = str(target)
                    cut += [*map(str, files[kept - 1 :])]
                elif kept < len(files):
                    cut += [*map(str, files[kept:])]
                else:
                    uncut.append(str(files[-1]))
            data[name] = block.model_copy(update={"path": copies}) if files else block
        if not cut:
            return Reread({}, Attempt(error="there are no files to cut", refused=True), uncut=tuple(uncut))
        return replace(_over(config.model_copy(update={"data": data})), cut=tuple(cut), uncut=tuple(uncut))


def _files(text: str) -> list[Path]:
    path = Path(text)
    if any(mark in text for mark in "*?["):
        return sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor) if path.anchor else path)))
    return [path] if path.is_file() else []


def shorten(file: Path, target: Path, share: float) -> bool:
    """Write the first rows of a file of a known format; whether it is of one."""
    names = file.name.lower()
    if names.endswith(".parquet"):
        import pyarrow.parquet as pq

        table = pq.read_table(file)
        pq.write_table(table.slice(0, int(share * len(table))), target)
        return True
    if names.endswith(".gz"):
        if not names.removesuffix(".gz").endswith(_TEXT):
            return False
        target.write_bytes(gzip.compress(_lines(gzip.decompress(file.read_bytes()), share), 1))
        return True
    if names.endswith(".zip"):
        with zipfile.ZipFile(file) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
            for member in archive.namelist():
                made.writestr(member, _lines(archive.read(member), share))
        return True
    if not names.endswith(_TEXT) or names.endswith(".json"):
        return False
    target.write_bytes(_lines(file.read_bytes(), share))
    return True


def _lines(content: bytes, share: float) -> bytes:
    end = content.rfind(b"\n", 0, int(share * len(content)))
    return content[: end + 1]


def _over(config: RunConfig) -> Reread:
    try:
        sources = traded_first(config, read_all(config, lambda text: None))
    except Exception as err:
        line = place(err)
        refused = isinstance(err, TapeflowError | FileNotFoundError) and not line
        return Reread({}, Attempt(error=f"{type(err).__name__}: {err}", refused=refused, line=line))
    bars = {name: replace(source.bars, levels=None) for name, source in sources.items()}
    return Reread(bars, attempt(config, sources))


def fixed(config: RunConfig, bars: Mapping[str, Bars]) -> RunConfig:
    """``config`` with what reading chooses by the whole of the data given as it was chosen."""
    data = dict(config.data)
    for feed, block in config.feeds.items():
        found = bars.get(feed)
        if found is None or found.levels is None:
            continue
        given: dict[str, Any] = {}
        if data[block].row_size in (None, "auto"):
            given["row_size"] = found.levels.row_size
        if data[block].tick is None and found.levels.tick_known:
            given["tick"] = found.levels.tick
        data[block] = data[block].model_copy(update=given)
    return config.model_copy(update={"data": data})


def differences(before: Mapping[str, Bars], after: Mapping[str, Bars], instant: int) -> Iterator[Difference]:
    """Columns of feeds in which bars that had closed by ``instant`` are not what they were; the last of them aside.

    Parameters
    ----------
    before, after : mapping of str to Bars
        As read, and as read again.
    instant : int
        Epoch µs.
    """
    for name, bars in before.items():
        other = after.get(name)
        if other is None:
            continue
        count = int(np.searchsorted(bars["close_time"], instant, "right")) - 1
        if min(count, len(other) - 1) < 1:
            continue
        count = min(count, len(other) - 1)
        for column, values in bars.columns.items():
            if column not in other.columns:
                continue
            mine, its = values[:count], other[column][:count]
            off = np.flatnonzero(~same_bits(mine, its))
            if len(off):
                far = off[~close_to(mine, its)[off]]
                i = int(far[0] if len(far) else off[0])
                time = int(bars["close_time"][i])
                said = repr(float(mine[i])), repr(float(its[i]))
                yield Difference(f"feed {name}, column {column}", i, time, *said, rounding=not len(far))


def last_whole(bars: Mapping[str, Bars]) -> int:
    """The close up to which every feed that was read again is whole, its last two bars aside.

    Raises
    ------
    DataError
        If a feed has too few bars for that.
    """
    if not bars or min(map(len, bars.values())) < 3:
        raise DataError("too little is left of a feed when its end is cut off")
    return min(int(one["close_time"][-3]) for one in bars.values())

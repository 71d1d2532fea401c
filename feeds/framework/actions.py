"""Corporate actions: splits and dividends of a stock, from a small table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import DAY, iso, parse_time, parse_zone
from ...core.errors import DataError, nearest
from ...core.schema import ADJUSTMENT, DIVIDEND
from ...core.tape import Tape
from ..csv_reader.files import FileReader, InputFile, expand
from ..csv_reader.row_cells import rows_of

COLUMNS = ("date", "symbol", "split", "dividend")
_DATE_NAMES = ("date", "ex_date", "ex-date", "exdate")
_PLAIN_MOVE = math.log(1.2)
"""A split of a smaller ratio cannot be told from what prices do overnight."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CorporateActions:
    """Splits and dividends in time order.

    Parameters
    ----------
    time : ndarray of int64
        When each takes effect, epoch µs: midnight of its ex-day.
    split : ndarray of float64
        New shares for one old share, 2 for a 2:1 split; 1 where there is none.
    dividend : ndarray of float64
        Cash for a share as there are from that day on, a split of the same day done; 0 where there is none.
    files : tuple of InputFile
        What was read.

    Notes
    -----
    Prices and amounts of a series are kept in shares as they were on its first day: what comes after a split is turned
    back into them, prices times the ratio and amounts by it, so that no value of a series depends on what came later,
    and a position is the same number before and after.
    """

    time: NDArray[np.int64]
    split: Floats
    dividend: Floats
    files: tuple[InputFile, ...] = ()

    def ratios(self, time: NDArray[np.int64], first: int) -> Floats:
        """New shares for one of the first day at each of ``time``; actions up to ``first``, the first of all, are over.

        Examples
        --------
        >>> actions = CorporateActions(np.array([10, 20]), np.array([2.0, 3.0]), np.zeros(2))
        >>> actions.ratios(np.array([10, 19, 20]), first=5).tolist(), actions.ratios(np.array([20]), first=12).tolist()
        ([2.0, 2.0, 6.0], [3.0])
        """
        made = np.cumprod(np.where(self.time > first, self.split, 1.0))
        return np.concatenate(([1.0], made))[np.searchsorted(self.time, time, "right")]

    def tape(self, tape: Tape, first: int) -> Tape:
        """Trades in shares of the day of ``first``, the time of the first of them."""
        ratio = self.ratios(tape.time, first)
        if (ratio == 1.0).all():
            return tape
        return replace(tape, price=tape.price * ratio, quantity=tape.quantity / ratio)

    def klines(self, bars: Bars) -> Bars:
        """Klines in shares of the first of them; one is of the day of an action where it closes after it."""
        times = bars["close_time"] - 1
        ratio = self.ratios(times, int(times[0]))
        if (ratio == 1.0).all():
            return bars
        for time in self.time[(self.split != 1.0) & (self.time > times[0]) & (self.time <= times[-1])]:
            opened = int(bars["open_time"][np.searchsorted(times, time, "left")])
            if time - opened >= DAY:
                raise DataError(
                    f"{bars.source}: the kline from {iso(opened)} on holds prices from before and after the split at "
                    f"{iso(int(time))}; give klines of a day or shorter"
                )
        made = {c.name: bars[c.name] * ratio ** (c.price - c.size) for c in bars.schema if c.price != c.size}
        return bars.assign(**made)

    def _check(self, bars: Bars, ratio: Floats) -> None:
        """Refuse splits that files knew already, by bars in shares of the first day.

        Raises
        ------
        DataError
            If the price goes on over a split as if there were none.
        """
        for at in np.flatnonzero(np.diff(ratio)) + 1:
            before, after, step = bars["close"][at - 1], bars["open"][at], ratio[at] / ratio[at - 1]
            if not (before > 0 and after > 0) or abs(math.log(step)) < _PLAIN_MOVE:
                continue
            move = math.log(after / before)
            if abs(move - math.log(step)) < abs(move):
                told = before / ratio[at - 1], after / ratio[at]
                raise DataError(
                    f"{bars.source}: the price goes from {told[0]:g} to {told[1]:g} over the split of {step:g} at "
                    f"{iso(int(bars['open_time'][at]))}, so the file is adjusted for it already; leave it "
                    "out of actions"
                )

    def finished(self, bars: Bars, first: int) -> Bars:
        """``bars`` in shares of the day of ``first``, checked, with the columns of `core.schema.ACTIONS`.

        The adjustment grows on an ex-day to what it was times close / (close − dividend) of the bar before, so that
        a price that falls by the dividend alone does not move where it is adjusted.

        Raises
        ------
        DataError
            If a dividend is no less than the price before it, or the files were adjusted for a split already.
        """
        closes = bars["close_time"]
        self._check(bars, self.ratios(closes - 1, first))
        at = np.searchsorted(closes, self.time, "right")
        due = (self.dividend > 0) & (at > 0) & (at < len(bars))
        paid = np.zeros(len(bars))
        np.add.at(paid, at[due], (self.dividend * self.ratios(self.time, first))[due])
        before = _last_known(bars["close"])
        factor = np.ones(len(bars))
        for i in np.flatnonzero(paid):
            if not before[i - 1] > paid[i]:
                raise DataError(
                    f"{bars.source}: a dividend of {paid[i]:g} at {iso(int(bars['open_time'][i]))} is not below the "
                    f"price before it, {before[i - 1]:g}; actions tell dividends in currency for a share of that day"
                )
            factor[i] = before[i - 1] / (before[i - 1] - paid[i])
        return bars.assign(**{DIVIDEND: paid, ADJUSTMENT: np.cumprod(factor)})


def _last_known(values: Floats) -> Floats:
    """Each value, or the last before it that is known."""
    known = np.maximum.accumulate(np.where(np.isnan(values), 0, np.arange(len(values))))
    return values[known]


def read_actions(
    paths: Iterable[str | Path], symbol: str | None = None, timezone: str | None = None
) -> CorporateActions:
    """Splits and dividends from CSV files.

    Parameters
    ----------
    paths : iterable of path
        Files with a header: ``date``, the ex-day or an instant, ``split``, as 2 or 2:1, new shares for old ones,
        ``dividend``, cash for a share of that day, and ``symbol`` where there are several. Empty cells are
        nothing, lines that begin with ``#`` are comments.
    symbol : str, optional
        Whose actions to take.
    timezone : str, optional
        Where days begin at midnight; UTC when left out.

    Raises
    ------
    DataError
        If a file cannot be read, with its row and column; or it holds several symbols and none is chosen.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "actions.csv"
    >>> _ = file.write_text("date,symbol,split,dividend\\n2020-08-07,AAPL,,0.82\\n2020-08-31,AAPL,4:1,\\n")
    >>> made = read_actions([file])
    >>> made.split.tolist(), made.dividend.tolist()
    ([1.0, 4.0], [0.82, 0.0])
    """
    zone = parse_zone(timezone or "UTC")
    sources = [FileReader(path) for path in expand(paths)]
    rows = [row for source in sources for row in _rows(source, zone)]
    held = sorted({name for _, name, _, _ in rows if name})
    if symbol is not None and held:
        if symbol not in held:
            near = nearest(symbol, held)
            hint = f", did you mean '{near}'?" if near else ""
            raise DataError(f"{sources[0].path}: no actions of symbol '{symbol}'{hint} (it has {', '.join(held)})")
        rows = [row for row in rows if row[1] in ("", symbol)]
    elif len(held) > 1:
        raise DataError(
            f"{sources[0].path}: holds actions of {', '.join(held)}; say whose, as in "
            f"actions: {{path: {sources[0].path.name}, symbol: {held[0]}}}"
        )
    rows.sort(key=lambda row: row[0])
    return CorporateActions(
        np.array([time for time, *_ in rows], dtype=np.int64),
        np.array([split for _, _, split, _ in rows], dtype=np.float64),
        np.array([paid for *_, paid in rows], dtype=np.float64),
        tuple(source.digest() for source in sources),
    )


def _rows(source: FileReader, zone: ZoneInfo) -> Iterator[tuple[int, str, float, float]]:
    """Time, symbol, split and dividend of each row of a file."""
    try:
        text = b"".join(source.chunks()).decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise DataError(f"{source.path}: not UTF-8 text at byte {err.start}") from None
    table = [(i, cells) for i, cells in rows_of(text, source.path) if _is_row(cells)]
    header = [name.strip().lower() for name in (table[0][1] if table else [])]
    names = ["date" if name in _DATE_NAMES else name for name in header]
    for name in names:
        if name not in COLUMNS:
            near = nearest(name, COLUMNS)
            hint = f", did you mean '{near}'?" if near else ""
            raise DataError(f"{source.path}: unknown column '{name}'{hint} (allowed: {', '.join(COLUMNS)})")
    if "date" not in names or not {"split", "dividend"} & {*names}:
        raise DataError(
            f"{source.path}: needs a header with date and with split or dividend (allowed: {', '.join(COLUMNS)})"
        )
    seen: set[tuple[Any, ...]] = set()
    for number, cells in table[1:]:
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        where = f"{source.path}: row {number}"
        made = _day(where, row.get("date", ""), zone), row.get("symbol", ""), *_amounts(where, row)
        if made in seen:
            raise DataError(f"{where}: is the same as a row before it; leave one of them out")
        seen.add(made)
        yield made


def _is_row(cells: list[str]) -> bool:
    """Whether a line is neither empty nor a comment."""
    return any(cell.strip() for cell in cells) and not cells[0].startswith("#")


def _day(where: str, text: str, zone: ZoneInfo) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}, column date: '{text}' is no date; write it as 2024-01-31") from None
    return parse_time((when if when.tzinfo else when.replace(tzinfo=zone)).isoformat())


def _amounts(where: str, row: dict[str, str]) -> tuple[float, float]:
    split, dividend = row.get("split", ""), row.get("dividend", "")
    new, colon, old = split.replace("-for-", ":").partition(":")
    try:
        ratio = (float(new) if new else 1.0) / (float(old) if colon else 1.0)
    except (ValueError, ZeroDivisionError):
        ratio = math.nan
    if not 0 < ratio < math.inf:
        raise DataError(
            f"{where}, column split: '{split}' is no ratio above 0; write new shares for old, as in 2:1 or 2"
        )
    try:
        paid = float(dividend or 0.0)
    except ValueError:
        paid = math.nan
    if not 0 <= paid < math.inf:
        raise DataError(f"{where}, column dividend: '{dividend}' is no amount of 0 or more for a share")
    return ratio, paid

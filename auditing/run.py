"""What a run would make of the files that an audit reads: bars with their quality bits, or a refusal."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from ..aggregation.bars import Aggregator, Covered
from ..core.bars import Bars
from ..core.errors import DataError
from ..core.schema import Quality
from ..core.tape import Tape
from ..feeds.csv_reader.decode import DecodedRows
from ..feeds.framework.dumps import DumpTape
from ..feeds.framework.once import Once
from ..feeds.framework.sort_and_dedup import Batch, RowSorter

Integers = NDArray[np.int64]


def quality_counts(bars: Bars) -> dict[str, int]:
    """How many bars have which bit of `Quality`, bits that none has left out.

    Examples
    --------
    >>> quality_counts(Bars.of(open_time=[0, 1, 2], close_time=[1, 2, 3], quality=[0, 1, 17]))
    {'GAP': 2, 'ID_HOLE': 1}
    """
    counted = {str(bit.name): int(np.count_nonzero(bars["quality"] & int(bit))) for bit in Quality}
    return {name: n for name, n in counted.items() if n}


class Rehearsal:
    """Reads as a run does, beside the audit, until the run would give up.

    Parameters
    ----------
    feed : DumpTape or None
        The feed, which makes batches of rows; None for a feed that is rehearsed with whole tapes.
    spec : str
        The bars.
    source : str
        Where the tape comes from, for errors.
    """

    def __init__(self, feed: DumpTape | None, spec: str, source: str) -> None:
        self._feed = feed
        self._order, self._once, self._source = RowSorter(Counter()), Once(), source
        self._bars = Aggregator([spec], source=source)
        self._void = False
        self.refused = ""
        """The error that the run would end with; empty when it would not."""

    def refuse(self, why: str) -> None:
        """Note the first reason to give up."""
        self.refused = self.refused or why

    def rows(self, rows: DecodedRows, time: Integers, strange: NDArray[np.bool_]) -> None:
        """Take raw rows of a file.

        Parameters
        ----------
        rows : Rows
            As decoded.
        time : ndarray of int64
            Epoch µs.
        strange : ndarray of bool
            Rows whose stamp is in another unit than the first of the file, or in one that feeds do not read.
        """
        if self.refused or self._feed is None or not len(rows):
            return
        if strange.any():
            i = int(np.flatnonzero(strange)[0])
            self.refuse(
                f"{rows.path}: row {rows.line[i]}, column {rows.column('time')}: '{rows['time'][i]}' is not in the "
                "µs or ms of an epoch that the rows before have"
            )
            return
        try:
            for tape in self._order.push(self._without_void(self._feed, rows, time)):
                self._bars.push(tape)
        except DataError as err:
            self.refuse(str(err))

    def tape(self, tape: Tape) -> None:
        """Take a tape that its feed has already cleaned."""
        if not self.refused:
            try:
                self._bars.push(self._once.kept(tape, self._source))
            except DataError as err:
                self.refuse(str(err))

    def _without_void(self, feed: DumpTape, rows: DecodedRows, time: Integers) -> Batch:
        """The batch of rows that are trades; one behind a voided row is flagged."""
        keep = (rows["price"] > 0) | (feed.negative_prices & np.isfinite(rows["price"]))
        keep &= rows["quantity"] > 0
        kept = np.flatnonzero(keep)
        behind = np.diff(kept, prepend=-2 if self._void else -1) > 1
        self._void = not keep[-1]
        return feed.batch(rows.where(keep), time[keep]).flag(np.where(behind, int(Quality.VOID), 0))

    def finish(self, covered: Covered) -> Bars | None:
        """The bars of the run; None when it would be refused."""
        if self.refused:
            return None
        try:
            for tape in self._order.finish():
                self._bars.push(tape)
        except DataError as err:
            self.refuse(str(err))
            return None
        return self._bars.finish(covered)[0]


def kept(promised: Covered, time: Integers) -> Covered:
    """What the name of a file promises, dropped when its rows do not keep to it."""
    since, until = promised
    if since is None or until is None or time.min() < since or time.max() >= until:
        return None, None
    return promised

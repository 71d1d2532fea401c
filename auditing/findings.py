"""Findings of an audit: what can be wrong, where it was seen, and the grade that follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.clock import iso
from ..feeds.framework.contradictions import SAYS

Integers = NDArray[np.int64]
DAMAGE, MENDED, NOTE = "damage", "mended", "note"
NINE = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "taker_buy_volume",
    "taker_buy_quote_volume",
)
"""What klines and a tape can both tell."""


@dataclass(frozen=True)
class FindingKind:
    """One thing that can be wrong.

    Parameters
    ----------
    weight : {"damage", "mended", "note"}
        Whether it makes numbers wrong, is put right by every feed on its own, or is only worth knowing.
    base : str
        What its share is a share of: ``rows``, ``ids``, ``time``, ``bars``, ``files``; empty for nothing.
    says : str
        One occurrence, in words.
    """

    weight: str
    base: str
    says: str


KINDS: dict[str, FindingKind] = {
    "damaged_file": FindingKind(DAMAGE, "files", "file that cannot be read"),
    "unreadable": FindingKind(DAMAGE, "rows", "line that cannot be read"),
    "bad_time": FindingKind(DAMAGE, "rows", "time stamp that is no epoch time"),
    "stray_time": FindingKind(DAMAGE, "rows", "time stamp years from those around it"),
    "time_unit": FindingKind(DAMAGE, "rows", "stretch with time stamps in another unit than the rest of its file"),
    "quantity_unit": FindingKind(DAMAGE, "rows", "stretch with quantities in another unit"),
    "conflict": FindingKind(DAMAGE, "rows", "id that came before with other content"),
    "day_duplicate": FindingKind(DAMAGE, "rows", "trade that two days of a catalog have, the same but for its time"),
    "id_hole": FindingKind(DAMAGE, "ids", "place where ids are missing"),
    "time_gap": FindingKind(DAMAGE, "time", "long time without trades, not explained by ids"),
    "truncated_day": FindingKind(DAMAGE, "time", "day whose trades begin late or end early"),
    "price_spike": FindingKind(DAMAGE, "rows", "price far off that came back at once"),
    "side_flip": FindingKind(DAMAGE, "rows", "stretch whose sides contradict the moves of the price"),
    "one_sided": FindingKind(DAMAGE, "rows", "stretch all on one side while the price moved both ways"),
    **{f"kline_{name}": FindingKind(DAMAGE, "bars", f"kline whose {name} is not that of the tape") for name in NINE},
    "kline_without_tape": FindingKind(DAMAGE, "bars", "kline with trades where the tape has none"),
    "kline_gap": FindingKind(DAMAGE, "bars", "place where klines are missing"),
    **{
        f"kline_odd_{kind}": FindingKind(DAMAGE, "bars", f"kline that contradicts itself: {says}")
        for kind, says in SAYS.items()
    },
    "kline_spike": FindingKind(
        DAMAGE, "bars", "kline that reaches tenfold away from all prices around it and comes back"
    ),
    "kline_overlap": FindingKind(DAMAGE, "bars", "kline that opens before the one before it closes"),
    "kline_conflict": FindingKind(DAMAGE, "bars", "kline that came before with other figures"),
    "kline_off_grid": FindingKind(DAMAGE, "bars", "kline off the grid of the others, or of another length"),
    "void": FindingKind(MENDED, "rows", "row with price or quantity 0"),
    "duplicate": FindingKind(MENDED, "rows", "row that came before"),
    "disorder": FindingKind(MENDED, "rows", "row earlier than the row before it"),
    "kline_duplicate": FindingKind(MENDED, "bars", "kline that came before"),
    "kline_disorder": FindingKind(MENDED, "bars", "kline earlier than the one before it"),
    "tape_without_kline": FindingKind(NOTE, "rows", "trade in a minute that has no kline"),
    "price_wick": FindingKind(NOTE, "rows", "price far off that came back at once, as the exchange's kline has it"),
    "kline_wick": FindingKind(NOTE, "bars", "kline that reaches far from the prices around it and comes back"),
    "silence": FindingKind(NOTE, "time", "long time without trades while ids go on: a halt or a quiet market"),
    "partial_day": FindingKind(NOTE, "", "day at an end of the tape that is not whole"),
    "size_outlier": FindingKind(NOTE, "rows", "quantity far above all others"),
    "tick_change": FindingKind(NOTE, "rows", "change of the price step"),
    "off_tick": FindingKind(NOTE, "rows", "price off the price step"),
    "long_run": FindingKind(NOTE, "rows", "run on one side longer than chance allows"),
    "side_unknown": FindingKind(NOTE, "rows", "row without a side"),
    "empty_kline": FindingKind(NOTE, "bars", "kline without trades"),
}

RULE = (
    "A: no damage and nothing to mend; B: only what feeds mend (void, duplicate, disorder), or damage to 0.001 %; "
    "C: to 0.1 %; D: to 1 %, or a run would refuse the files; F: more. The worst finding counts, by its share."
)
"""How the grade follows from the findings."""
_LIMITS = ((1e-5, "B"), (1e-3, "C"), (1e-2, "D"))


@dataclass(frozen=True)
class Spot:
    """Where something was seen.

    Parameters
    ----------
    file : str
        The file.
    row : int
        Line in it, counted from 1, header included.
    time : int
        Epoch µs; −1 where there is none.
    example : str
        What was seen there.
    """

    file: str
    row: int
    time: int
    example: str = ""

    def saying(self, example: str) -> Spot:
        """The same place with another example."""
        return Spot(self.file, self.row, self.time, example)


@dataclass(frozen=True)
class Finding:
    """One kind of fault, all its occurrences.

    Parameters
    ----------
    kind, weight, says
        As in `KINDS`.
    count : int
        Occurrences.
    amount : int
        Rows, ids, bars or µs that they touch, by the kind's base.
    share : float
        ``amount`` as a share of the base; NaN where the base is 0.
    spots : tuple of Spot
        The first occurrences.
    """

    kind: str
    weight: str
    says: str
    count: int
    amount: int
    share: float
    spots: tuple[Spot, ...]

    def line(self) -> dict[str, Any]:
        """The finding in one line: what, how many, where first, an example."""
        first = self.spots[0] if self.spots else Spot("", 0, -1)
        return {
            "kind": self.kind,
            "weight": self.weight,
            "what": self.says,
            "count": self.count,
            "amount": self.amount,
            "base": KINDS[self.kind].base,
            "share": self.share,
            "file": first.file,
            "row": first.row,
            "time": iso(first.time) if first.time >= 0 else "",
            "example": first.example,
        }


@dataclass
class Log:
    """Occurrences as they are seen; all are counted, the first ``keep`` of a kind are kept.

    Examples
    --------
    >>> log = Log()
    >>> log.add("void", Spot("a.csv", 7, 0, "quantity 0"))
    >>> [(f.kind, f.count, f.share) for f in log.findings({"rows": 10})]
    [('void', 1, 0.1)]
    """

    keep: int = 100
    counts: dict[str, int] = field(default_factory=dict)
    amounts: dict[str, int] = field(default_factory=dict)
    spots: dict[str, list[Spot]] = field(default_factory=dict)

    def add(self, kind: str, spot: Spot, amount: int = 1) -> None:
        """One occurrence that touches ``amount`` rows, ids, bars or µs."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.amounts[kind] = self.amounts.get(kind, 0) + amount
        kept = self.spots.setdefault(kind, [])
        if len(kept) < self.keep:
            kept.append(spot)

    def many(self, kind: str, rows: NDArray[np.intp], spot: Callable[[int], Spot]) -> None:
        """One occurrence for each of ``rows``; ``spot`` is asked only for those that are kept."""
        if not len(rows):
            return
        kept = self.spots.setdefault(kind, [])
        kept += [spot(int(i)) for i in rows[: max(0, self.keep - len(kept))]]
        self.counts[kind] = self.counts.get(kind, 0) + len(rows)
        self.amounts[kind] = self.amounts.get(kind, 0) + len(rows)

    def findings(self, bases: Mapping[str, int]) -> list[Finding]:
        """What was seen, in the order of `KINDS`.

        Parameters
        ----------
        bases : mapping of str to int
            How much of each base there is.
        """
        made = []
        for name, kind in KINDS.items():
            if count := self.counts.get(name, 0):
                base = bases.get(kind.base, 0)
                share = self.amounts[name] / base if base > 0 else float("nan")
                spots = tuple(self.spots[name])
                made.append(Finding(name, kind.weight, kind.says, count, self.amounts[name], share, spots))
        return made


def grade(findings: Iterable[Finding], refused: bool = False) -> str:
    """The grade that `RULE` gives.

    Examples
    --------
    >>> log = Log()
    >>> grade(log.findings({}))
    'A'
    >>> log.add("id_hole", Spot("a.csv", 7, 0), amount=3)
    >>> grade(log.findings({"ids": 10_000})), grade(log.findings({"ids": 100}))
    ('C', 'F')
    """
    found = list(findings)
    damage = [f.share if f.share == f.share else 1.0 for f in found if f.weight == DAMAGE]
    if not damage:
        made = "B" if any(f.weight == MENDED for f in found) else "A"
    else:
        made = next((mark for limit, mark in _LIMITS if max(damage) <= limit), "F")
    return max(made, "D") if refused else made

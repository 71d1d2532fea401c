"""What feeds that go from contract to contract share: parameters, rolls, and the marks that bars carry."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import iso
from ..core.days import parse_days
from ..core.errors import DataError, listed
from ..core.params import Bound, Choice, Rule, Text
from ..core.schema import ALLOW_NEGATIVE, ROLL, ROLL_COLUMNS, ROLL_FROM, ROLL_TO
from .contracts import DateList, contracts_of, day_number
from .framework.feed import Feed
from .rolls import Leg, Roll

Floats = NDArray[np.float64]

ROLL_PARAMS: dict[str, Any] = {
    "contracts": [],
    "roll": "volume",
    "dates": [],
    "days_before": 0,
    "adjust": "none",
    "anchor": "first",
    "timezone": "UTC",
}
ROLL_BOUNDS: dict[str, Rule] = {
    "dates": DateList(),
    "days_before": Bound(0, integer=True),
    "adjust": Choice("none", "difference", "ratio"),
    "anchor": Choice("first", "last"),
    "timezone": Text(parse_days, "a zone, with a time of day if wished, as in America/Chicago@17:00"),
}


class Rolling(Feed):
    """A feed of contracts of one root."""

    abstract = True
    example: ClassVar[str] = "CsvBars"
    """A feed of contracts, for errors."""
    rolls_over = made_of_feeds = True
    why_no_actions = "is of futures, which pay no dividends"

    def __init__(self, paths: str | Path | Sequence[str | Path] = ".", **params: Any) -> None:
        super().__init__(paths, **params)
        self.rolls: list[Roll] = []
        self._levels: Floats = np.zeros(0)
        """What each leg was shifted by, or multiplied with."""

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        given, by_date = params["contracts"], params["roll"] == "date"
        if not given:
            return f"{cls.__name__}: contracts: name them, as in {{feed: {cls.example}, path: 'ES*.csv'}}"
        if params["dates"] and not by_date:
            return "dates go with roll: date"
        if params["days_before"] and (not by_date or params["dates"]):
            return "days_before goes with roll: date where each contract has an expiry, and no dates"
        if params["anchor"] == "last" and params["adjust"] == "none":
            return "anchor: last goes with adjust: difference or ratio, which move the other contracts' prices"
        if not by_date or isinstance(given, Mapping):
            return "" if not by_date or params["dates"] else "roll: date needs dates, one for each roll"
        if params["dates"]:
            wanted = len(given) - 1
            return "" if len(params["dates"]) == wanted else f"dates: {len(given)} contracts have {wanted} rolls"
        missing = [i for i, item in enumerate(given[:-1], 1) if item.get("expiry") is None]
        return f"roll: date needs dates, or the expiry of each contract; item {missing[0]} has none" if missing else ""

    @classmethod
    def extra_columns(cls, params: Mapping[str, Any]) -> tuple[str, ...]:
        """The columns beyond the canonical ones."""
        return ROLL_COLUMNS

    @property
    def _own(self) -> str:
        """Its name, for errors."""
        return type(self).__name__

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        if len(paths) != 1 or not Path(paths[0]).expanduser().is_dir():
            raise DataError(f"{self._own}: path is one folder, in which the contracts' paths begin (got {paths[0]})")
        if wrong := self.complaint(self.p):
            raise DataError(wrong if wrong.startswith(self._own) else f"{self._own}: {wrong}")
        self.contracts = list(contracts_of(Path(paths[0]).expanduser(), self.p["contracts"]))
        names = [one.name for one in self.contracts]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise DataError(f"{self._own}: two contracts are called {twice}; say their names, as in name: ESH24")
        return [path for one in self.contracts for path in one.feed.paths]

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        names = [one.name for one in self.contracts]
        return f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"

    def _gathered(self) -> Counter[str]:
        """What reading the contracts counted, together; takes over their files."""
        self.files, counts = [], Counter[str]()
        for one in self.contracts:
            self.files += one.feed.files
            counts.update(one.feed.counts)
        return counts

    def _ordered(self, ends: Sequence[int]) -> list[int]:
        """The places of the contracts, which are put in order: as they are listed, or as they end where none is."""
        order = list(range(len(ends)))
        if isinstance(self.p["contracts"], Mapping):
            order.sort(key=lambda i: (ends[i], self.contracts[i].name))
            self.contracts = [self.contracts[i] for i in order]
        return order

    def _starts(self) -> list[int]:
        """The days on which contracts after the first begin, by ``dates`` or ``days_before``."""
        starts = [day_number(text) for text in self.p["dates"]]
        if not starts:
            before = self.p["days_before"]
            starts = [one.expiry - before for one in self.contracts[:-1] if one.expiry is not None]
        if (count := len(self.contracts)) != len(starts) + 1:
            raise DataError(f"{self._own}: {count} contracts have {count - 1} rolls, and dates has {len(starts)}")
        return starts

    def _roll_of(self, old: str, new: str, leg: Leg, time: int, prices: tuple[float, float], shared: str) -> Roll:
        """A roll, checked."""
        if math.isnan(sum(prices)):
            raise DataError(
                f"{self._own}: {old} and {new} have no {shared} up to the roll at {iso(time)}, so that "
                "what lies between them is not known"
            )
        if self.p["adjust"] == "ratio" and min(prices) <= 0:
            raise DataError(
                f"{self._own}: the roll from {old} at {prices[0]:g} to {new} at {prices[1]:g} has no ratio; "
                "take adjust: difference"
            )
        return Roll(time, old, new, *prices, f"{old} has ended; {leg.why}" if leg.ended else leg.why)

    def _levels_of(self) -> Floats:
        """What each leg is shifted by, or multiplied with, to be on one level."""
        last = self.p["anchor"] == "last"
        if self.p["adjust"] == "ratio":
            steps = [1.0, *(roll.old_price / roll.new_price for roll in self.rolls)]
            factors = np.asarray(np.cumprod(np.array(steps, np.float64)), np.float64)
            return factors / factors[-1] if last else factors
        shifts: Floats = np.cumsum([0.0, *(roll.old_price - roll.new_price for roll in self.rolls)])
        return np.asarray(shifts - shifts[-1] if last else shifts, np.float64)

    def _check_above_0(self, time: NDArray[np.int64], price: Floats) -> None:
        """Refuse prices that shifting took to 0 and below."""
        if not self.negative_prices and len(at := np.flatnonzero(price <= 0)):
            raise DataError(
                f"{self._own}: the low at {iso(int(time[at[0]]))} is {price[at[0]]:g} once gaps are "
                f"taken out: take adjust: ratio, or another anchor; {ALLOW_NEGATIVE}"
            )

    def _marked(self, bars: Bars) -> Bars:
        """``bars`` with their rolls."""
        marks = {name: np.zeros(len(bars)) for name in ROLL_COLUMNS}
        notes = []
        for i, roll in enumerate(self.rolls):
            at = int(np.searchsorted(bars["close_time"], roll.time, "right"))
            if not at < len(bars) or (at == 0 and roll.time < bars["open_time"][0]):
                continue
            factors = self._levels[i : i + 2] if self.p["adjust"] == "ratio" else (1.0, 1.0)
            marks[ROLL][at] = 1.0
            marks[ROLL_FROM][at], marks[ROLL_TO][at] = roll.old_price * factors[0], roll.new_price * factors[1]
            told = f"{roll.old_price:g} to {roll.new_price:g}"
            notes.append(f"rolled {roll.old} to {roll.new} at {iso(roll.time)}, {told}: {roll.why}")
        return replace(bars.assign(**marks), notes=(*notes, *bars.notes, *self._says()))

    def _says(self) -> Iterator[str]:
        """What a reader should know of how prices were adjusted."""
        adjust, names = self.p["adjust"], [one.name for one in self.contracts]
        used = {name for roll in self.rolls for name in (roll.old, roll.new)}
        if used and (others := [name for name in names if name not in used]):
            yield f"{listed(others)} of the contracts: never the series"
        whose = names[0] if self.p["anchor"] == "first" else names[-1]
        if adjust == "none" and self.rolls:
            yield "prices leap where contracts change (adjust: none)"
        if adjust == "difference" and self.rolls:
            yield f"prices are those of {whose}, others shifted by the gaps between: percentages of them lie"
        if adjust == "ratio" and self.rolls:
            yield f"prices and sizes are those of {whose}, others by the ratios between"
        if adjust != "none" and self.rolls and self.p["anchor"] == "last":
            yield "back-adjusted: the level of earlier prices holds later rolls"

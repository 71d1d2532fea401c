"""Continuous: the contracts of one root as one series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.kinds import BarSpec
from ..core.bars import Bars
from ..core.days import parse_days
from ..core.errors import DataError, listed
from ..core.params import Choice
from .contracts import ContractList
from .framework.kline_feed import KlineFeed
from .rolling import ROLL_BOUNDS, ROLL_PARAMS, Rolling
from .rolls import Leg, Roll, by_day, by_measure, prices_at

_NOTIONALS = {
    "quote_volume": "volume",
    "taker_buy_quote_volume": "taker_buy_volume",
    "taker_sell_quote_volume": "taker_sell_volume",
}
"""What each notional is of."""


class Continuous(Rolling, KlineFeed):
    """The bars of the contracts of one root as one series, from roll to roll.

    Parameters
    ----------
    paths : path, default="."
        The folder in which the contracts' paths begin; in a YAML it is relative to the YAML.
    contracts : dict or list of dict
        One block, ``{feed: CsvBars, path: "ES*.csv"}`` with the feed's own parameters, of whose files each is a
        contract: in the order in which they end, called as the files are. Or a list with a block for each, in the
        order in which they expire, with ``name`` and ``expiry`` (a date) if wished.
    roll : {"volume", "open_interest", "date"}, default="volume"
        When to go on to a later contract. By volume or open interest (an extra column of that name): on the first bar
        of a day, where the later one had more on the day before, or where the current one has ended; never back. By
        date: on the days of ``dates``, or so many days before each ``expiry``.
    dates : list of str, default=[]
        The days of the rolls, one fewer than there are contracts.
    days_before : int, default=0
        Days of the calendar from a roll to the expiry.
    adjust : {"none", "difference", "ratio"}, default="none"
        What becomes of the gap between two contracts: it stays, and the series cannot be traded; or all prices
        of a contract are shifted by the gaps between, or multiplied by their ratios.
    anchor : {"first", "last"}, default="first"
        Whose prices stay as they were: the first contract's, so that no value depends on a later roll; or the last
        one's, which is called back-adjusted: earlier prices hold later gaps, as an offset or a factor alone.
    timezone : str, default="UTC"
        Where days begin, as in ``America/Chicago@17:00``.

    Raises
    ------
    DataError
        For a file that cannot be read; contracts whose bars differ in length; two of them without a bar in common
        where one follows the other; prices not above 0 under ``ratio``.
    ParamError
        For a parameter out of bounds, of the contracts too.

    Notes
    -----
    The gap is measured at one instant: between the opens of both contracts at the roll, or the last closes before it
    that both have where the old one has ended.

    Bars have `core.schema.ROLLS` besides: ``roll`` is 1 on the first bar of a new contract, ``roll_from`` and
    ``roll_to`` are the prices at which a position changes from one to the other, else 0.

    ``difference`` keeps the number of contracts of a position over a roll and its profit exact in quote currency, but
    percentages of such prices lie: their level is off by the gaps so far. ``ratio`` keeps the notional: sizes and
    volumes are in contracts of the anchor, as shares after a split, and percentages are true.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> head = "date,open,high,low,close,volume\\n"
    >>> _ = (folder / "ESH.csv").write_text(head + "2024-03-12,10,10,10,10,9\\n2024-03-13,11,11,11,11,1\\n")
    >>> _ = (folder / "ESM.csv").write_text(head + "2024-03-12,15,15,15,15,2\\n2024-03-13,16,16,16,16,8\\n"
    ...     "2024-03-14,17,17,17,17,9\\n")
    >>> feed = Continuous(folder, contracts={"feed": "CsvBars", "path": "ES*.csv"}, adjust="difference")
    >>> bars = feed.bars()
    >>> bars["close"].tolist(), bars["roll"].tolist()
    ([10.0, 11.0, 12.0], [0.0, 0.0, 1.0])
    >>> bars.notes[0]
    'rolled ESH to ESM at 2024-03-14T00:00:00Z, 11 to 16: ESH has ended; volume 8 against 1 the day before'
    """

    params = ROLL_PARAMS
    bounds = {
        **ROLL_BOUNDS,
        "contracts": ContractList(),
        "roll": Choice("volume", "open_interest", "date"),
    }
    _own_columns: Sequence[str] = ()

    def klines(self) -> Bars:
        """The series, adjusted; fills `rolls`, `files`, `counts` and `interval`."""
        for one in self.contracts:
            one.feed.negative_prices = self.negative_prices
        read = [one.read() for one in self.contracts]
        read = [read[i] for i in self._ordered([int(bars["close_time"][-1]) for bars in read])]
        self.counts = dict(self._gathered())
        self._check_lengths()
        days = [parse_days(self.p["timezone"]).numbers(bars["open_time"]) for bars in read]
        legs = self._legs(read, days)
        parts = []
        for leg, after in pairwise((*legs, None)):
            own = days[leg.contract]  # type: ignore[union-attr]
            hi = len(own) if after is None else int(np.searchsorted(own, after.day))
            parts.append(read[leg.contract].slice(int(np.searchsorted(own, leg.day)), hi))  # type: ignore[union-attr]
        self.rolls = [self._roll(read, a, b, part) for (a, b), part in zip(pairwise(legs), parts[1:], strict=True)]
        return _joined(self._adjusted(parts), self.source)

    def _check_lengths(self) -> None:
        """Refuse contracts whose bars differ in length; sets `interval`."""
        first = self.contracts[0]
        self.interval = first.feed.interval
        for one in self.contracts:
            if one.feed.interval != self.interval:
                raise DataError(f"Continuous: bars of {one.name} differ in length from those of {first.name}")

    def _legs(self, read: list[Bars], days: list[NDArray[np.int64]]) -> list[Leg]:
        """Which contract is the series, from which day on."""
        if self.p["roll"] != "date":
            return by_measure([self._measured(*pair) for pair in zip(read, days, strict=True)], self.p["roll"])
        return by_day([dict.fromkeys(own.tolist(), 0.0) for own in days], self._starts())

    def _measured(self, bars: Bars, days: NDArray[np.int64]) -> dict[int, float]:
        """Volume of each day, or open interest at its end."""
        name = self.p["roll"]
        if not bars.carries(name):
            raise DataError(
                f"Continuous: roll: {name} needs a column {name} in every contract; name it, as in "
                f"columns: {{{name}: …}}, or roll by something else"
            )
        values, last = np.nan_to_num(bars[name]), np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
        if name == "volume":
            values = np.add.reduceat(values, np.concatenate(([0], last[:-1] + 1)))
            return dict(zip(days[last].tolist(), values.tolist(), strict=True))
        return dict(zip(days[last].tolist(), values[last].tolist(), strict=True))

    def _roll(self, read: list[Bars], old: Leg, new: Leg, part: Bars) -> Roll:
        """The roll from one leg to the next, whose bars are ``part``."""
        names = self.contracts[old.contract].name, self.contracts[new.contract].name
        time = int(part["open_time"][0])
        prices = prices_at(read[old.contract], read[new.contract], time)
        return self._roll_of(*names, new, time, prices, "bar in common")

    def _adjusted(self, parts: list[Bars]) -> list[Bars]:
        """The legs on one level."""
        if self.p["adjust"] == "none":
            return parts
        self._levels = self._levels_of()
        known = {c.name for part in parts for c in part.schema}
        self._own_columns = sorted({name for part in parts for name in part.columns} - known - {"open_interest"})
        pairs = [(part, float(level)) for part, level in zip(parts, self._levels, strict=True)]
        if self.p["adjust"] == "ratio":
            return [_scaled(*pair) for pair in pairs]
        made = [_shifted(*pair) for pair in pairs]
        for part in made:
            self._check_above_0(part["open_time"], part["low"])
        return made

    def _says(self) -> Iterator[str]:
        """Besides what all say: columns that are left as they are."""
        yield from super()._says()
        if self._own_columns and self.rolls and self.p["adjust"] != "none":
            yield f"columns of the files' own are not adjusted: {listed(self._own_columns)}"

    def bars_of(self, specs: Sequence[str | BarSpec | None], **given: Any) -> list[Bars]:
        """Bars of several kinds from the series made once; see the base class."""
        made = super().bars_of(specs, **given)
        return [self._marked(bars) for bars in made]


def _shifted(bars: Bars, by: float) -> Bars:
    """Bars whose prices are shifted, and notionals with them."""
    prices = (c.name for c in bars.schema if c.unit == "price" and not c.odd)
    made = {name: bars[name] + by for name in prices}
    return bars.assign(**made, **{name: bars[name] + by * bars[of] for name, of in _NOTIONALS.items()})


def _scaled(bars: Bars, by: float) -> Bars:
    """Bars whose prices are multiplied and whose sizes are divided, notionals unchanged."""
    return bars.assign(**{c.name: bars[c.name] * by ** (c.price - c.size) for c in bars.schema if c.price != c.size})


def _joined(parts: list[Bars], source: str) -> Bars:
    """One series of the legs; a column that some lack is NaN there."""
    names = dict.fromkeys(name for part in parts for name in part.columns)
    columns: dict[str, Any] = {}
    for name in names:
        own = [part.columns.get(name, np.full(len(part), np.nan)) for part in parts]
        columns[name] = np.concatenate(own)
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Bars(columns, None, parts[0].spec, source, notes=notes)

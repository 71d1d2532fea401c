"""Continuous: the contracts of one root as one series."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.kinds import BarSpec
from ..core.bars import Bars
from ..core.clock import iso
from ..core.days import parse_days
from ..core.errors import DataError, TapeflowError
from ..core.params import Bound, Choice, Text, resolve
from ..core.plugins.registry import FEEDS
from ..core.schema import ALLOW_NEGATIVE, ROLL, ROLL_COLUMNS, ROLL_FROM, ROLL_TO
from .csv_reader.files import expand
from .framework.base import Instant, KlineFeed
from .rolls import Leg, Roll, by_day, by_measure, prices_at

_OWN = ("feed", "path", "name", "expiry")
_EPOCH = date(1970, 1, 1).toordinal()
_NOTIONALS = {
    "quote_volume": "volume",
    "taker_buy_quote_volume": "taker_buy_volume",
    "taker_sell_quote_volume": "taker_sell_volume",
}
"""What each notional is of."""


def _day(text: str) -> int:
    """The number of a day that a date names.

    >>> _day("1970-01-02")
    1
    """
    try:
        return date.fromisoformat(str(text)).toordinal() - _EPOCH
    except ValueError:
        raise ValueError(f"'{text}' is no date; write it as 2024-01-31") from None


@dataclass(frozen=True)
class ContractList:
    """Bound of a parameter that names contracts: a block for each, or one whose path has a file for each.

    Examples
    --------
    >>> ContractList().check([{"feed": "KrakenTrades", "path": "a.json"}])
    'item 1 feed KrakenTrades gives trades; contracts are bars'
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if isinstance(value, Mapping):
            return _wrong(value)
        if not isinstance(value, list | tuple) or len(value) < 1:
            return f"must be {self.describe()}"
        found = ((i, _wrong(item)) for i, item in enumerate(value, 1))
        return next((f"item {i} {wrong}" for i, wrong in found if wrong), "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a block such as {feed: CsvBars, path: 'ES*.csv'}, a file a contract, or a list with one for each"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        keys = {name: {"type": "string"} for name in ("feed", "name", "expiry")}
        block = {"type": "object", "required": ["feed", "path"], "properties": keys}
        return {"anyOf": [block, {"type": "array", "minItems": 1, "items": block}]}


def _wrong(item: Any) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("feed"), str) or not item.get("path"):
        return "must be a mapping with feed and path"
    try:
        cls: Any = FEEDS.find(item["feed"])
        resolve(cls.__name__, _params(item), cls.params, cls.bounds)
        if item.get("expiry") is not None:
            _day(item["expiry"])
    except (TapeflowError, ValueError) as err:
        return str(err)
    return "" if cls.gives == "bars" else f"feed {cls.__name__} gives trades; contracts are bars"


@dataclass(frozen=True)
class DateList:
    """Bound of a parameter that lists ascending dates.

    Examples
    --------
    >>> DateList().check(["2024-03-14", "2024-02-01"])
    'must be ascending dates, as in [2024-03-14, 2024-06-13]'
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        try:
            days = [_day(text) for text in value] if isinstance(value, list | tuple) else None
        except ValueError as err:
            return f"must be {self.describe()}: {err}"
        return "" if days is not None and days == sorted(set(days)) else f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "ascending dates, as in [2024-03-14, 2024-06-13]"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        return {"type": "array", "items": {"type": "string", "format": "date"}}


def _params(item: Mapping[str, Any]) -> dict[str, Any]:
    """The feed's own parameters in a contract's block."""
    return {k: v for k, v in item.items() if k not in _OWN}


@dataclass
class _Contract:
    """One contract: its feed, and its bars once they are read."""

    name: str
    feed: Any
    expiry: int | None
    bars: Bars | None = None

    def read(self) -> Bars:
        """Its bars."""
        if self.bars is None:
            self.bars = self.feed.klines()
        return self.bars


class Continuous(KlineFeed):
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

    params = {
        "contracts": [],
        "roll": "volume",
        "dates": [],
        "days_before": 0,
        "adjust": "none",
        "anchor": "first",
        "timezone": "UTC",
    }
    bounds = {
        "contracts": ContractList(),
        "roll": Choice("volume", "open_interest", "date"),
        "dates": DateList(),
        "days_before": Bound(0, integer=True),
        "adjust": Choice("none", "difference", "ratio"),
        "anchor": Choice("first", "last"),
        "timezone": Text(parse_days, "a zone, with a time of day if wished, as in America/Chicago@17:00"),
    }
    rolls_over = True
    why_no_actions = "is of futures, which pay no dividends"

    def __init__(self, paths: str | Path | Sequence[str | Path] = ".", **params: Any) -> None:
        super().__init__(paths, **params)
        self.rolls: list[Roll] = []

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        given, by_date = params["contracts"], params["roll"] == "date"
        if not given:
            return "Continuous: contracts: name them, as in {feed: CsvBars, path: 'ES*.csv'}"
        if params["dates"] and not by_date:
            return "dates go with roll: date"
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

    def _expand(self, paths: list[str | Path]) -> list[Path]:
        if len(paths) != 1 or not Path(paths[0]).expanduser().is_dir():
            raise DataError(f"Continuous: path is one folder, in which the contracts' paths begin (got {paths[0]})")
        if wrong := self.complaint(self.p):
            raise DataError(wrong if wrong.startswith("Continuous") else f"Continuous: {wrong}")
        self.contracts = list(_contracts(Path(paths[0]).expanduser(), self.p["contracts"]))
        names = [one.name for one in self.contracts]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise DataError(f"Continuous: two contracts are called {twice}; say their names, as in name: ESH24")
        return [path for one in self.contracts for path in one.feed.paths]

    @property
    def source(self) -> str:
        """Where the data come from, for errors and reports."""
        names = [one.name for one in self.contracts]
        return f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"

    def klines(self) -> Bars:
        """The series, adjusted; fills `rolls`, `files`, `counts` and `interval`."""
        for one in self.contracts:
            one.feed.negative_prices = self.negative_prices
        read = [one.read() for one in self.contracts]
        if isinstance(self.p["contracts"], Mapping):
            order = sorted(range(len(read)), key=lambda i: (int(read[i]["close_time"][-1]), self.contracts[i].name))
            self.contracts, read = [self.contracts[i] for i in order], [read[i] for i in order]
        self._tell()
        days = [parse_days(self.p["timezone"]).numbers(bars["open_time"]) for bars in read]
        legs = self._legs(read, days)
        parts = []
        for leg, after in pairwise((*legs, None)):
            own = days[leg.contract]  # type: ignore[union-attr]
            hi = len(own) if after is None else int(np.searchsorted(own, after.day))
            parts.append(read[leg.contract].slice(int(np.searchsorted(own, leg.day)), hi))  # type: ignore[union-attr]
        self.rolls = [self._roll(read, a, b, part) for (a, b), part in zip(pairwise(legs), parts[1:], strict=True)]
        return _joined(self._adjusted(parts), self.source)

    def _tell(self) -> None:
        """What reading the contracts told."""
        self.files, counts = [], Counter[str]()
        for one in self.contracts:
            self.files += one.feed.files
            counts.update(one.feed.counts)
        self.counts = dict(counts)
        lengths = {one.name: one.feed.interval for one in self.contracts}
        self.interval = self.contracts[0].feed.interval
        for name, length in lengths.items():
            if length != self.interval:
                raise DataError(f"Continuous: bars of {name} differ in length from those of {self.contracts[0].name}")

    def _legs(self, read: list[Bars], days: list[NDArray[np.int64]]) -> list[Leg]:
        """Which contract is the series, from which day on."""
        if self.p["roll"] != "date":
            return by_measure([self._measured(*pair) for pair in zip(read, days, strict=True)], self.p["roll"])
        starts = [_day(text) for text in self.p["dates"]]
        if not starts:
            before = self.p["days_before"]
            starts = [one.expiry - before for one in self.contracts[:-1] if one.expiry is not None]
        if len(starts) != len(read) - 1:
            raise DataError(
                f"Continuous: {len(read)} contracts have {len(read) - 1} rolls, and dates has {len(starts)}"
            )
        return by_day([dict.fromkeys(own.tolist(), 0.0) for own in days], starts)

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
        if math.isnan(sum(prices)):
            raise DataError(
                f"Continuous: {names[0]} and {names[1]} have no bar in common up to the roll at {iso(time)}, so that "
                "what lies between them is not known"
            )
        if self.p["adjust"] == "ratio" and min(prices) <= 0:
            raise DataError(
                f"Continuous: the roll from {names[0]} at {prices[0]:g} to {names[1]} at {prices[1]:g} has no ratio; "
                "take adjust: difference"
            )
        return Roll(time, *names, *prices, f"{names[0]} has ended; {new.why}" if new.ended else new.why)

    def _adjusted(self, parts: list[Bars]) -> list[Bars]:
        """The legs on one level."""
        if self.p["adjust"] == "none":
            return parts
        last = self.p["anchor"] == "last"
        if self.p["adjust"] == "difference":
            shifts = np.cumsum([0.0, *(roll.old_price - roll.new_price for roll in self.rolls)])
            self._levels = shifts - shifts[-1] if last else shifts
            made = [_shifted(part, float(shift)) for part, shift in zip(parts, self._levels, strict=True)]
            if not self.negative_prices:
                _check_above_0(made)
            return made
        factors = np.cumprod([1.0, *(roll.old_price / roll.new_price for roll in self.rolls)])
        self._levels = factors / factors[-1] if last else factors
        return [_scaled(part, float(factor)) for part, factor in zip(parts, self._levels, strict=True)]

    def bars_of(
        self,
        specs: Sequence[str | BarSpec | None],
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> list[Bars]:
        """Bars of several kinds from the series made once; see the base class."""
        made = super().bars_of(specs, row_size=row_size, start=start, end=end, gaps=gaps)
        return [self._marked(bars) for bars in made]

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
        whose = names[0] if self.p["anchor"] == "first" else names[-1]
        if adjust == "none" and self.rolls:
            yield "prices leap where contracts change (adjust: none)"
        if adjust == "difference" and self.rolls:
            yield f"prices are those of {whose}, others shifted by the gaps between: percentages of them lie"
        if adjust == "ratio" and self.rolls:
            yield f"prices and sizes are those of {whose}, others by the ratios between"
        if adjust != "none" and self.rolls and self.p["anchor"] == "last":
            yield "back-adjusted: the level of earlier prices holds later rolls"


def _contracts(folder: Path, given: Any) -> Iterator[_Contract]:
    """The contracts of a parameter, their files below ``folder``."""
    items = [given] if isinstance(given, Mapping) else given
    for item in items:
        cls: Any = FEEDS.find(item["feed"])
        path = item["path"]
        paths = [str(folder / p) for p in ([path] if isinstance(path, str | Path) else path)]
        expiry = None if item.get("expiry") is None else _day(item["expiry"])
        if isinstance(given, Mapping):
            for file in expand(paths):
                yield _Contract(file.name.split(".")[0], cls(file, **_params(item)), expiry)
        else:
            feed = cls(paths, **_params(item))
            yield _Contract(item.get("name") or feed.paths[0].name.split(".")[0], feed, expiry)


def _check_above_0(parts: Sequence[Bars]) -> None:
    """Refuse prices that shifting took to 0 and below."""
    for part in parts:
        if len(at := np.flatnonzero(part["low"] <= 0)):
            raise DataError(
                f"Continuous: the low at {iso(int(part['open_time'][at[0]]))} is {part['low'][at[0]]:g} once gaps are "
                f"taken out: take adjust: ratio, or another anchor; {ALLOW_NEGATIVE}"
            )


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

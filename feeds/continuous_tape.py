"""ContinuousTape: the trades of contracts of one root as one tape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..aggregation.kinds import BarSpec
from ..core.bars import Bars
from ..core.clock import iso
from ..core.days import parse_days
from ..core.errors import DataError, ParamError
from ..core.params import Choice
from ..core.tape import Tape
from .contracts import Contract, ContractList
from .framework.tape_feed import TapeFeed
from .rolling import ROLL_BOUNDS, ROLL_PARAMS, Rolling
from .rolls import Leg, by_day, by_measure


@dataclass
class _Days:
    """What each day of a contract came to, by the number of the day: enough to decide on rolls."""

    volume: dict[int, float] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)
    """Time of the first trade."""
    last: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Time and price of the last trade."""

    def before(self, day: int) -> tuple[int, float]:
        """The last trade before a day; NaN where there is none."""
        return max((own for number, own in self.last.items() if number < day), default=(-1, float("nan")))


class ContinuousTape(Rolling, TapeFeed):
    """The trades of the contracts of one root as one tape, from roll to roll.

    Parameters
    ----------
    paths : path, default="."
        The folder in which the contracts' paths begin; in a YAML it is relative to the YAML.
    contracts : dict or list of dict
        One block, ``{feed: CsvTape, path: "ES*.csv"}`` with the feed's own parameters, of whose files each is a
        contract: in the order in which they end, called as the files are. Or a list with a block for each, in the
        order in which they expire, with ``name`` and ``expiry`` (a date) if wished.
    roll : {"volume", "date"}, default="volume"
        When to go on to a later contract. By volume: from the first trade of a day on, where the later one had more on
        the day before, or where the current one has ended; never back. By date: on the days of ``dates``, or so many
        days before each ``expiry``. Trades tell no open interest; the dates of such rolls can be given.
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
        For a file that cannot be read, or without a trade; a contract without a trade before the roll to it; prices
        not above 0 under ``ratio``.
    ParamError
        For a parameter out of bounds, of the contracts too; under ``adjust: none`` for a kind of bars of which one
        would hold trades of two contracts.

    Notes
    -----
    The files are read twice: for what each day came to, and for the trades. The gap lies between the last trades of
    both contracts before the day of the roll, so that a trade is put in place by what came before it alone.

    Bars have `core.schema.ROLLS` besides: ``roll`` is 1 on the bar of the first trade of a new contract, ``roll_from``
    and ``roll_to`` are the prices at which a position changes from one to the other, else 0. Without adjustment
    ``twap_time`` of such a bar is NaN, since it begins with the price that held before.

    Adjusted prices mean what those of `Continuous` mean. Ids of different contracts do not go together, so the rows
    have none.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder, day = Path(tempfile.mkdtemp()), 86400
    >>> head = "time,price,quantity,side\\n"
    >>> _ = (folder / "ESH.csv").write_text(f"{head}{19800 * day},10,1,buy\\n{19801 * day + 5},11,1,sell\\n")
    >>> _ = (folder / "ESM.csv").write_text(f"{head}{19800 * day + 9},15,3,buy\\n{19801 * day + 7},17,3,buy\\n")
    >>> feed = ContinuousTape(folder, contracts={"feed": "CsvTape", "path": "ES*.csv"}, adjust="difference")
    >>> bars = feed.bars("1d")
    >>> bars["close"].tolist(), bars["volume"].tolist(), bars["roll"].tolist()
    ([10.0, 12.0], [1.0, 3.0], [0.0, 1.0])
    >>> bars.notes[0]
    'rolled ESH to ESM at 2024-03-19T00:00:07Z, 10 to 15: volume 3 against 1 the day before'
    """

    example = "CsvTape"
    params = ROLL_PARAMS
    bounds = {
        **ROLL_BOUNDS,
        "contracts": ContractList("tape", "CsvTape"),
        "roll": Choice("volume", "date"),
    }

    def tapes(self) -> Iterator[Tape]:
        """Batches in time order, in bounded memory; fills `rolls`, `files` and `counts`."""
        legs = self._decided()
        counts = self.counts = Counter({**self.counts, "rows": 0})
        for (leg, after), level in zip(pairwise((*legs, None)), self._levels, strict=True):
            feed = self.contracts[leg.contract].feed  # type: ignore[union-attr]
            for tape in self._within(feed, leg.day, None if after is None else after.day):  # type: ignore[union-attr]
                counts["rows"] += len(tape)
                yield self._moved(tape, float(level))

    def _decided(self) -> list[Leg]:
        """Which contract is the series from which day on; fills `rolls`, `files` and `counts`."""
        days = [self._measured(one) for one in self.contracts]
        self.counts = self._gathered()
        days = [days[i] for i in self._ordered([max(own.last.values())[0] for own in days])]
        held = [own.volume for own in days]
        legs = by_measure(held, "volume") if self.p["roll"] == "volume" else by_day(held, self._starts())
        self.rolls, self._ended = [], []
        for old, new in pairwise(legs):
            (ended, was), (_, worth) = (days[leg.contract].before(new.day) for leg in (old, new))
            names = self.contracts[old.contract].name, self.contracts[new.contract].name
            time = days[new.contract].first[new.day]
            self.rolls.append(self._roll_of(*names, new, time, (was, worth), "trades of both"))
            self._ended.append(ended)
        self._levels = self._levels_of()
        return legs

    def _measured(self, one: Contract) -> _Days:
        """What each day of a contract came to; reads it."""
        made, days = _Days(), parse_days(self.p["timezone"])
        one.feed.negative_prices, aside = self.negative_prices, self.quarantine
        one.feed.quarantine = None if aside is None else aside.with_name(f"{one.name}.{aside.name}")
        for tape in one.feed.tapes():
            numbers = days.numbers(tape.time)
            cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(tape)]
            for lo, hi in pairwise(cuts):
                day = int(numbers[lo])
                made.volume[day] = made.volume.get(day, 0.0) + float(tape.quantity[lo:hi].sum())
                made.first.setdefault(day, int(tape.time[lo]))
                made.last[day] = int(tape.time[hi - 1]), float(tape.price[hi - 1])
        one.feed.quarantine = None
        if not made.volume:
            raise DataError(f"{self._own}: {one.name} has no trades")
        return made

    def _within(self, feed: Any, since: int, until: int | None) -> Iterator[Tape]:
        """The trades of some days."""
        days = parse_days(self.p["timezone"])
        for tape in feed.tapes():
            numbers = days.numbers(tape.time)
            lo = int(np.searchsorted(numbers, since))
            hi = len(tape) if until is None else int(np.searchsorted(numbers, until))
            if lo < hi:
                yield tape[lo:hi]
            if hi < len(tape):
                return

    def _moved(self, tape: Tape, level: float) -> Tape:
        """Trades on the level of the series, without ids."""
        own = replace(tape, trade_id=np.full(len(tape), -1, np.int64), first_id=None)
        if self.p["adjust"] == "ratio":
            return replace(own, price=own.price * level, quantity=own.quantity / level)
        if self.p["adjust"] == "none" or level == 0.0:
            return own
        notional = None if own.notional is None else own.notional + level * own.quantity
        made = replace(own, price=own.price + level, notional=notional)
        self._check_above_0(made.time, made.price)
        return made

    def bars_of(self, specs: Sequence[str | BarSpec], **given: Any) -> list[Bars]:
        """Bars of several kinds from the one tape; see the base class."""
        return [self._marked(self._apart(bars)) for bars in super().bars_of(specs, **given)]

    def _apart(self, bars: Bars) -> Bars:
        """``bars`` of which none mixes two contracts; what begins with the price before is forgotten at each roll."""
        if self.p["adjust"] != "none":
            return bars
        weighted = bars["twap_time"].copy()
        for roll, ended in zip(self.rolls, self._ended, strict=True):
            at = int(np.searchsorted(bars["close_time"], roll.time, "right"))
            if not at < len(bars) or roll.time < bars["open_time"][at]:
                continue
            if ended >= bars["open_time"][at]:
                zone = self.p["timezone"]
                raise ParamError(
                    f"{self._own}: a bar of {bars.spec} holds trades of {roll.old} and {roll.new} at {iso(roll.time)}, "
                    f"whose prices leap: take adjust: difference or ratio, or bars that end with the days, as in "
                    f"500t@1d:{zone}"
                )
            weighted[at] = np.nan
        return bars.assign(twap_time=weighted)

"""What protects a position from its entry on, as settings ask for it: stop, trailing stop, targets, time stop."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...core.distances import Measure, parse_distance
from ...core.units import Amount, parse_amount, parse_fraction

GUARDS = ("stop_loss", "trailing_stop", "take_profit")
"""What protects a position, in the order in which it is sent: the stop first, so that it wins a tie."""
BASIC = (*GUARDS, "time_stop")
SETTINGS = (*BASIC, "break_even")
CLOSES, HIGHS = "closes", "highs"
"""What a trailing stop may follow by a word: closes; highs of a long position, lows of a short one."""
WHOLE = 1.0 - 1e-9
"""Shares that come to this are all of a position."""


class Price(NamedTuple):
    """A price, rather than a distance from one.

    Parameters
    ----------
    what : str
        What its expression is called.
    value : float
        As it was when the entry was sent; NaN before.
    """

    what: str
    value: float = math.nan


Place = Measure | Price


class Target(NamedTuple):
    """Where a part of a position is to leave with a profit.

    Parameters
    ----------
    at : Measure or Price
        From the price of the entry.
    share : float
        Of what is protected, 0 to 1.
    """

    at: Place
    share: float = 1.0


class Trail(NamedTuple):
    """A stop that follows the market and never falls back.

    Parameters
    ----------
    distance : Measure or None
        How far it keeps from what it follows.
    by : str
        `CLOSES`, `HIGHS`, or the name of an expression.
    rule : str
        Whose expression.
    start : float
        What that was worth when the entry was sent.
    """

    distance: Measure | None
    by: str = CLOSES
    rule: str = ""
    start: float = math.nan


class BreakEven(NamedTuple):
    """When the stop is moved to the price of the entry.

    Parameters
    ----------
    after : Measure
        Once the price has gained so much.
    to : Amount
        How far beyond the price of the entry.
    """

    after: Measure
    to: Amount


@dataclass(frozen=True)
class Guards:
    """What protects a position.

    Parameters
    ----------
    stop : Measure or Price, optional
        Where the stop lies.
    trail : Trail, optional
        A stop that follows.
    targets : tuple of Target
        The nearest need not come first.
    bars : int, optional
        After how many it is closed at market.
    break_even : BreakEven, optional
        When its stop is moved.

    Examples
    --------
    >>> made, texts = Guards.of({"stop_loss": "lowest(low, 9)", "take_profit": [{"at": "1%", "share": "50%"}]})
    >>> made.stop, texts
    (Price(what='stop_loss', value=nan), {'stop_loss': 'lowest(low, 9)'})
    >>> made.targets[0].share, made.in_parts
    (0.5, True)
    """

    stop: Place | None = None
    trail: Trail | None = None
    targets: tuple[Target, ...] = ()
    bars: int | None = None
    break_even: BreakEven | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> tuple[Guards, dict[str, str]]:
        """What ``settings`` ask for, and the expressions in it that give prices, by what they are called.

        Raises
        ------
        ValueError
            If one of them can be neither a distance nor an expression.
        """
        texts: dict[str, str] = {}
        asked = {name: value for name, value in settings.items() if value is not None}
        stop = _place(asked["stop_loss"], "stop_loss", texts) if "stop_loss" in asked else None
        trail = _trail(asked["trailing_stop"], texts) if "trailing_stop" in asked else None
        targets = tuple(_targets(asked.get("take_profit", ()), texts))
        even = _break_even(asked["break_even"]) if "break_even" in asked else None
        return cls(stop, trail, targets, asked.get("time_stop"), even), texts

    @property
    def in_parts(self) -> bool:
        """Whether a target closes a part of the position."""
        return any(target.share < WHOLE for target in self.targets)

    @property
    def moves(self) -> bool:
        """Whether a stop is moved at closes by other than the market."""
        return self.break_even is not None or (self.trail is not None and self.trail.by != CLOSES)

    def measures(self) -> Iterator[Measure]:
        """The distances in it."""
        places = [self.stop, *(target.at for target in self.targets)]
        places += [self.trail.distance] if self.trail else []
        places += [self.break_even.after] if self.break_even else []
        yield from (one for one in places if one is not None and not isinstance(one, Price))

    def amounts(self) -> Iterator[Measure]:
        """The distances in it, and how far beyond the price of the entry a stop is moved."""
        yield from self.measures()
        if self.break_even is not None:
            yield self.break_even.to

    @property
    def has_prices(self) -> bool:
        """Whether an expression gives a price of it."""
        places = (self.stop, *(target.at for target in self.targets))
        followed = self.trail is not None and self.trail.by not in (CLOSES, HIGHS)
        return followed or any(isinstance(place, Price) for place in places)

    def sent(self, rule: str, values: Mapping[str, float]) -> Guards:
        """The same for an entry that is sent now, at whose close its expressions are worth ``values``."""
        if not values:
            return self
        stop = _known(self.stop, values) if self.stop is not None else None
        targets = tuple(Target(_known(one.at, values), one.share) for one in self.targets)
        trail = self.trail
        if trail is not None and trail.by in values:
            trail = trail._replace(rule=rule, start=values[trail.by])
        return replace(self, stop=stop, targets=targets, trail=trail)


def _known(place: Place, values: Mapping[str, float]) -> Place:
    return Price(place.what, values[place.what]) if isinstance(place, Price) else place


def _place(value: Any, what: str, texts: dict[str, str]) -> Place:
    """A distance, or a text that is noted as an expression."""
    try:
        return parse_distance(value)
    except ValueError:
        if not is_expression(value):
            raise
    texts[what] = value
    return Price(what)


def is_expression(value: Any) -> bool:
    """Whether ``value``, which is no distance, can be meant as an expression: text that names something.

    >>> is_expression("lowest(low, 9)"), is_expression("-1%"), is_expression("2 atrs"), is_expression(3)
    (True, False, False, False)
    """
    if not isinstance(value, str) or not any(c.isalpha() for c in value):
        return False
    try:
        ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _trail(value: Any, texts: dict[str, str]) -> Trail:
    if not isinstance(value, Mapping) or "by" not in value:
        return Trail(parse_distance(value))
    asked = value.get("distance")
    distance = None if asked is None else parse_distance(asked)
    if value["by"] in (CLOSES, HIGHS):
        return Trail(distance, value["by"])
    texts["trailing_stop"] = value["by"]
    return Trail(distance, "trailing_stop")


def _targets(value: Any, texts: dict[str, str]) -> Iterator[Target]:
    if not isinstance(value, list | tuple):
        yield Target(_place(value, "take_profit", texts))
        return
    for i, one in enumerate(value):
        yield Target(_place(one["at"], f"take_profit.{i + 1}", texts), parse_fraction(one["share"]))


def _break_even(value: Any) -> BreakEven:
    asked = value if isinstance(value, Mapping) and "after" in value else {"after": value}
    return BreakEven(parse_distance(asked["after"]), parse_amount(asked.get("to", 0)))

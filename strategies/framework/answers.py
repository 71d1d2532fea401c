"""What strategies act by: rules with their names, and what they say on every bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core.errors import InputError
from .guards import Guards
from .lines import Floats
from .signals import Masks, Signals
from .wake import Mask

SIDES = ("long", "short")
VALID = "valid"
TIFS = ("gtc", "ioc", "day")
"""How long an order rests: until it is withdrawn, not at all, or to the end of the trading day."""


@dataclass(frozen=True)
class Entry:
    """One entry rule.

    Parameters
    ----------
    name : str
        What its orders are called.
    sides : mapping of str to Expression
        When to enter, by side.
    size : Expression, optional
        How many times what the sizer gives; once when left out.
    limit : Expression, optional
        Price of a limit order.
    valid : int
        Bars for which it rests.
    stop : Expression, optional
        Price of a stop; with a limit, of one that becomes a limit order. Without both a market order.
    guards : Guards, optional
        What protects its position; what protects every position of the strategy when left out.
    levels : mapping of str to Expression
        Prices among that, by what they are called there.
    tif : str
        How long it rests: `VALID` bars, or as one of `TIFS` says.
    post_only : bool
        Whether it is refused where it would trade on arrival.
    """

    name: str
    sides: Mapping[str, Any]
    size: Any = None
    limit: Any = None
    valid: int = 1
    stop: Any = None
    guards: Guards | None = None
    levels: Mapping[str, Any] = field(default_factory=dict)
    tif: str = VALID
    post_only: bool = False

    @property
    def rests(self) -> bool:
        """Whether it is an order that waits for its price."""
        return self.limit is not None or self.stop is not None


@dataclass(frozen=True)
class Exit:
    """One exit rule.

    Parameters
    ----------
    name : str
        What its orders are called.
    sides : mapping of str to Expression
        When to leave, by side of the position.
    share : float
        What part of the position to close.
    limit : Expression, optional
        Price of a limit order; a market order when left out.
    valid : int
        Bars for which it rests.
    """

    name: str
    sides: Mapping[str, Any]
    share: float = 1.0
    limit: Any = None
    valid: int = 1


@dataclass
class Answers:
    """What every rule says on every bar.

    Parameters
    ----------
    entries : sequence of Entry
        In the order in which they are looked at.
    exits : sequence of Exit
        The same.
    bars : int
        How many bars there are.
    true : dict of (str, str) to ndarray of bool, (bars,)
        Where a rule is true for a side, by their names.
    size, limit, stop : dict of str to ndarray of float64, (bars,)
        Of entries that have them, and of exits that have a limit.
    levels : dict of (str, str) to ndarray of float64, (bars,)
        Prices that protect an entry's position, by its name and what they are called.
    programs : Programs
        What goes by the state of the position, by the rule's name and its side, ``size``, ``limit`` or ``stop``; `true`
        says of such a rule where it may be true.
    """

    entries: Sequence[Entry]
    exits: Sequence[Exit]
    bars: int
    true: dict[tuple[str, str], Mask] = field(default_factory=dict)
    size: dict[str, Floats] = field(default_factory=dict)
    limit: dict[str, Floats] = field(default_factory=dict)
    stop: dict[str, Floats] = field(default_factory=dict)
    levels: dict[tuple[str, str], Floats] = field(default_factory=dict)
    programs: Any = field(default_factory=dict)

    @classmethod
    def of_signals(cls, signals: Signals, bars: int) -> Answers:
        """What signals say: one entry and one exit a side."""
        if not isinstance(signals, Signals):
            kind = type(signals).__name__
            raise InputError(f"signals() must return Signals(long_entry=…, long_exit=…), of arrays (got {kind})")
        masks = signals.filled(bars)
        entries = [Entry(f"{side}.enter", {side: None}) for side in SIDES]
        exits = [Exit(f"{side}.exit", {side: None}) for side in SIDES]
        names = [f"{side}.{what}" for what in ("enter", "exit") for side in SIDES]
        given = (masks.long_entry, masks.short_entry, masks.long_exit, masks.short_exit)
        return cls(entries, exits, bars, dict(zip(zip(names, SIDES * 2, strict=True), given, strict=True)))

    def any_of(self, rules: Sequence[Entry | Exit], side: str) -> Mask:
        """Where one of the rules is true for a side."""
        said = [self.true[rule.name, side] for rule in rules if side in rule.sides]
        return np.logical_or.reduce(said) if len(said) > 1 else said[0] if said else np.zeros(self.bars, dtype=bool)

    def masks(self) -> Masks:
        """Where an entry and where an exit is true, by side."""
        return Masks(*(self.any_of(rules, side) for side in SIDES for rules in (self.entries, self.exits)))

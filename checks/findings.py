"""What a check found, and what may be said of a run by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.clock import iso
from .run_trace import Difference, Trace

LEAK, ROUNDING, UNKNOWN = "leak", "rounding", "unknown"
NOT_DETERMINISTIC, NONE_FOUND = "not deterministic", "none found"
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Leak:
    """Something that knew the future, or that may have.

    Parameters
    ----------
    found : Difference
        Its first bar, or the order, that changed.
    attack : str
        What the future became: ``cut off``, ``shuffled`` or ``replaced``; ``not read`` or ``not in the files``; ``as it
        is`` where no attack was needed.
    instant : int
        From when on, epoch µs.
    attacks : int
        How many attacks it did not bear.
    kind : str
        `LEAK`; `ROUNDING` where no more than the last digits change; `UNKNOWN` where the run failed in a way that need
        not be look-ahead.
    line : str
        Where in the author's file, as ``file:line: what stands there``; empty where that could not be told.
    """

    found: Difference
    attack: str
    instant: int
    attacks: int = 1
    kind: str = LEAK
    line: str = ""

    def __str__(self) -> str:
        found = self.found
        where = f" at bar {found.bar}" if found.bar >= 0 else ""
        begin = f"{found.what}{where}, {iso(found.time)}"
        if self.attack == AS_IT_IS:
            return f"{begin}: {found.becomes}"
        said = f"{found.was} becomes {found.becomes}"
        return f"{begin}: {said} when what follows {iso(self.instant)} is {self.attack}"


@dataclass(frozen=True)
class Findings:
    """What an attack found.

    Parameters
    ----------
    leaks : tuple of Leak
        One for each guilty thing: feeds, then lines, those that others are made of first, then orders, fills,
        account. Empty when nothing looks ahead.
    instants : tuple of int
        When the future was attacked, in at least one way, epoch µs.
    attacks : mapping of str to int
        How many attacks of each kind were run and compared.
    unmade : tuple of str
        Why each of the others could not be.
    lines, orders, fills : int
        What was compared.
    base : Trace or None
        The run that was attacked; None where it failed.
    others : tuple of Leak
        What changed but is no leak: `ROUNDING` and `UNKNOWN`.
    unlike : str
        Where two runs of the same differ; empty where they do not.
    bar_by_bar : int
        Bars on which a run that was fed one bar at a time was compared.
    unfed : str
        Why that run, or a part of it, could not be compared.
    not_attackable : tuple of str
        Files that plugins opened by themselves, and that no attack reaches.
    """

    leaks: tuple[Leak, ...]
    instants: tuple[int, ...]
    attacks: Mapping[str, int]
    unmade: tuple[str, ...]
    lines: int
    orders: int
    fills: int
    base: Trace | None
    others: tuple[Leak, ...] = ()
    unlike: str = ""
    bar_by_bar: int = 0
    unfed: str = ""
    not_attackable: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Kinds of attack of which not one could be run: without them nothing found says nothing."""
        return tuple(kind for kind, count in self.attacks.items() if not count)

    @property
    def runs(self) -> int:
        """How often the strategy was run: as it is, and attacked."""
        return 1 + sum(self.attacks.values())

    @property
    def skipped(self) -> int:
        """How many attacks could not be run."""
        return len(self.unmade)

    @property
    def verdict(self) -> str:
        """`LEAK`, `NOT_DETERMINISTIC`, `UNKNOWN`, `ROUNDING` or `NONE_FOUND`, the first that is so."""
        if self.unlike:
            return NOT_DETERMINISTIC
        if self.leaks:
            return LEAK
        if self.missing or self.not_attackable or any(one.kind == UNKNOWN for one in self.others):
            return UNKNOWN
        return ROUNDING if self.others else NONE_FOUND

    @property
    def why_unknown(self) -> str:
        """What stands in the way of a verdict, in words; empty where nothing does."""
        if self.missing:
            return f"the future was never {' or '.join(self.missing)}; take more data"
        if self.not_attackable:
            first = self.not_attackable[0]
            return (
                f"{first} is opened by a plugin and not attackable; name it in `reads` of its class, or make it a feed"
            )
        unknown = next((one for one in self.others if one.kind == UNKNOWN), None)
        return str(unknown) if unknown is not None else ""

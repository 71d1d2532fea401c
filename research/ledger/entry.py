"""One thing that was done with data, as the ledger is told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .returns import returns_digest

KINDS = {
    "run": "a run",
    "point": "a point of a sweep",
    "trial": "a point of a search",
    "fold": "what was chosen for a fold, on the part that was left out of its choice",
    "event": "a test of an event",
    "reproduction": "a run again from its lock",
    "attack": "the attacks of a check",
    "holdout": "the hold-out was opened",
}
"""What an entry may be, in words. All but the last two are trials, where the same was not run before."""
SHOWN = ("return_pct", "sharpe", "trades")
"""Figures that are kept with an entry."""


@dataclass(frozen=True)
class Entry:
    """What was run.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    name : str
        Of the run.
    trial : str
        Its digest, as `trial_key` gives it; empty for what is no trial.
    figures : mapping
        What it came to; those of `SHOWN` are kept.
    values : mapping
        What sets it apart, by dotted path.
    error : str
        What went wrong; empty where nothing did.
    daily : str
        Its daily returns, as `Daily` writes them; empty where they are too few, or not of one feed.
    """

    kind: str
    name: str
    trial: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    daily: str = ""

    def written(self, held: float | None) -> dict[str, Any]:
        """As it stands in the ledger; ``held`` is how many days a position is held on average."""
        shown = {name: _plain(self.figures[name]) for name in SHOWN if name in self.figures}
        made = {"kind": self.kind, "name": self.name, "trial": self.trial, "values": dict(self.values), **shown}
        more = {"error": self.error[:200], "returns": returns_digest(self.daily) if self.daily else "", "held": held}
        return {key: value for key, value in {**made, **more}.items() if value not in ("", None, {})}


def _plain(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None

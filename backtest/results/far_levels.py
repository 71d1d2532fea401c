"""Prices of rules that lie where no market goes: a distance that was written where a price is meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...strategies.framework.answers import Answers
from ...strategies.framework.lines import Lines

FAR = 0.5
"""Share of the close from which on a price is likelier a distance."""


def far_levels(said: Sequence[tuple[Answers, Lines]]) -> Iterator[str]:
    """Which prices that protect positions lie far from the closes on which their entries were true, in words.

    Parameters
    ----------
    said : sequence of (Answers, Lines)
        What the rules of each desk said on every bar, and of what they are made.
    """
    told = set[tuple[str, str]]()
    for answers, lines in said:
        for rule in answers.entries:
            true = answers.any_of([rule], "long") | answers.any_of([rule], "short") if rule.levels else None
            for what, asked in rule.levels.items():
                away = np.abs(answers.levels[rule.name, what][true] / lines["close"][true] - 1.0)
                if (rule.name, what) not in told and len(away) and float(np.median(away)) > FAR:
                    told.add((rule.name, what))
                    yield (
                        f"{what} of {rule.name}: `{asked.text}` is read as a price, and lay {np.median(away):.0%} of "
                        f"the close away; so far below it is written close - ({asked.text})"
                    )

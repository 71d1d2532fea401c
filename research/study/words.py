"""What is said of a study: the part that was left out as the headline, and what must stand beside it."""

from __future__ import annotations

import math
from typing import Any

from ...core.counting import counted
from ..selection.luck import Luck
from ..sweep.best import caution, luck_of
from .run import Studied

_HOUR = 3_600_000_000


def selection(made: Studied) -> Luck | None:
    """What chance makes of the best of all points that were ever run on these data."""
    return luck_of(made.whole, made.others)


def said(made: Studied, found: Luck | None) -> list[str]:
    """All of it, the headline first."""
    texts = [*_headline(made), *_decay(made), _stable(made), *_left(made)]
    days = int(max((one.row.get("days", 0) for one in made.whole.values()), default=0)) or _days(made)
    if text := caution(found, len(made.points), days, made.others):
        texts.append(text)
    if made.trial is not None:
        texts.append(
            made.trial.words() if not made.trial.counted else f"{counted(_trials(made), 'trial')} on these data"
        )
    return texts


def _trials(made: Studied) -> int:
    return len(made.points) + made.others.trials


def _days(made: Studied) -> int:
    whole = made.plan.whole
    return (whole.end - whole.start) // 86_400_000_000


def _headline(made: Studied) -> list[str]:
    own: dict[str, Any] | None = made.summary["out_of_sample"]
    if own is None:
        return []
    ends = own["sharpe_interval"]
    sure = f" (95 % interval {ends[0]:.2f} to {ends[1]:.2f}, bootstrap-t, {own['days']} days)" if ends else ""
    folds = counted(len(made.chosen), "fold")
    text = f"out of sample, {counted(own['days'], 'day')} in {folds}: return {own['return_pct']:.2f} %, "
    sharpe = f"Sharpe {own['sharpe']:.2f}{sure}" if not math.isnan(own["sharpe"]) else "no Sharpe ratio"
    more = [] if ends else ["these days give no interval: it takes 60, with 5 gains and 5 losses"]
    return [f"{text}{sharpe}, max drawdown {own['max_drawdown_pct']:.2f} %", *more]


def _decay(made: Studied) -> list[str]:
    own = made.summary["by_fold"]
    ins, outs = own["in_sample"]["sharpe"], own["out_of_sample"]["sharpe"]
    if math.isnan(ins) or math.isnan(outs):
        return []
    texts = [
        f"Sharpe ratio of a choice: {ins:.2f} where it was made, {outs:.2f} after it, on average: {ins - outs:.2f} less"
    ]
    if worse := made.summary["overfit"]:
        texts.append(
            f"in {worse['worse_than_middle']} of {worse['folds']} folds the choice did worse than the middle point: "
            "this describes the study (PBO), and tests nothing"
        )
    return texts


def _stable(made: Studied) -> str:
    own = made.summary["stability"]
    text = f"{own['distinct']} different points chosen in {own['folds']} folds"
    if own["without_choice"]:
        text += f", none in {own['without_choice']}: no point met the constraints, and nothing was traded"
    if own.get("neighbours"):
        text += (
            f"; of all that was not held out the choice is point {made.best}, worth {own['best_score']:.2f}, its "
            f"{counted(own['neighbours'], 'neighbour')} {own['neighbours_median']:.2f} at the middle, "
            f"{own['neighbours_lowest']:.2f} at the lowest"
        )
    return text


def _left(made: Studied) -> list[str]:
    texts = []
    if made.purge:
        hours = made.purge / _HOUR
        said_so = made.block.split.purge == "auto"
        why = ", the longest any point was in one trade" if said_so else ""
        texts.append(f"{hours:,.1f} hours are left out between the parts{why}")
    if made.plan.left:
        texts.append(f"the last {made.plan.left / _HOUR:,.1f} hours are in no fold: they are shorter than one")
    if made.plan.holdout is not None:
        left = f"was opened {made.opened}" if made.opened else "--open-holdout opens it, once"
        texts.append(f"held out, and seen by no choice: {made.plan.holdout.words()}; {left}")
    return texts

"""What is said of protection inside the bars of entries: how often it is not known, and what that comes to."""

from __future__ import annotations

from typing import Any

from ...configs.models import RunConfig
from ...core.counting import counted
from .decimals import decimals

OTHER = {"worse": "better", "better": "worse"}
ASSUMED = {
    **{
        name: "Protection works from the fill on; where the bar of the entry cannot tell what came first, the "
        f"{name} is taken (fills.inside)."
        for name in OTHER
    },
    "next_bar": "Protection works from the bar after the one of the entry on (fills.inside: next_bar).",
}
"""How fills inside the bar of an entry were taken, in words."""


def with_other_inside(config: RunConfig) -> RunConfig:
    """``config`` under the other assumption of what came first in the bars of entries."""
    fills = config.fills.model_copy(update={"inside": OTHER[config.fills.inside]})
    return config.model_copy(update={"fills": fills, "verify": False})


def inside_figures(config: RunConfig, unknown: int, profit: float, other: Any) -> dict[str, Any]:
    """What ``result.json`` has of it.

    Parameters
    ----------
    config : RunConfig
        What ran.
    unknown : int
        Entries of which it is not known whether the rest of their bar reached their protection, where it matters.
    profit : float
        Net profit of the run.
    other : Outcome or None
        The run under the other assumption, where there is one.
    """
    made: dict[str, Any] = {"assumed": config.fills.inside, "unknown": unknown}
    if other is not None:
        there = float(other.record.equity[1][-1]) - float(config.broker.cash)
        made["net_profit"] = {config.fills.inside: profit, OTHER[config.fills.inside]: there}
    return made


def inside_warning(figures: dict[str, Any], currency: str, cash: float) -> str:
    """What a reader should hear of it; empty where everything is known."""
    if not figures["unknown"]:
        return ""
    told = (
        f"of {counted(figures['unknown'], 'entry', 'entries')} it is not known whether the rest of the bar reached "
        f"stop or target; the {figures['assumed']} is taken (fills.inside)"
    )
    if "net_profit" in figures:
        form = f"+,.{decimals(currency, cash)}f"
        ends = " and ".join(f"{value:{form}} ({name})" for name, value in figures["net_profit"].items())
        told += f": net profit {ends}"
    return told

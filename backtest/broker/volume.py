"""Costs and fills that go by the volume of bars, which has to be known for them."""

from __future__ import annotations

from collections.abc import Mapping

from ...configs.models import RunConfig
from ...configs.terms import Terms
from ...core.bars import Bars
from ...core.errors import InputError
from ...core.trading import knows_volume
from ..inputs.read import Source


def check_volume(config: RunConfig, sources: Mapping[str, Source]) -> None:
    """Refuse ``participation`` and ``impact`` where the traded feed tells no volume: no order would ever be filled.

    Raises
    ------
    InputError
        Naming the feed, the key, and what to do.
    """
    if why := lacks_volume(config.traded, sources[config.traded.name].bars):
        raise InputError(why)


def lacks_volume(terms: Terms, bars: Bars) -> str:
    """Why orders on ``bars`` would never be filled; empty where they may be."""
    asked = [terms.asked_by(key) for key in ("participation", "impact") if getattr(terms, key) is not None]
    if not asked or knows_volume(bars):
        return ""
    return (
        f"{terms.name}: the volume of its bars is unknown, and {asked[0]} goes by it: no order would be filled; "
        f"leave {asked[0]} out, or read files that tell the volume"
    )

"""Costs and fills that go by the volume of bars, which has to be known for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...configs.models import RunConfig
from ...core.errors import InputError
from ...core.trading import knows_volume


def check_volume(config: RunConfig, sources: Mapping[str, Any]) -> None:
    """Refuse ``participation`` and ``impact`` where the traded feed tells no volume: no order would ever be filled.

    Raises
    ------
    InputError
        Naming the feed, the key, and what to do.
    """
    asked = [key for key in ("participation", "impact") if getattr(config.broker, key) is not None]
    name = config.traded.name
    if asked and not knows_volume(sources[name].bars):
        raise InputError(
            f"{name}: the volume of its bars is unknown, and broker.{asked[0]} goes by it: no order would be filled; "
            f"leave broker.{asked[0]} out, or read files that tell the volume"
        )

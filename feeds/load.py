"""A feed by the name that a run's YAML gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ..core.plugins.registry import FEEDS
from .framework.feed import Feed


def open_feed(kind: str, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> Feed:
    """The feed called ``kind`` over ``paths``.

    Parameters
    ----------
    kind : str
        Class name, such as ``BinanceAggTrades``, or ``module:Class``.
    paths : path or sequence of paths
        Files; patterns are expanded. Empty for a feed that needs none.
    **params
        The feed's own parameters.

    Raises
    ------
    PluginError
        If there is no such feed.
    DataError, ParamError
        As for `Feed`.

    Examples
    --------
    >>> len(open_feed("SyntheticTape", days=0.01).bars("1m"))
    15
    """
    return cast("Feed", FEEDS.find(kind)(paths, **params))

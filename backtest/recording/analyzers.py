"""The analyzers that a run names by class, and what they found in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from numbers import Number
from typing import Any

from ...configs.by_class import find, params_of
from ...configs.models import RunConfig

PREFIX = "asked:"
"""Before the names of those that a run asks for, so that they meet none of ours."""


def add_analyzers(cerebro: Any, config: RunConfig) -> None:
    """Give ``cerebro`` the analyzers that ``config`` asks for."""
    for block in config.analyzers:
        cls = find("analyzer", block.kind)
        cerebro.addanalyzer(cls, _name=f"{PREFIX}{block.title}", **params_of(cls, block.params))


def found_by(strategy: Any) -> dict[str, Any]:
    """What the analyzers of a finished run found, by their names, as JSON holds it."""
    names = [name for name in strategy.analyzers.getnames() if name.startswith(PREFIX)]
    return {name.removeprefix(PREFIX): plain(strategy.analyzers.getbyname(name).get_analysis()) for name in names}


def plain(value: Any) -> Any:
    """What an analyzer gave in plain values: times as ISO text, what is no number, text or table as text.

    >>> plain({date(2024, 1, 2): (1.5, None), "won": {"total": 3}})
    {'2024-01-02': [1.5, None], 'won': {'total': 3}}
    """
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Number):
        return value.item() if hasattr(value, "item") else value
    if hasattr(value, "_name") and hasattr(value, "lines"):
        return value._name
    return _key(value)


def _key(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)

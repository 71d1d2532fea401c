"""Indicators that a strategy made for itself, by their attributes, and what is known of any indicator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import backtrader as bt

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))
"""What JSON can hold."""


def made_in_init(strategy: Any) -> dict[str, Any]:
    """The indicators that a strategy holds as attributes of its own, each once, by the attribute's name.

    Those that it has from ``uses`` or from a YAML's ``indicators`` are not its own, nor are lists of indicators.

    Examples
    --------
    >>> class Held:
    ...     pass
    >>> made_in_init(Held())
    {}
    """
    seen = {id(made) for made in getattr(strategy, "indicators", {}).values()}
    own: dict[str, Any] = {}
    for name, value in vars(strategy).items():
        if isinstance(value, bt.Indicator) and not name.startswith("_") and id(value) not in seen:
            seen.add(id(value))
            own[name] = value
    return own


def kind_of(indicator: Any) -> str:
    """The name of an indicator's class, as YAML has it."""
    kind = type(indicator)
    said = getattr(indicator, "kind", "")
    return said or (f"bt.{kind.__name__}" if kind.__module__.startswith("backtrader.") else kind.__name__)


def params_of(indicator: Any) -> dict[str, Any]:
    """What an indicator was made with: the parameters that YAML knows, of a plain one all."""
    names = indicator.defaults() if hasattr(indicator, "defaults") else indicator.p._getkeys()
    return {name: getattr(indicator.p, name) for name in names}


def told_params(indicator: Any) -> dict[str, Any]:
    """The same in plain values, classes by their names."""
    return {name: plain(value) for name, value in params_of(indicator).items()}


def plain(value: Any) -> Any:
    """A parameter as JSON holds it.

    >>> plain(5), plain(bt.Strategy)
    (5, 'Strategy')
    """
    return value if isinstance(value, PLAIN) else getattr(value, "__name__", str(value))


def measures_of(indicator: Any) -> Mapping[str, Any]:
    """What each line measures; of a plain indicator nobody says."""
    made: Mapping[str, Any] = (
        indicator.line_measures(**params_of(indicator)) if hasattr(indicator, "line_measures") else {}
    )
    return made

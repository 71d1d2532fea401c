"""Indicators that a strategy made for itself, by their attributes, and what is known of any indicator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import backtrader as bt

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))
"""What JSON can hold."""
_DEEPEST = 3
"""Lists and mappings within each other that are looked through."""


def made_in_init(strategy: Any) -> dict[str, Any]:
    """The indicators that a strategy holds as attributes of its own, each once, by the attribute's name.

    Of those in a list or a mapping the place or the key stands behind it, as in ``ma_0`` and ``ma_fast``; of a mapping
    by feeds the feed's name. Those that it has from ``uses`` or from a YAML's ``indicators`` are not its own.

    Examples
    --------
    >>> class Held:
    ...     pass
    >>> made_in_init(Held())
    {}
    """
    seen = {id(made) for made in getattr(strategy, "indicators", {}).values()}
    own: dict[str, Any] = {}
    attributes = {name: value for name, value in vars(strategy).items() if not name.startswith("_")}
    plain = [(name, value) for name, value in attributes.items() if isinstance(value, bt.Indicator)]
    for name, value in (*plain, *_gathered(attributes)):
        if id(value) not in seen and name not in own:
            seen.add(id(value))
            own[name] = value
    return own


def _gathered(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The indicators in lists and mappings, and in such within them, under names made of the way to them."""
    known = {id(attributes.get(name)) for name in ("datas", "indicators", "true_ranges")}
    for name, value in attributes.items():
        if id(value) not in known:
            yield from _within(name, value, _DEEPEST)


def _within(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items if depth else ():
        below = f"{name}_{_key(key)}"
        if isinstance(item, bt.Indicator):
            yield below, item
        else:
            yield from _within(below, item, depth - 1)


def _key(key: Any) -> str:
    """A place or a key as part of a name."""
    called = getattr(key, "_name", "") if isinstance(key, bt.feed.AbstractDataBase) else key
    return re.sub(r"\W+", "_", str(called)).strip("_")


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

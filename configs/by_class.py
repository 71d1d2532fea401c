"""Sizers and analyzers that a run names by their class: backtrader's own, and plain ones of plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.errors import PluginError, unknown
from ..core.params import plain_values
from ..core.plugins.registry import classes_of_plugins
from .errors import Complaint, KeyPath
from .plugin import check_params

BASES = {"Analyzer", "Sizer", "TimeFrameAnalyzerBase"}
"""Bases of others, which do nothing by themselves."""
PERIODS = ("timeframe", "_timeframe")
"""Parameters that backtrader gives as numbers, and YAML by their names."""


def known(what: str) -> dict[str, Any]:
    """The classes of a kind, ``sizer`` or ``analyzer``, by name; backtrader's begin with ``bt.``.

    >>> sorted(known("sizer"))[:3]
    ['bt.AllInSizer', 'bt.AllInSizerInt', 'bt.FixedReverser']
    """
    import backtrader as bt

    base = getattr(bt, what.capitalize())
    theirs = vars(getattr(bt, f"{what}s"))
    made = {f"bt.{name}": cls for name, cls in theirs.items() if _is_one(cls, base) and cls.__name__ == name}
    return {**made, **{cls.__name__: cls for cls in classes_of_plugins() if _is_one(cls, base)}}


def find(what: str, kind: str) -> Any:
    """The class called ``kind``; backtrader's also without their ``bt.``.

    Raises
    ------
    PluginError
        With what is allowed and the nearest name.
    """
    classes = known(what)
    for name in (kind, f"bt.{kind}"):
        if name in classes:
            return classes[name]
    raise PluginError(unknown(what, kind, classes))


def params_of(cls: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` over the defaults that YAML can hold, as the class takes them."""
    import backtrader as bt

    made = {**plain_values(dict(cls.params._getitems())), **given}
    names = bt.TimeFrame.Names
    told = {key: names.index(made[key]) for key in PERIODS if isinstance(made.get(key), str) and made[key] in names}
    return {**made, **told}


def complaints(what: str, path: KeyPath, given: Mapping[str, Any], common: tuple[str, ...]) -> Iterator[Complaint]:
    """What is wrong with the block of a class at ``path``; ``common`` keys are not the class's."""
    import backtrader as bt

    if not isinstance(given.get("kind"), str):
        yield Complaint(path, f"needs the kind of a class, as in {{kind: {sorted(known(what))[0]}}}")
        return
    try:
        cls = find(what, given["kind"])
    except PluginError as err:
        yield Complaint((*path, "kind"), str(err))
        return
    for key in PERIODS:
        if isinstance(given.get(key), str) and given[key] not in bt.TimeFrame.Names:
            yield Complaint((*path, key), unknown("time frame", given[key], filter(None, bt.TimeFrame.Names)))
    rest = {key: value for key, value in given.items() if key not in PERIODS or not isinstance(value, str)}
    whole = {key for key, default in cls.params._getitems() if type(default) is int}
    # backtrader takes 2.5 percent and half a stake, though its defaults are whole
    rest = {key: int(value) if key in whole and type(value) is float else value for key, value in rest.items()}
    yield from check_params(path, cls, rest, common)


def _is_one(cls: Any, base: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, base) and cls.__name__ not in BASES

"""What a Cerebro of somebody else's was set up with, in plain values and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backtrader.brokers.bbroker import BackBroker
from backtrader.comminfo import CommInfoBase, CommissionInfo

from ..recording.own_indicators import plain

NO_SETTING = ("dataname", "name", "sessionstart", "sessionend")
"""Parameters of feeds that are told elsewhere, or that backtrader fills in."""
SCHEMES = (CommInfoBase, CommissionInfo)
"""Classes of commission whose parameters tell all of it."""


def given(thing: Any) -> dict[str, Any]:
    """The parameters of one of backtrader's objects that differ from its class's defaults, but for `NO_SETTING`."""
    defaults = {key: plain(value) for key, value in type(thing).params._getitems()}
    told = {key: plain(value) for key, value in thing.p._getkwargs().items() if key not in NO_SETTING}
    return {key: value for key, value in told.items() if key not in defaults or value != defaults[key]}


def named(kind: str, params: Mapping[str, Any]) -> str:
    """A class with parameters, in words.

    >>> named("FixedSize", {"stake": 10}), named("BackBroker", {})
    ('FixedSize (stake 10)', 'BackBroker')
    """
    told = [f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in params.items()]
    return f"{kind} ({', '.join(told)})" if told else kind


def set_up(strategy: Any, names: Mapping[int, str]) -> dict[str, Any]:
    """What a run depended on besides its bars, for the lock; ``names`` are those of the feeds by their ids."""
    cerebro, broker = strategy.cerebro, strategy.broker
    schemes = getattr(broker, "comminfo", {})
    sizers = {key: sizer for key, sizer in cerebro.sizers.items() if sizer is not None}
    return {
        "modes": given(cerebro),
        "strategies": [_made(one) for one in cerebro.runningstrats],
        "feeds": {names[id(data)]: _made(data) for data in strategy.datas},
        "broker": _made(broker),
        "commission": {key or "all others": _made(one) for key, one in schemes.items()},
        "sizers": [{"kind": cls.__name__, "params": _plain(kwargs)} for cls, _, kwargs in sizers.values()],
    }


def _made(thing: Any) -> dict[str, Any]:
    return {"kind": type(thing).__name__, "params": given(thing)}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain(value) for key, value in params.items()}


def fills(strategy: Any) -> Iterator[str]:
    """How orders were filled and what it cost, in words."""
    broker, modes = strategy.broker, strategy.cerebro.p
    params = {k: v for k, v in given(broker).items() if k != "cash"}
    yield f"Orders were filled by {named(type(broker).__name__, params)}, as the script set it up."
    if isinstance(broker, BackBroker):
        yield _market(broker, modes)
        yield "Stops and limits fill within a bar's range, in the order in which they were sent."
        if broker.p.filler is None:
            yield "Orders are filled whole, whatever the bar's volume."
    yield from _commission(strategy)


def _market(broker: Any, modes: Any) -> str:
    if broker.p.coc:
        return "Market orders fill at the close of the bar on which they are sent (coc), which nobody could have had."
    if modes.cheat_on_open or broker.p.coo:
        return "Market orders that are sent at a bar's open fill at this open (cheat_on_open)."
    return "A bar is known at its close and not before; market orders fill at the next bar's open."


def _commission(strategy: Any) -> Iterator[str]:
    for key, scheme in getattr(strategy.broker, "comminfo", {}).items():
        told = {k: v for k, v in given(scheme).items() if k != "percabs"}
        what = named(type(scheme).__name__, told) if told or type(scheme) not in SCHEMES else "none"
        yield f"Commission{f' of {key}' if key else ''}: {what}."


def costs_nothing(strategy: Any) -> bool:
    """Whether no scheme of commission takes anything."""
    schemes = getattr(strategy.broker, "comminfo", {}).values()
    return all(type(one) in SCHEMES and not one.p.commission for one in schemes)


def unknown_terms(data: Any, name: str) -> str:
    """What a plain feed does not tell of its instrument; empty where it does."""
    what = [word for word in ("tick", "lot") if getattr(data, word, None) is None]
    if not what:
        return ""
    known = " and ".join(what)
    return f"{name}: {known} {'are' if len(what) > 1 else 'is'} not known: prices and sizes are as the script had them."

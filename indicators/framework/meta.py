"""How indicator classes are made: checked, registered, and given the lines their parameters ask for."""

from __future__ import annotations

import copyreg
import sys
from functools import update_wrapper
from typing import Any

import backtrader as bt

from ...core.plugins.registry import INDICATORS
from ...core.sizes import ALL
from .measure import UNTOLD
from .sizing import RULE, documented, of_size

_variants: dict[tuple[type, tuple[str, ...]], Any] = {}
_Call = tuple[Any, tuple[Any, ...], dict[str, Any]]
_COMPLETED = ("line_names", "input_names", "warmup", "state_size")
_MERGED = ("bounds", "measures", "remedies")


class IndicatorMeta(bt.indicator.MetaIndicator):
    """The type of every `Indicator`: backtrader's, with strict parameters and lines by parameter.

    backtrader drops a parameter it does not know without a word; here `doprenew` refuses it before
    backtrader sees it, also when the indicator is built by hand inside a strategy.
    """

    def __new__(meta, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        """Let an author's hooks count on every parameter, whoever asks with how few."""
        for hook in _COMPLETED:
            if isinstance(body.get(hook), classmethod) and bases != (bt.Indicator,):
                body[hook] = _completed(body[hook])
        if body.get("sized"):
            body["params"] = {**body.get("params", {}), "size": ALL}
            body["bounds"] = {**body.get("bounds", {}), "size": RULE}
            body["__doc__"] = documented(body.get("__doc__"))
        return super().__new__(meta, name, bases, body)

    def __init__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> None:  # noqa: N805
        super().__init__(name, bases, body)
        if not any(isinstance(b, IndicatorMeta) for b in bases):
            return
        for table in _MERGED:
            inherited = [getattr(b, table, {}) for b in reversed(bases)]
            setattr(cls, table, {k: v for part in [*inherited, body.get(table, {})] for k, v in part.items()})
        if body.get("abstract"):  # a base of kinds is no kind
            return
        if "made_by" not in body:
            cls.kind = name
            _extend(cls, bases, body)
            cls._mindatas = max([1, *(k + 1 for k in cls.inputs if isinstance(k, int))])
        if cls.level() in ("next", "lines"):
            _leave_to_backtrader(cls)
        if "made_by" not in body:  # one of a family is found by its family
            INDICATORS.add(cls)

    def doprenew(cls, *args: Any, **kwargs: Any) -> _Call:  # noqa: N805
        """Check the parameters, then build the class whose lines they ask for."""
        cls, args, kwargs = super().doprenew(*args, **kwargs)
        if not hasattr(cls, "kind"):
            return cls, args, kwargs
        foreign = set(cls.plotinfo._getkeys())
        own = {k: v for k, v in kwargs.items() if k not in foreign and not k.startswith("_")}
        params = cls.resolve(own)
        return with_lines(cls, cls.line_names(**params)), args, kwargs

    def dopreinit(cls, made: Any, *args: Any, **kwargs: Any) -> _Call:  # noqa: N805
        """Tie the inputs to lines before the author's ``__init__``, which need not call ours."""
        made, args, kwargs = super().dopreinit(made, *args, **kwargs)
        made._bind()
        return made, args, kwargs


def _extend(cls: Any, bases: tuple[type, ...], body: dict[str, Any]) -> None:
    """Let a subclass that adds lines or a ``next``, and no kernel, have its parent's lines from a parent inside."""
    parent: Any = next((b for b in bases if getattr(b, "kind", None)), None)
    if parent is None or "step" in body or "vec" in body or parent.level() not in ("step", "vec"):
        return
    more = set(cls.lines._getlines()) - set(parent.lines._getlines())  # backtrader took ``lines`` out of the body
    if not more and "next" not in body and "once" not in body:
        return
    cls.inner, cls.step, cls.vec = parent, None, None
    hooks: dict[str, Any] = {"line_names": _extended_names, "line_measures": _extended_measures}
    for name in hooks.keys() - body.keys():
        setattr(cls, name, classmethod(hooks[name]))


def _extended_names(cls: Any, **params: Any) -> tuple[str, ...]:
    """The parent's lines, and those that were added."""
    names = cls.inner.line_names(**cls.inner_params(params))
    usual = {*cls.inner.lines._getlines(), *names}
    return (*names, *(name for name in cls.lines._getlines() if name not in usual))


def _extended_measures(cls: Any, **params: Any) -> dict[str, Any]:
    """What the parent's lines are, and those that were added."""
    known = cls.inner.line_measures(**cls.inner_params(params))
    return {name: known.get(name) or cls.measures.get(name, UNTOLD) for name in cls.line_names(**params)}


def _completed(hook: Any) -> Any:
    said: Any = hook.__func__

    def full(cls: Any, **params: Any) -> Any:
        made = said(cls, **{**cls.defaults(), **params})
        return of_size(made, params) if said.__name__ == "input_names" and cls.sized else made

    made: Any = update_wrapper(full, said)
    return classmethod(made)


def _leave_to_backtrader(cls: Any) -> None:
    """An author's plain ``next``, or line arithmetic, runs as backtrader runs it; hooks of his own stay."""
    ours = [base for base in cls.__mro__ if isinstance(base, IndicatorMeta)][-1]
    stock = bt.indicator.Indicator
    own_next = cls.level() == "next"
    made = {
        "once": stock.once_via_next if own_next else stock.once,
        "preonce": stock.preonce_via_prenext if own_next else stock.preonce,
        "oncestart": stock.oncestart_via_nextstart if own_next else stock.oncestart,
    }
    if not own_next:
        made |= {"next": stock.next, "prenext": stock.prenext}
    for name, hook in made.items():
        if getattr(cls, name) is getattr(ours, name):
            setattr(cls, name, hook)


def with_lines(cls: Any, names: tuple[str, ...]) -> Any:
    """``cls``, or its subclass that has exactly the lines ``names``; made once and picklable."""
    if tuple(cls.lines._getlines()) == tuple(names):
        return cls
    key = (cls, tuple(names))
    if key not in _variants:
        title = f"{cls.__name__}__{'_'.join(names)}"
        body = {
            "__module__": cls.__module__,
            "__doc__": cls.__doc__,
            "lines": tuple(names),
            "linesoverride": True,
            "made_by": (with_lines, (cls, tuple(names))),
        }
        made = type(cls)(title, (cls,), body)
        setattr(sys.modules[cls.__module__], title, made)
        _variants[key] = made
    return _variants[key]


def _reduce(cls: Any) -> Any:
    """Pickle a class that was made by a call as that call, every other by its name."""
    return cls.__dict__.get("made_by", cls.__qualname__)


copyreg.pickle(IndicatorMeta, _reduce)

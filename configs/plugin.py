"""What a plugin's class says about its parameters, lines and inputs, as complaints."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import InputError, nearest
from ..core.params import check_param
from ..core.plugins.code import reads_of
from ..core.schema import ACTIONS, WORTH
from ..core.sizes import block_edges, columns_between
from .errors import Complaint, KeyPath, shown

Raw = Mapping[str, Any]


def declared(cls: Any) -> dict[str, Any]:
    """The parameters of a plugin class with their defaults.

    backtrader turns the ``params`` of its own subclasses into a class; a feed's stay a dict.
    """
    if hasattr(cls, "defaults"):
        return dict(cls.defaults())
    params = getattr(cls, "params", {})
    return dict(params) if isinstance(params, Mapping) else dict(params._getitems())


def snake(kind: str) -> str:
    """The name an indicator goes by when it is given none.

    >>> snake("VWAP"), snake("VolumeDelta"), snake("talib.RSI"), snake("VWAPBands")
    ('vwap', 'volume_delta', 'rsi', 'vwap_bands')
    """
    word = re.split(r"[.:]", kind)[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", word).lower()


def broken(cls: Any) -> Iterator[str]:
    """What a plugin's class says that cannot be so, whatever the data; nothing for a class that holds its contract."""
    name = cls.__name__
    for base in cls.__mro__:
        said = base.__dict__.get("reads", ())
        if not isinstance(said, str | tuple | list) or not all(isinstance(text, str) for text in said):
            yield f"{name}.reads must be file names, as in reads = ('model.bin',) (got {shown(said)})"
            continue
        yield from (f"{name}.reads: no file '{path}'" for _, path in reads_of(base) if not path.is_file())
    known = declared(cls)
    for param in getattr(cls, "bounds", {}):
        if param not in known:
            near = nearest(param, list(known))
            hint = f"; is '{near}' meant?" if near else ""
            yield f"{name}.bounds has '{param}', which is none of its params{hint}"
    yield from _mathless(cls)
    for line, told in getattr(cls, "measures", {}).items():
        if not hasattr(told, "meaning"):
            yield f"{name}.measures['{line}'] must be a Line, as in Line('what it is', price=1) (got {shown(told)})"


def _mathless(cls: Any) -> Iterator[str]:
    """What an indicator lacks to have a value."""
    if not hasattr(cls, "level"):
        return
    name = cls.__name__
    if isinstance(cls.inputs, str):
        yield f"{name}.inputs must be a tuple: write inputs = ({cls.inputs!r},)"
    if not cls.line_names(**cls.defaults()):
        yield f"{name} has no lines: write lines = ('value',)"
    known = "made_by" in vars(cls)
    if cls.level() in ("next", "lines") and not known and not any(_own_math(base) for base in cls.__mro__):
        yield f"{name} computes nothing: it needs a step, a vec, a next, or lines made in __init__"


def _own_math(base: type) -> bool:
    """Whether a class says itself how it computes, where backtrader's hooks and ours are none."""
    theirs = ("tapeflow.indicators.framework.base", "backtrader.", "builtins")
    hooks = (base.__dict__.get(name) for name in ("__init__", "next", "once"))
    own = (hook for hook in hooks if not str(getattr(hook, "__module__", "builtins")).startswith(theirs))
    return not base.__module__.startswith(theirs) and any(own)


class AnyLine(tuple[str, ...]):
    """The lines of an indicator that is itself wrong: every name may be one, so that rules are not blamed."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return True


def legal(cls: Any, given: Raw) -> dict[str, Any]:
    """Every parameter of ``cls``: as given where that is legal, else its default."""
    bounds = getattr(cls, "bounds", {})
    defaults = declared(cls)
    own = {k: v for k, v in given.items() if k in defaults and not wrong(k, v, defaults[k], bounds.get(k))}
    return {**defaults, **own}


def line_names(cls: Any, given: Raw) -> tuple[str, ...]:
    """The lines of an indicator with these parameters, as a rule may name them."""
    return tuple(cls.line_names(**legal(cls, given)))


@dataclass(frozen=True)
class FeedView:
    """What a feed can know, before anything is read.

    Parameters
    ----------
    name : str
        Class name.
    columns : tuple of str
        Bar columns: canonical ones, then its own.
    levels : bool
        Whether its bars can have price rows.
    tape : bool
        Whether it gives trades.
    classes : bool
        Whether its bars may keep classes of trade size.
    """

    name: str
    columns: tuple[str, ...]
    levels: bool
    tape: bool = False
    classes: bool = False

    @classmethod
    def of(cls, feed: Any, given: Raw) -> FeedView:
        """The view of feed class ``feed`` under the parameters ``given``."""
        tape = feed.gives == "tape"
        classes = columns_between(block_edges(given)) if tape else ()
        actions = [c.name for c in ACTIONS] if given.get("actions") is not None else ()
        worth = [WORTH.name] if given.get("usd") is not None else ()
        columns = (*feed.canonical, *feed.extra_columns(legal(feed, given)), *classes, *actions, *worth)
        return cls(feed.__name__, columns, feed.has_levels, tape, tape or feed.may_have_classes)


def lacks(cls: Any, given: Raw, feed: FeedView, lines: Collection[str] = ()) -> str:
    """Empty, or which input of an indicator neither the feed nor another one's ``lines`` can know."""
    known = frozenset((*feed.columns, *lines, *(("levels",) if feed.levels else ())))
    params = legal(cls, given)
    if getattr(cls, "sized", False) and feed.classes:
        params["size"] = "all"  # its classes are those of the data block's edges or of a file, which the class compares
    try:
        resolved = cls.resolved_over(params, known.__contains__, feed.columns, feed.name)
        cls.check_inputs(resolved, known.__contains__, feed.name, feed.columns)
    except InputError as err:
        return str(err)
    return ""


def check_params(
    path: KeyPath, cls: Any, given: Raw, common: Collection[str] = (), *beside: Any, also: Collection[str] = ()
) -> Iterator[Complaint]:
    """What is wrong with the parameters in the block at ``path``; ``common`` keys are not the class's.

    What stands ``beside`` the parameters, as the names of a feed's files, is handed to the class to judge; keys that
    ``also`` are known there are told to who writes one that is not.
    """
    defaults, bounds = declared(cls), getattr(cls, "bounds", {})
    fine = True
    for name, value in given.items():
        here: KeyPath = (*path, name)
        if name in common:
            continue
        if name not in defaults:
            yield Complaint(here, _unknown_key(cls, str(name), (*common, *also), defaults), on_key=True)
        elif text := wrong(name, value, defaults[name], bounds.get(name)):
            fine = False
            yield _placed(here, text, value)
    if fine and hasattr(cls, "complaint") and (text := cls.complaint(legal(cls, given), *beside)):
        yield Complaint(path, text)


def wrong(name: str, value: Any, default: Any, rule: Any) -> str:
    """The complaint about a value without its name, which the path says."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"must be a finite number (got {shown(value)})"
    text = check_param(name, value, default, rule)
    return text and text.removeprefix(f"{name} ").replace(f"(got {value!r})", f"(got {shown(value)})")


def _unknown_key(cls: Any, name: str, common: Collection[str], defaults: Raw) -> str:
    theirs = dict(cls.params._getitems()) if hasattr(getattr(cls, "params", None), "_getitems") else {}
    if name in theirs:
        value = getattr(theirs[name], "__name__", None) or shown(theirs[name])
        return f"'{name}' is {value} in the code of {cls.__name__}, which YAML cannot say: change it there"
    if name == "size" and (why := getattr(cls, "no_size", "")):
        return f"{cls.__name__} takes no size: {why}"
    near = nearest(name, [*defaults, *common])
    hint = f", did you mean '{near}'?" if near else ""
    own = f"{cls.__name__}: {', '.join(sorted(defaults)) or 'none'}"
    what = "key" if common else "parameter"
    return f"unknown {what} '{name}'{hint} (allowed: {', '.join((*common, own))})"


def _placed(path: KeyPath, text: str, value: Any) -> Complaint:
    """A complaint about one item of a list, or one key of a mapping, at that item or key."""
    item = re.match(r"item (\d+) ", text)
    if item and isinstance(value, list):
        i = int(item[1]) - 1
        return Complaint((*path, i), f"{text[item.end() :].partition(' (got ')[0]} (got {shown(value[i])})")
    key = re.search(r"unknown key '(\w+)'", text)
    if key and isinstance(value, Mapping) and key[1] in value:
        return Complaint((*path, key[1]), text[key.start() :].partition(" (got ")[0], on_key=True)
    return Complaint(path, text)

"""What runs over the same bars have in common: computed once, used by each."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ...configs.models import RunConfig
from ...core.registry import INDICATORS
from ...indicators.references import in_order, lines_read, spelled_out
from ...strategies.lines import Lines
from ..compiled import why_not
from ..compiled.choice import uses_of
from ..compiled.run import follow_config
from ..compiled.tables import Tables, computed, unusable
from ..runner import Source
from .figures import Figures

ROOM = 256 << 20
"""Bytes of indicators' lines that are kept; those not used for the longest go first."""
Made = Mapping[str, "Computed"]


class Computed(NamedTuple):
    """An indicator over some bars.

    Parameters
    ----------
    names : tuple of str
        Its lines.
    table : ndarray of float64, (lines, bars)
        Their values.
    warmup : int
        The bar, from 1, that has the first value.
    """

    names: tuple[str, ...]
    table: NDArray[Any]
    warmup: int


class Known:
    """What is known of some bars, for the runs of a sweep over them.

    Parameters
    ----------
    sources : mapping of str to Source
        The bars of each feed.
    shared : mapping of str to Computed, optional
        Indicators that another process computed over them.
    """

    def __init__(self, sources: Mapping[str, Source], shared: Made | None = None) -> None:
        self.sources = dict(sources)
        self._shared = dict(shared or {})
        self._made: OrderedDict[str, Computed] = OrderedDict()
        self._bytes = 0

    @cached_property
    def tables(self) -> Tables:
        """The bars, as compiled runs read them, without an indicator."""
        return Tables({name: source.bars for name, source in self.sources.items()}, {})

    @cached_property
    def _unusable(self) -> str:
        """Why compiled code cannot trade these bars; empty when it can."""
        return unusable(self.tables.bars)

    def why_not(self, config: RunConfig) -> str:
        """Why compiled code cannot run ``config`` over these bars; empty when it can."""
        return why_not(config) or self._unusable

    def figures(self, config: RunConfig) -> dict[str, Any]:
        """The figures of a run that compiled code can do."""
        record: Any = follow_config(config, next(iter(self.sources)), _Shared(self, uses_of(config)))
        return Figures(config, self.sources, None, record).figures()

    def untouched(self, configs: Iterable[RunConfig]) -> dict[str, Computed]:
        """The indicators that all of several runs have; runs that are not compiled are left aside."""
        keys: set[str] | None = None
        uses: Mapping[str, Any] = {}
        for config in configs:
            if not self.why_not(config):
                uses = uses_of(config)
                own = {one.key for one in plan(uses, clocks(self.tables, uses))}
                keys = own if keys is None else keys & own
        if keys:
            same = [one for one in plan(uses, clocks(self.tables, uses)) if one.key in keys]
            _Shared(self, {one.name: uses[one.name] for one in same})
        return {key: self._made[key] for key in sorted(keys or ()) if key in self._made}

    def indicator(self, key: str, make: Callable[[], Any]) -> Computed:
        """The indicator known by ``key``, made now if it is new."""
        if key in self._shared:
            return self._shared[key]
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        new = make()
        made = self._made[key] = Computed(tuple(new.names), new.table, new.warmup)
        self._bytes += made.table.nbytes
        while self._bytes > ROOM and len(self._made) > 1:
            _, oldest = self._made.popitem(last=False)
            self._bytes -= oldest.table.nbytes
        return made


class _Asked(NamedTuple):
    """An indicator of a run.

    Parameters
    ----------
    name : str
        What rules call it.
    key : str
        The same for indicators with the same lines over the same bars.
    cls : type
        Its class.
    params : mapping
        Spelled out.
    reads : tuple of (str, str)
        Names and lines of the indicators it reads.
    """

    name: str
    key: str
    cls: Any
    params: Mapping[str, Any]
    reads: tuple[tuple[str, str], ...]


class _Shared(Tables):
    """Tables of a run whose bars are known, and its indicators where another run had the same.

    Parameters
    ----------
    known : Known
        What is known of the bars.
    uses : mapping of str to Use or IndicatorBlock
        The indicators of the run.
    """

    def __init__(self, known: Known, uses: Mapping[str, Any]) -> None:
        self.__dict__ |= known.tables.__dict__
        self._clocks = clocks(known.tables, uses)
        made: dict[str, Computed] = {}
        for one in plan(uses, self._clocks):
            read = {ref: made[ref[0]] for ref in one.reads}
            bars = self._feeds[self._clocks[one.name]]
            made[one.name] = known.indicator(one.key, partial(computed, one.cls, one.params, bars, read))
        self.indicators = {name: made[name] for name in uses}
        self.lines = Lines(self._names(self._named[""]), self._read, self.closes)


def clocks(tables: Tables, uses: Mapping[str, Any]) -> dict[str, str]:
    """The feed that each indicator reads, "" for the traded one."""
    return {name: "" if use.data in (None, "", tables._named[""]) else use.data for name, use in uses.items()}


def plan(uses: Mapping[str, Any], clock: Mapping[str, str]) -> list[_Asked]:
    """The indicators of a run, each after those whose lines it reads."""
    asked: dict[str, tuple[Any, Any]] = {n: (INDICATORS.find(use.kind), use.params) for n, use in uses.items()}
    made: dict[str, _Asked] = {}
    lines: dict[str, tuple[str, ...]] = {}
    for name in in_order(asked):
        cls, params = asked[name]
        own = spelled_out(cls, params, lines)
        lines[name] = tuple(cls.line_names(**cls.resolve(own)))
        reads = tuple((other, line) for other, _, line in (text.partition(".") for text in lines_read(cls, own)))
        below = [[made[other].key, line] for other, line in reads]
        key = json.dumps([cls.__module__, cls.kind, dict(own), clock[name], below], default=repr)
        made[name] = _Asked(name, key, cls, own, reads)
    return [*made.values()]

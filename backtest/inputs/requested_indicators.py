"""The indicators of a run: in what order they are made, and which of two runs are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...core.plugins.registry import INDICATORS
from ...indicators.framework.dependencies import in_order, lines_read, spelled_out


class RequestedIndicator(NamedTuple):
    """An indicator of a run.

    Parameters
    ----------
    name : str
        What rules call it.
    cls : type
        Its class.
    params : mapping
        With the lines it reads spelled out.
    clock : str
        The feed it reads, "" for the traded one.
    reads : tuple of (str, str)
        Names and lines of the indicators it reads.
    key : str
        The same for indicators that have the same lines over the same bars.
    """

    name: str
    cls: Any
    params: Mapping[str, Any]
    clock: str
    reads: tuple[tuple[str, str], ...]
    key: str

    @property
    def shareable(self) -> bool:
        """Whether its lines are a function of arrays, and not made by backtrader bar by bar."""
        return str(self.cls.level()) in ("step", "vec")


def asked(uses: Mapping[str, Any], traded: str) -> list[RequestedIndicator]:
    """The indicators of a run, each after those whose lines it reads.

    Parameters
    ----------
    uses : mapping of str to Use or IndicatorBlock
        By the name rules call them.
    traded : str
        Name of the traded feed.

    Raises
    ------
    ParamError
        If indicators read each other in a circle, or a parameter is out of bounds.

    Examples
    --------
    >>> from tapeflow.strategies.framework.base import Use
    >>> uses = {"mean": Use("ZScore", {"of": "flow"}), "flow": Use("VolumeDelta")}
    >>> [(one.name, one.reads) for one in asked(uses, "main")]
    [('flow', ()), ('mean', (('flow', 'delta'),))]
    """
    given = {name: (INDICATORS.find(use.kind), use.params) for name, use in uses.items()}
    made: dict[str, RequestedIndicator] = {}
    lines: dict[str, tuple[str, ...]] = {}
    for name in in_order(given):
        cls: Any
        cls, params = given[name]
        own = spelled_out(cls, params, lines)
        full = cls.resolve(own)
        lines[name] = tuple(cls.line_names(**full))
        reads = tuple((other, line) for other, _, line in (text.partition(".") for text in lines_read(cls, own)))
        clock = "" if uses[name].data in (None, "", traded) else uses[name].data
        below = [[made[other].key, line] for other, line in reads]
        key = json.dumps([cls.__module__, cls.kind, full, clock, below], default=repr)
        made[name] = RequestedIndicator(name, cls, own, clock, reads, key)
    return [*made.values()]

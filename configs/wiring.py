"""What indicators of a run read: the columns of their feed, and each other's lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import unknown
from ..indicators.framework.dependencies import circle, lines_read, references, spelled_out
from .errors import Complaint, KeyPath
from .plugin import Raw, lacks, legal


@dataclass(frozen=True)
class WiredIndicator:
    """One indicator of the run.

    Parameters
    ----------
    cls : type
        Its class.
    params : mapping
        Its parameters, as given.
    feed : str or None
        The feed it reads; what is no text is told elsewhere.
    path : tuple
        Where complaints about it go.
    strategy : str
        The strategy that brings it; empty when it stands in the YAML.
    """

    cls: Any
    params: Raw
    feed: Any
    path: KeyPath
    strategy: str = ""

    def complaint(self, text: str, param: str = "") -> Complaint:
        """One about a parameter, or about the whole; of what a strategy brings, about the strategy."""
        if self.strategy:
            return Complaint(self.path, f"{self.strategy} uses {text}")
        return Complaint((*self.path, param) if param in self.params else self.path, text)


class Wiring:
    """All indicators of a run and what they may read.

    Parameters
    ----------
    lines : mapping of str to tuple of str
        The lines of each indicator, also of one that is wrong.
    feeds : mapping of str to type
        The class behind each feed.
    """

    def __init__(self, lines: Mapping[str, tuple[str, ...]], feeds: Mapping[str, Any]) -> None:
        self._lines, self._feeds = lines, feeds
        self._asked: dict[str, WiredIndicator] = {}

    def add(self, name: str, asked: WiredIndicator) -> None:
        """Take an indicator in."""
        self._asked[name] = asked

    def feeds(self) -> dict[str, str]:
        """The feed that each indicator reads."""
        return {name: asked.feed for name, asked in self._asked.items() if isinstance(asked.feed, str)}

    def complaints(self) -> Iterator[Complaint]:
        """What reads something that is not there."""
        told: set[str] = set()
        for name, asked in self._asked.items():
            params = legal(asked.cls, asked.params)
            wrong = list(self._references(asked, params))
            way = circle(name, {k: (a.cls, legal(a.cls, a.params)) for k, a in self._asked.items()})
            if way and told.isdisjoint(way):
                told |= {*way}
                param = next(p for p, (other, _) in references(asked.cls, params, way).items() if other == way[1])
                wrong.append(asked.complaint(f"indicators read each other in a circle: {' → '.join(way)}", param))
            yield from wrong
            if not wrong and isinstance(asked.feed, str) and asked.feed in self._feeds:
                yield from self._inputs(asked, params)

    def _references(self, asked: WiredIndicator, params: Raw) -> Iterator[Complaint]:
        """Lines of indicators that are not there, or that keep other time."""
        found = references(asked.cls, params, self._lines)
        for param in asked.cls.line_params:
            text = str(params[param])
            name, dot, line = text.partition(".")
            if param not in found:
                if dot:
                    yield asked.complaint(f"'{text}': {unknown('indicator', name, self._lines)}", param)
            elif line and line not in self._lines[name]:
                yield asked.complaint(f"'{text}': {unknown(f'line of {name}', line, self._lines[name])}", param)
            elif name in self._asked and self._asked[name].feed != asked.feed:
                feed = self._asked[name].feed
                text = f"'{text}' has the bars of {feed}, this indicator those of {asked.feed}: set data: {feed}"
                yield asked.complaint(text, param)

    def _inputs(self, asked: WiredIndicator, params: Raw) -> Iterator[Complaint]:
        own = spelled_out(asked.cls, params, self._lines)
        if text := lacks(asked.cls, own, self._feeds[asked.feed], lines_read(asked.cls, own)):
            yield asked.complaint(text)

"""What pydantic cannot know: plugins and their parameters, names, and the rules that use them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..aggregation.kinds import BarSpec
from ..aggregation.rows import check_rows
from ..core.errors import ParamError, TapeflowError, nearest, unknown
from ..core.names import RESERVED, STATE, Names, beside, state_taken
from ..core.plugins.registry import FEEDS, INDICATORS, STRATEGIES, Registry
from ..core.schema import BAR_COLUMNS
from ..feeds.csv_reader.files import read_once
from . import by_class
from .analyzer_block import AnalyzerBlock
from .data_block import Data, feed_specs, traded_feeds
from .errors import Complaint, KeyPath
from .fills_block import no_tape
from .models import IndicatorBlock
from .named_rank import in_full
from .plugin import AnyLine, FeedView, Raw, broken, check_params, declared, legal, line_names
from .portfolio_block import SHARED
from .universe import UNIVERSE_KEYS
from .values import keys
from .wiring import WiredIndicator, Wiring

_OWN_NAMES = frozenset(
    ("analyzers", "broker", "cerebro", "data", "datas", "env", "indicators", "l", "lines", "observers", "p", "params")
)
"""Attributes a strategy has from the start; an indicator of that name would hide them."""


def block(raw: Raw, name: str) -> Raw:
    """The mapping under ``name``; empty when it is something else, which pydantic has told already."""
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


class Checker:
    """Everything wrong with a raw config beyond its shape.

    Parameters
    ----------
    raw : mapping
        The whole config as plain values.
    folder : Path
        Folder of the YAML.
    """

    def __init__(self, raw: Raw, folder: Path) -> None:
        self._folder, self._raw = folder, raw
        self._data = block(raw, "data")
        self._indicators = block(raw, "indicators")
        self._weights = block(raw, "portfolio").get("weights")
        self._events = block(raw, "events")
        self._strategy: Raw = block(raw, "strategy") if "strategy" in raw or not self._idle else {"kind": "Rules"}
        self._fills, self._trade = raw.get("fills"), raw.get("trade")
        self._feeds: dict[str, Any] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._desks: list[str] = []
        self._unbound: set[str] = set()
        self._lines: dict[str, tuple[str, ...]] = {}
        self._wiring = Wiring(self._lines, self._feeds)

    @property
    def _idle(self) -> bool:
        """Whether there may be no strategy."""
        return self._weights is not None or bool(self._events)

    def complaints(self) -> Iterator[Complaint]:
        """All of them, in no particular order."""
        if "strategy" not in self._raw and not self._idle and self._raw.get("strategies") is None:
            yield Complaint((), "missing key 'strategy'")
        strategy, no_strategy = self._find(STRATEGIES, self._strategy.get("kind"), ("strategy", "kind"))
        for name, given in self._data.items():
            yield from self._feed(name, given)
            yield from self._named(name, given)
        yield from self._priced_ones()
        yield from self._traded_ones()
        for name in self._desks:
            given = block(self._data, self._names[name][1])
            yield from no_tape(self._fills, self._find(FEEDS, given.get("feed"), ())[0])
        for name, given in self._indicators.items():
            yield from self._name(name, strategy)
            yield from self._indicator(name, given)
        yield from no_strategy
        yield from self._by_class()
        yield from self._bring(strategy)
        yield from self._wiring.complaints()
        if strategy is not None:
            yield from self._rules(strategy)

    def _by_class(self) -> Iterator[Complaint]:
        """A sizer and analyzers that are named by their class."""
        if (sizer := block(self._raw, "sizer")).get("kind") is not None:
            yield from by_class.complaints("sizer", ("sizer",), sizer, ("kind",))
        asked = self._raw.get("analyzers")
        for i, given in enumerate(asked if isinstance(asked, list) else ()):
            whole = {"kind": given} if isinstance(given, str) else given
            if isinstance(whole, Mapping):
                yield from by_class.complaints("analyzer", ("analyzers", i), whole, keys(AnalyzerBlock))

    def _priced_ones(self) -> Iterator[Complaint]:
        """Blocks whose quote currency is priced by a feed that is none, or its own, or knows no prices."""
        for name, given in self._data.items():
            feed = given.get("usd") if isinstance(given, Mapping) else None
            if not isinstance(feed, str):
                continue
            path: KeyPath = ("data", name, "usd")
            if feed not in self._names:
                yield Complaint(path, f"{unknown('feed', feed, self._names)}; or a price, as in 0.9991")
            elif self._names[feed][1] == name:
                yield Complaint(path, f"'{feed}' is this block's own; name the feed that prices its quote currency")
            elif feed in self._feeds and "close" not in self._feeds[feed].columns:
                yield Complaint(path, f"'{feed}' has no closes; name a feed of prices")

    def _traded_ones(self) -> Iterator[Complaint]:
        """Take in the feeds that are traded; names that are none are mistakes."""
        bars = {name: given.get("bars") for name, given in self._data.items() if isinstance(given, Mapping)}
        asked = [self._trade] if isinstance(self._trade, str) else self._trade if isinstance(self._trade, list) else []
        for i, name in enumerate(asked):
            if isinstance(name, str) and name not in self._names and name not in bars:
                where: KeyPath = ("trade", i) if isinstance(self._trade, list) else ("trade",)
                yield Complaint(where, unknown("feed", name, [*self._names]))
        self._desks = [name for name in traded_feeds(self._trade, bars) if name in self._names]

    def _find(self, registry: Registry, kind: Any, path: KeyPath) -> tuple[Any, list[Complaint]]:
        """The class called ``kind``, or a complaint at ``path``; neither when it is no text."""
        if not isinstance(kind, str):
            return None, []
        try:
            cls = registry.find(kind)
        except TapeflowError as err:
            beside = self._folder / f"{kind.partition(':')[0]}.py"
            near = ":" in kind and beside.exists()
            hint = f"; write plugins: [{beside.name}] and name the class alone" if near else ""
            return None, [Complaint(path, f"{err}{hint}")]
        if ":" in kind and cls not in registry.values():
            return None, [Complaint(path, f"'{kind}' is no {registry.what}")]
        return cls, [Complaint(path, text) for text in broken(cls)]

    def _feed(self, name: str, given: Any) -> Iterator[Complaint]:
        path: KeyPath = ("data", name)
        if not name.isidentifier():
            yield Complaint(path, "a name must be letters, digits and _, and begin with a letter", on_key=True)
        elif name in STATE:
            yield Complaint(path, state_taken(name), on_key=True)
        if not isinstance(given, Mapping):
            return
        cls, wrong = self._find(FEEDS, given.get("feed"), (*path, "feed"))
        yield from wrong
        if cls is not None:
            self._feeds |= dict.fromkeys(feed_specs(name, given.get("bars")), FeedView.of(cls, given))
            one = {key: own for key, own in given.items() if key not in UNIVERSE_KEYS}
            files = (_named(given),) if cls.needs_path else ()
            yield from check_params(path, cls, one, keys(Data), *files, also=UNIVERSE_KEYS)
            for key in [key for key in given if key in UNIVERSE_KEYS]:
                yield Complaint((*path, key), "is of a block with symbols: [BTC, ETH], and there are none", on_key=True)
            once = (read_once(self._folder / name) for name in _named(given)) if cls.needs_path else ()
            yield from (Complaint((*path, "path"), wrong) for wrong in once if wrong)
            yield from self._use(path, cls, given)
            yield from _kinds(path, cls, given)

    def _named(self, name: str, given: Any) -> Iterator[Complaint]:
        """The names of a block's feeds, each of which must be free."""
        bars = given.get("bars") if isinstance(given, Mapping) else None
        for feed in feed_specs(name, bars):
            path = ("data", name, "bars", feed) if isinstance(bars, Mapping) and bars else ("data", name)
            if len(path) > 2 and not feed.isidentifier():
                text = "a name must be letters, digits and _, and begin with a letter"
                yield Complaint(path, text, on_key=True)
            elif feed in self._names:
                other = ".".join(self._names[feed])
                yield Complaint(path, f"'{feed}' is the name of {other} already; take another name", on_key=True)
            self._names.setdefault(feed, path)

    @staticmethod
    def _use(path: KeyPath, cls: Any, given: Raw) -> Iterator[Complaint]:
        """Keys that this feed needs, or has no use for."""
        kind = cls.__name__
        if cls.needs_path and not given.get("path"):
            yield Complaint(path, f"{kind} reads files: missing key 'path'")
        if not cls.needs_path and given.get("path"):
            yield Complaint((*path, "path"), f"{kind} reads no files", on_key=True)
        if given.get("actions") is not None and cls.why_no_actions:
            yield Complaint((*path, "actions"), f"{kind} {cls.why_no_actions}", on_key=True)
        edges = Data.model_fields["size_edges"].default
        if cls.gives == "bars" and given.get("size_edges", edges) != edges:
            yield Complaint((*path, "size_edges"), f"{kind} knows no trade sizes", on_key=True)
        if cls.gives == "bars" and given.get("levels_by_size"):
            yield Complaint((*path, "levels_by_size"), f"{kind} knows no trade sizes", on_key=True)
        if cls.gives == "tape" and given.get("gaps", "keep") != "keep":
            yield Complaint((*path, "gaps"), f"{kind} gives trades; only klines have gaps to fill", on_key=True)
        try:
            _check_rows(given)
        except ParamError as err:
            yield Complaint((*path, "row_size"), re.sub("^row_size:? ", "", str(err)))

    def _name(self, name: str, strategy: Any) -> Iterator[Complaint]:
        taken = ""
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            taken = "a name must be letters, digits and _, begin with a letter, and be no word of the rules"
        elif name in BAR_COLUMNS:
            taken = f"'{name}' is a column of every feed; take another name"
        elif name in RESERVED:
            taken = f"'{name}' is a function of the rules; take another name"
        elif name in STATE:
            taken = state_taken(name)
        elif name in self._names:
            taken = f"'{name}' is a data block already; take another name"
        elif name in _OWN_NAMES or hasattr(strategy, name):
            taken = f"'{name}' is an attribute of every strategy; take another name"
        if taken:
            yield Complaint(("indicators", name), taken, on_key=True)

    def _indicator(self, name: str, given: Any) -> Iterator[Complaint]:
        path: KeyPath = ("indicators", name)
        read = self._read_by(given)
        if isinstance(given, Mapping) and given.get("data") is None:
            self._unbound.add(name)
        if isinstance(read, str) and read not in self._names:
            yield Complaint((*path, "data"), unknown("data block", read, self._names))
        kind = given.get("kind") if isinstance(given, Mapping) else None
        cls, wrong = self._find(INDICATORS, kind, (*path, "kind"))
        yield from wrong
        self._lines[name] = AnyLine(("",))
        if cls is None:
            return
        bad = list(check_params(path, cls, given, keys(IndicatorBlock)))
        yield from bad
        self._wiring.add(name, WiredIndicator(cls, given, read, path))
        if bad:
            return
        self._lines[name] = line_names(cls, given)
        if isinstance(read, str) and read in self._names:
            said = cls.disagreement(legal(cls, given), block(self._data, self._names[read][1]))
            yield from (Complaint((*path, param), text) for param, text in said.items())

    def _read_by(self, given: Any) -> Any:
        """The name of the data block an indicator reads."""
        named = given.get("data") if isinstance(given, Mapping) else None
        return named if named is not None else next(iter(self._desks), None)

    def _bring(self, strategy: Any) -> Iterator[Complaint]:
        """Take in the indicators that a strategy brings and the YAML does not replace."""
        for name, use in getattr(strategy, "uses", {}).items():
            if name not in self._indicators:
                cls: Any = INDICATORS.find(use.kind)
                feed = use.data or next(iter(self._desks), None)
                if not use.data:
                    self._unbound.add(name)
                if feed not in self._names and self._names:
                    other = unknown("data block", str(feed), self._names)
                    yield Complaint(("strategy", "kind"), f"{strategy.__name__} uses {use.kind} elsewhere: {other}")
                self._lines[name] = line_names(cls, use.params)
                self._wiring.add(name, WiredIndicator(cls, use.params, feed, ("strategy", "kind"), strategy.__name__))

    def _rules(self, cls: Any) -> Iterator[Complaint]:
        """A strategy's parameters, and what only it can judge."""
        given = self._strategy.get("params", {})
        if not isinstance(given, Mapping):
            return
        wrong = list(check_params(("strategy", "params"), cls, given))
        yield from wrong
        if any(len(c.path) > 2 and c.path[2] in declared(cls) for c in wrong):
            return
        rank = in_full(block(self._raw, "portfolio").get("rank"), given)
        rules: Any = STRATEGIES.find("Rules")
        yield from self._wrong_events()
        if self._events and "strategy" not in self._raw and self._weights is None:
            return
        for name in [name for name in self._desks if name in self._feeds]:
            if isinstance(rank, str) and (text := rules.wrong_number(rank, self._known(name))):
                yield Complaint(("portfolio", "rank"), text)
            yield from self._ratios(name)
            if self._weights is not None:
                yield from self._weighed(name)
                continue
            for where, text in cls.validate(legal(cls, given), self._known(name)):
                yield Complaint(("strategy", "params", *where), text)

    def _wrong_events(self) -> Iterator[Complaint]:
        """Events that are no expressions; they are looked for on the first feed that is traded."""
        rules: Any = STRATEGIES.find("Rules")
        for name in [name for name in self._desks[:1] if name in self._feeds]:
            for event, given in self._events.items():
                if isinstance(given, str) and (text := rules.wrong_number(given, self._known(name))):
                    yield Complaint(("events", event), text)

    def _ratios(self, name: str) -> Iterator[Complaint]:
        """What is wrong with the ratios of legs, where ``name`` is the first."""
        rules: Any = STRATEGIES.find("Rules")
        legs = block(block(self._raw, "portfolio"), "legs") if name == self._desks[0] else {}
        for leg, given in legs.items():
            for key, text in given.items() if isinstance(given, Mapping) else (("", given),):
                if isinstance(text, str) and (wrong := rules.wrong_number(text, self._known(name))):
                    yield Complaint(("portfolio", "legs", leg, *([key] if key else [])), wrong)

    def _weighed(self, name: str) -> Iterator[Complaint]:
        """What is wrong with weights where ``name`` is held."""
        if isinstance(self._weights, str) and self._weights not in SHARED:
            rules: Any = STRATEGIES.find("Rules")
            if text := rules.wrong_number(self._weights, self._known(name)):
                near = nearest(self._weights, SHARED)
                hint = f", did you mean '{near}'?" if near else f" ({text})"
                yield Complaint(("portfolio", "weights"), f"must be {', '.join(SHARED)} or an expression{hint}")

    def _known(self, traded: str) -> Names:
        """What rules may refer to where ``traded`` is the feed that they are looked at for."""
        return beside({name: self._known_of(name) for name in self._desks if name in self._feeds})[traded]

    def _known_of(self, traded: str) -> Names:
        columns = {name: self._feeds[name].columns for name in self._names if name != traded and name in self._feeds}
        clocks = {name: traded if name in self._unbound else feed for name, feed in self._wiring.feeds().items()}
        return Names(self._feeds[traded].columns, self._lines, columns, clocks, traded)


def _named(given: Raw) -> list[Path]:
    """The files of a data block as far as their names stand there: a pattern up to its first mark."""
    path = given.get("path")
    texts = [path] if isinstance(path, str) else path if isinstance(path, list) else []
    return [Path(re.split(r"[*?\[]", text)[0]) for text in texts if isinstance(text, str)]


def _kinds(path: KeyPath, cls: Any, given: Raw) -> Iterator[Complaint]:
    """Kinds of bars that are none, or that this feed cannot give."""
    bars = given.get("bars")
    for feed, text in feed_specs("", bars).items():
        here: KeyPath = (*path, "bars", feed) if isinstance(bars, Mapping) else (*path, "bars")
        if not isinstance(text, str):
            continue
        try:
            spec = BarSpec.parse(text)
        except ParamError as err:
            yield Complaint(here, str(err).removeprefix("bars: "))
            continue
        if spec.measure and cls.gives == "bars":
            yield Complaint(here, f"'{text}' must be cut from trades; {cls.__name__} gives klines")
        elif spec.needs_tick and given.get("tick") is None and "tick" not in declared(cls):
            yield Complaint(here, f"'{text}' is a range in ticks: set tick beside it, the venue's price step")


def _check_rows(given: Raw) -> None:
    """Whether rows are whole ticks; what is no number at all is told elsewhere."""
    row_size: Any = given.get("row_size")
    tick: Any = given.get("tick")
    if all(type(v) in (int, float) and v > 0 for v in (row_size, tick)):
        check_rows(row_size, tick)

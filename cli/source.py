"""Input files and the options that say how to read them, for the commands that take no YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import feeds

if TYPE_CHECKING:
    from ..core.bars import Bars

_OPTIONS = (
    click.argument("inputs", nargs=-1),
    click.option(
        "--feed",
        required=True,
        metavar="KIND",
        shell_complete=feeds,
        help="What the files are; see `tapeflow list feeds`.",
    ),
    click.option("--market", metavar="M", help="The feed's market, as in spot, um or cm."),
    click.option(
        "--contract-size", type=float, metavar="X", help="Quote currency in one contract of market cm: 100 for BTC."
    ),
    click.option("--param", "extra", multiple=True, metavar="KEY=VALUE", help="Another parameter of the feed."),
    click.option(
        "--bars",
        "specs",
        multiple=True,
        metavar="SPEC",
        help="What one bar is, as in 1m, 500t, 250v, 500t@1d or 30m@1d:XNYS; klines keep their own, or become longer.",
    ),
    click.option("--tick", metavar="N", help="The venue's price step, of which a row is a whole number."),
    click.option("--row-size", metavar="N", help="Height of a price row in quote currency, or auto."),
    click.option(
        "--size-edges",
        metavar="A,B,…",
        help="Notional where classes of order size begin, as in 1k,10k,100k, or percentiles, as in p50,p99; two also "
        "part small, medium and large ones.  [default: 100,1000]",
    ),
    click.option("--gaps", type=click.Choice(["keep", "fill", "error"]), help="What becomes of missing klines."),
    click.option(
        "--actions",
        metavar="FILE",
        help="Splits and dividends of the stock, a CSV with date, split and dividend; days begin at midnight UTC.",
    ),
    click.option("--negative-prices", is_flag=True, help="The market may trade at 0 and below, as oil did in 2020."),
    click.option(
        "--from",
        "start",
        metavar="TIME",
        help="First instant, as in 2024-01-31 or 2024-01-31T08:00, or seconds or milliseconds since 1970.",
    ),
    click.option("--to", "end", metavar="TIME", help="Last instant, exclusive; written as --from is."),
    click.option(
        "--period", metavar="LENGTH", help="How long from --from on, in seconds or as in 1h; instead of --to."
    ),
    click.option(
        "--partial",
        is_flag=True,
        help="Keep a first or last bar that the data begin or end inside, flagged PARTIAL; else it is left out.",
    ),
)


@dataclass(frozen=True)
class InputOptions:
    """What the options say about the input.

    Parameters
    ----------
    inputs : tuple of str
        Files; patterns that the shell did not expand are allowed.
    feed : str
        Class name of the feed.
    market, contract_size, extra
        The feed's parameters, where given.
    specs, tick, row_size, size_edges, gaps, start, end, period, actions, negative_prices
        How to make bars of it, where given.
    partial : bool
        Whether a first or last bar that the data do not cover is wanted.
    """

    inputs: tuple[str, ...]
    feed: str
    market: str | None
    contract_size: float | None
    extra: tuple[str, ...]
    specs: tuple[str, ...]
    tick: str | None
    row_size: str | None
    size_edges: str | None
    gaps: str | None
    start: str | None
    end: str | None
    period: str | None = None
    actions: str | None = None
    negative_prices: bool = False
    partial: bool = False

    def with_classes(self, sizes: Iterable[str]) -> InputOptions:
        """The same, of trades with the edges of these sizes where no others were given."""
        from ..core.errors import ParamError
        from ..core.plugins.registry import FEEDS
        from ..core.sizes import edge_text, edges_between, parse_size

        cls: Any = FEEDS.find(self.feed)
        edges = edges_between(span for size in sizes for span in parse_size(size))
        if not edges or self.size_edges or cls.gives == "bars":
            return self
        if len({type(edge) for edge in edges}) > 1:
            raise ParamError(
                "size: amounts and percentiles cannot be had of the same bars; ask for one after the other"
            )
        return replace(self, size_edges=",".join(map(edge_text, edges)))

    def bars(
        self, out: str, *, levels: bool = False, sequence: bool = False, by_size: bool = False
    ) -> tuple[Any, Bars]:
        """The feed, read, and its bars, which are of one kind; arguments as for `all_bars`."""
        from ..core.errors import ParamError

        if len(self.specs) > 1:
            raise ParamError(f"--bars: one kind of bars at a time (got {', '.join(self.specs)})")
        feed, made = self.all_bars(out, levels=levels, sequence=sequence, by_size=by_size)
        return feed, made[0]

    def all_bars(
        self, out: str, *, levels: bool = False, sequence: bool = False, by_size: bool = False
    ) -> tuple[Any, list[Bars]]:
        """The feed, read once, and its bars of every kind.

        Parameters
        ----------
        out : str
            Lines that cannot be read, where the feed may skip them, go to a file beside it.
        levels : bool
            Whether price rows are needed, of a height to be chosen when none was asked for.
        sequence : bool
            Whether the columns of `core.schema.SEQUENCE` are needed, which only trades have.
        by_size : bool
            Whether the price rows of every class of size are needed.

        Raises
        ------
        TapeflowError
            If options or files are wrong, or there is no bar.
        """
        from ..core.errors import DataError, ParamError
        from ..core.plugins.registry import FEEDS
        from ..feeds.sniffing.instead import told_instead

        cls: Any = FEEDS.find(self.feed)
        if cls.needs_path and not self.inputs:
            raise ParamError(f"{self.feed} reads files; name at least one")
        wish = self._wish(cls)
        if levels and cls.gives == "tape" and wish["row_size"] is None:
            wish["row_size"] = "auto"
        if sequence and cls.gives == "tape":
            wish["sequence"] = True
        if by_size and cls.gives == "tape":
            wish["levels_by_size"] = True
        with told_instead(self.inputs):
            feed = self.open(cls)
            apart(feed.paths, out)
            if out != "-":
                feed.quarantine = Path(out).with_suffix(".quarantine.csv")
            kinds: list[str | None] = [*self.specs] or [None]
            made: list[Bars] = feed.bars_of(kinds, **wish)
        if not all(map(len, made)):
            raise DataError(f"{', '.join(self.inputs) or self.feed}: no bars between the times asked for")
        return feed, made

    def by_side(self) -> dict[str, Bars]:
        """Bars of each side's trades alone, of the one kind that is asked for; read anew."""
        from ..core.plugins.registry import FEEDS
        from .side_candles import bars_by_side

        wish = self._wish(FEEDS.find(self.feed))
        params = feed_params(self.market, self.contract_size, self.extra)
        only = {"specs": self.specs, "start": wish["start"], "end": wish["end"]}
        return bars_by_side(self.feed, self.inputs, params, only)

    def open(self, cls: Any) -> Any:
        """The feed over the files."""
        from ..feeds.framework.actions import read_actions

        params = feed_params(self.market, self.contract_size, self.extra)
        check_options(params, cls)
        feed = cls(self.inputs, **params)
        feed.negative_prices = self.negative_prices
        if self.actions is not None:
            feed.adjust_for(read_actions([self.actions], feed.p.get("symbol")))
        return feed

    def whole(self, bars: Bars, *, forming: bool = False) -> slice:
        """The bars that are asked for: all but a first or last one that the data begin or end inside.

        Parameters
        ----------
        bars : Bars
            As read.
        forming : bool
            Whether a last one that was still forming where the data end is wanted.

        Raises
        ------
        DataError
            If none is left.
        """
        from ..core.errors import DataError

        kept = range(len(bars)) if self.partial else whole_of(bars, forming=forming)
        if not len(kept):
            raise DataError(
                f"{bars.source}: the data begin or end inside {_these(bars)} of {bars.spec}; --partial takes "
                "what there is"
            )
        return slice(kept.start, kept.stop)

    def _end(self) -> int | None:
        """Where it ends, by ``--to`` or by ``--from`` and ``--period``."""
        from ..core.errors import ParamError

        if self.period is None:
            return _time("--to", self.end)
        length, start = _length("--period", self.period), _time("--from", self.start)
        if start is None or self.end is not None:
            raise ParamError(f"--period {self.period}: needs --from beside it, and no --to")
        return start + length

    def _wish(self, cls: Any) -> dict[str, Any]:
        from ..core.errors import ParamError

        wish: dict[str, Any] = {
            "row_size": "auto" if self.row_size == "auto" else _price("--row-size", self.row_size, ", or auto"),
            "start": _time("--from", self.start),
            "end": self._end(),
        }
        if None not in (wish["start"], wish["end"]) and wish["start"] >= wish["end"]:
            raise ParamError(f"--from {self.start}: must be before --to {self.end}")
        if cls.gives == "bars":
            for option, given in (("--size-edges", self.size_edges), ("--tick", self.tick)):
                if given:
                    raise ParamError(f"{option}: {self.feed} gives klines, which know no single trades")
            return {**wish, "gaps": self.gaps or "keep"}
        if not self.specs:
            raise ParamError(f"{self.feed} gives trades; say what one bar is, as in --bars 1m")
        if self.gaps:
            raise ParamError(f"--gaps: {self.feed} gives trades; only klines have gaps to fill")
        wish["tick"] = _price("--tick", self.tick)
        return {**wish, "size_edges": _edges(self.size_edges)} if self.size_edges else wish


def whole_of(bars: Bars, *, forming: bool = False) -> range:
    """The rows of ``bars`` less a first or last one that the data begin or end inside; ``forming`` keeps the last."""
    from ..core.schema import Quality

    flags = bars["quality"] & int(Quality.PARTIAL)
    if forming and len(flags):
        return range(int(len(flags) > 1 and flags[0] > 0), len(flags))
    lo = int(len(flags) > 0 and flags[0] > 0)
    hi = len(flags) - int(len(flags) > lo and flags[-1] > 0)
    return range(lo, hi)


def is_forming(bars: Bars) -> bool:
    """Whether the data end inside the last bar."""
    from ..core.schema import Quality

    return len(bars) > 0 and bool(bars["quality"][-1] & int(Quality.PARTIAL))


def left_out(count: int, spec: str) -> str:
    """What to say of bars that were left out; empty where none was."""
    if not count:
        return ""
    bars = "bar" if count == 1 else "bars"
    return f"{count} {bars} of {spec} left out that the data begin or end inside; --partial keeps them"


def _these(bars: Bars) -> str:
    return "the only bar" if len(bars) == 1 else f"all {len(bars)} bars"


def apart(inputs: Iterable[Path], *outputs: str | None) -> None:
    """Refuse an output that is one of the inputs.

    Raises
    ------
    ParamError
        Naming it.
    """
    from ..core.errors import ParamError

    files = [path for path in inputs if path.is_file()]
    for output in outputs:
        if output and Path(output).is_file() and any(path.samefile(output) for path in files):
            raise ParamError(f"{output}: is an input; write to another file")


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the options above and, in their place, one `InputOptions` as ``source``."""
    from functools import wraps

    @wraps(command)
    def call(**given: Any) -> Any:
        own = {name: given.pop(name) for name in InputOptions.__dataclass_fields__}
        return command(source=InputOptions(**own), **given)

    made: Callable[..., Any] = call
    for option in reversed(_OPTIONS):
        made = option(made)
    return made


def feed_params(market: str | None, contract_size: float | None, extra: tuple[str, ...]) -> dict[str, Any]:
    """A feed's own parameters as the options give them; those of ``--param`` win."""
    given = {"market": market, "contract_size": contract_size}
    return {**{k: v for k, v in given.items() if v is not None}, **dict(map(_pair, extra))}


_OPTION_OF = {
    "session": "--bars, as in --bars 1d@1d:XNYS or 1m@1d:America/New_York@09:30",
    "extended": "--bars, as in --bars 1d@1d:XNYS+extended",
    "bars": "--bars",
    "tick": "--tick",
    "row_size": "--row-size",
    "size_edges": "--size-edges",
    "gaps": "--gaps",
    "from": "--from",
    "to": "--to",
    "period": "--period",
    "actions": "--actions",
    "negative_prices": "--negative-prices",
}
"""What is a key of a data block in YAML and an option of its own here."""


def check_options(params: Mapping[str, Any], cls: Any) -> None:
    """Name the option of what a feed is given as a parameter that it does not have."""
    from ..core.errors import ParamError

    for key in params:
        if key in _OPTION_OF and key not in cls.params:
            raise ParamError(f"--param {key}: is no parameter of {cls.__name__}; give {_OPTION_OF[key]}")


def _pair(text: str) -> tuple[str, Any]:
    from ..configs.document import parse_value
    from ..core.errors import ParamError

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ParamError(f"--param {text}: must be key=value, as in --param seed=7")
    try:
        return key.strip(), parse_value(value)
    except ValueError as err:
        raise ParamError(f"--param {key}: {err}") from None


def _time(option: str, text: str | None) -> int | None:
    from ..core.clock import parse_time
    from ..core.errors import ParamError

    try:
        return None if text is None else parse_time(text)
    except ValueError as err:
        raise ParamError(f"{option}: {err}") from None


def _length(option: str, text: str) -> int:
    from ..core.clock import SECOND, parse_interval
    from ..core.errors import ParamError

    if text.isdigit() and int(text):
        return int(text) * SECOND
    try:
        return parse_interval(text)
    except ValueError:
        raise ParamError(
            f"{option}: '{text}' must be a number of seconds, as in 3600, or an interval, as in 1h"
        ) from None


def _price(option: str, text: str | None, or_else: str = "") -> float | None:
    from ..core.errors import ParamError

    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise ParamError(f"{option}: '{text}' must be a price above 0{or_else}")
    return value


def _edges(text: str) -> tuple[float | str, ...]:
    from ..core.errors import ParamError
    from ..core.sizes import parse_size_edges

    try:
        return parse_size_edges(text.split(","))
    except ValueError:
        wanted = "must be ascending amounts, as in 100,1000 or 1k,10k,100k, or percentiles, as in p50,p99"
        raise ParamError(f"--size-edges: '{text}' {wanted}") from None

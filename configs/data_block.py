"""The data block of a run: one feed, and the bars that are made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ..aggregation.kinds import BarSpec
from ..aggregation.sessions import KEYS, Session
from ..core.clock import SECOND, iso, parse_interval, parse_time
from ..core.errors import ParamError
from ..core.hours import EXTENDED, hours_in
from ..core.plugins.registry import FEEDS
from ..core.sizes import parse_size_edges
from .actions_block import Actions
from .broker_block import Fees, Impact, SlippageText
from .instrument_block import Instrument
from .plugin import declared
from .values import Model, PositiveNumber, Share, Time, key_fields, paths


def _bars(value: Any) -> str | dict[str, str] | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not value or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("must be a kind of bars, as in 1m, or one for each name, as in {fast: 1m, slow: 4h}")
    return dict(value)


def _session(value: Any) -> str | None:
    return None if value is None else str(Session.of(value))


SESSION: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {name: {"type": "boolean" if name == "extended" else "string"} for name in KEYS},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}
"""How a session may be written."""


def _behind(given: Mapping[str, Any]) -> str:
    """Where a block ends whose period is given."""
    period, start = given["period"], given.get("from")
    if start is None or given.get("to") is not None:
        raise ValueError("period needs from beside it, and no to")
    seconds = isinstance(period, int) and not isinstance(period, bool) and period > 0
    try:
        return iso(parse_time(start) + (period * SECOND if seconds else parse_interval(period)))
    except ValueError as err:
        raise ValueError(f"period: {err}; or a number of seconds, as in 3600") from None


def _row_size(value: Any) -> float | Literal["auto"] | None:
    if value is None or value == "auto":
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError("must be a price above 0, auto or null")
    return float(value)


def _usd(value: Any) -> float | str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError("must be a price above 0, or the name of a feed of this run")
    return float(value)


def _size_edges(value: Any) -> list[float | str] | None:
    return None if value is None else list(parse_size_edges(value))


class Data(Model):
    """One feed: files of a provider as bars. Keys beyond these are the feed's own parameters."""

    model_config = ConfigDict(extra="allow")

    feed: str = Field(description="class name of the feed, or module:Class")
    path: Annotated[
        list[str],
        BeforeValidator(paths),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(default=[], description="files, * and ? allowed; relative to the folder of this YAML")
    bars: Annotated[
        str | dict[str, str] | None,
        BeforeValidator(_bars),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": ["string", "null"]},
                    {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
                ]
            }
        ),
    ] = Field(
        default=None,
        description="what one bar is: 1m, 500t, 250v, 1000000q, 10r, 500ti, 500tr, each with a session if wished, as "
        "in 500t@1d; or names with one each, which are feeds then, as in {fast: 1m, slow: 4h}",
    )
    session: Annotated[
        str | None, BeforeValidator(_session), WithJsonSchema({"anyOf": [*SESSION["anyOf"], {"type": "null"}]})
    ] = Field(
        default=None,
        description="where bars are cut besides that name no session of their own: 1d:America/New_York, or "
        '{zone: America/Chicago, start: "17:00"}; or trading hours: {calendar: XNYS}, or {open: "09:30", '
        'close: "16:00", zone: America/New_York}',
    )
    extended: bool = Field(
        default=False, description="whether trades outside trading hours are kept; else they are left out and counted"
    )
    row_size: Annotated[
        float | Literal["auto"] | None,
        BeforeValidator(_row_size),
        WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"enum": ["auto", None]}]}),
    ] = Field(default=None, description="height of a price row in quote currency; null for no levels")
    size_edges: Annotated[
        list[float | str] | None,
        BeforeValidator(_size_edges),
        WithJsonSchema({"type": ["array", "null"], "items": {"type": ["number", "string"]}, "minItems": 1}),
    ] = Field(
        default=None,
        description="notional where classes of order size begin, as in [1k, 10k, 100k]: in quote currency, or "
        "percentiles of the trades before, as in [p50, p99]; two of them also part small, medium and large orders. "
        "null is small, medium and large at [100, 1000] alone",
    )
    levels_by_size: bool = Field(
        default=False, description="whether price rows are kept of every class of size too, for measures with size:"
    )
    start: Time | None = Field(default=None, alias="from", description="first instant, inclusive")
    end: Time | None = Field(default=None, alias="to", description="last instant, exclusive")
    period: Annotated[None, WithJsonSchema({"type": ["integer", "string", "null"]})] = Field(
        default=None, description="how long from `from` on, in seconds or as in 1h; instead of `to`, which it becomes"
    )
    usd: Annotated[
        float | str | None,
        BeforeValidator(_usd),
        WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": ["string", "null"]}]}),
    ] = Field(
        default=None,
        description="US dollars in one unit of the quote currency, for measures with unit: usd: a number, or the feed "
        "of this run that prices it, whose last close known at a bar's counts",
    )
    gaps: Literal["keep", "fill", "error"] = Field(default="keep", description="what becomes of missing klines")
    tick: PositiveNumber | None = Field(default=None, description="smallest step of the price")
    lot: PositiveNumber | None = Field(default=None, description="smallest step of an order's size, in base")
    min_notional: Annotated[float, Field(ge=0)] = Field(default=0.0, description="smallest order, in quote currency")
    fees: Fees | None = Field(
        default=None, description="what a fill in this instrument costs; the broker's if left out"
    )
    slippage: SlippageText | None = Field(default=None, description="of this instrument; the broker's if left out")
    impact: Impact | None = Field(default=None, description="of this instrument; the broker's if left out")
    participation: Share | None = Field(
        default=None,
        description="most of a bar's volume that own orders in this instrument may be; the broker's if left out",
    )
    actions: Actions | None = Field(
        default=None, description="splits and dividends: a CSV, or {path, symbol, timezone}"
    )
    instrument: Instrument = Field(default=Instrument(), description="what one contract is, and how it is margined")

    @model_validator(mode="before")
    @classmethod
    def _until(cls, given: Any) -> Any:
        """``to`` where ``period`` says it."""
        if not isinstance(given, Mapping) or given.get("period") is None:
            return given
        return {**{k: v for k, v in given.items() if k != "period"}, "to": _behind(given)}

    @model_validator(mode="after")
    def _ordered(self) -> Data:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"'from' {iso(self.start)} is not before 'to' {iso(self.end)}")
        if self.levels_by_size and (not self.size_edges or isinstance(self.size_edges[0], str)):
            raise ValueError("levels_by_size needs size_edges of amounts beside it, as in [1k, 10k]")
        if self.session is not None and self.bars is None:
            raise ValueError("session needs bars beside it, as in bars: 1m")
        if self.actions is not None and self.instrument.negative_prices:
            raise ValueError("actions are of stocks, whose prices are above 0: leave out instrument.negative_prices")
        if self.actions is not None and self.instrument.margin == "inverse":
            raise ValueError("actions are of stocks; margin inverse is settled in coin")
        if self.participation == 0:
            raise ValueError("participation 0 lets nothing fill; leave it out")
        self._check_extended()
        if self.instrument.margin == "inverse" and math.isnan(self.contract):
            raise ValueError(
                "margin inverse needs instrument.contract_size, quote currency in one contract: 100 for BTC"
            )
        return self

    def kinds(self, name: str) -> dict[str, Any]:
        """The feeds that this block, called ``name``, gives, and the kind of bars of each with its session."""
        specs = feed_specs(name, self.bars)
        if self.session is not None:
            specs = {feed: text if "@" in text else f"{text}@{self.session}" for feed, text in specs.items()}
        if self.extended:
            specs = {feed: f"{text}{EXTENDED}" if _in_hours(text) else text for feed, text in specs.items()}
        return specs

    def _check_extended(self) -> None:
        if "extended" not in self.model_fields_set:
            return
        known = [text for text in (self.session, *feed_specs("", self.bars).values()) if text]
        if any(text.endswith(EXTENDED) for text in known):
            raise ValueError("extended is said in session or bars already; leave one of the two out")
        if self.extended and not any(str(text).endswith(EXTENDED) for text in self.kinds("").values()):
            raise ValueError(
                "extended keeps trades outside trading hours, and there are none: add session: {calendar: XNYS}, or "
                'session: {open: "09:30", close: "16:00", zone: America/New_York}'
            )

    @property
    def contract(self) -> float:
        """Size of one contract; NaN where nobody says."""
        return self.instrument.contract((self.model_extra or {}).get("contract_size"))

    @property
    def step(self) -> float | None:
        """Smallest step of an order's size."""
        return self.instrument.lot(self.lot)

    @property
    def params(self) -> dict[str, Any]:
        """The feed class's own parameters, every default included; it shares a common key that it declares too."""
        own = declared(FEEDS.find(self.feed))
        shared = {key: getattr(self, name) for key, name in key_fields(Data).items() if key in own}
        return {**shared, **(self.model_extra or {})}


def _in_hours(text: str | None) -> bool:
    """Whether a kind of bars leaves out what lies outside trading hours."""
    return bool(text) and not str(text).endswith(EXTENDED) and bool(hours_in(str(text)))


def feed_specs(name: str, bars: Any) -> dict[str, Any]:
    """The feeds that data block ``name`` gives and the kind of bars of each: those in a mapping, or itself.

    Examples
    --------
    >>> feed_specs("btc", "1m"), feed_specs("btc", {"fast": "1m", "slow": "4h"})
    ({'btc': '1m'}, {'fast': '1m', 'slow': '4h'})
    """
    return dict(bars) if isinstance(bars, Mapping) and bars else {name: bars}


def traded_feeds(trade: Any, bars: Mapping[str, Any]) -> list[str]:
    """The feeds that are traded: those that ``trade`` names, of a block its finest; the first where it names none.

    Parameters
    ----------
    trade : str, list of str or None
        Of a run.
    bars : mapping of str to object
        The ``bars`` of each data block.

    Examples
    --------
    >>> traded_feeds(["eth", "btc"], {"btc": {"slow": "4h", "fast": "1m"}, "eth": "1m"})
    ['eth', 'fast']
    """
    blocks = {name: feed_specs(name, kinds) for name, kinds in bars.items()}
    every = [feed for own in blocks.values() for feed in own]
    asked = [trade] if isinstance(trade, str) else trade if isinstance(trade, list) else []
    named = [one if one in every else _finest(blocks[one]) for one in asked if one in every or one in blocks]
    return named or every[:1]


def _finest(kinds: Mapping[str, Any]) -> str:
    """The feed of a block with the shortest bars, the first of several."""
    return min(kinds, key=lambda feed: _length(kinds[feed]))


def _length(kind: Any) -> float:
    """How long a bar is, in µs; infinite where that is not fixed."""
    try:
        return float(BarSpec.parse(kind).interval or math.inf)
    except ParamError:
        return math.inf

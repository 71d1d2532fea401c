"""What a run's YAML may hold. Frozen; unknown keys are refused."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from ..core.clock import iso, parse_time
from ..core.registry import FEEDS
from ..core.schema import SIZE_EDGES
from ..core.units import parse_fraction
from .plugin import declared
from .units import Slippage

_ANY_NUMBER = {"type": "number"}
_QUANTITY = {"type": "string", "pattern": r"^[-+]?[0-9._]+(e[-+]?[0-9]+)?\s*(%|bps?|ticks?)?$"}


def _fee(value: Any) -> float:
    """A share of notional below 10 %: what is larger was meant in basis points."""
    made = parse_fraction(value)
    if not -0.1 < made < 0.1:
        raise ValueError("must be a fraction between -10% and 10%; five basis points are written 5bp")
    return made


def _percent(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    hit = re.fullmatch(r"\s*([0-9.]+)\s*%\s*", value) if isinstance(value, str) else None
    if not hit:
        raise ValueError("must be a number of percent, as in 10")
    return float(hit[1])


def _paths(value: Any) -> list[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(p, str) and p for p in given):
        raise ValueError("must be a path or a list of paths; * and ? stand for any characters")
    return given


def _bars(value: Any) -> str | dict[str, str] | None:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not value or not all(isinstance(v, str) for v in value.values()):
        raise ValueError("must be a kind of bars, as in 1m, or one for each name, as in {fast: 1m, slow: 4h}")
    return dict(value)


def _row_size(value: Any) -> float | Literal["auto"] | None:
    if value is None or value == "auto":
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError("must be a price above 0, auto or null")
    return float(value)


def _size_edges(value: Any) -> list[float]:
    legal = isinstance(value, list | tuple) and len(value) == 2
    legal = legal and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    if not legal or not 0 < value[0] < value[1] < math.inf:
        raise ValueError("must be two ascending amounts of quote currency, as in [100, 1000]")
    return [float(v) for v in value]


Fee = Annotated[
    float,
    BeforeValidator(_fee),
    WithJsonSchema(
        {"anyOf": [_ANY_NUMBER, _QUANTITY], "description": "2bp, 0.05% or a plain fraction; negative is a rebate"}
    ),
]
Time = Annotated[
    int,
    BeforeValidator(parse_time),
    PlainSerializer(iso),
    WithJsonSchema({"type": "string", "description": "ISO date or date-time; no zone means UTC"}),
]
Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
PositiveNumber = Annotated[float, Field(gt=0)]


class Model(BaseModel):
    """The base of every block: frozen, strict, nothing unknown, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Data(Model):
    """One feed: files of a provider as bars. Keys beyond these are the feed's own parameters."""

    model_config = ConfigDict(extra="allow")

    feed: str = Field(description="class name of the feed, or module:Class")
    path: Annotated[
        list[str],
        BeforeValidator(_paths),
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
    row_size: Annotated[
        float | Literal["auto"] | None,
        BeforeValidator(_row_size),
        WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"enum": ["auto", None]}]}),
    ] = Field(default=None, description="height of a price row in quote currency; null for no levels")
    size_edges: Annotated[
        list[float],
        BeforeValidator(_size_edges),
        WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}),
    ] = Field(default=list(SIZE_EDGES), description="notional where medium and large orders begin, in quote currency")
    start: Time | None = Field(default=None, alias="from", description="first instant, inclusive")
    end: Time | None = Field(default=None, alias="to", description="last instant, exclusive")
    gaps: Literal["keep", "fill", "error"] = Field(default="keep", description="what becomes of missing klines")
    tick: PositiveNumber | None = Field(default=None, description="smallest step of the price")
    lot: PositiveNumber | None = Field(default=None, description="smallest step of an order's size, in base")
    min_notional: Annotated[float, Field(ge=0)] = Field(default=0.0, description="smallest order, in quote currency")

    @model_validator(mode="after")
    def _ordered(self) -> Data:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"'from' {iso(self.start)} is not before 'to' {iso(self.end)}")
        return self

    @property
    def params(self) -> dict[str, Any]:
        """The feed class's own parameters, every default included; it shares a common key that it declares too."""
        own = declared(FEEDS.find(self.feed))
        shared = {key: getattr(self, name) for key, name in _fields(Data).items() if key in own}
        return {**shared, **(self.model_extra or {})}


class IndicatorBlock(Model):
    """One indicator. Keys beyond these are its parameters."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="class name of the indicator, talib.NAME, or module:Class")
    data: str | None = Field(default=None, description="name of the data block it reads; the first when left out")

    @property
    def params(self) -> dict[str, Any]:
        """The indicator's parameters, every default included."""
        return dict(self.model_extra or {})


class StrategyBlock(Model):
    """The strategy and its parameters."""

    kind: str = Field(description="class name of the strategy, or module:Class")
    params: dict[str, Any] = Field(default={}, description="the strategy's parameters")


class Fees(Model):
    """What a fill costs, as a share of its notional."""

    maker: Fee = Field(default=0.0, description="limit orders that rested")
    taker: Fee = Field(default=0.0, description="orders that took liquidity")


class Broker(Model):
    """Money, and what trading costs."""

    cash: PositiveNumber = Field(default=100_000.0, description="quote currency at the start")
    fees: Fees = Fees()
    slippage: Annotated[
        InstanceOf[Slippage],
        BeforeValidator(Slippage.parse),
        PlainSerializer(str),
        WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, _QUANTITY]}),
    ] = Field(default=Slippage(), description="1tick, 1bp, or a price")


class Sizer(Model):
    """How large an order is: a share of the equity, or a fixed amount of base."""

    percent: Annotated[
        Annotated[float, Field(gt=0, le=100)] | None,
        BeforeValidator(_percent),
        WithJsonSchema({"type": ["number", "string", "null"], "exclusiveMinimum": 0, "maximum": 100}),
    ] = Field(default=None, description="percent of the equity")
    fixed: PositiveNumber | None = Field(default=None, description="base currency")

    @model_validator(mode="after")
    def _one(self) -> Sizer:
        if (self.percent is None) == (self.fixed is None):
            raise ValueError("needs exactly one of percent and fixed, as in {percent: 10}")
        return self


class RunConfig(Model):
    """A run: feeds, indicators, a strategy, a broker, a sizer.

    The first data block is the traded one. `load_config` makes it from a file, `from_mapping` from plain types.
    """

    name: Name = Field(description="the run's name; the file's own when left out")
    data: dict[str, Data] = Field(min_length=1, description="feeds by name; the first is traded")
    indicators: dict[str, IndicatorBlock] = Field(default={}, description="indicators by the name rules call them")
    strategy: StrategyBlock
    broker: Broker = Broker()
    sizer: Sizer = Sizer(percent=10.0)
    plugins: list[str] = Field(default=[], description="modules, or files and folders relative to this YAML")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of everything random")
    engine: Literal["auto", "stock", "backtrader", "compiled"] = "auto"

    _folder: Path = PrivateAttr(default=Path())
    _plugin_files: tuple[Path, ...] = PrivateAttr(default=())

    @property
    def feeds(self) -> dict[str, str]:
        """The data block behind each feed, by the feed's name; the first feed is traded."""
        return {feed: name for name, block in self.data.items() for feed in feed_specs(name, block.bars)}

    @property
    def folder(self) -> Path:
        """Where relative paths begin: the folder of the YAML."""
        return self._folder

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """Sources that ``plugins`` loaded."""
        return self._plugin_files

    def paths(self, name: str) -> list[str]:
        """Paths of data block ``name`` with the YAML's folder before the relative ones; patterns stay patterns."""
        return [str(self._folder / p) for p in self.data[name].path]

    def resolved(self) -> dict[str, Any]:
        """Every key with its value, defaults spelled out, as plain YAML types.

        `from_mapping` of it gives an equal config.
        """
        made: dict[str, Any] = _plain(self.model_dump(mode="python", by_alias=True))
        return made


def feed_specs(name: str, bars: Any) -> dict[str, Any]:
    """The feeds that data block ``name`` gives and the kind of bars of each: those in a mapping, or itself.

    Examples
    --------
    >>> feed_specs("btc", "1m"), feed_specs("btc", {"fast": "1m", "slow": "4h"})
    ({'btc': '1m'}, {'fast': '1m', 'slow': '4h'})
    """
    return dict(bars) if isinstance(bars, Mapping) and bars else {name: bars}


def _plain(value: Any) -> Any:
    """Tuples as lists and numbers as Python's, so that any YAML writer takes them."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def keys(model: type[Model]) -> tuple[str, ...]:
    """The keys of a block as YAML writes them."""
    return tuple(_fields(model))


def _fields(model: type[Model]) -> dict[str, str]:
    """Each key as YAML writes it, and the attribute it becomes."""
    return {field.alias or name: name for name, field in model.model_fields.items()}

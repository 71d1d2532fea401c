"""The fills block of a run: whether orders are filled from bars or from the tape, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    InstanceOf,
    PlainSerializer,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from ..core.errors import nearest
from .errors import Complaint
from .values import Model

SHORT_FORMS = ("bars", "tape")
"""Words that stand for a whole block; what fills orders."""
OF_BARS = {"empty_bars": "wait", "inside": "worse"}
"""Keys that are of fills from bars, with their defaults."""
_UNITS = {"us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000}
_DURATION = r"(\d+(?:\.\d+)?)\s*(us|µs|ms|s)"
_LONGEST = 3_600 * _UNITS["s"]
_NAMES = {"uniform": 1, "exponential": 1, "lognormal": 2}
"""Distributions of latency, and how many numbers each has."""


def parse_duration(value: Any) -> int:
    """Microseconds of ``250us``, ``50ms`` or ``1.5s``; a bare 0 is none.

    Raises
    ------
    ValueError
        If it is none of these, or longer than an hour.

    Examples
    --------
    >>> parse_duration("50ms"), parse_duration("1.5 s"), parse_duration(0)
    (50000, 1500000, 0)
    """
    if value == 0 and not isinstance(value, bool | str):
        return 0
    hit = re.fullmatch(rf"\s*{_DURATION}\s*", value) if isinstance(value, str) else None
    if not hit:
        raise ValueError("must be a time with its unit, as in 50ms, 250us or 1.5s")
    made = round(float(hit[1]) * _UNITS[hit[2]])
    if made > _LONGEST:
        raise ValueError("must be at most an hour")
    return made


def duration_text(us: int) -> str:
    """The plainest text that `parse_duration` reads back.

    >>> [duration_text(us) for us in (0, 250, 50_000, 1_500_000, 2_000_000)]
    ['0us', '250us', '50ms', '1500ms', '2s']
    """
    for unit in ("s", "ms"):
        if us and us % _UNITS[unit] == 0:
            return f"{us // _UNITS[unit]}{unit}"
    return f"{us}us"


@dataclass(frozen=True)
class Jitter:
    """A distribution of the latency that comes on top of the fixed one.

    Parameters
    ----------
    kind : {'uniform', 'exponential', 'lognormal'}
        Its name.
    scale : int
        µs: the longest of ``uniform``, the mean of ``exponential``, the median of ``lognormal``.
    sigma : float
        Standard deviation of the logarithm, of ``lognormal`` alone.

    Examples
    --------
    >>> Jitter.parse("exponential(20ms)")
    Jitter(kind='exponential', scale=20000, sigma=0.0)
    >>> str(Jitter.parse("lognormal(20 ms, 0.50)"))
    'lognormal(20ms, 0.5)'
    """

    kind: str
    scale: int
    sigma: float = 0.0

    @classmethod
    def parse(cls, value: Any) -> Jitter:
        """From what stands in the YAML.

        Raises
        ------
        ValueError
            With what is allowed.
        """
        if isinstance(value, Jitter):
            return value
        hit = re.fullmatch(rf"\s*(\w+)\s*\(\s*{_DURATION}\s*(?:,\s*(\d+(?:\.\d+)?)\s*)?\)\s*", str(value))
        if not hit or hit[1] not in _NAMES or (hit[4] is not None) != (_NAMES[hit[1]] == 2):
            near = nearest(str(value).partition("(")[0], _NAMES)
            hint = f"; did you mean '{near}'?" if near and not str(value).startswith(near) else ""
            raise ValueError(
                f"must be uniform(20ms), exponential(20ms) or lognormal(20ms, 0.5), by longest, mean, median{hint}"
            )
        sigma = float(hit[4] or 0.0)
        if sigma > 3:
            raise ValueError("must have a sigma of at most 3")
        return cls(hit[1], parse_duration(f"{hit[2]}{hit[3]}"), sigma)

    def __str__(self) -> str:
        more = f", {self.sigma:g}" if self.kind == "lognormal" else ""
        return f"{self.kind}({duration_text(self.scale)}{more})"


def _jitter(value: Any) -> Jitter | None:
    return None if value is None else Jitter.parse(value)


def _participation(value: Any) -> float | str:
    if value == "unlimited":
        return "unlimited"
    hit = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    made = float(hit[1]) / 100 if hit else value
    if isinstance(made, bool | str) or not isinstance(made, int | float) or not 0 < made <= 1:
        raise ValueError("must be a share of each print above 0 and at most 1, as in 25%, or unlimited")
    return float(made)


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"anyOf": [{"const": 0}, {"type": "string", "pattern": rf"^\s*{_DURATION}\s*$"}]}),
]


def spelled_out(value: Any) -> Any:
    """The mapping that a bare word stands for; anything else as it is.

    >>> spelled_out("tape")
    {'from': 'tape'}
    """
    return {"from": value} if isinstance(value, str) else value


class Fills(Model):
    """How orders are filled: within bars, or by the prints of the tape. A bare ``bars`` or ``tape`` will do."""

    source: Literal["bars", "tape"] = Field(default="bars", alias="from", description="what fills orders")
    latency: Duration = Field(
        default=50_000,
        description="from a bar's close to an order's arrival, and from a stop's trigger to its order",
        json_schema_extra={"default": "50ms"},
    )
    latency_jitter: Annotated[
        InstanceOf[Jitter] | None,
        BeforeValidator(_jitter),
        PlainSerializer(lambda made: None if made is None else str(made)),
        WithJsonSchema({"anyOf": [{"type": "null"}, {"type": "string", "pattern": r"^\s*\w+\s*\(.+\)\s*$"}]}),
    ] = Field(default=None, description="drawn on top: uniform(20ms), exponential(20ms), lognormal(20ms, 0.5)")
    participation: Annotated[
        float | Literal["unlimited"],
        BeforeValidator(_participation),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                    {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*%|unlimited)\s*$"},
                ]
            }
        ),
    ] = Field(default=1.0, description="share of each print that an order may take")
    ticks_through: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="pessimistic: ticks beyond a limit at which the tape must trade"
    )
    queue: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.5,
        description="middle: volume ahead of a limit order, in volumes that lately broke a price",
    )
    survival: bool = Field(default=True, description="whether to search for what the edge survives, by running again")
    empty_bars: Literal["wait", "fill"] = Field(
        default="wait", description="bars: whether orders wait where nobody traded, or fill at the prices there"
    )

    inside: Literal["worse", "better", "next_bar"] = Field(
        default="worse",
        description="bars: of protection inside the entry's bar, what is assumed where its prices cannot tell what "
        "came first; next_bar lets it work from the next bar on",
    )

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return spelled_out(value)

    @model_validator(mode="after")
    def _used(self) -> Fills:
        if self.source == "bars" and (own := sorted(self.model_fields_set - {"source", "empty_bars", "inside"})):
            raise ValueError(f"{own[0]} needs the tape: set from: tape")
        if self.source == "tape" and self.empty_bars == "fill":
            raise ValueError("empty_bars: fill needs fills from bars: a tape has no prints where nobody traded")
        if self.source == "tape" and "inside" in self.model_fields_set:
            raise ValueError("inside needs fills from bars: the tape knows what came first")
        return self

    @model_serializer(mode="wrap")
    def _plain(self, dump: Callable[[Any], Any]) -> Any:
        if self.source == "tape":
            return {name: value for name, value in dump(self).items() if name not in OF_BARS}
        own = {name: getattr(self, name) for name, default in OF_BARS.items() if getattr(self, name) != default}
        return {"from": "bars", **own} if own else "bars"

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
        made = handler(core)
        found = handler.resolve_ref_schema(made)
        own = {**found}
        found.clear()
        found |= {"description": own.pop("description", ""), "anyOf": [{"enum": [*SHORT_FORMS]}, own]}
        return made

    @property
    def tape(self) -> bool:
        """Whether the tape fills orders."""
        return self.source == "tape"


def no_tape(given: Any, feed: Any) -> Iterator[Complaint]:
    """The complaint about fills from a tape where the traded ``feed`` gives none.

    Parameters
    ----------
    given : object
        The fills block as it stands in the YAML.
    feed : type or None
        Class of the traded feed; None where it is not known.
    """
    short = isinstance(given, str)
    source = given if short else given.get("from") if isinstance(given, Mapping) else None
    if source == "tape" and feed is not None and feed.gives != "tape":
        path = ("fills",) if short else ("fills", "from")
        yield Complaint(path, f"tape needs trades; {feed.__name__} gives klines (allowed: bars, or a feed of trades)")

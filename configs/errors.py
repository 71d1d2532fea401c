"""Complaints about a config and the lines that tell them: ``file:line:col: key: message``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ..core.errors import ConfigError, nearest, unknown
from ..core.synonyms import meant

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Complaint:
    """What is wrong at a place of a config, before anyone knows its line.

    Parameters
    ----------
    path : tuple of str and int
        Keys and list positions from the top.
    text : str
        What is wrong and what is allowed, without the key.
    on_key : bool
        Whether the key itself is wrong, rather than its value.
    """

    path: KeyPath
    text: str
    on_key: bool = False


@dataclass(frozen=True)
class Mistake:
    """A complaint with its place.

    Parameters
    ----------
    where : str
        ``file:line:col``, or ``--set key``.
    key : str
        Dotted path; empty for the whole file and for an override, whose key stands in ``where``.
    text : str
        What is wrong and what is allowed.
    excerpt : str
        The line of the file and a caret under the place, two lines; empty for an override.
    """

    where: str
    key: str
    text: str
    excerpt: str = ""

    def __str__(self) -> str:
        return ": ".join(" ".join(part.split()) for part in (self.where, self.key, self.text) if part)


class MistakesError(ConfigError):
    """Everything wrong with one config, a line each."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, mistakes)))


def dotted(path: KeyPath) -> str:
    """A path as ``--set`` writes it.

    >>> dotted(("indicators", "vwap", "bands", 0))
    'indicators.vwap.bands.0'
    """
    return ".".join(map(str, path))


def from_validation(error: ValidationError, model: type[BaseModel]) -> Iterator[Complaint]:
    """pydantic's errors as complaints in our words."""
    for one in error.errors(include_url=False):
        path: KeyPath = tuple(one["loc"])
        kind = one["type"]
        if kind == "extra_forbidden":
            yield Complaint(path, _unknown_key(str(path[-1]), keys_of(model, path[:-1]), model), on_key=True)
        elif kind == "missing":
            yield Complaint(path[:-1], f"missing key '{path[-1]}'")
        else:
            text = _wording(kind, one.get("ctx", {}), one["msg"], one["input"])
            yield Complaint(path, f"{text}{_as_mapping(kind, path, one['input'])}")


def _unknown_key(name: str, allowed: list[str], model: type[BaseModel]) -> str:
    """A key that its block does not know: what it means there, or the block that it belongs to."""
    homes = [] if meant(name, allowed) else sorted(homes_of(name, model), key=lambda place: place.count("."))
    if not homes:
        return unknown("key", name, allowed)
    return f"unknown key '{name}', which belongs to {' or '.join(homes[:2])} (allowed: {', '.join(sorted(allowed))})"


def homes_of(name: str, model: type[BaseModel], within: str = "") -> Iterator[str]:
    """Blocks of a run that have a key called ``name``, as their dotted places.

    >>> from tapeflow.configs.models import RunConfig
    >>> "data.NAME.instrument" in homes_of("leverage", RunConfig), "risk" in homes_of("daily_loss", RunConfig)
    (True, True)
    """
    for key, field in model.model_fields.items():
        inner = _model_in(field)
        if inner is None:
            continue
        place = ".".join(
            filter(None, (within, field.alias or key, "NAME" if get_origin(field.annotation) is dict else ""))
        )
        if name in (other.alias or its for its, other in inner.model_fields.items()):
            yield place
        yield from homes_of(name, inner, place)


_WORDS = {
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "finite_number": "must be a finite number",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "must be made of letters, digits, '_', '-' and '.'",
}


def _wording(kind: str, ctx: Mapping[str, Any], msg: str, value: Any) -> str:
    if kind == "value_error":
        text = str(ctx.get("error", msg))
        return text if f"'{value}'" in text or isinstance(value, dict) else f"{text} (got {shown(value)})"
    text = _WORDS.get(kind, msg).format_map(ctx)
    if kind == "literal_error" and isinstance(value, str):
        near = nearest(value, [e.strip(" '") for e in str(ctx["expected"]).replace(" or ", ", ").split(",")])
        text += f", did you mean '{near}'?" if near else ""
    return f"{text}{_as_number(kind, value)} (got {shown(value)})"


_MAPPINGS = {"fees": "{{taker: {}}}", "sizer": "{{percent: {}}}", "risk": "{{stop_loss: {}}}", "broker": "{{cash: {}}}"}
_MAPPINGS |= {"rebalance": "{{every: 1d, band: 1%}}", "strategies": "{{trend: {{kind: TrendWithDelta, capital: 50%}}}}"}
_MAPPINGS |= {"legs": "{{spot: 1, perp: -1}}", "portfolio": "{{max_positions: 5}}"}
"""What is likeliest meant where a block is given as one value."""


def _as_mapping(kind: str, path: KeyPath, value: Any) -> str:
    """How to write a block that was given as one value; empty where there is no telling.

    >>> _as_mapping("model_type", ("broker", "fees"), "5bp")
    '; write fees: {taker: 5bp}'
    """
    if kind not in ("model_type", "dict_type", "model_attributes_type"):
        return ""
    if not isinstance(value, str | int | float) and str(path[-1]) not in ("strategies", "legs"):
        return ""
    form = "{{kind: {}}}" if path[:1] in (("indicators",), ("strategy",)) else _MAPPINGS.get(str(path[-1]), "")
    shown_value = str(value).removesuffix("%") if path == ("sizer",) else str(value)
    return f"; write {path[-1]}: {form.format(shown_value)}" if form else ""


_NUMBER = re.compile(r"[$€£]?\s*([+-]?)(\d{1,3}(?:[, '_]\d{3})+|\d+)(\.\d+)?\s*([kmKM]?)\s*(?:[$€£]|USDT?|EUR)?")
_TIMES = {"": 0, "k": 3, "m": 6}


def _as_number(kind: str, value: Any) -> str:
    """How to write a number that was written as text with commas, a currency or a k; empty where it is none.

    >>> _as_number("float_type", "100,000"), _as_number("float_type", "$2.5k"), _as_number("float_type", "much")
    (': write 100000', ': write 2500', '')
    """
    hit = _NUMBER.fullmatch(value.strip()) if kind in ("float_type", "int_type") and isinstance(value, str) else None
    if hit is None or re.fullmatch(r"[+-]?\d{1,3}\.\d{3}", value.strip()):
        return ""  # 1.000 is a thousand to some and one to others
    number = Decimal(hit[1] + re.sub(r"\D", "", hit[2]) + (hit[3] or "")).scaleb(_TIMES[hit[4].lower()])
    return f": write {format(number.normalize(), 'f')}"


def shown(value: Any, most: int = 60) -> str:
    """A value as the user wrote it, or nearly, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def keys_of(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys that the block at ``path`` knows, as YAML writes them."""
    found: Any = model
    named = False
    for part in path:
        if named or isinstance(part, int):  # the name of a block, or its place in a list
            named = False
            continue
        field = found.model_fields.get(part) if _is_model(found) else None
        named = field is not None and get_origin(field.annotation) is dict
        found = _model_in(field)
    if not _is_model(found):
        return []
    unwritten = getattr(found, "unwritten", ())
    return [field.alias or name for name, field in found.model_fields.items() if name not in unwritten]


def _is_model(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _model_in(field: FieldInfo | None) -> Any:
    if field is None:
        return None
    return next((a for a in (field.annotation, *get_args(field.annotation)) if _is_model(a)), None)

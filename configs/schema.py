"""JSON Schema of a run's YAML with the parameters of every plugin, for editors."""

from __future__ import annotations

from typing import Any

from ..core.params import Json, param_schema
from ..core.plugins.registry import FEEDS, INDICATORS, STRATEGIES, Registry
from .models import RunConfig
from .plugin import declared
from .universe import UNIVERSE_KEYS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ELSEWHERE = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
"""``module:Class``, whose parameters only the run itself knows."""
_BLOCKS = (("Data", "feed", FEEDS), ("IndicatorBlock", "kind", INDICATORS), ("StrategyBlock", "kind", STRATEGIES))


def config_schema() -> Json:
    """The schema, draft 2020-12: what a key is called, its type, bounds, default and meaning.

    Each data, indicator and strategy block is told apart by its ``feed`` or ``kind``.
    """
    made: Json = RunConfig.model_json_schema(by_alias=True)
    defs = made["$defs"]
    defs["Data"]["properties"] |= UNIVERSE_KEYS
    for name, key, registry in _BLOCKS:
        defs[name] = _block(defs, name, key, registry)
    made["required"] = [k for k in made.get("required", ()) if k != "name"]
    made["properties"]["$schema"] = {"type": "string"}
    made["patternProperties"] = {"^x-": {"description": "yours: a place for anchors, not read"}}
    return {"$schema": DIALECT, "title": "tapeflow run", **{k: v for k, v in made.items() if k != "title"}}


def _block(defs: Json, name: str, key: str, registry: Registry) -> Json:
    """A block that is told apart by ``key``: what is common, then one branch a class."""
    common = defs[name]
    cases = []
    families = registry.families()
    kinds = [*registry, *(name for members in families.values() for name in members)]
    for kind in kinds:
        cls = registry[kind]
        own = f"{registry.what}.{kind}"
        defs[own] = _strategy(cls) if registry is STRATEGIES else _flat(common, cls)
        cases.append(
            {"if": {"properties": {key: {"const": kind}}, "required": [key]}, "then": {"$ref": f"#/$defs/{own}"}}
        )
    open_ended = [f"^{prefix}\\." for prefix, members in families.items() if not members]
    named = [{"enum": kinds}, *({"type": "string", "pattern": p} for p in (*open_ended, _ELSEWHERE))]
    return {"type": "object", "required": [key], "properties": {key: {"anyOf": named}}, "allOf": cases}


def _flat(common: Json, cls: Any) -> Json:
    """A block whose parameters stand beside the common keys."""
    return {
        "type": "object",
        "title": cls.__name__,
        "description": summary(cls),
        "properties": {**common["properties"], **_params(cls)},
        "additionalProperties": False,
    }


def _strategy(cls: Any) -> Json:
    own = {"type": "object", "properties": _params(cls), "additionalProperties": False}
    return {
        "type": "object",
        "title": cls.__name__,
        "description": summary(cls),
        "properties": {"kind": {"const": cls.__name__}, "params": own},
        "additionalProperties": False,
    }


def _params(cls: Any) -> Json:
    bounds = getattr(cls, "bounds", {})
    return {name: param_schema(default, bounds.get(name)) for name, default in declared(cls).items()}


def summary(cls: Any) -> str:
    """The first line of a class's docstring."""
    return next((line.strip() for line in (cls.__doc__ or "").splitlines() if line.strip()), "")

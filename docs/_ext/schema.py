"""The YAML of a run, and the columns of the tables, as pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tapeflow.configs.models import RunConfig
from tapeflow.core.schema import BARS, LEVELS, TAPE

from .markdown import code, inline, table

Json = Mapping[str, Any]
_ABOUT = (
    "Unknown keys are errors. `tapeflow schema` prints the same for editors, with the parameters of every plugin;",
    "`tapeflow validate --resolved` a run's own values.",
)


def yaml_page() -> str:
    """Every key of a run's YAML, block by block."""
    schema = RunConfig.model_json_schema(by_alias=True)
    out = [
        "# The YAML of a run",
        "",
        "Unknown keys are errors. `tapeflow schema` prints the same for editors, with the",
    ]
    out += ["parameters of every plugin; `tapeflow validate --resolved` a run's own values.", ""]
    blocks = {name: made for name, block in schema["$defs"].items() if (made := _keyed(block))}
    for name, block in {"RunConfig": schema, **blocks}.items():
        out += _block(name, block, blocks)
    return "\n".join(out)


def _keyed(block: Json) -> Json | None:
    """The form of a block that has keys, where there is one."""
    forms = [block, *block.get("anyOf", ())]
    return next(({"description": block.get("description"), **form} for form in forms if form.get("properties")), None)


def _block(name: str, block: Json, blocks: Json) -> list[str]:
    required = block.get("required", ())
    rows = []
    for key, value in block["properties"].items():
        default = "needed" if key in required and key != "name" else _default(value)
        rows.append([code(key), _type(value, blocks), default, inline(value.get("description", ""), cell=True)])
    title = "The whole" if name == "RunConfig" else name
    about = inline(" ".join((block.get("description") or "").split()))
    return [f"## {title}", "", about, "", *table(["key", "type", "default", "means"], rows)]


def _default(value: Json) -> str:
    """As YAML would have it; a block of its own has its defaults there."""
    made = value.get("default")
    return "" if isinstance(made, Mapping) and made else code(json.dumps(made))


def _type(value: Json, blocks: Json) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in blocks else name
    for many in ("anyOf", "oneOf", "allOf"):
        if many in value:
            return " or ".join(dict.fromkeys(_type(v, blocks) for v in value[many]))
    if "enum" in value or "const" in value:
        return ", ".join(code(json.dumps(v).strip('"')) for v in value.get("enum", [value.get("const")]))
    kind = value.get("type", "anything")
    kinds = kind if isinstance(kind, list) else [kind]
    inner = value.get("additionalProperties") if "object" in kinds else value.get("items")
    of = f" of {_type(inner, blocks)}" if isinstance(inner, Mapping) and inner else ""
    return " or ".join(kinds) + of


def columns_page() -> str:
    """The canonical columns as tables."""
    out = ["# Columns", "", "What a source cannot know is NaN, never 0.", ""]
    for title, columns in (("Tape", TAPE), ("Bars", BARS), ("Levels", LEVELS)):
        rows = [[code(c.name), c.unit, inline(c.meaning, cell=True), "yes" if c.klines else ""] for c in columns]
        out += [f"## {title}", "", *table(["column", "unit", "meaning", "klines know it"], rows)]
    return "\n".join(out)

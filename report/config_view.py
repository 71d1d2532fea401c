"""What was run: assumptions, warnings, the resolved config, the inputs and the versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from .html import Markup, escape, number, section, table, tag

_FEED_COLUMNS = ("feed", "spec", "tick", "row_size", "bars", "rows", "counts")
_LONG = 40
PARTS = (("inputs", "input"), ("plugins", "plugin"), ("reads", "plugins' own"))
"""Lists of files in a lock, and what they are called."""
"""Lines of YAML from which it is folded."""
_KEY = re.compile(r"^(\s*(?:- )*)([^\s:#][^:]*)(:)(?=\s|$)")


def warnings(messages: Sequence[object]) -> Markup:
    """What to be careful of; nothing when there is nothing."""
    if not messages:
        return Markup("")
    return section("warnings", "Warnings", tag("ul", *(tag("li", m) for m in messages), class_="warnings"))


def hints(sentences: Sequence[object]) -> Markup:
    """What the figures say and what they do not, in plain words."""
    if not sentences:
        return Markup("")
    return section("hints", "What the figures say", tag("ul", *(tag("li", s) for s in sentences)))


def assumptions(sentences: Sequence[object]) -> Markup:
    """How the simulation treats what history does not tell."""
    if not sentences:
        return Markup("")
    return section("assumptions", "Assumptions", tag("ul", *(tag("li", s) for s in sentences)))


def configuration(lock: Mapping[str, Any]) -> Markup:
    """The config with every default filled in, as YAML."""
    config = lock.get("config")
    if not config:
        return Markup("")
    note = "Resolved: every default is written out."
    block = yaml_block(config)
    lines = block.count("\n") + 1
    folded = tag("details", tag("summary", f"{lines} lines of YAML"), block)
    return section("config", "Configuration", folded if lines > _LONG else block, note=note)


def provenance(lock: Mapping[str, Any]) -> Markup:
    """Input files with their digests, the feeds made of them, versions and seed."""
    files = [_files(lock.get(key) or [], what) for key, what in PARTS]
    parts = [*files, _feeds(lock.get("data") or {}), _versions(lock)]
    known = {"name", "engine", "config", "inputs", "plugins", "data", "versions", "seed", "outputs", "reads"}
    rest = {k: v for k, v in lock.items() if k not in known}
    if rest:
        parts.append(yaml_block(rest))
    if not any(parts):
        return Markup("")
    note = "From run.lock, which reproduces the run." if "config" in lock else "From run.lock."
    return section("lock", "Inputs and versions", *parts, note=note)


def yaml_block(value: object) -> Markup:
    """A value as YAML with its keys set apart."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=96)
    return tag("pre", tag("code", Markup("\n".join(_line(x) for x in text.rstrip("\n").split("\n")))))


def _line(line: str) -> str:
    hit = _KEY.match(line)
    if not hit:
        return escape(line)
    return f"{escape(hit[1])}<b>{escape(hit[2])}</b>:{escape(line[hit.end() :])}"


def _files(files: Sequence[Mapping[str, Any]], what: str) -> Markup:
    """Path, size and digest of each file; folded when there are many."""
    if not files:
        return Markup("")
    rows = [
        (
            x.get("path", ""),
            tag("td", number(x.get("bytes"), 0), class_="num"),
            tag("td", tag("code", str(x.get("sha256", ""))[:16], title=x.get("sha256"))),
        )
        for x in files
    ]
    inside = table((f"{what} file", "bytes", "sha256"), rows, class_="plain")
    return tag("details", tag("summary", f"{len(rows)} {what} files"), inside) if len(rows) > 12 else inside


def _feeds(feeds: Mapping[str, Mapping[str, Any]]) -> Markup:
    """What each data block was read as."""
    columns = [k for k in _FEED_COLUMNS if any(facts.get(k) is not None for facts in feeds.values())]
    rows = [(name, *(_fact(facts.get(k)) for k in columns)) for name, facts in feeds.items()]
    return table(("data", *(c.replace("_", " ") for c in columns)), rows, class_="plain") if rows else Markup("")


def _fact(value: object) -> Markup:
    if isinstance(value, Mapping):
        return tag("td", ", ".join(f"{k} {number(v, 0)}" for k, v in value.items()))
    if isinstance(value, int) and not isinstance(value, bool):
        return tag("td", number(value, 0), class_="num")
    return tag("td", "" if value is None else value, class_="num" if isinstance(value, float) else "")


def _versions(lock: Mapping[str, Any]) -> Markup:
    rows = [(k, v) for k, v in (lock.get("versions") or {}).items()]
    if lock.get("seed") is not None:
        rows.append(("seed", lock["seed"]))
    return table(("software", "version"), rows, class_="plain narrow") if rows else Markup("")

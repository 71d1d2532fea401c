"""Reference pages of indicators, strategies and feeds: made of what their classes declare and say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tapeflow.cli.show import describe
from tapeflow.configs.schema import summary
from tapeflow.core.plugins.registry import Registry

from .markdown import code, entries, inline, render, sections, table


def own(registry: Registry) -> Iterator[tuple[str, Any]]:
    """The classes of the package itself; installed plugins have pages of their own."""
    for name in registry:
        if registry[name].__module__.startswith("tapeflow."):
            yield name, registry[name]


def pages(kind: str, registry: Registry, pictured: set[str]) -> Iterator[tuple[str, str]]:
    """Path below the reference and text of each page of a kind, the index first."""
    yield f"{kind}.md", index(kind, registry)
    for name, cls in own(registry):
        yield f"{kind}/{name}.md", page(name, registry.what, cls, picture=name in pictured)
    for family, members in registry.families().items():
        yield f"{kind}/{family}.md", family_page(family, registry, members)


def index(kind: str, registry: Registry) -> str:
    """All of a kind in one table."""
    rows = [[f"[{name}]({kind}/{name}.md)", inline(summary(cls), cell=True)] for name, cls in own(registry)]
    for family, members in registry.families().items():
        rows.append([f"[{family}.\\*]({kind}/{family}.md)", f"{len(members) or 'any'} functions of {family}"])
    pages_ = [f"{kind}/{name}" for name, _ in own(registry)] + [f"{kind}/{f}" for f in registry.families()]
    tree = ["```{toctree}", ":hidden:", "", *pages_, "```", ""]
    return "\n".join([f"# {kind.capitalize()}", "", *table([registry.what, "is"], rows), *tree])


def page(name: str, what: str, cls: Any, *, picture: bool) -> str:
    """One class: picture, formula, parameters, lines, inputs, sources, example."""
    made, said = describe(name, what, cls), sections(cls.__doc__)
    out = [f"# {name}", "", *render(cls.__doc__, skip=[s for s in said if s])]
    if picture:
        out += [f"![{name} over a synthetic tape](../pictures/{name}.png)", ""]
    out += [f"`from {cls.__module__} import {name}`", "", *_yaml(name, what, made)]
    out += _params(made, said.get("Parameters", []))
    if what == "indicator":
        out += _lines(cls, made, said.get("Lines", [])) + _inputs(made, said.get("Inputs", []))
    out += _more(what, cls)
    rest = "\n".join(f"{s}\n{'-' * max(3, len(s))}\n" + "\n".join(said[s]) for s in said if s in _REST)
    return "\n".join([*out, *render(rest, level=2)])


_REST = ("Raises", "Notes", "References", "Examples", "Warnings")


def _yaml(name: str, what: str, made: dict[str, Any]) -> list[str]:
    params = ", ".join(f"{p['name']}: {p['default']}" for p in made["params"][:3] if p["default"] not in ("null", ""))
    block = {
        "indicator": f"indicators:\n  mine: {{kind: {name}{', ' if params else ''}{params}}}",
        "strategy": f"strategy:\n  kind: {name}" + (f"\n  params: {{{params}}}" if params else ""),
        "feed": f"data:\n  mine: {{feed: {name}, …}}",
    }[what]
    return ["```yaml", *block.splitlines(), "```", ""]


def _params(made: dict[str, Any], lines: list[str]) -> list[str]:
    if not made["params"]:
        return []
    said = _said(lines)
    rows = [
        [code(p["name"]), code(str(p["default"])), inline(p["allowed"], cell=True), said.get(p["name"], "")]
        for p in made["params"]
    ]
    return ["## Parameters", "", *table(["parameter", "default", "allowed", "means"], rows)]


def _lines(cls: Any, made: dict[str, Any], lines: list[str]) -> list[str]:
    said = _said(lines)
    rows = [
        [code(line["name"]), inline(line["unit"], cell=True), said.get(line["name"]) or inline(line["is"], cell=True)]
        for line in made["lines"]
    ]
    first = cls.warmup(**cls.resolve({}))
    after = f"With the defaults the first value comes with bar {first}."
    return ["## Lines", "", *table(["line", "unit", "is"], rows), after, ""]


def _inputs(made: dict[str, Any], lines: list[str]) -> list[str]:
    if not made["inputs"]:
        return []
    said = _said(lines)
    return ["## Inputs", "", *table(["column", "is"], [[code(n), said.get(n, "")] for n in made["inputs"]])]


def _more(what: str, cls: Any) -> list[str]:
    """What a strategy works with, and what a feed gives."""
    if what == "feed":
        rows = ", with price rows" if cls.has_levels else ""
        return [f"Gives {'a tape, and bars of any kind' if cls.gives == 'tape' else 'bars'}{rows}.", ""]
    if what == "strategy" and cls.uses:
        used = [
            [
                code(name),
                f"[{u.kind}](../indicators/{u.kind.partition('.')[0]}.md)",
                code(", ".join(f"{k}: {v}" for k, v in u.params.items())),
            ]
            for name, u in cls.uses.items()
        ]
        return ["## Indicators it brings", "", *table(["name", "kind", "parameters"], used)]
    return []


def _said(lines: list[str]) -> dict[str, str]:
    """What a section says of each name."""
    return {n.strip(): inline(text, cell=True) for names, _, text in entries(lines) for n in names.split(",")}


def family_page(family: str, registry: Registry, members: tuple[str, ...]) -> str:
    """The members of a family such as talib."""
    rows = []
    for name in members:
        made = describe(name, registry.what, registry[name])
        params = ", ".join(f"{p['name']}: {p['default']}" for p in made["params"])
        lines = ", ".join(line["name"] for line in made["lines"])
        rows.append([code(name), inline(summary(registry[name]), cell=True), code(params), code(lines)])
    return "\n".join([f"# {family}", "", *table([registry.what, "is", "parameters", "lines"], rows)])

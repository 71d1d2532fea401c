"""YAML text to plain values and the place of each: scalars of YAML 1.2, no tags, no duplicate keys."""

from __future__ import annotations

import re
from typing import Any

import yaml

from .errors import Complaint, KeyPath

_TAG = "tag:yaml.org,2002:"
_MOST_NODES = 20_000
"""Far above any real run, far below what nested aliases can blow a small file up to."""
_DEEPEST = 50
"""Far above any real run, far below what Python's own limit allows, which differs from version to version."""

_MOST_DIGITS = 400
"""Far above any number that a float holds, far below what Python refuses to convert or to print."""


class Scalars(yaml.SafeLoader):
    """Scalars as YAML 1.2 reads them: ``no``, ``12:30`` and dates are text, ``010`` is ten, ``1e-3`` a number."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, unless it lies too deep."""
        if self._depth > _DEEPEST:
            untyped: Any = self.peek_event
            raise _too_deep(untyped().start_mark)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


Scalars.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9][0-9_]*|0x[0-9a-fA-F_]+|0o[0-7_]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    Scalars.add_implicit_resolver(f"{_TAG}{_tag}", re.compile(rf"(?:{_pattern})\Z"), list(_first))


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    base = {"0x": 16, "0o": 8}.get(text[:2], 10)
    if len(text) > _MOST_DIGITS:
        says = f"a number of {len(text):,} digits; one has at most {_MOST_DIGITS}"
        raise yaml.MarkedYAMLError(problem=says, problem_mark=node.start_mark)
    return int(text, base)


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    text = node.value.replace("_", "").lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


Scalars.add_constructor(f"{_TAG}int", _whole)
Scalars.add_constructor(f"{_TAG}float", _number)


class Builder:
    """Turns the node tree into values and notes where each stood."""

    def __init__(self, loader: Scalars) -> None:
        self.loader = loader
        self.values: dict[KeyPath, tuple[int, int]] = {}
        self.keys: dict[KeyPath, tuple[int, int]] = {}
        self.complaints: list[Complaint] = []
        self._open: list[yaml.Node] = []
        self._built = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        """The value of ``node``, which stands at ``path``."""
        self._built += 1
        if self._built > _MOST_NODES or any(node is n for n in self._open):
            raise yaml.MarkedYAMLError(problem="an alias that repeats without end", problem_mark=node.start_mark)
        if len(self._open) > _DEEPEST:
            raise _too_deep(node.start_mark)
        self.values[path] = _mark(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        kind = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if node.tag != _TAG + kind:
            raise yaml.MarkedYAMLError(problem=f"tag {node.tag} is not allowed", problem_mark=node.start_mark)
        self._open.append(node)
        made = self._mapping(node, path) if isinstance(node, yaml.MappingNode) else self._sequence(node, path)
        self._open.pop()
        return made

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag.removeprefix(_TAG) not in ("str", "int", "float", "bool", "null"):
            raise yaml.MarkedYAMLError(problem=f"tag {node.tag} is not allowed", problem_mark=node.start_mark)
        try:
            return self.loader.construct_object(node)
        except ValueError as err:
            raise yaml.MarkedYAMLError(problem=str(err), problem_mark=node.start_mark) from None

    def _sequence(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                made = {**self._merged(value, path), **made}
        seen: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                continue
            name = self._key(key, path, seen)
            self.keys[*path, name] = _mark(key)
            made[name] = self.build(value, (*path, name))
        return made

    def _key(self, key: yaml.Node, path: KeyPath, seen: dict[str, int]) -> str:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        self.keys.setdefault((*path, name), _mark(key))
        if key.tag != f"{_TAG}str":
            self._complain(key, (*path, name), "a key must be text")
        elif name in seen:
            self._complain(key, (*path, name), f"duplicate key '{name}', first on line {seen[name]}")
        seen.setdefault(name, key.start_mark.line + 1)
        return name

    def _complain(self, key: yaml.Node, path: KeyPath, text: str) -> None:
        self.keys[path] = _mark(key)
        self.complaints.append(Complaint(path, text, on_key=True))

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        made: dict[str, Any] = {}
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                raise yaml.MarkedYAMLError(problem="<< takes a mapping, as in <<: *name", problem_mark=node.start_mark)
            own = self.values.get(path)
            made.update(self.build(source, path))
            if own is not None:
                self.values[path] = own
        return made


def _too_deep(mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"nested too deeply, more than {_DEEPEST} levels", problem_mark=mark)


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line, node.start_mark.column

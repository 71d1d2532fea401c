"""``--set a.b=c``: one value of a config replaced from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .document import Document, parse_value
from .errors import KeyPath, Mistake, MistakesError, shown
from .fills_block import SHORT_FORMS, spelled_out


def override(document: Document, settings: Sequence[str]) -> Document:
    """The document with every ``key=value`` of ``settings`` written into it, the last one winning.

    A value is YAML. Keys are joined with dots, list positions are numbers, and blocks that are not there
    are made. A ``path`` given here is relative to the working folder, as on any command line.

    Raises
    ------
    MistakesError
        Naming the ``--set`` that cannot be read or has no place.

    Examples
    --------
    >>> from tapeflow.configs.document import parse
    >>> override(parse("broker: {cash: 1}", "run.yaml"), ["broker.cash=1e5"]).value
    {'broker': {'cash': 100000.0}}
    """
    value, set_by = document.value if document.value is not None else {}, dict(document.set_by)
    for setting in settings:
        key, path, given = _split(setting)
        try:
            value = written(value, path, given)
        except ValueError as err:
            raise MistakesError([Mistake(f"--set {key}", "", str(err))]) from None
        set_by.pop(path, None)
        set_by = {path: key, **set_by}
    return replace(document, value=value, set_by=set_by)


def _split(setting: str) -> tuple[str, KeyPath, Any]:
    key, equals, text = setting.partition("=")
    key = key.strip()
    path: KeyPath = tuple(int(p) if p.isdigit() else p for p in key.split("."))
    if not equals or "" in path:
        raise MistakesError([Mistake(f"--set {setting}", "", "must be key=value, as in --set broker.cash=50000")])
    try:
        given = parse_value(text)
    except ValueError as err:
        raise MistakesError([Mistake(f"--set {key}", "", str(err))]) from None
    if path[0] == "sweep":
        path = _of_sweep(path)
    return key, path, _from_here(given) if len(path) == 3 and path[::2] == ("data", "path") else given


def _of_sweep(path: KeyPath) -> KeyPath:
    """The dotted key below ``sweep``, or below its ``zip``, that a path stands for."""
    head = 2 if path[1:2] == ("zip",) else 1
    return (*path[:head], ".".join(map(str, path[head:]))) if len(path) > head else path


def _from_here(given: Any) -> Any:
    if isinstance(given, str):
        return str(Path.cwd() / given)
    return [_from_here(p) for p in given] if isinstance(given, list) else given


def written(value: Any, path: KeyPath, given: Any) -> Any:
    """A copy of ``value`` with ``given`` at ``path``."""
    if not path:
        return given
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        if not isinstance(head, int) or head > len(value):
            raise ValueError(f"'{head}' is no position of a list of {len(value)}")
        inner = written(value[head] if head < len(value) else None, rest, given)
        return [*value[:head], inner, *value[head + 1 :]]
    if value is None:
        value = {}
    if value in SHORT_FORMS:
        value = spelled_out(value)
    if not isinstance(value, dict):
        raise ValueError(f"there is no '{head}' inside {shown(value)}")
    return {**value, str(head): written(value.get(str(head)), rest, given)}

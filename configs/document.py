"""A YAML text as plain values that remember where they stood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from .errors import Complaint, KeyPath, Mistake, MistakesError, dotted
from .nodes import Builder, Scalars

_SHOWN = 80
"""Most letters of a value that an error repeats."""


@dataclass(frozen=True)
class Document:
    """A parsed YAML text.

    Parameters
    ----------
    name : str
        What errors call it: the file's path.
    text : str
        The YAML.
    value : object
        Plain dicts, lists and scalars; an alias is a copy.
    values, keys : dict of path to (line, column)
        Where each value and each key begins, from 0. What a merge (``<<``) brought points at its anchor.
    complaints : tuple of Complaint
        Duplicate keys and keys that are not text.
    set_by : dict of path to str
        What ``--set`` wrote, and how it was spelt.
    """

    name: str
    text: str
    value: Any
    values: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    keys: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    complaints: tuple[Complaint, ...] = ()
    set_by: dict[KeyPath, str] = field(default_factory=dict)

    def place(self, complaint: Complaint) -> Mistake:
        """The complaint with its file, line and column, or with the ``--set`` that brought it."""
        if (spelt := self._override(complaint.path)) is not None:
            key = dotted(complaint.path)
            inner = "" if key == spelt or spelt.startswith(f"{key}.") else key
            return Mistake(f"--set {spelt}", inner, complaint.text)
        line, column = self._mark(complaint)
        text, inside = self._within(complaint, line, column)
        column += inside
        return Mistake(f"{self.name}:{line + 1}:{column + 1}", dotted(complaint.path), text, self.excerpt(line, column))

    def _within(self, complaint: Complaint, line: int, column: int) -> tuple[str, int]:
        """A complaint about ``column n`` of a one-line text, moved to that column of the file."""
        hit = re.match(r"column (\d+): ", complaint.text)
        value = _at(self.value, complaint.path) if hit and complaint.path in self.values else None
        if not hit or not isinstance(value, str) or line >= len(lines := self.text.splitlines()):
            return complaint.text, 0
        quote = 1 if lines[line][column : column + 1] in ("'", '"') else 0
        if not lines[line].startswith(value, column + quote):
            return complaint.text, 0
        lead = len(value) - len(value.lstrip())
        return complaint.text[hit.end() :], quote + lead + int(hit[1]) - 1

    def excerpt(self, line: int, column: int) -> str:
        """The line and a caret under the column."""
        lines = self.text.splitlines()
        shown = lines[line].replace("\t", " ") if line < len(lines) else ""
        return f"    {shown}\n    {' ' * column}^"

    def mistakes(self, complaints: list[Complaint]) -> MistakesError:
        """Complaints with their places, one for each key, in the order of the file; overrides last."""
        order = sorted(complaints, key=lambda c: (self._override(c.path) is not None, self._mark(c)))
        first = {c.path: c for c in reversed(order)}
        return MistakesError([self.place(c) for c in order if first[c.path] is c])

    def _override(self, path: KeyPath) -> str | None:
        for written, spelt in self.set_by.items():
            below = path[: len(written)] == written
            above = written[: len(path)] == path and path not in self.values
            if below or above:
                return spelt
        return None

    def _mark(self, complaint: Complaint) -> tuple[int, int]:
        path = complaint.path
        if complaint.on_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        if path != complaint.path or isinstance(_at(self.value, path), dict):
            return self.keys.get(path, self.values.get(path, (0, 0)))
        return self.values.get(path, (0, 0))


def _at(value: Any, path: KeyPath) -> Any:
    """What stands at a path; None where it was there in the file alone, as ``symbols`` of a universe."""
    for part in path:
        here = isinstance(value, dict) and part in value
        here = here or (isinstance(value, list) and isinstance(part, int) and part < len(value))
        value = value[part] if here else None
    return value


def parse(text: str, name: str) -> Document:
    """The document in ``text``.

    Raises
    ------
    MistakesError
        If it is not YAML, holds more than one document, or uses a tag.

    Examples
    --------
    >>> parse("{at: 12:30, small: 1e-3, on: no, ten: 010}", "run.yaml").value
    {'at': '12:30', 'small': 0.001, 'on': 'no', 'ten': 10}
    """
    try:
        loader = Scalars(text)
        node = loader.get_single_node()
        builder = Builder(loader)
        value = builder.build(node, ()) if node is not None else {}
    except yaml.YAMLError as err:
        raise _not_yaml(err, text, name) from None
    return Document(name, text, value, builder.values, builder.keys, tuple(builder.complaints))


def parse_value(text: str) -> Any:
    """One value as the YAML reads it: the right-hand side of ``--set`` and of ``--indicator``.

    Raises
    ------
    ValueError
        If it is not YAML.

    Examples
    --------
    >>> parse_value("[1.0, 2e-3]"), parse_value("1d"), parse_value("")
    ([1.0, 0.002], '1d', None)
    """
    try:
        made = parse(text, "value")
    except MistakesError as err:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise ValueError(f"{err.mistakes[0].text} in '{shown}'; put it in quotes if it is text") from None
    if made.complaints:
        raise ValueError(made.complaints[0].text)
    return made.value if text.strip() else None


def _not_yaml(err: yaml.YAMLError, text: str, name: str) -> MistakesError:
    """PyYAML's error in one line, at the place it names."""
    if not isinstance(err, yaml.MarkedYAMLError) or err.problem_mark is None:
        return MistakesError([Mistake(f"{name}:1:1", "", f"not YAML: {getattr(err, 'reason', err)}")])
    mark, begun = err.problem_mark, err.context_mark
    problem = f"not YAML: {err.problem}"
    if err.problem and "\\t" in err.problem:
        problem += "; indent with spaces, not tabs"
    if begun is not None and mark.index >= len(text.rstrip()):
        # What was never closed is at fault where it begins, not where the file ends.
        mark = begun
    elif begun is not None and begun.line != mark.line:
        problem += f" ({err.context} that begins at {begun.line + 1}:{begun.column + 1})"
    if re.search(r"(?:^|[:,\[{-])\s*!\s*[\w(]", text.splitlines()[mark.line] if text else ""):
        problem = "not YAML: ! begins a tag; in a rule write not"
    found = Document(name, text, None)
    where = f"{name}:{mark.line + 1}:{mark.column + 1}"
    return MistakesError([Mistake(where, "", problem, found.excerpt(mark.line, mark.column))])

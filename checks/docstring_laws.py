"""What a plugin's docstring has to say, checked against the class it stands on."""

from __future__ import annotations

import doctest
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

from ..indicators.framework.inputs import columns_of

SECTIONS = ("Parameters", "Inputs", "Lines", "Raises", "References", "Examples")
_ENTRY = re.compile(r"^(?P<names>[\w, …]+?) : (?P<says>.*)$")


def sections(text: str) -> dict[str, list[str]]:
    """A docstring's sections in their order, as unindented lines.

    >>> sections("One line." + chr(10) * 2 + "Lines" + chr(10) + "-----" + chr(10) + "x : price")
    {'Lines': ['x : price']}
    """
    rows = [line.removeprefix("    ") for line in text.splitlines()]
    made: dict[str, list[str]] = {}
    current: list[str] = []
    for row, under in zip(rows, [*rows[1:], ""], strict=True):
        if re.fullmatch(r"-{3,}", under.strip()) and row.strip():
            current = made.setdefault(row.strip(), [])
        elif not re.fullmatch(r"-{3,}", row.strip()):
            current.append(row)
    return made


def entries(rows: list[str]) -> dict[str, str]:
    """What stands behind ``name :`` of each entry of a section."""
    made: dict[str, str] = {}
    for row in rows:
        if hit := _ENTRY.match(row):
            made |= {name.strip(): hit["says"] for name in hit["names"].split(",")}
    return made


def complaints(cls: Any) -> Iterator[str]:
    """What an indicator's docstring lacks, or says wrongly."""
    text = cls.__dict__.get("__doc__") or ""
    if not text.strip():
        yield "no docstring"
        return
    found = sections(text)
    known = [s for s in found if s in SECTIONS]
    if known != [s for s in SECTIONS if s in found]:
        yield f"sections stand as {', '.join(known)}; their order is {', '.join(SECTIONS)}"
    needed = ["Inputs", "Lines", "Raises", "Examples", *(["Parameters"] if cls.defaults() else [])]
    yield from (f"no section {name}" for name in needed if name not in found)
    yield from _parameters(cls, entries(found.get("Parameters", [])))
    yield from _inputs(cls, entries(found.get("Inputs", [])))
    yield from _lines(cls, entries(found.get("Lines", [])))
    yield from failing_examples(cls)


def _parameters(cls: Any, said: dict[str, str]) -> Iterator[str]:
    for name, default in cls.defaults().items():
        if name not in said:
            yield f"parameter {name} is not documented"
        elif not said[name].endswith(f"default={default!r}"):
            yield f"parameter {name}: the default is {default!r}, documented is '{said[name]}'"
    yield from (f"documented parameter {name} does not exist" for name in said if name not in cls.defaults())


def _inputs(cls: Any, said: dict[str, str]) -> Iterator[str]:
    inputs = columns_of(cls.input_names(**cls.resolve_auto(cls.resolve({}), lambda _: True)))
    yield from (f"input {name} is not documented" for name in inputs if name not in said)


def _lines(cls: Any, said: dict[str, str]) -> Iterator[str]:
    for name, measure in cls.line_measures().items():
        if name not in said:
            yield f"line {name} is not documented"
        elif measure.unit not in said[name]:
            yield f"line {name}: the unit is {measure.unit}, documented is '{said[name]}'"


def failing_examples(cls: Any) -> Iterator[str]:
    """The examples of a docstring that do not give what they say."""
    around = dict(vars(sys.modules[cls.__module__]))
    shown = io.StringIO()
    test = doctest.DocTestParser().get_doctest(cls.__doc__ or "", around, cls.__name__, None, None)
    failed = doctest.DocTestRunner(verbose=False).run(test, out=shown.write).failed
    if not test.examples:
        yield "no example"
    if failed:
        yield f"{failed} example(s) fail: {shown.getvalue()}"

"""Numpydoc docstrings and tables as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence

_UNDERLINE = re.compile(r"-{3,}")
_CODE = re.compile(r"(``.+?``|`[^`]+`)")
ENTRIES = ("Parameters", "Inputs", "Lines", "Attributes", "Returns", "Yields", "Raises")
"""Sections made of entries, each with a name or type and an indented text."""


def inline(text: str, *, cell: bool = False) -> str:
    """Prose of a docstring as Markdown: code stays code, signs that Markdown would take are escaped.

    >>> inline("``a*b`` is a*b <c>")
    '`a*b` is a\\\\*b &lt;c>'
    """
    parts = []
    for part in _CODE.split(text):
        if _CODE.fullmatch(part):
            part = f"`{part.strip('`')}`"
        else:
            part = re.sub(r"([*\[\]])", r"\\\1", part).replace("<", "&lt;")
            part = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", part)
        parts.append(part.replace("|", "\\|") if cell else part)
    return "".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table; cells are Markdown already."""
    made = [[cell.replace("\n", " ") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (list(head), ["---"] * len(head), *made)] + [""]


def code(text: str) -> str:
    """Text as a code span that may stand in a cell."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def sections(doc: str | None) -> dict[str, list[str]]:
    """The lines of a docstring by section; what stands before the first is under the empty name."""
    lines = inspect.cleandoc(doc or "").splitlines() or [""]
    made: dict[str, list[str]] = {"": []}
    current = made[""]
    for line, under in zip(lines, [*lines[1:], ""], strict=True):
        if _UNDERLINE.fullmatch(under) and line.strip():
            current = made.setdefault(line.strip(), [])
        elif not _UNDERLINE.fullmatch(line):
            current.append(line)
    return made


def entries(lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Name, type and text of each entry of a section."""
    name, kind, text = "", "", []
    for line in [*lines, "\0"]:
        if not line.strip() or line.startswith(" "):
            text.append(line.strip())
            continue
        if name:
            yield name, kind, " ".join(filter(None, text))
        name, _, kind = line.partition(" : ")
        text = []


def prose(lines: Sequence[str]) -> list[str]:
    """Paragraphs, lists, indented formulas and examples as Markdown."""
    out: list[str] = []
    for block in _split(lines):
        if block[0].startswith(">>>"):
            out += ["```pycon", *block, "```", ""]
        elif all(line.startswith("    ") for line in block):
            out += ["```text", *(line[4:] for line in block), "```", ""]
        else:
            if re.match(r"(-|\d+\.) ", block[0]):
                out += [*map(inline, block), ""]
            else:
                out += [inline(" ".join(block).removesuffix("::")), ""]
    return out


def _split(lines: Sequence[str]) -> Iterator[list[str]]:
    """Runs of lines that belong together; an example holds its blank-free output."""
    block: list[str] = []
    for line in [*lines, ""]:
        starts_code = bool(block) and line.startswith("    ") != block[-1].startswith("    ")
        listed = bool(block) and re.match(r"(-|\d+\.) ", block[0])
        if block and (not line.strip() or (starts_code and not listed and not block[0].startswith(">>>"))):
            yield block
            block = []
        if line.strip():
            block.append(line)


def render(doc: str | None, *, level: int = 3, skip: Sequence[str] = ()) -> list[str]:
    """A whole docstring as Markdown, its sections as headings of ``level`` or, from 5 on, in bold."""
    out: list[str] = []
    for name, lines in sections(doc).items():
        if name in skip:
            continue
        if name:
            out += [f"**{name}**" if level > 4 else f"{'#' * level} {name}", ""]
        if name in ENTRIES:
            out += listed(lines)
        elif name == "Examples":
            out += prose([line for line in lines if line.strip() or True])
        else:
            out += prose(lines)
    return out


def listed(lines: Sequence[str]) -> list[str]:
    """The entries of a section as a list."""
    made = []
    for name, kind, text in entries(lines):
        what = f" : {inline(kind)}" if kind else ""
        made.append(f"- **{inline(name)}**{what}{'. ' if text else ''}{inline(text)}")
    return [*made, ""]

"""Text, numbers and tables as HTML; every word from outside is escaped here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


class Markup(str):
    """Text that is HTML already and goes into the page as it is."""


def escape(value: object) -> Markup:
    """``value`` as HTML text, also safe inside a quoted attribute; `Markup` passes through.

    >>> escape('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def number(value: object, decimals: int = 2, unit: str = "", signed: bool = False) -> str:
    """A number with thousands separated; a dash where there is none.

    >>> number(-1234.5), number(0.5, 1, " %", signed=True), number(None), number(float("nan"))
    ('−1,234.50', '+0.5 %', '–', '–')
    """
    if not is_number(value):
        return NOTHING
    text = f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS) + unit


def is_number(value: object) -> bool:
    """Whether ``value`` is a finite number (a truth value is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def tone(value: object) -> str:
    """The class that colours a gain or a loss."""
    if not is_number(value) or value == 0:
        return ""
    return "gain" if float(value) > 0 else "loss"  # type: ignore[arg-type]


def tag(name: str, *inside: object, **attributes: object) -> Markup:
    """One element, its contents and attributes escaped; an attribute that is empty or None is left out.

    >>> tag("td", "a<b", class_="num")
    '<td class="num">a&lt;b</td>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value not in (None, "")
    )
    return Markup(f"<{name}{given}>{joined(inside)}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Parts beside each other, each escaped."""
    return Markup("".join(escape(p) for p in parts))


def table(head: Sequence[object], rows: Iterable[Sequence[object]], class_: str = "", caption: str = "") -> Markup:
    """A table; the first cell of a row heads it. A cell that is `Markup` of a ``td`` is taken as it is."""
    top = tag("thead", tag("tr", *(tag("th", h, scope="col") for h in head))) if head else Markup("")
    body = tag("tbody", *(tag("tr", tag("th", r[0], scope="row"), *(_cell(c) for c in r[1:])) for r in rows))
    title = tag("caption", caption) if caption else Markup("")
    return tag("div", tag("table", title, top, body, class_=class_), class_="scroll")


def _cell(value: object) -> Markup:
    return value if isinstance(value, Markup) and value.startswith("<td") else tag("td", value)


def section(id_: str, title: str, *inside: object, note: str = "") -> Markup:
    """A part of the page under its own heading."""
    head = tag("h2", title)
    return tag("section", head, *([tag("p", note, class_="note")] if note else []), *inside, id=id_)

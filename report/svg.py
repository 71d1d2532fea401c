"""Small still charts as SVG: they take the page's colours, need no script, and print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .html import Markup, joined, number, tag

WIDTH, HEIGHT = 380, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 26
Pair = tuple[float, float]
Floats = NDArray[np.float64]


class Plot:
    """A plane with axes, drawn on in the units of what is shown.

    Parameters
    ----------
    x, y : (float, float)
        What lies at the left and right, and at the bottom and top.
    title : str
        Said above, and to who cannot see it.
    """

    def __init__(self, x: Pair, y: Pair, title: str) -> None:
        self._x, self._y, self._title = x, y, title
        self._parts: list[Markup] = []

    def across(self, x: float) -> float:
        """Pixels from the left."""
        low, high = self._x
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (x - low) / ((high - low) or 1.0)

    def down(self, y: float) -> float:
        """Pixels from the top."""
        low, high = self._y
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * (y - low) / ((high - low) or 1.0)

    def bar(self, left: float, right: float, top: float, class_: str, says: str) -> None:
        """A bar from 0 to ``top``, in the classes' colour, that says something under the pointer."""
        x, wide = self.across(left), self.across(right) - self.across(left)
        y, high = self.down(max(top, 0.0)), abs(self.down(0.0) - self.down(top))
        gap = 1.0 if wide > 3 else 0.0
        place = dict(x=f"{x + gap / 2:.1f}", y=f"{y:.1f}", width=f"{wide - gap:.1f}", height=f"{high:.1f}")
        self._parts.append(tag("rect", tag("title", says), class_=class_, **place))

    def line(self, ends: tuple[float, float, float, float], class_: str, says: str = "") -> None:
        """A line from x, y to x, y."""
        x1, y1, x2, y2 = ends
        place = dict(x1=f"{self.across(x1):.1f}", y1=f"{self.down(y1):.1f}", x2=f"{self.across(x2):.1f}")
        inside = [tag("title", says)] if says else []
        self._parts.append(tag("line", *inside, class_=class_, y2=f"{self.down(y2):.1f}", **place))

    def dot(self, x: float, y: float, class_: str, says: str) -> None:
        """A dot that says something under the pointer."""
        place = dict(cx=f"{self.across(x):.1f}", cy=f"{self.down(y):.1f}", r="4")
        self._parts.append(tag("circle", tag("title", says), class_=class_, **place))

    def cell(self, ends: tuple[float, float, float, float], class_: str, says: str) -> None:
        """A rectangle from x to x and from y to y."""
        left, right, low, high = ends
        place = dict(x=f"{self.across(left):.1f}", y=f"{self.down(high):.1f}")
        size = dict(
            width=f"{self.across(right) - self.across(left):.1f}", height=f"{self.down(low) - self.down(high):.1f}"
        )
        self._parts.append(tag("rect", tag("title", says), class_=class_, **place, **size))

    def path(self, x: Floats, y: Floats, class_: str, says: str) -> None:
        """A curve through points; it breaks where one is not known."""
        known = np.isfinite(y)
        pen = np.where(known & ~np.concatenate(([False], known[:-1])), "M", "L")
        steps = zip(pen.tolist(), x.tolist(), y.tolist(), known.tolist(), strict=True)
        drawn = " ".join(f"{p}{self.across(a):.1f} {self.down(b):.1f}" for p, a, b, shown in steps if shown)
        self._parts.append(tag("path", tag("title", says), d=drawn, class_=class_))

    def words(self, x: float, y: float, text: str, class_: str = "") -> None:
        """Text at a place."""
        self._parts.append(tag("text", text, x=f"{self.across(x):.1f}", y=f"{self.down(y):.1f}", class_=class_))

    def below(self, marks: Sequence[tuple[float, str]]) -> None:
        """Marks under the plane: where, and what is written there."""
        for x, text in marks:
            place = dict(x=f"{self.across(x):.1f}", y=str(HEIGHT - 9))
            self._parts.append(tag("text", text, class_="tick middle", **place))

    def beside(self, marks: Sequence[float], unit: str = "") -> None:
        """Marks at the left, each with a line across."""
        decimals = decimals_for(marks)
        for y in marks:
            self.line((self._x[0], y, self._x[1], y), "axis" if y == 0 else "grid")
            place = dict(x=str(_LEFT - 6), y=f"{self.down(y) + 3.5:.1f}")
            self._parts.append(tag("text", number(y, decimals, unit), class_="tick end", **place))

    def drawn(self) -> Markup:
        """The chart with its title."""
        picture = tag("svg", joined(self._parts), viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=self._title)
        return tag("figure", tag("figcaption", self._title), picture)


def plot_around_0(x: Pair, values: Sequence[float] | Floats, title: str, room: float = 0.08) -> Plot:
    """A plot that holds 0 and all of ``values`` with a share of ``room`` beyond, round numbers at its left."""
    low, high = min(0.0, float(np.min(values))), max(0.0, float(np.max(values)))
    beyond = room * (high - low) or 1.0
    plot = Plot(x, (low - beyond, high + beyond), title)
    plot.beside(marks_between(low - beyond, high + beyond, 5))
    return plot


Curve = tuple[str, str, Floats, Floats]
"""A curve over time: its name, its class, times in epoch µs, values."""
_FEW_DAYS = 4 * 86_400e6
"""Shorter than this, in µs, a chart has hours beside its dates."""
_POINTS = 320
"""Points of a curve, about as many as it is pixels wide."""


def curves_over_time(title: str, curves: Sequence[Curve]) -> Markup:
    """Curves on one scale; each says under the pointer what it ends with."""
    known = [(name, class_, time, values) for name, class_, time, values in curves if np.isfinite(values).any()]
    if not known:
        return Markup("")
    low, high = (float(f([f(v[np.isfinite(v)]) for *_, v in known])) for f in (np.min, np.max))
    first, last = (float(f([f(t) for *_, t, _ in known])) for f in (np.min, np.max))
    room = 0.06 * (high - low) or 1.0
    plot = Plot((first, last), (low - room, high + room), title)
    plot.beside(marks_between(low - room, high + room, 5))
    for name, class_, time, values in known:
        at = np.unique(np.linspace(0, len(values) - 1, min(_POINTS, len(values))).astype(int))
        end = number(float(values[np.isfinite(values)][-1]), 2)
        plot.path(time[at], values[at], class_, f"{name}: {end} at the end")
    stamps = [first + (last - first) * k / 8 for k in (1, 4, 7)]
    plot.below([(t, _stamp(t, hours=last - first < _FEW_DAYS)) for t in stamps])
    return plot.drawn()


def _stamp(moment: float, *, hours: bool) -> str:
    """A date; with its hour, and without its year, where dates alone would repeat."""
    text = str(np.datetime64(int(moment), "us").astype("datetime64[m]"))
    return text[5:].replace("T", " ") if hours else text[:10]


def marks_between(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within, steps of 1, 2 or 5 times a power of ten.

    >>> marks_between(-1.2, 3.4)
    [-1.0, 0.0, 1.0, 2.0, 3.0]
    """
    reach = high - low
    if not reach > 0 or not np.isfinite(reach):
        return [low]
    power = 10.0 ** np.floor(np.log10(reach / most))
    step = next(s for k in (1, 2, 5, 10) if reach / (s := k * power) <= most)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [round(float(k * step), 12) + 0.0 for k in np.arange(first, last + 1)]


def decimals_for(marks: Sequence[float]) -> int:
    """Decimals that tell neighbouring marks apart.

    >>> decimals_for([0.0, 0.5, 1.0]), decimals_for([0, 100])
    (1, 0)
    """
    step = abs(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    return max(0, int(np.ceil(-np.log10(step) - 1e-9))) if step > 0 else 0

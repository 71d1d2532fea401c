"""Where the data deserves less trust: the bars' flags over time and in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..backtest.results.quality import DAMAGED
from ..core.schema import Quality
from .folder import Folder, microseconds
from .html import Markup, joined, number, section, table, tag

Ints = NDArray[np.int64]

_CELLS = 360
"""Spans of the strip."""
_MEANS = {
    Quality.GAP: "bars beside it are missing",
    Quality.FILLED: "no trade fell into it",
    Quality.PARTIAL: "the data begin or end inside it",
    Quality.INFERRED_SIDE: "the side of a trade was inferred or is unknown",
    Quality.ID_HOLE: "trade ids are missing in or before it",
    Quality.DISORDER: "rows came out of order and were put in place",
    Quality.VOID: "rows of price or amount zero were dropped",
    Quality.CONTRADICTORY: "its own figures contradict each other; what could not be was replaced",
}


def quality(folder: Folder) -> Markup:
    """The strip and the counts of each feed; nothing when bars carry no flags."""
    if "quality" not in folder.bars:
        return Markup("")
    parts = [_feed(name, folder.bars_of(name)) for name in folder.feeds]
    share = folder.result.get("profit_from_damaged")
    note = "Flags of the bars, from the first at the left to the last at the right; a row for each flag that is set."
    if isinstance(share, int | float) and abs(share) >= 0.005:
        note += f" Round trips over damaged bars made {number(100 * share, 0, ' %')} of what all together made."
    return section("quality", "Data quality", *parts, note=note)


def _feed(name: str, bars: pd.DataFrame) -> Markup:
    flags = bars["quality"].to_numpy(np.int64)
    present = [bit for bit in Quality if (flags & int(bit)).any()]
    if not present:
        return tag("p", f"{name}: none of {len(flags):,} bars is flagged.", class_="clean")
    rows = [
        (
            tag("span", tag("i", class_=_class(bit)), f" {_name(bit)}"),
            _MEANS[bit],
            tag("td", number(int(np.count_nonzero(flags & int(bit))), 0), class_="num"),
            tag("td", _share(float(np.mean((flags & int(bit)) != 0))), class_="num"),
        )
        for bit in present
    ]
    title = f"{name}: {int(np.count_nonzero(flags)):,} of {len(flags):,} bars are flagged"
    return tag("div", tag("h3", title), _strip(bars, flags, present), table((), rows, class_="plain flags"))


def _share(share: float) -> str:
    return number(100 * share, 2, " %") if share >= 5e-5 else "< 0.01 %"


def _name(bit: Quality) -> str:
    return (bit.name or "").lower().replace("_", " ")


def _class(bit: Quality) -> str:
    return "damaged" if bit & DAMAGED else "noted"


def _strip(bars: pd.DataFrame, flags: Ints, present: list[Quality]) -> Markup:
    """One row a flag, one cell a span of bars, darker where more of them have it."""
    count = min(_CELLS, len(flags))
    starts = (np.arange(count) * len(flags)) // count
    sizes = np.diff(np.r_[starts, len(flags)])
    parts = []
    for k, bit in enumerate(present):
        shares = np.add.reduceat((flags & int(bit)) != 0, starts) / sizes
        parts += [_cell(int(i), k, float(shares[i]), bit, bars, int(starts[i])) for i in np.flatnonzero(shares)]
    back = [tag("rect", x="0", y=str(7 * k), width=str(count), height="6", class_="track") for k in range(len(present))]
    return tag(
        "svg",
        joined(back),
        joined(parts),
        viewBox=f"0 0 {count} {7 * len(present)}",
        preserveAspectRatio="none",
        class_="strip",
        style=f"height: {11 * len(present)}px",
        role="img",
        aria_label="Flags of the bars over time",
    )


def _cell(i: int, row: int, share: float, bit: Quality, bars: pd.DataFrame, first: int) -> Markup:
    when = pd.to_datetime(int(microseconds_of(bars, first)), unit="us").strftime("%Y-%m-%d %H:%M")
    says = tag("title", f"{when}: {_name(bit)}, {number(100 * share, 1, ' %')} of the bars here")
    place = dict(x=str(i), y=str(7 * row), width="1", height="6")
    return tag("rect", says, class_=_class(bit), opacity=f"{0.4 + 0.6 * share:.2f}", **place)


def microseconds_of(bars: pd.DataFrame, row: int) -> int:
    """Close of one bar, epoch µs."""
    return int(microseconds(bars["close_time"].iloc[row : row + 1])[0])

"""How far the dialects of a volume profile differ on one tape: the tables of docs/dialects.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tapeflow.core.bars import Bars
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.indicators.kernels.dialects import DIALECTS, Dialect
from tapeflow.indicators.kernels.tpo_dialects import TPO_DIALECTS
from tapeflow.indicators.tpo import TPO
from tapeflow.indicators.volume_profile import VolumeProfile

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dialects.md"
INTRO = """# Dialects

The same trades have other points of control and other value areas on other platforms, because each counts in its own
way. `dialect:` names a platform's choices, and any of them can be overridden by the parameter of its name:

```yaml
vp: {kind: VolumeProfile, session: 1d, dialect: tradingview}
mine: {kind: VolumeProfile, session: 1d, dialect: tradingview, value_area: 0.68}
```

A dialect holds only what a public text of the platform says. Where none does, our default stands in, and is marked so
here and by `tapeflow show VolumeProfile --explain`. A dialect does not bring the platform's data: its symbol, its
session hours and its row size are yours to match first.
"""
TAPE = """## How far they differ

One synthetic day ({trades:,} trades, {rows} rows of {size:g} from lowest to highest), one profile of the session, 1,440
one-minute bars. At its end:
"""
MATRIX = """
While it develops, how often two dialects disagree on an edge of the value area, in percent of the minutes; and in
brackets by how many rows, on average, where they do:
"""

TIME = """## Time at price

`TPO` counts time instead of volume: each half hour of a session gives every row it reached one letter. It has dialects
of its own under the same names, shown by `tapeflow show TPO --explain`. A feed of trades with `row_size` has the rows;
klines stand for them with `from_klines: range`, which is the same as long as `letters` is `range`. NinjaTrader
and ATAS publish no rule for letters, and have no dialect here. `composite: 5` puts the letters of the current session
and the four before it in one profile; the initial balance stays the current session's.

```yaml
tpo: {kind: TPO, session: 1d, timezone: "America/New_York@09:30", bracket: 30m, initial_balance: 1h}
```
"""


def day() -> Bars:
    """The tape as bars."""
    return SyntheticTape(seed=11, days=1).bars("1m", row_size=1.0)


def profiles(bars: Bars) -> dict[str, np.ndarray]:
    """Point of control and value area by dialect, in rows named by their lower edge."""
    size = bars.levels.row_size
    made = {}
    for name, dialect in DIALECTS.items():
        table = VolumeProfile.table(bars, session="1d", dialect=name)
        made[name] = np.round(table / size) - (dialect.anchor.value == "ceil")
    return made


def choices(cls: type[TPO | VolumeProfile], dialects: Mapping[str, Dialect], what: str = "") -> Iterator[str]:
    """What each dialect holds, one table each."""
    for name, dialect in dialects.items():
        yield f"### {name}{what}\n\n{dialect.title[0].upper()}{dialect.title[1:]}.\n"
        yield "| choice | value | means | source |\n| --- | --- | --- | --- |"
        for row in cls.explain(dialect=name):
            yield f"| {row['choice']} | `{row['value']}` | {row['means']} | {row['source']} |"
        yield ""


def end_of_day(made: dict[str, np.ndarray], size: float) -> Iterator[str]:
    """The last profile of each dialect."""
    yield "\n| dialect | poc | vah | val | rows |\n| --- | ---: | ---: | ---: | ---: |"
    for name, table in made.items():
        poc, vah, val = table[:, -1]
        yield f"| {name} | {poc * size:g} | {vah * size:g} | {val * size:g} | {vah - val + 1:.0f} |"


def matrix(made: dict[str, np.ndarray]) -> Iterator[str]:
    """How often, and how far, two dialects lie apart."""
    yield "\n| | " + " | ".join(made) + " |\n| --- |" + " ---: |" * len(made)
    for name, table in made.items():
        cells = []
        for other in made.values():
            apart = np.abs(table[1:] - other[1:]).max(axis=0)
            differ = apart > 0
            far = f" ({apart[differ].mean():.1f})" if differ.any() else ""
            cells.append(f"{100 * differ.mean():.0f}{far}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def page() -> str:
    """The whole page."""
    bars = day()
    made, levels = profiles(bars), bars.levels
    rows = (levels.price_tick.max() - levels.price_tick.min()) // levels.row_ticks + 1
    tape = TAPE.format(trades=int(bars["trades"].sum()), rows=rows, size=levels.row_size)
    parts = [INTRO, tape, *end_of_day(made, levels.row_size), MATRIX, *matrix(made), "", "## What they are\n"]
    parts += [*choices(VolumeProfile, DIALECTS), TIME, *choices(TPO, TPO_DIALECTS, ", letters")]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PAGE, help="where the page goes")
    parser.parse_args().out.write_text(page(), encoding="utf-8")

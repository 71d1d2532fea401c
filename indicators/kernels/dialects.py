"""How platforms count: named sets of the choices behind a point of control and a value area, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.bars import Bars, Levels
from ...core.errors import InputError
from .value_area import EXPANSIONS, GAPS, POC_TIES, SIDE_TIES, TARGETS

ANCHORS = ("floor", "ceil")
OURS = "not published; ours"
GIVEN = "your parameter"

MEANINGS: dict[str, dict[Any, str]] = {
    "expansion": {
        "one_row": "the next row above against the next below",
        "two_row": "the next two rows above against the next two below",
        "three_row": "the next three rows above against the next three below",
    },
    "side_tie": {
        "up": "of equal sides the upper",
        "down": "of equal sides the lower",
        "near": "of equal sides the one nearer to the point of control, then the upper",
    },
    "poc_tie": {
        "middle": "of equal rows the nearest to the middle of the profile, then the lower",
        "middle_up": "of equal rows the nearest to half a row above the middle, then the lower",
        "middle_down": "of equal rows the nearest to the middle row, the lower of two middle rows, then the lower",
        "lowest": "of equal rows the lowest",
        "highest": "of equal rows the highest",
    },
    "gaps": {
        "count": "a row nobody traded at is a row of zero",
        "skip": "a row nobody traded at is no row",
    },
    "target": {
        "reach": "rows are added until the share is reached",
        "exceed": "rows are added until the share is exceeded",
        "within": "rows are added as long as the share is not exceeded",
    },
    "anchor": {
        "floor": "a row is named by its lower edge and reaches up; rows are counted from price 0",
        "ceil": "a row is named by its upper edge and reaches down; rows are counted from price 0",
    },
    "letters": {
        "range": "a bracket marks every row from its lowest to its highest price",
        "traded": "a bracket marks the rows that traded in it",
    },
}
_SHARES = {"value_area": "the share of the volume", "bracket": "the length of one letter"}


@dataclass(frozen=True)
class Stated:
    """One choice.

    Parameters
    ----------
    value : object
        What is chosen.
    source : str
        The public text that says so; empty where none does and our default stands in.
    note : str
        What a reader should know about it.
    """

    value: Any
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Dialect:
    """One platform's choices.

    Parameters
    ----------
    title : str
        What it is.
    value_area, expansion, side_tie, poc_tie, gaps, target, anchor : Stated
        See `MEANINGS`; ``value_area`` is a share of the volume.
    session : Stated
        When a profile begins, in words: it is `session`, `timezone` and `window` that say it here.
    bracket : Stated
        How long a letter of a TPO profile lasts.
    letters : Stated
        Which rows get it.
    """

    title: str
    value_area: Stated = Stated(0.7)
    expansion: Stated = Stated("two_row")
    side_tie: Stated = Stated("up")
    poc_tie: Stated = Stated("middle")
    gaps: Stated = Stated("count")
    target: Stated = Stated("reach")
    anchor: Stated = Stated("floor")
    session: Stated = Stated("as session, timezone and window say")
    bracket: Stated = Stated("30m")
    letters: Stated = Stated("range")


DALTON = "Dalton, Jones, Dalton (1990), Mind Over Markets, appendix 1"
LINN = "linnsoft.com/qa/a/123.htm, method A"
PIVOTS = "mypivots.com/dictionary/definition/40"
PYMP = "github.com/bfolkens/py-market-profile, src/market_profile at 0.2"
_TV = "tradingview.com/support/solutions/43000502040, as two public re-implementations restate it"
_SIERRA = "sierrachart.com, Technical Studies Reference 209, Volume Value Area Lines"
_NINJA = "ninjatrader.com/support/helpGuides/nt8, Order Flow Volume Profile"
_ATAS = "github.com/AtasPlatform/Indicators, Technical/DynamicLevels.cs"
_ATAS_HELP = "start.atas.net, Volume Profile Levels"
_LEAN = "github.com/QuantConnect/Lean, Indicators/MarketProfile.cs"

DIALECTS: dict[str, Dialect] = {
    "cbot_two_row": Dialect(
        "the value area of the Chicago Board of Trade, by pairs of rows",
        value_area=Stated(0.7, DALTON, "mypivots stops at 0.68"),
        expansion=Stated("two_row", DALTON, "the losing pair stays and meets the next pair"),
        side_tie=Stated("up", f"{LINN}; {PIVOTS}"),
        poc_tie=Stated("middle", f"{LINN}; {PIVOTS}", "mypivots asks for the heavier half before the lower"),
        gaps=Stated("count"),
        target=Stated("reach", LINN),
    ),
    "market_profile": Dialect(
        "the Python package MarketProfile",
        value_area=Stated(0.7, PYMP),
        expansion=Stated("one_row", PYMP),
        side_tie=Stated("up", PYMP),
        poc_tie=Stated("middle_up", PYMP, "measured from half the number of rows, which is half a row too high"),
        gaps=Stated("skip", PYMP),
        target=Stated("exceed", PYMP),
        anchor=Stated("ceil", PYMP, "it puts a candle's whole volume at its close: from_klines: close"),
        session=Stated("the rows of the frame it is given", PYMP),
    ),
    "tradingview": Dialect(
        "TradingView's volume profile indicators",
        value_area=Stated(0.7, _TV),
        expansion=Stated("one_row", _TV),
        side_tie=Stated("near", _TV),
        poc_tie=Stated("middle"),
        gaps=Stated("count", _TV, "rows cut the whole range into equal steps"),
        target=Stated("reach", note="the restatements differ between reach and within"),
        anchor=Stated("floor", note="the platform counts rows from the lowest price of the profile"),
        session=Stated("the exchange's session, the visible range or a fixed range", _TV),
    ),
    "sierra": Dialect(
        "Sierra Chart's Volume by Price and Volume Value Area Lines",
        value_area=Stated(0.7, note="an input of the study"),
        session=Stated("the chart's session times", _SIERRA),
    ),
    "ninjatrader": Dialect(
        "NinjaTrader's Order Flow Volume Profile",
        value_area=Stated(0.68, _NINJA, "an input of the indicator"),
        session=Stated("the session of the trading hours template", _NINJA),
    ),
    "atas": Dialect(
        "ATAS's Dynamic Levels",
        value_area=Stated(0.7, _ATAS_HELP, "a setting of the platform"),
        expansion=Stated("three_row", _ATAS),
        side_tie=Stated("up", _ATAS),
        poc_tie=Stated("highest", note="the platform keeps the row that came first in time; inside a bar the highest"),
        gaps=Stated("skip", _ATAS),
        target=Stated("reach", _ATAS, "a point of control that alone holds the share to the digit is grown once more"),
        anchor=Stated("floor", _ATAS, "rows of one tick, named by their price"),
        session=Stated("hour, 4 hours, session, week, month or all", _ATAS),
    ),
    "lean": Dialect(
        "QuantConnect LEAN's VolumeProfile",
        value_area=Stated(0.7, _LEAN),
        expansion=Stated("one_row", _LEAN),
        side_tie=Stated("up", _LEAN),
        poc_tie=Stated("middle_down", _LEAN),
        gaps=Stated("skip", _LEAN),
        target=Stated("exceed", _LEAN),
        anchor=Stated("ceil", _LEAN, "it puts a bar's whole volume at its close: from_klines: close"),
        session=Stated("the last bars, two unless said otherwise", _LEAN),
    ),
}

CHOICES: dict[str, tuple[str, ...]] = {
    "expansion": EXPANSIONS,
    "side_tie": SIDE_TIES,
    "poc_tie": POC_TIES,
    "gaps": GAPS,
    "target": TARGETS,
    "anchor": ANCHORS,
}
"""The choices that are one of a few, with their values in the order in which kernels number them."""


def chosen(params: Mapping[str, Any], choice: str, dialects: Mapping[str, Dialect] = DIALECTS) -> Any:
    """What ``params`` say about one choice, or their dialect, of ``dialects``.

    Examples
    --------
    >>> chosen({"dialect": "atas", "gaps": None}, "gaps"), chosen({"dialect": "atas", "gaps": "count"}, "gaps")
    ('skip', 'count')
    """
    given = params.get(choice)
    return getattr(dialects[params["dialect"]], choice).value if given is None else given


def code(params: Mapping[str, Any], choice: str, dialects: Mapping[str, Dialect] = DIALECTS) -> float:
    """The same as a kernel's number."""
    return float(CHOICES[choice].index(chosen(params, choice, dialects)))


def explained(
    params: Mapping[str, Any], choices: tuple[str, ...], dialects: Mapping[str, Dialect] = DIALECTS
) -> list[dict[str, str]]:
    """Every choice in force: what it is, what that means, and who says so.

    Parameters
    ----------
    params : mapping
        With ``dialect``, and a value other than None for what overrides it.
    choices : tuple of str
        Which, of the fields of `Dialect`.
    dialects : mapping of str to Dialect
        Those that the kind has.

    Examples
    --------
    >>> explained({"dialect": "ninjatrader", "value_area": None}, ("value_area", "gaps"))[1]["source"]
    'not published; ours'
    """
    made = []
    for choice in choices:
        stated: Stated = getattr(dialects[params["dialect"]], choice)
        given = params.get(choice) if choice != "session" else None
        value = stated.value if given is None else given
        source = (stated.source or OURS) if given is None else GIVEN
        note = stated.note if given is None else ""
        meaning = _SHARES.get(choice) or MEANINGS.get(choice, {}).get(value, "")
        means = "; ".join(filter(None, (meaning, note)))
        made.append({"choice": choice, "value": str(value), "means": means, "source": source})
    return made


def check_anchor(
    bars: Bars, levels: Levels, params: Mapping[str, Any], kind: str, dialects: Mapping[str, Dialect] = DIALECTS
) -> None:
    """Refuse to round up prices that have been rounded down into rows of the feed.

    Raises
    ------
    InputError
        If the anchor is ``ceil`` and prices of unknown place lie within the rows.
    """
    if chosen(params, "anchor", dialects) == "ceil" and not levels.exact and not levels.tick_known:
        raise InputError(
            f"{kind}: anchor ceil rounds prices up, but rows of {levels.row_size:g} of {bars.source or 'bars'} hold "
            "prices between their edges; set tick and row_size of the data to the step of its prices, and row_size here"
        )


def coarse(levels: Levels, params: Mapping[str, Any], dialects: Mapping[str, Dialect] = DIALECTS) -> Iterator[str]:
    """What rounding up cannot tell of rows that are several ticks high."""
    if chosen(params, "anchor", dialects) == "ceil" and levels.row_ticks > 1:
        yield (
            f"anchor ceil rounds prices up, and the feed's rows of {levels.row_size:g} are {levels.row_ticks} ticks "
            "high: what traded at the lowest tick of a row goes up with it; row_size of one tick for the data is exact"
        )

"""How platforms count time at price: the choices behind a TPO profile, each with its source."""

from __future__ import annotations

from typing import Any

from ...core.params import Choice
from .dialects import DALTON, LINN, PIVOTS, PYMP, Dialect, Stated

LETTERS = ("range", "traded")
_LEAN = "github.com/QuantConnect/Lean, Indicators/MarketProfile.cs and TimeProfile.cs"
_SIERRA = "sierrachart.com, Technical Studies Reference 158, TPO Value Area Lines"
_AT_CLOSE = "a candle counts once, at its close: from_klines: close"
_AS_VOLUME = "as its volume profiles; for TPO not published"

TPO_DIALECTS: dict[str, Dialect] = {
    "cbot_two_row": Dialect(
        "the Market Profile of the Chicago Board of Trade, by pairs of rows",
        value_area=Stated(0.7, DALTON, "of the letters; mypivots stops at 0.68"),
        expansion=Stated("two_row", DALTON, "the losing pair stays and meets the next pair"),
        side_tie=Stated("up", f"{LINN}; {PIVOTS}"),
        poc_tie=Stated("middle", f"{LINN}; {PIVOTS}", "mypivots asks for the heavier half before the lower"),
        target=Stated("reach", LINN),
        bracket=Stated("30m", DALTON),
        letters=Stated("range", DALTON),
    ),
    "market_profile": Dialect(
        "the Python package MarketProfile with mode tpo",
        value_area=Stated(0.7, PYMP, "of the letters"),
        expansion=Stated("one_row", PYMP),
        side_tie=Stated("up", PYMP),
        poc_tie=Stated("middle_up", PYMP, "measured from half the number of rows, which is half a row too high"),
        gaps=Stated("skip", PYMP),
        target=Stated("exceed", PYMP),
        anchor=Stated("ceil", PYMP, _AT_CLOSE),
        session=Stated("the rows of the frame it is given", PYMP),
        bracket=Stated("bar", PYMP),
        letters=Stated("traded", PYMP, _AT_CLOSE),
    ),
    "tradingview": Dialect(
        "TradingView's TPO indicators",
        value_area=Stated(0.7, note=_AS_VOLUME),
        expansion=Stated("one_row", note=_AS_VOLUME),
        side_tie=Stated("near", note=_AS_VOLUME),
        target=Stated("within", note=_AS_VOLUME),
        bracket=Stated("30m", note="a setting of the platform"),
    ),
    "sierra": Dialect(
        "Sierra Chart's TPO Profile Chart and TPO Value Area Lines",
        value_area=Stated(0.7, note="an input of the study"),
        session=Stated("the chart's session times", _SIERRA),
        bracket=Stated("30m", _SIERRA, "an input of the study"),
    ),
    "lean": Dialect(
        "QuantConnect LEAN's TimeProfile",
        value_area=Stated(0.7, _LEAN, "of the letters"),
        expansion=Stated("one_row", _LEAN),
        side_tie=Stated("up", _LEAN),
        poc_tie=Stated("middle_down", _LEAN),
        gaps=Stated("skip", _LEAN),
        target=Stated("exceed", _LEAN),
        anchor=Stated("ceil", _LEAN, _AT_CLOSE),
        session=Stated("the last bars, two unless said otherwise", _LEAN),
        bracket=Stated("bar", _LEAN),
        letters=Stated("traded", _LEAN, _AT_CLOSE),
    ),
}

UNPUBLISHED = {"ninjatrader": "NinjaTrader", "atas": "ATAS"}
"""Programs that draw letters, but tell nobody how they find the point of control and the value area."""


class Published(Choice):
    """A dialect whose rule is public; of one whose rule is not it says so."""

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is.

        >>> Published("lean").check("atas")
        "must be one of 'lean': ATAS publishes no rule for letters"
        """
        said = super().check(value)
        who = UNPUBLISHED.get(value) if isinstance(value, str) else None
        return f"{said}: {who} publishes no rule for letters" if said and who else said

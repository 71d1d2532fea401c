"""Kinds of bars: what ends a bar, as text that YAML and the command line take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ...core.clock import INTERVAL_WORDS, UNITS, interval_text
from ...core.errors import ParamError, nearest
from .sessions import Session

MEASURES = {"t": "rows", "v": "base volume", "q": "notional", "r": "range in ticks"}
RULES = {"i": "imbalance", "r": "run"}
ALLOWED = (
    "a number and s, m, h, d or w (time), t (rows), v (base volume), q (notional), r (range in ticks), ti, vi or qi "
    "(imbalance), tr, vr or qr (run), then @ and a session if wished, as in 1m, 500t, 250v or 500t@1d"
)
_FLOWS = tuple(measure + rule for rule in RULES for measure in "tvq")
_WORDS = {
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
    **dict.fromkeys(("x", "row", "rows", "tick", "ticks", "trade", "trades"), "t"),
    **dict.fromkeys(("b", "vol", "volume", "base"), "v"),
    **dict.fromkeys(("n", "usd", "usdt", "quote", "dollar", "dollars", "notional"), "q"),
    **dict.fromkeys(("range", "ranges"), "r"),
    **dict.fromkeys(("tib", "it", "imbalance"), "ti"),
    **dict.fromkeys(("vib", "iv"), "vi"),
    **dict.fromkeys(("dib", "di", "iq"), "qi"),
    **dict.fromkeys(("trb", "rt", "run"), "tr"),
    **dict.fromkeys(("vrb", "rv"), "vr"),
    **dict.fromkeys(("drb", "dr", "rq"), "qr"),
}
"""What people write elsewhere, and how it is spelt here."""
_FORM = re.compile(r"([\d_.]+(?:[eE]\+?\d+)?)\s*([A-Za-z]*)")
_LARGEST = Decimal(10) ** 15
_LONGEST = 36_525 * UNITS["d"]
FINEST = 8
"""Decimals of the quantum in which base and notional are counted, fewer for very large bars."""


@dataclass(frozen=True)
class BarSpec:
    """What one bar is.

    ======================  ==========================================================================================
    ``30s 5m 4h 1d 1w``     time; ``minute``, ``hour``, ``day`` and ``week`` too, as providers write one of them
    ``500t``                rows of the tape
    ``250v``                base volume
    ``1000000q``            notional, in quote currency
    ``10r``                 range: high less low, in ticks
    ``500ti 250vi 9000qi``  imbalance: buys less sells, either way, in rows, base or notional
    ``500tr 250vr 9000qr``  run: the larger of buys and sells, in rows, base or notional
    ``500t@1d``             any of them, cut at the start of each session besides: whole hours, days, weeks, ``month``
    ``4h@1d:Asia/Tokyo``    the same with days, weeks or months of a time zone, as ``1d:America/Chicago@17:00`` ones
                            that begin at a time of day
    ======================  ==========================================================================================

    Parameters
    ----------
    text : str
        Canonical text, such as ``1m`` or ``250v@1d``.
    measure : str
        What is counted: empty for time, else ``t``, ``v``, ``q`` or ``r``.
    rule : str
        Empty, ``i`` for imbalance, ``r`` for run.
    size : Decimal
        How much of it: µs for time, else as in the text.
    session : Session or None
        Where bars are cut besides.

    Notes
    -----
    A bar ends with the trade that reaches the size; a trade is never split, and what it brings too much does not
    count towards the next bar. The size of imbalance and run bars is where their threshold starts; see
    `cutters.FlowRule`.
    """

    text: str
    measure: str
    rule: str
    size: Decimal
    session: Session | None = None

    @classmethod
    def parse(cls, text: str | BarSpec) -> BarSpec:
        """From text; what is a `BarSpec` already comes back.

        Raises
        ------
        ParamError
            For anything else, with what is allowed and the nearest kind.

        Examples
        --------
        >>> [BarSpec.parse(text).text for text in ("60m", "1_000_000q", "0.50v@24h", "1e6qi@1d:Asia/Tokyo")]
        ['1h', '1000000q', '0.5v@1d', '1000000qi@1d:Asia/Tokyo']
        """
        if isinstance(text, BarSpec):
            return text
        kind, at, session = str(text).strip().partition("@")
        kind = INTERVAL_WORDS.get(kind.strip().lower(), kind)
        try:
            cut = Session.parse(session) if at else None
        except ValueError as err:
            raise ParamError(f"bars: '{text}': {err}") from None
        hit = _FORM.fullmatch(kind.strip())
        number = _number(hit[1]) if hit else None
        if hit is None or number is None or hit[2] not in (*UNITS, *MEASURES, *_FLOWS):
            raise ParamError(f"bars: '{text}' is no kind of bar{_hint(hit)}; write {ALLOWED}")
        return _checked(str(text), number, hit[2], cut)

    @property
    def interval(self) -> int:
        """Length of a time bar in µs; 0 for other kinds."""
        return int(self.size) if not self.measure else 0

    @property
    def needs_tick(self) -> bool:
        """Whether it cannot be cut without the venue's price step."""
        return self.measure == "r"

    @property
    def needs_side(self) -> bool:
        """Whether it cannot be cut without the aggressors' sides."""
        return bool(self.rule)

    @property
    def file_name(self) -> str:
        """The text as a part of a file's name.

        >>> BarSpec.parse("4h@1d:Asia/Tokyo").file_name
        '4h@1d-Asia-Tokyo'
        """
        return re.sub(r"[^\w.@+-]", "-", self.text)


def _number(text: str) -> Decimal | None:
    try:
        made = Decimal(text)
    except InvalidOperation:
        return None
    return made if made > 0 else None


def _checked(text: str, number: Decimal, unit: str, session: Session | None) -> BarSpec:
    if number > _LARGEST:
        raise ParamError(f"bars: '{text}' is larger than any bar (at most {_LARGEST:.0e})")
    whole = number == number.to_integral_value()
    suffix = "" if session is None else f"@{session}"
    if unit in UNITS:
        if not whole:
            raise ParamError(f"bars: '{text}' must be a whole number of {unit}")
        size = number * UNITS[unit]
        if size > _LONGEST:
            raise ParamError(f"bars: '{text}' is longer than any bar (at most {interval_text(_LONGEST)})")
        return BarSpec(interval_text(int(size)) + suffix, "", "", size, session)
    if unit[0] in "tr" and not whole:
        raise ParamError(f"bars: '{text}' must be a whole number of {'ticks' if unit == 'r' else 'rows'}")
    if number != round(number, FINEST):
        raise ParamError(f"bars: '{text}' has more than {FINEST} decimals")
    plain = f"{number.normalize():f}"
    return BarSpec(f"{plain}{unit}{suffix}", unit[0], unit[1:], number, session)


def _hint(hit: re.Match[str] | None) -> str:
    """The nearest kind, where a number and letters were given."""
    if hit is None or not hit[2] or hit[2] in ("M", "mo") or _number(hit[1]) is None:
        return ""
    names = {**_WORDS, **{unit: unit for unit in (*UNITS, *MEASURES, *_FLOWS)}}
    near = nearest(hit[2], names)
    return f", did you mean '{hit[1]}{names[near]}'?" if near else ""

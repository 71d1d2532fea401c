"""Kinds of bars: what ends a bar, as text that YAML and the command line take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ..core.clock import DAY, INTERVAL_WORDS, UNITS, interval_text
from ..core.errors import ParamError, nearest
from .sessions import Grid, Session, months_text

MEASURES = {"t": "rows", "v": "base volume", "q": "notional", "r": "range in ticks"}
MONTHS = "mo"
RULES = {"i": "imbalance", "r": "run"}
ALLOWED = (
    "a number and s, m, h, d or w (time), mo (months), t (rows), v (base volume), q (notional), r (range in ticks), "
    "ti, vi or qi (imbalance), tr, vr or qr (run), then @ and a session if wished, as in 1m, 500t, 250v or 30m@1d:XNYS"
)
_FLOWS = tuple(measure + rule for rule in RULES for measure in "tvq")
_WORDS = {
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("min", "minute", "minutes"), "m"),
    **dict.fromkeys(("hr", "hour", "hours"), "h"),
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("week", "weeks"), "w"),
    **dict.fromkeys(("mon", "month", "months", "mth"), MONTHS),
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
    ``1mo 3mo``             months of the calendar, quarters from January
    ``500t``                rows of the tape
    ``250v``                base volume
    ``1000000q``            notional, in quote currency
    ``10r``                 range: high less low, in ticks
    ``500ti 250vi 9000qi``  imbalance: buys less sells, either way, in rows, base or notional
    ``500tr 250vr 9000qr``  run: the larger of buys and sells, in rows, base or notional
    ``500t@1d``             any of them, cut at the start of each session besides: whole hours, days, weeks, ``month``
    ``4h@1d:Asia/Tokyo``    the same with days, weeks or months of a time zone, as ``1d:America/Chicago@17:00`` ones
                            that begin at a time of day
    ``30m@1d:XNYS``         bars within the trading hours of an exchange, the first from its open; ``1d@1d:XNYS`` one a
                            trading day, ``1w`` and ``1mo`` one a trading week and month. Hours may be written, as in
                            ``30m@1d:America/New_York@09:30-16:00``
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
    months : int
        How many months, where it is months.

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
    months: int = 0

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
        if hit is None or number is None or hit[2] not in (*UNITS, MONTHS, *MEASURES, *_FLOWS):
            raise ParamError(f"bars: '{text}' is no kind of bar{_hint(hit) or _of_session(kind)}; write {ALLOWED}")
        return _checked(str(text), number, hit[2], cut)

    @property
    def interval(self) -> int:
        """Length of a time bar in µs, of months at most; 0 for other kinds."""
        return int(self.size) if not self.measure else 0

    @property
    def division(self) -> Session | None:
        """The sessions that are its bars, where those are of no fixed length."""
        cut = self.session
        zone = "UTC" if cut is None else cut.timezone
        if self.months:
            return Session(months_text(self.months), zone)
        if self.measure or cut is None or self.interval % DAY or not cut.by_date:
            return None
        own = interval_text(self.interval)
        return Session(own, zone) if cut.hours is not None or (own == cut.text and zone != "UTC") else None

    @property
    def grid(self) -> Grid:
        """Where time bars open and close."""
        whole = self.division
        return Grid(self.interval, self.session) if whole is None else Grid(self.interval, whole, whole=True)

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
    if unit == MONTHS:
        if not whole or number > 12 or 12 % int(number):
            raise ParamError(f"bars: '{text}' must be 1, 2, 3, 4, 6 or 12 months")
        return BarSpec(f"{int(number)}mo{suffix}", "", "", number * 31 * UNITS["d"], session, int(number))
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


def _of_session(text: str) -> str:
    """The bars of a session, where one was given in their place."""
    try:
        session = Session.parse(text) if ":" in text else None
    except ValueError:
        session = None
    if session is None:
        return ""
    return f", but a session; did you mean '{session.text}@{text}' or '30m@{text}'?"


def _hint(hit: re.Match[str] | None) -> str:
    """The nearest kind, where a number and letters were given."""
    if hit is None or not hit[2] or _number(hit[1]) is None:
        return ""
    if hit[2] == "M":
        return f"; 1m is a minute, 1{MONTHS} a month"
    names = {**_WORDS, **{unit: unit for unit in (*UNITS, MONTHS, *MEASURES, *_FLOWS)}}
    near = nearest(hit[2], names)
    return f", did you mean '{hit[1]}{names[near]}'?" if near else ""

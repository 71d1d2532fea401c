"""What the options of ``tapeflow compute`` ask of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LIKE = ("taapi", "amberdata", "kiyotaka", "aperiodic")
"""The providers whose answers there are."""
DOCUMENTS = ("taapi", "amberdata", "kiyotaka")
"""Those who answer with one JSON document."""
TIMES = {
    "seconds": "seconds",
    "milliseconds": "milliseconds",
    "ms": "milliseconds",
    "iso": "iso",
    "iso8601": "iso",
    "hr": "words",
    "human_readable": "words",
}
"""How an answer's times are written, by the words that providers have for it."""
COMPLETE = ("amberdata", "kiyotaka", "aperiodic")
"""Those whose answer says itself what is computed."""


@dataclass(frozen=True)
class ComputeOptions:
    """What the options ask of the answer.

    Parameters
    ----------
    results : str or None
        A number of bars, ``max``, or nothing.
    backtrack : int or None
        Which bar from the end is the last one, 1 being the last closed one and 0 the one that was still forming where
        the data end. Nothing is 0 in TAAPI's answers, as on its page, and elsewhere 1.
    chart : str
        ``candles`` or ``heikinashi``.
    timestamps : str or None
        One of `TIMES`.
    like : str or None
        A provider.
    ids : tuple of str
        What its answer calls the market.
    usd : str or None
        What the quote currency is worth in dollars.
    fields : str or None
        Of Aperiodic's.
    size : str or None
        Classes of trade size that every value is of.
    """

    results: str | None
    backtrack: int | None
    chart: str
    timestamps: str | None
    like: str | None
    ids: tuple[str, ...]
    usd: str | None
    fields: str | None
    size: str | None = None

    def check(self, indicators: int, form: str | None, out: str | None, *, in_usd: bool = False) -> None:
        """Refuse what does not go together.

        Parameters
        ----------
        indicators : int
            How many were asked for.
        form, out : str or None
            As ``--format`` and ``--out`` say.
        in_usd : bool
            Whether one of them is in dollars.

        Raises
        ------
        ParamError
            Naming the option.
        """
        from ..core.errors import ParamError

        own = self.like in COMPLETE
        if own and indicators:
            raise ParamError(f"--indicator: --like {self.like} has values of its own; leave one of them out")
        if not own and not indicators:
            raise ParamError('--indicator: name at least one, as in --indicator "vwap=VWAP(anchor=1d)"')
        if self.like == "taapi" and indicators > 1:
            raise ParamError(f"--like taapi: one indicator at a time (got {indicators})")
        if self.usd is not None and not own and not in_usd:
            raise ParamError("--usd: no indicator is asked for dollars, as in VolumeDelta(unit=usd)")
        if own and self.chart != "candles":
            raise ParamError(f"--chart: --like {self.like} shows no indicator")
        if self.like in DOCUMENTS and form not in (None, "json"):
            raise ParamError(f"--format {form}: --like {self.like} answers in JSON")
        if self.like in DOCUMENTS and out not in (None, "-") and Path(str(out)).suffix.lower() != ".json":
            raise ParamError(f"--out {out}: --like {self.like} answers in JSON")
        if self.usd is not None and self.like not in (None, "amberdata", "kiyotaka"):
            raise ParamError(f"--usd: --like {self.like} answers nothing in dollars")
        if self.fields is not None and self.like != "aperiodic":
            raise ParamError("--fields: only --like aperiodic has fields to choose from")
        if self.like == "kiyotaka" and self.timestamps not in (None, "seconds"):
            raise ParamError(f"--timestamps {self.timestamps}: --like kiyotaka stamps in seconds")
        if self.like in ("kiyotaka", "aperiodic") and self.size is not None:
            raise ParamError(f"--size: --like {self.like} answers of all trades alone")
        self.names()
        self.count()
        self.classes()

    @property
    def forming(self) -> bool:
        """Whether a bar that was still forming where the data end is asked for."""
        return self.backtrack == 0

    @property
    def times(self) -> str | None:
        """How times are written, if asked for: of Amberdata's answers in milliseconds unless said otherwise."""
        return TIMES[self.timestamps] if self.timestamps else "milliseconds" if self.like == "amberdata" else None

    def count(self) -> int | None:
        """How many bars; None for all."""
        from ..core.errors import ParamError

        if self.results in (None, "max"):
            return None
        if not str(self.results).isdigit() or int(str(self.results)) < 1:
            raise ParamError(f"--results: '{self.results}' must be a number of bars from 1 on, or max")
        return int(str(self.results))

    def classes(self) -> str:
        """The size, as `core.sizes.parse_size` reads it; Amberdata's names are those of the lower edge."""
        from ..core.errors import ParamError
        from ..core.sizes import ALL, SIZE_SAYS, parse_size
        from .provider_formats import AMBERDATA_SIZES

        text = (self.size or ALL).strip()
        if self.like == "amberdata":
            text = AMBERDATA_SIZES.get(text.lower(), text)
        try:
            parse_size(text)
        except ValueError as err:
            why = str(err) or f"must be {SIZE_SAYS}"
            raise ParamError(f"--size: '{self.size}' {why}") from None
        return text

    def names(self) -> dict[str, str]:
        """What the market is called."""
        from ..core.errors import ParamError, unknown
        from .exchanges import GROUP_BY, SUM
        from .provider_formats import IDS, KIYOTAKA_TYPES

        made: dict[str, str] = {}
        for key, _, value in (text.partition("=") for text in self.ids):
            made[key] = f"{made[key]},{value}" if key == "exchange" and key in made else value
        for key in made:
            allowed = (*IDS.get(self.like or "", ()), *((GROUP_BY,) if self.like == "kiyotaka" else ()))
            if key not in allowed:
                raise ParamError(f"--id: {unknown('key', key, allowed)}")
        if made.get("type", KIYOTAKA_TYPES[0]) not in KIYOTAKA_TYPES:
            raise ParamError(f"--id: {unknown('type', made['type'], KIYOTAKA_TYPES)}")
        if made.get(GROUP_BY, SUM) != SUM:
            raise ParamError(f"--id: {unknown(GROUP_BY, made[GROUP_BY], [SUM])}")
        return made

    def part(self, bars: int, unless: int | None = None, *, forming: bool = False) -> slice:
        """Which of so many bars, of which the last may be ``forming``; ``unless`` says how many where nobody does."""
        from ..core.errors import DataError

        closed, back = bars - forming, self.backtrack or 0
        end = closed - (back - 1) if back else bars
        if end < 1:
            raise DataError(f"--backtrack {back}: there are only {closed} bars")
        count = unless if self.results is None else self.count()
        return slice(max(0, end - count) if count else 0, end)

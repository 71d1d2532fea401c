"""Bars as a backtrader feed: whole columns handed to the line buffers, no Python per bar."""

from __future__ import annotations

import array
import sys
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer
from numpy.typing import NDArray

from .adjusted import PREFIX, adjusted_columns
from .bars import Bars
from .clock import day_numbers, iso
from .errors import InputError
from .schema import BARS
from .trading import shut

if TYPE_CHECKING:
    from .footprint import Footprint

STANDARD = ("datetime", "open", "high", "low", "close", "volume", "openinterest")
EXTRA = tuple(c.name for c in BARS if c.name not in STANDARD)


class _Late(LineBuffer):
    """A line whose buffer is filled when it is first asked for: few strategies read all of a feed's lines."""

    column: NDArray[Any]

    def __getattr__(self, name: str) -> Any:
        if name != "array":
            raise AttributeError(f"a line has no {name}")
        made = array.array("d")
        made.frombytes(np.ascontiguousarray(self.column, dtype=np.float64).view(np.uint8).data)
        made.extend([float("nan")] * self.extension)
        self.array = made
        return made

    def buflen(self) -> int:
        """Bars it holds."""
        return len(self.array) - self.extension if "array" in self.__dict__ else len(self.column)


class _Untold(LineBuffer):
    """A flow column of a feed that backtrader makes longer, of which it knows nothing."""

    told: str

    def __getitem__(self, ago: int) -> float:
        raise InputError(self.told)

    def get(self, ago: int = 0, size: int = 1) -> Any:
        """Refuse."""
        raise InputError(self.told)


class BarData(bt.feed.DataBase):
    """A data feed whose lines are the canonical bar columns, stamped at each bar's close.

    backtrader sees ``datetime`` as float days; the exact epoch µs travel as ``open_time`` and
    ``close_time``. When backtrader preloads, a line is filled in bulk, as soon as anybody reads it; in every
    other mode bars are filled one by one.

    Parameters
    ----------
    dataname : Bars
        What to feed.
    tick : float, default=None
        Smallest step of the price; None where it is not known.
    lot : float, default=None
        Smallest step of an order's size, in base currency.
    min_notional : float, default=0.0
        Smallest order, in quote currency.
    knows_prices : bool, default=True
        False where the feed may not know the open or close of a bar in which somebody traded.
    """

    tick_open = tick_high = tick_low = tick_close = None
    """None lets the broker read the lines; filling an attribute for every line at every bar would be for nothing."""

    lines: Any = EXTRA
    params: Any = dict(tick=None, lot=None, min_notional=0.0, knows_prices=True)
    longer = ""
    """``resampled`` or ``replayed`` where backtrader makes its bars longer."""
    read_by: Any = None
    """The reader of the bars' files, where it is known."""

    def resample(self, **kwargs: Any) -> None:
        """As backtrader has it, for prices and volume: other columns refuse to be read."""
        self.longer = "resampled"
        super().resample(**kwargs)

    def replay(self, **kwargs: Any) -> None:
        """As backtrader has it, for prices and volume: other columns refuse to be read."""
        self.longer = "replayed"
        super().replay(**kwargs)

    def clone(self, **kwargs: Any) -> Any:
        """Another feed over the same bars, with all their columns."""
        given = dict(self.p._getkwargs())
        made = type(self)(**{**given, **kwargs})
        made._name = self._name
        return made

    def copyas(self, _dataname: Any, **kwargs: Any) -> Any:
        """The same under another name."""
        made = self.clone(**kwargs)
        made._name = _dataname
        return made

    def untold(self, name: str) -> str:
        """Why a feed made longer by backtrader has no column ``name``, and what has it."""
        return (
            f"a {self.longer} feed has no '{name}': backtrader adds up prices and volume alone; give each timeframe a "
            "feed of its own, as bars: {fast: 1m, slow: 4h} does in YAML and bars_of(['1m', '4h']) in Python"
        )

    def start(self) -> None:
        """Put the columns in the order of the lines."""
        super().start()
        for name in self.getlinealiases() if self.longer else ():
            if name not in STANDARD:
                line = getattr(self.lines, name)
                line.__class__, line.told = _Untold, self.untold(name)
        bars: Bars = self.p.dataname
        if not isinstance(bars, Bars):
            raise InputError(f"{type(self).__name__} has {bars!r:.40} for bars: {type(self).__name__}(dataname=bars)")
        n = len(bars)
        known: dict[str, NDArray[Any]] = {**bars.columns, "datetime": day_numbers(bars["close_time"])}
        known |= {f"{PREFIX}{name}": column for name, column in adjusted_columns(bars.columns, bars.schema).items()}
        self._columns = [known.get(name, np.broadcast_to(np.nan, n)) for name in self.getlinealiases()]
        self._row, self._rows = -1, n

    @property
    def given(self) -> Bars:
        """The bars behind the lines, all of them: for what makes and fills orders, and lays out price rows."""
        made: Bars = self.p.dataname
        return made

    @property
    def bars(self) -> Bars:
        """The bars behind the lines, levels included; those so far, of a feed that `unfolds`."""
        return self.given

    @property
    def hours(self) -> str:
        """The trading hours of the bars, as text; empty where they have none."""
        return self.given.hours

    def footprint(self, ago: int = 0, *args: Any, **kwargs: Any) -> Footprint | None:
        """The price rows of the current bar, or of one ``-ago`` bars back, as `Bars.footprint` gives them.

        Raises
        ------
        InputError
            If the feed has no levels, or the bar has not come yet or lies before the first.

        Examples
        --------
        In a strategy::

            def next(self):
                fp = self.data.footprint(imbalance_percent=400)
                if fp is not None and fp.delta() > 0 and fp.rows()[-1].has_buy_imbalance():
                    self.enter_long()
        """
        self.carries("levels")
        if ago > 0 or len(self) + ago < 1:
            raise InputError(f"footprint: ago {ago} is no bar that has closed; 0 is the current one, -1 the one before")
        # Rows are counted back on our bars, since exactbars forgets lines; but where filters leave some out.
        back = ago if self._filters else 0
        at = int(np.searchsorted(self.bars["close_time"], int(self.lines.close_time[back])))
        return self.bars.footprint(at + ago - back, *args, **kwargs)

    @property
    def tick(self) -> float | None:
        """Smallest step of the price."""
        step: float | None = self.p.tick
        return step

    @property
    def lot(self) -> float | None:
        """Smallest step of an order's size, in base currency."""
        step: float | None = self.p.lot
        return step

    @property
    def min_notional(self) -> float:
        """Smallest order, in quote currency."""
        smallest: float = self.p.min_notional
        return smallest

    def shut(self, empty_bars: str) -> bytes | None:
        """A byte for each bar, 1 where orders wait (`core.trading.shut`); None where they never do.

        A feed that backtrader cuts or filters has rows of its own, of which nothing is known.
        """
        if self._filters or self._bounded():
            return None
        made = shut(self.given, empty_bars)
        return made.tobytes() if made.any() else None

    def check_prices(self) -> None:
        """Refuse to be traded where the feed may not know what the prices of a bar were.

        Raises
        ------
        InputError
            Says which prices of which bars.
        """
        if self.p.knows_prices:
            return
        missing = {name: np.isnan(self.bars[name]) for name in ("open", "high", "low", "close")}
        if lacking := [name for name, which in missing.items() if which.any()]:
            bars = np.logical_or.reduce(list(missing.values()))
            raise InputError(
                f"{self._name or self.bars.source}: an order was sent, but {', '.join(lacking)} of {bars.sum():,} of "
                f"{len(bars):,} bars are not known, the first at {iso(int(self.bars['open_time'][np.argmax(bars)]))}; "
                "trade a feed that knows its prices and let this one stand beside it"
            )

    @property
    def whole(self) -> bool:
        """Whether its bars are those that it was given: none cut off, filtered or made longer."""
        return not (self.longer or self._filters or self._bounded())

    def _bounded(self) -> bool:
        return bool(self.fromdate != float("-inf") or self.todate != float("inf"))

    def carries(self, name: str) -> bool:
        """Whether the source knows column ``name``."""
        if self.longer and name not in STANDARD:
            raise InputError(self.untold(name))
        return self.given.carries(name)

    def _tick_nullify(self) -> None:
        pass

    def _tick_fill(self, force: bool = False) -> None:
        pass

    def _load(self) -> bool:
        self._row += 1
        if self._row >= self._rows:
            return False
        for line, column in zip(self.lines.lines, self._columns, strict=True):
            line[0] = float(column[self._row])
        return True

    def preload(self) -> None:
        """Hand every line its column, which it copies if it is read."""
        if self._filters or self._tzinput or self._barstack or self._barstash or self._bounded():
            super().preload()
            return
        for line, column in zip(self.lines.lines, self._columns, strict=True):
            line.__class__, line.column = _Late, column
            line.__dict__.pop("array", None)
        self._row = self._rows - 1
        self.home()


class _Unfolding:
    """A feed that knows no bar before it comes, to nobody who asks for its bars."""

    given: Bars
    _row: int

    @property
    def bars(self) -> Bars:
        """Those that have closed."""
        return self.given.slice(0, max(getattr(self, "_row", -1) + 1, 0))


_variants: dict[tuple[bool, tuple[str, ...]], Any] = {}


def bar_data(bars: Bars, name: str = "", *, unfolds: bool = False, **kwargs: Any) -> Any:
    """A feed over ``bars``; columns beyond the canonical ones become lines too, and so do adjusted prices.

    Parameters
    ----------
    bars : Bars
        What to feed.
    name : str
        The feed's name in backtrader.
    unfolds : bool, default=False
        Whether its ``bars`` are those so far alone; for a run that is fed bar by bar.
    **kwargs
        Further parameters of ``backtrader.feed.DataBase``.
    """
    more = tuple(c for c in bars.columns if c not in STANDARD and c not in EXTRA)
    more += tuple(f"{PREFIX}{name}" for name in adjusted_columns(bars.columns, bars.schema))
    return _data_class(more, unfolds)(dataname=bars, name=name, **kwargs)


def _data_class(more: tuple[str, ...], unfolds: bool) -> Any:
    if not more and not unfolds:
        return BarData
    key = unfolds, more
    if key not in _variants:
        name = f"BarData_{len(_variants) + 1}"
        meta: Any = type(BarData)
        bases = (_Unfolding, BarData) if unfolds else (BarData,)
        made = meta(name, bases, {"lines": more, "__module__": __name__})
        setattr(sys.modules[__name__], name, made)
        _variants[key] = made
    return _variants[key]

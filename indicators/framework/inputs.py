"""What an indicator reads: columns of bars or frames, price rows, and values derived from columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.clock import DAY, grid_origin, parse_interval
from ...core.days import parse_days as parse_days
from ...core.errors import InputError, unknown
from ...core.hours import TradingDays, hours_in
from ...core.params import Text
from ...core.schema import BAR_COLUMNS, THREE_CLASSES, USD_RATE
from ...core.sessions import Days
from ...core.sizes import classes_in

if TYPE_CHECKING:
    import pandas as pd

LEVELS = "levels"
"""The input that stands for the price rows of the bar."""

Floats = NDArray[np.float64]


class Derived(Protocol):
    """An input worked out from columns of the same bar, outside the kernel.

    ``array`` on whole columns and ``scalar`` on one bar's values must agree.
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns it is worked out from."""

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """One value a bar."""

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """The value of one bar."""


Input = str | int | Derived


def parse_session(text: str) -> int | str:
    """Microseconds of a session, or its name: ``none``, ``bar``, ``month``.

    Raises
    ------
    ValueError
        If ``text`` is neither an interval nor one of these.

    Examples
    --------
    >>> parse_session("1d"), parse_session("month")
    (86400000000, 'month')
    """
    return text if text in ("none", "bar", "month") else parse_interval(text)


@dataclass(frozen=True)
class Session:
    """The number of the session a bar opens in; it changes where a session begins.

    Parameters
    ----------
    param : str
        The indicator's parameter that holds the session: an interval such as ``1d`` or ``4h``,
        ``month``, ``bar`` (each bar its own) or ``none`` (one for ever). Weeks begin on Monday.
    zone : str
        The parameter with the IANA zone in which whole days, weeks and months begin, as `parse_days` reads it;
        without such a parameter UTC.

    Examples
    --------
    >>> hours = Session().array({"session": "1h"}, np.array([0, 3_599_999_999, 3_600_000_000]))
    >>> hours.tolist()
    [0.0, 0.0, 1.0]
    """

    param: str = "session"
    zone: str = "timezone"
    needs: tuple[str, ...] = ("open_time",)

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Session numbers of bars that open at these epoch µs."""
        times = columns[0].astype(np.int64)
        spec, days = self._read(params)
        if spec == "none":
            return np.zeros(len(times))
        if spec == "bar":
            return times.astype(np.float64)
        if not isinstance(spec, str) and days.plain:
            return np.floor_divide(times - grid_origin(spec), spec).astype(np.float64)
        return _of_days(spec, days.numbers(times))

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Session number of a bar that opens at this epoch µs."""
        spec, days = self._read(params)
        if spec in ("none", "bar") or days.plain:
            return float(self.array(params, np.array(values))[0])
        return float(_of_days(spec, np.array([days.number(int(values[0]))]))[0])

    def _read(self, params: Mapping[str, Any]) -> tuple[int | str, Days | TradingDays]:
        return parse_session(params[self.param] or "none"), parse_days(params.get(self.zone) or "UTC")

    def complaint(self, params: Mapping[str, Any]) -> str:
        """Empty unless a zone is asked for with a session that is no whole number of days."""
        spec, days = self._read(params)
        if days.plain or isinstance(spec, str) or spec % DAY == 0:
            return ""
        zone = params[self.zone]
        return f"{self.zone} must be UTC unless {self.param} is whole days, whole weeks or month (got {zone!r})"


def _of_days(spec: int | str, days: NDArray[np.int64]) -> Floats:
    """Session numbers of numbered days: months, or whole days counted from where `grid_origin` says."""
    if isinstance(spec, str):
        return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.float64)
    return np.floor_divide(days - grid_origin(spec) // DAY, spec // DAY).astype(np.float64)


def local_times(times: NDArray[np.int64], zone: ZoneInfo) -> NDArray[np.int64]:
    """What clocks in ``zone`` show at these epoch µs, as µs since midnight of 1970-01-01 on those clocks."""
    import pandas as pd

    local = pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC").tz_convert(zone).tz_localize(None)
    made: NDArray[np.int64] = local.as_unit("us").asi8
    return made


@dataclass(frozen=True)
class Duration:
    """Microseconds from a bar's open time to its close time.

    Examples
    --------
    >>> Duration().array({}, np.array([0, 60_000_000]), np.array([60_000_000, 90_000_000])).tolist()
    [60000000.0, 30000000.0]
    """

    needs: tuple[str, ...] = ("open_time", "close_time")

    def array(self, params: Mapping[str, Any], *columns: NDArray[Any]) -> Floats:
        """Of every bar."""
        made: Floats = (columns[1] - columns[0]).astype(np.float64)
        return made

    def scalar(self, params: Mapping[str, Any], *values: float) -> float:
        """Of one bar."""
        return float(values[1] - values[0])


class ColumnSource:
    """Columns by name from whatever `over` is given.

    Parameters
    ----------
    given : Bars, DataFrame or Series
        Bars; a frame with canonical columns, indexed by right edges; or one series of values.
    """

    def __init__(self, given: Bars | pd.DataFrame | pd.Series[Any]) -> None:
        self.given: Any = given.adjusted if isinstance(given, Bars) else given
        self.is_bars = isinstance(given, Bars)
        self.name = (given.source or "bars") if isinstance(given, Bars) else "frame"
        self._times = {} if isinstance(given, Bars) else _times_of(given)
        self.is_series = getattr(given, "ndim", 2) == 1
        self._stands_for = ""
        self.levels = self.given.levels if isinstance(given, Bars) else None
        self.hours = given.hours if isinstance(given, Bars) else hours_in(str(given.attrs.get("spec", "")))

    def __len__(self) -> int:
        return len(self.given)

    def bars(self) -> Bars:
        """The same as bars."""
        return self.given if self.is_bars else Bars.from_frame(self.given)

    def stand_for(self, inputs: tuple[str, ...]) -> None:
        """Let a series be the one column that is read."""
        if self.is_series and len(inputs) == 1:
            self._stands_for = inputs[0]

    def names(self) -> list[str]:
        """Every column there is, known to the source or not."""
        if self.is_bars:
            return list(self.given.columns)
        return [*(str(c) for c in getattr(self.given, "columns", ())), *self._times]

    def carries(self, name: str) -> bool:
        """Whether the source knows ``name``: a column that is not NaN throughout, or ``levels``."""
        if name == LEVELS:
            return self.levels is not None
        if name not in self.names():
            return name != "" and name == self._stands_for
        values = self.column(name)
        return values.dtype.kind != "f" or not len(values) or not np.isnan(values[0]) or not np.isnan(values).all()

    def column(self, key: str | int) -> NDArray[Any]:
        """A column by name, or by number: 0 is the close of bars, else columns in order."""
        if self.is_series and key not in self._times:
            return np.asarray(self.given)
        if isinstance(key, str):
            return self._times[key] if key in self._times else np.asarray(self.given[key])
        return np.asarray(self.given["close" if key == 0 and "close" in self.names() else self.names()[key]])

    def index(self) -> pd.Index[Any]:
        """Close times in UTC; of a frame without them, its own index."""
        import pandas as pd

        if "close_time" not in self.names():
            index: pd.Index[Any] = self.given.index
            return index
        closes = self.column("close_time").astype(np.int64).astype("datetime64[us]")
        return pd.DatetimeIndex(closes, tz="UTC", name="time")


def _times_of(frame: Any) -> dict[str, NDArray[Any]]:
    """Open and close times that a frame's index of right edges stands for, where it has no such columns."""
    import pandas as pd

    if not isinstance(frame.index, pd.DatetimeIndex):
        return {}
    closes = frame.index.as_unit("us").asi8
    known = set(getattr(frame, "columns", ()))
    if "close_time" in known:
        closes = np.asarray(frame["close_time"]).astype(np.int64)
    length = int(np.median(np.diff(closes))) if len(closes) > 1 else 0
    made = {"open_time": closes - length, "close_time": closes}
    return {k: v for k, v in made.items() if k not in known}


ZONE = "timezone"
"""The parameter that says whose days an indicator counts."""


DAYS = Text(
    parse_days,
    "an IANA time zone, as in America/New_York, or America/Chicago@17:00, or trading hours, as in XNYS",
    optional=True,
)
"""What it may be."""


def counted_in(hours: str, params: dict[str, Any], complaint: Callable[[Mapping[str, Any]], str]) -> dict[str, Any]:
    """``params`` whose days are those of a feed's trading hours, where they name no zone; UTC's where it has none.

    So are those of an indicator that counts by no days, as ``complaint`` of its parameters tells.

    Examples
    --------
    >>> counted_in("XNYS", {"anchor": "1d", "timezone": None}, lambda params: "")
    {'anchor': '1d', 'timezone': 'XNYS'}
    """
    if ZONE not in params or params[ZONE] is not None:
        return params
    made = {**params, ZONE: hours or "UTC"}
    return {**params, ZONE: "UTC"} if hours and complaint(made) else made


def columns_of(inputs: Iterable[Input]) -> tuple[str, ...]:
    """The names of all columns that ``inputs`` stand on, ``levels`` included.

    >>> columns_of(("volume", Session(), 0))
    ('volume', 'open_time')
    """
    made: list[str] = []
    for key in inputs:
        if not isinstance(key, int):
            made += [key] if isinstance(key, str) else list(key.needs)
    return tuple(dict.fromkeys(made))


def missing(owner: str, column: str, feed: str, known: Iterable[str], remedy: str = "") -> InputError:
    """The error for a column that a feed does not carry, with what would help."""
    if not remedy:
        canonical, known = BAR_COLUMNS.get(column), set(known)
        if canonical is None and column in known:
            remedy = "no bar has a value in that column"
            if re.search(r"_p\d", column):
                remedy += "; percentiles of sizes are known after the first 10,000 rows"
        elif column == LEVELS:
            remedy = "set row_size on a feed of trades"
        elif column == USD_RATE:
            remedy = "say what the quote currency is worth: usd: 1 or the name of a feed in its data block (--usd)"
        elif canonical is None:
            remedy = unknown("column", column, known | set(BAR_COLUMNS))
        elif column in THREE_CLASSES and (held := classes_in(known)):
            remedy = (
                f"small, medium and large need two size_edges, but its classes are {', '.join(map(str, held))}; "
                "size: of TakerVolume or VolumeDelta asks for any of them"
            )
        elif not canonical.klines:
            remedy = "klines do not know it: build the bars from trades"
        else:
            remedy = "give the feed a column of that name"
    return InputError(f"{owner} reads '{column}', which {feed} does not carry: {remedy}")

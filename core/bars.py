"""Bars and levels: what aggregation makes and everything above reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .adjusted import adjusted_columns, adjusted_levels, is_adjusted
from .errors import DataError, InputError, ParamError, unknown
from .footprint import Footprint, footprint_of
from .hours import hours_in
from .levels import Levels as Levels
from .quote_levels import LEVEL_UNITS, in_unit
from .schema import ADJUSTMENT, BARS, KNOWN_COLUMNS, Column
from .sizes import ALL, SIZE_SAYS, SizeClass, parse_size, parts_of, sized_column

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars as columns by canonical name, with their levels where the source has them.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Canonical names; missing ones are filled with NaN (``quality`` with 0). Stored contiguous and read-only, as
        copies, but for arrays that own their data and are read-only already.
    levels : Levels or None
        Price rows; None when the source is klines or none were asked for.
    spec : str
        What one bar is: ``1m``, ``500t``, …
    source : str
        Where they came from, for errors and reports.
    row_size : float or None
        Row height asked for, when there are no levels to say it.
    notes : tuple of str
        What a reader of the result should know about them.

    Examples
    --------
    >>> bars = Bars.of(open_time=[0], close_time=[60_000_000], close=[10.0], volume=[2.0])
    >>> len(bars), bars["close"].tolist(), bars.carries("delta_high")
    (1, [10.0], False)
    """

    columns: Mapping[str, Array]
    levels: Levels | None = None
    spec: str = ""
    source: str = ""
    row_size: float | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        n = len(self.columns["close_time"])
        made: dict[str, Array] = {}
        for column in BARS:
            given = self.columns.get(column.name)
            if given is None:
                fill = 0 if column.name == "quality" else np.nan
                made[column.name] = np.full(n, fill, dtype=column.dtype)
            else:
                made[column.name] = _own(given, column.dtype)
        for name, given in self.columns.items():
            if name not in made:
                made[name] = _own(given, "f8")
        for name, values in made.items():
            if len(values) != n:
                raise DataError(f"{self.source or 'bars'}: column {name} has {len(values)} rows, close_time {n}")
            values.flags.writeable = False
        object.__setattr__(self, "columns", made)

    @classmethod
    def of(cls, *, levels: Levels | None = None, spec: str = "", source: str = "", **columns: Any) -> Bars:
        """From columns by name."""
        return cls({k: np.asarray(v) for k, v in columns.items()}, levels, spec, source)

    def __getitem__(self, name: str) -> Array:
        try:
            return self.columns[name]
        except KeyError:
            raise InputError(f"{self.source or 'bars'}: {unknown('column', name, self.columns)}") from None

    def __len__(self) -> int:
        return len(self.columns["close_time"])

    @cached_property
    def hours(self) -> str:
        """The trading hours that their kind names, as `core.hours.parse_hours` reads them; empty where it has none."""
        return hours_in(self.spec)

    @property
    def schema(self) -> tuple[Column, ...]:
        """What the columns are, as far as this project makes them."""
        found = (KNOWN_COLUMNS.get(name) or sized_column(name) for name in self.columns)
        return tuple(column for column in found if column is not None)

    @cached_property
    def carried(self) -> frozenset[str]:
        """The columns the source knows: those that are not NaN throughout."""
        known = {k for k, v in self.columns.items() if v.dtype.kind == "i" or not np.isnan(v).all()}
        return frozenset(known | ({"levels"} if self.levels is not None else set()))

    def carries(self, name: str) -> bool:
        """Whether the source knows ``name`` (a column, or ``levels``)."""
        return name in self.carried

    @cached_property
    def adjusted(self) -> Bars:
        """The bars as signals read them: themselves, but for dividends, of which prices hold no drop then.

        Examples
        --------
        >>> paid = Bars.of(open_time=[0, 1], close_time=[1, 2], close=[100.0, 98.0], adjustment=[1.0, 100 / 98])
        >>> paid["close"].tolist(), paid.adjusted["close"].tolist()
        ([100.0, 98.0], [100.0, 100.0])
        """
        if not is_adjusted(self.columns):
            return self
        own = {name: column for name, column in self.columns.items() if name != ADJUSTMENT}
        levels = None if self.levels is None else adjusted_levels(self.levels, self.columns[ADJUSTMENT])
        return replace(self, columns={**own, **adjusted_columns(self.columns, self.schema)}, levels=levels)

    def slice(self, lo: int | None, hi: int | None) -> Bars:
        """Bars ``lo`` up to ``hi``, levels included."""
        part = slice(lo, hi)
        cut = {k: v[part] for k, v in self.columns.items()}
        return replace(self, columns=cut, levels=self.levels[part] if self.levels is not None else None)

    def take(self, bars: NDArray[np.bool_]) -> Bars:
        """The bars that a mask picks, levels included."""
        cut = {k: v[bars] for k, v in self.columns.items()}
        return replace(self, columns=cut, levels=None if self.levels is None else self.levels.take(bars))

    def between(self, start: int | None, end: int | None) -> Bars:
        """Bars that lie whole within ``[start, end)`` in epoch µs."""
        lo = 0 if start is None else int(np.searchsorted(self["open_time"], start, "left"))
        hi = len(self) if end is None else int(np.searchsorted(self["close_time"], end, "right"))
        return self.slice(lo, max(lo, hi))

    def footprint(
        self,
        i: int,
        ticks_per_row: int | None = None,
        va_percent: float = 70.0,
        imbalance_percent: float = 300.0,
        *,
        row_size: float | None = None,
        size: str = ALL,
        unit: str = "base",
    ) -> Footprint | None:
        """The price rows of one bar as an object with the vocabulary of Pine's ``request.footprint()``.

        Parameters
        ----------
        i : int
            The bar; negative ones count from the last.
        ticks_per_row : int or None
            Height of a row in ticks, a whole multiple of the levels' own; None for their own.
        va_percent : float
            Share of the bar's volume in the value area, above 0 to 100.
        imbalance_percent : float
            How much the stronger side of an imbalance is of the weaker, 300 for three times as much; below 100 it
            counts as 100.
        row_size : float or None
            Height of a row in quote currency, instead of ``ticks_per_row``.
        size : str
            The classes of trade size whose rows count, as in ``1k-10k``, where the bars keep rows by class.
        unit : {'base', 'quote', 'usd'}
            Whether volumes are base, what rows came to in quote currency, as `VolumeProfile` has it, or that in US
            dollars, which needs the column ``usd_rate``.

        Returns
        -------
        Footprint or None
            None where nothing traded, for which Pine has ``na``.

        Raises
        ------
        InputError
            If there are no levels, or no such bar, or the height is no whole multiple of theirs, or they keep no rows
            of that size or do not know what they came to.
        ParamError
            If a share is out of range, or the size or the unit is none.

        Examples
        --------
        >>> from tapeflow.core.samples import sample_bars
        >>> fp = sample_bars(3).footprint(-1)
        >>> fp
        Footprint(4 rows of 5, 19990 to 20010, delta -0.17783)
        >>> fp.poc().down_price(), [row.has_buy_imbalance() for row in fp.rows()]
        (20000.0, [False, False, False, False])
        """
        of, low, high = self.source or "bars", self["low"], self["high"]
        levels = self.levels if self.levels is None else self._rows(self.levels, size, unit)
        return footprint_of(levels, of, low, high, i, ticks_per_row, va_percent, imbalance_percent, row_size)

    def _rows(self, levels: Levels, size: str, unit: str) -> Levels:
        """Rows of a size in a unit."""
        if unit not in LEVEL_UNITS:
            raise ParamError(f"footprint: {unknown('unit', str(unit), LEVEL_UNITS)}")
        if lacking := [name for name in LEVEL_UNITS[unit] if not self.carries(name)]:
            raise InputError(f"footprint in {unit} reads '{lacking[0]}', which {self.source or 'bars'} does not carry")
        levels, parts = self._of_size(levels, size)
        return in_unit(unit, levels, self.columns, parts)

    def _of_size(self, levels: Levels, size: str) -> tuple[Levels, tuple[SizeClass, ...]]:
        try:
            asked = parse_size(size)
        except ValueError as err:
            why = f": {err}" if str(err) else ""
            raise ParamError(f"footprint: size must be {SIZE_SAYS}{why} (got {size!r})") from None
        held = tuple(levels.classes or ())
        parts = parts_of(asked, held) if asked else ()
        if asked and not parts:
            keeps = f"rows of {', '.join(map(str, held))}" if held else "no rows by class"
            raise InputError(
                f"footprint asks for size {size}, but {self.source or 'bars'} keeps {keeps}: set levels_by_size: true "
                "beside size_edges on a feed of trades"
            )
        return (levels.of(parts) if asked else levels), parts

    def assign(self, **columns: Array) -> Bars:
        """A copy with some columns replaced."""
        return replace(self, columns={**self.columns, **columns})

    def frame(self) -> pd.DataFrame:
        """All columns as a pandas frame, indexed by close time in UTC."""
        import pandas as pd

        made = pd.DataFrame(dict(self.columns))
        made.index = pd.DatetimeIndex(self["close_time"].astype("datetime64[us]"), tz="UTC", name="time")
        made.attrs["spec"] = self.spec
        return made

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, *, levels: Levels | None = None, spec: str = "", source: str = "frame"
    ) -> Bars:
        """From a frame with canonical column names.

        ``open_time`` and ``close_time`` are epoch µs; where ``close_time`` is missing the index, a
        DatetimeIndex of right edges, stands for it.
        """
        import pandas as pd

        spec = spec or str(frame.attrs.get("spec", ""))
        columns: dict[str, Array] = {str(c): frame[c].to_numpy() for c in frame.columns}
        if "close_time" not in columns:
            if not isinstance(frame.index, pd.DatetimeIndex):
                raise DataError(f"{source}: no column close_time and no DatetimeIndex of right edges")
            columns["close_time"] = frame.index.as_unit("us").asi8
        if "open_time" not in columns:
            close = columns["close_time"]
            step = int(np.median(np.diff(close))) if len(close) > 1 else 0
            columns["open_time"] = close - step
        return cls(columns, levels, spec, source)


def _own(given: Array, dtype: str) -> Array:
    """A copy that nobody else can write to; what is such an array already is taken as it is."""
    frozen = type(given) is np.ndarray and given.flags.owndata and not given.flags.writeable
    if frozen and given.dtype == dtype and given.flags.c_contiguous:
        return given
    return np.array(given, dtype=dtype, order="C", copy=True)

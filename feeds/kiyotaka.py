"""Kiyotaka: volume profiles and candles by side as bars."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..aggregation.levels import regrouped
from ..core.bars import Bars, Levels
from ..core.clock import INTERVAL_WORDS, iso
from ..core.errors import DataError, ParamError, unknown
from ..core.params import Bound, Choice, Text
from ..core.ticks import grid_of, price_at, row_near
from .csv_reader.decode import DecodedRows, Quarantine
from .framework.table_bars import Columns, TableBars
from .framework.window import Instant
from .table_reader.arrow_reader import TableSource, of_records, parsed
from .table_reader.tables import Column, Table, TableReader

_TIME = Column("time", "time", ("timestamp.s",))
_SIDE = Column("side", "text", ("side",), optional=True)


class _KiyotakaBars(TableBars):
    """What all point series share: ``series`` of an id and its ``points``, stamped in seconds."""

    abstract = True
    params = {"unit": "base", "exchange": None}
    bounds = {
        "unit": Choice("base", "quote"),
        "exchange": Text(str, "an exchange that the answer holds, as in BYBIT", optional=True),
    }
    types: ClassVar[tuple[str, ...]] = ()
    more_exchanges: ClassVar[tuple[str, ...]] = ()
    """What ``exchange`` may be besides names of exchanges."""

    def __init__(self, paths: str | Path | Sequence[str | Path] = (), **params: Any) -> None:
        super().__init__(paths, **params)
        self._named: set[str] = set()
        """The sides that series are of, those without a point among them."""

    def rows(self, path: Path, quarantine: Quarantine) -> Iterator[DecodedRows]:
        """The points of one answer; adds it to `files`."""
        source = TableSource(path)
        records = list(enumerate(self._points(path, parsed(source)), 1))
        yield from TableReader(path, self.table, quarantine, self.counts).rows(of_records(path, records, quarantine))
        self.files.append(source.digest())

    def _points(self, path: Path, found: Any) -> Iterator[dict[str, Any]]:
        series = found.get("series") if isinstance(found, dict) else None
        if not isinstance(series, list):
            raise DataError(f"{path}: is no answer of /v1/points: it has no list series")
        wanted, seen = self.p["exchange"], set()
        for one in series:
            name = one.get("id", {})
            seen.add(str(name.get("exchange")))
            self._named.add(str(name.get("side")))
            if wanted not in (None, "all", name.get("exchange")):
                continue
            if name.get("type") not in self.types:
                wanted = f"{type(self).__name__} reads {' or '.join(self.types)}"
                raise DataError(f"{path}: holds points of type {name.get('type')}; {wanted}")
            if self.p["interval"] is None:
                self.p["interval"] = INTERVAL_WORDS.get(str(name.get("interval")).lower())
            told = ("coin",) if wanted == "all" else ("exchange", "rawSymbol", "coin")
            market = "/".join(str(name[k]) for k in told if name.get(k))
            for point in one.get("points", []):
                inner = next(iter(point.values())) if len(point) == 1 else point
                yield {"market": market, "side": name.get("side"), **inner}
        if wanted not in (None, "all", *seen):
            raise DataError(f"{path}: {unknown('exchange', wanted, [*sorted(seen), *self.more_exchanges])}")


class KiyotakaProfile(_KiyotakaBars):
    """Kiyotaka's volume profile: the JSON of ``VOLUME_PROFILE_AGG`` as bars with price rows.

    Parameters
    ----------
    paths : path or sequence of paths
        Answers of ``GET /v1/points``, of one market; patterns are expanded.
    bucket : float or None, default=None
        Height of the provider's price rows; None takes the greatest one that all its prices are multiples of.
    unit : {"base", "quote"}, default="base"
        What volumes count: coin, or dollars as ``transform.normalize.quote=USD`` gives. Dollars are turned into base
        at the middle of their price row, which is an estimate; the notes say so.
    exchange : str or None, default=None
        Which exchange of an answer that holds several; ``all`` sums them row by row.
    label : {"start", "end"}, default="start"
        Whether ``timestamp`` is the start or the end of the interval. The page says start; its own example looks
        like the end.
    interval : str or None, default=None
        Length of a bar; None takes the answer's own, else the most frequent distance between two points.
    infer_side : {"none", "bulk"}, default="none"
        Of no use here: the sides are known.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with points that cannot be read.

    Raises
    ------
    DataError
        For an answer of another type, and for a profile that is no list of triplets.
    ParamError
        For a parameter out of bounds; if ``row_size`` is no multiple of the provider's rows.

    Notes
    -----
    Prices are taken for the lower edge of their row: the provider does not say, but rows are aligned to multiples of
    their height. Open, high, low and close are not known. The feed goes beside one that is traded.

    References
    ----------
    Kiyotaka, Data API: Volume Profile.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "profile.json"
    >>> point = '{"Point":{"profile":[66108,0,5.467,66114,6.239,25.314],"timestamp":{"s":1774803600}}}'
    >>> name = '{"type":"VOLUME_PROFILE_AGG","exchange":"BINANCE_FUTURES","rawSymbol":"BTCUSDT","interval":"HOUR"}'
    >>> _ = file.write_text('{"series":[{"id":' + name + ',"points":[' + point + "]}]}")
    >>> bars = KiyotakaProfile(file).bars()
    >>> bars.levels.row_size, bars.levels.price_tick.tolist(), bars["taker_buy_volume"].tolist()
    (6.0, [11018, 11019], [6.239])
    """

    params = {"bucket": None}
    bounds = {"bucket": Bound(0, open_low=True, optional=True)}
    has_levels = True
    more_exchanges = ("all",)
    types = ("VOLUME_PROFILE_AGG",)

    def _points(self, path: Path, found: Any) -> Iterator[dict[str, Any]]:
        points = super()._points(path, found)
        return points if self.p["exchange"] != "all" else iter(_summed(path, list(points)))

    table = Table((_TIME, Column("profile", "text", ("profile",)), Column("symbol", "text", ("market",))), unit="s")

    def klines(self) -> Bars:
        """All profiles in time order as bars; fills `files`, `counts` and `interval`."""
        columns = self._read()
        self.interval = self._interval(columns["time"])
        triplets = [_triplets(self.source, int(t), p) for t, p in zip(columns["time"], columns["profile"], strict=True)]
        width = self.p["bucket"] or _width([row[0] for rows in triplets for row in rows], type(self).__name__)
        levels = _levels(triplets, float(width))
        made: Columns = {"time": columns["time"]}
        if self.p["unit"] == "quote":
            made |= _sums(levels, "_quote_volume")
            levels = _in_base(levels)
        made |= _sums(levels, "_volume")
        return replace(self._bars(made), levels=levels, row_size=levels.row_size)

    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know."""
        if self.p["unit"] == "base":
            return ()
        return ("base volume of the profile is estimated: dollars divided by the middle of their price row",)

    def bars(
        self,
        spec: str | None = None,
        *,
        row_size: float | str | None = None,
        start: Instant = None,
        end: Instant = None,
        gaps: str = "keep",
    ) -> Bars:
        """The profiles as bars; ``row_size`` may be a multiple of the provider's rows, ``auto`` keeps them."""
        bars = super().bars(spec, start=start, end=end, gaps=gaps)
        if row_size in (None, "auto") or bars.levels is None:
            return bars
        times = float(row_size) / bars.levels.row_size
        if times < 1 or abs(times - round(times)) > 1e-9:
            raise ParamError(f"row_size must be a multiple of the provider's {bars.levels.row_size:g} (got {row_size})")
        levels = regrouped(bars.levels, round(times))
        return replace(bars, levels=levels, row_size=levels.row_size)


class KiyotakaTrades(_KiyotakaBars):
    """Kiyotaka's candles: the JSON of ``TRADE_AGG``, one series a side, or of ``TRADE_SIDE_AGNOSTIC_AGG``.

    Of candles by side, ``high`` and ``low`` are those of both, volumes are ``taker_buy_volume`` and
    ``taker_sell_volume``; each side's own prices come along as ``buy_open`` … ``sell_close``. ``open`` and ``close``
    are known where one side alone traded, both sides agree, or the points carry the times of their first and last
    trades; elsewhere they are NaN.

    Parameters
    ----------
    paths : path or sequence of paths
        Answers of ``GET /v1/points``, of one market; patterns are expanded.
    unit : {"base", "quote"}, default="base"
        What volumes count: coin, or dollars as ``transform.normalize.quote=USD`` gives.
    exchange : str or None, default=None
        Which exchange of an answer that holds several; candles of several are not summed, since nothing tells which of
        their opens and closes came first.
    label : {"start", "end"}, default="start"
        Whether ``timestamp`` is the start or the end of the interval; the page says start.
    interval : str or None, default=None
        Length of a bar; None takes the answer's own, else the most frequent distance between two points.
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume of candles without sides.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with points that cannot be read.

    Raises
    ------
    DataError
        For an answer of another type, or a side other than BUY and SELL.
    ParamError
        For a parameter out of bounds.

    Notes
    -----
    An interval in which one side has no point is taken for one in which that side took nothing; a side of which there
    is no series is not known. Where an open or close is not known, the feed can stand beside one that is traded, but
    an order for it is refused.

    References
    ----------
    Kiyotaka, Data API: Candles.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "candles.json"
    >>> point = '{"Point":{"open":%d,"high":%d,"low":%d,"close":%d,"volume":%d,"timestamp":{"s":1774803600}}}'
    >>> one = '{"id":{"type":"TRADE_AGG","side":"%s","interval":"MINUTE"},"points":[%s]}'
    >>> both = one % ("BUY", point % (10, 12, 9, 11, 5)), one % ("SELL", point % (10, 11, 8, 9, 7))
    >>> _ = file.write_text('{"series":[%s,%s]}' % both)
    >>> bars = KiyotakaTrades(file).bars()
    >>> [bars[c].tolist() for c in ("high", "low", "open", "close", "taker_buy_volume", "volume")]
    [[12.0], [8.0], [10.0], [nan], [5.0], [12.0]]
    """

    types = ("TRADE_AGG", "TRADE_SIDE_AGNOSTIC_AGG")
    extra = tuple(f"{side}_{price}" for side in ("buy", "sell") for price in ("open", "high", "low", "close"))
    may_miss_prices = True
    knows_prices = False
    table = Table(
        (
            _TIME,
            _SIDE,
            *(Column(n, "amount", (n,), optional=n != "volume") for n in ("open", "high", "low", "close", "volume")),
            Column("first", "time", ("firsttimestamp.s",), optional=True),
            Column("last", "time", ("lasttimestamp.s",), optional=True),
            Column("symbol", "text", ("market",)),
        ),
        unit="s",
    )

    @classmethod
    def complaint(cls, params: Mapping[str, Any], paths: Sequence[Path] = ()) -> str:
        """What is wrong that no data need be read for; empty where nothing is."""
        if params.get("exchange") == "all":
            return f"{cls.__name__}: exchange: all sums profiles, not candles; name one exchange, or Merge trades"
        return super().complaint(params, paths)

    def _read(self) -> Columns:
        """The series of the sides beside each other."""
        if wrong := self.complaint(self.p):
            raise ParamError(wrong)
        parts = self._parts()
        sides: dict[str, list[DecodedRows]] = {}
        for part in parts:
            for side in dict.fromkeys(part["side"].tolist()) if "side" in part.columns else (None,):
                if side not in (None, "BUY", "SELL"):
                    raise DataError(f"{part.path}: has points of side {side}; candles are of BUY, SELL or neither")
                chosen = part if side is None else part.where(part["side"] == side)
                sides.setdefault(side or "", []).append(chosen)
        self.counts["rows"] = sum(map(len, parts))
        if set(sides) == {""}:
            made = _series(self.source, sides[""])
            return _volumes({k: v for k, v in made.items() if k not in ("first", "last")}, self.p["unit"])
        if "" in sides:
            raise DataError(f"{self.source}: holds candles by side and without; give files of one kind")
        both: dict[str, Columns] = {side: _series(self.source, own) for side, own in sides.items()}
        for side in {"BUY", "SELL"} & self._named - both.keys():
            both[side] = {"time": np.empty(0, np.int64)}
        return _volumes(_beside(both), self.p["unit"])


def _series(source: str, parts: list[DecodedRows]) -> Columns:
    """One series in time order, points that two files share once."""
    names = [n for n in parts[0].columns if all(n in p.columns for p in parts) and n not in ("side", "symbol")]
    columns = {name: np.concatenate([p[name] for p in parts]) for name in names}
    _, rows = np.unique(columns["time"], return_index=True)
    for name, values in columns.items():
        at = np.searchsorted(columns["time"][rows], columns["time"])
        other = np.flatnonzero((values != values[rows][at]) & (values == values))
        if len(other):
            when = iso(int(columns["time"][other[0]]))
            raise DataError(f"{source}: two points are at {when} and differ in {name}; leave one of them out")
    return {name: values[rows] for name, values in columns.items()}


def _beside(sides: dict[str, Columns]) -> Columns:
    """Both sides on one row an interval."""
    time = np.unique(np.concatenate([s["time"] for s in sides.values()]))
    made: Columns = {"time": time}
    spread: dict[str, Columns] = {}
    for side in ("BUY", "SELL"):
        own = sides.get(side, {"time": np.empty(0, np.int64)})
        at = np.searchsorted(time, own["time"])
        spread[side] = {n: np.full(len(time), np.nan) for n in ("open", "high", "low", "close", "first", "last")}
        for name in spread[side]:
            if name in own:
                spread[side][name][at] = own[name]
        volume = np.full(len(time), 0.0 if side in sides else np.nan)
        volume[at] = own.get("volume", np.empty(0))
        made[f"taker_{side.lower()}_volume"] = volume
        made |= {f"{side.lower()}_{n}": spread[side][n] for n in ("open", "high", "low", "close")}
    buy, sell = spread["BUY"], spread["SELL"]
    made["high"], made["low"] = np.fmax(buy["high"], sell["high"]), np.fmin(buy["low"], sell["low"])
    made["open"] = _either(buy["open"], sell["open"], buy["first"], sell["first"])
    made["close"] = _either(buy["close"], sell["close"], -buy["last"], -sell["last"])
    return made


def _either(
    buy: NDArray[np.float64], sell: NDArray[np.float64], buy_at: NDArray[np.float64], sell_at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The price of the side that came first, where that can be told."""
    agreed = np.where(np.isnan(buy), sell, np.where(np.isnan(sell) | (buy == sell), buy, np.nan))
    return np.where(buy_at < sell_at, buy, np.where(sell_at < buy_at, sell, agreed))


def _volumes(columns: Columns, unit: str) -> Columns:
    """Volumes under the names of what they count."""
    if unit == "base":
        return columns
    return {k.replace("volume", "quote_volume") if k.endswith("volume") else k: v for k, v in columns.items()}


def _triplets(source: str, time: int, text: Any) -> list[tuple[str, float, float]]:
    """Price as text, bought and sold of one profile."""
    flat = json.loads(text, parse_float=str, parse_int=str) if isinstance(text, str) else []
    try:
        made = [(str(p), float(b), float(s)) for p, b, s in zip(flat[::3], flat[1::3], flat[2::3], strict=True)]
    except (TypeError, ValueError):
        made = []
    if len(made) * 3 != len(flat) or any(not (b >= 0 and s >= 0 and float(p) > 0) for p, b, s in made):
        raise DataError(f"{source}: the profile at {iso(time)} is no list of price, bought and sold in turn")
    return sorted(made, key=lambda row: float(row[0]))


def _summed(path: Path, points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Profiles of several exchanges as one a time, row by row.

    Raises
    ------
    DataError
        If their rows are not of one height.
    """
    made: dict[Any, dict[str, Any]] = {}
    rows: dict[Any, dict[float, list[Any]]] = {}
    heights = set()
    for point in points:
        flat = point["profile"]
        prices = [str(price) for price in flat[::3]]
        if len(set(prices)) > 1:
            heights.add(_width(prices, "KiyotakaProfile"))
        time = json.dumps(point["timestamp"], sort_keys=True)
        made.setdefault(time, point)
        own = rows.setdefault(time, {})
        for price, bought, sold in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
            row = own.setdefault(float(price), [price, 0.0, 0.0])
            row[1] += float(bought)
            row[2] += float(sold)
    if len({round(max(heights) / h, 9) % 1 for h in heights} - {0.0}) > 0:
        raise DataError(f"{path}: rows are of several heights ({', '.join(f'{h:g}' for h in sorted(heights))})")
    return [
        {**point, "profile": [value for price in sorted(rows[time]) for value in map(str, rows[time][price])]}
        for time, point in made.items()
    ]


def _width(prices: list[str], owner: str) -> float:
    """The greatest height that all ``prices`` are multiples of.

    >>> _width(["66108", "66114", "66120"], "x"), _width(["0.3", "0.45"], "x")
    (6.0, 0.15)
    """
    digits = max((len(p.partition(".")[2]) for p in prices), default=0)
    whole = {round(float(p) * 10**digits) for p in prices}
    if len(whole) < 2:
        raise ParamError(f"{owner}: one price does not tell the height of the rows; say it, as in bucket: 5")
    return float(math.gcd(*whole) / 10**digits)


def _levels(triplets: list[list[tuple[str, float, float]]], width: float) -> Levels:
    rows = [row for profile in triplets for row in profile]
    offsets = np.cumsum([0, *map(len, triplets)]).astype(np.int64)
    prices, grid = np.array([float(p) for p, _, _ in rows]), grid_of(width)
    ticks = row_near(prices, grid.num, grid.den)
    beside = np.abs(prices - price_at(ticks, grid.num, grid.den)) / width
    if len(rows) and beside.max() > 1e-6:
        i = int(np.argmax(beside))
        raise ParamError(f"bucket {width:g} does not fit: price {rows[i][0]} is no multiple of it")
    bought, sold = (np.array([row[k] for row in rows], np.float64) for k in (1, 2))
    return Levels(offsets, ticks.astype(np.int64), bought, sold, width, tick_known=False, exact=False)


def _sums(levels: Levels, suffix: str) -> Columns:
    """Bought and sold by bar."""
    bar = np.repeat(np.arange(len(levels)), np.diff(levels.offsets))
    return {
        f"taker_{side}{suffix}": np.bincount(bar, weights, len(levels)).astype(np.float64)
        for side, weights in (("buy", levels.buy_volume), ("sell", levels.sell_volume))
    }


def _in_base(levels: Levels) -> Levels:
    middle = levels.price + 0.5 * levels.tick
    return replace(levels, buy_volume=levels.buy_volume / middle, sell_volume=levels.sell_volume / middle)

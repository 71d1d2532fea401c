"""What the data providers' own APIs would answer: the same numbers in their shapes, from our bars."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.clock import INTERVAL_WORDS, MINUTE, SECOND, iso
from ..core.errors import DataError, InputError, ParamError, PluginError, unknown
from ..core.plugins.registry import INDICATORS
from ..core.sizes import ALL
from ..indicators.framework.sizing import column_of_size
from ..store.atlas import Atlas
from .dollars import in_dollars as rows_in_dollars

Values = NDArray[Any]
Names = Mapping[str, str]
IDS = {
    "amberdata": ("exchange", "pair"),
    "aperiodic": ("exchange", "symbol"),
    "kiyotaka": ("type", "exchange", "rawSymbol", "normalizedSymbol", "category", "coin"),
}
"""What each provider's answer calls the market; only the user knows."""
KIYOTAKA_TYPES = ("VOLUME_PROFILE_AGG", "TRADE_AGG")
"""What Kiyotaka's points may be, unless said otherwise the first."""
AMBERDATA_SIZES = {"0": "0-1k", "1k": "1k-10k", "10k": "10k-100k", "100k": "100k+"}
"""What Amberdata calls its classes of trade size: the lower edge."""
KIYOTAKA_INTERVALS = {text: word.upper() for word, text in reversed(INTERVAL_WORDS.items())}
_SIDES, _SIZES = ("buy", "sell"), ("small", "medium", "large")
_TOXICITY = {"mode": "expanding", "reset": "month"}
APERIODIC: dict[str, tuple[str, dict[str, Any], str]] = {
    **{f"taker_{side}_{what}": ("", {}, f"taker_{side}_{what}") for what in ("volume", "count") for side in _SIDES},
    "volume_delta": ("VolumeDelta", {}, "delta"),
    "volume_delta_notional": ("VolumeDelta", {"unit": "quote"}, "delta"),
    "flow_entropy": ("FlowEntropy", {}, "entropy"),
    "flow_toxicity_score": ("FlowToxicity", _TOXICITY, "toxicity"),
    "taker_buy_sell_ratio": ("TakerRatio", {}, "ratio"),
    "taker_buy_sell_count_ratio": ("TakerRatio", {}, "count_ratio"),
    "taker_buy_sell_percentage": ("TakerRatio", {}, "share"),
    "taker_buy_sell_count_percentage": ("TakerRatio", {}, "count_share"),
    **{
        f"taker_{side}_{size}_order_{what}": ("", {}, f"taker_{side}_{size}_order_{what}")
        for side in _SIDES
        for size in _SIZES
        for what in ("volume", "count")
    },
    **{
        f"taker_{side}_{size}_order_{name}": ("OrderSizeFlow", {}, f"{side}_{size}_{line}")
        for name, line in (("percentage", "share"), ("count_percentage", "count_share"))
        for side in _SIDES
        for size in _SIZES
    },
}
"""Each field of Aperiodic's flow: the indicator it is a line of, or nothing where it is a column of the bars."""


def stamps(bars: Bars, form: str) -> list[Any]:
    """When each bar opens, as all providers label one: ``seconds``, ``milliseconds``, ``iso``, or ``words``.

    Examples
    --------
    >>> bars = Bars.of(open_time=[1_749_423_600_000_000], close_time=[1_749_427_200_000_000])
    >>> stamps(bars, "seconds"), stamps(bars, "milliseconds"), stamps(bars, "iso"), stamps(bars, "words")
    ([1749423600], [1749423600000], ['2025-06-08T23:00:00Z'], ['2025-06-08 23:00:00 000'])
    """
    times = [int(t) for t in bars["open_time"]]
    if form == "seconds":
        return [t // SECOND if t % SECOND == 0 else t / SECOND for t in times]
    if form == "milliseconds":
        return [t // 1000 for t in times]
    if form == "iso":
        return [iso(t) for t in times]
    return [f"{iso(t - t % SECOND)[:-1].replace('T', ' ')} {t % SECOND // 1000:03d}" for t in times]


def taapi(lines: Mapping[str, Values], times: Sequence[Any] | None, *, many: bool) -> dict[str, Any]:
    """TAAPI.IO's answer for one indicator, oldest first.

    Parameters
    ----------
    lines : mapping of str to ndarray
        The indicator's, main line first: it is ``value``, each other ``value`` and its name, as in ``valueUpper1``.
    times : sequence or None
        Of the same length; ``timestamp`` where given.
    many : bool
        Whether lists are asked for; else the last value alone.

    Examples
    --------
    >>> taapi({"signed_volume": np.array([37175.32356, -7754.654559997343])}, None, many=True)
    {'value': [37175.32356, -7754.654559997343]}
    >>> taapi({"delta": np.array([1.0]), "percent": np.array([0.5])}, [1685577600], many=False)
    {'value': 1.0, 'valuePercent': 0.5, 'timestamp': 1685577600}
    """
    made: dict[str, Any] = {}
    for name, values in lines.items():
        words = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
        made[f"value{words}" if made else "value"] = [float(v) for v in values]
    if times is not None:
        made["timestamp"] = list(times)
    return made if many else {key: values[-1] for key, values in made.items()}


def amberdata(
    bars: Bars,
    minutes: Bars,
    names: Names,
    form: str = "words",
    *,
    size: str = ALL,
    usd: Values | None = None,
) -> dict[str, Any]:
    """Amberdata's spot VWAP and TWAP, newest first.

    Parameters
    ----------
    bars : Bars
        The intervals; whole minutes.
    minutes : Bars
        The same market by minutes: ``twap`` is the mean of their closes.
    names : mapping of str to str
        ``exchange`` and ``pair``. ``totalVolumeUSD`` is given where the pair is one against the US dollar: what other
        quote currencies come to in dollars the bars do not know, so that ``usd`` has to say it.
    form : str
        Of the timestamps, as for `stamps`.
    size : str
        Classes of trade size that volume and ``vwap`` are of. ``twap`` stays the mean of the closes of all trades:
        whether the provider's filter changes it, its page does not say.
    usd : ndarray or None
        Dollars in one unit of the quote currency, for each bar.

    Raises
    ------
    InputError
        If the bars do not keep such classes.
    DataError
        If an interval is no whole number of minutes.
    """
    if ((bars["close_time"] - bars["open_time"]) % MINUTE).any() or (bars["open_time"] % MINUTE).any():
        raise DataError(
            f"{bars.source or 'bars'}: bars of {bars.spec} are no whole minutes, whose closes the TWAP means"
        )
    quote, base = (column_of_size(bars, name, size) for name in ("quote_volume", "volume"))
    vwap = np.divide(quote, base, out=np.full(len(bars), np.nan), where=base > 0)
    dollars = in_dollars(names) or usd is not None
    quote = quote if usd is None else quote * usd
    rows = [
        {
            **{key: names.get(key) for key in IDS["amberdata"]},
            "timestamp": time,
            **({"totalVolumeUSD": float(volume)} if dollars else {}),
            "twap": float(twap),
            "vwap": float(price),
        }
        for time, volume, twap, price in zip(stamps(bars, form), quote, _mean_closes(bars, minutes), vwap, strict=True)
    ]
    return {"status": 200, "title": "OK", "description": "Successful request", "payload": {"data": rows[::-1]}}


def in_dollars(names: Names) -> bool:
    """Whether the market's quote currency, the last part of its ``pair``, is the US dollar; only then is volume in USD.

    Examples
    --------
    >>> [in_dollars({"pair": pair}) for pair in ("btc_usd", "ETH-USD", "btc_usdt", "eth_btc")], in_dollars({})
    ([True, True, False, False], False)
    """
    return re.split(r"[_/:-]", names.get("pair") or "")[-1].lower() == "usd"


def _mean_closes(bars: Bars, minutes: Bars) -> Values:
    """Mean close of the minutes inside each bar; NaN where there is none."""
    first = np.searchsorted(minutes["open_time"], bars["open_time"], "left")
    behind = np.searchsorted(minutes["close_time"], bars["close_time"], "right")
    parts = [minutes["close"][a:b] for a, b in zip(first, behind, strict=True)]
    return np.array([np.mean(part) if len(part) else np.nan for part in parts])


def kiyotaka_row(price: float, tick: float | None = None) -> float:
    """Height of Kiyotaka's price rows, as far as its page tells it: a basis point of the price, down to one digit.

    The page says that the server derives it from the market and shows rows of 6 at 66108 to 66120, on multiples of
    6: a basis point is 6.6 there. One example is no proof; ``--row-size`` says another height.

    Parameters
    ----------
    price : float
        The first one.
    tick : float or None
        The market's price step, of which a row is a whole number, at least one.

    Examples
    --------
    >>> kiyotaka_row(66108.0), kiyotaka_row(66108.0, 0.1), kiyotaka_row(0.6142, 0.0001), kiyotaka_row(27_000.0)
    (6.0, 6.0, 0.0001, 2.0)
    """
    share = Decimal(repr(price)) / 10_000
    digit = Decimal(1).scaleb(share.adjusted())
    row = share // digit * digit
    if tick is not None:
        step = Decimal(repr(tick))
        row = max(row // step, Decimal(1)) * step
    return float(row)


def kiyotaka(bars: Bars, names: Names, *, usd: Values | None = None) -> dict[str, Any]:
    """Kiyotaka's ``VOLUME_PROFILE_AGG``: flat triplets of price, bought and sold volume, oldest first.

    Parameters
    ----------
    bars : Bars
        With price rows; a row is named by its lower edge.
    names : mapping of str to str
        What the ``id`` says of the market; of several exchanges, their names with commas between.
    usd : ndarray or None
        Dollars in one unit of the quote currency, for each bar: volumes are dollars then, as
        ``transform.normalize.quote=USD`` gives them, instead of base; see `dollars.in_dollars`.

    Raises
    ------
    InputError
        If there are no price rows.
    """
    levels = bars.levels
    if levels is None:
        raise InputError(f"{bars.source or 'bars'}: no price rows; a profile is made of trades")
    levels = levels if usd is None else rows_in_dollars(levels, bars, usd)
    flat = np.column_stack([levels.price, levels.buy_volume, levels.sell_volume]).ravel()
    points = [
        {"Point": {"profile": flat[3 * a : 3 * b].tolist(), "timestamp": {"s": time}}}
        for a, b, time in zip(levels.offsets[:-1], levels.offsets[1:], stamps(bars, "seconds"), strict=True)
    ]
    return {"series": [{"id": {**kiyotaka_id(names), "interval": kiyotaka_interval(bars.spec)}, "points": points}]}


def kiyotaka_id(names: Names) -> dict[str, Any]:
    """What the ``id`` of a series says of the market; of several exchanges a list.

    >>> kiyotaka_id({"exchange": "BYBIT,OKEX", "coin": "BTC"})
    {'type': 'VOLUME_PROFILE_AGG', 'exchange': ['BYBIT', 'OKEX'], 'coin': 'BTC'}
    """
    known: dict[str, Any] = {"type": KIYOTAKA_TYPES[0], **{k: names[k] for k in IDS["kiyotaka"] if k in names}}
    if "," in known.get("exchange", ""):
        known["exchange"] = known["exchange"].split(",")
    return known


def kiyotaka_interval(spec: str) -> str:
    """An interval in Kiyotaka's words where it has one.

    >>> kiyotaka_interval("1h"), kiyotaka_interval("7m")
    ('HOUR', '7m')
    """
    return KIYOTAKA_INTERVALS.get(spec, spec)


def aperiodic(bars: Bars, fields: Sequence[str] = ()) -> dict[str, Values]:
    """Columns of Aperiodic's ``flow``: ``time``, the start of the bar in UTC without a zone, and its fields.

    Parameters
    ----------
    bars : Bars
        Of trades, for all of it; klines know neither counts by side nor sizes.
    fields : sequence of str
        Which; all 36 when left out.

    Raises
    ------
    ParamError
        If a field is not one of the page.
    InputError
        Naming all fields that these bars cannot give.

    Notes
    -----
    The shares of order sizes divide notional by notional, where the page divides it by base volume; the toxicity
    begins anew with each month, as the provider's files do; without sells a ratio is NaN, not infinite.
    """
    for name in fields:
        if name not in APERIODIC:
            raise ParamError(f"--fields: {unknown('field', name, APERIODIC)}")
    made: dict[str, Values] = {"time": bars["open_time"].astype("datetime64[us]")}
    frames: dict[str, Any] = {}
    missing = []
    for name in fields or APERIODIC:
        values = _field(bars, name, frames)
        if values is None:
            missing.append(name)
        else:
            made[name] = values
    if missing:
        raise InputError(f"{bars.source or 'bars'}: cannot give {', '.join(missing)}; ask for others with --fields")
    return made


def monthly(columns: Mapping[str, Values], names: Names, interval: str) -> Iterator[tuple[str, dict[str, Values]]]:
    """The files of Aperiodic's answer: ``exchange/interval/SYMBOL/YYYY-MM.parquet`` and the columns of that month.

    Parameters
    ----------
    columns : mapping of str to ndarray
        As `aperiodic` gives them, ``time`` first.
    names : mapping of str to str
        ``exchange`` and ``symbol``; one in Atlas' notation becomes the exchange's own.
    interval : str
        Such as ``1h``.

    Raises
    ------
    ParamError
        If a name is missing.

    Examples
    --------
    >>> names = {"exchange": "binance-futures", "symbol": "perpetual-BTC-USDT:USDT"}
    >>> times = np.array(["2024-01-31T23:00", "2024-02-01T00:00"], "datetime64[us]")
    >>> [path for path, _ in monthly({"time": times}, names, "1h")]
    ['binance-futures/1h/BTCUSDT/2024-01.parquet', 'binance-futures/1h/BTCUSDT/2024-02.parquet']
    """
    if missing := [key for key in IDS["aperiodic"] if not names.get(key)]:
        raise ParamError(f"--id: files are named by exchange and symbol; say --id {missing[0]}=…")
    atlas = Atlas.parse(names["symbol"])
    own = names["symbol"] if atlas is None else atlas.names["okx" in names["exchange"]]
    months = columns["time"].astype("datetime64[M]")
    for month in np.unique(months):
        yield (
            f"{names['exchange']}/{interval}/{own}/{month}.parquet",
            {name: values[months == month] for name, values in columns.items()},
        )


def _field(bars: Bars, name: str, frames: dict[str, Any]) -> Values | None:
    """The values of a field, None where the bars or the installed indicators cannot give it."""
    kind, params, line = APERIODIC[name]
    if not kind:
        return bars[line] if bars.carries(line) else None
    key = f"{kind}{params}"
    if key not in frames:
        try:
            made: Any = INDICATORS.find(kind)
            frames[key] = made.over(bars, **params)
        except (InputError, PluginError):
            frames[key] = None
    if frames[key] is None or line not in frames[key]:
        return None
    values: Values = frames[key][line].to_numpy()
    return None if "count" in name and not bars.carries("taker_buy_count") else values

"""The canonical columns: names, units, and how each answers to prices, sizes and swapped sides.

Everything that needs to know a column asks here: aggregation, feeds, indicators' inputs, the laws
in the tests, the documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Its name everywhere: YAML, code, files, errors.
    unit : str
        ``price`` is quote per base, ``base`` and ``quote`` are amounts, ``count`` and ``flags`` plain numbers.
    meaning : str
        One line for the documentation.
    dtype : str
        numpy dtype.
    price, size : int
        Dimension as exponents: prices × a and sizes × b multiply the column by a^price · b^size.
    mirror : str
        The column it becomes when buys and sells trade places; its own name when it stays.
    odd : bool
        Whether its sign flips when buys and sells trade places.
    klines : bool
        Whether an exchange's klines know it.
    """

    name: str
    unit: str
    meaning: str
    dtype: str = "f8"
    price: int = 0
    size: int = 0
    mirror: str = ""
    odd: bool = False
    klines: bool = False


class Quality(IntFlag):
    """Why a bar deserves less trust."""

    GAP = 1
    """Bars before or behind this one are missing, or it was filled in for one."""
    FILLED = 2
    """No trade fell into the interval; prices are the previous close."""
    PARTIAL = 4
    """The tape begins or ends inside the interval."""
    INFERRED_SIDE = 8
    """The aggressor of at least one trade was inferred, or is unknown."""
    ID_HOLE = 16
    """Trade ids are missing inside this bar, or between it and the trade before or behind it."""
    DISORDER = 32
    """A row arrived out of time order and was put in place."""
    VOID = 64
    """Rows with price or quantity zero were dropped."""
    CONTRADICTORY = 128
    """The figures of the bar contradict each other; those that cannot be were replaced, and nothing fills in it."""


TAPE = (
    Column("time", "µs UTC", "when the trade happened", "i8"),
    Column("price", "price", "trade price", price=1),
    Column("quantity", "base", "traded amount of the base currency", size=1),
    Column("side", "+1/−1/0", "aggressor: +1 the buyer took liquidity, −1 the seller did, 0 unknown", "i1", odd=True),
    Column("trade_id", "id", "the venue's id of the row", "i8"),
    Column("trades", "count", "raw trades the row stands for", "i8"),
)


def _class_column(what: str, side: str, other: str, size_class: str) -> Column:
    volume = what == "volume"
    return Column(
        f"taker_{side}_{size_class}_order_{what}",
        "quote" if volume else "count",
        f"{'notional' if volume else 'rows'} of {size_class} rows whose aggressor was the {side}er",
        price=int(volume),
        size=int(volume),
        mirror=f"taker_{other}_{size_class}_order_{what}",
    )


_BY_CLASS = tuple(
    _class_column(what, side, other, size_class)
    for what in ("volume", "count")
    for side, other in (("buy", "sell"), ("sell", "buy"))
    for size_class in ("small", "medium", "large")
)


BARS = (
    Column("open_time", "µs UTC", "start of the interval, inclusive", "i8", klines=True),
    Column("close_time", "µs UTC", "end of the interval, exclusive; the bar is known from here on", "i8", klines=True),
    Column("open", "price", "first trade price", price=1, klines=True),
    Column("high", "price", "highest trade price", price=1, klines=True),
    Column("low", "price", "lowest trade price", price=1, klines=True),
    Column("close", "price", "last trade price", price=1, klines=True),
    Column("volume", "base", "traded amount", size=1, klines=True),
    Column("quote_volume", "quote", "traded notional", price=1, size=1, klines=True),
    Column("trades", "count", "raw trades", klines=True),
    Column("taker_buy_volume", "base", "amount buyers took", size=1, mirror="taker_sell_volume", klines=True),
    Column("taker_sell_volume", "base", "amount sellers took", size=1, mirror="taker_buy_volume", klines=True),
    Column(
        "taker_buy_quote_volume",
        "quote",
        "notional buyers took",
        price=1,
        size=1,
        mirror="taker_sell_quote_volume",
        klines=True,
    ),
    Column(
        "taker_sell_quote_volume",
        "quote",
        "notional sellers took",
        price=1,
        size=1,
        mirror="taker_buy_quote_volume",
        klines=True,
    ),
    Column("taker_buy_count", "count", "tape rows whose aggressor was the buyer", mirror="taker_sell_count"),
    Column("taker_sell_count", "count", "tape rows whose aggressor was the seller", mirror="taker_buy_count"),
    *_BY_CLASS,
    Column("delta_high", "base", "highest running delta inside the bar, from 0", size=1, mirror="delta_low", odd=True),
    Column("delta_low", "base", "lowest running delta inside the bar, from 0", size=1, mirror="delta_high", odd=True),
    Column("twap_time", "price", "mean price weighted by the time it held", price=1),
    Column("twap_trade", "price", "mean price of the rows", price=1),
    Column("realized_vol", "log return", "root of the summed squared log returns between rows of the bar"),
    Column("quality", "flags", "bits of `Quality`", "i8", klines=True),
)

SEQUENCE = (
    Column("buy_runs", "count", "runs of consecutive rows whose aggressor was the buyer", mirror="sell_runs"),
    Column("sell_runs", "count", "runs of consecutive rows whose aggressor was the seller", mirror="buy_runs"),
    Column("buy_run_max", "count", "rows of the longest run of buyers", mirror="sell_run_max"),
    Column("sell_run_max", "count", "rows of the longest run of sellers", mirror="buy_run_max"),
    Column(
        "flip_move",
        "price",
        "price changes where a run follows another, summed, plus where they go with the new side",
        price=1,
        mirror="flip_move",
        odd=True,
    ),
    Column("uptick_volume", "base", "amount of rows above the price of the row before", size=1),
    Column("downtick_volume", "base", "amount of rows below the price of the row before", size=1),
    Column("unchanged_volume", "base", "amount of rows at the price of the row before", size=1),
    Column("uptick_count", "count", "rows above the price of the row before"),
    Column("downtick_count", "count", "rows below the price of the row before"),
    Column("unchanged_count", "count", "rows at the price of the row before"),
)
"""What the order of the rows tells; part of the bars only where it is asked for, and never of klines."""

LEVELS = (
    Column("price_tick", "ticks", "lower edge of the price row", "i8", price=1),
    Column("buy_volume", "base", "amount buyers took in the row", size=1, mirror="sell_volume"),
    Column("sell_volume", "base", "amount sellers took in the row", size=1, mirror="buy_volume"),
)

DIVIDEND, ADJUSTMENT = "dividend", "adjustment"
ACTIONS = (
    Column(DIVIDEND, "price", "cash paid for each unit that was held at the close before", price=1),
    Column(ADJUSTMENT, "factor", "what prices are multiplied by where signals read them; dividends so far are in it"),
)
"""What corporate actions add to bars, where dividends were paid."""

USD_RATE = "usd_rate"
WORTH = Column(USD_RATE, "USD", "US dollars in one unit of the quote currency, the last known at the close")
"""What bars have besides where ``usd`` says what their quote currency is worth."""

ROLL, ROLL_FROM, ROLL_TO = ROLL_COLUMNS = ("roll", "roll_from", "roll_to")
ROLLS = (
    Column(ROLL, "flag", "1 on the first bar of a new contract of a continuous series, else 0"),
    Column(ROLL_FROM, "price", "what the old contract was worth at the roll, else 0", price=1),
    Column(ROLL_TO, "price", "what the new contract was worth then, else 0", price=1),
)
"""What a continuous series of futures has besides."""

ALLOW_NEGATIVE = "say instrument: {negative_prices: true} (--negative-prices) where the market may trade below 0"
"""What to do about prices below 0 that were traded."""

BAR_COLUMNS = {c.name: c for c in BARS}
THREE_CLASSES = frozenset(c.name for c in _BY_CLASS)
"""Columns of small, medium and large rows."""
SEQUENCE_COLUMNS = {c.name: c for c in SEQUENCE}
KNOWN_COLUMNS = {**BAR_COLUMNS, **SEQUENCE_COLUMNS}
"""Every column that aggregation can make."""
KLINE_COLUMNS = tuple(c.name for c in BARS if c.klines)
SIZE_EDGES = (100.0, 1000.0)
"""Default notional edges between small, medium and large rows, in quote currency."""

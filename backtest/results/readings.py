"""Settings that are legal and seldom meant: each is told as it was read, with what it may have been meant to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ...configs.terms import Terms
from ...core.bars import Bars
from ...core.clock import iso
from ...core.distances import Atr, parse_distance
from ...core.ticks import grid_of, price_at, row_near
from ...core.units import Amount, parse_amount
from ..inputs.read import Source

DEAR = 0.01
"""Taker fee above which percent or basis points were likelier meant: no large venue takes more."""
SMALL = 1.0
"""Percent of the account below which a fraction of 1 was likelier meant."""
WIDE, NARROW = 0.5, 1e-4
"""Share of the price above, and below, which a stop is likelier a slip of the unit."""
_PERCENT = 100.0
"""Largest number that can be meant as a percentage."""
_OFF = 0.01
"""Share of closes beside the grid from which prices contradict a tick."""
_GUARDS = ("stop_loss", "take_profit", "trailing_stop")


def readings(config: RunConfig, sources: Mapping[str, Source], dealt: list[str]) -> Iterator[str]:
    """Warnings about settings of ``config`` that the data or experience speak against.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        Its feeds, read.
    dealt : list of str
        Names of the feeds that are traded.
    """
    for name in dealt:
        yield from _fees(name, config.terms[name])
    if config.sizer.percent is not None and config.sizer.percent < SMALL:
        share = f"{config.sizer.percent:g}"
        yield f"sizer.percent: {share} is read as {share} % of the account, all of which is 100"
    yield from _losses(config)
    yield from _guards(config, sources[dealt[0]].bars, config.terms[dealt[0]])
    for name, source in sources.items():
        yield from _tick(name, config.terms[name].tick, source.bars)
        yield from _window(name, config.terms[name], source.bars)
    yield from _markets(sources, dealt)


def _losses(config: RunConfig) -> Iterator[str]:
    """Limits of the account in its currency that are so small that percent were likelier meant."""
    for name in ("daily_loss", "drawdown"):
        asked = getattr(config.risk, name)
        amount = None if asked is None else parse_amount(asked)
        if amount is not None and amount.unit == "price" and amount.value <= _PERCENT:
            share = 100.0 * amount.value / config.broker.cash
            if share < SMALL / 10:
                meant = f"{amount.value:g}"
                yield (
                    f"risk.{name}: {meant} is read as {meant} of account currency, {share:.2g} % of broker.cash; "
                    f"{meant} percent is written {meant}%"
                )


def _fees(name: str, terms: Terms) -> Iterator[str]:
    taker = terms.fees.taker
    if taker > DEAR:
        place = terms.asked_by("fees")
        yield f"{place}.taker: {taker:g} is read as {100 * taker:.4g} % of what is traded; five basis points are 5bp"


def _guards(config: RunConfig, bars: Bars, terms: Terms) -> Iterator[str]:
    """Stops and targets that are no distance anybody means."""
    price = float(np.nanmedian(np.abs(bars["close"])))
    given = {**config.strategy.params, **{k: v for k, v in config.risk.settings().items() if v is not None}}
    for name in _GUARDS:
        asked = given.get(name)
        try:
            measure = None if asked is None else parse_distance(asked)
        except ValueError:
            continue  # a parameter of a strategy of one's own that has this name and another meaning
        if isinstance(measure, Amount) and not isinstance(measure, Atr) and price > 0:
            yield from _guard(name, asked, measure, price, terms.tick or _step(bars))


def _guard(name: str, asked: Any, measure: Amount, price: float, step: float) -> Iterator[str]:
    distance = measure.at(price, step)
    read = f"{name}: {asked} is read as {distance:.6g} of price, {100 * distance / price:.3g} % of {price:,.6g}"
    meant = f"; {asked} percent is written {asked}%" if measure.unit == "price" else ""
    if distance > WIDE * price:
        yield f"{read}: more than half the price, which hardly any market moves{meant}"
    elif distance < step * (1 - 1e-9):
        yield f"{read}: less than one step of the prices, {step:g}, so that every trade ends at once{meant}"
    elif distance < NARROW * price:
        yield f"{read}: less than a basis point, which the spread takes at once{meant}"


def _step(bars: Bars) -> float:
    """The step that the closes are written in, as far as their decimals tell."""
    places = {-int(Decimal(repr(float(x))).normalize().as_tuple().exponent) for x in bars["close"][:1000] if x == x}
    return float(10.0 ** -max(0, max(places, default=0)))


def _tick(name: str, tick: float | None, bars: Bars) -> Iterator[str]:
    """A tick on which the prices do not lie."""
    if not tick:
        return
    close = bars["close"][np.isfinite(bars["close"])]
    grid = grid_of(tick)
    off = np.abs(close - price_at(row_near(close, grid.num, grid.den), grid.num, grid.den)) > 1e-4 * tick
    if np.mean(off) > _OFF:
        share, first = float(np.mean(off)), float(close[np.argmax(off)])
        yield (
            f"data.{name}: tick is {tick:g}, but {share:.0%} of the closes lie between its steps, as {first:.10g} "
            f"does; a tick in stops and slippage is {tick:g}, and the prices are written in steps of {_step(bars):g}"
        )


def _window(name: str, terms: Terms, bars: Bars) -> Iterator[str]:
    """A time asked for that begins before the data do, or ends after."""
    opens, closes = int(bars["open_time"][0]), int(bars["close_time"][-1])
    length = int(np.max(bars["close_time"] - bars["open_time"]))
    start, end = terms.data.start, terms.data.end
    if start is not None and start < opens - length:
        yield f"data.{name}: from {iso(start)} was asked for, and the data begin at {iso(opens)}"
    if end is not None and end > closes + length:
        yield f"data.{name}: up to {iso(end)} was asked for, and the data end at {iso(closes)}"


def _markets(sources: Mapping[str, Source], dealt: list[str]) -> Iterator[str]:
    """Feeds of several markets in one run."""
    of: dict[str, list[str]] = {}
    for name, source in sources.items():
        market = getattr(source.feed, "p", {}).get("market")
        if market and market != "auto":
            of.setdefault(market, []).append(name)
    if len(of) > 1:
        told = " and ".join(f"{', '.join(names)} of {market}" for market, names in of.items())
        yield f"feeds of several markets are mixed: {told}; orders go to {', '.join(dealt)}, at its prices and costs"

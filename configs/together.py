"""What is legal in each block of a run alone, but not together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.distances import parse_distance
from ..core.registry import FEEDS
from .errors import Complaint

STOPS = ("stop_loss", "trailing_stop")


def contradictions(config: Any) -> Iterator[Complaint]:
    """Everything in ``config``, a `RunConfig`, that goes against another part of it."""
    block = next(iter(config.data.values()))
    instrument, money, sizer = block.instrument, config.broker, config.sizer
    largest = 100.0 * instrument.leverage
    for name in ("percent", "most", "start"):
        if (asked := getattr(sizer, name)) is not None and asked > largest:
            text = f"is more than 100 times the leverage of the traded feed, {instrument.leverage:g} (got {asked:g})"
            yield Complaint(("sizer", name), text)
    if money.borrow and instrument.margin != "spot":
        yield Complaint(("broker", "borrow"), f"is for margin spot; margin {instrument.margin} borrows nothing")
    if money.funding is not None and instrument.funding is not None:
        yield Complaint(("broker", "funding"), "is of the traded feed, whose instrument has funding of its own")
    if config.fills.tape and money.participation is not None:
        text = "is of a bar's volume; the tape has its own: fills: {from: tape, participation: 25%}"
        yield Complaint(("broker", "participation"), text, on_key=True)
    for name, own in config.data.items():
        if config.fills.tape and own.actions is not None:
            text = "goes with fills from bars: the tape that fills orders is in shares of its own day"
            yield Complaint(("data", name, "actions"), text, on_key=True)
    yield from _rolling(config, block)
    yield from _protection(config, block)


def _rolling(config: Any, block: Any) -> Iterator[Complaint]:
    """What a continuous series that is traded does not go with."""
    traded, money = next(iter(config.data)), config.broker
    feed: Any = FEEDS.find(block.feed)
    if not feed.rolls_over:
        return
    if block.params["adjust"] == "none":
        text = "none leaves the gap between contracts in prices, which a position would earn: trade difference or ratio"
        yield Complaint(("data", traded, "adjust"), text)
    if block.instrument.margin == "inverse":
        yield Complaint(("data", traded, "instrument"), "margin inverse does not go with adjusted prices")
    if money.impact is not None or money.participation is not None or money.slippage.unit == "range":
        text = "slippage by range, impact and participation are of single bars, and what a roll would cost is not known"
        yield Complaint(("broker",), f"{text}: give slippage as a share, a price or in ticks")


def _protection(config: Any, block: Any) -> Iterator[Complaint]:
    settings = {**config.strategy.params, **config.risk.settings()}
    if config.sizer.risk is not None and not any(settings.get(name) is not None for name in STOPS):
        yield Complaint(
            ("sizer", "risk"), "sizes by the distance of the stop: set risk.stop_loss or risk.trailing_stop"
        )
    for name in (*STOPS, "take_profit"):
        asked = getattr(config.risk, name)
        if asked is not None and getattr(parse_distance(asked), "unit", "") == "ticks" and not block.tick:
            yield Complaint(("risk", name), "is in ticks: set `tick` in the traded data block")

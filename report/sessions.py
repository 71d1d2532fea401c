"""The sessions of a run: those its bars are cut by, else those an indicator of it counts by, else days in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..aggregation.kinds import BarSpec
from ..aggregation.sessions import Session
from ..core.clock import HOUR, interval_text, parse_interval
from ..core.days import parse_days
from ..core.errors import TapeflowError
from ..core.hours import EXTENDED
from .folder import Folder

Ints = NDArray[np.int64]

_PARAMS = ("session", "anchor")
"""Parameters of an indicator that may hold a session."""
_FIRST = ("NakedPOC", "VolumeProfile", "TPO")
"""Kinds whose sessions are asked for first, since the page draws what they are about."""
_WORDS = {"1d": "day", "1w": "week", "month": "month"}


@dataclass(frozen=True)
class Sessions:
    """The sessions that a feed's bars lie in.

    Parameters
    ----------
    edges : ndarray of int64
        Where each begins, and the last ends, epoch µs.
    days : ndarray of int64
        The day by which each is called, that on which it ends, numbered from 1970-01-01.
    name : str
        What one is, in words.
    """

    edges: Ints
    days: Ints
    name: str

    def of(self, times: Ints) -> Ints:
        """The number of the session that holds each instant."""
        made: Ints = np.searchsorted(self.edges, times, "right") - 1
        return made


def sessions_of(folder: Folder, name: str) -> Sessions:
    """The sessions of feed ``name``, from the one its first bar opens in to the one its last bar closes in."""
    bars = folder.bars_of(name)
    chosen = chosen_session(folder, name)
    if bars.empty:
        return divided(chosen, 0, 1)
    return divided(chosen, int(bars["open_time"].iloc[0]), int(bars["close_time"].iloc[-1]))


def chosen_session(folder: Folder, name: str) -> Session:
    """What a session of feed ``name`` is: told by its bars, else by an indicator on it, else a day in UTC."""
    spec = str((folder.data.get(name) or {}).get("spec") or "")
    try:
        by_bars = BarSpec.parse(spec).session if spec else None
    except TapeflowError:
        by_bars = None
    return by_bars or next(_by_indicators(folder, name), Session("1d"))


def divided(session: Session, start: int, end: int) -> Sessions:
    """The sessions that a stretch of time touches.

    Examples
    --------
    >>> from tapeflow.core.clock import DAY
    >>> made = divided(Session("1d", "America/New_York"), 19_000 * DAY, 19_002 * DAY)
    >>> (made.edges / HOUR - 19_000 * 24).tolist(), (made.days - 19_000).tolist(), made.name
    ([-19.0, 5.0, 29.0, 53.0], [-1, 0, 1], 'day in America/New_York')
    >>> divided(Session("1w", "UTC@08:00-16:00"), 19_000 * DAY, 19_001 * DAY).name
    'trading week of UTC@08:00-16:00'
    """
    edges = [session.start(start)]
    while edges[-1] < end:
        edges.append(session.end(edges[-1]))
    kept = np.array(edges, np.int64)
    return Sessions(kept, parse_days(session.timezone).numbers(kept[1:] - 1), _named(session))


def _named(session: Session) -> str:
    """A session in words, with the time of day at which it begins unless that is midnight."""
    word = _WORDS.get(session.text, session.text)
    if session.hours is not None:
        hours, extended, _ = session.timezone.partition(EXTENDED)
        return f"trading {word} of {hours}{', extended' if extended else ''}"
    zone, at, start = session.timezone.partition("@")
    return f"{word} in {zone}{f' from {start}' if at else ''}"


def _by_indicators(folder: Folder, name: str) -> Any:
    """Sessions that the indicators on a feed count by, those about points of control first."""
    blocks = [b for b in described(folder).values() if (b.get("data") or folder.feeds[0]) == name]
    for block in sorted(blocks, key=lambda b: b.get("kind") not in _FIRST):
        params = block.get("params") or {}
        for key in _PARAMS:
            if made := _session(params.get(key), str(params.get("timezone") or "UTC")):
                yield made


def _session(text: object, zone: str) -> Session | None:
    """A session of an hour or more; None where a parameter holds something else."""
    try:
        if not isinstance(text, str) or text in ("none", "bar"):
            return None
        if text == "month":
            return Session(text, zone)
        length = parse_interval(text)
        return Session(interval_text(length), zone) if length >= HOUR else None
    except (ValueError, TapeflowError):
        return None


def described(folder: Folder) -> Mapping[str, Mapping[str, Any]]:
    """Kind, feed and parameters of every indicator by its name; those of the config where the result has none."""
    said = folder.result.get("indicators")
    if isinstance(said, Mapping):
        return said
    blocks = (folder.lock.get("config") or {}).get("indicators") or {}
    return {n: {"kind": b.get("kind"), "data": b.get("data"), "params": b} for n, b in blocks.items()}

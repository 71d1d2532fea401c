"""The contracts of one root: what a parameter says of them, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ..core.bars import Bars
from ..core.errors import TapeflowError
from ..core.params import resolve
from ..core.plugins.registry import FEEDS
from .csv_reader.files import expand

_OWN = ("feed", "path", "name", "expiry")
_EPOCH = date(1970, 1, 1).toordinal()


def day_number(text: str) -> int:
    """The number of a day that a date names.

    >>> day_number("1970-01-02")
    1
    """
    try:
        return date.fromisoformat(str(text)).toordinal() - _EPOCH
    except ValueError:
        raise ValueError(f"'{text}' is no date; write it as 2024-01-31") from None


@dataclass(frozen=True)
class ContractList:
    """Bound of a parameter that names contracts: a block for each, or one whose path has a file for each.

    Parameters
    ----------
    gives : {"bars", "tape"}
        What the contracts are of.
    example : str
        A feed of such.

    Examples
    --------
    >>> ContractList().check([{"feed": "KrakenTrades", "path": "a.json"}])
    'item 1 feed KrakenTrades gives trades; contracts are bars (ContinuousTape takes trades)'
    """

    gives: str = "bars"
    example: str = "CsvBars"

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if isinstance(value, Mapping):
            return self._wrong(value)
        if not isinstance(value, list | tuple) or len(value) < 1:
            return f"must be {self.describe()}"
        found = ((i, self._wrong(item)) for i, item in enumerate(value, 1))
        return next((f"item {i} {wrong}" for i, wrong in found if wrong), "")

    def describe(self) -> str:
        """What a legal value is, in words."""
        return (
            f"a block such as {{feed: {self.example}, path: 'ES*.csv'}}, a file a contract, or a list with one for each"
        )

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        keys = {name: {"type": "string"} for name in ("feed", "name", "expiry")}
        block = {"type": "object", "required": ["feed", "path"], "properties": keys}
        return {"anyOf": [block, {"type": "array", "minItems": 1, "items": block}]}

    def _wrong(self, item: Any) -> str:
        if not isinstance(item, Mapping) or not isinstance(item.get("feed"), str) or not item.get("path"):
            return "must be a mapping with feed and path"
        try:
            cls: Any = FEEDS.find(item["feed"])
            resolve(cls.__name__, _params(item), cls.params, cls.bounds)
            if item.get("expiry") is not None:
                day_number(item["expiry"])
        except (TapeflowError, ValueError) as err:
            return str(err)
        if cls.gives == self.gives:
            return ""
        if cls.gives == "tape":
            return f"feed {cls.__name__} gives trades; contracts are bars (ContinuousTape takes trades)"
        return f"feed {cls.__name__} gives bars; contracts are trades (Continuous takes bars)"


@dataclass(frozen=True)
class DateList:
    """Bound of a parameter that lists ascending dates.

    Examples
    --------
    >>> DateList().check(["2024-03-14", "2024-02-01"])
    'must be ascending dates, as in [2024-03-14, 2024-06-13]'
    """

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        try:
            days = [day_number(text) for text in value] if isinstance(value, list | tuple) else None
        except ValueError as err:
            return f"must be {self.describe()}: {err}"
        return "" if days is not None and days == sorted(set(days)) else f"must be {self.describe()}"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "ascending dates, as in [2024-03-14, 2024-06-13]"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        return {"type": "array", "items": {"type": "string", "format": "date"}}


def _params(item: Mapping[str, Any]) -> dict[str, Any]:
    """The feed's own parameters in a contract's block."""
    return {k: v for k, v in item.items() if k not in _OWN}


@dataclass
class Contract:
    """One contract: its feed, and its bars once they are read."""

    name: str
    feed: Any
    expiry: int | None
    bars: Bars | None = None

    def read(self) -> Bars:
        """Its bars."""
        if self.bars is None:
            self.bars = self.feed.klines()
        return self.bars


def contracts_of(folder: Path, given: Any) -> Iterator[Contract]:
    """The contracts of a parameter, their files below ``folder``."""
    items = [given] if isinstance(given, Mapping) else given
    for item in items:
        cls: Any = FEEDS.find(item["feed"])
        path = item["path"]
        paths = [str(folder / p) for p in ([path] if isinstance(path, str | Path) else path)]
        expiry = None if item.get("expiry") is None else day_number(item["expiry"])
        if isinstance(given, Mapping):
            for file in expand(paths):
                yield Contract(file.name.split(".")[0], cls(file, **_params(item)), expiry)
        else:
            feed = cls(paths, **_params(item))
            yield Contract(item.get("name") or feed.paths[0].name.split(".")[0], feed, expiry)

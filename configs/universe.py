"""A data block with ``symbols``, which stands for a block of each of them."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.errors import unknown
from .document import Document
from .errors import Complaint, KeyPath

PLACE = "{symbol}"
"""What stands for the symbol in the values of such a block."""
ALL = "*"
UNIVERSE_KEYS: dict[str, dict[str, Any]] = {
    "symbols": {
        "anyOf": [{"const": ALL}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
        "description": "a block of each stands here: symbols that take the place of {symbol}, or * for all files",
    },
    "specs": {"type": "string", "description": "the exchange's own list of instruments: tick, lot, smallest notional"},
    "but": {"type": "object", "additionalProperties": {"type": "object"}, "description": "what one has otherwise"},
}
"""Keys of such a block besides those of the blocks that it stands for, and their JSON Schema."""


@dataclass
class Universes:
    """A run's mapping with its universes spelled out.

    Parameters
    ----------
    document : Document
        Without ``symbols``; what is wrong in a block that was made points at the one it came from.
    complaints : list of Complaint
        What is wrong with the universes.
    notes : list of str
        What a reader of the run should know of them.
    """

    document: Document
    complaints: list[Complaint] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, document: Document, folder: Path) -> Universes:
        """Those of ``document``, whose relative paths begin in ``folder``."""
        made, data = cls(document), document.value.get("data")
        asked = data.items() if isinstance(data, Mapping) else ()
        for name in [n for n, given in asked if isinstance(given, Mapping) and "symbols" in given]:
            made._spell_out(str(name), folder)
        return made

    def _spell_out(self, name: str, folder: Path) -> None:
        """Put the blocks of the symbols in the place of block ``name``."""
        value = self.document.value
        given, path = value["data"][name], ("data", name)
        symbols, wrong = _symbols(given, path, folder)
        if not wrong:
            specs, wrong = _specs(given, path, folder)
            wrong += [*_exceptions(given, path, symbols), *_taken(value["data"], name, symbols)]
        if wrong:
            self.complaints += wrong
            symbols, specs, given = symbols[:1] or [name], {}, {**given, "but": {}}
        if given["symbols"] == ALL:
            self.notes.append(
                f"{name}: its {len(symbols)} instruments are those whose files are there: one that was delisted and is "
                "missing makes a result too good (survivorship)"
            )
        self._replace(path, _blocks(given, symbols, specs))

    def _replace(self, path: tuple[str, str], blocks: dict[str, Any]) -> None:
        """Have ``blocks`` stand where the block at ``path`` does."""
        value, (_, name) = self.document.value, path
        data: dict[str, Any] = {}
        for key, own in value["data"].items():
            data |= blocks if key == name else {key: own}
        changed = {**value, "data": data}
        if value.get("trade") is not None:
            changed["trade"] = [*_traded(value["trade"], name, [*blocks])]
        self.document = replace(
            self.document,
            value=changed,
            values=_places(self.document.values, path, blocks),
            keys=_places(self.document.keys, path, blocks),
        )


def _blocks(given: Mapping[str, Any], symbols: list[str], specs: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The block of each symbol by its feed's name; ``but`` stands before the block, that before the exchange's list."""
    shared, but = {key: own for key, own in given.items() if key not in UNIVERSE_KEYS}, given.get("but") or {}
    return {
        feed_name(one): _merged(_filled({**specs.get(one, {}), **shared}, one), but.get(one) or {}) for one in symbols
    }


def _taken(data: Mapping[str, Any], name: str, symbols: list[str]) -> Iterator[Complaint]:
    """Symbols whose feeds would have the name of another block."""
    for one in symbols:
        if feed_name(one) != name and feed_name(one) in data:
            yield Complaint(("data", name, "symbols"), f"'{feed_name(one)}' is the name of a data block already")


def feed_name(symbol: str) -> str:
    """The name of a symbol's feed, which rules can say.

    Examples
    --------
    >>> feed_name("BTCUSDT"), feed_name("BTC-USDT"), feed_name("1000PEPEUSDT")
    ('BTCUSDT', 'BTC_USDT', '_1000PEPEUSDT')
    """
    made = re.sub(r"\W", "_", symbol)
    return made if made.isidentifier() else f"_{made}"


def _symbols(given: Mapping[str, Any], path: KeyPath, folder: Path) -> tuple[list[str], list[Complaint]]:
    """The symbols of a universe: as listed, or those whose files are there."""
    asked, where = given["symbols"], (*path, "symbols")
    if asked == ALL:
        found = sorted(set(_found(given.get("path"), folder)))
        text = f"no file matches path; {PLACE} stands for the symbol there, as in 'dumps/{PLACE}-1m-*.zip'"
        return found, [] if found else [Complaint(where, text)]
    if not isinstance(asked, list) or not asked or not all(isinstance(one, str) and one for one in asked):
        return [], [Complaint(where, 'must be a list of symbols, as in [BTCUSDT, ETHUSDT], or "*" for all files')]
    if len(set(map(feed_name, asked))) < len(asked):
        return [], [Complaint(where, "names a symbol twice")]
    if PLACE not in json.dumps(given) and (alike := _alike(given, asked)):
        text = (
            f"{alike[0]} and {alike[1]} are the same: write {PLACE} where they differ, as in path: "
            f"'dumps/{PLACE}-1m-*.zip', or under but what one has otherwise"
        )
        return [], [Complaint(path, text)]
    return list(asked), []


def _alike(given: Mapping[str, Any], symbols: list[str]) -> tuple[str, ...]:
    """Two symbols that nothing tells apart; empty where each has something of its own."""
    but = given.get("but")
    of_each = {one: json.dumps((but.get(one) if isinstance(but, Mapping) else None) or {}) for one in symbols}
    same = ([one for one, own in of_each.items() if own == said] for said in of_each.values())
    return next((tuple(ones[:2]) for ones in same if len(ones) > 1), ())


def _found(paths: Any, folder: Path) -> Iterator[str]:
    """Symbols of the files that ``paths`` match."""
    for text in [paths] if isinstance(paths, str) else paths if isinstance(paths, list) else []:
        if isinstance(text, str) and PLACE in text:
            whole = str(folder / text)
            pattern = re.compile(_as_regex(whole))
            for file in glob.iglob(whole.replace(PLACE, "*")):  # noqa: PTH207 (Path.glob takes no absolute pattern)
                if hit := pattern.fullmatch(file):
                    yield hit["symbol"]


def _as_regex(text: str) -> str:
    """The same as an expression that captures the symbol, the shortest that fits."""
    made = re.escape(text).replace(re.escape(PLACE), "(?P<symbol>[^/]+?)", 1)
    made = made.replace(re.escape(PLACE), "(?P=symbol)")
    return made.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _exceptions(given: Mapping[str, Any], path: KeyPath, symbols: list[str]) -> Iterator[Complaint]:
    """What ``but`` says of what is no symbol."""
    but = given.get("but")
    if but is not None and not isinstance(but, Mapping):
        yield Complaint((*path, "but"), "must say what a symbol has otherwise, as in {BTCUSDT: {slippage: 1tick}}")
        return
    for one, own in (but or {}).items():
        if one not in symbols:
            yield Complaint((*path, "but", one), unknown("symbol", str(one), symbols), on_key=True)
        elif not isinstance(own, Mapping):
            yield Complaint((*path, "but", one), "must be a mapping of keys to values, as in {slippage: 1tick}")


def _specs(
    given: Mapping[str, Any], path: KeyPath, folder: Path
) -> tuple[dict[str, dict[str, float]], list[Complaint]]:
    """What an exchange's own list says of each symbol."""
    asked, where = given.get("specs"), (*path, "specs")
    if asked is None:
        return {}, []
    if not isinstance(asked, str):
        return {}, [Complaint(where, "must be a file, the exchange's own list of instruments, as in exchangeInfo.json")]
    try:
        told = specs_in(json.loads((folder / asked).read_text(encoding="utf-8")))
    except (OSError, ValueError) as err:
        return {}, [Complaint(where, f"'{asked}' cannot be read: {err}")]
    if not told:
        text = (
            f"'{asked}' lists no instruments that are known (allowed: Binance's exchangeInfo, Bybit's instruments-info)"
        )
        return {}, [Complaint(where, text)]
    return told, []


def specs_in(told: Any) -> dict[str, dict[str, float]]:
    """Tick, lot and smallest notional of every symbol that an exchange's list names.

    Examples
    --------
    >>> filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
    >>> specs_in({"symbols": [{"symbol": "BTCUSDT", "filters": filters}]})
    {'BTCUSDT': {'tick': 0.1, 'lot': 0.001}}
    """
    if not isinstance(told, Mapping):
        return {}
    if isinstance(told.get("symbols"), list):
        return {str(one.get("symbol")): _binance(one) for one in told["symbols"] if isinstance(one, Mapping)}
    result = told.get("result")
    rows = result.get("list") if isinstance(result, Mapping) else None
    return {str(one.get("symbol")): _bybit(one) for one in rows or [] if isinstance(one, Mapping)}


def _binance(row: Mapping[str, Any]) -> dict[str, float]:
    by_type = {one.get("filterType"): one for one in row.get("filters", ()) if isinstance(one, Mapping)}
    smallest = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL") or {}
    return _numbers(
        tick=by_type.get("PRICE_FILTER", {}).get("tickSize"),
        lot=by_type.get("LOT_SIZE", {}).get("stepSize"),
        min_notional=smallest.get("minNotional", smallest.get("notional")),
    )


def _bybit(row: Mapping[str, Any]) -> dict[str, float]:
    prices, sizes = row.get("priceFilter", {}), row.get("lotSizeFilter", {})
    return _numbers(
        tick=prices.get("tickSize"),
        lot=sizes.get("qtyStep", sizes.get("basePrecision")),
        min_notional=sizes.get("minNotionalValue", sizes.get("minOrderAmt")),
    )


def _numbers(**told: Any) -> dict[str, float]:
    """Those that are told, and above 0."""
    made = {name: float(value) for name, value in told.items() if value is not None}
    return {name: value for name, value in made.items() if value > 0}


def _filled(value: Any, symbol: str) -> Any:
    """``value`` with the symbol in its place, in keys too."""
    if isinstance(value, str):
        return value.replace(PLACE, symbol)
    if isinstance(value, Mapping):
        named = {str(key).replace(PLACE, feed_name(symbol)): own for key, own in value.items()}
        return {key: _filled(own, symbol) for key, own in named.items()}
    return [_filled(one, symbol) for one in value] if isinstance(value, list) else value


def _merged(shared: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What one symbol has otherwise put over what all have."""
    made = dict(shared)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = _merged(dict(made[key]), value) if both else value
    return made


def _traded(trade: Any, name: str, feeds: list[str]) -> Iterator[Any]:
    """The feeds of ``trade``, those of a universe in its place."""
    for one in trade if isinstance(trade, list) else [trade]:
        yield from feeds if one == name else [one]


def _places(
    marks: Mapping[KeyPath, tuple[int, int]], path: KeyPath, blocks: Mapping[str, Any]
) -> dict[KeyPath, tuple[int, int]]:
    """Where the values of the blocks stand: where those of the block that they were made of do."""
    made = dict(marks)
    for place, mark in marks.items():
        if place[: len(path)] == path:
            made |= {(path[0], one, *place[len(path) :]): mark for one in blocks}
    return made

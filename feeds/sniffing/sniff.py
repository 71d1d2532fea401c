"""What a file is taken for, column by column, and the block of YAML that reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core.errors import DataError, TapeflowError, listed
from ...core.plugins.registry import FEEDS
from ..csv_reader.decode import Quarantine
from ..csv_reader.files import expand
from ..framework.mapped_columns import columns_of
from ..framework.units import wrong_amounts
from ..table_reader.arrow_reader import TableSource, sheets
from ..table_reader.sheet import Reading, Sheet
from ..table_reader.tickers import of_ticker, tickers
from .figures import QUOTES, amounts, by_money, divisor, empty_of_trades, is_void, marks, numbers_of, one_trade_each
from .headerless import Unnamed, unnamed
from .kinds import actions_beside, refuse_beside, refuse_others, refuse_totals
from .layout import NAMED, first_lines, is_json, layout
from .providers import by_name, by_shape, cell_names, read_by, refuse_metrics
from .sides import side
from .times import Times, said_place, times
from .words import BARS, BIDS, PROVIDERS, TICKS_DOWN, TICKS_UP, TRADES, found, plain, volume_of_a_coin

_LEAN_QUOTES = re.compile(r"\d{8}_.+_quote\.", re.IGNORECASE)
_LEAN_TICKS = re.compile(r"\d{8}_.+_(trade_tick|tick_trade)[._]", re.IGNORECASE)
_OVER = ("complete", "iscomplete", "closed", "isclosed", "isfinal", "confirm")
_CLOSE = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Told:
    """One column: what the file calls it, what it is taken for (empty for nothing), its first value, and why."""

    column: str
    role: str
    value: str
    says: str


@dataclass(frozen=True)
class Sniffed:
    """What a file is.

    Parameters
    ----------
    path : Path
        The file.
    form : str
        Its format, in words.
    feed : str
        The feed that reads it.
    params : dict
        The feed's parameters that are not as by default.
    columns : tuple of Told
        Every column.
    doubts : tuple of str
        What the file does not tell and a user must know.
    """

    path: Path
    form: str
    feed: str
    params: dict[str, Any]
    columns: tuple[Told, ...]
    doubts: tuple[str, ...]

    def block(self) -> str:
        """The block of YAML that reads the file."""
        from yaml import safe_dump

        data: dict[str, Any] = {"feed": self.feed, "path": str(self.path), **self.params}
        if not self.bars:
            data["bars"] = "1m"
        made: str = safe_dump(
            {"data": {"main": data}}, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True
        )
        return made

    @property
    def bars(self) -> bool:
        """Whether it holds bars, else trades."""
        cls: Any = FEEDS.find(self.feed)
        return bool(cls.gives != "tape")


def sniff(path: str | Path) -> Sniffed:
    """What a file is taken for.

    Raises
    ------
    DataError
        If the file cannot be read, or holds neither trades nor bars that can be told.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("Date;Time;Last;Vol\\n13.01.2024;09:30;10,5;7\\n13.01.2024;09:31;10,6;8\\n")
    >>> made = sniff(file)
    >>> made.params["time_format"], made.params["columns"]
    ('%d.%m.%Y %H:%M', {'time': ['Date', 'Time'], 'price': 'Last', 'quantity': 'Vol'})
    """
    (path,) = expand([path])
    source = TableSource(path)
    text = source.kind in ("csv", "lines") and not is_json(source)
    how = layout(source) if text else Reading()
    if (provider := by_name(path)) and (told := _of_provider(source, provider, how if text else None)):
        return told
    sheet = _first(source, how)
    held = tickers(sheet.names)
    sheet = of_ticker(sheet, held[:1])
    nameless = sheet.names is None and text  # a text without a header has columns of any kind
    if not nameless and (provider := by_shape(sheet)):
        if told := _of_provider(source, provider, None):
            return told
        refuse_metrics(path, provider)
    params = _of_lines(how) if text else {}
    decimal, thousands = marks(sheet, how.delimiter) if text else (".", "")
    params |= {"decimal": decimal} if decimal != "." else {}
    params |= {"thousands": thousands} if thousands else {}
    place = "" if text else said_place("\n".join(first_lines(source)[:200])[:4_000] if source.kind == "json" else "")
    time = times(sheet, decimal, place)
    if time is None:
        refuse_beside(sheet)
        seen = listed(sheet.names or ()) or f"{len(sheet.cells)} cells without names"
        raise DataError(
            f"{path}: no column is a time that can be told (it has {seen}); say it, as in columns: {{time: NAME}}"
        )
    params |= time.params
    params |= {"symbol": held[0]} if len(held) > 1 else {}
    time = replace(time, doubts=(*time.doubts, *_others(held)))
    return _told(source, sheet, params, time, how if text else None)


def _others(held: Sequence[str]) -> list[str]:
    """What to say of a table of several tickers."""
    return [f"symbol: the file holds {', '.join(held[:8])}; one of them is read at a time"] if len(held) > 1 else []


def _of_provider(source: TableSource, feed: str, how: Reading | None) -> Sniffed | None:
    """What a file is that is named as a provider names its own; None where the provider's feed does not read it."""
    try:
        *_, remarks = read_by(source.path, feed, {})
    except TapeflowError:
        return None
    sheet = _first(source, how or Reading())
    names = sheet.names or cell_names(feed, len(sheet.cells)) or [f"cell {at + 1}" for at in range(len(sheet.cells))]
    shown = [(name or "(no name)", str(cells[0].as_py())[:40]) for name, cells in zip(names, sheet.cells, strict=True)]
    columns = tuple(Told(name, "", value, f"as {feed} has it") for name, value in shown)
    doubts = tuple(remark if remark.startswith(feed) else f"{feed}: {remark}" for remark in remarks)
    named = "named as files of" if by_name(source.path) == feed else "with the columns of"
    form = f"{_form(source, sheet, how, {})}, {named} {feed}{' are' if named.startswith('named') else ''}"
    return Sniffed(source.path, form, feed, {}, columns, doubts)


def _first(source: TableSource, how: Reading) -> Sheet:
    for sheet in sheets(source, how, Quarantine("quarantine")):
        if len(sheet):
            return sheet
    raise DataError(f"{source.path}: holds no rows")


def _of_lines(how: Reading) -> dict[str, Any]:
    """The parameters of a layout that are not as by default."""
    made: dict[str, Any] = (
        {} if how.delimiter == "," else {"delimiter": {"\t": "tab"}.get(how.delimiter, how.delimiter)}
    )
    made |= {"skip": how.skip} if how.skip else {}
    return made | ({"comment": how.comment} if how.comment != "#" else {})


def _told(
    source: TableSource,
    sheet: Sheet,
    params: dict[str, Any],
    time: Times,
    how: Reading | None,
) -> Sniffed:
    """Columns and their roles, once the time is known."""
    decimal, thousands = params.get("decimal", "."), params.get("thousands", "")
    refuse_others(sheet)
    told = _roles(sheet, time, decimal, thousands)
    roles, bars = told.roles, told.bars
    doubts = [*time.doubts, *told.doubts]
    if trade := _one_a_row(sheet, roles) if bars else {}:
        roles, bars = trade, False
        doubts.append("feed: every row is one trade with an open of 0, as Sierra writes them: its high is the ask then")
    elif trade := _flat(sheet, roles, time) if bars else {}:
        roles, bars = trade, False
        doubts.append("feed: every row is flat and some have one time, so each is taken for a trade")
    if not bars and "quantity" in roles:
        refuse_totals(sheet, roles["quantity"])
    notes: dict[int, str] = {}
    for role in ("side", "is_buyer_maker") if not bars else ():
        if role in roles:
            at = roles[role]
            more, says, doubt = side(sheet.cells[at], role, sheet.names, sheet.names[at] if sheet.names else "")
            params |= more
            notes[at] = says
            doubts += [doubt] if doubt else []
            if more.get("columns"):
                del roles[role]
    none = params.pop("columns", {})
    if not bars and "bid" in roles:
        doubts.append("infer_side: tick guesses the sides that bid and ask do not tell")
    elif not bars and not {"side", "is_buyer_maker", "taker_buy_volume"} & roles.keys() and not none:
        doubts.append("side: no column tells who took liquidity; infer_side: tick or bulk guesses it")
    if "symbol" in roles and len(held := sorted(set(map(str, sheet.cells[roles["symbol"]].to_pylist())))) > 1:
        params["symbol"] = held[0]
        doubts += _others(held)
    if bars:
        roles, said = by_money(sheet, roles, decimal, thousands)
        doubts += said
    if off := _off(sheet, roles, decimal, thousands) if bars else "":
        column = sheet.names[roles.pop("quote_volume")] if sheet.names else ""
        none = {**none, "quote_volume": None}
        doubts.append(
            f"quote_volume: {column} over volume is no price between low and high, {off}; left out until one of the "
            "two is written in other units"
        )
    prices = [sheet.cells[roles[name]] for name in (_CLOSE if bars else ("price",)) if name in roles]
    scale, why = divisor(sheet, prices, time.params)
    if scale != 1:
        params["price_divisor"] = scale
    if why:
        doubts.append(f"price_divisor: {why}")
    doubts += _of_bars(sheet, roles, params) if bars else []
    doubts += actions_beside(sheet) if bars else []
    if bars and "label" not in params:
        doubts.append("label: rows are taken to be stamped with the start of a bar; label: end says otherwise")
    params["columns"] = {**_map(sheet, time, roles, bars), **none}
    if not params["columns"]:
        del params["columns"]
    feed = "CsvBars" if bars else "CsvTape"
    if provider := _provider(sheet, time):
        doubts.append(f"feed: the columns are those of {provider}, which knows more of them")
    form = _form(source, sheet, how, params)
    return Sniffed(source.path, form, feed, params, tuple(_columns(sheet, time, roles, notes)), tuple(doubts))


def _off(sheet: Sheet, roles: dict[str, int], decimal: str, thousands: str) -> str:
    """By how much quote volume and volume contradict prices; empty where they do not, or nothing tells."""
    needed = ("low", "high", "volume", "quote_volume")
    if sheet.names is None or not set(needed) <= roles.keys():
        return ""
    told = {name: numbers_of(sheet.cells[roles[name]], decimal, thousands) for name in needed}
    figures = {name: values for name, values in told.items() if values is not None}
    return wrong_amounts(figures) if len(figures) == len(needed) else ""


def _one_a_row(sheet: Sheet, roles: dict[str, int]) -> dict[str, int]:
    """The columns of trades in a file that has those of bars; empty where it holds bars."""
    if not {"open", "volume", "trades"} <= roles.keys() or not empty_of_trades(sheet.cells[roles["open"]]):
        return {}
    if not one_trade_each(sheet.cells[roles["trades"]]):
        return {}
    names = {"close": "price", "volume": "quantity", "symbol": "symbol"}
    names |= {name: name for name in ("taker_buy_volume", "taker_sell_volume")}
    return {ours: roles[name] for name, ours in names.items() if name in roles}


def _flat(sheet: Sheet, roles: dict[str, int], time: Times) -> dict[str, int]:
    """The columns of trades in a file whose bars are flat throughout, several at a time; empty where it holds bars."""
    if not time.shared or not set(_CLOSE) <= roles.keys():
        return {}
    closes = sheet.cells[roles["close"]].to_pylist()
    if any(sheet.cells[roles[name]].to_pylist() != closes for name in _CLOSE):
        return {}
    names = {"close": "price", "volume": "quantity", "symbol": "symbol"}
    if {"taker_buy_volume", "taker_sell_volume"} <= roles.keys():
        names |= {name: name for name in ("taker_buy_volume", "taker_sell_volume")}
    return {ours: roles[name] for name, ours in names.items() if name in roles}


def _of_bars(sheet: Sheet, roles: dict[str, int], params: dict[str, Any]) -> list[str]:
    """What bars leave open; adds ``label`` to the parameters where the file's name tells it."""
    made = []
    if re.search(r"\.(Last|Bid|Ask)\.(txt|csv)$", sheet.path.name):
        params["label"] = "end"
        made.append("label: NinjaTrader, after which the file is named, stamps bars with their end")
    if "trades" in roles and one_trade_each(sheet.cells[roles["trades"]]):
        made.append("feed: every row is one trade; CsvTape, with columns {price: …, quantity: …}, reads them as trades")
    ticks = {plain(sheet.names[roles[n]]) for n in ("taker_buy_volume",) if n in roles} if sheet.names else set()
    if ticks & set(TICKS_UP):
        params["label"] = "end"
        made.append("label: TradeStation and MultiCharts, whose columns these are, stamp bars with their end")
        made.append(
            "taker_buy_volume: volume above the price before, the tick rule's guess; nobody told who took liquidity"
        )
    if not {"volume", "taker_buy_volume"} & roles.keys():
        made.append("volume: no column tells it, and measures of volume have none")
    if forming := _forming(sheet):
        made.append(f"{forming}: a bar is not over yet; leave its row out, or it is taken for a whole one")
    bid = sheet.names is not None and plain(sheet.names[roles["open"]]) in BIDS
    if bid or _LEAN_QUOTES.match(sheet.path.name):
        made.append("open: prices are the bid's; those of the ask are not read")
    return made


def _forming(sheet: Sheet) -> str:
    """The column that says of some bar that it is not complete; empty for none."""
    for name, cells in zip(sheet.names or (), sheet.cells, strict=False):
        if plain(name) in _OVER and {"false", "0"} & {str(word).lower() for word in cells.to_pylist()}:
            return name
    return ""


def _roles(sheet: Sheet, time: Times, decimal: str, thousands: str) -> Unnamed:
    """Which column is what, and whether the file holds bars."""
    taken = set(time.places)
    if sheet.names is None:
        if _LEAN_TICKS.match(sheet.path.name):
            return Unnamed({"price": 1, "quantity": 2}, False)
        told = unnamed(sheet, time.places, decimal, thousands, newest_first=time.newest_first)
        if _LEAN_QUOTES.match(sheet.path.name):  # what stands there is the size of the bid
            return Unnamed({name: at for name, at in told.roles.items() if name != "volume"}, told.bars)
        return told
    numbers = amounts(sheet, decimal, thousands) - {at for at, cells in enumerate(sheet.cells) if is_void(cells)}
    bars = all(found(sheet.names, BARS[name], taken) is not None for name in ("open", "high", "low"))
    roles: dict[str, int] = {}
    for role, words in (BARS if bars else TRADES).items():
        free = taken | set(roles.values())
        if role not in ("side", "is_buyer_maker", "trade_id", "symbol"):
            free |= set(range(len(sheet.cells))) - numbers
        at = found(sheet.names, words, free)
        if role == "volume":
            at = _traded(sheet, words, free, at)
        if at is not None:
            roles[role] = at
    needed = ("close",) if bars else ("price", "quantity")
    if missing := [role for role in needed if role not in roles]:
        if {"bid", "ask"} <= set(map(plain, sheet.names)):
            raise DataError(f"{sheet.path}: {QUOTES}")
        called = found(sheet.names, (BARS if bars else TRADES)[missing[0]], taken | set(roles.values()))
        if called is not None and not is_void(sheet.cells[called]):
            raise DataError(
                f"{sheet.path}: column {sheet.names[called]} would be the {missing[0]}, but holds more than numbers of "
                "0 and above; where a sign tells the side, write the side out"
            )
        refuse_beside(sheet)
        names = listed([name for name in sheet.names if name])
        raise DataError(
            f"{sheet.path}: holds neither open, high, low and close nor price and quantity under names that are known: "
            f"{missing[0]} is missing (it has {names}); say it, as in columns: {{{missing[0]}: NAME}}"
        )
    return Unnamed(_in_pairs(roles, sheet.names), bars)


def _in_pairs(roles: dict[str, int], names: tuple[str, ...]) -> dict[str, int]:
    """Roles without half of a pair that tells sides together, and without one that need not be told."""
    both = {"taker_buy_volume", "taker_sell_volume"} <= roles.keys()
    quotes = {"bid", "ask"} <= roles.keys() and not {"side", "is_buyer_maker"} & roles.keys()
    kept = {"bid": quotes, "ask": quotes}
    ticks = {*TICKS_UP, *TICKS_DOWN}
    return {
        name: at
        for name, at in roles.items()
        if kept.get(name, True) and (both or not name.startswith("taker_") or plain(names[at]) not in ticks)
    }


def _traded(sheet: Sheet, words: tuple[str, ...], free: set[int], at: int | None) -> int | None:
    """The column of volume: one called after its unit too, and not one of noughts where there is another."""
    names = sheet.names or ()
    if at is None:
        return volume_of_a_coin(
            names, free | {i for w in (BARS["quote_volume"],) if (i := found(names, w, set())) is not None}
        )
    if empty_of_trades(sheet.cells[at]):
        other = found(names, words, free | {at})
        return at if other is None or empty_of_trades(sheet.cells[other]) else other
    return at


def _map(sheet: Sheet, time: Times, roles: dict[str, int], bars: bool) -> dict[str, Any]:
    """The map of columns; by name only what a feed would not find by itself."""
    names = sheet.names
    if names is None:
        cells = [at + 1 for at in time.places]
        return {"time": cells if len(cells) > 1 else cells[0], **{role: at + 1 for role, at in roles.items()}}
    usual = {column.name: column for column in columns_of(bars)}
    made: dict[str, Any] = {}
    if len(time.places) > 1:
        made["time"] = [names[at] for at in time.places]
    elif usual["time"].find(names) != list(time.places):
        made["time"] = names[time.places[0]]
    for role, at in roles.items():
        if usual[role].find(names) != [at]:
            made[role] = names[at]
    for role, column in usual.items():  # what a feed would take for something that it is not taken for here
        if role != "time" and role not in roles and column.optional and column.find(names):
            made[role] = None
    return made


def _columns(sheet: Sheet, time: Times, roles: dict[str, int], notes: dict[int, str]) -> Iterator[Told]:
    of = {at: role for role, at in roles.items()}
    for at, cells in enumerate(sheet.cells):
        name = (sheet.names[at] or "(no name)") if sheet.names else f"cell {at + 1}"
        value = str(cells[0].as_py())[:40]
        if at in time.places:
            yield Told(name, "time", value, time.says)
        else:
            yield Told(name, of.get(at, ""), value, notes.get(at, "" if at in of else "not read"))


def _provider(sheet: Sheet, time: Times) -> str:
    names = set(sheet.names or ())
    made = next((feed for feed, own in PROVIDERS.items() if own <= names), "")
    as_counts = "since 1970" in time.says  # Bybit's files are BitMEX's but for the times
    return "BitMEXTrades" if made == "BybitTrades" and not as_counts else made


def _form(source: TableSource, sheet: Sheet, how: Reading | None, params: dict[str, Any]) -> str:
    packed = " (packed)" if source.packed else ""
    if how is None:
        return {"lines": "JSON, a value a line", "json": "JSON"}.get(source.kind, source.kind) + packed
    header = "no header" if sheet.names is None else "a header"
    skip = f", {how.skip} line{'' if how.skip == 1 else 's'} before it" if how.skip else ""
    point = f", {params['decimal']!r} before fractions" if "decimal" in params else ""
    return f"text{packed}, cells parted by {NAMED.get(how.delimiter, how.delimiter)}, {header}{skip}{point}"

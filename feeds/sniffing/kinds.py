"""Files of another kind than trades and bars that look like them: a book, quotes, liquidations, dividends, funding."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...core.errors import DataError
from ..table_reader.convert import decimal_column, is_text
from ..table_reader.sheet import Sheet
from .words import TRADES, found, plain

_KINDS = ("eventtype", "event", "recordtype", "rectype", "msgtype", "messagetype", "updatetype", "e", "ticktype")
_OTHER = re.compile(r"quote|\bbid|\bask|book|depth|nbbo", re.IGNORECASE)
_BOOK = {"issnapshot", "bookaction", "updateid", "lastupdateid"}
_DEPTH = re.compile(r"(bid|ask)(price|px|p)?0?1|[ab]1(p|price)?|[ab]p1")
"""What the first price of a book is called in rows of its state."""
_LIQUIDATIONS = re.compile(r"liquidation|force_?order", re.IGNORECASE)
_ACTIONS = re.compile(r"dividends?|dividendamount|cashdividend|(stock)?splits?|splitratio|splitcoefficient|splitfactor")
_FUNDING = re.compile(r"(last|predicted|next|current)?(funding|fundingrate|realizedrate)(8h)?")
_INTEREST = re.compile(r"(sum)?openinterest(usd|value|contracts?)?|oi")
_SO_FAR = 50
"""Trades of which none is smaller than the one before are totals."""
_ROWS = 20_000


def refuse_others(sheet: Sheet) -> None:
    """Refuse a file whose rows are not, or not all, trades or bars though its columns could be.

    Raises
    ------
    DataError
        Naming the column that tells it, and the way out.
    """
    _refuse_liquidations(sheet.path)
    for name, cells in zip(sheet.names or (), sheet.cells, strict=False):
        if plain(name) in _BOOK:
            raise DataError(
                f"{sheet.path}: holds changes of an order book, as its column {name} tells, where trades or "
                "bars are wanted"
            )
        if plain(name) in ("strike", "strikeprice") and len(set(cells.slice(0, _ROWS).to_pylist())) > 1:
            raise DataError(f"{sheet.path}: holds several options, as its column {name} tells; write one to a file")
        if plain(name) in _KINDS and is_text(cells):
            words = sorted({str(word) for word in cells.slice(0, _ROWS).to_pylist() if word})
            if any(map(_OTHER.search, words)):
                shown = ", ".join(words[:6])
                raise DataError(
                    f"{sheet.path}: column {name} holds {shown}: rows of quotes among trades or in place of them; "
                    "write the rows of trades alone to a file"
                )
    _refuse_levels(sheet)


def actions_beside(sheet: Sheet) -> list[str]:
    """What to say of dividends and splits in columns beside bars; none where there were no such."""
    there = []
    for name, cells in zip(sheet.names or (), sheet.cells, strict=False):
        values = decimal_column(cells)[0] if _ACTIONS.fullmatch(plain(name)) else np.zeros(0)
        if np.isin(values, (0.0, 1.0), invert=True)[np.isfinite(values)].any():
            there.append(name)
    if not there:
        return []
    return [
        f"actions: {' and '.join(there)} of the file are not read; a file of date, split and dividend named under "
        "actions is, unless prices are adjusted for them already"
    ]


def refuse_beside(sheet: Sheet) -> None:
    """Refuse a series beside trades that no feed reads as it is, and say what takes it.

    Parameters
    ----------
    sheet : Sheet
        Without trades or bars that could be told.

    Raises
    ------
    DataError
        If its columns are those of dividends and splits, of funding rates, or of open interest.
    """
    called = {plain(name): name for name in sheet.names or ()}

    def first(pattern: re.Pattern[str]) -> str:
        return next((name for word, name in called.items() if pattern.fullmatch(word)), "")

    if name := first(_ACTIONS):
        raise DataError(
            f"{sheet.path}: holds dividends or splits, as its column {name} tells, where trades or bars are wanted: "
            "the data block of the stock names it, as in actions: FILE, with columns date, split, dividend and symbol"
        )
    if name := first(_FUNDING):
        raise DataError(
            f"{sheet.path}: holds funding rates, as its column {name} tells, where trades or bars are wanted: broker: "
            "{funding: FILE} books them and BinanceFunding lets rules read them, where columns are called "
            "calc_time and last_funding_rate"
        )
    if name := first(_INTEREST):
        raise DataError(
            f"{sheet.path}: holds open interest, as its column {name} tells, where trades or bars are wanted: "
            "BinanceMetrics lets rules read it, where columns are called create_time and sum_open_interest"
        )


def _refuse_liquidations(path: Path) -> None:
    """Refuse forced orders, which have the columns of trades and are a few of them."""
    if _LIQUIDATIONS.search(path.name):
        raise DataError(
            f"{path}: is named as liquidations are, which are no tape of all trades; BinanceLiquidations reads those "
            "of Binance's archive; rename the file if it holds every trade"
        )


def _refuse_levels(sheet: Sheet) -> None:
    """Refuse prices of a book with the amount that rests there, of which 0 takes one away."""
    names = sheet.names or ()
    side, amount = found(names, TRADES["side"], set()), found(names, TRADES["quantity"], set())
    if side is None or amount is None or not is_text(sheet.cells[side]):
        return
    words = {str(word).lower() for word in sheet.cells[side].slice(0, _ROWS).to_pylist() if word}
    gone = (decimal_column(sheet.cells[amount])[0] == 0).any()
    if gone and words and words <= {"bid", "ask", "bids", "asks"}:
        raise DataError(
            f"{sheet.path}: holds changes of an order book, as {names[side]} of {' and '.join(sorted(words))} with "
            f"{names[amount]} of 0 tells, where trades or bars are wanted"
        )


def refuse_totals(sheet: Sheet, quantity: int) -> None:
    """Refuse rows of the state of a market, whose volume is the day's so far.

    Parameters
    ----------
    sheet : Sheet
        Taken for trades.
    quantity : int
        The column that is taken for their amounts.

    Raises
    ------
    DataError
        If the amounts never fall, beside the first prices of a book or in many rows.
    """
    names = sheet.names or ()
    amounts = decimal_column(sheet.cells[quantity])[0][:_ROWS]
    steps = np.diff(amounts[np.isfinite(amounts)])
    book = any(_DEPTH.fullmatch(plain(name)) for name in names)
    if (steps >= 0).all() and (steps > 0).sum() > (0 if book else _SO_FAR):
        called = names[quantity] if names else f"cell {quantity + 1}"
        raise DataError(
            f"{sheet.path}: column {called} never falls, as a total so far does: rows of a market's state are no "
            "trades; write what each row adds"
        )

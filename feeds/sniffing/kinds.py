"""Files of another kind than trades and bars that look like them: changes of a book, quotes between trades."""

from __future__ import annotations

import re

from ...core.errors import DataError
from ..table_reader.convert import is_text
from ..table_reader.sheet import Sheet
from .words import plain

_KINDS = ("eventtype", "event", "recordtype", "rectype", "msgtype", "messagetype", "updatetype", "e", "ticktype")
_OTHER = re.compile(r"quote|\bbid|\bask|book|depth|nbbo", re.IGNORECASE)
_BOOK = {"issnapshot", "bookaction", "updateid", "lastupdateid"}
_ROWS = 20_000


def refuse_others(sheet: Sheet) -> None:
    """Refuse a file whose rows are not, or not all, trades or bars though its columns could be.

    Raises
    ------
    DataError
        Naming the column that tells it, and the way out.
    """
    for name, cells in zip(sheet.names or (), sheet.cells, strict=False):
        if plain(name) in _BOOK:
            raise DataError(
                f"{sheet.path}: holds changes of an order book, as its column {name} tells, where trades or "
                "bars are wanted"
            )
        if plain(name) in _KINDS and is_text(cells):
            words = sorted({str(word) for word in cells.slice(0, _ROWS).to_pylist() if word})
            if any(map(_OTHER.search, words)):
                shown = ", ".join(words[:6])
                raise DataError(
                    f"{sheet.path}: column {name} holds {shown}: rows of quotes among trades or in place of them; "
                    "write the rows of trades alone to a file"
                )

"""Trades from files of one's own, whose columns are said by name."""

from __future__ import annotations

from .framework.mapped_columns import FILE_BOUNDS, FILE_PARAMS
from .framework.mapped_tape import MappedTape


class CsvTape(MappedTape):
    """Trades from any CSV, parquet, feather, JSON or JSON-lines file, its columns named in ``columns``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    columns : dict, default={}
        What the file calls ``time``, ``price``, ``quantity``, ``side``, ``is_buyer_maker``, ``trade_id`` and
        ``symbol``; or ``taker_buy_volume`` and ``taker_sell_volume``, of which one is 0 and the other tells the
        side; or ``bid`` and ``ask`` beside each trade, which tell it too: at the ask or above a buy, at the bid or
        below a sell, between them none, unless ``infer_side`` guesses it; or the numbers of their cells, counted
        from 1, or null for none, as of an ``id`` that is no trade's. What is left out is looked for under its usual
        names.
    time_unit : {"auto", "s", "ms", "us", "ns", "iso", "excel", "ms_of_day"}, default="auto"
        Unit of the time stamps, which may have a fraction; ``auto`` goes by their magnitude, and takes text for ISO
        8601, or for another spelling that has year, month and day in this order. ``excel`` are the days of a
        spreadsheet, ``ms_of_day`` milliseconds since midnight of the day in the file's name.
    time_format : str or None, default=None
        How stamps are written, in the words of ``strptime``, as in ``%d.%m.%Y %H:%M``; without a date in it, the day
        is the one in the file's name.
    timezone : str or None, default=None
        The place whose clocks show stamps that have no zone of their own; None for UTC.
    ambiguous : {"infer", "earlier", "later"}, default="infer"
        Which of the two times a stamp is that clocks show twice when they are set back: told by the order of rows,
        the first time until the file steps back (a file that does not step back once is refused); or always the
        first, or the second. A time that clocks skip is a row that cannot be read.
    price_divisor : float, default=1.0
        What prices are divided by: 10000 for files that have them in hundredths of a cent.
    sides : dict, default={}
        Words for the sides, as in ``{buy: [B], sell: [S], none: [N]}``; left out: buy, b, 1, sell, s and −1.
    side_of : {"taker", "maker"}, default="taker"
        Whose side the file tells.
    delimiter : str, default=","
        Between the cells of a line: one character, or ``tab``. A line ``sep=;`` before the table says it too.
    header : {"auto", "yes", "no"}, default="auto"
        Whether the first line names the columns; ``auto`` takes it for a header unless it begins with a digit.
        Types below the names, and further lines of a header as pandas writes them, are passed over.
    skip : int, default=0
        Lines before the table.
    comment : str or None, default="#"
        What lines begin with that are no rows; the last of them names the columns where it has as many cells as the
        rows, which have no other header.
    decimal : {".", ","}, default="."
        What stands before the fraction of a number.
    thousands : str or None, default=None
        What stands between the thousands of a number.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What quantities count: base currency, or contracts.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side: nothing, the tick rule, or bulk classification of the bars' volume.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> _ = file.write_text("ts;px;qty;agg\\n2024-01-01 00:00:00;10.5;2;S\\n2024-01-01 00:00:01;10.6;1;B\\n")
    >>> names = {"time": "ts", "price": "px", "quantity": "qty", "side": "agg"}
    >>> (tape,) = CsvTape(file, columns=names, delimiter=";").tapes()
    >>> tape.side.tolist(), tape.price.tolist()
    ([-1, 1], [10.5, 10.6])
    """

    params = FILE_PARAMS
    bounds = FILE_BOUNDS

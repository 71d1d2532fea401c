"""Bars from files of one's own, whose columns are said by name."""

from __future__ import annotations

from .framework.mapped_bars import MappedBars
from .framework.mapped_columns import FILE_BOUNDS, FILE_PARAMS


class CsvBars(MappedBars):
    """Bars from any CSV, parquet, feather, JSON or JSON-lines file, its columns named in ``columns``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files; patterns are expanded. Rows that two files share must be the same in both.
    columns : dict, default={}
        What the file calls ``time`` and the canonical columns; or the numbers of their cells, counted from 1. What is
        left out is looked for under its own name, columns of classes of trade size among it. Any other name makes an
        extra column.
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
    label : {"start", "end"}, default="start"
        Whether rows are stamped with the start or the end of their interval.
    interval : str or None, default=None
        Length of a bar; None takes the most frequent distance between two rows.
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
    infer_side : {"none", "bulk"}, default="none"
        ``bulk`` estimates taker volume from price moves where the file has none.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Raises
    ------
    DataError
        For a file that cannot be read, with its row, column and value; for rows off the grid.
    ParamError
        For a parameter out of bounds.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mine.csv"
    >>> lines = ["date,open,high,low,close,volume,fund", "2024-01-01,1,3,1,2,9,0.1", "2024-01-02,2,2,2,2,0,0.2"]
    >>> _ = file.write_text("\\n".join(lines))
    >>> bars = CsvBars(file, columns={"funding": "fund"}).bars()
    >>> bars.spec, bars["close"].tolist(), bars["funding"].tolist(), bars["quality"].tolist()
    ('1d', [2.0, 2.0], [0.1, 0.2], [0, 2])
    """

    params = FILE_PARAMS
    bounds = FILE_BOUNDS

"""AcmeTrades: trades as the Acme exchange publishes them."""

from __future__ import annotations

from tapeflow.feeds.base import Table, TableTape, trade_columns


class AcmeTrades(TableTape):
    """Trades from Acme's daily CSV: ``stamp,rate,coins,aggressor,number``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
    symbol : str or None, default=None
        The market wanted of files that hold several.
    bad_rows : {"error", "quarantine"}, default="error"
        What to do with lines that cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "acme.csv"
    >>> _ = file.write_text("stamp,rate,coins,aggressor,number\\n1700000000000,100.5,2,buy,1\\n")
    >>> (tape,) = AcmeTrades(file).tapes()
    >>> tape.price.tolist(), tape.side.tolist()
    ([100.5], [1])
    """

    table = Table(trade_columns(("stamp",), ("rate",), ("coins",), ("aggressor",), ("number",)))
    contiguous = True

"""Deribit: the REST answers of trades."""

from __future__ import annotations

from .framework.table_tape import ContractTape, trade_columns
from .table_reader.tables import Column, Table


class DeribitTrades(ContractTape):
    """Deribit's trades: the JSON of ``public/get_last_trades_by_instrument`` and its like.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded. Answers that are newest first are turned around.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What amounts count: base currency, or contracts; ``auto`` goes by ``instrument_name``: amounts of coin-margined
        perpetuals and futures are US dollars, those of linear ones base currency.
    contract_size : float or None, default=None
        Quote currency (inverse) or base currency (linear) in one contract; refused with ``none``.
    infer_side : {"none", "tick", "bulk"}, default="none"
        What to do about rows without a side.
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

    Notes
    -----
    The direction is the taker's. ``trade_seq`` counts the trades of one instrument without a hole and stands for the
    id, so that missing rows are noticed; ``trade_id`` counts those of all.

    References
    ----------
    Deribit, API v2, public/get_last_trades_by_instrument.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.json"
    >>> row = '{"trade_seq":30289442,"trade_id":"48079254","timestamp":1590484156350,"price":8000,'
    >>> row += '"instrument_name":"BTC-PERPETUAL","direction":"buy","amount":40}'
    >>> _ = file.write_text('{"result":{"trades":[' + row + '],"has_more":true}}')
    >>> (tape,) = DeribitTrades(file).tapes()
    >>> tape.quantity.tolist(), tape.notional.tolist(), tape.side.tolist()
    ([0.005], [40.0], [1])
    """

    venue = "deribit"
    table = Table(
        trade_columns(
            ("timestamp",),
            ("price",),
            ("amount",),
            ("direction",),
            ("trade_seq",),
            Column("symbol", "text", ("instrument_name",), optional=True),
        ),
        rows="result.trades",
    )
    contiguous = True

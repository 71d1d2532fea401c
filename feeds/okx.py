"""OKX: historical trade dumps and the REST answers of trades."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..core.errors import DataError
from ..core.params import Text
from .framework.contract_rules import Terms
from .framework.table_tape import ContractTape, trade_columns
from .table_reader.arrow_reader import TableSource, parsed
from .table_reader.tables import Column, Table

_SYMBOL = Column("symbol", "text", ("instrument_name", "instId", "symbol"), optional=True)

_KNOWN = {
    "BTC-USDT-SWAP": Terms("linear", 0.01, "OKX's ctVal"),
    "ETH-USDT-SWAP": Terms("linear", 0.1, "OKX's ctVal"),
}


class OKXTrades(ContractTape):
    """OKX's trades: its historical dumps, with an English header or one in GBK, and the JSON of ``GET /market/trades``.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in any order; patterns are expanded.
    contracts : {"none", "linear", "inverse", "auto"}, default="auto"
        What sizes count: base currency as on spot, or contracts as on swaps and futures; ``auto`` goes by the symbol.
    contract_size : float or None, default=None
        Base currency (linear) or quote currency (inverse) in one contract, OKX's ``ctVal``: 0.01 for BTC-USDT-SWAP, 100
        for BTC-USD-SWAP; refused with ``none``. With ``auto`` it is what ``instruments`` says; else coin-margined
        contracts have 100 for BTC and 10 for all others, BTC-USDT-SWAP 0.01 and ETH-USDT-SWAP 0.1, and other linear
        ones, whose size is each market's own, are refused.
    instruments : str or None, default=None
        A file with the answer of ``GET /public/instruments``, which tells the size of every contract.
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
    The side is the taker's. Rows of a dump are not in time order throughout and their ids not without holes, so late
    rows are put in place and flagged, and missing ids are not looked for. A dump's day is not one in UTC.

    References
    ----------
    OKX, Historical market data, https://www.okx.com/historical-data; API v5, Get trades.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "trades.csv"
    >>> _ = file.write_text("trade_id,side,size,price,created_time\\n450372093,buy,0.5,35910.6,1700239042832\\n")
    >>> (tape,) = OKXTrades(file, contracts="inverse", contract_size=100).tapes()
    >>> tape.notional.tolist(), tape.side.tolist()
    ([50.0], [1])
    """

    params = {"instruments": None}
    bounds = {"instruments": Text(str, "the path of an answer of GET /public/instruments", optional=True)}
    venue = "okx"
    table = Table(
        trade_columns(
            ("created_time", "ts"), ("price", "px"), ("size", "sz"), ("side",), ("trade_id", "tradeId"), _SYMBOL
        ),
        rows="data",
    )

    def published(self) -> Mapping[str, Terms]:
        """The contracts of ``instruments``, beside the two whose size everybody knows."""
        return _KNOWN if self.p["instruments"] is None else _listed(Path(self.p["instruments"]).expanduser())


def _listed(path: Path) -> dict[str, Terms]:
    """Contracts of an answer of ``GET /public/instruments``; instruments without a size are none."""
    found = parsed(TableSource(path))
    made = {}
    try:
        for one in found["data"]:
            if one.get("ctVal") and one.get("ctType") in ("linear", "inverse"):
                size = float(one["ctVal"]) * float(one.get("ctMult") or 1)
                made[str(one["instId"])] = Terms(one["ctType"], size, f"ctVal in {path.name}")
    except (TypeError, KeyError, ValueError, AttributeError):
        raise DataError(
            f"{path}: is no answer of GET /public/instruments: a list data of instId, ctVal, ctType"
        ) from None
    return made

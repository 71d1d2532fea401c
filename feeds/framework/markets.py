"""Binance's markets: spot, USD-margined or coin-margined, told from names, folders, symbols and columns of files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core.errors import DataError, ParamError, TapeflowError
from ...core.params import Bound, Choice, Rule
from ...store.names import named
from ..csv_reader.decode import DecodedRows
from .contract_rules import coin_size

MARKET_PARAMS: dict[str, Any] = {"market": "auto", "contract_size": None}
MARKET_BOUNDS: dict[str, Rule] = {
    "market": Choice("spot", "um", "cm", "auto"),
    "contract_size": Bound(0, open_low=True, optional=True),
}
_COIN = re.compile(r"([A-Z0-9]+)USD_(?:PERP|\d{6})", re.IGNORECASE)
_DATED = re.compile(r"[A-Z0-9]+(?:USDT|USDC|BUSD)_\d{6}", re.IGNORECASE)
_PREFIX = re.compile(r"(spot|um|cm)_(?=[A-Z0-9])")
_KINDS = ("aggTrades", "trades", "klines")
_SAYS = {"spot": "spot", "um": "USD-margined", "cm": "coin-margined"}
_OTHERS = ("quote_quantity", "quote_qty", "quoteqty", "base_qty", "baseqty")
_BEST = ("is_best_match", "isbestmatch", "m")
_CLOSE = 2e-3


def of_symbol(symbol: str) -> str:
    """The market that a symbol can only be of; empty where it may be of several.

    >>> [of_symbol(s) for s in ("BTCUSD_PERP", "ETHUSD_240329", "BTCUSDT_240329", "BTCUSDT")]
    ['cm', 'cm', 'um', '']
    """
    if _COIN.fullmatch(symbol):
        return "cm"
    return "um" if _DATED.fullmatch(symbol) else ""


def of_path(path: Path) -> str:
    """The market that a file's name or folders say: the symbol, ``um_…`` before it, ``um/aggTrades/BTCUSDT/…``.

    >>> [of_path(Path(p)) for p in ("cm_BTC-1m-2024-01.zip", "futures/um/daily/klines/BTCUSDT/1m/a.zip", "um/a.zip")]
    ['cm', 'um', '']
    """
    by_symbol = of_symbol(named(path).symbol)
    if by_symbol:
        return by_symbol
    if hit := _PREFIX.match(path.name):
        return hit[1]
    folders = path.parts[-7:-1]
    at = next((i for i, name in enumerate(folders) if name in _KINDS), 0)
    return next((name for name in reversed(folders[:at]) if name in _SAYS), "")


class FeedMarket:
    """The market of a feed and the size of its contracts: as the user says, as files say, else spot.

    Parameters
    ----------
    owner : str
        The feed, for errors.
    params : dict
        The feed's parameters; ``market`` and ``contract_size`` are settled in place.
    paths : sequence of paths
        Its files.

    Raises
    ------
    DataError
        If names say two markets.
    ParamError
        If the user says another market than a name, or a contract size is missing or has no place.
    """

    def __init__(self, owner: str, params: dict[str, Any], paths: Sequence[Path]) -> None:
        self._owner, self._params = owner, params
        self.given: str = params["market"]
        self.remark = ""
        """What was taken or assumed, in words; empty where the user said it."""
        said = {market: path for path in reversed(paths) if (market := of_path(path))}
        if len(said) > 1:
            files = ", ".join(f"{market} by {said[market].name}" for market in sorted(said))
            raise DataError(f"{owner}: files are of several markets ({files}); name the files of one")
        self._symbol = next((s for path in paths if (s := named(path).symbol)), "")
        for market, path in said.items():
            self.take(market, path.name, f"{path}: ")
        if params["market"] != "auto":
            self._check_size()
        elif params["contract_size"] is not None:
            raise ParamError(f"{owner}: contract_size is for market cm only; say market: cm beside it")

    def rows(self, rows: DecodedRows) -> None:
        """What the first rows of a file say, by their columns or by a symbol in them.

        Raises
        ------
        DataError
            If it contradicts the user or a name.
        """
        where = f"{rows.path}: "
        if "symbol" in rows.columns and len(rows):
            self._symbol = str(rows["symbol"][0])
            if market := of_symbol(self._symbol):
                self.take(market, self._symbol, where)
        if rows.head:
            self._columns(rows.head, where)
        self.settle()

    def _columns(self, head: Sequence[Mapping[str, str]], where: str) -> None:
        """What the columns of trades say: figures beside price and quantity, or a column that one market alone has."""
        market, size = _of_amounts(head)
        if market == "cm":
            name, line = next((n, head[0]) for n in _OTHERS if n in head[0])
            of = f"{_amount(line):g} × {size:g} / {line['price']}" if size else "contracts over the price"
            self.take("cm", f"a trade whose {name} is {line[name]}, {of},", where, size)
        elif market and self._params["market"] == "cm":
            line = head[0]
            raise DataError(
                f"{where}{self._owner}: market is cm, but the amount beside price {line['price']} and quantity "
                f"{_amount(line):g} is their product, as spot and USD-margined trades have it: say market: um or spot"
            )
        elif self._params["market"] == "auto" and any(name in head[0] for name in _BEST):
            self.take("spot", "the column is_best_match", where)

    def take(self, market: str, why: str, where: str, size: float | None = None) -> None:
        """Take what files say; refused where it contradicts the user or a name.

        Parameters
        ----------
        market : str
            What they say.
        why, where : str
            By what, and the file, for messages.
        size : float or None
            The size of a contract by figures in the file.

        Raises
        ------
        ParamError
            Naming both.
        """
        known, given = self._params["market"], self._params["contract_size"]
        if known not in ("auto", market):
            raise ParamError(
                f"{where}{self._owner}: market is {known}, but {why} is {_SAYS[market]}: say market: {market}"
            )
        if size is not None and given not in (None, size):
            raise ParamError(f"{where}{self._owner}: contract_size is {given:g}, but {why} has contracts of {size:g}")
        if known != market:
            self._params["market"] = market
            self.remark = "" if market == "spot" else f"market: {market}, as {why.rstrip(',')} is {_SAYS[market]}"
        if size is not None and given is None:
            self._params["contract_size"] = size
            self.remark += f"; contract_size: {size:g}, by the same figures"
        self._check_size()

    def settle(self) -> None:
        """Spot, where nothing says which."""
        if self._params["market"] == "auto":
            self._params["market"] = "spot"
            self.remark = (
                "market: spot is assumed, neither names nor columns say which; say market: um or cm where it is one"
            )

    def _check_size(self) -> None:
        """A size where contracts have one, by Binance's rule where the symbol is known; none elsewhere."""
        size, coin = self._params["contract_size"], _COIN.fullmatch(self._symbol)
        if self._params["market"] != "cm":
            check_contract(self._owner, self._params)
            return
        rule = coin_size(coin[1]) if coin else None
        if size is None and rule is not None:
            self._params["contract_size"] = rule
            says = f"contract_size: {rule:g}, Binance's rule for {self._symbol} (100 USD for BTC, 10 for all others)"
            self.remark = f"{self.remark}; {says}" if self.remark else says
        elif size is not None and rule not in (None, size) and "by Binance's rule" not in self.remark:
            more = f"contract_size: {size:g} is taken as given; by Binance's rule {self._symbol} has {rule:g}"
            self.remark = f"{self.remark}; {more}" if self.remark else more
        check_contract(self._owner, self._params)


def market_complaint(owner: str, params: Mapping[str, Any], paths: Sequence[Path]) -> str:
    """What is wrong with market and contract size by themselves and by the names of files; empty where nothing is."""
    try:
        FeedMarket(owner, dict(params), paths)
    except TapeflowError as err:
        return str(err)
    return ""


def check_contract(name: str, params: Mapping[str, Any]) -> None:
    """Refuse a contract size where none belongs, and its absence where one is needed.

    Raises
    ------
    ParamError
        Naming the feed and what is wanted.
    """
    size = params["contract_size"]
    if params["market"] == "cm" and size is None:
        raise ParamError(
            f"{name}: market cm needs contract_size, quote currency in one contract: 100 for BTC, 10 for most others"
        )
    if params["market"] != "cm" and size is not None:
        raise ParamError(f"{name}: contract_size is for market cm only (market is {params['market']})")


def _amount(line: Mapping[str, str]) -> float:
    """Quantity of a trade."""
    try:
        return float(line.get("quantity") or line.get("qty") or "nan")
    except ValueError:
        return float("nan")


def _of_amounts(head: Sequence[Mapping[str, str]]) -> tuple[str, float | None]:
    """What all trades say by the amount beside price and quantity: ``quote`` or ``cm`` with the size, or nothing."""
    sizes = [
        {size for size in (0.0, 100.0, 10.0) if _is_amount(line, size)} for line in head if _other(line) is not None
    ]
    common = set.intersection(*sizes) if sizes else set()
    if any(name in head[0] for name in ("base_qty", "baseqty")):
        return "cm", next((size for size in sorted(common, reverse=True) if size), None)
    if len(common) != 1:
        return "", None
    (size,) = common
    return ("cm", size) if size else ("quote", None)


def _other(line: Mapping[str, str]) -> float | None:
    """The amount beside price and quantity, where there is one above 0."""
    try:
        made = float(next(line[name] for name in _OTHERS if name in line))
    except (StopIteration, ValueError):
        return None
    return made if made > 0 and _amount(line) > 0 else None


def _is_amount(line: Mapping[str, str], size: float) -> bool:
    """Whether that amount is base of so many contracts of ``size``; of size 0, whether it is price × quantity."""
    try:
        price = float(line["price"])
    except (KeyError, ValueError):
        return False
    other = _other(line) or 0.0
    wanted = price * _amount(line) if not size else _amount(line) * size / price if price > 0 else 0.0
    return abs(other - wanted) <= _CLOSE * wanted + 1e-8

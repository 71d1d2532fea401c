"""What programs call the columns of trades and bars."""

from __future__ import annotations

import re

from ..framework.usual_names import SYMBOL

_QUOTES = ("usdt", "usd", "usdc", "busd", "eur", "gbp", "jpy", "krw")
BUYS = ("isbuy", "isbuyertaker", "takerisbuyer", "buyertaker", "isbuyeraggressor")
"""What columns are called that are true where the taker bought."""
BARS = {
    "open": (
        "open",
        "o",
        "openprice",
        "firstprice",
        "pxopen",
        "erffnung",
        "erffn",
        "bo",
        "bidopen",
        "openbid",
        "priceopen",
    ),
    "high": ("high", "h", "highprice", "max", "pxhigh", "hoch", "bh", "bidhigh", "highbid", "pricehigh"),
    "low": ("low", "l", "lowprice", "min", "pxlow", "tief", "bl", "bidlow", "lowbid", "pricelow"),
    "close": (
        *("close", "c", "last", "closeprice", "closelast", "settle", "lastprice", "price", "pxlast"),
        *("zuletzt", "schlusskurs", "bc", "bidclose", "closebid", "priceclose"),
    ),
    "volume": ("volume", "vol", "v", "basevolume", "totalvolume", "tickvol", "tickvolume", "amount", "volumen"),
    "quote_volume": (
        "quotevolume",
        "quoteassetvolume",
        "turnover",
        "notional",
        "volumequote",
        *("volume" + c for c in _QUOTES),
    ),
    "trades": (
        *("trades", "numberoftrades", "tradecount", "count", "transactions", "numtrades", "tradescount", "n"),
        *("nooftrades", "barcount", "candletradescount"),
    ),
    "taker_buy_volume": (
        "takerbuyvolume",
        "takerbuybaseassetvolume",
        "buyvolume",
        "askvolume",
        "buyvol",
        "takerbuybase",
    ),
    "taker_sell_volume": ("takersellvolume", "sellvolume", "bidvolume", "sellvol"),
    "taker_buy_quote_volume": ("takerbuyquotevolume", "takerbuyquoteassetvolume"),
    "symbol": tuple(dict.fromkeys(name.replace("_", "") for name in SYMBOL if not {" ", "-"} & set(name))),
}
"""By our name: theirs, the likeliest first, letters and digits alone."""
BIDS = {"bo", "bidopen", "openbid"}
"""What the open is called in bars of bids."""
TRADES = {
    "price": ("price", "px", "last", "tradeprice", "rate", "p", "lastprice", "close", "priceusd", "priceusdt"),
    "quantity": (
        "quantity",
        "qty",
        "size",
        "amount",
        "volume",
        "vol",
        "tradesize",
        "lastsize",
        "tradequantity",
        "q",
        "shares",
        *(
            "baseqty",
            "basequantity",
            "baseamount",
            "qtybtc",
            "quantitybtc",
            "amountbtc",
            "sizebtc",
            "sizebase",
            "sz",
            "s",
        ),
    ),
    "side": (
        "side",
        "takerside",
        "aggressorside",
        "aggressor",
        "type",
        "direction",
        "tickside",
        "buysell",
        "orderside",
        "oper",
        "operation",
        *BUYS,
    ),
    "is_buyer_maker": ("isbuyermaker", "buyermaker", "isbuyersmaker", "m"),
    "trade_id": ("tradeid", "id", "tid", "aggtradeid", "trdmatchid", "execid", "tradeno", "globaltradeid"),
    "symbol": BARS["symbol"],
}
TIMES = [
    "timeopen",
    "time",
    "timestamp",
    "ts",
    "datetime",
    "date",
    "opentime",
    "windowstart",
    "tsevent",
    "gmttime",
    "localtime",
    "unix",
    "unixtime",
    "transacttime",
    "tradetime",
    "datetimeutc",
    "dateutc",
    "timestamputc",
    "participanttimestamp",
    "siptimestamp",
    "snappedat",
    "timeleft",
    "datum",
    "utc",
    "timestampms",
    "eventtime",
    "exectime",
    "createdtime",
    "createdat",
    "begin",
    "start",
    "timestart",
    "periodstart",
    "index",
    "unnamed0",
    "indexlevel0",
    "t",
    "price",
]
"""What stamps are called; ``price`` where pandas wrote a header of several lines."""
CLOCKS = ("time", "timem", "timeofday", "tradetime", "hour", "clock", "uhrzeit")
DATES = ("date", "day", "tradedate", "dtyyyymmdd", "tradingday", "datum")

PROVIDERS = {
    "BinanceAggTrades": {"agg_trade_id", "transact_time", "is_buyer_maker"},
    "BinanceKlines": {"open_time", "close_time", "taker_buy_volume", "count"},
    "BinanceTrades": {"quote_qty", "is_buyer_maker", "qty"},
    "BybitTrades": {"trdMatchID", "tickDirection", "homeNotional", "foreignNotional", "size"},
    "DatabentoTrades": {"ts_event", "rtype", "publisher_id", "action", "side", "price", "size"},
    "TardisTrades": {"exchange", "local_timestamp", "side", "price", "amount"},
    "OKXTrades": {"instrument_name", "trade_id", "created_time", "size"},
}
"""Columns that only files of a provider have, by the feed that reads them."""


def plain(name: str) -> str:
    """A column's name as it is compared: letters and digits alone, in lower case.

    >>> plain("<DATE>"), plain("Number of Trades"), plain("trade_id/交易")
    ('date', 'numberoftrades', 'tradeid')
    """
    return re.sub(r"[^a-z0-9]", "", name.partition("/")[0].lower())


def found(names: tuple[str, ...], wanted: tuple[str, ...] | list[str], taken: set[int]) -> int | None:
    """Where the likeliest of some names stands among a header, of columns that are not taken."""
    spelled = [plain(name) for name in names]
    for word in wanted:
        for at, name in enumerate(spelled):
            if name == word and at not in taken:
                return at
    return None


def volume_of_a_coin(names: tuple[str, ...], taken: set[int]) -> int | None:
    """Where the volume stands that is called after its unit.

    >>> volume_of_a_coin(("date", "Volume BTC", "Volume USDT"), {2})
    1
    """
    for at, name in enumerate(names):
        if (
            at not in taken
            and re.fullmatch(r"volume[ _]?\(?[A-Z0-9]{2,8}\)?", name, re.IGNORECASE)
            and plain(name) != "volumema"
        ):
            return at
    return None

"""What programs call the columns of trades and bars."""

from __future__ import annotations

import re

from ..framework.usual_names import SYMBOL

_QUOTES = ("usdt", "usd", "usdc", "busd", "eur", "gbp", "jpy", "krw")
BUYS = ("isbuy", "isbuyertaker", "takerisbuyer", "buyertaker", "isbuyeraggressor", "isbidaggressor")
"""What columns are called that are true where the taker bought."""
SELLS = ("sell", "issell", "takersidesell", "takerissell", "isselleraggressor")
"""What columns are called that are true where the taker sold."""
TICKS_UP, TICKS_DOWN = ("up", "upvol", "upvolume"), ("down", "dnvol", "downvol", "downvolume")
"""What TradeStation and MultiCharts call volume at prices above, and below, the one before."""
BARS = {
    "open": (
        "open",
        "o",
        "openprice",
        "firstprice",
        "pxopen",
        *("eröffnung", "eröffn", "otwarcie", "abertura", "apertura", "开盘"),
        *("ouverture", "açılış", "시가", "始値", "открытие", "откр"),
        *("priceopen", "firsttradeprice", "openingprice", "mido"),
        *("bo", "bidopen", "openbid", "bido"),
    ),
    "high": (
        *("high", "h", "highprice", "max", "pxhigh", "hoch", "najwyzszy", "máximo", "maximo", "最高"),
        *("haut", "yüksek", "고가", "高値", "максимум", "макс"),
        *("pricehigh", "hightradeprice", "midh", "bh", "bidhigh", "highbid", "bidh"),
    ),
    "low": (
        *("low", "l", "lowprice", "min", "pxlow", "tief", "najnizszy", "mínimo", "minimo", "最低"),
        *("bas", "düşük", "저가", "安値", "минимум", "мин"),
        *("pricelow", "lowtradeprice", "midl", "bl", "bidlow", "lowbid", "bidl"),
    ),
    "close": (
        *("close", "c", "last", "closeprice", "closelast", "settle", "lastprice", "price", "pxlast"),
        *("zuletzt", "schlusskurs", "zamkniecie", "fechamento", "cierre", "收盘"),
        *("clôture", "cloture", "kapanış", "종가", "終値", "закрытие", "цена"),
        *("priceclose", "lasttradeprice", "tradeprice", "midc", "bc", "bidclose", "closebid", "bidc"),
    ),
    "volume": (
        *("homenotional", "volume", "vol", "v", "basevolume", "totalvolume", "tickvol", "tickvolume", "amount"),
        *("volumen", "wolumen", "成交量", "volumetraded", "tottrdqty", "hacim", "거래량", "出来高", "объем", "объём"),
        *("basetokenvolume", "candleacctradevolume"),
    ),
    "quote_volume": (
        "foreignnotional",
        "quotevolume",
        "quoteassetvolume",
        "turnover",
        "notional",
        "volumequote",
        *("candleacctradeprice", "usdvolume", "money", "totalturnover", "成交额"),
        *("volume" + c for c in _QUOTES),
    ),
    "trades": (
        *("trades", "numberoftrades", "tradecount", "count", "transactions", "numtrades", "tradescount", "n"),
        *("ntrades", "nooftrades", "barcount", "candletradescount", "totaltrades"),
    ),
    "taker_buy_volume": (
        "takerbuyvolume",
        "takerbuybaseassetvolume",
        "takerbuybasevolume",
        "buyvolume",
        "askvolume",
        "buyvol",
        "takerbuybase",
        *TICKS_UP,
    ),
    "taker_sell_volume": ("takersellvolume", "sellvolume", "bidvolume", "sellvol", *TICKS_DOWN),
    "taker_buy_quote_volume": ("takerbuyquotevolume", "takerbuyquoteassetvolume"),
    "symbol": tuple(dict.fromkeys(name.replace("_", "") for name in SYMBOL if not {" ", "-"} & set(name))),
}
"""By our name: theirs, the likeliest first, letters and digits alone."""
BIDS = {"bo", "bidopen", "openbid", "bido"}
"""What the open is called in bars of bids."""
TRADES = {
    "price": (
        *("price", "px", "last", "tradeprice", "rate", "p", "lastprice", "close", "priceusd", "priceusdt"),
        *("preço", "preco", "precio"),
    ),
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
            "tradevolume",
            "quantidade",
            "cantidad",
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
        "askbid",
        "agressor",
        *BUYS,
        *SELLS,
    ),
    "is_buyer_maker": ("isbuyermaker", "buyermaker", "isbuyersmaker", "m"),
    "trade_id": ("tradeid", "id", "tid", "aggtradeid", "trdmatchid", "execid", "tradeno", "globaltradeid"),
    "bid": ("bid", "bidprice", "bestbid", "bidpx", "bidpx00"),
    "ask": ("ask", "askprice", "bestask", "askpx", "askpx00", "offer", "offerprice"),
    "symbol": BARS["symbol"],
}
TIMES = [
    "timeperiodstart",
    "candledatetimeutc",
    "timeopen",
    "timemsc",
    "timestampms",
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
    "timeutc",
    "timeexchange",
    "ticks",
    "systime",
    "tradedate",
    "data",
    "fecha",
    "tarih",
    "日期",
    "时间",
    "날짜",
    "日付",
    "дата",
    "quotedate",
    "startedat",
    "eventtime",
    "exectime",
    "execdate",
    "blocktimestamp",
    "begindt",
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
CLOCKS = ("time", "timem", "timeofday", "tradetime", "hour", "clock", "uhrzeit", "hora", "timebarstart")
DATES = (
    *("date", "day", "tradedate", "quotedate", "dtyyyymmdd", "tradingday", "datum", "data", "fecha", "tarih"),
    *("날짜", "日付", "дата"),
)

PROVIDERS = {
    "BinanceAggTrades": {"agg_trade_id", "transact_time", "is_buyer_maker"},
    "BinanceKlines": {"open_time", "close_time", "taker_buy_volume", "count"},
    "BinanceTrades": {"quote_qty", "is_buyer_maker", "qty"},
    "BybitTrades": {"trdMatchID", "tickDirection", "homeNotional", "foreignNotional", "size"},
    "DatabentoTrades": {"ts_event", "rtype", "publisher_id", "action", "side", "price", "size"},
    "TardisTrades": {"exchange", "local_timestamp", "side", "price", "amount"},
    "HyperliquidTrades": {"coin", "side", "px", "sz", "hash", "tid"},
    "OKXTrades": {"instrument_name", "trade_id", "created_time", "size"},
}
"""Columns that only files of a provider have, by the feed that reads them."""


METRICS = {
    "BinanceMetrics": ({"create_time", "sum_open_interest"}, {"timestamp", "sumOpenInterest"}),
    "BinanceFunding": ({"calc_time", "last_funding_rate"}, {"fundingTime", "fundingRate"}),
    "BinanceLiquidations": ({"time", "side", "order_type", "average_price", "order_status"},),
}
"""The same of series beside trades."""


def plain(name: str) -> str:
    """A column's name as it is compared: letters and digits alone, in lower case.

    >>> plain("<DATE>"), plain("Number of Trades"), plain("trade_id/交易"), plain("1. open")
    ('date', 'numberoftrades', 'tradeid', 'open')
    """
    bare = re.sub(r"^\d+[a-z]?\. ", "", name.strip())  # Alpha Vantage numbers its columns
    return re.sub(r"[\W_]", "", bare.partition("/")[0].lower())


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

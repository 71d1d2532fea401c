"""Files as the programs that people use write them: a few rows each, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIX = {"open": 2, "high": 3, "low": 4, "close": 5, "volume": 6}
SEVEN = {"time": [1, 2], "open": 3, "high": 4, "low": 5, "close": 6, "volume": 7}
NEW_YORK = "America/New_York"


@dataclass(frozen=True)
class Written:
    """One file: its name and text, what reads it, and the values that its rows have.

    ``times`` are ISO 8601 in UTC; ``values`` the closes of bars, or the prices of trades; ``amounts`` the volumes of
    bars, or the quantities of trades.
    """

    name: str
    text: str
    feed: str
    params: dict[str, Any]
    times: list[str]
    values: list[float]
    amounts: list[float]
    zone: str = ""
    """What a reader of the file cannot know: the zone of its clocks."""
    more: dict[str, list[float]] = field(default_factory=dict)
    encoding: str = "utf-8"

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_bytes(self.text.encode(self.encoding))
        return path


def _bars(name: str, text: str, times: list[str], params: dict[str, Any] | None = None, **more: Any) -> Written:
    more = {"values": [10.5, 10.6], "amounts": [7.0, 8.0], **more}
    return Written(name, text, "CsvBars", params or {}, times, **more)


def _tape(name: str, text: str, times: list[str], params: dict[str, Any] | None = None, **more: Any) -> Written:
    more = {"values": [10.5, 10.6], "amounts": [7.0, 8.0], **more}
    return Written(name, text, "CsvTape", params or {}, times, **more)


MINUTES = ["2024-01-02T09:30:00Z", "2024-01-02T09:31:00Z"]
NY_MINUTES = ["2024-01-02T14:30:00Z", "2024-01-02T14:31:00Z"]
DAYS = ["2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"]

FILES = {
    "metatrader4": _bars(
        "EURUSD1.csv",
        "2024.01.02,09:30,10.1,10.9,10.0,10.5,7\n2024.01.02,09:31,10.5,10.7,10.4,10.6,8\n",
        MINUTES,
        {"columns": SEVEN},
    ),
    "metatrader5": _bars(
        "EURUSD_M1.csv",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t09:30:00\t10.1\t10.9\t10.0\t10.5\t7\t0\t1\n2024.01.02\t09:31:00\t10.5\t10.7\t10.4\t10.6\t8\t0\t1\n",
        MINUTES,
        {
            "delimiter": "tab",
            "columns": {
                "time": ["<DATE>", "<TIME>"],
                **{n: f"<{n.upper()}>" for n in ("open", "high", "low", "close")},
                "volume": "<TICKVOL>",
            },
        },
        encoding="utf-16",
    ),
    "sierra": _bars(
        "ESH24.txt",
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
        "2024/1/2, 09:30:00.000000, 10.1, 10.9, 10.0, 10.5, 7, 5, 3, 4\n"
        "2024/1/2, 09:31:00.000000, 10.5, 10.7, 10.4, 10.6, 8, 6, 6, 2\n",
        MINUTES,
        {
            "columns": {
                "time": ["Date", "Time"],
                "close": "Last",
                "trades": "NumberOfTrades",
                "taker_sell_volume": "BidVolume",
                "taker_buy_volume": "AskVolume",
            }
        },
        more={"taker_buy_volume": [4, 2], "taker_sell_volume": [3, 6], "trades": [5, 6]},
    ),
    "ninjatrader": _bars(
        "ES 03-24.Last.txt",
        "20240102 093100;10.1;10.9;10.0;10.5;7\n20240102 093200;10.5;10.7;10.4;10.6;8\n",
        MINUTES,
        {"delimiter": ";", "columns": {"time": 1, **SIX}, "label": "end"},
    ),
    "ninjatrader_ticks": _tape(
        "ES 03-24.Tick.txt",
        "20240102 093000 0040000;10.5;10.4;10.5;7\n20240102 093100 5000000;10.6;10.6;10.7;8\n",
        ["2024-01-02T09:30:00.004000Z", "2024-01-02T09:31:00.500000Z"],
        {"delimiter": ";", "columns": {"time": 1, "price": 2, "quantity": 5}},
    ),
    "lean": _bars(
        "20240102_spy_minute_trade.csv",
        "34200000,101000,109000,100000,105000,7\n34260000,105000,107000,104000,106000,8\n",
        NY_MINUTES,
        {"time_unit": "ms_of_day", "timezone": NEW_YORK, "price_divisor": 10000, "columns": {"time": 1, **SIX}},
        zone=NEW_YORK,
    ),
    "lean_daily": _bars(
        "spy.csv",
        "20240102 00:00,101000,109000,100000,105000,7\n20240103 00:00,105000,107000,104000,106000,8\n",
        DAYS,
        {"price_divisor": 10000, "columns": {"time": 1, **SIX}},
    ),
    "kibot": _bars(
        "IBM.txt",
        "01/02/2024,09:30,10.1,10.9,10.0,10.5,7\n01/02/2024,09:31,10.5,10.7,10.4,10.6,8\n"
        "01/13/2024,09:31,10.5,10.7,10.4,10.6,8\n",
        [*NY_MINUTES, "2024-01-13T14:31:00Z"],
        {"time_format": "%m/%d/%Y %H:%M", "timezone": NEW_YORK, "columns": SEVEN},
        values=[10.5, 10.6, 10.6],
        amounts=[7.0, 8.0, 8.0],
        zone=NEW_YORK,
    ),
    "kibot_ticks": _tape(
        "IBM_tick.txt",
        "01/02/2024,09:30:00,10.5,10.4,10.5,7\n01/02/2024,09:31:00,10.6,10.6,10.7,8\n01/13/2024,09:31:00,10.6,10.6,10.7,8\n",
        [*NY_MINUTES, "2024-01-13T14:31:00Z"],
        {
            "time_format": "%m/%d/%Y %H:%M:%S",
            "timezone": NEW_YORK,
            "columns": {"time": [1, 2], "price": 3, "quantity": 6},
        },
        values=[10.5, 10.6, 10.6],
        amounts=[7.0, 8.0, 8.0],
        zone=NEW_YORK,
    ),
    "tradingview": _bars(
        "NYMEX_CL1!, 1.csv",
        "time,open,high,low,close,Volume,Volume MA\n"
        "1704187800,10.1,10.9,10.0,10.5,7,NaN\n1704187860,10.5,10.7,10.4,10.6,8,7.5\n",
        MINUTES,
    ),
    "tradingview_iso": _bars(
        "NASDAQ_QQQ, 1.csv",
        "time,open,high,low,close,Volume\n"
        "2024-01-02T09:30:00-05:00,10.1,10.9,10.0,10.5,7\n2024-01-02T09:31:00-05:00,10.5,10.7,10.4,10.6,8\n",
        NY_MINUTES,
    ),
    "yfinance": _bars(
        "AAPL.csv",
        "Datetime,Open,High,Low,Close,Adj Close,Volume\n"
        "2024-01-02 09:30:00-05:00,10.1,10.9,10.0,10.5,10.4,7\n2024-01-02 09:31:00-05:00,10.5,10.7,10.4,10.6,10.5,8\n",
        NY_MINUTES,
    ),
    "yfinance_levels": _bars(
        "AAPL-levels.csv",
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
        "2024-01-02,10.5,10.9,10.0,10.1,7\n2024-01-03,10.6,10.7,10.4,10.5,8\n",
        DAYS,
    ),
    "databento_bars": _bars(
        "glbx-ohlcv-1m.csv",
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
        "1704187800000000000,33,1,5602,10100000000,10900000000,10000000000,10500000000,7,ESH4\n"
        "1704187860000000000,33,1,5602,10500000000,10700000000,10400000000,10600000000,8,ESH4\n",
        MINUTES,
        {"price_divisor": 1e9},
    ),
    "databento_iso": _tape(
        "glbx-trades.csv",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,symbol\n"
        "2024-01-02T09:30:00.000000009Z,2024-01-02T09:30:00.000000001Z,0,1,5602,T,B,0,10.500000000,7,0,ESH4\n"
        "2024-01-02T09:31:00.123456789Z,2024-01-02T09:31:00.123456788Z,0,1,5602,T,A,0,10.600000000,8,0,ESH4\n",
        ["2024-01-02T09:30:00Z", "2024-01-02T09:31:00.123456Z"],
        {"columns": {"time": "ts_event"}, "sides": {"buy": "B", "sell": "A", "none": "N"}},
    ),
    "duckdb": _tape(
        "duckdb.csv",
        "time,price,quantity,side\n2024-01-02 09:30:00+00,10.5,7,buy\n2024-01-02 09:31:00.5+00,10.6,8,sell\n",
        ["2024-01-02T09:30:00Z", "2024-01-02T09:31:00.500000Z"],
    ),
    "postgres": _tape(
        "postgres.csv",
        "id,time,price,quantity,side\n"
        "1,2024-01-02 15:00:00.25+05:30,10.5,7,buy\n2,2024-01-02 15:01:00.5+05:30,10.6,8,sell\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-02T09:31:00.500000Z"],
    ),
    "iso_basic": _tape(
        "basic.csv",
        "time,price,quantity,side\n20240102T093000Z,10.5,7,buy\n20240102T150100+0530,10.6,8,sell\n",
        MINUTES,
    ),
    "excel": _bars(
        "excel.csv",
        "sep=;\nDate;Open;High;Low;Close;Volume\n"
        "45293,3958333333;10,1;10,9;10,0;10,5;7\n45293,3965277778;10,5;10,7;10,4;10,6;8\n",
        MINUTES,
        {"time_unit": "excel", "decimal": ",", "columns": {"time": "Date"}},
    ),
    "backtrader": _bars(
        "2006-min-005.txt",
        "Date,Time,Open,High,Low,Close,Volume,OpenInterest\n"
        "2024-01-02,09:30:00,10.1,10.9,10.0,10.5,7,0\n2024-01-02,09:31:00,10.5,10.7,10.4,10.6,8,0\n",
        MINUTES,
        {"columns": {"time": ["Date", "Time"]}},
    ),
    "dukascopy": _bars(
        "EURUSD_Candlestick_1_M_BID.csv",
        "Gmt time,Open,High,Low,Close,Volume\n"
        "02.01.2024 09:30:00.000,10.1,10.9,10.0,10.5,7\n02.01.2024 09:31:00.000,10.5,10.7,10.4,10.6,8\n"
        "13.01.2024 09:31:00.000,10.5,10.7,10.4,10.6,8\n",
        [*MINUTES, "2024-01-13T09:31:00Z"],
        {"time_format": "%d.%m.%Y %H:%M:%S.%f"},
        values=[10.5, 10.6, 10.6],
        amounts=[7.0, 8.0, 8.0],
    ),
    "us_words": _bars(
        "quotes.csv",
        "Date,Open,High,Low,Close,Volume\n"
        '"Jan 02, 2024",10.1,10.9,10.0,10.5,"1,007"\n"Jan 03, 2024",10.5,10.7,10.4,10.6,"1,008"\n',
        DAYS,
        {"time_format": "%b %d, %Y", "thousands": ","},
        amounts=[1007.0, 1008.0],
    ),
    "am_pm": _bars(
        "msft.csv",
        "Date,Open,High,Low,Close,Volume\n"
        "01/02/2024 9:30:00 AM,10.1,10.9,10.0,10.5,7\n01/02/2024 9:31:00 AM,10.5,10.7,10.4,10.6,8\n"
        "01/13/2024 12:31:00 PM,10.5,10.7,10.4,10.6,8\n",
        [*MINUTES, "2024-01-13T12:31:00Z"],
        {"time_format": "%m/%d/%Y %I:%M:%S %p"},
        values=[10.5, 10.6, 10.6],
        amounts=[7.0, 8.0, 8.0],
    ),
    "preamble": _bars(
        "Binance_BTCUSDT_d.csv",
        "https://www.example.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT\n"
        "1704240000000,2024-01-03 00:00:00,BTCUSDT,10.5,10.7,10.4,10.6,8,84.8\n"
        "1704153600000,2024-01-02 00:00:00,BTCUSDT,10.1,10.9,10.0,10.5,7,73.5\n",
        DAYS,
        {"skip": 1, "columns": {"volume": "Volume BTC", "quote_volume": "Volume USDT"}},
        more={"quote_volume": [73.5, 84.8]},
    ),
    "savetxt": _tape(
        "numpy.txt",
        "# made by a script\n# time,price,quantity,side\n1704187800.25,10.5,7,1\n1704187860.5,10.6,8,-1\n# end\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-02T09:31:00.500000Z"],
    ),
    "types_below": _tape(
        "typed.csv",
        "time,price,quantity,side\ntimestamp,double,double,symbol\n"
        "2024-01-02D09:30:00.250000000,10.5,7,B\n2024-01-02D09:31:00.500000000,10.6,8,S\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-02T09:31:00.500000Z"],
    ),
    "nameless_index": _bars(
        "index.csv",
        ",open,high,low,close,volume\n"
        "2024-01-02 09:30:00,10.1,10.9,10.0,10.5,7\n2024-01-02 09:31:00,10.5,10.7,10.4,10.6,8\n",
        MINUTES,
    ),
    "numbered_index": _tape(
        "numbered.csv",
        ",timestamp,price,amount,side\n0,2024-01-02 09:30:00,10.5,7,buy\n1,2024-01-02 09:31:00,10.6,8,sell\n",
        MINUTES,
    ),
    "digits": _bars(
        "digits.csv",
        "date,open,high,low,close,volume\n20240102,10.1,10.9,10.0,10.5,7\n20240103,10.5,10.7,10.4,10.6,8\n",
        DAYS,
    ),
    "fourteen_digits": _bars(
        "fourteen.csv",
        "date,open,high,low,close,volume\n20240102093000,10.1,10.9,10.0,10.5,7\n20240102093100,10.5,10.7,10.4,10.6,8\n",
        MINUTES,
    ),
    "whole_time_of_day": _bars(
        "stooq.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,1,20240102,093000,10.1,10.9,10.0,10.5,7,0\nAAPL.US,1,20240102,093100,10.5,10.7,10.4,10.6,8,0\n",
        MINUTES,
        {
            "columns": {
                "time": ["<DATE>", "<TIME>"],
                **{n: f"<{n.upper()}>" for n in ("open", "high", "low", "close")},
                "volume": "<VOL>",
                "symbol": "<TICKER>",
            }
        },
    ),
}

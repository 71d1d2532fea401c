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
    sides: list[int] = field(default_factory=list)
    """Of trades, who took liquidity; empty where the file does not tell."""

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
    "nasdaq": _bars(
        "HistoricalData.csv",
        "Date,Close/Last,Volume,Open,High,Low\n"
        "01/16/2024,$10.6,8,$10.5,$10.7,$10.4\n01/12/2024,$10.5,7,$10.1,$10.9,$10.0\n",
        ["2024-01-12T00:00:00Z", "2024-01-16T00:00:00Z"],
        {"time_format": "%m/%d/%Y"},
    ),
    "investing": _bars(
        "Bitcoin Historical Data.csv",
        '"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"01/14/2024","41,734.2","42,847.5","43,073.6","41,724.5","44.59K","-2.60%"\n'
        '"01/13/2024","42,847.1","42,776.6","43,248.6","42,444.4","1.2M","0.16%"\n',
        ["2024-01-13T00:00:00Z", "2024-01-14T00:00:00Z"],
        {"time_format": "%m/%d/%Y", "thousands": ",", "columns": {"close": "Price", "volume": "Vol."}},
        values=[42847.1, 41734.2],
        amounts=[1_200_000.0, 44_590.0],
    ),
    "investing_in_german": _bars(
        "DAX Historische Daten.csv",
        '"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"\n'
        '"15.01.2024","16.622,22","16.634,47","16.768,05","16.610,07","52,91M","0,95%"\n'
        '"12.01.2024","16.704,56","16.769,59","16.839,25","16.535,96","61,30M","-0,86%"\n',
        ["2024-01-12T00:00:00Z", "2024-01-15T00:00:00Z"],
        {
            "time_format": "%d.%m.%Y",
            "decimal": ",",
            "thousands": ".",
            "columns": {
                "time": "Datum",
                "open": "Eröffn.",
                "high": "Hoch",
                "low": "Tief",
                "close": "Zuletzt",
                "volume": "Vol.",
            },
        },
        values=[16704.56, 16622.22],
        amounts=[61_300_000.0, 52_910_000.0],
    ),
    "marketwatch": _bars(
        "Download Data - STOCK.csv",
        'Date,Open,High,Low,Close,Volume\n01/16/2024,"$1,010.5","$1,010.7","$1,010.4","$1,010.6","40,477,780"\n'
        '01/12/2024,"$1,010.1","$1,010.9","$1,010.0","$1,010.5","49,128,410"\n',
        ["2024-01-12T00:00:00Z", "2024-01-16T00:00:00Z"],
        {"time_format": "%m/%d/%Y", "thousands": ","},
        values=[1010.5, 1010.6],
        amounts=[49_128_410.0, 40_477_780.0],
    ),
    "barchart": _bars(
        "esh24_daily.csv",
        'Symbol,Time,Open,High,Low,Last,Change,%Chg,Volume,"Open Int"\n'
        "ESH24,01/16/2024,10.5,10.7,10.4,10.6,0.1,+0.95%,8,22\nESH24,01/12/2024,10.1,10.9,10.0,10.5,-3.75,-0.08%,7,21\n"
        '"Downloaded from Barchart.com as of 01-16-2024 08:12am CST"\n',
        ["2024-01-12T00:00:00Z", "2024-01-16T00:00:00Z"],
        {"time_format": "%m/%d/%Y", "columns": {"close": "Last"}, "comment": '"Downloaded'},
    ),
    "histdata": _bars(
        "DAT_ASCII_EURUSD_M1_2024.csv",
        "20240102 093000;10.1;10.9;10.0;10.5;7\n20240102 093100;10.5;10.7;10.4;10.6;8\n",
        NY_MINUTES,
        {"delimiter": ";", "columns": {"time": 1, **SIX}, "timezone": "Etc/GMT+5"},
    ),
    "dukascopy_local": _bars(
        "EURUSD_Candlestick_1_M_BID_02.01.2024-13.01.2024.csv",
        "Local time,Open,High,Low,Close,Volume\n"
        "02.01.2024 09:30:00.000 GMT-0500,10.1,10.9,10.0,10.5,7\n"
        "02.01.2024 09:31:00.000 GMT-0500,10.5,10.7,10.4,10.6,8\n"
        "13.01.2024 09:31:00.000 GMT-0500,10.5,10.7,10.4,10.6,8\n",
        [*NY_MINUTES, "2024-01-13T14:31:00Z"],
        {"time_format": "%d.%m.%Y %H:%M:%S.%f GMT%z", "columns": {"time": "Local time"}},
        values=[10.5, 10.6, 10.6],
        amounts=[7.0, 8.0, 8.0],
    ),
    "interactive_brokers": _bars(
        "SPY_1min_ib.csv",
        "date,open,high,low,close,volume,average,barCount\n"
        "20240102 09:30:00 US/Eastern,10.1,10.9,10.0,10.5,7,10.4,3\n"
        "20240102 09:31:00 US/Eastern,10.5,10.7,10.4,10.6,8,10.5,4\n",
        NY_MINUTES,
        {
            "time_format": "%Y%m%d %H:%M:%S US/Eastern",
            "timezone": "US/Eastern",
            "columns": {"trades": "barCount"},
        },
        more={"trades": [3, 4]},
    ),
    "polygon": _bars(
        "2024-01-02.csv",
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "SPY,7,10.1,10.5,10.9,10.0,1704187800000000000,3\nSPY,8,10.5,10.6,10.7,10.4,1704187860000000000,4\n",
        MINUTES,
        {"columns": {"time": "window_start", "trades": "transactions"}},
        more={"trades": [3, 4]},
    ),
    "polygon_trades": _tape(
        "2024-01-02-trades.csv",
        "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape\n"
        'SPY,"12,37",0,11,1,1704187800000001000,10.5,101,1704187800123556789,7,3\n'
        "SPY,12,0,12,2,1704187860000001000,10.6,102,1704187860123556789,8,3\n",
        ["2024-01-02T09:30:00.000001Z", "2024-01-02T09:31:00.000001Z"],
        {"columns": {"time": "participant_timestamp"}},
    ),
    "coinmarketcap": _bars(
        "Bitcoin_02.01.2024-03.01.2024_historical_data.csv",
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        '"2024-01-03T00:00:00.000Z";"2024-01-03T23:59:59.999Z";"2024-01-03T02:00:00.000Z";"2024-01-03T12:00:00.000Z";'
        '2781;10.5;10.7;10.4;10.6;8;839302388484;"2024-01-03T23:59:59.999Z"\n'
        '"2024-01-02T00:00:00.000Z";"2024-01-02T23:59:59.999Z";"2024-01-02T02:00:00.000Z";"2024-01-02T12:00:00.000Z";'
        '2781;10.1;10.9;10.0;10.5;7;839302388484;"2024-01-02T23:59:59.999Z"\n',
        DAYS,
        {"delimiter": ";", "columns": {"time": "timeOpen"}},
    ),
    "kaggle_bid_and_ask": _bars(
        "EURUSD_hour.csv",
        "Date,Time,BO,BH,BL,BC,BCh,AO,AH,AL,AC,ACh\n"
        "2024-01-02,09:30,10.1,10.9,10.0,10.5,-0.1,10.2,11.0,10.1,10.6,0.1\n"
        "2024-01-02,09:31,10.5,10.7,10.4,10.6,0.1,10.6,10.8,10.5,10.7,0.1\n",
        MINUTES,
        {"columns": {"time": ["Date", "Time"], "open": "BO", "high": "BH", "low": "BL", "close": "BC"}},
        amounts=[],
    ),
    "yfinance_tickers": _bars(
        "stocks.csv",
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
        "Ticker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT\nDate,,,,,,,,,,\n"
        "2024-01-02,10.5,367.75,10.9,372.75,10.0,363.66,10.1,370.73,7,25258600\n"
        "2024-01-03,10.6,367.48,10.7,370.15,10.4,365.41,10.5,366.16,8,23083500\n",
        DAYS,
        {"symbol": "AAPL"},
    ),
    "yfinance_by_ticker": _bars(
        "grouped.csv",
        "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL,AAPL\nPrice,Open,High,Low,Close,Adj Close,Volume\nDate,,,,,,\n"
        "2024-01-02,10.1,10.9,10.0,10.5,10.4,7\n2024-01-03,10.5,10.7,10.4,10.6,10.5,8\n",
        DAYS,
    ),
    "lean_crypto_ticks": _tape(
        "20240102_btcusdt_Trade_Tick.csv",
        "34200004,42000.1,7\n34260500,42000.2,8\n",
        ["2024-01-02T09:30:00.004000Z", "2024-01-02T09:31:00.500000Z"],
        {"time_unit": "ms_of_day", "columns": {"time": 1, "price": 2, "quantity": 3}},
        values=[42000.1, 42000.2],
    ),
    "lean_before_dawn": _tape(
        "20240102_btcusdt_tick_trade.csv",
        "4,42000.1,7\n500,42000.2,8\n",
        ["2024-01-02T00:00:00.004000Z", "2024-01-02T00:00:00.500000Z"],
        {"time_unit": "ms_of_day", "columns": {"time": 1, "price": 2, "quantity": 3}},
        values=[42000.1, 42000.2],
    ),
    "postgres_truths": _tape(
        "copy.tsv",
        "id\texchange\tpair\tts\tprice\tamount\tis_buy\n"
        "1\tvenue\tBTCUSDT\t2024-01-02 09:30:00.25+00\t10.5\t7\tt\n"
        "2\tvenue\tBTCUSDT\t2024-01-02 09:31:00.5+00\t10.6\t8\tf\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-02T09:31:00.500000Z"],
        {"delimiter": "tab", "sides": {"buy": ["t"], "sell": ["f"]}, "columns": {"side": "is_buy"}},
        sides=[1, -1],
    ),
    "postgres_makers": _tape(
        "makers.csv",
        "ts,price,amount,is_buyer_maker\n2024-01-02 09:30:00.25+00,10.5,7,t\n2024-01-02 09:31:00.5+00,10.6,8,f\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-02T09:31:00.500000Z"],
        sides=[-1, 1],
    ),
    "finam_ticks": _tape(
        "SBER_ticks.txt",
        "<TICKER>;<PER>;<DATE>;<TIME>;<LAST>;<VOL>;<ID>;<OPER>\n"
        "SBER;0;20240102;093000;10.5;7;1;B\nSBER;0;20240102;093100;10.6;8;2;S\n",
        MINUTES,
        {
            "delimiter": ";",
            "columns": {
                "time": ["<DATE>", "<TIME>"],
                "price": "<LAST>",
                "quantity": "<VOL>",
                "side": "<OPER>",
                "trade_id": "<ID>",
                "symbol": "<TICKER>",
            },
        },
        sides=[1, -1],
    ),
    "taq_trades": _tape(
        "taq.csv",
        "DATE,TIME_M,EX,SYM_ROOT,TR_SCOND,SIZE,PRICE,TR_CORR\n"
        "20240102,9:30:00.123456789,Q,XYZ,@,7,10.5,00\n20240102,15:30:00.25,N,XYZ,@,8,10.6,00\n",
        ["2024-01-02T09:30:00.123456Z", "2024-01-02T15:30:00.250000Z"],
        {"columns": {"time": ["DATE", "TIME_M"]}},
    ),
    "halves_of_a_day": _tape(
        "prints.csv",
        "Time;Price;Size;Aggressor\n1/2/2024 9:30:00.250 AM;10.5;7;Buy\n1/13/2024 1:30:00.500 PM;10.6;8;Sell\n",
        ["2024-01-02T09:30:00.250000Z", "2024-01-13T13:30:00.500000Z"],
        {"delimiter": ";", "time_format": "%m/%d/%Y %I:%M:%S.%f %p"},
        sides=[1, -1],
    ),
    "psql_prompt": _tape(
        "prompt.txt",
        "           ts           | price | qty | side \n------------------------+-------+-----+------\n"
        " 2024-01-02 09:30:00+00 |  10.5 |   7 | buy\n 2024-01-02 09:31:00+00 |  10.6 |   8 | sell\n(2 rows)\n\n",
        MINUTES,
        {"delimiter": "|"},
        sides=[1, -1],
    ),
    "mysql_prompt": _tape(
        "prompt.txt",
        "+---------------------+-------+------+------+\n| ts                  | price | qty  | side |\n"
        "+---------------------+-------+------+------+\n| 2024-01-02 09:30:00 |  10.5 |    7 | buy  |\n"
        "| 2024-01-02 09:31:00 |  10.6 |    8 | sell |\n+---------------------+-------+------+------+\n",
        MINUTES,
        {"delimiter": "|"},
        sides=[1, -1],
    ),
    "markdown": _tape(
        "page.md.txt",
        "| time | price | size | side |\n|---|---|---|---|\n"
        "| 2024-01-02 09:30:00 | 10.5 | 7 | buy |\n| 2024-01-02 09:31:00 | 10.6 | 8 | sell |\n",
        MINUTES,
        {"delimiter": "|"},
        sides=[1, -1],
    ),
    "pandas_of_ccxt": _bars(
        "candles.csv",
        "0,1,2,3,4,5\n1704187800000,10.1,10.9,10.0,10.5,7\n1704187860000,10.5,10.7,10.4,10.6,8\n",
        MINUTES,
        {"columns": {"time": 1, **SIX}},
    ),
    "pandas_of_ccxt_numbered": _bars(
        "candles.csv",
        ",0,1,2,3,4,5\n0,1704187800000,10.1,10.9,10.0,10.5,7\n1,1704187860000,10.5,10.7,10.4,10.6,8\n",
        MINUTES,
        {"columns": {"time": 2, "open": 3, "high": 4, "low": 5, "close": 6, "volume": 7}},
    ),
    "polygon_answer": _bars(
        "aggs.json",
        '{"ticker": "XYZ", "adjusted": true, "status": "OK", "results": ['
        '{"v": 7, "vw": 10.4, "o": 10.1, "c": 10.5, "h": 10.9, "l": 10.0, "t": 1704187800000, "n": 5},'
        '{"v": 8, "vw": 10.5, "o": 10.5, "c": 10.6, "h": 10.7, "l": 10.4, "t": 1704187860000, "n": 6}]}',
        MINUTES,
        {"columns": {"time": "t", "volume": "v", "trades": "n"}},
        more={"trades": [5.0, 6.0]},
    ),
    "alpaca_answer": _tape(
        "trades.json",
        '{"next_page_token": null, "trades": {"XYZ": ['
        '{"t": "2024-01-02T09:30:00Z", "x": "V", "p": 10.5, "s": 7, "c": ["@"], "i": 1, "z": "C"},'
        '{"t": "2024-01-02T09:31:00Z", "x": "V", "p": 10.6, "s": 8, "c": ["@"], "i": 2, "z": "C"}]}}',
        MINUTES,
        {"columns": {"time": "t", "price": "p", "quantity": "s"}},
    ),
    "coinmetrics_candles": _bars(
        "candles.csv",
        "market,time,candle_usd_volume,price_close,price_high,price_low,price_open,volume\n"
        "venue-xyz-usd-spot,2024-01-02T09:30:00.000000000Z,70,10.5,10.9,10.0,10.1,7\n"
        "venue-xyz-usd-spot,2024-01-02T09:31:00.000000000Z,80,10.6,10.7,10.4,10.5,8\n",
        MINUTES,
        {"columns": {name: f"price_{name}" for name in ("open", "high", "low", "close")}},
    ),
    "sierra_ticks": _tape(
        "ESH24.txt",
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume\n"
        "2024/1/2, 09:30:00.123000, 0.00, 10.5, 10.4, 10.5, 7, 1, 0, 7\n"
        "2024/1/2, 09:30:00.250000, 0.00, 10.6, 10.5, 10.6, 8, 1, 0, 8\n"
        "2024/1/2, 09:30:01.250000, 0.00, 10.6, 10.5, 10.5, 9, 1, 9, 0\n",
        ["2024-01-02T09:30:00.123000Z", "2024-01-02T09:30:00.250000Z", "2024-01-02T09:30:01.250000Z"],
        {
            "columns": {
                "time": ["Date", "Time"],
                "price": "Last",
                "taker_buy_volume": "AskVolume",
                "taker_sell_volume": "BidVolume",
            }
        },
        values=[10.5, 10.6, 10.5],
        amounts=[7.0, 8.0, 9.0],
    ),
}

"""Heads of files from all over, as their makers write them: two rows each, closes 10.5 and 10.6, amounts 7 and 8."""

from __future__ import annotations

BARS: dict[str, tuple[str, str, str]] = {
    "huobi_rest_kline": (
        "htx.csv",
        "2024-01-02T09:30:00Z",
        "id,open,close,high,low,vol,amount\n1704187800,10.1,10.5,10.9,10.0,73.0,7\n1704187860,10.5,10.6,10.7,10.4,84.0,8\n",
    ),
    "polygon_flat_minutes": (
        "2024-01-02.csv",
        "2024-01-02T09:30:00Z",
        "ticker,volume,open,close,high,low,window_start,transactions\n"
        "IBM,7,10.1,10.5,10.9,10.0,1704187800000000000,3\nIBM,8,10.5,10.6,10.7,10.4,1704187860000000000,3\n",
    ),
    "netfonds": (
        "eqnr.csv",
        "2024-01-02T00:00:00Z",
        "quote_date;paper;exch;open;high;low;close;volume;value\n"
        "20240102;EQNR;Oslo;10.1;10.9;10.0;10.5;7;73\n20240103;EQNR;Oslo;10.5;10.7;10.4;10.6;8;84\n",
    ),
    "dydx_candles": (
        "dydx.json",
        "2024-01-02T09:30:00Z",
        '{"candles":[{"startedAt":"2024-01-02T09:31:00.000Z","ticker":"BTC-USD","low":"10.4","high":"10.7",'
        '"open":"10.5","close":"10.6","baseTokenVolume":"8","usdVolume":"84","trades":3},{"startedAt":'
        '"2024-01-02T09:30:00.000Z","ticker":"BTC-USD","low":"10.0","high":"10.9","open":"10.1","close":"10.5",'
        '"baseTokenVolume":"7","usdVolume":"73","trades":3}]}',
    ),
    "upbit_minutes": (
        "upbit.json",
        "2024-01-02T09:30:00Z",
        '[{"market":"KRW-BTC","candle_date_time_utc":"2024-01-02T09:31:00","candle_date_time_kst":'
        '"2024-01-02T18:31:00","opening_price":10.5,"high_price":10.7,"low_price":10.4,"trade_price":10.6,"timestamp":'
        '1704187919999,"candle_acc_trade_price":84.0,"candle_acc_trade_volume":8,"unit":1},{"market":"KRW-BTC",'
        '"candle_date_time_utc":"2024-01-02T09:30:00","candle_date_time_kst":"2024-01-02T18:30:00","opening_price":10.1,'
        '"high_price":10.9,"low_price":10.0,"trade_price":10.5,"timestamp":1704187859999,"candle_acc_trade_price":73.0,'
        '"candle_acc_trade_volume":7,"unit":1}]',
    ),
    "turkish": (
        "XU100.csv",
        "2024-01-02T00:00:00Z",
        "Tarih;Açılış;Yüksek;Düşük;Kapanış;Hacim\n02.01.2024;10,1;10,9;10,0;10,5;7\n23.01.2024;10,5;10,7;10,4;10,6;8\n",
    ),
    "french": (
        "euronext.csv",
        "2024-01-02T00:00:00Z",
        "Date;Ouverture;Haut;Bas;Clôture;Volume\n02/01/2024;10,1;10,9;10,0;10,5;7\n23/01/2024;10,5;10,7;10,4;10,6;8\n",
    ),
    "russian": (
        "moex.csv",
        "2024-01-02T00:00:00Z",
        "Дата;Откр.;Макс.;Мин.;Цена;Объём\n02.01.2024;10,1;10,9;10,0;10,5;7\n23.01.2024;10,5;10,7;10,4;10,6;8\n",
    ),
    "japanese": (
        "7203.csv",
        "2024-01-02T00:00:00Z",
        "日付,始値,高値,安値,終値,出来高\n2024/01/02,10.1,10.9,10.0,10.5,7\n2024/01/03,10.5,10.7,10.4,10.6,8\n",
    ),
    "korean": (
        "005930.csv",
        "2024-01-02T00:00:00Z",
        "날짜,시가,고가,저가,종가,거래량\n2024-01-02,10.1,10.9,10.0,10.5,7\n2024-01-03,10.5,10.7,10.4,10.6,8\n",
    ),
    "qlib": (
        "qlib.csv",
        "2024-01-02T00:00:00Z",
        "date,symbol,$open,$close,$high,$low,$volume,$factor\n"
        "2024-01-02,SH600000,10.1,10.5,10.9,10.0,7,1\n2024-01-03,SH600000,10.5,10.6,10.7,10.4,8,1\n",
    ),
    "av_json_intraday": (
        "av.json",
        "2024-01-02T14:30:00Z",
        (
            '{"Meta Data": {"1. Information": "Intraday (5min) open, high, low, close prices and volume",'
            ' "2. Symbol": "IBM", "3. Last Refreshed": "2024-01-02 19:55:00", "4. Interval": "5min", "5. '
            'Output Size": "Compact", "6. Time Zone": "US/Eastern"}, "Time Series (5min)": {"2024-01-02 0'
            '9:35:00": {"1. open": "10.5", "2. high": "10.7", "3. low": "10.4", "4. close": "10.6", "5. v'
            'olume": "8"}, "2024-01-02 09:30:00": {"1. open": "10.1", "2. high": "10.9", "3. low": "10.0"'
            ', "4. close": "10.5", "5. volume": "7"}}}'
        ),
    ),
    "av_json_daily_adj": (
        "avd.json",
        "2024-01-02T05:00:00Z",
        (
            '{"Meta Data": {"1. Information": "Daily Time Series with Splits and Dividend Events", "2. Sy'
            'mbol": "IBM", "3. Last Refreshed": "2024-01-03", "4. Output Size": "Compact", "5. Time Zone"'
            ': "US/Eastern"}, "Time Series (Daily)": {"2024-01-03": {"1. open": "10.5", "2. high": "10.7"'
            ', "3. low": "10.4", "4. close": "10.6", "5. adjusted close": "9.6", "6. volume": "8", "7. di'
            'vidend amount": "0.0000", "8. split coefficient": "1.0"}, "2024-01-02": {"1. open": "10.1", '
            '"2. high": "10.9", "3. low": "10.0", "4. close": "10.5", "5. adjusted close": "9.5", "6. vol'
            'ume": "7", "7. dividend amount": "0.0000", "8. split coefficient": "1.0"}}}'
        ),
    ),
    "av_python_csv": (
        "avpy.csv",
        "2024-01-02T09:30:00Z",
        (
            "date,1. open,2. high,3. low,4. close,5. volume\n"
            "2024-01-02 09:35:00,10.5,10.7,10.4,10.6,8.0\n"
            "2024-01-02 09:30:00,10.1,10.9,10.0,10.5,7.0\n"
        ),
    ),
    "iqfeed_min": (
        "AAPL_1min.csv",
        "2024-01-02T09:31:00Z",
        (
            "2024-01-02 09:31:00,10.9000,10.0000,10.1000,10.5000,1007,7,3,\n"
            "2024-01-02 09:32:00,10.7000,10.4000,10.5000,10.6000,1015,8,4,\n"
        ),
    ),
    "iqfeed_daily": (
        "AAPL_day.csv",
        "2024-01-02T00:00:00Z",
        ("2024-01-03,10.7000,10.4000,10.5000,10.6000,8,0,\n2024-01-02,10.9000,10.0000,10.1000,10.5000,7,0,\n"),
    ),
    "duka_jforex_bars": (
        "EURUSD_1 Min_Bid_2024.csv",
        "2024-01-02T07:30:00Z",
        (
            "Time (EET),Open,High,Low,Close,Volume \n"
            "2024.01.02 09:30:00,10.1,10.9,10.0,10.5,7\n"
            "2024.01.02 09:31:00,10.5,10.7,10.4,10.6,8\n"
        ),
    ),
    "histdata_ms": (
        "DAT_MS_EURUSD_M1_2024.csv",
        "2024-01-02T14:30:00Z",
        ("EURUSD,202401020930,10.1,10.9,10.0,10.5,0\nEURUSD,202401020931,10.5,10.7,10.4,10.6,0\n"),
    ),
    "tradestation_api": (
        "ts_api.json",
        "2024-01-02T09:30:00Z",
        (
            '{"Bars":[{"High":"10.9","Low":"10.0","Open":"10.1","Close":"10.5","TimeStamp":"2024-01-02T09'
            ':31:00Z","TotalVolume":"7","DownTicks":1,"DownVolume":3,"OpenInterest":"0","IsRealtime":fals'
            'e,"IsEndOfHistory":false,"TotalTicks":4,"UnchangedTicks":0,"UnchangedVolume":0,"UpTicks":3,"'
            'UpVolume":4,"Epoch":1704187860000,"BarStatus":"Closed"},{"High":"10.7","Low":"10.4","Open":"'
            '10.5","Close":"10.6","TimeStamp":"2024-01-02T09:32:00Z","TotalVolume":"8","DownTicks":1,"Dow'
            'nVolume":6,"OpenInterest":"0","IsRealtime":false,"IsEndOfHistory":false,"TotalTicks":4,"Unch'
            'angedTicks":0,"UnchangedVolume":0,"UpTicks":3,"UpVolume":2,"Epoch":1704187920000,"BarStatus"'
            ':"Closed"}]}'
        ),
    ),
    "coinbase_rest": (
        "coinbase.json",
        "2024-01-02T09:30:00Z",
        ("[[1704187860,10.4,10.7,10.5,10.6,8],[1704187800,10.0,10.9,10.1,10.5,7]]"),
    ),
    "kucoin_rest": (
        "kucoin.json",
        "2024-01-02T09:30:00Z",
        (
            '{"code":"200000","data":[["1704187860","10.5","10.6","10.7","10.4","8","84.8"],["1704187800"'
            ',"10.1","10.5","10.9","10.0","7","73.5"]]}'
        ),
    ),
    "bitfinex_candles": (
        "bfx.json",
        "2024-01-02T09:30:00Z",
        ("[[1704187860000,10.5,10.6,10.7,10.4,8],[1704187800000,10.1,10.5,10.9,10.0,7]]"),
    ),
    "gate_candles_rest": (
        "gate.json",
        "2024-01-02T09:30:00Z",
        (
            '[["1704187800","73.5","10.5","10.9","10.0","10.1","7","true"],["1704187860","84.8","10.6","1'
            '0.7","10.4","10.5","8","true"]]'
        ),
    ),
    "gate_csv_candles": (
        "BTC_USDT-202401c.csv",
        "2024-01-02T09:30:00Z",
        ("1704187800,7,10.5,10.9,10.0,10.1\n1704187860,8,10.6,10.7,10.4,10.5\n"),
    ),
    "kraken_rest_ohlc": (
        "krk.json",
        "2024-01-02T09:30:00Z",
        (
            '{"error":[],"result":{"XXBTZUSD":[[1704187800,"10.1","10.9","10.0","10.5","10.4","7",3],[170'
            '4187860,"10.5","10.7","10.4","10.6","10.5","8",4]],"last":1704187800}}'
        ),
    ),
    "deribit_chart": (
        "deribit.json",
        "2024-01-02T09:30:00Z",
        (
            '{"jsonrpc":"2.0","result":{"volume":[7,8],"ticks":[1704187800000,1704187860000],"status":"ok'
            '","open":[10.1,10.5],"low":[10.0,10.4],"high":[10.9,10.7],"cost":[73.5,84.8],"close":[10.5,1'
            '0.6]},"usIn":1,"usOut":2,"usDiff":1,"testnet":false}'
        ),
    ),
    "udf_history": (
        "udf.json",
        "2024-01-02T09:30:00Z",
        (
            '{"s":"ok","t":[1704187800,1704187860],"o":[10.1,10.5],"h":[10.9,10.7],"l":[10.0,10.4],"c":[1'
            '0.5,10.6],"v":[7,8]}'
        ),
    ),
    "coinapi_ohlcv": (
        "coinapi.csv",
        "2024-01-02T09:30:00Z",
        (
            "time_period_start;time_period_end;time_open;time_close;price_open;price_high;price_low;price"
            "_close;volume_traded;trades_count\n"
            "2024-01-02T09:30:00.0000000Z;2024-01-02T09:31:00.0000000Z;2024-01-02T09:30:00.1230000Z;2024-"
            "01-02T09:30:59.1230000Z;10.1;10.9;10.0;10.5;7;3\n"
            "2024-01-02T09:31:00.0000000Z;2024-01-02T09:32:00.0000000Z;2024-01-02T09:31:00.1230000Z;2024-"
            "01-02T09:31:59.1230000Z;10.5;10.7;10.4;10.6;8;4\n"
        ),
    ),
    "cdd_old": (
        "Coinbase_BTCUSD_1h.csv",
        "2024-01-02T09:00:00Z",
        (
            "https://www.CryptoDataDownload.com\n"
            "Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n"
            "2024-01-02 10-AM,BTCUSD,10.5,10.7,10.4,10.6,8,84.8\n"
            "2024-01-02 09-AM,BTCUSD,10.1,10.9,10.0,10.5,7,73.5\n"
        ),
    ),
    "bt_vchart": (
        "vchart.txt",
        "2024-01-02T00:00:00Z",
        ("TICKER,D,20240102,000000,10.1,10.9,10.0,10.5,7,0\nTICKER,D,20240103,000000,10.5,10.7,10.4,10.6,8,0\n"),
    ),
    "tushare": (
        "000001.SZ.csv",
        "2024-01-02T00:00:00Z",
        (
            "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount\n"
            "000001.SZ,20240103,10.5,10.7,10.4,10.6,10.5,0.1,0.95,8,84.8\n"
            "000001.SZ,20240102,10.1,10.9,10.0,10.5,10.4,0.1,0.9,7,73.5\n"
        ),
    ),
    "akshare_cn": (
        "akshare.csv",
        "2024-01-02T00:00:00Z",
        (
            "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率\n"
            "2024-01-02,10.1,10.5,10.9,10.0,7,73.5,1,1,1,1\n"
            "2024-01-03,10.5,10.6,10.7,10.4,8,84.8,1,1,1,1\n"
        ),
    ),
    "stooq_web": (
        "aapl_us_d.csv",
        "2024-01-02T00:00:00Z",
        (
            "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n"
            "2024-01-02,10.1,10.9,10.0,10.5,7\n"
            "2024-01-03,10.5,10.7,10.4,10.6,8\n"
        ),
    ),
    "quantquote_min": (
        "table_aapl.csv",
        "2024-01-02T09:30:00Z",
        ("20240102,930,10.1,10.9,10.0,10.5,7,1,0,0\n20240102,931,10.5,10.7,10.4,10.6,8,1,0,0\n"),
    ),
    "oanda_json": (
        "oanda.json",
        "2024-01-02T09:30:00Z",
        (
            '{"instrument":"EUR_USD","granularity":"M1","candles":[{"complete":true,"volume":7,"time":"20'
            '24-01-02T09:30:00.000000000Z","mid":{"o":"10.1","h":"10.9","l":"10.0","c":"10.5"}},{"complet'
            'e":true,"volume":8,"time":"2024-01-02T09:31:00.000000000Z","mid":{"o":"10.5","h":"10.7","l":'
            '"10.4","c":"10.6"}}]}'
        ),
    ),
    "bovespa": (
        "PETR4.csv",
        "2024-01-02T00:00:00Z",
        (
            "Data;Abertura;Máximo;Mínimo;Fechamento;Volume\n"
            "02/01/2024;10,1;10,9;10,0;10,5;7\n"
            "15/01/2024;10,5;10,7;10,4;10,6;8\n"
        ),
    ),
    "nse_bhav": (
        "bhav.csv",
        "2024-01-02T00:00:00Z",
        (
            "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP,TOTALTRADES,I"
            "SIN\n"
            "SBIN,EQ,10.1,10.9,10.0,10.5,10.5,10.4,7,73.5,02-JAN-2024,3,INE062A01020\n"
            "SBIN,EQ,10.5,10.7,10.4,10.6,10.6,10.5,8,84.8,15-JAN-2024,4,INE062A01020\n"
        ),
    ),
    "finam_bars_nohdr": (
        "SBER_f.csv",
        "2024-01-02T09:30:00Z",
        ("SBER,1,20240102,093000,10.1,10.9,10.0,10.5,7\nSBER,1,20240102,093100,10.5,10.7,10.4,10.6,8\n"),
    ),
    "moex_iss": (
        "moex.json",
        "2024-01-02T09:30:00Z",
        (
            '{"candles":{"metadata":{},"columns":["open","close","high","low","value","volume","begin","e'
            'nd"],"data":[[10.1,10.5,10.9,10.0,73.5,7,"2024-01-02 09:30:00","2024-01-02 09:30:59"],[10.5,'
            '10.6,10.7,10.4,84.8,8,"2024-01-02 09:31:00","2024-01-02 09:31:59"]]}}'
        ),
    ),
    "algoseek_bars": (
        "algob.csv",
        "2024-01-02T09:30:00Z",
        (
            "Date,Ticker,TimeBarStart,FirstTradePrice,HighTradePrice,LowTradePrice,LastTradePrice,VolumeW"
            "eightPrice,Volume,TotalTrades\n"
            "20240102,SPY,09:30,10.1,10.9,10.0,10.5,10.4,7,3\n"
            "20240102,SPY,09:31,10.5,10.7,10.4,10.6,10.5,8,4\n"
        ),
    ),
    "twelvedata": (
        "td.json",
        "2024-01-02T14:30:00Z",
        (
            '{"meta":{"symbol":"AAPL","interval":"1min","exchange_timezone":"America/New_York"},"values":'
            '[{"datetime":"2024-01-02 09:31:00","open":"10.5","high":"10.7","low":"10.4","close":"10.6","'
            'volume":"8"},{"datetime":"2024-01-02 09:30:00","open":"10.1","high":"10.9","low":"10.0","clo'
            'se":"10.5","volume":"7"}],"status":"ok"}'
        ),
    ),
    "bitmex_bucketed": (
        "bitmex.json",
        "2024-01-02T09:31:00Z",
        (
            '[{"timestamp":"2024-01-02T09:31:00.000Z","symbol":"XBTUSD","open":10.1,"high":10.9,"low":10.0,"close":10.5,'
            '"trades":2,"volume":73,"vwap":10.4,"turnover":700000000,"homeNotional":7,"foreignNotional":72.8},'
            '{"timestamp":"2024-01-02T09:32:00.000Z","symbol":"XBTUSD","open":10.5,"high":10.7,"low":10.4,"close":10.6,'
            '"trades":3,"volume":84,"vwap":10.55,"turnover":800000000,"homeNotional":8,"foreignNotional":84.4}]'
        ),
    ),
    "hummingbot_candles": (
        "hummingbot.csv",
        "2024-01-02T09:30:00Z",
        (
            "timestamp,open,high,low,close,volume,quote_asset_volume,n_trades,taker_buy_base_volume,taker_buy_quote_volume\n"
            "1704187800.0,10.1,10.9,10.0,10.5,7,73.5,2,4,42\n1704187860.0,10.5,10.7,10.4,10.6,8,84.8,3,3,31.8\n"
        ),
    ),
    "forex_connect": (
        "EURUSD_m1.csv",
        "2024-01-22T22:00:00Z",
        (
            "BeginDT,EndDT,Symbol,Open,High,Low,Close,Volume\n2024-01-22T22:00:00,2024-01-22T22:01:00,EURUSD,10.1,10.9,10.0,"
            "10.5,7\n2024-01-22T22:01:00,2024-01-22T22:02:00,EURUSD,10.5,10.7,10.4,10.6,8\n"
        ),
    ),
    "tws_of_a_place": (
        "tws.csv",
        "2024-01-02T14:30:00Z",
        (
            "date,open,high,low,close,volume,average,barCount\n"
            "20240102 09:30:00 US/Eastern,10.1,10.9,10.0,10.5,7,10.4,2\n"
            "20240102 09:31:00 US/Eastern,10.5,10.7,10.4,10.6,8,10.5,3\n"
        ),
    ),
}
"""By kind: the name of the file, when the first bar opens as the file is read without more said, and the text."""
TAPES: dict[str, tuple[str, str, list[int], str]] = {
    "iqfeed_tick": (
        "AAPL_ticks.csv",
        "2024-01-02T09:30:00.001234Z",
        [1, 0],
        (
            "2024-01-02 09:30:00.001234,10.5000,7,1007,10.4900,10.5000,12345,C,26,3D87,\n"
            "2024-01-02 09:30:01.001234,10.6000,8,1015,10.5900,10.6100,12346,C,5,01,\n"
        ),
    ),
    "iqfeed_tick_lh": (
        "AAPL_lh.csv",
        "2024-01-02T09:30:00.001234Z",
        [1, 0],
        (
            "LH,2024-01-02 09:30:00.001234,10.5000,7,1007,10.4900,10.5000,12345,C,26,3D87,\n"
            "LH,2024-01-02 09:30:01.001234,10.6000,8,1015,10.5900,10.6100,12346,C,5,01,\n"
            "!ENDMSG!,\n"
        ),
    ),
    "tickdata_trades": (
        "ES_2024_01_02.asc",
        "2024-01-02T09:30:00.123000Z",
        [0, 0],
        ("01/02/2024,09:30:00.123,10.5,7,E,0\n01/02/2024,09:30:01.123,10.6,8,E,0\n"),
    ),
    "tickdata_equity": (
        "IBM.asc",
        "2024-01-02T09:30:00.123000Z",
        [0, 0],
        ("01/02/2024,09:30:00.123,10.5,7,N,0,@\n01/02/2024,09:30:01.123,10.6,8,Q,0,@ I\n"),
    ),
    "nt8_export_hdr": (
        "NT.csv",
        "2024-01-02T09:30:00.004000Z",
        [1, -1],
        (
            "Time;Last;Bid;Ask;Volume\n"
            "20240102 093000 0040000;10.5;10.4;10.5;7\n"
            "20240102 093100 5000000;10.6;10.6;10.7;8\n"
        ),
    ),
    "bitfinex_trades_list": (
        "bfxt.json",
        "2024-01-02T09:30:00Z",
        [1, -1],
        ("[[1,1704187800000,7,10.5],[2,1704187860000,-8,10.6]]"),
    ),
    "kraken_rest_trades": (
        "krt.json",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            '{"error":[],"result":{"XXBTZUSD":[["10.5","7",1704187800.123,"b","l","",1],["10.6","8",17041'
            '87860.5,"s","m","",2]],"last":"1704187860500000000"}}'
        ),
    ),
    "hyperliquid_trades": (
        "hlt.json",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            '[{"coin":"BTC","side":"B","px":"10.5","sz":"7","time":1704187800123,"hash":"0x1","tid":1},{"'
            'coin":"BTC","side":"A","px":"10.6","sz":"8","time":1704187860500,"hash":"0x2","tid":2}]'
        ),
    ),
    "huobi_trades_csv": (
        "BTCUSDT-trades-2024-01-02x.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        ("1,1704187800123,10.5,7,buy\n2,1704187860500,10.6,8,sell\n"),
    ),
    "coinapi_trades": (
        "coinapi_t.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "time_exchange;time_coinapi;guid;price;base_amount;taker_side\n"
            "2024-01-02T09:30:00.1230000;2024-01-02T09:30:00.2230000;a;10.5;7;BUY\n"
            "2024-01-02T09:31:00.1230000;2024-01-02T09:31:00.2230000;b;10.6;8;SELL\n"
        ),
    ),
    "kaiko_trades": (
        "kaiko.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "id,exchange,symbol,date,price,amount,sell\n"
            "1,bs,btcusd,1704187800123,10.5,7,false\n"
            "2,bs,btcusd,1704187860500,10.6,8,true\n"
        ),
    ),
    "kaiko_trades2": (
        "kaiko2.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "timestamp,trade_id,price,amount,taker_side_sell\n"
            "1704187800123,1,10.5,7,false\n"
            "1704187860500,2,10.6,8,true\n"
        ),
    ),
    "upbit_trades": (
        "upbit.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "market,trade_date_utc,trade_time_utc,timestamp,trade_price,trade_volume,prev_closing_price,c"
            "hange_price,ask_bid,sequential_id\n"
            "KRW-BTC,2024-01-02,09:30:00,1704187800123,10.5,7,10,0.5,BID,1\n"
            "KRW-BTC,2024-01-02,09:31:00,1704187860500,10.6,8,10,0.6,ASK,2\n"
        ),
    ),
    "bookmap": (
        "bm.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        ("Timestamp,Price,Size,Is bid aggressor\n1704187800123000000,10.5,7,true\n1704187860500000000,10.6,8,false\n"),
    ),
    "profitchart_ticks": (
        "WINFUT_T.csv",
        "2024-01-02T09:30:00Z",
        [1, -1],
        (
            "Ativo;Data;Hora;Preço;Quantidade;Agressor\n"
            "WINFUT;02/01/2024;09:30:00;10,5;7;Comprador\n"
            "WINFUT;15/01/2024;09:30:01;10,6;8;Vendedor\n"
        ),
    ),
    "mt5_py_ticks": (
        "ticks.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "time,bid,ask,last,volume,time_msc,flags,volume_real\n"
            "1704187800,10.4,10.5,10.5,7,1704187800123,56,7.0\n"
            "1704187860,10.6,10.7,10.6,8,1704187860500,88,8.0\n"
        ),
    ),
    "moex_trades": (
        "moext.json",
        "2024-01-02T09:30:00Z",
        [1, -1],
        (
            '{"trades":{"metadata":{},"columns":["TRADENO","TRADETIME","BOARDID","SECID","PRICE","QUANTIT'
            'Y","VALUE","PERIOD","TRADETIME_GRP","SYSTIME","BUYSELL","DECIMALS","TRADINGSESSION"],"data":'
            '[[1,"09:30:00","TQBR","SBER",10.5,7,73.5,"N",930,"2024-01-02 09:30:00","B",2,"1"],[2,"09:31:'
            '00","TQBR","SBER",10.6,8,84.8,"N",931,"2024-01-02 09:31:00","S",2,"1"]]}}'
        ),
    ),
    "kdb_stamps": (
        "kdb.csv",
        "2024-01-02T09:30:00.123456Z",
        [1, -1],
        (
            "time,sym,price,size,side\n"
            "2024.01.02D09:30:00.123456789,XYZ,10.5,7,B\n2024.01.02D09:30:01.223456789,XYZ,10.6,8,S\n"
        ),
    ),
    "bitflyer_executions": (
        "bitflyer.json",
        "2024-01-02T09:30:00.720000Z",
        [1, -1],
        (
            '[{"id":2,"side":"SELL","price":10.6,"size":8,"exec_date":"2024-01-02T09:30:01.823"},'
            '{"id":1,"side":"BUY","price":10.5,"size":7,"exec_date":"2024-01-02T09:30:00.72"}]'
        ),
    ),
    "gemini_trades": (
        "gemini.json",
        "2024-01-02T09:30:00.357000Z",
        [1, -1],
        (
            '[{"timestamp":1704187800,"timestampms":1704187800957,"tid":2,"price":"10.6","amount":"8","exchange":"gemini",'
            '"type":"sell"},{"timestamp":1704187800,"timestampms":1704187800357,"tid":1,"price":"10.5","amount":"7",'
            '"exchange":"gemini","type":"buy"}]'
        ),
    ),
    "dydx_trades": (
        "dydx.json",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            '{"trades":[{"id":"2","side":"SELL","size":"8","price":"10.6","type":"LIMIT","createdAt":'
            '"2024-01-02T09:30:01.123Z","createdAtHeight":"9"},{"id":"1","side":"BUY","size":"7","price":"10.5",'
            '"type":"LIMIT","createdAt":"2024-01-02T09:30:00.123Z","createdAtHeight":"8"}]}'
        ),
    ),
    "cryptofeed_trades": (
        "cryptofeed.csv",
        "2024-01-02T09:30:00.123000Z",
        [1, -1],
        (
            "exchange,symbol,side,amount,price,id,type,timestamp,receipt_timestamp\n"
            "BINANCE,BTC-USDT,buy,7,10.5,1,None,1704187800.123,1704187800.223\n"
            "BINANCE,BTC-USDT,sell,8,10.6,2,None,1704187801.123,1704187801.323\n"
        ),
    ),
    "transaq_trades": (
        "transaq.csv",
        "2024-01-22T10:00:01.123000Z",
        [1, -1],
        (
            "secid;tradeno;time;board;price;quantity;buysell;openinterest;period\n"
            "4567;1;22.01.2024 10:00:01.123;FUT;10.5;7;B;100;N\n4567;2;22.01.2024 10:00:02.123;FUT;10.6;8;S;102;N\n"
        ),
    ),
}
"""By kind: the name of the file, the time of the first trade, who took liquidity, and the text."""
REFUSED: dict[str, tuple[str, str, str]] = {
    "chain_of_options": (
        "chain.csv",
        "holds several options, as its column strike tells",
        "quote_date,expiration,strike,type,bid,ask,last,volume,open_interest\n"
        "2024-01-02,2024-01-19,100,C,1.1,1.2,1.15,7,100\n2024-01-02,2024-01-19,105,C,0.5,0.6,0.55,8,100\n",
    ),
    "dividends": (
        "div.csv",
        "holds dividends or splits, as its column Dividends tells, .* as in actions: FILE",
        "Date,Dividends\n2023-02-10,0.23\n2023-05-12,0.24\n",
    ),
    "splits": (
        "splits.csv",
        "as its column Stock Splits tells",
        "Date,Stock Splits\n2020-08-31,4.0\n",
    ),
    "funding_rates": (
        "rates.csv",
        "holds funding rates, as its column funding_rate tells, .* broker: {funding: FILE} books them",
        "timestamp,symbol,funding_rate,mark_price\n1704067200000,BTCUSDT,0.0001,42000\n",
    ),
    "open_interest": (
        "oi.csv",
        "holds open interest, as its column open_interest tells, .* BinanceMetrics",
        "timestamp,open_interest\n1704067200000,1000\n1704067500000,1010\n",
    ),
    "liquidations_without_their_name": (
        "forced.csv",
        "has the columns of BinanceLiquidations, which does not read it: .* keep the archive's names",
        "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,last_fill_quantity,"
        "accumulated_fill_quantity\n1687651200000,BUY,LIMIT,IOC,0.014,30500.5,30499.1,FILLED,0.014,0.014\n",
    ),
    "liquidations_of_tardis": (
        "binance-futures_liquidations_2024-01-01_BTCUSDT.csv",
        "is named as liquidations are, which are no tape of all trades",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "binance-futures,BTCUSDT,1704067200000000,1704067200001000,,buy,42000,1.5\n",
    ),
    "ctp_snapshots": (
        "ctp.csv",
        "column Volume never falls, as a total so far does",
        (
            "TradingDay,InstrumentID,LastPrice,Volume,Turnover,UpdateTime,UpdateMillisec,BidPrice1,BidVolume1,AskPrice1\n"
            "20240102,rb2405,3950,120,4740000,09:00:00,500,3949,10,3950\n"
            "20240102,rb2405,3951,150,5925300,09:00:01,0,3950,11,3951\n"
        ),
    ),
    "totals_so_far": (
        "totals.csv",
        "column volume never falls",
        "time,price,volume\n" + "".join(f"{1704187800 + i},10.5,{i // 2}\n" for i in range(200)),
    ),
    "book_of_amounts_left": (
        "l2.csv",
        "changes of an order book, as side of ask and bid with amount of 0 tells",
        "timestamp,side,price,amount\n1704187800000000,bid,10.5,7\n1704187800000001,ask,10.6,0\n",
    ),
    "alpaca_of_two": (
        "alpaca.json",
        r"holds trades\.ABC, trades\.XYZ; a file holds one of them",
        (
            '{"trades":{"ABC":[{"t":"2024-01-02T09:30:00Z","p":10.5,"s":7,"c":["@"," ","T"],"i":1}],'
            '"XYZ":[{"t":"2024-01-02T09:30:01Z","p":10.6,"s":8,"c":["@"],"i":2}]},"next_page_token":null}'
        ),
    ),
    "signed_amounts": (
        "signed.csv",
        "column amount would be the quantity, but holds more than numbers of 0 and above",
        "time,price,amount\n1704187800123,10.5,7\n1704187801123,10.6,-8\n",
    ),
    "orders_of_a_journal": (
        "journal.csv",
        "no column is a time",
        "Entry Price,Exit Price,Quantity,Symbol,Entry Time,Direction\n10.5,10.6,7,ES,2024-01-15 10:30:00,Long\n",
    ),
    "duka_api_tick": (
        "EURUSD_ticks.csv",
        "holds quotes",
        ("1704187800123,1.10522,1.1052,1.5,2.25\n1704187801123,1.10523,1.1052,1.5,2.25\n"),
    ),
    "duka_jforex_tick": (
        "EURUSD_Ticks_2024.csv",
        "holds quotes",
        (
            "Time (UTC),Ask,Bid,AskVolume,BidVolume \n"
            "2024.01.02 09:30:00.105,1.10522,1.1052,1.5,2.25\n"
            "2024.01.02 09:30:01.105,1.10522,1.1052,1.5,2.25\n"
        ),
    ),
    "truefx": (
        "EURUSD-2024-01.csv",
        "holds quotes",
        ("EUR/USD,20240102 09:30:00.123,1.10520,1.10522\nEUR/USD,20240102 09:30:01.123,1.10521,1.10523\n"),
    ),
    "tardis_book": (
        "deribit_incremental_book_L2_2024-01-02_X.csv",
        "changes of an order book, as its column is_snapshot",
        (
            "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
            "deribit,BTC-PERPETUAL,1704187800123000,1704187800130000,true,bid,10.5,7\n"
            "deribit,BTC-PERPETUAL,1704187800123000,1704187800130000,true,ask,10.6,7\n"
        ),
    ),
    "algoseek_taq": (
        "algoseek.csv",
        "column EventType holds QUOTE BID, TRADE",
        (
            "Date,Timestamp,EventType,Ticker,Price,Quantity,Exchange,Conditions\n"
            "20240102,09:30:00.123,TRADE,SPY,10.5,7,NASDAQ,00000001\n"
            "20240102,09:30:01.123,QUOTE BID,SPY,10.4,8,NASDAQ,00000001\n"
        ),
    ),
    "av_json_limit": (
        "avl.json",
        "an answer that says: Thank you",
        ('{"Note": "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute."}'),
    ),
    "error_json": ("e.json", "an answer that says: Invalid symbol", ('{"code":-1121,"msg":"Invalid symbol."}')),
}
"""By kind: the name of the file, what is said of it, and the text."""

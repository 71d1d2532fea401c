"""Words that other tools use for what has another name here, so that an error names what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

_WORDS = """
commission commissions fee comm brokerage: fees taker
initial_cash initial_capital start_cash startcash starting_cash capital init_cash cash_start account_size balance: cash
spread slip: slippage
timeframe interval resolution compression barsize bar_size freq frequency granularity: bars
start start_date from_date fromdate begin since date_from: from
end end_date to_date todate until date_to: to
file files filename dataname data_path csv folder directory: path
tick_size min_tick mintick price_step pip_size price_precision ticksize: tick
lot_size step_size min_qty size_precision qty_step quantity_step lotsize stepsize: lot
min_order min_cost minnotional minimum_notional: min_notional
sl stop stoploss stop_price initial_stop: stop_loss
tp target takeprofit profit_target limit_profit roi: take_profit
trailing trail trail_stop trailingstop trailpercent: trailing_stop
breakeven be move_to_breakeven move_to_be stop_to_entry: break_even
time_in_force timeinforce good_till: tif
postonly maker_only alo: post_only
max_hold max_holding holding_period max_bars exit_after timeout: time_stop
max_entries add_on scale_in: pyramiding
buy buy_rule long_entry entry_long enter_long go_long: long enter
sell short_entry entry_short enter_short go_short: short exit
entry open_when entry_rule: enter
close_when exit_rule leave: exit
size stake quantity qty amount units shares contracts position_size: fixed
pct percents perc equity_percent stake_percent: percent
risk_percent risk_pct risk_per_trade: risk
max_drawdown maxdd dd_limit: drawdown
max_daily_loss daily_loss_limit: daily_loss
allocation weight share budget: capital
max_position max_open_trades max_open_positions max_holdings max_concurrent: max_positions
universe tickers pairs pairlist pair_whitelist whitelist assets instruments symbol: symbols trade
risk_parity inverse_vol inv_vol inverse_variance vol_parity: inverse_volatility
equal_weight equal_weights equally uniform: equal
max_leverage gross_exposure total_exposure: gross
net_exposure market_neutral: net
max_weight max_share per_position: each
top top_n topn nlargest n_largest ranking rankings percentrank: rank
hedge_ratio hedge pair spread_legs: legs
rebalancing rebal: rebalance
price last last_price ltp c: close
o: open
h: high
l: low
vol v: volume
buy_volume ask_volume buys taker_volume: taker_buy_volume
sell_volume bid_volume sells: taker_sell_volume
turnover notional amount_quote: quote_volume
n_trades trade_count count_trades ticks_count: trades
date datetime timestamp: close_time time
hour minute: time
dow day_of_week dayofweek: weekday
sma ma avg average moving_average rolling_mean smma: mean talib.SMA
stdev stddev sd rolling_std: std
hhv ts_max rolling_max max_n: highest
llv ts_min rolling_min min_n: lowest
ref shift lag delay prev_bar: prev
diff mom difference: change
barssince bars_since bars_ago: since
valuewhen value_when: when
cross_above crossed_above crosses_above cross_over crossesabove: crossover
cross_below crossed_below crosses_below cross_under crossesbelow: crossunder
iff if ifelse if_else ternary: where
notna notnull isfinite: known
quantile prank: percentile
ln: log
countif count_if: count
poc vpoc profile market_profile volume_at_price vap footprint: VolumeProfile
delta volume_imbalance: VolumeDelta
cumulative_delta cum_delta cumdelta: CVD
big_trades whales block_trades: LargeTrades
moving_average_convergence macd_histogram: talib.MACD
movingaverage simple_moving_average simplemovingaverage: talib.SMA
bollinger bbands bollinger_bands bb: talib.BBANDS
ema exponential_moving_average exponentialmovingaverage: talib.EMA
average_true_range averagetruerange: talib.ATR
binance binance_spot binance_futures binance_um aggtrades agg_trades: BinanceAggTrades
klines candles ohlcv binance_candles binance_ohlcv: BinanceKlines
bybit: BybitTrades
okx okex: OKXTrades
futures perp perpetual perps usdm usdt usdtm swap um_futures: um linear
coinm coin_margined coin delivery: cm inverse
cash_market margin_trading: spot
fast quick numba: compiled
trades_that_followed ticks: tape
period length lookback n win: timeperiod window period bucket
ohlc candle candles_only: bars
csv parquet feather arrow ticks tick_data trades_csv csv_trades csvtrades: CsvTape
pandasdata genericcsvdata csvdata csv_klines yahoo yfinance yahoofinancedata ccxt: CsvBars
tardis: TardisTrades
kraken: KrakenTrades
freqtrade: FreqtradeBars
rule rulebased rule_based yaml: Rules
synthetic random fake: SyntheticTape
"""
"""A line each: what people write, then what it is called here, the likeliest first."""


def plain(name: str) -> str:
    """A name without what tells spellings apart.

    >>> plain("Stop-Loss"), plain("stop_loss")
    ('stoploss', 'stoploss')
    """
    return re.sub(r"[\s_.-]", "", name).lower()


@cache
def meanings() -> Mapping[str, tuple[str, ...]]:
    """What each word of other tools may be called here; read when an error first asks for it."""
    made: dict[str, tuple[str, ...]] = {}
    for line in _WORDS.strip().splitlines():
        written, _, meant = line.partition(":")
        for word in written.split():
            made[plain(word)] = (*made.get(plain(word), ()), *meant.split())
    return made


def meant(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that people mean by ``name``; None where they mean none of them.

    >>> meant("commission", ["cash", "fees"]), meant("StopLoss", ["stop_loss"]), meant("commission", ["cash"])
    ('fees', 'stop_loss', None)
    """
    known = {plain(one): one for one in allowed}
    hits = (known.get(plain(one)) for one in (name, *meanings().get(plain(name), ())))
    return next((hit for hit in hits if hit), None)

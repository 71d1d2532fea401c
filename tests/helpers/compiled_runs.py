"""Random runs for the compiled engine, and the same runs in plain backtrader."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.broker.sizers import FixedAmount, PercentOfEquity
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import HOUR, MINUTE
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import STRATEGIES
from tapeflow.strategies.framework.base import Use

START = 1_700_000_040_000_000


def random_bars(rng: np.random.Generator, n: int) -> Bars:
    """Bars on a coarse grid, so that prices meet levels exactly; gaps, bars without range, uneven times, late hours."""
    grid = rng.choice([0.01, 0.25, 1.0])
    steps = rng.normal(0, rng.choice([0.3, 1.0, 3.0]), n)
    close = 100 + np.cumsum(steps)
    gap = np.where(rng.random(n) < 0.3, rng.normal(0, 1, n), 0)
    opened = np.concatenate(([100.0], close[:-1])) + gap
    reach = np.where(rng.random((2, n)) < 0.2, 0, np.abs(rng.normal(0, 0.8, (2, n))))
    made = np.array([opened, np.maximum(opened, close) + reach[0], np.minimum(opened, close) - reach[1], close])
    made = np.maximum(np.round(made / grid) * grid, grid)
    time = START + np.cumsum(rng.choice([1, 1, 1, 7, 200], n)) * rng.choice([MINUTE, HOUR])
    names = ("open", "high", "low", "close")
    return Bars.of(open_time=time - MINUTE, close_time=time, volume=np.ones(n), **dict(zip(names, made, strict=True)))


def random_feeds(rng: np.random.Generator, main: Bars) -> dict[str, Bars]:
    """Other feeds: before, after and between the bars of the first, some at equal times, uneven, short and long."""
    close = main["close_time"]
    made = {}
    for name in ("other", "third")[: rng.integers(1, 3)]:
        own = random_bars(rng, int(rng.integers(12, 2 * len(main))))
        shared = rng.choice(close, min(len(own), len(close)) // 2, replace=False)
        span = int(close[-1] - close[0])
        free = START + rng.integers(-span // 4, span + span // 4, len(own) - len(shared))
        time = np.unique(np.concatenate((shared, free // MINUTE * MINUTE)))
        own = own.slice(0, len(time))
        made[name] = own.assign(close_time=time, open_time=time - MINUTE)
    return made


def random_costs(rng: np.random.Generator) -> tuple[float, ...]:
    maker, taker = rng.choice([0.0, 0.0002, -0.0001, 0.01], 2)
    share, fixed = rng.choice([(0.0, 0.0), (0.0005, 0.0), (0.02, 0.0), (0.0, 0.25), (0.0, 2.0)])
    return float(maker), float(taker), float(share), float(fixed)


def random_amount(rng: np.random.Generator) -> str | float | None:
    return rng.choice(np.array([None, "0.5%", "2%", "80bp", "3ticks", 1.5, 0.25, 150], dtype=object))


def random_run(rng: np.random.Generator, n: int) -> tuple[RunConfig, dict[str, Source]]:
    bars = random_bars(rng, n)
    rates = rng.choice([0.02, 0.1, 0.4, 0.9], 4)
    noise = np.where(rng.random((4, n)) < 0.1, np.nan, rng.random((4, n)) < rates[:, None])
    bars = bars.assign(**{f"s{i}": noise[i] for i in range(4)})
    indicators = {}
    if rng.random() < 0.4:
        indicators["mean"] = {"kind": "talib.SMA", "timeperiod": int(rng.integers(2, 30))}
    more = " and close > mean" if indicators and rng.random() < 0.5 else ""
    sides = {"long": {"enter": f"s0 > 0{more}", "exit": "s1 > 0"}, "short": {"enter": "s2 > 0", "exit": "s3 > 0"}}
    if rng.random() < 0.3:
        sides[rng.choice(["long", "short"])] = None
    for rule in sides.values():
        if rule and rng.random() < 0.3:
            rule["exit"] = None
    protection = {name: random_amount(rng) for name in ("stop_loss", "take_profit", "trailing_stop")}
    maker, taker, share, fixed = random_costs(rng)
    slippage = f"{share:.4%}" if share else fixed
    size = rng.choice(
        np.array([{"percent": 10}, {"percent": 99.5}, {"percent": 100.0}, {"fixed": 0.37}, {"fixed": 12.0}])
    )
    data: dict[str, Any] = {"feed": "SyntheticTape", "tick": float(rng.choice([0.25, 0.1]))}
    data["lot"] = rng.choice(np.array([None, 0.001, 0.1, 1.0]))
    data["min_notional"] = float(rng.choice([0.0, 0.0, 60.0]))
    config = RunConfig.model_validate(
        {
            "name": "random",
            "data": {"main": data},
            "indicators": indicators,
            "strategy": {
                "kind": "Rules",
                "params": {**sides, **protection, "time_stop": rng.choice(np.array([None, 1, 5, 20]))},
            },
            "broker": {
                "cash": float(rng.choice([500.0, 10_000.0])),
                "fees": {"maker": maker, "taker": taker},
                "slippage": slippage,
            },
            "sizer": size,
            "fills": {"inside": str(rng.choice(["worse", "better", "next_bar"]))},
        }
    )
    return config, {"main": Source(None, bars)}


def plain(config: RunConfig, sources: dict[str, Source]) -> Outcome:
    """The run in plain backtrader, with nothing of an engine's."""
    block, slip = next(iter(config.data.values())), config.broker.slippage
    cerebro = bt.Cerebro(stdstats=False)
    steps = dict(tick=block.tick, lot=block.lot, min_notional=block.min_notional)
    for name, source in sources.items():
        cerebro.adddata(bar_data(source.bars, name, **steps), name=name)
    share = slip.amount if slip.unit == "fraction" else 0.0
    fixed = {"fraction": 0.0, "price": slip.amount, "ticks": slip.amount * (block.tick or 0.0)}[slip.unit]
    fees = config.broker.fees
    cerebro.broker = make_broker(config.broker.cash, fees.maker, fees.taker, share, fixed)
    cerebro.broker.cerebro, cerebro.broker.inside = cerebro, config.fills.inside
    cerebro.indicator_blocks = {
        name: Use(made.kind, made.params, made.data or "") for name, made in config.indicators.items()
    }
    if config.sizer.fixed is not None:
        cerebro.addsizer(FixedAmount, size=config.sizer.fixed)
    else:
        cerebro.addsizer(PercentOfEquity, percent=config.sizer.percent)
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(STRATEGIES.find(config.strategy.kind), **config.strategy.params)
    strategy = cerebro.run()[0]
    return Outcome(config, sources, strategy, strategy.analyzers.record)

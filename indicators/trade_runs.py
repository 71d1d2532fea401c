"""Trade runs: how long one side keeps taking, and what the price does when the other takes over."""

from __future__ import annotations

from typing import Any

from ..core.kernels import step
from .framework.base import Indicator, Line


@step
def trade_runs(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel without state; ``x`` is runs, longest runs and rows of buyers and sellers, then the moves on flips."""
    buy_runs, sell_runs, buy_max, sell_max, buys, sells, moved = x[0], x[1], x[2], x[3], x[4], x[5], x[6]
    y[1], y[2] = buy_max, sell_max
    if buy_max + sell_max > 0.0:
        y[0] = (buy_max - sell_max) / (buy_max + sell_max)
    if buy_runs > 0.0:
        y[3] = buys / buy_runs
    if sell_runs > 0.0:
        y[4] = sells / sell_runs
    flips = buy_runs + sell_runs - 1.0
    if buys + sells > 1.0:
        y[5] = flips / (buys + sells - 1.0)
    if flips > 0.0:
        y[6] = moved / flips


class TradeRuns(Indicator):
    """Runs of consecutive rows of the tape that one side took, bar by bar.

        run_imbalance = (buy_max - sell_max) / (buy_max + sell_max)
        buy_mean = rows bought / runs of buyers,   flip_rate = flips / (rows with a side - 1)
        flip_move = mean of (price of a run's first row - price of the last run's last row) × the new side

    A run ends where the other side takes over, or with its bar; rows of unknown side are passed over.

    Inputs
    ------
    buy_runs, sell_runs, buy_run_max, sell_run_max : count, >= 0
        How many runs each side had, and the rows of its longest. Only bars cut from trades know them.
    taker_buy_count, taker_sell_count : count, >= 0
        Rows by side.
    flip_move : price
        The moves on flips, summed.

    Lines
    -----
    run_imbalance : pure number in [-1, 1]
        NaN in a bar without runs. Changes sign when buys and sells trade places.
    buy_max, sell_max : count
        0 in a bar without runs.
    buy_mean, sell_mean : count, >= 1
        NaN where that side had no run.
    flip_rate : pure number in [0, 1]
        NaN in a bar with fewer than two rows that have a side.
    flip_move : price
        Above 0 where the price gives way to the new side, about the spread in a quiet market. NaN in a bar without a
        flip. Changes sign when buys and sells trade places.

    All from the first bar on.

    Raises
    ------
    ParamError
        If any parameter is given.
    InputError
        If the data lacks an input, as klines lack all runs.

    References
    ----------
    Aperiodic, data set ``run_structure``, whose fields these are: ``run_imbalance``, longest and mean runs by side,
    ``flip_rate`` and ``price_change_on_flip``. That it counts rows of the tape, and signs a flip's move by the new
    side, is this project's reading.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(
    ...         buy_runs=[2.0, 0], sell_runs=[1.0, 0], buy_run_max=[3.0, 0], sell_run_max=[1.0, 0],
    ...         taker_buy_count=[4.0, 0], taker_sell_count=[1.0, 0], flip_move=[1.0, 0],
    ...     ),
    ...     index=pd.date_range("2024-01-01", periods=2, freq="1min"),
    ... )
    >>> TradeRuns.over(bars).iloc[0].tolist()
    [0.5, 3.0, 1.0, 2.0, 1.0, 0.5, 0.5]
    """

    lines = ("run_imbalance", "buy_max", "sell_max", "buy_mean", "sell_mean", "flip_rate", "flip_move")
    inputs = (
        *("buy_runs", "sell_runs", "buy_run_max", "sell_run_max"),
        *("taker_buy_count", "taker_sell_count", "flip_move"),
    )
    measures = {
        "run_imbalance": Line("longest run of buyers against that of sellers", odd=True, sparse=True),
        "buy_max": Line("rows of the longest run of buyers", mirror="sell_max", unit="count"),
        "sell_max": Line("rows of the longest run of sellers", mirror="buy_max", unit="count"),
        "buy_mean": Line("rows of a run of buyers", mirror="sell_mean", unit="count", sparse=True),
        "sell_mean": Line("rows of a run of sellers", mirror="buy_mean", unit="count", sparse=True),
        "flip_rate": Line("share of neighbouring rows whose sides differ", sparse=True),
        "flip_move": Line("price change when the side flips", price=1, odd=True, sparse=True, overlay=False),
    }
    step = trade_runs

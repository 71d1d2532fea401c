"""A small backtest around one indicator: for authors of plain ``next``, and for the laws."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from ...core.bars import Bars
from ...core.lines import bar_data


class Hosted(bt.Strategy):
    """A strategy that holds one indicator and trades nothing.

    Parameters
    ----------
    make : callable
        Called with the strategy; gives the indicator.
    """

    params: Any = {"make": None}

    def __init__(self) -> None:
        self.held = self.p.make(self)
        self.rows: list[list[float]] = []

    def prenext(self) -> None:
        """Write the values down, in the warm-up too."""
        self.next()

    def next(self) -> None:
        """Write the values down."""
        self.rows.append([line[0] if len(line) else np.nan for line in self.held.lines.lines])


def host(cls: Any, bars: Bars, params: dict[str, Any], **mode: Any) -> tuple[NDArray[np.float64], Any]:
    """Run an indicator inside backtrader, and give its values and the indicator.

    Parameters
    ----------
    cls : type
        The indicator.
    bars : Bars
        The feed.
    params : dict
        Its parameters.
    **mode
        ``runonce``, ``preload``, ``exactbars`` and the like of ``backtrader.Cerebro``.

    Returns
    -------
    ndarray of float64, (lines, bars)
    Indicator
    """
    cerebro = bt.Cerebro(stdstats=False, **mode)
    cerebro.adddata(bar_data(bars))
    cerebro.addstrategy(Hosted, make=lambda strategy: cls(strategy.data, **params))
    strategy = cerebro.run()[0]
    width = len(strategy.held.lines.lines)
    table = np.array(strategy.rows, dtype=np.float64).reshape(-1, width).T
    return table, strategy.held


def through_cerebro(cls: Any, bars: Bars, params: dict[str, Any]) -> NDArray[np.float64]:
    """The lines of an indicator that only backtrader can run, (lines, bars)."""
    if len(bars) == 0:
        return np.full((len(cls.line_names(**params)), 0), np.nan)
    table, _ = host(cls, bars, params, runonce=False)
    made = np.full((len(table), len(bars)), np.nan)
    made[:, len(bars) - table.shape[1] :] = table
    return made

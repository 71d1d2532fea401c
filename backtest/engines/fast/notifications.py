"""News of orders on their way to strategies."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.trade import Trade


def deliver(news: Any, strategy: Any, quick: bool) -> None:
    """Hand the broker's ``news`` to the owners of the orders, or to ``strategy`` where they have none."""
    while news:
        order = news.popleft()
        owner = strategy if order.owner is None else order.owner
        if quick or type(owner)._addnotification is not bt.Strategy._addnotification:
            owner._addnotification(order, quicknotify=quick)
            continue
        if not order.p.simulated:
            owner._orderspending.append(order)
        if order.executed.size:
            _trade(owner, order)


def _trade(owner: Any, order: Any) -> None:
    """Bring the owner's trades up to what was executed, and put them down for being told."""
    data = order.data if order.data._compensate is None else order.data._compensate
    trades, told = owner._trades[data][order.tradeid], owner._tradespending
    if not trades:
        trades.append(Trade(data=data, tradeid=order.tradeid, historyon=owner._tradehistoryon))
    trade = trades[-1]
    for bit in order.executed.iterpending():
        if bit.closed:
            parts = bit.closed, bit.price, bit.closedvalue, bit.closedcomm, bit.pnl
            trade.update(order, *parts, comminfo=order.comminfo)
            if trade.isclosed:
                told.append(_copy(trade))
        if bit.opened:
            if trade.isclosed:
                trade = Trade(data=data, tradeid=order.tradeid, historyon=owner._tradehistoryon)
                trades.append(trade)
            parts = bit.opened, bit.price, bit.openedvalue, bit.openedcomm, bit.pnl
            trade.update(order, *parts, comminfo=order.comminfo)
            if trade.isclosed:
                told.append(_copy(trade))
        if trade.justopened:
            told.append(_copy(trade))


def _copy(trade: Any) -> Any:
    made = object.__new__(type(trade))
    made.__dict__ = trade.__dict__.copy()
    return made

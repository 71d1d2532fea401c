"""Scripts in the manner of backtrader's documentation come to the last bit to what they come to in backtrader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from tapeflow.backtest.engines.fast.script import Cerebro
from tapeflow.tests.backtest.engines.documented_scripts import SCRIPTS

PLAIN = {
    "weeks_beside_days": "feed DataClone is resampled",
    "replayed_weeks": "feed PandasData is replayed",
    "rolling_futures": "feed FES rolls over from contract to contract as the run goes",
    "saving_memory": "exactbars keeps only the last bars",
    "bar_by_bar": "runonce is off",
}
"""Scripts that go through backtrader's own loop, and why."""
FEW = {"order_history": 3, "bar_by_bar": 10}
"""Orders that a script sends at least; eight of all others."""


def seen(strategies: Any) -> list[Any]:
    """All that can be read of finished strategies: orders, trades, account, lines, what analyzers found."""
    return [_seen(strategy) for strategy in strategies]


def _seen(strategy: Any) -> dict[str, Any]:
    orders = strategy._orders or strategy.broker.orders
    first = min((order.ref for order in orders), default=0)
    return {
        "orders": [_order(order, first) for order in orders],
        "trades": [_trade(trade) for by_id in strategy._trades.values() for ts in by_id.values() for trade in ts],
        "account": (repr(strategy.broker.getcash()), repr(strategy.broker.getvalue())),
        "feeds": [[_values(line) for line in data.lines.lines] for data in strategy.datas],
        "lines": [_values(line) for made in strategy.getindicators() for line in _lines(made)],
        "observers": [_values(line) for made in strategy.getobservers() for line in made.lines.lines],
        "analyzers": [repr(one.get_analysis()) for one in strategy.analyzers],
        "bars": len(strategy),
    }


def _lines(made: Any) -> Any:
    """The lines of an indicator; an operation on lines is one itself."""
    return getattr(made.lines, "lines", [made])


def _values(line: Any) -> list[str]:
    return [repr(value) for value in line.array]


def _order(order: Any, first: int) -> Any:
    done = order.executed
    numbers = (order.created.size, order.created.price, done.size, done.price, done.comm, done.pnl, done.dt)
    return order.ref - first, order.getordername(), order.getstatusname(), *map(repr, numbers)


def _trade(trade: Any) -> Any:
    return trade.status, trade.barlen, *map(repr, (trade.size, trade.price, trade.pnl, trade.pnlcomm))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_comes_to_the_same_in_both(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = seen(SCRIPTS[name](tmp_path))
    said = capsys.readouterr().out
    ran: list[str] = []
    at_once = Cerebro.runstrategies

    def noted(cerebro: Any, *args: Any, **kwargs: Any) -> Any:
        made = at_once(cerebro, *args, **kwargs)
        ran.append(cerebro.reason)
        return made

    monkeypatch.setattr(Cerebro, "runstrategies", noted)
    monkeypatch.setattr(bt, "Cerebro", Cerebro)
    ours = seen(SCRIPTS[name](tmp_path))
    assert capsys.readouterr().out == said
    assert ours == theirs
    assert set(ran) == {PLAIN.get(name, "")}
    assert max(len(one["orders"]) for one in theirs) >= FEW.get(name, 8)


def test_there_are_thirty() -> None:
    assert len(SCRIPTS) >= 30
    assert set(PLAIN) | set(FEW) <= set(SCRIPTS)

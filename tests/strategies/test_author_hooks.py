"""What protects a position works, whatever hooks an author has and whether or not they call super()."""

from collections.abc import Callable
from typing import Any

import backtrader as bt
import pytest

from tapeflow.core.errors import InputError
from tapeflow.strategies.framework.base import Strategy
from tapeflow.strategies.framework.signals import Signals
from tapeflow.strategies.rules import Rules
from tapeflow.tests.helpers.trading import config, random_walk, trade

MARKET = random_walk(5, 200)
RISK = {"stop_loss": "2%", "take_profit": "3%", "time_stop": 4}


class _Plain(Strategy):
    """Long every tenth bar; asks nothing of its base."""

    def next(self) -> None:
        if len(self) % 10 == 1 and not self.position:
            self.buy(size=1)


def hearing(self: Any, *args: Any) -> None:
    """A hook that calls nothing of its parent's."""
    self.heard = getattr(self, "heard", 0) + 1


def deciding(self: Any) -> None:
    """The same, for a hook of the warm-up, which decides as next does."""
    self.heard = getattr(self, "heard", 0) + 1
    self.next()


def polite(name: str) -> Callable[..., None]:
    """A hook that calls its parent's first."""

    def hook(self: Any, *args: Any) -> None:
        getattr(super(Strategy, self) if name == "stop" else _Plain, name)(*(() if name == "stop" else (self, *args)))
        self.heard = getattr(self, "heard", 0) + 1

    return hook


OWN = {
    **dict.fromkeys(("start", "stop", "notify_order", "notify_trade", "notify_cashvalue", "notify_fund"), hearing),
    **dict.fromkeys(("prenext", "nextstart"), deciding),
    "__init__": hearing,
}


def orders_of(kind: Any, **risk: Any) -> list[dict[str, Any]]:
    """Orders of a run in both loops."""
    return trade(MARKET, {}, config(risk=risk or RISK, sizer={"fixed": 1}), kind).orders


def result(kind: Any) -> str:
    """The same under every protection there is, as text, in which NaN equals NaN."""
    return repr(orders_of(kind))


@pytest.mark.parametrize("name", OWN)
def test_a_hook_of_an_authors_own_changes_nothing(name: str) -> None:
    kind = type("_Own", (_Plain,), {name: OWN[name], "__module__": __name__})
    assert result(kind) == result(_Plain)
    assert {row["reason"] for row in orders_of(kind)} >= {"stop_loss", "take_profit", "time_stop"}


@pytest.mark.parametrize("name", ["start", "notify_order"])
def test_nor_does_one_that_calls_super(name: str) -> None:
    kind = type("_Polite", (_Plain,), {name: polite(name), "__module__": __name__})
    assert result(kind) == result(_Plain)


@pytest.mark.parametrize("name", ["start", "notify_order", "next"])
def test_nor_one_that_comes_from_a_mixin(name: str) -> None:
    own = _Plain.next.__wrapped__ if name == "next" else OWN[name]  # type: ignore[attr-defined]
    mixin = type("Mixin", (), {name: own})
    base = Strategy if name == "next" else _Plain
    assert result(type("_Mixed", (mixin, base), {"__module__": __name__})) == result(_Plain)


def test_attributes_of_an_authors_own_meet_none_of_ours() -> None:
    def init(self: Any) -> None:
        self.risk, self.plan, self.order, self.stop_distance = 0.02, "buy low", None, 3

    kind = type("_Named", (_Plain,), {"__init__": init, "__module__": __name__})
    assert result(kind) == result(_Plain)


def test_the_one_attribute_that_is_ours_is_refused_by_name() -> None:
    def init(self: Any) -> None:
        self.indicators = [1]

    kind = type("_Taken", (_Plain,), {"__init__": init, "__module__": __name__})
    with pytest.raises(InputError, match=r"self\.indicators is what `uses` made"):
        result(kind)


class _Ruled(Rules):
    """Rules with a plan that hears of its orders: cooldown and pyramiding."""

    params = dict(long={"enter": "close < open", "exit": "close > open * 1.01"}, cooldown=4, pyramiding=2)


class _Signalled(Strategy):
    """Signals over all bars."""

    def signals(self, lines: Any) -> Signals:
        return Signals(long_entry=lines["close"] < lines["open"], long_exit=lines["close"] > lines["open"])


@pytest.mark.parametrize("name", ["start", "stop", "notify_order", "notify_trade", "__init__"])
@pytest.mark.parametrize("base", [_Ruled, _Signalled])
def test_rules_and_signals_are_followed_all_the_same(base: Any, name: str) -> None:
    kind = type("_Own", (base,), {name: hearing, "__module__": __name__})
    assert result(kind) == result(base)
    assert len(orders_of(base)) > 20


class _Leaving(_Plain):
    """Closes by itself on the very bar on which the time is up."""

    def next(self) -> None:
        super().next()
        if self.position and len(self) % 10 == 6:
            self.close()


def test_an_authors_exit_on_the_bar_of_the_time_stop_is_the_only_one() -> None:
    orders = orders_of(_Leaving, time_stop=4)
    assert not any(row["side"] == "sell" and row["size"] > 1 for row in orders)
    sides = [row["side"] for row in orders if row["status"] == "completed"]
    assert sides == ["buy", "sell"] * (len(sides) // 2) + ["buy"] * (len(sides) % 2)


def test_a_limit_of_the_session_holds_in_a_warm_up_that_trades() -> None:
    class _Early(Strategy):
        def __init__(self) -> None:
            self.mean = bt.ind.SMA(period=150)

        def prenext(self) -> None:
            if not self.position:
                self.buy(size=50)

    orders = orders_of(_Early, daily_loss="1%")
    assert "daily_loss" in {row["reason"] for row in orders}


@pytest.mark.parametrize(
    "sizer", [{"percent": 10}, {"volatility": 20, "window": 5}, {"kelly": 0.5, "start": 5}, {"risk": 0.1}]
)
@pytest.mark.parametrize("first", ["buy", "sell"])
def test_an_order_the_other_way_without_a_size_closes_exactly(sizer: dict[str, Any], first: str) -> None:
    other = {"buy": "sell", "sell": "buy"}[first]
    script = {20: lambda s: getattr(s, first)(), 30: lambda s: getattr(s, first)(), 60: lambda s: getattr(s, other)()}
    risk = {"stop_loss": "90%"} if "risk" in sizer else None
    made = trade(
        MARKET,
        script,
        config(sizer=sizer, risk=risk, data={"lot": 0.01}),
    )
    entries = [row["size"] for row in made.orders if row["side"] == first and row["reason"] != "stop_loss"]
    assert len(entries) >= 2
    assert made.position[59] != 0
    assert made.position[-1] == 0.0


def test_a_fixed_size_is_the_same_either_way() -> None:
    script = {5: lambda s: s.buy(), 9: lambda s: s.buy(), 20: lambda s: s.sell()}
    assert trade(MARKET, script, config(sizer={"fixed": 2})).position[-1] == 2.0


def test_an_entry_behind_an_exit_has_the_size_of_an_entry() -> None:
    def turn(s: Any) -> None:
        s.exit()
        s.enter_short()

    made = trade(MARKET, {5: lambda s: s.buy(size=7), 9: turn}, config(sizer={"percent": 10}, data={"lot": 1}))
    assert made.position[-1] == -9.0 or made.position[-1] == -10.0

"""The compiled engine against plain backtrader: orders, fills, account and lines, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapeflow.backtest.broker.base import make_broker
from tapeflow.backtest.engines.compiled import run
from tapeflow.backtest.engines.compiled.lots import rounded
from tapeflow.backtest.engines.compiled.run import run_compiled
from tapeflow.backtest.engines.compiled.state import new_book
from tapeflow.backtest.engines.compiled.supported import unsupported_reason
from tapeflow.backtest.engines.verify import difference, verify
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.recording.recorder import Recorder
from tapeflow.backtest.results.outcome import Outcome
from tapeflow.configs.loader import load_config
from tapeflow.configs.models import RunConfig
from tapeflow.core.bars import Bars
from tapeflow.core.clock import HOUR, MINUTE, day_numbers
from tapeflow.core.errors import DataError
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.tests.helpers.compiled_runs import plain, random_bars, random_costs, random_run
from tapeflow.tests.helpers.tickets import Ticket, run_tickets
from tapeflow.tests.helpers.trading import flat

TYPES = dict(market=0, close=1, limit=2, stop=3, stop_limit=4, stop_trail=5, stop_trail_limit=6)
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
LONG = settings(QUICK, max_examples=2_000)
SEEDS = st.integers(0, 2**32 - 1)


class TestOrders:
    """Streams of random orders of every type."""

    @QUICK
    @given(seed=SEEDS)
    def test_a_random_stream_of_orders_equals_plain_backtrader(self, seed: int) -> None:
        assert_stream(seed)

    @pytest.mark.slow
    @LONG
    @given(seed=SEEDS)
    def test_many_random_streams_of_orders_equal_plain_backtrader(self, seed: int) -> None:
        assert_stream(seed, 120)

    def test_the_streams_have_every_type_and_every_end_of_an_order(self) -> None:
        seen: set[tuple[str, str]] = set()
        for seed in range(120):
            rng = np.random.default_rng(seed)
            bars = random_bars(rng, 120)
            record = run_tickets(bars, random_tickets(rng, bars), *random_money(rng))
            seen |= {(row["type"], row["status"]) for row in record.orders.values()}
        assert {kind for kind, status in seen if status == "completed"} == set(TYPES)
        ends = {"completed", "canceled", "expired", "margin", "rejected", "accepted"}
        assert {status for _, status in seen} >= ends

    def test_a_group_that_ended_and_was_joined_again_leaves_alone_what_it_did_not_reach(self) -> None:
        far = dict(size=1.0, kind="limit", price=1.0)
        tickets = [Ticket(0, **far), Ticket(2, **far, link=0), Ticket(2, "cancel", link=0)]
        tickets += [Ticket(4, **far, link=0), Ticket(4, **far, link=0), Ticket(6, "cancel", link=3)]
        bars = random_bars(np.random.default_rng(2), 12)
        rows = assert_equal(bars, tickets, 1e4, (0.0, 0.0, 0.0, 0.0))
        assert [row["status"] for row in rows.values()] == ["canceled", "accepted", "canceled", "canceled"]

    @pytest.mark.parametrize(("early", "status"), [(0, "completed"), (MINUTE, "expired")])
    def test_an_order_is_good_for_the_bar_that_closes_as_it_ends(self, early: int, status: str) -> None:
        bars = flat(6, low=[100.0, 100, 100, 90, 90, 90], step=HOUR)
        ticket = Ticket(0, kind="limit", size=1.0, price=95.0, valid=int(bars["close_time"][3]) - early)
        rows = assert_equal(bars, [ticket], 1e4, (0.0, 0.0, 0.0, 0.0))
        assert [row["status"] for row in rows.values()] == [status]

    def test_tickets_out_of_order_are_refused(self) -> None:
        bars = random_bars(np.random.default_rng(0), 10)
        with pytest.raises(DataError, match="tickets must go by bar"):
            run_tickets(bars, [Ticket(4, size=1), Ticket(3, size=1)], 1e4, (0, 0, 0, 0))


def random_money(rng: np.random.Generator) -> tuple[float, tuple[float, ...]]:
    return float(rng.choice([150.0, 400.0, 2_000.0, 100_000.0])), random_costs(rng)


def random_tickets(rng: np.random.Generator, bars: Bars) -> list[Ticket]:
    """Orders near the market, of sizes that leave dust when added up; some cancelled, some in groups."""
    made: list[Ticket] = []
    for bar in np.flatnonzero(rng.random(len(bars)) < rng.choice([0.1, 0.4])):
        for _ in range(rng.integers(1, 3)):
            made.append(random_ticket(rng, made, int(bar), bars))
    return made


def random_ticket(rng: np.random.Generator, made: list[Ticket], bar: int, bars: Bars) -> Ticket:
    close = float(bars["close"][bar])
    size = float(rng.choice([0.1, 0.2, 0.3, 0.7, 1.0, 3.0]) * rng.choice([-1, 1]))
    side = np.sign(size)
    near, far = (round(float(v), 2) for v in (close + rng.choice([-1, 1]) * rng.random(2) * 2))
    links = [i for i, t in enumerate(made) if t.action in ("send", "bracket")][-8:]
    link = int(rng.choice(links)) if links and rng.random() < 0.4 else None
    valid = int(bars["close_time"][bar] + rng.integers(-1, 30) * 10 * MINUTE) if rng.random() < 0.3 else None
    action = rng.choice(["send", "send", "send", "flatten", "cancel", "bracket"])
    if action == "cancel":
        if not links:
            return Ticket(bar, "flatten")
        link = int(rng.choice(links))
        return Ticket(bar, "cancel", link=link, leg=int(rng.integers(3)) if made[link].action == "bracket" else 0)
    if action == "bracket":
        price = 0.0 if rng.random() < 0.3 else near
        targets = dict(stop=close - side * rng.random() * 3, target=close + side * rng.random() * 3)
        return Ticket(bar, "bracket", size=size, price=price, valid=valid, **targets)
    if action == "flatten":
        return Ticket(bar, "flatten")
    kind = str(rng.choice(list(TYPES)))
    given: dict[str, Any] = dict(size=size, kind=kind, valid=valid, link=link)
    if kind in ("limit", "stop"):
        given |= dict(price=near)
    elif kind.startswith("stop_limit"):
        given |= dict(price=near, limit=far)
    elif kind.startswith("stop_trail"):
        given |= dict(price=near) if rng.random() < 0.5 else {}
        given |= dict(limit=far) if kind == "stop_trail_limit" and rng.random() < 0.8 else {}
        given |= dict(trail=float(rng.random() * 2)) if rng.random() < 0.5 else dict(trail_share=0.01)
    return Ticket(bar, **given)


class Desk(bt.Strategy):
    """Works off tickets as anybody would with backtrader."""

    params = dict(tickets=(), stamps=())

    def __init__(self) -> None:
        self.sent: list[list[Any]] = []

    def next(self) -> None:
        while len(self.sent) < len(self.p.tickets) and self.p.tickets[len(self.sent)].bar == len(self) - 1:
            self.sent.append(self.do(self.p.tickets[len(self.sent)]))

    def do(self, ticket: Ticket) -> list[Any]:
        if ticket.action == "flatten":
            return [self.close()]
        if ticket.action == "cancel":
            orders = self.sent[ticket.link]
            if orders and orders[ticket.leg] is not None:
                self.cancel(orders[ticket.leg])
            return []
        valid = None if ticket.valid is None else float(day_numbers(np.array([ticket.valid]))[0])
        if ticket.action == "bracket":
            send = self.buy_bracket if ticket.size > 0 else self.sell_bracket
            kind = bt.Order.Limit if ticket.price else bt.Order.Market
            prices = dict(price=ticket.price or None, stopprice=ticket.stop, limitprice=ticket.target)
            return send(size=abs(ticket.size), exectype=kind, valid=valid, **prices)
        given = dict(price=ticket.price, plimit=ticket.limit, trailamount=ticket.trail, trailpercent=ticket.trail_share)
        given = {k: v or None for k, v in given.items()}
        group = self.sent[ticket.link][ticket.leg] if ticket.link is not None and self.sent[ticket.link] else None
        send = self.buy if ticket.size > 0 else self.sell
        return [send(size=abs(ticket.size), exectype=TYPES[ticket.kind], valid=valid, oco=group, **given)]


def assert_stream(seed: int, n: int = 60) -> None:
    rng = np.random.default_rng(seed)
    bars = random_bars(rng, n)
    tickets = random_tickets(rng, bars)
    assert_equal(bars, tickets, *random_money(rng))


def assert_equal(bars: Bars, tickets: list[Ticket], cash: float, costs: tuple[float, ...]) -> dict[int, Any]:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(bars, "main"), name="main")
    cerebro.broker = make_broker(cash, *costs)
    cerebro.broker.cerebro = cerebro
    cerebro.broker.judge = lambda: None  # orders written down in advance know no ruin
    cerebro.addanalyzer(Recorder, _name="record")
    cerebro.addstrategy(Desk, tickets=tickets)
    stock = cerebro.run()[0]
    stock.indicators = {}
    ours = Outcome(None, {}, stock, run_tickets(bars, tickets, cash, costs, "main"))
    assert difference(ours, Outcome(None, {}, stock, stock.analyzers.record)) == ""
    return ours.record.orders


class TestRules:
    """Random rules, protection, sizes and costs."""

    @QUICK
    @given(seed=SEEDS)
    def test_random_rules_equal_plain_backtrader(self, seed: int) -> None:
        assert_rules(seed)

    @pytest.mark.slow
    @LONG
    @given(seed=SEEDS)
    def test_many_random_rules_equal_plain_backtrader(self, seed: int) -> None:
        assert_rules(seed, 120)

    def test_the_random_rules_reach_every_reason_and_every_end(self) -> None:
        reasons: set[str] = set()
        statuses: set[str] = set()
        for seed in range(110):
            config, sources = random_run(np.random.default_rng(seed), 150)
            rows = run_compiled(config, sources).record.orders.values()
            reasons |= {row["reason"] for row in rows if row["status"] == "completed"}
            statuses |= {row["status"] for row in rows}
        sides = {f"{side}.{key}" for side in ("long", "short") for key in ("enter", "exit")}
        assert reasons == sides | {"time_stop", "stop_loss", "trailing_stop", "take_profit", "ruin"}
        assert statuses >= {"completed", "canceled", "margin", "accepted"}


def assert_rules(seed: int, n: int = 80) -> None:
    config, sources = random_run(np.random.default_rng(seed), n)
    assert difference(run_compiled(config, sources), plain(config, sources)) == ""


def test_a_book_that_has_to_grow_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    config, sources = random_run(np.random.default_rng(0), 400)
    roomy = run_compiled(config, sources)
    assert len(roomy.record.orders) > 64
    monkeypatch.setattr(run, "new_book", lambda cash, costs, room: new_book(cash, costs, room=1))
    assert difference(run_compiled(config, sources), roomy) == ""


DEMO = Path(__file__).resolve().parents[3] / "configs" / "demo.yaml"


class TestConfigs:
    """Configs as people write them."""

    def test_the_shipped_rules_equal_plain_backtrader(self) -> None:
        config = load_config(DEMO)
        assert unsupported_reason(config) == ""
        sources = read(config, "synth", lambda text: None)
        ours = run_compiled(config, sources)
        assert len(ours.trips) > 10
        assert difference(ours, plain(config, sources)) == ""
        assert verify(config, sources) == ""

    @pytest.mark.real_data
    def test_a_real_day_equals_plain_backtrader(self, tmp_path: Path, real_data: Path) -> None:
        path = real_data / "06_binance_official_dumps" / "cm_BTCUSD_PERP-aggTrades-2026-05-08.zip"
        config = load_config(written(tmp_path, path))
        sources = read(config, "main", lambda text: None)
        ours = run_compiled(config, sources)
        assert {row["type"] for row in ours.record.orders.values()} == {"market", "stop", "stop_trail", "limit"}
        assert difference(ours, plain(config, sources)) == ""


def written(folder: Path, data: Path) -> Path:
    path = folder / "real.yaml"
    path.write_text(f"""
name: real
data:
  main: {{feed: BinanceAggTrades, market: cm, contract_size: 100, path: '{data}', lot: 0.001, tick: 0.1}}
indicators:
  vwap: {{kind: VWAP, anchor: 1d}}
  delta: {{kind: VolumeDelta}}
strategy:
  kind: Rules
  params:
    long: {{enter: "close < vwap and delta > 0", exit: "close > vwap"}}
    short: {{enter: "close > vwap and delta < 0", exit: "close < vwap"}}
    stop_loss: 0.15%
    take_profit: 30bp
    trailing_stop: 500ticks
    time_stop: 45
broker: {{cash: 50000, fees: {{maker: 2bp, taker: 5bp}}, slippage: 1tick}}
sizer: {{percent: 50}}
""")
    return path


class TestRefusals:
    """What the engine cannot do exactly is refused by name."""

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"strategy": {"kind": "DeltaMomentum"}}, "strategy DeltaMomentum decides in Python"),
            ({"fills": "tape"}, "fills: tape needs backtrader"),
            ({"strategy": {"kind": "Rules", "params": {"stop_loss": "3ticks"}}}, "no tick"),
            ({"data": {"a": {"feed": "SyntheticTape", "lot": 1e-22}}}, "more decimals"),
        ],
    )
    def test_a_config_is_refused_by_name(self, change: dict[str, Any], expected: str) -> None:
        base = {"name": "x", "data": {"a": {"feed": "SyntheticTape"}}, "strategy": {"kind": "Rules"}}
        assert expected in unsupported_reason(RunConfig.model_validate(base | change))

    def test_bars_without_a_price_are_refused(self) -> None:
        config, sources = random_run(np.random.default_rng(1), 20)
        holed = sources["main"].bars.assign(high=np.where(np.arange(20) == 6, np.nan, 100.0))
        with pytest.raises(DataError, match="bar 7 has no high above 0"):
            run_compiled(config, {"main": Source(None, holed)})

    def test_bars_too_few_for_the_warm_up_are_refused_as_backtrader_refuses_them(self) -> None:
        config, sources = random_run(np.random.default_rng(1), 20)
        mean = {"m": {"kind": "talib.SMA", "timeperiod": 21}}
        config = RunConfig.model_validate(config.resolved() | {"indicators": mean})
        with pytest.raises(DataError) as ours:
            run_compiled(config, sources)
        with pytest.raises(DataError) as stock:
            plain(config, sources)
        assert str(ours.value) == str(stock.value) == "main: 20 bars, but the indicators need 21 before the first value"


def test_every_registered_indicator_is_one_whose_warm_up_is_known_ahead() -> None:
    assert {INDICATORS[name].level() for name in INDICATORS} <= {"step", "vec"}


@settings(max_examples=1_000, deadline=None)
@given(lots=st.integers(0, 2**53), step=st.sampled_from([1e-8, 1e-5, 0.001, 0.1, 0.25, 0.5, 1.0, 7.0, 3e-4]))
def test_sizes_are_rounded_as_python_rounds(lots: int, step: float) -> None:
    for value in (lots * step, lots * step / 3, (lots + 0.5) * 10.0**-5):
        for digits in (0, 1, 3, 5, 10, 22):
            assert rounded(float(value), 10.0**digits) == round(value, digits)

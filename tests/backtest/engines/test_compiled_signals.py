"""Strategies that give their signals as arrays, on one feed and on several: all three engines, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapeflow.backtest.engines.compiled import NotCompiledError, run_compiled, unsupported_reason
from tapeflow.backtest.engines.verify import difference
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config
from tapeflow.configs.models import RunConfig
from tapeflow.configs.shipped import find_config, shipped
from tapeflow.core.errors import DataError, InputError
from tapeflow.core.names import Names
from tapeflow.core.plugins.registry import STRATEGIES
from tapeflow.strategies.framework.base import Strategy, Use
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.framework.signals import Signals
from tapeflow.tests.helpers.compiled_runs import plain, random_bars, random_feeds, random_run

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
LONG = settings(QUICK, max_examples=2_000)
SEEDS = st.integers(0, 2**32 - 1)
KINDS = ("Rules", "Sampled", "Leaning")


@pytest.fixture(autouse=True, scope="module")
def _strategies() -> Iterator[None]:
    """Strategies of these tests alone."""
    before = dict(STRATEGIES._classes)
    for cls in (Sampled, SampledByHand, Leaning):
        STRATEGIES.add(cls)
    yield
    STRATEGIES._classes.clear()
    STRATEGIES._classes.update(before)


class Sampled(Strategy):
    """Acts where columns of the feed say so and, where there is another feed, above or below its close."""

    def signals(self, lines: Lines) -> Signals:
        long, left, short, back = (lines[f"s{i}"] > 0 for i in range(4))
        if "other" in lines.names.feeds:
            long, back = long & (lines["close"] > lines["other.close"]), back & (lines.close < lines["other.close"])
        return Signals(long_entry=long, long_exit=left, short_entry=short, short_exit=back)


class SampledByHand(Strategy):
    """The same written out bar by bar: what `signals` means."""

    def __init__(self) -> None:
        self.seen = 0

    def next(self) -> None:
        data = self.data
        if len(data) == self.seen or data.datetime[0] != self.datetime[0]:
            return
        self.seen = len(data)
        long, left, short, back = (getattr(data, f"s{i}")[0] > 0 for i in range(4))
        if len(self.datas) > 1:
            other = self.datas[1].close[0]
            long, back = long and data.close[0] > other, back and data.close[0] < other
        held = self.position.size
        if held > 0 and left:
            self.exit(reason="long.exit")
        elif held < 0 and back:
            self.exit(reason="short.exit")
        elif held:
            self.timed_out()
        elif long != short:
            (self.enter_long if long else self.enter_short)()


class Leaning(Strategy):
    """Brings indicators of its own, one over another's line, and protects its positions by default."""

    params = dict(stop_loss="2%", time_stop=9)
    uses = dict(mean=Use("talib.SMA", {"timeperiod": 4}), slope=Use("Rolling", {"of": "mean", "window": 3}))

    def signals(self, lines: Lines) -> Signals:
        up = lines["mean"] > lines["slope"]
        return Signals(long_entry=up & (lines["s0"] > 0), long_exit=self.turned(lines), short_entry=lines["s2"] > 0)

    def turned(self, lines: Lines) -> Any:
        return lines["close"] < lines.slope


def random_case(rng: np.random.Generator, n: int, kind: str, *, several: bool) -> tuple[RunConfig, dict[str, Source]]:
    config, sources = random_run(rng, n)
    raw = config.resolved()
    feeds = random_feeds(rng, sources["main"].bars) if several else {}
    raw["data"] |= {name: {"feed": "SyntheticTape"} for name in feeds}
    if several and rng.random() < 0.6:
        period = int(rng.integers(2, 8))
        raw["indicators"]["theirs"] = {"kind": "talib.SMA", "timeperiod": period, "data": rng.choice([*feeds])}
    if kind != "Rules":
        protection = {k: raw["strategy"]["params"].get(k) for k in ("stop_loss", "trailing_stop", "time_stop")}
        raw["strategy"] = {"kind": kind, "params": protection if rng.random() < 0.7 else {}}
    elif several and (long := raw["strategy"]["params"]["long"]):
        long["enter"] += (
            " and close[1] < other.close[1]" if rng.random() < 0.5 else " and third.close > 0" * ("third" in feeds)
        )
        long["enter"] += " and theirs > other.open" * ("theirs" in raw["indicators"])
    return RunConfig.model_validate(raw), sources | {name: Source(None, bars) for name, bars in feeds.items()}


def outcome_or_error(run: Any, *args: Any) -> Any:
    """What a run gives, or the words with which it refuses."""
    try:
        return run(*args)
    except DataError as err:
        return str(err)


def assert_case(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(KINDS))
    config, sources = random_case(rng, n, kind, several=bool(rng.random() < 0.7))
    ours, stock = outcome_or_error(run_compiled, config, sources), outcome_or_error(plain, config, sources)
    if isinstance(stock, str):
        assert ours == stock
        return
    assert difference(ours, stock) == ""
    genuine = simulate(config.model_copy(update={"engine": "backtrader"}), sources)
    assert genuine.engine == "backtrader"
    assert difference(genuine, stock) == ""


@QUICK
@given(seed=SEEDS)
def test_random_signals_on_any_feeds_equal_plain_backtrader_in_both_engines(seed: int) -> None:
    assert_case(seed, 60)


@pytest.mark.slow
@LONG
@given(seed=SEEDS)
def test_many_random_signals_on_any_feeds_equal_plain_backtrader_in_both_engines(seed: int) -> None:
    assert_case(seed, 100)


@pytest.mark.parametrize("several", [False, True])
def test_signals_mean_what_the_same_strategy_written_bar_by_bar_does(several: bool) -> None:
    orders = 0
    for seed in range(8):
        config, sources = random_case(np.random.default_rng(seed), 120, "Sampled", several=several)
        by_hand = config.strategy.model_copy(update={"kind": "SampledByHand"})
        ours = run_compiled(config, sources)
        assert difference(ours, plain(config.model_copy(update={"strategy": by_hand}), sources)) == ""
        orders += len(ours.record.orders)
    assert orders > 100


@pytest.mark.parametrize("risk", [{"stop_loss": "1%"}, {"trailing_stop": "1%"}])
def test_signals_are_sized_by_the_stop_of_every_position_in_each_engine(risk: dict[str, Any]) -> None:
    config, sources = random_case(np.random.default_rng(3), 120, "Sampled", several=False)
    raw = config.resolved() | {"strategy": {"kind": "Sampled"}, "sizer": {"risk": "1%"}, "risk": risk}
    asked = RunConfig.model_validate(raw)
    ours = run_compiled(asked, sources)
    assert len(ours.record.fills) > 5
    for engine in ("stock", "backtrader"):
        assert difference(ours, simulate(asked.model_copy(update={"engine": engine}), sources)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
def test_a_shipped_config_gives_in_the_engine_taken_for_it_what_plain_backtrader_gives(name: str) -> None:
    config = load_config(find_config(name), ("verify=true",))
    sources = {own: source for block in config.data for own, source in read(config, block, lambda text: None).items()}
    outcome = simulate(config, sources)
    assert outcome.engine == ("backtrader" if unsupported_reason(config, sources) else "compiled")
    assert outcome.verified["fills"] > 10


def test_the_random_feeds_share_times_and_reach_beyond_both_ends() -> None:
    seen = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        main = random_bars(rng, 60)
        for bars in random_feeds(rng, main).values():
            own, theirs = main["close_time"], bars["close_time"]
            seen |= {"equal"} if np.isin(theirs, own).any() else set()
            seen |= {"before"} if theirs[0] < own[0] else set()
            seen |= {"after"} if theirs[-1] > own[-1] else set()
            seen |= {"between"} if np.isin(theirs, own, invert=True).any() else set()
            seen |= {"shorter"} if len(bars) < len(main) else {"longer"}
    assert seen == {"equal", "before", "after", "between", "shorter", "longer"}


class TestLines:
    """What `signals` reads."""

    def test_a_bar_of_another_feed_is_there_from_the_bar_on_whose_close_it_closed(self) -> None:
        stamps = {"": np.array([1.0, 2.0, 3.0, 4.0, 5.0]), "slow": np.array([2.0, 4.5])}
        values = {("slow", "close"): np.array([10.0, 20.0])}
        names = Names(("close",), {}, {"slow": ("close",)})
        made = Lines(names, lambda ref: values[ref], stamps)["slow.close"]
        np.testing.assert_array_equal(made, [np.nan, 10.0, 10.0, 10.0, 20.0])

    def test_they_cannot_be_written_to(self) -> None:
        lines = Lines.of(close=[1.0, 2.0])
        with pytest.raises(ValueError, match="read-only"):
            lines["close"][0] = 3.0

    def test_an_unknown_name_is_told_with_the_nearest(self) -> None:
        lines = Lines.of(**{"close": [1.0], "vwap.upper1": [1.0]})
        with pytest.raises(InputError, match="unknown line 'clsoe', did you mean 'close'"):
            lines["clsoe"]
        with pytest.raises(InputError, match=r"unknown line of vwap 'uper1', did you mean 'upper1'"):
            lines["vwap.uper1"]


class TestRefusals:
    """What is not exact in compiled code is refused there, and run by backtrader where the choice is free."""

    def test_signals_that_look_into_backtrader_are_left_to_it(self) -> None:
        config, sources = case_of("Reaching")
        assert unsupported_reason(config, sources) == ""
        with pytest.raises(
            NotCompiledError, match=r"Reaching reads self.data in signals\(\), which only backtrader has"
        ):
            run_compiled(config, sources)
        made = simulate(config, sources)
        assert made.engine == "backtrader"
        assert "not compiled: strategy Reaching reads self.data" in made.engine_reason

    def test_a_strategy_with_a_hook_of_its_own_is_refused_by_its_name(self) -> None:
        assert unsupported_reason(*case_of("Hearing")) == "strategy Hearing has its own notify_trade"

    def test_a_strategy_without_anything_is_refused(self) -> None:
        assert unsupported_reason(*case_of("Idle")) == "strategy Idle has no signals()"

    def test_signals_of_the_wrong_kind_are_told_by_name_in_every_engine(self) -> None:
        config, sources = case_of("Wrong")
        for engine in ("compiled", "backtrader", "stock"):
            with pytest.raises(DataError, match=r"long_entry holds float64; signals are bool arrays of shape \(60,\)"):
                simulate(config.model_copy(update={"engine": engine}), sources)


def case_of(kind: str) -> tuple[RunConfig, dict[str, Source]]:
    STRATEGIES.add({"Reaching": Reaching, "Hearing": Hearing, "Idle": Idle, "Wrong": Wrong}[kind])
    return random_case(np.random.default_rng(5), 60, kind, several=False)


class Reaching(Strategy):
    """Reads the feed past its lines."""

    def signals(self, lines: Lines) -> Signals:
        return Signals(long_entry=np.array(self.data.close.array) > 0)


class Hearing(Sampled):
    """Wants to hear of trades."""

    def notify_trade(self, trade: Any) -> None:
        pass


class Idle(Strategy):
    """Does nothing."""


class Wrong(Strategy):
    """Gives numbers where truths belong."""

    def signals(self, lines: Lines) -> Signals:
        return Signals(long_entry=lines["s0"])

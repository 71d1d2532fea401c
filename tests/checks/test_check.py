"""`tapeflow check`: every planted leak is found and named, and nothing that is innocent raises an alarm."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tapeflow.backtest.engines.backtrader import genuine
from tapeflow.backtest.inputs.read import Source, read
from tapeflow.backtest.runner import simulate
from tapeflow.checks.findings import Findings
from tapeflow.checks.instants import choose
from tapeflow.checks.lookahead import attack, mislabelled
from tapeflow.checks.perturbations import ATTACKS, known, replaced
from tapeflow.checks.run_trace import Trace
from tapeflow.checks.start_dependence import later_starts
from tapeflow.cli import main
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.shipped import find_config, shipped
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError
from tapeflow.core.plugins.registry import INDICATORS, REGISTRIES
from tapeflow.core.samples import sample_bars

LEAKS = Path(__file__).parent / "leaks"
SHORT = ("data.synth.days=0.3",)
RULES = {"kind": "Rules", "params": {"long": {"enter": "close > open", "exit": "close < open"}}}
BOTH = {"fast": "1m", "slow": "5m"}
INDICATOR_LEAKS = {
    "labelled_at_start": ("LabelledAtStart", "slow"),
    "forward_filled": ("ForwardFilled", "top"),
    "whole_sample_zscore": ("WholeSampleZScore", "z"),
    "session_poc": ("SessionPOC", "poc"),
    "final_value_area": ("FinalValueArea", "vah"),
    "centred_window": ("CentredWindow", "mean"),
}
STRATEGY_LEAKS = {
    "one_bar_ahead": ("OneBarAhead", r"order \d+"),
    "beyond_the_end": ("BeyondTheEnd", "the strategy"),
    "nested": ("Nested", r"line Ahead\.ahead"),
    "whole_sample_signal": ("WholeSampleSignal", r"line signals\.long_entry"),
}


@pytest.fixture(autouse=True)
def _planted() -> Iterator[None]:
    """Leaves no planted leak behind for other tests."""
    yield
    planted = [n for n, m in sys.modules.items() if str(getattr(m, "__file__", "")).startswith(str(LEAKS))]
    for registry in REGISTRIES.values():
        for name in [k for k, cls in registry._classes.items() if cls.__module__ in planted]:
            del registry._classes[name]
    for name in planted:
        del sys.modules[name]


def tapeflow(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def config_of(leak: str = "", *, days: float = 0.25, feed: str = "SyntheticTape", bars: Any = "1m", **more: Any) -> Any:
    """A run over a short made-up tape, with a planted leak loaded."""
    data = {"feed": feed, "bars": bars, "row_size": 5, "tick": 0.1, "days": days}
    plugins = [str(LEAKS / f"{leak}.py")] if leak else []
    return from_mapping({"name": "attacked", "data": {"synth": data}, "plugins": plugins, "strategy": RULES, **more})


def attacked(config: Any, instants: int = 2) -> Findings:
    return attack(config, read(config, "synth", lambda text: None), instants=instants, seed=1)


def hold(name: str, instants: int) -> None:
    """A shipped config bears every attack."""
    config = load_config(find_config(name), SHORT if "synth:" in find_config(name).read_text() else ())
    sources = {k: s for block in config.data for k, s in read(config, block, lambda text: None).items()}
    found = attack(config, sources, instants=instants)
    early = ["feed perp"] if name == "spot_perpetual_basis" else []  # as its first lines say
    assert [leak.found.what for leak in found.leaks] == early
    assert found.skipped == 0
    assert min(found.attacks.values()) >= (instants + 1) // 2
    assert found.attacks["shuffled"] == found.attacks["replaced"] == len(found.instants)
    assert found.lines > 0 or not config.indicators


class TestLeaks:
    """What is planted is found, and the first guilty thing is named."""

    @pytest.mark.parametrize("leak", INDICATOR_LEAKS)
    def test_in_an_indicator_is_found_at_a_bar_of_its_line(self, leak: str) -> None:
        kind, line = INDICATOR_LEAKS[leak]
        rules = {"kind": "Rules", "params": {"long": {"enter": "close > open"}}}
        found = attacked(
            config_of(leak, indicators={"own": {"kind": kind}, "delta": {"kind": "VolumeDelta"}}, strategy=rules)
        )
        first = found.leaks[0]
        assert first.found.what == f"line own.{line}"
        assert first.found.bar >= 0
        assert first.found.time <= first.instant
        assert not [leak for leak in found.leaks if "delta" in leak.found.what]

    @pytest.mark.parametrize("leak", STRATEGY_LEAKS)
    def test_in_a_strategy_is_found_by_order_or_nested_line(self, leak: str) -> None:
        kind, what = STRATEGY_LEAKS[leak]
        found = attacked(config_of(leak, strategy={"kind": kind}))
        assert re.fullmatch(what, found.leaks[0].found.what)

    def test_the_error_beyond_the_last_bar_is_placed_in_the_authors_file(self) -> None:
        found = attacked(config_of("beyond_the_end", strategy={"kind": "BeyondTheEnd"}))
        source = (LEAKS / "beyond_the_end.py").read_text().splitlines()
        line = next(i for i, text in enumerate(source, 1) if "close[1]" in text)
        assert str(found.leaks[0]).endswith(f"beyond_the_end.py:{line}")

    def test_in_the_stamps_of_a_slow_feed_is_found_without_an_attack(self) -> None:
        config = config_of("stamped_early", feed="StampedEarly", bars=BOTH, strategy={"kind": "FollowsSlow"})
        first = attacked(config, instants=1).leaks[0]
        assert first.found.what == "feed slow"
        assert "stamped 5m early" in str(first)

    def test_an_order_dated_before_its_signal_is_found(self) -> None:
        slow_first = {"slow": "15m", "fast": "1m"}
        config = config_of("backdated_order", bars=slow_first, days=0.5, strategy={"kind": "BackdatedOrder"})
        found = attacked(config, instants=4)
        assert {leak.found.what.partition(" ")[0] for leak in found.leaks} == {"order"}
        assert "no order" in str(found.leaks[0])

    def test_every_file_of_the_corpus_is_tried(self) -> None:
        tried = {*INDICATOR_LEAKS, *STRATEGY_LEAKS, "stamped_early", "backdated_order"}
        assert {path.stem for path in LEAKS.glob("*.py")} == tried


class TestInnocents:
    """What does not look ahead raises no alarm."""

    @pytest.mark.parametrize("name", shipped())
    def test_a_shipped_config_raises_no_alarm(self, name: str) -> None:
        hold(name, instants=1)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", shipped())
    def test_nor_at_many_instants(self, name: str) -> None:
        hold(name, instants=8)

    def test_no_indicator_of_ours_raises_one(self) -> None:
        own = [k for k in INDICATORS if INDICATORS.origin(k).startswith("tapeflow.indicators")]
        made = {k.lower(): {"kind": k} for k in own if INDICATORS[k].warmup(**INDICATORS[k].defaults()) < 400}
        found = attacked(config_of(days=0.3, indicators=made), instants=2)
        assert [str(leak) for leak in found.leaks] == []
        assert found.lines >= len(made) >= 5

    def test_a_run_on_two_intervals_with_moving_stops_raises_none(self) -> None:
        blocks = {"slow_vwap": {"kind": "VWAP", "data": "slow"}, "rsi": {"kind": "talib.RSI"}}
        side = {"enter": "close > slow_vwap", "exit": "rsi > 60"}
        rules = {"kind": "Rules", "params": {"long": side, "trailing_stop": "0.3%", "take_profit": "0.5%"}}
        found = attacked(config_of(bars=BOTH, indicators=blocks, strategy=rules))
        assert [str(leak) for leak in found.leaks] == []
        assert found.skipped == 0
        assert {row[2] for row in found.base.orders} >= {"market", "stop_trail", "limit"}


class TestVerdict:
    """It takes an attack of each kind."""

    def test_an_attack_that_changes_nothing_is_none_and_without_one_of_each_kind_there_is_no_verdict(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ATTACKS, "shuffled", lambda bars, instant, seed: bars)
        found = attacked(config_of(), instants=3)
        assert found.attacks == {"cut off": 3, "shuffled": 0, "replaced": 3}
        assert (found.runs, found.skipped, found.missing, found.verdict) == (7, 3, ("shuffled",), "unknown")
        done = tapeflow("check", "demo", "--set", SHORT[0], "--instants", 2)
        assert done.exit_code == 2
        assert done.stdout.startswith("demo: no verdict. ")
        assert "kept every bit in 6 attacks" in done.stdout
        assert "2 attacks could not be run; the first: the data after " in done.stdout
        assert done.stderr.endswith("tapeflow: demo: no verdict, the future was never shuffled; take more data\n")
        told = json.loads(tapeflow("check", "demo", "--set", SHORT[0], "--instants", 2, "--json").stdout)
        assert (told["verdict"], told["looks_ahead"]) == ("unknown", None)

    def test_an_attack_whose_run_fails_is_not_counted_as_borne(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(bars: Bars, instant: int, seed: int) -> Bars:
            raise DataError("no bars left")

        monkeypatch.setitem(ATTACKS, "replaced", broken)
        found = attacked(config_of(), instants=2)
        assert (found.attacks["replaced"], found.unmade) == (0, ("no bars left", "no bars left"))
        assert (found.verdict, len(found.instants)) == ("unknown", 2)

    def test_what_was_never_attacked_kept_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for kind in ATTACKS:
            monkeypatch.setitem(ATTACKS, kind, lambda bars, instant, seed: bars)
        found = attacked(config_of(), instants=2)
        assert (found.runs, found.instants, found.verdict) == (1, (), "unknown")
        done = tapeflow("check", "demo", "--set", SHORT[0], "--instants", 1)
        assert done.stdout.startswith("demo: no verdict. Not one attack could be run.\n3 attacks could not be run; ")


class TestAttacks:
    """What becomes of the future, and what does not become of the past."""

    @pytest.mark.parametrize("name", ATTACKS)
    def test_leave_the_past_alone_and_the_future_not(self, name: str) -> None:
        bars = sample_bars(60, seed=3)
        instant = int(bars["close_time"][39])
        other = ATTACKS[name](bars, instant, 5)
        for column, values in bars.columns.items():
            np.testing.assert_array_equal(other[column][:40], values[:40], err_msg=column)
        assert np.array_equal(other.levels[slice(0, 40)].buy_volume, bars.levels[slice(0, 40)].buy_volume)
        assert known(other, instant) == 40
        assert not np.array_equal(other["close"], bars["close"])
        assert np.all(np.diff(other["close_time"]) > 0)

    def test_a_replaced_future_is_a_market_upside_down(self) -> None:
        bars = sample_bars(60, seed=3)
        other = replaced(bars, int(bars["close_time"][39]), 5)
        last = bars["close"][39]
        assert (other["close"][40:] - last).tolist() == (last - bars["close"][40:]).tolist()
        assert np.all(other["low"] <= np.minimum(other["open"], other["close"]))
        assert np.all(other["high"] >= np.maximum(other["open"], other["close"]))
        np.testing.assert_allclose(other["taker_buy_volume"][40:], 7.0 * bars["taker_sell_volume"][40:], rtol=1e-15)
        vwap = other["quote_volume"] / other["volume"]
        assert np.all((vwap >= other["low"] - 1e-6) & (vwap <= other["high"] + 1e-6))
        rows = other.levels
        for i in range(40, 60):
            ticks = rows.price_tick[rows.offsets[i] : rows.offsets[i + 1]]
            assert np.all(np.diff(ticks) > 0)
            assert np.all(ticks % rows.row_ticks == 0)
        assert rows.buy_volume.sum() + rows.sell_volume.sum() == pytest.approx(other["volume"].sum(), rel=1e-12)

    def test_a_future_without_prices_or_below_zero_is_replaced_all_the_same(self) -> None:
        bars = sample_bars(30, seed=3)
        soaring = bars.assign(high=np.where(np.arange(30) > 20, 1e6, bars["high"]))
        other = replaced(soaring, int(bars["close_time"][14]), 5)
        assert np.all(other["low"][15:] > 0)
        assert not np.array_equal(other["volume"][15:], bars["volume"][15:])

    def test_come_at_instants_of_orders_and_anywhere_after_the_warm_up(self) -> None:
        config = config_of(indicators={"tox": {"kind": "FlowToxicity", "window": 60}})
        base = Trace.of(simulate(genuine(config), read(config, "synth", lambda text: None)))
        chosen = choose(base, 8, 0)
        sent = {row[-1] for row in base.orders}
        assert len(chosen) in (7, 8)
        assert len(sent & set(chosen.tolist())) >= 4
        assert chosen.min() >= base.closes["synth"][59]
        assert chosen.max() < base.closes["synth"][-1]
        assert np.array_equal(choose(base, 8, 0), chosen)
        assert not np.array_equal(choose(base, 8, 1), chosen)

    def test_need_a_bar_after_the_warm_up(self) -> None:
        config = config_of(indicators={"tox": {"kind": "FlowToxicity", "window": 60}})
        read_ = read(config, "synth", lambda text: None)
        cut = {"synth": Source(read_["synth"].feed, read_["synth"].bars.slice(0, 60))}
        with pytest.raises(DataError, match=r"nothing to attack: .* warm-up of 60 bars"):
            attack(config, cut)

    def test_feeds_stamped_at_their_close_are_not_called_mislabelled(self) -> None:
        config = config_of(bars=BOTH)
        assert list(mislabelled(read(config, "synth", lambda text: None))) == []


class TestLaterStarts:
    """How far a run depends on where its data begins; for information."""

    def test_a_window_forgets_after_its_length_and_an_expanding_mean_never(self) -> None:
        blocks = {
            "tox": {"kind": "FlowToxicity", "window": 30},
            "all": {"kind": "FlowToxicity", "mode": "expanding"},
            "delta": {"kind": "VolumeDelta"},
        }
        config = config_of(indicators=blocks)
        sources = read(config, "synth", lambda text: None)
        starts = later_starts(config, sources, Trace.of(simulate(genuine(config), sources)))
        felt = {d.line: d.bars for d in starts.lines}
        assert (felt["delta.delta"], felt["tox.toxicity"], felt["all.toxicity"]) == (0, 29, None)
        assert starts.starts == 3
        # The rule reads one bar, but the first order after a start may be an entry instead of an exit.
        assert 0.9 < starts.same_orders <= 1.0


class TestCommand:
    """What it prints, and its exit codes."""

    def test_says_of_a_sound_config_what_kept_its_bits(self) -> None:
        done = tapeflow("check", "demo", "--set", SHORT[0], "--instants", 2)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("demo: no look-ahead found. 19 lines, ")
        assert "kept every bit in 8 attacks" in done.stdout
        assert "Fed bar by bar, with none to come, it does the same on 432 bars." in done.stdout
        assert "vp.poc" in done.stdout

    @pytest.fixture
    def leaking(self, tmp_path: Path) -> Path:
        path = tmp_path / "leaking.yaml"
        path.write_text(
            f"data: {{synth: {{feed: SyntheticTape, days: 0.1}}}}\nplugins: [{LEAKS / 'centred_window.py'}]\n"
            "indicators: {m: {kind: CentredWindow}}\n"
            "strategy: {kind: Rules, params: {long: {enter: close > m, exit: close < m}}}\n"
        )
        return path

    def test_names_the_first_guilty_line_and_bar_and_ends_with_2(self, leaking: Path) -> None:
        done = tapeflow("check", leaking, "--instants", 2)
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert re.fullmatch(
            r"tapeflow: leaking looks ahead: line m\.mean at bar \d+, 2024-01-01T\d\d:\d\d:00Z: [\d.]+ becomes [\d.]+ "
            r"when what follows 2024-01-01T\d\d:\d\d:00Z is (cut off|shuffled|replaced) "
            r"\(.*centred_window\.py:\d+: .*\)",
            line,
        )
        assert "line m.mean" in done.stdout

    def test_tells_programs_the_same_in_json(self, leaking: Path) -> None:
        done = tapeflow("check", leaking, "--instants", 2, "--json")
        told = json.loads(done.stdout)
        assert (done.exit_code, told["looks_ahead"], told["leaks"][0]["what"]) == (2, True, "line m.mean")
        assert (told["verdict"], told["bar_by_bar"]["bars"]) == ("leak", 144)
        assert told["later_starts"]["starts"] == 3

    def test_same_seed_same_output(self, leaking: Path) -> None:
        first, again, other = (
            tapeflow("check", leaking, "--instants", 1, "--seed", seed, "--json").stdout for seed in (3, 3, 4)
        )
        assert first == again != other

    def test_holds_an_indicator_to_the_laws(self) -> None:
        done = tapeflow("check", "VolumeDelta(unit=quote)", "--json")
        told = json.loads(done.stdout)
        assert (done.exit_code, told["tried"], told["violations"]) == (0, [{"unit": "quote"}], [])
        assert list(told["laws"].values()) == [True] * 8

    def test_names_law_line_and_bar_of_a_broken_one(self) -> None:
        done = tapeflow("check", "CentredWindow", "--plugins", LEAKS / "centred_window.py")
        assert done.exit_code == 2
        assert re.search(
            r"sees_no_future: live, over\(\): line mean, bar \d+: .* when what follows bar \d+ is", done.stdout
        )
        assert re.search(r"sees no future +broken", done.stdout)
        assert re.search(r"refuses +holds", done.stdout)
        (line,) = done.stderr.splitlines()
        assert line.startswith("tapeflow: CentredWindow breaks ")

    def test_finds_an_indicator_in_a_module(self, monkeypatch) -> None:
        monkeypatch.syspath_prepend(str(LEAKS))
        done = tapeflow("check", "centred_window:CentredWindow", "--json")
        assert (done.exit_code, json.loads(done.stdout)["laws"]["sees_no_future"]) == (2, False)

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (["VWPA"], "tapeflow: unknown indicator 'VWPA', did you mean 'VWAP'?"),
            (["VWAP(anchr=1d)"], "tapeflow: VWAP(anchr=1d): VWAP: unknown parameter 'anchr', did you mean 'anchor'?"),
            (["VWAP(1d)"], "tapeflow: check VWAP(1d): '1d' is no param=value"),
            (["Rules"], "tapeflow: Rules is a strategy; check a config that runs it"),
            (["SyntheticTape"], "tapeflow: SyntheticTape is a feed; `tapeflow audit`"),
            (["none.yaml"], "tapeflow: none.yaml: no such file"),
            (["VWAP", "--set", "a=1"], "tapeflow: --set: VWAP is no config"),
            (["demo", "--instants", "0"], "tapeflow check: invalid value for '--instants'"),
        ],
    )
    def test_tells_mistakes_in_one_line(self, args: list[str], says: str) -> None:
        done = tapeflow("check", *args)
        (line,) = done.stderr.splitlines()
        assert (done.exit_code, done.stdout) == (2, "")
        assert line.startswith(says)

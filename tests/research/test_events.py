"""Event studies: moves as they are defined, tests that hold their size, planted effects that are recovered."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import DAY
from tapeflow.research.events import study
from tapeflow.research.events.moves import moves_after, sessions_of, volatility
from tapeflow.research.events.permuted import Sessions
from tapeflow.research.events.run import study_config
from tapeflow.research.events.session_test import q_values, session_mean, signs
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.event_markets import KINDS, bursts, market, returns

DAYS, PER_DAY = 20, 120
YAML = """
name: studied
data:
  tape: {feed: SyntheticTape, days: 13, bars: 15m, tick: 0.1}
indicators:
  delta: {kind: VolumeDelta}
events:
  sold: "delta < 0 and close < open"
  never: "delta > 1e12"
"""


def null(kind: str, seed: int, events: int = 3) -> bool:
    """Whether anything stands out in a market without an edge."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    bars = market(returns(kind, DAYS * PER_DAY, rng), PER_DAY)
    masks = {f"e{k}": bursts(len(bars), rng, rate=0.04) for k in range(events)}
    made = study(bars, masks, seed=seed)
    assert all(math.isfinite(test.q) for test in made.tests)
    return bool(made.found)


class TestMoves:
    """What a move is, bar by bar in plain Python."""

    def test_begin_at_the_next_open_and_end_inside_the_session(self) -> None:
        bars = market(returns("iid", 50, np.random.default_rng(1)), per_day=20)
        spread = volatility(bars)
        for horizon in (1, 3, 19, 20, 80):
            made = moves_after(bars, sessions_of(bars), horizon, 0.5, spread)
            for i in range(50):
                if i + horizon >= 50 or i // 20 != (i + horizon) // 20:
                    assert math.isnan(made.bp[i])
                    continue
                first, last = bars["open"][i + 1], bars["close"][i + horizon]
                assert made.bp[i] == pytest.approx(1e4 * (last / first - 1))
                assert made.ticks[i] == pytest.approx((last - first) / 0.5)
                logs = np.diff(np.log(bars["close"][max(0, i - 60) : i + 1]))[-60:]
                wanted = made.bp[i] / (1e4 * logs.std() * math.sqrt(horizon)) if len(logs) >= 20 else math.nan
                assert made.vol[i] == pytest.approx(wanted, nan_ok=True)

    def test_volatility_knows_no_later_bar(self) -> None:
        bars = market(returns("iid", 200, np.random.default_rng(1)))
        np.testing.assert_array_equal(volatility(bars)[:90], volatility(bars.slice(0, 90)))


class TestMethodC:
    """The session sign-flip test, against its definition over every sign."""

    def test_p_is_the_share_of_signs_with_as_large_a_t(self) -> None:
        rng = np.random.default_rng(3)
        sums, counts = rng.normal(1.0, 2.0, 9), rng.integers(1, 6, 9).astype(float)
        every = np.array([*product((-1.0, 1.0), repeat=9)])

        def t(a: np.ndarray) -> float:
            n, mean = counts.sum(), a.sum() / counts.sum()
            return abs(mean) / math.sqrt(9 / 8 * sum((a - counts * mean) ** 2) / n**2)

        shares = sum(t(s * sums) >= t(sums) - 1e-12 for s in every)
        assert session_mean(sums, counts, every).p == (1 + shares) / (1 + 512)

    def test_the_interval_holds_what_is_not_rejected(self) -> None:
        rng = np.random.default_rng(4)
        sums, counts, flips = rng.normal(3.0, 5.0, 30), rng.integers(1, 9, 30).astype(float), signs(30, 1)
        made = session_mean(sums, counts, flips)
        for value in (made.low, made.high):
            inside, outside = (
                session_mean(sums - counts * (value + step * (made.mean - value)), counts, flips).p
                for step in (1e-3, -1e-3)
            )
            assert inside > 0.05 >= outside

    def test_q_is_that_of_benjamini_and_hochberg(self) -> None:
        p = np.random.default_rng(5).random(12) ** 2
        wanted = [min(min(1.0, q * 12 / (np.sum(p <= q))) for q in p if q >= one) for one in p]
        np.testing.assert_allclose(q_values(p), wanted, rtol=1e-12)


class TestPermuted:
    """Sessions against each other."""

    def test_the_excess_is_over_the_same_bars_of_all_sessions(self) -> None:
        rng = np.random.default_rng(6)
        sessions = np.repeat(np.arange(14), 10)
        moves, mask = rng.normal(size=140), rng.random(140) < 0.2
        made = Sessions(sessions, seed=0).excess(np.flatnonzero(mask), moves)
        table, happened = moves.reshape(14, 10), mask.reshape(14, 10)
        usual = sum(table[:, k].mean() * happened[:, k].sum() for k in range(10)) / happened.sum()
        assert made.bp == pytest.approx(moves[mask].mean() - usual)
        assert 0.05 < made.p <= 1.0

    def test_a_drift_of_all_sessions_is_no_find(self) -> None:
        rng = np.random.default_rng(7)
        bars = market(returns("iid", DAYS * PER_DAY, rng) + 0.5, PER_DAY)
        made = study(bars, {"chance": bursts(len(bars), rng, rate=0.02)})
        assert {test.verdict for test in made.tests if test.horizon >= 5} == {"as other sessions"}


class TestStudies:
    """Whole studies, of what is planted and of nothing."""

    def test_planted_effects_are_found_with_their_sign_and_size(self) -> None:
        rng = np.random.default_rng(8)
        made = returns("t3", DAYS * PER_DAY, rng)
        ups, downs = bursts(len(made), rng, 0.02), bursts(len(made), rng, 0.02)
        for mask, size in ((ups, 1.5), (downs, -1.5)):
            made[1:] += size * mask[:-1]
        tests = {(t.event, t.horizon): t for t in study(market(made, PER_DAY), {"up": ups, "down": downs}).tests}
        for name, mask, size in (("up", ups, 1.5), ("down", downs, -1.5)):
            test = tests[name, 1]
            assert test.verdict == "stands out"
            other = downs if name == "up" else ups
            inside = mask & (np.arange(len(mask)) % PER_DAY < PER_DAY - 1)
            assert test.low_bp < size - size * other[inside].mean() < test.high_bp

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_a_market_without_an_edge_few_find_one(self, kind: str) -> None:
        assert sum(null(kind, seed) for seed in range(4)) <= 1

    @pytest.mark.slow
    def test_any_find_in_a_thousand_of_them_is_one_in_twenty_at_most(self) -> None:
        found = {kind: [null(kind, 1_000 + seed, events=5) for seed in range(200)] for kind in KINDS}
        print({kind: np.mean(each) for kind, each in found.items()})
        every = np.concatenate([*found.values()])
        assert len(every) == 1_000
        assert every.mean() <= 0.05

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    def test_intervals_hold_the_truth(self, kind: str) -> None:
        held = []
        for seed in range(100):
            rng = np.random.default_rng([seed, 99])
            bars = market(returns(kind, DAYS * PER_DAY, rng), PER_DAY)
            tests = study(bars, {"e": bursts(len(bars), rng, 0.04)}, seed=seed).tests
            held += [t.low_bp <= (0.1 * t.horizon if kind == "drifting" else 0.0) <= t.high_bp for t in tests]
        print(kind, np.mean(held))
        assert 0.92 <= np.mean(held) <= 0.99

    def test_too_few_sessions_have_no_test(self) -> None:
        rng = np.random.default_rng(9)
        bars = market(returns("iid", 11 * PER_DAY, rng), PER_DAY)
        mask = np.arange(len(bars)) % 10 == 0
        many, alone = study(bars, {"e": mask}), study(bars, {"e": mask}, [5])
        assert {test.verdict for test in many.tests} == {"too few sessions"}
        assert all(math.isnan(test.p) and not math.isnan(test.mean_bp) for test in many.tests)
        assert math.isfinite(alone.tests[0].p)

    def test_every_test_is_told_once_and_the_parts_add_up(self) -> None:
        rng, told = np.random.default_rng(10), []
        bars = market(returns("iid", 13 * PER_DAY, rng), PER_DAY)
        masks = {name: bursts(len(bars), rng, 0.02) for name in "ab"}
        made = study(bars, masks, [1, 7], entered=lambda event, horizon: told.append((event, horizon)))
        assert told == [("a", 1), ("a", 7), ("b", 1), ("b", 7)]
        for test in made.tests:
            hours = [p for p in made.parts if (p.event, p.horizon, p.by) == (test.event, test.horizon, "hour")]
            assert sum(p.events for p in hours) == test.events
            assert sum(p.events * p.mean_bp for p in hours) / test.events == pytest.approx(test.mean_bp)
        entry = np.flatnonzero(masks["a"])
        entry = entry[entry + 1 < len(bars)]
        could = 0.05 * bars["close"][entry + 1]
        assert made.capacity[0].median == pytest.approx(np.median(could))
        days = len(np.unique(bars["open_time"][entry] // DAY))
        assert made.capacity[0].per_session == pytest.approx(could.sum() / days)


class TestCommand:
    """tapeflow events."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> Path:
        path = tmp_path / "studied.yaml"
        path.write_text(YAML)
        return path

    def test_writes_tables_that_agree_with_what_it_prints(self, config: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        done = tapeflow("events", config, "--horizons", "1,4", "--out", out, "--json")
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["never"], len(told["tests"]), told["data"]) == (["never"], 4, "tape")
        tests = pd.read_parquet(out / "tests.parquet")
        assert tests["mean_bp"].tolist()[:2] == [test["mean_bp"] for test in told["tests"]][:2]
        moves = pd.read_parquet(out / "moves.parquet")
        means = moves.groupby("horizon")["bp"].mean()
        assert means.tolist() == pytest.approx([test["mean_bp"] for test in told["tests"][:2]])
        page = (out / "events.html").read_text()
        assert "<script" not in page
        assert page.count("<figure>") >= 3
        lock = yaml.safe_load((out / "events.yaml").read_text())
        assert lock["study"] == {"horizons": [1, 4], "share": 0.05, "seed": 0}
        assert set(lock["outputs"]) == {p.name for p in out.iterdir()} - {"events.yaml"}
        again = tapeflow("events", config, "--horizons", "1,4", "--out", tmp_path / "again", "--json")
        assert again.exit_code == 0
        assert all((tmp_path / "again" / p.name).read_bytes() == p.read_bytes() for p in out.iterdir())

    def test_replaces_its_own_folder_and_no_other(self, config: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        for _ in range(2):
            assert tapeflow("events", config, "--horizons", "1", "--out", out).exit_code == 0
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "note.txt").write_text("x")
        refused = tapeflow("events", config, "--out", tmp_path / "mine")
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)

    def test_when_stands_in_place_of_the_events_of_the_file(self, config: Path) -> None:
        done = tapeflow("events", config, "--when", "close > open", "--horizons", "3", "--json")
        told = json.loads(done.stdout)
        assert told["events"] == {"event": "close > open"}
        assert [(t["event"], t["horizon"]) for t in told["tests"]] == [("event", 3)]

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            (["--when", "clsoe > open"], "--when \"clsoe > open\": column 1: unknown name 'clsoe', did you mean"),
            (["--when", "position > 0"], "--when \"position > 0\": column 1: 'position' is the state of a position"),
            (["--horizons", "1,x"], "'1,x' must be whole numbers of bars from 1 on, as in 1,5,15,60"),
            (["--horizons", "5,5"], "tapeflow: --horizons: a number of bars stands twice"),
            (["--set", "events.sold=close >"], "events.sold: column "),
        ],
    )
    def test_mistakes_are_told_in_one_line(self, config: Path, args: list[str], says: str) -> None:
        done = tapeflow("events", config, *args)
        assert (done.exit_code, done.stdout) == (2, "")
        assert says in done.stderr.splitlines()[0]

    def test_a_config_of_events_alone_is_no_run(self, config: Path, tmp_path: Path) -> None:
        done = tapeflow("run", config, "--out", tmp_path / "run")
        assert done.exit_code == 2
        assert "studied: nothing trades; give `strategy:`, or study its `events:`" in done.stderr
        none = tapeflow("events", "demo")
        assert (none.exit_code, none.stderr.count("\n")) == (2, 1)

    def test_indicators_that_backtrader_alone_computes_give_the_same_events(self) -> None:
        raw = yaml.safe_load(YAML) | {"events": {"up": "close > mean"}}
        arrays = study_config(from_mapping(raw | {"indicators": {"mean": {"kind": "talib.SMA", "timeperiod": 5}}}))
        raw["indicators"] = {"mean": {"kind": "tapeflow.tests.helpers.slow_mean:SlowMean"}}
        lines = study_config(from_mapping(raw))
        assert arrays.study.moves["time"].tolist() == lines.study.moves["time"].tolist()
        assert len(arrays.study.moves["time"]) > 100

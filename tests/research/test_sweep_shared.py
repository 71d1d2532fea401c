"""What the runs of a sweep share, and what they leave out, changes nothing in any row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tapeflow.backtest.engines.backtrader import through_backtrader
from tapeflow.backtest.engines.compiled.market import Market
from tapeflow.backtest.engines.compiled.tables import Tables
from tapeflow.backtest.inputs.line_cache import Computed, LineCache
from tapeflow.backtest.inputs.read import Source
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import sample_bars
from tapeflow.research.sweep import points_of, run_point, sweep
from tapeflow.research.sweep import run as sweep_run
from tapeflow.research.sweep.names import figures_of
from tapeflow.research.sweep.shared_data import Known
from tapeflow.strategies.framework.base import Use
from tapeflow.tests.backtest.broker.test_costs_funding import dump
from tapeflow.tests.helpers.sweeps import RULES, same, table, tapeflow, write

GENUINE = """
name: own
engine: backtrader
data:
  main: {feed: SyntheticTape, days: 1, tick: 0.1, lot: 0.001}
indicators:
  mean: {kind: talib.SMA, timeperiod: 20}
  flow: {kind: CVD}
  score: {kind: ZScore, of: flow, window: 30}
strategy:
  kind: Rules
  params: {long: {enter: "close > mean and score > 0", exit: "close < mean"}}
sweep:
  indicators.mean.timeperiod: [10, 20, 40]
"""
TAPE = """
name: tape
data:
  main: {feed: SyntheticTape, days: 1, to: 2024-01-01T04:00, tick: 0.1, lot: 0.001}
indicators:
  mean: {kind: talib.SMA, timeperiod: 20}
strategy:
  kind: Rules
  params: {long: {enter: "close > mean", exit: "close < mean"}}
fills: tape
sweep:
  indicators.mean.timeperiod: [10, 20]
"""


def loaded(tmp_path: Path, text: str, **more: str) -> tuple[list[Any], dict[str, Source]]:
    points = points_of(load_config(write(tmp_path, text), [f"{k}={v}" for k, v in more.items()]))
    return points, sweep_run._read(points, lambda text: None)[0].sources


class TestLines:
    """Indicators computed once for runs through backtrader itself."""

    def test_of_the_genuine_engine_are_shared_and_every_row_stays_what_it_was(self, tmp_path: Path) -> None:
        points, sources = loaded(tmp_path, GENUINE)
        known = Known(sources)
        shared = [run_point(point.config, sources, known) for point in points]
        assert [row["engine"] for row in shared] == ["backtrader"] * 3
        assert len(known._shelf._made) == 5, "three means, and the flow and its score once"
        assert json.dumps(shared) == json.dumps([run_point(point.config, sources) for point in points])
        stock = points[-1].config.model_copy(update={"engine": "stock"})
        expected = run_point(stock, sources)
        assert all(same(shared[-1][name], expected[name]) for name in expected if name != "engine")

    def test_are_computed_before_the_workers_begin_where_no_value_touches_them(self, tmp_path: Path) -> None:
        points, sources = loaded(tmp_path, GENUINE)
        given = Known(sources).untouched(point.config for point in points)
        assert sorted(one.names for one in given.values()) == [("cvd",), ("z",)]
        known = Known(sources, given)
        rows = [run_point(point.config, sources, known) for point in points]
        assert len(known._shelf._made) == 3
        assert json.dumps(rows) == json.dumps([run_point(point.config, sources) for point in points])

    def test_one_that_cannot_be_computed_is_an_error_of_its_runs_alone(self, tmp_path: Path) -> None:
        (tmp_path / "mine.py").write_text(
            "from tapeflow.indicators.framework.base import Indicator, Line\n\n"
            "class Broken(Indicator):\n"
            "    lines = ('broken',)\n    inputs = ('close',)\n    measures = {'broken': Line('nothing')}\n\n"
            "    def vec(self, close):\n        return close / [][0]\n"
        )
        text = GENUINE.replace("  flow:", "  bad: {kind: Broken}\n  flow:") + "plugins: [mine.py]\n"
        points, sources = loaded(tmp_path, text)
        assert len(Known(sources).untouched(point.config for point in points)) == 2

    def test_that_do_not_fit_are_computed_anew(self) -> None:
        raw = {"engine": "backtrader", "data": {"a": {"feed": "SyntheticTape"}},
               "indicators": {"mean": {"kind": "talib.SMA", "timeperiod": 5}},
               "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > mean"}}}}  # fmt: skip
        config, sources = from_mapping(raw), {"a": Source(None, sample_bars(60))}
        shelf = LineCache()
        plain = through_backtrader(config, sources, shelf=shelf)
        (key, right), *_ = shelf._made.items()
        wrong = LineCache({key: Computed(right.names, right.table[:, 1:], right.warmup)})
        again = through_backtrader(config, sources, shelf=wrong)
        assert np.array_equal(again.equity["value"], plain.equity["value"])

    @pytest.mark.parametrize("kind", [k for k in INDICATORS if "." not in k])
    def test_are_the_same_bits_in_backtrader_and_over_arrays(self, kind: str) -> None:
        if str(INDICATORS.find(kind).level()) not in ("step", "vec"):
            pytest.skip("backtrader computes it")
        self.hold(kind, sample_bars(1600, sequence=True))

    def test_over_a_line_that_never_has_a_value_are_the_same_too(self) -> None:
        made = self.hold("NakedPOC", sample_bars(100))
        assert np.isnan(made.indicators["mean"].table).all()

    def hold(self, kind: str, bars: Bars) -> Tables:
        uses = {"one": Use(kind), "mean": Use("talib.SMA", {"input": "one", "timeperiod": 3})}
        raw = {"engine": "backtrader", "data": {"a": {"feed": "SyntheticTape"}},
               "indicators": {n: {"kind": u.kind, **u.params} for n, u in uses.items()},
               "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > mean"}}}}  # fmt: skip
        shelf, arrays = LineCache(), Tables(Market({"a": bars}), uses)
        through_backtrader(from_mapping(raw), {"a": Source(None, bars)}, shelf=shelf)
        for made in arrays.indicators.values():
            known = shelf[made.asked.key]
            assert (known.names, known.warmup) == (made.names, made.warmup)
            assert np.array_equal(known.table, made.table, equal_nan=True)
        return arrays


class TestTape:
    """Sweeps whose orders the tape fills."""

    def test_read_it_once_and_leave_out_what_the_edge_survives(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        points, sources = loaded(tmp_path, TAPE)
        alone = [run_point(point.config, sources) for point in points]
        feed, read = type(sources["main"].feed), []
        own = feed._tapes_between
        monkeypatch.setattr(feed, "_tapes_between", lambda *args: read.append(1) or own(*args))
        known = Known(sources)
        rows = [run_point(point.config, sources, known) for point in points]
        assert len(read) == 1
        assert json.dumps(rows) == json.dumps(alone)
        assert all(np.isnan(row["survives_ms"]) for row in rows)
        whole = points[0].config.fills.model_copy(update={"survival": True})
        single = simulate(points[0].config.model_copy(update={"fills": whole}), sources)
        expected = {**single.figures(), **single.band.summary()}
        assert all(same(rows[0][name], expected[name]) for name in rows[0] if name in expected and "surv" not in name)

    def test_look_for_it_when_they_are_asked_to(self, tmp_path: Path) -> None:
        points = points_of(
            load_config(write(tmp_path, TAPE.replace("tape\nsweep", "{from: tape, survival: true}\nsweep")))
        )
        assert [point.config.fills.survival for point in points] == [True, True]
        points = points_of(load_config(write(tmp_path, TAPE)))
        assert [point.config.fills.survival for point in points] == [False, False]
        assert load_config(write(tmp_path, TAPE)).fills.survival, "a run alone looks for it"

    @pytest.mark.slow
    def test_are_the_same_for_any_number_of_processes(self, tmp_path: Path) -> None:
        config = load_config(write(tmp_path, TAPE))
        for jobs in (1, 2):
            sweep(config, tmp_path / f"out{jobs}", jobs=jobs)
        assert (tmp_path / "out1" / "points.parquet").read_bytes() == (
            tmp_path / "out2" / "points.parquet"
        ).read_bytes()


class TestFigures:
    """What runs can be compared by is known before the first."""

    @pytest.mark.parametrize(
        "text",
        [
            RULES,
            GENUINE,
            TAPE,
            TAPE.replace("fills: tape", "fills: {from: tape, survival: true}"),
            GENUINE.replace("tick: 0.1,", "tick: 0.1, instrument: {margin: linear, leverage: 5},")
            + "broker: {funding: 1bp}\n",
            GENUINE + "broker: {borrow: 5%}\n",
        ],
    )
    def test_are_those_that_the_rows_have(self, text: str, tmp_path: Path) -> None:
        points, sources = loaded(tmp_path, text)
        row = run_point(points[0].config, sources)
        numbers = {name for name, value in row.items() if isinstance(value, int | float)}
        left = {"survives_ticks", "survives_ms", "survives_bp"} if not points[0].config.fills.survival else set()
        assert set(figures_of(points[0].config)) == numbers - left

    def test_that_no_run_has_are_refused_before_any_runs(self, tmp_path: Path) -> None:
        done = tapeflow("sweep", write(tmp_path), "--out", tmp_path / "out", "--sort", "shapre")
        assert (done.exit_code, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith("tapeflow: --sort: unknown figure 'shapre', did you mean 'sharpe'? (allowed: bars, ")
        assert not (tmp_path / "out").exists()

    def test_that_a_sweep_leaves_out_say_how_to_have_them(self, tmp_path: Path) -> None:
        with pytest.raises(ParamError, match="survives_ms takes dozens of runs a point: ask for it with fills"):
            sweep(load_config(write(tmp_path, TAPE)), tmp_path / "out", figure="survives_ms")

    def test_that_only_some_runs_have_sort_those(self, tmp_path: Path) -> None:
        text = GENUINE.replace("  indicators.mean.timeperiod: [10, 20, 40]", "  broker.borrow: [0, 5%]")
        done = tapeflow("sweep", write(tmp_path, text), "--out", tmp_path / "out", "--sort", "borrow.net", "--jobs", 1)
        assert done.exit_code == 0, done.output
        assert done.stdout.splitlines()[0].strip() == "the best 1 of 2 points by borrow.net"
        assert [row["borrow.net"] is None for row in table(tmp_path / "out")] == [True, False]


def test_the_files_of_funding_are_among_what_the_table_depends_on(tmp_path: Path) -> None:
    for name, rate in (("a", 0.0001), ("b", 0.0002)):
        dump(tmp_path, [(1_704_067_200_000 - 8 * 3_600_000, rate)], f"{name}-fundingRate.csv")
    text = GENUINE.replace(
        "  indicators.mean.timeperiod: [10, 20, 40]", "  broker.funding.path: [a-fundingRate.csv, b-fundingRate.csv]"
    )
    path = write(tmp_path, text + "broker: {funding: {path: a-fundingRate.csv}}\n")
    made = sweep(load_config(path), tmp_path / "out", jobs=1)
    lock = yaml.safe_load((made.folder / "sweep.yaml").read_text())
    assert [Path(one["path"]).name for one in lock["inputs"]] == ["a-fundingRate.csv", "b-fundingRate.csv"]
    dump(tmp_path, [(1_704_067_200_000 - 8 * 3_600_000, 0.0003)], "b-fundingRate.csv")
    with pytest.raises(DataError, match=r"holds another sweep: inputs\.1\.sha256 was"):
        sweep(load_config(path), tmp_path / "out")

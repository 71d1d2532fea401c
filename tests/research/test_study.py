"""Studies: research/study, configs/research_block.py and `tapeflow research`."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import tapeflow as tf
from tapeflow.backtest.inputs.read import read_all
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.core.clock import DAY, iso
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.research.ledger import Ledger
from tapeflow.research.selection.daily import Daily
from tapeflow.research.study import Studied, study
from tapeflow.research.study.execution import on_window, sources_until
from tapeflow.research.study.formula import Choice, Formula
from tapeflow.research.study.marks import figures_of_days, series_of
from tapeflow.research.study.search import drawn
from tapeflow.research.study.summary import neighbours
from tapeflow.research.study.windows import Window, plan_of
from tapeflow.research.sweep import points_of
from tapeflow.research.sweep.points import Grid
from tapeflow.tests.helpers.sweeps import tapeflow

FIRST = 19_000
RUN: dict[str, Any] = {
    "name": "cross",
    "data": {"main": {"feed": "CsvBars", "path": "days.csv", "bars": "1d"}},
    "indicators": {"fast": {"kind": "talib.SMA", "timeperiod": 3}, "slow": {"kind": "talib.SMA", "timeperiod": 8}},
    "strategy": {
        "kind": "Rules",
        "params": {
            "long": {"enter": "fast > slow", "exit": "fast < slow"},
            "short": {"enter": "fast < slow", "exit": "fast > slow"},
        },
    },
    "broker": {"fees": {"taker": "5bp"}},
    "sizer": {"percent": 50},
    "sweep": {"indicators.fast.timeperiod": [2, 3, 4], "indicators.slow.timeperiod": [6, 9]},
}
WALK = {"walk_forward": {"train": "60d", "test": "30d"}}


def write_days(folder: Path, days: int = 300, seed: int = 4, other_after: int | None = None) -> None:
    rng = np.random.default_rng(seed)
    made = rng.normal(0, 0.02, days)
    if other_after is not None:
        made[other_after:] = np.random.default_rng(99).normal(0, 0.05, days - other_after)
    close = 100 * np.exp(np.cumsum(made))
    opened = np.concatenate([[100.0], close[:-1]])
    rows = [
        f"{DAY * (FIRST + i) // 1000},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},10,{DAY * (FIRST + 1 + i) // 1000}"
        for i, (o, c) in enumerate(zip(opened.tolist(), close.tolist(), strict=True))
    ]
    (folder / "days.csv").write_text("open_time,open,high,low,close,volume,close_time\n" + "\n".join(rows) + "\n")


def project(folder: Path, research: dict[str, Any] | None = None, **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "days.csv").exists():
        write_days(folder)
    path = folder / "cross.yaml"
    path.write_text(yaml.safe_dump({**RUN, "research": research or {"split": WALK}, **more}, sort_keys=False))
    return path


def ran(path: Path, out: str = "out", **more: Any) -> Studied:
    return study(load_config(path), path.parent / out, **{"jobs": 1, **more})


TABLES = ("points", "returns", "folds", "choices", "out_of_sample")


def tables(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in TABLES}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Studied:
    return ran(project(tmp_path_factory.mktemp("walked")))


class TestWalkForward:
    def test_each_choice_is_the_best_of_runs_on_its_own_part(self, walked: Studied, tmp_path: Path) -> None:
        for one in walked.chosen[:2]:
            (part,) = one.fold.train
            worth = {}
            for point in walked.points:
                result = tf.run(on_window(point.config, part, walked.plan.whole.start), tmp_path / "x", report=False)
                worth[point.number] = result.summary["sharpe"]
            assert one.point == max(worth, key=lambda number: worth[number])
            assert one.scores == pytest.approx(worth, nan_ok=True)

    def test_what_it_became_is_a_run_of_it_on_that_part_bit_for_bit(self, walked: Studied, tmp_path: Path) -> None:
        path = walked.config.folder / "cross.yaml"
        for one in (walked.chosen[0], walked.chosen[-1]):
            (test,), point = one.fold.test, walked.points[one.point - 1]
            settings = [f"{key}={value}" for key, value in point.values.items()]
            settings += [f"trade_from={iso(test.start)}", f"data.main.to={iso(test.end)}"]
            result = tf.run(load_config(path, settings), tmp_path / "run", report=False)
            for name in ("return_pct", "sharpe", "max_drawdown_pct", "trades", "final_value", "fees_paid"):
                assert one.outside[name] == result.summary[name], name
            days, made = one.days
            value = result.equity["value"].to_numpy()
            assert days.tolist() == [*range(test.start // DAY, test.end // DAY)]
            assert made.tolist() == pytest.approx((np.diff(value, prepend=1e5) / [1e5, *value[:-1]]).tolist(), abs=1e-8)

    def test_nothing_that_comes_after_a_fold_moves_it(self, walked: Studied, tmp_path: Path) -> None:
        seen = 3
        cut = walked.chosen[seen - 1].fold.test[0].end // DAY - FIRST
        path = project(tmp_path)
        write_days(tmp_path, other_after=cut)
        other = ran(path)
        assert other.purge == walked.purge
        for mine, its in zip(walked.chosen[:seen], other.chosen[:seen], strict=True):
            assert (mine.fold, mine.point, mine.scores) == (its.fold, its.point, its.scores)
            assert mine.days[1].tobytes() == its.days[1].tobytes()
        assert walked.chosen[seen].days[1].tobytes() != other.chosen[seen].days[1].tobytes()

    def test_the_purge_is_the_longest_trade_of_the_first_part_and_is_left_out(self, walked: Studied) -> None:
        first = walked.plan.folds[0].train[0]
        longest = 0
        for point in walked.points:
            config = on_window(point.config, first, first.start)
            trades = tf.run(config, walked.folder.parent / "purge", report=False)
            position = trades.equity["position"].to_numpy()
            held = [0]
            for before, now in pairwise([0.0, *position, 0.0]):
                held.append(held[-1] + 1 if now and now * before > 0 else 1 if now else 0)
            longest = max(longest, *held)
        assert walked.purge // DAY in (longest, longest + 1), "to the close with which it ended"
        for one in walked.chosen:
            assert one.fold.test[0].start - one.fold.train[0].end == walked.purge

    def test_the_headline_is_the_stitched_days(self, walked: Studied) -> None:
        days, made = walked.stitched
        assert days.tolist() == [*range(FIRST + 60, FIRST + 300)]
        own = walked.summary["out_of_sample"]
        assert own["sharpe"] == pytest.approx(math.sqrt(365) * fmean(made.tolist()) / stdev(made.tolist()))
        assert own["return_pct"] == pytest.approx(100 * (math.prod(1 + made) - 1))
        assert own["sharpe_interval"][0] < own["sharpe"] < own["sharpe_interval"][1]
        table = pq.read_table(walked.folder / "out_of_sample.parquet")
        assert table["return"].to_pylist() == made.tolist()

    def test_an_anchored_one_chooses_on_all_since_the_beginning(self) -> None:
        split = {"walk_forward": {"train": "60d", "test": "30d", "anchored": True}}
        plan = plan_of(config_of(split).research, 0, 100 * DAY)
        assert [(one.train[0].start // DAY, one.test[0].start // DAY) for one in plan.folds] == [(0, 60)]
        plan = plan_of(config_of(split).research, 0, 130 * DAY)
        assert [(one.train[0].start // DAY, one.train[0].end // DAY) for one in plan.folds] == [(0, 60), (0, 90)]
        assert plan.left == 10 * DAY


def config_of(split: Any, **more: Any) -> Any:
    return from_mapping({**RUN, "research": {"split": split, **more}})


class TestParts:
    @pytest.fixture(scope="class")
    @classmethod
    def folded(cls, tmp_path_factory: pytest.TempPathFactory) -> Studied:
        return ran(project(tmp_path_factory.mktemp("folded"), {"split": {"kfold": 5}}))

    def test_every_day_is_out_of_sample_once(self, folded: Studied) -> None:
        assert folded.stitched[0].tolist() == [*range(FIRST, FIRST + 300)]

    def test_a_choice_is_worth_what_its_days_are_far_from_what_was_left_out(
        self, folded: Studied, tmp_path: Path
    ) -> None:
        one, gap = folded.chosen[2], folded.purge / DAY
        kept = []
        for window in one.fold.train:
            config = on_window(folded.points[3].config, window, folded.plan.whole.start)
            value = tf.run(config, tmp_path / "x", report=False).equity["value"].to_numpy()
            made = np.diff(value, prepend=1e5) / [1e5, *value[:-1]]
            days = range(window.start // DAY, window.end // DAY)
            (test,) = one.fold.test
            near, far = test.start / DAY - gap, test.end / DAY + gap
            kept += [r for d, r in zip(days, made, strict=True) if d < near or d >= far]
        assert len(kept) < 240
        assert one.figures[4]["days"] == len(kept)
        assert one.figures[4]["sharpe"] == pytest.approx(math.sqrt(365) * fmean(kept) / stdev(kept), rel=1e-4)

    def test_combined_parts_are_chosen_on_for_every_way_of_leaving_some_out(self, tmp_path: Path) -> None:
        made = ran(project(tmp_path, {"split": {"cpcv": {"groups": 5, "test": 2}}}))
        assert len(made.chosen) == 10
        assert len({one.fold.test for one in made.chosen}) == 10
        assert made.summary["out_of_sample"] is None, "its parts overlap: there is no one line of days"
        assert made.summary["overfit"]["folds"] == 10

    def test_parts_begin_at_midnight(self) -> None:
        plan = plan_of(config_of({"kfold": 7}, holdout="20%").research, FIRST * DAY, (FIRST + 101) * DAY)
        assert plan.holdout == Window((FIRST + 80) * DAY, (FIRST + 101) * DAY)
        assert all(part.start % DAY == part.end % DAY == 0 for one in plan.folds for part in one.test)

    def test_too_short_is_refused(self) -> None:
        with pytest.raises(DataError, match="is too short for train 60d and test 30d"):
            plan_of(config_of(WALK).research, 0, 80 * DAY)


class TestSameBytes:
    def test_for_any_number_of_processes(self, walked: Studied, tmp_path: Path) -> None:
        (tmp_path / "days.csv").write_bytes((walked.config.folder / "days.csv").read_bytes())
        grid = {"indicators.fast.timeperiod": [2, 3, 4], "sizer.percent": [10, 30, 50]}
        more = ran(project(tmp_path, {"split": {"kfold": 2}}, sweep=grid), jobs=2)
        one = ran(tmp_path / "cross.yaml", "one")
        assert tables(more.folder) == tables(one.folder)
        assert (more.folder / "research.yaml").read_bytes() == (one.folder / "research.yaml").read_bytes()

    def test_however_often_it_was_stopped(self, walked: Studied, tmp_path: Path) -> None:
        path = project(tmp_path)
        told = 0

        def stop(text: str) -> None:
            nonlocal told
            told += "points" in text
            if told in (4, 11):
                told += 1
                raise KeyboardInterrupt

        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                ran(path, resume=True, progress=stop)
        made = ran(path, resume=True)
        assert tables(made.folder) == tables(walked.folder)

    def test_a_finished_one_is_shown_again_and_not_run(self, walked: Studied) -> None:
        before = tables(walked.folder)
        ledger = Ledger(walked.folder.parent / "none")
        again = ran(walked.config.folder / "cross.yaml", resume=True, ledger=ledger)
        assert json.dumps(again.summary) == json.dumps(walked.summary)
        assert tables(again.folder) == before
        assert ledger.entries == 0
        with pytest.raises(DataError, match="--resume goes on in it"):
            ran(walked.config.folder / "cross.yaml")

    def test_what_is_cut_off_is_what_is_read_anew(self, tmp_path: Path) -> None:
        for bars, data in (("5m", {}), ("500t", {}), ("5m", {"row_size": 5})):
            block = {"feed": "SyntheticTape", "days": 1, "bars": bars, **data}
            config = from_mapping({"name": "x", "data": {"main": block}, "strategy": {"kind": "VWAPReversion"}})
            sources = read_all(config, lambda text: None)
            end = int(sources["main"].bars["open_time"][0]) + DAY // 2
            cut = on_window(config, Window(end - DAY // 4, end), 0)
            mine = sources_until(cut, sources, end, lambda text: None)["main"].bars
            read = read_all(cut, lambda text: None)["main"].bars
            assert len(mine) < len(sources["main"].bars)
            for name, column in read.columns.items():
                assert mine[name].tobytes() == column.tobytes(), (bars, name)


class TestCounting:
    def test_every_point_is_one_trial_however_many_folds_it_ran_on(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "ledger")
        made = ran(project(tmp_path), ledger=ledger)
        known = ledger.known([{"digest": ""}])
        assert known.trials == 0
        assert made.trial is not None
        assert made.trial.trials == 6
        assert made.others.trials == 0
        again = ran(tmp_path / "cross.yaml", "again", ledger=ledger)
        assert again.trial is not None
        assert again.trial.trials == 6
        other = load_config(tmp_path / "cross.yaml", ["sizer.percent=49"])
        third = study(other, tmp_path / "third", jobs=1, ledger=ledger)
        assert (third.others.trials, third.trial and third.trial.trials) == (6, 12)

    def test_the_holdout_is_seen_by_no_choice(self, tmp_path: Path) -> None:
        research = {"split": WALK, "holdout": "20%"}
        first = ran(project(tmp_path / "a", research))
        path = project(tmp_path / "b", research)
        write_days(tmp_path / "b", other_after=240)
        other = ran(path)
        assert first.plan.holdout == Window((FIRST + 240) * DAY, (FIRST + 300) * DAY)
        assert tables(first.folder) == tables(other.folder)

    def test_the_holdout_is_opened_once_and_said_for_ever(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TAPEFLOW_LEDGER")
        path = project(tmp_path, {"split": WALK, "holdout": "20%"})
        done = tapeflow("research", path, "--out", tmp_path / "out", "--jobs", 1, "--open-holdout", "--json")
        told = json.loads(done.stdout)
        point = told["choice"]["point"]
        values = [f"{key}={value}" for key, value in told["choice"]["values"].items()]
        alone = tf.run(load_config(path, [*values, "trade_from=2022-09-05"]), tmp_path / "alone", report=False)
        assert iso((FIRST + 240) * DAY).startswith("2022-09-05")
        assert told["holdout_result"]["final_value"] == alone.summary["final_value"]
        assert f"hold-out was opened by cross, point {point} (" in alone.trial.words()
        second = tapeflow("research", path, "--out", tmp_path / "out", "--jobs", 1, "--open-holdout", "--json")
        assert json.loads(second.stdout)["holdout_result"] == told["holdout_result"]
        other = ("--set", "name=other", "--set", "sizer.percent=10")
        refused = tapeflow("research", path, "--out", tmp_path / "o2", "--jobs", 1, "--open-holdout", *other)
        assert refused.exit_code == 2
        assert "was opened by cross" in refused.stderr
        namesake = ("--set", "sizer.percent=10")
        refused = tapeflow("research", path, "--out", tmp_path / "o4", "--jobs", 1, "--open-holdout", *namesake)
        assert refused.exit_code == 2
        assert "was opened by cross" in refused.stderr
        uncounted = tapeflow("research", path, "--out", tmp_path / "o3", "--open-holdout", "--no-ledger", "--jobs", 1)
        assert uncounted.exit_code == 2
        assert "no ledger does (--no-ledger)" in uncounted.stderr
        ledger = tmp_path / ".tapeflow" / "ledger"
        ledger.write_bytes(ledger.read_bytes().replace(b"cross", b"craze", 1))
        changed = tapeflow("research", path, "--out", tmp_path / "out", "--jobs", 1, "--open-holdout", "--json")
        assert changed.exit_code == 2
        assert not changed.stdout

    def test_the_command_says_what_chance_makes_of_it_and_says_the_headline_first(self, tmp_path: Path) -> None:
        path = project(tmp_path)
        done = tapeflow("research", path, "--out", tmp_path / "out", "--jobs", 1, "--no-ledger")
        assert done.exit_code == 0, done.output
        said = done.stderr.splitlines()
        assert said[0].startswith("out of sample, 240 days in 8 folds: return") or "out of sample" in done.stderr
        assert "95 % interval" in done.stderr
        assert "Among 6 points the best Sharpe would be this high by chance with p =" in done.stderr
        assert "in no ledger (--no-ledger)" in done.stderr

    def test_marked_returns_of_every_point_are_kept(self, walked: Studied) -> None:
        rows = pq.read_table(walked.folder / "returns.parquet").to_pylist()
        assert [row["point"] for row in rows] == [1, 2, 3, 4, 5, 6]
        points = pq.read_table(walked.folder / "points.parquet").to_pylist()
        for row, point in zip(rows, points, strict=True):
            assert len(row["returns"]) == 300
            assert 100 * (math.prod(1 + r for r in row["returns"]) - 1) == pytest.approx(point["return_pct"], abs=1e-3)


class TestChoice:
    def test_it_is_arithmetic_over_figures(self) -> None:
        figures = {"sharpe": 2.0, "max_drawdown_pct": 4.0, "trades": 9, "fills.tick": 0.5, "calmar": None}
        for text, value in (("sharpe - 0.5 * max_drawdown_pct", 0.0), ("-sharpe ** 2", -4.0), ("fills.tick", 0.5),
                            ("max(sharpe, trades) / sqrt(trades)", 3.0), ("min(1, 2) + log(1)", 1.0)):  # fmt: skip
            assert Formula(text).of(figures) == value
        for text in ("calmar", "sharpe / 0", "log(0 - 1)", "sharpe / (trades - 9)"):
            assert math.isnan(Formula(text).of(figures))

    @pytest.mark.parametrize(
        "text",
        [
            "__import__('os')",
            "sharpe.__class__()",
            "[1]",
            "sharpe > 1",
            "lambda: 1",
            "a if b else c",
            "",
            "'x'",
            "f(1)",
        ],
    )
    def test_it_is_nothing_else(self, text: str) -> None:
        with pytest.raises(TapeflowError, match="select: "):
            Formula(text)

    def test_a_point_must_meet_every_constraint_and_have_a_worth(self) -> None:
        choice = Choice(Formula("sharpe"), [Formula("trades >= 3", "c", compares=True)])
        worth = {1: (9.0, 2), 2: (math.nan, 5), 3: (1.0, 3), 4: (1.0, 7)}
        points = {number: {"sharpe": ratio, "trades": trades} for number, (ratio, trades) in worth.items()} | {5: {}}
        assert choice.best(points) == 3
        assert choice.best({1: points[1], 2: points[2]}) is None

    def test_a_figure_that_no_run_has_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        path = project(tmp_path, {"split": WALK, "select": "sharp"})
        done = tapeflow("research", path, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert "research.select: unknown figure 'sharp', did you mean 'sharpe'?" in done.stderr

    def test_folds_without_a_choice_trade_nothing_and_say_so(self, tmp_path: Path) -> None:
        made = ran(project(tmp_path, {"split": WALK, "constraints": ["trades > 1000"]}))
        assert [one.point for one in made.chosen] == [None] * 8
        assert made.summary["out_of_sample"]["return_pct"] == 0.0
        assert made.summary["stability"]["without_choice"] == 8

    def test_a_drawn_part_of_the_grid_is_the_same_for_the_same_seed(self, tmp_path: Path) -> None:
        project(tmp_path)
        config = load_config(tmp_path / "cross.yaml")
        grid = Grid(config)
        some = [
            drawn(grid, config_of(WALK, search={"random": n, "seed": s}).research.search)
            for n, s in ((4, 1), (4, 1), (4, 2), (9, 1))
        ]
        assert some[0] == some[1] != some[2]
        assert len(some[0]) == 4
        assert some[3] == [1, 2, 3, 4, 5, 6]
        assert [grid.point(number).values for number in some[3]] == [point.values for point in points_of(config)]
        made = ran(project(tmp_path, {"split": {"kfold": 2}, "search": {"random": 4, "seed": 1}}))
        assert [point.number for point in made.points] == some[0]

    def test_neighbours_are_one_step_of_one_axis_away(self, tmp_path: Path) -> None:
        project(tmp_path)
        points = points_of(load_config(tmp_path / "cross.yaml"))
        assert [neighbours(points, number) for number in (1, 4)] == [[2, 3], [2, 3, 6]]


class TestSearchThatIsLed:
    RESEARCH = {"split": WALK, "search": {"tpe": 10, "seed": 3, "batch": 4}}
    GRID = {"indicators.fast.timeperiod": [2, 3, 4, 5], "indicators.slow.timeperiod": {"from": 6, "to": 20, "step": 1}}

    @pytest.fixture(autouse=True)
    def needs(self) -> None:
        pytest.importorskip("optuna")

    def led(self, folder: Path, name: str = "out", **more: Any) -> Studied:
        if not (folder / "days.csv").exists():
            folder.mkdir(exist_ok=True)
            write_days(folder, 150)
        return ran(project(folder, self.RESEARCH, sweep=self.GRID), name, **more)

    def test_it_is_the_same_however_often_it_was_stopped_and_each_trial_counts(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path / "ledger")
        whole = self.led(tmp_path, ledger=ledger)
        assert 4 <= len(whole.points) < 60
        assert whole.trial is not None
        assert whole.trial.trials == len(whole.points)
        for one in whole.chosen:
            assert len(one.scores) <= 10
            assert one.point == max(one.scores, key=lambda number: (one.scores[number], -number))
        told = 0

        def stop(text: str) -> None:
            nonlocal told
            told += "points" in text
            if told == 15:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.led(tmp_path, "again", resume=True, progress=stop)
        assert tables(self.led(tmp_path, "again", resume=True).folder) == tables(whole.folder)

    def test_nothing_that_comes_after_a_fold_moves_its_search(self, tmp_path: Path) -> None:
        whole = self.led(tmp_path / "a")
        (tmp_path / "b").mkdir()
        write_days(tmp_path / "b", 150, other_after=90)
        other = self.led(tmp_path / "b")
        assert whole.chosen[0].scores == other.chosen[0].scores
        assert whole.chosen[0].days[1].tobytes() == other.chosen[0].days[1].tobytes()
        assert whole.chosen[1].days[1].tobytes() != other.chosen[1].days[1].tobytes()


@pytest.mark.parametrize(
    ("research", "says"),
    [
        ({"split": {"kfold": 1}}, "must be at least 2"),
        ({"split": {"kfold": 4, "cpcv": {"groups": 5}}}, "give one of walk_forward, kfold and cpcv"),
        ({"split": {"walk_forward": {"train": "5", "test": "1d"}}}, "'5' is no interval"),
        ({"split": {"walk_forwards": {}}}, "did you mean 'walk_forward'?"),
        ({"split": {"cpcv": {"groups": 5, "test": 4}}}, "at most half"),
        ({"split": WALK, "holdout": "95%"}, "below 90%"),
        ({"split": WALK, "search": {"grid": True, "random": 3}}, "give one of grid"),
        ({"split": {"kfold": 3}, "search": {"tpe": 3}}, "goes with split.walk_forward"),
    ],
)
def test_a_wrong_block_is_told_at_its_place(research: dict[str, Any], says: str) -> None:
    with pytest.raises(MistakesError, match="research") as err:
        from_mapping({**RUN, "research": research})
    assert says in str(err.value)


def test_a_study_without_a_block_or_over_several_data_is_refused(tmp_path: Path) -> None:
    path = project(tmp_path)
    raw = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({k: v for k, v in raw.items() if k != "research"}))
    with pytest.raises(TapeflowError, match="has no research block"):
        ran(path)
    path.write_text(yaml.safe_dump({**raw, "sweep": {"data.main.bars": ["1d", "2d"]}}))
    with pytest.raises(TapeflowError, match="leave data out of its sweep"):
        ran(path)


def test_figures_of_days_are_those_of_a_run(walked: Studied) -> None:
    one = walked.whole[2].row
    days, made = series_of(one["marks"])
    figures = figures_of_days(made, int(one["trades"]))
    assert len(days) == 300
    for name in ("sharpe", "return_pct", "max_drawdown_pct", "volatility_pct"):
        assert figures[name] == pytest.approx(one[name], rel=1e-4), name
    assert Daily.of(one["marks"]).excess is False

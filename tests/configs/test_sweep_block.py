"""The sweep block: grids over dotted paths, and the configs they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.schema import config_schema
from tapeflow.configs.sweep_block import MOST_POINTS, points
from tapeflow.core.errors import ConfigError
from tapeflow.research.sweep import points_of

RUN = """
name: cross
data:
  main: {feed: SyntheticTape, days: 1}
indicators:
  fast: {kind: talib.SMA, timeperiod: 10}
  slow: {kind: talib.SMA, timeperiod: 50}
  vwap: {kind: VWAP, bands: [1.0, 2.0]}
strategy:
  kind: Rules
  params:
    long: {enter: "fast > slow", exit: "fast < slow"}
sizer: {percent: 10}
"""


def write(folder: Path, sweep: str) -> Path:
    path = folder / "cross.yaml"
    path.write_text(f"{RUN.lstrip()}sweep: {sweep}\n")
    return path


def mistake(folder: Path, sweep: str) -> str:
    """The one line that a sweep is refused with, without its file."""
    path = write(folder, sweep)
    with pytest.raises(MistakesError) as told:
        points_of(load_config(path), str(path))
    (line,) = str(told.value).splitlines()
    return line.removeprefix(f"{path}:")


class TestGrid:
    """The values that the block stands for."""

    def test_is_the_product_with_the_last_path_fastest(self) -> None:
        made = list(points({"a.b": [1, 2], "c": ["x", "y"]}))
        assert made == [{"a.b": 1, "c": "x"}, {"a.b": 1, "c": "y"}, {"a.b": 2, "c": "x"}, {"a.b": 2, "c": "y"}]

    def test_takes_paths_as_nested_mappings_too(self) -> None:
        assert list(points({"a": {"b": [1], "c": {"d": [2]}}})) == list(points({"a.b": [1], "a.c.d": [2]}))

    def test_takes_whole_blocks_as_values(self) -> None:
        assert list(points({"sizer": [{"percent": 5}, {"fixed": 1}]}))[1] == {"sizer": {"fixed": 1}}

    @pytest.mark.parametrize(
        ("steps", "values"),
        [
            ({"from": 1, "to": 4, "step": 1}, [1, 2, 3, 4]),
            ({"from": 0.1, "to": 0.5, "step": 0.1}, [0.1, 0.2, 0.3, 0.4, 0.5]),
            ({"from": 0.5, "to": 2, "step": 0.5}, [0.5, 1, 1.5, 2]),
            ({"from": 10, "to": 1, "step": -4}, [10, 6, 2]),
            ({"from": 1, "to": 1, "step": 5}, [1]),
            ({"from": "0.5%", "to": "2%", "step": "0.5%"}, ["0.5%", "1%", "1.5%", "2%"]),
            ({"from": "8bp", "to": "12 bp", "step": "2bp"}, ["8bp", "10bp", "12bp"]),
            ({"from": "100ticks", "to": "200ticks", "step": "100ticks"}, ["100ticks", "200ticks"]),
        ],
    )
    def test_steps_in_decimals_as_they_are_written(self, steps: dict[str, Any], values: list[Any]) -> None:
        made = [point["x"] for point in points({"x": steps})]
        assert made == values
        assert [type(a) for a in made] == [type(b) for b in values]

    def test_zips_values_that_go_together(self) -> None:
        joint = {"a": [1, 2], "b": [10, 20]}
        assert list(points({"zip": joint, "c": [0, 5]}))[1:3] == [{"a": 1, "b": 10, "c": 5}, {"a": 2, "b": 20, "c": 0}]
        assert len(list(points({"zip": [joint, {"d": [1, 2, 3], "e": [4, 5, 6]}]}))) == 6

    def test_is_counted_before_it_is_made(self, tmp_path: Path) -> None:
        big = "{broker.cash: {from: 1, to: 2000, step: 1}, sizer.percent: {from: 0.01, to: 10, step: 0.01}}"
        assert mistake(tmp_path, big) == f"13:1: sweep: makes 2,000,000 runs; at most {MOST_POINTS:,} are allowed"


class TestMistakes:
    """Each is told in one line, with its place and the nearest name."""

    @pytest.mark.parametrize(
        ("sweep", "line"),
        [
            (
                "{indicators.fast.timperiod: [1, 2]}",
                "13:9: sweep.indicators.fast.timperiod: unknown key in indicators.fast 'timperiod', "
                "did you mean 'timeperiod'? (allowed: data, input, kind, timeperiod)",
            ),
            (
                "{indicators.fats.timeperiod: [1, 2]}",
                "13:9: sweep.indicators.fats.timeperiod: unknown key in indicators 'fats', did you mean 'fast'? "
                "(allowed: fast, slow, vwap)",
            ),
            (
                "{brokr.cash: [1, 2]}",
                "13:9: sweep.brokr.cash: unknown key 'brokr', did you mean 'broker'? (allowed: ",
            ),
            ("{indicators.vwap.bands.7: [1.0]}", "13:9: sweep.indicators.vwap.bands.7: '7' is no position of"),
            ("{broker.cash.big: [1]}", "13:9: sweep.broker.cash.big: there is no 'big' inside broker.cash"),
            ("{sizer.percent: 5}", "13:24: sweep.sizer.percent: must be a list of values, or {from: 1, to"),
            ("{sizer.percent: []}", "13:24: sweep.sizer.percent: must be a list of values, or {from: 1, to"),
            ("{sizer.percent: [5, 6, 5]}", "13:31: sweep.sizer.percent.2: 5 stands twice in the list"),
            ("{sizer.percent: {from: 1, to: 5}}", "13:9: sweep.sizer.percent: missing key 'step'"),
            ("{sizer.percent: {from: 1, too: 5, step: 1}}", "13:34: sweep.sizer.percent.too: unknown key 'too', did"),
            ("{sizer.percent: {from: 1, to: 5, step: 0}}", "13:47: sweep.sizer.percent.step: must lead from 1 to 5"),
            ("{sizer.percent: {from: 1, to: 5%, step: 1}}", "13:9: sweep.sizer.percent: from, to and step must be of"),
            ("{sizer.percent: {from: a, to: 5, step: 1}}", "13:31: sweep.sizer.percent.from: must be a number"),
            ("{name: [a, b]}", "13:9: sweep.name: 'name' is the same for every run of a sweep"),
            ("{plugins: [[a.py]]}", "13:9: sweep.plugins: 'plugins' is the same for every run of a sweep"),
            ("{sizer.percent: [1], sizer: [{fixed: 1}]}", "13:1: sweep: 'sizer' and 'sizer.percent' set the same"),
            ("{zip: {sizer.percent: [1, 2], broker.cash: [1]}}", "13:9: sweep.zip: values that go together must be as"),
            ("{zip: [5]}", "13:15: sweep.zip.0: must be a mapping of paths to lists of one length (got 5)"),
            ("{}", "13:1: sweep: names no path to vary"),
            ("[1]", "13:8: sweep: must be a mapping of keys to values (got [1])"),
        ],
    )
    def test_in_the_block(self, sweep: str, line: str, tmp_path: Path) -> None:
        assert mistake(tmp_path, sweep).startswith(line)

    def test_of_a_value_name_the_first_point_that_has_it(self, tmp_path: Path) -> None:
        told = mistake(tmp_path, "{sizer.percent: [5, 10], indicators.fast.timeperiod: [20, -1]}")
        assert told.startswith(" sweep: point 2 (sizer.percent=5, indicators.fast.timeperiod=-1): indicators.fast")

    def test_of_a_whole_point_are_found_before_anything_runs(self, tmp_path: Path) -> None:
        told = mistake(tmp_path, "{sizer.fixed: [1, 2]}")
        assert "sweep: point 1 (sizer.fixed=1): sizer: needs exactly one of percent" in told

    def test_are_told_once_each_and_not_without_end(self, tmp_path: Path) -> None:
        path = write(tmp_path, "{indicators.fast.timeperiod: {from: -30, to: -1, step: 1}}")
        with pytest.raises(MistakesError) as told:
            points_of(load_config(path), "cross.yaml")
        lines = str(told.value).splitlines()
        assert len(lines) == 11
        assert lines[-1] == "… and 20 more mistakes in the sweep"

    def test_a_config_without_a_sweep_has_no_points(self, tmp_path: Path) -> None:
        path = tmp_path / "plain.yaml"
        path.write_text(RUN)
        with pytest.raises(ConfigError, match=r"plain.yaml: has no sweep"):
            points_of(load_config(path), "plain.yaml")


class TestPoints:
    """Each is the config that its values, written into the YAML, would make."""

    def test_equals_the_config_with_the_values_set(self, tmp_path: Path) -> None:
        swept = load_config(
            write(tmp_path, "{indicators.fast.timeperiod: [5, 7], strategy.params.stop_loss: [1%, 20]}")
        )
        plain = tmp_path / "plain" / "cross.yaml"
        plain.parent.mkdir()
        plain.write_text(RUN)
        for point in points_of(swept):
            settings = [f"{path}={value}" for path, value in point.values.items()]
            assert point.config.resolved() == load_config(plain, settings).resolved()
            assert point.config.sweep is None

    def test_defaults_follow_from_what_a_point_sets(self, tmp_path: Path) -> None:
        first, second = points_of(load_config(write(tmp_path, "{seed: [1, 2]}")))
        assert [p.config.data["main"].params["seed"] for p in (first, second)] == [1, 2]

    def test_a_resolved_config_has_the_same_points(self, tmp_path: Path) -> None:
        config = load_config(write(tmp_path, "{sizer.percent: [1, 2], broker.fees.taker: [1bp, 2bp]}"))
        again = from_mapping(json.loads(json.dumps(config.resolved())))
        assert [p.config.resolved() for p in points_of(again)] == [p.config.resolved() for p in points_of(config)]

    def test_a_config_without_a_sweep_is_as_it_was(self) -> None:
        config = from_mapping(
            {"name": "x", "data": {"a": {"feed": "SyntheticTape"}}, "strategy": {"kind": "VWAPReversion"}}
        )
        assert config.sweep is None
        assert "sweep" not in config.resolved()


class TestSchema:
    """The block in the JSON Schema."""

    @pytest.mark.parametrize(
        ("sweep", "legal"),
        [
            ({"sizer.percent": [1, 2]}, True),
            ({"sizer": {"percent": {"from": 1, "to": 3, "step": 1}}}, True),
            ({"zip": {"a.b": [1], "a.c": [2]}}, True),
            ({"zip": [{"a.b": [1], "a.c": [2]}]}, True),
            ({"sizer.percent": 5}, False),
            ([1, 2], False),
        ],
    )
    def test_knows_the_block(self, sweep: Any, legal: bool) -> None:
        run = {"data": {"a": {"feed": "SyntheticTape"}}, "strategy": {"kind": "VWAPReversion"}, "sweep": sweep}
        validator = jsonschema.Draft202012Validator(config_schema())
        assert legal == validator.is_valid(run), sweep

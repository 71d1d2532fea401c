"""A run's YAML: how every mistake in it is told, in one line and with its place; its schema agrees."""

from __future__ import annotations

import contextlib
import copy
import json
from functools import partial
from pathlib import Path

import jsonschema
import pytest
import yaml

from tapeflow.configs.document import parse
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.models import RunConfig
from tapeflow.configs.schema import config_schema
from tapeflow.configs.shipped import find_config, shipped
from tapeflow.core.errors import ConfigError
from tapeflow.tests.helpers.config_text import BASE, mistakes, write_in


@pytest.fixture
def write(tmp_path: Path):
    return partial(write_in, tmp_path)


HERE = "«"
"""Stands in a test's YAML before the place that an error must name; taken out before it is read."""


def changed(old: str, new: str) -> tuple[str, str]:
    """The base with ``old`` replaced, and ``line:column`` of the mark in it."""
    assert BASE.count(old) == 1
    marked = BASE.replace(old, new)
    before = marked[: marked.index(HERE)]
    return marked.replace(HERE, ""), f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


MISTAKES = {
    "misspelt top key": ("broker:", "«brokr:", "brokr: unknown key 'brokr', did you mean 'broker'?"),
    "misspelt inner key": ("maker:", "«makr:", "broker.fees.makr: unknown key 'makr', did you mean 'maker'?"),
    "misspelt data key": (
        "row_size:",
        "«rowsize:",
        "data.btc.rowsize: unknown key 'rowsize', did you mean 'row_size'?",
    ),
    "misspelt feed": (
        "BinanceAggTrades",
        "«BinanceAggTrade",
        "data.btc.feed: unknown feed 'BinanceAggTrade', did you mean 'BinanceAggTrades'?",
    ),
    "feed parameter out of its choices": ("market: spot", "market: «sopt", "data.btc.market: must be one of"),
    "misspelt indicator": (
        "kind: VWAP",
        "kind: «VWPA",
        "indicators.vwap.kind: unknown indicator 'VWPA', did you mean 'VWAP'?",
    ),
    "misspelt parameter": (
        "window: 240",
        "«windw: 240",
        "indicators.tox.windw: unknown key 'windw', did you mean 'window'?",
    ),
    "parameter of the wrong type": ("window: 240", "window: «many", "indicators.tox.window: must be a whole number"),
    "parameter out of bounds": ("window: 240", "window: «-3", "indicators.tox.window: must be a whole number"),
    "item out of bounds": ("[2.0]", "[2.0, «-1]", "indicators.vwap.bands.1: must be a number above 0"),
    "indicator without kind": ("delta: {kind: VolumeDelta}", "«delta: {}", "indicators.delta: missing key 'kind'"),
    "indicator on a feed that is not there": (
        "{kind: VolumeDelta}",
        "{kind: VolumeDelta, data: «bct}",
        "indicators.delta.data: unknown data block 'bct', did you mean 'btc'?",
    ),
    "indicator named as a column": ("spare: ", "«close: ", "indicators.close: 'close' is a column of every feed"),
    "indicator named as a function": ("spare: ", "«abs: ", "indicators.abs: 'abs' is a function of the rules"),
    "indicator named as a feed": ("spare: ", "«btc: ", "indicators.btc: 'btc' is a data block already"),
    "indicator named as the strategy's own": (
        "spare: ",
        "«broker: ",
        "indicators.broker: 'broker' is an attribute",
    ),
    "indicator named as a state of the position": (
        "spare: ",
        "«position: ",
        "indicators.position: 'position' is what rules call the state of their position; take another name",
    ),
    "indicator named as a word of the rules": ("spare: ", "«and: ", "indicators.and: a name must be"),
    "misspelt strategy": (
        "kind: Rules",
        "kind: «Rule",
        "strategy.kind: unknown strategy 'Rule', did you mean 'Rules'?",
    ),
    "misspelt strategy parameter": (
        "stop_loss:",
        "«stop_los:",
        "strategy.params.stop_los: unknown parameter 'stop_los', did you mean 'stop_loss'?",
    ),
    "strategy parameter out of bounds": ("0.5%", "«-1%", "strategy.params.stop_loss: must be an amount above 0"),
    "misspelt side key": ("exit:", "«exot:", "strategy.params.long.exot: unknown key 'exot', did you mean 'exit'?"),
    "name in a quoted rule": (
        "vwap.lower1",
        "«vwp.lower1",
        "strategy.params.long.enter: unknown indicator 'vwp', did you mean 'vwap'?",
    ),
    "line in a plain rule": (
        "vwap.upper1",
        "«vwap.upper7",
        "strategy.params.short.enter: unknown line of vwap 'upper7'",
    ),
    "call in a rule": (
        "close >= vwap",
        "close >= «open('x')",
        "strategy.params.long.exit: unknown function 'open'",
    ),
    "number expected": ("100000", "«lots", "broker.cash: must be a number (got 'lots')"),
    "number out of bounds": ("100000", "«-1", "broker.cash: must be above 0 (got -1)"),
    "not finite": ("100000", "«.inf", "broker.cash: must be a finite number"),
    "true is no number": ("100000", "«true", "broker.cash: must be a number (got true)"),
    "quantity without sense": ("2bp", "«2pb", "broker.fees.maker: '2pb' is no amount"),
    "fee in the wrong unit": ("5bp", "«5", "broker.fees.taker: must be a fraction between -10% and 10%"),
    "slippage without sense": ("1tick", "«1tock", "broker.slippage: '1tock' is no amount"),
    "block that is none": ("{percent: 10}", "«10", "sizer: must be a mapping"),
    "unknown kind of bar": ("bars: 1m", "bars: «1x", "data.btc.bars: '1x'"),
    "row size below zero": (
        "row_size: 10",
        "row_size: «-10",
        "data.btc.row_size: must be a price above 0, auto or null",
    ),
    "rows of broken ticks": (
        "row_size: 10",
        "tick: 0.4, row_size: «0.5",
        "data.btc.row_size: must be a whole number of ticks of 0.4 (got 0.5)",
    ),
    "time that is none": ("bars: 1m", "from: «yesterday", "data.btc.from: 'yesterday' is no time"),
    "gaps on a tape": ("bars: 1m", "«gaps: fill", "data.btc.gaps: BinanceAggTrades gives trades"),
    "engine that is none": (
        "name: fade",
        "name: fade\nengine: «fast",
        "engine: must be 'auto', 'stock', 'backtrader' or 'compiled'",
    ),
    "duplicate key": (
        "sizer: {percent: 10}",
        "sizer: {percent: 10}\n«name: x",
        "name: duplicate key 'name', first on line 2",
    ),
    "key that is no text": ("name: fade", "name: fade\n«1: x", "1: a key must be text"),
    "plugin file that is not there": (
        "name: fade",
        "name: fade\nplugins: [«mine.py]",
        "plugins.0: no file or folder 'mine.py'",
    ),
    "name that is no folder's": ("name: fade", "name: «../fade", "name: must be made of letters"),
    "tab": ("  vwap: ", "«\tvwap: ", "not YAML: found character '\\t' that cannot start any token; indent with spaces"),
    "tag": ("name: fade", "name: «!!python/name:os.system x", "not YAML: tag"),
    "unclosed bracket": ("{percent: 10}", "«{percent: 10", "not YAML: expected ',' or '}', but got '<stream end>'"),
    "unclosed quote": ("{percent: 10}", '«"{percent: 10}', "not YAML: found unexpected end of stream"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_its_place(case: str, write) -> None:
    old, new, message = MISTAKES[case]
    text, place = changed(old, new)
    path = write(text)
    told = mistakes(path)
    assert len(told) == 1, told
    assert told[0].startswith(f"{path}:{place}: {message}")


def test_the_base_of_these_tests_has_no_mistake(write) -> None:
    assert isinstance(load_config(write(BASE)), RunConfig)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(write) -> None:
    text = BASE.replace("0.5%", "-1%").replace("maker", "makr").replace("VWAP,", "VWPA,").replace("percent", "percnt")
    told = [line.split(": ")[1] for line in mistakes(write(text))]
    assert told[:4] == ["indicators.vwap.kind", "strategy.params.stop_loss", "broker.fees.makr", "sizer.percnt"]


def test_a_rule_is_not_blamed_for_an_indicator_that_is_wrong(write) -> None:
    text = BASE.replace("[2.0]", "3").replace("VolumeDelta", "VolumeDlta").replace("vwap.lower1", "vwap.lower2")
    told = [line.split(": ")[1] for line in mistakes(write(text.replace("tox < 1", "tx < 1")))]
    assert told == ["indicators.vwap.bands", "indicators.delta.kind", "strategy.params.short.enter"]


JUNK = (None, True, -1, 0, 10**400, float("inf"), "", "x", "=", "(", [], [None], [[1]], {}, {"x": {}}, {"enter": 1})


def test_no_value_anywhere_ends_in_anything_but_a_mistake() -> None:
    raw, places = yaml.safe_load(BASE), [path for path in parse(BASE, "base").values if path]
    assert len(places) == 38
    for path in places:
        for junk in JUNK:
            made = copy.deepcopy(raw)
            inner = made
            for part in path[:-1]:
                inner = inner[part]
            inner[path[-1]] = junk
            with contextlib.suppress(MistakesError):
                assert from_mapping(made).resolved(), (path, junk)


def test_an_excerpt_points_at_the_place(write) -> None:
    text, _ = changed("0.5%", "«oops")
    with pytest.raises(MistakesError) as caught:
        load_config(write(text))
    line, caret = caught.value.mistakes[0].excerpt.splitlines()
    assert line[caret.index("^") :] == "oops"


def test_a_rule_over_several_lines_points_at_its_beginning(write) -> None:
    text, place = changed('"close >= vwap"', "«'close >=\n      vwp'")
    (told,) = mistakes(write(text))
    assert f":{place}: strategy.params.long.exit: column 10: unknown name 'vwp'" in told


def test_what_a_merge_brought_points_at_its_anchor(write) -> None:
    text = BASE.replace("name: fade", "x-feed: &feed {market: sopt}").replace("market: spot", "<<: *feed")
    (told,) = mistakes(write(text))
    assert ":2:24: data.btc.market: must be one of" in told


def test_a_key_beside_a_merge_wins(write) -> None:
    text = BASE.replace("name: fade", "x-feed: &feed {market: sopt}").replace("market: spot", "<<: *feed, market: um")
    assert load_config(write(text)).data["btc"].params["market"] == "um"


@pytest.mark.parametrize("text", ["", "[]", "just words", "3"])
def test_a_file_that_is_no_mapping_is_refused(text: str, write) -> None:
    assert all(":1:1: " in line for line in mistakes(write(text)))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    for name, says in (("none.yaml", "no such file"), ("", "is a folder"), ("latin.yaml", "not UTF-8 text at byte 6")):
        with pytest.raises(ConfigError, match=says):
            load_config(tmp_path / name)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("broker.cash=lots", "--set broker.cash: must be a number (got 'lots')"),
        ("broker.csh=1", "--set broker.csh: unknown key 'csh', did you mean 'cash'?"),
        ("brokr.cash=1", "--set brokr.cash: unknown key 'brokr', did you mean 'broker'?"),
        ("sizer={percnt: 1}", "--set sizer: sizer.percnt: unknown key 'percnt', did you mean 'percent'?"),
        ("indicators.vwap.bands.5=1", "--set indicators.vwap.bands.5: '5' is no position of a list of 1"),
        ("name.first=1", "--set name.first: there is no 'first' inside 'fade'"),
        ("broker.cash", "--set broker.cash: must be key=value"),
        ("broker..cash=1", "--set broker..cash=1: must be key=value"),
        ("broker.cash=[1", "--set broker.cash: not YAML"),
        ("strategy.params.long.enter=close < vwp", "--set strategy.params.long.enter: column 9: unknown name 'vwp'"),
    ],
)
def test_a_wrong_setting_is_told_by_its_own_name(setting: str, told: str, write) -> None:
    assert mistakes(write(BASE), setting)[0].startswith(told)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """The JSON Schema in another implementation's hands."""
    schema = json.loads(json.dumps(config_schema()))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["base", *shipped()])
def test_the_schema_accepts_what_the_loader_accepts(validator, name: str, write) -> None:
    path = write(BASE) if name == "base" else find_config(name)
    raw = parse(path.read_text(encoding="utf-8"), str(path)).value
    assert [e.message for e in validator.iter_errors(raw)] == []
    assert [e.message for e in validator.iter_errors(load_config(path).resolved())] == []


@pytest.mark.parametrize(
    "case",
    [
        "misspelt top key",
        "misspelt data key",
        "misspelt feed",
        "misspelt indicator",
        "misspelt parameter",
        "parameter out of bounds",
        "parameter of the wrong type",
        "item out of bounds",
        "misspelt strategy parameter",
        "number out of bounds",
        "engine that is none",
        "misspelt side key",
        "indicator without kind",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(validator, case: str) -> None:
    text, _ = changed(*MISTAKES[case][:2])
    assert list(validator.iter_errors(parse(text, case).value))

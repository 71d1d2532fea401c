"""A run's YAML: what is read of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml

from tapeflow.configs.document import parse, parse_value
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import from_mapping, load_config
from tapeflow.configs.schema import config_schema
from tapeflow.configs.shipped import find_config, shipped
from tapeflow.core.clock import iso
from tapeflow.core.names import FUNCTIONS, RESERVED
from tapeflow.core.plugins.registry import INDICATORS, STRATEGIES
from tapeflow.strategies.rule_language import expressions
from tapeflow.tests.helpers.config_text import BASE, mistakes, write_in


@pytest.fixture
def write(tmp_path: Path):
    return partial(write_in, tmp_path)


def test_aliases_that_multiply_end_in_an_error() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(MistakesError, match="repeats without end"):
        parse("\n".join(lines), "bomb.yaml")
    with pytest.raises(MistakesError, match="repeats without end"):
        parse("a: &a [*a]", "loop.yaml")


@pytest.mark.parametrize("number", ["9" * 10_000, "0x" + "f" * 10_000, "-" + "1_0" * 5_000])
def test_a_number_of_ten_thousand_digits_is_one_line(number: str) -> None:
    with pytest.raises(MistakesError) as found:
        parse(f"seed: {number}", "long.yaml")
    told = str(found.value.mistakes[0])
    assert told.startswith("long.yaml:1:7: not YAML: a number of 10,0")
    assert len(told) < 120
    with pytest.raises(ValueError, match=r"not YAML: a number of 10,0.. digits; one has at most 400") as other:
        parse_value(number)
    assert len(str(other.value)) < 250


def test_what_is_nested_too_deeply_is_refused_where_it_begins_to_be() -> None:
    assert parse("[" * 50 + "1" + "]" * 50, "deep.yaml").value
    aliases = "a0: &a0 [x]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200))
    blocks = "".join(" " * i + "a:\n" for i in range(300))
    for text, place in (
        ("[" * 51 + "1" + "]" * 51, "1:52"),
        ("[" * 400 + "]" * 400, "1:52"),
        ("- " * 100_000 + "1", "1:103"),
        (blocks, "51:51"),
        (aliases, "1:10"),
    ):
        with pytest.raises(MistakesError, match=f"deep.yaml:{place}: not YAML: nested too deeply, more than 50 levels"):
            parse(text, "deep.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("on", "on"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("true", True),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", 1000),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("-.inf", float("-inf")),
        ("~", None),
        ("null", None),
        ("1d", "1d"),
        ("1.2.3", "1.2.3"),
        ("0.5%", "0.5%"),
        ("'1'", "1"),
        ("!!float 1", 1.0),
    ],
)
def test_scalars_are_what_yaml_1_2_makes_of_them(text: str, value: object) -> None:
    made = parse_value(text)
    assert (made, type(made)) == (value, type(value))


def test_a_setting_replaces_one_value(write) -> None:
    config = load_config(
        write(BASE),
        [
            "broker.cash=5e4",
            "indicators.vwap.bands.1=3",
            "indicators.slow.kind=VWAP",
            "strategy.params.long.exit=close > vwap.upper2",
            "broker.cash=6e4",
        ],
    )
    assert config.broker.cash == 60000.0
    assert config.indicators["vwap"].params["bands"] == [2.0, 3]
    assert config.indicators["slow"].params["anchor"] == INDICATORS["VWAP"].defaults()["anchor"]
    assert config.strategy.params["long"]["exit"] == "close > vwap.upper2"


def test_a_path_in_the_file_is_relative_to_it_and_a_set_one_to_the_working_folder(write, monkeypatch, tmp_path) -> None:
    path = write(BASE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_config(path).paths("btc") == [str(tmp_path / "dumps/a-*.zip")]
    assert load_config(path, ["data.btc.path=b.zip"]).paths("btc") == [str(tmp_path / "elsewhere/b.zip")]


def test_every_default_is_spelled_out(write) -> None:
    made = load_config(write(BASE)).resolved()
    assert made["indicators"]["tox"].keys() == {"kind", "data", *INDICATORS["FlowToxicity"].defaults()}
    assert made["indicators"]["tox"]["data"] == "btc"
    assert made["strategy"]["params"].keys() == STRATEGIES["Rules"].defaults().keys()
    fees = {"maker": 0.0002, "taker": 0.0005, "tiers": [], "per_contract": 0.0, "minimum": 0.0}
    assert made["broker"] == {
        "cash": 100000.0,
        "fees": fees,
        "slippage": "1tick",
        "impact": None,
        "participation": None,
        "funding": None,
        "borrow": 0.0,
    }


@pytest.mark.parametrize("name", ["base", *shipped()])
def test_a_resolved_config_survives_yaml(name: str, write) -> None:
    config = load_config(write(BASE) if name == "base" else find_config(name))
    text = yaml.safe_dump(config.resolved(), sort_keys=False)
    assert from_mapping(yaml.safe_load(text), folder=config.folder).resolved() == config.resolved()
    assert load_config(write(text, "again.yaml")).resolved() == config.resolved()


def test_a_config_cannot_be_changed(write) -> None:
    config = load_config(write(BASE))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3  # type: ignore[misc]


def test_a_run_without_a_name_takes_the_files(write) -> None:
    assert load_config(write(BASE.replace("name: fade\n", ""), "my run.yaml")).name == "my-run"


def test_a_plugin_beside_the_yaml_is_found(write, tmp_path: Path) -> None:
    (tmp_path / "spread.py").write_text(
        "from tapeflow.indicators.framework.base import Indicator, Line\n\n\n"
        "class OwnSpread(Indicator):\n"
        "    lines = ('spread',)\n"
        "    inputs = ('high', 'low')\n"
        "    measures = {'spread': Line('high less low', price=1)}\n"
        "    def vec(self, high, low):\n"
        "        return (high - low,)\n"
    )
    text = BASE.replace("name: fade", "plugins: [spread.py]").replace("FlowToxicity, window: 240", "OwnSpread")
    config = load_config(write(text))
    assert config.indicators["tox"].kind == "OwnSpread"
    assert config.plugin_files == (tmp_path / "spread.py",)


def test_klines_refuse_what_only_a_tape_knows(write) -> None:
    text = BASE.replace("BinanceAggTrades", "BinanceKlines").replace("row_size: 10", "size_edges: [5, 6]")
    told = mistakes(write(text.replace("{kind: VolumeDelta}", "{kind: VolumeDelta, unit: count}")))
    assert any("data.btc.size_edges: BinanceKlines knows no trade sizes" in line for line in told)
    assert any("indicators.delta: " in line and "taker_buy_count" in line for line in told)


def test_a_size_is_either_a_share_or_an_amount(write) -> None:
    (told,) = mistakes(write(BASE.replace("{percent: 10}", "{percent: 10, fixed: 1}")))
    assert ": sizer: needs exactly one of percent, fixed, volatility, kelly, risk" in told


def test_times_must_be_in_order(write) -> None:
    (told,) = mistakes(write(BASE.replace("bars: 1m", "from: 2024-02-01, to: 2024-01-01")))
    assert ":4:3: data.btc: 'from' 2024-02-01T00:00:00Z is not before 'to' 2024-01-01T00:00:00Z" in told


def test_names_the_rules_reserve_are_functions_and_hold_those_without_brackets() -> None:
    assert set(FUNCTIONS) == set(expressions.FUNCTIONS) >= set(RESERVED)
    assert {name for name, function in expressions.FUNCTIONS.items() if function.bare} <= set(RESERVED)


def test_the_schema_names_every_parameter_of_every_plugin() -> None:
    defs = config_schema()["$defs"]
    for name in INDICATORS:
        assert INDICATORS[name].defaults().keys() <= defs[f"indicator.{name}"]["properties"].keys()
    assert defs["indicator.talib.MACD"]["properties"]["slowperiod"]["default"] == 26
    for name in STRATEGIES:
        own = defs[f"strategy.{name}"]["properties"]["params"]["properties"]
        assert STRATEGIES[name].defaults().keys() == own.keys()


def test_a_feed_shares_the_common_keys_it_declares_and_the_seed_of_the_run(write) -> None:
    block = "{feed: SyntheticTape, tick: 0.5, start: 2024-06-01, from: 2024-06-02}"
    text = f"data: {{a: {block}}}\nstrategy: {{kind: DeltaMomentum}}\n"
    config = load_config(write(text), ["seed=7"])
    made = config.data["a"]
    assert (made.tick, made.params["tick"], made.params["seed"]) == (0.5, 0.5, 7)
    assert (made.params["start"], config.resolved()["data"]["a"]["from"]) == ("2024-06-01", "2024-06-02T00:00:00Z")
    assert load_config(write(text), ["seed=7", "data.a.seed=8"]).data["a"].params["seed"] == 8


@pytest.mark.parametrize(
    ("block", "begin", "end"),
    [
        ("from: 1774800000, period: 3600", "2026-03-29T16:00:00Z", "2026-03-29T17:00:00Z"),
        ("from: 1774800000000, to: 1774803600", "2026-03-29T16:00:00Z", "2026-03-29T17:00:00Z"),
        ("from: 2026-03-29, period: 4h", "2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z"),
    ],
)
def test_times_may_be_seconds_or_milliseconds_with_a_period(write, block, begin, end) -> None:
    data = load_config(write(BASE.replace("bars: 1m", block))).data["btc"]
    assert (iso(data.start), iso(data.end)) == (begin, end)


@pytest.mark.parametrize("block", ["period: 3600", "from: 1774800000, to: 1774803600, period: 1h"])
def test_a_period_needs_from_and_no_to(write, block) -> None:
    assert "period needs from beside it, and no to" in mistakes(write(BASE.replace("bars: 1m", block)))[0]

"""What people write who come from elsewhere is told by the name that it has here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import load_config
from tapeflow.configs.models import RunConfig
from tapeflow.configs.plugin import declared
from tapeflow.configs.shipped import find_config
from tapeflow.configs.universe import UNIVERSE_KEYS
from tapeflow.core.errors import ConfigError
from tapeflow.core.names import FUNCTIONS
from tapeflow.core.plugins.registry import FEEDS, INDICATORS, STRATEGIES
from tapeflow.core.schema import BAR_COLUMNS
from tapeflow.core.synonyms import meanings, plain

RULES = """\
name: meant
data:
  btc: {feed: SyntheticTape, days: 0.1, bars: 1m}
indicators:
  vwap: {kind: VWAP, anchor: 1d, bands: [2.0]}
strategy:
  kind: Rules
  params:
    long: {enter: "close < vwap.lower1", exit: "close >= vwap"}
    stop_loss: 0.5%
broker: {cash: 100000, fees: {maker: 2bp, taker: 5bp}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "fade.yaml"
    path.write_text(RULES)
    return path


def said(path: Path, setting: str) -> str:
    with pytest.raises(MistakesError) as caught:
        load_config(path, [setting])
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("broker.commission=1bp", "did you mean 'fees'?"),
        ("broker.initial_cash=5", "did you mean 'cash'?"),
        ("broker.fees.commission=1bp", "did you mean 'taker'?"),
        ("broker.leverage=3", "which belongs to data.NAME.instrument"),
        ("broker.daily_loss=1%", "which belongs to risk "),
        ("sizer.size=3", "did you mean 'fixed'?"),
        ("sizer.pct=3", "did you mean 'percent'?"),
        ("strategy.params.sl=1%", "did you mean 'stop_loss'?"),
        ("strategy.params.stop=1%", "did you mean 'stop_loss'?"),
        ("strategy.params.tp=1%", "did you mean 'take_profit'?"),
        ("strategy.params.max_hold=10", "did you mean 'time_stop'?"),
        ("strategy.params.long.entry=close > 1", "did you mean 'enter'?"),
        ("strategy.kind=rules", "did you mean 'Rules'?"),
        ("data.btc.timeframe=5m", "did you mean 'bars'?"),
        ("data.btc.since=2024-01-01", "did you mean 'from'?"),
        ("data.btc.filename=a.csv", "did you mean 'path'?"),
        ("data.btc.feed=csv", "did you mean 'CsvTape'?"),
        ("data.btc.feed=PandasData", "did you mean 'CsvBars'?"),
        ("data.btc.feed=Binance", "did you mean 'BinanceAggTrades'?"),
        ("indicators.x={kind: Vwap}", "did you mean 'VWAP'?"),
        ("indicators.x={kind: Delta}", "did you mean 'VolumeDelta'?"),
        ("indicators.x={kind: rsi}", "did you mean 'talib.RSI' or 'bt.RSI'?"),
        ("indicators.x={kind: Bollinger}", "did you mean 'talib.BBANDS' or 'bt.BBands'?"),
        ("indicators.x={kind: POC}", "did you mean 'VolumeProfile'?"),
        ("broker.fees=5bp", "; write fees: {taker: 5bp}"),
        ("sizer=10%", "; write sizer: {percent: 10}"),
        ("indicators.r=talib.RSI", "; write r: {kind: talib.RSI}"),
        ("engine=fast", "did you mean 'compiled'?"),
        ("fills=ticks", "did you mean 'tape'?"),
        ("portfolio={max_position: 5}", "did you mean 'max_positions'?"),
        ("portfolio={rebalance: daily}", "; write rebalance: {every: 1d, band: 1%}"),
        ("portfolio={weights: {btc: 0.5}}", "must be one expression, which is asked for each instrument"),
        ("universe=[BTC]", "did you mean 'trade'?"),
        ("data.btc.symbol=[BTC]", "did you mean 'symbols'?"),
        ("data.btc.but={BTC: {seed: 2}}", "is of a block with symbols"),
        ("indicators.r={kind: talib.RSI, length: 14}", "did you mean 'timeperiod'?"),
        ("broker.cash=100,000", "must be a number: write 100000 (got '100,000')"),
        ("broker.cash=$2.5k", "must be a number: write 2500 (got"),
        ("broker.cash='1.000'", "must be a number (got '1.000')"),
        ("broker.cash=plenty", "must be a number (got 'plenty')"),
    ],
)
def test_a_key_or_a_name_of_another_tool_is_told_by_ours(rules: Path, setting: str, named: str) -> None:
    assert named in said(rules, setting)


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        ("close < vwap && close > open", "column 14: this is no expression: '&&' is 'and' here, did you mean"),
        ("close < vwap || close > open", "did you mean 'close < vwap or close > open'?"),
        ("close = vwap", "column 7: this is no expression: '=' is '==' here, did you mean 'close == vwap'?"),
        ("close <> vwap", "did you mean 'close != vwap'?"),
        ("close => vwap", "did you mean 'close >= vwap'?"),
        ("close > open and !(close > vwap)", "did you mean 'close > open and not (close > vwap)'?"),
        ("close < vwap AND close > open", "did you mean 'close < vwap and close > open'?"),
        ("close crosses above vwap", "did you mean 'crossover(close, vwap)'?"),
        ("close > time('a&&b') &&", "column 22: this is no expression: '&&' is 'and' here"),
        ("(close > vwap) & (close > open)", "BitAnd is not allowed; write 'and'"),
        ("~(close > vwap)", "Invert is not allowed; write 'not'"),
        ("1 if close > open else 0", "IfExp is not allowed; write where(condition, a, b)"),
        ("close < sma(close, 20)", "unknown function 'sma'; write 'mean(close, 20)'"),
        ("close < sma(20)", "write 'mean(close, 20)'"),
        ("close < sma", "{sma: {kind: talib.SMA}}"),
        ("close < close.shift(2)", "write 'close[2]'"),
        ("close < close[-1]", "write close[1]"),
        ("close < close.rolling(20).max()", "write 'highest(close, 20)'"),
        ("qtpylib.crossed_above(close, vwap)", "write 'crossover(close, vwap)'"),
        ("ta.barssince(close > open) > 3", "write 'since(close > open)'"),
        ("nz(vwap) > 0", "write 'where(known(vwap), vwap, 0)'"),
        ("rsi(14) < 30", "{rsi: {kind: talib.RSI}}"),
        ("rsi < 30", "{rsi: {kind: talib.RSI}}"),
        ("delta > 0", "{delta: {kind: VolumeDelta}}"),
        ("close < hl2", "write '(high + low) / 2'"),
        ("price > vwap", "did you mean 'close'?"),
        ("if close > vwap then buy", "'if': a rule is the condition alone, did you mean 'close > vwap'?"),
        ("close is above vwap", "'is above' is '>' here, did you mean 'close > vwap'?"),
        ("close ≥ vwap", "'≥' is '>=' here, did you mean 'close >= vwap'?"),
        ("time > 9:30", "column 8: this is no expression: '9:30': a time stands in quotes"),
        ("volume > 1,000", "write and between conditions, and 1000 without a comma"),
        ("close > vwap and", "nothing follows 'and'"),
        ("(close > vwap", "a '(' is not closed"),
        ("hour > 9", "write time, as in time >= '09:30'"),
        ("top(close / close[12], 5)", "write 'rank(close / close[12]) <= 5'"),
        ("rank(close) in top 5", "did you mean 'rank(close) <= 5'?"),
    ],
)
def test_a_rule_in_another_language_is_told_in_ours(rules: Path, rule: str, remedy: str) -> None:
    assert remedy in said(rules, f"strategy.params.long.enter={rule}")


def test_the_remedies_are_rules_themselves(rules: Path) -> None:
    for rule in (
        "close < vwap && close > open",
        "close < sma(20)",
        "close < close.shift(2)",
        "close crosses above vwap",
    ):
        line = said(rules, f"strategy.params.long.enter={rule}")
        remedy = line.rpartition(" '")[2].partition("'")[0]
        whole = remedy if "sma" not in rule and "shift" not in rule else f"close < {remedy}"
        assert load_config(rules, [f"strategy.params.long.enter={whole}"]).strategy.params["long"]["enter"] == whole


def test_a_negation_that_yaml_takes_for_a_tag_is_explained(rules: Path) -> None:
    rules.write_text(RULES.replace('"close >= vwap"', "!(close < vwap)"))
    with pytest.raises(ConfigError, match="! begins a tag; in a rule write not"):
        load_config(rules)


def test_a_config_is_found_by_what_stands_beside(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(rules.parent)
    for name in ("fade", "fad"):
        with pytest.raises(ConfigError, match=rf"no file '{name}', did you mean 'fade\.yaml'\?"):
            find_config(name)
    with pytest.raises(ConfigError, match=r"fade\.yml: no such file, did you mean 'fade\.yaml'\?"):
        load_config(find_config("fade.yml"))
    (rules.parent / "configs").mkdir()
    rules.rename(rules.parent / "configs" / "other.yaml")
    with pytest.raises(ConfigError, match=r"did you mean 'configs/other\.yaml'\?"):
        find_config("other")


def test_every_word_that_is_meant_exists() -> None:
    known = {plain(name) for name in (*FEEDS, *STRATEGIES, *INDICATORS, *FUNCTIONS, *BAR_COLUMNS)}
    known |= {plain(name) for names in INDICATORS.families().values() for name in names}
    known |= {plain(key) for key in keys(RunConfig)} | {plain(key) for key in declared(STRATEGIES.find("Rules"))}
    known |= {"enter", "exit", "tif", "postonly", "takerbuyvolume", "takersellvolume"}
    known |= {plain(param) for cls in INDICATORS.values() for param in declared(cls)}
    known |= {*UNIVERSE_KEYS, "equal", plain("inverse_volatility")}
    known |= {"um", "cm", "spot", "linear", "inverse", "tape", "compiled", "timeperiod"}
    assert {word: names for word, names in meanings().items() if not {plain(n) for n in names} <= known} == {}


def keys(model: type) -> set[str]:
    """The keys of a block and of all blocks within it."""
    from tapeflow.configs.errors import _model_in

    made: set[str] = set()
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        made.add(field.alias or name)
        inner = _model_in(field)
        made |= keys(inner) if inner is not None else set()
    return made

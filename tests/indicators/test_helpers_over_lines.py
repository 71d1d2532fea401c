"""Z-scores, ranks and rolling statistics over columns and over other indicators' lines, wherever these are named."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
import talib
from click.testing import CliRunner

from tapeflow.cli.compute import command
from tapeflow.configs.errors import MistakesError
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.errors import InputError, ParamError
from tapeflow.core.lines import bar_data
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.framework.dependencies import all_over, in_order
from tapeflow.indicators.percentile import Percentile
from tapeflow.indicators.rolling import Rolling
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.z_score import ZScore
from tapeflow.strategies.framework.base import Strategy, Use

BARS = sample_bars(200, seed=41)
GAPPY = empty_bars(BARS, np.flatnonzero(np.random.default_rng(4).random(200) < 0.2))
NAN = math.nan
# Few distinct values, so that ties and windows without deviation occur.
TIES = np.random.default_rng(5).integers(0, 4, 300).astype(float)


def _close(expected: Any, actual: Any) -> None:
    np.testing.assert_allclose(np.asarray(actual, float), np.asarray(expected, float), rtol=1e-9, atol=1e-12)


# The helpers themselves.


def _score(part: list[float], value: float, ddof: int, robust: bool) -> float:
    if robust:
        middle = statistics.median(part)
        sd = 1.4826 * statistics.median(abs(v - middle) for v in part)
    else:
        middle = math.fsum(part) / len(part)
        left = len(part) - ddof
        sd = math.sqrt(math.fsum((v - middle) ** 2 for v in part) / left) if left else 0.0
    return (value - middle) / sd if sd else NAN


@pytest.mark.parametrize("values", [BARS["volume"], TIES], ids=["volume", "ties"])
@pytest.mark.parametrize("current", [True, False])
@pytest.mark.parametrize(
    ("window", "least", "ddof", "robust"),
    [(20, None, 1, False), (20, 4, 0, False), (None, None, 1, False), (15, None, 1, True), (16, 3, 1, True)],
)
def test_a_z_score_is_its_definition(
    values: Any, current: bool, window: int | None, least: int | None, ddof: int, robust: bool
) -> None:
    held: list[float] = []
    expected = []
    for value in values.tolist():
        seen = [*held, value] if current else [*held]
        part = seen[-window:] if window else seen
        held.append(value)
        enough = len(part) >= (least or window or 2)
        expected.append(_score(part, value, ddof, robust) if enough else NAN)
    params = dict(window=window, min_periods=least, ddof=ddof, robust=robust, include_current=current)
    _close(expected, ZScore.over(pd.Series(values), **params)["z"])


@pytest.mark.parametrize("ties", ["weak", "strict", "mean"])
@pytest.mark.parametrize(("window", "least"), [(20, None), (7, 1)])
def test_a_percentile_is_a_share_of_the_window(ties: str, window: int, least: int | None) -> None:
    expected = []
    for i, value in enumerate(TIES.tolist()):
        part = TIES.tolist()[max(0, i + 1 - window) : i + 1]
        below, upto = sum(v < value for v in part), sum(v <= value for v in part)
        count = {"weak": upto, "strict": below, "mean": (below + upto) / 2}[ties]
        expected.append(count / len(part) if len(part) >= (least or window) else NAN)
    _close(expected, Percentile.over(pd.Series(TIES), window=window, min_periods=least, ties=ties)["percentile"])


PLAIN: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "mean": lambda part: math.fsum(part) / len(part),
    "min": min,
    "max": max,
    "median": statistics.median,
    "std": lambda part: statistics.stdev(part) if len(part) > 1 else NAN,
}


@pytest.mark.parametrize("values", [BARS["quote_volume"], TIES], ids=["notional", "ties"])
@pytest.mark.parametrize("function", PLAIN)
@pytest.mark.parametrize(("window", "least"), [(20, None), (7, 1), (1, None)])
def test_a_rolling_statistic_is_its_definition(values: Any, function: str, window: int, least: int | None) -> None:
    expected = []
    for i in range(len(values)):
        part = values.tolist()[max(0, i + 1 - window) : i + 1]
        expected.append(PLAIN[function](part) if len(part) >= (least or window) else NAN)
    made = Rolling.over(pd.Series(values), function=function, window=window, min_periods=least)
    _close(expected, made["value"])


def test_an_outlier_that_left_the_window_leaves_no_trace_in_a_sum() -> None:
    values = pd.Series([1e17, *[0.1] * 50])
    assert Rolling.over(values, function="sum", window=10)["value"].iloc[-1] == pytest.approx(1.0, rel=1e-15)


def test_a_value_that_is_missing_is_no_observation() -> None:
    holed = pd.Series([1.0, NAN, 3.0, NAN, 5.0])
    assert Rolling.over(holed, window=2)["value"].fillna(-1).tolist() == [-1, -1, 2, -1, 4]


def test_the_unit_of_a_rolling_statistic_is_its_columns() -> None:
    assert Rolling.line_measures(of="taker_buy_quote_volume")["value"].unit == "quote"
    assert Rolling.line_measures(of="delta.percent")["value"].unit == "as its input"


@pytest.mark.parametrize(
    ("cls", "params", "says"),
    [
        (ZScore, {"window": None, "robust": True}, "robust needs a window"),
        (ZScore, {"window": 5, "min_periods": 6}, r"min_periods must be at most the window, 5 \(got 6\)"),
        (Rolling, {"window": 5, "min_periods": 6}, "min_periods must be at most the window"),
        (Percentile, {"of": "a.b.c"}, "of must be a column, or another indicator's name"),
        (Rolling, {"function": "mode"}, "function must be one of 'sum', 'mean'"),
    ],
)
def test_wrong_parameters_are_told(cls: Any, params: dict[str, Any], says: str) -> None:
    with pytest.raises(ParamError, match=f"^{cls.kind}: {says}"):
        cls.over(BARS, **params)


# Lines of other indicators, in a strategy.

CHAIN = {
    "late": Use("Rolling", {"of": "z", "window": 4}),
    "z": Use("ZScore", {"of": "delta.percent", "window": 10}),
    "rsi": Use("talib.RSI", {"input": "late.value", "timeperiod": 5}),
    "delta": Use("VolumeDelta", {}),
    "both": Use("talib.BETA", {"input0": "close", "input1": "delta", "timeperiod": 5}),
}


def _run(uses: dict[str, Use], bars: Bars, **mode: Any) -> Any:
    chosen = uses

    class Holding(Strategy):
        uses = chosen

    cerebro = bt.Cerebro(stdstats=False, **mode)
    cerebro.adddata(bar_data(bars))
    cerebro.addstrategy(Holding)
    return cerebro.run()[0]


def _values(strategy: Any, name: str) -> Any:
    line = strategy.indicators[name].lines[0]
    return np.array(line.array)[: len(BARS)]


def _expected(bars: Bars) -> dict[str, Any]:
    delta = VolumeDelta.over(bars)
    z = ZScore.over(delta["percent"], window=10)["z"]
    late = Rolling.over(z, window=4)["value"]
    rsi = INDICATORS.find("talib.RSI").over(late, timeperiod=5)["rsi"]
    both = talib.BETA(np.array(bars["close"]), np.array(delta["delta"]), timeperiod=5)
    return {"delta": delta["delta"], "z": z, "late": late, "rsi": rsi, "both": both}


@pytest.mark.parametrize("mode", [{"runonce": True}, {"runonce": False}, {"preload": False, "runonce": False}], ids=str)
@pytest.mark.parametrize("bars", [BARS, GAPPY], ids=["live", "gappy"])
def test_a_chain_of_indicators_gives_the_same_bits_in_a_strategy(bars: Bars, mode: dict[str, Any]) -> None:
    strategy = _run(CHAIN, bars, **mode)
    first = max(strategy._minperiods)
    for name, values in _expected(bars).items():
        actual = _values(strategy, name)
        assert np.array_equal(np.asarray(values)[first:], actual[first:], equal_nan=True), name


def test_indicators_stand_in_the_order_in_which_they_were_declared() -> None:
    assert list(_run(CHAIN, BARS).indicators) == list(CHAIN)


def test_the_first_value_waits_for_what_is_read() -> None:
    assert _run({k: CHAIN[k] for k in ("delta", "z", "late")}, BARS).late._minperiod == 1 + 9 + 3


def test_a_line_can_be_handed_over_by_hand() -> None:
    class Holding(bt.Strategy):
        def __init__(self) -> None:
            delta = VolumeDelta(self.data)
            self.named = ZScore(self.data, delta.lines.percent, of="delta.percent", window=10)
            self.alone = ZScore(delta.lines.percent, window=10)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bar_data(BARS))
    cerebro.addstrategy(Holding)
    made = cerebro.run()[0]
    assert np.array_equal(np.array(made.named.array), np.array(made.alone.array), equal_nan=True)
    _close(_expected(BARS)["z"], np.array(made.named.array)[: len(BARS)])


@pytest.mark.parametrize(
    ("uses", "error", "says"),
    [
        ({"a": Use("Rolling", {"of": "b"}), "b": Use("Rolling", {"of": "a"})}, ParamError, "in a circle: a → b → a"),
        ({"a": Use("Rolling", {"of": "a.value"})}, ParamError, "in a circle: a → a"),
        (
            {"delta": Use("VolumeDelta"), "a": Use("Rolling", {"of": "delta.precent"})},
            InputError,
            "'delta.precent': unknown line 'precent', did you mean 'percent'",
        ),
        ({"delta": Use("VolumeDelta"), "a": Use("Rolling", {"of": "dleta.percent"})}, InputError, "mean 'delta'"),
        ({"a": Use("Rolling", {"of": "closse"})}, InputError, "Rolling reads 'closse'.*did you mean 'close'"),
    ],
)
def test_what_is_not_there_is_told_by_the_strategy(uses: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        _run(uses, BARS)


def test_a_long_chain_is_put_in_order() -> None:
    names = [f"a{i}" for i in range(50)]
    uses = {n: (Rolling, {"of": names[i + 1] if i < 49 else "close"}) for i, n in enumerate(names)}
    assert in_order(uses) == names[::-1]


# In a file.

YAML = """\
data:
  btc: {feed: SyntheticTape, days: 0.1}
  eth: {feed: SyntheticTape, days: 0.1, bars: 5m}
indicators:
  smooth: {kind: talib.EMA, input: z, timeperiod: 3}
  z: {kind: ZScore, of: delta.percent, window: 10}
  delta: {kind: VolumeDelta}
  sizes: {kind: OrderSizeFlow, edges: aperiodic}
strategy: {kind: Rules, params: {long: {enter: "z > 1 and smooth > 0", exit: "z < 0"}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Everything wrong with the YAML in which something is replaced."""

    def told(old: str = "", new: str = "") -> list[str]:
        path = tmp_path / "run.yaml"
        path.write_text(YAML.replace(old, new) if old else YAML, encoding="utf-8")
        try:
            load_config(path)
        except MistakesError as err:
            return [line.split("run.yaml:")[-1] for line in str(err).splitlines()]
        return []

    return told


def test_a_file_may_name_lines_in_any_order(config: Any) -> None:
    assert config() == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("delta.percent", "delta.precent", "6:25: indicators.z.of: 'delta.precent': unknown line of delta 'precent'"),
        ("delta.percent", "dlta.percent", "6:25: indicators.z.of: 'dlta.percent': unknown indicator 'dlta', did you"),
        ("delta.percent", "clos", "6:3: indicators.z: ZScore reads 'clos', which SyntheticTape does not carry"),
        (
            "delta.percent",
            "smooth",
            "5:36: indicators.smooth.input: indicators read each other in a circle: smooth → z",
        ),
        (
            "{kind: VolumeDelta}",
            "{kind: VolumeDelta, data: eth}",
            "indicators.z.of: 'delta.percent' has the bars of eth",
        ),
        ("edges: aperiodic", "edges: amberdata", "8:39: indicators.sizes.edges: are [1000, 10000], but size_edges of"),
        ("input: z", "input: 3", "indicators.smooth.input: must be a column, or another indicator's name or name.line"),
    ],
)
def test_a_file_that_names_what_is_not_there_is_told_where(config: Any, old: str, new: str, says: str) -> None:
    told = config(old, new)
    assert len(told) == 1, told
    assert says in told[0]


# Over bars alone.


def test_lines_over_bars_are_computed_in_the_order_in_which_they_are_read() -> None:
    uses = {
        "z": (ZScore, {"of": "delta.percent", "window": 10}),
        "delta": (VolumeDelta, {}),
        "main": (Rolling, {"of": "delta", "window": 3}),
    }
    made = all_over(BARS, uses)
    assert list(made) == ["z", "delta", "main"]
    assert np.array_equal(made["z"]["z"], _expected(BARS)["z"], equal_nan=True)
    _close(made["delta"]["delta"].rolling(3).mean(), made["main"]["value"])


def test_a_line_that_is_not_there_is_told_over_bars_too() -> None:
    with pytest.raises(InputError, match=r"ZScore reads 'delta.precent'"):
        all_over(BARS, {"delta": (VolumeDelta, {}), "z": (ZScore, {"of": "delta.precent"})})


def test_compute_knows_lines_of_other_indicators(tmp_path: Path) -> None:
    out = tmp_path / "lines.csv"
    frame = pd.DataFrame(
        {
            "time": [1_700_000_000_000 + 20_000 * i for i in range(60)],
            "price": [100.0 + i % 7 for i in range(60)],
            "id": range(60),
        }
    )
    rows = [f"{i},{p},1.0,{i},{i},{t},{'True' if i % 3 else 'False'},True" for t, p, i in frame.itertuples(index=False)]
    (tmp_path / "BTCUSDT-aggTrades-2023-11-14.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = CliRunner().invoke(
        command,
        [
            *(str(tmp_path / "BTCUSDT-aggTrades-2023-11-14.csv"), "--feed", "BinanceAggTrades", "--bars", "1m"),
            *("--indicator", "m=Rolling(of=d.percent, window=2)", "--indicator", "d=VolumeDelta", "--out", str(out)),
        ],
    )
    assert done.exit_code == 0, done.output
    made = pd.read_csv(out)
    _close(made["d.percent"].rolling(2).mean(), made["m.value"])

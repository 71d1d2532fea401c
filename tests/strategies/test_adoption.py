"""Plain backtrader strategies in plugins: adopted, protected, equal to plain backtrader; scripts held off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

import tapeflow as tf
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import STRATEGIES

PLAIN = """
import backtrader as bt


class Averages(bt.Strategy):
    params = (("period", 15), ("printlog", False), ("stop_loss", 0.001))

    def __init__(self):
        self.order = None
        self.average = bt.indicators.SMA(self.datas[0].close, period=self.params.period)

    def notify_order(self, order):
        if order.status not in (order.Submitted, order.Accepted):
            self.order = None

    def next(self):
        price = self.data.close[0]
        if self.order:
            return
        if not self.position:
            if price > self.average[0]:
                self.order = self.buy(size=0.1)
        elif price < self.average[0] or price < self.position.price * (1 - self.p.stop_loss):
            self.order = self.close()


class Later(Averages):
    params = (("period", 40),)


class Claims(bt.Strategy):
    def signals(self):
        return []


class BySignal(bt.SignalStrategy):
    pass
"""
SCRIPT = (
    PLAIN
    + """

cerebro = bt.Cerebro()
cerebro.addstrategy(Averages)
cerebro.adddata(bt.feeds.GenericCSVData(dataname="nowhere.csv"))
cerebro.broker.setcash(1000.0)
cerebro.broker.setcommission(commission=0.002)
cerebro.broker.setcommission(commission=2.0, mult=50.0, margin=2000.0, name="es")
cerebro.addsizer(bt.sizers.FixedSize, stake=10)
try:
    strategies = cerebro.run()
except Exception:
    raise SystemExit("a script may catch what it likes")
print(strategies[0])
"""
)


def config(folder: Path, text: str, kind: str = "Averages", **more: Any) -> Path:
    """A config whose plugin is the script ``text``, under a name that no other test loads."""
    module = f"plain_{folder.name[-12:].replace('-', '_')}"
    (folder / f"{module}.py").write_text(text)
    path = folder / "run.yaml"
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    path.write_text(
        f"plugins: [{module}.py]\ndata: {{m: {{feed: SyntheticTape, days: 0.4, bars: 1m}}}}\n"
        f"strategy: {{kind: {kind}}}\n{extra}"
    )
    return path


@pytest.fixture(autouse=True)
def _forget() -> Any:
    """Each test's classes are its own."""
    yield
    for name in [n for n, cls in STRATEGIES._classes.items() if cls.__module__.startswith("tapeflow_local_")]:
        del STRATEGIES._classes[name]


def by_hand(bars: Any, kind: Any, **params: Any) -> tuple[float, int]:
    """The same on a plain Cerebro: the last value, and how many orders were sent."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(tf.data(bars))
    cerebro.addstrategy(kind, **params)
    cerebro.broker.setcash(100_000.0)
    (made,) = cerebro.run()
    return cerebro.broker.getvalue(), len(made.broker.orders)


@pytest.mark.parametrize("engine", ["stock", "backtrader"])
@pytest.mark.parametrize(("kind", "params"), [("Averages", {}), ("Averages", {"period": 7}), ("Later", {})])
def test_a_plain_strategy_runs_as_it_would_by_hand(
    tmp_path: Path, engine: str, kind: str, params: dict[str, Any]
) -> None:
    path = config(tmp_path, PLAIN, kind, broker="{cash: 100000}", engine=engine)
    made = tf.run(str(path), tmp_path / "out", report=False, **{f"strategy.params.{k}": v for k, v in params.items()})
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(PLAIN, "plain.py", "exec"), space)  # noqa: S102 (the text above)
    bars = tf.bars((), feed="SyntheticTape", days=0.4)
    value, orders = by_hand(bars, space[kind], **params)
    assert (made.stats["final_value"], made.stats["orders"]) == (value, orders)
    assert orders > 20


def test_its_own_parameter_protects_nothing_and_the_risk_block_does(tmp_path: Path) -> None:
    plain = tf.run(str(config(tmp_path, PLAIN)), tmp_path / "a", report=False)
    path = config(tmp_path, PLAIN, risk="{stop_loss: 0.05%}")
    guarded = tf.run(str(path), tmp_path / "b", report=False)
    assert not plain.orders["reason"].str.contains("stop_loss").any()
    assert guarded.orders["reason"].str.contains("stop_loss").any()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("perod", 5, "unknown parameter 'perod', did you mean 'period'"),
        ("period", "x", "period: must be a whole number"),
        ("printlog", 3, "printlog"),
    ],
)
def test_its_parameters_are_checked(tmp_path: Path, key: str, value: Any, says: str) -> None:
    with pytest.raises(TapeflowError, match=says):
        load_config(config(tmp_path, PLAIN), [f"strategy.params.{key}={value}"])


@pytest.mark.parametrize("kind", ["Claims", "BySignal"])
def test_a_class_that_cannot_be_adopted_is_told_the_line_to_write(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TapeflowError, match=rf"does not subclass ours: .*class {kind}\(Strategy\):") as caught:
        load_config(config(tmp_path, PLAIN, kind))
    runs_as_it_is = "as it is, `python -m tapeflow.fast" in str(caught.value)
    assert runs_as_it_is == (kind == "BySignal")


def test_a_script_is_held_off_where_it_would_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tf.run(str(config(tmp_path, SCRIPT)), tmp_path / "out", report=False)
    assert capsys.readouterr().out == ""
    (said,) = [one for one in made.summary["warnings"] if "runs a backtest" in one]
    assert ": runs a backtest when it is imported; it was left there" in said
    assert (
        "(cash 1,000, commission 0.002, commission 2 mult 50 margin 2000 of es, sizer FixedSize, feed nowhere)" in said
    )
    assert made.stats["orders"] > 20
    assert bt.Cerebro.run.__module__ == "backtrader.cerebro"


def test_a_script_that_shields_its_run_is_as_it_was(tmp_path: Path) -> None:
    shielded = PLAIN + "\n\nif __name__ == '__main__':\n    bt.Cerebro().run()\n"
    made = tf.run(str(config(tmp_path, shielded)), tmp_path / "out", report=False)
    assert not [one for one in made.summary["warnings"] if "runs a backtest" in one]


def test_a_parameter_that_is_a_class_stays_the_codes_own(tmp_path: Path) -> None:
    text = PLAIN.replace("params = ((", "params = (('ma', bt.ind.SMA), (", 1).replace("bt.indicators.SMA", "self.p.ma")
    made = tf.run(str(config(tmp_path, text, broker="{cash: 100000}")), tmp_path / "out", report=False)
    space: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, "plain.py", "exec"), space)  # noqa: S102 (the text above)
    value, _ = by_hand(tf.bars((), feed="SyntheticTape", days=0.4), space["Averages"])
    assert made.stats["final_value"] == value
    with pytest.raises(TapeflowError, match="'ma' is SMA in the code of Averages, which YAML cannot say: change it"):
        load_config(tmp_path / "run.yaml", ["strategy.params.ma=EMA"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("set_cash(5000.0)", "broker.set_cash: the run's YAML says it: broker: {cash: …}"),
        ("setcommission(commission=0.001)", "broker.setcommission: the run's YAML says it: broker: {fees: "),
        ("set_slippage_perc(0.001)", "broker.set_slippage_perc: the run's YAML says it: broker: {slippage: …}"),
        ("add_cash(100.0)", "broker.add_cash: no key of a YAML; a Cerebro of your own takes it"),
        ("set_coc(True)", "broker.set_coc: no key of a YAML; a Cerebro of your own takes it"),
    ],
)
@pytest.mark.parametrize("engine", ["stock", "backtrader"])
def test_what_the_yaml_says_of_the_broker_is_said_there(tmp_path: Path, call: str, says: str, engine: str) -> None:
    text = PLAIN.replace(
        "        self.order = None\n        self.average", f"        self.broker.{call}\n        self.average"
    )
    with pytest.raises(TapeflowError) as caught:
        tf.run(str(config(tmp_path, text, engine=engine)), tmp_path / "out", report=False)
    line = 1 + text[: text.index(f"self.broker.{call}")].count("\n")
    assert f".py:{line}: {says}" in str(caught.value)
    assert not (tmp_path / "out").exists()

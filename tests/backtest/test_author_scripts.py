"""Scripts written for backtrader come to what they come to there, to the cent, with only their base class changed."""

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import load_config

SCRIPTS = Path(__file__).with_name("author_scripts.py")
ONE, TEN = {"fixed": 1}, {"percent": 10}
PLAIN = {
    "fixed": lambda cerebro, size: cerebro.addsizer(bt.sizers.FixedSize, stake=size),
    "percent": lambda cerebro, size: cerebro.addsizer(bt.sizers.PercentSizerInt, percents=size),
}
FEW = 10
"""Orders that a script sends at least: one that trades nothing shows nothing."""


def _scripts(path: Path) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location(f"scripts_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {n: c for n, c in vars(module).items() if inspect.isclass(c) and c.__module__ == spec.name}


STOCK = _scripts(SCRIPTS)


def market(seed: int) -> pd.DataFrame:
    """Hourly bars of a random walk with gaps, in cents, stamped at their closes."""
    rng, n = np.random.default_rng(seed), 500
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.008, n)))
    opened = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 0.001, n))
    high, low = np.maximum(opened, close) + 0.3, np.minimum(opened, close) - 0.3
    frame = pd.DataFrame({"open": opened, "high": high, "low": low, "close": close}).round(2)
    frame["volume"] = 1000.0
    frame.index = pd.date_range("2024-01-01 01:00", periods=n, freq="h")
    return frame


def in_backtrader(kind: Any, frames: dict[str, pd.DataFrame], sizer: dict[str, float]) -> tuple[float, list[Any]]:
    """Final value and executions of a script in plain backtrader."""
    cerebro = bt.Cerebro()
    for name, frame in frames.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=name)
    ((how, size),) = sizer.items()
    PLAIN[how](cerebro, size)
    cerebro.broker.setcash(10_000.0)
    cerebro.broker.setcommission(commission=0.001)
    cerebro.addstrategy(kind)
    strategy = cerebro.run()[0]
    filled = [o for o in strategy._orders if o.status == o.Completed]
    return cerebro.broker.getvalue(), [(o.isbuy(), abs(o.executed.size), round(o.executed.price, 6)) for o in filled]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    """Two markets."""
    return {"a": market(3), "b": market(4)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, frames: dict[str, pd.DataFrame]) -> Path:
    """A folder with the markets as files, and the scripts with only their base class changed."""
    folder = tmp_path_factory.mktemp("scripts")
    text = SCRIPTS.read_text().replace("(bt.Strategy)", "(Strategy)")
    head = "import backtrader as bt\n"
    (folder / "ours.py").write_text(
        text.replace(head, head + "\nfrom tapeflow.strategies.framework.base import Strategy\n")
    )
    for name, frame in frames.items():
        opened = (frame.index - pd.Timedelta("1h")).astype("datetime64[ms]").astype("int64")
        frame.assign(time=opened).to_csv(folder / f"{name}.csv", index=False)
    return folder


def in_tapeflow(
    folder: Path, kind: str, names: list[str], sizer: dict[str, float], engine: str
) -> tuple[float, list[Any]]:
    """Final value and executions of a script as a plugin of a run."""
    ((how, size),) = sizer.items()
    blocks = "".join(f"  {name}: {{feed: CsvBars, path: {name}.csv, tick: 0.01, lot: 1}}\n" for name in names)
    path = folder / f"{kind}-{how}-{engine}.yaml"
    path.write_text(
        f"plugins: [ours.py]\nengine: {engine}\ndata:\n{blocks}strategy: {{kind: {kind}}}\n"
        f"sizer: {{{how}: {size}}}\nbroker: {{cash: 10000, fees: {{maker: 0.1%, taker: 0.1%}}}}\n"
    )
    config = load_config(path)
    sources: dict[str, Any] = {}
    for name in config.data:
        sources |= read(config, name, lambda text: None)
    outcome = simulate(config, sources)
    filled = [o for o in outcome.strategy._orders if o.status == o.Completed]
    made = [(o.isbuy(), abs(o.executed.size), round(o.executed.price, 6)) for o in filled]
    assert outcome.engine == engine, outcome.engine_reason
    return float(outcome.equity["value"][-1]), made


SIZED = ("QuickStart", "HoldForFive", "CrossAndClose", "Oscillator")
"""Scripts that leave every size to the sizer; of a position that is added to, ours is a share of the equity."""
RUNS = [(kind, ONE) for kind in sorted(STOCK)] + [(kind, TEN) for kind in SIZED]


@pytest.mark.parametrize("engine", ["stock", "backtrader"])
@pytest.mark.parametrize(("kind", "sizer"), RUNS)
def test_a_script_of_backtrader_comes_to_the_same_cent(
    kind: str, sizer: dict[str, float], engine: str, project: Path, frames: dict[str, pd.DataFrame]
) -> None:
    names = ["a", "b"] if kind == "Pairs" else ["a"]
    value, executions = in_backtrader(STOCK[kind], {name: frames[name] for name in names}, sizer)
    assert len(executions) >= FEW
    ours, same = in_tapeflow(project, kind, names, sizer, engine)
    assert same == executions
    assert ours == pytest.approx(value, abs=0.005)


def test_there_are_scripts_enough_and_the_quick_start_is_one_of_them() -> None:
    assert len(STOCK) >= 11
    assert "QuickStart" in STOCK

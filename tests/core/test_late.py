"""What the command line leaves out at its start is there when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tapeflow.core.plugins.registry import FEEDS


def python(script: str) -> list[str]:
    """The lines that a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


LATE = "import sys; from tapeflow.core.lazy_import import RARE, come_late; come_late(*RARE); come_late(*RARE)\n"


def test_backtrader_comes_without_talib_until_one_of_its_indicators_is_named() -> None:
    script = (
        "import backtrader as bt\n"
        "print([m for m in ('talib', 'pandas') if m in sys.modules])\n"
        "print(bt.talib.SMA.__name__, 'talib' in sys.modules)\n"
        "import backtrader.talib as again\n"
        "print(again is bt.talib is sys.modules['backtrader.talib'], len(again.__all__) > 100, again.__file__[-8:])\n"
    )
    assert python(LATE + script) == ["[]", "SMA True", "True True talib.py"]


def test_an_indicator_of_it_gives_the_same_numbers() -> None:
    script = (
        "import backtrader as bt\n"
        "from tapeflow.core.lines import bar_data\n"
        "from tapeflow.core.samples import sample_bars\n"
        "class S(bt.Strategy):\n"
        "    def __init__(self): self.mean = bt.talib.SMA(self.data.close, timeperiod=5)\n"
        "cerebro = bt.Cerebro(stdstats=False); cerebro.adddata(bar_data(sample_bars(50))); cerebro.addstrategy(S)\n"
        "print(list(cerebro.run()[0].mean.array)[-3:])\n"
    )
    assert python(LATE + script) == python(script)


def test_backtrader_comes_without_its_indicators_until_one_is_named() -> None:
    script = (
        "import backtrader as bt\n"
        "print([m for m in ('sma', 'basicops') if f'backtrader.indicators.{m}' in sys.modules])\n"
        "print(bt.ind.SMA.__name__, bt.ind is bt.indicators, bt.ind.Vortex.__name__, bt.ind.contrib.__name__)\n"
        "print(bt.strategies.MA_CrossOver.__name__, bt.studies.Fractal.__name__)\n"
    )
    assert python(LATE + script) == [
        "[]",
        "SMA True Vortex backtrader.indicators.contrib",
        "MA_CrossOver Fractal",
    ]


def test_all_names_of_what_comes_late_are_there() -> None:
    modules = ("indicators", "studies", "studies.contrib", "strategies")
    script = "import backtrader as bt\n" + "".join(f"print(sorted(dir(bt.{name})))\n" for name in modules)
    assert python(LATE + script) == python(script)


@pytest.mark.parametrize(
    "line",
    [
        "from backtrader.indicators.basicops import Average as X",
        "from backtrader.indicators import Average as X",
        "from backtrader.indicators import *; X = Average",
        "import backtrader.indicators.basicops as b; X = b.Average",
        "import backtrader.indicators.sma, backtrader; X = backtrader.indicators.Average",
        "from backtrader.studies.contrib.fractal import Fractal as X",
    ],
)
def test_it_is_imported_in_every_way_that_it_may_be_imported(line: str) -> None:
    assert python(LATE + line + "\nprint(X.__name__)") == ["Fractal" if "Fractal" in line else "Average"]


def test_what_was_imported_before_is_left_alone() -> None:
    script = "import backtrader.talib\nbefore = backtrader.talib\n" + LATE
    assert python(script + "import backtrader.talib\nprint(backtrader.talib is before, type(before).__name__)") == [
        "True module"
    ]


def test_all_other_modules_are_found_as_ever() -> None:
    assert python(LATE + "import json.tool, backtrader.indicators\nprint(type(json.tool).__name__)") == ["module"]
    assert python(LATE + "try: import backtrader.none\nexcept ModuleNotFoundError as err: print(err.name)") == [
        "backtrader.none"
    ]


def test_the_command_line_runs_without_pandas_where_no_report_and_no_talib_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "data: {a: {feed: SyntheticTape, days: 1}}\nindicators: {delta: {kind: VolumeDelta}}\n"
        "strategy: {kind: Rules, params: {long: {enter: delta > 0, exit: delta < 0}}}\n"
    )
    script = (
        "import sys\nfrom tapeflow.cli import main\n"
        f"try: main(['run', {str(tmp_path / 'run.yaml')!r}, '--out', {str(tmp_path / 'out')!r}, '-q', '--no-report'])\n"
        "except SystemExit as end: print(end.code)\n"
        "print([m for m in ('pandas', 'talib', 'matplotlib', 'rich') if m in sys.modules])\n"
    )
    assert python(script)[1:] == ["0", "[]"]


def test_a_feed_is_found_without_importing_all_others() -> None:
    script = (
        "import sys\nfrom tapeflow.core.plugins.registry import FEEDS\nprint(FEEDS.find('BinanceKlines').__name__)\n"
        "print([m for m in ('tardis', 'kraken', 'okx') if f'tapeflow.feeds.{m}' in sys.modules])\n"
    )
    assert python(script) == ["BinanceKlines", "[]"]
    assert FEEDS.find("BinanceKlines").__module__ == "tapeflow.feeds.binance"


def left_out(command: str, folder: Path) -> list[str]:
    """Which of some heavy packages a command never imports."""
    heavy = ("pandas", "talib", "pydantic", "backtrader", "rich", "pyarrow.dataset", "scipy", "matplotlib")
    script = (
        f"import sys; sys.argv = ['tapeflow', *{command.split()!r}]\n"
        "from tapeflow.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print(*[m for m in {heavy!r} if m not in sys.modules])\n"
    )
    call = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.splitlines()[-1].split()


@pytest.fixture(scope="module")
def klines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with half a day of one-minute klines and a config over them."""
    folder = tmp_path_factory.mktemp("late")
    rows = [
        f"{1_704_067_200_000 + 60_000 * k},100,102,98,{99 + k % 3},10,{1_704_067_259_999 + 60_000 * k},1000,5,4,400,0\n"
        for k in range(720)
    ]
    (folder / "BTCUSDT-1m-2024-01-01.csv").write_text("".join(rows))
    (folder / "run.yaml").write_text(
        "data: {btc: {feed: BinanceKlines, path: BTCUSDT-1m-2024-01-01.csv, market: spot}}\n"
        "strategy: {kind: DeltaMomentum}\nsizer: {percent: 5}\nbroker: {cash: 10000, fees: {maker: 1bp, taker: 1bp}}\n"
    )
    return folder


KLINES = "BTCUSDT-1m-2024-01-01.csv --feed BinanceKlines --market spot"


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (f"bars {KLINES} --bars 5m --out bars.parquet", "pandas talib pydantic backtrader rich scipy matplotlib"),
        (f"compute {KLINES} --indicator VWAP --out vwap.parquet", "pandas talib rich scipy matplotlib"),
        ("validate run.yaml", "pandas talib rich pyarrow.dataset scipy matplotlib"),
        ("run run.yaml --out out --no-report --json", "pandas talib pyarrow.dataset scipy matplotlib"),
    ],
)
def test_a_command_leaves_out_what_it_does_not_need(klines: Path, command: str, left: str) -> None:
    missing = set(left.split()) - set(left_out(command, klines))
    assert not missing

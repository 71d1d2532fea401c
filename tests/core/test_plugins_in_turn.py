"""Runs in one process, as in a notebook: each has its own plugins as they are now, whatever ran before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tapeflow as tf
from tapeflow.configs.loader import load_config
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import STRATEGIES

PLAIN = """import backtrader as bt
{imports}

class {name}(bt.Strategy):
    def next(self):
        if len(self) == 5:
            self.buy(size={size})
"""
OURS = """from tapeflow.strategies.base import Strategy


class {name}(Strategy):
    def next(self):
        if len(self) == 5:
            self.buy(size={size})
"""


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    rows = [f"2024-01-{day:02d},10,11,9,10,5" for day in range(1, 29)]
    (tmp_path / "bars.csv").write_text("\n".join(["date,open,high,low,close,volume", *rows]) + "\n")
    return tmp_path


def config_of(folder: Path, kind: str, *plugins: str) -> Any:
    """A config over those bars, in a file of its own."""
    path = folder / f"{'_'.join(plugins).replace('.py', '')}_{kind}.yaml"
    path.write_text(
        f"data: {{m: {{feed: CsvBars, path: bars.csv, lot: 1}}}}\nplugins: [{', '.join(plugins)}]\n"
        f"strategy: {{kind: {kind}}}\nbroker: {{cash: 1000}}\nsizer: {{fixed: 1}}\n"
    )
    return path


def sizes(config: Any, folder: Path) -> list[float]:
    made = tf.run(config, folder / "out", report=False)
    return list(made.orders["size"])


@pytest.mark.parametrize("text", [PLAIN, OURS])
def test_a_plugin_that_was_edited_is_read_again(bars: Path, text: str) -> None:
    name = f"Edited{'Plain' if text == PLAIN else 'Ours'}"
    config = config_of(bars, name, "edited.py")
    for size in (1, 3, 3, 2):
        (bars / "edited.py").write_text(text.format(name=name, size=size, imports=""))
        assert sizes(config, bars) == [size]


def test_what_a_plugin_imports_from_beside_it_is_read_again_too(bars: Path) -> None:
    (bars / "plugin_beside.py").write_text(
        PLAIN.format(name="Beside", size="SIZE", imports="from sizes_beside import SIZE")
    )
    config = config_of(bars, "Beside", "plugin_beside.py")
    for size in (1, 4):
        (bars / "sizes_beside.py").write_text(f"SIZE = {size}\n")
        assert sizes(config, bars) == [size]


@pytest.mark.parametrize("text", [PLAIN, OURS])
def test_classes_of_one_name_are_those_of_the_runs_own_plugins(bars: Path, text: str) -> None:
    """Scripts by one author call their class alike; the first one that a process had seen ran for all of them."""
    name = f"Same{'Plain' if text == PLAIN else 'Ours'}"
    configs = []
    for k, file in enumerate(("one.py", "two.py"), 1):
        (bars / file).write_text(text.format(name=name, size=k, imports=""))
        configs.append(config_of(bars, name, file))
    assert [sizes(config, bars) for config in (*configs, configs[0])] == [[1], [2], [1]]
    loaded = [load_config(config) for config in configs]
    assert [sizes(config, bars) for config in loaded] == [[1], [2]]


def test_a_name_that_two_plugins_of_one_run_have_is_refused_where_it_is_asked_for(bars: Path) -> None:
    for file, other in (("left.py", "OnlyLeft"), ("right.py", "OnlyRight")):
        text = PLAIN.format(name="Both", size=1, imports="")
        (bars / file).write_text(f"{text}\n\nclass {other}(Both):\n    pass\n")
    for _ in range(2):
        assert sizes(config_of(bars, "OnlyRight", "left.py", "right.py"), bars) == [1]
        with pytest.raises(
            TapeflowError, match=r"strategy 'Both' stands twice: in .*left\.py and in .*right\.py; rename"
        ):
            tf.run(config_of(bars, "Both", "left.py", "right.py"), bars / "out", report=False)
    assert sizes(config_of(bars, "Both", "left.py"), bars) == [1]
    assert STRATEGIES.find("Both").__module__.endswith(".left")

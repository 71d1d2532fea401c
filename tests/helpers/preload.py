"""What the process imports, once, that the commands and interpreters of `pages` are forked from."""

import importlib

from tapeflow.core.plugins.registry import discover
from tapeflow.feeds.load import open_feed

for _name in ("click", "numba", "talib", "pandas", "pyarrow.parquet", "rich.table", "tapeflow.backtest.runner"):
    importlib.import_module(_name)
for _name in (
    "checks.lookahead",
    "checks.indicator_laws",
    "checks.start_dependence",
    "report.page",
    "cli.scaffold",
    "cli.run",
    "cli.compute",
):
    importlib.import_module(f"tapeflow.{_name}")
discover()
# Loads the compiled kernels that nearly every command needs.
open_feed("SyntheticTape", days=0.01).bars("1m", row_size=10)

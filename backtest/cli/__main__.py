"""`python -m tapeflow.backtest.cli` is the command `tapeflow`."""

from . import main

main()

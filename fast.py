"""Any backtrader script, faster: ``python -m tapeflow.fast script.py …``, or ``from tapeflow.fast import Cerebro``.

The script runs as it is, with `Cerebro` in the place of ``backtrader.Cerebro``. Orders, fills, analyzers and what it
prints are backtrader's to the last bit; what ran fast, and what did not and why, is said on stderr at the end.

Examples
--------
>>> from tapeflow.fast import Cerebro
>>> Cerebro(stdstats=False).run()
[]
"""

from __future__ import annotations

import sys

from .backtest.engines.fast.script import Cerebro, run_script

__all__ = ["Cerebro", "run_script"]

if __name__ == "__main__":
    run_script(sys.argv[1:])

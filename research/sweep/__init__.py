"""Sweeps: every combination of some values of a config, each run as `tapeflow run` would, one row of figures a run.

`run_point` is the pure function behind them: a config and the bars it runs on in, figures out.
"""

from .point import run_point
from .points import Point, points_of
from .run import Swept, sweep

__all__ = ["Point", "Swept", "points_of", "run_point", "sweep"]

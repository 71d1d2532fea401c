"""What notebooks, scripts and the command line call: runs, sweeps, bars and indicators, in one line each."""

from ..feeds.load import open_feed
from .own_cerebro import record, result
from .run_result import Result
from .runs import load, run, sweep
from .tapes import audit, bars, compute, data

__all__ = ["Result", "audit", "bars", "compute", "data", "load", "open_feed", "record", "result", "run", "sweep"]

"""A Cerebro of one's own, with the result folder and the report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from ..backtest.own_cerebro.outcome import RECORD, OwnOutcome
from ..backtest.recording.recorder import Recorder
from ..backtest.results.folder import save
from ..core.files.folders import free_folder
from .run_result import Result
from .runs import write_page

Cerebro = TypeVar("Cerebro")


def record(cerebro: Cerebro) -> Cerebro:
    """Have a Cerebro of your own keep what `result` writes; called once, before ``cerebro.run()``.

    Parameters
    ----------
    cerebro : backtrader.Cerebro
        With any feeds, broker, sizers and analyzers.

    Returns
    -------
    backtrader.Cerebro
        The same.

    Examples
    --------
    >>> import backtrader as bt
    >>> import tapeflow as tf
    >>> cerebro = tf.record(bt.Cerebro())
    """
    made: Any = cerebro
    if not any(kwargs.get("_name") == RECORD for _, _, kwargs in made.analyzers):
        made.addanalyzer(Recorder, _name=RECORD)
    return cerebro


def result(strategy: Any, out: str | Path | None = None, *, name: str = "", report: bool = True) -> Result:
    """Write the result folder of a strategy that a recorded Cerebro ran.

    The files are those of ``tapeflow run``. What a plain Cerebro does not know, such as the tick of a feed or the file
    it was read from, is said under ``assumptions`` and stays out of ``run.lock``.

    Parameters
    ----------
    strategy : backtrader.Strategy
        As in ``(strategy,) = cerebro.run()``.
    out : path, optional
        The folder to make; by default ``runs/NAME``, or the first of ``runs/NAME-2``, … that is not there yet.
    name : str
        Of the run; the strategy's class when left out.
    report : bool
        Whether to write report.html too.

    Raises
    ------
    InputError
        If the Cerebro was not recorded, or ran with ``exactbars``.
    DataError
        If ``out`` holds something other than a run, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import backtrader as bt
    >>> import tapeflow as tf
    >>> class Buys(bt.Strategy):
    ...     def next(self):
    ...         if not self.position:
    ...             self.buy(size=0.01)
    >>> cerebro = tf.record(bt.Cerebro())
    >>> cerebro.adddata(tf.data(tf.open_feed("SyntheticTape", days=0.01), name="btc"))  # doctest: +ELLIPSIS
    <...BarData... object at ...>
    >>> idx = cerebro.addstrategy(Buys)
    >>> made = tf.result(cerebro.run()[0], tempfile.mkdtemp(), report=False)
    >>> made.stats["bars"], made.orders["data"].tolist()
    (15, ['btc'])
    """
    outcome = OwnOutcome.of(strategy, name)
    folder = Path(out) if out is not None else free_folder(Path("runs"), outcome.config.name)
    saved = save(outcome, folder, finish=write_page if report else None)
    return Result(saved.folder, saved.summary, saved.kept)

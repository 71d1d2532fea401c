"""What a notebook and the command line have of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backtest.results.outcome import SavedRun
from ..backtest.results.trial import read_trial

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..report.framed import Framed


@dataclass(frozen=True)
class Result(SavedRun):
    """A finished run.

    Parameters
    ----------
    folder : Path
        Where its files lie.
    summary : dict
        The content of result.json.
    kept : tuple of str
        Files of an earlier run there that somebody changed since, as they are called now.
    trial : Trial or None
        What the ledger said of it when it ran; None where nobody asked it.
    """

    @classmethod
    def of(cls, folder: str | Path) -> Result:
        """The run that lies in ``folder``.

        Raises
        ------
        DataError
            If there is none.
        """
        from ..report.folder import read_result  # late: brings pandas

        return cls(Path(folder), read_result(Path(folder)), (), read_trial(Path(folder)))

    @cached_property
    def stats(self) -> pd.Series[Any]:
        """The figures of result.json that are single values, by name."""
        import pandas as pd

        plain = {name: value for name, value in self.summary.items() if not isinstance(value, dict | list)}
        return pd.Series(plain, name=str(self.summary.get("name", "")), dtype=object)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Round trips, a row each; times in UTC."""
        return self._table("trades")

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Orders, a row each, by their number; times in UTC."""
        return self._table("orders", "ref")

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Value, cash, position and drawdown at the close of each bar, by time in UTC."""
        return self._table("equity", "time")

    @cached_property
    def returns(self) -> pd.Series[float]:
        """Simple returns of each day, as quantstats and pyfolio take them: by midnight in UTC of the day's date.

        Days are those of the Sharpe ratio: of UTC, or trading days where bars of the first feed have hours. The first
        is above the cash at the start; a day without a bar has no row, one without a position a return of 0.
        """
        import numpy as np
        import pandas as pd

        from ..backtest.results.own_files import read_lock
        from ..backtest.results.statistics import days_of_closes, ends_of_days, simple_returns
        from ..core.hours import hours_in, parse_hours
        from ..report.folder import microseconds

        first: dict[str, Any] = next(iter((read_lock(self.folder).get("data") or {}).values()), {})
        text = hours_in(str(first.get("spec") or ""))
        hours = parse_hours(text) if text else None
        time = microseconds(pd.Series(self.equity.index))
        last = ends_of_days(time, hours)
        made = simple_returns(self.equity["value"].to_numpy(np.float64)[last], float(self.summary["initial_cash"]))
        dates = pd.to_datetime(days_of_closes(time, hours)[last], unit="D", utc=True)
        return pd.Series(made, index=dates.rename("date"), name=str(self.summary.get("name", "")))

    @cached_property
    def positions(self) -> pd.DataFrame:
        """The signed position in each feed that was traded, a column each, by time in UTC."""
        import pandas as pd

        if not (self.folder / "positions.parquet").exists():
            traded = self.orders["data"].iloc[0] if len(self.orders) else "position"
            return self.equity[["position"]].rename(columns={"position": traded})
        rows = self._table("positions", "time")
        changed = rows.pivot_table(index="time", columns="data", values="position", aggfunc="last")
        held = changed.reindex(self.equity.index.union(changed.index)).ffill().fillna(0.0)
        return pd.DataFrame(held.reindex(self.equity.index))

    @cached_property
    def bars(self) -> pd.DataFrame:
        """The bars of every feed, by close time in UTC; ``data`` says whose."""
        return self._table("bars", "close_time")

    @cached_property
    def indicators(self) -> pd.DataFrame:
        """Lines as ``name.line``, by time in UTC; NaN in the warm-up."""
        return self._table("indicators", "time")

    def _table(self, name: str, index: str = "") -> pd.DataFrame:
        from ..report.folder import read_table  # late: brings pandas

        made = read_table(self.folder, name)
        return made.set_index(index) if index else made

    def plot(self) -> Figure:
        """Price with fills, flow, equity with its band and drawdown, as a matplotlib figure.

        Raises
        ------
        PluginError
            If matplotlib is not installed.
        """
        from ..report.folder import read_folder  # late: brings pandas
        from ..report.picture import figure  # late: brings pandas

        return figure(read_folder(self.folder))

    def report(self, height: int = 900) -> Framed:
        """The report in a frame, for a notebook; written first where the run left none.

        Parameters
        ----------
        height : int, default=900
            Of the frame, in pixels.
        """
        from ..report.framed import framed  # late: brings pandas

        return framed(self.folder, height)

    def _repr_html_(self) -> str:
        """The figures as a table, for a notebook."""
        from ..report.framed import figures_table  # late: brings pandas

        return figures_table(self.summary)

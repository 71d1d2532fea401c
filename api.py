"""What a notebook and the command line have of a run: `run`, and the `Result` that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .backtest import runner
from .backtest.inputs.read import Progress
from .backtest.results.outcome import SavedRun
from .configs.models import RunConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .report.framed import Framed


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
    """

    @classmethod
    def of(cls, folder: str | Path) -> Result:
        """The run that lies in ``folder``.

        Raises
        ------
        DataError
            If there is none.
        """
        from .report.folder import read_result  # late: brings pandas

        return cls(Path(folder), read_result(Path(folder)))

    def plot(self) -> Figure:
        """Price with fills, flow, equity with its band and drawdown, as a matplotlib figure.

        Raises
        ------
        PluginError
            If matplotlib is not installed.
        """
        from .report.folder import read_folder  # late: brings pandas
        from .report.picture import figure  # late: brings pandas

        return figure(read_folder(self.folder))

    def report(self, height: int = 900) -> Framed:
        """The report in a frame, for a notebook; written first where the run left none.

        Parameters
        ----------
        height : int, default=900
            Of the frame, in pixels.
        """
        from .report.framed import framed  # late: brings pandas

        return framed(self.folder, height)

    def _repr_html_(self) -> str:
        """The figures as a table, for a notebook."""
        from .report.framed import figures_table  # late: brings pandas

        return figures_table(self.summary)


def run(config: RunConfig, out: Path, *, report: bool = True, progress: Progress | None = None) -> Result:
    """Run ``config`` and write its result folder.

    Parameters
    ----------
    config : RunConfig
        As `load_config` gives it; a ``sweep`` in it is left out.
    out : Path
        The folder to make; what an earlier run wrote there is replaced, everything else in it stays.
    report : bool
        Whether to write report.html too.
    progress : callable, optional
        Told in a few words what is being done.

    Returns
    -------
    Result
        The summary and the folder.

    Raises
    ------
    TapeflowError
        If data, columns or parameters are wrong; nothing is written then.
    """
    saved = runner.run(config, out, finish=_report if report else None, progress=progress)
    return Result(saved.folder, saved.summary, saved.kept)


def _report(folder: Path) -> None:
    from .report import write_report  # late: brings pandas, which a run without a report does without

    write_report(folder)

"""Runs and sweeps from a file, a mapping or a config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..backtest import runner
from ..backtest.inputs.read import Progress
from ..configs.loader import from_mapping, load_config
from ..configs.models import RunConfig
from ..configs.shipped import find_config
from ..core.errors import ConfigError
from ..core.files.folders import free_folder
from .run_result import Result

if TYPE_CHECKING:
    from ..research.sweep import Swept

Asked = RunConfig | Mapping[str, Any] | str | Path


@overload
def run(
    config: Asked,
    out: str | Path | None = None,
    *,
    report: bool = True,
    ledger: bool = True,
    home: Path | None = None,
    progress: Progress | None = None,
    **set: Any,
) -> Result: ...
@overload
def run(config: Asked, out: str | Path | None = None, /, **set: Any) -> Result: ...
def run(  # type: ignore[misc]  # the second is for checkers: the values of ``**{"broker.cash": 5e4}`` are no report
    config: Asked,
    out: str | Path | None = None,
    *,
    report: bool = True,
    ledger: bool = True,
    home: Path | None = None,
    progress: Progress | None = None,
    **set: Any,
) -> Result:
    """Run a config and write its result folder.

    Parameters
    ----------
    config : RunConfig, mapping or path
        A YAML file or the name of a shipped one, what a YAML would hold, or what `load_config` gives; a ``sweep`` in
        it is left out.
    out : path, optional
        The folder to make; what an earlier run wrote there is replaced, everything else in it stays. By default
        ``runs/NAME``, or the first of ``runs/NAME-2``, … that is not there yet.
    report : bool
        Whether to write report.html too.
    ledger : bool
        Whether the run is counted among the trials on its data, in the nearest ``.tapeflow/ledger`` upward from the
        YAML; the result says so where it is not.
    home : path, optional
        Where to look for the ledger in place of the folder of the YAML.
    progress : callable, optional
        Told in a few words what is being done.
    **set
        Values to replace, by their path: ``run("fade.yaml", **{"broker.cash": 5e4})``.

    Returns
    -------
    Result
        The figures, the tables and the folder.

    Raises
    ------
    TapeflowError
        If data, columns or parameters are wrong; nothing is written then.
    """
    loaded = config_of(config, set)
    folder = Path(out) if out is not None else free_folder(Path("runs"), loaded.name)
    from ..research.ledger import Ledger, count_run  # late: a notebook without a run does without

    count = partial(count_run, Ledger.of(home or loaded.folder, asked=ledger))
    saved = runner.run(loaded, folder, count=count, finish=write_page if report else None, progress=progress)
    return Result(saved.folder, saved.summary, saved.kept, saved.trial)


@overload
def sweep(
    config: Asked,
    out: str | Path,
    *,
    jobs: int | None = None,
    ledger: bool = True,
    progress: Progress | None = None,
    **set: Any,
) -> Swept: ...
@overload
def sweep(config: Asked, out: str | Path, /, **set: Any) -> Swept: ...
def sweep(  # type: ignore[misc]  # as of ``run``
    config: Asked,
    out: str | Path,
    *,
    jobs: int | None = None,
    ledger: bool = True,
    progress: Progress | None = None,
    **set: Any,
) -> Swept:
    """Run every combination of the values under ``sweep`` of a config, or those that an earlier call left.

    Parameters
    ----------
    config, ledger, progress, **set
        As for `run`.
    out : path
        The folder to make, or to go on in.
    jobs : int, optional
        Processes; by default one, and as many as there are processors where it takes longer than a second.

    Raises
    ------
    TapeflowError
        If a point is no legal run, data cannot be read, or ``out`` holds something else.
    """
    from ..research.ledger import Ledger
    from ..research.sweep import sweep as run_all

    loaded = config_of(config, set)
    return run_all(loaded, Path(out), jobs=jobs, progress=progress, ledger=Ledger.of(loaded.folder, asked=ledger))


def load(folder: str | Path) -> Result:
    """The run that lies in a folder.

    Raises
    ------
    DataError
        If there is none, or a file of it changed since.
    """
    return Result.of(folder)


def config_of(config: Asked, values: Mapping[str, Any]) -> RunConfig:
    """What is to run, with some values replaced by their paths.

    Raises
    ------
    ConfigError
        If the file cannot be read, a path leads nowhere, or it is a config already and values are to be replaced.
    """
    if isinstance(config, RunConfig):
        if values:
            raise ConfigError("run: values are replaced where a file or a mapping is given, not in a RunConfig")
        return config
    if isinstance(config, Mapping):
        return from_mapping(_with(config, values))
    return load_config(find_config(str(config)), [f"{key}={json.dumps(value)}" for key, value in values.items()])


def _with(raw: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` with the value at each dotted path replaced; nothing of ``raw`` is changed."""
    made = dict(raw)
    for path, value in values.items():
        here, (*way, last) = made, path.split(".")
        for step in way:
            inner = here.get(step, {})
            if not isinstance(inner, Mapping):
                raise ConfigError(f"run: {path}: {step} is no block (got {inner!r})")
            here[step] = here = dict(inner)
        here[last] = value
    return made


def write_page(folder: Path) -> None:
    """Write the report of a result folder into it."""
    from ..report import write_report  # late: brings pandas, which a run without a report does without

    write_report(folder)

"""One run of a sweep: a config and bars in, one row of figures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...backtest.inputs.begin import check_begin
from ...backtest.inputs.read import Source
from ...backtest.results.lock import reads_of_run
from ...backtest.runner import simulate
from ...configs.models import RunConfig
from ...core.errors import TapeflowError
from ...core.plugins.code import own_line
from ...core.plugins.watch import Seen, seeing
from ..selection.daily import daily_of
from .shared_data import COMPILED, Known

Row = dict[str, Any]
More = Callable[[Any], Row]


def run_point(config: RunConfig, sources: Mapping[str, Source], known: Known | None = None) -> Row:
    """The figures of one run: what `tapeflow run` writes into result.json of the same config.

    A pure function, so that any engine for many machines can call it. ``engine: auto`` takes compiled code where that
    is exact and backtrader elsewhere.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        The bars of its feeds, by name, as `read.read` gives them; the readers behind them are not asked.
    known : Known, optional
        What runs before it computed over the same bars; it saves time and changes nothing.

    Returns
    -------
    dict
        ``engine``, and the numbers of result.json by name. NaN where one is undefined.

    Raises
    ------
    TapeflowError
        If the run cannot be made, as with too few bars for the warm-up.
    """
    return _row(_outcome(config, sources, known))


def _outcome(config: RunConfig, sources: Mapping[str, Source], known: Known | None) -> Any:
    if config.engine in ("auto", COMPILED) and not config.verify:
        known = known if known is not None else Known(sources)
        if not known.unsupported_reason(config):
            check_begin(config, sources)
            return known.outcome(config)
    return simulate(config, dict(sources), None if known is None else known.shelf(config))


def _row(outcome: Any) -> Row:
    more = outcome.band.summary() if outcome.band else {"inside": {"unknown": outcome.inside["unknown"]}}
    return {"engine": outcome.engine, **_flat({**outcome.figures(), **more})}


def _flat(figures: Mapping[str, Any], above: str = "") -> Row:
    """Figures that are one value each; those inside others by their dotted path."""
    made: Row = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            made |= _flat(value, f"{above}{name}.")
        elif value is None or isinstance(value, int | float | str):
            made[f"{above}{name}"] = value
    return made


def attempt(
    config: RunConfig, sources: Mapping[str, Source], known: Known | None = None, more: More | None = None
) -> tuple[Row, str, str, dict[str, str] | None]:
    """The row of a run, what went wrong instead, its daily returns, and files that plugins read for it.

    ``more`` is given the run and adds to its row.
    """
    with seeing(Seen()):
        return *_attempted(config, sources, known, more), reads_of_run(config) or None


def _attempted(
    config: RunConfig, sources: Mapping[str, Source], known: Known | None, more: More | None
) -> tuple[Row, str, str]:
    """The row of a run and its daily returns, or what went wrong instead: one that fails does not end a sweep."""
    try:
        outcome = _outcome(config, sources, known)
        row, daily = _row(outcome), daily_of(outcome)
        row |= more(outcome) if more is not None else {}
        return row, "", daily.text() if daily is not None else ""
    except TapeflowError as err:
        return {}, " ".join(str(err).split()), ""
    except MemoryError:
        raise
    except Exception as err:
        where = own_line(err)
        says = f"{type(err).__name__}: {' '.join(str(err).split())}"
        return {}, f"{where}: {says}" if where else says, ""

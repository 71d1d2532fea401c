"""``tapeflow events``: what price did after a condition was true, tested session by session."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .complete import configs
from .options import LEDGER, Progress, common, note, print_json, print_table

if TYPE_CHECKING:
    from ..configs.models import RunConfig
    from ..research.events import Study
    from ..research.events.run import Studied

COLUMNS = ("event", "bars", "events", "sessions", "bp", "95 %", "ticks", "deviations", "q", "over others", "q", "")


class _Horizons(click.ParamType[tuple[int, ...]]):
    """Numbers of bars, joined by commas."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """The numbers, each at least 1."""
        if isinstance(value, tuple):
            return value
        try:
            made = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            made = ()
        if not made or min(made) < 1:
            self.fail(f"'{value}' must be whole numbers of bars from 1 on, as in 1,5,15,60", param, ctx)
        return made


@click.command("events", short_help="Test what price did after events, before there is a strategy.")
@click.argument("config", shell_complete=configs)
@click.option("--when", multiple=True, metavar="RULE", help="An event, in place of those under `events:` in CONFIG.")
@click.option(
    "--horizons", type=_Horizons(), default="1,5,15,60", show_default=True, metavar="N,N", help="Bars after an event."
)
@click.option(
    "--share", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True, metavar="X",
    help="Of the volume of the bar after an event, for its capacity.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of random signs and shuffles.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Replace one value, as in data.main.days=9."
)
@click.option("--out", metavar="DIR", help="A folder to make, with the tables as Parquet and a page.")
@LEDGER
@common(quiet=True)
def command(
    config: str,
    when: tuple[str, ...],
    horizons: tuple[int, ...],
    share: float,
    seed: int,
    settings: tuple[str, ...],
    out: str | None,
    no_ledger: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Study what price did after events of CONFIG, whether or not it has a strategy.

    An event is an expression, as rules have them, that is true at the close of a bar. Moves begin at the next open
    and end inside the session. Whole sessions are what varies, so that bursts of events and overlapping windows
    count once; all tests together are corrected by Benjamini and Hochberg. What stands out is told from zero, and from
    the same bars of other sessions.

    \b
    events:
      absorbed: "stacked_imbalance.buy >= 3 and tox > 1"
      swept:    "close > highest(high, 60)[1]"

    Example: tapeflow events mine.yaml --when "delta > 50 and close < open" --horizons 1,5,15

    Example: tapeflow events mine.yaml --out events/mine
    """
    loaded = _loaded(config, when, settings)
    from ..research.events.run import study_config
    from ..research.ledger import Ledger

    with Progress(quiet=quiet) as progress:
        made = study_config(
            loaded,
            Path(out) if out else None,
            horizons=horizons,
            share=share,
            seed=seed,
            progress=progress,
            ledger=Ledger.of(loaded.folder, asked=not no_ledger),
            page=lambda study, folder: _page(study, loaded, folder),
        )
    if as_json:
        print_json(_as_dict(loaded, made, out))
        return
    _tell(loaded, made, quiet=quiet)
    if out:
        click.echo(out)


def _loaded(config: str, when: Sequence[str], settings: Sequence[str]) -> RunConfig:
    """The config, with the events of ``--when`` alone where there are some."""
    from ..configs.errors import MistakesError
    from ..configs.loader import load_config
    from ..configs.shipped import find_config

    named = {f"event{i}" if len(when) > 1 else "event": rule for i, rule in enumerate(when, 1)}
    given = [*settings, *(f"events.{name}={json.dumps(rule)}" for name, rule in named.items())]
    said = {f"--set events.{name}": f'--when "{rule}"' for name, rule in named.items()}
    try:
        made = load_config(find_config(config), given)
    except MistakesError as err:
        raise MistakesError([replace(one, where=said.get(one.where, one.where)) for one in err.mistakes]) from None
    return made.model_copy(update={"events": named}) if named else made


def _page(study: Study, config: RunConfig, folder: Path) -> None:
    from ..report.events_page import write_events_page

    rows = ([one._asdict() for one in part] for part in (study.tests, study.parts, study.capacity))
    write_events_page(folder, config.name, _sentence(study), *rows)


def _sentence(study: Study) -> str:
    """What may be said of all tests together."""
    from ..core.counting import counted
    from ..research.events.study import FEW

    few = sum(test.verdict == FEW for test in study.tests)
    count = len(study.tests) - few
    if not count:
        most = max(test.sessions for test in study.tests)
        return f"no test: each takes events in 12 sessions (10 where it is the only one), and has {most} at most"
    said = f"{len(study.found)} of {counted(count, 'test')} over {study.sessions} sessions stand out at 5 %: "
    said += "q is after Benjamini and Hochberg over all of them"
    return said + (f"; {few} more had events in too few sessions" if few else "")


def _as_dict(config: RunConfig, made: Studied, out: str | None) -> dict[str, Any]:
    study = made.study
    return {
        "name": config.name,
        "data": made.traded,
        "events": config.events,
        "never": list(made.never),
        "sessions": study.sessions,
        "said": _sentence(study),
        "tests": [test._asdict() for test in study.tests],
        "parts": [part._asdict() for part in study.parts],
        "capacity": [one._asdict() for one in study.capacity],
        "trial": None if made.trial is None else made.trial._asdict(),
        "folder": out,
    }


def _tell(config: RunConfig, made: Studied, *, quiet: bool) -> None:
    from ..core.counting import counted

    study = made.study
    rows = [
        [
            test.event,
            test.horizon,
            test.events,
            test.sessions,
            _shown(test.mean_bp, "+.2f"),
            "" if math.isnan(test.low_bp) else f"{test.low_bp:+.2f} to {test.high_bp:+.2f}",
            _shown(test.mean_ticks, "+.2f"),
            _shown(test.mean_vol, "+.3f"),
            _shown(test.q, ".3f"),
            _shown(test.excess_bp, "+.2f"),
            _shown(test.q_permuted, ".3f"),
            test.verdict,
        ]
        for test in study.tests
    ]
    print_table(rows, COLUMNS)
    for one in study.capacity:
        if one.events:
            could = f"{one.median:,.0f} at a time in the median, {one.per_session:,.0f} a session"
            click.echo(f"{one.event}: {100 * one.share:g} % of the bar after it is {could}")
    for name in made.never:
        note(f"{name}: true on no bar: {config.events[name]}", quiet=quiet)
    note(_sentence(study), quiet=quiet)
    if made.trial is not None:
        said = made.trial.words()
        note(f"{counted(made.trial.trials, 'trial')} on these data" if made.trial.counted else said, quiet=quiet)


def _shown(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)

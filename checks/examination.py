"""A whole check of a config: its source attacked with its strategy, every run in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..backtest.inputs.read import Progress, Source, read_all, traded_first
from ..configs.models import RunConfig
from ..core.errors import DataError
from ..core.plugins.watch import Seen, seeing
from . import source_attack
from .attempt import opened
from .findings import LEAK, Findings, Leak
from .fresh import Later, results
from .guilty import named
from .lookahead import INSTANTS, attack, failed, gathered, leak_of
from .run_trace import Trace
from .source_attack import NOT_IN_FILES, NOT_READ, Reread

_SHARES = (0.6, 0.9)
"""Of its rows that are left of the last file, or of its files, of a data block."""
_MOMENTS = (0.35, 0.8)
"""Where, among the instants of the attack, feeds are read again up to."""


@dataclass(frozen=True)
class Examined:
    """What a check of a config came to.

    Parameters
    ----------
    found : Findings
        All of it.
    sources : dict of str to Source
        Its feeds, as they were read.
    """

    found: Findings
    sources: dict[str, Source]


def examine(
    config: RunConfig, *, instants: int = INSTANTS, seed: int = 0, progress: Progress | None = None
) -> Examined:
    """Attack the strategy, the indicators and the feeds of ``config``.

    Parameters
    ----------
    config : RunConfig
        The run; nothing of it was read or run in this process yet, so that no plugin has kept anything.
    instants, seed
        As of `lookahead.attack`.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    TapeflowError
        If data cannot be read, or the run fails as it is.
    """
    say = progress or (lambda text: None)
    # Begun before anything is read: what a plugin keeps of the whole of the data is not there.
    again = [Later(source_attack.read_up_to) for _ in _MOMENTS] + [Later(source_attack.read_cut) for _ in _SHARES]
    try:
        with seeing(Seen()):
            sources = traded_first(config, read_all(config, say))
            inputs = frozenset(Path(file.path).resolve() for source in sources.values() for file in source.feed.files)
            read = opened(config, inputs)
            say(f"attacking at {instants} instants")
            found = attack(config, sources, instants=instants, seed=seed, thorough=True)
        found = replace(found, not_attackable=tuple(dict.fromkeys((*read, *found.not_attackable))))
        if found.base is not None and found.instants:
            say("attacking the source")
            found = _with_source(config, sources, found, found.base, again)
            say("looking for the guilty lines")
            found = replace(found, leaks=tuple(named(config, sources, found)))
    finally:
        for one in again:
            one.close()
    return Examined(found, sources)


def _with_source(
    config: RunConfig, sources: dict[str, Source], found: Findings, base: Trace, again: list[Later]
) -> Findings:
    """What was found, with what reading again came to."""
    bars = {name: source.bars for name, source in sources.items()}
    fixed = source_attack.fixed(config, bars)
    asked: list[tuple[str, Any]] = [(NOT_READ, found.instants[int(at * len(found.instants))]) for at in _MOMENTS]
    asked += [(NOT_IN_FILES, share) for share in _SHARES]
    for later, (_, what) in zip(again, asked, strict=True):
        later.ask(fixed, what)
    made, unmade, wrong = dict(found.attacks), list(found.unmade), list[Leak]()
    for (name, what), reread in zip(asked, results(again), strict=True):
        if name == NOT_IN_FILES and not reread.cut:
            unmade += [f"{file}: files of this kind are not cut off by a check" for file in reread.uncut[:1]]
            continue
        made.setdefault(name, 0)
        try:
            end = source_attack.last_whole(reread.bars) if reread.bars else int(found.instants[0])
        except DataError as err:
            unmade.append(str(err))
            continue
        instant = min(int(what), end) if name == NOT_READ else end
        here, why = _changed(base, bars, reread, name, instant)
        made[name] += not why
        unmade += [why] if why else []
        wrong += here
    every = gathered(base, wrong)
    leaks = (*found.leaks, *(one for one in every if one.kind == LEAK and one.found.what not in _known(found)))
    others = (*found.others, *(one for one in every if one.kind != LEAK))
    return replace(found, leaks=leaks, others=others, attacks=made, unmade=tuple(dict.fromkeys(unmade)))


def _known(found: Findings) -> set[str]:
    return {leak.found.what for leak in found.leaks}


def _changed(base: Trace, bars: dict[str, Any], reread: Reread, name: str, instant: int) -> tuple[list[Leak], str]:
    """What reading again changed of the time before, and why nothing can be said of it."""
    if reread.attempt.trace is None:
        struck = failed(reread.attempt, name, instant)
        of_feeds = [leak_of(one, name, instant) for one in source_attack.differences(bars, reread.bars, instant)]
        return [*of_feeds, *struck.wrong], struck.unmade
    found = [*source_attack.differences(bars, reread.bars, instant)]
    found += base.differences(reread.attempt.trace, instant, ended=True)
    return [leak_of(one, name, instant) for one in found], ""

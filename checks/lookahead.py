"""The look-ahead attack: a run may not change, up to an instant, by what is done to the market after it.

An author's code can look ahead in many ways: a positive index, a whole-sample mean, a session's final profile, a
resampled frame labelled by its start. None of them has to be understood to be found. The run is made again with
the future cut off, shuffled, or replaced, at many instants; whatever was known before must keep its bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..configs.models import RunConfig
from ..core.bars import Bars
from ..core.clock import iso
from ..core.errors import DataError, TapeflowError
from .attempt import Attempt, attempt, fed_bar_by_bar
from .findings import AS_IT_IS, LEAK, ROUNDING, UNKNOWN, Findings, Leak
from .fresh import each
from .instants import Instants, choose, warm_at
from .leads import leads
from .perturbations import ATTACKS
from .run_trace import Difference, Trace

__all__ = ["Findings", "Leak", "attack", "mislabelled"]

Sources = Mapping[str, Any]
INSTANTS = 12
ONE_BY_ONE = 2_000
"""Bars of the first feed that are fed one by one, which takes a hundred times as long as all at once."""
_EXTRA = 4
"""Instants more, at bars on which a run that was fed bar by bar does otherwise."""
_CUT = "cut off"


@dataclass(frozen=True)
class Struck:
    """What one attack came to: what changed, or why it says nothing."""

    name: str
    instant: int
    wrong: tuple[Leak, ...] = ()
    unmade: str = ""


def attack(
    config: RunConfig, sources: Sources, *, instants: int = INSTANTS, seed: int = 0, thorough: bool = False
) -> Findings:
    """Look for look-ahead in the strategy of ``config`` and every indicator it uses.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        Its feeds as `read.read` gives them; they are not read again.
    instants : int
        At how many instants the future is attacked: half of them where orders were sent and spread over the run, half
        in the warm-up, at gaps, ends of sessions and rare events.
    seed : int
        Of the instants and of what the future becomes.
    thorough : bool, default=False
        Whether every run is made in a process of its own, the run as it is twice, and once more with feeds that hand
        over one bar at a time.

    Raises
    ------
    DataError
        If there is no bar after the warm-up, or the run fails as it is.

    Notes
    -----
    What the author did not say cannot be asked: a rule that was chosen because it fits this very sample looks
    ahead too, and no attack on the market finds that.
    """
    stamped = tuple(mislabelled(sources))
    traded = sources[config.traded.name].bars
    works: list[Callable[[], Attempt]] = [lambda: attempt(config, dict(sources))]
    if thorough:
        works += [works[0], lambda: _fed(config, sources)]
    first, *more = each(works, fresh=thorough)
    if first.trace is None:
        return _failed(first, stamped, traded)
    base, opened = first.trace, first.opened
    if more and (unlike := _unlike(base, more[0])):
        return _found(base, stamped, (), (), {}, (), unlike=unlike, not_attackable=opened)
    slow = more[1] if more else None
    apart, count = _compared(base, slow, sources)
    bars = {name: source.bars for name, source in sources.items()}
    chosen = np.union1d(choose(base, instants, seed, bars), _where(base, apart)).astype(np.int64)
    tasks = [(int(t), name, seed + n) for n, t in enumerate(chosen) for name in _kinds(base, int(t))]

    def strike(instant: int, name: str, own: int) -> Callable[[], Struck]:
        return lambda: _struck(config, sources, base, instant, name, own)

    struck = [*each((strike(*task) for task in tasks), fresh=thorough)]
    made = {name: sum(one.name == name and not one.unmade for one in struck) for name in ATTACKS}
    unmade = tuple(one.unmade for one in struck if one.unmade)
    wrong = [leak for one in struck for leak in one.wrong]
    unfed = _unfed(slow, apart, wrong) if slow is not None else ""
    whole = tuple(dict.fromkeys(one.instant for one in struck if not one.unmade))
    return _found(
        base, stamped, gathered(base, wrong), whole, made, unmade, bar_by_bar=count, unfed=unfed, not_attackable=opened
    )


def mislabelled(sources: Sources) -> Iterator[Leak]:
    """Feeds that know what has not happened by their stamps: `leads.leads` of them."""
    yield from leads({name: source.bars for name, source in sources.items()})


def gathered(base: Trace, found: list[Leak]) -> tuple[Leak, ...]:
    """One for each guilty thing, as they are made: its earliest sign, and how many attacks it did not bear."""
    kept: dict[str, Leak] = {}
    for leak in found:
        _keep(kept, leak)
    return tuple(sorted(kept.values(), key=lambda leak: _rank(base, leak.found.what)))


def _found(
    base: Trace,
    stamped: tuple[Leak, ...],
    found: tuple[Leak, ...],
    instants: tuple[int, ...],
    made: Mapping[str, int],
    unmade: tuple[str, ...],
    **more: Any,
) -> Findings:
    leaks = (*stamped, *(one for one in found if one.kind == LEAK))
    others = tuple(one for one in found if one.kind != LEAK)
    counts = len(base.lines), len(base.orders), len(base.fills)
    return Findings(leaks, instants, made, unmade, *counts, base, others, **more)


def _failed(first: Attempt, stamped: tuple[Leak, ...], bars: Bars) -> Findings:
    """What is known of a run that fails as it is: that it reads beyond the last bar, if it does."""
    if not first.beyond:
        where = f" in {first.line}" if first.line else ""
        raise DataError(first.error if first.refused else f"the run fails as it is: {first.error}{where}")
    end = int(bars["close_time"][-1])
    said = f"it reads beyond the last bar: an IndexError{first.line and f' in {first.line}'}"
    leak = Leak(Difference("the strategy", len(bars) - 1, end, "", said), AS_IT_IS, end, line=first.line)
    return Findings((*stamped, leak), (), dict.fromkeys(ATTACKS, 0), (), 0, 0, 0, None)


def _unlike(base: Trace, again: Attempt) -> str:
    """In what a run differs from itself; empty for nothing."""
    if again.trace is None:
        return f"it runs once, and fails the second time: {again.error}"
    end = max(int(closes[-1]) for closes in base.closes.values() if len(closes))
    found = next(base.differences(again.trace, end, ended=False), None)
    if found is None:
        return ""
    where = f" at bar {found.bar}" if found.bar >= 0 else ""
    return f"{found.what}{where}, {iso(found.time)}: {found.was} once, and {found.becomes} the second time"


def _beginning(config: RunConfig, sources: Sources) -> dict[str, Any]:
    """The feeds up to where bars are fed one by one."""
    closes = sources[config.traded.name].bars["close_time"]
    end = int(closes[min(ONE_BY_ONE, len(closes)) - 1])
    return {name: replace(source, bars=ATTACKS[_CUT](source.bars, end, 0)) for name, source in sources.items()}


def _fed(config: RunConfig, sources: Sources) -> Attempt:
    if config.strategies:
        return Attempt(error="several strategies are not fed bar by bar", refused=True)
    return fed_bar_by_bar(config, _beginning(config, sources))


def _compared(base: Trace, slow: Attempt | None, sources: Sources) -> tuple[list[Difference], int]:
    """In what a run that was fed bar by bar differs, and on how many bars that was compared."""
    if slow is None:
        return [], 0
    if slow.trace is None:
        time = slow.time
        return ([Difference("the strategy", -1, time, "a run", slow.error)] if time >= 0 else []), 0
    other = slow.trace
    mine = replace(base, lines=[line for line in base.lines if not line.name.startswith("signals.")])
    end = max(int(closes[-1]) for closes in other.closes.values() if len(closes))
    found = [one for one in mine.differences(other, end, ended=True) if not one.rounding]
    return found, len(next(iter(other.closes.values())))


def _where(base: Trace, apart: list[Difference]) -> Instants:
    """Instants at which an attack tells whether it is the future that makes the difference."""
    closes = np.unique(np.concatenate(list(base.closes.values())))
    first = sorted({one.time for one in apart if closes[0] <= one.time < closes[-1]})[:_EXTRA]
    return closes[np.searchsorted(closes, np.array(first, dtype=np.int64))]


def _unfed(slow: Attempt, apart: list[Difference], wrong: list[Leak]) -> str:
    """What of the run that was fed bar by bar says nothing of the future; empty where it agrees, or a leak is known."""
    if slow.trace is None:
        return f"fed bar by bar it fails: {slow.error}{slow.line and f' in {slow.line}'}"
    if not apart or any(leak.kind == LEAK for leak in wrong):
        return ""
    one = apart[0]
    where = f" at bar {one.bar}" if one.bar >= 0 else ""
    return (
        f"fed bar by bar {one.what}{where} is {one.becomes} and not {one.was}, and no attack there changes it: it goes "
        "by how it is fed, and a live run would do otherwise"
    )


def _kinds(base: Trace, instant: int) -> Iterator[str]:
    """Attacks at an instant: in the warm-up nothing would be left to run if the future were cut off."""
    yield from (name for name in ATTACKS if name != _CUT or instant >= warm_at(base))


def _struck(config: RunConfig, sources: Sources, base: Trace, instant: int, name: str, seed: int) -> Struck:
    """One attack, and what of the time before it changed."""
    try:
        attacked = {k: replace(s, bars=ATTACKS[name](s.bars, instant, seed)) for k, s in sources.items()}
    except TapeflowError as err:
        return Struck(name, instant, unmade=" ".join(str(err).split()))
    if all(_same(s.bars, attacked[k].bars) for k, s in sources.items()):
        return Struck(name, instant, unmade=f"the data after {iso(instant)} is too short to be {name}")
    made = attempt(config, attacked)
    if made.trace is not None:
        wrong = base.differences(made.trace, instant, ended=name == _CUT)
        return Struck(name, instant, tuple(leak_of(one, name, instant) for one in wrong))
    return failed(made, name, instant)


def leak_of(found: Difference, attack: str, instant: int) -> Leak:
    """A difference as what it is called."""
    return Leak(found, attack, instant, kind=ROUNDING if found.rounding else LEAK)


def failed(made: Attempt, name: str, instant: int) -> Struck:
    """A run that fails under an attack alone: a leak where it had come no farther than the attack, else unknown."""
    where = f" in {made.line}" if made.line else ""
    if made.refused:
        return Struck(name, instant, unmade=made.error)
    if made.time > instant:
        return Struck(
            name, instant, unmade=f"the strategy fails on data that is {name}, after that: {made.error}{where}"
        )
    known = made.time >= 0 or name == _CUT
    found = Difference("the strategy", -1, instant, "a run to the end", f"{_article(made.error)}{where}")
    kind = LEAK if known else UNKNOWN
    return Struck(name, instant, (Leak(found, name, instant, kind=kind, line=made.line),))


def _article(error: str) -> str:
    return f"{'an' if error[:1] in 'AEIOU' else 'a'} {error}"


def _same(before: Bars, after: Bars) -> bool:
    """Whether an attack left bars as they were."""
    if before is after:
        return True
    pairs = ((values, after.columns[name]) for name, values in before.columns.items())
    return len(before) == len(after) and all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _keep(found: dict[str, Leak], leak: Leak) -> None:
    """Keep the earliest sign of each guilty thing, and count the others."""
    key = leak.found.what.partition(" ")[0] if leak.found.bar < 0 else leak.found.what
    known = found.get(key)
    if known is None:
        found[key] = leak
        return
    order = (LEAK, UNKNOWN, ROUNDING)
    first = min(known, leak, key=lambda one: (order.index(one.kind), one.found.time))
    found[key] = replace(first, attacks=known.attacks + 1)


def _rank(base: Trace, what: str) -> tuple[int, int]:
    """Feeds, lines as they are made, then orders, fills, account."""
    names = [f"line {line.name}" for line in base.lines]
    kinds = ("feed", "the", "line", "order", "fill", "account's")
    return kinds.index(what.partition(" ")[0]), names.index(what) if what in names else 0

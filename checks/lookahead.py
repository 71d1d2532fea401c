"""The look-ahead attack: a run may not change, up to an instant, by what is done to the market after it.

An author's code can look ahead in many ways: a positive index, a whole-sample mean, a session's final profile, a
resampled frame labelled by its start. None of them has to be understood to be found. The run is made again with
the future cut off, shuffled, or replaced, at many instants; whatever was known before must keep its bits.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from ..backtest.engines.backtrader import genuine
from ..backtest.runner import simulate
from ..configs.models import RunConfig
from ..core.bars import Bars
from ..core.clock import interval_text, iso
from ..core.errors import DataError, TapeflowError
from .perturbations import ATTACKS
from .run_trace import Difference, Trace

Sources = Mapping[str, Any]
Instants = NDArray[np.int64]
INSTANTS = 12
_MOST, _LEAST = 0.95, 0.5
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Leak:
    """Something that knew the future.

    Parameters
    ----------
    found : Difference
        Its first bar, or the order, that changed.
    attack : str
        What the future became: ``cut off``, ``shuffled`` or ``replaced``; ``as it is`` where no attack was needed.
    instant : int
        From when on, epoch µs.
    attacks : int
        How many attacks it did not bear.
    """

    found: Difference
    attack: str
    instant: int
    attacks: int = 1

    def __str__(self) -> str:
        found = self.found
        where = f" at bar {found.bar}" if found.bar >= 0 else ""
        begin = f"{found.what}{where}, {iso(found.time)}"
        if self.attack == "as it is":
            return f"{begin}: {found.becomes}"
        said = f"{found.was} becomes {found.becomes}"
        return f"{begin}: {said} when what follows {iso(self.instant)} is {self.attack}"


@dataclass(frozen=True)
class Findings:
    """What an attack found.

    Parameters
    ----------
    leaks : tuple of Leak
        One for each guilty thing: feeds, then lines, those that others are made of first, then orders, fills,
        account. Empty when nothing looks ahead.
    instants : tuple of int
        When the future was attacked, in at least one way, epoch µs.
    attacks : mapping of str to int
        How many attacks of each kind were run and compared.
    unmade : tuple of str
        Why each of the others could not be.
    lines, orders, fills : int
        What was compared.
    base : Trace or None
        The run that was attacked; None where it failed.
    """

    leaks: tuple[Leak, ...]
    instants: tuple[int, ...]
    attacks: Mapping[str, int]
    unmade: tuple[str, ...]
    lines: int
    orders: int
    fills: int
    base: Trace | None

    @property
    def missing(self) -> tuple[str, ...]:
        """Kinds of attack of which not one could be run: without them nothing found says nothing."""
        return tuple(kind for kind, count in self.attacks.items() if not count)

    @property
    def runs(self) -> int:
        """How often the strategy was run: as it is, and attacked."""
        return 1 + sum(self.attacks.values())

    @property
    def skipped(self) -> int:
        """How many attacks could not be run."""
        return len(self.unmade)

    @property
    def verdict(self) -> str:
        """``looks ahead``, ``none found``, or ``none`` where an attack of some kind could not be run at all."""
        return "looks ahead" if self.leaks else "none" if self.missing else "none found"


def attack(config: RunConfig, sources: Sources, *, instants: int = INSTANTS, seed: int = 0) -> Findings:
    """Look for look-ahead in the strategy of ``config`` and every indicator it uses.

    Parameters
    ----------
    config : RunConfig
        The run.
    sources : mapping of str to Source
        Its feeds as `read.read` gives them; they are not read again.
    instants : int
        At how many instants the future is attacked: half of them where orders were sent, half anywhere.
    seed : int
        Of the instants and of what the future becomes.

    Raises
    ------
    DataError
        If there is no bar after the warm-up.

    Notes
    -----
    What the author did not say cannot be asked: a rule that was chosen because it fits this very sample looks
    ahead too, and no attack on the market finds that.
    """
    stamped = list(mislabelled(sources))
    try:
        base = Trace.of(simulate(genuine(config), dict(sources)))
    except IndexError as err:
        return Findings(
            (*stamped, _beyond(err, sources[config.traded.name].bars)), (), dict.fromkeys(ATTACKS, 0), (), 0, 0, 0, None
        )
    found: dict[str, Leak] = {}
    chosen = choose(base, instants, seed)
    made, unmade, at = dict.fromkeys(ATTACKS, 0), list[str](), list[int]()
    for n, instant in enumerate(chosen):
        for name in ATTACKS:
            try:
                wrong = list(_differences(config, sources, base, int(instant), name, seed + n))
            except TapeflowError as err:
                unmade.append(" ".join(str(err).split()))
                continue
            made[name] += 1
            at.append(int(instant))
            for difference in wrong:
                _keep(found, Leak(difference, name, int(instant)))
    leaks = (*stamped, *sorted(found.values(), key=lambda leak: _rank(base, leak.found.what)))
    return Findings(
        leaks, tuple(dict.fromkeys(at)), made, tuple(unmade), len(base.lines), len(base.orders), len(base.fills), base
    )


def _differences(
    config: RunConfig, sources: Sources, base: Trace, instant: int, name: str, seed: int
) -> Iterator[Difference]:
    """How the run differs when its future is attacked.

    Raises
    ------
    TapeflowError
        If the attack leaves the future as it was, or the attacked run cannot be made.
    """
    attacked = {k: replace(s, bars=ATTACKS[name](s.bars, instant, seed)) for k, s in sources.items()}
    if all(_same(s.bars, attacked[k].bars) for k, s in sources.items()):
        raise DataError(f"the data after {iso(instant)} is too short to be {name}")
    ended = name == "cut off"
    try:
        other = Trace.of(simulate(genuine(config), attacked))
    except IndexError as err:
        if ended:
            yield Difference("the strategy", -1, instant, "a run to the end", f"an IndexError{_place(err)}")
            return
        raise DataError(f"the strategy fails on data that is {name}: {err}") from None
    yield from base.differences(other, instant, ended=ended)


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
    first = min(known, leak, key=lambda one: one.found.time)
    found[key] = replace(first, attacks=known.attacks + 1)


def _rank(base: Trace, what: str) -> tuple[int, int]:
    """Lines as they are made, then orders, fills, account."""
    names = [f"line {line.name}" for line in base.lines]
    kinds = ("the", "line", "order", "fill", "account's")
    return kinds.index(what.partition(" ")[0]), names.index(what) if what in names else 0


def choose(base: Trace, count: int, seed: int) -> Instants:
    """Closes of bars to attack behind: where orders were sent, and spread over the run.

    Parameters
    ----------
    base : Trace
        Of the run.
    count : int
        How many, at most.
    seed : int
        Same seed, same instants.
    """
    closes = np.unique(np.concatenate(list(base.closes.values())))
    warm = max(int(c[min(base.minimum[k], len(c)) - 1]) for k, c in base.closes.items())
    # A single bar can be cut off or replaced, but in no other order.
    free = closes[(closes >= warm) & (closes < closes[-2 if len(closes) > 2 else -1])]
    if not len(free):
        need = max(base.minimum.values())
        raise DataError(f"nothing to attack: the data ends before the first bar after a warm-up of {need} bars")
    rng = np.random.default_rng(seed)
    sent = np.unique([row[-1] for row in base.orders]).astype(np.int64)
    # An order on a slow feed may have been sent at any close of a fast one after the slow bar it is dated by.
    later = closes[np.minimum(np.searchsorted(closes, sent, "right"), len(closes) - 1)]
    at_orders = np.intersect1d(np.concatenate([sent, later]) if len(base.closes) > 1 else sent, free)
    picked = rng.choice(at_orders, min(count // 2, len(at_orders)), replace=False)
    strata = np.array_split(free, min(count - len(picked), len(free)))
    return np.unique(np.concatenate([picked, [rng.choice(part) for part in strata]]).astype(np.int64))


def mislabelled(sources: Sources) -> Iterator[Leak]:
    """Feeds whose bars are stamped at their start: they hold the prices that a faster feed has one bar later."""
    for name, slow in ((k, s.bars) for k, s in sources.items()):
        for fast in (s.bars for s in sources.values()):
            if len(fast) <= len(slow) or len(slow) < 3:
                continue
            length = int(np.median(slow["close_time"] - slow["open_time"]))
            now, then = (_price(fast, slow["close_time"] + ahead) == slow["close"] for ahead in (0, length))
            known = ~np.isnan(_price(fast, slow["close_time"] + length))
            if known.sum() >= 3 and then[known].mean() > _MOST and now[known].mean() < _LEAST:
                i = int(np.flatnonzero(then & ~now)[0])
                time = int(slow["close_time"][i])
                said = f"its close is that of {iso(time + length)}: bars are stamped {interval_text(length)} early"
                yield Leak(Difference(f"feed {name}", i, time, "", said), "as it is", time)
                break


def _price(bars: Bars, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last close at each of ``times``; NaN outside the data."""
    closes = bars["close_time"]
    at = np.searchsorted(closes, times, "right") - 1
    inside = (at >= 0) & (times <= closes[-1])
    made: NDArray[np.float64] = np.where(inside, bars["close"][np.maximum(at, 0)], np.nan)
    return made


def _beyond(err: IndexError, bars: Bars) -> Leak:
    """The strategy that reads a bar after the last."""
    end = int(bars["close_time"][-1])
    said = f"it reads beyond the last bar: an IndexError{_place(err)}"
    return Leak(Difference("the strategy", len(bars) - 1, end, "", said), "as it is", end)


def _place(err: Exception) -> str:
    """The line of the author's that an error came from."""
    machinery = (*(_ROOT / part for part in ("api.py", "backtest", "checks", "core")), Path(bt.__file__).parent)
    frames = traceback.extract_tb(err.__traceback__)
    own = [f for f in frames if not any(Path(f.filename).resolve().is_relative_to(part) for part in machinery)]
    return f" in {own[-1].filename}:{own[-1].lineno}" if own else ""

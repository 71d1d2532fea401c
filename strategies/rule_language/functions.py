"""The functions of expressions: what each takes, what it means, how far back it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ...core.clock import parse_zone
from . import across, rolling, times
from .operators import NAN, is_true, quiet

EVER = 1 << 60
"""The bars that a function looks back which may look at all of them."""
MOST = 1_000_000
"""Most bars in a window."""


@dataclass(frozen=True)
class Value:
    """An argument that is an expression itself.

    Parameters
    ----------
    name : str
        As documentation calls it.
    """

    name: str


@dataclass(frozen=True)
class Whole:
    """An argument that is a whole number, written out: bars.

    Parameters
    ----------
    name : str
        As documentation calls it.
    low : int
        Smallest legal one.
    default : int or None
        Taken when it is left out; None where it cannot be.
    """

    name: str = "n"
    low: int = 1
    default: int | None = None

    def read(self, value: Any) -> int:
        """The number, or ValueError with what is allowed."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not self.low <= value <= MOST:
            raise ValueError(f"{self.name} must be a whole number from {self.low} to {MOST}")
        return int(value)


@dataclass(frozen=True)
class Share:
    """An argument that is a number from 0 to 100, written out.

    Parameters
    ----------
    name : str
        As documentation calls it.
    """

    name: str = "q"
    default: None = None

    def read(self, value: Any) -> float:
        """The number, or ValueError with what is allowed."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 100:
            raise ValueError(f"{self.name} must be a number from 0 to 100")
        return float(value)


@dataclass(frozen=True)
class Quoted:
    """An argument that is text in quotes.

    Parameters
    ----------
    name : str
        As documentation calls it.
    parse : callable
        Raises ValueError with what is allowed.
    default : str or None
        Taken when it is left out; None where it cannot be.
    """

    name: str
    parse: Callable[[str], Any]
    default: str | None = None

    def read(self, value: Any) -> str:
        """The text, or ValueError with what is allowed."""
        if not isinstance(value, str):
            raise ValueError(f"{self.name} must stand in quotes")
        self.parse(value)
        return value


Argument = Value | Whole | Share | Quoted


@dataclass(frozen=True)
class Function:
    """One function of expressions.

    Parameters
    ----------
    group : str
        Heading under which documentation has it.
    takes : tuple of Argument
        Its arguments in order.
    apply : callable
        Called with the columns of ``reads``, then the arguments; arrays in, one array out.
    meaning : str
        One sentence.
    back : callable
        Bars it looks back beyond those of its arguments, from its literal arguments.
    over_bars : bool
        Whether its first argument has to change from bar to bar.
    more : bool
        Whether the last argument may stand any number of times.
    reads : tuple of str
        Columns of the traded feed that it reads.
    bare : bool
        Whether its name may stand without brackets.
    literal : callable, optional
        Reads text that its result is compared with, as in ``time >= '09:30'``.
    by_hours : bool
        Whether `apply` is called with the trading hours of the traded feed behind all else.
    across : bool
        Whether its last argument is looked at for every instrument that is traded, and `apply` called with what it is
        for the own one, with all of them, or with that of the named one.
    """

    group: str
    takes: tuple[Argument, ...]
    apply: Callable[..., Any]
    meaning: str
    back: Callable[..., int] = lambda *_: 0
    over_bars: bool = False
    more: bool = False
    reads: tuple[str, ...] = ()
    bare: bool = False
    literal: Callable[[str], float] | None = None
    by_hours: bool = False
    across: bool = False

    def signature(self, name: str) -> str:
        """How it is written.

        Examples
        --------
        >>> FUNCTIONS["prev"].signature("prev"), FUNCTIONS["max"].signature("max")
        ('prev(x, n=1)', 'max(a, b, …)')
        """
        parts = [a.name if (d := getattr(a, "default", None)) is None else f"{a.name}={d!r}" for a in self.takes]
        shown = f"{name}({', '.join([*parts, '…'] if self.more else parts)})"
        return f"{name} or {shown}" if self.bare else shown

    def fits(self, given: int) -> bool:
        """Whether it can be called with so many arguments."""
        least = sum(getattr(a, "default", None) is None for a in self.takes)
        return least <= given and (self.more or given <= len(self.takes))

    def asks(self) -> str:
        """How many arguments it takes, in words."""
        most, least = len(self.takes), sum(getattr(a, "default", None) is None for a in self.takes)
        count = f"at least {most}" if self.more else f"{most}" if most == least else f"{least} to {most}"
        return f"{count} argument{'' if count == '1' else 's'}"


_X, _A, _B = Value("x"), Value("a"), Value("b")
_CONDITION = Value("condition")
_ZONE = Quoted("zone", parse_zone, "")
_SESSION = Quoted("session", times.parse_rule_session)
_CLOCK = times.parse_clock


def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(np.isnan(condition), NAN, np.where(is_true(condition), a, b))


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _of_each(apply: Callable[..., Any], meaning: str, *takes: Argument, more: bool = False) -> Function:
    """A function of one bar's numbers."""
    return Function("numbers", takes, apply, meaning, more=more)


def _of_window(apply: Callable[..., Any], meaning: str, low: int = 1, *more: Argument) -> Function:
    """A function of the last ``n`` bars."""
    return Function("windows", (_X, Whole(low=low), *more), apply, meaning, lambda n, *_: n - 1, over_bars=True)


def _of_instruments(apply: Callable[..., Any], meaning: str, *takes: Argument) -> Function:
    """A function of all instruments that are traded."""
    return Function("instruments", (*takes, _X), apply, meaning, across=True)


def _of_past(apply: Callable[..., Any], meaning: str) -> Function:
    """A function of one bar further back."""
    return Function("earlier bars", (_X, Whole(default=1)), apply, meaning, lambda n: n, over_bars=True)


def _of_crossing(apply: Callable[..., Any], meaning: str) -> Function:
    return Function("events", (_A, _B), apply, meaning, lambda *_: 1, over_bars=True)


def _of_time(
    apply: Callable[..., Any], meaning: str, *takes: Argument, reads: tuple[str, ...] = ("close_time",), **more: Any
) -> Function:
    return Function("time", takes, apply, meaning, reads=reads, by_hours=True, **more)


FUNCTIONS: Mapping[str, Function] = {
    "abs": _of_each(np.abs, "without its sign", _X),
    "sqrt": _of_each(quiet(np.sqrt), "square root, NaN below 0", _X),
    "log": _of_each(quiet(np.log), "natural logarithm, NaN from 0 down", _X),
    "sign": _of_each(np.sign, "-1, 0 or 1", _X),
    "min": _of_each(lambda *x: reduce(np.minimum, x), "the smallest of them", _A, _B, more=True),
    "max": _of_each(lambda *x: reduce(np.maximum, x), "the largest of them", _A, _B, more=True),
    "clip": _of_each(_clip, "`x`, but not below `low` nor above `high`", _X, Value("low"), Value("high")),
    "where": _of_each(_where, "`a` where the condition is true, `b` where it is not", _CONDITION, _A, _B),
    "known": _of_each(lambda x: (~np.isnan(x)).astype(np.float64), "whether `x` is a number, not NaN", _X),
    "prev": _of_past(rolling.shifted, "`x` `n` bars ago; `x[n]` is the same"),
    "change": _of_past(rolling.change, "`x` less `x` `n` bars ago"),
    "highest": _of_window(rolling.highest, "highest of the last `n` bars"),
    "lowest": _of_window(rolling.lowest, "lowest of the last `n` bars"),
    "sum": _of_window(rolling.total, "sum of the last `n` bars, the oldest first"),
    "mean": _of_window(rolling.mean, "mean of the last `n` bars"),
    "std": _of_window(rolling.deviation, "sample standard deviation of the last `n` bars", 2),
    "var": _of_window(rolling.variance, "sample variance of the last `n` bars", 2),
    "cov": Function(
        "windows",
        (_X, Value("y"), Whole(low=2)),
        rolling.covariance,
        "sample covariance over the last `n` bars; `cov(x, y, n) / var(y, n)` is the slope of `x` on `y`",
        lambda n: n - 1,
        over_bars=True,
    ),
    "zscore": _of_window(rolling.zscore, "sample deviations above the mean of the last `n` bars, NaN when flat", 2),
    "median": _of_window(rolling.median, "median of the last `n` bars"),
    "percentile": _of_window(
        rolling.percentile, "`q`-th percentile of the last `n` bars, linear between values", 1, Share()
    ),
    "count": _of_window(rolling.count, "on how many of the last `n` bars the condition `x` was true"),
    "cross": _of_crossing(rolling.cross, "whether `a` went through `b` on this bar, up or down"),
    "crossover": _of_crossing(rolling.crossover, "whether `a` is above `b` now and was not one bar ago"),
    "crossunder": _of_crossing(rolling.crossunder, "whether `a` is below `b` now and was not one bar ago"),
    "since": Function(
        "events",
        (_CONDITION,),
        rolling.since,
        "bars since the condition was last true: 0 on such a bar, NaN before the first",
        lambda *_: EVER,
        over_bars=True,
    ),
    "when": Function(
        "events",
        (_CONDITION, _X),
        lambda condition, x: rolling.when(x, condition),
        "`x` as it was when the condition was last true, NaN before the first",
        lambda *_: EVER,
        over_bars=True,
    ),
    "time": _of_time(
        times.time_of_day,
        "minutes since midnight at the bar's close; compare it with a time in quotes, as in `time >= '09:30'`",
        _ZONE,
        bare=True,
        literal=_CLOCK,
    ),
    "weekday": _of_time(
        times.weekday,
        "weekday of the bar's close, 1 for Monday to 7; compare it with `'Mon'` to `'Sun'`",
        _ZONE,
        bare=True,
        literal=times.parse_day,
    ),
    "between": _of_time(
        times.between,
        "whether the bar closes at `from` or later and before `to`, over midnight where `to` is the earlier",
        Quoted("from", _CLOCK),
        Quoted("to", _CLOCK),
        _ZONE,
    ),
    "session": _of_time(
        times.session,
        "number of the session in which the bar opens, as in `session('1d@Europe/Berlin')`; a new one has another",
        _SESSION,
        reads=("open_time",),
    ),
    "elapsed": _of_time(
        times.elapsed,
        "minutes from the start of that session to the bar's close",
        _SESSION,
        reads=("open_time", "close_time"),
    ),
    "remaining": _of_time(
        times.remaining,
        "minutes from the bar's close to the end of that session, as in `remaining('1d@XNYS') <= 5` to be flat by then",
        _SESSION,
        reads=("open_time", "close_time"),
    ),
    "rank": _of_instruments(
        lambda own, every, named: across.rank(own, every),
        "place of `x` among all instruments that are traded: 1 is the highest, equal ones share the better place",
    ),
    "mean_of": _of_instruments(
        lambda own, every, named: across.mean_of(every),
        "mean of `x` over all instruments that are traded, of those where it is known",
    ),
    "of": _of_instruments(
        lambda own, every, named: named(),
        "`x` as it is for another instrument that is traded, as in `of('btc', close > vwap)`",
        Quoted("instrument", str),
    ),
}
"""Every function by name."""

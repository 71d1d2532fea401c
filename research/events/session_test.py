"""Whether a mean over bursts of events is told from zero, with whole sessions as what varies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 1_999
LEVEL = 0.95


class SessionMean(NamedTuple):
    """A mean, and how sure it is.

    Parameters
    ----------
    mean : float
        Over all events.
    low, high : float
        What the test does not reject as the mean, at 5 %.
    t : float
        The mean over its error clustered by session.
    p : float
        How often |t| is as large under random signs of the sessions.
    """

    mean: float
    low: float
    high: float
    t: float
    p: float


def signs(sessions: int, seed: int, draws: int = DRAWS) -> Floats:
    """Random signs, shape (draws, sessions).

    Examples
    --------
    >>> made = signs(3, seed=1)
    >>> made.shape, sorted(set(made.ravel().tolist()))
    ((1999, 3), [-1.0, 1.0])
    """
    return 1.0 - 2.0 * np.random.default_rng([seed, 17]).integers(0, 2, (draws, sessions)).astype(np.float64)


def session_mean(sums: Floats, counts: Floats, flips: Floats) -> SessionMean:
    """The session sign-flip t test of a mean, and the interval of all means that it does not reject.

    With sums a and counts c of G sessions, n events and mean m, t = m / √(G/(G − 1) · Σ(a − c·m)² / n²), compared with
    |t| under random signs of a. The interval asks the same of a − c·μ.

    Parameters
    ----------
    sums, counts : ndarray of float64, (sessions,)
        Of the moves after the events of each session; a session without events is left out.
    flips : ndarray of float64, (draws, sessions)
        Of `signs`.

    Returns
    -------
    SessionMean
        NaN but for the mean where the sessions do not vary.

    References
    ----------
    Cameron, Gelbach, Miller (2008), Bootstrap-based improvements for inference with clustered errors, Review of
    Economics and Statistics 90, 414-427.
    Canay, Romano, Shaikh (2017), Randomization tests under an approximate symmetry assumption, Econometrica 85,
    1013-1030.

    Examples
    --------
    >>> a = np.random.default_rng(0).normal(5.0, 1.0, 30)
    >>> made = session_mean(a, np.ones(30), signs(30, seed=1))
    >>> bool(made.low < 5.0 < made.high), made.p
    (True, 0.0005)
    """
    n, groups = float(counts.sum()), len(sums)
    mean = float(sums.sum()) / n
    spread = float(((sums - counts * mean) ** 2).sum())
    if groups < 2 or not spread > 1e-24 * float((sums**2).sum() + 1e-300):
        return SessionMean(mean, math.nan, math.nan, math.nan, math.nan)
    error = math.sqrt(groups / (groups - 1) * spread) / n
    own = _Flipped(sums, counts, flips)

    def p_of(value: float) -> float:
        return own.p(value, abs(mean - value) / error, groups)

    low, high = (_edge(p_of, mean, side * error) for side in (-1.0, 1.0))
    return SessionMean(mean, low, high, mean / error, p_of(0.0))


class _Flipped:
    """|t| under every draw of signs, for any mean that is put to the test."""

    def __init__(self, sums: Floats, counts: Floats, flips: Floats) -> None:
        self._n = float(counts.sum())
        self._sums, self._counts = flips @ sums, flips @ counts
        self._crossed, self._squared = flips @ (counts * sums), flips @ (counts * counts)
        self._aa, self._ac, self._cc = float(sums @ sums), float(sums @ counts), float(counts @ counts)

    def p(self, value: float, own: float, groups: int) -> float:
        mean = (self._sums - value * self._counts) / self._n
        squares = self._aa - 2.0 * value * self._ac + value * value * self._cc
        crossed = self._crossed - value * self._squared
        spread = np.maximum(squares - 2.0 * mean * crossed + mean * mean * self._cc, 0.0)
        error = np.sqrt(groups / (groups - 1) * spread) / self._n
        # As large but for rounding is as large: a draw of equal signs is the data itself.
        large = np.abs(mean) >= own * error * (1.0 - 1e-12)
        return (1.0 + float(np.count_nonzero(large))) / (1.0 + len(mean))


def _edge(ask: Callable[[float], float], mean: float, step: float) -> float:
    """The farthest value on one side of ``mean`` that is not rejected."""
    near, far = 0.0, 1.0
    while ask(mean + far * step) > 1.0 - LEVEL and far < 1e6:
        near, far = far, 2.0 * far
    for _ in range(40):
        middle = 0.5 * (near + far)
        near, far = (middle, far) if ask(mean + middle * step) > 1.0 - LEVEL else (near, middle)
    return mean + far * step


def q_values(p: Floats) -> Floats:
    """Benjamini and Hochberg's q of each of many p values; NaN, which is no test, stays NaN.

    References
    ----------
    Benjamini, Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical Society B 57,
    289-300.

    Examples
    --------
    >>> q_values(np.array([0.01, 0.04, 0.03, np.nan])).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    made = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    if len(order):
        raw = p[order] * len(order) / np.arange(1, len(order) + 1)
        made[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return made

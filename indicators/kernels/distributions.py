"""Distribution functions for use inside step kernels."""

from __future__ import annotations

import math

from ...core.kernels import compiled

_TERMS = 500
_SMALL = 1e-300


@compiled
def normal_cdf(z: float) -> float:
    """Share of a standard normal variable below ``z``.

    >>> round(normal_cdf(1.0), 7)
    0.8413447
    """
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


@compiled
def _apart_from_zero(value: float) -> float:
    return value if abs(value) > _SMALL else _SMALL


@compiled
def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c = 1.0
    d = 1.0 / _apart_from_zero(1.0 - (a + b) * x / (a + 1.0))
    made = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 / _apart_from_zero(1.0 + even * d)
        c = _apart_from_zero(1.0 + even / c)
        made *= c * d
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 / _apart_from_zero(1.0 + odd * d)
        c = _apart_from_zero(1.0 + odd / c)
        made *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return made


@compiled
def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for ``a``, ``b`` > 0 and ``x`` in [0, 1]."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


@compiled
def student_cdf(t: float, freedom: float) -> float:
    """Share of Student's t with ``freedom`` degrees of freedom below ``t``.

    >>> round(student_cdf(1.0, 0.25), 9), round(student_cdf(-0.5, 0.25), 9)
    (0.644348129, 0.408099989)
    """
    tail = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))
    return 1.0 - tail if t > 0.0 else tail

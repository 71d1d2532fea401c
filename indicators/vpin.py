"""VPIN: volume-synchronised probability of informed trading."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.clock import DAY
from ..core.kernels import compiled, step
from ..core.params import Bound, Choice, With
from .framework.base import Indicator, Line
from .framework.inputs import Duration, Input
from .kernels.bar_sides import bought_share, sides_size
from .kernels.sorted_windows import sorted_below, sorted_count, sorted_push, sorted_size
from .kernels.windows import Floats, total_count, total_push, total_size, total_value

_CLASSIFICATIONS = ("given", "tick", "bvc_normal", "bvc_t")
_FULL = 1e-12
"""A bucket that lacks no more than this share is full, and a share of it is rounding noise."""

# What the kernel is given: parameters, then where in the state its windows begin. Before them the state holds the open
# bucket and the last values; the four sums over buckets are of what was one-sided, that at its least and at its most,
# and of all volume.
_BUCKET, _BUCKETS, _PER_DAY, _AVERAGE, _HOW, _SIGMA, _FREEDOM, _HISTORY, _ERROR = range(9)
_ONE_SIDED, _LEAST, _MOST, _WHOLE, _RANKED, _DAILY, _TIMES, _SIDES = range(9, 17)
_SIZE, _FILLED, _BOUGHT, _VALUES, _HEAD = 0, 1, 2, 3, 7


@compiled
def _size_of_bucket(p: Any, s: Any) -> float:
    """What the next bucket holds; 0 while that is not known."""
    if p[_BUCKET] > 0.0:
        return float(p[_BUCKET])
    if total_count(s, int(p[_DAILY])) < p[_AVERAGE]:
        return 0.0
    volume, time = total_value(s, int(p[_DAILY])), total_value(s, int(p[_TIMES]))
    return volume / time * (DAY / p[_PER_DAY]) if time > 0.0 else 0.0


@compiled
def _close_bucket(p: Any, s: Any) -> None:
    """Take the full bucket into the sums, and leave none open."""
    n, held, size = int(p[_BUCKETS]), int(p[_HISTORY]), s[_SIZE]
    one_sided = min(abs(2.0 * s[_BOUGHT] - size), size)
    if one_sided <= _FULL * size:
        one_sided = 0.0
    error = 2.0 * p[_ERROR] * size
    total_push(s, int(p[_ONE_SIDED]), n, one_sided)
    total_push(s, int(p[_LEAST]), n, max(one_sided - error, 0.0))
    total_push(s, int(p[_MOST]), n, min(one_sided + error, size))
    total_push(s, int(p[_WHOLE]), n, size)
    s[_SIZE] = s[_FILLED] = s[_BOUGHT] = 0.0
    if total_count(s, int(p[_WHOLE])) < n:
        return
    whole = total_value(s, int(p[_WHOLE]))
    s[_VALUES] = min(total_value(s, int(p[_ONE_SIDED])) / whole, 1.0)
    s[_VALUES + 2] = min(total_value(s, int(p[_LEAST])) / whole, 1.0)
    s[_VALUES + 3] = min(total_value(s, int(p[_MOST])) / whole, 1.0)
    sorted_push(s, int(p[_RANKED]), held, s[_VALUES])
    if sorted_count(s, int(p[_RANKED])) >= held:
        s[_VALUES + 1] = sorted_below(s, int(p[_RANKED]), held, s[_VALUES] + _FULL) / held


@compiled
def _fill(p: Any, s: Any, volume: float, share: float) -> None:
    """Pour a bar into buckets, each part with the same share bought."""
    most = p[_BUCKETS] + p[_HISTORY] + 1.0
    while volume > 0.0:
        if s[_SIZE] == 0.0:
            s[_SIZE] = _size_of_bucket(p, s)
            if not s[_SIZE] > 0.0:
                s[_SIZE] = 0.0
                return
            # Of very many equal buckets the first leave no trace in the last and need not be gone through.
            volume -= max(math.floor(volume / s[_SIZE]) - most, 0.0) * s[_SIZE]
        part = min(volume, s[_SIZE] - s[_FILLED])
        s[_FILLED] += part
        s[_BOUGHT] += part * share
        volume -= part
        if s[_SIZE] - s[_FILLED] <= _FULL * s[_SIZE]:
            _close_bucket(p, s)


@step
def vpin(p: Any, x: Any, s: Any, y: Any) -> None:
    """Kernel; ``x`` is bought and sold, or volume and close, and how long the bar is where buckets are averaged."""
    if p[_HOW] == 0.0:
        volume = x[0] + x[1]
        share = x[0] / volume if volume > 0.0 else np.nan
    else:
        volume = x[0]
        share = bought_share(s, int(p[_SIDES]), x[1], p[_HOW], int(p[_SIGMA]), p[_FREEDOM])
    if p[_BUCKET] == 0.0:
        total_push(s, int(p[_DAILY]), int(p[_AVERAGE]), volume)
        total_push(s, int(p[_TIMES]), int(p[_AVERAGE]), x[2])
    if share == share:
        _fill(p, s, volume, share)
    for k in range(len(y)):
        y[k] = s[_VALUES + k]


def _layout(params: Mapping[str, Any]) -> list[int]:
    """Where the windows begin: four sums over buckets, the history, two sums over bars, the closes; then the end."""
    sizes = [total_size(int(params["buckets"]))] * 4 + [sorted_size(int(params["history"]))]
    sizes += [0 if params["bucket"] else total_size(int(params["average"]))] * 2
    sizes += [0 if params["classification"] == "given" else sides_size(int(params["sigma_window"]))]
    return [_HEAD + sum(sizes[:k]) for k in range(len(sizes) + 1)]


class VPIN(Indicator):
    """Share of volume without an opposite, over buckets of equal volume.

        vpin = sum |buys - sells| / sum volume,   over the last ``buckets`` full buckets

    Volume is poured into buckets as it comes: each holds exactly its size, and a bar that straddles a border
    is split pro rata, with the same share bought in every part. A bucket counts when it is full; until the next
    one is, the values stand.

    Parameters
    ----------
    bucket : float or None, default=None
        Size of a bucket in base currency. None: a share of the trailing mean day, fixed for each bucket when it
        begins, from bars that are over.
    per_day : float, default=50.0
        Buckets in a mean day; used when ``bucket`` is None.
    average : int, default=1440
        Bars behind the mean day, by their volume and how long they were; used when ``bucket`` is None.
    buckets : int, default=50
        Buckets in one value.
    classification : {'given', 'tick', 'bvc_normal', 'bvc_t'}, default='given'
        How volume is told apart: by the tape's own sides; the whole bar by the sign of the last change of the close;
        or in bulk, by the normal or Student's distribution of the change over its deviation.
    sigma_window : int, default=20
        Changes of the close behind that deviation (sample, the current one included).
    df : float, default=0.25
        Degrees of freedom of Student's distribution.
    history : int, default=250
        Values, one a bucket, that ``cdf`` ranks against.
    error : float or None, default=None
        Share of the volume whose side may be told wrongly; adds the lines ``vpin_low`` and ``vpin_high``.

    Inputs
    ------
    taker_buy_volume, taker_sell_volume : base, >= 0
        With ``classification='given'``.
    volume, close : base, price
        With the other classifications.
    open_time, close_time : µs UTC
        Where ``bucket`` is None.

    Lines
    -----
    vpin : pure number in [0, 1]
        From the ``buckets``-th full bucket on.
    cdf : pure number in (0, 1]
        Share of the last ``history`` values, this one included, that are not above ``vpin``; from the
        ``history``-th value on. The paper calls flow toxic where it is high, as above 0.9.
    vpin_low, vpin_high : pure number in [0, 1]
        Only with ``error``: what ``vpin`` would be if that share of each bucket had to change sides, towards balance
        and away from it.

    NaN before; when that ends depends on the volume. All stay when buys and sells trade places.

    Raises
    ------
    ParamError
        If a parameter is out of range, or another one is given.
    InputError
        If the data lacks an input.

    References
    ----------
    Easley, D., López de Prado, M., O'Hara, M. (2012). Flow Toxicity and Liquidity in a High-Frequency World. Review
    of Financial Studies 25(5), 1457-1493. Fifty buckets of a fiftieth of a day, sides by the normal distribution.
    The same (2016). Discerning Information from Trade Data. Journal of Financial Economics 120(2), 269-285. Student's
    distribution with 0.25 degrees of freedom.

    Examples
    --------
    >>> import pandas as pd
    >>> bars = pd.DataFrame(
    ...     dict(taker_buy_volume=[7.0, 2, 5], taker_sell_volume=[3.0, 8, 5]),
    ...     index=pd.date_range("2024-01-01 00:01", periods=3, freq="1min"),
    ... )
    >>> VPIN.over(bars, bucket=10, buckets=3)["vpin"].round(7).tolist()
    [nan, nan, 0.3333333]
    >>> VPIN.over(bars, bucket=10, buckets=3, error=0.1).round(3).iloc[-1, 2:].to_dict()
    {'vpin_low': 0.2, 'vpin_high': 0.533}

    A bar that straddles a border belongs to both buckets:

    >>> VPIN.over(bars, bucket=15, buckets=1)["vpin"].round(7).tolist()
    [nan, 0.0666667, 0.2]
    """

    lines = ("vpin", "cdf")
    params = {
        "bucket": None,
        "per_day": 50.0,
        "average": 1440,
        "buckets": 50,
        "classification": "given",
        "sigma_window": 20,
        "df": 0.25,
        "history": 250,
        "error": None,
    }
    bounds = {
        "bucket": Bound(0, open_low=True, optional=True),
        "per_day": Bound(0, open_low=True),
        "average": Bound(1, 1_000_000, integer=True),
        "buckets": Bound(1, 100_000, integer=True),
        "classification": Choice(*_CLASSIFICATIONS),
        "sigma_window": Bound(2, 100_000, integer=True),
        "df": Bound(0, open_low=True),
        "history": Bound(1, 100_000, integer=True),
        "error": Bound(0, 0.5, optional=True),
    }
    sized = True
    inputs = ("taker_buy_volume", "taker_sell_volume", Duration())
    measures = {
        "vpin": Line("share of volume without an opposite", sparse=True),
        "cdf": Line("rank of vpin in its own past", sparse=True),
        "vpin_low": Line("vpin if wrongly told sides were to balance it", sparse=True),
        "vpin_high": Line("vpin if wrongly told sides had balanced it", sparse=True),
    }
    param_units = {"bucket": (0, 1)}
    only_with = {
        "per_day": With("bucket", (None,)),
        "average": With("bucket", (None,)),
        "sigma_window": With("classification", ("bvc_normal", "bvc_t")),
        "df": With("classification", ("bvc_t",)),
    }
    presets = (
        {"bucket": 0.5, "buckets": 8, "history": 10, "error": 0.1},
        {"per_day": 720.0, "average": 30, "buckets": 5, "history": 5},
        {"bucket": 0.7, "buckets": 5, "history": 5, "classification": "tick", "error": 0.05},
        {"per_day": 720.0, "average": 30, "buckets": 5, "history": 5, "classification": "bvc_t", "sigma_window": 10},
    )
    step = vpin

    @classmethod
    def line_names(cls, **params: Any) -> tuple[str, ...]:
        """Two lines, and the band where it is asked for."""
        return ("vpin", "cdf") if params["error"] is None else ("vpin", "cdf", "vpin_low", "vpin_high")

    @classmethod
    def input_names(cls, **params: Any) -> tuple[Input, ...]:
        """What tells the sides, and how long bars are where buckets are averaged."""
        given = params["classification"] == "given"
        told: tuple[Input, ...] = ("taker_buy_volume", "taker_sell_volume") if given else ("volume", "close")
        return told if params["bucket"] else (*told, Duration())

    @classmethod
    def warmup(cls, **params: Any) -> int:
        """The first bar that may fill a bucket."""
        reach = {"given": 1, "tick": 2}.get(params["classification"], int(params["sigma_window"]) + 1)
        return reach if params["bucket"] else max(reach, int(params["average"]))

    @classmethod
    def numbers(cls, params: Mapping[str, Any]) -> tuple[float, ...]:
        """Parameters in order, 0 for what is not asked for, and where the windows begin."""
        how = _CLASSIFICATIONS.index(params["classification"])
        before, after = ("bucket", "buckets", "per_day", "average"), ("sigma_window", "df", "history", "error")
        asked = [*(params[k] for k in before), how, *(params[k] for k in after)]
        return tuple(float(v or 0) for v in (*asked, *_layout(params)[:-1]))

    @classmethod
    def state_size(cls, **params: Any) -> int:
        """The open bucket, the values, and the windows."""
        return _layout(params)[-1]

    @classmethod
    def init_state(cls, state: Floats, **params: Any) -> None:
        """No values and no close yet."""
        state[_VALUES:_HEAD] = np.nan
        if params["classification"] != "given":
            state[_layout(params)[-2]] = np.nan

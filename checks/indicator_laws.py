"""The laws every indicator is held to, ours and everybody's.

None of them needs a word from the author beyond the class data: what to feed, which lines change
with the units or the sides, and when the first value comes is all declared there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.bars import Bars
from ..core.errors import InputError, ParamError
from ..core.params import check_param
from ..core.schema import BAR_COLUMNS
from ..indicators.framework.cerebro_host import host
from ..indicators.framework.inputs import LEVELS, columns_of
from .docstring_laws import complaints
from .synthetic_markets import (
    irregular,
    markets,
    mirrored,
    replaced_after,
    scaled,
    shuffled_after,
    upside_down,
    with_holes,
    without,
)

Params = Mapping[str, Any]
Table = NDArray[np.float64]
CLOSE_TO = 1e-9
SIZE_SCALE = 7.0
_AFTER_WARMUP = 60
_WAYS: dict[str, dict[str, Any]] = {
    "runonce": {"runonce": True},
    "bar by bar": {"runonce": False},
    "exactbars": {"exactbars": 1},
}


@dataclass(frozen=True)
class Violation:
    """One law that an indicator broke.

    Parameters
    ----------
    law : str
        Which.
    indicator : str
        Class name.
    params : dict
        The parametrisation that broke it.
    message : str
        Where and by how much.
    """

    law: str
    indicator: str
    params: dict[str, Any]
    message: str

    def __str__(self) -> str:
        given = ", ".join(f"{k}={v!r}" for k, v in self.params.items())
        return f"{self.indicator}({given}) {self.law}: {self.message}"


Law = Callable[[Any, Params], Iterator[str]]


def _full(cls: Any, params: Params) -> dict[str, Any]:
    made: dict[str, Any] = cls.resolve(params)
    return made


def _inputs(cls: Any, params: Params, carries: Callable[[str], bool]) -> tuple[str, ...]:
    return columns_of(cls.input_names(**cls.resolve_auto(_full(cls, params), carries)))


def _markets(cls: Any, params: Params) -> dict[str, Bars]:
    """The markets, long enough for the warm-up; those an indicator does not get its inputs from are left out."""
    warmup = cls.warmup(**_full(cls, params))
    extra = [c for c in _inputs(cls, params, lambda _: True) if c not in BAR_COLUMNS and c != LEVELS]
    made = markets(max(120, warmup + _AFTER_WARMUP), extra)
    return {k: bars for k, bars in made.items() if k == "live" or _fits(cls, params, bars)}


def _fits(cls: Any, params: Params, bars: Bars) -> bool:
    try:
        resolved = cls.resolved_over(_full(cls, params), bars.carries, bars.columns, bars.source)
        cls.check_inputs(resolved, bars.carries, bars.source, ())
    except InputError:
        return False
    return True


def _changed(names: tuple[str, ...], before: Table, after: Table) -> str:
    """Empty when equal bit for bit, else the first line, and its first bar, that is not."""
    if before.shape != after.shape:
        return f"the shape {before.shape} becomes {after.shape}"
    for name, a, b in zip(names, before, after, strict=True):
        off = (a != b) & ~(np.isnan(a) & np.isnan(b))
        if off.any():
            i = int(np.argmax(off))
            return f"line {name}, bar {i}: {float(a[i])!r} becomes {float(b[i])!r}"
    return ""


def _apart(names: tuple[str, ...], expected: Table, actual: Table) -> str:
    """Empty when equal to 1e-9 of each line's size, else the first place where not."""
    if expected.shape != actual.shape:
        return f"shape {actual.shape}, expected {expected.shape}"
    for name, a, b in zip(names, expected, actual, strict=True):
        size = float(np.nanmax(np.abs(a))) if not np.isnan(a).all() else 0.0
        off = (np.isnan(a) != np.isnan(b)) | (np.abs(a - b) > CLOSE_TO * size)
        if off.any():
            i = int(np.argmax(off))
            return f"line {name}, bar {i}: {b[i]!r}, expected {a[i]!r}"
    return ""


def bar_by_bar_is_whole_array(cls: Any, params: Params) -> Iterator[str]:
    """Without backtrader, and in each of its modes, the values are the same to 1e-9."""
    names = cls.line_names(**_full(cls, params))
    for market, bars in _markets(cls, params).items():
        alone = cls.table(bars, **params)
        for way, mode in _WAYS.items():
            if len(bars) < cls.warmup(**_full(cls, params)) and cls.level() in ("next", "lines"):
                continue
            hosted, _ = host(cls, bars, dict(params), **mode)
            if wrong := _apart(names, alone, hosted):
                yield f"{market}, {way} against over(): {wrong}"


def sees_no_future(cls: Any, params: Params) -> Iterator[str]:
    """Values up to a bar have the same bits when what comes after is cut off, shuffled or replaced."""
    found = _markets(cls, params)
    for market in ("live", "klines"):
        if market in found:
            yield from (f"{market}, {wrong}" for wrong in _future(cls, params, found[market]))
    yield from (f"irregular, {wrong}" for wrong in _rare_future(cls, params, found["live"]))


def _rare_future(cls: Any, params: Params, live: Bars) -> Iterator[str]:
    """What comes rarely, right before it does, in a market with holes; and in the warm-up."""
    bars, before = irregular(live)
    if not _fits(cls, params, bars):
        return
    names = cls.line_names(**_full(cls, params))
    whole = np.asarray(cls.table(bars, **params))
    for t in (len(bars) // 8, *before):
        attacks = {"shuffled": shuffled_after(bars, t), "replaced": replaced_after(bars, t)}
        if t >= cls.warmup(**_full(cls, params)):
            attacks["cut off"] = bars.slice(0, t + 1)
        for attack, other in attacks.items():
            if changed := _changed(names, whole[:, : t + 1], np.asarray(cls.table(other, **params))[:, : t + 1]):
                yield f"over(): {changed} when what follows bar {t} is {attack}"


def _future(cls: Any, params: Params, bars: Bars) -> Iterator[str]:
    n, names = len(bars), cls.line_names(**_full(cls, params))
    ways: dict[str, Callable[[Bars], Table]] = {"over()": lambda given: np.asarray(cls.table(given, **params))}
    for way in ("runonce", "bar by bar"):
        ways[way] = partial(_hosted, cls, params, _WAYS[way])
    for way, values in ways.items():
        whole = values(bars)
        for t in (n - 40, n - 7) if way == "over()" else (n - 23,):
            attacks = {
                "cut off": bars.slice(0, t + 1),
                "shuffled": shuffled_after(bars, t),
                "replaced": replaced_after(bars, t),
            }
            for attack, other in attacks.items():
                if changed := _changed(names, whole[:, : t + 1], values(other)[:, : t + 1]):
                    yield f"{way}: {changed} when what follows bar {t} is {attack}"


def _hosted(cls: Any, params: Params, mode: dict[str, Any], bars: Bars) -> Table:
    return host(cls, bars, dict(params), **mode)[0]


def warms_up_as_declared(cls: Any, params: Params) -> Iterator[str]:
    """NaN before the declared bar and, on a live market, finite from there on."""
    full = _full(cls, params)
    bars = _markets(cls, params)["live"]
    _, held = host(cls, bars, dict(params))
    first = cls.warmup(**full)
    if held._minperiod != first and cls.level() in ("step", "vec"):
        yield f"backtrader waits for bar {held._minperiod}, declared is {first}"
    first = held._minperiod
    measures = cls.line_measures(**params)
    for name, values in zip(cls.line_names(**full), cls.table(bars, **params), strict=True):
        if not np.isnan(values[: first - 1]).all():
            yield f"line {name} has a value before bar {first}"
        if not measures[name].sparse and not np.isfinite(values[first - 1 :]).all():
            bar = first + int(np.argmin(np.isfinite(values[first - 1 :])))
            yield f"line {name} is {values[bar - 1]} at bar {bar} on a live market, declared is bar {first}"


def scales_with_its_units(cls: Any, params: Params) -> Iterator[str]:
    """Prices × 3 (or `price_scale`) and sizes × 7 multiply each line as its dimension says."""
    names, measures, price = cls.line_names(**_full(cls, params)), cls.line_measures(**params), cls.price_scale
    other = {k: _in_units(v, cls.param_units.get(k, (0, 0)), price) for k, v in params.items()}
    for market, bars in _markets(cls, params).items():
        factors = np.array([[price ** measures[k].price * SIZE_SCALE ** measures[k].size] for k in names])
        expected = cls.table(bars, **params) * factors
        if wrong := _apart(names, expected, cls.table(scaled(bars, price, SIZE_SCALE), **other)):
            yield f"{market}, prices × {price:g} and sizes × {SIZE_SCALE:g}: {wrong}"


def _in_units(value: Any, unit: tuple[int, int], price: float) -> Any:
    return value if value is None or unit == (0, 0) else value * price ** unit[0] * SIZE_SCALE ** unit[1]


def mirrors(cls: Any, params: Params) -> Iterator[str]:
    """With buys and sells swapped odd lines change sign, others stay or become what they say, and pairs trade places.

    What tells up from down (``mirror = "book"``) is shown prices upside down as well.
    """
    names, measures = cls.line_names(**_full(cls, params)), cls.line_measures(**params)
    order = [names.index(measures[k].mirror or k) for k in names]
    for market, bars in _markets(cls, params).items():
        other, top = upside_down(mirrored(bars)) if cls.mirror == "book" else (mirrored(bars), None)
        table, actual = cls.table(bars, **params)[order], cls.table(other, **params)
        expected = np.array([_swapped(measures[k], *rows) for k, *rows in zip(names, table, actual, strict=True)])
        if top is not None:
            prices = np.array([measures[k].overlay for k in names])
            expected[prices] = top - _row_height(cls, params, bars) - expected[prices]
        if wrong := _apart(names, expected, actual):
            yield f"{market}, sides swapped{'' if top is None else ' and prices upside down'}: {wrong}"


def _row_height(cls: Any, params: Params, bars: Bars) -> float:
    """Of the rows that an indicator's prices are the lower edges of; 0 where it reads none."""
    if LEVELS not in cls.inputs or bars.levels is None:
        return 0.0
    return float(params.get("row_size") or bars.levels.row_size)


def _swapped(measure: Any, values: Table, actual: Table) -> Table:
    """What a line's values become; an inverse that says nothing, of NaN or 0, is taken as it is."""
    if measure.becomes == "inverse":
        known = np.isfinite(values) & (values != 0)
        return np.where(known, 1.0 / np.where(known, values, 1.0), actual)
    if measure.becomes == "complement":
        return 1.0 - values
    return -values if measure.odd else values


def refuses(cls: Any, params: Params) -> Iterator[str]:
    """An unknown parameter, one out of bounds, and a feed without an input are refused by name."""
    bars = _markets(cls, params)["live"]
    illegal: dict[str, Any] = {"no_such_parameter": 1}
    for name, default in cls.defaults().items():
        if check_param(name, object(), default, cls.bounds.get(name)):
            illegal[name] = object()
    for name, value in illegal.items():
        yield from _refused(cls, bars, {**params, name: value}, ParamError, name)
    for name in _inputs(cls, params, bars.carries):
        poorer = bars if name != LEVELS and bars[name].dtype.kind == "i" else without(bars, name)
        if poorer is not bars and name in _inputs(cls, params, poorer.carries):
            yield from _refused(cls, poorer, dict(params), InputError, name)


def _refused(cls: Any, bars: Bars, params: dict[str, Any], error: type[Exception], name: str) -> Iterator[str]:
    runs: dict[str, Callable[[], Any]] = {
        "over()": lambda: cls.table(bars, **params),
        "in a strategy": lambda: host(cls, bars, params),
    }
    for way, run in runs.items():
        try:
            run()
        except error as err:
            if name not in str(err) or cls.kind not in str(err):
                yield f"{way}: the error names not both {cls.kind} and '{name}': {err}"
        except Exception as err:
            yield f"{way}: '{name}' gives {type(err).__name__} instead of {error.__name__}: {err}"
        else:
            yield f"{way}: a wrong or missing '{name}' is accepted"


def bears_every_market(cls: Any, params: Params) -> Iterator[str]:
    """No crash, no infinity and no rounding noise on markets with nothing, or with holes, in them."""
    found = _markets(cls, params)
    live = found["live"]
    holes = {f"NaN in {c}": with_holes(live, c) for c in _inputs(cls, params, live.carries) if _may_be_nan(live, c)}
    for market, bars in {**found, **holes}.items():
        table = cls.table(bars, **params)
        if np.isinf(table).any():
            yield f"{market}: infinite"
        host(cls, bars, dict(params), runonce=False)
    if "flat" in found:
        yield from _noise(cls, params, found["flat"])


def _may_be_nan(bars: Bars, column: str) -> bool:
    return column != LEVELS and bars[column].dtype.kind == "f"


def _noise(cls: Any, params: Params, flat: Bars) -> Iterator[str]:
    measures = cls.line_measures(**params)
    price, size = float(flat["close"][0]), float(flat["volume"][0])
    for name, values in zip(cls.line_names(**_full(cls, params)), cls.table(flat, **params), strict=True):
        typical = price ** measures[name].price * size ** measures[name].size
        tiny = (values != 0) & (np.abs(values) < CLOSE_TO * typical)
        if tiny.any():
            yield f"flat: line {name} is rounding noise, {values[np.argmax(tiny)]!r}"


def is_documented(cls: Any, params: Params) -> Iterator[str]:
    """Sections in order, every parameter with its true default, every line with its unit, examples that run."""
    if not params:
        yield from complaints(cls)


_LAWS: tuple[Law, ...] = (
    bar_by_bar_is_whole_array,
    sees_no_future,
    warms_up_as_declared,
    scales_with_its_units,
    mirrors,
    refuses,
    bears_every_market,
    is_documented,
)


def laws() -> Iterator[tuple[str, Law]]:
    """The eight laws: name, and a function of class and parameters that yields what is wrong."""
    for law in _LAWS:
        yield law.__name__, law


def broken(cls: Any, law: Law, params: Params) -> list[Violation]:
    """What ``cls`` does against one law with one parametrisation; an exception counts."""
    found: list[str] = []
    try:
        found.extend(law(cls, params))
    except Exception as err:
        found.append(f"{type(err).__name__}: {err}")
    return [Violation(law.__name__, cls.kind, dict(params), message) for message in found]


def check_indicator(cls: Any, **params: Any) -> list[Violation]:
    """Hold an indicator to all laws.

    Parameters
    ----------
    cls : type
        The indicator.
    **params
        One parametrisation. Without any the defaults and the class's ``presets`` are tried.

    Returns
    -------
    list of Violation
        Empty when it keeps them all.

    Examples
    --------
    >>> from tapeflow.indicators.volume_delta import VolumeDelta
    >>> check_indicator(VolumeDelta, unit="quote")
    []
    """
    tried = [params] if params else [{}, *cls.presets]
    return [wrong for given in tried for _, law in laws() for wrong in broken(cls, law, given)]

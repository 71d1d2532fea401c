"""No parameter is silently inert: another legal value changes a line somewhere, or it is told that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tapeflow.core.bars import Bars
from tapeflow.core.errors import TapeflowError
from tapeflow.core.params import Bound, Choice
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.core.samples import empty_bars, sample_bars
from tapeflow.indicators.volume_profile import VolumeProfile

HOURS = 8
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("DeltaDivergence", "timezone"): {"reset": "1w", "pivot": 1, "threshold": "absolute", "amount": 0.001},
    ("VolumeProfile", "composite"): {"session": "30m"},
    ("VolumeProfile", "previous"): {"session": "30m"},
    ("VolumeProfile", "timezone"): {"session": "1d"},
}
"""What has to be set beside a parameter, where neither the defaults nor a preset do."""
GUARDS = {("OrderSizeFlow", "edges")}
"""Parameters that change no figure: they refuse data that are otherwise than they say."""
TEXTS = ("5m", "1h", "2h", "none", "America/New_York", "America/Chicago@17:00", "high", "volume", "20b", "1k+")


def spread(bars: Bars) -> Bars:
    """The same bars, one every eight hours, so that sessions of days end."""
    step = HOURS * 3_600_000_000
    opens = int(bars["open_time"][0]) + step * np.arange(len(bars))
    return bars.assign(open_time=opens, close_time=opens + step)


def even(bars: Bars) -> Bars:
    """The same bars with as much in every price row, and rows missing, so that ties and gaps decide."""
    levels = bars.levels
    assert levels is not None
    keep = levels.price_tick // levels.row_ticks % 5 != 2
    owner = np.repeat(np.arange(len(levels)), np.diff(levels.offsets))[keep]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(levels)))])
    ones = np.ones(len(owner))
    made = replace(levels, offsets=offsets, price_tick=levels.price_tick[keep], buy_volume=ones, sell_volume=ones)
    return replace(bars, levels=made)


_PLAIN = sample_bars(240, seed=3, sequence=True)
MARKETS = (
    _PLAIN,
    spread(sample_bars(180, seed=7, sequence=True)),
    even(spread(sample_bars(120, seed=6, sequence=True))),
    empty_bars(sample_bars(180, seed=4, sequence=True), np.arange(5, 180, 7)),
    sample_bars(120, seed=5, klines=True, levels=False),
    sample_bars(120, seed=8, klines=True, levels=False).assign(quote_volume=np.full(120, np.nan)),
)


def lines(cls: Any, params: dict[str, Any]) -> list[bytes]:
    made = []
    for bars in MARKETS:
        try:
            made.append(cls.over(bars, **params).to_numpy().tobytes())
        except TapeflowError as err:
            made.append(type(err).__name__.encode())
    return made


def others(rule: Any, value: Any) -> Iterator[Any]:
    """Other values that may be legal."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(rule, Choice):
        yield from (v for v in rule.values if v != value)
    elif isinstance(rule, Bound):
        base = value if isinstance(value, int | float) else 10.0
        numbers = (base + 2, base * 3, base / 2, 1, 2, 5, 30, 0.2)
        yield from (int(v) if rule.integer else float(v) for v in numbers if v != value)
    else:
        yield from (v for v in (*TEXTS, [0.5], [2.0, 3.0], ["p20", "p80"], [10.0, 50.0]) if v != value)


def legal(cls: Any, params: dict[str, Any]) -> bool:
    try:
        cls.resolve(params)
    except TapeflowError:
        return False
    return True


def changes(cls: Any, name: str, base: dict[str, Any]) -> bool:
    """Whether some other value of a parameter gives other lines."""
    before, full = lines(cls, base), cls.resolve(base)
    turned = ({**base, name: v} for v in others(cls.bounds.get(name), full[name]))
    return any(lines(cls, params) != before for params in turned if legal(cls, params))


OWN = [name for name in INDICATORS if not name.startswith("talib.")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", OWN)
def test_every_parameter_changes_a_line_somewhere(kind: str) -> None:
    cls: Any = INDICATORS.find(kind)
    bases = ({}, *cls.presets)
    for name in (name for name in cls.defaults() if (kind, name) not in GUARDS):
        beside = BESIDE.get((kind, name))
        tried = bases if beside is None else (beside,)
        assert any(changes(cls, name, dict(base)) for base in tried if name not in cls.idle(cls.resolve(base))), name


@pytest.mark.slow
@pytest.mark.parametrize("kind", [name for name in OWN if INDICATORS.find(name).only_with])
def test_a_parameter_is_called_idle_only_where_it_changes_nothing(kind: str) -> None:
    cls: Any = INDICATORS.find(kind)
    for base in ({}, *cls.presets):
        for name in cls.idle(cls.resolve(base)):
            assert not changes(cls, name, dict(base)), (name, base)


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("VolumeProfile", {"window": 30, "session": "30m"}, "window changes nothing unless session is null"),
        ("VolumeProfile", {"window": 30, "node_order": 2}, "node_order changes nothing unless nodes is true"),
        ("VolumeProfile", {"from_klines": "close"}, "from_klines changes nothing where the feed has levels"),
        ("VPIN", {"bucket": 2.0, "per_day": 9.0}, "per_day changes nothing unless bucket is null"),
        ("VPIN", {"bucket": 2.0, "df": 0.5}, "df changes nothing unless classification is bvc_t"),
        ("Absorption", {"percentile": 50.0}, "percentile changes nothing unless threshold is percentile"),
        ("ZScore", {"robust": True, "ddof": 0}, "ddof changes nothing unless robust is false"),
        (
            "CVD",
            {"reset": "none", "timezone": "America/New_York"},
            "timezone changes nothing while reset is none or bar",
        ),
    ],
)
def test_what_was_set_and_changes_nothing_is_told(kind: str, params: dict[str, Any], said: str) -> None:
    assert said in list(INDICATORS.find(kind).remarks(_PLAIN, **params))
    assert not list(INDICATORS.find(kind).remarks(_PLAIN))


def test_rows_too_high_to_round_up_are_told() -> None:
    (said,) = VolumeProfile.remarks(_PLAIN, dialect="lean")
    assert "rows of 5 are 10 ticks high" in said

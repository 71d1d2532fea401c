"""Every registered indicator against every law, and planted faults against the law meant for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapeflow.checks.indicator_laws import broken, check_indicator, laws
from tapeflow.core.kernels import step
from tapeflow.core.params import Bound
from tapeflow.core.plugins.registry import INDICATORS
from tapeflow.indicators.framework.base import Indicator, Line

LAWS = dict(laws())


def _cases() -> list[Any]:
    made = []
    for name in INDICATORS:
        for given in ({}, *INDICATORS[name].presets):
            shown = ",".join([name, *(f"{k}={v}" for k, v in given.items())])
            made += [pytest.param(name, law, given, id=f"{law}[{shown}]") for law in LAWS]
    return made


@pytest.mark.parametrize(("name", "law", "params"), _cases())
def test_an_indicator_keeps_the_law(name: str, law: str, params: dict[str, Any]) -> None:
    assert [str(v) for v in broken(INDICATORS[name], LAWS[law], params)] == []


class _Close(Indicator):
    lines = ("x",)
    inputs = ("close",)
    measures = {"x": Line("planted", price=1)}


class _Tomorrow(_Close):
    def vec(self, close: Any) -> Any:
        return np.append(close[1:], close[-1:])


class _Demeaned(_Close):
    def vec(self, close: Any) -> Any:
        return close - close.mean()

    def lookback(self) -> None:
        return None


class _PeekingNext(_Close):
    def next(self) -> None:
        line = self.data.close
        ahead = line.array[line.idx + 1] if line.idx + 1 < len(line.array) else line[0]
        self.lines.x[0] = ahead


class _ShortMemory(_Close):
    def vec(self, close: Any) -> Any:
        return np.cumsum(close)


class _BackwardsUndeclared(_Close):
    def next(self) -> None:
        self.lines.x[0] = self.data.close[-1] if len(self) > 1 else self.data.close[0]


@step
def _copy(p: Any, x: Any, s: Any, y: Any) -> None:
    y[0] = x[0]


@step
def _inverse(p: Any, x: Any, s: Any, y: Any) -> None:
    y[0] = 1.0 / (x[0] - 100.1)


@step
def _noise(p: Any, x: Any, s: Any, y: Any) -> None:
    y[0] = (x[0] * 3.0) / 3.0 - x[0] + 1e-13 * x[0]


@step
def _late(p: Any, x: Any, s: Any, y: Any) -> None:
    s[0] += 1.0
    y[0] = x[0] if s[0] >= 3.0 else np.nan


class _WrongUnit(_Close):
    measures = {"x": Line("planted", size=1)}
    step = _copy


class _WrongSign(_Close):
    inputs = ("taker_buy_volume",)
    measures = {"x": Line("planted", size=1, odd=True)}
    step = _copy


class _LateWarmup(_Close):
    step = _late

    @classmethod
    def state_size(cls, **params: Any) -> int:
        return 1


class _AcceptsAnyFeed(_Close):
    step = _copy

    @classmethod
    def check_inputs(cls, *args: Any) -> None:
        """Planted."""


class _AcceptsAnyParameter(_Close):
    params = {"window": 5}
    bounds = {"window": Bound(1)}
    step = _copy

    @classmethod
    def resolve(cls, params: Any) -> Any:
        return {"window": 5}


class _Infinite(_Close):
    step = _inverse


class _RoundingNoise(_Close):
    step = _noise


class _Documented(_Close):
    """A planted fault: the default is not the one that is documented.

    Parameters
    ----------
    window : int, default=6
        Bars.

    Inputs
    ------
    close : price
        Close.

    Lines
    -----
    x : base
        The unit is wrong too.

    Raises
    ------
    ParamError
        Never.

    Examples
    --------
    >>> 1 + 1
    3
    """

    params = {"window": 5}
    step = _copy


PLANTED = [
    (_Tomorrow, "sees_no_future"),
    (_Demeaned, "sees_no_future"),
    (_PeekingNext, "sees_no_future"),
    (_ShortMemory, "bar_by_bar_is_whole_array"),
    (_BackwardsUndeclared, "bar_by_bar_is_whole_array"),
    (_LateWarmup, "warms_up_as_declared"),
    (_WrongUnit, "scales_with_its_units"),
    (_WrongSign, "mirrors"),
    (_AcceptsAnyFeed, "refuses"),
    (_AcceptsAnyParameter, "refuses"),
    (_Infinite, "bears_every_market"),
    (_RoundingNoise, "bears_every_market"),
    (_Documented, "is_documented"),
]


@pytest.mark.parametrize(("cls", "law"), PLANTED, ids=lambda v: getattr(v, "__name__", v))
def test_a_planted_fault_is_caught_by_its_law(cls: Any, law: str) -> None:
    assert broken(cls, LAWS[law], {})


def test_every_law_has_a_planted_fault() -> None:
    assert {law for _, law in PLANTED} == set(LAWS)


def test_a_faulty_docstring_is_told_in_full() -> None:
    said = " ".join(v.message for v in broken(_Documented, LAWS["is_documented"], {}))
    assert "the default is 5" in said
    assert "the unit is price" in said
    assert "1 example(s) fail" in said


def test_a_planted_fault_is_not_registered() -> None:
    assert not [name for name in INDICATORS if name.startswith("_")]


def test_check_indicator_names_the_law_the_class_and_the_parameters() -> None:
    wrong = [str(v) for v in check_indicator(_AcceptsAnyParameter, window=7) if v.law == "refuses"]
    assert wrong[0].startswith("_AcceptsAnyParameter(window=7) refuses: over(): a wrong or missing")

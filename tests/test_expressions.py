"""Rules: what they may say, and that one bar at a time equals whole arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.core.errors import ExpressionError
from tapeflow.core.names import Names
from tapeflow.strategies.expressions import Expression

NAMES = Names(("open", "close", "volume"), {"vwap": ("vwap", "lower1"), "delta": ("delta",)})
REFS = [("", "open"), ("", "close"), ("", "volume"), ("vwap", "vwap"), ("vwap", "lower1"), ("delta", "delta")]


def columns(seed: int, n: int = 40) -> dict:
    rng = np.random.default_rng(seed)
    made = {ref: np.round(rng.normal(0, 2, n)) for ref in REFS}
    for values in made.values():
        values[rng.random(n) < 0.2] = np.nan
    return made


def at_every_bar(rule: Expression, data: dict) -> list[bool]:
    n = len(next(iter(data.values())))

    def at(i: int) -> bool:
        return rule.at(lambda ref, ago: data[ref][i - ago] if i >= ago else math.nan)

    return [at(i) for i in range(n)]


numbers = st.recursive(
    st.sampled_from(["open", "close", "vwap", "vwap.lower1", "delta", "1", "0", "2.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]})[{t[1]}]"),
        inner.map(lambda x: f"-({x})"),
        inner.map(lambda x: f"sqrt({x})"),
        inner.map(lambda x: f"abs({x})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ),
    max_leaves=6,
)
conditions = st.recursive(
    st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"not ({x})"),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(text=conditions, seed=st.integers(0, 1000))
def test_one_bar_at_a_time_equals_whole_arrays(text: str, seed: int) -> None:
    rule, data = Expression(text, NAMES), columns(seed)
    whole = rule.over(lambda ref: data[ref])
    expected = at_every_bar(rule, data)
    assert expected == (np.broadcast_to(whole, len(expected)) if whole.shape == () else whole).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("close > vwap", [False, True, False]),
        ("not (close > vwap)", [True, False, False]),
        ("close != vwap", [True, True, False]),
        ("close > vwap or delta > 0", [True, True, True]),
        ("close > vwap and delta > 0", [False, True, False]),
        ("close / delta > 0", [True, True, False]),
        ("vwap.lower1 > close", [True, False, True]),
        ("1 < close < 4", [False, True, False]),
        ("close[1] < close", [False, True, False]),
        ("close", [True, True, True]),
        ("volume", [False, True, False]),
    ],
)
def test_unknown_never_fires(text: str, expected: list[bool]) -> None:
    data = {
        ("", "close"): np.array([1.0, 3.0, 1.0]),
        ("", "volume"): np.array([0.0, 2.0, np.nan]),
        ("vwap", "vwap"): np.array([2.0, 2.0, np.nan]),
        ("vwap", "lower1"): np.array([5.0, 2.0, 5.0]),
        ("delta", "delta"): np.array([1.0, 1.0, 1.0]),
    }
    if text == "close / delta > 0":
        data[("delta", "delta")] = np.array([1.0, 2.0, 0.0])
    rule = Expression(text, NAMES)
    assert expected == rule.over(lambda ref: data[ref]).tolist()
    assert expected == at_every_bar(rule, data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('x')", "unknown function '__import__('os').system'"),
        ("close.__class__", "unknown indicator 'close'"),
        ("vwap.__class__", "unknown line of vwap '__class__'"),
        ("vwap.lowr1 > 0", "did you mean 'lower1'?"),
        ("clse > 1", "column 1: unknown name 'clse', did you mean 'close'?"),
        ("close > (lambda: 1)()", "unknown function"),
        ("[x for x in (1,)]", "ListComp is not allowed"),
        ("close[-1]", "whole number of bars back"),
        ("close[close]", "whole number of bars back"),
        ("close[True]", "whole number of bars back"),
        ("close > 'a'", "'a' is no number"),
        ("close ** 9", "Pow is not allowed"),
        ("close is 1", "Is is not allowed"),
        ("close >", "this is no expression"),
        ("close = 1", "this is no expression"),
        ("", "the rule is empty"),
        ("abs(close, 1)", "abs() takes 1 argument"),
        ("sqr(close)", "did you mean 'sqrt'?"),
        ("close if open else volume", "IfExp is not allowed"),
        ("(close := 1)", "NamedExpr is not allowed"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is.*with.*literal:SyntaxWarning")
def test_anything_beyond_the_whitelist_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(text, NAMES)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_says_how_far_back_it_looks() -> None:
    assert Expression("close[2] > (vwap + close[1])[3]", NAMES).lag == 4

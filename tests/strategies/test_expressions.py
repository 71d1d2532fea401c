"""Rules: what they may say, and that one bar at a time equals whole arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.core.errors import ExpressionError
from tapeflow.core.names import Names
from tapeflow.strategies.framework.lines import Lines
from tapeflow.strategies.rule_language.expressions import Expression
from tapeflow.strategies.rule_language.functions import EVER, FUNCTIONS
from tapeflow.strategies.rule_language.other_languages import written_here

NAMES = Names(("open", "close", "volume", "open_time", "close_time"), {"vwap": ("vwap", "lower1"), "delta": ("delta",)})
WINDOWS = ["highest", "lowest", "sum", "mean", "std", "zscore", "median"]
REFS = [("", "open"), ("", "close"), ("", "volume"), ("vwap", "vwap"), ("vwap", "lower1"), ("delta", "delta")]


def columns(seed: int, n: int = 40) -> dict:
    rng = np.random.default_rng(seed)
    made = {ref: np.round(rng.normal(0, 2, n)) for ref in REFS}
    for values in made.values():
        values[rng.random(n) < 0.2] = np.nan
    return made


def over(rule: Expression, data: dict, bars: int = 0) -> list[bool]:
    """Where a rule is true, over the first ``bars`` bars or all of them."""
    bars = bars or len(next(iter(data.values())))
    return rule.over(Lines(NAMES, lambda ref: data[ref][:bars], {"": np.arange(float(bars))})).tolist()


def bar_by_bar(rule: Expression, data: dict) -> list[bool]:
    """What it says at each bar of the bars so far."""
    return [over(rule, data, bars + 1)[-1] for bars in range(len(next(iter(data.values()))))]


def at_once(rule: Expression, data: dict) -> list[bool]:
    """What it says at each bar of no more bars than it looks back."""
    made = []
    for end in range(1, len(next(iter(data.values()))) + 1):
        start = max(0, end - rule.lag - 1)
        made.append(over(rule, {ref: values[start:end] for ref, values in data.items()})[-1])
    return made


numbers = st.recursive(
    st.sampled_from(["open", "close", "vwap", "vwap.lower1", "delta", "1", "0", "2.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]})[{t[1]}]"),
        inner.map(lambda x: f"-({x})"),
        inner.map(lambda x: f"sqrt({x})"),
        inner.map(lambda x: f"abs({x})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"prev({t[0]} + close, {t[1] + 1})"),
        st.tuples(st.sampled_from(WINDOWS), inner, st.integers(2, 5)).map(lambda t: f"{t[0]}({t[1]} + close, {t[2]})"),
    ),
    max_leaves=6,
)
conditions = st.recursive(
    st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"not ({x})"),
        st.tuples(inner, st.integers(1, 4)).map(lambda t: f"count({t[0]} or close > 0, {t[1]}) > 1"),
        st.tuples(numbers, numbers).map(lambda t: f"crossover({t[0]} + close, {t[1]})"),
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(text=conditions, seed=st.integers(0, 1000))
def test_the_bars_to_come_and_those_out_of_sight_change_nothing(text: str, seed: int) -> None:
    rule, data = Expression(text, NAMES), columns(seed, 25)
    whole = over(rule, data)
    assert whole == bar_by_bar(rule, data)
    assert whole == at_once(rule, data)


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
    assert expected == over(rule, data)
    assert expected == bar_by_bar(rule, data)


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
        ("abs(close, 1)", "abs() takes 1 argument: abs(x)"),
        ("sqr(close)", "did you mean 'sqrt'?"),
        ("higest(high, 5)", "unknown function 'higest', did you mean 'highest'?"),
        ("highest(close)", "highest() takes 2 arguments: highest(x, n)"),
        ("highest(close, 0)", "highest(): n must be a whole number from 1 to 1000000"),
        ("highest(close, 2.5)", "n must be a whole number"),
        ("highest(close, -1)", "n must be a whole number"),
        ("highest(close, volume)", "n must be a whole number"),
        ("highest(close, x=3)", "highest() takes 2 arguments"),
        ("std(close, 1)", "n must be a whole number from 2"),
        ("percentile(close, 5, 101)", "q must be a number from 0 to 100"),
        ("highest(5, 3) > close", "highest() of a constant: give it a column or a line"),
        ("since(1 > 0) > 3", "since() of a constant"),
        ("max(close)", "max() takes at least 2 arguments: max(a, b, …)"),
        ("time >= '25:00'", "'25:00' is no time of day; write it as 09:30 or 09:30:15"),
        ("close > '09:30'", "'09:30' is no number; text goes with time"),
        ("weekday == 'Mo'", "'Mo' is no weekday (allowed: Mon, Tue, Wed, Thu, Fri, Sat, Sun)"),
        ("between('8', '16:00')", "between(): '8' is no time of day"),
        ("between(8, 16)", "between(): from must stand in quotes"),
        ("time('Berlin') > 5", "time(): 'Berlin' is no time zone"),
        ("session('1d@Europe/Berln') > 5", "'Europe/Berln' is no time zone"),
        ("session('90m') > 5", "session '90m' must be whole hours, days or weeks, or month"),
        ("session('8h@Europe/Berlin') > 5", "which a time zone needs"),
        ("vwap.lower1.x > 0", "unknown line of vwap 'lower1.x', did you mean 'lower1'?"),
        ("close.close > 0", "unknown indicator 'close'"),
        ("(close).vwap[1].x > 0", "only name.line has a dot"),
        ("1e999 > close", "too large"),
        ("close" + " + 1" * 200, "this is nested more than 100 deep"),
        ("1j > close", "1j is no number"),
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


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.over_bars])
def test_a_function_of_several_bars_is_of_no_constant(name: str) -> None:
    text = f"{name}({', '.join(['2'] * len(FUNCTIONS[name].takes))})"
    with pytest.raises(ExpressionError, match=rf"column 1: {name}\(\) of a constant: give it a column or a line"):
        Expression(text, NAMES)


@pytest.mark.parametrize(
    ("condition", "made"), [("1", 3.0), ("1 < 2", 3.0), ("on", 3.0), ("0", np.nan), ("off", np.nan)]
)
def test_a_condition_may_be_a_constant_beside_a_line(condition: str, made: float) -> None:
    names = Names(("close",), values={"on": 1.0, "off": 0.0})
    values = Expression(f"when({condition}, close)", names).values(Lines.of(close=[2.0, 3.0]))
    np.testing.assert_array_equal(values, [made - 1.0, made])


def test_a_rule_may_go_over_several_lines() -> None:
    data = {ref: np.array([1.0, 3.0]) for ref in REFS}
    assert over(Expression("close > 2\n  and open > 2\n", NAMES), data) == [False, True]


def test_it_says_how_far_back_it_looks() -> None:
    assert Expression("close[2] > (vwap + close[1])[3]", NAMES).lag == 4
    assert Expression("highest(mean(close, 5)[2], 3) > prev(vwap, 4)", NAMES).lag == 8
    assert Expression("since(close > vwap) > 3", NAMES).lag == EVER


def test_what_stands_in_quotes_is_no_sign_of_another_language() -> None:
    assert written_here("of('a && b', close) > 1 && close > 2") == (25, "'&&' is 'and' here")
    assert written_here('of("a && b", close) > 1') is None
    assert written_here("of('a', close) > 1 && close > 2") == (20, "'&&' is 'and' here")

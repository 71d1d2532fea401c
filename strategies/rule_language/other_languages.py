"""What people write in rules who know Pine, pandas, freqtrade or backtrader, and how the same is said here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from ...core.errors import PluginError
from ...core.plugins.registry import INDICATORS
from ...core.synonyms import meant
from .functions import FUNCTIONS

_SIDE = r"([\w.\[\]]+)"
_SIGNS: tuple[tuple[str, str, str], ...] = (
    (rf"{_SIDE}\s+cross(?:es|ed)?[\s_]+(?:above|over|up)\s+{_SIDE}", r"crossover(\1, \2)", "write crossover(a, b)"),
    (
        rf"{_SIDE}\s+cross(?:es|ed)?[\s_]+(?:below|under|down)\s+{_SIDE}",
        r"crossunder(\1, \2)",
        "write crossunder(a, b)",
    ),
    (r"\s+is\s+(?:above|greater\s+than|over)\s+", " > ", ">"),
    (r"\s+is\s+(?:below|less\s+than|under)\s+", " < ", "<"),
    (r"\s+in\s+(?:the\s+)?top\s+(\d+)", r" <= \1", "rank(x) is 1 for the highest"),
    (r"≥", ">=", ">="),
    (r"≤", "<=", "<="),
    (r"≠", "!=", "!="),
    (r"(?<![\d:'\"])(\d{1,2}:\d{2})(?![\d:'\"])", r"'\1'", "a time stands in quotes"),
    (r"^\s*if\s+", "", "a rule is the condition alone"),
    (r"\s+then\s.*$", "", "a rule is the condition alone"),
    (r"\s*&&?\s*", " and ", "and"),
    (r"\s*\|\|?\s*", " or ", "or"),
    (r"!=+", "!=", "!="),
    (r"\s*!\s*", " not ", "not"),
    (r"~\s*", "not ", "not"),
    (r"<>", "!=", "!="),
    (r"={2,}", "==", "=="),
    (r"=<", "<=", "<="),
    (r"=>", ">=", ">="),
    (r"(?<![<>=!])=(?!=)", "==", "=="),
    (r"\b(?:AND|And)\b", "and", "and"),
    (r"\b(?:OR|Or)\b", "or", "or"),
    (r"\b(?:NOT|Not)\b", "not", "not"),
    (r"\?", "?", "write where(condition, a, b)"),
)
"""As a pattern, what stands for it in a whole rule, and what it is called."""
_OPERATORS = {
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.Invert: "not",
    ast.Pow: "x * x",
    ast.Is: "== or known(x)",
    ast.IsNot: "!= or known(x)",
    ast.IfExp: "where(condition, a, b)",
    ast.Tuple: "and between conditions, and 1000 without a comma",
}
_CLOCKS = {"time": "time >= '09:30'", "weekday": "weekday == 'Mon'"}
_SUMS = {"hl2": "(high + low) / 2", "hlc3": "(high + low + close) / 3", "ohlc4": "(open + high + low + close) / 4"}
_WINDOWS = {"mean": "mean", "max": "highest", "min": "lowest", "sum": "sum", "std": "std", "median": "median"}
_BEFORE = ("ta", "np", "pd", "math", "talib", "bt", "ind", "indicators", "qtpylib", "self", "df", "dataframe", "data")
"""Modules and objects that stand before names in other languages."""


def written_here(rule: str) -> tuple[int, str] | None:
    """The first sign of another language in a rule that is none of ours: its column from 1, and what to write.

    >>> written_here("close < vwap && delta > 0")
    (14, "'&&' is 'and' here, did you mean 'close < vwap and delta > 0'?")
    >>> written_here("close >") is None
    True
    """
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", lambda text: " " * len(text[0]), rule)
    found = [(hit, name) for sign, _, name in _SIGNS if (hit := re.search(sign, bare)) and hit[0].strip() != name]
    if not found:
        return None
    first, name = min(found, key=lambda one: one[0].start())
    sign = first[0].strip()
    column = 1 + first.start() + len(first[0]) - len(first[0].lstrip())
    whole = _whole(rule) if bare == rule else ""
    told = f"'{sign}': {name}" if " " in name else f"'{sign}' is '{name}' here"
    return column, told + (f", did you mean '{whole}'?" if whole else "")


def left_open(rule: str) -> str:
    """What a rule lacks that breaks off; empty where that is not it.

    >>> left_open("(close > vwap"), left_open("close > vwap and"), left_open("close > vwap)")
    ("a '(' is not closed", "nothing follows 'and'", "a ')' closes nothing")
    """
    for opening, closing in ("()", "[]"):
        if rule.count(opening) != rule.count(closing):
            more = rule.count(opening) > rule.count(closing)
            return f"a '{opening}' is not closed" if more else f"a '{closing}' closes nothing"
    hit = re.search(r"(\b(?:and|or|not)|[-+*/%<>=])\s*$", rule)
    return f"nothing follows '{hit[1]}'" if hit else ""


def _whole(rule: str) -> str:
    """The rule with all signs of other languages replaced; empty where that is no expression either."""
    for sign, ours, _ in _SIGNS:
        rule = re.sub(sign, ours, rule).strip()
    try:
        ast.parse(rule, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return rule


def operator(kind: type[ast.AST]) -> str:
    """What to write for an operator of Python's that rules have not; empty where nothing stands for it.

    >>> operator(ast.BitAnd), operator(ast.LShift)
    ("; write 'and'", '')
    """
    write = _OPERATORS.get(kind, "")
    return f"; write {write}" if " " in write and "*" not in write else f"; write '{write}'" if write else ""


def call(node: ast.Call) -> str:
    """What to write for a call that rules do not know; empty where nothing is known to be meant.

    >>> call(ast.parse("close.shift(2)", mode="eval").body)
    "write 'close[2]'"
    >>> call(ast.parse("close.rolling(20).mean()", mode="eval").body), call(ast.parse("sma(close, 20)").body[0].value)
    ("write 'mean(close, 20)'", "write 'mean(close, 20)'")
    """
    made = _method(node) or _renamed(node)
    if made:
        return f"write '{made}'"
    return indicator(_last(node.func))


def name(called: str) -> str:
    """What to write for a name that rules do not know; empty where nothing is known to be meant.

    >>> name("hlc3")
    "write '(high + low + close) / 3'"
    >>> name("rsi")
    'an indicator is declared and read by its name: indicators: {rsi: {kind: talib.RSI}}'
    """
    if called.lower() in _SUMS:
        return f"write '{_SUMS[called.lower()]}'"
    return indicator(called) or (_function(called) if meant(called, FUNCTIONS) else "")


def _function(called: str) -> str:
    found = meant(called, FUNCTIONS) or ""
    if found in _CLOCKS:
        return f"write {found}, as in {_CLOCKS[found]}"
    return f"write {FUNCTIONS[found].signature(found)}"


def indicator(called: str) -> str:
    """How an indicator of that name, or one that is meant by it, is declared; empty where there is none."""
    if not called.isidentifier() or called in FUNCTIONS:
        return ""
    kind = _kind(called)
    declared = f"indicators: {{{called.lower()}: {{kind: {kind}}}}}"
    return f"an indicator is declared and read by its name: {declared}" if kind else ""


def _kind(called: str) -> str:
    """The kind of indicator that is called so, in whatever case, with whatever prefix."""
    families: Iterable[str] = [one for names in INDICATORS.families().values() for one in names]
    own = meant(called, INDICATORS)
    ours = {one.rpartition(".")[2].lower(): one for one in sorted(families)}
    found = own or meant(called, families) or ours.get(called.lower(), "")
    try:
        if found:
            INDICATORS.find(found)
    except PluginError:
        return ""
    return found


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _method(node: ast.Call) -> str:
    """What a method of pandas' is here: ``close.shift(1)``, ``close.rolling(20).max()``."""
    if not isinstance(node.func, ast.Attribute):
        return ""
    of, method = node.func.value, node.func.attr
    given = [ast.unparse(argument) for argument in node.args]
    if isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "rolling" and of.args:
        window = f"{ast.unparse(of.func.value)}, {ast.unparse(of.args[0])}"
        return f"{_WINDOWS[method]}({window})" if method in _WINDOWS else ""
    x = ast.unparse(of)
    if x in _BEFORE:
        return ""
    bars = given[0] if given else "1"
    forms = {"shift": f"{x}[{bars}]", "diff": f"change({x}, {bars})", "pct_change": f"{x} / {x}[{bars}] - 1"}
    forms |= {"abs": f"abs({x})", "isna": f"not known({x})", "notna": f"known({x})", "isnull": f"not known({x})"}
    return forms.get(method, "")


def _renamed(node: ast.Call) -> str:
    """A function under the name that it has here, with the arguments that were given."""
    called, given = _last(node.func), [ast.unparse(argument) for argument in node.args]
    if called in ("na", "isnan", "isna") and len(given) == 1:
        return f"not known({given[0]})"
    if called in ("nz", "fillna") and given:
        return f"where(known({given[0]}), {given[0]}, {given[1] if len(given) > 1 else 0})"
    found = called if called in FUNCTIONS else meant(called, FUNCTIONS)
    if found is None or (isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in _BEFORE):
        return ""
    function = FUNCTIONS[found]
    if found == "rank" and len(given) == 2:
        return f"rank({given[0]}) <= {given[1]}"
    if len(given) == 1 and function.over_bars and not function.fits(1) and function.fits(2):
        given = ["close", *given]
    return f"{found}({', '.join(given)})" if function.fits(len(given)) else function.signature(found)

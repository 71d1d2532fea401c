"""The line of an author's file that a leak comes from: seen at work, or read off the text."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..backtest.results.code_behind import classes_of
from ..configs.models import RunConfig
from ..core.plugins.registry import INDICATORS, STRATEGIES
from .attempt import attempt, is_authors
from .findings import Findings, Leak
from .fresh import each
from .perturbations import ATTACKS, known

_MOST = 3
"""Leaks of which a line is looked for."""
_STEPS = 4_000
"""Lines of a function that are looked at while it works."""


class Step(NamedTuple):
    """A name of a function that changed, and after which line."""

    file: str
    function: str
    line: int
    name: str
    past: bytes


def named(config: RunConfig, sources: Mapping[str, Any], found: Findings) -> Iterator[Leak]:
    """The leaks, with the line that each comes from wherever it can be told."""
    for i, leak in enumerate(found.leaks):
        if i >= _MOST or leak.attack == "as it is":
            yield replace(leak, line=_shown(leak.line)) if leak.line else leak
            continue
        line = leak.line or _at_work(config, sources, leak)
        if not line or _SAYS_NOTHING.search(linecache.getline(*_parts(line)).strip()):
            line = _in_text(config, leak) or line
        yield replace(leak, line=_shown(line)) if line else leak


def _parts(line: str) -> tuple[str, int]:
    file, _, number = line.rpartition(":")
    return file, int(number)


def _shown(line: str) -> str:
    """``file:line: what stands there``, the file from here where it lies below."""
    file, _, number = line.rpartition(":")
    if not number.isdigit():
        return line
    path, here = Path(file).resolve(), Path.cwd()
    text = linecache.getline(file, int(number)).strip()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{number}" + (f": {text}" if text else "")


def _at_work(config: RunConfig, sources: Mapping[str, Any], leak: Leak) -> str:
    """The line after which an array of the author's is not what it was, in the part that was known then."""
    if leak.attack not in ATTACKS:
        return ""
    attacked = {k: replace(s, bars=ATTACKS[leak.attack](s.bars, leak.instant, 0)) for k, s in sources.items()}
    counts = {len(s.bars): known(s.bars, leak.instant) for s in (*sources.values(), *attacked.values())}

    def watch(given: Mapping[str, Any]) -> Callable[[], list[Step]]:
        return lambda: watched(lambda: attempt(config, dict(given)), counts)

    one, other = each(watch(given) for given in (sources, attacked))
    scope = _scope(config, leak)
    functions: dict[tuple[str, str], list[list[Step]]] = {}
    for side, steps in enumerate((one, other)):
        for step in steps:
            functions.setdefault((step.file, step.function), [[], []])[side].append(step)
    for (file, _), (mine, its) in functions.items():
        if scope and file not in scope:
            continue
        for a, b in zip(mine, its, strict=False):
            if a[:4] == b[:4] and a.past != b.past:
                return f"{a.file}:{a.line}"
            if a[:4] != b[:4]:
                break
    return ""


def watched(work: Callable[[], Any], counts: Mapping[int, int]) -> list[Step]:
    """What whole arrays of an author's functions hold of the past while ``work`` runs.

    Parameters
    ----------
    work : callable
        What is watched.
    counts : mapping of int to int
        How many values of an array of so many are of the past.
    """
    steps, seen, left = list[Step](), dict[tuple[int, str], bytes](), [_STEPS]

    def note(frame: Any, line: int) -> None:
        code = frame.f_code
        for name, value in frame.f_locals.items():
            past = _past(value, counts)
            if past is None or seen.get((id(frame), name)) == past:
                continue
            seen[id(frame), name] = past
            steps.append(
                Step(
                    code.co_filename,
                    code.co_qualname if hasattr(code, "co_qualname") else code.co_name,
                    line,
                    name,
                    past,
                )
            )

    def inside(last: list[int]) -> Any:
        def trace(frame: Any, event: str, arg: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                return None
            note(frame, last[0])
            if event == "return" and (past := _past(arg, counts)) is not None:
                steps.append(Step(frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno, "<return>", past))
            last[0] = frame.f_lineno
            return trace

        return trace

    def enter(frame: Any, event: str, arg: Any) -> Any:
        if left[0] < 0 or event != "call" or not is_authors(frame.f_code.co_filename):
            return None
        return inside([frame.f_lineno])

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


def _past(value: Any, counts: Mapping[int, int]) -> bytes | None:
    """The part of an array that was known, as bytes; None for anything else."""
    if not isinstance(value, np.ndarray) and hasattr(value, "to_numpy"):
        try:
            value = value.to_numpy()
        except (TypeError, ValueError):
            return None
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "fiub":
        return None
    count = counts.get(len(value))
    return None if count is None else value[:count].tobytes()


def _scope(config: RunConfig, leak: Leak) -> set[str]:
    """Files of the class that a line belongs to; empty where that is not known."""
    cls = _class_of(config, leak)
    return set() if cls is None else {_file(base) for base in cls.__mro__ if _file(base)}


def _class_of(config: RunConfig, leak: Leak) -> Any:
    what = leak.found.what
    if not what.startswith("line "):
        return None
    name = what.removeprefix("line ").partition(".")[0]
    if name in config.indicators:
        return INDICATORS.find(config.indicators[name].kind)
    if name == "signals":
        return STRATEGIES.find(config.strategy.kind)
    found = [cls for module in {_module(cls) for cls in classes_of(config)} for cls in vars(module).values()]
    return next((cls for cls in found if inspect.isclass(cls) and cls.__name__ == name), None)


def _module(cls: Any) -> Any:
    return sys.modules[cls.__module__]


def _file(cls: Any) -> str:
    file = str(getattr(sys.modules.get(cls.__module__), "__file__", "") or "")
    return file if file and is_authors(file) else ""


_TEXTS = (
    (re.compile(r"shift\(\s*-|\.diff\(\s*-|periods\s*=\s*-|np\.roll\([^)]*,\s*-"), 9),
    (re.compile(r"bfill|backfill|interpolate\(|center\s*=\s*True|filtfilt|savgol|find_peaks|argrelextrema"), 8),
    (re.compile(r"\[len\(self\)|[\[:]\s*[\w.]+\s*\+\s*\w+\s*\]|\[\s*[1-9]\d*\s*\](?=\s*[-<>+*/)]|$| and| or)"), 7),
    (re.compile(r"\[::-1\]|np\.flip|np\.gradient|mode\s*=\s*.same|fft|iloc\[-1\]|\[-1\]|buflen\(\)|\.array\["), 6),
    (re.compile(r"resample\(|groupby\(|transform\(|\.bars\["), 5),
    (re.compile(r"\.(mean|std|max|min|median|quantile|sum|rank|cummax)\(\s*\)|np\.(mean|std|max|min|median|percentile|"
                r"quantile|nanmean|nanmax|nanmin|argsort|argmax|unique|bincount|polyfit)\("), 4),
    (re.compile(r"read_csv|read_parquet|open\(|load\("), 3),
)  # fmt: skip
"""How code that reads ahead looks, and how telling each way is."""


_SAYS_NOTHING = re.compile(r"^return \w+$|np\.(empty|zeros|full)\(")
"""Lines after which an array is another, though what makes it so stands elsewhere, as in a loop."""


def _in_text(config: RunConfig, leak: Leak) -> str:
    """The most telling line in the text of the class that is guilty, or of the strategy where that is not known."""
    cls = _class_of(config, leak)
    whole = [cls] if cls is not None else [STRATEGIES.find(block.kind) for block in config.kinds]
    if leak.found.what.startswith("feed "):
        whole = [type_ for type_ in classes_of(config) if hasattr(type_, "gives")]
    found = [one for each_ in whole for base in each_.__mro__ if _file(base) for one in _telling(base)]
    return max(found, default=(0, ""), key=lambda one: one[0])[1]


def _telling(cls: Any) -> Iterator[tuple[int, str]]:
    try:
        source, first = inspect.getsourcelines(cls)
    except (OSError, TypeError):
        return
    skipped = _words("".join(source))
    for i, text in enumerate(source):
        if i + 1 not in skipped:
            for pattern, score in _TEXTS:
                if pattern.search(text.partition("#")[0].rstrip()):
                    yield score, f"{_file(cls)}:{first + i}"
                    break


def _words(source: str) -> set[int]:
    """Lines of docstrings."""
    try:
        tree = ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
    except SyntaxError:
        return set()
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }

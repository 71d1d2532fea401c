"""How many small faults in the numeric core the tests see: a seeded sample of mutants, each against its module's tests.

A mutant is one changed operator, bound, number or condition inside a function. pytest collects the tests of a group of
modules once; each mutant lives in a fork of that process, in which the code object of one function is replaced, so that
a mutant costs its tests and nothing else. Kernels of the groups in ``PLAIN`` run as the Python they are written in.

Usage: ``python benchmarks/mutants.py [--seed 1] [--count 200] [--group compiled …] [--only backtest/broker/afford …]``.
What was found is kept in a file as it is found: a run that ended early goes on where it was, and ``--again`` tries once
more those that lived. Mutants that no test can see stand in ``equivalent_mutants.txt``, each with the reason.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import inspect
import json
import os
import re
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryFile
from types import CodeType, FunctionType
from typing import Any

import numba
import pytest
from numba.core.dispatcher import Dispatcher

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 60
"""CPU seconds that one test may take; a loop that has lost its end is a mutant that was seen."""
PATIENCE = 300
"""Seconds on the clock in which a mutant that does nothing is given up, as one that was seen: it waits in vain."""
MORE = 4 << 30
"""Bytes that a mutant may ask for beyond what the process holds: one that has lost a bound takes no machine with it."""
LIVED, KILLED, UNMADE = 0, 1, 2
BEGUN, LATE = "begun", "killed, late"

GROUPS: dict[str, tuple[str, list[str]]] = {
    # modules as a glob, tests in the order in which they are asked
    "reading": (
        "feeds/{framework,csv_reader,table_reader}/*.py",
        [
            "reading_borders",
            "binance",
            "decode",
            "awkward_text",
            "binance_klines",
            "files",
            "arrow_files",
            "sources",
            "merge",
            *[
                "identity",
                "trade_identity",
                "contradictions",
                "csv_lines",
                "times",
                "equality",
                "side_words",
                "csv_blocks",
            ],
        ],
    ),
    "aggregation": (
        "aggregation/*.py",
        [
            *["aggregation", "bar_kinds", "blocks", "resample", "extremes", "size_edges", "flow_fields"],
            *["sequence", "sessions", "footprint_indicators"],
        ],
    ),
    "indicators": (
        "indicators/*.py",
        [
            *["indicators", "flow_indicators", "estimators", "vwap", "volume_profile", "naked_poc", "imbalances"],
            *["footprint_indicators", "profile_dialects", "profile_explained", "talib", "indicator_base"],
            *["helpers_over_lines", "indicator_laws"],
        ],
    ),
    "compiled": (
        "backtest/engines/compiled/*.py",
        [
            *["compiled", "compiled_signals", "compiled_desk", "compiled_verify", "costs_engines", "costs_brackets"],
            *["all_in", "ruin", "empty_bars", "equality", "sizers", "risk", "strategies", "actions", "fast_paths"],
            *["rules_named", "sweep_shared", "entry_bar", "rules_stops_and_names", "rules_reverse", "rules_position"],
        ],
    ),
    "brokers": (
        "backtest/broker/*.py",
        [
            *["costs_fees", "costs_margin", "costs_slippage", "costs_funding", "costs_brackets", "costs_engines"],
            *["costs_funding_feeds", "all_in", "ruin", "equality", "entry_bar"],
        ],
    ),
    "fills": ("backtest/tape_fills/*.py", ["fills", "fills_broker", "fills_run", "fills_survival", "equality"]),
    "engine": (
        "backtest/engines/fast/*.py",
        [
            *["engine", "engine_orders", "engine_several", "engine_parity", "stock_parity", "helpers_over_lines"],
            *["fast_paths", "author_hooks", "author_scripts", "csv_preload"],
        ],
    ),
    "figures": (
        "backtest/{recording/*,results/statistics,results/bootstrap,results/account_figures,broker/base,broker/sizers}.py",
        ["statistics", "intervals", "bootstrap", "broker", "sizers", "all_in", "ruin", "equality", "doubts", "run"],
    ),
    "plans": (
        "strategies/{framework/plan,framework/protection,framework/limits,framework/nested,rule_language/*}.py",
        [
            *["strategies_signals", "rules_named", "rules_feeds", "risk", "expressions_functions", "expressions"],
            *["strategies", "equality", "rules_stops_and_names", "rules_reverse", "rules_position"],
        ],
    ),
}
PLAIN = {
    "compiled": "tapeflow.backtest.engines.compiled",
    "fills": "tapeflow.backtest.tape_fills",
    "indicators": "tapeflow.indicators",
}

SWAPS: dict[type, str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.Mod: "*",
    ast.And: "or",
    ast.Or: "and",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
TOKENS: dict[type, str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.And: "and",
    ast.Or: "or",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
NAMES = {"min": "max", "max": "min", "all": "any", "any": "all", "minimum": "maximum", "maximum": "minimum"}


@dataclass(frozen=True)
class Mutant:
    """One change of one function: ``source[start:end]`` of ``path`` becomes ``text``."""

    group: str
    path: str
    function: str
    line: int
    start: int
    end: int
    text: str

    def source(self) -> bytes:
        """The module with the change in it."""
        made = (ROOT / self.path).read_bytes()
        return made[: self.start] + self.text.encode() + made[self.end :]

    def lines(self) -> tuple[str, str]:
        """The changed line before and after."""
        before = (ROOT / self.path).read_bytes().splitlines()[self.line - 1]
        return before.decode().strip(), self.source().splitlines()[self.line - 1].decode().strip()

    @cached_property
    def name(self) -> str:
        """What it is, wherever in the module it stands."""
        return " | ".join([self.path, self.function, *self.lines()])

    @property
    def module(self) -> str:
        """The module that holds it."""
        return "tapeflow." + self.path.removesuffix(".py").replace("/", ".")

    def __str__(self) -> str:
        return f"{self.path}:{self.line} | {' | '.join(self.lines())}"


class Changes:
    """Every change that is tried inside the functions of a module.

    None inside those that the module calls itself while it is imported: what they do is done before one is put in.
    """

    def __init__(self, path: Path) -> None:
        self.body = path.read_bytes()
        starts = [0]
        for line in self.body.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self.starts = starts

    def found(self) -> Iterator[tuple[str, int, int, int, str]]:
        """Function, line, start, end and the text instead, for each."""
        tree = ast.parse(self.body)
        called = set(_called_at_once(tree))
        yield from (one for one in self._inside(tree, "") if one[0] not in called)

    def _inside(self, node: ast.AST, name: str) -> Iterator[tuple[str, int, int, int, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                yield from self._inside(child, f"{name}{child.name}.")
            elif isinstance(child, ast.FunctionDef) and not child.name.startswith("__r"):
                for statement in child.body:
                    for line, start, end, text in self._below(statement):
                        yield f"{name}{child.name}", line, start, end, text

    def _below(self, node: ast.AST) -> Iterator[tuple[int, int, int, str]]:
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.arg) or _is_text(node):
            return
        if isinstance(node, ast.keyword) and node.arg == "strict":  # what zip checks is equal where the code is sound
            return
        yield from self._at(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._below(child)

    def _at(self, node: ast.AST) -> Iterator[tuple[int, int, int, str]]:
        match node:
            case ast.Compare():
                for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
                    yield from self._between(left, op, right)
            case ast.BinOp():
                yield from self._between(node.left, node.op, node.right)
            case ast.BoolOp():
                yield from self._between(node.values[0], node.op, node.values[1])
            case ast.AugAssign():
                yield from self._between(node.target, node.op, node.value)
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                yield self._instead(node, self._of(node.operand))
            case ast.Constant(value=bool()):
                yield self._instead(node, str(not node.value))
            case ast.Constant(value=int() | float()):
                yield self._instead(node, repr(node.value + 1))
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMES:
                end = self._span(node)[1]
                yield node.lineno, end - len(name), end, NAMES[name]
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) if not isinstance(test, ast.Compare):
                yield self._instead(test, f"(not ({self._of(test)}))")
            case ast.Continue() | ast.Break():
                yield self._instead(node, "break" if isinstance(node, ast.Continue) else "continue")

    def _between(self, left: ast.expr, op: ast.AST, right: ast.expr) -> Iterator[tuple[int, int, int, str]]:
        if type(op) not in SWAPS:
            return
        start, end = self._span(left)[1], self._span(right)[0]
        found = self.body.find(TOKENS[type(op)].encode(), start, end)
        if found >= 0:
            line = self.body.count(b"\n", 0, found) + 1
            yield line, found, found + len(TOKENS[type(op)]), SWAPS[type(op)]

    def _instead(self, node: Any, text: str) -> tuple[int, int, int, str]:
        return node.lineno, *self._span(node), text

    def _span(self, node: Any) -> tuple[int, int]:
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _of(self, node: ast.AST) -> str:
        start, end = self._span(node)
        return self.body[start:end].decode()


def _called_at_once(node: ast.AST) -> Iterator[str]:
    """Names that a module calls outside of functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name):
            yield child.func.id
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _called_at_once(child)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def candidates(only: Iterable[str] = ()) -> list[Mutant]:
    """Every mutant of the core, in the order of the files."""
    made = []
    for group in GROUPS:
        for name in _paths(group):
            found = [
                one for one in Changes(ROOT / name).found() if not only or any(p in f"{name}:{one[1]}:" for p in only)
            ]
            made += [Mutant(group, name, *one) for one in found]
    return made


def _paths(group: str) -> list[str]:
    """The modules of a group, sorted in each folder."""
    head, _, tail = GROUPS[group][0].partition("{")
    names, _, end = tail.partition("}")
    patterns = [f"{head}{name}{end}" for name in names.split(",")] if tail else [GROUPS[group][0]]
    paths = {one: [p for p in ROOT.glob(one) if p.name != "__init__.py"] for one in patterns}
    if gone := [one for one, there in paths.items() if not there]:
        raise SystemExit(f"group {group}: no modules at {', '.join(gone)}")
    return [path.relative_to(ROOT).as_posix() for path in sorted(p for there in paths.values() for p in there)]


def sampled(every: list[Mutant], seed: int, count: int) -> list[Mutant]:
    """As many of them, chosen by what each is: a change elsewhere in the code leaves the sample what it was."""
    by_name = {mutant.name: mutant for mutant in every}
    drawn = sorted(by_name, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())[:count]
    return sorted((by_name[name] for name in drawn), key=every.index)


def function_of(mutant: Mutant) -> FunctionType:
    """The living function that a mutant changes."""
    found: Any = importlib.import_module(mutant.module)
    for part in mutant.function.split("."):
        found = vars(found)[part]
    for name in ("fget", "func", "__func__", "__wrapped__", "_defn", "py_func"):
        found = getattr(found, name, found)
    if not isinstance(found, FunctionType):
        raise LookupError(f"{mutant.module}.{mutant.function} is a {type(found).__name__}")
    return found


def code_of(mutant: Mutant, file: str) -> CodeType:
    """The changed function, compiled."""
    waiting = [compile(mutant.source(), file, "exec", dont_inherit=True)]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == mutant.function:
            return code
        waiting += [const for const in code.co_consts if isinstance(const, CodeType)]
    raise LookupError(f"{mutant.function} is not in {mutant.path}")


def put_in(mutant: Mutant) -> None:
    """Change the function in this process, and believe no machine code that was made of it."""
    from tapeflow.core import jit_cache

    made: Any = function_of(mutant)
    cache, file = jit_cache.KernelCache, made.__code__.co_filename
    load, save = cache.load_overload, cache.save_overload

    def holds(fn: Any) -> bool:
        return made.__module__ in jit_cache.dependencies(fn)

    cache.load_overload = lambda self, *args: None if holds(self._fn) else load(self, *args)
    cache.save_overload = lambda self, *args: None if holds(self._fn) else save(self, *args)
    for kernel in gc.get_objects():  # tests that make their data when they are collected have compiled some
        if isinstance(kernel, Dispatcher) and kernel.overloads and holds(kernel.py_func):
            kernel._reset_overloads()
            kernel._can_compile = True
    made.__code__ = code_of(mutant, file)


class Runner:
    """Runs the tests of a group on each mutant, the nearest to what is changed first, and of them the quick ones.

    A test that fails on a mutant is tried on sound code once before it is believed.
    """

    def __init__(self, mutants: list[Mutant], enough: float, tell: Callable[[Mutant, str, str], None]) -> None:
        # enough: CPU seconds of tests for one that nothing has seen; tell: how one ended or BEGUN, and what saw it
        self.mutants, self.enough, self.tell = mutants, enough, tell
        self.sound: dict[str, bool] = {}
        self.seconds: dict[str, float] = {}
        self.begun = 0.0

    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, settings

        settings.register_profile(
            "mutants", deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = time.process_time() - self.begun
        if report.failed:
            self._leave(KILLED, report.nodeid)

    def pytest_runtestloop(self, session: Any) -> bool:
        items = list(session.items)
        for mutant in self.mutants:
            about = _about(mutant)
            self.tell(mutant, BEGUN, "")
            while True:
                usable = [item for item in items if self.sound.get(item.nodeid, True) and _is_of(item, mutant)]
                usable.sort(
                    key=lambda item, about=about, mutant=mutant: (
                        _distance(item, mutant, about),
                        self.seconds.get(item.nodeid, 0.3),
                    )
                )
                status, by = self._fork(lambda mutant=mutant, usable=usable: self._try(mutant, usable))
                if status in (LIVED, UNMADE) or not by or self._is_sound(by, items):
                    break
            self.tell(mutant, {LIVED: "lived", KILLED: "killed", UNMADE: "not made"}.get(status, LATE), by)
        return True

    def _is_sound(self, by: str, items: list[Any]) -> bool:
        if by not in self.sound:
            one = [item for item in items if item.nodeid == by]
            self.sound[by] = self._fork(lambda: self._run(one))[0] == LIVED
        return self.sound[by]

    def _try(self, mutant: Mutant, items: list[Any]) -> None:
        try:
            put_in(mutant)
        except (LookupError, ValueError) as err:
            self._leave(UNMADE, str(err))
        self._run(items)

    def _run(self, items: list[Any]) -> None:
        begun = time.process_time()
        for item, following in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
            self.begun = time.process_time()
            self._say(item.nodeid)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if time.process_time() - begun > self.enough:
                break
        self._leave(LIVED)

    def _leave(self, status: int, by: str = "") -> None:
        self._say(by)
        os._exit(status)

    def _say(self, by: str) -> None:
        """Tell the process that forked this one which test is asked, or which one saw the mutant."""
        self.said.seek(0)
        self.said.write(json.dumps([by, self.seconds]).encode())
        self.said.truncate()
        self.said.flush()

    def _fork(self, work: Callable[[], None]) -> tuple[int, str]:
        with TemporaryFile() as self.said:
            if not (pid := os.fork()):
                try:
                    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                    resource.setrlimit(resource.RLIMIT_AS, (held + MORE, resource.RLIM_INFINITY))
                    work()
                finally:
                    os._exit(3)
            status = _ended(pid)
            self.said.seek(0)
            by, seconds = json.loads(self.said.read() or '["", {}]')
        self.seconds |= seconds
        return (os.WEXITSTATUS(status) if os.WIFEXITED(status) else 9), by


def _ended(pid: int) -> int:
    """How a process ended, or was ended as it did nothing for long; one that others keep from working goes on."""
    used, since = 0.0, time.monotonic()
    while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
        if time.monotonic() - since > PATIENCE:
            before, used, since = used, _processor_seconds(pid), time.monotonic()
            if used - before < 1.0:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    return ended[1]


def _processor_seconds(pid: int) -> float:
    """What a process and those that it waited for have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _about(mutant: Mutant) -> re.Pattern[str]:
    """What a test names that is about the module of a mutant: its classes and functions, best the one changed."""
    tree = ast.parse((ROOT / mutant.path).read_bytes())
    names = [n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name[0] != "_"]
    return re.compile(rf"\b({'|'.join([*names, mutant.function.rpartition('.')[2]])})\b")


def _is_of(item: Any, mutant: Mutant) -> bool:
    """Whether a test may be about a mutant: of the examples in docstrings those of its own module."""
    return "test_docstrings" not in item.nodeid or f"[{mutant.module}]" in item.nodeid


def _distance(item: Any, mutant: Mutant, about: re.Pattern[str]) -> int:
    """How far a test is from what is changed.

    0 and 1 where its file, or a helper of it, imports from the module, and it names what is changed or not; 2 where
    that imports from its folder and names it, 3 where one of both: names like `trade` mean many things.
    """
    text = _with_helpers(item.path)
    named = bool(about.search(item.nodeid) or about.search(_source(item.function)))
    if f"from {mutant.module} import" in text:
        return 0 if named else 1
    near = f"from {mutant.module.rpartition('.')[0]}" in text
    return 4 - near - named


@cache
def _with_helpers(path: Path) -> str:
    """The text of a test's file, and of the helpers that it imports."""
    text = _text(path)
    helpers = re.findall(r"^from tapeflow\.tests\.helpers\.(\w+) import", text, re.MULTILINE)
    return "\n".join([text, *(_text(ROOT / "tests" / "helpers" / f"{name}.py") for name in helpers)])


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _source(function: Any) -> str:
    return inspect.getsource(inspect.unwrap(function))


def run_plainly(package: str) -> None:
    """Leave the kernels of ``package``, and those of tests, which call them, as Python, which needs no compiler.

    What they call of other packages may be made without what Python calls it by: it is made anew, with that.
    """
    from numba.core.caching import NullCache

    from tapeflow.core import jit_cache, kernels

    compiler, bare = numba.njit, set()

    def njit(*args: Any, **more: Any) -> Any:
        def made(fn: Any) -> Any:
            if fn.__module__.startswith((package, "tapeflow.tests.")):
                # as `core.kernels.ready` asks
                fn.signatures, fn.targetoptions = (True,), {}
                return fn
            if more.pop("no_cpython_wrapper", False):
                bare.add(fn)
            return compiler(*args, **more)(fn)

        return made

    numba.njit = njit
    kernels.KernelCache = lambda fn, how: NullCache() if fn in bare else jit_cache.KernelCache(fn, how)


class Found:
    """What was found of each mutant, kept in a file line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.equal = (ROOT / "benchmarks" / "equivalent_mutants.txt").read_text(encoding="utf-8")

    def __call__(self, mutant: Mutant, how: str, by: str) -> None:
        """Keep how one ended, and say it."""
        with self.path.open("a", encoding="utf-8") as file:
            print(json.dumps([mutant.name, how, by]), file=file)
        if how != BEGUN:
            how = self._judged(mutant, how)
            print(f"{how:9} {mutant.group} {mutant}  {by.rpartition('/')[2] if how == 'killed' else ''}", flush=True)

    def known(self) -> dict[str, str]:
        """How each ended that was tried, by its name."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        return {name: how for name, how, _ in map(json.loads, lines)}

    def waiting(self, mutants: list[Mutant], again: bool) -> list[Mutant]:
        """Those not tried yet, with ``again`` those that lived too."""
        known, open_ = self.known(), {None, BEGUN, *(["lived"] if again else [])}
        return [mutant for mutant in mutants if known.get(mutant.name) in open_]

    def counts(self, mutants: list[Mutant]) -> str:
        """How many ended how, and the share that was seen of those that can be."""
        known = self.known()
        counts = Counter(self._judged(m, known[m.name]) for m in mutants if known.get(m.name, BEGUN) != BEGUN)
        killed = counts["killed"] + counts[LATE]
        share = killed / ((killed + counts["lived"]) or 1)
        return f"{counts.total()} of {len(mutants)} tried: {dict(counts)}, {share:.1%} of those not equivalent seen"

    def _judged(self, mutant: Mutant, how: str) -> str:
        known = " | ".join([mutant.path, *mutant.lines()])
        return "equivalent" if how == "lived" and known in self.equal else how


def main() -> int:
    """Run, print a line for each mutant, and count."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--count", type=int, default=200)
    asked.add_argument("--group", nargs="*", choices=list(GROUPS), default=list(GROUPS))
    asked.add_argument("--only", nargs="*", default=[], help="parts of path:line:, all their mutants")
    asked.add_argument("--enough", type=float, default=60, help="CPU seconds of tests before one counts as living")
    asked.add_argument("--kept", type=Path, default=ROOT / ".dev" / "mutants.jsonl", help="file of what was found")
    asked.add_argument("--again", action="store_true", help="try those that lived once more")
    given = asked.parse_args()
    every = candidates(given.only)
    sample = every if given.only else sampled(every, given.seed, given.count)
    print(f"{len(sample)} of {len(every)} mutants, seed {given.seed}", flush=True)
    given.kept.parent.mkdir(exist_ok=True)
    found = Found(given.kept)
    for group in given.group:
        waiting = found.waiting([m for m in sample if m.group == group], given.again)
        while waiting:
            if not (pid := os.fork()):  # a process for each group: kernels are compiled or left plain once in it
                os._exit(_group(group, waiting, given.enough, found))
            status = os.waitpid(pid, 0)[1]
            known = found.known()
            broken = [m for m in waiting if known.get(m.name) == BEGUN]
            if not broken or not os.WIFSIGNALED(status) or os.WTERMSIG(status) in (signal.SIGINT, signal.SIGTERM):
                break
            found(broken[0], LATE, "")  # it took the whole process with it
            waiting = found.waiting(waiting, again=False)
    print(found.counts(sample), flush=True)
    return 0


def tests_of(group: str) -> list[Path]:
    """The tests that are named for a group, those that import one of its modules, and examples in docstrings."""
    named = {f"test_{name}.py" for name in [*GROUPS[group][1], "docstrings"]}
    modules = {"tapeflow." + path.removesuffix(".py").replace("/", ".") for path in _paths(group)}
    imported = re.compile(rf"^from ({'|'.join(map(re.escape, modules))}) import", re.MULTILINE)
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [path for path in files if path.name in named or imported.search(path.read_text(encoding="utf-8"))]


def _group(group: str, chosen: list[Mutant], enough: float, found: Found) -> int:
    if group in PLAIN:
        run_plainly(PLAIN[group])
    tests = [str(path) for path in tests_of(group)]
    options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:terminal"]
    options += ["-W", "ignore::RuntimeWarning", "-m", "not slow and not browser"]
    if pytest.main([*options, *tests], plugins=[Runner(chosen, enough, found)]):
        print(f"{group}: not all of its tests could be collected", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compiled code is kept on disk, is never older than its sources, and loads without the compiler."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapeflow.core.jit_cache import dependencies

PARTS = """
from tapeflow.core.kernels import inlined

FROM = 0.0

@inlined
def twice(x):
    return x + x
"""

MODULE = """
import numpy as np
from parts import FROM, twice
from tapeflow.core.kernels import compiled, njit_no_refcount, on_compile

@njit_no_refcount
def total(values):
    made = FROM
    for x in values:
        made += twice(x)
    return made

@compiled
def grown(values):
    made = np.empty(2 * len(values))
    made[:] = 7.0
    return made
"""

SCRIPT = """
import sys
import numpy as np
import sums
sums.on_compile(lambda: print("compiled"))
print(sums.total(np.arange(4.0)))
print("numba.cpython.unicode" in sys.modules)
print(len(sums.grown(np.arange(2.0))), sums.total(np.ones(1, np.int64)))
"""


def run(folder: Path, kept: Path | None = None) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "TAPEFLOW_KERNELS": str(kept or folder / "kept")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()


def test_what_lies_on_disk_is_loaded_without_the_compiler_and_the_rest_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "sums.py").write_text(MODULE)
    assert run(tmp_path) == ["compiled", "12.0", "True", "4 2.0"]
    assert run(tmp_path) == ["12.0", "False", "4 2.0"]
    for kept in (tmp_path / "kept").glob("grown-*.kernel"):
        kept.unlink()
    assert run(tmp_path) == ["12.0", "False", "compiled", "4 2.0"]


def test_the_same_source_in_another_folder_and_of_another_time_is_found(tmp_path: Path) -> None:
    found = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parts.py").write_text(PARTS)
        (tmp_path / name / "sums.py").write_text(MODULE)
        found.append("compiled" in run(tmp_path / name, tmp_path / "kept"))
    assert found == [True, False]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sums.py", "made += twice(x)", "made += twice(x) + 1"),
        ("parts.py", "return x + x", "return x + x + 2"),
        ("parts.py", "FROM = 0.0", "FROM = 5.0"),
    ],
    ids=["function", "what it calls", "constant"],
)
def test_what_was_edited_is_not_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    (tmp_path / "parts.py").write_text(PARTS)
    (tmp_path / "sums.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    first = imported()
    assert imported() == first
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    assert imported() != first


def test_a_kernel_depends_on_the_modules_of_all_that_it_calls() -> None:
    from tapeflow.aggregation.folding import fold

    modules = {name.rpartition(".")[2] for name in dependencies(fold)}
    assert {"folding", "blocks", "ending", "open_bar", "lanes"} <= modules
    assert not {"arraymath", "npyimpl"} & modules


def imported() -> dict[str, str]:
    for name in ("parts", "sums"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    made = dependencies(importlib.import_module("sums").total)
    for name in ("parts", "sums"):
        del sys.modules[name]
    return made


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("helper.py", "K = 2.0", "K = 3.0"), ("helper.py", "x - 1.0", "x - 2.0"), ("deep.py", "D = 5.0", "D = 7.0")],
    ids=["constant", "function", "constant that comes from elsewhere"],
)
def test_what_a_kernel_reads_of_a_module_is_not_what_was_kept(tmp_path: Path, file: str, old: str, new: str) -> None:
    files = {
        "deep.py": "D = 5.0\n",
        "helper.py": "from deep import D\nfrom numba import njit\nK = 2.0\n@njit\ndef f(x):\n    return x - 1.0\n",
        "mine.py": "import helper\nfrom tapeflow.core.kernels import compiled\n"
        "@compiled\ndef total(x):\n    return helper.f(x) * helper.K + helper.D\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    script = "import mine; print(mine.total(4.0))"
    more = {"PYTHONPATH": str(tmp_path), "TAPEFLOW_KERNELS": str(tmp_path / "kept")}

    def said() -> float:
        command = [sys.executable, "-W", "ignore", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **more})
        return float(done.stdout)

    assert said() == 11.0
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    assert said() == {"K = 3.0": 14.0, "x - 2.0": 9.0, "D = 7.0": 13.0}[new]


def test_a_function_without_a_file_is_compiled_all_the_same() -> None:
    script = "from tapeflow.core.kernels import compiled\nprint(compiled(lambda x: x + 1)(2.0))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3.0\n"

"""Compiled code is kept on disk, and loading it needs nothing of what compiling needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
import numpy as np
from tapeflow.core.kernels import compiled, inlined, lean, on_compile

@inlined
def twice(x):
    return x + x

@lean
def total(values):
    made = 0.0
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sums.py").write_text(MODULE)
    return tmp_path


def run(folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kept")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()


def test_the_second_process_compiles_nothing_and_loads_no_compiler(folder: Path) -> None:
    assert run(folder) == ["compiled", "12.0", "True", "4 2.0"]
    assert run(folder) == ["12.0", "False", "4 2.0"]


def test_what_was_loaded_and_what_has_to_be_compiled_work_together(folder: Path) -> None:
    run(folder)
    for kept in (folder / "kept").rglob("*grown*"):
        kept.unlink()
    assert run(folder) == ["12.0", "False", "compiled", "4 2.0"]


def test_an_edited_file_is_compiled_again(folder: Path) -> None:
    run(folder)
    module = folder / "sums.py"
    module.write_text(MODULE.replace("made = 0.0", "made = 1.0"))
    os.utime(module, (1, 1))
    assert run(folder)[:2] == ["compiled", "13.0"]


def test_a_function_without_a_file_is_compiled_all_the_same() -> None:
    script = "from tapeflow.core.kernels import compiled\nprint(compiled(lambda x: x + 1)(2.0))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3.0\n"

"""Compiled code is kept on disk, and loading it needs nothing of what compiling needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


def run(folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "kept")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.splitlines()


def test_what_lies_on_disk_is_loaded_without_the_compiler_and_the_rest_is_compiled(tmp_path: Path) -> None:
    module = tmp_path / "sums.py"
    module.write_text(MODULE)
    assert run(tmp_path) == ["compiled", "12.0", "True", "4 2.0"]
    assert run(tmp_path) == ["12.0", "False", "4 2.0"]
    for kept in (tmp_path / "kept").rglob("*grown*"):
        kept.unlink()
    assert run(tmp_path) == ["12.0", "False", "compiled", "4 2.0"]
    module.write_text(MODULE.replace("made = 0.0", "made = 1.0"))
    os.utime(module, (1, 1))
    assert run(tmp_path) == ["compiled", "13.0", "True", "4 3.0"]


def test_a_function_without_a_file_is_compiled_all_the_same() -> None:
    script = "from tapeflow.core.kernels import compiled\nprint(compiled(lambda x: x + 1)(2.0))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stdout == "3.0\n"

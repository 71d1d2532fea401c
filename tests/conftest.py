"""Fixtures shared by all tests; makes a bare checkout importable as `tapeflow`."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["TAPEFLOW_LEDGER"] = tempfile.mkdtemp(prefix="tapeflow-ledger-")  # never beside a test's files, or ours
NUMBERS = count()
os.environ["TAPEFLOW_PROGRESS"] = "0"  # what a slow machine is told would stand between the lines that tests compare
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

ROOT = Path(__file__).resolve().parent.parent

if importlib.util.find_spec("tapeflow") is None:
    spec = importlib.util.spec_from_file_location(
        "tapeflow", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tapeflow"] = module
    spec.loader.exec_module(module)

DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded market data; tests that need it are skipped, and counted, where it is absent."""
    if not DATA.is_dir():
        pytest.skip("recorded market data is not here (../shared/data)")
    return DATA


@pytest.fixture(autouse=True)
def ledger_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test ran is no earlier trial of another."""
    monkeypatch.setenv("TAPEFLOW_LEDGER", f"{os.environ['TAPEFLOW_LEDGER']}/{next(NUMBERS)}")


@pytest.fixture(autouse=True)
def forget_modules_of_the_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Plugins that a test wrote are not found by the next one, which may have another under the same name."""
    before, path = set(sys.modules), [*sys.path]
    yield
    sys.path[:] = path
    folder = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(folder):
            del sys.modules[name]

"""backtrader's own suite, from a folder that the environment names: every run of it is equal in the fast loop.

What a run left is compared whole with what plain backtrader leaves, so that the suite's own assertions, which hold only
over its own data, are left out. None of it is part of this repository.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from tapeflow.backtest.engines.fast.script import Cerebro
from tapeflow.tests.backtest.engines.test_documented_scripts import seen

VARIABLE = "TAPEFLOW_BACKTRADER_TESTS"
FOLDER = os.environ.get(VARIABLE, "")
FILES = sorted(Path(FOLDER).glob("test_*.py")) if FOLDER else []
COMMON = "testcommon"
CAUSES = ("exactbars", "preload is off", "runonce is off", "is resampled", "is replayed")
"""Why runs of the suite are not fast; there is no other reason."""


def module(file: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    """A file of the suite as a module that backtrader finds, without its assertions."""
    made = ModuleType(file.stem)
    made.__file__ = str(file)
    patch.setitem(sys.modules, file.stem, made)
    code = compile(file.read_text(encoding="utf-8"), str(file), "exec", optimize=1, dont_inherit=True)
    exec(code, vars(made))  # noqa: S102 (the suite that the reader named)
    return made


def outcomes(file: Path, kind: Any, patch: pytest.MonkeyPatch) -> tuple[list[Any], list[str]]:
    """What every run of a file left, with what its tests raised; and why runs were not fast."""
    left: list[Any] = []
    causes: list[str] = []
    run = kind.runstrategies

    def noted(cerebro: Any, *args: Any, **kwargs: Any) -> Any:
        made = run(cerebro, *args, **kwargs)
        whole = [one for one in made if hasattr(one, "datas")]
        left.append(seen(whole))
        causes.append(getattr(cerebro, "reason", ""))
        return made

    with patch.context() as inner:
        inner.syspath_prepend(str(file.parent))
        inner.setattr(kind, "runstrategies", noted)
        inner.setattr(bt, "Cerebro", kind)
        inner.setattr(bt.cerebro, "Cerebro", kind)
        if (common := file.parent / f"{COMMON}.py").exists():
            module(common, inner)
        for name, test in [item for item in vars(module(file, inner)).items() if item[0].startswith("test_")]:
            try:
                test()
            except Exception as err:
                left.append((name, repr(err)))
    return left, causes


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not FILES, reason=f"{VARIABLE} names no folder of backtrader's tests")
@pytest.mark.parametrize("file", FILES or [Path("none")], ids=lambda file: file.stem)
def test_a_file_of_the_suite_is_equal(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, _ = outcomes(file, bt.Cerebro, monkeypatch)
    ours, causes = outcomes(file, Cerebro, monkeypatch)
    assert ours == theirs
    assert not [one for one in ours if isinstance(one, tuple)]
    assert [cause for cause in causes if cause and not any(known in cause for known in CAUSES)] == []
    sys.stderr.write(f"{file.stem}: {len(causes)} runs, {causes.count('')} fast\n")

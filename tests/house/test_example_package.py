"""The example of a third party's package: installed, found, used from YAML, and its own tests pass."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "tapeflow-acme"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, because setuptools leaves its build folder beside the sources."""
    return Path(shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "acme"))


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has the package installed."""
    site = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True, capture_output=True)
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def python(installed: dict[str, str], *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], env=installed, cwd=cwd, capture_output=True, text=True, check=False)


def test_all_three_are_found_and_in_the_schema(installed: dict[str, str]) -> None:
    both = "from tapeflow.cli import main\nfor words in (['list', '--json'], ['schema']):\n"
    both += "    try: main(words)\n    except SystemExit as end: assert not end.code\n    print('---', flush=True)\n"
    done = python(installed, "-c", both)
    assert done.returncode == 0, done.stderr
    rows, schema, _ = map(str.strip, done.stdout.split("---"))
    kinds = {row["name"]: row["kind"] for row in json.loads(rows)}
    assert kinds["AcmeLargeShare"] == "indicator"
    assert kinds["AcmeTrades"] == "feed"
    assert kinds["AcmeFollow"] == "strategy"
    assert "indicator.AcmeLargeShare" in json.loads(schema)["$defs"]


def test_its_config_runs(installed: dict[str, str], source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["run", str(source / "acme.yaml"), "--out", str(out), "--no-report", "--json"]
    done = python(installed, "-m", "tapeflow.cli", *words)
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "result.json").read_text())
    assert result["orders"] > 0
    names = [line["name"] for line in result["lines"]]
    assert names[:3] == ["large.share", "delta.delta", "delta.percent"]


def test_its_own_tests_pass(installed: dict[str, str], source: Path) -> None:
    done = python(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=source)
    assert done.returncode == 0, done.stdout + done.stderr

"""What is published is whole: the wheel made from the sdist holds every file, and does what the README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tapeflow.tests.helpers.pages import Reader

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "core",
    "aggregation",
    "store",
    "fetching",
    "feeds",
    "auditing",
    "indicators",
    "strategies",
    "configs",
    "backtest",
    "research",
    "checks",
    "report",
    "cli",
)
BUILD = "import sys; from setuptools import build_meta as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"


def build(kind: str, source: Path, folder: Path) -> Path:
    """An sdist or a wheel of what lies in ``source``."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(folder)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from an unpacked sdist, as an installer without wheels would."""
    made = tmp_path_factory.mktemp("made")
    hidden = [p.name for p in ROOT.iterdir() if p.name.startswith(".")]
    left = shutil.ignore_patterns(*hidden, "__pycache__", "*.egg-info", "build", "dist", "runs", "_build", "reference")
    source = Path(shutil.copytree(ROOT, made / "source", ignore=left))
    with tarfile.open(build("sdist", source, made)) as archive:
        archive.extractall(made / "unpacked", filter="data")
    (unpacked,) = (made / "unpacked").iterdir()
    return build("wheel", unpacked, made)


def test_every_file_of_every_package_is_in_the_wheel(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert f"tapeflow/{file.relative_to(ROOT).as_posix()}" in held
    assert {"tapeflow/__init__.py", "tapeflow/py.typed"} <= held
    assert not [name for name in held if name.split("/")[1] in ("tests", "docs", "benchmarks", "examples")]


class Elsewhere(Reader):
    """Somebody who follows a page with what is installed in an environment, and nothing else."""

    def __init__(self, folder: Path, scratch: Path, environment: Path) -> None:
        super().__init__(folder, scratch)
        self._environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TAPEFLOW")}
        self._environment["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def _tapeflow(self, words: list[str]) -> int:
        return self._run(["tapeflow", *words])

    def _exec(self, code: str) -> str | None:
        return f"fails\n{self.printed}" if self._run(["python", "-c", code]) else None

    def _run(self, words: list[str]) -> int:
        done = subprocess.run(words, cwd=self.cwd, env=self._environment, capture_output=True, text=True, check=False)
        self.printed += done.stdout + done.stderr
        return done.returncode


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the page is for a shell")
def test_an_empty_environment_with_the_wheel_does_what_the_readme_says(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python, lock = environment / "bin" / "python", ROOT / "requirements.lock"
    words = ["-m", "pip", "--disable-pip-version-check", "-q", "install", "--constraint", str(lock), str(wheel)]
    subprocess.run([python, *words], check=True)
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Elsewhere(folder, tmp_path, environment)
    where = "import tapeflow, sys; sys.exit(not tapeflow.__file__.startswith(sys.prefix))"
    assert reader._run(["python", "-c", where]) == 0
    assert reader._run(["tapeflow", "demo"]) == 0, reader.printed
    reader.follow(ROOT / "README.md")
    assert (folder / "runs" / "fade" / "report.html").stat().st_size > 100_000

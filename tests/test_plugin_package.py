"""A third party's package: installed, found, used from YAML."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parent / "plugin"
RUN = """
name: acme
data:
  synth: {feed: SyntheticTape, bars: 1m, days: 1}
indicators:
  large: {kind: AcmeLargeShare}
strategy: {kind: AcmeFollow, params: {share: 0.3}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has the package installed."""
    site = tmp_path_factory.mktemp("site")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(site),
    ]
    # setuptools leaves its build folder beside the sources, so it gets a copy of them
    copy = tmp_path_factory.mktemp("source")
    subprocess.run(["cp", "-r", f"{PLUGIN}/.", str(copy)], check=True)
    subprocess.run([*pip, str(copy)], check=True, capture_output=True)
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}


def tapeflow(installed: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tapeflow.backtest.cli", *args]
    return subprocess.run(command, env=installed, capture_output=True, text=True, check=False)


def test_it_is_found(installed: dict[str, str]) -> None:
    for kind, name in (("indicators", "AcmeLargeShare"), ("strategies", "AcmeFollow")):
        done = tapeflow(installed, "list", kind, "--json")
        assert done.returncode == 0, done.stderr
        assert name in done.stdout
    assert "large notional over all notional" in tapeflow(installed, "show", "AcmeLargeShare").stdout


def test_it_is_in_the_schema(installed: dict[str, str]) -> None:
    schema = tapeflow(installed, "schema")
    assert "AcmeFollow" in json.dumps(json.loads(schema.stdout))


def test_it_runs_from_yaml(installed: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "acme.yaml"
    config.write_text(RUN)
    done = tapeflow(installed, "run", str(config), "--out", str(tmp_path / "out"), "--no-report", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["orders"] > 0
    assert [line["name"] for line in result["lines"]] == ["large.share", "delta.delta", "delta.percent"]

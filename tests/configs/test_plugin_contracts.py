"""What a plugin's class says is held to its contract by validate, before any data is read."""

from pathlib import Path

import pytest

from tapeflow.configs.loader import load_config
from tapeflow.configs.plugin import broken
from tapeflow.core.errors import TapeflowError
from tapeflow.core.plugins.registry import FEEDS, INDICATORS, STRATEGIES, Registry


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('reads = ("no_such.bin",)', r"Broken0\.reads: no file '.*no_such\.bin'"),
        ("reads = 7", r"Broken1\.reads must be file names, as in reads = \('model\.bin',\) \(got 7\)"),
        (
            "bounds = {'perod': Bound(1)}",
            r"Broken2\.bounds has 'perod', which is none of its params; is 'period' meant\?",
        ),
        ("inputs = 'close'", r"Broken3\.inputs must be a tuple: write inputs = \('close',\)"),
        ("lines = ()", r"Broken4 has no lines: write lines = \('value',\)"),
        ("vec = None", r"Broken5 computes nothing: it needs a step, a vec, a next, or lines made in __init__"),
        ('measures = {"v": "close"}', r"Broken6\.measures\['v'\] must be a Line"),
    ],
)
def test_a_class_that_breaks_its_contract_is_refused_before_anything_is_read(
    tmp_path: Path, line: str, says: str, request: pytest.FixtureRequest
) -> None:
    number = request.node.callspec.indices["line"]
    (tmp_path / "broken.py").write_text(
        "from tapeflow.core.params import Bound\nfrom tapeflow.indicators.framework.base import Indicator\n\n\n"
        f"class Broken{number}(Indicator):\n    lines = ('v',)\n    inputs = ('close',)\n"
        f"    params = dict(period=3)\n\n    def vec(self, close):\n        return (close,)\n\n    {line}\n"
    )
    (tmp_path / "run.yaml").write_text(
        "plugins: [broken.py]\ndata: {main: {feed: SyntheticTape}}\nstrategy: {kind: Rules}\n"
        f"indicators: {{x: {{kind: Broken{number}}}}}\n"
    )
    with pytest.raises(TapeflowError, match=says):
        load_config(tmp_path / "run.yaml")


@pytest.mark.parametrize("registry", [INDICATORS, STRATEGIES, FEEDS], ids=lambda registry: registry.what)
def test_every_class_of_ours_holds_its_contract(registry: Registry) -> None:
    ours = {
        name: cls
        for name, cls in registry.items()
        if cls.__module__.startswith("tapeflow.") and ".tests." not in cls.__module__
    }
    assert len(ours) > 10
    assert {name: list(broken(cls)) for name, cls in ours.items() if list(broken(cls))} == {}

"""What the dialects of the volume profile say of themselves, on the command line and in the docs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tapeflow.indicators.kernels.dialects import CHOICES, DIALECTS, GIVEN, MEANINGS, OURS, chosen
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.profile_rows import area_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_explain_names_every_choice_its_value_and_its_source(dialect: str) -> None:
    rows = VolumeProfile.explain(dialect=dialect)
    assert [r["choice"] for r in rows] == ["value_area", *CHOICES, "session"]
    assert all(r["source"] for r in rows)
    for row in rows[1:-1]:
        assert MEANINGS[row["choice"]][row["value"]] in row["means"]
        assert row["value"] == chosen({"dialect": dialect}, row["choice"])


def test_what_no_public_text_settles_is_ours_and_says_so() -> None:
    sources = {r["choice"]: r["source"] for r in VolumeProfile.explain(dialect="ninjatrader")}
    assert sources["expansion"] == OURS == "not published; ours"
    assert "ninjatrader.com" in sources["value_area"]


def test_a_parameter_overrides_one_choice_and_says_so() -> None:
    rows = {r["choice"]: r for r in VolumeProfile.explain(dialect="lean", side_tie="down")}
    assert (rows["side_tie"]["value"], rows["side_tie"]["source"]) == ("down", GIVEN)
    assert rows["expansion"]["value"] == "one_row"
    rows_of_ties = {0: 1.0, 1: 2.0, 2: 4.0, 3: 2.0, 4: 1.0}
    assert area_of(rows_of_ties, dialect="lean", value_area=0.5) == (2, 2, 3)
    assert area_of(rows_of_ties, dialect="lean", value_area=0.5, side_tie="down") == (2, 1, 2)


def test_every_choice_of_every_dialect_is_a_legal_parameter() -> None:
    for name, dialect in DIALECTS.items():
        given = {c: getattr(dialect, c).value for c in ("value_area", *CHOICES)}
        assert VolumeProfile.numbers(VolumeProfile.resolve({"dialect": name})) == VolumeProfile.numbers(
            VolumeProfile.resolve(given)
        )


def test_show_explains_the_dialects() -> None:
    from click.testing import CliRunner

    from tapeflow.cli import main

    shown = CliRunner().invoke(main, ["show", "VolumeProfile", "--explain"]).output
    assert all(f"{name}: " in shown for name in DIALECTS)
    assert OURS in shown
    made = json.loads(CliRunner().invoke(main, ["show", "NakedPOC", "--explain", "--json"]).output)
    assert [c["choice"] for c in made["lean"]["choices"]] == ["poc_tie", "gaps", "anchor", "session"]


def test_the_published_page_is_what_the_script_makes(tmp_path: Path) -> None:
    out = tmp_path / "dialects.md"
    script = [sys.executable, str(ROOT / "benchmarks" / "dialects.py"), "--out", str(out)]
    subprocess.run(script, check=True, timeout=120)
    assert out.read_text(encoding="utf-8") == (ROOT / "docs" / "dialects.md").read_text(encoding="utf-8")

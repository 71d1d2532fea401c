"""The pages of the documentation hold: what they tell a reader to type is typed, what they show is what comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeflow.tests.helpers.pages import Reader, blocks, first_unseen

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MADE = ("_build", "reference")


def written(page: Path) -> bool:
    """Whether a page is written by hand and has something to run."""
    if set(MADE) & set(page.relative_to(ROOT).parts) or not page.exists():
        return False
    return any(block.language in ("bash", "python") for block in blocks(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [p for p in PAGES if written(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_does_what_it_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAPEFLOW_LEDGER")  # a reader's own lies in the folder
    folder = tmp_path / "reader"
    folder.mkdir()
    Reader(folder, tmp_path / "tools").follow(page)


def test_what_is_shown_must_have_been_printed_in_this_order() -> None:
    assert first_unseen("a 1\nc", "a   1\nb\nc\n") is None
    assert first_unseen("took … s", "took 1.5 s") is None
    assert first_unseen("c\na", "a\nc") == "a"
    assert first_unseen("a 2", "a 1") == "a 2"


def test_a_page_that_lies_is_told_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "lies.md"
    page.write_text("# Lies\n\n```python\nprint(1)\n```\n\n```text\n2\n```\n")
    with pytest.raises(AssertionError, match=r"lies.md:7: '2' is not in what was printed"):
        Reader(tmp_path, tmp_path / "tools").follow(page)
    page.write_text("```bash\ntapeflow list nonsense\n```\n")
    with pytest.raises(AssertionError, match=r"lies.md:1: `tapeflow list nonsense` exits with 2, not 0"):
        Reader(tmp_path, tmp_path / "tools").follow(page)

"""The site is whole: a page for every command, a word for every public name, no link into nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tapeflow.core.plugins.registry import REGISTRIES
from tapeflow.docs._ext import api, plugins, schema
from tapeflow.docs._ext.markdown import inline, render, table
from tapeflow.docs._ext.tree import walk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [p for p in sorted(DOCS.rglob("*.md")) if not {"_build", "reference"} & set(p.relative_to(DOCS).parts)]
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)|\{doc\}`(?:[^`<]*<)?([^`>]+)>?`")


def test_every_command_has_a_page_with_an_example_and_its_help() -> None:
    for name, command in walk():
        page = DOCS / "commands" / f"{name.replace(' ', '-')}.md"
        assert page.exists(), f"docs/commands/{page.name} is missing"
        text = page.read_text(encoding="utf-8")
        assert f"```{{command}} {name}\n```" in text
        assert f"\ntapeflow {name}" in text
        assert command.help, name


def test_every_page_of_a_command_is_of_one_that_exists() -> None:
    known = {name.replace(" ", "-") for name, _ in walk()} | {"index"}
    assert {p.stem for p in (DOCS / "commands").glob("*.md")} == known


def test_no_public_name_is_undocumented() -> None:
    assert list(api.undocumented()) == []


@pytest.mark.parametrize("kind", list(REGISTRIES))
def test_every_plugin_has_a_page_with_all_it_declares(kind: str) -> None:
    made = dict(plugins.pages(kind, REGISTRIES[kind], set()))
    for name, cls in plugins.own(REGISTRIES[kind]):
        text = made[f"{kind}/{name}.md"]
        assert f"[{name}]({kind}/{name}.md)" in made[f"{kind}.md"]
        for param in getattr(cls, "defaults", lambda c=cls: c.params)():
            assert f"`{param}`" in text, f"{name}.{param}"


def test_an_indicators_page_has_formula_units_and_sources() -> None:
    text = plugins.page("VWAP", "indicator", REGISTRIES["indicators"]["VWAP"], picture=True)
    assert "vwap = sum(quote_volume) / sum(volume)" in text
    assert "![VWAP over a synthetic tape](../pictures/VWAP.png)" in text
    assert "| `std` | price | Deviation, weighted by volume" in text
    assert "Welford" in text


def test_the_yaml_page_has_every_block_of_a_run() -> None:
    text = schema.yaml_page()
    for block in ("Data", "IndicatorBlock", "StrategyBlock", "Broker", "Fees", "Sizer"):
        assert f"\n## {block}\n" in text


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for file, _, doc in _LINK.findall(text):
        yield doc + ".md" if doc else file


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda p: p.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    generated = DOCS / "reference"
    for link in links(page):
        target = (page.parent / link).resolve()
        assert target.exists() or target.is_relative_to(generated), f"{page.name}: {link}"


def test_docstrings_become_markdown() -> None:
    assert inline("``a | b`` and *c* <d>") == "`a | b` and \\*c\\* &lt;d>"
    assert table(["x"], [["1\n2"]]) == ["| x |", "| --- |", "| 1 2 |", ""]
    assert render("One.\n\n    a = b\n\nParameters\n----------\nn : int, default=1\n    Many.\n") == [
        *("One.", "", "```text", "a = b", "```", ""),
        *("### Parameters", "", "- **n** : int, default=1. Many.", ""),
    ]

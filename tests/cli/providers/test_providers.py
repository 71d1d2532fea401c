"""Every parameter of the five providers' pages is there, runs, and does what the docs say of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tapeflow.tests.cli.providers import amberdata, aperiodic, binance, kiyotaka, taapi
from tapeflow.tests.cli.providers.rows import BEGIN, Row, page_text, put_files, run, within

PAGES = (taapi.PAGE, binance.PAGE, kiyotaka.PAGE, aperiodic.PAGE, amberdata.PAGE)
DOCS = Path(__file__).parents[3] / "docs" / "providers.md"
HEAD = """# The providers' pages

What five data providers document of their order-flow series, parameter by parameter, and how to ask for the same here.
Every command and every data block below is run by the tests, on a tape of two hours and three quarters called
`trades.csv`, and held against plain Python; `python -m tapeflow.tests.cli.providers.write` writes this page from that
table.
"""


def text() -> str:
    """The page of the docs."""
    return "\n".join([HEAD, *map(page_text, PAGES)])


def put_others(folder: Path) -> None:
    """Answers of providers, as their pages show them, and klines with a hole."""
    stamps = [BEGIN, BEGIN + 3600, BEGIN + 7200]
    answer = {"value": [37175.32356, -7754.654559997343, 12.5], "timestamp": stamps}
    (folder / "taapi.json").write_text(json.dumps(answer))
    lines = ["time,open,high,low,close,volume"]
    for start in (BEGIN, BEGIN + 120, BEGIN + 180):
        prices = [t.price for t in within(start, start + 60)]
        volume = sum(t.quantity for t in within(start, start + 60))
        lines.append(f"{start},{prices[0]},{max(prices)},{min(prices)},{prices[-1]},{volume}")
    (folder / "holes.csv").write_text("\n".join([*lines, ""]))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("providers")
    put_files(folder)
    put_others(folder)
    binance.put_files(folder)
    aperiodic.put_files(folder)
    kiyotaka.put_files(folder)
    ours = f"{folder}/ours.json --like kiyotaka --bars HOUR --id type=TRADE_AGG"
    run(f"tapeflow compute {folder}/trades.csv --feed CsvTape --out {ours}")
    return folder


@pytest.mark.parametrize("row", [row for page in PAGES for row in page.rows], ids=str)
def test_does_what_the_docs_say(row: Row, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    row.check(run(row.run))


def test_the_page_of_the_docs_is_the_table_of_these_tests() -> None:
    assert DOCS.read_text(encoding="utf-8") == text(), "run python -m tapeflow.tests.cli.providers.write"

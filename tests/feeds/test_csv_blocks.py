"""CSV in blocks: wherever they are cut the rows are the same, and a process that stops reading ends in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tapeflow.core.errors import DataError
from tapeflow.feeds.csv_reader.decode import Quarantine
from tapeflow.feeds.table_reader import csv_blocks
from tapeflow.feeds.table_reader.arrow_reader import TableSource
from tapeflow.feeds.table_reader.csv_sheets import csv_sheets
from tapeflow.feeds.table_reader.sheet import Reading

ROWS = [f"{i},{i / 4}" for i in range(40)]

SLOWLY = """
import sys
import time
from pathlib import Path

from tapeflow.feeds.csv_reader.decode import Quarantine
from tapeflow.feeds.table_reader.arrow_reader import TableSource
from tapeflow.feeds.table_reader.csv_sheets import csv_sheets
from tapeflow.feeds.table_reader.sheet import Reading


class Slowly(TableSource):
    def chunks(self):
        for chunk in super().chunks():
            for at in range(0, len(chunk), 1 << 17):
                yield chunk[at : at + (1 << 17)]
                time.sleep(0.08)


sheets = csv_sheets(Slowly(Path(sys.argv[1])), Reading(), Quarantine("error"))
print(next(sheets).names)
if sys.argv[2] == "dropped":
    del sheets
elif sys.argv[2] == "fails":
    raise SystemExit("as an error does")
"""


@pytest.mark.parametrize("how", ["kept", "dropped", "fails"])
def test_a_process_that_stops_reading_ends_in_order(tmp_path: Path, how: str) -> None:
    (tmp_path / "a.csv").write_text("time,price\n" + "1704187800,10.5\n" * 500_000)
    done = subprocess.run(
        [sys.executable, "-c", SLOWLY, str(tmp_path / "a.csv"), how], capture_output=True, text=True, check=False
    )
    wanted = (1, "as an error does\n") if how == "fails" else (0, "")
    assert (done.stdout, done.returncode, done.stderr) == ("('time', 'price')\n", *wanted)


def read(path: Path) -> tuple[list[tuple[int, str, str]], list[tuple[int, str, str]], int]:
    """The rows of a file with their numbers, those of too many cells, and how many sheets they came in."""
    sheets = list(csv_sheets(TableSource(path), Reading(), Quarantine("error")))
    rows = [
        (int(line), *(str(column[i]) for column in sheet.cells))
        for sheet in sheets
        for i, line in enumerate(sheet.line)
    ]
    return rows, [one for sheet in sheets for one in sheet.odd], len(sheets)


@pytest.mark.parametrize("size", [8, 9, 10, 11, 64, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_wherever_a_text_is_cut_its_rows_and_their_numbers_are_the_same(
    size: int, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK", size)
    lines = ["time,price", *ROWS[:20], "7,8,9", "", *ROWS[20:]]
    (tmp_path / "a.csv").write_bytes(end.join(lines).encode())
    rows, due, sheets = read(tmp_path / "a.csv")
    numbers = [*range(2, 22), *range(24, 44)]
    assert rows == [(n, *row.split(",")) for n, row in zip(numbers, ROWS, strict=True)]
    assert [(number, complaint) for number, complaint, _ in due] == [(22, "has 3 cells, wanted 2: '7,8,9'")]
    assert (sheets <= 2) == (size == 1 << 20)  # what ends without a line end is a block of its own


@pytest.mark.parametrize("row", ['3,"4', '3,4,"5', '"3,4'])
def test_a_cell_in_quotes_that_reaches_beyond_its_block_is_named(
    row: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK", 14 + len(row))
    (tmp_path / "a.csv").write_text("time,price\n" + row + "\n" + "5,6\n" * 40)
    with pytest.raises(DataError, match=r"a\.csv: row 2: begins a cell in quotes that does not end in its line"):
        read(tmp_path / "a.csv")


def test_a_cell_in_quotes_may_hold_a_line_end_within_its_block(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('time,price\n1,"2\n3"\n4,5\n')
    assert read(tmp_path / "a.csv")[0] == [(2, "1", "2\n3"), (3, "4", "5")]


def test_a_line_without_an_end_is_named_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"time,price\n" + b"1,2\n" * 9 + b"3" * (3 << 20))
    with pytest.raises(DataError, match=r"a\.csv: row 11: does not end within 1 MiB; is it a table\?"):
        read(tmp_path / "a.csv")


def test_a_block_has_its_rows_and_those_of_another_number_of_cells() -> None:
    block = csv_blocks.parse_block(b"1,2\n3\n4,5\n", ["a", "b"], Reading())
    assert [column.to_pylist() for column in block.cells] == [["1", "4"], ["2", "5"]]
    assert [(number, row.text) for number, row in block.odd] == [(2, "3")]
    assert (block.rows, block.is_open) == (3, False)

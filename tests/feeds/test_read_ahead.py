"""A text that is read ahead when its reader stops: the process ends as if it had been read to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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

"""The feed says what the file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapeflow.core.errors import DataError
from tapeflow_acme.trades import AcmeTrades

HEAD = "stamp,rate,coins,aggressor,number\n"


def test_trades_become_a_tape_in_time_order(tmp_path: Path) -> None:
    file = tmp_path / "acme.csv"
    file.write_text(HEAD + "1700000000500,100,1,sell,2\n1700000000000,100.5,2,buy,1\n")
    (tape,) = AcmeTrades(file).tapes()
    assert tape.time.tolist() == [1_700_000_000_000_000, 1_700_000_000_500_000]
    assert tape.side.tolist() == [1, -1]
    assert tape.quantity.tolist() == [2.0, 1.0]


def test_a_letter_in_a_price_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "acme.csv"
    file.write_text(HEAD + "1700000000000,1O0,2,buy,1\n")
    with pytest.raises(DataError, match=r"acme\.csv: row 2, column rate \(price\)"):
        list(AcmeTrades(file).tapes())

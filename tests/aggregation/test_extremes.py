"""Numbers, ticks and outputs beyond what can be: refused in one line before anything is written."""

import numpy as np
import pytest
from click.testing import CliRunner

from tapeflow.aggregation.bars import Aggregator, aggregate
from tapeflow.cli import main
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape

START = 1_700_000_000_000_000


def tape(*prices):
    count = len(prices)
    return Tape.of(time=np.full(count, START), price=prices, quantity=np.ones(count), side=np.ones(count))


@pytest.mark.parametrize(("spec", "rows"), [("5r", None), ("1m", 0.01), ("1m", "auto")])
def test_prices_of_more_ticks_than_can_be_counted_are_refused(spec, rows):
    under_way = Aggregator([spec], row_size=rows, tick=0.01, source="a.csv")
    under_way.push(tape(1.0))
    under_way.push(tape(2.0**60 * 0.01))
    with pytest.raises(DataError, match=r"a\.csv: price 1e\+30 is of too many ticks of 0.01; give a larger tick"):
        under_way.push(tape(1e30))


def test_ticks_do_not_matter_where_none_are_counted():
    (bars,) = aggregate([tape(1e30, 2e30)], ["1m"], tick=0.01)
    assert bars["high"].tolist() == [2e30]


@pytest.mark.parametrize("spec", ["36526d", "999999999999d", "99999w"])
def test_bars_of_more_than_a_century_are_refused(spec):
    with pytest.raises(ParamError, match=f"bars: '{spec}' is longer than any bar \\(at most 36525d\\)"):
        aggregate([tape(1.0)], [spec])


COMMANDS = {
    "bars": ["bars", "--bars", "1m", "--out"],
    "levels": ["bars", "--bars", "1m", "--row-size", "1", "--out", "other.csv", "--levels"],
    "compute": ["compute", "--bars", "1m", "--indicator", "VolumeDelta", "--out"],
    "audit": ["audit", "--out"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=list(COMMANDS))
@pytest.mark.parametrize("name", ["a.csv", "./a.csv", "link.csv"])
def test_no_command_writes_over_its_input(tmp_path, monkeypatch, words, name):
    monkeypatch.chdir(tmp_path)
    text = "time,price,quantity,side\n1700000000000,10,1,buy\n1700000000001,11,1,sell\n"
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "link.csv").symlink_to("a.csv")
    made = CliRunner().invoke(main, [words[0], "a.csv", "--feed", "CsvTape", *words[1:], name])
    says = f"tapeflow: {name}: is an input; write to another file"
    assert (made.exit_code, made.stderr.splitlines()[-1]) == (2, says)
    assert (tmp_path / "a.csv").read_text() == text
    assert not (tmp_path / "other.csv").exists()

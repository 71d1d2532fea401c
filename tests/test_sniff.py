"""`tapeflow data sniff`: what it says of each file, and that the YAML which it prints reads the file."""

from __future__ import annotations

import json

import pytest
import yaml

from tapeflow.core.clock import parse_time
from tapeflow.feeds.sniffing.sniff import sniff
from tapeflow.tests.command import tapeflow
from tapeflow.tests.people_files import FILES, NEW_YORK
from tapeflow.tests.test_times import read


@pytest.mark.parametrize("name", FILES)
def test_the_yaml_that_is_printed_reads_the_file(tmp_path, name):
    written = FILES[name]
    path = written.write(tmp_path)
    done = tapeflow("data", "sniff", path)
    assert done.exit_code == 0, done.output
    block = yaml.safe_load(done.stdout[done.stdout.index("data:") :])["data"]["main"]
    assert block.pop("feed") == written.feed
    assert block.pop("path") == str(path)
    block.pop("bars", None)
    # What no file of the kind tells, and is said: whose clock it is, stamps of a bar's end, the unit of prices.
    open_ = [key for key in ("timezone", "label", "price_divisor") if key in written.params and key not in block]
    block |= {key: written.params[key] for key in open_}
    said = done.stderr.splitlines()
    assert all(any(line.startswith(f"{key}: ") for line in said) for key in open_)
    times = [parse_time(text) for text in written.times]
    assert read(written, path, **block) == [times, written.values, written.amounts, *written.more.values()]


@pytest.mark.parametrize("name", [n for n, w in FILES.items() if w.zone == NEW_YORK])
def test_whose_clock_it_is_is_said_to_be_open(tmp_path, name):
    made = sniff(FILES[name].write(tmp_path))
    assert "timezone: say whose clock it is, unless it is UTC" in made.doubts


def test_a_day_that_may_be_a_month_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("Date,Close,Open,High,Low\n01/02/2024,1,1,1,1\n01/03/2024,1,1,1,1\n")
    made = sniff(tmp_path / "a.csv")
    assert made.params["time_format"] == "%m/%d/%Y"
    assert "time_format: nothing in these rows rules out %d/%m/%Y" in made.doubts


def test_sides_that_are_not_told_are_left_out_and_said(tmp_path):
    (tmp_path / "a.csv").write_text("date,price,amount,type\n1704187800,1,1,0\n1704187801,2,1,1\n")
    made = sniff(tmp_path / "a.csv")
    assert made.params == {"columns": {"side": None}}
    assert any("side: holds 0, 1, and nothing tells who bought" in doubt for doubt in made.doubts)


def test_columns_that_are_not_read_are_named(tmp_path):
    made = json.loads(tapeflow("data", "sniff", FILES["databento_iso"].write(tmp_path), "--json").stdout)
    assert {c["column"] for c in made["columns"] if c["role"] is None} >= {"ts_recv", "flags", "action"}
    assert any("DatabentoTrades" in doubt for doubt in made["doubts"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n3,4\n", "no column is a time that can be told"),
        ("time,foo,bar\n1704187800,1,2\n", "price is missing"),
        ("time,price,quantity\n", "holds no rows"),
        ("1704187800,1,2,3,4,5,6\n1704187801,9,2,3,4,5,6\n", "number them, as in columns"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_to_say(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    done = tapeflow("data", "sniff", tmp_path / "a.csv")
    assert done.exit_code == 2
    assert says in done.output

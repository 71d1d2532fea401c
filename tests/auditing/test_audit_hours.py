"""An audit by trading hours: nights and weekends are no damage, a hole in the day is."""

import numpy as np
import pytest

from tapeflow.auditing.audit import audit
from tapeflow.core.clock import MINUTE, iso, parse_time
from tapeflow.core.days import parse_days
from tapeflow.feeds.csv_bars import CsvBars
from tapeflow.feeds.csv_tape import CsvTape

NEW_YORK = "America/New_York@09:30-16:00"
HOLE = parse_time("2024-03-08T17:00"), parse_time("2024-03-08T18:30")


def instants(step):
    times = np.arange(parse_time("2024-03-06"), parse_time("2024-03-13"), step)
    return times[parse_days(NEW_YORK).inside(times)]


def kinds(report):
    return {finding.kind for finding in report.findings}


@pytest.mark.parametrize("hole", [False, True])
def test_nights_between_trades_are_no_gap(tmp_path, hole):
    times = instants(MINUTE // 12)
    if hole:
        times = times[(times < HOLE[0]) | (times >= HOLE[1])]
    rows = [f"{iso(int(t))},100,1,{'buy' if i % 2 else 'sell'}" for i, t in enumerate(times)]
    (tmp_path / "t.csv").write_text("\n".join(["time,price,quantity,side", *rows]) + "\n")
    damage = {"time_gap", "silence", "truncated_day", "partial_day"}
    assert kinds(audit(CsvTape(tmp_path / "t.csv"))) & damage
    assert bool(kinds(audit(CsvTape(tmp_path / "t.csv"), spec=f"1m@1d:{NEW_YORK}")) & damage) == hole


@pytest.mark.parametrize("hole", [False, True])
def test_nights_between_klines_are_no_gap(tmp_path, hole):
    times = instants(MINUTE)
    if hole:
        times = times[(times < HOLE[0]) | (times >= HOLE[1])]
    rows = [f"{iso(int(t))},100,101,99,100,1" for t in times]
    (tmp_path / "k.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
    assert "kline_gap" in kinds(audit(CsvBars(tmp_path / "k.csv")))
    report = audit(CsvBars(tmp_path / "k.csv"), spec=f"1m@1d:{NEW_YORK}")
    assert ("kline_gap" in kinds(report)) == hole
    assert bool(report.quality.get("GAP", report.quality.get("gap", 0))) == hole

"""`tapeflow compute`: which bars, and in which form."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from tapeflow.cli import output
from tapeflow.core.errors import ParamError
from tapeflow.core.files.tables import read_table
from tapeflow.tests.helpers.command import tapeflow
from tapeflow.tests.helpers.compute_runs import DELTA, TAPE, compute, error, rows


class TestWhichBars:
    """--results and --backtrack take from the end, --chart changes prices."""

    def test_all_of_them_oldest_first_unless_told_otherwise(self) -> None:
        times = [int(r["open_time"]) for r in rows(compute(*DELTA))]
        assert len(times) == 15
        assert times == sorted(times)
        assert rows(compute(*DELTA, "--results", "max")) == rows(compute(*DELTA))

    def test_results_are_the_last_ones_of_what_was_computed_over_all(self) -> None:
        wish = ("--bars", "10m", "--indicator", "VWAP")
        assert rows(compute(*wish, "--results", 4)) == rows(compute(*wish))[-4:]
        assert rows(compute(*wish, "--results", 99)) == rows(compute(*wish))

    @pytest.mark.parametrize(("backtrack", "end"), [(0, 15), (1, 15), (2, 14), (15, 1)])
    def test_backtrack_counts_closed_bars_so_that_0_is_1(self, backtrack: int, end: int) -> None:
        whole = rows(compute(*DELTA))
        assert rows(compute(*DELTA, "--backtrack", backtrack)) == whole[:end]
        assert rows(compute(*DELTA, "--backtrack", backtrack, "--results", 2)) == whole[max(0, end - 2) : end]

    def test_heikinashi_changes_what_reads_prices_and_no_volume(self) -> None:
        wish = ("--bars", "1m", "--indicator", "s=SignedVolume", "--indicator", "d=VolumeDelta")
        plain = rows(compute(*wish, "--indicator", "h=SignedVolume(chart=heikinashi)"))
        averaged = rows(compute(*wish, "--chart", "heikinashi"))
        assert [r["s.signed_volume"] for r in averaged] == [r["h.signed_volume"] for r in plain]
        assert [r["s.signed_volume"] for r in averaged] != [r["s.signed_volume"] for r in plain]
        assert [r["d.delta"] for r in averaged] == [r["d.delta"] for r in plain]

    def test_heikinashi_in_vain_is_told_and_twice_refused(self) -> None:
        done = tapeflow("compute", *TAPE[:-1], *DELTA, "--chart", "heikinashi")
        assert "note: --chart changes nothing in d: no prices are read" in done.stderr
        both = ("--indicator", "s=SignedVolume(chart=heikinashi)", "--chart", "heikinashi")
        assert error(*TAPE, "--bars", "1m", *both).startswith("--chart: s turns its prices into Heikin-Ashi itself")

    def test_gaps_of_klines_are_kept_or_filled(self, tmp_path: Path) -> None:
        path = tmp_path / "BTCUSDT-1m-2024-01-01.csv"
        opened = [1_704_067_200_000 + 60_000 * minute for minute in (0, 2)]
        path.write_text("".join(f"{t},100,101,99,100,3,{t + 59_999},300,2,2,200,0\n" for t in opened))
        feed = (str(path), "--feed", "BinanceKlines", "--quiet")
        kept, filled = (
            [r["volume_delta.delta"] for r in rows(compute("--indicator", "VolumeDelta", "--gaps", g, feed=feed))]
            for g in ("keep", "fill")
        )
        assert (kept, filled) == (["1", "1"], ["1", "0", "1"])


class TestForms:
    """--format, --out and --timestamps."""

    def test_every_form_holds_the_same_numbers(self, tmp_path: Path) -> None:
        text = rows(compute(*DELTA))
        told = json.loads(compute(*DELTA, "--format", "json"))
        assert [float(r["d.delta"]) for r in text] == [r["d.delta"] for r in told]
        done = tapeflow("compute", *TAPE, *DELTA, "--format", "parquet")
        table = pq.read_table(io.BytesIO(done.stdout_bytes))
        assert table.column("d.delta").to_pylist() == [r["d.delta"] for r in told]
        assert compute(*DELTA, "--out", tmp_path / "t.parquet") == ""
        assert read_table(tmp_path / "t.parquet")["d.delta"].tolist() == [r["d.delta"] for r in told]

    def test_people_at_a_terminal_get_a_table_and_no_parquet(self, monkeypatch) -> None:
        assert output.choose_format(None, None, as_json=False) == "csv"
        monkeypatch.setattr(output, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
        assert output.choose_format(None, None, as_json=False) == "table"
        assert output.choose_format(None, "-", as_json=False) == "csv"
        with pytest.raises(ParamError, match="a terminal cannot show it"):
            output.choose_format("parquet", None, as_json=False)

    def test_a_table_shows_the_last_bars_and_says_how_many_it_leaves_out(self) -> None:
        shown = compute(*DELTA, "--format", "table").splitlines()
        assert shown[0].split() == ["open_time", "close_time", "d.delta", "d.percent"]
        assert shown[1].startswith("2024-01-01T00:00:00Z")
        done = tapeflow("compute", *TAPE[:-1], "--bars", "1m", "--indicator", "VWAP", "--format", "table")
        assert len(done.stdout.splitlines()) == 21
        assert "note: 130 other bars are not shown; --results max shows all" in done.stderr

    def test_programs_get_json_by_asking_for_json(self) -> None:
        assert json.loads(compute(*DELTA, "--json"))[0]["open_time"] == 1_704_067_200_000_000

    def test_timestamps_say_when_a_bar_opens(self) -> None:
        seconds = rows(compute(*DELTA, "--timestamps", "seconds"))
        iso = rows(compute(*DELTA, "--timestamps", "iso"))
        assert [int(r["timestamp"]) * 1_000_000 for r in seconds] == [int(r["open_time"]) for r in seconds]
        assert iso[1]["timestamp"] == "2024-01-01T00:10:00Z"

    @pytest.mark.parametrize(
        ("args", "says"),
        [
            ((), "--indicator: name at least one"),
            ((*DELTA, "--results", "0"), "--results: '0' must be a number of bars from 1 on, or max"),
            ((*DELTA, "--backtrack", "16"), "--backtrack 16: there are only 15 bars"),
            ((*DELTA, "--format", "csv", "--out", "x.json"), "--format csv: x.json is json by its ending"),
            ((*DELTA, "--out", "x.xls"), "x.xls: ending '.xls' is no format"),
            ((*DELTA, "--fields", "a"), "--fields: only --like aperiodic has fields"),
            ((*DELTA, "--id", "pair=x"), "--id: unknown key 'pair'"),
            ((*DELTA, "--like", "taapi", "--format", "csv"), "--format csv: --like taapi answers in JSON"),
            ((*DELTA, "--like", "taapi", "--out", "x.csv"), "--out x.csv: --like taapi answers in JSON"),
            ((*DELTA, "--indicator", "VWAP", "--like", "taapi"), "--like taapi: one indicator at a time (got 2)"),
            ((*DELTA, "--like", "kiyotaka"), "--indicator: --like kiyotaka has values of its own"),
            (("--bars", "1h", "--like", "amberdata", "--chart", "heikinashi"), "--chart: --like amberdata shows no"),
            (("--bars", "1h", "--like", "amberdata", "--id", "par=x"), "--id: unknown key 'par', did you mean 'pair'?"),
            (("--bars", "500t", "--like", "amberdata"), "SyntheticTape: bars of 500t are no whole minutes"),
            (
                ("--bars", "1h", "--like", "aperiodic", "--fields", "flow_entrpy"),
                "--fields: unknown field 'flow_entrpy'",
            ),
        ],
    )
    def test_mistakes_are_told_in_one_line(self, args: tuple[str, ...], says: str) -> None:
        assert says in error(*TAPE, *args)

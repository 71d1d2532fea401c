"""`tapeflow data download`: what it prints, its exit codes, and how it shows progress."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tapeflow.cli.data import command
from tapeflow.cli.data_progress import Display
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.fetching.transfer import Fetched
from tapeflow.tests.helpers.download_site import FIRST_ID, Site, Watched, days, market, noise, trades_in


def cli(*args: object) -> Any:
    return CliRunner().invoke(command, [str(a) for a in args])


class TestCommand:
    @pytest.fixture
    def served(self, site: Site) -> Site:
        for n, dump in enumerate(days(1, 2, 4)):
            site.put(dump, noise(n, 12_345))
        return site

    def args(self, site: Site, folder: Path, *more: object) -> list[object]:
        return [
            "download",
            "binance",
            *("--base-url", site.url, "--dir", folder, "--retries", 0),
            *("--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-04", *more),
        ]

    def test_people_get_a_table_what_is_missing_and_a_pattern(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path))
        assert made.exit_code == 0
        assert [line.split() for line in made.stdout.splitlines()] == [
            ["state", "files", "size"],
            ["fetched", "3", "37.0", "kB"],
            ["missing", "1", "0", "B"],
            [str(tmp_path / "um/aggTrades/BTCUSDT/*.zip")],
        ]
        assert "BTCUSDT-aggTrades-2024-01-02.zip: 12.3 kB" in made.stderr.splitlines()
        assert "missing: 1 not at the source: BTCUSDT-aggTrades-2024-01-03.zip" in made.stderr.splitlines()

    def test_quiet_leaves_the_pattern_only(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path, "--quiet"))
        assert (made.stdout, made.stderr) == (str(tmp_path / "um/aggTrades/BTCUSDT/*.zip") + "\n", "")

    def test_programs_get_json(self, served, tmp_path) -> None:
        made = cli(*self.args(served, tmp_path, "--json", "--quiet"))
        told = json.loads(made.stdout)
        assert told["counts"] == {"fetched": 3, "present": 0, "missing": 1, "failed": 0}
        assert told["bytes"] == 3 * 12_345
        assert [f["state"] for f in told["files"]] == ["fetched", "fetched", "missing", "fetched"]
        assert told["files"][1]["sha256"] == hashlib.sha256(noise(1, 12_345)).hexdigest()

    def test_what_could_not_be_fetched_is_named_and_the_code_is_one(self, served, tmp_path) -> None:
        served.faults["2024-01-02.zip"] = [("status", 500, {})]
        made = cli(*self.args(served, tmp_path, "--quiet"))
        assert made.exit_code == 1
        assert made.stderr == f"failed: {served.url}{days(2)[0].url}: 500 Internal Server Error (1 tries)\n"

    def test_nothing_found_at_all_is_the_users_mistake(self, site, tmp_path) -> None:
        made = cli(*self.args(site, tmp_path, "--quiet"))
        assert made.exit_code == 2
        assert made.stderr == (
            f"tapeflow: nothing was found, not even {site.url}{days(1)[0].url}; check market, symbol, type and days\n"
        )

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--market", "usdm"], "unknown market 'usdm'"),
            (["--type", "klines", "--interval", "7m"], "um has no interval '7m'"),
            (["--from", "2024-01-05"], "from 2024-01-05 is after to 2024-01-04"),
            (["--to", "tomorrow"], "--to: 'tomorrow' is no day"),
            (["--rest", "--type", "klines"], "--rest gives aggTrades only"),
            (["--rest", "--monthly"], "--monthly: has no meaning with --rest"),
            (["--rest", "--from", "2024-01-05"], "from 2024-01-05T00:00:00Z is not before to 2024-01-05T00:00:00Z"),
            (["--base-url", "ftp://x"], "'ftp://x' is no address"),
            (["--symbol", "BTC-USDT"], "symbol 'BTC-USDT' is none of um"),
        ],
    )
    def test_a_mistake_is_one_line_and_code_two(self, site, tmp_path, more, said) -> None:
        made = cli(*self.args(site, tmp_path, *more))
        assert made.exit_code == 2
        assert made.stderr.startswith(f"tapeflow: {said}")
        assert made.stderr.count("\n") == 1
        assert site.asked == []

    @pytest.mark.parametrize("rest", [False, True])
    def test_the_site_may_come_from_the_environment(self, served, tmp_path, monkeypatch, rest) -> None:
        served.trades = market(100)
        monkeypatch.setenv("TAPEFLOW_BINANCE_REST_URL" if rest else "TAPEFLOW_BINANCE_URL", served.url + "/")
        given = ["--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-01", "--quiet"]
        made = cli("download", "binance", "--dir", tmp_path, *given, *(["--rest"] if rest else []))
        assert made.exit_code == 0
        assert len(list(tmp_path.rglob("*.json" if rest else "*.zip"))) == 1

    def test_times_of_a_rest_span_end_before_the_last_one(self, site, tmp_path) -> None:
        site.trades = market(24)
        given = ["--from", "2024-01-01T02:00", "--to", "2024-01-01T05:00", "--rest", "--json", "--quiet"]
        assert cli(*self.args(site, tmp_path, *given)).exit_code == 0
        assert [t["a"] - FIRST_ID for t in trades_in(tmp_path)] == [2, 3, 4]

    def test_a_symbol_said_twice_is_fetched_once(self, served, tmp_path) -> None:
        assert cli(*self.args(served, tmp_path, "--symbol", "BTCUSDT", "--quiet")).exit_code == 0
        assert len(served.paths()) == len(set(served.paths()))

    def test_what_came_is_read_by_the_feed(self, site, tmp_path) -> None:
        text = io.BytesIO()
        with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as archive:
            rows = [f"{t['a']},{t['p']},{t['q']},{t['f']},{t['l']},{t['T']},{str(t['m']).lower()}" for t in market(500)]
            archive.writestr("BTCUSDT-aggTrades-2024-01-01.csv", "\n".join(rows))
        site.put(days(1)[0], text.getvalue())
        made = cli(*self.args(site, tmp_path, "--quiet"))
        feed: Any = FEEDS.find("BinanceAggTrades")([made.stdout.strip()], market="um")
        assert float(feed.bars("1d")["volume"].sum()) == 250.0
        assert feed.files[0].sha256 == hashlib.sha256(text.getvalue()).hexdigest()


class TestProgress:
    def test_a_terminal_sees_rate_and_time_left(self, tmp_path, capsys) -> None:
        clock = Watched()
        shown = Display(terminal=True, now=lambda: clock.now)
        shown.expect(3)
        shown.begin("a", 0, 4_000_000)
        clock.sleep(2.0)
        shown.advance("a", 1_000_000)
        # 3 MB of this file and 2 more of 4 MB, at half a MB a second
        assert shown.line() == "0/3 files, 1.0 MB at 500.0 kB/s, 0:00:22 left"
        assert "\r0/3 files, 1.0 MB" in capsys.readouterr().err
        shown.advance("a", 3_000_000)
        shown.end(Fetched(tmp_path / "a", "", "fetched", 4_000_000))
        assert shown.line() == "1/3 files, 4.0 MB at 2.0 MB/s, 0:00:04 left"

    def test_elsewhere_a_line_a_file(self, tmp_path, capsys) -> None:
        shown = Display(terminal=False)
        shown.begin("a.zip", 0, 100)
        shown.advance("a.zip", 100)
        shown.end(Fetched(tmp_path / "a.zip", "", "fetched", 100))
        assert capsys.readouterr().err == "a.zip: 100 B\n"

    def test_quiet_says_nothing(self, tmp_path, capsys) -> None:
        shown = Display(terminal=True, quiet=True)
        shown.begin("a.zip", 0, 100)
        shown.advance("a.zip", 100)
        shown.note("busy")
        shown.end(Fetched(tmp_path / "a.zip", "", "fetched", 100))
        assert capsys.readouterr().err == ""

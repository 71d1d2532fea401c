"""Downloads page by page from a REST API: every trade once, whatever broke."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tapeflow.core.errors import DataError
from tapeflow.core.plugins.registry import FEEDS
from tapeflow.fetching.archive import MARKETS
from tapeflow.fetching.rest import PATHS, SITES, paginate, spans
from tapeflow.tests.helpers.download_site import DAY, FIRST_ID, START, http, market, pages, tree


class TestRest:
    @pytest.mark.parametrize("name", MARKETS)
    def test_pages_follow_the_exchanges_own_recipe(self, site, clock, tmp_path, name) -> None:
        """The worked example: ids 14416184 to 14428230 of one hour are 12,047 trades, 13 pages."""
        before, after = market(10, 10_000, FIRST_ID - 10), market(10, 10_000, FIRST_ID + 12_047)
        for trade in before:
            trade["T"] -= 10_000
        for trade in after:
            trade["T"] += 3_600_000
        inside = market(12_047, 3_600_000)
        site.trades = before + inside + after
        (made,) = pages(site, clock, tmp_path, START, START + 3_600_000, name)
        assert (made.state, made.why) == ("fetched", "")
        assert json.loads(made.path.read_text()) == inside
        queries = [dict(parse_qsl(urlsplit(p).query)) for p in site.paths()]
        symbol = "BTCUSD_PERP" if name == "cm" else "BTCUSDT"
        assert queries[:2] == [
            {"symbol": symbol, "endTime": str(START + 3_600_000 - 1), "limit": "1"},
            {"symbol": symbol, "startTime": str(START), "limit": "1"},
        ]
        assert [q["fromId"] for q in queries[2:]] == [str(FIRST_ID + 1000 * n) for n in range(13)]
        assert {urlsplit(p).path for p in site.paths()} == {PATHS[name]}

    def test_the_real_hosts_are_those_of_the_documentation(self) -> None:
        assert SITES["spot"] + PATHS["spot"] == "https://api.binance.com/api/v3/aggTrades"
        assert SITES["um"] + PATHS["um"] == "https://fapi.binance.com/fapi/v1/aggTrades"
        assert SITES["cm"] + PATHS["cm"] == "https://dapi.binance.com/dapi/v1/aggTrades"

    def test_each_day_is_a_file_that_the_feed_reads(self, site, clock, tmp_path) -> None:
        site.trades = market(2500, 2 * DAY)
        made = pages(site, clock, tmp_path, START, START + 2 * DAY)
        assert [r.path.name for r in made] == [
            "BTCUSDT-aggTrades-2024-01-01.json",
            "BTCUSDT-aggTrades-2024-01-02.json",
        ]
        feed: Any = FEEDS.find("BinanceAggTrades")([r.path for r in made], market="um")
        bars = feed.bars("1d")
        assert bars["trades"].tolist() == [2500.0, 2500.0]
        assert float(bars["volume"].sum()) == 2500 * 0.5

    def test_the_bytes_do_not_depend_on_what_broke(self, site, clock, tmp_path) -> None:
        site.trades = market(3500)
        (calm,) = pages(site, clock, tmp_path / "calm", START, START + DAY)
        assert clock.waits == []
        site.faults["aggTrades"] = [
            ("status", 429, {"Retry-After": "3"}),
            ("drop", 10),
            ("body", b'[{"a": 1'),
            ("status", 503, {}),
            ("drop", 0),
            ("body", b"{}"),
            ("status", 418, {"Retry-After": "1"}),
        ]
        (broken,) = pages(site, clock, tmp_path / "broken", START, START + DAY, retries=8)
        assert site.faults["aggTrades"] == []
        assert broken.path.read_bytes() == calm.path.read_bytes()
        assert clock.waits == [3, 2, 4, 8, 16, 32, 1]

    def test_a_pagination_goes_on_behind_its_last_whole_trade(self, site, clock, tmp_path) -> None:
        site.trades = market(3500)
        (whole,) = pages(site, clock, tmp_path / "whole", START, START + DAY)
        text = whole.path.read_bytes()
        part = tmp_path / "cut" / whole.path.relative_to(tmp_path / "whole")
        part.parent.mkdir(parents=True)
        for cut in (1, 50, len(text) // 2, len(text) - 2, len(text)):
            site.asked.clear()
            part.with_name(part.name + ".part").write_bytes(text[:cut] + b"\0" * (cut % 3))
            (made,) = pages(site, clock, tmp_path / "cut", START, START + DAY)
            assert made.path.read_bytes() == text
            had = text[:cut].count(b"}\n")
            asked = [p for p in site.paths() if "fromId" in p]
            assert len(asked) == -(-(3500 - had) // 1000)
            assert not asked or f"fromId={FIRST_ID + had}&" in asked[0]
            assert sorted(tree(tmp_path / "cut")) == sorted(tree(tmp_path / "whole"))
            made.path.unlink()

    def test_a_file_that_is_there_is_not_asked_for_again(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        pages(site, clock, tmp_path, START, START + DAY)
        site.asked.clear()
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert (made.state, site.asked) == ("present", [])

    def test_ids_that_do_not_exist_are_counted(self, site, clock, tmp_path) -> None:
        site.trades = [t for t in market(3000) if not FIRST_ID + 500 <= t["a"] < FIRST_ID + 1700]
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert made.why == "1200 ids in between do not exist"
        assert json.loads(made.path.read_text()) == site.trades

    @pytest.mark.parametrize("shift", [-DAY, DAY])
    def test_a_time_without_trades_is_missing(self, site, clock, tmp_path, shift) -> None:
        site.trades = market(10)
        (made,) = pages(site, clock, tmp_path, START + shift, START + shift + DAY)
        assert made.state == "missing"
        assert tree(tmp_path) == {}

    def test_a_time_that_has_not_passed_is_refused(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        site.date = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=8)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        with pytest.raises(DataError, match=r"to 2024-01-02T00:00:00Z has not come yet.* 2024-01-01T08:00:00Z"):
            pages(site, clock, tmp_path, START, START + DAY)
        (made,) = pages(site, clock, tmp_path, START, START + 8 * 3_600_000)
        assert made.path.name == "BTCUSDT-aggTrades-2024-01-01T000000-080000.json"

    def test_what_the_api_says_of_a_wrong_symbol_is_told(self, site, clock, tmp_path) -> None:
        wanted = spans("spot", ("NOPEUSDT",), START, START + DAY)
        with pytest.raises(DataError, match=r"/api/v3/aggTrades.*: Invalid symbol\. \(code -1121\)$"):
            paginate(wanted, tmp_path, http(site, clock))

    def test_an_api_that_gives_no_ascending_ids_is_an_error(self, site, clock, tmp_path) -> None:
        site.trades = market(10)
        site.trades[5]["a"] = site.trades[4]["a"]
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert made.state == "failed"
        assert f"BTCUSDT from id {FIRST_ID}: no ascending trades up to {FIRST_ID + 9}" in made.why

    def test_compressed_answers_are_understood(self, site, clock, tmp_path, monkeypatch) -> None:
        site.trades = market(1200)
        plain = site.answer
        monkeypatch.setattr(site, "answer", lambda path, query: gzip.compress(plain(path, query)))
        handler = site.server.RequestHandlerClass
        send = handler.send_header

        def send_header(self: Any, name: str, value: str) -> None:
            send(self, name, value)
            if name == "Content-Length":
                send(self, "Content-Encoding", "gzip")

        monkeypatch.setattr(handler, "send_header", send_header)
        (made,) = pages(site, clock, tmp_path, START, START + DAY)
        assert json.loads(made.path.read_text()) == site.trades

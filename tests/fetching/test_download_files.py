"""Downloads from a server that drops, refuses and lies: what ends up in the folder is right or absent."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.fetching.archive import KINDS, MARKETS, SITE, ArchiveRequest, Dump, parse_day
from tapeflow.fetching.download import download
from tapeflow.fetching.http import Http
from tapeflow.fetching.transfer import claimed
from tapeflow.tests.helpers.download_site import days, expected, http, noise, states, tree, wish


class TestWhatTheArchiveHolds:
    def test_urls_are_those_of_the_archives_own_documentation(self) -> None:
        made = {
            ("spot", "trades", "ETHUSDT", None, "2024-01-02"): (
                "/data/spot/daily/trades/ETHUSDT/ETHUSDT-trades-2024-01-02.zip"
            ),
            ("um", "aggTrades", "BTCUSDT", None, "2024-01"): (
                "/data/futures/um/monthly/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01.zip"
            ),
            ("cm", "klines", "BTCUSD_PERP", "1h", "2024-01"): (
                "/data/futures/cm/monthly/klines/BTCUSD_PERP/1h/BTCUSD_PERP-1h-2024-01.zip"
            ),
        }
        assert {key: Dump(*key).url for key in made} == made
        assert SITE == "https://data.binance.vision"

    def test_auto_takes_whole_months_and_days_elsewhere(self) -> None:
        asked = ArchiveRequest("spot", "trades", ("A", "B"), date(2024, 1, 30), date(2024, 3, 2))
        periods = [f"{d.symbol} {d.period}" for d in asked.dumps(lambda d: False, lambda d: False)]
        one = ["2024-01-30", "2024-01-31", "2024-02", "2024-03-01", "2024-03-02"]
        assert periods == [f"{s} {p}" for s in "AB" for p in one]

    def test_auto_goes_on_in_days_where_days_were_begun(self) -> None:
        asked = ArchiveRequest("spot", "trades", ("A",), date(2024, 2, 1), date(2024, 2, 29))
        assert len(asked.dumps(lambda d: d.period == "2024-02-07", lambda d: False)) == 29

    def test_auto_takes_a_month_that_is_there_for_some_days_of_it(self) -> None:
        asked = ArchiveRequest("spot", "trades", ("A",), date(2024, 2, 3), date(2024, 2, 4))
        assert [d.period for d in asked.dumps(lambda d: True, lambda d: d.period == "2024-02")] == ["2024-02"]

    @pytest.mark.parametrize(("kind", "period"), [("metrics", "2024-02-01"), ("fundingRate", "2024-02")])
    def test_auto_knows_what_is_there_by_day_or_by_month_only(self, kind: str, period: str) -> None:
        asked = ArchiveRequest("um", kind, ("BTCUSDT",), date(2024, 2, 1), date(2024, 2, 29))
        assert asked.dumps(lambda d: False, lambda d: False)[0].period == period

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"market": "usdm"}, "unknown market 'usdm', did you mean 'um'? (allowed: cm, spot, um)"),
            ({"kind": "aggtrade"}, "unknown type 'aggtrade', did you mean 'aggTrades'?"),
            ({"market": "spot", "kind": "metrics"}, "spot has no metrics (allowed: aggTrades, trades, klines)"),
            ({"kind": "klines"}, "klines: say the interval, as in 1m (allowed: 1m, 3m,"),
            ({"kind": "klines", "interval": "1s"}, "um has no interval '1s' (allowed: 1m,"),
            ({"kind": "klines", "interval": "1M"}, "um has no interval '1M' (allowed: 1m,"),
            ({"interval": "1m"}, "aggTrades has no interval; only klines do"),
            ({"kind": "metrics", "grain": "monthly"}, "metrics is not there in monthly files (allowed: auto, daily)"),
            (
                {"kind": "klines", "interval": "1w", "grain": "daily"},
                "klines of 1w is not there in daily files (allowed: auto, monthly)",
            ),
            ({"symbols": ("btcusdt",)}, "symbol 'btcusdt' must be in capitals: BTCUSDT"),
            ({"symbols": ("BTC/USDT",)}, "symbol 'BTC/USDT' is none of um; they are written as BTCUSDT"),
            ({"symbols": ("../../x",)}, "symbol '../../x' is none of um"),
            (
                {"market": "cm", "symbols": ("BTCUSDT",)},
                "symbol 'BTCUSDT' is none of cm; they are written as BTCUSD_PERP",
            ),
            ({"start": date(2024, 1, 9)}, "from 2024-01-09 is after to 2024-01-03"),
        ],
    )
    def test_what_cannot_be_had_is_named_with_what_can(self, given: dict[str, Any], said: str) -> None:
        usual = {"market": "um", "kind": "aggTrades", "symbols": ("BTCUSDT",), "grain": "auto"}
        span = {"start": date(2024, 1, 1), "end": date(2024, 1, 3)}
        with pytest.raises(ParamError) as caught:
            ArchiveRequest(**{**usual, **span, **given})
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value)

    def test_every_type_can_be_asked_for_in_every_market_that_has_it(self) -> None:
        symbols = {"spot": "BTCUSDT", "um": "BTCUSDT", "cm": "BTCUSD_PERP"}
        for market in MARKETS:
            for kind, about in KINDS.items():
                if market in about.markets:
                    symbol = "BTCUSD" if (market, kind) == ("cm", "indexPriceKlines") else symbols[market]
                    every = about.interval and "1m"
                    made = ArchiveRequest(market, kind, (symbol,), date(2024, 1, 1), date(2024, 1, 1), every or None)
                    assert len(made.dumps(lambda d: False, lambda d: False)) == 1

    def test_a_month_as_last_day_is_its_last_day(self) -> None:
        assert parse_day("2024-02", last=True) == date(2024, 2, 29)
        with pytest.raises(ValueError, match="'2024-02-30' is no day; write it as 2024-01-31"):
            parse_day("2024-02-30")


class TestFiles:
    def test_every_file_and_its_checksum_are_those_of_the_server(self, site, clock, tmp_path) -> None:
        for n, dump in enumerate(days(1, 2, 3)):
            site.put(dump, noise(n, 100_000 + n))
        made = download(wish(1, 3), tmp_path, http(site, clock), jobs=2)
        assert states(made) == dict.fromkeys(("2024-01-01", "2024-01-02", "2024-01-03"), "fetched")
        assert [r.sha256 for r in made] == [hashlib.sha256(noise(n, 100_000 + n)).hexdigest() for n in range(3)]
        assert tree(tmp_path) == expected(site, days(1, 2, 3))
        assert clock.waits == []

    def test_what_is_there_and_right_is_not_asked_for_again(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2):
            site.put(dump, noise(1, 5000))
        download(wish(1, 2), tmp_path, http(site, clock))
        site.asked.clear()
        assert set(states(download(wish(1, 2), tmp_path, http(site, clock))).values()) == {"present"}
        assert site.asked == []

    def test_a_file_without_its_checksum_is_compared_and_kept(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        place = tmp_path / days(1)[0].place
        place.parent.mkdir(parents=True)
        place.write_bytes(noise(1, 5000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "present"}
        assert site.paths() == [days(1)[0].url + ".CHECKSUM"]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_damaged_file_is_fetched_again(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        download(wish(1, 1), tmp_path, http(site, clock))
        (tmp_path / days(1)[0].place).write_bytes(noise(2, 5000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_file_that_the_archive_replaced_is_fetched_again_on_refresh(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2):
            site.put(dump, noise(1, 5000))
        download(wish(1, 2), tmp_path, http(site, clock))
        site.put(days(1)[0], noise(9, 6000))
        made = download(wish(1, 2), tmp_path, http(site, clock), refresh=True)
        assert states(made) == {"2024-01-01": "fetched", "2024-01-02": "present"}
        assert tree(tmp_path) == expected(site, days(1, 2))

    def test_days_that_the_archive_has_not_are_missing(self, site, clock, tmp_path) -> None:
        site.put(days(2)[0], noise(1, 5000))
        made = download(wish(1, 3), tmp_path, http(site, clock))
        assert states(made) == {"2024-01-01": "missing", "2024-01-02": "fetched", "2024-01-03": "missing"}
        assert tree(tmp_path) == expected(site, days(2))

    def test_a_month_that_is_not_there_yet_comes_in_days(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2, 31):
            site.put(dump, noise(1, 3000))
        made = download(wish(1, 31, grain="auto"), tmp_path, http(site, clock))
        assert [r.path.name[-14:-4] for r in made if r.state == "fetched"] == ["2024-01-01", "2024-01-02", "2024-01-31"]
        assert sum(r.state == "missing" for r in made) == 28
        assert tree(tmp_path) == expected(site, days(1, 2, 31))

    def test_a_file_without_a_published_checksum_fails(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        del site.files[days(1)[0].url + ".CHECKSUM"]
        made = download(wish(1, 1), tmp_path, http(site, clock))
        assert made[0].state == "failed"
        assert made[0].why == f"{site.url}{days(1)[0].url}: there is no .CHECKSUM of it, it cannot be verified"

    def test_a_folder_that_cannot_be_written_fails_in_one_line(self, site, clock, tmp_path) -> None:
        (tmp_path / "um").write_text("in the way")
        with pytest.raises(DataError, match="cannot be made"):
            download(wish(1, 1), tmp_path, http(site, clock))

    def test_two_downloads_into_one_folder_do_not_mix(self, site, clock, tmp_path) -> None:
        site.put(days(1)[0], noise(1, 5000))
        with claimed([(tmp_path / days(1)[0].place).parent]), pytest.raises(DataError, match="another download"):
            download(wish(1, 1), tmp_path, http(site, clock))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}

    def test_a_site_that_is_no_address_is_refused(self) -> None:
        with pytest.raises(ParamError, match=r"'data\.binance\.vision' is no address"):
            Http("data.binance.vision")


class TestBrokenLines:
    @pytest.mark.parametrize("etags", [True, False])
    def test_a_body_cut_short_goes_on_where_it_stopped(self, site, clock, tmp_path, etags) -> None:
        site.etags = etags
        (dump,) = days(1)
        site.put(dump, noise(1, 500_000))
        site.faults[dump.url] = [("drop", 100_000), ("drop", 1), ("drop", 250_000)]
        made = download(wish(1, 1), tmp_path, http(site, clock))
        assert states(made) == {"2024-01-01": "fetched"}
        body = [a for a in site.asked if a.path == dump.url]
        assert [a.range for a in body] == [None, "bytes=100000-", "bytes=100001-", "bytes=350001-"]
        assert [a.status for a in body] == [200, 206, 206, 206]
        assert all((a.if_range is not None) == etags for a in body[1:])
        assert tree(tmp_path) == expected(site, days(1))
        assert clock.waits == [1.0, 1.0, 1.0]

    def test_a_server_that_knows_no_ranges_sends_it_all_again(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.ranges = False
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 200_000)]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_file_replaced_between_two_tries_is_not_pieced_together(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 200_000)]
        site.for_ever.add(dump.url)
        failed = download(wish(1, 1), tmp_path, http(site, clock, retries=0))
        assert failed[0].why == f"{site.url}{dump.url}: cut short, 100000 bytes are missing (1 tries)"
        site.faults.clear()
        site.put(dump, noise(2, 300_000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert [a.status for a in site.asked if a.path == dump.url] == [200, 200]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_part_that_is_whole_already_only_gets_its_name(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        place = tmp_path / dump.place
        place.parent.mkdir(parents=True)
        place.with_name(place.name + ".part").write_bytes(noise(1, 300_000))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert site.paths() == [dump.url + ".CHECKSUM"]
        assert tree(tmp_path) == expected(site, days(1))

    @pytest.mark.parametrize("size", [100, 300_000, 400_000])
    def test_a_part_of_something_else_is_thrown_away(self, site, clock, tmp_path, size) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        place = tmp_path / dump.place
        place.parent.mkdir(parents=True)
        place.with_name(place.name + ".part").write_bytes(noise(7, size))
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_wrong_body_once_is_fetched_once_more_from_nothing(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 30_000))
        site.faults[dump.url] = [("body", noise(2, 30_000))]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert [a.range for a in site.asked if a.path == dump.url] == [None, None]
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_body_that_stays_wrong_fails_naming_both_digests(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        wanted = "0" * 64
        site.put(dump, noise(1, 30_000), f"{wanted}  {dump.name}\n".encode())
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        found = hashlib.sha256(noise(1, 30_000)).hexdigest()
        assert made.state == "failed"
        assert made.why == f"{site.url}{dump.url}: sha256 is {found}, its CHECKSUM wants {wanted}, twice"
        assert tree(tmp_path) == {}

    @pytest.mark.parametrize(
        "text", [b"<html>hello</html>", b"", b"0" * 63 + b"  x.zip\n", b"0" * 64 + b"  other.zip\n", b"\xff" * 64]
    )
    def test_a_checksum_that_is_none_is_asked_for_again_then_fails(self, site, clock, tmp_path, text) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000), text)
        (made,) = download(wish(1, 1), tmp_path, http(site, clock, retries=2))
        assert made.state == "failed"
        assert made.why == (
            f"{site.url}{dump.url}.CHECKSUM: cannot be understood: holds no sha256 of {dump.name} (3 tries)"
        )
        assert tree(tmp_path) == {}

    def test_a_zip_missing_beside_its_checksum_fails(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, b"x")
        del site.files[dump.url]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert made.why == f"{site.url}{dump.url}: its CHECKSUM is there, it is not"

"""Downloads from a server that is busy or dead, and downloads that were stopped half-way."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tapeflow.fetching.download import download
from tapeflow.fetching.http import LONGEST_WAIT, Http
from tapeflow.tests.helpers.download_site import (
    DAY,
    START,
    Site,
    Watched,
    days,
    expected,
    http,
    market,
    noise,
    pages,
    states,
    trades_in,
    tree,
    wish,
)


class TestBusyServers:
    @pytest.mark.parametrize("status", [429, 418])
    def test_the_wait_it_asks_for_is_kept(self, site, clock, tmp_path, status) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", status, {"Retry-After": "7"})]
        assert states(download(wish(1, 1), tmp_path, http(site, clock))) == {"2024-01-01": "fetched"}
        assert clock.waits == [7.0]

    def test_a_crowded_server_is_left_alone_by_every_thread(self, site, clock, tmp_path) -> None:
        shared = http(site, clock)
        site.put(days(1)[0], noise(1, 3000))
        site.faults[".CHECKSUM"] = [("status", 429, {"Retry-After": "9"})]
        download(wish(1, 1), tmp_path, shared)
        assert clock.waits == [9.0]
        shared._until = clock.now + 5
        download(wish(1, 1), tmp_path, shared, refresh=True)
        assert clock.waits == [9.0, 5.0]

    def test_a_date_to_wait_for_is_taken_against_the_servers_clock(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.date = "Wed, 21 Oct 2015 07:28:00 GMT"
        site.faults[dump.url] = [("status", 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:11 GMT"})]
        download(wish(1, 1), tmp_path, http(site, clock))
        assert clock.waits == [11.0]

    def test_waits_double_up_to_a_cap_and_end(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", 503, {})]
        site.for_ever.add(dump.url)
        (made,) = download(wish(1, 1), tmp_path, http(site, clock, retries=8))
        assert clock.waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT]
        assert made.why == f"{site.url}{dump.url}: 503 Service Unavailable (9 tries)"

    def test_a_wait_beyond_patience_is_an_error_that_says_how_long(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 3000))
        site.faults[dump.url] = [("status", 418, {"Retry-After": "7200"})]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert "it asks to wait 7200 s, run this again then" in made.why
        assert clock.waits == []

    def test_progress_between_failures_forgives_them(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.put(dump, noise(1, 300_000))
        site.faults[dump.url] = [("drop", 10_000), ("status", 500, {})] * 20
        assert states(download(wish(1, 1), tmp_path, http(site, clock, retries=2))) == {"2024-01-01": "fetched"}
        assert clock.waits == [1.0, 2.0] * 20
        assert tree(tmp_path) == expected(site, days(1))

    def test_a_refusal_is_not_tried_again(self, site, clock, tmp_path) -> None:
        (dump,) = days(1)
        site.faults[".CHECKSUM"] = [("status", 403, {})]
        (made,) = download(wish(1, 1), tmp_path, http(site, clock))
        assert made.why == f"{site.url}{dump.url}.CHECKSUM: 403 Forbidden"
        assert clock.waits == []

    def test_a_dead_site_costs_its_retries_once_and_not_for_every_file(self, site, clock, tmp_path) -> None:
        dead = http(site, clock, retries=3)
        site.close()
        made = download(wish(1, 30), tmp_path, dead, jobs=1)
        assert {r.state for r in made} == {"failed"}
        assert made[0].why == (
            f"{site.url}{days(1)[0].url}.CHECKSUM: Failed to establish a new connection: "
            f"[Errno {errno.ECONNREFUSED}] Connection refused (4 tries)"
        )
        assert clock.waits == [1.0, 2.0, 4.0]

    def test_a_proxy_of_the_environment_is_gone_through(self, site, clock, monkeypatch) -> None:
        monkeypatch.setenv("http_proxy", site.url)
        site.files["/a"] = b"body"
        assert Http("http://archive.invalid", sleep=clock.sleep).get("/a").value == b"body"
        assert site.paths() == ["http://archive.invalid/a"]

    def test_one_file_that_fails_does_not_keep_the_others(self, site, clock, tmp_path) -> None:
        for dump in days(1, 2, 3):
            site.put(dump, noise(1, 3000))
        site.faults["2024-01-02.zip"] = [("status", 500, {})]
        site.for_ever.add("2024-01-02.zip")
        made = download(wish(1, 3), tmp_path, http(site, clock, retries=1), jobs=1)
        assert states(made) == {"2024-01-01": "fetched", "2024-01-02": "failed", "2024-01-03": "fetched"}
        assert tree(tmp_path) == expected(site, days(1, 3))


def run_data(site: Site, *args: object) -> subprocess.Popen[str]:
    script = "from tapeflow.cli.data import command; command.main()"
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-c", script, "download", "binance", "--base-url", site.url, *map(str, args)],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop_at(site: Site, sent: int, how: signal.Signals, *args: object) -> tuple[int, str]:
    """Run the command, and end it when the server has sent so many bytes."""
    site.hold(sent)
    child = run_data(site, *args)
    try:
        assert site.held.wait(20), child.communicate(timeout=5)
        time.sleep(0.03)
        child.send_signal(how)
        _, said = child.communicate(timeout=10)
    finally:
        child.kill()
        site.release()
    return child.returncode, said


def finish(site: Site, *args: object) -> None:
    child = run_data(site, *args)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, (out, err)


ARCHIVE = ("--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-04", "--daily", "--quiet")
REST = ("--rest", "--market", "um", "--symbol", "BTCUSDT", "--from", "2024-01-01", "--to", "2024-01-02", "--quiet")


def many_days(site: Site) -> int:
    """Four days of a few hundred kB; how many bytes of body a whole download is."""
    for n, dump in enumerate(days(1, 2, 3, 4)):
        site.put(dump, noise(n, 300_000 + 1111 * n))
    return sum(map(len, site.files.values()))


class TestInterrupted:
    @pytest.mark.parametrize("share", [0.0, 0.6])
    def test_killed_and_run_again_gives_the_same_folder(self, site, tmp_path, share) -> None:
        total = many_days(site)
        code, _ = stop_at(site, int(total * share), signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", 2)
        assert code == -signal.SIGKILL
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    def test_what_had_come_is_not_asked_for_again(self, site, tmp_path) -> None:
        total = many_days(site)
        stop_at(site, total // 2, signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", 1)
        had = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.suffix in (".zip", ".part"))
        # A piece of 64 kB that was on its way may be lost.
        assert had > total // 2 - 70_000
        site.sent = 0
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert site.sent <= total - had + 1000

    @pytest.mark.parametrize("jobs", [1, 4])
    def test_interrupted_from_the_keyboard_it_says_so_and_goes_on_later(self, site, tmp_path, jobs) -> None:
        total = many_days(site)
        code, said = stop_at(site, total // 2, signal.SIGINT, *ARCHIVE, "--dir", tmp_path, "--jobs", jobs)
        assert (code, said.strip()) == (130, "tapeflow: interrupted")
        assert any(p.suffix == ".part" for p in tmp_path.rglob("*"))
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(20))
    def test_killed_at_random_again_and_again(self, site, tmp_path, seed) -> None:
        total, chance = many_days(site), random.Random(seed)  # noqa: S311
        left = total
        for _ in range(3):
            left = chance.randrange(max(1, left // 2))
            stop_at(site, left, signal.SIGKILL, *ARCHIVE, "--dir", tmp_path, "--jobs", chance.choice([1, 2, 4]))
            left = total - sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) - 70_000 * 4
        finish(site, *ARCHIVE, "--dir", tmp_path)
        assert tree(tmp_path) == expected(site, days(1, 2, 3, 4))

    @pytest.mark.parametrize("share", [0.6])
    def test_a_pagination_killed_and_run_again_gives_the_same_file(self, site, tmp_path, share) -> None:
        self.kill_pages(site, tmp_path, [share])

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(15))
    def test_a_pagination_killed_at_random_again_and_again(self, site, tmp_path, seed) -> None:
        chance = random.Random(seed)  # noqa: S311
        self.kill_pages(site, tmp_path, sorted(chance.random() * 0.5 for _ in range(2)))

    def kill_pages(self, site: Site, folder: Path, shares: list[float]) -> None:
        site.trades = market(6500, 2 * DAY)
        total = len(json.dumps(site.trades))
        for share in shares:
            stop_at(site, int(total * share), signal.SIGKILL, *REST, "--dir", folder / "a", "--jobs", 1)
        finish(site, *REST, "--dir", folder / "a")
        pages(site, Watched(), folder / "b", START, START + 2 * DAY)
        assert tree(folder / "a") == tree(folder / "b")
        assert trades_in(folder / "a") == site.trades

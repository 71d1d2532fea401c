"""Funding and interest on what is borrowed, against plain Python; and the files that rates come in."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, HOUR, MINUTE, SECOND
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.feeds.funding import read_funding
from tapeflow.tests.helpers.trading import START, Ran, buy, config, flat, moving, random_walk, run_in, sell, trade

HEADER = "calc_time,funding_interval_hours,last_funding_rate\n"


def dump(folder: Path, rows: list[tuple[int, float]], name: str = "BTCUSDT-fundingRate-2024-01.zip") -> Path:
    path = folder / name
    text = HEADER + "".join(f"{time},8,{rate!r}\n" for time, rate in rows)
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(name.replace(".zip", ".csv"), text)
    else:
        path.write_text(text)
    return path


def test_longs_pay_shorts_at_the_close_at_which_it_falls_due() -> None:
    market = moving(*(100.0 + i for i in range(20)), step=HOUR)
    made = trade(market, {0: buy(2), 10: sell(5)}, config(funding={"rate": "1bp", "every": "4h"}))
    # bars close at 1 h, 2 h, …; bar 3 closes at 4 h at 103
    expected = [(4, 2, 103), (8, 2, 107), (12, -3, 111), (16, -3, 115), (20, -3, 119)]
    assert [(f.time - START, f.position, f.price) for f in made.flows] == [(h * HOUR, s, p) for h, s, p in expected]
    assert [f.amount for f in made.flows] == pytest.approx([-s * p * 1e-4 for _, s, p in expected])
    assert made.value[-1] == pytest.approx(10_000 + pnl(made, 119.0) + math.fsum(f.amount for f in made.flows))


def pnl(made: Ran, last: float) -> float:
    """What the fills earned, each from its price to the last."""
    return math.fsum((last - f.price) * (f.opened + f.closed) for f in made.fills)


def test_a_bare_rate_is_paid_every_eight_hours() -> None:
    made = trade(flat(48, step=HOUR), {0: buy(1)}, config(funding="0.01%"))
    assert [(f.time - START) // HOUR for f in made.flows] == [8, 16, 24, 32, 40, 48]


def test_what_falls_between_two_bars_is_reckoned_on_what_was_held_before() -> None:
    market = moving(100.0, 102.0, 104.0, 106.0)
    time = START + np.array([7 * HOUR, 7 * HOUR + MINUTE, 9 * HOUR, 9 * HOUR + MINUTE])
    columns = {name: market[name] for name in ("open", "high", "low", "close", "volume")}
    gapped = Bars.of(open_time=time, close_time=time + MINUTE, **columns)
    made = trade(gapped, {0: buy(1), 1: sell(1)}, config(funding="1bp"))
    # 8:00 lies between the bar that closes at 7:02 and the one that opens, and sells, at 9:00
    assert [(f.time - START, f.position, f.price) for f in made.flows] == [(8 * HOUR, 1.0, 102.0)]


def test_rates_come_from_a_dump(tmp_path: Path) -> None:
    rows = [(START // 1000 + 8 * 3_600_000 + 7, 0.0003), (START // 1000 + 16 * 3_600_000, -0.0001)]
    path = dump(tmp_path, rows)
    made = trade(flat(24, step=HOUR), {0: buy(1)}, config(funding={"path": str(path)}))
    assert [(f.time - START, f.rate, f.amount) for f in made.flows] == [
        (8 * HOUR, 0.0003, pytest.approx(-0.03)), (16 * HOUR, -0.0001, pytest.approx(0.01)),
    ]  # fmt: skip


def test_inverse_contracts_pay_in_coin() -> None:
    perp = {"instrument": {"margin": "inverse", "contract_size": 100, "leverage": 5}}
    market = moving(50_000.0, 50_000.0, 40_000.0, step=8 * HOUR)
    made = trade(market, {0: sell(20)}, config(cash=1.0, funding="1bp", data=perp))
    assert [f.amount for f in made.flows] == pytest.approx([1e-4 * 20 * 100 / p for p in (50_000, 40_000)])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_random_positions_pay_what_the_definition_says(seed: int) -> None:
    rng, market = np.random.default_rng(seed), random_walk(seed, step=HOUR)
    script = {
        int(bar): (buy if rng.random() < 0.5 else sell)(float(rng.integers(1, 9)))
        for bar in rng.choice(100, 12, replace=False)
    }
    made = trade(market, script, config(cash=1e6, funding={"rate": "3bp", "every": "3h"}, borrow="20%"))
    cash, owed = 1e6, []
    for bar, (size, close) in enumerate(zip(made.position, market["close"], strict=True)):
        cash -= math.fsum(f.price * (f.opened + f.closed) for f in made.fills if f.bar == bar)
        due = [-3e-4 * size * close] if size and (bar + 1) % 3 == 0 else []
        due += [0.2 / (365 * 24) * size * close] if size < 0 else []
        owed += due
        cash += math.fsum(due)
        assert made.cash[bar] == pytest.approx(cash)
    assert [f.amount for f in made.flows] == pytest.approx(owed)


def test_a_short_pays_interest_by_the_time_it_lasts() -> None:
    made = trade(flat(11, step=DAY), {0: sell(10)}, config(borrow="36.5%"))
    assert made.cash[-1] == pytest.approx(10_000 + 1000 - 10 * 1000 * 0.365 / 365)
    assert {f.kind for f in made.flows} == {"borrow"}


def test_borrowed_cash_pays_interest() -> None:
    margin = {"instrument": {"margin": "spot", "leverage": 3}}
    made = trade(flat(6, step=DAY), {0: buy(200)}, config(borrow="36.5%", data=margin))
    owed = 10_000.0
    for _ in range(5):
        owed *= 1.001
    assert made.cash[-1] == pytest.approx(-owed)


class TestDumps:
    """Files of funding rates."""

    @pytest.mark.parametrize("name", ["f.csv", "f.zip"])
    def test_header_or_none_ms_or_us_and_jitter(self, tmp_path: Path, name: str) -> None:
        path = dump(tmp_path, [(1_704_096_000_012, -0.00012)], name)
        plain = tmp_path / "plain.csv"
        plain.write_text("1704096000012000,8,-0.00012\n")
        for file in (path, plain):
            made = read_funding([file])
            assert made.time.tolist() == [1_704_096_000_000_000]
            assert made.rate.tolist() == [-0.00012]
            assert len(made.files[0].sha256) == 64

    def test_a_stamp_far_from_the_hour_stays_as_it_is(self, tmp_path: Path) -> None:
        path = dump(tmp_path, [(1_704_096_000_000 + 90_000, 0.0001)], "f.csv")
        assert read_funding([path]).time.tolist() == [1_704_096_000_000_000 + 90 * SECOND]

    def test_the_answer_of_the_api_has_mark_prices(self, tmp_path: Path) -> None:
        row = {"symbol": "BTCUSDT", "fundingTime": 1_704_096_000_001, "fundingRate": "0.0001", "markPrice": "42000.5"}
        path = tmp_path / "f.json"
        path.write_text(json.dumps([row]))
        assert read_funding([path]).between(0, 2**62) == [(1_704_096_000_000_000, 0.0001, 42000.5)]

    def test_months_are_joined_in_time_and_what_both_have_counts_once(self, tmp_path: Path) -> None:
        hours = [1_704_096_000_000 + i * 28_800_000 for i in range(4)]
        late = dump(tmp_path, [(t, 0.0001) for t in hours[2:]], "a.csv")
        early = dump(tmp_path, [(t, 0.0001) for t in hours[:3]], "b.csv")
        assert read_funding([late, early]).time.tolist() == [t * 1000 for t in hours]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("1704096000012,8,x\n", "row 1, column last_funding_rate: 'x' is no number"),
            (HEADER + "1704096000012,8,0.5\n", "row 2, column last_funding_rate: 0.5 is no share"),
            ("soon,8,0.1\n", "no column calc_time; it has soon, 8, 0.1"),
            ("123,8,0.1\n", "row 1, column calc_time: '123' is no epoch ms or µs"),
            (HEADER, "no funding rates in it"),
            ("1704096000012,8,0.0001\n1704096000013,8,0.0002\n", "2024-01-01T08:00:00Z has the rate 0.0002"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_row(self, tmp_path: Path, text: str, says: str) -> None:
        path = tmp_path / "f.csv"
        path.write_text(text)
        with pytest.raises(DataError) as caught:
            read_funding([path])
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("broker", "says"),
    [
        ({"funding": {"rate": "1bp", "path": "x.zip"}}, "broker.funding: needs exactly one of path and rate"),
        ({"funding": {"rate": "1bp", "every": "8 hours"}}, "'8 hours' is no interval"),
        ({"funding": "50%"}, "must be a fraction between -10% and 10%"),
        ({"funding": {"rat": "1bp"}}, "unknown key 'rat', did you mean 'rate'?"),
        ({"borrow": "200%"}, "broker.borrow: must be from 0 to 100%"),
    ],
)
def test_what_is_no_funding_is_told(broker: Any, says: str) -> None:
    with pytest.raises(TapeflowError) as caught:
        config(**broker)
    assert says in str(caught.value)


def test_an_account_that_spent_all_its_cash_owes_nothing() -> None:
    made = trade(flat(6, step=DAY), {0: buy(100)}, config(borrow="36.5%"))
    assert (made.cash[-1], made.flows) == (0.0, [])


def test_a_perpetual_borrows_nothing() -> None:
    with pytest.raises(TapeflowError, match="borrow: is for margin spot"):
        config(borrow="5%", data={"instrument": {"margin": "linear"}})


def test_a_run_lists_its_payments_and_its_rates(tmp_path: Path) -> None:
    import pyarrow.parquet as pq
    import yaml

    from tapeflow.api import run

    start = 1_704_067_200_000
    dump(tmp_path, [(start + i * 28_800_000, 0.0001 * (i - 1)) for i in range(4)])
    raw = {
        "data": {"perp": {"feed": "SyntheticTape", "days": 1.0, "bars": "15m"}},
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > 0", "exit": "close < 0"}}},
        "broker": {"funding": {"path": "*fundingRate*.zip"}},
    }
    (tmp_path / "perp.yaml").write_text(yaml.safe_dump(raw))
    result = run(load_config(tmp_path / "perp.yaml"), tmp_path / "out", report=False)
    flows = pq.read_table(tmp_path / "out" / "flows.parquet").to_pydict()
    assert set(flows["kind"]) == {"funding"}
    assert result.summary["funding"] == {"payments": len(flows["amount"]), "net": math.fsum(flows["amount"])}
    inputs = yaml.safe_load((tmp_path / "out" / "run.lock").read_text())["inputs"]
    assert [row["data"] for row in inputs] == ["funding"]
    assert any(line.startswith("Funding: as dumped") for line in result.summary["assumptions"])


def test_without_funding_nothing_is_booked() -> None:
    import backtrader as bt

    made = run_in(bt.Cerebro(stdstats=False), flat(30, step=HOUR), {0: buy(1)}, config())
    assert made.flows == []

"""The contracts of one root as one series: feeds.continuous and feeds.rolls, and what a roll costs, by plain Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import DAY, iso, parse_time
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.feeds.continuous import Continuous
from tapeflow.tests.helpers.command import tapeflow

START = parse_time("2024-03-01")
OF = {"feed": "CsvBars", "path": "C*.csv"}
Row = tuple[int, float, float, float, float]
"""Day, open, close, volume, open interest."""


def write(folder: Path, name: str, rows: list[Row]) -> None:
    lines = ["date,open,high,low,close,volume,open_interest"]
    for day, o, c, v, oi in rows:
        lines.append(f"{iso(START + day * DAY)[:10]},{o!r},{max(o, c)!r},{min(o, c)!r},{c!r},{v!r},{oi!r}")
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")


FIRST: list[Row] = [
    (0, 100, 101, 9, 5),
    (1, 101, 102, 8, 5),
    (2, 102, 103, 3, 4),
    (3, 103, 104, 1, 1),
    (4, 104, 105, 1, 1),
]
SECOND: list[Row] = [
    *((0, 110, 111, 1, 1), (1, 111, 113, 2, 4), (2, 113, 114, 7, 6), (3, 114, 112, 9, 9), (4, 112, 110, 9, 9)),
    *((5, 110, 115, 4, 9), (6, 115, 116, 2, 9)),
]
THIRD: list[Row] = [(5, 120, 126, 9, 1), (6, 126, 127, 9, 2), (7, 127, 130, 9, 9)]


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    for name, rows in (("CH", FIRST), ("CM", SECOND), ("CU", THIRD)):
        write(tmp_path, name, rows)
    return tmp_path


def of(folder: Path, **params: Any) -> Continuous:
    given = {**OF, "columns": {"open_interest": "open_interest"}} if params.get("roll") == "open_interest" else OF
    return Continuous(folder, **{"contracts": given, **params})


def days_of(feed: Continuous) -> list[tuple[int, str]]:
    return [((roll.time - START) // DAY, roll.new) for roll in feed.rolls]


def test_a_roll_is_decided_by_the_day_before(contracts: Path) -> None:
    """Volume is larger on day 2, so that day 3 is the first of the new contract."""
    feed = of(contracts)
    bars = feed.bars()
    assert days_of(feed) == [(3, "CM"), (6, "CU")]
    assert bars["close"].tolist() == [101, 102, 103, 112, 110, 115, 127, 130]
    assert bars["roll"].tolist() == [0, 0, 0, 1, 0, 0, 1, 0]
    assert bars["roll_from"].tolist() == [0, 0, 0, 103, 0, 0, 115, 0]
    assert bars["roll_to"].tolist() == [0, 0, 0, 114, 0, 0, 126, 0]
    assert bars.notes[0] == "rolled CH to CM at 2024-03-04T00:00:00Z, 103 to 114: volume 7 against 3 the day before"


def test_open_interest_and_dates(contracts: Path) -> None:
    feed = of(contracts, roll="open_interest")
    feed.bars()
    assert days_of(feed) == [(3, "CM"), (7, "CU")]
    dated = of(contracts, roll="date", dates=["2024-03-03", "2024-03-07"])
    dated.bars()
    assert days_of(dated) == [(2, "CM"), (6, "CU")]
    listed = [{"feed": "CsvBars", "path": f"{name}.csv", "expiry": day} for name, day in
              (("CH", "2024-03-05"), ("CM", "2024-03-09"), ("CU", "2024-06-09"))]  # fmt: skip
    before = Continuous(contracts, contracts=listed, roll="date", days_before=2)
    before.bars()
    assert days_of(before) == [(2, "CM"), (6, "CU")]


def test_contracts_that_are_never_the_series_are_named(contracts: Path) -> None:
    """The middle one ends before its turn: by date nothing was said of it."""
    write(contracts, "CM", SECOND[:2])
    write(contracts, "CU", [(4, 117, 119, 9, 1), *THIRD])
    listed = [{"feed": "CsvBars", "path": f"{name}.csv", "interval": "1d"} for name in ("CH", "CM", "CU")]
    notes = of(contracts, contracts=listed, roll="date", dates=["2024-03-03", "2024-03-05"]).bars().notes
    assert notes[0].startswith("rolled CH to CU")
    assert "CM of the contracts: never the series" in notes


def test_columns_of_ones_own_are_told_to_stay_where_prices_are_moved(contracts: Path) -> None:
    given = {**OF, "columns": {"settlement": "close", "close": "open", "open_interest": "open_interest"}}
    for adjust, told in (("none", False), ("ratio", True)):
        notes = of(contracts, contracts=given, adjust=adjust).bars().notes
        assert ("columns of the files' own are not adjusted: settlement" in notes) == told


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"days_before": 2}, "days_before goes with roll: date"),
        ({"days_before": 2, "roll": "date", "dates": ["2024-03-03"]}, "days_before goes with roll: date"),
        ({"anchor": "last"}, "anchor: last goes with adjust: difference or ratio"),
    ],
)
def test_parameters_that_would_count_for_nothing_are_refused(
    contracts: Path, params: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        of(contracts, **params)


def test_what_comes_later_changes_no_roll_and_no_price_before(contracts: Path, tmp_path: Path) -> None:
    whole = of(contracts, adjust="ratio").bars()
    for day in range(3, 8):
        folder = tmp_path / str(day)
        folder.mkdir()
        for name, rows in (("CH", FIRST), ("CM", SECOND), ("CU", THIRD)):
            if kept := [row for row in rows if row[0] <= day]:
                write(folder, name, kept)
        listed = [{"feed": "CsvBars", "path": f.name, "interval": "1d"} for f in sorted(folder.glob("C*.csv"))]
        part = Continuous(folder, contracts=listed, adjust="ratio").bars()
        for name in ("open", "close", "volume", "roll", "roll_to"):
            assert part[name].tolist() == whole[name][: day + 1].tolist()


@pytest.mark.parametrize("anchor", ["first", "last"])
@pytest.mark.parametrize("adjust", ["difference", "ratio"])
def test_adjusted_prices_move_as_the_contract_that_is_held(contracts: Path, adjust: str, anchor: str) -> None:
    """Plain Python: each step of the series is the step of the contract held, in price or in percent."""
    bars = of(contracts, adjust=adjust, anchor=anchor).bars()
    closes = {name: {d: c for d, _, c, _, _ in rows} for name, rows in (("H", FIRST), ("M", SECOND), ("U", THIRD))}
    opens = {name: {d: o for d, o, _, _, _ in rows} for name, rows in (("H", FIRST), ("M", SECOND), ("U", THIRD))}
    held = ["H", "H", "H", "M", "M", "M", "U", "U"]
    made = bars["close"].tolist()
    for day in range(1, len(held)):
        old, new = held[day - 1], held[day]
        moves = [(closes[old][day - 1], opens[old][day]), (opens[new][day], closes[new][day])]
        if adjust == "difference":
            assert made[day] - made[day - 1] == pytest.approx(sum(b - a for a, b in moves))
        else:
            assert made[day] / made[day - 1] == pytest.approx(np.prod([b / a for a, b in moves]))
    at = 0 if anchor == "first" else -1
    assert made[at] == closes[held[at]][range(8)[at]]
    volumes = [9, 8, 3, 9, 9, 4, 9, 9]
    if adjust == "difference":
        assert bars["volume"].tolist() == volumes
    else:
        raw = [closes[name][day] for day, name in enumerate(held)]
        assert (bars["volume"] * bars["close"]).tolist() == pytest.approx(
            [v * p for v, p in zip(volumes, raw, strict=True)]
        )


def test_an_ended_contract_is_measured_where_both_have_a_bar(tmp_path: Path) -> None:
    write(tmp_path, "CH", [(0, 10, 10, 9, 9), (1, 10, 11, 9, 9)])
    write(tmp_path, "CM", [(1, 20, 22, 1, 1), (2, 24, 25, 1, 1)])
    feed = of(tmp_path, adjust="difference")
    bars = feed.bars()
    assert bars["open"].tolist() == [10, 10, 13]  # 24 − (22 − 11): the night is the new contract's
    assert feed.rolls[0].why == "CH has ended; volume 1 against 9 the day before"


def config(folder: Path, adjust: str = "difference", **more: Any) -> Any:
    raw = {
        "name": "roll",
        "data": {"cl": {"feed": "Continuous", "path": str(folder), "contracts": OF, "adjust": adjust, "lot": 0.01}},
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > 0"}}},
        "broker": {"cash": 10_000.0, "fees": {"taker": "10bp"}, "slippage": "5bp"},
        "sizer": {"fixed": 10},
        **more,
    }
    return from_mapping(raw)


def ran(made: Any) -> Any:
    return simulate(made, read(made, "cl", lambda text: None))


@pytest.mark.parametrize("engine", ["stock", "backtrader", "compiled"])
def test_a_position_pays_two_fills_and_the_seam_is_no_profit(contracts: Path, engine: str) -> None:
    """A ledger of real contracts: ten of each, sold and bought at the opens of the roll, with fees and slippage."""
    made = ran(config(contracts, engine=engine))
    cash, contract, worth = 10_000.0, "", [10_000.0]
    rows = {name: {row[0]: row for row in rows} for name, rows in (("H", FIRST), ("M", SECOND), ("U", THIRD))}

    def trade(name: str, size: float, day: int) -> None:
        nonlocal cash
        price = rows[name][day][1]
        slipped = price * (1 + 5e-4) if size > 0 else price * (1 - 5e-4)
        # A roll's fee is of the price itself; an order's of what it paid.
        fee = abs(size) * (slipped if day == 1 else price) * 1e-3
        cash -= size * slipped + fee

    for day, name in enumerate("HHMMMUU", 1):
        wanted = "H" if day < 3 else "M" if day < 6 else "U"
        if wanted != contract:
            if contract:
                trade(contract, -10, day)
            trade(wanted, 10, day)
            contract = wanted
        worth.append(cash + 10 * rows[contract][day][2])
        del name
    assert made.engine == engine
    assert made.equity["value"].tolist() == pytest.approx(worth)
    figures = made.figures()
    assert figures["roll"]["payments"] == 2
    assert figures["roll"]["net"] == pytest.approx(-10 * (103 + 114 + 115 + 126) * 1.5e-3)


@pytest.mark.parametrize("adjust", ["difference", "ratio"])
@pytest.mark.parametrize("seed", range(2))
def test_engines_agree_to_the_last_bit(tmp_path: Path, adjust: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = 80 + np.cumsum(rng.normal(0, 1, 120))
    for k, name in enumerate(("CA", "CB", "CC", "CD")):
        days = range(max(0, 30 * k - 25), 30 * k + 30)
        rows = []
        for d in days:
            open_, close = (float(base[i] * (1 + 0.03 * k) + rng.normal(0, 0.1)) for i in (max(d - 1, 0), d))
            rows.append((d, round(open_, 4), round(close, 4), 1.0 + d * (d < 30 * k + 20), 1.0))
        write(tmp_path, name, rows)
    params = {
        "long": {"enter": "close > sma", "exit": "close < sma"},
        "short": {"enter": "close < sma", "exit": "close > sma"},
    }
    more = {
        "indicators": {"sma": {"kind": "talib.SMA", "timeperiod": 5}},
        "strategy": {"kind": "Rules", "params": params},
    }
    tiers = {"taker": "10bp", "tiers": [{"volume": 2000, "maker": "1bp", "taker": "4bp"}], "per_contract": 0.5}
    broker = {"cash": 10_000.0, "fees": tiers, "slippage": 0.02}
    for engine in ("backtrader", "compiled"):
        made = ran(
            config(tmp_path, adjust, engine=engine, verify=True, broker=broker, risk={"stop_loss": "6%"}, **more)
        )
        assert made.verified["equal"]
        assert made.engine == engine
        marks, held = made.first["roll"] == 1, made.equity["position"]
        assert marks.sum() == 3
        assert made.figures()["roll"]["payments"] == np.count_nonzero(held[np.flatnonzero(marks) - 1]) > 1
        assert made.figures()["roll"]["net"] < 0


class TestRefusals:
    """What is wrong is said with place and remedy."""

    def test_a_seam_is_not_traded(self, contracts: Path) -> None:
        with pytest.raises(TapeflowError, match=r"data\.cl\.adjust: none leaves the gap between contracts in prices"):
            config(contracts, "none")

    def test_costs_of_single_bars(self, contracts: Path) -> None:
        with pytest.raises(TapeflowError, match="what a roll would cost is not known"):
            config(contracts, broker={"participation": "10%"})

    @pytest.mark.parametrize(
        ("params", "said"),
        [
            ({"contracts": []}, "contracts must be a block such as"),
            ({"roll": "date"}, "roll: date needs dates"),
            ({"dates": ["2024-03-03"]}, "dates go with roll: date"),
            ({"roll": "date", "dates": ["2024-03-03"]}, "3 contracts have 2 rolls, and dates has 1"),
            ({"roll": "date", "dates": ["2024-03-03", "2024-02-01"]}, "must be ascending dates"),
            ({"roll": "open_interest", "contracts": OF}, "needs a column open_interest in every contract"),
            ({"contracts": [{"feed": "KrakenTrades", "path": "a"}]}, "gives trades; contracts are bars"),
            ({"timezone": "Mars"}, "no time zone"),
        ],
    )
    def test_parameters(self, contracts: Path, params: dict[str, Any], said: str) -> None:
        with pytest.raises(TapeflowError, match=said):
            Continuous(contracts, **{"contracts": OF, **params}).bars()

    def test_contracts_with_no_bar_in_common(self, tmp_path: Path) -> None:
        write(tmp_path, "CH", FIRST[:2])
        write(tmp_path, "CM", SECOND[3:])
        with pytest.raises(DataError, match="CH and CM have no bar in common up to the roll at 2024-03-04"):
            of(tmp_path).bars()


def test_on_the_command_line(contracts: Path) -> None:
    given = ("--feed", "Continuous", "--param", "contracts={feed: CsvBars, path: 'C*.csv'}", "--param", "adjust=ratio")
    out = tapeflow("bars", str(contracts), *given, "--out", str(contracts / "made.csv"))
    assert "rolled CH to CM" in out.output
    assert "roll_from" in (contracts / "made.csv").read_text().splitlines()[0]
    graded = tapeflow("audit", str(contracts), *given, "--json")
    assert json.loads(graded.output)["grade"]

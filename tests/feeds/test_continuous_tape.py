"""The trades of contracts of one root as one tape: feeds.continuous_tape and feeds.rolling, by plain Python."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.inputs.read import read
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.clock import DAY, HOUR, parse_time
from tapeflow.core.errors import DataError, TapeflowError
from tapeflow.feeds.continuous_tape import ContinuousTape
from tapeflow.tests.helpers.command import tapeflow

START = parse_time("2024-03-01")
OF = {"feed": "CsvTape", "path": "C*.csv"}
Trade = tuple[int, float, float, str]
"""Hour from the start on, price, quantity, side."""

FIRST: list[Trade] = [
    (1, 100, 4, "buy"),
    (20, 101, 5, "sell"),
    (26, 102, 8, "buy"),
    (47, 103, 2, "buy"),
    (50, 99, 1, "buy"),
]
SECOND: list[Trade] = [
    *((2, 110, 1, "buy"), (27, 112, 3, "sell"), (46, 114, 9, "buy")),
    *((49, 115, 7, "sell"), (60, 113, 2, "buy"), (75, 116, 3, "sell")),
]
THIRD: list[Trade] = [(51, 120, 10, "buy"), (70, 121, 11, "buy"), (73, 125, 20, "sell"), (90, 126, 6, "buy")]
ALL = {"CH": FIRST, "CM": SECOND, "CU": THIRD}
SERIES = [("CH", t) for t in FIRST[:4]] + [("CM", t) for t in SECOND[3:5]] + [("CU", t) for t in THIRD[2:]]
"""Day 1 has 10 against 12 for CM and so day 2 is CM's; day 2 has 9 against 21 for CU and day 3 is CU's."""
GAPS = {"CH": (0.0, 1.0), "CM": (103 - 114, 103 / 114), "CU": (103 - 114 + 113 - 121, 103 / 114 * 113 / 121)}
"""Between the last trades of both before midnight."""


def write(folder: Path, name: str, rows: list[Trade]) -> None:
    lines = [f"{(START + h * HOUR) // 1_000_000},{p},{q},{s}" for h, p, q, s in rows]
    (folder / f"{name}.csv").write_text("\n".join(["time,price,quantity,side", *lines]) + "\n")


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    for name, rows in ALL.items():
        write(tmp_path, name, rows)
    return tmp_path


def of(folder: Path, **params: Any) -> ContinuousTape:
    return ContinuousTape(folder, **{"contracts": OF, **params})


@pytest.mark.parametrize("adjust", ["none", "difference", "ratio"])
def test_each_trade_is_of_the_contract_of_its_day(contracts: Path, adjust: str) -> None:
    bars = of(contracts, adjust=adjust).bars("1t")
    for i, (name, (hour, price, quantity, side)) in enumerate(SERIES):
        shift, factor = GAPS[name]
        wanted = {"none": price, "difference": price + shift, "ratio": price * factor}[adjust]
        assert bars["open_time"][i] == START + hour * HOUR
        assert bars["close"][i] == pytest.approx(wanted, rel=1e-14)
        amount = quantity / factor if adjust == "ratio" else quantity
        assert bars[f"taker_{side}_volume"][i] == pytest.approx(amount, rel=1e-14)
    assert len(bars) == len(SERIES)
    assert bars["roll"].tolist() == [0, 0, 0, 0, 1, 0, 1, 0]
    kept = (1.0, 1.0, 1.0) if adjust != "ratio" else tuple(factor for _, factor in GAPS.values())
    assert bars["roll_from"][[4, 6]].tolist() == pytest.approx([103 * kept[0], 113 * kept[1]])
    assert bars["roll_to"][[4, 6]].tolist() == pytest.approx([114 * kept[1], 121 * kept[2]])


def test_days_and_what_is_measured_over_the_seam(contracts: Path) -> None:
    bars = of(contracts, adjust="difference").bars("1d")
    assert bars["close"].tolist() == [101, 103, 102, 107]
    assert bars["roll"].tolist() == [0, 0, 1, 1]
    assert bars["realized_vol"][2] == pytest.approx(math.log((115 - 11) / (113 - 11)))
    held = [(1, 103), (11, 104), (12, 102)]  # hours, price
    assert bars["twap_time"][2] == pytest.approx(sum(h * p for h, p in held) / 24)
    plain = of(contracts).bars("1d")
    assert plain["close"].tolist() == [101, 103, 113, 126]
    assert np.isnan(plain["twap_time"]).tolist() == [False, False, True, True]


def test_a_bar_of_two_contracts_is_refused_where_prices_leap(contracts: Path) -> None:
    with pytest.raises(TapeflowError, match=r"a bar of 3t holds trades of CH and CM .* as in 500t@1d:UTC"):
        of(contracts).bars("3t")
    cut = of(contracts).bars("3t@1d:UTC")
    assert cut["low"].tolist() == [100, 102, 113, 125]
    assert cut["high"].tolist() == [101, 103, 115, 126]
    mixed = of(contracts, adjust="difference").bars("3t")
    assert mixed["high"].tolist() == [102, 104, 107]


def test_what_comes_later_changes_nothing_before(contracts: Path, tmp_path: Path) -> None:
    whole = of(contracts, adjust="ratio").bars("1t")
    for day in range(1, 4):
        folder = tmp_path / str(day)
        folder.mkdir()
        for name, rows in ALL.items():
            if kept := [row for row in rows if row[0] < 24 * (day + 1)]:
                write(folder, name, kept)
        listed = [{"feed": "CsvTape", "path": f.name} for f in sorted(folder.glob("C*.csv"))]
        part = of(folder, contracts=listed, adjust="ratio").bars("1t")
        for name in ("close", "volume", "roll", "roll_from"):
            assert part[name].tolist() == whole[name][: len(part)].tolist()


def test_a_window_has_the_same_prices(contracts: Path) -> None:
    whole, part = of(contracts, adjust="difference"), of(contracts, adjust="difference")
    since = START + 2 * DAY
    assert part.bars("1t", start=since)["close"].tolist() == whole.bars("1t")["close"][4:].tolist()
    assert len(whole.files) == len(part.files) == 3


def test_by_date(contracts: Path) -> None:
    feed = of(contracts, roll="date", dates=["2024-03-02", "2024-03-04"])
    bars = feed.bars("1t")
    assert [roll.new for roll in feed.rolls] == ["CM", "CU"]
    assert bars["close"].tolist() == [100, 101, 112, 114, 115, 113, 125, 126]


def test_a_run_pays_for_rolls_and_earns_no_gap(contracts: Path) -> None:
    raw = {
        "name": "roll",
        "data": {
            "cl": {
                "feed": "ContinuousTape",
                "path": str(contracts),
                "contracts": OF,
                "adjust": "difference",
                "bars": "1d",
            }
        },
        "strategy": {"kind": "Rules", "params": {"long": {"enter": "close > 0"}}},
        "broker": {"cash": 10_000.0, "fees": {"taker": "10bp"}},
        "sizer": {"fixed": 2},
    }
    worth = []
    for engine in ("stock", "backtrader", "compiled"):
        config = from_mapping({**raw, "engine": engine})
        made = simulate(config, read(config, "cl", lambda text: None))
        worth.append(made.equity["value"].tolist())
        assert made.figures()["roll"]["net"] == pytest.approx(-2 * (103 + 114 + 113 + 121) * 1e-3)
    fees = 2 * 102 * 1e-3 + 2 * (103 + 114 + 113 + 121) * 1e-3
    # 102 to 103 of the first, 114 to 113 of the second, 121 to 126 of the third.
    assert worth[0][-1] == pytest.approx(10_000 + 2 * (1 - 1 + 5) - fees)
    assert worth[0] == worth[1] == worth[2]
    with pytest.raises(TapeflowError, match=r"give fills: \{from: bars\}"):
        from_mapping({**raw, "fills": "tape"})


def test_what_is_wrong_is_said(contracts: Path) -> None:
    for given, said in (
        ({"contracts": {"feed": "CsvBars", "path": "C*.csv"}}, "gives bars; contracts are trades"),
        ({"roll": "open_interest"}, "roll must be one of"),
        ({"contracts": []}, "must be a block such as {feed: CsvTape"),
    ):
        with pytest.raises(TapeflowError, match=said):
            of(contracts, **given)
    write(contracts, "CU", [(80, 1, 1, "buy")])
    dated = of(contracts, roll="date", dates=["2024-03-03", "2024-03-04"])
    with pytest.raises(DataError, match="CM and CU have no trades of both up to the roll at 2024-03-04T08"):
        dated.bars("1d")


def test_on_the_command_line(contracts: Path) -> None:
    given = (
        "--feed",
        "ContinuousTape",
        "--param",
        "contracts={feed: CsvTape, path: 'C*.csv'}",
        "--param",
        "adjust=ratio",
    )
    out = tapeflow("bars", str(contracts), *given, "--bars", "1d", "--out", str(contracts / "made.parquet"))
    assert "rolled CH to CM" in out.output, out.output
    audited = tapeflow("audit", str(contracts), *given, "--json")
    assert audited.exit_code == 0, audited.output

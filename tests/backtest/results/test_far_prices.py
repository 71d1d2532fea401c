"""One wild trade among thousands is told by the run, and what markets do is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.backtest.inputs.read import Source, read_all
from tapeflow.backtest.results.far_prices import FAR, far_bars, far_prices
from tapeflow.backtest.runner import simulate
from tapeflow.configs.loader import from_mapping
from tapeflow.core.bars import Bars
from tapeflow.core.schema import Quality
from tapeflow.feeds.synthetic import SyntheticTape
from tapeflow.tests.helpers.trading import flat, moving, random_walk

BEGIN = 1_704_067_200_000
RULES = {"kind": "Rules", "params": {"long": {"enter": "close > mean(close, 5)"}, "take_profit": "20%"}}


def run(folder: Path, wild: dict[int, Any], *, silent: int = 0) -> Any:
    """A run over 400 trades, one every 15 s, of which some have a ``wild`` price; behind them nobody trades a while."""
    price: list[Any] = [f"{100 + i % 3 / 10:.1f}" for i in range(400)]
    time = BEGIN + 15_000 * np.arange(400)
    for row, value in wild.items():
        price[row] = value
        time[row + 1 :] += 60_000 * silent
    rows = (f"{t},{p},1,{('buy', 'sell')[i % 2]}" for i, (t, p) in enumerate(zip(time, price, strict=True)))
    (folder / "a.csv").write_text("\n".join(["time,price,quantity,side", *rows]))
    data = {"btc": {"feed": "CsvTape", "path": str(folder / "a.csv"), "bars": "1m"}}
    config = from_mapping({"data": data, "strategy": RULES, "broker": {"cash": 1e4}, "sizer": {"percent": 10}})
    return simulate(config, read_all(config, lambda text: None))


def said(made: Any) -> list[str]:
    return [text for text in made.warnings() if "far from all around" in text]


@pytest.mark.parametrize(
    ("value", "told"),
    [("1000", "1,000, 9.98 times"), ("9.9", "9.9, 10.1 times"), (2**63, "9.223372037e+18, 9.2e+16 times")],
)
@pytest.mark.parametrize("row", [41, 42, 43, 44])
def test_a_wild_price_is_named_with_its_bar_and_what_was_filled_there(
    value: Any, told: str, row: int, tmp_path: Path
) -> None:
    # The first, the middle and the last trade of a bar alike.
    made = run(tmp_path, {row: value})
    (text,) = said(made)
    bar = f"2024-01-01T00:{row // 4:02}:00Z"
    assert text.startswith(f"btc: 1 bar with a price far from all around, the first at {bar}: {told} off; ")
    hit = sum(fill.bar == row // 4 for fill in made.record.fills)
    assert ("lies there; " in text, "lie there; " in text) == (hit == 1, hit > 1)
    assert text.endswith("where nobody traded at it, take the row out of the file (`tapeflow audit` names it)")
    assert not (made.first["quality"] & ~np.int64(Quality.PARTIAL | Quality.FILLED)).any()
    assert said(run(tmp_path, {})) == []


def test_minutes_without_trades_that_carry_it_on_do_not_hide_it(tmp_path: Path) -> None:
    assert len(said(run(tmp_path, {43: "1000"}, silent=30))) == 1


def test_several_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    (text,) = said(run(tmp_path, {41: "1000", 201: "5"}))
    assert "2 bars with a price far from all around, the first at 2024-01-01T00:10:00Z: 1,000" in text


@pytest.mark.parametrize("reach", [np.nextafter(FAR, 0), FAR, np.nextafter(FAR, 9)])
def test_twice_the_prices_around_is_where_it_begins(reach: float) -> None:
    market = flat(9, high=[*[1.0] * 4, reach, *[1.0] * 4], **dict.fromkeys(("open", "low", "close"), np.ones(9)))
    rows, price, factor = far_bars(market)
    assert rows.tolist() == ([4] if reach > FAR else [])
    assert price.tolist() == [reach] * len(rows)
    assert factor == pytest.approx([reach] * len(rows), rel=1e-12)


ORDINARY = {
    "a walk": random_walk(3, 3_000),
    "a fall by nine tenths that stays": moving(*[100.0] * 40, *[9.0] * 40),
    "a split": moving(*[100.0] * 40, *[10.0] * 40),
    "a rise by half a bar": moving(*100 * 1.5 ** np.arange(30)),
    "a listing": moving(0.01, 5.0, 1.0, 1.2, 1.1, 1.2, 1.15, 1.1),
    "four bars": flat(4, high=[100.0, 900.0, 100.0, 100.0]),
    "no prices": flat(9, **dict.fromkeys(("open", "high", "low", "close"), np.full(9, np.nan))),
    "below nothing": flat(9, **dict.fromkeys(("open", "high", "low", "close"), np.full(9, -3.0))),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_markets_do_is_not_told(name: str) -> None:
    assert [*far_prices({"main": Source(None, ORDINARY[name])}, [])] == []


@pytest.mark.parametrize(("often", "seldom"), [(3, True), (4, False)])
def test_a_market_that_does_it_often_is_not_told_of(often: int, seldom: bool) -> None:
    high = np.full(90, 100.0)
    high[10 : 10 * (often + 1) : 10] = 900.0
    assert len(far_bars(flat(90, high=high))[0]) == (often if seldom else 0)
    # Of a thousand bars ten are seldom.
    assert len(far_bars(flat(1_000, high=np.concatenate([high, np.full(910, 100.0)])))[0]) == often


@pytest.mark.parametrize("spec", ["10s", "5m", "500t"])
def test_made_up_tapes_have_none(spec: str) -> None:
    bars: Bars = SyntheticTape(days=0.5, seed=3).bars(spec)
    assert len(far_bars(bars)[0]) == 0

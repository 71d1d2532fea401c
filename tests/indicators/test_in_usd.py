"""Flow, profiles and imbalances in US dollars at a rate that moves: each trade's worth, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapeflow.aggregation.bars import aggregate
from tapeflow.backtest.engines.verify import verified
from tapeflow.backtest.inputs.read import read_all
from tapeflow.backtest.runner import simulate
from tapeflow.configs.errors import ConfigError
from tapeflow.configs.loader import load_config
from tapeflow.core.bars import Bars
from tapeflow.core.clock import DAY, MINUTE
from tapeflow.core.dollars import in_usd
from tapeflow.core.errors import DataError, InputError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.indicators.cvd import CVD
from tapeflow.indicators.diagonal_imbalance import DiagonalImbalance
from tapeflow.indicators.framework.cerebro_host import host
from tapeflow.indicators.kernels.value_area import point_of_control
from tapeflow.indicators.unfinished_auction import UnfinishedAuction
from tapeflow.indicators.volume_delta import VolumeDelta
from tapeflow.indicators.volume_profile import VolumeProfile
from tapeflow.tests.helpers.command import tapeflow

RNG = np.random.default_rng(8)
N = 1200
PRICES = RNG.integers(20, 40, N).tolist()
SIZES = RNG.integers(1, 60, N).tolist()
SIDES = RNG.choice([-1, 1], N).tolist()
RATES = (0.5, 2.0, 1.25, 3.0, 0.75)
"""By the quarter of an hour, each known when it is over: far apart, so that a wrong one shows."""


def _bars(**asked: Any) -> Bars:
    tape = Tape.of(
        time=np.arange(N) * MINUTE // 20,
        price=np.array(PRICES, float),
        quantity=np.array(SIZES, float),
        side=np.array(SIDES),
    )
    (made,) = aggregate([tape], ["1m"], row_size=1.0, tick=1.0, **asked)
    return made


def _usdt() -> Bars:
    opens = np.arange(-1, 4) * 15 * MINUTE
    return Bars.of(open_time=opens, close_time=opens + 15 * MINUTE, close=np.array(RATES))


def _rate(bar: int) -> float:
    """Of the quarter of an hour that was over when minute ``bar`` closed."""
    return RATES[(bar + 1) // 15]


def _net(bar: int, least: float = 0.0) -> float:
    own = range(20 * bar, 20 * bar + 20)
    return sum(SIDES[i] * PRICES[i] * SIZES[i] for i in own if PRICES[i] * SIZES[i] >= least) * _rate(bar)


def _rows(bar: int) -> dict[int, list[float]]:
    """Dollars bought and sold at each price."""
    made: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for i in range(20 * bar, 20 * bar + 20):
        made[PRICES[i]][SIDES[i] < 0] += PRICES[i] * SIZES[i] * _rate(bar)
    return made


BARS = in_usd(_bars(size_edges=[600.0], levels_by_size=True), _usdt())


@pytest.mark.parametrize("params", [{}, {"size": "600+"}], ids=str)
def test_delta_and_cvd_in_dollars_are_of_the_rate_known_at_each_close(params: dict[str, str]) -> None:
    net = [_net(bar, 600.0 if params else 0.0) for bar in range(60)]
    assert VolumeDelta.over(BARS, unit="usd", **params)["delta"].tolist() == pytest.approx(net, rel=1e-12, abs=1e-8)
    total = np.cumsum(net).tolist()
    assert CVD.over(BARS, unit="usd", reset="none", **params)["cvd"].tolist() == pytest.approx(total, rel=1e-9)


def test_a_profile_in_dollars_weighs_each_minute_by_its_rate() -> None:
    for bar, told in enumerate(VolumeProfile.over(BARS, window=10, unit="usd")["poc"].tolist()):
        if bar < 9:
            continue
        held: dict[int, float] = defaultdict(float)
        for minute in range(bar - 9, bar + 1):
            for price, sides in _rows(minute).items():
                held[price] += sum(sides)
        low = min(held)
        rows = np.array([held.get(price, 0.0) for price in range(low, max(held) + 1)])
        assert told == low + point_of_control(rows), bar
    quote = VolumeProfile.over(BARS, window=10, unit="quote")["poc"].tolist()
    assert quote != VolumeProfile.over(BARS, window=10, unit="usd")["poc"].tolist()


@pytest.mark.parametrize("unit", ["quote", "usd"])
def test_imbalances_ask_their_least_volume_in_the_unit(unit: str) -> None:
    lines = DiagonalImbalance.over(BARS, unit=unit, min_volume=1500.0, zero="infinite", missing="zero")
    counts = []
    for bar in range(60):
        rows, scale = _rows(bar), 1.0 if unit == "usd" else 1 / _rate(bar)
        buys = sells = 0
        for price, (bought, sold) in rows.items():
            below, above = rows.get(price - 1, [0.0, 0.0])[1], rows.get(price + 1, [0.0, 0.0])[0]
            buys += bought * scale >= 1500 and bought >= 3 * below
            sells += sold * scale >= 1500 and sold >= 3 * above
        counts.append([buys, sells])
    assert lines[["buy_count", "sell_count"]].to_numpy().tolist() == counts
    assert counts != DiagonalImbalance.over(BARS, zero="infinite", missing="zero").iloc[:, :2].to_numpy().tolist()


def test_rows_in_dollars_are_the_same_bar_by_bar() -> None:
    params = {"unit": "usd", "min_volume": 800.0}
    whole = UnfinishedAuction.table(BARS, **params)
    for way in ({"runonce": True}, {"runonce": False, "preload": False}):
        np.testing.assert_array_equal(host(UnfinishedAuction, BARS, params, **way)[0], whole)
    assert not np.array_equal(UnfinishedAuction.table(BARS, min_volume=800.0), whole, equal_nan=True)


@pytest.mark.parametrize(("unit", "size"), [("quote", "all"), ("usd", "all"), ("usd", "600+")])
def test_a_footprint_tells_what_its_rows_came_to(unit: str, size: str) -> None:
    for bar in (0, 14, 15, 40):
        fp = BARS.footprint(bar, unit=unit, size=size)
        assert fp is not None
        scale = _rate(bar) if unit == "usd" else 1.0
        wanted: dict[float, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for i in range(20 * bar, 20 * bar + 20):
            if size == "all" or PRICES[i] * SIZES[i] >= 600:
                wanted[PRICES[i]][SIDES[i] < 0] += PRICES[i] * SIZES[i] * scale
        rows = {row.down_price(): [row.buy_volume(), row.sell_volume()] for row in fp.rows() if row.total_volume()}
        assert list(rows) == sorted(wanted)
        for price, sides in rows.items():
            assert sides == pytest.approx(wanted[price], rel=1e-12)


def test_a_footprint_refuses_a_unit_that_it_does_not_know() -> None:
    with pytest.raises(InputError, match="footprint in usd reads 'usd_rate', which tape does not carry"):
        _bars().footprint(0, unit="usd")
    with pytest.raises(ParamError, match="footprint: unknown unit 'quot', did you mean 'quote'"):
        _bars().footprint(0, unit="quot")


def test_prices_that_begin_too_late_are_refused_and_those_that_end_too_early_are_told() -> None:
    bars = _bars()
    with pytest.raises(DataError, match="no price is known at the close of 1970-01-01T00:01:00Z"):
        in_usd(bars, _usdt().slice(1, None))
    times = np.array([0, MINUTE])
    for closes, told in (
        ([np.nan, 1.0], "; the first is at 1970-01-01T00:02:00Z, begin there"),
        ([np.nan] * 2, ", nor"),
    ):
        unknown = Bars.of(open_time=times, close_time=times + MINUTE, close=np.array(closes))
        with pytest.raises(DataError, match=f"close of 1970-01-01T00:01:00Z{told}"):
            in_usd(bars, unknown)
    opens = np.array([-3 * DAY])
    old = Bars.of(open_time=opens, close_time=opens + DAY, close=np.array([1.0]), source="usdt.csv")
    assert in_usd(bars, old).notes == ("usdt.csv ends 2.0 days before the bars: its last price stands",)
    assert in_usd(bars, _usdt()).notes == ()


YAML = """
data:
  main: {{feed: CsvTape, path: trades.csv, bars: 1m, row_size: 1, tick: 1, {usd}}}
  usdt: {{feed: CsvBars, path: usdt.csv}}
indicators:
  flow: {{kind: VolumeDelta, unit: {unit}}}
  profile: {{kind: VolumeProfile, unit: {unit}, window: 5}}
strategy:
  kind: Rules
  params:
    long: {{enter: "{rule} > 2000{more}", exit: "{rule} < -2000"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    trades = (
        f"{1_685_577_600_000 + i * 3000},{p},{q},{s}"
        for i, (p, q, s) in enumerate(zip(PRICES, SIZES, SIDES, strict=True))
    )
    (tmp_path / "trades.csv").write_text("\n".join(["time,price,quantity,side", *trades, ""]))
    prices = (f"{1_685_577_600_000 + 900_000 * (i - 1)},{r},{r},{r},{r},1" for i, r in enumerate(RATES))
    (tmp_path / "usdt.csv").write_text("\n".join(["time,open,high,low,close,volume", *prices, ""]))
    return tmp_path


def _orders(folder: Path, *, engine: str, more: str = "", **asked: str) -> list[Any]:
    (folder / "run.yaml").write_text(YAML.format(more=more, **asked))
    config = load_config(folder / "run.yaml", (f"engine={engine}",))
    outcome = simulate(config, read_all(config, lambda _: None))
    if engine == "compiled":
        verified(outcome)
    return [(order["created_time"], order["side"]) for order in outcome.record.orders.values()]


def test_a_run_in_dollars_trades_as_rules_that_multiply_by_the_feed_itself(folder: Path) -> None:
    asked = {"usd": "usd: usdt", "unit": "usd", "rule": "flow.delta"}
    for more in ("", " and close >= profile.val"):
        orders = _orders(folder, engine="compiled", more=more, **asked)
        assert len(orders) > 4
        assert _orders(folder, engine="backtrader", more=more, **asked) == orders
    by_hand = {"usd": "lot: 0.0001", "unit": "quote", "rule": "flow.delta * usdt.close"}
    assert _orders(folder, engine="backtrader", **by_hand) == _orders(folder, engine="backtrader", **asked)
    number = {"usd": "usd: 2", "unit": "usd", "rule": "flow.delta"}
    doubled = {"usd": "lot: 0.0001", "unit": "quote", "rule": "2 * flow.delta"}
    assert _orders(folder, engine="backtrader", **number) == _orders(folder, engine="backtrader", **doubled)


@pytest.mark.parametrize(
    ("usd", "told"),
    [
        ("usd: usdz", "data.main.usd: unknown feed 'usdz', did you mean 'usdt'"),
        ("usd: main", "data.main.usd: 'main' is this block's own"),
        ("usd: 0", "data.main.usd: must be a price above 0, or the name of a feed of this run"),
        ("lot: 1", "VolumeDelta reads 'usd_rate', which CsvTape does not carry: say what the quote currency is worth"),
    ],
)
def test_what_the_quote_currency_is_worth_has_to_be_said(folder: Path, usd: str, told: str) -> None:
    (folder / "run.yaml").write_text(YAML.format(usd=usd, unit="usd", rule="flow.delta", more=""))
    with pytest.raises(ConfigError) as refused:
        load_config(folder / "run.yaml")
    assert told in str(refused.value)


def test_compute_prices_the_quote_currency_by_a_number_or_a_file(folder: Path) -> None:
    ask = ["compute", str(folder / "trades.csv"), "--feed", "CsvTape", "--bars", "1m", "--out", "-", "--partial"]
    for usd, rate in ((f"CsvBars:{folder / 'usdt.csv'}", _rate), ("2", lambda _: 2.0)):
        done = tapeflow(*ask, "--indicator", "VolumeDelta(unit=usd)", "--usd", usd)
        told = [float(line.split(",")[3]) for line in done.stdout.splitlines()[1:]]
        assert told == pytest.approx([_net(bar) / _rate(bar) * rate(bar) for bar in range(60)], rel=1e-12, abs=1e-8)
    refused = tapeflow(*ask, "--indicator", "VolumeDelta(unit=quote)", "--usd", "2")
    assert (refused.exit_code, "no indicator is asked for dollars" in refused.stderr) == (2, True)

"""The made-up tape: the same for a seed, on its grids, and with flow that leads price."""

from __future__ import annotations

import numpy as np
import pytest

from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.tape import Tape
from tapeflow.feeds.synthetic import SyntheticTape

COLUMNS = ("time", "price", "quantity", "side", "trade_id", "trades")


def whole(**params):
    return Tape.join(list(SyntheticTape(**params).tapes()))


@pytest.mark.parametrize("batch", [1, 777, 100_000])
def test_a_seed_gives_one_tape_in_batches_of_any_size(batch):
    expected, actual = whole(rows=5000), whole(rows=5000, batch=batch)
    for name in COLUMNS:
        assert getattr(expected, name).tobytes() == getattr(actual, name).tobytes()


def test_a_longer_tape_begins_with_the_shorter_one():
    short, long = whole(days=0.02), whole(days=0.05)
    assert np.array_equal(short.price, long.price[: len(short)])


def test_another_seed_gives_another_tape():
    assert not np.array_equal(whole(rows=100).price, whole(rows=100, seed=2).price)


def test_times_ascend_within_the_days_asked_for():
    tape = whole(days=0.1, start="2024-03-01T12:00:00")
    start = 1_709_294_400_000_000
    assert start <= tape.time[0]
    assert tape.time[-1] < start + 8_640_000_000
    assert (np.diff(tape.time) >= 0).all()


def test_prices_and_amounts_are_decimals_on_their_grids():
    tape = whole(rows=20_000, tick=0.01, lot=0.001, price=50.0)
    assert np.array_equal(tape.price, np.round(tape.price, 2))
    assert np.array_equal(tape.quantity, np.round(tape.quantity, 3))
    assert tape.price.min() > 0
    assert tape.quantity.min() >= 0.001


def test_ids_are_contiguous_over_raw_trades():
    tape = whole(rows=70_000)
    assert np.array_equal(tape.trade_id[1:], tape.trade_id[:-1] + tape.trades[:-1])


def test_arrivals_come_in_bursts_at_the_rate_asked_for():
    tape = whole(days=1.0, rate=2.0)
    assert len(tape) == pytest.approx(172_800, rel=0.05)
    counts = np.bincount((tape.time - tape.time[0]) // 10_000_000)
    assert counts.var() > 3 * counts.mean()


def test_the_default_makes_three_days_with_whole_first_and_last_bars():
    bars = SyntheticTape().bars("1h")
    assert len(bars) == 72
    assert not bars["quality"].any()
    assert 200_000 < bars["taker_buy_count"].sum() + bars["taker_sell_count"].sum() < 500_000


def test_flow_moves_price():
    bars = SyntheticTape(days=2.0).bars("1m")
    delta = bars["taker_buy_volume"] - bars["taker_sell_volume"]
    moves = np.diff(np.log(bars["close"]))
    assert np.corrcoef(delta[1:], moves)[0, 1] > 0.3
    assert np.corrcoef(delta[:-1], delta[1:])[0, 1] > 0.1
    assert 1e-4 < moves.std() < 1e-3


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"days": 0}, "days must be a number above 0"),
        ({"start": "yesterday"}, "start must be an ISO date"),
        ({"sed": 1}, "unknown parameter 'sed', did you mean 'seed'"),
        ({"rows": 0}, "rows must be a whole number of at least 1"),
    ],
)
def test_parameters_that_cannot_be(params, complaint):
    with pytest.raises(ParamError, match=complaint):
        SyntheticTape(**params)


def test_it_reads_no_files():
    with pytest.raises(DataError, match="SyntheticTape: reads no files"):
        SyntheticTape("a.csv")

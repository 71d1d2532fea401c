"""Aggregation against a slow, plain definition of every column, and however the tape is cut."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapeflow.aggregation.bars import aggregate
from tapeflow.aggregation.folding import FLOWS, PRICES
from tapeflow.aggregation.rows import auto_row_size, row_grid, row_index
from tapeflow.core.bars import Bars
from tapeflow.core.errors import DataError, ParamError
from tapeflow.core.schema import BARS, Quality
from tapeflow.core.tape import Tape

MINUTE = 60_000_000
START = 1_700_000_040_000_000 // MINUTE * MINUTE
SIDED = tuple(c for c in FLOWS if c.startswith(("taker_", "delta_")))


NAN = float("nan")
GAP, FILLED, PARTIAL, INFERRED = 1, 2, 4, 8


def size_class(notional, edges):
    return "small" if notional < edges[0] else "medium" if notional < edges[1] else "large"


def exact_sum(values):
    """The float nearest to the exact sum."""
    return float(sum((Fraction(v) for v in values), Fraction(0)))


def time_bars(trades, interval, edges=(100.0, 1000.0), covered=(None, None)):
    """Bars as a list of dicts.

    ``trades`` are tuples (time, price, quantity, side, raw, notional), in time order.
    """
    sided = any(t[3] != 0 for t in trades)
    first, last = trades[0][0] // interval, trades[-1][0] // interval
    bars, before = [], None
    for k in range(first, last + 1):
        rows = [t for t in trades if t[0] // interval == k]
        bars.append(one_bar(rows, k * interval, (k + 1) * interval, before, edges, sided))
        before = bars[-1]["close"]
    if covered[0] is None or covered[0] > bars[0]["open_time"]:
        bars[0]["quality"] |= PARTIAL
    if covered[1] is None or covered[1] < bars[-1]["close_time"]:
        bars[-1]["quality"] |= PARTIAL
    return bars


def one_bar(rows, opens, closes, before, edges, sided):
    prices = [r[1] for r in rows]
    bar = {"open_time": opens, "close_time": closes}
    bar["open"] = prices[0] if rows else before
    bar["high"] = max(prices, default=before)
    bar["low"] = min(prices, default=before)
    bar["close"] = prices[-1] if rows else before
    bar["volume"] = exact_sum(r[2] for r in rows)
    bar["quote_volume"] = exact_sum(r[5] for r in rows)
    bar["trades"] = sum(r[4] for r in rows)
    for name, sign in (("buy", 1), ("sell", -1)):
        own = [r for r in rows if r[3] == sign]
        bar[f"taker_{name}_volume"] = exact_sum(r[2] for r in own) if sided else NAN
        bar[f"taker_{name}_quote_volume"] = exact_sum(r[5] for r in own) if sided else NAN
        bar[f"taker_{name}_count"] = len(own) if sided else NAN
        for size in ("small", "medium", "large"):
            of_size = [r for r in own if size_class(r[5], edges) == size]
            bar[f"taker_{name}_{size}_order_volume"] = exact_sum(r[5] for r in of_size) if sided else NAN
            bar[f"taker_{name}_{size}_order_count"] = len(of_size) if sided else NAN
    delta, path = Fraction(0), [Fraction(0)]
    for r in rows:
        delta += r[3] * Fraction(r[2])
        path.append(delta)
    bar["delta_high"] = float(max(path)) if sided else NAN
    bar["delta_low"] = float(min(path)) if sided else NAN
    bar["twap_time"] = time_weighted(rows, opens, closes, before)
    bar["twap_trade"] = exact_sum(prices) / len(prices) if rows else NAN
    steps = [math.log1p((b - a) / a) for a, b in itertools.pairwise(prices)]
    bar["realized_vol"] = math.sqrt(math.fsum(r * r for r in steps)) if rows else NAN
    bar["quality"] = (0 if rows else FILLED) | (INFERRED if any(r[3] == 0 for r in rows) else 0)
    return bar


def time_weighted(rows, opens, closes, before):
    holds = before if before is not None else rows[0][1]
    total, since = Fraction(0), opens
    for r in rows:
        total += Fraction(holds) * (r[0] - since)
        holds, since = r[1], r[0]
    total += Fraction(holds) * (closes - since)
    return float(total / (closes - opens))


def price_rows(trades, interval, steps_per_row, step):
    """Per bar, ``{row: [bought, sold]}``; prices are whole numbers of ``step``, a row is ``steps_per_row`` of them."""
    first, last = trades[0][0] // interval, trades[-1][0] // interval
    made = [{} for _ in range(first, last + 1)]
    for time, price, quantity, side, *_ in trades:
        row = round(price / step) // steps_per_row
        both = made[time // interval - first].setdefault(row, [Fraction(0), Fraction(0)])
        both[0] += Fraction(quantity) * (1 + side) / 2
        both[1] += Fraction(quantity) * (1 - side) / 2
    return [{row: [float(b), float(s)] for row, (b, s) in sorted(bar.items())} for bar in made]


def tape_of(trades):
    return Tape.of(
        time=[t[0] for t in trades],
        price=[t[1] for t in trades],
        quantity=[t[2] for t in trades],
        side=[t[3] for t in trades],
        trades=[t[4] for t in trades],
    )


@st.composite
def tapes(draw, sides=(1, -1, 0), most=60):
    """Trades with equal times, empty minutes, one-sided stretches, decimals on a grid of 0.1 and 0.001."""
    waits = st.one_of(st.just(0), st.integers(1, 20_000_000), st.integers(50_000_000, 300_000_000))
    row = st.tuples(waits, st.integers(-30, 30), st.integers(1, 20_000), st.sampled_from(sides), st.integers(1, 5))
    time, ticks, made = START + draw(st.integers(0, MINUTE - 1)), 1000, []
    for wait, step, lots, side, raw in draw(st.lists(row, min_size=1, max_size=most)):
        time, ticks = time + wait, max(5, ticks + step)
        price, quantity = ticks / 10, lots / 1000
        made.append((time, price, quantity, side, raw, price * quantity))
    return made


def assert_bars(expected, actual):
    for column in BARS:
        wanted = np.array([b[column.name] for b in expected], dtype=column.dtype)
        if column.name == "realized_vol":
            np.testing.assert_allclose(actual[column.name], wanted, rtol=1e-12, atol=0, err_msg=column.name)
        elif column.name in ("twap_time", "twap_trade"):
            np.testing.assert_allclose(actual[column.name], wanted, rtol=1e-15, atol=0, err_msg=column.name)
        else:
            np.testing.assert_array_equal(actual[column.name], wanted, err_msg=column.name)


def same_bytes(a, b):
    for name in a.columns:
        assert a[name].tobytes() == b[name].tobytes(), name
    if a.levels is not None:
        for name in ("offsets", "price_tick", "buy_volume", "sell_volume"):
            assert getattr(a.levels, name).tobytes() == getattr(b.levels, name).tobytes(), name


@settings(max_examples=150, deadline=None)
@given(tapes())
def test_every_column_is_what_its_definition_says(trades):
    (actual,) = aggregate([tape_of(trades)], ["1m"])
    assert_bars(time_bars(trades, MINUTE), actual)


@settings(max_examples=60, deadline=None)
@given(tapes(sides=(0,)))
def test_a_tape_without_sides_has_no_taker_columns(trades):
    (actual,) = aggregate([tape_of(trades)], ["1m"])
    assert_bars(time_bars(trades, MINUTE), actual)
    assert not any(actual.carries(name) for name in SIDED)


@settings(max_examples=60, deadline=None)
@given(tapes(), st.floats(1, 500), st.floats(0, 3000))
def test_size_classes_follow_the_edges(trades, low, more):
    edges = (low, low + more)
    (actual,) = aggregate([tape_of(trades)], ["5m"], size_edges=edges)
    assert_bars(time_bars(trades, 5 * MINUTE, edges), actual)


@settings(max_examples=60, deadline=None)
@given(tapes(most=120), st.lists(st.integers(0, 120), max_size=8), st.integers(1, 40))
def test_cuts_change_no_byte(trades, cuts, every):
    tape = tape_of(trades)
    edges = sorted({0, len(tape), *(min(c, len(tape)) for c in cuts)})
    cut = [tape[lo:hi] for lo, hi in itertools.pairwise(edges)]
    even = [tape[i : i + every] for i in range(0, len(tape), every)]
    whole = aggregate([tape], ["1m", "1h"], row_size=0.5)
    for parts in (cut, even, [tape[:0], *cut, tape[:0]]):
        for a, b in zip(whole, aggregate(parts, ["1m", "1h"], row_size=0.5), strict=True):
            same_bytes(a, b)


@settings(max_examples=80, deadline=None)
@given(tapes(), st.sampled_from([(0.1, 1), (0.3, 3), (0.5, 5), (1.0, 10)]))
def test_price_rows_are_what_their_definition_says(trades, rows):
    size, steps = rows
    (bars,) = aggregate([tape_of(trades)], ["1m"], row_size=size, tick=0.1)
    for expected, (lo, hi) in zip(
        price_rows(trades, MINUTE, steps, 0.1),
        zip(bars.levels.offsets[:-1], bars.levels.offsets[1:], strict=True),
        strict=True,
    ):
        assert [k * steps for k in expected] == bars.levels.price_tick[lo:hi].tolist()
        assert [b for b, _ in expected.values()] == bars.levels.buy_volume[lo:hi].tolist()
        assert [s for _, s in expected.values()] == bars.levels.sell_volume[lo:hi].tolist()


@settings(max_examples=60, deadline=None)
@given(tapes(most=120))
def test_nothing_is_lost_between_kinds_of_bars_and_rows(trades):
    made = aggregate([tape_of(trades)], ["1s", "1m", "1h", "1d"], row_size=1.0)
    volume, notional = exact_sum(t[2] for t in trades), exact_sum(t[5] for t in trades)
    for bars in made:
        assert bars["volume"].sum() == pytest.approx(volume, rel=1e-14)
        assert bars["quote_volume"].sum() == pytest.approx(notional, rel=1e-14)
        assert bars["trades"].sum() == sum(t[4] for t in trades)
        per_bar = [
            bars.levels.buy_volume[lo:hi].sum() + bars.levels.sell_volume[lo:hi].sum()
            for lo, hi in zip(bars.levels.offsets[:-1], bars.levels.offsets[1:], strict=True)
        ]
        np.testing.assert_allclose(per_bar, bars["volume"], rtol=1e-14)


def test_sums_are_the_nearest_double():
    trades = [(START + i, 0.1, 0.1, 1 if i % 2 else -1, 1, 0.1 * 0.1) for i in range(100_001)]
    (bars,) = aggregate([tape_of(trades)], ["1m"])
    assert exact_sum([0.1] * 100_001) == bars["volume"][0]
    assert exact_sum([0.1] * 50_000) == bars["taker_buy_volume"][0]
    assert exact_sum([0.1] * 50_001) == bars["taker_sell_volume"][0]
    assert bars["volume"][0] != np.cumsum([0.1] * 100_001)[-1]  # `sum` is compensated from Python 3.12 on


def test_buys_that_sells_undo_leave_no_noise():
    trades = [(START, 1.0, 0.1, 1, 1, 0.1), (START, 1.0, 0.2, 1, 1, 0.2), (START, 1.0, 0.3, -1, 1, 0.3)]
    (bars,) = aggregate([tape_of(trades)], ["1m"])
    assert 0.1 + 0.2 - 0.3 > 5e-17
    assert abs(bars["delta_low"][0]) < 3e-17
    assert bars["delta_high"][0] == float(Fraction(0.1) + Fraction(0.2))


def test_a_flat_market_has_its_price_for_both_means():
    trades = [(START + i * 7_654_321, 0.1, 3.0, 1, 1, 0.3) for i in range(50)]
    (bars,) = aggregate([tape_of(trades)], ["1m"])
    traded = bars["trades"] > 0
    assert set(bars["twap_time"]) == {0.1}
    assert set(bars["twap_trade"][traded]) == {0.1}
    assert set(bars["realized_vol"][traded]) == {0.0}


def test_large_steps_have_their_logarithm():
    trades = [(START, 1.0, 1.0, 1, 1, 1.0), (START + 1, 2.0, 1.0, 1, 1, 2.0), (START + 2, 0.5, 1.0, 1, 1, 0.5)]
    (bars,) = aggregate([tape_of(trades)], ["1m"])
    assert bars["realized_vol"][0] == pytest.approx(math.hypot(math.log(2), math.log(4)), rel=1e-14)


def test_given_notional_is_summed_as_it_is():
    tape = Tape.of(time=[START] * 2, price=[3.0, 7.0], quantity=[100 / 3, 100 / 7], side=[1, -1], notional=[100, 100])
    (bars,) = aggregate([tape], ["1m"])
    assert bars["quote_volume"][0] == 200.0
    assert bars["taker_buy_quote_volume"][0] == 100.0


def test_flags_of_rows_reach_their_bar():
    flags = [0, int(Quality.ID_HOLE), int(Quality.VOID), 0]
    tape = Tape.of(
        time=[START, START + 1, START + 2, START + MINUTE],
        price=[1.0] * 4,
        quantity=[1.0] * 4,
        side=[1] * 4,
        flags=flags,
    )
    for parts in ([tape], [tape[:1], tape[1:2], tape[2:]]):
        (bars,) = aggregate(parts, ["1m"], covered=(START, START + 2 * MINUTE))
        assert bars["quality"].tolist() == [Quality.ID_HOLE | Quality.VOID, 0]


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ((None, None), [4, 0, 4]),
        ((START, START + 3 * MINUTE), [0, 0, 0]),
        ((START - 1, START + 4 * MINUTE), [0, 0, 0]),
        ((START + 1, START + 3 * MINUTE), [4, 0, 0]),
        ((START, START + 3 * MINUTE - 1), [0, 0, 4]),
    ],
)
def test_first_and_last_bar_are_partial_unless_known_to_be_whole(covered, expected):
    trades = [(START + k * MINUTE + 5, 1.0, 1.0, 1, 1, 1.0) for k in range(3)]
    (bars,) = aggregate([tape_of(trades)], ["1m"], covered=covered)
    assert bars["quality"].tolist() == expected


def test_weeks_begin_on_monday():
    monday = 1_704_067_200_000_000
    (bars,) = aggregate([tape_of([(monday + 3 * 86_400_000_000, 1.0, 1.0, 1, 1, 1.0)])], ["1w"])
    assert bars["open_time"].tolist() == [monday]


def test_no_rows_give_no_bars():
    (bars,) = aggregate([tape_of([])], ["1m"], row_size="auto")
    assert len(bars) == 0


def test_a_row_that_goes_back_in_time_is_named():
    tape = tape_of([(START + t, 1.0, 1.0, 1, 1, 1.0) for t in (0, 5, 4)])
    for parts in ([tape], [tape[:2], tape[2:]]):
        with pytest.raises(DataError, match=r"row 3 is at 2023-.*before the row ahead"):
            aggregate(parts, ["1m"])


def test_a_wrong_time_stamp_does_not_fill_the_memory():
    trades = [(1_700_000_000, 1.0, 1.0, 1, 1, 1.0), (1_700_000_000_000_000, 1.0, 1.0, 1, 1, 1.0)]
    with pytest.raises(DataError, match="a time stamp is wrong or the bars are too short"):
        aggregate([tape_of(trades)], ["1m"])


@pytest.mark.parametrize(("price", "size", "row"), [(0.3, 0.1, 3), (4.35, 0.01, 435), (0.29, 0.1, 2), (-0.05, 0.1, -1)])
def test_a_price_on_the_edge_opens_its_own_row(price, size, row):
    assert row_index(price, size) == row


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 8), st.integers(1, 1000))
def test_rows_are_those_of_the_decimals(ticks, decimals, per_row):
    price, size = float(f"{ticks}e-{decimals}"), float(f"{per_row}e-{decimals}")
    assert row_index(price, size) == ticks // per_row


@pytest.mark.parametrize(
    ("price", "size"), [(60_000.0, 20.0), (100.0, 0.05), (0.04, 2e-5), (3.0, 0.002), (1.0, 0.0005)]
)
def test_auto_rows_are_near_five_basis_points(price, size):
    assert auto_row_size(price) == size
    assert row_grid("auto", None, price) == (size, 1)


def test_auto_rows_see_the_first_trade_only():
    trades = [(START, 100.0, 1.0, 1, 1, 100.0), (START + 1, 9000.0, 1.0, 1, 1, 9000.0)]
    (bars,) = aggregate([tape_of(trades)], ["1m"], row_size="auto", tick=0.01)
    assert (bars.row_size, bars.levels.tick, bars.levels.row_ticks) == (0.05, 0.01, 5)
    assert bars.levels.price_tick.tolist() == [10_000, 900_000]


def test_columns_are_the_canonical_ones():
    made = {"open_time", "close_time", "quality", *PRICES, *FLOWS} - {"rows", "unknown_rows"}
    assert made == {c.name for c in BARS}


@pytest.mark.parametrize(
    ("kwargs", "complaint"),
    [
        ({"row_size": 0}, "row_size must be a number above 0 or 'auto'"),
        ({"row_size": "wide"}, "row_size must be a number above 0 or 'auto'"),
        ({"row_size": 0.25, "tick": 0.1}, "row_size must be a whole number of ticks of 0.1"),
        ({"row_size": 1, "tick": -1}, "tick must be a number above 0"),
        ({"size_edges": (10, 1)}, "size_edges must be ascending amounts"),
    ],
)
def test_what_cannot_be_is_refused(kwargs, complaint):
    with pytest.raises(ParamError, match=complaint):
        aggregate([], ["1m"], **kwargs)


def test_bars_keep_only_what_nobody_else_can_write_to():
    mine, frozen = np.array([10.0, 11.0]), np.array([1.0, 2.0])
    frozen.flags.writeable = False
    times = {"open_time": np.array([0, 1]), "close_time": np.array([1, 2])}
    bars = Bars({**times, "close": mine, "volume": frozen, "trades": frozen[:]})
    mine[0] = 99.0
    assert bars["close"].tolist() == [10.0, 11.0]
    assert bars["volume"] is frozen
    assert bars["trades"].base is None
    assert not any(values.flags.writeable for values in bars.columns.values())
    assert bars.assign(close=mine)["volume"] is frozen
    (made,) = aggregate([Tape.of(time=[1, 2], price=[10.0, 11.0], quantity=[1.0, 2.0], side=[1, -1])], ["1m"])
    assert not any(values.flags.writeable for values in made.columns.values())

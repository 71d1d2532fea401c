"""The daily returns of a point, marked at each day's last close: what says how much of the best is luck."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...backtest.results.statistics import returns
from ...core.clock import DAY

Returns = NDArray[np.float32]
ENOUGH = 250
"""Days below which a sweep keeps none: nothing could be told of them."""


class Daily(NamedTuple):
    """Daily returns, in the form that is kept.

    Parameters
    ----------
    first : int
        Their first day, counted from 1970.
    made : ndarray of float32
        A return for each day from there on, a trading day where bars have trading hours; NaN for a day without a bar.
        Those of a point that only ever held one side are what it made over holding its mean position all the time.
    excess : bool
        Whether they are.
    """

    first: int
    made: Returns
    excess: bool

    def text(self) -> str:
        """As text for a line of the journal."""
        packed = base64.b64encode(self.made.astype("<f4").tobytes()).decode()
        return f"{self.first} {int(self.excess)} {packed}"

    @classmethod
    def of(cls, text: str) -> Daily:
        """What `text` wrote.

        Examples
        --------
        >>> Daily.of(Daily(19_000, np.array([0.5, np.nan], np.float32), True).text())
        Daily(first=19000, made=array([0.5, nan], dtype=float32), excess=True)
        """
        first, excess, packed = text.split(" ")
        return cls(int(first), np.frombuffer(base64.b64decode(packed), "<f4").astype(np.float32), excess == "1")


def daily_of(outcome: Any) -> Daily | None:
    """The daily returns of a run; None below 250 days, and where more than the first feed was traded.

    A point that is never short, or never long, owes to the market what its mean position would have made: of many such
    points on a market that drifts the best looks good whatever it does, so that this is taken off. Costs stay in.

    Parameters
    ----------
    outcome : Outcome
        In memory.
    """
    equity, bars, start = outcome.equity, outcome.first, float(outcome.config.broker.cash)
    time, value, position = equity["time"], equity["value"], equity["position"]
    if (outcome.engine != "compiled" or len(outcome.config.desks) > 1) and _elsewhere(outcome):
        return None
    hours = outcome.hours
    days = np.unique((time - 1) // DAY if hours is None else hours.numbers(time - 1))
    if len(days) < ENOUGH or not (value > 0).all():
        return None
    made, _, _ = returns(time, value, start, hours)
    close = bars["close"][np.searchsorted(bars["close_time"], time)]
    excess = bool((position >= 0).all() or (position <= 0).all())
    if excess:
        made = made - _mean_position(outcome, position, close, value) * _market(outcome, time, close)
    whole = np.full(int(days[-1] - days[0]) + 1, np.nan, dtype=np.float32)
    whole[days - days[0]] = made
    return Daily(int(days[0]), whole, excess)


def beside(own: Iterable[Daily], others: Mapping[str, Daily]) -> dict[str, Daily]:
    """Daily returns of other runs on the days of one's ``own``: on a day that one of them did not run it was flat.

    Examples
    --------
    >>> mine = Daily(10, np.array([0.1, 0.2, 0.3], np.float32), False)
    >>> other = Daily(11, np.array([0.5, 0.6, 0.7], np.float32), False)
    >>> beside([mine], {"other": other})["other"].made.tolist()
    [0.0, 0.5, 0.6000000238418579]
    """
    mine = [*own]
    first = max(one.first for one in mine)
    last = max(first, min(one.first + len(one.made) for one in mine))
    return {name: _on(one, first, last) for name, one in others.items()}


def _on(one: Daily, first: int, last: int) -> Daily:
    made = np.zeros(last - first, dtype=np.float32)
    begin, end = max(first, one.first), min(last, one.first + len(one.made))
    if begin < end:
        made[begin - first : end - first] = np.nan_to_num(one.made[begin - one.first : end - one.first])
    return Daily(first, made, one.excess)


def _elsewhere(outcome: Any) -> bool:
    """Whether a feed beside the first was traded."""
    name = outcome.config.traded.name
    return any(row["data"] != name for row in outcome.record.orders.values() if row["executed_size"])


def _contract(outcome: Any) -> float:
    """Quote currency in one contract of an account kept in coin; 0 elsewhere."""
    instrument = outcome.config.traded.instrument
    return float(instrument.contract_size) if instrument.margin == "inverse" else 0.0


def _mean_position(outcome: Any, position: Any, close: Any, value: Any) -> float:
    """What was held, as a share of equity, over all bars."""
    contract = _contract(outcome)
    worth = position * contract / close if contract else position * close
    return float(np.mean(np.where(position == 0, 0.0, worth / value)))


def _market(outcome: Any, time: Any, close: Any) -> Any:
    """What one unit of account currency in the market made each day."""
    if _contract(outcome):
        # In coin a price that doubles pays half a coin, and one that halves costs one.
        return 1.0 - 1.0 / (1.0 + returns(time, close, float(outcome.first["open"][outcome.begins]), outcome.hours)[0])
    return returns(time, close, float(outcome.first["open"][outcome.begins]), outcome.hours)[0]


def returns_table(kept: Mapping[int, str]) -> pa.Table:
    """The content of returns.parquet, one row for each point whose returns were kept."""
    rows = {number: Daily.of(text) for number, text in kept.items()}
    return pa.table(
        {
            "point": pa.array(list(rows), pa.int64()),
            "first_day": pa.array([one.first for one in rows.values()], pa.int32()).cast(pa.date32()),
            "over_mean_position": pa.array([one.excess for one in rows.values()], pa.bool_()),
            "returns": pa.array([one.made for one in rows.values()], pa.list_(pa.field("element", pa.float32()))),
        }
    )


def returns_of(table: pa.Table) -> dict[int, str]:
    """What a table of `returns_table` was made of."""
    points, excess = table["point"].to_pylist(), table["over_mean_position"].to_pylist()
    days = table["first_day"].cast(pa.int32()).to_pylist()
    made = [one.values.to_numpy(zero_copy_only=False) for one in table["returns"]]
    rows = map(Daily, days, made, excess)
    return {point: one.text() for point, one in zip(points, rows, strict=True)}

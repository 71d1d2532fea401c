"""Two result folders: in what they differ, by cause, where they part, and what of the profit lies in what."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...backtest.results.own_files import LOCK, check_outputs
from ...core.clock import iso
from ...core.errors import DataError
from .differences import ABSENT, Difference, surroundings
from .locked_run import LockedRun

COSTS = {"fees", "slippage", "impact", "participation", "funding", "borrow", "actions", "instrument"}
"""Keys of ``broker`` and of a data block that say what trading costs."""
_CAUSES = {"input": "data", "plugin": "code", "file that a plugin read": "code"}
_LED = (("bars", "close_time"), ("indicators", "time"))
"""Tables that an order may follow from, and the column that says when a row was known."""


@dataclass(frozen=True)
class Comparison:
    """What two runs have and have not in common.

    Parameters
    ----------
    differences : list of Difference
        Of data, code, costs, fills, config and versions, in this order.
    outputs : list of str
        Files of the results that are not the same.
    first_order : dict or None
        Number (from 1) and time of the first order that is not the same, that order in either run, and the first
        value of bars and indicators, known by then, that is not.
    profit : dict of str to float
        Net profit of either, and the difference, split; in the currency of the account.
    """

    differences: list[Difference]
    outputs: list[str]
    first_order: dict[str, Any] | None
    profit: dict[str, float]

    @property
    def due(self) -> str:
        """To what the difference is due, as far as two runs can tell."""
        if not self.outputs:
            return "the results are the same"
        if not self.causes:
            return "nothing that the locks name differs: a run is not deterministic, or reads what Python does not see"
        if len(self.causes) == 1:
            return f"only {self.causes[0]} differs: all of the difference is due to it"
        many = " and ".join(self.causes)
        return f"{many} differ: what each is due to, runs with one of them changed at a time can tell"

    @property
    def causes(self) -> list[str]:
        """Causes that were found, each once."""
        return [*dict.fromkeys(one.cause for one in self.differences)]


def compare(first: Path, second: Path) -> Comparison:
    """Compare the results in two folders.

    Raises
    ------
    DataError
        If one is no result, or a file of it changed since.
    """
    one, other = (_checked(folder) for folder in (first, second))
    names = {*one["outputs"], *other["outputs"]}
    outputs = sorted(name for name in names if one["outputs"].get(name) != other["outputs"].get(name))
    around = surroundings(one, other, places=False)
    found = [each._replace(cause=_CAUSES.get(each.cause, "versions")) for each in around if each.cause != "engine"]
    moved = not any(each.cause == "data" for each in found)
    found += [each for each in _config(one["config"], other["config"]) if not (moved and _is_place(each.name))]
    order = ("data", "code", "costs", "fills", "config", "versions")
    found.sort(key=lambda each: order.index(each.cause))
    parted = _first_order(first, second) if "orders.parquet" in outputs else None
    return Comparison(found, outputs, parted, _profit(first, second))


def _checked(folder: Path) -> Mapping[str, Any]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; `tapeflow list runs` names the runs there are")
    content = LockedRun.read(folder / LOCK).content
    check_outputs(folder, content["outputs"])
    return content


def _config(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    """Values of the two configs that are not the same, by their dotted keys."""
    one, other = dict(_leaves(first, ())), dict(_leaves(second, ()))
    for key in dict.fromkeys((*one, *other)):
        here, there = one.get(key, ABSENT), other.get(key, ABSENT)
        if here != there and key != ("name",):
            yield Difference(_cause(key), ".".join(key), here, there)


def _leaves(value: Any, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield way, value
    for key, each in inner:
        yield from _leaves(each, (*way, str(key)))


def _is_place(key: str) -> bool:
    """Whether a key only says where files lie, which is no difference where their digests are the same."""
    return key.split(".")[:3:2] == ["data", "path"]


def _cause(key: tuple[str, ...]) -> str:
    part, *rest = key
    if (part == "broker" and rest[0] in COSTS) or (part == "data" and rest[1] in COSTS):
        return "costs"
    return part if part in ("data", "fills") else "config"


def _first_order(first: Path, second: Path) -> dict[str, Any] | None:
    """Where the orders part, and what both knew by then that was not the same."""
    one, other = (pq.read_table(folder / "orders.parquet") for folder in (first, second))
    at = min((row for row, _ in _parted(one, other)), default=None)
    if at is None:
        return None
    rows = [_row(table, at) for table in (one, other)]
    times = [table["created_time"][at].value for table in (one, other) if at < len(table)]
    led = [hit for name, clock in _LED if (hit := _led(first, second, name, clock, min(times))) is not None]
    return {"number": at + 1, "time": iso(min(times)), "first": rows[0], "second": rows[1], "led": led}


def _row(table: pa.Table, at: int) -> dict[str, Any] | None:
    if at >= len(table):
        return None
    row = table.slice(at, 1).to_pylist()[0]
    return {
        key: str(value) if hasattr(value, "isoformat") else value
        for key, value in row.items()
        if value is not None and value == value
    }


def _parted(one: pa.Table, other: pa.Table) -> Iterator[tuple[int, str]]:
    """The first row in which each column that both have is not the same; where one is longer, the row after its end."""
    shared = min(len(one), len(other))
    for name in one.column_names:
        if name in other.column_names:
            left, right = (table[name].slice(0, shared).to_numpy() for table in (one, other))
            same = left == right
            for no_value, kind in ((np.isnan, "f"), (np.isnat, "M")):
                if left.dtype.kind == right.dtype.kind == kind:
                    same |= no_value(left) & no_value(right)
            if not np.all(same):
                yield int(np.argmin(same)), name
    if len(one) != len(other):
        yield shared, "rows"


def _led(first: Path, second: Path, name: str, clock: str, time: int) -> dict[str, Any] | None:
    """The earliest value of a table, known at ``time``, in which the two are not the same."""
    one, other = (pq.read_table(folder / f"{name}.parquet") for folder in (first, second))
    row, column = min(_parted(one, other), default=(len(one), ""))
    if row >= min(len(one), len(other)):
        return None
    known = [int(table[clock].cast(pa.int64())[row].as_py()) for table in (one, other)]
    if min(known) > time:
        return None
    values = [table[column][row].as_py() for table in (one, other)]
    return {"table": name, "column": column, "time": iso(min(known)), "first": values[0], "second": values[1]}


def _profit(first: Path, second: Path) -> dict[str, float]:
    """The net profits, and what their difference is made of; the parts add up to it."""
    nets = [float(json.loads((folder / "result.json").read_text())["net_profit"]) for folder in (first, second)]
    one, other = (_trips(folder) for folder in (first, second))
    both = one.keys() & other.keys()
    made = {
        "first": nets[0],
        "second": nets[1],
        "difference": nets[1] - nets[0],
        "commission_of_shared_trades": -math.fsum(other[k]["commission"] - one[k]["commission"] for k in both),
        "prices_and_sizes_of_shared_trades": math.fsum(other[k]["pnl"] - one[k]["pnl"] for k in both),
        "trades_only_in_first": -math.fsum(one[k]["pnl_net"] for k in one.keys() - both),
        "trades_only_in_second": math.fsum(other[k]["pnl_net"] for k in other.keys() - both),
    }
    return made | {"rest": made["difference"] - math.fsum([*made.values()][3:])}


def _trips(folder: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Round trips by feed, direction, entry and how many began so before."""
    made: dict[tuple[Any, ...], dict[str, Any]] = {}
    begun: Counter[tuple[Any, ...]] = Counter()
    for row in pq.read_table(folder / "trades.parquet").to_pylist():
        key = (row["data"], row["direction"], row["entry_time"])
        made[(*key, begun[key])] = row
        begun[key] += 1
    return made

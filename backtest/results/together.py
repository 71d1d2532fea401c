"""Several strategies of one run, each with its own money and positions: what they came to one by one and together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ..inputs.read import Source
from ..recording.ledger import Ledger, together
from ..recording.positions import Held
from ..recording.recorder import Fill
from ..recording.round_trips import RoundTrip
from . import account_figures
from .outcome import Outcome
from .statistics import drawdown

FIGURES = (
    *("initial_cash", "final_value", "net_profit", "return_pct", "max_drawdown_pct", "sharpe", "profit_factor"),
    *("win_rate", "mean_trade", "exposure_pct", "fees_paid", "trades", "orders", "ruined_at"),
)
"""What result.json has of each strategy; the rest stands in a run of it alone."""


@dataclass
class AllOrders:
    """What several strategies did, numbered through.

    Parameters
    ----------
    parts : mapping of str to Outcome
        Their runs.
    """

    parts: Mapping[str, Outcome]
    ruined_at: int | None = None
    said: tuple[Any, ...] = ()
    orders: dict[int, dict[str, Any]] = field(init=False, default_factory=dict)
    fills: list[Fill] = field(init=False, default_factory=list)
    """Of each strategy as they came; those of one feed are not in one order of time."""

    def __post_init__(self) -> None:
        for name, part in self.parts.items():
            first = len(self.orders)
            rows = part.record.orders.values()
            self.orders |= {first + row["ref"]: {**row, "ref": first + row["ref"], "strategy": name} for row in rows}
            self.fills += [replace(fill, ref=first + fill.ref) for fill in part.record.fills]

    @property
    def waits(self) -> tuple[int, int]:
        """How many orders waited in bars without trades, and for how many bars in all."""
        orders, bars = zip(*(part.record.waits for part in self.parts.values()), strict=True)
        return sum(orders), sum(bars)


@dataclass
class Together(Outcome):
    """The runs of several strategies as one.

    Each is a run of its own, on the same bars; nothing that one does reaches another. The account is the sum of
    theirs, and what no strategy was given.
    """

    parts: Mapping[str, Outcome] = field(default_factory=dict)

    @classmethod
    def of(cls, config: RunConfig, sources: dict[str, Source], parts: Mapping[str, Outcome]) -> Together:
        """The ``parts`` of a run as one."""
        flows = [flow for part in parts.values() for flow in account_figures.flows_of(part.strategy)]
        rates: dict[str, Any] = {}
        for part in parts.values():
            rates |= getattr(getattr(part.strategy, "broker", None), "funding", {})
        strategy = SimpleNamespace(broker=SimpleNamespace(flows=flows, funding=rates), desks=[])
        record: Any = AllOrders(parts)
        return cls(config, sources, strategy, record, *_engines(parts), _verified(parts), parts=parts)

    @cached_property
    def trips(self) -> list[RoundTrip]:
        """Finished round trips of all strategies, in the order in which they ended."""
        return [trip for _, trip in self.named_trips]

    @cached_property
    def named_trips(self) -> list[tuple[str, RoundTrip]]:
        """The same, each with its strategy."""
        every = [(name, trip) for name, part in self.parts.items() for trip in part.trips]
        return sorted(every, key=lambda one: one[1].exit_time)

    @cached_property
    def equity(self) -> dict[str, Any]:
        """Columns of equity.parquet: the account, and the value of each strategy."""
        grids = [part.equity["time"] for part in self.parts.values()]
        time = np.unique(np.concatenate(grids))
        start = self.config.broker.cash
        idle = start - sum(part.config.broker.cash for part in self.parts.values())
        value = {name: _at(part, "value", time) for name, part in self.parts.items()}
        cash = [_at(part, "cash", time) for part in self.parts.values()]
        first = self.config.traded.name
        worth = idle + np.sum([*value.values()], axis=0)
        return {
            "time": time,
            "value": worth,
            "cash": idle + np.sum(cash, axis=0),
            "position": self.held[first].at(time) if first in self.held else np.zeros(len(time)),
            "drawdown": drawdown(worth, start),
            **{f"value.{name}": one for name, one in value.items()},
        }

    @cached_property
    def held(self) -> dict[str, Held]:
        """What all strategies together hold of each feed, where it changed."""
        feeds = dict.fromkeys(feed for part in self.parts.values() for feed in part.held)
        return {feed: _sum([part.held[feed] for part in self.parts.values() if feed in part.held]) for feed in feeds}

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """What each feed brought all strategies together."""
        every = [(feed, own) for part in self.parts.values() for feed, own in part.ledgers.items()]
        return {feed: together(own for name, own in every if name == feed) for feed in self.held}

    @property
    def portfolio_cuts(self) -> list[Any]:
        """Those of all strategies, by strategy."""
        return [cut for part in self.parts.values() for cut in part.portfolio_cuts]

    @cached_property
    def made(self) -> dict[str, Any]:
        """Every indicator by its name; what two strategies both have differs in whose it is."""
        made: dict[str, Any] = {}
        for name, part in self.parts.items():
            made |= {own if own not in made else f"{own}@{name}": one for own, one in part.made.items()}
        return made

    def followed(self, indicator: Any) -> str:
        """The name of the feed whose bars an indicator follows; empty where that is not to be found."""
        owner = next(part for part in self.parts.values() if any(one is indicator for one in part.made.values()))
        return owner.followed(indicator)

    @cached_property
    def inside(self) -> dict[str, Any]:
        """What is assumed of protection inside the bars of entries, and what that comes to in all."""
        told = [part.inside for part in self.parts.values()]
        made = {"assumed": self.config.fills.inside, "unknown": sum(one["unknown"] for one in told)}
        ends = dict.fromkeys(name for one in told for name in one.get("net_profit", ()))
        if not ends:
            return made
        profits = [float(part.equity["value"][-1]) - part.config.broker.cash for part in self.parts.values()]
        both = [*zip(told, profits, strict=True)]
        sums = {name: sum(one.get("net_profit", {}).get(name, profit) for one, profit in both) for name in ends}
        return {**made, "net_profit": sums}

    def figures(self) -> dict[str, Any]:
        """The numbers of result.json."""
        return {**super().figures(), "strategies": {name: _figures(part) for name, part in self.parts.items()}}

    def summary(self) -> dict[str, Any]:
        """Content of result.json."""
        kinds = ", ".join(dict.fromkeys(block.kind for block in self.config.kinds))
        return {**super().summary(), "strategy": kinds}

    def warnings(self) -> list[str]:
        """What a reader should know: what all strategies have in common, and of each the rest."""
        said = {name: part.warnings() for name, part in self.parts.items()}
        every = dict.fromkeys(text for texts in said.values() for text in texts)
        made = []
        for text in every:
            whose = [name for name, texts in said.items() if text in texts]
            made.append(text if len(whose) == len(said) else f"{', '.join(whose)}: {text}")
        return made

    def unused(self) -> Iterator[str]:
        """What never came of the strategies' rules; each says it itself."""
        yield from ()


def _at(part: Outcome, what: str, time: Any) -> Any:
    """A column of a strategy's equity at each of ``time``; its money before its first bar."""
    place = np.searchsorted(part.equity["time"], time, side="right")
    return np.concatenate(([part.config.broker.cash], part.equity[what]))[place]


def _sum(held: list[Held]) -> Held:
    """Positions of several strategies in one feed."""
    if len(held) == 1:
        return held[0]
    time = np.unique(np.concatenate([one.time for one in held]))
    return Held(time, np.sum([one.at(time) for one in held], axis=0))


def _figures(part: Outcome) -> dict[str, Any]:
    figures = part.figures()
    made = {name: figures[name] for name in FIGURES}
    whose = {"kind": part.config.strategy.kind, "engine": part.engine, **made}
    return {**whose, "instruments": figures.get("instruments") or part.instruments()}


def _engines(parts: Mapping[str, Outcome]) -> tuple[str, str]:
    """Which engine ran, and why; of several the slowest is named, and what each was."""
    order = ("stock", "backtrader", "compiled")
    engine = min((part.engine for part in parts.values()), key=order.index)
    alike: dict[tuple[str, str], list[str]] = {}
    for name, part in parts.items():
        alike.setdefault((part.engine, part.engine_reason), []).append(name)
    return engine, "; ".join(f"{', '.join(names)} {ran}: {why}" for (ran, why), names in alike.items())


def _verified(parts: Mapping[str, Outcome]) -> dict[str, Any] | None:
    """What was compared with plain backtrader, in all."""
    every = [part.verified for part in parts.values() if part.verified]
    if not every:
        return None
    sums = {key: sum(one[key] for one in every) for key in ("orders", "fills", "bars")}
    return {**every[0], **sums}

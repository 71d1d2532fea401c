"""What a run came to: figures, warnings and assumptions, before anything is written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...configs.models import RunConfig
from ...core.bars import Bars
from ...core.clock import iso
from ...core.counting import counted
from ...core.hours import TradingDays
from ...core.trading import knows_volume
from ...strategies.framework.nested import feed_of
from ..inputs.begin import first_counted
from ..inputs.read import Source
from ..inputs.trading_hours import hours_of
from ..recording.analyzers import found_by
from ..recording.ledger import Ledger, Terms, ledgers
from ..recording.own_indicators import kind_of, made_in_init, measures_of, told_params
from ..recording.positions import Held, held_by
from ..recording.recorder import Recorder
from ..recording.round_trips import RoundTrip, pair
from . import account_figures
from .caveats import confidence, days_of, hints
from .entry_bars import ASSUMED, inside_figures
from .further import further, tables
from .instruments import by_instrument
from .lock import make_lock
from .markouts import as_json
from .performance import Performance
from .quality import profit_from_damaged
from .run_warnings import unused, warnings_of
from .statistics import drawdown, summarise
from .trial import Trial

FROM_BARS = (
    "A bar is known at its close and not before; what a bar's close orders fills at the next bar's open.",
    "Times of orders and fills are the closes of their bars.",
    "Stops and limits fill within the bar's range; when a bar touches stop and target, the stop fills.",
    "Orders are filled whole, whatever the bar's volume.",
)
"""How orders are filled where bars are all there is."""
EMPTY_BARS = {
    "wait": "Nothing fills, triggers or is closed by force in a bar without trades; orders wait for the next.",
    "fill": "Orders fill in bars without trades too, at the prices written there.",
}
"""What becomes of orders in bars in which nobody traded."""


@dataclass(frozen=True)
class SavedRun:
    """What a finished run left.

    Parameters
    ----------
    folder : Path
        Where its files lie.
    summary : dict
        The content of result.json.
    kept : tuple of str
        Files of an earlier run there that somebody changed since, as they are called now.
    trial : Trial or None
        What the ledger says of it; None where nobody asked it.
    """

    folder: Path
    summary: dict[str, Any]
    kept: tuple[str, ...] = ()
    trial: Trial | None = None


@dataclass
class Outcome:
    """A run in memory, before anything is written.

    Parameters
    ----------
    config : RunConfig
        What ran.
    sources : mapping of str to Source
        What it ran on.
    strategy : Strategy
        After the run, with its indicators.
    record : Recorder
        What it did.
    engine : str
        How it ran.
    engine_reason : str
        Why that way.
    verified : dict or None
        What was found equal to a run in plain backtrader, where that was asked for.
    band : Band or None
        What it came to under each assumption, where the tape filled its orders.
    otherwise : Outcome or None
        What it came to under the other assumption of what came first in the bars of entries, where that was run.
    """

    config: RunConfig
    sources: dict[str, Source]
    strategy: Any
    record: Recorder
    engine: str = "backtrader"
    engine_reason: str = ""
    verified: dict[str, Any] | None = None
    band: Any = None
    otherwise: Outcome | None = None

    @cached_property
    def hours(self) -> TradingDays | None:
        """The trading hours of the first feed, where it has some."""
        return hours_of(self.first)

    def _year(self) -> str:
        """How long a year is taken to be, in words."""
        time = self.equity["time"]
        if self.hours is None or not len(time):
            return "365 days"
        return f"{self.hours.per_year(int(time[0]), int(time[-1]))[0]:.4g} trading days, counted from {self.hours.text}"

    @cached_property
    def trips(self) -> list[RoundTrip]:
        """Finished round trips."""
        return pair(self.record.fills, account_figures.coin_contracts(self.config))

    @cached_property
    def equity(self) -> dict[str, Any]:
        """Columns of equity.parquet, one row a bar."""
        time, value, cash, position = (column[self.rows] for column in self.record.equity)
        start = self.config.broker.cash
        return {
            "time": time,
            "value": value,
            "cash": cash,
            "position": position,
            "drawdown": drawdown(value, start),
            **(self.band.equity() if self.band else {}),
        }

    @cached_property
    def held(self) -> dict[str, Held]:
        """The position in each feed that orders were filled on, where it changed."""
        return held_by(self.record.fills)

    @cached_property
    def ledgers(self) -> dict[str, Ledger]:
        """What the fills, fees and payments of each feed came to, where they changed it."""
        return ledgers(self.record.fills, self.held, account_figures.flows_of(self.strategy), self.worth_terms)

    @cached_property
    def worth_terms(self) -> dict[str, Terms]:
        """What a size of each feed is worth at a price."""
        coins = account_figures.coin_contracts(self.config)
        return {name: Terms(contract=coins.get(name, 0.0)) for name in self.sources}

    @cached_property
    def dealt(self) -> list[str]:
        """The feeds that were traded, and the one that is there to be."""
        return [*dict.fromkeys((*self.config.desks, *self.held))]

    @cached_property
    def positions(self) -> dict[str, Any]:
        """The signed size held of each feed that was traded, one value a row of `equity`."""
        equity, (first, *others) = self.equity, self.dealt
        sizes = {name: self.held[name].at(equity["time"]) for name in others if name in self.held}
        flat = np.zeros(len(equity["time"]))
        return {first: equity["position"], **{name: sizes.get(name, flat) for name in others}}

    @cached_property
    def rows(self) -> slice:
        """Rows of the record on which it traded: those that close after ``trade_from``."""
        return slice(first_counted(self.record.equity[0], self.config.trade_from), None)

    @property
    def begins(self) -> int:
        """The first bar of the traded feed that counts: it closes after ``trade_from``."""
        return first_counted(self.first["close_time"], self.config.trade_from)

    @property
    def first(self) -> Bars:
        """Bars of the traded feed."""
        bars: Bars = self.sources[self.config.traded.name].bars
        return bars

    @cached_property
    def damaged(self) -> float:
        """Share of the profit that came from damaged bars."""
        return profit_from_damaged(self.trips, {n: s.bars for n, s in self.sources.items()})

    @property
    def orders(self) -> int:
        """How many orders there were."""
        return len(self.record.orders)

    @property
    def fees(self) -> float:
        """What all orders paid."""
        return math.fsum(row["commission"] for row in self.record.orders.values())

    @property
    def cut(self) -> int:
        """How many entries were filled for less than their size, because the account could pay for no more."""
        return account_figures.cut(self.record.orders)

    @property
    def refused(self) -> int:
        """How many orders were refused."""
        return account_figures.refused(self.record.orders)

    @cached_property
    def further(self) -> Performance:
        """Growth, risk, and trades won and lost, and why some of these are absent."""
        return further(self)

    @property
    def account(self) -> dict[str, Any]:
        """What costs of holding and margin brought, where the run has them."""
        return account_figures.figures(self.config, self.strategy, self.record.orders)

    def figures(self) -> dict[str, Any]:
        """The numbers of result.json."""
        equity = self.equity
        figures = summarise(
            equity["time"],
            equity["value"],
            np.any([size != 0 for size in self.positions.values()], axis=0),
            self.config.broker.cash,
            self.trips,
            self.fees,
            self.hours,
        )
        return {
            "bars": len(self.first) - self.begins,
            "start": iso(int(self.first["open_time"][self.begins])),
            "end": iso(int(self.first["close_time"][-1])),
            "orders": self.orders,
            **figures,
            **self.further.figures,
            "buy_and_hold_pct": self.buy_and_hold_pct,
            "profit_from_damaged": self.damaged,
            "open_position": float(equity["position"][-1]),
            **({"open_positions": self.left(), "instruments": self.instruments()} if len(self.dealt) > 1 else {}),
            "ruined_at": None if self.record.ruined_at is None else iso(self.record.ruined_at),
            "orders_cut": self.cut,
            "orders_refused": self.refused,
            **({"portfolio_cut": made} if (made := getattr(self.strategy, "portfolio_cut", {})) else {}),
            **({"legs": spreads} if (spreads := getattr(self.strategy, "legs", {})) else {}),
            "waits": dict(zip(("orders", "bars"), self.record.waits, strict=True)),
            **self.account,
        }

    @property
    def protects_inside(self) -> bool:
        """Whether fills inside the bars of entries rest on an assumption."""
        return not self.config.fills.tape

    @cached_property
    def inside(self) -> dict[str, Any]:
        """What is assumed of protection inside the bars of entries, and what that comes to."""
        profit = float(self.record.equity[1][-1]) - float(self.config.broker.cash)
        return inside_figures(self.config, self.record.inside_unknown, profit, self.otherwise)

    def instruments(self) -> dict[str, dict[str, Any]]:
        """What each feed that was traded brought, what is open at the end included, and how much was in it."""
        return by_instrument(self)

    @property
    def portfolio_cuts(self) -> list[Any]:
        """Orders that limits of the portfolio cut or left out, as they came."""
        return list(getattr(self.strategy, "portfolio_cuts", ()))

    def left(self) -> dict[str, float]:
        """The signed size that the run ends with, of each feed that was traded."""
        return {name: float(size[-1]) for name, size in self.positions.items()}

    def summary(self) -> dict[str, Any]:
        """Content of result.json."""
        return {
            "name": self.config.name,
            "strategy": self.config.strategy.kind,
            "engine": self.engine,
            "engine_reason": self.engine_reason,
            **({"verified": self.verified} if self.verified else {}),
            **self.figures(),
            **tables(self),
            **({"inside": self.inside} if self.protects_inside else {}),
            **(self.band.summary() if self.band else {}),
            "currency": account_figures.currency(self.config),
            **({"rolls": rolls} if (rolls := account_figures.rolls(self.sources)) else {}),
            **({"analyzers": found} if (found := self.analyses()) else {}),
            "indicators": self.indicators(),
            "lines": self.lines(),
            "warnings": self.warnings(),
            "assumptions": self.assumptions(),
        }

    def analyses(self) -> dict[str, Any]:
        """What the analyzers that the run asked for found, by their names."""
        return found_by(self.strategy) if self.config.analyzers else {}

    def doubts(self, figures: dict[str, Any]) -> dict[str, Any]:
        """How sure ``figures``, those of `summary`, are: intervals, markouts, and what they say in words."""
        time, value = self.equity["time"], self.equity["value"]
        sure = confidence(time, value, self.config.broker.cash, self.trips, self.config.seed, self.hours)
        bars = {name: source.bars for name, source in self.sources.items()}
        return {
            "hints": hints(figures, sure, self.trips, days_of(time)),
            "confidence": sure,
            "markouts": as_json(self.trips, bars),
        }

    @property
    def buy_and_hold_pct(self) -> float:
        """What the traded feed's price did from the first open that counts to its last close, in percent; no costs."""
        first, last = float(self.first["open"][self.begins]), float(self.first["close"][-1])
        return 100.0 * (last / first - 1.0) if first > 0 and last > 0 else math.nan

    @cached_property
    def made(self) -> dict[str, Any]:
        """Every indicator by its name: those of the config and of ``uses``, and those that the strategy made itself."""
        given = dict(getattr(self.strategy, "indicators", {}))
        return given | {name: own for name, own in made_in_init(self.strategy).items() if name not in given}

    def indicators(self) -> dict[str, dict[str, Any]]:
        """Every indicator with the feed it follows and all its parameters, those that the strategy brought included."""
        return {
            name: {"kind": kind_of(indicator), "data": self.followed(indicator), "params": told_params(indicator)}
            for name, indicator in self.made.items()
        }

    def followed(self, indicator: Any) -> str:
        """The name of the feed whose bars an indicator follows; empty where that is not to be found."""
        if self.engine == "compiled":
            return indicator.clock or self.config.traded.name
        feed = feed_of(indicator, self.strategy.datas)
        return feed._name if feed is not None else ""

    def lines(self) -> list[dict[str, Any]]:
        """Every indicator line with its kind, its unit and whether it is a price."""
        made = []
        for name, indicator in self.made.items():
            measures = measures_of(indicator)
            for alias in indicator.lines.getlinealiases():
                measure, known = measures.get(alias), {}
                if measure is not None:
                    known = {"overlay": measure.overlay, "unit": measure.unit}
                made.append({"name": f"{name}.{alias}", "indicator": name, "kind": kind_of(indicator), **known})
        return made

    def warnings(self) -> list[str]:
        """What a reader should know before believing the figures."""
        return warnings_of(self)

    @property
    def synthetic(self) -> bool:
        """Whether the traded feed's trades were made up."""
        return type(self.sources[self.config.traded.name].feed).__name__.startswith("Synthetic")

    def unused(self) -> Iterator[str]:
        """What never came of the strategy's rules."""
        return unused(self)

    def assumptions(self) -> list[str]:
        """How fills, costs and time were taken, in words."""
        whole = all(self.config.terms[name].participation is None for name in self.dealt)
        return [
            *(self.band.assumptions() if self.band else FROM_BARS if whole else FROM_BARS[:-1]),
            *((ASSUMED[self.config.fills.inside],) if self.protects_inside else ()),
            EMPTY_BARS[self.config.fills.empty_bars],
            *(f"{name}: the volume is 0 on every bar, and taken as unknown." for name in self._silent()),
            *account_figures.assumptions(self.config, self.dealt),
            *self._warmed(),
            f"The Sharpe ratio uses no risk-free rate and a year of {self._year()}.",
        ]

    def _warmed(self) -> Iterator[str]:
        since = self.config.trade_from
        if since is not None:
            warm = counted(self.begins, "bar")
            yield f"Nothing is decided before {iso(since)}: {warm} before it warm indicators up and count in no figure."

    def _silent(self) -> list[str]:
        """Feeds whose volume is 0 on every bar that has one."""
        return [n for n, s in self.sources.items() if (s.bars["volume"] == 0).any() and not knows_volume(s.bars)]

    def lock(self) -> dict[str, Any]:
        """Content of run.lock."""
        return make_lock(self.config, self.sources, self.engine, account_figures.inputs(self.strategy))

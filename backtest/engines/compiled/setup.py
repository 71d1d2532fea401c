"""What a config asks of the compiled desk and its costs, as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ....aggregation.sessions import Session
from ....configs.models import RunConfig
from ....core.bars import Bars
from ....core.clock import day_numbers
from ....core.names import STATE
from ....core.schema import ADJUSTMENT, DIVIDEND, ROLL_COLUMNS
from ....core.ticks import grid_of
from ....core.units import parse_amount
from ....strategies.framework.answers import SIDES, VALID, Answers, Entry, Exit
from ....strategies.framework.day_orders import ends_of_days
from ....strategies.framework.guards import Guards
from ....strategies.framework.plan import PARTS
from ....strategies.framework.programs import NO_PROGRAMS
from ...broker.choice import contracts_of, funded, funding_of, is_costly, kind_of, paying, rolling
from ...broker.costly import CostlyBroker
from ...broker.costs import costs_of
from ...broker.entry_bar import INSIDE
from ...inputs.trading_hours import hours_of, traded_time
from . import costs, desk, lots, sizes, state
from .costs import Costly
from .desk import Desk
from .exact import means_before
from .lots import sizing
from .market import read_only
from .protection_tables import ProtectionTables
from .rulebook import OF_DAY, Rules
from .state import AT_ONCE, EXITS, FORCED, FOREIGN, LONG, NEVER, POST_ONLY, SESSION, SHORT, SHUT, Floats
from .supported import title_of_range
from .tables import Tables

_ROOM = 4_000_000
"""Numbers in a piece of windows."""


class RuleSignals(NamedTuple):
    """What rules say on every bar.

    Parameters
    ----------
    enter, leave : ndarray of uint8, (rules, bars)
        `LONG` and `SHORT` where a rule is true for a side.
    sizes, limits, stops : ndarray of float64, (rules, bars)
        Of entries that have them.
    has : ndarray of int64, (rules, 6)
        What an entry has, as columns of `rulebook`.
    shares : ndarray of float64, (rules,)
        What part of the position an exit closes.
    leave_at : ndarray of float64, (rules, bars)
        Limits of exits that have them.
    rests : ndarray of int64, (rules,)
        For how many bars those rest; 0 for market orders.
    guards : sequence of Guards or None
        What protects the position of each entry, where that is not what protects every position.
    levels : dict of (str, str) to ndarray of float64, (bars,)
        Prices in it.
    names : tuple of str
        Of entries, then exits.
    programs : Programs or empty
        What goes by the state of the position.
    spans : ndarray of int64, (rules, 5, 2)
        Where the programs of each entry's and each exit's two conditions, of its size, limit and stop begin and end.
    """

    enter: NDArray[np.uint8]
    leave: NDArray[np.uint8]
    sizes: Floats
    limits: Floats
    stops: Floats
    has: NDArray[np.int64]
    shares: Floats
    leave_at: Floats
    rests: NDArray[np.int64]
    guards: Sequence[Guards | None]
    levels: Mapping[tuple[str, str], Floats]
    names: tuple[str, ...]
    programs: Any
    spans: NDArray[np.int64]

    @classmethod
    def of(cls, said: Answers) -> RuleSignals:
        """The same of what rules say."""
        entries, exits = said.entries, said.exits

        def bits(rules: Sequence[Entry | Exit]) -> NDArray[np.uint8]:
            made = np.zeros((len(rules), said.bars), np.uint8)
            for row, rule in zip(made, rules, strict=True):
                for side, bit in zip(SIDES, (LONG, SHORT), strict=True):
                    if side in rule.sides:
                        row |= said.true[rule.name, side].view(np.uint8) * np.uint8(bit)
            return made

        def table(given: Mapping[str, Floats], rules: Sequence[Entry | Exit] = entries) -> Floats:
            made = np.zeros((len(rules), said.bars if any(rule.name in given for rule in rules) else 0))
            for row, rule in zip(made, rules, strict=True):
                if rule.name in given:
                    row[:] = given[rule.name]
            return made

        return cls(
            bits(entries),
            bits(exits),
            table(said.size),
            table(said.limit),
            table(said.stop),
            np.array([_has(rule) for rule in entries], np.int64).reshape(-1, OF_DAY + 1),
            np.array([rule.share for rule in exits]),
            table(said.limit, exits),
            np.array([rule.valid if rule.limit is not None else 0 for rule in exits], np.int64),
            [rule.guards for rule in entries],
            said.levels,
            (*(rule.name for rule in entries), *(rule.name for rule in exits)),
            said.programs,
            _spans(said),
        )

    def entering(self) -> NDArray[np.uint8]:
        """Sides for which an entry is true, by bar."""
        return np.asarray(np.bitwise_or.reduce(self.enter, axis=0))

    def leaving(self) -> NDArray[np.uint8]:
        """Sides for which an exit is true, by bar."""
        return np.asarray(np.bitwise_or.reduce(self.leave, axis=0))


def _has(rule: Entry) -> list[int]:
    """What an entry has, as columns of `rulebook`."""
    valid = NEVER // 2 if rule.tif != VALID else rule.valid
    said = (AT_ONCE if rule.tif == "ioc" else 0) | (POST_ONLY if rule.post_only else 0)
    parts = (rule.size is not None, rule.limit is not None, valid, rule.stop is not None, said, rule.tif == "day")
    return [int(part) for part in parts]


def _spans(said: Answers) -> NDArray[np.int64]:
    """Where each rule's programs begin and end."""
    rules: list[Entry | Exit] = [*said.entries, *said.exits]
    made = np.zeros((len(rules), 5, 2), np.int64)
    for row, rule in zip(made, rules, strict=True):
        for at, what in enumerate((*SIDES, *PARTS)):
            if (rule.name, what) in said.programs:
                row[at] = said.programs.spans[rule.name, what]
    return made


def rules_of(config: RunConfig, said: RuleSignals, bars: Bars, first: int) -> Rules:
    """What the rules and the sizer say on every bar."""
    wanted, made = _wanted(config, said, bars, first), said.programs or NO_PROGRAMS
    state = np.zeros(len(STATE) + len(made.code) + 1)
    programs = (made.code, made.constants, made.columns, said.spans, read_only(bars["close"]), state)
    tables = said.enter, said.leave, said.sizes, said.limits, said.has, said.shares, wanted
    return (*tables, *programs, said.stops, said.leave_at, said.rests, _days(said, bars))


def _days(said: RuleSignals, bars: Bars) -> Floats:
    """Up to which bar an order may fill that is of the day in which a bar closes; between two bars, so never at one."""
    if not said.has[:, OF_DAY].any():
        return np.zeros(0)
    closes = bars["close_time"]
    ends = np.fromiter(ends_of_days(closes.tolist(), bars.hours), np.float64, len(closes))
    made: Floats = np.searchsorted(day_numbers(closes), ends, side="right").astype(np.float64)
    return made - 0.5


def costly_of(config: RunConfig, bars: Bars) -> Costly | None:
    """What trading and holding cost; None where that is no more than shares of notional."""
    kind, traded, numbers = kind_of(config), config.traded, np.zeros(10)
    if kind is None or (kind is CostlyBroker and not is_costly(traded)):
        return None
    fees, slip, impact, borrow = traded.fees, traded.slippage, traded.impact, config.broker.borrow
    lot = sizing(None, 1.0, traded.lot, 0.0)
    numbers[[costs.STEP, costs.SCALE]] = lot[[lots.STEP, lots.SCALE]]
    numbers[costs.CONTRACT] = contracts_of(config)[traded.name].size
    numbers[costs.CARRIES] = bool(funded(config) or borrow or paying(config) or rolling(config))
    numbers[costs.PER_CONTRACT], numbers[costs.MINIMUM] = fees.per_contract, fees.minimum
    numbers[costs.RANGE] = slip.amount if slip.unit == "range" else 0.0
    numbers[costs.IMPACT] = impact.coefficient if impact is not None else 0.0
    numbers[costs.PARTICIPATION] = traded.participation or 0.0
    numbers[costs.BORROW] = borrow
    rows = np.zeros((9, len(bars)))
    rows[costs.CLOSE_TIME], rows[costs.OPEN_TIME] = bars["close_time"], bars["open_time"]
    rows[costs.VOLUME] = bars["volume"] if "volume" in bars.columns else 0.0
    rows[costs.PAYS] = bars.columns.get(DIVIDEND, 0.0)
    for at, name in zip((costs.ROLLS, costs.ROLLS_FROM, costs.ROLLS_TO), ROLL_COLUMNS, strict=True):
        rows[at] = bars.columns.get(name, 0.0)
    if impact is not None:
        rows[costs.SIGMA] = _sigma_before(bars["close"], impact.window)
        rows[costs.MEAN_VOLUME] = means_before(rows[costs.VOLUME], impact.window)
    tiers = np.array([(tier.volume, tier.maker, tier.taker) for tier in fees.tiers]).reshape(-1, 3)
    memory = np.zeros(6)
    memory[costs.TAKEN_BAR] = -1.0
    return numbers, rows, tiers, memory, _payments(config, bars), np.zeros((64, 6))


def margin_of(config: RunConfig) -> Floats | None:
    """How the position is margined; None where it is paid for."""
    if not config.traded.margined:
        return None
    traded = contracts_of(config)[config.traded.name]
    made = np.zeros(state.BRACKETS)
    made[state.PAID_FOR], made[state.ISOLATED] = traded.paid, traded.isolated
    made[state.LEVERAGE], made[state.FORCED_FEE] = traded.leverage, traded.liquidation_fee
    made[state.FORCED_REASON], made[state.MOST_NOTIONAL] = FORCED, traded.most
    return np.concatenate((made, [(bracket.rate, bracket.deduction) for bracket in traded.brackets]), axis=None)


def desk_of(
    config: RunConfig,
    params: Mapping[str, Any],
    bars: Bars,
    said: RuleSignals,
    bits: NDArray[np.uint8],
    first: int,
    atr: Any,
) -> Desk:
    """Limits, protection and sizer; ``atr`` gives the average true range of a period."""
    traded, numbers = config.traded, np.zeros(desk.MOVES + 1)
    made = ProtectionTables(Guards.of(params)[0], said.guards, said.names, said.levels, traded.tick)
    columns = made.columns(len(bars), lambda period: atr(period) / bars.columns.get(ADJUSTMENT, 1.0))
    numbers[desk.NUM], numbers[desk.DEN] = grid_of(traded.tick)
    numbers[desk.APART] = made.in_parts or bool(said.rests.any())
    numbers[desk.MOVES] = made.moves
    numbers[desk.COOLDOWN] = params.get("cooldown") or 0
    most = numbers[desk.PYRAMIDING] = params.get("pyramiding") or 1
    for name, at in (("daily_loss", desk.LOSS), ("max_position", desk.MOST)):
        if params.get(name) is not None:
            amount = parse_amount(params[name])
            numbers[at], numbers[at + 1] = amount.value, amount.unit == "fraction"
    numbers[desk.PAIRS], numbers[desk.REVERSES] = config.sizer.kelly is not None, bool(params.get("reverse"))
    if numbers[desk.LOSS]:
        bits = bits.copy()
        bits[session_starts(bars["open_time"], first, Session.parse(params.get("session", "1d"), bars.hours))] |= (
            np.uint8(1 << SESSION)
        )
    numbers[desk.INSIDE] = INSIDE.index(config.fills.inside)
    slots = np.zeros((2, int(min(most, len(bars))) + 1), np.int64)
    memory, exits = desk.new_state(config.broker.cash), np.zeros((3, len(said.leave)), np.int64)
    exits[desk.ORDER] = -1
    sizer, trips = numbers_of_sizer(config), sizes.new_trips()
    return numbers, memory, slots, sizer, trips, columns, exits, bits, made.guards, made.more


def numbers_of_sizer(config: RunConfig) -> Floats:
    """What `sizes.sized` works with."""
    asked, traded = config.sizer, config.traded
    made = np.zeros(10)
    made[:5] = sizing(asked.percent, asked.fixed, traded.lot, traded.min_notional)
    if asked.percent is None and asked.fixed is None:
        most = asked.most if asked.most is not None else 100.0 * traded.instrument.leverage
        made[sizes.MOST] = most / 100.0
        made[sizes.KELLY], made[sizes.RISK] = asked.kelly or 0.0, (asked.risk or 0.0) / 100.0
        made[sizes.START], made[sizes.TRADES] = (asked.start or 0.0) / 100.0, asked.trades
    return made


def session_starts(opened: NDArray[np.int64], first: int, session: Session) -> list[int]:
    """The bars, from ``first`` on, with which sessions begin; a bar belongs to the session in which it opens."""
    made: list[int] = []
    reached, at = np.maximum.accumulate(opened), first
    while at < len(opened):
        made.append(at)
        at = max(at + 1, int(np.searchsorted(reached, session.end(int(opened[at])), side="left")))
    return made


def _wanted(config: RunConfig, said: RuleSignals, bars: Bars, first: int) -> Floats:
    """The share of the equity that a target of volatility asks for where a rule may enter; NaN elsewhere."""
    asked, n = config.sizer, len(bars)
    if asked.volatility is None:
        return np.zeros(0)
    made, window = np.full(n, np.nan), asked.window
    at = np.flatnonzero(said.entering())
    at = at[at >= max(first, window)]
    times = bars["close_time"].astype(np.float64)
    elapsed, year = traded_time(hours_of(bars), times[at - window], times[at])
    at, elapsed, year = at[elapsed > 0], elapsed[elapsed > 0], year[elapsed > 0]
    realised = _deviations(bars["close"], window, at - window) * np.sqrt(window * year / elapsed)
    made[at[realised > 0]] = asked.volatility / 100.0 / realised[realised > 0]
    return made


def _deviations(closes: Floats, window: int, starts: NDArray[np.int64]) -> Floats:
    """Standard deviation (ddof 1) of the ``window`` log returns that begin at each of ``starts``."""
    made, piece = np.empty(len(starts)), max(1, _ROOM // window)
    if len(starts):
        windows = sliding_window_view(np.diff(np.log(closes)), window)
        for i in range(0, len(starts), piece):
            # In rows of their own, so that numpy adds each up as it adds up one alone.
            made[i : i + piece] = np.std(np.ascontiguousarray(windows[starts[i : i + piece]]), axis=1, ddof=1)
    return made


def _sigma_before(closes: Floats, window: int) -> Floats:
    """Standard deviation of the log returns of the ``window`` bars before each, or of as many as there are."""
    made, n = np.zeros(len(closes)), len(closes)
    for bar in range(3, min(window + 1, n)):
        made[bar] = np.std(np.diff(np.log(closes[:bar])), ddof=1)
    if n > window + 1:
        made[window + 1 :] = _deviations(closes, window, np.arange(n - window - 1))
    return made


def rates_for(config: RunConfig) -> Any:
    """The funding rates of the traded feed: its instrument's own, else those of the broker block; None for none."""
    return funding_of(config).get(config.traded.name)


def _payments(config: RunConfig, bars: Bars) -> Floats:
    """When funding is due, its rate and mark price."""
    rates = rates_for(config)
    if rates is None:
        return np.zeros((3, 0))
    due = rates.between(int(bars["open_time"][0]), int(bars["close_time"][-1]))
    return np.ascontiguousarray(np.array(due, dtype=np.float64).reshape(-1, 3).T)


def bits_of(said: RuleSignals, foreign: NDArray[np.bool_], shut: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """What is to be known of each bar before anything is decided, as bits of `layout`; (n + 1,).

    Parameters
    ----------
    said : RuleSignals
        What the rules say.
    foreign : ndarray of bool, (n + 1,)
        Whether bars of other feeds alone come before a bar, and after the last.
    shut : ndarray of bool, (n,)
        In which bars orders wait.
    """
    # Multiplied, which numpy does to many at a time, where it shifts one after the other.
    made: NDArray[np.uint8] = foreign.view(np.uint8) * np.uint8(1 << FOREIGN)
    now = made[:-1]
    now |= said.entering()
    now |= said.leaving() * np.uint8(1 << EXITS)
    now |= shut.view(np.uint8) * np.uint8(1 << SHUT)
    return made


def costs_in(config: RunConfig) -> Floats:
    """What trading costs, and to what lots orders are cut."""
    lot = sizing(None, 1.0, config.traded.lot, config.traded.min_notional)
    return np.array([*costs_of(config.traded), *lot[[lots.STEP, lots.SCALE, lots.SMALLEST]]])


def true_range(tables: Tables, period: int) -> Floats:
    """The average true ranges of the traded feed that distances ask for."""
    return np.asarray(tables.indicators[title_of_range(period)].table[0])

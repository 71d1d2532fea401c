"""Rules: a whole strategy as expressions in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..core.errors import ExpressionError
from ..core.names import STATE, Names, state_taken
from ..core.params import Bound, Choice, Rule
from .framework.answers import SIDES, TIFS
from .framework.base import Strategy
from .framework.guards import SETTINGS, Guards
from .framework.lines import Lines
from .framework.plan import Plan
from .framework.signals import Signals
from .rule_language.expressions import Expression
from .rule_language.functions import FUNCTIONS
from .rule_language.guard_bounds import BreakEvenAfter, DistanceOrPrice, Targets, Trailing
from .rule_language.orders import RulePlan, answers_of, reasons
from .rule_language.schema import (
    ExpressionText,
    Named,
    NamedRules,
    NumberOrExpression,
    Rulebook,
    SideRule,
    asked,
    entries_of,
    expressions,
    known,
    places_of_entries,
    prices,
    protected,
)

_PROTECTION: Mapping[str, Rule] = dict(
    stop_loss=DistanceOrPrice(),
    take_profit=Targets(),
    trailing_stop=Trailing(),
    time_stop=Bound(1, integer=True, optional=True),
    break_even=BreakEvenAfter(),
)
"""What an entry may say of the protection of its position, and the strategy of every position."""


class Rules(Strategy):
    """Entries and exits as expressions, long, short or both.

    A rule is looked at when a bar of the first feed has closed; what it orders fills at the next bar's open. Rules
    are looked at in their order, `long` and `short` before the named ones, and one acts a bar.

    - While flat: the first entry that is true. Where entries of both sides are true at once, none acts.
    - In a position: the first exit of its side that is true, else the time stop, else, with ``pyramiding`` above 1,
      the first entry of its side that is true.
    - Where the whole position is left, the first entry of the other side that is true is sent behind the exit.

    Parameters
    ----------
    long : mapping, default=None
        ``enter`` and, if wished, ``exit``, as expressions; null for no such trades. The orders are called
        ``long.enter`` and ``long.exit``. Besides, what protects such positions, by the names of the last parameters.
    short : mapping, default=None
        The same for short trades.
    entries : mapping, default=None
        Entry rules by name, which is what their orders are called. Each has ``long``, ``short`` or both: expressions;
        ``size``: how many times what the sizer gives, a number or an expression, 1 when left out; ``limit``: the
        price of a limit order, ``stop``: that of a stop, with both of a stop that becomes a limit order, expressions,
        a market order when left out; ``valid``: bars for which it rests, 1 when left out, or instead ``tif``: ``gtc``,
        ``ioc`` or ``day``; ``post_only``: whether a limit order is rejected where it would trade on arrival. Besides,
        what protects its position, by the names of the last parameters.
    exits : mapping, default=None
        Exit rules by name. Each has ``long``, ``short`` or both; ``share``: what part of the position to close, from
        0 to 1, in whole lots, 1 when left out; ``limit``: the price of a limit order, an expression, a market order
        when left out; ``valid``: bars for which it rests, 1 when left out. A part is closed once a position.
    values : mapping, default=None
        Numbers by name, for expressions to read; what a sweep or ``--set strategy.params.values.name=…`` changes.
    names : mapping, default=None
        Expressions by name, for other expressions to read.
    cooldown : int, default=0
        Bars, from the one in which a position ended, whose entries are left alone.
    pyramiding : int, default=1
        Most entries of one position, resting ones included.
    reverse : bool, default=None
        Whether one bar may leave one side and enter the other; null for yes, but not with a ``cooldown``.
    break_even : amount or mapping, default=None
        ``after`` which gain the stop is moved, and how far beyond the entry price it is moved ``to``, 0 when left out;
        or the gain alone.
    stop_loss : amount or expression, default=None
        Distance of a stop from the entry price, as ``0.5%``, ``20bp``, ``10ticks`` or a price distance; or an
        expression that gives its price, as it is when the entry is sent.
    take_profit : amount, expression or list, default=None
        The same of a limit order; or several as ``{at, share}``, the share being of what is protected.
    trailing_stop : amount or mapping, default=None
        Distance of a stop that follows the close; or what it follows ``by``, ``closes``, ``highs`` (of a short position
        lows) or an expression that gives a price, and at which ``distance``.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Notes
    -----
    Every expression may read the position as it is at the close: ``position``, its signed size, ``entry_price``,
    ``bars_held``, ``pnl``, ``peak`` and ``drawdown``.

    An entry whose ``size`` or price is unknown or not above 0 does not act. A resting entry is withdrawn when its
    bars are over, and when an exit closes the position. A position with several entries is protected as the last one
    says, from its price on. What an entry says of protection goes before the run's ``risk`` block, and that before the
    strategy's parameters.

    Examples
    --------
    In YAML::

        strategy:
          kind: Rules
          params:
            long: {enter: "close < vwap.lower1 and delta > 0", exit: "close >= vwap"}
            stop_loss: 0.5%

    With names::

        strategy:
          kind: Rules
          params:
            entries:
              breakout: {long: "crossover(close, highest(high, 60)[1])", short: "crossunder(close, lowest(low, 60)[1])"}
              dip: {long: "zscore(close, 120) < -2", limit: "close - 5", valid: 3, size: 0.5}
            exits:
              half: {long: "close > vwap.upper1", short: "close < vwap.lower1", share: 0.5}
              flow: {long: "sum(delta, 5) < 0", short: "sum(delta, 5) > 0"}
            cooldown: 10
            pyramiding: 2
    """

    params = dict(
        long=None, short=None, entries=None, exits=None, values=None, names=None, cooldown=0, pyramiding=1,
        reverse=None, break_even=None,
    )  # fmt: skip
    bounds = dict(
        long=SideRule(_PROTECTION),
        short=SideRule(_PROTECTION),
        entries=NamedRules(
            {
                "size": NumberOrExpression(),
                "limit": ExpressionText(),
                "stop": ExpressionText(),
                "valid": Bound(1, integer=True),
                "tif": Choice(*TIFS),
                "post_only": Choice(True, False),
                **_PROTECTION,
            }
        ),
        exits=NamedRules(
            {"share": Bound(0, 1, open_low=True), "limit": ExpressionText(), "valid": Bound(1, integer=True)}
        ),
        values=Named("numbers", Bound()),
        names=Named("expressions", ExpressionText()),
        cooldown=Bound(0, integer=True),
        pyramiding=Bound(1, integer=True),
        reverse=Choice(True, False, None),
        **_PROTECTION,
    )
    protected_by = SETTINGS

    @classmethod
    def validate(cls, params: Mapping[str, Any], names: Names) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Parse every expression; complain where one cannot be."""
        if all(params.get(block) is None for block in (*SIDES, "entries")):
            yield ("long",), "there is no rule: give `long`, `short` or `entries`"
        read, wrong = set[str](), False
        for where, text in expressions(params):
            try:
                made = Expression(text, known(params, names))
                read |= made.values_read
            except ExpressionError as err:
                wrong = True
                yield where, str(err)
        for place, text in prices(params):
            try:
                made = Expression(text, known(params, names))
                read |= made.values_read
                if made.program is not None:
                    yield place, "reads the state of a position, which there is none of when the entry is sent"
            except ExpressionError as err:
                wrong = True
                yield place, str(err)
        taken = (names.columns, names.lines, names.feeds, FUNCTIONS)
        for block, name in [(kind, name) for kind in ("values", "names") for name in params.get(kind) or {}]:
            if name in STATE:
                yield (block, name), state_taken(name)
            elif any(name in others for others in taken):
                yield (block, name), f"'{name}' is a column, an indicator, a feed or a function; take another name"
            elif block == "names" and name in (params.get("values") or {}):
                yield (block, name), f"'{name}' is a number of `values` already; take another name"
            elif name not in read and not wrong:
                yield (block, name), f"no rule reads '{name}'"
        for name, rule in (params.get("entries") or {}).items():
            yield from ((("entries", name, key), text) for key, text in _resting(rule))
        for name, rule in (params.get("exits") or {}).items():
            if "valid" in rule and "limit" not in rule:
                yield ("exits", name, "valid"), "goes with `limit`: a market order does not rest"
            if name in (params.get("entries") or {}):
                yield ("exits", name), f"an entry is called '{name}' already, and orders go by that name; take another"
        if params.get("reverse") and params.get("cooldown"):
            yield ("reverse",), "a cooldown keeps entries away from the bar of an exit: leave out one of the two"

    @classmethod
    def guards_in(cls, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[tuple[str, Guards]]:
        """What protects the position of each entry, by the entry's name."""
        entries = dict(entries_of(params)) if cls.by_rules(params) else {}
        if not entries:
            yield from super().guards_in(params, settings)
        yield from ((name, protected(rule, settings)[0]) for name, rule in entries.items())

    @classmethod
    def protection_in(cls, said: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, Guards]]:
        """Where parameters or a risk block say something of protection; entries by themselves too."""
        yield from super().protection_in(said)
        for place, rule in places_of_entries(said):
            for _, name, guards in super().protection_in(rule):
                yield place, name, guards

    @classmethod
    def reversing(cls, params: Mapping[str, Any]) -> bool:
        """Whether a bar may leave one side and enter the other."""
        asked_for = params.get("reverse")
        return not params.get("cooldown") if asked_for is None else bool(asked_for)

    @staticmethod
    def wrong_number(text: str, names: Names) -> str:
        """What is wrong with an expression over ``names``; empty for nothing."""
        try:
            Expression(text, names)
        except ExpressionError as err:
            return str(err)
        return ""

    @classmethod
    def by_rules(cls, params: Mapping[str, Any]) -> bool:
        """Whether the rules of ``params`` are followed, rather than signals that a subclass has of its own."""
        return cls.signals is Rules.signals or any(reasons(params))

    @staticmethod
    def planned_by(strategy: Any) -> Plan:
        """What follows the rules."""
        return RulePlan(strategy) if strategy.by_rules(asked(strategy.p)) else Plan(strategy)

    def signals(self, lines: Lines) -> Signals:
        """Where an entry and where an exit is true, by side."""
        book = Rulebook.of(asked(self.p), lines.names)
        return Signals(**answers_of(book, lines).masks()._asdict())


def _resting(rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with how long an entry rests, by the key."""
    limited, stopped = "limit" in rule, "stop" in rule
    for key in ("valid", "tif"):
        if key in rule and not (limited or stopped):
            yield key, "goes with `limit` or `stop`: a market order does not rest"
    if "valid" in rule and "tif" in rule:
        yield "tif", f"says how long the order rests, as `valid: {rule['valid']}` does; leave out one of the two"
    if rule.get("tif") == "ioc" and stopped:
        yield "tif", "ioc is of a limit order: one that waits for its `stop` does not trade at once"
    if rule.get("post_only"):
        if not limited or stopped:
            yield "post_only", "is of a limit order: give `limit`, and no `stop`"
        elif rule.get("tif") == "ioc":
            yield "post_only", "is never filled at once, and tif: ioc only then; leave out one of the two"

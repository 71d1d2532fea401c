"""Rules: a whole strategy as expressions in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..core.errors import ExpressionError
from ..core.names import STATE, Names, state_taken
from ..core.params import Bound, Choice
from .framework.answers import SIDES
from .framework.base import Strategy
from .framework.lines import Lines
from .framework.plan import Plan
from .framework.signals import Signals
from .rule_language.expressions import Expression
from .rule_language.functions import FUNCTIONS
from .rule_language.orders import RulePlan, answers_of, reasons
from .rule_language.schema import (
    ExpressionText,
    Named,
    NamedRules,
    NumberOrExpression,
    Rulebook,
    SideRule,
    asked,
    expressions,
    known,
)


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
        ``long.enter`` and ``long.exit``.
    short : mapping, default=None
        The same for short trades.
    entries : mapping, default=None
        Entry rules by name, which is what their orders are called. Each has ``long``, ``short`` or both: expressions;
        ``size``: how many times what the sizer gives, a number or an expression, 1 when left out; ``limit``: the
        price of a limit order, ``stop``: that of a stop, with both of a stop that becomes a limit order, expressions,
        a market order when left out; ``valid``: bars for which it rests, 1 when left out.
    exits : mapping, default=None
        Exit rules by name. Each has ``long``, ``short`` or both; ``share``: what part of the position to close, from
        0 to 1, in whole lots, 1 when left out. A part is closed once a position; protection then follows what is left.
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
    stop_loss : amount, default=None
        Distance of a stop from the entry price, as ``0.5%``, ``20bp``, ``10ticks`` or a price distance.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Notes
    -----
    Every expression may read the position as it is at the close: ``position``, its signed size, ``entry_price``,
    ``bars_held``, ``pnl``, ``peak`` and ``drawdown``.

    An entry whose ``size`` or ``limit`` is unknown or not above 0 does not act. A resting entry is withdrawn when its
    bars are over, and when an exit closes the position. Stops of a position with several entries are measured from
    the last one.

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
        long=None, short=None, entries=None, exits=None, values=None, names=None, cooldown=0, pyramiding=1, reverse=None
    )
    bounds = dict(
        long=SideRule(),
        short=SideRule(),
        entries=NamedRules(
            {
                "size": NumberOrExpression(),
                "limit": ExpressionText(),
                "stop": ExpressionText(),
                "valid": Bound(1, integer=True),
            }
        ),
        exits=NamedRules({"share": Bound(0, 1, open_low=True)}),
        values=Named("numbers", Bound()),
        names=Named("expressions", ExpressionText()),
        cooldown=Bound(0, integer=True),
        pyramiding=Bound(1, integer=True),
        reverse=Choice(True, False, None),
    )

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
            if "valid" in rule and not {"limit", "stop"} & {*rule}:
                yield ("entries", name, "valid"), "goes with `limit` or `stop`: a market order does not rest"
        for name in params.get("exits") or {}:
            if name in (params.get("entries") or {}):
                yield ("exits", name), f"an entry is called '{name}' already, and orders go by that name; take another"
        if params.get("reverse") and params.get("cooldown"):
            yield ("reverse",), "a cooldown keeps entries away from the bar of an exit: leave out one of the two"

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

"""What a strategy is: a backtrader strategy whose indicators, sizes and exits may come from YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import backtrader as bt

from ...core.distances import Measure, Protective
from ...core.errors import DataError, InputError, unknown
from ...core.names import Names
from ...core.params import Bound, Rule, plain_values
from ...core.plugins.registry import INDICATORS, STRATEGIES
from ...core.trading import first_bar
from ...indicators.framework.dependencies import in_order, lines_read, spelled_out
from .desks import NOT_AWAITED, Desk, OwnFeeds, feeds_of, is_traded_beside
from .guards import BASIC, Guards
from .hooks import is_ruined, keep_machinery
from .limits import AT_ONCE, apply_limits, is_market
from .lines import Lines
from .nested import feed_of, walk
from .plan import Plan
from .protection import Risk, settings_of, true_ranges
from .signals import Signals
from .wake import SkipHint


@dataclass(frozen=True)
class Use:
    """An indicator a strategy works with: its kind, its parameters, the feed it reads.

    Parameters
    ----------
    kind : str
        Class name of the indicator, or ``talib.NAME``.
    params : mapping
        Its parameters.
    data : str
        Name of the feed; empty for the first.

    Examples
    --------
    >>> Use("VWAP", {"anchor": "1d"}).kind
    'VWAP'
    """

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""


class _Meta(type(bt.Strategy)):  # type: ignore[misc]
    """Makes a strategy's indicators before its ``__init__`` runs, so that ``self.vwap`` is there.

    Where one class trades several feeds of a run, each on its own, ``desk`` says which this one does.
    """

    def donew(cls, *datas: Any, desk: Desk | None = None, **kwargs: Any) -> Any:
        made = super().donew(*(datas if desk is None else feeds_of(cls, datas, desk)), **kwargs)
        made[0].desk = desk
        if desk is not None:
            made[0].datas = OwnFeeds(made[0].datas, desk.others)
        return made

    def dopreinit(cls, _obj: Any, *args: Any, **kwargs: Any) -> Any:
        _obj, args, kwargs = super().dopreinit(_obj, *args, **kwargs)
        uses = {**cls.uses, **getattr(_obj.cerebro, "indicator_blocks", {})}
        made = _made(_obj, uses)
        _obj.indicators = _obj._made = {name: made[name] for name in uses}
        for name, indicator in _obj.indicators.items():
            setattr(_obj, name, indicator)
        _obj.true_ranges = true_ranges(_obj, _obj.datas if _obj.decides_itself() else _obj.datas[:1])
        return _obj, args, kwargs


def _made(strategy: Any, uses: Mapping[str, Use]) -> dict[str, Any]:
    """The indicators, each after those whose lines it reads."""
    asked = {name: (INDICATORS.find(use.kind), use.params) for name, use in uses.items()}
    made: dict[str, Any] = {}
    for name in in_order(asked):
        cls, params = asked[name]
        lines = {other: indicator.getlinealiases() for other, indicator in made.items()}
        own = spelled_out(cls, params, lines)
        read = [_line(made, text) for text in lines_read(cls, own)]
        data = strategy.getdatabyname(uses[name].data) if uses[name].data else strategy.data
        if not any(data is one for one in strategy.datas):
            raise InputError(
                f"{name}: reads {data._name}, which is traded beside {strategy.data._name}; a strategy with a next of "
                "its own reads feeds that are not traded: give its indicator no data, or write signals()"
            )
        made[name] = cls(data, *read, **own)
    return made


def _line(made: Mapping[str, Any], text: str) -> Any:
    """The line ``name.line`` of the indicators in ``made``."""
    name, _, line = text.partition(".")
    if name not in made:
        raise InputError(f"'{text}': {unknown('indicator', name, made)}")
    if line not in made[name].getlinealiases():
        raise InputError(f"'{text}': {unknown('line', line, made[name].getlinealiases())}")
    return getattr(made[name].lines, line)


class Strategy(bt.Strategy, metaclass=_Meta):
    """A backtrader strategy that YAML can configure.

    Subclass it, declare the indicators it works with in ``uses``, and say in `signals` for all bars at once on
    which to act; or decide bar by bar in ``next``. Each of ``uses`` is an attribute of its name in ``next`` and
    a name of `Lines` in `signals`; the run's YAML may replace any of them, or add more. Every feature of
    ``backtrader.Strategy`` stays usable, and no hook has to call ``super()``.

    Parameters
    ----------
    stop_loss : amount, default=None
        Distance of a stop from the entry price, as ``0.5%``, ``20bp``, ``10ticks``, ``2 atr`` or a price distance.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Notes
    -----
    Protective orders are sent when the entry has filled and work from then on, on the rest of that bar as
    ``fills.inside`` says; in a broker of backtrader's own from the following bar on. When a bar touches stop and
    target, the stop fills.

    Examples
    --------
    >>> class _Turn(Strategy):
    ...     params = dict(least=0.0)
    ...     uses = dict(vwap=Use("VWAP", {"anchor": "1d"}), delta=Use("VolumeDelta"))
    ...
    ...     def signals(self, lines):
    ...         low, bought = lines["close"] < lines["vwap"], lines["delta"] > self.p.least
    ...         return Signals(long_entry=low & bought, long_exit=~low)
    >>> from types import SimpleNamespace
    >>> author = SimpleNamespace(p=SimpleNamespace(least=0.0))
    >>> made = _Turn.signals(author, Lines.of(close=[9.0, 9.0, 11.0], vwap=[10.0] * 3, delta=[-1.0, 2.0, 1.0]))
    >>> made.long_entry.tolist()
    [False, True, False]
    """

    params: Any = dict(stop_loss=None, take_profit=None, trailing_stop=None, time_stop=None)
    bounds: Mapping[str, Rule] = dict(
        stop_loss=Protective(),
        take_profit=Protective(),
        trailing_stop=Protective(),
        time_stop=Bound(1, integer=True, optional=True),
    )
    uses: Mapping[str, Use] = {}
    authors_own: frozenset[str] = frozenset()
    """Parameters called as ours that an adopted class had for itself, and that protect nothing."""
    protected_by: tuple[str, ...] = BASIC
    """Parameters that protect positions."""
    reads_adjusted = False
    """Whether a `next` of one's own reads ``data.adjusted_close`` where a stock pays dividends, as indicators do."""
    indicators: dict[str, Any]
    _nested: list[Any] | None = None
    _made: dict[str, Any]
    _protection: Any = None
    _minperiods: list[int]
    _guards: dict[Any, Risk]
    _plan: Plan | None = None
    _heard: Any = None
    _decides = False
    desk: Desk | None = None
    """Which feed it trades, where its class trades several feeds of a run, each on its own."""
    _seen: Any = None
    """What its signals were last made of, where desks look at each other."""
    _turn = False
    _lengths: tuple[int, ...] = ()
    reverses = False
    """Whether a bar on which `signals` leave one side and enter the other does both, or enters nothing yet."""
    planned_by: Callable[[Any], Plan] = Plan
    """What follows the signals; called with the strategy."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        inherited: dict[str, Rule] = {}
        for base in reversed(cls.__mro__[1:]):
            inherited.update(base.__dict__.get("bounds", {}))
        cls.bounds = {**inherited, **cls.__dict__.get("bounds", {})}
        keep_machinery(cls, Strategy)
        STRATEGIES.add(cls)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every parameter that YAML can hold, with its default."""
        return plain_values(dict(cls.params._getitems()))

    @classmethod
    def validate(cls, params: Mapping[str, Any], names: Names) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Complaints beyond bounds, each with its place inside ``params``; none by default."""
        return ()

    @classmethod
    def only_in_backtrader(cls, params: Mapping[str, Any]) -> str:
        """What of ``params``, the defaults left out, the compiled engine cannot do exactly; for authors to say."""
        return ""

    @classmethod
    def reversing(cls, params: Mapping[str, Any]) -> bool:
        """Whether a bar may leave one side and enter the other; by the class, or its ``params``."""
        return cls.reverses

    @classmethod
    def guards_in(cls, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[tuple[str, Guards]]:
        """What protects the positions of each entry of ``params``, by its name, where ``settings`` hold for all."""
        yield "", Guards.of(settings)[0]

    @classmethod
    def protection_in(cls, said: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str, Guards]]:
        """Where parameters or a risk block say something of protection: the place, the key, and what it says."""
        for name in cls.protected_by:
            if said.get(name) is not None and name not in cls.authors_own:
                try:
                    yield (), name, Guards.of({name: said[name]})[0]
                except ValueError:
                    continue  # a parameter of one's own that has this name and another meaning

    @classmethod
    def measures_in(cls, params: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Measure]:
        """The distances that protection asks for."""
        return [one for _, guards in cls.guards_in(params, settings) for one in guards.measures()]

    def rests(self) -> bool:
        """Whether no feed that it follows has a bar at this step, so that nothing is news to it."""
        before, self._lengths = self._lengths, tuple(map(len, self._followed))
        return self._lengths == before or not any(self._lengths)

    @cached_property
    def _followed(self) -> list[Any]:
        """Its feeds but those that are traded beside it, whose bars are no bars of its own."""
        return [data for data in self.datas if not is_traded_beside(self, data)]

    def has_turn(self) -> bool:
        """Whether it was called at this step to decide; asked once."""
        turn, self._turn = self._turn, False
        return turn

    def _oncepost(self, dt: float) -> None:
        """Move nested indicators along too; backtrader leaves them where they show the last bar of all."""
        if self.desk is not None and self.rests():
            return
        for indicator in self._parts():
            if len(indicator._clock) > len(indicator):
                indicator.advance()
        super()._oncepost(dt)

    def _parts(self) -> list[Any]:
        if self._nested is None:
            self._nested = list(walk(self._lineiterators[bt.LineIterator.IndType]))
        return self._nested

    @classmethod
    def decides_itself(cls) -> bool:
        """Whether it decides bar by bar, in a ``next`` of its own, and so may trade any feed."""
        return cls.next is not Strategy.next

    def _periodset(self) -> None:
        """Wait for what is read of every feed; what measures protection of further feeds is waited for by none."""
        own = self._lineiterators[bt.LineIterator.IndType]
        further = {id(made) for (data, _), made in self.true_ranges.items() if data is not self.data}
        self._lineiterators[bt.LineIterator.IndType] = [made for made in own if id(made) not in further]
        super()._periodset()
        self._lineiterators[bt.LineIterator.IndType] = own
        if self.desk is not None:
            read = {id(feed_of(indicator, self.datas)) for indicator in self._parts()}
            idle = [is_traded_beside(self, data) and id(data) not in read for data in self.datas]
            self._minperiods = [NOT_AWAITED if i else n for i, n in zip(idle, self._minperiods, strict=True)]
        since = getattr(self.cerebro, "trade_from", None)
        if since is not None:
            own = next(i for i, data in enumerate(self.datas) if data is self.data)
            self._minperiods[own] = max(self._minperiods[own], first_bar(self.data.bars["close_time"], since) + 1)

    def start(self) -> None:
        """Called before the first bar; an own one need not call this."""
        self._prepare()

    def _prepare(self) -> None:
        """Refuse data too short for the warm-up, and lay out the protection; once."""
        if self._protection is not None:
            return
        if self.indicators is not self._made:
            raise InputError(f"{type(self).__name__}: self.indicators is what `uses` made; call yours something else")
        for data, needed in zip(self.datas, self._minperiods, strict=True):
            if needed == NOT_AWAITED:
                continue
            bars = data.buflen() or len(data)
            if bars and bars < needed:
                name = data._name or "the feed"
                raise DataError(f"{name}: {bars} bars, but the indicators need {needed} before the first value")
        self._protection = Risk(self, self.data)
        self._guards = {self.data: self._protection}
        apply_limits(self, settings_of(self))
        self._plan = self.planned_by(self) if type(self).signals is not Strategy.signals else None

    def notify_order(self, order: Any) -> None:
        """Called with the news of an order; an own one need not call this."""
        if self._heard is not order:
            self._hear(order)

    def _hear(self, order: Any) -> None:
        """Place protection behind an entry that filled, take it away when the position is gone."""
        self.protection_of(order.data).notify(order)
        if self._plan is not None:
            self._plan.notify(order)

    def protection_of(self, data: Any = None) -> Risk:
        """The protection of the position in a feed, or in the feed of a name; in the first when None."""
        data = self._feed(data)
        if data not in self._guards:
            self._guards[data] = Risk(self, data)
        return self._guards[data]

    def protect_fill(self, order: Any) -> list[Any]:
        """Send the protection of what ``order`` has opened, the moment it has filled; what was sent."""
        return self.protection_of(order.data).at_fill(order)

    def _feed(self, data: Any = None) -> Any:
        """A feed that orders may name by its name, or leave out."""
        return self.data if data is None else self.getdatabyname(data) if isinstance(data, str) else data

    def _withdraw(self) -> None:
        """Cancel the protection of every position."""
        for guard in self._guards.values():
            guard.withdraw()

    def _settle(self) -> None:
        """After the author has decided: close what has been held for ``time_stop`` bars, protect what is new."""
        for data, guard in self._guards.items():
            if guard.expired() and not self._leaves(data):
                Strategy.exit(self, reason="time_stop", **({} if data is self.data else {"data": data}))
            guard.settle()

    def _leaves(self, data: Any) -> bool:
        """Whether a market order that closes the position in ``data``, or a part of it, is on its way."""
        broker, long = self.broker, self.getposition(data).size > 0
        return any(
            order.data is data and order.isbuy() != long and order.exectype in AT_ONCE
            for order in (*broker.pending, *broker.submitted)
            if order is not None
        )

    def signals(self, lines: Lines) -> Signals:
        """On which bars to enter and to leave, for all bars at once; written instead of ``next``.

        Whoever writes it gains the compiled engine, and an engine that leaves out bars on which nothing can
        happen. It is asked once, with every line over all bars, and reads nothing but ``lines`` and ``self.p``.
        Orders are the class's own: entries at market, sized by the run's sizer, while flat; exits at market;
        protection and time stop as the parameters say.

        Parameters
        ----------
        lines : Lines
            Columns and indicators by the names that rules use, as ``lines["vwap.upper1"]``.

        Returns
        -------
        Signals
            Each array a function of what is known at the close of its own bar. A comparison with NaN is false,
            and its negation true: say ``a < b`` rather than ``~(a >= b)`` where a warm-up may be.
        """
        return Signals()

    def next(self) -> None:
        """Do what `signals` say; a strategy that decides bar by bar has its own."""
        if self.desk is not None:
            self._turn = True
        elif self._plan is not None and not is_ruined(self):
            self._plan.act()
            self._protection.settle()

    def wake(self) -> SkipHint | None:
        """The bars on which ``next`` may act, known before the first; None where that is not known.

        Engines may then leave out the others. Asked once the indicators are computed over all bars.
        """
        return None if self._plan is None else self._plan.wake()

    def overdue(self) -> int:
        """The bar, from 0, from which on `timed_out` closes the position held."""
        return int(self._protection.due())

    def buy(self, data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """backtrader's ``buy``; what the run's sizer sizes may be cut to what the account can pay."""
        self._check_own(data)
        return super().buy(data, size, *args, **self._marked(size), **kwargs)

    def sell(self, data: Any = None, size: float | None = None, *args: Any, **kwargs: Any) -> Any:
        """backtrader's ``sell``; what the run's sizer sizes may be cut to what the account can cover."""
        self._check_own(data)
        return super().sell(data, size, *args, **self._marked(size), **kwargs)

    def _check_own(self, data: Any) -> None:
        """Refuse an order on another feed than its desk's."""
        if self.desk is not None and (other := self._feed(data)) is not self.data:
            raise InputError(
                f"{type(self).__name__}: sends an order on {other._name} where it trades {self.desk.feed}: `trade` has "
                "a class trade each feed on its own; leave trade out for a class that trades several"
            )

    def _marked(self, size: float | None) -> dict[str, bool]:
        return {"sized": True} if size is None and getattr(self._sizer, "cuts", False) else {}

    def enter_long(self, reason: str = "long.enter", **kwargs: Any) -> Any:
        """Buy at market, sized by the run's sizer; ``reason`` travels into orders.parquet.

        ``data=`` trades another feed than the first, by its own steps and costs, with protection of its own.
        """
        if not is_market(kwargs):
            return self.buy(reason=reason, **kwargs)
        return self.protection_of(kwargs.get("data")).enter(lambda: self.buy(reason=reason, **kwargs))

    def enter_short(self, reason: str = "short.enter", **kwargs: Any) -> Any:
        """Sell at market, sized by the run's sizer."""
        if not is_market(kwargs):
            return self.sell(reason=reason, **kwargs)
        return self.protection_of(kwargs.get("data")).enter(lambda: self.sell(reason=reason, **kwargs))

    def exit(self, reason: str = "exit", **kwargs: Any) -> Any:
        """Close the position at market and withdraw its protection."""
        guard = self.protection_of(kwargs.get("data"))
        guard.withdraw()
        if not is_market(kwargs) or "size" in kwargs:
            return self.close(reason=reason, **kwargs)
        return guard.leave(lambda: self.close(reason=reason, **kwargs))

    def timed_out(self) -> bool:
        """Close a position held for ``time_stop`` bars; true when it did."""
        if not self._protection.expired():
            return False
        self.exit(reason="time_stop")
        return True

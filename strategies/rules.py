"""Rules: a whole strategy as expressions in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..core.errors import ExpressionError, nearest
from ..core.names import Names
from .base import Strategy
from .expressions import Array, Expression, Ref
from .wake import Mask, Wake

SIDES = ("long", "short")
KEYS = ("enter", "exit")
NAN = float("nan")


class SideRule:
    """Bound of ``long`` and ``short``: null, or a mapping with ``enter`` and, if wished, ``exit``."""

    def check(self, value: Any) -> str:
        """Empty when ``value`` is legal, else what a legal one is."""
        if value is None:
            return ""
        if not isinstance(value, Mapping):
            return f"must be {self.describe()}"
        for key in value:
            if key not in KEYS:
                near = nearest(str(key), KEYS)
                hint = f", did you mean '{near}'?" if near else ""
                return f"has an unknown key '{key}'{hint} (allowed: {', '.join(KEYS)})"
        return "" if "enter" in value else "lacks the key 'enter'"

    def describe(self) -> str:
        """What a legal value is, in words."""
        return "a mapping of `enter` and, if wished, `exit`, each an expression, or null"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a legal value."""
        rule = {"type": "string", "description": "an expression over columns and indicators' lines"}
        side = {
            "type": "object",
            "properties": {"enter": rule, "exit": {**rule, "type": ["string", "null"]}},
            "required": ["enter"],
            "additionalProperties": False,
        }
        return {"anyOf": [side, {"type": "null"}]}


class Rules(Strategy):
    """Entries and exits as expressions, long, short or both.

    A rule is looked at when a bar has closed; what it orders fills at the next bar's open. An entry
    counts only while flat. Where both sides' entries are true at once, neither trades.

    Parameters
    ----------
    long : mapping, default=None
        ``enter`` and, if wished, ``exit``, as expressions; null for no long trades.
    short : mapping, default=None
        The same for short trades.
    stop_loss : amount, default=None
        Distance of a stop from the entry price, as ``0.5%``, ``20bp``, ``10ticks`` or a price distance.
    take_profit : amount, default=None
        Distance of a limit order from the entry price.
    trailing_stop : amount, default=None
        Distance of a stop that follows the close.
    time_stop : int, default=None
        Bars after which a position is closed at market.

    Examples
    --------
    In YAML::

        strategy:
          kind: Rules
          params:
            long: {enter: "close < vwap.lower1 and delta > 0", exit: "close >= vwap"}
            stop_loss: 0.5%
    """

    params = dict(long=None, short=None)
    bounds = dict(long=SideRule(), short=SideRule())

    @classmethod
    def validate(cls, params: Mapping[str, Any], names: Names) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Parse every expression; complain where one cannot be."""
        if params.get("long") is None and params.get("short") is None:
            yield ("long",), "there is no rule: give `long`, `short` or both"
        for side in SIDES:
            for key, text in (params.get(side) or {}).items():
                if text is None and key == "exit":
                    continue
                try:
                    Expression(text, names)
                except ExpressionError as err:
                    yield (side, key), str(err)

    def __init__(self) -> None:
        names = Names(
            tuple(self.data.getlinealiases()),
            {name: tuple(made.lines.getlinealiases()) for name, made in self.indicators.items()},
        )
        self._rules = {
            f"{side}.{key}": Expression(text, names)
            for side in SIDES
            for key, text in (getattr(self.p, side) or {}).items()
            if text is not None
        }
        self._true: dict[str, Mask] | None = None
        self._bars = 0

    def signals(self) -> dict[str, Mask]:
        """Where each rule is true, as arrays over all bars of the first feed."""
        bars = self.data.buflen()
        return {name: np.broadcast_to(rule.over(self._column), bars) for name, rule in self._rules.items()}

    def wake(self) -> Wake | None:
        """While flat the bars on which one side's entry is true, in a position those of its exit."""
        if not self._whole():
            return None
        self._true = self.signals()
        never = np.zeros(self.data.buflen(), dtype=bool)
        enters = (self._true.get(f"{side}.enter", never) for side in SIDES)
        leaves = (self._true.get(f"{side}.exit", never) for side in SIDES)
        return Wake(np.logical_xor(*enters), *leaves)

    def next(self) -> None:
        """Exit, or enter while flat, once a bar of the first feed; bars of other feeds in between change nothing."""
        if len(self.data) == self._bars:
            return
        self._bars = len(self.data)
        size = self.position.size
        if size:
            side = "long" if size > 0 else "short"
            if self._fires(f"{side}.exit"):
                self.exit(reason=f"{side}.exit")
            else:
                self.timed_out()
            return
        long, short = self._fires("long.enter"), self._fires("short.enter")
        if long and not short:
            self.enter_long()
        elif short and not long:
            self.enter_short()

    def _fires(self, name: str) -> bool:
        rule = self._rules.get(name)
        if rule is None:
            return False
        if self._whole():
            if self._true is None:
                self._true = self.signals()
            return bool(self._true[name][len(self) - 1])
        return rule.at(self._fetch)

    def _whole(self) -> bool:
        """Whether every line this strategy reads is computed ahead, on the clock of the first feed."""
        if len(self.datas) > 1:
            return False
        return bool(self.cerebro._dorunonce and self.data.buflen())

    def _line(self, ref: Ref) -> Any:
        owner = self.indicators[ref[0]] if ref[0] else self.data
        return getattr(owner.lines, ref[1])

    def _column(self, ref: Ref) -> Array:
        line = self._line(ref)
        return np.array(line.array[: self.data.buflen()], dtype=np.float64)

    def _fetch(self, ref: Ref, ago: int) -> float:
        line = self._line(ref)
        return float(line[-ago]) if len(line) > ago else NAN

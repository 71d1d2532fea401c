"""What strategies say of all bars, asked without backtrader."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ....core.errors import DataError
from ....strategies.framework.answers import Answers
from ....strategies.framework.lines import Lines
from ....strategies.framework.signals import Signals
from ....strategies.rule_language.orders import answers_of
from ....strategies.rule_language.schema import Rulebook
from ....strategies.rules import Rules


class NotCompiledError(DataError):
    """The compiled engine cannot run something exactly.

    Parameters
    ----------
    why : str
        What, and why.
    """

    def __init__(self, why: str) -> None:
        super().__init__(f"engine compiled: {why}")
        self.why = why


def answers_in(strategy: Any, params: Mapping[str, Any], lines: Lines, settings: Mapping[str, Any]) -> Answers:
    """What the rules of the class ``strategy`` say on every bar, or its signals."""
    if issubclass(strategy, Rules) and strategy.by_rules(params):
        return answers_of(Rulebook.of(params, lines.names, settings), lines)
    return Answers.of_signals(signals_of(strategy, params, lines), len(lines))


def signals_of(strategy: Any, params: Mapping[str, Any], lines: Lines) -> Signals:
    """What the class ``strategy`` says of all bars, asked without backtrader.

    Raises
    ------
    NotCompiledError
        If it asks for more than ``lines`` and its parameters.
    """
    asked: Any = object.__new__(strategy)
    asked.p = asked.params = SimpleNamespace(**params)
    try:
        made = asked.signals(lines)
    except AttributeError as err:
        if err.obj is asked or err.obj is strategy.lines:
            text = f"strategy {strategy.__name__} reads self.{err.name} in signals(), which only backtrader has"
            raise NotCompiledError(text) from None
        raise
    return made  # type: ignore[no-any-return]

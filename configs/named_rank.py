"""``portfolio.rank`` with the names that the rules beside it give to expressions and numbers."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_DEEPEST = 20
"""Names within names; more are a circle, which the rules themselves complain of."""


def in_full(text: Any, params: Mapping[str, Any]) -> Any:
    """An expression with what stands under its names in their place; as it is where there is nothing to put in.

    Parameters
    ----------
    text : object
        The expression; what is no text, or none, is told elsewhere.
    params : mapping
        Of the strategy: ``names`` and ``values`` of rules.

    Examples
    --------
    >>> in_full("-mom", {"names": {"mom": "change(close, reach) / close"}, "values": {"reach": 12}})
    '-(change(close, 12) / close)'
    >>> in_full("close", {"names": {"mom": "close"}}), in_full(None, {})
    ('close', None)
    """
    named = {kind: own if isinstance(own := params.get(kind), Mapping) else {} for kind in ("names", "values")}
    try:
        tree = ast.parse(text.strip(), mode="eval") if isinstance(text, str) else None
        known = {
            name: ast.parse(str(own).strip(), mode="eval").body for kind in named.values() for name, own in kind.items()
        }
        if tree is None or not any(isinstance(node, ast.Name) and node.id in known for node in ast.walk(tree)):
            return text
        return ast.unparse(_Spelled(known).visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


class _Spelled(ast.NodeTransformer):
    """Puts expressions where their names stand."""

    def __init__(self, known: Mapping[str, ast.expr], depth: int = 0) -> None:
        self._known, self._depth = known, depth

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """What stands under a name."""
        if node.id not in self._known or self._depth >= _DEEPEST:
            return node
        return _Spelled(self._known, self._depth + 1).visit(deepcopy(self._known[node.id]))  # type: ignore[no-any-return]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The arguments alone: functions have names of their own."""
        node.args = [self.visit(argument) for argument in node.args]
        return node

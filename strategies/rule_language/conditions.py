"""The conditions that a rule joins by `and`, each as text of its own."""

from __future__ import annotations

import ast


def conditions_of(text: str) -> list[str]:
    """What has to be true at once for a rule to be, as it is written.

    Examples
    --------
    >>> conditions_of("close > open and (delta > 0 and not wide) and volume > 3 or flat")
    ['close > open and (delta > 0 and not wide) and volume > 3 or flat']
    >>> conditions_of("close > open and (delta > 0 and not wide)")
    ['close > open', 'delta > 0', 'not wide']
    """
    line = " ".join(text.strip().splitlines())
    return [ast.get_source_segment(line, part) or "" for part in _parts(ast.parse(line, mode="eval").body)]


def _parts(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [part for value in node.values for part in _parts(value)]
    return [node]

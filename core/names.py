"""The names a rule may use: feed columns and indicators' lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Names:
    """What an expression may refer to.

    Parameters
    ----------
    columns : tuple of str
        Columns of the traded feed, by their own names.
    lines : mapping of str to tuple of str
        Each indicator's lines, main line first; a bare indicator name is its first line.
    """

    columns: tuple[str, ...] = ()
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


FUNCTIONS = ("abs", "sqrt", "log", "sign", "min", "max")
"""Functions an expression may call; nothing else may take these names."""

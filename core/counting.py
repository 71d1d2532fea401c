"""Counts in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """A count and what is counted, which is ``one`` or ``many``; ``many`` is ``one`` with an s, unless said.

    Examples
    --------
    >>> counted(1, "order was", "orders were"), counted(2_500, "bar")
    ('1 order was', '2,500 bars')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"

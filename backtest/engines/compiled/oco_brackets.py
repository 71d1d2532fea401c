"""Orders that hang together: one cancels the others, children wait for their parent; and how an order ends."""

from __future__ import annotations

from ....core.kernels import njit_inline, njit_internal
from .state import (
    ACCEPTED,
    ACTIVE,
    BEFORE,
    CANCELED,
    CHILDREN,
    GONE,
    GROUP_ROUND,
    GROUP_SIZE,
    LEADER,
    NEWS,
    PARENT,
    PARTIAL,
    RESTING,
    ROUND,
    STATUS,
    Book,
    Integers,
)


@njit_inline
def rests(status: int) -> bool:
    """Whether an order of this status is in the market."""
    return status in (ACCEPTED, PARTIAL)


@njit_inline
def end(whole: Integers, k: int, status: int, heard: int) -> None:
    """Give order ``k`` its last status, of which the strategy hears on bar ``heard``."""
    whole[k, BEFORE] = whole[k, STATUS]
    whole[k, STATUS] = status
    whole[k, NEWS] = heard


@njit_internal
def _cancel_group(book: Book, k: int, number: int, heard: int) -> None:
    """Cancel what rests of the group of order ``k`` as it was known by ``number``."""
    whole, _, queue, _, count, _, _ = book
    for q in range(count[RESTING]):
        j = queue[q]
        if j != k and whole[j, LEADER] == whole[k, LEADER] and whole[j, ROUND] == number and rests(whole[j, STATUS]):
            end(whole, j, CANCELED, heard)


@njit_inline
def cancel_others(book: Book, k: int, heard: int) -> None:
    """Cancel what rests of the group of order ``k``, which begins anew."""
    whole = book[0]
    leader = whole[k, LEADER]
    members, number = whole[leader, GROUP_SIZE], whole[leader, GROUP_ROUND]
    whole[leader, GROUP_SIZE] = 0
    whole[leader, GROUP_ROUND] = number + 1
    if members > 1 or (members == 1 and whole[k, ROUND] != number):
        _cancel_group(book, k, number, heard)


@njit_internal
def cancel_family(book: Book, k: int, heard: int) -> None:
    """End the bracket of order ``k``: its parent, its children, and any child still to come."""
    whole = book[0]
    parent = whole[k, PARENT] if whole[k, PARENT] >= 0 else k
    if whole[parent, GONE]:
        return
    for j in range(parent, parent + whole[parent, CHILDREN] + 1):
        if j != k and rests(whole[j, STATUS]):
            end(whole, j, CANCELED, heard)
            cancel_others(book, j, heard)
    whole[parent, GONE] = 1


@njit_inline
def complete(book: Book, k: int, bar: int) -> None:
    """What the completion of order ``k`` means to its bracket: children wake on the next bar, siblings go."""
    whole = book[0]
    if whole[k, PARENT] >= 0:
        cancel_family(book, k, bar)
        return
    for j in range(k + 1, k + whole[k, CHILDREN] + 1):
        whole[j, ACTIVE] = bar + 1


@njit_internal
def cancel(book: Book, k: int, heard: int) -> None:
    """The strategy's own cancelling, told on bar ``heard``; what it sent on the same bar is not in the market yet."""
    whole = book[0]
    if not rests(whole[k, STATUS]):
        return
    end(whole, k, CANCELED, heard)
    cancel_others(book, k, heard)
    cancel_family(book, k, heard)

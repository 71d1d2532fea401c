"""Orders that hang together: one cancels the others, children wait for their parent; and how an order ends."""

from __future__ import annotations

from ....core.kernels import njit_inline, njit_internal
from . import state as at
from .state import Book, Integers


@njit_inline
def rests(status: int) -> bool:
    """Whether an order of this status is in the market."""
    return status in (at.ACCEPTED, at.PARTIAL)


@njit_inline
def end(whole: Integers, k: int, status: int, heard: int) -> None:
    """Give order ``k`` its last status, of which the strategy hears on bar ``heard``."""
    whole[k, at.BEFORE] = whole[k, at.STATUS]
    whole[k, at.STATUS] = status
    whole[k, at.NEWS] = heard


@njit_inline
def accept(book: Book, k: int, heard: int) -> None:
    """Let order ``k`` into the market, behind what rests there; the strategy hears of it on bar ``heard``."""
    whole, queue, count = book[0], book[2], book[4]
    whole[k, at.STATUS], whole[k, at.NEWS] = at.ACCEPTED, heard
    queue[count[at.RESTING]] = k
    count[at.RESTING] += 1


@njit_internal
def _cancel_group(book: Book, k: int, number: int, heard: int) -> None:
    """Cancel what rests of the group of order ``k`` as it was known by ``number``."""
    whole, _, queue, _, count, _, _ = book
    for q in range(count[at.RESTING]):
        j = queue[q]
        if (
            j != k
            and whole[j, at.LEADER] == whole[k, at.LEADER]
            and whole[j, at.ROUND] == number
            and rests(whole[j, at.STATUS])
        ):
            end(whole, j, at.CANCELED, heard)


@njit_inline
def cancel_others(book: Book, k: int, heard: int) -> None:
    """Cancel what rests of the group of order ``k``, which begins anew."""
    whole = book[0]
    leader = whole[k, at.LEADER]
    members, number = whole[leader, at.GROUP_SIZE], whole[leader, at.GROUP_ROUND]
    whole[leader, at.GROUP_SIZE] = 0
    whole[leader, at.GROUP_ROUND] = number + 1
    if members > 1 or (members == 1 and whole[k, at.ROUND] != number):
        _cancel_group(book, k, number, heard)


@njit_internal
def cancel_family(book: Book, k: int, heard: int) -> None:
    """End the bracket of order ``k``: its parent, its children, and any child still to come."""
    whole = book[0]
    parent = whole[k, at.PARENT] if whole[k, at.PARENT] >= 0 else k
    if whole[parent, at.GONE]:
        return
    for j in range(parent, parent + whole[parent, at.CHILDREN] + 1):
        if j != k and rests(whole[j, at.STATUS]):
            end(whole, j, at.CANCELED, heard)
            cancel_others(book, j, heard)
    whole[parent, at.GONE] = 1


@njit_inline
def complete(book: Book, k: int, bar: int) -> None:
    """What the completion of order ``k`` means to its bracket: children wake on the next bar, siblings go."""
    whole = book[0]
    if whole[k, at.PARENT] >= 0:
        cancel_family(book, k, bar)
        return
    for j in range(k + 1, k + whole[k, at.CHILDREN] + 1):
        whole[j, at.ACTIVE] = bar + 1


@njit_internal
def cancel(book: Book, k: int, heard: int) -> None:
    """The strategy's own cancelling, told on bar ``heard``; what it sent on the same bar is not in the market yet."""
    whole = book[0]
    if not rests(whole[k, at.STATUS]):
        return
    end(whole, k, at.CANCELED, heard)
    cancel_others(book, k, heard)
    cancel_family(book, k, heard)
